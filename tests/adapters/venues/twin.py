"""The naive twin of the simulated venue: one tick at a time, everything looked up anew, written from the rules and not from the code.

It shares with the venue the seeded streams (`Chance.fork`) and the counters that name orders and executions.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from math import inf
from typing import Any

from adapters.venues.settings import Resting, Size, Slippage, VenueSettings
from domain.chance import Chance
from domain.events import (
    BarClosed,
    OrderAccepted,
    OrderCanceled,
    OrderCancelRejected,
    OrderCancelRequested,
    OrderExpired,
    OrderFilled,
    OrderRejected,
    OrderReplaced,
    OrderSubmitted,
    OrderTriggered,
    QuoteUpdated,
    TradePrinted,
)
from domain.instrument import Instrument
from domain.terms import Liquidity, OrderType, Side, TimeInForce

STOPS = (OrderType.STOP, OrderType.STOP_LIMIT, OrderType.TRAILING_STOP)
WITH_LIMIT = (OrderType.LIMIT, OrderType.STOP_LIMIT)
AT_ONCE = (TimeInForce.IOC, TimeInForce.FOK)


@dataclass
class Seen:
    """What one instrument has shown: the last event of each kind and what of its sizes nobody took."""

    trade: TradePrinted | None = None
    quote: QuoteUpdated | None = None
    bar: BarClosed | None = None
    left: dict[str, int] = field(default_factory=dict)


@dataclass
class Rest:
    """One order."""

    id: str
    sent: OrderSubmitted
    qty: int
    limit: int
    stop: int
    trail: int
    rank: int
    since: int
    state: str  # waits, takes, rests
    entered: int = 0
    cum: int = 0
    best: int | None = None
    fees: int = 0
    paid: int = 0

    @property
    def buys(self) -> bool:
        return self.sent.side == Side.BUY

    @property
    def reach(self) -> float:
        """The worst price this order accepts."""
        if self.sent.order_type in WITH_LIMIT:
            return self.limit
        return inf if self.buys else -inf

    def accepts(self, px: int) -> bool:
        return px <= self.reach if self.buys else px >= self.reach

    @property
    def leaves(self) -> int:
        return self.qty - self.cum


class Twin:
    def __init__(self, instruments: tuple[Instrument, ...], settings: VenueSettings, seed: int) -> None:
        self.specs = instruments
        self.s = settings
        self.out, self.back, self.slip = (Chance(seed).fork(n) for n in ("out", "back", "slippage"))
        self.inbox: list[tuple[int, Any]] = []
        self.outbox: list[Any] = []
        self.last_in = self.last_out = 0
        self.orders: list[Rest] = []
        self.used: set[str] = set()
        self.seen = [Seen() for _ in instruments]
        self.ranks = self.accepts = self.execs = 0

    # the two lines

    def submit(self, message: Any) -> None:
        jitter = self.out.integer(0, self.s.jitter_out_ns) if self.s.jitter_out_ns else 0
        self.last_in = max(self.last_in, message.ns + self.s.latency_out_ns + jitter)
        self.inbox.append((self.last_in, message))

    def tell(self, kind: type, cl_ord_id: str, now: int, *rest: Any) -> None:
        jitter = self.back.integer(0, self.s.jitter_back_ns) if self.s.jitter_back_ns else 0
        self.last_out = max(self.last_out, now + self.s.latency_back_ns + jitter)
        self.outbox.append(kind(self.last_out, 0, cl_ord_id, now, *rest))

    def report(self, until: int) -> Any:
        while True:
            due = []
            if self.outbox:
                due.append((self.outbox[0].ns, 0))
            expiring = [o for o in self.orders if o.sent.time_in_force == TimeInForce.GTD]
            if expiring:
                due.append((min(o.sent.expire_ns for o in expiring), 1))
            if self.inbox:
                due.append((self.inbox[0][0], 2))
            if not due or min(due)[0] > until:
                return None
            now, what = min(due)
            if what == 0:
                return self.outbox.pop(0)
            if what == 1:
                first = min((o for o in expiring if o.sent.expire_ns == now), key=lambda o: o.entered)
                self.orders.remove(first)
                self.tell(OrderExpired, first.id, now, False, "the expiry time came")
            else:
                self.arrive(self.inbox.pop(0)[1], now)

    # messages

    def arrive(self, m: Any, now: int) -> None:
        if isinstance(m, OrderSubmitted):
            self.enter(m, now)
            return
        order = next((o for o in self.orders if o.id == m.orig_cl_ord_id), None)
        if order is None:
            gone = m.orig_cl_ord_id in self.used
            self.tell(OrderCancelRejected, m.cl_ord_id, now, m.orig_cl_ord_id, "too late: the order is gone" if gone else "the order is unknown")
        elif isinstance(m, OrderCancelRequested):
            self.orders.remove(order)
            self.tell(OrderCanceled, m.cl_ord_id, now, order.id, "requested")
        else:
            self.replace(order, m, now)

    def enter(self, m: OrderSubmitted, now: int) -> None:
        if m.cl_ord_id in self.used:
            self.tell(OrderRejected, m.cl_ord_id, now, "the order id was used before")
            return
        self.used.add(m.cl_ord_id)
        fault = self.fault(m, now)
        if fault:
            self.tell(OrderRejected, m.cl_ord_id, now, fault)
            return
        state = "waits" if m.order_type in STOPS else "takes"
        order = Rest(m.cl_ord_id, m, m.order_qty, m.limit_px, m.stop_px, m.trail_px, 0, now, state)
        if m.post_only and state == "takes":
            px = self.offer(order, now)
            if px is not None and order.accepts(px):
                self.tell(OrderRejected, m.cl_ord_id, now, "post-only order would take")
                return
            order.state = "rests"
        self.rank(order)
        order.entered = order.rank
        self.accepts += 1
        self.tell(OrderAccepted, m.cl_ord_id, now, f"V{self.accepts}")
        self.meet(order, now)
        if order.leaves:
            self.orders.append(order)

    def fault(self, m: OrderSubmitted, now: int) -> str:
        if not 0 <= m.instrument < len(self.specs):
            return "the instrument is unknown"
        spec = self.specs[m.instrument]
        if not spec.tradable:
            return "the instrument is not tradable"
        if m.side == Side.NONE:
            return "the order has no side"
        if m.order_qty < 1 or m.order_qty % spec.lot_qty != 0:
            return "the quantity is not a positive multiple of the lot"
        if m.time_in_force == TimeInForce.GTD and m.expire_ns <= now:
            return "the expiry time has passed"
        if m.post_only and (m.order_type not in WITH_LIMIT or m.time_in_force in AT_ONCE):
            return "post-only needs a limit price and time to rest"
        return self.bad_price(spec, m.order_type, m)

    @staticmethod
    def bad_price(spec: Instrument, order_type: OrderType, m: Any) -> str:
        if order_type in WITH_LIMIT and (m.limit_px == 0 or m.limit_px % spec.tick_px != 0):
            return "the limit price is missing or off the tick grid"
        if order_type in (OrderType.STOP, OrderType.STOP_LIMIT) and (m.stop_px == 0 or m.stop_px % spec.tick_px != 0):
            return "the stop price is missing or off the tick grid"
        if order_type == OrderType.TRAILING_STOP and (m.trail_px < 1 or m.trail_px % spec.tick_px != 0 or m.limit_px or m.stop_px):
            return "a trailing stop needs a trailing distance on the tick grid and no other price"
        return ""

    def replace(self, o: Rest, m: Any, now: int) -> None:
        spec = self.specs[o.sent.instrument]
        fault = ""
        if m.cl_ord_id in self.used:
            fault = "the order id was used before"
        elif m.order_qty < 1 or m.order_qty % spec.lot_qty != 0:
            fault = "the quantity is not a positive multiple of the lot"
        elif m.order_qty <= o.cum:
            fault = "too late: the quantity is already filled"
        elif o.sent.order_type != OrderType.MARKET:
            fault = self.bad_price(spec, o.sent.order_type, m)
        new_limit = o.sent.order_type in WITH_LIMIT and m.limit_px != o.limit
        if not fault and new_limit and o.sent.post_only and o.state != "waits":
            px = self.offer(o, now)
            if px is not None and (px <= m.limit_px if o.buys else px >= m.limit_px):
                fault = "post-only order would take"
        if fault:
            self.tell(OrderCancelRejected, m.cl_ord_id, now, o.id, fault)
            return
        self.tell(OrderReplaced, m.cl_ord_id, now, o.id, m.order_qty, m.limit_px, m.stop_px, m.trail_px)
        new_stop = o.state == "waits" and (m.trail_px != o.trail if o.sent.order_type == OrderType.TRAILING_STOP else m.stop_px != o.stop)
        loses_place = new_limit or new_stop or m.order_qty > o.qty
        self.used.add(m.cl_ord_id)
        o.id = m.cl_ord_id
        o.qty = m.order_qty
        if not loses_place:
            return
        o.limit = m.limit_px
        if o.state == "waits":
            if o.sent.order_type == OrderType.TRAILING_STOP:
                o.trail = m.trail_px
            else:
                o.stop = m.stop_px
        elif new_limit:
            o.state = "rests" if o.sent.post_only else "takes"
        o.since = now
        self.rank(o)
        self.meet(o, now)
        if not o.leaves:
            self.orders.remove(o)

    def roll_day(self, now: int) -> None:
        for o in sorted(self.orders, key=lambda o: o.rank):
            if o.sent.time_in_force == TimeInForce.DAY:
                self.orders.remove(o)
                self.tell(OrderExpired, o.id, now, False, "the day ended")

    def rank(self, o: Rest) -> None:
        self.ranks += 1
        o.rank = self.ranks

    # what stands

    def offer(self, o: Rest, now: int) -> int | None:
        """The price an order can take at `now`."""
        seen = self.seen[o.sent.instrument]
        if seen.quote is not None:
            q = seen.quote
            px, size = (q.ask_px, q.ask_qty) if o.buys else (q.bid_px, q.bid_qty)
            return px if size else None
        if seen.trade is not None:
            return seen.trade.px if seen.trade.ns == now else None
        return seen.bar.close_px if seen.bar is not None and seen.bar.ns == now else None

    def pool(self, o: Rest) -> str:
        seen = self.seen[o.sent.instrument]
        return ("ask" if o.buys else "bid") if seen.quote is not None else "trade" if seen.trade is not None else "bar"

    def trigger_px(self, o: Rest, now: int) -> int | None:
        """The price that a waiting stop looks at."""
        seen = self.seen[o.sent.instrument]
        if seen.trade is not None:
            return seen.trade.px if seen.trade.ns == now else None
        return self.offer(o, now)

    def shown(self, o: Rest, px: int) -> bool:
        """A waiting stop sees a price; whether it triggers."""
        if o.sent.order_type == OrderType.TRAILING_STOP:
            if o.best is None or (px < o.best if o.buys else px > o.best):
                o.best = px
            o.stop = o.best + o.trail if o.buys else o.best - o.trail
        return px >= o.stop if o.buys else px <= o.stop

    def meet(self, o: Rest, now: int) -> None:
        if o.state == "waits":
            px = self.trigger_px(o, now)
            if px is None or not self.shown(o, px):
                return
            self.fire(o, now)
        if o.state != "takes":
            return
        px = self.offer(o, now)
        seen = self.seen[o.sent.instrument]
        if px is not None:
            self.take(o, px, self.pool(o), now)
        elif o.sent.time_in_force in AT_ONCE and (seen.quote or not (seen.trade or seen.bar)):
            self.kill(o, now, "nothing to trade with")
        elif o.sent.post_only:
            o.state = "rests"

    def fire(self, o: Rest, now: int) -> None:
        o.state = "takes"
        o.since = now
        self.tell(OrderTriggered, o.id, now, o.limit if o.sent.order_type in WITH_LIMIT else 0)

    def kill(self, o: Rest, now: int, reason: str) -> None:
        o.qty = o.cum
        self.tell(OrderCanceled, o.id, now, "", reason)

    # fills

    def take(self, o: Rest, px: int, pool: str, now: int) -> None:
        tif = o.sent.time_in_force
        if not o.accepts(px):
            o.state = "rests"
            if tif in AT_ONCE:
                self.kill(o, now, "nothing to trade with at the limit")
            return
        if o.sent.post_only:
            self.kill(o, now, "post-only order would take")
            return
        there = self.there(o, pool)
        if tif == TimeInForce.FOK and there < o.leaves:
            self.kill(o, now, "not enough to fill the whole order")
            return
        if there:
            self.fill(o, self.worse(o, px), min(there, o.leaves), pool, Liquidity.TAKER, now)
        if tif in AT_ONCE and o.leaves:
            self.kill(o, now, "the rest found nothing to trade with")

    def there(self, o: Rest, pool: str) -> int:
        return o.leaves if self.s.liquidity == Size.INFINITE else self.seen[o.sent.instrument].left[pool]

    def worse(self, o: Rest, px: int) -> int:
        if self.s.slippage == Slippage.NONE or self.s.slippage_ticks == 0:
            return px
        n = self.s.slippage_ticks if self.s.slippage == Slippage.FIXED else self.slip.integer(0, self.s.slippage_ticks)
        tick = self.specs[o.sent.instrument].tick_px
        if o.buys:
            return int(min(px + n * tick, o.reach))
        slipped = int(max(px - n * tick, o.reach))
        return min(px, tick) if slipped <= 0 < px else slipped

    def fill(self, o: Rest, px: int, qty: int, pool: str, liquidity: Liquidity, now: int) -> None:
        if self.s.liquidity == Size.DISPLAYED:
            self.seen[o.sent.instrument].left[pool] -= qty
        o.cum += qty
        self.execs += 1
        spec = self.specs[o.sent.instrument]
        ppm = self.s.taker_ppm if liquidity == Liquidity.TAKER else self.s.maker_ppm
        o.fees += round(Fraction(spec.notional(px, qty) * ppm, 10**6))
        o.fees += round(Fraction(self.s.fee_per_unit, 10**9) * Fraction(qty, 10**spec.qty_digits) * 10**spec.amt_digits)
        owed = o.fees
        if self.s.fee_min:
            owed = max(owed, -(Fraction(-self.s.fee_min, 10**9) * 10**spec.amt_digits // 1))
        fee, o.paid = owed - o.paid, owed
        self.tell(OrderFilled, o.id, now, f"X{self.execs}", px, qty, liquidity, fee, spec.settle, spec.amt_digits)

    # ticks

    def tick(self, e: Any) -> None:
        seen = self.seen[e.instrument]
        if isinstance(e, TradePrinted):
            seen.trade = e
            seen.left["trade"] = e.qty
        elif isinstance(e, QuoteUpdated):
            seen.quote = e
            seen.left |= {"bid": e.bid_qty, "ask": e.ask_qty}
        else:
            seen.bar = e
            seen.left["bar"] = e.volume_qty
            if seen.trade is not None or seen.quote is not None:
                return
        mine = sorted((o for o in self.orders if o.sent.instrument == e.instrument), key=lambda o: o.rank)
        fired = {}
        for o in mine:
            px = self.seen_by_stop(o, e) if o.state == "waits" else None
            if px is not None:
                self.fire(o, e.ns)
                self.rank(o)
                fired[o.id] = px
        for o in sorted((o for o in mine if o.state != "waits"), key=lambda o: (self.distance(o, e), o.rank)):
            self.work(o, e, fired.get(o.id))
        self.orders = [o for o in self.orders if o.leaves]

    def seen_by_stop(self, o: Rest, e: Any) -> int | None:
        """The price at which a waiting stop triggers on this tick."""
        if isinstance(e, BarClosed):
            return self.bar_stop(o, e)
        if isinstance(e, QuoteUpdated) and self.seen[e.instrument].trade is not None:
            return None
        px = self.trigger_px(o, e.ns)
        return px if px is not None and self.shown(o, px) else None

    def bar_stop(self, o: Rest, e: BarClosed) -> int | None:
        if o.since > e.ns - e.interval_ns:
            return e.close_px if self.shown(o, e.close_px) else None
        path = [e.open_px, e.high_px, e.low_px, e.close_px] if o.buys else [e.open_px, e.low_px, e.high_px, e.close_px]
        for step, px in enumerate(path):
            if self.shown(o, px):
                return px if step == 0 else o.stop
        return None

    def distance(self, o: Rest, e: Any) -> float:
        """How far the market is from the worst price the order accepts; most negative first."""
        if isinstance(e, TradePrinted):
            px = e.px
        elif isinstance(e, QuoteUpdated):
            px = e.ask_px if o.buys else e.bid_px
        else:
            px = e.close_px
        return px - o.reach if o.buys else o.reach - px

    def work(self, o: Rest, e: Any, fired_at: int | None) -> None:
        if isinstance(e, BarClosed):
            self.work_bar(o, e, fired_at)
        elif isinstance(e, TradePrinted):
            if o.state == "takes":
                if self.seen[e.instrument].quote is None or fired_at is not None:
                    self.meet(o, e.ns)
            elif (o.accepts(e.px) and e.px != o.reach) or (self.s.resting == Resting.TOUCH and e.px == o.reach):
                self.give(o, o.limit, "trade", e.ns)
        else:
            px, size = (e.ask_px, e.ask_qty) if o.buys else (e.bid_px, e.bid_qty)
            if size and o.state == "takes":
                self.take(o, px, "ask" if o.buys else "bid", e.ns)
            elif size and o.accepts(px):
                self.give(o, o.limit, "ask" if o.buys else "bid", e.ns)

    def work_bar(self, o: Rest, e: BarClosed, fired_at: int | None) -> None:
        whole = o.since <= e.ns - e.interval_ns
        if o.state == "takes":
            start = e.open_px if whole else e.close_px
            self.take(o, start if fired_at is None else fired_at, "bar", e.ns)
        if o.state == "rests" and o.leaves:
            if whole and o.accepts(e.low_px if o.buys else e.high_px):
                self.give(o, min(o.limit, e.open_px) if o.buys else max(o.limit, e.open_px), "bar", e.ns)
            elif not whole and o.accepts(e.close_px):
                self.give(o, o.limit, "bar", e.ns)

    def give(self, o: Rest, px: int, pool: str, now: int) -> None:
        qty = min(o.leaves, self.there(o, pool))
        if qty:
            self.fill(o, px, qty, pool, Liquidity.MAKER, now)
