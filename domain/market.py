"""Decides what the last known price of an instrument is, at any tick of a table, without touching the quiet ticks.

Invariants: what is answered depends only on ticks already consumed; each price comes with its receive time and seq.
"""

from __future__ import annotations

from bisect import bisect_right
from typing import Any, Final, NamedTuple

import numpy as np

from domain.errors import InvariantBroken
from domain.events.market import TradePrinted
from domain.ticks import (
    ASK_PX,
    ASK_QTY,
    BAR,
    BID_PX,
    BID_QTY,
    CLOSE_PX,
    CONDITIONS,
    EVENT_NS,
    INSTRUMENT,
    KIND,
    PX,
    QTY,
    QUOTE,
    RECV_NS,
    SIDE,
    SIDE_OF,
    TRADE,
    Tick,
    Ticks,
)

# Compiled code holds a Final; an imported name it looks up each time.
_Trade: Final = TradePrinted
_SIDE_OF: Final = SIDE_OF


class Print(NamedTuple):
    """The last trade or bar close: price, receive time, seq."""

    px: int
    ns: int
    seq: int


class Quote(NamedTuple):
    """The last best bid and offer, receive time, seq. A quantity of 0 means the side is empty."""

    bid_px: int
    bid_qty: int
    ask_px: int
    ask_qty: int
    ns: int
    seq: int


def middle(quote: Quote) -> int:
    """The middle of a quote rounded down, 0 when a side is empty."""
    return (quote.bid_px + quote.ask_px) // 2 if quote.bid_qty and quote.ask_qty else 0


