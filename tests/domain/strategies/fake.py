"""A recording stand-in for the engine: it notes every intent, and lets a scripted venue answer at scripted rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain, pairwise
from typing import Any

import numpy as np

from domain.chance import Chance
from domain.events import BarClosed, OrderCanceled, OrderFilled, OrderReplaced, OrderReplaceRequested, OrderSubmitted, QuoteUpdated, TradePrinted
from domain.instrument import Instrument, instrument
from domain.order import Order, evolve
from domain.strategy import ScanningStrategy, Strategy
from domain.terms import Liquidity, OrderType, Side, TickKind, TimeInForce
from domain.ticks import Tick, Ticks, of_events

ANSWER, FILL, NIBBLE, TIMER, LOSE = "answer", "fill", "nibble", "timer", "lose"
SPEC = instrument("ACME", price_digits=2)


class FakeContext:
    """The surface of `domain.context.Context`. `intents` holds (now, what was asked for), in order."""

    def __init__(self, instruments: tuple[int, ...], specs: Sequence[Instrument] = (SPEC, SPEC, SPEC), equity: int = 0) -> None:
        self.instruments = instruments
        self.specs = specs
        self.chance = Chance(7)
        self.now_ns = 0
        self.intents: list[tuple[Any, ...]] = []
        self.positions = [0] * len(specs)
        self.orders: list[Order] = []
        self.timers: dict[str, int] = {}
        self.quotes: dict[int, tuple[int, int, int, int]] = {}
        self.lasts: dict[int, int] = {}
        self.amount = equity
        self.deny = False
        self.ids = 0

    def spec(self, i: int) -> Instrument:
        return self.specs[i]

    def position(self, i: int) -> int:
        return self.positions[i]

    def last_px(self, i: int) -> int:
        return self.lasts.get(i, 0)

    def quote(self, i: int) -> tuple[int, int, int, int] | None:
        return self.quotes.get(i)

    def cash(self, currency: str) -> int:
        return self.amount

    def equity(self, currency: str) -> int:
        return self.amount

    def open_orders(self, i: int | None = None) -> list[Order]:
        return [o for o in self.orders if o.worst_leaves and (i is None or o.instrument == i)]

    def buy(self, i: int, qty: int, **terms: Any) -> str:
        return self._submit(Side.BUY, i, qty, **terms)

    def sell(self, i: int, qty: int, **terms: Any) -> str:
        return self._submit(Side.SELL, i, qty, **terms)

    def cancel(self, cl_ord_id: str, reason: str = "") -> None:
        self.intents.append((self.now_ns, "cancel", cl_ord_id, reason))
        order = next(o for o in self.orders if o.cl_ord_id == cl_ord_id)
        evolve(order, OrderCanceled(self.now_ns, 0, cl_ord_id, self.now_ns, cl_ord_id, reason))

    def replace(self, cl_ord_id: str, *, qty: int = 0, limit_px: int = 0, stop_px: int = 0, trail_px: int = 0, reason: str = "") -> str:
        self.intents.append((self.now_ns, "replace", cl_ord_id, qty, limit_px, reason))
        order = next(o for o in self.orders if o.cl_ord_id == cl_ord_id)
        new_id = self._id()
        evolve(order, OrderReplaceRequested(self.now_ns, 0, new_id, cl_ord_id, qty or order.order_qty, limit_px or order.limit_px, 0, 0))
        return new_id

    def hold(self, i: int, reason: str) -> None:
        self.intents.append((self.now_ns, "hold", i, reason))

    def set_timer(self, name: str, due_ns: int) -> None:
        assert due_ns > self.now_ns, "a timer is due after now"
        self.intents.append((self.now_ns, "timer", name, due_ns))
        self.timers[name] = due_ns

    def consume(self, tick: Tick) -> None:
        """Make a tick the current input."""
        self.now_ns = max(self.now_ns, tick.ns)
        if isinstance(tick, QuoteUpdated):
            self.quotes[tick.instrument] = (tick.bid_px, tick.bid_qty, tick.ask_px, tick.ask_qty)
        else:
            self.lasts[tick.instrument] = tick.px if isinstance(tick, TradePrinted) else tick.close_px

    def due(self, strategy: Strategy, until_ns: int) -> None:
        """Fire the timers up to a time, in order."""
        while self.timers and min(self.timers.values()) <= until_ns:
            name = min(self.timers, key=lambda n: (self.timers[n], n))
            self.now_ns = max(self.now_ns, self.timers.pop(name))
            strategy.on_timer(self, name)  # type: ignore[arg-type]

    def world(self, strategy: Strategy, action: str) -> None:
        """One scripted move of the outside world."""
        working = self.open_orders()
        if action == TIMER and self.timers:
            self.due(strategy, min(self.timers.values()))
        elif action == ANSWER:
            for order in working:
                for request in list(order.requests.values()):
                    assert isinstance(request, OrderReplaceRequested)
                    evolve(
                        order,
                        OrderReplaced(self.now_ns, 0, request.cl_ord_id, self.now_ns, order.cl_ord_id, request.order_qty, request.limit_px, 0, 0),
                    )
        elif working and action == LOSE:
            evolve(working[0], OrderCanceled(self.now_ns, 0, working[0].cl_ord_id, self.now_ns, working[0].cl_ord_id, "lost"))
        elif working and action in (FILL, NIBBLE):
            self.fill(strategy, working[0], working[0].leaves_qty if action == FILL else 1)

    def fill(self, strategy: Strategy, order: Order, qty: int) -> None:
        """Fill a part of an order and tell the strategy."""
        event = OrderFilled(self.now_ns, 0, order.cl_ord_id, self.now_ns, self._id(), order.limit_px or 100, qty, Liquidity.TAKER, 0, "USD", 2)
        evolve(order, event)
        self.positions[order.instrument] += order.side * qty
        strategy.on_fill(self, event)  # type: ignore[arg-type]

    def end(self, order: Order) -> None:
        """The venue ends an order without being asked, as it does with the rest of an immediate-or-cancel order."""
        evolve(order, OrderCanceled(self.now_ns, 0, order.cl_ord_id, self.now_ns, order.cl_ord_id, "ioc"))

    def _id(self) -> str:
        self.ids += 1
        return f"t-{self.ids}"

    def _submit(self, side: Side, i: int, qty: int, *, limit_px: int = 0, reason: str = "", post_only: bool = False,
                time_in_force: TimeInForce = TimeInForce.GTC) -> str:  # fmt: skip
        self.intents.append((self.now_ns, side.name, i, qty, limit_px, time_in_force.name, post_only, reason))
        cl_ord_id = self._id()
        if not self.deny:
            kind = OrderType.LIMIT if limit_px else OrderType.MARKET
            self.orders.append(
                Order(OrderSubmitted(self.now_ns, 0, cl_ord_id, 0, i, side, qty, kind, limit_px, 0, 0, time_in_force, 0, post_only, False))
            )
        return cl_ord_id


def tell(strategy: Strategy, ctx: FakeContext, tick: Tick) -> None:
    """Hand one tick to a strategy as the engine does."""
    if isinstance(tick, BarClosed):
        strategy.on_bar(ctx, tick)  # type: ignore[arg-type]
    else:
        strategy.on_tick(ctx, tick)  # type: ignore[arg-type]


def drive_plain(strategy: Strategy, ctx: FakeContext, ticks: Sequence[Tick], script: dict[int, str]) -> None:
    """Every tick of the strategy's instruments, one by one."""
    for row, tick in enumerate(ticks):
        ctx.consume(tick)
        if tick.instrument in ctx.instruments:
            tell(strategy, ctx, tick)
        if row in script:
            ctx.world(strategy, script[row])


