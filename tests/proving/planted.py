"""Engines that are broken on purpose, each in one small way, and the session in which the prover must notice it.

A planted bug changes one function, one rule or one method while it is in force. None of them is allowed to be found by luck of its name: the
prover runs with all of its invariants, as it does for users.
"""

from __future__ import annotations

from itertools import count
from typing import Any

import msgspec

import domain.control.approvals
import domain.control.states
import domain.desk
from domain.control.disconnects import Disconnects
from domain.control.kills import Kills
from domain.control.reaper import Reaper
from domain.desk import Desk
from domain.engine import Engine
from domain.events import DayRolled, OrderCancelRequested, OverrideGranted, SessionResumed
from domain.limits import Check
from domain.money import rescale
from domain.order import Order
from domain.risk.book import Book
from domain.risk.bound import Bound, answer
from domain.risk.collar_drift import Peaks
from domain.risk.daily_loss import worst
from domain.risk.exposure import reduces, standing
from domain.risk.latch import Latch
from domain.risk.loss_breaker import Trips
from domain.risk.message_rate import Cancels, Messages
from domain.risk.proposal import Proposal
from domain.risk.repeated_execution import Repeats
from domain.risk.window import Window
from domain.state import State
from domain.terms import OrdStatus, Scope, TradingState
from tests.proving import planted_groups, planted_sizes, planted_watch
from tests.proving.bench import PLANTED, Bench, Planted, check, planted, sound_rule

__all__ = ["PLANTED", "Planted", "planted_groups", "planted_sizes", "planted_watch"]

# Order by order: sizes, prices, data.


@check("R-04", "quantity: one over passes", "orders")
def _(p: Proposal, b: Bound) -> Check:
    return answer(b, p.qty <= b.most + 1, p.qty, b.most)


@check("R-04", "quantity: the limit itself is denied", "orders")
def _(p: Proposal, b: Bound) -> Check:
    return answer(b, p.qty < b.most, p.qty, b.most)


@check("R-04a", "volume: the part is rounded down", "borrow")
def _(p: Proposal, b: Bound) -> Check:
    bps = p.qty * 10_000 // b.values[1]
    return answer(b, bps <= b.most, bps, b.most)


@check("R-03", "value: the contract multiplier is forgotten", "orders")
def _(p: Proposal, b: Bound) -> Check:
    amt = max(p.limit_px or p.stop_px, p.ref_px) * p.qty * 100
    return answer(b, 0 < amt <= b.most, amt, b.most, p.ref_seq)


@check("R-03", "value: the limit price alone, not the worse of it and the market", "orders")
def _(p: Proposal, b: Bound) -> Check:
    amt = p.spec.notional(p.limit_px or p.stop_px or p.ref_px, p.qty)
    return answer(b, 0 < amt <= b.most, amt, b.most, p.ref_seq)


@check("R-01", "collar: the distance is rounded to whole basis points", "prices", 60_000)
def _(p: Proposal, b: Bound) -> Check:
    px = p.limit_px or p.stop_px
    if p.ref_px <= 0 or not px:
        return answer(b, p.ref_px > 0, 0, b.most)
    bps = round(abs(px - p.ref_px) / p.ref_px * 10_000)
    return answer(b, bps <= b.most, bps, b.most, p.ref_seq)


@check("R-01", "collar: only prices above the reference are looked at", "prices")
def _(p: Proposal, b: Bound) -> Check:
    px = p.limit_px or p.stop_px
    bps = max(0, px - p.ref_px) * 10_000 // max(1, p.ref_px) if px else 0
    return answer(b, p.ref_px > 0 and bps <= b.most, bps, b.most, p.ref_seq)


@check("R-20", "age: the sign is wrong", "prices")
def _(p: Proposal, b: Bound) -> Check:
    age = p.ref_ns - p.now_ns
    return answer(b, bool(p.ref_ns) and age <= b.most, age, b.most, p.ref_seq)


