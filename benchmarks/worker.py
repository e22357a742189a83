"""One measurement of Reenact in its own process: a simulated session with everything recorded and every rule on, then its re-enactment.

`run_s` is the honest figure: from the start of the runtime until every commit is durable, with the ticks in memory as columns.
`total_s` adds making the log file, opening the session and closing the log. `loop_s` is the runtime's loop alone.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from adapters.feeds.arrays import ArrayFeed
from adapters.feeds.protocol import BLOCK
from adapters.logs.background import BackgroundLog
from adapters.venues.settings import VenueSettings
from adapters.venues.simulated import SimulatedVenue
from benchmarks import workloads
from benchmarks.result import Stopwatch, peak_rss_mib, tell
from benchmarks.strategies import strategy_for
from domain.events import Balance, SessionOpened, StrategySpec
from domain.instrument import Instrument, instrument
from domain.replay import Replay
from domain.risk import limits_of
from domain.terms import Scope, TickKind
from domain.ticks import Ticks, table
from reenact.blame import blamed
from reenact.compiled import built, check_fresh
from reenact.logs import open_log
from reenact.runtime import Runtime

SESSION = "benchmark-1"
OPENING_USD = 1_000_000
LATENCY_NS = {"same": 0, "next": 1}
"""Without latency an order fills at the tick that caused it; one nanosecond later only the next tick is there to trade with."""


def opening(workload: str, form: str, first_ns: int) -> SessionOpened:
    """The session's first event: instruments as in the streams, limits that bind and that this workload stays within."""
    n = workloads.instruments_of(workload)
    specs: tuple[Instrument, ...] = tuple(instrument(f"SYM{i}", price_digits=2, qty_digits=3, lot_size="0.001") for i in range(n))
    unit = workloads.UNIT_QTY
    digits = specs[0].amt_digits
    numbers = {
        "max_order_qty": 2 * unit, "max_order_value": 1_000 * 10**digits, "collar_bps": 500, "max_long": 2 * unit, "max_short": 2 * unit,
        "max_age": 5 * 10**9,
    }  # fmt: skip
    limits = tuple(limits_of(Scope.INSTRUMENT, [i.symbol for i in specs], {name: (n,) for name, n in numbers.items()}))
    spec = StrategySpec(f"{workload} {form}", "benchmarks.strategies", "", "", "{}", tuple(range(n)))
    cash = Balance("USD", OPENING_USD * 10**digits, digits)
    return SessionOpened(first_ns, 0, SESSION, "simulated", "benchmark", "{}", 1, specs, limits, (spec,), (cash,))


def columns(records: workloads.Records) -> Ticks:
    """Ticks as the engine takes them."""
    return table(TickKind.TRADE, records["inst"], records["ts"], records["ts"], records["px"], records["qty"], records["side"])


def streamed(path: Path, n: int) -> Iterator[Ticks]:
    """The ticks of a file, read while the session runs."""
    return map(columns, workloads.pieces(path, BLOCK, n))


def verify(store: BackgroundLog, workload: str, form: str) -> tuple[Stopwatch, Replay]:
    """Re-enact the recorded session and compare every decision."""
    replay = Replay(SESSION, lambda _: [strategy_for(workload, form)])
    with Stopwatch() as watch, blamed():
        for _ in replay.follow(store.read(SESSION)):
            pass
    return watch, replay


def measure(workload: str, form: str, fill: str, path: Path, n: int, log: str, *, stream: bool, with_verify: bool) -> dict[str, object]:
    """Run, record, re-enact; the result as `benchmarks.run` reads it."""
    first_ns = int(next(workloads.pieces(path, 1))["ts"][0])
    blocks: Iterable[object] = streamed(path, n) if stream else ArrayFeed([columns(workloads.load(path, n))]).blocks()
    before_mib = peak_rss_mib()
    with Stopwatch() as total, BackgroundLog(open_log(log, create=True)) as store:
        opened = opening(workload, form, first_ns)
        venue = SimulatedVenue(opened.instruments, VenueSettings(latency_out_ns=LATENCY_NS[fill]), opened.seed)
        written = [0]

        def put(number: int, record: bytes) -> None:
            written[0] += len(record)
            store.append(SESSION, number, [record])

        runtime = Runtime(opened, [strategy_for(workload, form)], venue, put)
        with Stopwatch() as run:
            with Stopwatch() as loop, blamed():
                runtime.run(blocks)  # type: ignore[arg-type]
            store.flush()
        run_mib = peak_rss_mib()
        checked = verify(store, workload, form) if with_verify else None
    verify_s = checked[0].wall_s if checked else 0.0
    desk = runtime.engine.desk
    digits = opened.instruments[0].amt_digits
    amt = desk.equity("USD") - opened.balances[0].amt
    return {
        "engine": "reenact", "workload": workload, "form": form, "fill": fill, "log": log.split(":", 1)[0], "ticks": runtime.counts.ticks,
        "run_s": run.wall_s, "run_cpu_s": run.cpu_s, "loop_s": loop.wall_s, "total_s": total.wall_s - verify_s, "verify_s": verify_s,
        "orders": desk.sent_n, "denied": desk.denied_n, "fills": desk.state.fills, "pnl": amt / 10**digits, "events": runtime.journal.seq,
        "commits": runtime.counts.commits, "log_mib": written[0] / (1 << 20), "verified_events": checked[1].progress.events if checked else 0,
        "before_mib": before_mib, "run_mib": run_mib, "compiled": len(built()),
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("workload", choices=["w0", "w1", "w2", "w3"])
    parser.add_argument("--form", choices=["scan", "plain"], default="scan", help="a strategy that looks ahead, or one called tick by tick")
    parser.add_argument("--fill", choices=["same", "next"], default="same", help="at which tick orders fill")
    parser.add_argument("--log", choices=["sqlite", "memory"], default="sqlite")
    parser.add_argument("--ticks", type=Path, required=True, help="the file of the stream")
    parser.add_argument("--n", type=int, default=0, help="the first n ticks only")
    parser.add_argument("--stream", action="store_true", help="read the file while running, so that memory holds a block only")
    parser.add_argument("--no-verify", action="store_true")
    args = parser.parse_args()
    check_fresh()
    scratch = Path(tempfile.mkdtemp(dir=args.ticks.parent, prefix="log-"))
    try:
        log = f"sqlite://{scratch / 'log.db'}" if args.log == "sqlite" else "memory://"
        tell(
            **measure(args.workload, args.form, args.fill, args.ticks, args.n, log, stream=args.stream, with_verify=not args.no_verify),
            version=sys.version.split()[0],
        )
    finally:
        shutil.rmtree(scratch)


if __name__ == "__main__":
    main()