def drive_scanning(
    strategy: ScanningStrategy, ctx: FakeContext, ticks: Sequence[Tick], cuts: Sequence[int], script: dict[int, str], told: set[int]
) -> None:
    """The same ticks in tables cut at `cuts`, with scans and skips. Rows in `told` are told although no scan asked for them."""
    edges = [0, *cuts, len(ticks)]
    for start, stop in pairwise(edges):
        if start < stop:
            _drive_table(strategy, ctx, ticks[start:stop], start, script, told)


def _drive_table(strategy: ScanningStrategy, ctx: FakeContext, ticks: Sequence[Tick], first: int, script: dict[int, str], told: set[int]) -> None:
    table = of_events(ticks)
    n = len(ticks)
    c: Any = ctx
    i = 0
    loud = -1
    while i < n:
        if loud < i:
            loud = strategy.scan(c, table, i, n)
            assert i <= loud <= n
        stop = min(loud, _next(chain(script, told), first + i, first + n) - first)
        strategy.skip(c, table, i, stop)
        for tick in ticks[i:stop]:
            ctx.consume(tick)
        i = stop
        if i == n:
            break
        ctx.consume(ticks[i])
        row = first + i
        if i == loud or row in told:
            if ticks[i].instrument in ctx.instruments:
                tell(strategy, ctx, ticks[i])
            loud = -1
        else:
            strategy.skip(c, table, i, i + 1)
        if row in script:
            ctx.world(strategy, script[row])
            loud = -1
        i += 1


def _next(rows: Iterator[int], at: int, end: int) -> int:
    return min((r for r in rows if at <= r < end), default=end)


def walk(seed: int, n: int, kinds: Sequence[TickKind], instruments: int) -> list[Tick]:
    """A random market: prices walk in small steps around 10,000, now and then a jump or an empty side."""
    r = np.random.Generator(np.random.PCG64(seed))
    px = [10_000] * instruments
    ticks: list[Tick] = []
    ns = 0
    for _ in range(n):
        ns += int(r.integers(0, 4))
        i = int(r.integers(0, instruments))
        px[i] += int(r.integers(-2, 3)) if r.random() < 0.97 else int(r.integers(-30, 31))
        kind = kinds[int(r.integers(0, len(kinds)))]
        qty, other = (int(x) for x in r.integers(0 if kind == TickKind.QUOTE else 1, 9, 2))
        if kind == TickKind.TRADE:
            ticks.append(TradePrinted(ns, 0, ns, i, px[i], qty, Side.BUY, 0))
        elif kind == TickKind.QUOTE:
            ticks.append(QuoteUpdated(ns, 0, ns, i, px[i] - int(r.integers(0, 3)), qty, px[i] + int(r.integers(0, 3)), other))
        else:
            ticks.append(BarClosed(ns, 0, ns, i, px[i], px[i] + 3, px[i] - 3, px[i], qty, 60))
    return ticks


def trades(*prices: int, qty: int = 1, instrument: int = 0) -> list[Tick]:
    """One trade a nanosecond at the given prices."""
    return [TradePrinted(ns, 0, ns, instrument, px, qty, Side.BUY, 0) for ns, px in enumerate(prices, start=1)]


def columns(ticks: Sequence[Tick]) -> Ticks:
    """The ticks as a table."""
    return of_events(ticks)
