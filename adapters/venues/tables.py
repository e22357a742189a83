"""Decides how a table of ticks is searched: by instrument and kind, and for the first price beyond a bound.

Invariants: what is derived depends on the table only and is kept in its cache; a search costs a few microseconds on any table.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from domain.ticks import ASK_PX, ASK_QTY, BAR, BID_PX, BID_QTY, HIGH_PX, INSTRUMENT, KIND, LOW_PX, PX, QUOTE, TRADE, Columns, Ticks

Rows = list[Any]
"""The rows of a table, see `Ticks.rows`."""

PRINTS: Final = 0
BIDS: Final = 1
ASKS: Final = 2
BARS: Final = 3
KIND_OF = (TRADE, QUOTE, QUOTE, BAR)
LANES_OF: dict[int, tuple[int, ...]] = {TRADE: (PRINTS,), QUOTE: (BIDS, ASKS), BAR: (BARS,)}
MOST: Final = 2**63 - 1
ANY_LOW: Final = MOST - 1
"""A low bound that every price there is lies under; an empty side of a quote has none."""

_SMALL = 16
_BLOCK = 512
_NARROW = 1 << 13


class Lane:
    """One instrument's prices of one sort in a table: `low`, `high` per entry (equal but for bars), and their extremes by block."""

    __slots__ = ("_block_high", "_block_low", "_high", "_low", "index")

    def __init__(self, index: Sequence[int], low: Columns, high: Columns) -> None:
        self.index = index
        self._low = low
        self._high = high
        starts = np.arange(0, len(low), _BLOCK)
        self._block_low = np.minimum.reduceat(low, starts)
        self._block_high = np.maximum.reduceat(high, starts)

    def first(self, start: int, low: int, high: int) -> int:
        """Index in the table of the first entry at or after `start` with low <= `low` or high >= `high`; MOST when there is none."""
        p = bisect_left(self.index, start)
        n = len(self.index)
        if p < n:
            end = min(n, (p // _BLOCK + 1) * _BLOCK)
            p = self._within(p, end, low, high)
            if p == end < n:
                b = end // _BLOCK
                found = (self._block_low[b:] <= low) | (self._block_high[b:] >= high)
                k = int(found.argmax())
                p = self._within((b + k) * _BLOCK, min(n, (b + k + 1) * _BLOCK), low, high) if found[k] else n
        return self.index[p] if p < n else MOST

    def _within(self, p: int, end: int, low: int, high: int) -> int:
        if self._low[p] <= low or self._high[p] >= high:
            return p
        found = (self._low[p:end] <= low) | (self._high[p:end] >= high)
        k = int(found.argmax())
        return p + k if found[k] else end


class Table:
    """What is known of one table of ticks. `rows` are those of `Ticks.rows`; small tables are searched one by one."""

    __slots__ = ("_cols", "_groups", "_lanes", "n", "rows", "small", "uniform")

    def __init__(self, ticks: Ticks) -> None:
        self.n = len(ticks)
        self.small = self.n <= _SMALL
        self.rows: Rows = ticks.rows()
        self._cols = ticks.cols
        self.uniform = None if self.small else ticks.uniform()
        self._groups: dict[tuple[int, int], Sequence[int]] | None = None
        self._lanes: dict[tuple[int, int], Lane | None] = {}

    def last(self, kind: int, instrument: int, start: int, stop: int) -> int:
        """Index of the last tick of a kind and an instrument in start..stop, -1 when there is none."""
        if self.uniform is not None:
            return stop - 1 if self.uniform == (kind, instrument) and stop > start else -1
        if self.small:
            kinds, instruments = self.rows[KIND], self.rows[INSTRUMENT]
            for i in range(stop - 1, start - 1, -1):
                if kinds[i] == kind and instruments[i] == instrument:
                    return i
            return -1
        index = self._index(kind, instrument)
        p = bisect_left(index, stop) - 1
        return index[p] if p >= 0 and index[p] >= start else -1

    def lasts(self, start: int, stop: int) -> list[int]:
        """Index of the last tick of every kind and instrument there is in start..stop."""
        if stop - start <= _SMALL:
            return list(range(start, stop))
        if self.uniform is not None:
            return [stop - 1]
        keys = self._cols[INSTRUMENT, start:stop] * 4 + self._cols[KIND, start:stop]
        at = np.full(int(keys.max()) + 1, -1)
        at[keys] = np.arange(start, stop)
        return at[at >= 0].tolist()

    def lane(self, lane: int, instrument: int) -> Lane | None:
        """The lane of an instrument, None when the table has no such ticks. Not for small tables."""
        key = (lane, instrument)
        if key not in self._lanes:
            self._lanes[key] = self._make_lane(lane, instrument)
        return self._lanes[key]

    def _make_lane(self, lane: int, instrument: int) -> Lane | None:
        index = self._index(KIND_OF[lane], instrument)
        if not len(index):
            return None
        at: slice | Sequence[int] = slice(None) if self.uniform is not None else index
        if lane == PRINTS:
            return Lane(index, px := self._cols[PX, at], px)
        if lane == BARS:
            return Lane(index, self._cols[LOW_PX, at], self._cols[HIGH_PX, at])
        px_row, qty_row = (BID_PX, BID_QTY) if lane == BIDS else (ASK_PX, ASK_QTY)
        px, shown = self._cols[px_row, at], self._cols[qty_row, at] > 0
        if shown.all():
            return Lane(index, px, px)
        return Lane(index, np.where(shown, px, MOST), np.where(shown, px, -MOST))

    def _index(self, kind: int, instrument: int) -> Sequence[int]:
        if self.uniform is not None:
            return range(self.n) if self.uniform == (kind, instrument) else ()
        if self._groups is None:
            self._groups = self._grouped()
        return self._groups.get((kind, instrument), ())

    def _grouped(self) -> dict[tuple[int, int], Sequence[int]]:
        keys = self._cols[INSTRUMENT] * 4 + self._cols[KIND]
        narrow = keys.astype(np.int16) if int(self._cols[INSTRUMENT].max()) < _NARROW else keys  # 16 bits sort in linear time
        order = np.argsort(narrow, kind="stable")
        arranged = keys[order]
        cuts = np.flatnonzero(np.diff(arranged)) + 1
        return {(int(arranged[p[0]]) % 4, int(arranged[p[0]]) // 4): order[p].tolist() for p in np.split(np.arange(self.n), cuts)}


def table_of(ticks: Ticks) -> Table:
    """The table of these ticks, made once."""
    found = ticks.cache.get("venue")
    if found is None:
        found = ticks.cache["venue"] = Table(ticks)
    return found
