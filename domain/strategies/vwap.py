"""Decides how one large parent order is worked as many small ones, along a volume profile or the traded volume.

Invariants: integer arithmetic throughout; filled + working never exceeds the parent quantity; what a slice does not get is carried to
the next; after the end the rest goes at market until exactly the parent quantity is done.
"""

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING, Literal

import numpy as np

from domain.errors import StrategyError
from domain.events.market import BarClosed, QuoteUpdated, TradePrinted
from domain.money import div_ceil, div_floor
from domain.strategy import ScanningStrategy
from domain.terms import TimeInForce
from domain.ticks import BAR, INSTRUMENT, KIND, QTY, TRADE, VOLUME_QTY, Ticks

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from domain.context import Context
    from domain.events import OrderFilled

SLICE = "slice"
BPS = 10_000
NEVER = 1 << 62


class Vwap(ScanningStrategy):
    """Buys or sells `qty` of its one instrument between `start_ns` (0: the session's opening) and `end_ns`.

    With `profile`, the window is cut into len(profile) equal parts, and at the start of part k the cumulative target rises to
    qty × (profile[0] + … + profile[k]) / sum(profile). With `participation_bps` > 0, the target is that share of the volume traded
    in the window, and a child goes whenever the target has grown by `child_qty` (0: one lot); `volume` says whether trades or bars
    are counted. Targets are rounded down to lots.

    A child is an immediate-or-cancel limit order `cross_ticks` beyond the opposite best price (beyond the last price without one), so it
    never waits in the book; without any price it goes with the first tick. A child below the instrument's minimum notional is carried
    over. At `end_ns` the rest goes as a market order, again every part (at most `sweeps` times) until exactly `qty` is done; then the
    strategy says in a hold what is missing. Source: VWAP and percentage-of-volume execution as practised in the field.
    """

    def __init__(
        self,
        qty: int,
        end_ns: int,
        side: Literal["buy", "sell"] = "buy",
        start_ns: int = 0,
        profile: tuple[int, ...] = (1,) * 10,
        participation_bps: int = 0,
        child_qty: int = 0,
        cross_ticks: int = 1,
        sweeps: int = 10,
        volume: Literal["trade", "bar"] = "trade",
    ) -> None:
        if qty <= 0 or end_ns <= start_ns:
            raise ValueError(f"qty must be positive and end_ns after start_ns; they are {qty}, {end_ns} and {start_ns}")
        if side not in ("buy", "sell") or volume not in ("trade", "bar"):
            raise ValueError(f'side must be "buy" or "sell" and volume "trade" or "bar"; they are {side!r} and {volume!r}')
        if not profile or min(profile) < 0 or not sum(profile):
            raise ValueError(f"profile must hold weights of 0 and more, at least one above 0; it is {profile}")
        if not 0 <= participation_bps <= BPS or min(child_qty, cross_ticks, sweeps) < 0:
            raise ValueError("participation_bps must be 0 to 10000, and child_qty, cross_ticks and sweeps must not be negative")
        self._qty, self._sign, self._start_ns, self._end_ns = qty, 1 if side == "buy" else -1, start_ns, end_ns
        self._profile = tuple(accumulate(profile))
        self._participation_bps, self._child_qty, self._cross_ticks, self._sweeps = participation_bps, child_qty, cross_ticks, sweeps
        self._kind = TRADE if volume == "trade" else BAR
        self._instrument = self._base = self._part = 0
        # `_need`: the traded volume at which the next child goes. `_owes`: a child found no price and goes with the first tick.
        self._target = self._traded = self._swept = 0
        self._need = NEVER
        self._owes = False

    def on_start(self, ctx: Context) -> None:
        """Check the parent order against the instrument and wait for the window. Raises StrategyError when they do not fit."""
        if len(ctx.instruments) != 1:
            raise StrategyError(
                f"vwap works one instrument, it was given {len(ctx.instruments)}.", remedy="Configure one vwap strategy for each instrument."
            )
        self._instrument = ctx.instruments[0]
        spec = ctx.spec(self._instrument)
        if self._qty % spec.lot_qty:
            raise StrategyError(f"vwap's qty {self._qty} is no multiple of the lot of {spec.symbol}, {spec.lot_qty}.", remedy="Give whole lots.")
        now = ctx.now_ns
        if self._end_ns <= now:
            raise StrategyError(f"vwap's end_ns {self._end_ns} is not after the session's opening, {now}.", remedy="Give a later end.")
        self._base = ctx.position(self._instrument)
        if self._start_ns > now:
            ctx.set_timer(SLICE, self._start_ns)
        else:
            self._start_ns = now
            self._next_part(ctx)

    def on_timer(self, ctx: Context, name: str) -> None:
        """Begin the next part, or sweep up what is left."""
        if self._done(ctx) >= self._qty:
            return
        if ctx.now_ns >= self._end_ns:
            self._sweep(ctx)
        else:
            self._next_part(ctx)

    def on_tick(self, ctx: Context, tick: TradePrinted | QuoteUpdated) -> None:
        """Count traded volume; send what is due."""
        traded = tick.qty if self._kind == TRADE and isinstance(tick, TradePrinted) else 0
        if traded or self._owes:
            self._count(ctx, traded)

    def on_bar(self, ctx: Context, bar: BarClosed) -> None:
        """As `on_tick`."""
        traded = bar.volume_qty if self._kind == BAR else 0
        if traded or self._owes:
            self._count(ctx, traded)

    def on_fill(self, ctx: Context, fill: OrderFilled) -> None:
        """Stop listening when the parent is done."""
        if self._done(ctx) >= self._qty:
            self._need = NEVER
            self._owes = False

    def scan(self, ctx: Context, ticks: Ticks, start: int, stop: int) -> int:
        """The row at which the next child is due by volume; every own row while one is owed."""
        if self._owes:
            own = np.flatnonzero(ticks.cols[INSTRUMENT, start:stop] == self._instrument)
            return start + int(own[0]) if len(own) else stop
        if self._need == NEVER:
            return stop
        volume = self._volume(ticks)
        row = int(volume.searchsorted(int(volume[start]) + self._need - self._traded)) - 1
        return min(row, stop)

    def skip(self, ctx: Context, ticks: Ticks, start: int, stop: int) -> None:
        """Count the volume that passed."""
        if self._need != NEVER:
            volume = self._volume(ticks)
            self._traded += int(volume[stop] - volume[start])

    def _volume(self, ticks: Ticks) -> NDArray[np.int64]:
        """Traded volume before each row, int64 of shape (n + 1,); depends on the table only."""
        key = ("traded volume", self._instrument, self._kind)
        found: NDArray[np.int64] | None = ticks.cache.get(key)
        if found is None:
            cols = ticks.cols
            counts = (cols[KIND] == self._kind) & (cols[INSTRUMENT] == self._instrument)
            found = np.zeros(len(ticks) + 1, dtype=np.int64)
            np.cumsum(np.where(counts, cols[QTY if self._kind == TRADE else VOLUME_QTY], 0), out=found[1:])
            ticks.cache[key] = found
        return found

    def _done(self, ctx: Context) -> int:
        """The parent quantity that is filled."""
        return (ctx.position(self._instrument) - self._base) * self._sign

    def _rest(self, ctx: Context, target: int) -> int:
        """What is missing to `target`, fills and working orders at their worst deducted."""
        return target - self._done(ctx) - sum(o.worst_leaves for o in ctx.open_orders(self._instrument))

    def _next_part(self, ctx: Context) -> None:
        """Raise the target to that of the part which begins now, and wait for the next."""
        if self._participation_bps:
            self._grow(ctx)
            ctx.set_timer(SLICE, self._end_ns)
            return
        now, parts, window = ctx.now_ns, len(self._profile), self._end_ns - self._start_ns
        due = now
        while due <= now:
            self._part += 1
            due = self._start_ns + div_floor(window * self._part, parts)
        ctx.set_timer(SLICE, due)
        self._target = div_floor(self._qty * self._profile[self._part - 1], self._profile[-1])
        self._send(ctx, f"part {self._part} of {parts}")

    def _count(self, ctx: Context, traded: int) -> None:
        if self._need != NEVER:
            self._traded += traded
            if self._traded >= self._need:
                self._grow(ctx)
                self._owes = True
        if self._owes:
            self._send(ctx, f"{self._participation_bps} bps of {self._traded} traded" if self._participation_bps else "the first price")

    def _grow(self, ctx: Context) -> None:
        """Set the target for the volume so far and the volume at which it will have grown by one child."""
        self._target = min(self._qty, div_floor(self._traded * self._participation_bps, BPS))
        child = max(self._child_qty, ctx.spec(self._instrument).lot_qty)
        nxt = min(self._target + child, self._qty)
        self._need = div_ceil(nxt * BPS, self._participation_bps) if nxt > self._target else NEVER

    def _send(self, ctx: Context, reason: str) -> None:
        spec = ctx.spec(self._instrument)
        qty = div_floor(self._rest(ctx, self._target), spec.lot_qty) * spec.lot_qty
        self._owes = False
        if qty <= 0:
            return
        limit_px = self._limit_px(ctx)
        if limit_px <= 0:
            self._owes = True
        elif spec.notional(limit_px, qty) >= spec.min_notional_amt:
            send = ctx.buy if self._sign > 0 else ctx.sell
            send(self._instrument, qty, limit_px=limit_px, time_in_force=TimeInForce.IOC, reason=reason)

    def _limit_px(self, ctx: Context) -> int:
        """The worst price a child may pay, 0 when no price is known."""
        quote = ctx.quote(self._instrument)
        px, qty = (0, 0) if quote is None else (quote[2], quote[3]) if self._sign > 0 else (quote[0], quote[1])
        best = px if qty else ctx.last_px(self._instrument)
        return best + self._sign * self._cross_ticks * ctx.spec(self._instrument).tick_px if best else 0

    def _sweep(self, ctx: Context) -> None:
        self._need = NEVER
        self._owes = False
        if self._swept == self._sweeps:
            ctx.hold(self._instrument, f"gave up after {self._swept} sweeps with {self._qty - self._done(ctx)} missing")
            return
        self._swept += 1
        rest = self._rest(ctx, self._qty)
        if rest > 0:
            send = ctx.buy if self._sign > 0 else ctx.sell
            send(self._instrument, rest, time_in_force=TimeInForce.IOC, reason="the rest after the end")
        ctx.set_timer(SLICE, ctx.now_ns + max(1, div_floor(self._end_ns - self._start_ns, len(self._profile))))
