"""States by scope, the kill switch, two persons, lost venues and old orders: what people and time do to a session."""

from __future__ import annotations

from typing import Any

import pytest

from domain.control.kills import MOST_ASKS
from domain.events import (
    ApprovalClosed,
    ApprovalRequested,
    ControlSettings,
    FillBusted,
    KillCompleted,
    KillSwitchEngaged,
    LimitsChanged,
    OrderAccepted,
    OrderDenied,
    OrderExpired,
    OrderFilled,
    OrderRejected,
    OrderRestated,
    ParametersChanged,
    SessionResumed,
    TimerFired,
    TimerSet,
    TradingHalted,
    TradingResumed,
    VenueConnected,
    VenueLost,
)
from domain.instrument import instrument
from domain.terms import Liquidity, Scope, TimeInForce, TradingState
from reenact.freezing import freeze, thaw
from tests.domain.harness import SECOND, T0, World, X, trades
from tests.domain.people import Buys, asks, cancel_rejected, canceled, cancels, fire, house_timers, refusal
from tests.domain.risk.build import Acts

OTHER = instrument("E", price_digits=2, qty_digits=0, venue="V2", asset_class="fx")
HALT, REDUCE, KILL = TradingState.HALTED, TradingState.REDUCE_ONLY, TradingState.KILLED
HELD = {"active": (), "reduce_only": ("reduce_only",), "halted": ("halt",), "killed": ("kill",)}


def world(*strategies: Buys, **opened: Any) -> World:
    """Two strategies that trade X on SIM and E on V2."""
    return World(*(strategies or (Buys(), Buys(-5))), instruments=(X, OTHER), **opened)


def state(of: World, scope: Scope = Scope.ACCOUNT, member: str = "") -> TradingState:
    return of.engine.desk.risk.state_of(scope, member)


def reasons(of: World) -> list[str]:
    return [e.reason for e in of.of(OrderDenied) if isinstance(e, OrderDenied)]


@pytest.mark.parametrize(
    ("before", "command", "after"),
    [
        ("active", "halt", "halted"), ("active", "reduce_only", "reduce_only"), ("active", "kill", "killed"), ("active", "resume", "active already"),
        ("reduce_only", "halt", "halted"), ("reduce_only", "reduce_only", "is reduce-only already"), ("reduce_only", "kill", "killed"),
        ("reduce_only", "resume", "active"),
        ("halted", "halt", "is halted already"), ("halted", "reduce_only", "is halted; lift that first"), ("halted", "kill", "killed"),
        ("halted", "resume", "active"),
        ("killed", "halt", "the kill switch is engaged"), ("killed", "reduce_only", "the kill switch is engaged"),
        ("killed", "kill", "already; 0 of its orders are not proven dead"), ("killed", "resume", "waits"),
    ],
)  # fmt: skip
@pytest.mark.parametrize(("scope", "member"), [("account", ""), ("venue", "SIM"), ("class", "equity"), ("instrument", "X"), ("strategy", "s1")])
def test_every_state_meets_every_command(before: str, command: str, after: str, scope: str, member: str) -> None:
    """Given a place in a state, when a person commands, then it is in the state of the table, or a sentence says why not."""
    w = world()
    place = {"scope": scope, "member": member}
    w.step(*(asks("ann", held, place, at=1) for held in HELD[before]))
    was = state(w, Scope[scope.upper()], member)
    w.step(asks("ben", command, place, at=2))
    now = state(w, Scope[scope.upper()], member)
    if after in ("active", "reduce_only", "halted", "killed"):
        assert now == TradingState[after.upper()]
        assert not refusal(w)
    elif after == "waits":
        assert now == was
        assert isinstance(w.events[-2][1], ApprovalRequested)
    else:
        assert now == was
        assert after in refusal(w)


def test_a_halt_binds_its_place_and_no_other() -> None:
    """Given a halt of one strategy in a world of two, then only its orders are denied, in every instrument."""
    w = world().step(asks("ann", "halt", {"scope": "strategy", "member": "s1"}, at=1)).tick(trades(100, 100, instrument=[0, 1], start=2))
    assert reasons(w) == ["HALTED", "HALTED"]
    assert {o.strategy for o in w.sent} == {0}
    w.step(asks("ann", "halt", {"scope": "venue", "member": "V2"}, at=9)).tick(trades(100, 100, instrument=[0, 1], start=10))
    assert [(o.strategy, o.instrument) for o in w.sent] == [(0, 0), (0, 1), (0, 0)]


