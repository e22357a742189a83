"""Decides how a session is followed by a person: the rows of its events as they are committed, ticks folded into one row per run.

Invariants: every commit is proven to follow the one before, from the session's first; the writer never waits for a follower.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import msgspec
import numpy as np

from adapters.logs import EventLog
from adapters.readable import Reader
from adapters.rules import Row
from adapters.sentences import sentence
from domain.commit import GENESIS, Commit, checked, digest
from domain.events import TICKS, BarClosed, Event, QuoteUpdated, SessionClosed, TradePrinted
from domain.ticks import BAR, QUOTE, TRADE, Ticks

FOLDED = "ticks"
_KIND_OF: dict[type[Event], int] = {TradePrinted: TRADE, QuoteUpdated: QUOTE, BarClosed: BAR}


class Wanted(msgspec.Struct, frozen=True):
    """What is shown: events from a seq on, of these classes (None: all), ticks one by one or folded."""

    from_seq: int = 1
    kinds: frozenset[type[Event]] | None = None
    each_tick: bool = False


class Tail:
    """One session as it grows. After an error of the log `rows` may be called again and goes on where it was."""

    def __init__(self, log: EventLog, session: str, wanted: Wanted, watch: Callable[[int, int], None] | None = None) -> None:
        """`watch` is told (last seq, time in ns) of the commits before those that are shown, which are read for their names and their proof."""
        self.session = session
        self.closed = False
        self._log = log
        self._wanted = wanted
        self._watch = watch
        self._reader = Reader()
        self._known = (0, 0, GENESIS)

    def rows(self, stop: Callable[[], bool] = lambda: False) -> Iterator[Row]:
        """Rows as `reenact.queries.events` gives them, and folded runs of ticks (type "ticks"), until the session is closed or `stop()`."""
        records = self._log.follow(self.session, self._known[0], lambda: self.closed or stop())
        for commit, record in checked(self.session, records, self._known):
            self._known = (commit.number, commit.last_seq, digest(record))
            self.closed = bool(commit.events) and isinstance(commit.events[-1], SessionClosed)
            if commit.last_seq < self._wanted.from_seq:
                self._pass(commit)
            else:
                yield from self._shown(commit)

    def _pass(self, commit: Commit) -> None:
        for event in commit.events:
            self._reader.note(event)
        if self._watch is not None:
            self._watch(commit.last_seq, commit.last_ns)

    def _shown(self, commit: Commit) -> Iterator[Row]:
        w = self._wanted
        for seq, part in commit.segments():
            if isinstance(part, Ticks):
                skipped = max(0, w.from_seq - seq)
                if skipped < len(part):
                    yield from self._ticks(seq + skipped, part.slice(skipped, len(part)))
                continue
            self._reader.note(part)
            if seq >= w.from_seq and (w.kinds is None or type(part) in w.kinds):
                yield self._reader.row(seq, part)

    def _ticks(self, seq: int, ticks: Ticks) -> Iterator[Row]:
        """A run of ticks: each, or one row that counts them by instrument and tells the last."""
        kinds = self._wanted.kinds
        numbers = np.arange(seq, seq + len(ticks))
        if kinds is not None and not kinds >= TICKS:
            kept = np.isin(ticks.kind, [_KIND_OF[kind] for kind in kinds if kind in TICKS])
            numbers, ticks = numbers[kept], Ticks(ticks.cols[:, kept])
        if not len(ticks):
            return
        if self._wanted.each_tick:
            for n, tick in zip(numbers.tolist(), ticks.events(), strict=True):
                yield self._reader.row(n, tick)
            return
        last = self._reader.row(int(numbers[-1]), ticks.event(len(ticks) - 1))
        found, counts = np.unique(ticks.instrument, return_counts=True)
        by = {str(self._reader.symbol(int(i))): int(n) for i, n in zip(found, counts, strict=True)}
        yield {"seq": int(numbers[0]), "to_seq": int(numbers[-1]), "type": FOLDED, "time": last["time"], "ns": last["ns"],
               "count": len(ticks), "by_instrument": by, "last": last}  # fmt: skip


def told(row: Row) -> str:
    """A row as a line for people."""
    if row["type"] != FOLDED:
        return f"{row['seq']:>8}  {row['time']:<30}  {row['type']:<22}  {sentence(row)}"
    by = ", ".join(f"{symbol} {n:,}" for symbol, n in row["by_instrument"].items())
    what = f"{row['count']:,} to {row['to_seq']} ({by}); last: {sentence(row['last'])}"
    return f"{row['seq']:>8}  {row['time']:<30}  {row['type']:<22}  {what}"
