"""Decides how the strategies of the scenario library misbehave: each has one plain fault, of the kind that has cost firms their capital.

They are named in configurations as `reenact.scenarios.rogues:Router` and so on, so that a kept session is re-enacted from its log alone.

Invariants: no chance and no clock of their own; what they do wrong is in their docstring; sizes are integers in the instrument's units by symbol.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from domain.events.market import QuoteUpdated, TradePrinted
from domain.strategy import Strategy
from domain.terms import TimeInForce

if TYPE_CHECKING:
    from domain.context import Context

_WAKE = "again"
_CALM_NS = 30 * 10**9  # how long they behave: a market has to be seen before it can be judged


class Idle(Strategy):
    """Does nothing: stands for a strategy of the user that a scenario leaves out, so that limits which name it still mean somebody."""


class Router(Strategy):
    """Sends child orders at every quote and never counts what was filled: buys at the offer and sells at the bid, more on one side.

    The first, third … of its instruments are bought `lean` times as often as they are sold, the others the other way round.
    """

    def __init__(self, sizes: dict[str, int], lean: int = 2) -> None:
        self._sizes, self._lean = sizes, lean
        self._from_ns = 0

    def on_start(self, ctx: Context) -> None:
        """The release comes up."""
        self._from_ns = ctx.now_ns + _CALM_NS

    def on_tick(self, ctx: Context, tick: TradePrinted | QuoteUpdated) -> None:
        """Another round of child orders."""
        if not isinstance(tick, QuoteUpdated) or not (tick.bid_qty and tick.ask_qty) or tick.ns < self._from_ns:
            return
        i = tick.instrument
        size = self._sizes[ctx.spec(i).symbol]
        buys, sells = (self._lean, 1) if ctx.instruments.index(i) % 2 == 0 else (1, self._lean)
        for _ in range(buys):
            ctx.buy(i, size, limit_px=tick.ask_px, time_in_force=TimeInForce.IOC, reason="child of a parent that never fills")
        for _ in range(sells):
            ctx.sell(i, size, limit_px=tick.bid_px, time_in_force=TimeInForce.IOC, reason="child of a parent that never fills")


class Panic(Strategy):
    """Sells more each time the price has fallen another `step_bps`, without end, and buys all of it back once it has risen `back_bps` from the low."""

    def __init__(self, sizes: dict[str, int], step_bps: int = 10, back_bps: int = 600) -> None:
        self._sizes, self._step_bps, self._back_bps = sizes, step_bps, back_bps
        self._sold_at: dict[int, int] = {}
        self._low: dict[int, int] = {}

    def on_tick(self, ctx: Context, tick: TradePrinted | QuoteUpdated) -> None:
        """Sell the fall, buy the recovery."""
        if not isinstance(tick, QuoteUpdated) or not tick.bid_qty:
            return
        i, px = tick.instrument, tick.bid_px
        self._low[i] = low = min(px, self._low.get(i, px))
        sold_at = self._sold_at.setdefault(i, px)
        if (sold_at - px) * 10_000 >= sold_at * self._step_bps:
            self._sold_at[i] = px
            ctx.sell(i, self._sizes[ctx.spec(i).symbol], reason=f"fell another {self._step_bps} bps")
        elif (px - low) * 10_000 >= low * self._back_bps and ctx.position(i) < 0:
            self._sold_at[i] = self._low[i] = px
            ctx.buy(i, -ctx.position(i), reason=f"rose {self._back_bps} bps from the low")


class Joiner(Strategy):
    """Takes silence for a price that holds: every `every_ns` it joins the bid, and takes its bids back only when it sees another one."""

    def __init__(self, sizes: dict[str, int], every_ns: int) -> None:
        self._sizes, self._every_ns = sizes, every_ns
        self._bid: dict[int, int] = {}

    def on_start(self, ctx: Context) -> None:
        """Wake up for the first time."""
        ctx.set_timer(_WAKE, ctx.now_ns + _CALM_NS)

    def on_timer(self, ctx: Context, name: str) -> None:
        """Join every bid that holds."""
        ctx.set_timer(_WAKE, ctx.now_ns + self._every_ns)
        for i in ctx.instruments:
            quote = ctx.quote(i)
            if quote is None or not quote.bid_qty:
                continue
            if quote.bid_px != self._bid.get(i, quote.bid_px):
                for order in ctx.open_orders(i):
                    ctx.cancel(order.cl_ord_id, "the bid moved")
            self._bid[i] = quote.bid_px
            ctx.buy(i, self._sizes[ctx.spec(i).symbol], limit_px=quote.bid_px, reason="the bid holds: join it")


class FreeMoney(Strategy):
    """Takes a crossed quote for a gift: buys at the offer, sells at the higher bid, and does not ask whether both legs were filled."""

    def __init__(self, sizes: dict[str, int]) -> None:
        self._sizes = sizes

    def on_tick(self, ctx: Context, tick: TradePrinted | QuoteUpdated) -> None:
        """Take both sides of a crossed quote."""
        if isinstance(tick, QuoteUpdated) and tick.bid_qty and tick.ask_qty and tick.bid_px > tick.ask_px:
            i = tick.instrument
            size = self._sizes[ctx.spec(i).symbol]
            ctx.buy(i, size, limit_px=tick.ask_px, time_in_force=TimeInForce.IOC, reason="the offer is under the bid")
            ctx.sell(i, size, limit_px=tick.bid_px, time_in_force=TimeInForce.IOC, reason="the bid is over the offer")


class Keeper(Strategy):
    """Believes its fills: at every quote it buys what is missing to its target, and forgets what it has sent and not heard of.

    The target is one size, and one more each `more_ns`.
    """

    def __init__(self, sizes: dict[str, int], more_ns: int) -> None:
        self._sizes, self._more_ns = sizes, more_ns
        self._from_ns = 0

    def on_start(self, ctx: Context) -> None:
        """When the first target holds."""
        self._from_ns = ctx.now_ns + _CALM_NS

    def on_tick(self, ctx: Context, tick: TradePrinted | QuoteUpdated) -> None:
        """Send what seems to be missing."""
        if not isinstance(tick, QuoteUpdated) or not (tick.bid_qty and tick.ask_qty) or tick.ns < self._from_ns:
            return
        i = tick.instrument
        size = self._sizes[ctx.spec(i).symbol]
        missing = min(size, size * (1 + (ctx.now_ns - self._from_ns) // self._more_ns) - ctx.position(i))
        if missing > 0:
            ctx.buy(i, missing, reason="below the target")


class Averager(Strategy):
    """Averages down: once the price is `from_bps` below the first, it bids at the last price every `every_ns`, whether or not anything trades.

    It never takes an order back.
    """

    def __init__(self, sizes: dict[str, int], every_ns: int, from_bps: int = 600) -> None:
        self._sizes, self._every_ns, self._from_bps = sizes, every_ns, from_bps
        self._first: dict[int, int] = {}

    def on_start(self, ctx: Context) -> None:
        """Wake up for the first time."""
        ctx.set_timer(_WAKE, ctx.now_ns + self._every_ns)

    def on_timer(self, ctx: Context, name: str) -> None:
        """Bid again."""
        ctx.set_timer(_WAKE, ctx.now_ns + self._every_ns)
        for i in ctx.instruments:
            px = ctx.last_px(i)
            first = self._first.setdefault(i, px) if px else 0
            if px and (first - px) * 10_000 >= first * self._from_bps:
                ctx.buy(i, self._sizes[ctx.spec(i).symbol], limit_px=px, reason="cheaper than before")


class CatchUp(Strategy):
    """Slices an order by the clock: at every quote it sends all slices that should have been sent by now, however many that are."""

    def __init__(self, sizes: dict[str, int], every_ns: int) -> None:
        self._sizes, self._every_ns = sizes, every_ns
        self._from_ns = 0
        self._sent = 0

    def on_start(self, ctx: Context) -> None:
        """The schedule begins."""
        self._from_ns = ctx.now_ns

    def on_tick(self, ctx: Context, tick: TradePrinted | QuoteUpdated) -> None:
        """Send what the schedule owes."""
        if not isinstance(tick, QuoteUpdated) or not tick.ask_qty or tick.instrument != ctx.instruments[0]:
            return
        owed = (ctx.now_ns - self._from_ns) // self._every_ns - self._sent
        self._sent += owed
        for _ in range(owed):
            ctx.buy(tick.instrument, self._sizes[ctx.spec(tick.instrument).symbol], reason="a slice of the schedule")
