"""Decides what price a market event says, one by one and for whole tables.

Invariants: an observation is an integer in half units of the price (a trade or close counts twice, a quote is bid + ask), so mid prices are
exact; a quote with an empty side says nothing; the table form and the single form agree. Prices must lie within ±2^61.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple, get_args

import numpy as np

from domain.events.market import BarClosed, QuoteUpdated, TradePrinted
from domain.ticks import ASK_PX, ASK_QTY, BAR, BID_PX, BID_QTY, CLOSE_PX, INSTRUMENT, KIND, PX, QUOTE, TRADE, Columns, Ticks

if TYPE_CHECKING:
    from numpy.typing import NDArray

Source = Literal["any", "trade", "quote", "bar"]
SOURCES: tuple[str, ...] = get_args(Source)
_KINDS: dict[str, tuple[int, ...]] = {"any": (TRADE, QUOTE, BAR), "trade": (TRADE,), "quote": (QUOTE,), "bar": (BAR,)}


class Observed(NamedTuple):
    """What one instrument said in a run of a table: `rows` (int64, table indexes, rising) and `values` (int64, doubled prices)."""

    instrument: int
    rows: NDArray[np.int64]
    values: NDArray[np.int64]


def doubled_px(event: TradePrinted | QuoteUpdated | BarClosed, source: Source = "any") -> int | None:
    """Twice the price an event says, or None when it says none to a listener of `source`."""
    if isinstance(event, TradePrinted):
        return 2 * event.px if source in ("any", "trade") else None
    if isinstance(event, BarClosed):
        return 2 * event.close_px if source in ("any", "bar") else None
    if source not in ("any", "quote") or not event.bid_qty or not event.ask_qty:
        return None
    return event.bid_px + event.ask_px


def observed(ticks: Ticks, instruments: tuple[int, ...], start: int, stop: int, source: Source = "any") -> list[Observed]:
    """What each of `instruments` said in rows start..stop, instruments in the given order; silent ones are left out."""
    cols = ticks.cols[:, start:stop]
    uniform = ticks.uniform() if stop > start else None
    if uniform is not None:
        kind, only = uniform
        if only not in instruments or kind not in _KINDS[source]:
            return []
        speaks = (cols[BID_QTY] != 0) & (cols[ASK_QTY] != 0) if kind == QUOTE else None
        rows = np.arange(start, stop, dtype=np.int64)
        values = _doubled(cols, kind)
        if speaks is not None and not speaks.all():
            rows, values = rows[speaks], values[speaks]
        return [Observed(only, rows, values)] if len(rows) else []
    kinds = cols[KIND]
    quote = kinds == QUOTE
    all_values = np.where(quote, _doubled(cols, QUOTE), np.where(kinds == BAR, _doubled(cols, BAR), _doubled(cols, TRADE)))
    mute = quote & ((cols[BID_QTY] == 0) | (cols[ASK_QTY] == 0))
    if source != "any":
        mute |= kinds != _KINDS[source][0]
    who = np.where(mute, -1, cols[INSTRUMENT])
    found = []
    for instrument in instruments:
        rows = np.flatnonzero(who == instrument)
        if len(rows):
            found.append(Observed(instrument, rows + start, all_values[rows]))
    return found


def _doubled(cols: Columns, kind: int) -> NDArray[np.int64]:
    """Twice the price of every column, read as `kind`."""
    if kind == QUOTE:
        return cols[BID_PX] + cols[ASK_PX]
    return cols[CLOSE_PX if kind == BAR else PX] * 2