@check("R-20", "age: the limit itself is denied", "prices", 60_000)
def _(p: Proposal, b: Bound) -> Check:
    age = p.now_ns - p.ref_ns
    return answer(b, (bool(p.ref_ns) and age < b.most) or p.exits_at_market, age, b.most, p.ref_seq)


@check("R-20a", "a lost feed is not looked at", "prices")
def _(p: Proposal, b: Bound) -> Check:
    return answer(b, True, 0, 0)


# Positions and what works.


def _position(p: Proposal, b: Bound, buys: int, sells: int, *, over: int = 0, turned: bool = False) -> Check:
    worst_qty = p.position_qty + buys + p.qty if p.side > 0 else sells + p.qty - p.position_qty
    most = b.values[int((p.side < 0) != turned)]
    return answer(b, most < 0 or worst_qty <= most + over, worst_qty, most)


@check("R-07", "position: working orders are ignored", "orders")
def _(p: Proposal, b: Bound) -> Check:
    return _position(p, b, 0, 0)


@check("R-07", "position: UNKNOWN orders are forgotten", "orders", 60_000)
def _(p: Proposal, b: Bound) -> Check:
    unknown = [o for o in p.account.orders.working(p.instrument) if o.status is OrdStatus.UNKNOWN]
    buys, sells = (sum(o.worst_leaves for o in unknown if o.side * sign > 0) for sign in (1, -1))
    return _position(p, b, p.buy_leaves - buys, p.sell_leaves - sells)


@check("R-07", "position: the limit of the other side", "orders")
def _(p: Proposal, b: Bound) -> Check:
    return _position(p, b, p.buy_leaves, p.sell_leaves, turned=True)


@check("R-07", "position: one over passes", "orders")
def _(p: Proposal, b: Bound) -> Check:
    return _position(p, b, p.buy_leaves, p.sell_leaves, over=1)


@check("R-23", "reduce-only: what works against the position already is ignored", "orders", 60_000)
def _(p: Proposal, b: Bound) -> Check:
    most = max(0, -p.position_qty if p.side > 0 else p.position_qty)
    return answer(b, not p.reduce_only or p.qty <= most, p.qty, most)


@planted("replace: the old order's open quantity is forgotten", "orders")
def _(bench: Bench) -> None:
    def broken(self: Order) -> int:
        return 0 if self.dead else max(self.order_qty - self.cum_qty, 0)

    bench.put(Order, "worst_leaves", property(broken))


@planted("fill: one that is reported twice counts twice", "orders")
def _(bench: Bench) -> None:
    def broken(self: Order, exec_id: str, qty: int, px: int) -> bool:
        while exec_id in self.execs:
            exec_id += "'"
        return sound(self, exec_id, qty, px)

    sound = bench.put(Order, "fill", broken)


@planted("fee: the sign is wrong", "orders")
def _(bench: Bench) -> None:
    def broken(self: State, currency: str, amt: int, digits: int) -> None:
        sound(self, currency, -amt, digits)

    sound = bench.put(State, "_pay", broken)


@planted("fee: digits are not rescaled", "orders")
def _(bench: Bench) -> None:
    def broken(self: State, currency: str, amt: int, digits: int) -> None:
        self.cash[currency] -= rescale(amt, digits, digits)

    bench.put(State, "_pay", broken)


@planted("restart: orders that were never answered stay as they were", "orders")
def _(bench: Bench) -> None:
    def broken(self: Engine, event: SessionResumed, seq: int) -> None:
        pass

    bench.put(Engine, "_on_resumed", broken)


# Counting.


@planted("rate: a message at the far edge of the window counts too", "rates", 250_000)
def _(bench: Bench) -> None:
    def broken(self: Window, now_ns: int, length_ns: int) -> int:
        return sound(self, now_ns, length_ns + 1)

    sound = bench.put(Window, "count", broken)


@planted("rate: the order itself is not counted", "rates")
def _(bench: Bench) -> None:
    def broken(self: Messages, at: int, now_ns: int) -> int:
        return sound(self, at, now_ns) - 1

    sound = bench.put(Messages, "count", broken)