def test_several_halts_in_one_place_are_lifted_one_by_one_by_name() -> None:
    """Given a person's halt under the kill switch, then a resumption must say which it lifts, and each takes its own number of persons."""
    w = world().step(asks("ann", "halt", at=1), asks("ann", "kill", at=2), asks("ann", "resume", at=3))
    assert "several halts hold the account: person (halted), K-01 (killed); say which rule's is lifted" in refusal(w)
    w.step(asks("ann", "resume", {"rule": "K-1"}, at=3))
    assert "no halt of 'K-1' holds the account; these do: person (halted), K-01 (killed); did you mean 'K-01'?" in refusal(w)
    w.step(asks("ann", "resume", {"rule": "person", "reason": "checked"}, at=4))
    lifted = w.events[-1][1]
    assert isinstance(lifted, TradingResumed)
    assert (lifted.rule, lifted.reason, lifted.requester, lifted.approver) == ("", "checked", "ann", "")
    assert state(w) == KILL
    w.step(asks("ann", "resume", at=5), asks("ben", "approve", {"number": 1}, at=6))
    assert state(w) == TradingState.ACTIVE
    (again,) = [e for e in w.of(TradingResumed) if isinstance(e, TradingResumed) and e.rule]
    assert (again.rule, again.requester, again.approver) == ("K-01", "ann", "ben")


def test_a_resumption_in_the_wrong_place_says_where_something_is_held() -> None:
    """Given a halt of an instrument, when a person resumes the account, then the sentence names the instrument."""
    w = world().step(asks("ann", "halt", {"scope": "instrument", "member": "X"}, at=1), asks("ann", "resume", at=2))
    assert refusal(w) == "the account is active already; held are instrument X"


@pytest.mark.parametrize("rule", ["L-01", "L-02", "R-06", "R-04"])
def test_the_halt_of_a_rule_takes_two_persons(rule: str) -> None:
    """Given a place that a rule holds, then one person's resumption waits for another, whatever is configured."""
    w = world()
    w.engine.desk.halt(1, Scope.STRATEGY, "s0", HALT, rule, "breached")
    w.step(asks("ann", "resume", {"scope": "strategy", "member": "s0"}, at=1))
    assert state(w, Scope.STRATEGY, "s0") == HALT
    w.step(asks("ben", "approve", {"number": 1}, at=2))
    assert state(w, Scope.STRATEGY, "s0") == TradingState.ACTIVE


TWO = ControlSettings(two_persons=("limits", "params", "order", "adjust", "resume"), approvers=("ben", "eve", "ann"), approval_ns=60 * SECOND)
LONG: dict[str, object] = {"scope": "instrument", "members": ["X"], "values": {"max_long": [5]}}


def test_a_command_that_takes_two_persons_is_done_when_the_second_agrees() -> None:
    """Given limits under two persons, then nothing binds before the approval, and the version names both."""
    w = world(control=TWO).step(asks("ann", "limits", LONG, at=1))
    (asked,) = w.of(ApprovalRequested)
    assert isinstance(asked, ApprovalRequested)
    assert (asked.number, asked.requester, asked.command, asked.expires_ns, asked.cause) == (1, "ann", "limits", T0 + 61 * SECOND, 2)
    assert not w.of(LimitsChanged)
    assert house_timers(w) == {"approval 1": 61}
    w.step(asks("ben", "approve", {"number": 1, "reason": "agreed"}, at=2))
    (closed,), (changed,) = w.of(ApprovalClosed), w.of(LimitsChanged)
    assert isinstance(closed, ApprovalClosed)
    assert isinstance(changed, LimitsChanged)
    assert (closed.number, closed.outcome, closed.actor, closed.reason) == (1, "granted", "ben", "agreed")
    assert (changed.limit.owner, changed.limit.approver, changed.limit.effective_ns) == ("ann", "ben", T0 + 2 * SECOND)
    assert [e for _, e in w.events[-2:]] == [closed, changed]
    assert (closed.cause, changed.cause) == (w.events[-3][0], 2)  # the approval, and the command that asked
    fire(w, "approval 1")
    assert len(w.of(ApprovalClosed)) == 1


