"""Decides two-sided quotes around a reference price, leaning against the inventory.

Invariants: integer arithmetic throughout; no side is quoted that could take the position beyond `max_inventory`; the quotes are
post-only and never meant to cross; between two quotings nothing is remembered of the ticks, so a quiet tick costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from domain.events.market import BarClosed, QuoteUpdated, TradePrinted
from domain.money import div_ceil, div_floor, div_half_even
from domain.strategies.observations import Observed, doubled_px, observed
from domain.strategy import ScanningStrategy
from domain.terms import Side
from domain.ticks import Ticks

if TYPE_CHECKING:
    from domain.context import Context
    from domain.events import OrderFilled
    from domain.order import Order

REFRESH = "refresh"
CHUNK = 256


class Maker(ScanningStrategy):
    """Keeps one buy and one sell order of `size` at `half_spread_ticks` from the reference, moved down by up to `skew_ticks` at full inventory.

    `reference` "mid": the middle of two-sided quotes; "last": trades and bar closes. Both sides are put anew (by replacing) when the
    reference has moved `requote_ticks` since the last time, after each fill, and every `refresh_ns` (0: never), which also brings
    back what the venue or a rule refused. A bid rests at least a tick below the best ask and an ask at least a tick above the best
    bid. Position and `max_inventory` are quantities. While a request of ours is unanswered that side waits, and the next price counts
    as moved. Source: inventory-skewed quoting (Avellaneda and Stoikov 2008), linear, on the tick grid.
    """

    def __init__(
        self,
        size: int = 1,
        half_spread_ticks: int = 2,
        max_inventory: int = 10,
        skew_ticks: int = 1,
        requote_ticks: int = 1,
        refresh_ns: int = 0,
        reference: Literal["mid", "last"] = "mid",
    ) -> None:
        positive = (
            ("size", size), ("half_spread_ticks", half_spread_ticks), ("max_inventory", max_inventory), ("requote_ticks", requote_ticks),
        )  # fmt: skip
        for name, value in positive:
            if value <= 0:
                raise ValueError(f"{name} must be positive, it is {value}")
        for name, value in (("skew_ticks", skew_ticks), ("refresh_ns", refresh_ns)):
            if value < 0:
                raise ValueError(f"{name} must not be negative, it is {value}")
        if reference not in ("mid", "last"):
            raise ValueError(f'reference must be "mid" or "last", it is {reference!r}')
        self._size, self._half_spread_ticks, self._max_inventory = size, half_spread_ticks, max_inventory
        self._skew_ticks, self._requote_ticks, self._refresh_ns, self._mid = skew_ticks, requote_ticks, refresh_ns, reference == "mid"
        # Per instrument: the doubled reference and the position last quoted; without an entry, the next price counts as moved.
        self._quoted: dict[int, int] = {}
        self._held: dict[int, int] = {}

    def on_start(self, ctx: Context) -> None:
        """Start the refresh timer."""
        if self._refresh_ns:
            ctx.set_timer(REFRESH, ctx.now_ns + self._refresh_ns)

    def on_timer(self, ctx: Context, name: str) -> None:
        """Put every quote anew."""
        for i in ctx.instruments:
            self._quote_again(ctx, i)
        ctx.set_timer(REFRESH, ctx.now_ns + self._refresh_ns)

    def on_fill(self, ctx: Context, fill: OrderFilled) -> None:
        """Lean against the new inventory."""
        for i in ctx.instruments:
            if i in self._held and ctx.position(i) != self._held[i]:
                self._quote_again(ctx, i)

    def on_tick(self, ctx: Context, tick: TradePrinted | QuoteUpdated) -> None:
        """Quote anew when the reference has moved far enough."""
        if isinstance(tick, TradePrinted) is self._mid:
            return
        self._observe(ctx, tick)

    def on_bar(self, ctx: Context, bar: BarClosed) -> None:
        """As `on_tick`, at the close."""
        if not self._mid:
            self._observe(ctx, bar)

    def scan(self, ctx: Context, ticks: Ticks, start: int, stop: int) -> int:
        """The first row whose reference is `requote_ticks` away from the quoted one."""
        loud = stop
        for seen in self._seen(ctx, ticks):
            quoted = self._quoted.get(seen.instrument)
            reach = 2 * self._requote_ticks * ctx.spec(seen.instrument).tick_px
            at, end = (int(k) for k in np.searchsorted(seen.rows, (start, loud)))
            chunk = CHUNK if quoted is not None else 1
            while at < end:
                moved = 0 if quoted is None else int((np.abs(seen.values[at : min(at + chunk, end)] - quoted) >= reach).argmax())
                if quoted is None or abs(int(seen.values[at + moved]) - quoted) >= reach:
                    loud = int(seen.rows[at + moved])
                    break
                at += chunk
                chunk *= 2
        return loud

    def skip(self, ctx: Context, ticks: Ticks, start: int, stop: int) -> None:
        """Quiet ticks leave nothing behind."""

    def _seen(self, ctx: Context, ticks: Ticks) -> list[Observed]:
        """The references in the whole table; they depend on the table only, so every strategy that listens alike shares them."""
        key = ("references", ctx.instruments, self._mid)
        found: list[Observed] | None = ticks.cache.get(key)
        if found is None:
            n = len(ticks)
            if self._mid:
                found = observed(ticks, ctx.instruments, 0, n, "quote")
            else:
                found = [*observed(ticks, ctx.instruments, 0, n, "trade"), *observed(ticks, ctx.instruments, 0, n, "bar")]
            ticks.cache[key] = found
        return found

    def _observe(self, ctx: Context, event: TradePrinted | QuoteUpdated | BarClosed) -> None:
        value = doubled_px(event)
        if value is None:
            return
        i = event.instrument
        quoted = self._quoted.get(i)
        if quoted is None or abs(value - quoted) >= 2 * self._requote_ticks * ctx.spec(i).tick_px:
            self._quote(ctx, i, value)

    def _quote_again(self, ctx: Context, instrument: int) -> None:
        """Quote at the reference as it stands now, if there is one."""
        if self._mid:
            quote = ctx.quote(instrument)
            if quote is not None and quote[1] and quote[3]:
                self._quote(ctx, instrument, quote[0] + quote[2])
        elif ctx.last_px(instrument):
            self._quote(ctx, instrument, 2 * ctx.last_px(instrument))

    def _quote(self, ctx: Context, instrument: int, value: int) -> None:
        """Bring both sides to where they belong for a doubled reference."""
        spec = ctx.spec(instrument)
        tick, lot = spec.tick_px, spec.lot_qty
        position = ctx.position(instrument)
        centre = value - div_half_even(2 * self._skew_ticks * tick * position, self._max_inventory)
        bid_px = div_floor(centre - 2 * self._half_spread_ticks * tick, 2 * tick) * tick
        ask_px = div_ceil(centre + 2 * self._half_spread_ticks * tick, 2 * tick) * tick
        touch = ctx.quote(instrument)
        if touch is not None:
            bid_px = min(bid_px, touch[2] - tick) if touch[3] else bid_px
            ask_px = max(ask_px, touch[0] + tick) if touch[1] else ask_px
        bid_qty = div_floor(min(self._size, self._max_inventory - position), lot) * lot if bid_px > 0 else 0
        ask_qty = div_floor(min(self._size, self._max_inventory + position), lot) * lot
        orders = ctx.open_orders(instrument)
        settled = self._put(ctx, instrument, Side.BUY, [o for o in orders if o.side == Side.BUY], bid_px, bid_qty)
        settled &= self._put(ctx, instrument, Side.SELL, [o for o in orders if o.side == Side.SELL], ask_px, ask_qty)
        self._held[instrument] = position
        if settled:
            self._quoted[instrument] = value
        else:
            self._quoted.pop(instrument, None)

    def _put(self, ctx: Context, instrument: int, side: Side, orders: list[Order], px: int, qty: int) -> bool:
        """One side: send, replace or cancel. False while an earlier request has no answer."""
        if not orders:
            if qty > 0:
                send = ctx.buy if side is Side.BUY else ctx.sell
                send(instrument, qty, limit_px=px, post_only=True, reason="quote")
            return True
        settled = True
        for n, order in enumerate(orders):
            if order.cancel_requested or order.replace_requested:
                settled = False
            elif n or qty <= 0:
                ctx.cancel(order.cl_ord_id, reason="no room for more inventory" if qty <= 0 else "one order a side")
            elif order.limit_px != px or order.leaves_qty != qty:
                ctx.replace(order.cl_ord_id, qty=order.cum_qty + qty, limit_px=px, reason="quote moved")
        return settled
