"""Watches the loss limits: whatever takes a loss further than allowed, a tick, a fill, a charge, the roll of the day, halts the scope there and then.

The halt is recorded, and every working order of the scope but what protects an open bracket is asked to be canceled, before any strategy hears of
the cause. The watch tells the engine the next tick that trips a limit, so that quiet runs stay quiet: while nothing is held, or no price in the table
can trip anything, it has nothing to say and costs nothing.

Invariants: a halt stands at the first tick, in order of seq, whose prices make the marked loss exceed the limit, whatever the cuts of tables and
runs; a limit trips once until it is lifted; limits that trip at one tick are recorded in the order in which they came to bind.
Source: FIA loss limits; features D L-01, L-02, L-03.
"""

from __future__ import annotations

from typing import Final

from domain.control.words import working_in
from domain.desk import Desk
from domain.events import TimerFired, TradingResumed
from domain.limits import OFF
from domain.losses.follower import Follower
from domain.losses.marks import instruments_in
from domain.money import div_ceil
from domain.risk.bound import MOST, Bound, shown
from domain.risk.latch import Latch
from domain.risk.loss_breaker import ID as BREAKER
from domain.risk.loss_breaker import Trips
from domain.risk.pnl import SEVERAL
from domain.terms import Scope, TradingState
from domain.ticks import Ticks

TIMER: Final = "loss-breaker"
SPAN: Final = 512
"""How many ticks are searched ahead at first; twice as many each time that nothing is found."""
MOST_SPAN: Final = 1 << 20
_REDUCE_ONLY: Final = TradingState.REDUCE_ONLY