@pytest.mark.parametrize(
    ("actor", "command", "number", "sentence"),
    [
        ("ann", "approve", 1, "ann asked for request 1; approving it takes another person"),
        (" ANN ", "approve", 1, "takes another person"),
        ("", "approve", 1, "takes another person"),
        ("mallory", "approve", 1, "mallory is not an approver; approvers are ben, eve, ann"),
        ("mallory", "decline", 1, "mallory is not an approver"),
        ("ben", "approve", 2, "request 2 was never made; these wait: 1 (limits of ann)"),
        ("ben", "decline", 7, "request 7 was never made"),
    ],
)
def test_who_may_not_decide_about_a_request_is_refused_and_it_goes_on_waiting(actor: str, command: str, number: int, sentence: str) -> None:
    """Given a request that waits, when the wrong person or the wrong number comes, then a sentence says why and the request stays."""
    w = world(control=TWO).step(asks("ann", "limits", LONG, at=1), asks(actor, command, {"number": number}, at=2))
    assert sentence in refusal(w)
    assert list(w.engine.control.approvals.open) == [1]
    assert not w.of(LimitsChanged, ApprovalClosed)


@pytest.mark.parametrize(
    ("actor", "command", "outcome"),
    [("ann", "decline", "withdrawn"), ("ben", "decline", "declined"), ("ben", "approve", "granted"), ("", "timer", "expired")],
)
def test_a_request_ends_once(actor: str, command: str, outcome: str) -> None:
    """Given a request, then it ends in one of four ways, and whatever is asked about it later is refused."""
    w = world(control=TWO).step(asks("ann", "limits", LONG, at=1))
    if command == "timer":
        fire(w, "approval 1")
    else:
        w.step(asks(actor, command, {"number": 1}, at=2))
    (closed,) = w.of(ApprovalClosed)
    assert isinstance(closed, ApprovalClosed)
    assert (closed.outcome, closed.actor) == (outcome, actor)
    assert len(w.of(LimitsChanged)) == (outcome == "granted")
    w.step(asks("eve", "approve", {"number": 1}, at=90))
    assert refusal(w) == "request 1 is closed; no request waits"
    w.step(asks("eve", "decline", {"number": 1}, at=90))
    assert "is closed" in refusal(w)
    assert len(w.of(ApprovalClosed)) == 1


def test_without_named_approvers_anybody_else_may_be_the_second_person() -> None:
    """Given no list of approvers, then another person's approval counts, and the requester's own still does not."""
    w = world(control=ControlSettings(two_persons=("limits",))).step(asks("ann", "limits", LONG, at=1), asks("ann", "approve", {"number": 1}, at=2))
    assert "takes another person" in refusal(w)
    w.step(asks("zoe", "approve", {"number": 1}, at=3))
    assert len(w.of(LimitsChanged)) == 1


def test_a_request_is_judged_when_it_is_made_and_again_when_it_is_approved() -> None:
    """Given limits that are senseless at once, then no request is made; given ones that become so, then the approval is refused and it waits on."""
    w = world(control=TWO).step(asks("ann", "limits", LONG | {"values": {"max_lomg": [1]}}, at=1))
    assert "did you mean 'max_long'" in refusal(w)
    assert not w.of(ApprovalRequested)
    w.step(asks("ann", "limits", LONG, at=2), asks("ann", "limits", LONG | {"values": {"max_order_qty": [6]}}, at=3))
    w.step(asks("ben", "approve", {"number": 1}, at=4), asks("ben", "approve", {"number": 2}, at=5))
    assert "max_order_qty 6 contradicts max_long 5 of X" in refusal(w)
    assert list(w.engine.control.approvals.open) == [2]
    w.step(asks("ben", "decline", {"number": 2}, at=6))
    assert not w.engine.control.approvals.open


def test_an_effective_time_that_passed_while_the_request_waited_is_refused() -> None:
    """Given limits for a time that is over when the second person comes, then the approval is refused."""
    w = world(control=TWO).step(asks("ann", "limits", LONG | {"effective_ns": T0 + 5 * SECOND}, at=1), asks("ben", "approve", {"number": 1}, at=6))
    assert "that is before now" in refusal(w)


