"""What positions are valued at along a table of ticks: each instrument's marks as one series, searched and bounded without touching the ticks.

A mark is what `Market.mark_px` answers after the tick: the last print, else the middle of the last quote, else none (a price that is not
positive is none).

Invariants: a series depends on the table, and on whether the instrument had a print before it, alone; it is kept in the table's cache.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from domain.market import Market, indexes
from domain.ticks import ASK_PX, ASK_QTY, BAR, BID_PX, BID_QTY, CLOSE_PX, INSTRUMENT, KIND, PX, QUOTE, Columns, Ticks
from domain.value import Contract

SMALL: Final = 16
"""Tables up to this length are walked; nothing is derived from them."""
ROOM: Final = 1 << 61
"""Sums of two numbers below this fit into 64 bits, with a bit to spare."""


class Series:
    """One instrument's marks in a table. `index`: the ticks at which it is marked anew, None for all of them; `px`: the marks, not positive for
    none. `low`, `high`: of the marks that are prices, 0 where there are none. `whole`: all are prices. `first_print`: the first tick that is a print."""

    __slots__ = ("first_print", "high", "index", "low", "px", "whole")

    def __init__(self, index: Columns | None, px: Columns, first_print: int) -> None:
        self.index = index
        self.px = px
        self.first_print = first_print
        prices = px[px > 0]
        self.whole = len(prices) == len(px)
        self.low = int(prices.min()) if len(prices) else 0
        self.high = int(prices.max()) if len(prices) else 0

    def count(self, at: int) -> int:
        """How many marks there are before the tick `at`."""
        return at if self.index is None else int(self.index.searchsorted(at))


def series_of(ticks: Ticks, instrument: int, printed: bool) -> Series | None:
    """The marks of an instrument in a table, None when it has none. `printed`: it had a print before the table."""
    key = ("marks", instrument, printed)
    if key not in ticks.cache:
        ticks.cache[key] = _series(ticks, instrument, printed)
    found: Series | None = ticks.cache[key]
    return found


def _series(ticks: Ticks, instrument: int, printed: bool) -> Series | None:
    cols = ticks.cols
    uniform = ticks.uniform()
    if uniform is not None:
        kind, only = uniform
        if only != instrument or (kind == QUOTE and printed):
            return None
        if kind == QUOTE:
            return Series(None, _middles(cols), len(ticks))
        return Series(None, cols[CLOSE_PX if kind == BAR else PX], 0)
    prints = np.array(indexes(ticks, quote=False).get(instrument, ()), dtype=np.int64)
    first = int(prints[0]) if len(prints) else len(ticks)
    px = np.where(cols[KIND, prints] == BAR, cols[CLOSE_PX, prints], cols[PX, prints])
    quotes = np.array([] if printed else indexes(ticks, quote=True).get(instrument, ()), dtype=np.int64)
    quotes = quotes[quotes < first]
    if not len(quotes):
        return Series(prints, px, first) if len(prints) else None
    return Series(np.concatenate((quotes, prints)), np.concatenate((_middles(cols[:, quotes]), px)), first)


def _middles(cols: Columns) -> Columns:
    """The middle of each quote rounded down, 0 where a side is empty; no sum leaves 64 bits."""
    bid, ask = cols[BID_PX], cols[ASK_PX]
    return np.where((cols[BID_QTY] != 0) & (cols[ASK_QTY] != 0), (bid >> 1) + (ask >> 1) + (bid & ask & 1), 0)


class Marks:
    """The marks of some instruments, moved along a table tick by tick."""

    __slots__ = ("_printed", "px")

    def __init__(self, market: Market, instruments: list[int], at: int) -> None:
        """As they are before the tick `at` of the market's table."""
        self.px: dict[int, int] = {}
        self._printed: dict[int, bool] = {}
        ticks = market.table
        small = ticks is None or len(ticks) <= SMALL
        for i in instruments:
            px, printed = market.carried(i)
            series = None if small or ticks is None else series_of(ticks, i, printed)
            n = series.count(at) if series is not None else 0
            if series is not None and n:
                px = int(series.px[n - 1])
                printed = printed or series.first_print < at
            self.px[i] = px
            self._printed[i] = printed
        if small:
            self.walk(market, 0, at)

    def walk(self, market: Market, start: int, stop: int) -> None:
        """Take in the ticks start..stop."""
        for i in range(start, stop):
            self.take(market, i)

    def take(self, market: Market, i: int) -> bool:
        """Take in tick i; whether it marked one of the instruments anew."""
        rows = market.rows
        instrument: int = rows[INSTRUMENT][i]
        if instrument not in self.px:
            return False
        kind = rows[KIND][i]
        if kind != QUOTE:
            self.px[instrument] = rows[CLOSE_PX if kind == BAR else PX][i]
            self._printed[instrument] = True
            return True
        if self._printed[instrument]:
            return False
        both = rows[BID_QTY][i] and rows[ASK_QTY][i]
        self.px[instrument] = (rows[BID_PX][i] + rows[ASK_PX][i]) // 2 if both else 0
        return True


def extremes(market: Market, instrument: int) -> tuple[int, int]:
    """The lowest and highest mark that an instrument may have had or come to have in the market's table, the one before it included; (0, 0)
    when it has none at all."""
    px, printed = market.carried(instrument)
    low = high = px if px > 0 else 0
    ticks = market.table
    if ticks is None:
        return low, high
    if len(ticks) <= SMALL:
        found = Marks(market, [instrument], 0)
        for i in range(len(ticks)):
            if found.take(market, i) and (px := found.px[instrument]) > 0:
                low = min(low, px) if low else px
                high = max(high, px)
        return low, high
    series = series_of(ticks, instrument, printed)
    if series is None or not series.low:
        return low, high
    return min(low, series.low) if low else series.low, max(high, series.high)


def instruments_in(ticks: Ticks) -> tuple[int, ...]:
    """The instruments that tick in a table."""
    found: tuple[int, ...] | None = ticks.cache.get("instruments")
    if found is None:
        if len(ticks) <= SMALL:
            found = tuple(dict.fromkeys(ticks.rows()[INSTRUMENT]))
        else:
            uniform = ticks.uniform()
            found = (uniform[1],) if uniform is not None else tuple(np.unique(ticks.cols[INSTRUMENT]).tolist())
        ticks.cache["instruments"] = found
    return found


def values_of(contract: Contract, px: Columns, high: int, qty: int) -> Columns | None:
    """`Instrument.value` of a quantity at positive prices up to `high`, exact; None when 64 bits may not hold it."""
    size = qty * contract.factor
    if contract.inverse:
        if abs(size) >= ROOM or high >= ROOM:
            return None
        whole, rest = np.divmod(np.int64(size), px)
        twice = 2 * rest
        return -(whole + ((twice > px) | ((twice == px) & (whole & 1 == 1))))
    if abs(size) * high >= ROOM:
        return None
    return px * size
