"""Legs that fail, and what the policy makes of them: flattened, tried again, or said aloud."""

from __future__ import annotations

import pytest

from domain.events import (
    GroupLegFailed,
    OrderDenied,
    OrderReplaceRequested,
    OrderUnknown,
    SessionResumed,
    TradingHalted,
)
from domain.terms import FailurePolicy, OrderType, Scope, TradingState
from tests.domain.grouped import ALERT, FLATTEN, RETRY, Denying, Grouped, bracket, entered, refusal


@pytest.mark.parametrize("role", ["stop", "target"])
@pytest.mark.parametrize("how", ["canceled", "rejected", "expired"])
def test_a_leg_that_the_venue_ends_is_flattened(how: str, role: str) -> None:
    """Given the policy FLATTEN, when the venue ends a leg unasked, then the other is canceled, and what is open is sold at the market after that."""
    w = entered().end(role, how)
    other = "target" if role == "stop" else "stop"
    assert w.failures == [(role, "FLATTEN")]
    assert w.cancels == [w.order(other).cl_ord_id]
    assert "flat" not in w.works
    w.answer()
    assert w.works == {"flat": 10}
    w.trade("flat", 10)
    assert (w.position, w.works, w.closings) == (0, {}, [(1, 0, "flattened")])
    assert w.failures == [(role, "FLATTEN")]


@pytest.mark.parametrize("role", ["stop", "target"])
@pytest.mark.parametrize("how", ["canceled", "rejected", "expired"])
def test_a_leg_that_the_venue_ends_is_only_alerted(how: str, role: str) -> None:
    """Given the policy ALERT, when the venue ends a leg unasked, then it is recorded once and the other leg goes on."""
    w = entered(ALERT).end(role, how).answer().wait().answer()
    other = "target" if role == "stop" else "stop"
    assert (w.failures, w.works, w.cancels) == ([(role, "ALERT")], {other: 10}, [])
    w.trade(other, 10)
    assert w.closings == [(1, 0, f"closed by the {other}")]


@pytest.mark.parametrize("role", ["stop", "target"])
@pytest.mark.parametrize("how", ["canceled", "rejected", "expired"])
def test_a_leg_that_the_venue_ends_is_sent_again(how: str, role: str) -> None:
    """Given the policy RETRY, when the venue ends a leg unasked, then it is sent again after a second, with its prices, and the group goes on."""
    w = entered(RETRY).end(role, how)
    other = "target" if role == "stop" else "stop"
    assert (w.failures, w.works) == ([(role, "RETRY")], {other: 10})
    w.wait().answer()
    assert w.works == {"stop": 10, "target": 10}
    w.trade(role, 10).answer()
    assert (w.position, w.works, w.closings) == (0, {}, [(1, 0, f"closed by the {role}")])


def test_after_three_tries_a_leg_is_flattened() -> None:
    """Given the policy RETRY, when the venue rejects the stop four times, then three tries are recorded and the fourth failure flattens."""
    w = entered(RETRY)
    for n in range(4):
        w.end("stop", "rejected")
        assert len(w.failures) == n + 1
        w.wait().answer()
    assert w.failures == [("stop", "RETRY")] * 3 + [("stop", "FLATTEN")]
    assert w.works == {"flat": 10}
    w.trade("flat", 10)
    assert (w.position, w.closings) == (0, [(1, 0, "flattened")])


@pytest.mark.parametrize("kind", [OrderType.STOP, OrderType.LIMIT])
def test_a_leg_that_our_gates_deny_is_flattened(kind: OrderType) -> None:
    """Given a rule that denies a leg, when the entry is filled, then the failure has the denial's code and id, and the position is flattened."""
    w = bracket(Grouped(rules=[Denying(kind).rule])).answer().trade("entry", 10).answer()
    failed = w.of(GroupLegFailed)[0]
    denied = w.of(OrderDenied)[0]
    assert (failed.cl_ord_id, failed.reason) == (denied.cl_ord_id, "denied: TESTED")
    assert w.works == {"flat": 10}
    w.trade("flat", 10)
    assert (w.position, w.closings, len(w.failures)) == (0, [(1, 0, "flattened")], 1)


def test_a_leg_that_our_gates_deny_is_tried_again() -> None:
    """Given the policy RETRY and a rule that denies stops for a while, when it lets them pass again, then the next try protects the position."""
    rule = Denying(OrderType.STOP)
    w = bracket(Grouped(rules=[rule.rule]), on_failure=RETRY).answer().trade("entry", 10).answer().wait()
    assert (w.failures, w.works) == ([("stop", "RETRY")] * 2, {"target": 10})
    rule.types.clear()
    w.wait().answer()
    assert w.works == {"stop": 10, "target": 10}


def test_a_leg_that_our_gates_deny_is_only_alerted() -> None:
    """Given the policy ALERT and a rule that denies stops, when the entry is filled in parts, then one failure is recorded and the target grows on."""
    w = bracket(Grouped(rules=[Denying(OrderType.STOP).rule]), on_failure=ALERT).answer().trade("entry", 4).answer().trade("entry", 6).answer()
    assert (w.failures, w.works) == ([("stop", "ALERT")], {"target": 10})


