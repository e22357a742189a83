"""Decides to invest a fraction of the equity once, and then to do nothing.

Invariants: each instrument is bought at most once; what is bought costs no more than its share of the equity at the price seen.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from domain.events.market import BarClosed, QuoteUpdated, TradePrinted
from domain.money import div_floor
from domain.strategies.observations import SOURCES, Source
from domain.strategy import ScanningStrategy
from domain.ticks import ASK_QTY, BAR, INSTRUMENT, KIND, QUOTE, TRADE, Ticks

if TYPE_CHECKING:
    from domain.context import Context

KIND_OF = {"trade": TRADE, "quote": QUOTE, "bar": BAR}


class BuyAndHold(ScanningStrategy):
    """Buys at market with the first price of each instrument and holds.

    Each of n instruments gets fraction_bps / 10,000 / n of the equity in its settlement currency, less `fee_reserve_amt` (in the
    currency's amount digits), in whole lots: floor(budget / value of one lot). The price is a trade's, a quote's ask or a bar's
    close, whichever comes first of `source`. Source: buy-and-hold benchmark of the field.
    """

    def __init__(self, fraction_bps: int = 10_000, fee_reserve_amt: int = 0, source: Source = "any") -> None:
        if fraction_bps <= 0:
            raise ValueError(f"fraction_bps must be positive, it is {fraction_bps}")
        if fee_reserve_amt < 0:
            raise ValueError(f"fee_reserve_amt must not be negative, it is {fee_reserve_amt}")
        if source not in SOURCES:
            raise ValueError(f"source must be one of {', '.join(SOURCES)}; it is {source!r}")
        self._fraction_bps, self._fee_reserve_amt, self._source = fraction_bps, fee_reserve_amt, source
        self._invested: dict[int, bool] = {}

    def on_tick(self, ctx: Context, tick: TradePrinted | QuoteUpdated) -> None:
        """Invest at the first trade or offer."""
        if tick.instrument in self._invested:
            return
        if isinstance(tick, TradePrinted):
            if self._source in ("any", "trade"):
                self._invest(ctx, tick.instrument, tick.px)
        elif self._source in ("any", "quote") and tick.ask_qty:
            self._invest(ctx, tick.instrument, tick.ask_px)

    def on_bar(self, ctx: Context, bar: BarClosed) -> None:
        """Invest at the first close."""
        if bar.instrument not in self._invested and self._source in ("any", "bar"):
            self._invest(ctx, bar.instrument, bar.close_px)

    def scan(self, ctx: Context, ticks: Ticks, start: int, stop: int) -> int:
        """The first price of an instrument that is not invested yet."""
        missing = [i for i in ctx.instruments if i not in self._invested]
        if not missing:
            return stop
        cols = ticks.cols[:, start:stop]
        kinds = cols[KIND]
        speaks = np.isin(cols[INSTRUMENT], missing) & ((kinds != QUOTE) | (cols[ASK_QTY] != 0))
        if self._source != "any":
            speaks &= kinds == KIND_OF[self._source]
        found = np.flatnonzero(speaks)
        return start + int(found[0]) if len(found) else stop

    def skip(self, ctx: Context, ticks: Ticks, start: int, stop: int) -> None:
        """Quiet ticks leave nothing behind."""

    def _invest(self, ctx: Context, instrument: int, px: int) -> None:
        spec = ctx.spec(instrument)
        lot_amt = spec.notional(px, spec.lot_qty) if px > 0 else 0
        if not lot_amt:
            return
        self._invested[instrument] = True
        budget = div_floor(ctx.equity(spec.settle) * self._fraction_bps, 10_000 * len(ctx.instruments)) - self._fee_reserve_amt
        qty = div_floor(budget, lot_amt) * spec.lot_qty
        if qty > 0:
            ctx.buy(instrument, qty, reason=f"invest {self._fraction_bps} bps of equity")
        else:
            ctx.hold(instrument, f"the budget of {spec.amt_text(budget)} {spec.settle} buys no lot")
