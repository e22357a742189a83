"""What the risk rules cost: the way of an order with the first rules of the engine, with every rule, with each one by itself, and memory per symbol.

`python -m benchmarks.rules` plays W3 (an order every ten ticks, recorded into SQLite) and prints microseconds an order as the best of some rounds;
the ratio "every rule / the first rules" is the requirement (at most 2): of W3 as it is played, its ten ticks an order included, by a strategy that
looks ahead and by one that is called for every tick, and of an order alone, less what its ticks cost by themselves.
"""

from __future__ import annotations

import argparse
import gc
import json
import tempfile
import time
import tracemalloc
from collections.abc import Sequence
from pathlib import Path

import msgspec

from adapters.logs import EventLog
from adapters.logs.background import BackgroundLog
from adapters.logs.memory import MemoryLog
from adapters.logs.sqlite import SqliteLog
from adapters.venues.settings import VenueSettings
from adapters.venues.simulated import SimulatedVenue
from benchmarks import workloads
from benchmarks.run import ROOT
from benchmarks.strategies import strategy_for
from benchmarks.worker import columns, opening
from domain.desk import Desk
from domain.events import SessionOpened, StrategySpec
from domain.instrument import instrument
from domain.journal import Journal
from domain.limits import OFF, Limit
from domain.risk import RULES, WIDTH, Rule
from domain.terms import OrderType, Scope, Side, TickKind, TimeInForce
from domain.ticks import Ticks, table
from reenact.compiled import built, check_fresh
from reenact.runtime import Runtime

FIRST = frozenset({"R-01", "R-03", "R-04", "R-07", "R-20"})
"""The rules with limits that the engine had at first; those without limits always run."""
SECOND = 10**9
WIDE = {
    "qty": (10**9,), "amt": (10**15,), "px": (10**9,), "bps": (9_999,), "ns": (5 * SECOND,), "count": (10**6,), "ratio": (10**9,),
    "time": (OFF,), "rate": (10_000, SECOND), "hours": (0, 24 * 60), "state": (0,), "flag": (1,), "types": (2**7 - 1,),
}  # fmt: skip
"""By unit: limits that bind, and that no order of W3 reaches."""
FAR = 4_000_000_000 * SECOND
"""In the year 2096."""
OWN: dict[str, tuple[int, ...]] = {
    "restricted_from": (FAR,), "restricted_until": (FAR + 1,), "expires": (FAR,), "duplicate_window": (1,), "self_trade": (1,),
    "margin_bps": (1,), "require_locate": (OFF,), "exclusive": (1,), "wash_window": (1,), "spoof_window": (1,),
}  # fmt: skip
"""Parameters that need another number to bind without denying."""
SYMBOLS = 1_000


def limits_for(rules: Sequence[Rule], symbols: Sequence[str], strategy: str) -> tuple[Limit, ...]:
    """One limit per rule, at the rule's first scope."""
    members = {Scope.ACCOUNT: (), Scope.INSTRUMENT: tuple(symbols), Scope.STRATEGY: (strategy,), Scope.VENUE: ("SIM",), Scope.CLASS: ("equity",)}
    made: list[Limit] = []
    for rule in rules:
        if rule.params:
            values = tuple(n for p in rule.params for n in OWN.get(p.name, WIDE[p.unit]))
            assert len(values) == sum(WIDTH[p.unit] for p in rule.params)
            made.append(Limit(len(made) + 1, rule.id, rule.scopes[0], members[rule.scopes[0]], values))
    return tuple(made)


def opened_with(rules: Sequence[Rule], first_ns: int) -> SessionOpened:
    """W3 under these rules."""
    base = opening("w3", "scan", first_ns)
    spec = msgspec.structs.replace(base.strategies[0], owner="ada")
    return msgspec.structs.replace(
        base, strategies=(spec,), limits=limits_for(rules, [i.symbol for i in base.instruments], base.strategies[0].name)
    )  # fmt: skip


def play(blocks: list[Ticks], rules: Sequence[Rule], log: EventLog, session: str, form: str = "scan") -> tuple[float, int]:
    """Seconds and orders of one session."""
    opened = msgspec.structs.replace(opened_with(rules, int(blocks[0].recv_ns[0])), session=session)
    venue = SimulatedVenue(opened.instruments, VenueSettings(), opened.seed)
    runtime = Runtime(opened, [strategy_for("w3", form)], venue, lambda number, record: log.append(session, number, [record]))
    gc.collect()
    started = time.perf_counter()
    runtime.run(iter(blocks))
    if isinstance(log, BackgroundLog):
        log.flush()
    spent = time.perf_counter() - started
    desk = runtime.engine.desk
    assert not desk.denied_n, "a limit of the benchmark denies"
    return spent, desk.sent_n


def idle(blocks: list[Ticks]) -> float:
    """Seconds of the same ticks without any order."""
    opened = opening("w0", "scan", int(blocks[0].recv_ns[0]))
    venue = SimulatedVenue(opened.instruments, VenueSettings(), opened.seed)
    log = MemoryLog()
    runtime = Runtime(opened, [strategy_for("w0", "scan")], venue, lambda number, record: log.append(opened.session, number, [record]))
    started = time.perf_counter()
    runtime.run(iter(blocks))
    return time.perf_counter() - started