def test_an_order_under_two_persons_names_the_command_with_its_terms_as_cause() -> None:
    """Given an order by hand under two persons, then its decision leads to the command that asked for it, and its person answers for it."""
    w = world(control=TWO).step(asks("ann", "order", {"symbol": "X", "side": "buy", "qty": 1, "limit_px": 100}, at=1))
    assert not w.sent
    w.step(asks("ben", "approve", {"number": 1}, at=2))
    assert [type(e).__name__ for _, e in w.events[-3:]] == ["ApprovalClosed", "OrderApproved", "OrderSubmitted"]
    assert w.events[-2][1].cause == 2
    assert w.engine.desk.proposals._p.actor == "ann"
    assert w.engine.desk.cause == w.events[-4][0]


def test_parameters_that_a_strategy_refuses_after_two_persons_agreed_leave_the_refusal() -> None:
    """Given a strategy that takes no parameters, then the approval stands in the log, and the refusal after it."""
    w = world(control=TWO).step(asks("ann", "params", {"strategy": "s0", "params": {"a": 1}}, at=1), asks("ben", "approve", {"number": 1}, at=2))
    assert "cannot be changed while it runs" in refusal(w)
    assert not w.of(ParametersChanged)
    assert not w.engine.control.approvals.open


def test_a_request_without_a_person_is_refused() -> None:
    """Given a command under two persons that nobody signs, then it is refused."""
    w = world(control=TWO).step(asks("  ", "limits", LONG, at=1))
    assert "needs the name of who asks" in refusal(w)


@pytest.mark.parametrize(
    ("scope", "member", "hit"),
    [
        ("account", "", {(0, 0), (0, 1), (1, 0), (1, 1)}), ("venue", "V2", {(0, 1), (1, 1)}), ("class", "fx", {(0, 1), (1, 1)}),
        ("instrument", "X", {(0, 0), (1, 0)}), ("strategy", "s1", {(1, 0), (1, 1)}),
    ],
)  # fmt: skip
def test_the_switch_cancels_what_is_in_scope_and_blocks_what_comes(scope: str, member: str, hit: set[tuple[int, int]]) -> None:
    """Given orders of two strategies in two instruments, then those in scope get one cancel each, and later ones in scope are denied KILLED."""
    w = world().tick(trades(100, 100, instrument=[0, 1]))
    by_id = {o.cl_ord_id: (o.strategy, o.instrument) for o in w.sent}
    w.step(asks("ann", "kill", {"scope": scope, "member": member, "reason": "drill"}, at=5))
    assert sorted(by_id[c.orig_cl_ord_id] for c in cancels(w)) == sorted(hit)
    (engaged,) = w.of(KillSwitchEngaged)
    assert isinstance(engaged, KillSwitchEngaged)
    assert (engaged.scope, engaged.member, engaged.actor, engaged.reason, engaged.working, engaged.unknown) == (
        Scope[scope.upper()], member, "ann", "drill", len(hit), (),
    )  # fmt: skip
    before = len(w.sent)
    w.tick(trades(100, 100, instrument=[0, 1], start=6))
    assert {(o.strategy, o.instrument) for o in w.sent[before:]} == {(s, i) for s in (0, 1) for i in (0, 1)} - hit
    assert reasons(w) == ["KILLED"] * len(hit)


def test_the_switch_is_complete_when_the_last_order_is_proven_dead() -> None:
    """Given three orders, when one is filled and two are canceled, then the completion counts them and measures the time to the last."""
    w = world(Buys()).tick(trades(100, 100, 100)).step(asks("ann", "kill", at=5))
    first, second, third = w.sent
    canceled(w, first, at=6)
    w.fill(second, 100)
    assert not w.of(KillCompleted)
    canceled(w, third, at=9)
    (done,) = w.of(KillCompleted)
    assert isinstance(done, KillCompleted)
    assert (done.canceled, done.filled, done.took_ns, done.cause) == (2, 1, 4 * SECOND, w.events[-2][0])


def test_a_switch_over_nothing_is_complete_at_once() -> None:
    """Given no working order, then the completion follows the engagement."""
    w = world().step(asks("ann", "kill", at=1))
    (done,) = w.of(KillCompleted)
    assert isinstance(done, KillCompleted)
    assert (done.canceled, done.filled, done.took_ns) == (0, 0, 0)