@planted("rate: a cancel counts as an order", "rates")
def _(bench: Bench) -> None:
    class AllOfThem(Messages):
        takes = (*Messages.takes, OrderCancelRequested)

    bench.rule("R-05", memory=AllOfThem)


@planted("cancels: one over the budget passes", "cancels")
def _(bench: Bench) -> None:
    def broken(p: Proposal, b: Bound) -> Check:
        found = sound(p, b)
        return answer(b, found.observed <= b.most + 1, found.observed, found.limit, found.seen)

    sound = sound_rule("R-05c")
    bench.rule("R-05c", check=broken)


@planted("cancels: those of every other order are not counted", "cancels")
def _(bench: Bench) -> None:
    class Forgetful(Cancels):
        def evolve(self, event: Any, order: Order, seq: int) -> None:
            if order.number % 2:
                super().evolve(event, order, seq)

    bench.rule("R-05c", memory=Forgetful)


@check("R-02", "drift: the price of the order itself is left out", "drift")
def _(p: Proposal, b: Bound) -> Check:
    px, p.limit_px, p.stop_px = (p.limit_px, p.stop_px), 0, 0
    band = b.memory.bands.get(p.instrument)
    top = band.highs.top(p.now_ns - b.values[1]) if band is not None else None
    low = band.lows.top(p.now_ns - b.values[1]) if band is not None else None
    p.limit_px, p.stop_px = px
    if top is None or low is None:
        return answer(b, True, 0, b.most)
    bps = -(-(top[0] + low[0]) * 10_000 // -low[0])
    return answer(b, bps <= b.most, bps, b.most)


@planted("drift: what left the window still counts", "drift")
def _(bench: Bench) -> None:
    def broken(self: Peaks, since_ns: int) -> tuple[int, int, int] | None:
        return sound(self, since_ns - 30 * 10**9)

    sound = bench.put(Peaks, "top", broken)


@check("R-14", "duplicate: the side is not compared", "memory")
def _(p: Proposal, b: Bound) -> Check:
    ages = [
        p.now_ns - ns for key, (ns, _) in b.memory.last.items() if (key[0], *key[2:]) == (p.instrument, p.qty, p.order_type, p.limit_px, p.stop_px)
    ]
    age = min(ages, default=-1)
    return answer(b, p.intentional or p.replaced is not None or age < 0 or age >= b.most, age, b.most)


@check("R-14", "duplicate: the end of the window is still inside", "memory", 80_000)
def _(p: Proposal, b: Bound) -> Check:
    found = b.memory.last.get((p.instrument, p.side, p.qty, p.order_type, p.limit_px, p.stop_px))
    age = p.now_ns - found[0] if found is not None else -1
    return answer(b, p.intentional or p.replaced is not None or age < 0 or age > b.most, age, b.most)


@check("R-16", "self-trade: orders of the other strategies are ignored", "crossing")
def _(p: Proposal, b: Bound) -> Check:
    for o in p.account.orders.working(p.instrument, p.strategy):
        if o.side is not p.side and not (p.limit_px and o.limit_px and (p.limit_px < o.limit_px) == (p.side > 0) and p.limit_px != o.limit_px):
            return answer(b, False, p.limit_px, o.limit_px)
    return answer(b, True, p.limit_px, -1)


@check("R-16", "self-trade: equal prices do not meet", "crossing")
def _(p: Proposal, b: Bound) -> Check:
    for o in p.account.orders.working(p.instrument):
        if o.side is not p.side and (not p.limit_px or not o.limit_px or (p.limit_px > o.limit_px if p.side > 0 else p.limit_px < o.limit_px)):
            return answer(b, False, p.limit_px, o.limit_px)
    return answer(b, True, p.limit_px, -1)


@check("R-13", "open orders: one too many passes", "crossing")
def _(p: Proposal, b: Bound) -> Check:
    n = len(b.memory.buys if p.side > 0 else b.memory.sells)
    return answer(b, n <= b.most or reduces(p, b), n, b.most)


@planted("repetition: any fill starts the count again", "memory", 60_000)
def _(bench: Bench) -> None:
    def broken(self: Repeats, event: Any, instrument: int, strategy: int, qty: int, px: int, seq: int) -> None:
        self.cycles.clear()

    bench.put(Repeats, "trade", broken)


# Everything together.


@check("R-09", "gross exposure: what works on other instruments is ignored", "exposure")
def _(p: Proposal, b: Bound) -> Check:
    if not standing(p, b).gross(p):
        return answer(b, reduces(p, b), -1, b.most)
    others = sum(
        p.account.instruments[i].notional(p.market.reference(i, 1)[0], abs(p.account.positions[i].qty))
        for i in p.account.touched
        if i != p.instrument
    )
    own = p.spec.notional(max(p.limit_px or p.stop_px, p.ref_px), p.qty + abs(p.position_qty))
    return answer(b, others + own <= b.most or reduces(p, b), others + own, b.most)


@check("R-10", "net exposure: one unit over passes", "exposure", 60_000)
def _(p: Proposal, b: Bound) -> Check:
    found = sound_rule("R-10")(p, b)
    over = found.observed - found.limit
    return answer(b, found.passed or (found.observed >= 0 and over * 50 <= found.limit), found.observed, found.limit)


@check("L-04", "positions: only what is filled counts", "exposure")
def _(p: Proposal, b: Bound) -> Check:
    held = {i for i, position in enumerate(p.account.positions) if position.qty}
    n = len(held | {p.instrument})
    return answer(b, n <= b.most or p.instrument in held, n, b.most)


@check("R-21", "short sale: sells that work are ignored", "exposure")
def _(p: Proposal, b: Bound) -> Check:
    short = max(0, p.qty - p.position_qty) if p.side < 0 else 0
    return answer(b, not short or bool(p.locate), short, 0)


@check("R-21b", "borrow: a located sell may be of any size", "borrow")
def _(p: Proposal, b: Bound) -> Check:
    short = max(0, p.sell_leaves + p.qty - p.position_qty) if p.side < 0 else 0
    return answer(b, short <= b.most or bool(p.locate.strip()), short, b.most)


@check("R-21b", "borrow: sells that work are ignored", "borrow")
def _(p: Proposal, b: Bound) -> Check:
    short = max(0, p.qty - p.position_qty) if p.side < 0 else 0
    return answer(b, short <= b.most, short, b.most)


# Losses.


@check("L-01", "daily loss: it does not latch, a gain lets orders through again", "losses", 80_000)
def _(p: Proposal, b: Bound) -> Check:
    within, observed, most = worst(b.memory)
    return answer(b, within or reduces(p, b), observed, most)


@planted("daily loss: the roll of the day does not reset it", "losses", 80_000)
def _(bench: Bench) -> None:
    def broken(self: Latch, event: Any, order: Any, seq: int) -> None:
        if not isinstance(event, DayRolled):
            sound(self, event, order, seq)

    sound = bench.put(Latch, "evolve", broken)


@planted("daily loss: every fill resets it", "losses", 80_000)
def _(bench: Bench) -> None:
    def broken(self: Latch, event: Any, instrument: int, strategy: int, qty: int, px: int, seq: int) -> None:
        sound(self, event, instrument, strategy, qty, px, seq)
        self.reset()

    sound = bench.put(Latch, "trade", broken)


@planted("drawdown: it halts at the limit, not beyond it", "losses", 80_000)
def _(bench: Bench) -> None:
    def broken(self: Latch, top: int) -> int:
        return sound(self, top) - 1

    sound = bench.put(Latch, "room", broken)


@planted("loss breaker: fees are forgotten", "streaks", 200_000)
def _(bench: Bench) -> None:
    def broken(self: Trips, event: Any, instrument: int, strategy: int, qty: int, px: int, seq: int) -> None:
        sound(self, msgspec.structs.replace(event, fee_amt=0) if hasattr(event, "fee_amt") else event, instrument, strategy, qty, px, seq)

    sound = bench.put(Trips, "trade", broken)


@planted("loss breaker: it counts on while it holds, and lasts longer", "streaks", 80_000)
def _(bench: Bench) -> None:
    def broken(self: Trips, now_ns: int) -> int:
        return len(self.losses.times) + 1

    bench.put(Trips, "count", broken)


# Persons and states.


@check("K-01", "kill: orders pass", "control", 80_000)
def _(p: Proposal, b: Bound) -> Check:
    return answer(b, True, 0, 0)


@planted("kill: a venue's state is not looked at", "control", 60_000)
def _(bench: Bench) -> None:
    def broken(self: Book, scope: Scope, member: str) -> TradingState:
        return TradingState.ACTIVE if scope is Scope.VENUE else sound(self, scope, member)

    sound = bench.put(Book, "state_of", broken)


@planted("kill: every second order gets no cancel", "control", 60_000)
def _(bench: Bench) -> None:
    def broken(self: Kills, kill: Any, order: Order, *, again: bool = False) -> None:
        if order.number % 2:
            sound(self, kill, order, again=again)

    sound = bench.put(Kills, "_ask", broken)


@planted("resume: one person lifts what needs two", "control", 60_000)
def _(bench: Bench) -> None:
    import domain.control

    def broken(*arguments: Any) -> Any:
        return sound(*arguments)[0], False

    sound = bench.put(domain.control, "decide_resume", broken)


@planted("second person: who asks may approve", "control", 60_000)
def _(bench: Bench) -> None:
    numbers = count()
    bench.put(domain.control.approvals, "_identity", lambda actor: f"{actor} {next(numbers)}")


@planted("limits: they bind before their time", "control", 250_000)
def _(bench: Bench) -> None:
    def broken(self: Desk, strategy: int, name: str, due_ns: int) -> None:
        sound(self, strategy, name, self.clock_ns() + 1 if name.startswith("limits") else due_ns)

    sound = bench.put(Desk, "set_timer", broken)


class _Sticky(dict[int, OverrideGranted]):
    """Grants that using does not take away."""

    def __delitem__(self, number: int) -> None:
        pass


@planted("override: it can be used twice", "control", 250_000)
def _(bench: Bench) -> None:
    def broken(self: Desk, *arguments: Any) -> None:
        sound(self, *arguments)
        self.overrides = _Sticky()

    sound = bench.put(Desk, "__init__", broken)


@planted("override: how far it reaches is ignored", "control", 250_000)
def _(bench: Bench) -> None:
    def broken(granted: Any, *rest: Any) -> OverrideGranted | None:
        known = {g.number: g for g in granted}
        found = sound([msgspec.structs.replace(g, most=2**62) for g in known.values()], *rest)
        return None if found is None else known[found.number]

    sound = bench.put(domain.desk, "find_override", broken)


@planted("disconnect: orders of a lost venue get no cancel", "control", 200_000)
def _(bench: Bench) -> None:
    def broken(self: Disconnects, venue: str, seq: int) -> None:
        self._desk.halt(seq, Scope.VENUE, venue, TradingState.HALTED, "K-03", "lost")

    bench.put(Disconnects, "_cut", broken)


@planted("old orders: nobody cancels them", "control", 60_000)
def _(bench: Bench) -> None:
    def broken(self: Reaper, event: Any, seq: int) -> None:
        pass

    bench.put(Reaper, "_on_timer", broken)


@check("R-22", "hours: the last minute is still open", "hours", 80_000)
def _(p: Proposal, b: Bound) -> Check:
    first, last = b.values
    minute = p.now_ns // (60 * 10**9) % 1440
    return answer(b, first <= minute <= last, minute, last)


@check("R-17", "restricted: the first moment is still free", "hours", 80_000)
def _(p: Proposal, b: Bound) -> Check:
    start, end = b.values
    return answer(b, not start < p.now_ns < end, p.now_ns, start)


@planted("gates: a rule that binds by strategy is not asked", "memory")
def _(bench: Bench) -> None:
    def broken(self: Book, strategy: int, instrument: int) -> Any:
        return tuple(place for place in sound(self, strategy, instrument) if place[0] is not Scope.STRATEGY)

    sound = bench.put(Book, "places", broken)