class Watch:
    """`calm`: no limit trips before this tick of the table. `tripped`: the last answer of `next` is a tick that trips one.

    `_holders[i]` are the limits that something held of instrument i concerns; who holds it no more may stand there until the next table.
    """

    __slots__ = ("_bounds", "_desk", "_followers", "_holders", "_lapsed", "_near", "_span", "_stirred", "calm", "tripped")

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._stirred = desk.state.stirred
        self._followers: list[Follower] = []
        self._holders: dict[int, list[Follower]] = {}
        self._near: list[Follower] = []
        self._bounds: dict[int, tuple[int, int]] = {}
        self._lapsed = False
        self._span = SPAN
        self.calm = MOST
        self.tripped = False

    def leave(self) -> None:
        """Another table comes: take in what is left of this one. Before the market leaves it."""
        table = self._desk.market.table
        if table is not None and self._holders:
            for follower in self._concerned(table):
                follower.follow()

    def enter(self, ticks: Ticks, start: int) -> None:
        """The market is in this table now, of which the ticks from `start` come next."""
        self._bounds.clear()
        if self._lapsed:
            self._forget()
        if not self._holders:
            return
        for i in instruments_in(ticks):
            for follower in self._holders.get(i, ()):
                follower.widen(i, self._bounds)
        for follower in self._concerned(ticks):
            follower.enter(start)
            self._place(follower, follower.within_reach(self._bounds))
        self._recount(start)

    def _concerned(self, ticks: Ticks) -> list[Follower]:
        """The limits that something in the table may move."""
        found = {f.number: f for i in instruments_in(ticks) for f in self._holders.get(i, ())}
        found.update((f.number, f) for f in self._near)
        return [found[n] for n in sorted(found)]

    def next(self, start: int, stop: int) -> int:
        """The first tick in start..stop that trips a limit (then `tripped`), else the tick before which none does, as far as was searched."""
        to = end = min(stop, start + self._span)
        self.tripped = False
        for follower in self._near:
            hit = follower.search(to)
            if hit < to:
                self.tripped = True
                to = hit + 1
        if self.tripped:
            self.calm = to - 1
            return to - 1
        self.calm = end
        self._span = min(2 * self._span, MOST_SPAN)
        return end

    def trip(self, index: int) -> None:
        """The tick `index` trips what it trips. Nobody has heard of it yet."""
        self._desk.sync()
        for follower in list(self._near):
            if follower.hit == index:
                latch = follower.latch
                loss = latch.look()
                if loss is not None and latch.top is not None:
                    self._halt(latch.bound, "the marked loss is beyond the limit", loss, latch.room(latch.top))
        self.judge()

    def judge(self) -> None:
        """Take in what moved since the last time, and record what it tripped or lifted."""
        stirred = self._stirred
        while stirred:
            memory = stirred.pop(0)
            memory.stirred = False
            if isinstance(memory, Trips):
                self._judge_trips(memory)
            else:
                self._judge_latch(memory)
        self._recount(self._desk.market.at + 1)

    def _judge_latch(self, latch: Latch) -> None:
        follower = latch.follower
        if follower is None:
            follower = latch.follower = Follower(latch, self._desk.market, len(self._followers))
            self._followers.append(follower)
        if latch.rolled:
            latch.rolled = False
            if latch.latched:
                self._resume(latch.bound, "session roll")
                return
        was_near = follower.near
        moved = latch.pnl.moved
        held_n = follower.held_n
        near = follower.take(self._bounds)
        if moved == SEVERAL:
            for i in [*latch.pnl.held, *self._holders]:
                self._hold(follower, i)
        elif follower.held_n != held_n:
            self._hold(follower, moved)
        if near != was_near:
            self._place(follower, near)
        if latch.latched:
            return
        if latch.realised_beyond():
            num, den = latch.realised_loss()
            self._halt(latch.bound, "the realised loss is beyond the limit", div_ceil(num, den), latch.realised_most)
            return
        if near and latch.top is not None:
            loss = latch.look()
            if loss is not None and loss > latch.room(latch.top):
                self._halt(latch.bound, "the loss is beyond the limit", loss, latch.room(latch.top))

    def _judge_trips(self, trips: Trips) -> None:
        most, _, cooldown_ns = trips.bound.values
        desk = self._desk
        n = trips.count(desk.now_ns)
        if most == OFF or n < most or trips.latched:
            return
        until_ns = 0 if cooldown_ns == OFF else desk.now_ns + max(cooldown_ns, 1)
        self._halt(trips.bound, "too many round trips lost", n, most, until_ns)
        if until_ns:
            desk.set_timer(-1, f"{TIMER} {trips.bound.scope.name} {trips.bound.member}", until_ns)

    def cooled(self, event: TimerFired, seq: int) -> None:
        """A cool-down is over, unless the breaker was lifted and has tripped again since."""
        _, scope, member = event.name.split(" ", 2)
        bound = self._desk.risk.bound(BREAKER, Scope[scope], member)
        if bound is not None and bound.memory.latched and bound.memory.until_ns == event.due_ns:
            self._resume(bound, "cool-down over")

    def _halt(self, bound: Bound, reason: str, observed: int, limit: int, until_ns: int = 0) -> None:
        desk = self._desk
        desk.halt(desk.cause, bound.scope, bound.member, _REDUCE_ONLY, bound.rule, reason, until_ns, shown(observed), shown(limit))
        groups = desk.proposals.groups
        for order in working_in(desk, (bound.scope, bound.member)):
            if groups is not None and groups.book.protects(order):
                continue  # without its stop, what is held could lose more
            desk.cancel(order.cl_ord_id, f"{bound.rule}: {reason}", house=True)

    def _resume(self, bound: Bound, reason: str) -> None:
        desk = self._desk
        desk.emit(TradingResumed(desk.now_ns, desk.cause, bound.scope, bound.member, bound.rule, reason))

    def _hold(self, follower: Follower, i: int) -> None:
        """Keep who holds instrument i."""
        if i not in follower.latch.pnl.held:
            self._lapsed = True
            return
        holders = self._holders.get(i)
        if holders is None:
            self._holders[i] = [follower]
        elif follower not in holders:
            holders.append(follower)

    def _forget(self) -> None:
        """Strike out who holds an instrument no more."""
        self._lapsed = False
        for i, holders in list(self._holders.items()):
            still = [follower for follower in holders if i in follower.latch.pnl.held]
            if still:
                self._holders[i] = still
            else:
                del self._holders[i]

    def _place(self, follower: Follower, near: bool) -> None:
        """Keep the limits within reach in their order."""
        follower.near = near
        if near and follower not in self._near:
            self._near = sorted((*self._near, follower), key=lambda f: f.number)
        elif not near and follower in self._near:
            self._near.remove(follower)

    def _recount(self, start: int) -> None:
        self._span = SPAN
        self.calm = start if self._near else MOST
