"""Sessions that keep snapshots, and a process that resumes one of them: `snapshot_sessions.py FOLDER NAME SNAPSHOT...`."""

from __future__ import annotations

import json
import shutil
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from adapters.feeds import synthetic as market
from reenact import compose, config
from reenact.logs import open_log
from reenact.runtime import CommitPolicy, Counts
from reenact.snapshots import Snapshots
from tests.golden.sessions import CROSS, LIMITS, SYNTHETIC, session, synthetic

POLICY = CommitPolicy(ticks=300, events=80)
HELPER = """
from dataclasses import dataclass, field

@dataclass
class Memory:
    seen: dict[int, list[int]] = field(default_factory=dict)
    odd: set[str] = field(default_factory=set)

    def note(self, i, px):
        self.seen.setdefault(i, []).append(px)
        if px % 2:
            self.odd.add(str(px))
"""
MINE = """
from collections import deque
from decimal import Decimal

import numpy as np
import reenact
from helper import Memory


class Fidget(reenact.Strategy):
    def __init__(self, size: int = 1):
        self.size = size
        self.memory = Memory()
        self.last = deque(maxlen=7)
        self.mean = np.zeros(3)
        self.cash = Decimal(0)
        self.say = self.memory.note
        self.ids = []

    def on_start(self, ctx):
        ctx.set_timer("wake", ctx.now_ns + 10**9)

    def on_tick(self, ctx, tick):
        if isinstance(tick, reenact.TradePrinted):
            self.say(tick.instrument, tick.px)
            self.last.append(tick.px)
            self.mean[tick.instrument] += 0.5
            if ctx.chance.happens(8_000):
                self.ids.append(ctx.buy(tick.instrument, self.size, limit_px=tick.px - 1, reason=f"{len(self.memory.odd)} odd"))

    def on_fill(self, ctx, fill):
        self.cash += fill.last_px
        if ctx.chance.integer(0, 1):
            ctx.sell(0, self.size, stop_px=fill.last_px - 3, reason=f"{self.cash} {sum(self.last)} {self.mean[0]}")

    def on_timer(self, ctx, name):
        if self.ids:
            ctx.cancel(self.ids.pop(0), "tired")
        ctx.set_timer(name, ctx.now_ns + 10**9 + ctx.chance.integer(0, 10**9))
"""
OWN_RULE = '''
import reenact
from reenact import Bound, Check, OrderFilled, Param, Proposal, Rule, Scope, answer


class Turnover:
    """What was traded, by instrument."""

    takes = (OrderFilled,)

    def __init__(self, bound, state):
        self.by = {}
        self.seen = 0

    def evolve(self, event, order, seq):
        self.by[order.instrument] = self.by.get(order.instrument, 0) + event.last_qty
        self.seen = seq


def check_turnover(p: Proposal, limit: Bound) -> Check:
    """What was traded so far and this order on top is within max_turnover. Source: desk rule."""
    so_far = sum(limit.memory.by.values())
    return answer(limit, so_far + p.qty <= limit.most, so_far, limit.most, limit.memory.seen)


TURNOVER = Rule("U-01", "TURNOVER", "qty", check_turnover, (Param("max_turnover", "qty", "most units traded"),), (Scope.ACCOUNT,), memory=Turnover)
'''
GENERATING = "import reenact\n\n\nclass Odd(reenact.Strategy):\n    def on_start(self, ctx):\n        self.numbers = (n for n in range(9))\n"
OUTSIDE = """
import reenact

COUNT = [0]


class Odd(reenact.Strategy):
    def on_tick(self, ctx, tick):
        COUNT[0] += 1
"""
FEED = {
    "kind": "csv", "data": "trades", "path": "trades.csv", "symbol": "A", "time": {"column": "t", "unit": "ms"}, "price": "p", "size": "q",
}  # fmt: skip
LATE = {"latency_out": "3ms", "latency_back": "2ms", "jitter_out": "2ms", "liquidity": "displayed", "taker_fee": "0.0004"}
A, B = {"symbol": "A"}, {"symbol": "B"}
MAKER = {"name": "maker", "use": "maker", "instruments": ["B"], "params": {"size": 10, "max_inventory": 50, "requote_ticks": 12}}
SESSIONS: dict[str, dict[str, Any]] = SYNTHETIC | {
    "late": session("late", [A, B], [synthetic(data="mixed", n=9_000)], [CROSS, MAKER], venue=LATE),
    "released": session("released", [A], [synthetic(n=6_000)], [CROSS], venue=LATE, commit={"release": "after_commit", "span": "5s"}),
    "bars": session("bars", [A, B], [synthetic(mean_interval="1s")], [CROSS | {"bars": "1m"}, CROSS | {"name": "ticks"}, CROSS | {"name": "b", "bars": "7m"}]),
    "mine": session(
        "mine", [A, B], [synthetic(data="mixed", mean_interval="10ms")],
        [{"name": n, "use": "mine.py:Fidget", "params": {"size": i}} for i, n in enumerate(("one", "two"), 1)], venue=LATE,
    ),
    "own-rule": session(
        "own-rule", [A, B], [synthetic(data="mixed", n=9_000)], [CROSS, MAKER], venue=LATE, rule=[{"use": "own.py:TURNOVER"}],
        limits=LIMITS | {"max_turnover": 3_000},
    ),
    "two-feeds": session("two-feeds", [A, B], [synthetic(symbols=["A"]), synthetic(seed=9, symbols=["B"], data="quotes")], [CROSS, MAKER]),
    "bad-rows": session("bad-rows", [A], [FEED], [CROSS], on_bad_row="continue"),
    "generating": session("generating", [A], [synthetic(n=3_000)], [{"name": "odd", "use": "odd.py"}]),
    "outside": session("outside", [A], [synthetic(n=3_000)], [{"name": "odd", "use": "outside.py"}]),
}  # fmt: skip