def fresh(blocks: list[Ticks]) -> list[Ticks]:
    """The same ticks, nothing remembered about them."""
    return [Ticks(b.cols) for b in blocks]


PLAIN = "called for every tick, "


def per_order(ticks: Ticks, folder: Path, rounds: int, single: bool) -> tuple[dict[str, float], dict[str, float]]:
    """Microseconds an order, the best of the rounds: with its ten ticks, and less what these cost by themselves."""
    blocks = [ticks.slice(i, min(i + 8192, len(ticks))) for i in range(0, len(ticks), 8192)]
    sets = {"no rule with a limit": [], "the first rules": [r for r in RULES if r.id in FIRST], "every rule": list(RULES)}
    if single:
        sets |= {f"{rule.id} {rule.code}": [rule] for rule in RULES if rule.params}
    plays = [(name, rules, "scan") for name, rules in sets.items()]
    plays += [(PLAIN + name, sets[name], "plain") for name in ("the first rules", "every rule")]
    best: dict[str, float] = {name: float("inf") for name, _, _ in plays}
    ticks_alone = min(idle(fresh(blocks)) for _ in range(rounds))
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        for k in range(rounds):
            for n, (name, rules, form) in enumerate(plays):
                with BackgroundLog(SqliteLog(Path(scratch) / f"{k}-{n}.db")) as log:
                    spent, orders = play(fresh(blocks), rules, log, f"rules-{k}-{n}", form)
                best[name] = min(best[name], spent / orders * 1e6)
    alone = ticks_alone * workloads.EVERY / len(ticks) * 1e6
    return best, {name: us - alone for name, us in best.items() if not name.startswith(PLAIN)}


def bytes_per_symbol(rules: Sequence[Rule]) -> tuple[float, float]:
    """Bytes a symbol of what the risk room knows: when the session opens, and after one order in every symbol."""
    specs = tuple(instrument(f"S{i}", price_digits=2, qty_digits=3, lot_size="0.001") for i in range(SYMBOLS))
    symbols = [s.symbol for s in specs]
    base = opening("w3", "scan", workloads.START_NS)
    strategy = StrategySpec("s", "", "", "", "{}", tuple(range(SYMBOLS)), owner="ada")
    limits = limits_for(rules, symbols, "s")

    def held(limits: tuple[Limit, ...], orders: bool) -> float:
        opened = msgspec.structs.replace(base, instruments=specs, strategies=(strategy,), limits=limits)
        gc.collect()
        tracemalloc.start()
        desk = Desk(opened, Journal("m"))
        if orders:
            at = [opened.ns + 1] * (2 * SYMBOLS)
            desk.market.enter(table(TickKind.TRADE, [i % SYMBOLS for i in range(2 * SYMBOLS)], at, at, 10_000, 1_000, int(Side.BUY)))
            desk.index = 2 * SYMBOLS - 1
            for i in range(SYMBOLS):
                desk.submit(0, i, Side.BUY, 1_000, OrderType.LIMIT, 10_000, 0, 0, TimeInForce.GTC, 0, False, False, "")
            assert desk.sent_n == SYMBOLS, "a limit of the benchmark denies"
        desk.journal._clear()  # noqa: SLF001 (the events themselves belong to the log)
        desk.outbox.clear()
        gc.collect()
        size, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return size / SYMBOLS

    return held(limits, orders=False) - held((), orders=False), held(limits, orders=True) - held((), orders=True)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.rules", description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--work", type=Path, default=ROOT / "build" / "bench")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--ticks", type=int, default=200_000)
    parser.add_argument("--single", action="store_true", help="also each rule by itself")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    check_fresh()
    ticks = columns(workloads.load(workloads.prepare(args.work, "w1", workloads.MILLION), args.ticks))
    played, cost = per_order(ticks, args.work, args.rounds, args.single)
    at_opening, after_orders = bytes_per_symbol(RULES)
    ratios = {
        "W3, called for every tick": played[PLAIN + "every rule"] / played[PLAIN + "the first rules"],
        "W3, looking ahead": played["every rule"] / played["the first rules"],
        "an order alone": cost["every rule"] / cost["the first rules"],
    }
    found = {
        "compiled": len(built()),
        "us per order with its ticks": played,
        "us per order": cost,
        "ratios": ratios,
        "bytes per symbol": {"opened": at_opening, "one order each": after_orders},
    }
    if args.json:
        print(json.dumps(found, indent=1))
        return
    none = cost["no rule with a limit"]
    print(f"{'µs an order':>12}  {'more':>6}  rules (hot path {'compiled' if built() else 'in plain Python'})")
    for name, us in cost.items():
        print(f"{us:12.2f}  {us - none:6.2f}  {name}")
    for name, ratio in ratios.items():
        print(f"every rule / the first rules, {name}: {ratio:.2f} (at most 2): {'met' if ratio <= 2 else 'MISSED'}")
    print(f"memory: {at_opening:,.0f} bytes a symbol when the session opens, {after_orders:,.0f} after an order in each of {SYMBOLS:,}")


if __name__ == "__main__":
    main()