def test_what_is_unknown_is_listed_and_keeps_the_switch_open() -> None:
    """Given an order that became UNKNOWN in a stop, then the switch lists it, and is not complete before its fate is proven."""
    w = world(Buys()).tick(trades(100, 100))
    first, second = w.sent
    w.step(
        OrderAccepted(T0 + 3 * SECOND, 0, second.cl_ord_id, T0, "v2"), SessionResumed(T0 + 4 * SECOND, 0, "code", "cut"), asks("ann", "kill", at=5)
    )
    (engaged,) = w.of(KillSwitchEngaged)
    assert isinstance(engaged, KillSwitchEngaged)
    assert (engaged.working, engaged.unknown) == (2, (first.cl_ord_id,))
    canceled(w, second, at=6)
    assert not w.of(KillCompleted)
    w.step(asks("ben", "kill", at=7))
    assert "already; 1 of its orders are not proven dead" in refusal(w)
    canceled(w, first, at=8)
    assert w.of(KillCompleted)


def test_cancels_that_are_under_way_are_not_repeated() -> None:
    """Given an order whose cancel was asked for before, then the switch asks for no second one and still waits for it."""
    w = world(Buys()).tick(trades(100)).step(asks("ann", "cancel", at=2), asks("ann", "kill", at=3))
    assert len(cancels(w)) == 1
    assert not w.of(KillCompleted)
    canceled(w, w.sent[0], at=4)
    assert w.of(KillCompleted)


def test_a_rejected_cancel_is_asked_again_a_bounded_number_of_times() -> None:
    """Given a venue that rejects every cancel, then the order is asked `MOST_ASKS` times, and once more whenever venue or session are back."""
    w = world(Buys()).tick(trades(100)).step(asks("ann", "kill", at=3))
    order = w.sent[0]
    w.step(*(OrderAccepted(T0 + 3 * SECOND, 0, order.cl_ord_id, T0, f"v{n}") for n in range(5)))
    w.step(*(VenueConnected(T0 + 3 * SECOND, 0, "SIM") for _ in range(5)))  # neither of these uses up an ask
    for at in range(4, 12):
        cancel_rejected(w, order, at=at)
    assert len(cancels(w)) == MOST_ASKS
    w.step(VenueConnected(T0 + 20 * SECOND, 0, "V2"))
    assert len(cancels(w)) == MOST_ASKS
    w.step(VenueConnected(T0 + 20 * SECOND, 0, "SIM"), VenueConnected(T0 + 21 * SECOND, 0, "SIM"))
    assert len(cancels(w)) == MOST_ASKS + 1  # it is under way
    w.step(SessionResumed(T0 + 22 * SECOND, 0, "code", "cut"))
    assert len(cancels(w)) == MOST_ASKS + 2  # it may never have left the house
    w.fill(order, 100)
    assert w.of(KillCompleted)


def test_an_order_that_comes_back_to_life_is_canceled_too() -> None:
    """Given a filled order under a switch, when its fill is busted, then it gets a cancel, before and after the switch is complete."""
    w = world(Buys()).tick(trades(100, 100)).step(asks("ann", "kill", at=3))
    first, second = w.sent
    w.fill(first, 100)
    (fill,) = w.of(OrderFilled)
    assert isinstance(fill, OrderFilled)
    cancel_rejected(w, first, at=4)
    assert len(cancels(w)) == 2
    w.step(FillBusted(T0 + 5 * SECOND, 0, first.cl_ord_id, T0, "b1", fill.exec_id))
    assert [c.orig_cl_ord_id for c in cancels(w)] == [first.cl_ord_id, second.cl_ord_id, first.cl_ord_id]
    canceled(w, second, at=6)
    assert not w.of(KillCompleted)
    canceled(w, first, at=7)
    (done,) = w.of(KillCompleted)
    assert isinstance(done, KillCompleted)
    assert (done.canceled, done.filled) == (2, 0)