def write_files(folder: Path) -> None:
    """The strategies and the table that the sessions name."""
    for name, text in (("mine", MINE), ("own", OWN_RULE), ("helper", HELPER), ("odd", GENERATING), ("outside", OUTSIDE)):
        (folder / f"{name}.py").write_text(text)
    rows = (f"{1_600_000_000_000 + i * 100},{'x' if i % 997 == 5 else 100 + (i * i // 7) % 13},{1 + i % 5}\n" for i in range(12_000))
    (folder / "trades.csv").write_text("t,p,q\n" + "".join(rows))


def loaded(folder: Path, name: str) -> config.SessionConfig:
    return config.from_mapping(SESSIONS[name], base=folder)


@contextmanager
def small_blocks() -> Iterator[None]:
    """Synthetic feeds in blocks of 700 ticks: snapshots stand between blocks."""
    whole, market._DRAW = market._DRAW, 700
    try:
        yield
    finally:
        market._DRAW = whole


def play(folder: Path, name: str, snapshots: Snapshots | None) -> compose.RunSummary:
    """The whole session into FOLDER/NAME.db."""
    with small_blocks():
        return compose.run(loaded(folder, name), log=f"sqlite://{folder}/{name}.db", policy=policy(name), snapshots=snapshots)


def policy(name: str) -> CommitPolicy | None:
    return None if name == "released" else POLICY


def records(path: Path, name: str) -> list[bytes]:
    with open_log(f"sqlite://{path}") as log:
        return list(log.read(f"{name}-1"))


def cut(folder: Path, name: str, keep: int) -> Path:
    """A copy of the session's log without the commits after `keep`."""
    path = folder / f"{name}-cut.db"
    shutil.copy(folder / f"{name}.db", path)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("DELETE FROM stored_events WHERE originator_version > ?", (keep,))
        connection.commit()
    return path


def resume(
    folder: Path, name: str, path: Path, snapshots: Path, every: int = 1_000_000, made: list[int] | None = None
) -> tuple[compose.RunSummary, list[str]]:
    """Resume a log; the summary and what was said about the snapshots. `made` takes how many commits there were at each progress."""
    notes: list[str] = []
    kept = Snapshots(snapshots, every, keep=10_000, note=notes.append)
    address, session = f"sqlite://{path}", f"{name}-1"

    def progress(counts: Counts, ns: int) -> None:
        if made is not None:
            made.append(counts.commits)

    with small_blocks():
        return compose.resume(loaded(folder, name), log=address, session=session, policy=policy(name), progress=progress, snapshots=kept), notes


def resumes_from(folder: Path, name: str, snapshot: Path, beyond: int) -> list[int]:
    """Cut the log some commits after the snapshot, resume from it alone, and hold the result against the whole session.

    Returns how many commits the session had after each block that was played.
    """
    number = int(snapshot.stem[-12:])
    expected = records(folder / f"{name}.db", name)
    path = cut(folder, name, min(number + beyond, len(expected) - 1))
    one = folder / f"{name}-one"
    shutil.rmtree(one, ignore_errors=True)
    one.mkdir(mode=0o700)
    shutil.copy(snapshot, one)
    made: list[int] = []
    summary, notes = resume(folder, name, path, one, made=made)
    assert notes == []
    assert summary.commits == len(expected)
    assert records(path, name) == expected
    return made


def main() -> None:
    """Resume one session from each of the snapshots named, in this process."""
    folder, name, *snapshots = sys.argv[1:]
    for n, snapshot in enumerate(snapshots):
        resumes_from(Path(folder), name, Path(snapshot), n % 3)
    sys.stdout.write(json.dumps(len(snapshots)))


if __name__ == "__main__":
    main()
