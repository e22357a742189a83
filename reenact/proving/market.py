"""What the market and the strategies can do in a session: each move is a small number that becomes an input near the session's own limits.

Invariants: a move depends on its number and on what the events say so far, so the same moves give the same session; values are drawn at the
limits, one over and one under, because that is where rules break.
"""

from __future__ import annotations

from collections.abc import Callable

from domain import events as ev
from reenact.proving.adversary import CANCEL, CANCEL_GROUP, GROUP, HOLD, LATER, LIMIT, MARKET, ORDER, REPLACE, STOP, STOP_LIMIT, TRAILING, told
from reenact.proving.dice import Dice, Mover
from reenact.proving.facts import PERSON
from reenact.proving.near import edges_of, near_ns, near_px, near_qty
from reenact.proving.walk import Row, Walk

TRADE, QUOTE = 1, 2


class Market(Mover):
    """Ticks, feeds, time, and what strategies want."""

    def __init__(self, walk: Walk, *, attacked: bool, gentle: bool, grouped: bool) -> None:
        """`attacked`: the adversary stands for the strategies, and opens groups of orders where it is `grouped`. `gentle`: most orders are small and plain, feeds stay up, so that much is approved."""
        super().__init__(walk)
        self.attacked = attacked
        self.gentle = gentle
        self.grouped = grouped
        self.px = list(walk.setup.px) or [100 * 10**s.price_digits for s in walk.opened.instruments]
        self.began = list(self.px)

    # ── market ────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

    def market(self) -> tuple[Callable[[Dice], None], ...]:
        """Moves of the market and its feeds, the frequent ones several times."""
        if self.gentle:
            return (self.trade, self.quote, self.trade, self.trades)
        return (self.trade, self.quote, self.trade, self.quote, self.trade, self.trades, self.trade, self.feed)

    def trade(self, d: Dice) -> None:
        """A trade at a price near the last, or far from it."""
        i = d.of(len(self.px))
        px = self.moved(d, i)
        ns = self.ticked(d)
        self.walk.tick([(TRADE, i, ns, ns, px, 1 + d.of(100), d.of(3) - 1, 0)])

    def trades(self, d: Dice) -> None:
        """Several trades in one table, in any instruments."""
        rows: list[Row] = []
        for _ in range(2 + d.of(4)):
            i = d.of(len(self.px))
            px = self.moved(d, i)
            ns = self.ticked(d)
            rows.append((TRADE, i, ns, ns, px, 1, 0, 0))
        self.walk.tick(rows)

    def moved(self, d: Dice, i: int) -> int:
        """Where the price goes: a step, a collar's width, or a jump."""
        tick = self.facts.specs[i].tick_px
        px = self.px[i]
        step = d.one((0, tick, -tick, 3 * tick, -3 * tick, px // 100, -px // 100, px // 20, -px // 20, px // 3, -px // 2, 0, tick, -tick))
        px = max(self.began[i] // 4, min(4 * self.began[i], px + step), tick)
        self.px[i] = px = px - px % tick
        return px

    def quote(self, d: Dice) -> None:
        """A quote: usual, wide, locked, crossed, one-sided or senseless."""
        i = d.of(len(self.px))
        tick = self.facts.specs[i].tick_px
        bid, ask = self.px[i] - tick, self.px[i] + tick
        bids = asks = 1 + d.of(50)
        match d.of(8):
            case 3:
                bid = ask
            case 4:
                bid, ask = ask, bid
            case 5:
                bids = 0
            case 6:
                asks = 0
            case 7:
                bid, ask = (0, ask) if d.of(2) else (bid, bid + self.px[i] // 10)
        ns = self.ticked(d)
        self.walk.tick([(QUOTE, i, ns, ns, max(0, bid), bids, max(0, ask), asks)])

    def feed(self, d: Dice) -> None:
        """A feed is lost, comes back, or has a gap."""
        lost = list(self.facts.lost_feeds)
        ns = self.ticked(d)
        n = len(self.px)
        if lost and d.of(4):
            self.walk.step(ev.FeedConnected(ns, 0, lost[0]))
        elif d.of(2):
            self.walk.step(ev.FeedGap(ns, 0, "feed", d.of(n + 1) - 1, "a frame is missing"))
        else:
            i = d.of(n + 1)
            self.walk.step(ev.FeedLost(ns, 0, f"feed {i}", "closed", tuple(range(n)) if i == n else (i,)))

    def wait(self, d: Dice) -> None:
        """Time passes, to the edge of something that depends on it."""
        walk = self.walk
        walk.clock_ns = max(walk.clock_ns, walk.now_ns)
        waits = near_ns(self.facts, walk.clock_ns, walk.engine.desk.next_timer_ns)
        walk.clock_ns += d.one(waits[: None if d.of(2) else 2])
        walk.due(walk.clock_ns)
        walk.waited = True

    # ── wishes of strategies ──────────────────────────────────────────────────────────────────────────────────────────────────────────

    def wishes(self) -> tuple[Callable[[Dice], None], ...]:
        """Moves of the strategies: by the adversary where it stands for them, else by more of the market."""
        if not self.attacked or not self.facts.opened.strategies:
            return (self.trade, self.trades, self.quote)
        plain = (self.order, self.order, self.change, self.order, self.again, self.order, self.change, self.later, self.repeat)
        return (self.group, *plain, self.group, self.group, self.ungroup) if self.grouped else plain

    def tell(self, d: Dice, verb: int, who: int, i: int, side: int, qty: int, *, on: int, away: int, shape: int = 0, life: int = 0, flags: int = 0, times: int = 1) -> None:  # fmt: skip
        """Let a tick say it; the tick stands in the same instrument or another one."""
        qty = max(-(2**61), min(2**61, qty))
        word = told(verb, who, i, shape, life, flags, away)
        rows: list[Row] = []
        for _ in range(times):
            ns = self.ticked(d)
            rows.append((TRADE, on, ns, ns, self.px[on], qty, side, word))
        self.walk.tick(rows)

    def heard_on(self, d: Dice, who: int, i: int) -> int:
        """An instrument whose ticks a strategy hears: mostly the one it is about."""
        listed = self.facts.opened.strategies[who].instruments
        return i if i in listed and (self.gentle or d.of(3)) else d.one(listed) if listed else i

    def drawn(self, d: Dice) -> tuple[int, int, int, int, int, int, int, int]:
        """An order: (strategy, instrument, sign, quantity, distance from the last price, shape, flags, where it is said)."""
        i = d.of(len(self.px))
        who = d.of(len(self.facts.opened.strategies))
        side = 1 if d.of(2) == 0 else -1
        wild = d.of(12 if self.gentle else 6)
        shape = d.one((MARKET, LIMIT, STOP, STOP_LIMIT, TRAILING, LIMIT) if wild == 1 else (LIMIT, LIMIT, MARKET))
        px = 0
        if shape != MARKET:
            px = d.one(near_px(self.facts, self.px[i], i, side, who)[: None if wild in (2, 4) else 3])
        qty = d.one(near_qty(self.facts, i, side, who, px or self.px[i])[: None if wild in (3, 4) else 3])
        flags = d.one((0, 2, 1, 4, 8, 0) if wild in (1, 4) else (8, 12, 10, 12))
        on = self.heard_on(d, who, i)
        last = self.facts.prints[i]
        base = self.px[i] if on == i else last[0] if last is not None else 0
        return who, i, side, qty, px - base if px else 0, shape, flags, on

    def order(self, d: Dice) -> None:
        """A strategy wants an order."""
        who, i, side, qty, away, shape, flags, on = self.drawn(d)
        self.tell(d, ORDER, who, i, side, qty, on=on, away=away, shape=shape, life=d.of(5), flags=flags)

    def again(self, d: Dice) -> None:
        """A strategy wants the same again and again."""
        who, i, side, qty, away, shape, flags, on = self.drawn(d)
        lot = self.facts.specs[i].lot_qty
        self.tell(d, ORDER, who, i, side, d.one((lot, qty)), on=on, away=away, shape=shape, flags=flags & 12, times=2 + d.of(5))

    def repeat(self, d: Dice) -> None:
        """A strategy wants its last order once more, perhaps on the other side, when a wait has ended or at once."""
        known = next((k for k in reversed(self.facts.orders) if k.strategy != PERSON), None)
        if known is None:
            self.order(d)
            return
        walk = self.walk
        walk.clock_ns = max(walk.clock_ns, walk.now_ns)
        since = known if d.of(2) else d.one(self.facts.orders[-8:])
        edges = edges_of(self.facts, since.ns, walk.clock_ns)
        if edges and d.of(4):
            walk.clock_ns += d.one(edges)
            walk.due(walk.clock_ns)
            walk.waited = True
        i, sent = known.instrument, known.sent
        px = sent.limit_px or sent.stop_px
        shape = {1: MARKET, 2: LIMIT, 3: STOP}.get(int(sent.order_type), MARKET)
        side = known.sign if d.of(4) else -known.sign
        self.tell(d, ORDER, known.strategy, i, side, sent.order_qty, on=i, away=px - self.px[i] if px else 0, shape=shape, flags=8)

    def change(self, d: Dice) -> None:
        """A strategy cancels or replaces one of its orders, or waits."""
        working = [k for k in self.facts.working.values() if k.strategy != PERSON]
        known = d.one(working) if working else None
        i = known.instrument if known else 0
        own = [k for k in working if known and k.strategy == known.strategy and k.instrument == i]
        verb = d.one((REPLACE, REPLACE, CANCEL, HOLD))
        tick = self.facts.specs[i].tick_px
        n = max(1, len(own))
        away = (own.index(known) if known else 0) + n * d.one((0, 1, -1, 5, -5)) * (tick if tick % n == 0 or n == 1 else tick * n)
        qty = 0
        if known:
            qty = d.one([known.qty, *near_qty(self.facts, i, known.sign, known.strategy, self.px[i]), known.qty + self.facts.specs[i].lot_qty])
        who = known.strategy if known else 0
        self.tell(d, verb, who, i, known.sign if known else 1, qty, on=self.heard_on(d, who, i), away=away, flags=d.of(2))

    def group(self, d: Dice) -> None:
        """A strategy opens a bracket, alternatives, or an order that triggers others, around the last price."""
        who, i, side, qty, *_, on = self.drawn(d)
        tick = self.facts.specs[i].tick_px
        away = d.one((3 * tick, tick, 20 * tick, self.px[i] // 50, self.px[i] // 5))
        self.tell(d, GROUP, who, i, side, qty, on=on, away=away - away % tick or tick, shape=d.of(3), life=d.of(3), flags=d.of(8))

    def ungroup(self, d: Dice) -> None:
        """A strategy gives up one of its groups."""
        who = d.of(len(self.facts.opened.strategies))
        self.tell(d, CANCEL_GROUP, who, 0, 1, 1, on=self.heard_on(d, who, 0), away=-1 - d.of(3))

    def later(self, d: Dice) -> None:
        """A strategy wants an order when its data has reached a certain age."""
        who, i, side, qty, away, shape, flags, on = self.drawn(d)
        ns = self.ticked(d)
        wait = max(1, d.one(near_ns(self.facts, ns, 0)))
        qty = max(-(2**61), min(2**61, qty))
        self.walk.tick([(TRADE, on, ns + wait, ns, self.px[on], qty, side, told(LATER, who, i, shape, 0, flags, away))])
