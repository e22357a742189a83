"""Where the time goes: each stage of a tick's and of an order's way by itself, best of some repeats, without a profiler in the way."""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from adapters.logs.sqlite import SqliteLog
from adapters.venues.settings import VenueSettings
from adapters.venues.simulated import SimulatedVenue
from benchmarks import workloads
from benchmarks.run import ROOT
from benchmarks.strategies import PlainCross, ScanningIdle, strategy_for
from benchmarks.worker import columns, opening
from domain.engine import Engine
from domain.events import OrderAccepted
from domain.journal import Journal
from domain.risk import limits_of
from domain.strategy import Strategy
from domain.terms import OrderType, Scope, Side, TimeInForce
from domain.ticks import Ticks

BLOCK = 8192
BATCH = 400
REPEATS = 5
WIDE = {
    "max_order_qty": 10**6, "max_order_value": 10**12, "collar_bps": 500, "max_long": 10**9, "max_short": 10**9, "max_age": 10**18,
}  # fmt: skip


class Silent:
    """A context whose wishes go nowhere: the strategy alone is timed."""

    instruments = (0,)

    def buy(self, instrument: int, qty: int, *, reason: str = "") -> None:
        """Want nothing."""

    sell = buy


def seconds(work: Callable[[], object]) -> float:
    """How long one call takes."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def blocks_of(ticks: Ticks) -> list[Ticks]:
    return [ticks.slice(i, i + BLOCK) for i in range(0, len(ticks), BLOCK)]


def scan_all(strategy: Any, blocks: list[Ticks]) -> None:
    """A scanning strategy over all ticks, as the engine drives it."""
    ctx = Silent()
    for block in blocks:
        i, n = 0, len(block)
        while i < n:
            loud = strategy.scan(ctx, block, i, n)
            strategy.skip(ctx, block, i, loud)
            if loud < n:
                strategy.on_tick(ctx, block.event(loud))
            i = loud + 1


def call_all(strategy: Any, blocks: list[Ticks]) -> None:
    """A plain strategy over all ticks."""
    ctx = Silent()
    strategy.on_start(ctx)
    for block in blocks:
        for tick in block.events():
            strategy.on_tick(ctx, tick)


def record_all(blocks: list[Ticks]) -> None:
    """Pack, encode and hash ticks only, 16,384 to a commit."""
    journal = Journal("paths")
    for k, block in enumerate(blocks):
        journal.advance(len(block))
        journal.take(block, 0, len(block))
        if k % 2:
            journal.close(0)


def engine_for(strategy: Strategy) -> tuple[Engine, Journal]:
    """An engine whose limits let many working orders pass."""
    opened = opening("w1", "scan", workloads.START_NS)
    limits = limits_of(Scope.INSTRUMENT, [i.symbol for i in opened.instruments], {name: (n,) for name, n in WIDE.items()})
    opened = msgspec.structs.replace(opened, limits=tuple(limits))
    journal = Journal(opened.session)
    engine = Engine(opened, [strategy], journal)
    engine.start(opened)
    return engine, journal


def move_all(blocks: list[Ticks]) -> None:
    """The engine over all ticks with a strategy that wants none."""
    engine, _ = engine_for(ScanningIdle())
    for block in blocks:
        engine.run(block, 0, len(block))


def per_tick(ticks: Ticks) -> Iterator[tuple[str, float]]:
    """ns per tick of each stage."""

    def best(work: Callable[[list[Ticks]], object]) -> float:
        # Fresh views each time: what a table remembers about itself is part of the cost.
        return min(seconds(partial(work, blocks_of(ticks))) for _ in range(REPEATS)) / len(ticks) * 1e9

    yield "columns to Python lists, once per table", best(lambda blocks: [b.lists() for b in blocks])
    yield "an event object per tick", best(lambda blocks: [None for b in blocks for _ in b.events()])
    yield "engine, no strategy wants a tick", best(move_all)
    yield "SMA 20/50 looking ahead, alone", best(lambda blocks: scan_all(strategy_for("w1", "scan"), blocks))
    yield "SMA 20/50 tick by tick, alone", best(lambda blocks: call_all(PlainCross(), blocks))
    yield "record: pack, encode, hash", best(record_all)


def step_all(engine: Engine, reports: Sequence[Any]) -> None:
    """Hand reports to the engine."""
    for report in reports:
        engine.step(report)


def one_batch(ticks: Ticks, log: SqliteLog, session: str) -> dict[str, float]:
    """Seconds of each stage for BATCH orders and their ten ticks each, and of making the commit durable."""
    engine, journal = engine_for(ScanningIdle())
    desk = engine.desk
    venue = SimulatedVenue(desk.state.instruments, VenueSettings(), 1)
    n = BATCH * workloads.EVERY
    spent: dict[str, float] = {}

    def move() -> None:
        for i in range(0, n, workloads.EVERY):
            venue.next_match(ticks, i, n)
            engine.run(ticks, i, i + workloads.EVERY)
            venue.advance(ticks, i, i + workloads.EVERY)

    def submit() -> None:
        for k in range(BATCH):
            side = Side.SELL if k % 2 else Side.BUY
            desk.submit(0, 0, side, workloads.UNIT_QTY, OrderType.MARKET, 0, 0, 0, TimeInForce.GTC, 0, False, False, "")

    spent["ten ticks to the next order"] = seconds(move)
    spent["signal, checks, approval, intent"] = seconds(submit)
    now_ns = desk.now_ns
    reports: list[Any] = []

    def trade() -> None:
        for message in desk.outbox:
            venue.submit(message)
            reports.append(venue.report(now_ns))
            reports.append(venue.report(now_ns))

    spent["the simulated venue"] = seconds(trade)
    accepted = [r for r in reports if isinstance(r, OrderAccepted)]
    filled = [r for r in reports if not isinstance(r, OrderAccepted)]
    spent["acceptance folded"] = seconds(partial(step_all, engine, accepted))
    spent["fill folded"] = seconds(partial(step_all, engine, filled))
    journal.take(ticks, 0, n)
    record: list[bytes] = []
    spent["commit: pack, encode, hash"] = seconds(lambda: record.append(journal.close(now_ns)))
    spent["SQLite, FULL: one commit of these"] = seconds(lambda: log.append(session, 1, record))
    proposal, gate = desk.proposals._p, desk.risk.gate(0, 0)  # noqa: SLF001  the proposal of the last order, as the rules were handed it
    spent["of which the checks"] = seconds(lambda: [gate.check(proposal) for _ in range(BATCH)])
    return spent


def per_order(ticks: Ticks, folder: Path, batches: int) -> list[tuple[str, float]]:
    """ns per order of each stage, the best batch of each."""
    with tempfile.TemporaryDirectory(dir=folder) as scratch, SqliteLog(Path(scratch) / "log.db") as log:
        table = ticks.slice(0, BATCH * workloads.EVERY)
        runs = [one_batch(Ticks(table.cols), log, f"paths-{k}") for k in range(batches)]
    best = {stage: min(run[stage] for run in runs) / BATCH * 1e9 for stage in runs[0]}
    whole = sum(ns for stage, ns in best.items() if not stage.startswith("of which"))
    return [*best.items(), ("together", whole)]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.paths", description=__doc__)
    parser.add_argument("--work", type=Path, default=ROOT / "build" / "bench")
    parser.add_argument("--batches", type=int, default=40, help=f"batches of {BATCH} orders (default 40)")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    ticks = columns(workloads.load(workloads.prepare(args.work, "w1", workloads.MILLION)))
    found = {"ns per tick": dict(per_tick(ticks)), "ns per order": dict(per_order(ticks, args.work, args.batches))}
    if args.json:
        print(json.dumps(found, indent=1))
        return
    for title, stages in found.items():
        print(title)
        for stage, ns in stages.items():
            print(f"  {ns:10,.1f}  {stage}")


if __name__ == "__main__":
    main()