def test_two_switches_over_one_order_ask_once_and_are_complete_each_by_itself() -> None:
    """Given an instrument's switch and then the account's, then an order in both gets one cancel, and its end completes both."""
    w = world(Buys()).tick(trades(100)).step(asks("ann", "kill", {"scope": "instrument", "member": "X"}, at=3), asks("ann", "kill", at=4))
    assert len(cancels(w)) == 1
    w.step(SessionResumed(T0 + 5 * SECOND, 0, "code", "cut"))
    assert len(cancels(w)) == 2
    canceled(w, w.sent[0], at=9)
    assert [e.took_ns // SECOND for e in w.of(KillCompleted) if isinstance(e, KillCompleted)] == [6, 5]


def test_a_switch_that_is_lifted_asks_no_more_but_is_still_measured() -> None:
    """Given a switch that two persons lifted before it was complete, then a rejected cancel is not asked again, and the last death is still told."""
    w = world(Buys()).tick(trades(100)).step(asks("ann", "kill", at=3), asks("ann", "resume", at=4), asks("ben", "approve", {"number": 1}, at=5))
    assert state(w) == TradingState.ACTIVE
    cancel_rejected(w, w.sent[0], at=6)
    assert len(cancels(w)) == 1
    w.step(asks("ann", "cancel", at=7))
    canceled(w, w.sent[0], at=8)
    assert w.of(KillCompleted)
    assert not w.engine.control.kills.kills


def test_a_lifted_switch_can_be_engaged_again() -> None:
    """Given a switch that was lifted, then trading goes on, and a second kill cancels again and counts anew."""
    w = world(Buys()).step(asks("ann", "kill", at=1), asks("ann", "resume", at=2), asks("ben", "approve", {"number": 1}, at=3))
    w.tick(trades(100, start=4))
    assert len(w.sent) == 1
    w.step(asks("ann", "kill", at=5))
    assert len(cancels(w)) == 1
    canceled(w, w.sent[0], at=7)
    done = w.of(KillCompleted)[-1]
    assert isinstance(done, KillCompleted)
    assert (done.canceled, done.took_ns) == (1, 2 * SECOND)


def lost(at: int, venue: str = "SIM", reason: str = "no heartbeat") -> VenueLost:
    return VenueLost(T0 + at * SECOND, 0, venue, reason)


def back(at: int, venue: str = "SIM") -> VenueConnected:
    return VenueConnected(T0 + at * SECOND, 0, venue)


def test_orders_to_a_lost_venue_are_denied_until_it_is_back() -> None:
    """Given a lost venue and no time set, then orders to it are denied DISCONNECTED, others pass, and no cancel is made."""
    w = world(Buys()).step(lost(0)).tick(trades(100, 100, instrument=[0, 1]))
    assert reasons(w) == ["DISCONNECTED"]
    assert [o.instrument for o in w.sent] == [1]
    w.step(back(5)).tick(trades(100, start=6))
    assert [o.instrument for o in w.sent] == [1, 0]
    assert not w.of(TradingHalted, TradingResumed, TimerSet)
    assert not cancels(w)


@pytest.mark.parametrize("after", [0, 10])
def test_a_venue_that_stays_lost_has_its_orders_canceled_and_is_halted_until_it_is_back(after: int) -> None:
    """Given orders on two venues, when one is lost for longer than the time, then its orders get a cancel each and it is halted; back, it trades."""
    w = world(Buys(), control=ControlSettings(disconnect_ns=after * SECOND)).tick(trades(100, 100, instrument=[0, 1])).step(lost(5))
    if after:
        assert house_timers(w) == {"disconnect SIM": 15}
        assert not w.of(TradingHalted)
        fire(w, "disconnect SIM")
    (halted,) = w.of(TradingHalted)
    assert isinstance(halted, TradingHalted)
    assert (halted.scope, halted.member, halted.state, halted.rule, halted.reason) == (
        Scope.VENUE, "SIM", HALT, "K-03", "the session with SIM is lost: no heartbeat",
    )  # fmt: skip
    assert [c.orig_cl_ord_id for c in cancels(w)] == [w.sent[0].cl_ord_id]
    assert len(w.engine.desk.outbox) == 3  # two orders and the cancel
    w.step(back(30))
    (resumed,) = w.of(TradingResumed)
    assert isinstance(resumed, TradingResumed)
    assert (resumed.scope, resumed.member, resumed.rule, resumed.requester) == (Scope.VENUE, "SIM", "K-03", "")
    assert state(w, Scope.VENUE, "SIM") == TradingState.ACTIVE
    assert len(cancels(w)) == 2  # unanswered: asked again, once
    w.step(back(31))
    assert len(cancels(w)) == 2
    assert len(w.of(TradingResumed)) == 1


def test_a_venue_that_is_back_in_time_is_not_cut() -> None:
    """Given a venue lost twice for a short while, then the timer of the first loss cuts nothing in the second, whose own time must pass."""
    w = world(Buys(), control=ControlSettings(disconnect_ns=10 * SECOND)).tick(trades(100)).step(lost(5), back(9), lost(12))
    w.step(TimerFired(T0 + 15 * SECOND, 0, -1, "disconnect SIM", T0 + 15 * SECOND))
    assert not w.of(TradingHalted)
    w.step(TimerFired(T0 + 22 * SECOND, 0, -1, "disconnect SIM", T0 + 22 * SECOND))
    assert w.of(TradingHalted)
    w = world(Buys(), control=ControlSettings(disconnect_ns=10 * SECOND)).tick(trades(100)).step(lost(5), back(9))
    fire(w, "disconnect SIM")
    assert not w.of(TradingHalted)
    assert not cancels(w)


def test_the_time_runs_from_the_first_loss() -> None:
    """Given a venue that is reported lost twice, then its time is not put off."""
    w = world(control=ControlSettings(disconnect_ns=10 * SECOND)).step(lost(5), lost(9))
    assert house_timers(w) == {"disconnect SIM": 15}
    assert len(w.of(TimerSet)) == 1


def test_a_venue_that_no_instrument_trades_on_is_nobodys_loss() -> None:
    """Given the loss of a foreign venue, then nothing is decided."""
    w = world(control=ControlSettings(disconnect_ns=0)).step(lost(1, "MOON"), back(2, "MOON"))
    assert len(w.events) == 3


def test_a_cancel_asked_while_the_venue_was_lost_is_asked_again_when_it_is_back() -> None:
    """Given a cancel by hand during a loss without any time set, then it leaves at once as usual, and again when the venue is back."""
    w = world(Buys()).tick(trades(100)).step(lost(2), asks("ann", "cancel", at=3))
    assert len(cancels(w)) == 1
    w.step(back(4))
    assert len(cancels(w)) == 2


def test_two_persons_may_lift_the_halt_of_a_lost_venue_and_orders_are_still_denied() -> None:
    """Given K-03 lifted by two persons while the venue is lost, then its rule still denies, and the return lifts nothing more."""
    w = world(Buys(), control=ControlSettings(disconnect_ns=0)).step(lost(1), asks("ann", "resume", {"scope": "venue", "member": "SIM"}, at=2))
    w.step(asks("ben", "approve", {"number": 1}, at=3)).tick(trades(100, start=4))
    assert reasons(w) == ["DISCONNECTED"]
    w.step(back(9))
    assert len(w.of(TradingResumed)) == 1


def test_an_order_older_than_its_time_is_canceled_once_and_not_before() -> None:
    """Given a time of 10 s, then each order is canceled when it is that old, with one timer waiting at a time."""
    w = world(Buys(), control=ControlSettings(order_ttl_ns=10 * SECOND)).tick(trades(100, 100, 100, start=1))
    assert house_timers(w) == {"reaper": 11}
    fire(w, "reaper")
    assert [c.orig_cl_ord_id for c in cancels(w)] == [w.sent[0].cl_ord_id]
    assert cancels(w)[0].reason == "stale: sent 10000000000 ns ago, 10000000000 are allowed"
    assert house_timers(w) == {"reaper": 12}
    cancel_rejected(w, w.sent[0], at=11)
    fire(w, "reaper")
    fire(w, "reaper")
    assert [c.orig_cl_ord_id for c in cancels(w)] == [o.cl_ord_id for o in w.sent]
    assert house_timers(w) == {}


def test_the_next_timer_is_for_the_oldest_order_that_still_works() -> None:
    """Given three orders of which the second is filled, then after the first the timer waits for the third, and a later order starts it anew."""
    w = world(Buys(), control=ControlSettings(order_ttl_ns=10 * SECOND)).tick(trades(100, 100, 100, start=1))
    w.fill(w.sent[1], 100)
    fire(w, "reaper")
    assert house_timers(w) == {"reaper": 13}
    fire(w, "reaper")
    assert len(cancels(w)) == 2
    w.tick(trades(100, start=40))
    assert house_timers(w) == {"reaper": 50}


@pytest.mark.parametrize(("at", "when"), [(4, 11), (60, 60)])
@pytest.mark.parametrize("how", ["a fill after a reject", "a word of the venue after it was done for the day"])
def test_an_order_that_comes_back_to_life_is_old_again(how: str, at: int, when: int) -> None:
    """Given an order that had ended, when a report shows that it works, then it is canceled when its time is over, at once if that was before."""
    act = Acts(lambda ctx: ctx.buy(0, 10, limit_px=100, time_in_force=TimeInForce.DAY))
    w = World(act, instruments=(X, OTHER), control=ControlSettings(order_ttl_ns=10 * SECOND)).tick(trades(100, start=1))
    order = w.sent[0]
    first, again = T0 + 2 * SECOND, T0 + at * SECOND
    if how == "a fill after a reject":
        w.step(OrderRejected(first, 0, order.cl_ord_id, first, "no"))
        revived: Any = OrderFilled(again, 0, order.cl_ord_id, again, "e1", 100, 1, Liquidity.TAKER, 0, "USD", 2)
    else:
        w.step(OrderExpired(first, 0, order.cl_ord_id, first, done_for_day=True, reason="day"))
        revived = OrderRestated(again, 0, order.cl_ord_id, again, order.order_qty, "tomorrow")
    assert not w.engine.desk.state.orders.find(order.cl_ord_id).worst_leaves  # type: ignore[union-attr]
    w.tick(trades(100, start=3))
    if at > 10:
        fire(w, "reaper")
    w.step(revived)
    if at < 10:
        assert not cancels(w)
        fire(w, "reaper")
    mine = [c for c in cancels(w) if c.orig_cl_ord_id == order.cl_ord_id]
    assert [c.ns for c in mine] == [T0 + when * SECOND]


def test_without_a_time_nothing_is_reaped_and_no_timer_is_set() -> None:
    """Given no time for orders, then the desk tells nobody of what it sends."""
    w = world().tick(trades(100))
    assert not w.engine.desk.on_sent
    assert not w.of(TimerSet)
    assert w.engine.control.reaper is None


def test_the_reaper_does_not_hold_closed_orders_for_long() -> None:
    """Given thousands of orders that are filled at once within the time, then the reaper holds a bounded number of them."""
    w = world(Buys(), control=ControlSettings(order_ttl_ns=10**6 * SECOND))
    for i in range(1_000):
        w.tick(trades(100, start=i + 1))
        w.fill(w.sent[-1], 100)
        w.engine.desk.outbox.clear()
    reaper = w.engine.control.reaper
    assert reaper is not None
    assert len(reaper._sent) < 200


def test_the_rooms_can_be_frozen_and_go_on_from_there() -> None:
    """Given a session with a waiting request, an open switch, a lost venue and an old order, then a pickled copy decides the same."""
    control = ControlSettings(two_persons=("limits",), order_ttl_ns=50 * SECOND, disconnect_ns=20 * SECOND)
    w = world(control=control).tick(trades(100, 100, instrument=[0, 1]))
    w.step(asks("ann", "limits", LONG, at=3), asks("ann", "kill", {"scope": "instrument", "member": "X"}, at=4), lost(5, "V2"))
    w.engine._stream = iter(())
    w.engine.desk.market.rows = []
    copy = thaw(freeze(w, ()), ())
    for each in (w, copy):
        fire(each, "disconnect V2")
        each.step(asks("ben", "approve", {"number": 1}, at=30))
        fire(each, "reaper")
        canceled(each, each.sent[0], at=90)
    assert [e for _, e in w.events] == [e for _, e in copy.events]
    assert len(w.of(LimitsChanged, TradingHalted, KillSwitchEngaged)) == 3


def test_a_session_without_settings_pays_for_nothing_before_it_is_used() -> None:
    """Given no settings, then no order report is listened to by the control room, and nobody is told of orders sent."""
    w = world()
    rooms = list(vars(w.engine.control).values())
    heard = {kind for kind, reacts in w.engine.reacts.items() for react in reacts if any(getattr(react, "__self__", None) is room for room in rooms)}
    assert heard == {VenueLost, VenueConnected}
    w.step(asks("ann", "kill", at=1))
    assert OrderFilled in w.engine.reacts
