"""Decides how trades become bars of equal length in receive time.

Invariants: a bar covers [start, start + interval) and starts at a multiple of the interval, counted from 1970 UTC plus an offset;
its volume is every trade's, its prices those of trades without an excluded condition, or of all its trades when none is without;
building tick by tick, block by block and over a whole table gives equal bars; an interval without a trade has no bar.
Source: OHLCV convention; excluded sale conditions as in the consolidated-tape rules for high, low and last.
"""

from __future__ import annotations

import numpy as np

from domain.events.market import BarClosed
from domain.terms import TickKind
from domain.ticks import CONDITIONS, INSTRUMENT, KIND, PX, QTY, RECV_NS, TRADE, Columns, Ticks, table

NEVER_NS = 2**63 - 1


def bars_of(ticks: Ticks, interval_ns: int, *, offset_ns: int = 0, exclude_conditions: int = 0) -> Ticks:
    """The bars of all instruments in a table, as a table ordered by bar end, then instrument; both times of a bar are its end.

    Prices and volume in the instrument's units; `exclude_conditions` is a mask of sale-condition bits.
    """
    cols = ticks.cols[:, ticks.kind == TRADE]
    ends = _ends(cols[RECV_NS], interval_ns, offset_ns)
    order = np.lexsort((cols[INSTRUMENT], ends))
    cols, ends = cols[:, order], ends[order]
    inst = cols[INSTRUMENT]
    new = (ends[1:] != ends[:-1]) | (inst[1:] != inst[:-1])
    starts = np.concatenate(([0], np.flatnonzero(new) + 1)) if len(ends) else np.zeros(0, dtype=np.int64)
    if not len(starts):
        return table(TickKind.BAR, 0, [], [])
    clean = (cols[CONDITIONS] & exclude_conditions) == 0
    lengths = np.diff(np.append(starts, len(ends)))
    priced = clean | np.repeat(~np.logical_or.reduceat(clean, starts), lengths)
    group = np.repeat(np.arange(len(starts)), lengths)[priced]
    px = cols[PX, priced]
    first = np.concatenate(([0], np.flatnonzero(group[1:] != group[:-1]) + 1))
    last = np.append(first[1:], len(px)) - 1
    return table(
        TickKind.BAR, inst[starts], ends[starts], ends[starts],
        px[first], np.maximum.reduceat(px, first), np.minimum.reduceat(px, first), px[last],
        np.add.reduceat(cols[QTY], starts), np.full(len(starts), interval_ns, dtype=np.int64),
    )  # fmt: skip


def _ends(recv_ns: Columns, interval_ns: int, offset_ns: int) -> Columns:
    return (recv_ns - offset_ns) // interval_ns * interval_ns + (offset_ns + interval_ns)


class BarBuilder:
    """Builds the bars of one instrument as its trades come. `boundary_ns` is the end of the open bar, `NEVER_NS` while none is open."""

    __slots__ = ("_any", "_clean", "_volume", "boundary_ns", "exclude_conditions", "instrument", "interval_ns", "offset_ns")

    def __init__(self, instrument: int, interval_ns: int, exclude_conditions: int = 0, offset_ns: int = 0) -> None:
        self.instrument = instrument
        self.interval_ns = interval_ns
        self.exclude_conditions = exclude_conditions
        self.offset_ns = offset_ns
        self._reset()

    def _reset(self) -> None:
        self.boundary_ns = NEVER_NS
        self._clean: tuple[int, int, int, int] | None = None
        self._any: tuple[int, int, int, int] | None = None
        self._volume = 0

    def add(self, ticks: Ticks, start: int, stop: int) -> int:
        """Fold the instrument's trades among ticks start..stop, opening a bar at the first when none is open.

        Returns the index of the first tick at or past the boundary, which is left for after `close`, or `stop`.
        """
        if self.boundary_ns == NEVER_NS:
            start = self._open(ticks, start, stop)
        recv = ticks.cols[RECV_NS, start:stop]
        end = start + int(np.searchsorted(recv, self.boundary_ns, "left"))
        part = ticks.cols[:, start:end]
        part = part[:, (part[KIND] == TRADE) & (part[INSTRUMENT] == self.instrument)]
        if part.shape[1]:
            self._volume += int(part[QTY].sum())
            self._any = _joined(self._any, part[PX])
            self._clean = _joined(self._clean, part[PX, (part[CONDITIONS] & self.exclude_conditions) == 0])
        return end

    def _open(self, ticks: Ticks, start: int, stop: int) -> int:
        cols = ticks.cols[:, start:stop]
        found = np.flatnonzero((cols[KIND] == TRADE) & (cols[INSTRUMENT] == self.instrument))
        if not len(found):
            return stop
        at = start + int(found[0])
        self.boundary_ns = int(_ends(ticks.cols[RECV_NS, at : at + 1], self.interval_ns, self.offset_ns)[0])
        return at

    def close(self, ns: int | None = None) -> BarClosed | None:
        """The open bar, told at `ns` (its end by default), and none is open any more; None when none was."""
        prices = self._clean or self._any
        if prices is None:
            return None
        end = self.boundary_ns
        bar = BarClosed(end if ns is None else ns, 0, end, self.instrument, *prices, self._volume, self.interval_ns)
        self._reset()
        return bar


def _joined(before: tuple[int, int, int, int] | None, px: Columns) -> tuple[int, int, int, int] | None:
    """Open, high, low, close with more prices after them."""
    if not len(px):
        return before
    high, low, last = int(px.max()), int(px.min()), int(px[-1])
    if before is None:
        return int(px[0]), high, low, last
    return before[0], max(before[1], high), min(before[2], low), last
