"""Kill switch, lost venues and the reaper under any sequence of orders, commands, answers and stops.

The naive model below knows only the event list and recounts everything from it; it shares no code with the engine's folds.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from domain.events import (
    ControlSettings,
    FillBusted,
    KillCompleted,
    KillSwitchEngaged,
    OrderAccepted,
    OrderCanceled,
    OrderCancelRejected,
    OrderCancelRequested,
    OrderExpired,
    OrderFilled,
    OrderSubmitted,
    SessionResumed,
    TimerFired,
    TradingHalted,
    TradingResumed,
    VenueConnected,
    VenueLost,
)
from domain.instrument import instrument
from domain.replay import Replay
from domain.terms import Liquidity, Scope
from tests.domain.harness import SECOND, T0, World, X, trades
from tests.domain.people import Buys, asks

FAR = instrument("E", price_digits=2, qty_digits=0, venue="V2", asset_class="fx")
VENUES = ("SIM", "V2")
QTY = 10
TTL = 20
PLACES = (
    (Scope.ACCOUNT, ""), (Scope.VENUE, "V2"), (Scope.CLASS, "equity"), (Scope.INSTRUMENT, "X"), (Scope.INSTRUMENT, "E"), (Scope.STRATEGY, "s0"),
)  # fmt: skip
Place = tuple[Scope, str]


def covers(place: Place, order: OrderSubmitted) -> bool:
    venue, kind, symbol = ("SIM", "equity", "X") if order.instrument == 0 else ("V2", "fx", "E")
    return place[1] == {
        Scope.ACCOUNT: "", Scope.VENUE: venue, Scope.CLASS: kind, Scope.INSTRUMENT: symbol, Scope.STRATEGY: f"s{order.strategy}",
    }[place[0]]  # fmt: skip


@dataclass
class Known:
    """One order as the naive model counts it."""

    order: OrderSubmitted
    execs: dict[str, int] = field(default_factory=dict)
    ended: bool = False
    waits: set[str] = field(default_factory=set)
    asks: int = 0
    stale: int = 0

    @property
    def alive(self) -> bool:
        return not self.ended and sum(self.execs.values()) < QTY


class Controls(RuleBasedStateMachine):
    """A strategy that buys and one that sells, on two venues."""

    @initialize(ttl=st.sampled_from([0, TTL]), disconnect=st.sampled_from([-1, 0, 5]))
    def begin(self, ttl: int, disconnect: int) -> None:
        self.ttl, self.disconnect = ttl * SECOND, disconnect
        control = ControlSettings(order_ttl_ns=self.ttl, disconnect_ns=disconnect * SECOND if disconnect > 0 else disconnect)
        self.w = World(Buys(QTY), Buys(-QTY), instruments=(X, FAR), control=control)
        self.at = 1
        self.n = 0

    @property
    def now(self) -> int:
        return T0 + self.at * SECOND

    @rule(seconds=st.sampled_from([1, 4, 9, 25]))
    def wait(self, seconds: int) -> None:
        until = self.now + seconds * SECOND
        timers = self.w.engine.desk.state.timers
        while timers and (first := min((due, name) for (_, name), due in timers.items()))[0] <= until:
            self.w.step(TimerFired(first[0], 0, -1, first[1], first[0]))
        self.at += seconds

    @rule(which=st.integers(0, 1))
    def trade(self, which: int) -> None:
        self.wait(1)
        self.w.tick(trades(100, instrument=which, start=self.at))

    @rule(place=st.sampled_from(PLACES))
    def kill(self, place: Place) -> None:
        self.w.step(asks("ann", "kill", {"scope": place[0].name.lower(), "member": place[1]}, at=self.at))

    @rule(place=st.sampled_from(PLACES))
    def rearm(self, place: Place) -> None:
        n = self.w.engine.control.approvals.next
        self.w.step(asks("ann", "resume", {"scope": place[0].name.lower(), "member": place[1], "rule": "K-01"}, at=self.at))
        self.w.step(asks("ben", "approve", {"number": n}, at=self.at))

    @precondition(lambda self: self.known())
    @rule(pick=st.integers(0, 99), how=st.sampled_from(["accept", "fill", "part", "expire", "bust", "cancel", "reject", "cancel", "reject"]))
    def answer(self, pick: int, how: str) -> None:
        orders = list(self.known().values())
        alive = [o for o in orders if o.alive]
        if how in ("cancel", "reject"):
            alive = [o for o in alive if o.waits]
        elif how == "bust":
            alive = [o for o in orders if o.execs]
        if alive:
            event = self.said(alive[pick % len(alive)], how)
            self.w.step(event)

    def said(self, known: Known, how: str) -> Any:
        order, now = known.order, self.now
        self.n += 1
        if how in ("cancel", "reject"):
            request = sorted(known.waits)[-1]
            kind = OrderCanceled if how == "cancel" else OrderCancelRejected
            return kind(now, 0, request, now, order.cl_ord_id, how)
        if how == "accept":
            return OrderAccepted(now, 0, order.cl_ord_id, now, f"v{self.n}")
        if how == "expire":
            return OrderExpired(now, 0, order.cl_ord_id, now, False, "venue")
        if how == "bust":
            exec_id = next(iter(known.execs))
            return FillBusted(now, 0, order.cl_ord_id, now, f"b{self.n}", exec_id)
        left = QTY - sum(known.execs.values())
        return OrderFilled(now, 0, order.cl_ord_id, now, f"e{self.n}", 100, left if how == "fill" else 1, Liquidity.TAKER, 0, "USD", 2)

    @rule(venue=st.sampled_from(VENUES), lost=st.booleans())
    def connection(self, venue: str, lost: bool) -> None:
        self.w.step(VenueLost(self.now, 0, venue, "") if lost else VenueConnected(self.now, 0, venue))

    @rule()
    def stop(self) -> None:
        self.w.step(SessionResumed(self.now, 0, "code", "cut"))

    def known(self, upto: int | None = None) -> dict[str, Known]:
        """Every order, from the first events of the log alone."""
        found: dict[str, Known] = {}
        by_request: dict[str, Known] = {}
        for _, e in self.w.events[:upto]:
            match e:
                case OrderSubmitted():
                    found[e.cl_ord_id] = Known(e)
                case OrderFilled():
                    found[e.cl_ord_id].execs[e.exec_id] = e.last_qty
                case FillBusted():
                    found[e.cl_ord_id].execs.pop(e.ref_exec_id, None)
                case OrderExpired():
                    found[e.cl_ord_id].ended = True
                    found[e.cl_ord_id].waits.clear()
                case OrderCanceled():
                    by_request[e.cl_ord_id].ended = True
                    by_request[e.cl_ord_id].waits.clear()
                case OrderCancelRejected():
                    by_request[e.cl_ord_id].waits.discard(e.cl_ord_id)
                case OrderCancelRequested():
                    known = by_request[e.cl_ord_id] = found[e.orig_cl_ord_id]
                    known.waits.add(e.cl_ord_id)
                    known.asks += 1
                    known.stale += e.reason.startswith("stale")
        return found

    @invariant()
    def nothing_is_sent_where_the_switch_is_engaged_and_everything_there_is_asked_to_cancel(self) -> None:
        engaged: dict[Place, None] = {}
        asked: set[str] = set()
        for _, e in self.w.events:
            match e:
                case KillSwitchEngaged():
                    assert (e.scope, e.member) not in engaged
                    engaged[e.scope, e.member] = None
                case TradingResumed() if e.rule == "K-01":
                    assert {e.requester, e.approver} == {"ann", "ben"}
                    del engaged[e.scope, e.member]
                case OrderSubmitted():
                    assert not any(covers(place, e) for place in engaged)
                case OrderCancelRequested():
                    asked.add(e.orig_cl_ord_id)
        for known in self.known().values():
            if known.alive and any(covers(place, known.order) for place in engaged):
                assert known.order.cl_ord_id in asked
                assert known.waits or known.asks >= 3

    @invariant()
    def a_switch_is_complete_exactly_when_all_that_worked_is_dead(self) -> None:
        left: dict[Place, tuple[int, list[str]]] = {}
        for n, (_, e) in enumerate(self.w.events):
            if isinstance(e, KillSwitchEngaged):
                place = (e.scope, e.member)
                mine = [i for i, known in self.known(n).items() if known.alive and covers(place, known.order)]
                assert e.working == len(mine)
                left[place] = e.ns, mine
            elif isinstance(e, KillCompleted):
                since, mine = left.pop((e.scope, e.member))
                known = self.known(n)
                assert not [i for i in mine if known[i].alive]
                assert e.canceled + e.filled == len(mine)
                assert e.filled == sum(sum(known[i].execs.values()) >= QTY for i in mine)
                assert e.took_ns == e.ns - since
        now = self.known()
        for _, mine in left.values():
            assert any(now[i].alive for i in mine)

    @invariant()
    def the_reaper_cancels_what_is_old_once_and_never_what_is_not(self) -> None:
        sent = {e.cl_ord_id: e.ns for _, e in self.w.events if isinstance(e, OrderSubmitted)}
        for _, e in self.w.events:
            if isinstance(e, OrderCancelRequested) and e.reason.startswith("stale"):
                assert self.ttl
                assert e.ns - sent[e.orig_cl_ord_id] >= self.ttl
        waiting = [name for strategy, name in self.w.engine.desk.state.timers if name == "reaper"]
        assert len(waiting) <= bool(self.ttl)
        for known in self.known().values():
            assert known.stale <= 1
            if self.ttl and known.alive and not known.execs and self.now - known.order.ns > self.ttl:
                assert known.asks

    @invariant()
    def nothing_is_sent_to_a_lost_venue_and_what_stays_lost_is_cut(self) -> None:
        lost: dict[str, int] = {}
        halted: set[str] = set()
        for _, e in self.w.events:
            match e:
                case VenueLost():
                    lost.setdefault(e.venue, e.ns)
                case VenueConnected():
                    lost.pop(e.venue, None)
                case OrderSubmitted():
                    assert VENUES[e.instrument] not in lost
                case TradingHalted():
                    assert e.rule == "K-03"
                    assert e.ns - lost[e.member] >= self.disconnect * SECOND >= 0
                    halted.add(e.member)
                case TradingResumed() if e.rule == "K-03":
                    halted.remove(e.member)
        assert halted <= set(lost)
        for venue, since in lost.items():
            if self.disconnect >= 0 and self.now - since > self.disconnect * SECOND:
                assert venue in halted

    def teardown(self) -> None:
        """Re-enacted from the recorded inputs, every decision of the rooms is the same, byte for byte."""
        if hasattr(self, "w"):
            (progress,) = Replay("test", lambda _: [Buys(QTY), Buys(-QTY)]).follow([self.w.record()])
            assert progress.commits == 1


TestControls = Controls.TestCase
TestControls.settings = settings(stateful_step_count=25)