@pytest.mark.parametrize(("policy", "works"), [(FLATTEN, {"flat": 10}), (ALERT, {"stop": 4, "target": 10}), (RETRY, {"stop": 10, "target": 10})])
def test_a_leg_that_the_venue_does_not_enlarge_has_failed(policy: FailurePolicy, works: dict[str, int]) -> None:
    """Given legs of 4, when 6 more are filled and the venue refuses to enlarge the stop, then the policy is followed."""
    w = bracket(Grouped(), on_failure=policy).answer().trade("entry", 4).answer().trade("entry", 6)
    stop = w.order("stop")
    request = next(r for r in w.requests if r.orig_cl_ord_id == stop.cl_ord_id)
    w.answered.add(request.cl_ord_id)
    w.step(refusal(w, request))
    assert w.failures == [("stop", policy.name)]
    w.answer()
    if policy is RETRY:
        w.wait().answer()
    assert w.works == works


def test_a_leg_that_our_gates_do_not_let_grow_has_failed() -> None:
    """Given working legs of 4, when 6 more are filled while a rule denies stops, then the denied replacement is recorded and all is flattened."""
    rule = Denying()
    w = bracket(Grouped(rules=[rule.rule])).answer().trade("entry", 4).answer()
    rule.types.append(OrderType.STOP)
    w.trade("entry", 6)
    assert (w.failures, w.of(GroupLegFailed)[0].cl_ord_id) == ([("stop", "FLATTEN")], w.of(OrderDenied)[0].cl_ord_id)
    w.answer()
    assert w.works == {"flat": 10}


def test_a_venue_that_refuses_to_make_a_leg_smaller_is_asked_again_a_few_times() -> None:
    """Given 4 of 10 traded, when the venue refuses to make the stop smaller, then it is asked again each second, 4 times in all, then it is recorded."""
    w = entered().trade("target", 4)
    for _ in range(6):
        w.refuse().wait()
    assert len([e for e in w.of(OrderReplaceRequested) if e.orig_cl_ord_id == w.order("stop").cl_ord_id]) == 4
    assert (w.failures, w.works) == ([("stop", "ALERT")], {"stop": 10, "target": 6})


def test_a_venue_that_refuses_a_cancel_is_asked_again_a_few_times() -> None:
    """Given a filled target, when the venue refuses to cancel the stop, then it is asked again each second, 4 times in all, then it is recorded."""
    w = entered().trade("target", 10)
    for _ in range(6):
        w.refuse().wait()
    assert (len(w.cancels), w.failures, w.works, w.closings) == (4, [("stop", "ALERT")], {"stop": 10}, [])
    w.end("stop")
    assert w.closings == [(1, 0, "closed by the target")]


def test_a_cancel_that_comes_too_late_is_not_repeated_when_the_fill_explains_it() -> None:
    """Given a filled target, when the cancel of the stop is refused because it traded too, then the fill is a surplus and no cancel is repeated."""
    w = entered().trade("target", 10).refuse().trade("stop", 10).wait()
    assert (len(w.cancels), w.failures) == (1, [("stop", "FLATTEN")])


def test_the_flattening_order_waits_for_what_is_not_proven_dead() -> None:
    """Given a failed stop and a target whose fate is unknown, when time passes, then nothing is sold twice; once it is proven dead, all is sold."""
    w = entered()
    w.step(SessionResumed(w.now, 0, "", "test"))
    w.engine.desk.emit(OrderUnknown(w.now, 0, w.order("target").cl_ord_id, "lost"))
    w.end("stop").wait().wait()
    assert "flat" not in w.works
    w.answer()
    assert w.works == {"flat": 10}


def test_what_the_canceled_leg_traded_on_its_way_out_is_not_sold_twice() -> None:
    """Given a failed stop, when the target trades 4 before its cancel arrives, then only 6 are sold at the market."""
    w = entered().end("stop").trade("target", 4).answer()
    assert w.works == {"flat": 6}
    w.trade("flat", 6)
    assert (w.position, w.closings) == (0, [(1, 0, "flattened")])


def test_a_strategy_whose_group_cannot_be_flattened_may_only_reduce() -> None:
    """Given stops and market orders that are denied, when the entry is filled, then its strategy is halted once, and after three tries the group says what it leaves."""
    rule = Denying(OrderType.STOP)
    w = bracket(Grouped(rules=[rule.rule])).answer()
    rule.types.append(OrderType.MARKET)
    w.trade("entry", 10).answer()
    halts = w.of(TradingHalted)
    assert [(h.scope, h.member, h.state, h.rule) for h in halts] == [(Scope.STRATEGY, "s0", TradingState.REDUCE_ONLY, "S4-04")]
    w.wait().wait().wait().wait()
    assert w.failures == [("stop", "FLATTEN"), ("flat", "RETRY"), ("flat", "RETRY"), ("flat", "ALERT")]
    assert (w.of(TradingHalted), w.closings) == (halts, [(1, 10, "could not be flattened")])


def test_a_flattening_order_that_fails_is_tried_again() -> None:
    """Given a flattening order that fills 4 and is then canceled by the venue, when a second has passed, then the other 6 are sold."""
    w = entered().end("stop").answer().trade("flat", 4).end("flat").wait().answer()
    assert w.works == {"flat": 6}
    w.trade("flat", 6)
    assert (w.position, w.closings) == (0, [(1, 0, "flattened")])


def test_a_late_fill_after_flattening_is_flattened_too() -> None:
    """Given a flattened group, when its canceled entry trades 3 more, then it is reopened and 3 are sold at the market."""
    w = bracket(Grouped()).answer().trade("entry", 4).answer().end("stop").answer().trade("flat", 4)
    assert w.closings == [(1, 0, "flattened")]
    w.trade("entry", 3).answer()
    assert w.works == {"flat": 3}
    w.trade("flat", 3)
    assert (w.position, w.closings) == (0, [(1, 0, "flattened")] * 2)