class Market:
    """Prices as of the last consumed tick `at` of the current table; older tables are carried as two prints and two quotes per instrument."""

    __slots__ = ("_earlier_prints", "_earlier_quotes", "_prints", "_quotes", "_shifts", "_starts", "at", "ns", "rows", "seq", "table", "uniform")

    def __init__(self) -> None:
        self.table: Ticks | None = None
        self.at = -1
        self.ns = self.seq = 0
        self.rows: list[Any] = []
        self.uniform: tuple[int, int] | None = None
        self._prints: dict[int, Print] = {}
        self._quotes: dict[int, Quote] = {}
        self._earlier_prints: dict[int, Print] = {}
        self._earlier_quotes: dict[int, Quote] = {}
        self._starts: list[int] = []
        self._shifts: list[int] = []

    def enter(self, ticks: Ticks) -> None:
        """Ticks of this table come next."""
        self._leave()
        self.table = ticks
        self.rows = ticks.rows()
        self.uniform = ticks.uniform()
        self.at = -1
        self._starts.clear()
        self._shifts.clear()

    def move(self, start: int, at: int, seq: int) -> int:
        """Ticks start..at of the table were consumed, the last with `seq`; its receive time."""
        shift = seq - at
        if not self._shifts or self._shifts[-1] != shift:
            self._starts.append(start)
            self._shifts.append(shift)
        self.at = at
        self.seq = seq
        ns: int = self.rows[RECV_NS][at]
        self.ns = ns
        return ns

    def event(self, i: int) -> Tick:
        """Tick i of the current table as an event."""
        uniform = self.uniform
        if uniform is not None and uniform[0] == TRADE:
            rows = self.rows
            at: Any = i
            return _Trade(
                rows[RECV_NS][at], 0, rows[EVENT_NS][at], uniform[1], rows[PX][at], rows[QTY][at], _SIDE_OF[rows[SIDE][at]], rows[CONDITIONS][at]
            )
        if self.table is None:
            raise InvariantBroken(f"no table has been entered, tick {i} was asked for")
        return self.table.event(i)

    def seq_of(self, index: int) -> int:
        """The seq of a consumed tick of the current table."""
        return index + self._shifts[bisect_right(self._starts, index) - 1]

    def last_print(self, instrument: int) -> Print | None:
        """The last trade or bar close of an instrument."""
        i = self._last_index(instrument, quote=False)
        return self._print_at(i) if i >= 0 else self._prints.get(instrument)

    def last_quote(self, instrument: int) -> Quote | None:
        """The last best bid and offer of an instrument."""
        i = self._last_index(instrument, quote=True)
        return self._quote_at(i) if i >= 0 else self._quotes.get(instrument)

    def reference(self, instrument: int, side: int) -> tuple[int, int, int]:
        """What an order on `side` is measured against: price, receive time and seq of the newer of the last print and the quote's near
        side (ask for a buy); zeros when there is neither."""
        uniform = self.uniform
        if uniform is not None and uniform[1] == instrument and uniform[0] == TRADE and self.at >= 0:
            return self.rows[PX][self.at], self.ns, self.seq
        last = self.last_print(instrument)
        quote = self.last_quote(instrument)
        if quote is not None and (last is None or last.seq <= quote.seq):
            px, qty = (quote.ask_px, quote.ask_qty) if side > 0 else (quote.bid_px, quote.bid_qty)
            if qty and px > 0:
                return px, quote.ns, quote.seq
        return (last.px, last.ns, last.seq) if last is not None else (0, 0, 0)

    def before(self, instrument: int, side: int, ref_seq: int) -> int:
        """The price that came before the reference with seq `ref_seq`, from the same source: the print before the last one, or the near side of
        the quote before the last one; 0 when there is none."""
        uniform = self.uniform
        if uniform is not None and uniform[1] == instrument and uniform[0] == TRADE and self.at > 0:
            return self.rows[PX][self.at - 1]
        quote = self.last_quote(instrument)
        if quote is None or quote.seq != ref_seq:
            print_ = self._earlier_print(instrument)
            return print_.px if print_ is not None else 0
        quote = self._earlier_quote(instrument)
        if quote is None:
            return 0
        px, qty = (quote.ask_px, quote.ask_qty) if side > 0 else (quote.bid_px, quote.bid_qty)
        return px if qty else 0

    def mark_px(self, instrument: int) -> int:
        """The price positions are valued at: the last print, else the middle of the quote rounded down, else 0."""
        return self.mark(instrument)[0]

    def mark(self, instrument: int) -> tuple[int, int]:
        """The price positions are valued at, and its seq; (0, 0) where there is none."""
        uniform = self.uniform
        if uniform is not None and uniform[1] == instrument and uniform[0] == TRADE and self.at >= 0:
            return self.rows[PX][self.at], self.seq
        last = self.last_print(instrument)
        if last is not None:
            return last.px, last.seq
        quote = self.last_quote(instrument)
        px = middle(quote) if quote is not None else 0
        return (px, quote.seq) if quote is not None and px else (0, 0)

    def carried(self, instrument: int) -> tuple[int, bool]:
        """The price positions were valued at before the current table, 0 for none, and whether it is a print."""
        last = self._prints.get(instrument)
        if last is not None:
            return last.px, True
        quote = self._quotes.get(instrument)
        return (middle(quote) if quote is not None else 0), False

    def _print_at(self, i: int) -> Print:
        rows = self.rows
        return Print(rows[CLOSE_PX if rows[KIND][i] == BAR else PX][i], rows[RECV_NS][i], self.seq_of(i))

    def _quote_at(self, i: int) -> Quote:
        rows = self.rows
        return Quote(rows[BID_PX][i], rows[BID_QTY][i], rows[ASK_PX][i], rows[ASK_QTY][i], rows[RECV_NS][i], self.seq_of(i))

    def _earlier_print(self, instrument: int) -> Print | None:
        """The print before the last one."""
        i = self._last_index(instrument, quote=False)
        if i < 0:
            return self._earlier_prints.get(instrument)
        i = self._last_index(instrument, quote=False, to=i - 1)
        return self._print_at(i) if i >= 0 else self._prints.get(instrument)

    def _earlier_quote(self, instrument: int) -> Quote | None:
        """The quote before the last one."""
        i = self._last_index(instrument, quote=True)
        if i < 0:
            return self._earlier_quotes.get(instrument)
        i = self._last_index(instrument, quote=True, to=i - 1)
        return self._quote_at(i) if i >= 0 else self._quotes.get(instrument)

    def _last_index(self, instrument: int, *, quote: bool, to: int | None = None) -> int:
        """Index of the last consumed tick of that sort in the current table (up to `to`), or -1."""
        at = self.at if to is None else to
        if self.table is None or at < 0:
            return -1
        if self.uniform is not None:
            kind, only = self.uniform
            return at if only == instrument and (kind == QUOTE) == quote else -1
        places = indexes(self.table, quote=quote).get(instrument)
        if not places:
            return -1
        n = bisect_right(places, at)
        return places[n - 1] if n else -1

    def _leave(self) -> None:
        table = self.table
        if table is None or self.at < 0:
            return
        for quote in (False, True):
            present = (self.uniform[1],) if self.uniform is not None else tuple(indexes(table, quote=quote))
            for instrument in present:
                i = self._last_index(instrument, quote=quote)
                if i < 0:
                    continue
                if quote:
                    earlier_quote = self._earlier_quote(instrument)
                    if earlier_quote is not None:
                        self._earlier_quotes[instrument] = earlier_quote
                    self._quotes[instrument] = self._quote_at(i)
                else:
                    earlier_print = self._earlier_print(instrument)
                    if earlier_print is not None:
                        self._earlier_prints[instrument] = earlier_print
                    self._prints[instrument] = self._print_at(i)


def indexes(ticks: Ticks, *, quote: bool) -> dict[int, list[int]]:
    """Where each instrument's quotes (or trades and bars) stand in a table; made once per table."""
    key = ("indexes", quote)
    found: dict[int, list[int]] | None = ticks.cache.get(key)
    if found is None:
        wanted = (ticks.cols[KIND] == QUOTE) == quote
        names = ticks.cols[INSTRUMENT]
        found = {i: np.flatnonzero(wanted & (names == i)).tolist() for i in np.unique(names[wanted]).tolist()}
        ticks.cache[key] = found
    return found
