"""Groups of orders, path by path: what is sent, replaced, canceled and recorded after each answer of a venue."""

from __future__ import annotations

import pytest

from domain.context import Context
from domain.errors import StrategyError
from domain.events import (
    ControlSettings,
    GroupClosed,
    GroupLegFailed,
    GroupLegged,
    GroupOpened,
    GroupReopened,
    Leg,
    OrderCanceled,
    OrderCancelRejected,
    OrderCancelRequested,
    OrderDenied,
    OrderFilled,
    OrderReplaceRequested,
    OrderSubmitted,
    OrderUnknown,
    SessionResumed,
    TradePrinted,
    TradingHalted,
)
from domain.replay import Replay
from domain.strategy import Strategy
from domain.terms import FailurePolicy, GroupKind, Liquidity, OrderType, Scope, Side, TradingState
from reenact.freezing import freeze, thaw
from tests.domain.grouped import Denying, Grouped
from tests.domain.harness import SECOND, bounds, trades

FLATTEN, RETRY, ALERT = FailurePolicy.FLATTEN, FailurePolicy.RETRY, FailurePolicy.ALERT


def bracket(w: Grouped, qty: int = 10, side: Side = Side.BUY, on_failure: FailurePolicy = FLATTEN, limit_px: int = 0) -> Grouped:
    stop, target = (9_500, 11_000) if side is Side.BUY else (11_000, 9_500)
    w.ctx.bracket(0, side, qty, stop_px=stop, target_px=target, limit_px=limit_px, on_failure=on_failure, reason="test")
    return w


def entered(on_failure: FailurePolicy = FLATTEN, **world: object) -> Grouped:
    """A bracket of 10 whose entry was filled and whose legs work."""
    return bracket(Grouped(**world), on_failure=on_failure).answer().trade("entry", 10).answer()


def test_both_legs_follow_a_filled_entry() -> None:
    """Given a bracket, when its entry is filled, then a stop and a target are sent, reduce-only, on the other side, for what was filled."""
    w = entered()
    stop, target = w.order("stop"), w.order("target")
    assert w.works == {"stop": 10, "target": 10}
    assert (stop.side, stop.order_type, stop.stop_px, stop.reduce_only) == (Side.SELL, OrderType.STOP, 9_500, True)
    assert (target.side, target.order_type, target.limit_px, target.reduce_only) == (Side.SELL, OrderType.LIMIT, 11_000, True)
    assert w.closings == []


def test_a_short_bracket_is_the_mirror_image() -> None:
    """Given a bracket that sells, when its entry is filled, then its legs buy; when the target is filled, then the group is flat and closed."""
    w = bracket(Grouped(), side=Side.SELL).answer().trade("entry", 10).answer()
    assert w.order("stop").side is w.order("target").side is Side.BUY
    w.trade("target", 10).answer()
    assert (w.position, w.works, w.closings) == (0, {}, [(1, 0, "closed by the target")])


@pytest.mark.parametrize("parts", [(1, 9), (4, 6), (3, 3, 4), (1,) * 10])
def test_the_legs_grow_with_the_fills_of_the_entry(parts: tuple[int, ...]) -> None:
    """Given a bracket, when its entry is filled in parts, then after each part both legs work for exactly what is filled, as one order each."""
    w = bracket(Grouped()).answer()
    filled = 0
    for part in parts:
        filled += part
        w.trade("entry", part).answer()
        assert {role: w.works[role] for role in ("stop", "target")} == {"stop": filled, "target": filled}
    assert len([e for e in w.of(GroupLegged) if e.role == "stop"]) == 1


def test_fills_that_come_faster_than_answers_are_protected_in_the_end() -> None:
    """Given legs that the venue has not accepted, when more is filled, then nothing is replaced blindly, and once accepted they grow to all of it."""
    w = bracket(Grouped()).accept("entry").trade("entry", 2).trade("entry", 3).trade("entry", 5)
    assert w.of(OrderReplaceRequested) == []
    w.answer()
    assert w.works == {"stop": 10, "target": 10}


@pytest.mark.parametrize(("winner", "loser"), [("stop", "target"), ("target", "stop")])
def test_the_leg_that_closes_the_position_cancels_the_other_once(winner: str, loser: str) -> None:
    """Given working legs, when one is filled whole, then the other gets one cancel, and the group closes when that is confirmed."""
    w = entered().trade(winner, 10)
    assert w.cancels == [w.order(loser).cl_ord_id]
    assert w.closings == []
    w.answer()
    assert (w.position, w.works) == (0, {})
    assert w.closings == [(1, 0, f"closed by the {winner}")]
    assert w.cancels == [w.order(loser).cl_ord_id]


@pytest.mark.parametrize(("first", "other"), [("stop", "target"), ("target", "stop")])
def test_a_leg_filled_in_part_makes_the_other_smaller(first: str, other: str) -> None:
    """Given working legs, when one is filled in part, then the other is replaced by as much as is left open: never unprotected, never more."""
    w = entered().trade(first, 4)
    request = w.of(OrderReplaceRequested)[-1]
    assert (request.orig_cl_ord_id, request.order_qty) == (w.order(other).cl_ord_id, 6)
    w.answer()
    assert w.works == {"stop": 6, "target": 6}
    w.trade(other, 6).answer()
    assert w.closings == [(1, 0, f"closed by the {other}")]


@pytest.mark.parametrize("how", ["canceled", "rejected", "expired"])
def test_an_entry_that_ends_unfilled_closes_the_group(how: str) -> None:
    """Given a bracket, when its entry ends without a fill, then no leg is sent and the group is closed."""
    w = bracket(Grouped()).end("entry", how)
    assert (w.works, w.failures, w.closings) == ({}, [], [(1, 0, "the entry ended unfilled")])
    assert len(w.of(OrderSubmitted)) == 1


def test_a_denied_entry_closes_the_group_with_its_reason() -> None:
    """Given a limit that the entry breaks, when a bracket is opened, then it is closed at once, with the code, and its number is still told."""
    w = Grouped(limits=bounds(max_order_qty=9))
    assert w.ctx.bracket(0, Side.BUY, 10, stop_px=9_500, target_px=11_000) == 1
    assert (w.works, w.closings) == ({}, [(1, 0, "the entry was denied: MAX_ORDER_QTY")])


def test_fills_while_a_replacement_is_on_its_way_wait_for_its_answer() -> None:
    """Given legs that are being enlarged, when more is filled before the venue answers, then nothing has failed, and after the answer they grow again."""
    w = bracket(Grouped()).answer().trade("entry", 4).answer().trade("entry", 3).trade("entry", 3)
    assert (w.failures, len(w.of(OrderReplaceRequested))) == ([], 2)
    w.answer()
    assert (w.failures, w.works) == ([], {"stop": 10, "target": 10})


def test_a_leg_filled_in_part_is_enlarged_by_what_is_open() -> None:
    """Given a target of 4 of which 2 traded, when 3 more of the entry are filled in a race, then 5 are open and both legs work for 5."""
    w = bracket(Grouped()).answer().trade("entry", 4).answer().trade("target", 2).trade("entry", 3).answer()
    assert (w.position, w.works, w.order("target").order_qty) == (5, {"stop": 5, "target": 5}, 7)


def test_a_leg_may_not_be_enlarged_beyond_its_position() -> None:
    """Given working legs of 10 on a position of 10, when the strategy asks for a target of 15, then R-23 denies it, though the stop counts as nothing."""
    w = entered()
    assert w.ctx.replace(w.order("target").cl_ord_id, qty=15) == ""
    assert w.of(OrderDenied)[-1].reason == "REDUCE_ONLY"


def test_a_rejected_leg_that_traded_after_all_is_canceled_for_its_successor() -> None:
    """Given a rejected stop that was sent again, when a fill proves the first alive, then it is canceled, both legs fit what is left, and it failed once."""
    w = bracket(Grouped(), on_failure=RETRY).answer().trade("entry", 10)
    first = w.order("stop")
    w.end("stop", "rejected").answer().wait().answer()
    w.step(OrderFilled(w.now, 0, first.cl_ord_id, w.now, "late", 9_500, 1, Liquidity.TAKER, 0, "USD", 2))
    assert first.cl_ord_id in w.cancels
    w.answer()
    assert (w.position, w.works, w.failures) == (9, {"stop": 9, "target": 9}, [("stop", "RETRY")])


def test_a_leg_that_died_twice_has_failed_once() -> None:
    """Given a rejected stop, when a late fill revives it and a bust takes that back, then one failure is recorded."""
    w = (
        bracket(Grouped(), on_failure=RETRY)
        .answer()
        .trade("entry", 10)
        .end("stop", "rejected")
        .trade("stop", 1)
        .bust("stop", "x2")
        .answer()
        .wait()
        .answer()
    )
    assert (w.position, w.works, w.failures) == (10, {"stop": 10, "target": 10}, [("stop", "RETRY")])


def test_an_entry_that_ends_in_part_keeps_its_part_protected() -> None:
    """Given an entry filled in part, when its rest is canceled, then the legs go on for the part and the group stays open until one trades."""
    w = bracket(Grouped()).answer().trade("entry", 3).answer().end("entry")
    assert (w.works, w.failures, w.closings) == ({"stop": 3, "target": 3}, [], [])
    w.trade("stop", 3).answer()
    assert w.closings == [(1, 0, "closed by the stop")]


def test_the_first_fill_of_a_leg_ends_the_entry() -> None:
    """Given an entry whose rest works, when its stop trades, then the rest is canceled: nothing is entered behind a stop."""
    w = bracket(Grouped()).answer().trade("entry", 3).answer().trade("stop", 3)
    assert set(w.cancels) == {w.order("entry").cl_ord_id, w.order("target").cl_ord_id}
    w.answer()
    assert (w.position, w.works, w.closings) == (0, {}, [(1, 0, "closed by the stop")])


def test_a_late_fill_of_a_canceled_entry_is_protected_too() -> None:
    """Given a closed group, when a fill of its entry comes late, then the group is reopened and the fill protected, until a leg closes it."""
    w = bracket(Grouped()).accept("entry").end("entry")
    assert w.closings == [(1, 0, "the entry ended unfilled")]
    w.trade("entry", 4).answer()
    assert (len(w.of(GroupReopened)), w.works) == (1, {"stop": 4, "target": 4})
    w.trade("target", 4).answer()
    assert (w.position, w.works, w.closings[1:]) == (0, {}, [(1, 0, "closed by the target")])


def test_a_late_fill_behind_a_stop_is_protected_by_another_stop() -> None:
    """Given a group that its stop has closed, when the rest of the entry is filled in a race, then a second stop and target are sent for it."""
    w = bracket(Grouped()).answer().trade("entry", 3).answer().trade("stop", 3).answer().trade("entry", 2).answer()
    assert (w.position, w.works) == (2, {"stop": 2, "target": 2})
    assert w.order("stop").stop_px == 9_500


@pytest.mark.parametrize("policy", [FLATTEN, RETRY])
def test_when_both_legs_trade_the_surplus_is_traded_back(policy: FailurePolicy) -> None:
    """Given a filled target whose stop's cancel is on its way, when the stop is filled too, then that is recorded once and 10 are bought back."""
    w = entered(policy).trade("target", 10).trade("stop", 10)
    assert w.position == -10
    assert w.failures == [("stop", "FLATTEN")]
    flat = w.order("flat")
    assert (flat.side, flat.order_qty, flat.order_type, flat.reduce_only) == (Side.BUY, 10, OrderType.MARKET, True)
    w.answer().trade("flat", 10)
    assert (w.position, w.works, w.closings) == (0, {}, [(1, 0, "flattened")])
    assert w.failures == [("stop", "FLATTEN")]


def test_when_both_legs_trade_and_only_an_alert_is_wanted_nothing_is_traded_back() -> None:
    """Given the policy ALERT, when both legs are filled in a race, then it is recorded, and the group closes and says what it leaves."""
    w = entered(ALERT).trade("target", 10).trade("stop", 10)
    assert (w.position, w.failures, w.works) == (-10, [("stop", "ALERT")], {})
    assert w.closings == [(1, -10, "its legs traded more than its entry")]


def test_a_race_that_adds_up_to_the_position_is_no_surplus() -> None:
    """Given working legs of 10, when 4 of the target and 6 of the stop trade, then the group is flat and nothing was a failure."""
    w = entered().trade("target", 4).trade("stop", 6).answer()
    assert (w.position, w.failures, w.works) == (0, [], {})
    assert w.closings == [(1, 0, "closed by the stop")]


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


def refusal(w: Grouped, request: OrderCancelRequested | OrderReplaceRequested) -> OrderCancelRejected:
    return OrderCancelRejected(w.now, 0, request.cl_ord_id, w.now, request.orig_cl_ord_id, "no")


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


def test_a_leg_that_the_strategy_cancels_is_given_up() -> None:
    """Given working legs, when the strategy cancels its target, then nobody fights it: the stop goes on, and nothing is a failure."""
    w = entered()
    w.ctx.cancel(w.order("target").cl_ord_id)
    w.answer().wait().answer()
    assert (w.works, w.failures) == ({"stop": 10}, [])
    w.ctx.cancel(w.order("stop").cl_ord_id)
    w.answer()
    assert w.closings == [(1, 10, "left unprotected")]


def test_a_kill_is_not_fought() -> None:
    """Given a bracket filled in part, when a person engages the kill switch, then every order is canceled and no group sends another."""
    w = bracket(Grouped()).answer().trade("entry", 4).answer()
    sent = len(w.of(OrderSubmitted))
    w.command("kill").answer().wait().answer()
    assert (w.works, w.failures, len(w.of(OrderSubmitted))) == ({}, [], sent)
    assert w.closings == [(1, 4, "left unprotected")]


def test_a_canceled_group_leaves_its_position() -> None:
    """Given a bracket filled in part, when the strategy cancels the group, then every order gets one cancel, it closes, and late fills are its own."""
    w = bracket(Grouped()).answer().trade("entry", 4).answer()
    w.ctx.cancel_group(1)
    w.ctx.cancel_group(1)
    assert len(w.cancels) == 3
    w.answer()
    assert w.closings == [(1, 4, "canceled by request")]
    w.ctx.cancel_group(1)
    w.trade("entry", 2).answer()
    assert (w.works, len(w.closings)) == ({}, 1)


def test_a_group_is_canceled_by_its_strategy_only() -> None:
    """Given two strategies, when one cancels a group of the other or one that never was, then it is told so."""
    w = bracket(Grouped(Strategy(), Strategy()))
    with pytest.raises(StrategyError, match="group 1 belongs to another strategy"):
        w.engine.contexts[1].cancel_group(1)
    with pytest.raises(StrategyError, match="there is no group 2"):
        w.ctx.cancel_group(2)


def test_a_trailed_stop_keeps_its_price() -> None:
    """Given a stop that the strategy moved, when more of the entry is filled, or the stop must be sent again, then it keeps the new price."""
    w = bracket(Grouped(), on_failure=RETRY).answer().trade("entry", 4).answer()
    w.ctx.replace(w.order("stop").cl_ord_id, stop_px=9_800)
    w.answer().trade("entry", 6).answer()
    assert (w.order("stop").stop_px, w.works) == (9_800, {"stop": 10, "target": 10})
    w.end("stop").wait().answer()
    assert (w.order("stop").stop_px, w.works["stop"]) == (9_800, 10)


def test_a_refused_price_change_of_the_strategy_is_no_failure() -> None:
    """Given a stop that the strategy wants to move, when the venue refuses, then the stop still protects and the group does nothing."""
    w = entered()
    w.ctx.replace(w.order("stop").cl_ord_id, stop_px=9_800)
    w.refuse()
    assert (w.failures, w.works) == ([], {"stop": 10, "target": 10})


def test_a_stale_order_is_reaped_but_not_the_stop_of_a_position() -> None:
    """Given orders that may work for two seconds, when a bracket is older, then its entry's rest is canceled, its legs go on."""
    w = bracket(Grouped(control=ControlSettings(order_ttl_ns=2 * SECOND)), limit_px=10_000).answer().trade("entry", 4).answer()
    for _ in range(4):
        w.wait().answer()
    assert w.works == {"stop": 4, "target": 4}


def test_legs_may_be_sent_where_only_reducing_is_allowed() -> None:
    """Given an entry that works, when the account may only reduce, then what is filled still gets both its legs, and they still follow it."""
    w = bracket(Grouped()).answer().command("reduce_only").trade("entry", 4).answer().trade("entry", 6).answer().trade("target", 3).answer()
    assert (w.works, w.failures) == ({"stop": 7, "target": 7}, [])


@pytest.mark.parametrize(("qty", "sent"), [(5, True), (6, False)])
def test_the_legs_of_one_group_count_once_where_only_reducing_is_allowed(qty: int, sent: bool) -> None:
    """Given a position of 15 of which a bracket protects 10, when 5 more are to be reduced, then R-23 lets them pass, and not 6."""
    w = Grouped()
    w.ctx.buy(0, 5)
    w.fill(w.sent[0], 10_000)
    bracket(w).answer().trade("entry", 10).answer()
    n = len(w.of(OrderDenied))
    w.ctx.sell(0, qty, limit_px=10_500, reduce_only=True)
    assert (len(w.of(OrderDenied)) == n) is sent


def test_two_brackets_in_one_instrument_do_not_hinder_each_other() -> None:
    """Given two brackets of 10, when both are filled, then four legs of 10 work on a position of 20, and one closes without the other."""
    w = bracket(bracket(Grouped()).answer().trade("entry", 10).answer()).answer().trade("entry", 10).answer()
    assert [w.order(role, n).worst_leaves for n in (1, 2) for role in ("stop", "target")] == [10] * 4
    assert w.failures == []
    w.trade("target", 10).answer()
    assert w.closings == [(2, 0, "closed by the target")]
    assert [w.order(role, 1).worst_leaves for role in ("stop", "target")] == [10, 10]


@pytest.mark.parametrize(("max_short", "failures"), [(10, []), (9, [("target", "FLATTEN")])])
def test_the_position_limit_counts_both_legs(max_short: int, failures: list[tuple[str, str]]) -> None:
    """Given a bracket of 10, when a race of both legs could be 10 short, then a limit of 10 lets both work and one of 9 denies the second."""
    w = bracket(Grouped(limits=bounds(max_long=100, max_short=max_short))).answer().trade("entry", 10)
    assert w.failures == failures


def test_a_busted_entry_makes_the_legs_smaller() -> None:
    """Given an entry of two fills, when one of them is busted, then the legs work for the other."""
    w = bracket(Grouped()).answer().trade("entry", 4).end("entry").trade("entry", 6).answer().bust("entry", "x2").answer()
    assert (w.position, w.works) == (4, {"stop": 4, "target": 4})


def test_a_busted_exit_is_protected_again() -> None:
    """Given a group that its target closed, when that fill is busted, then the group is reopened and stop and target work again."""
    w = entered().trade("target", 10).answer().bust("target", "x2").answer()
    assert (w.position, w.works, len(w.of(GroupReopened))) == (10, {"stop": 10, "target": 10}, 1)


def test_a_cancel_is_not_repeated_by_a_restart() -> None:
    """Given a cancel on its way, when the session is resumed and the venue answers it, then it was asked for exactly once."""
    w = entered().trade("target", 10)
    w.step(SessionResumed(w.now, 0, "", "crash"))
    w.wait().answer()
    assert len(w.cancels) == 1
    assert w.closings == [(1, 0, "closed by the target")]


def test_a_cancel_that_was_lost_in_a_restart_is_asked_for_once_more() -> None:
    """Given a cancel on its way, when the session is resumed and the venue says twice that the order works, then it is asked for once again."""
    w = entered().trade("target", 10)
    w.step(SessionResumed(w.now, 0, "", "crash"))
    assert len(w.cancels) == 1
    w.accept("stop").accept("stop")
    assert w.cancels == [w.order("stop").cl_ord_id] * 2
    w.answer()
    assert (w.works, w.closings) == ({}, [(1, 0, "closed by the target")])


def test_an_acceptance_without_a_restart_repeats_no_cancel() -> None:
    """Given a cancel on its way, when the venue confirms the order again, then no second cancel is asked for."""
    w = entered().trade("target", 10).accept("stop").accept("stop")
    assert len(w.cancels) == 1


def test_a_replacement_that_was_lost_in_a_restart_is_made_good() -> None:
    """Given legs that were to grow from 4 to 10, when the session is resumed and the venue knows only 4, then they are canceled and sent anew for 10."""
    w = bracket(Grouped()).answer().trade("entry", 4).answer().trade("entry", 6)
    lost = {r.cl_ord_id for r in w.requests}
    w.step(SessionResumed(w.now, 0, "", "crash"))
    w.answered |= lost
    w.accept("stop", "target").answer()
    assert (w.works, w.failures) == ({"stop": 10, "target": 10}, [])


def test_legs_sent_before_a_stop_are_not_sent_again() -> None:
    """Given legs that the venue never answered, when the session is resumed, then they are unknown and nothing is sent; proven alive, they follow the fills."""
    w = bracket(Grouped()).answer().trade("entry", 4)
    n = len(w.of(OrderSubmitted))
    w.step(SessionResumed(w.now, 0, "", "crash"))
    w.trade("entry", 6)
    assert (len(w.of(OrderSubmitted)), len(w.of(OrderUnknown))) == (n, 2)
    w.answer()
    assert w.works == {"stop": 10, "target": 10}


def test_a_frozen_group_goes_on_as_if_nothing_had_been() -> None:
    """Given a bracket filled in part, when its engine is frozen and thawed, then both copies decide the same from there on."""
    w = bracket(Grouped()).answer().trade("entry", 4)
    data = freeze((w.engine, w.journal), w.engine.strategies)
    other = Grouped()
    other.engine, other.journal = thaw(data, other.engine.strategies)
    other.answered, other.execs = set(w.answered), w.execs
    for world in (w, other):
        world.answer().trade("entry", 6).answer().trade("target", 3).answer().end("stop").answer().trade("flat", 7)
    assert other.events == w.events
    assert w.closings == [(1, 0, "flattened")]


class Breakout(Strategy):
    """Buys a rise of a whole point with a bracket around it, one at a time: the example of the documentation."""

    def __init__(self) -> None:
        self.last = 0

    def on_tick(self, ctx: Context, tick: TradePrinted) -> None:
        if self.last and tick.px - self.last >= 100 and not ctx.position(tick.instrument) and not ctx.open_orders(tick.instrument):
            ctx.bracket(tick.instrument, Side.BUY, 10, stop_px=tick.px - 50, target_px=tick.px + 150, reason="breakout")
        self.last = tick.px


def test_a_session_with_brackets_is_re_enacted_byte_for_byte() -> None:
    """Given a strategy with a bracket, a restart and a race of both legs, when its inputs are played again, then every event is reached again."""
    w = Grouped(Breakout())
    w.tick(trades(10_100, start=2))
    w.answer().trade("entry", 4)
    w.step(SessionResumed(w.now, 0, "", "crash"))
    w.answer().trade("entry", 6).answer()
    w.trade("target", 10).trade("stop", 10).answer().trade("flat", 10)
    assert [type(e) for e in w.of(GroupOpened, GroupLegFailed, GroupClosed)] == [GroupOpened, GroupLegFailed, GroupClosed]
    replay = Replay("test", lambda _: [Breakout()])
    progress = list(replay.follow([w.record()]))
    assert progress[-1].events > 20


def test_nothing_is_listened_to_before_the_first_group() -> None:
    """Given an engine, when no group was opened, then no report of a fill is heard by the groups; afterwards it is, once however many there are."""
    w = Grouped()
    before = len(w.engine.reacts.get(OrderFilled, []))
    bracket(bracket(w))
    assert len(w.engine.reacts[OrderFilled]) == before + 1


def oco(w: Grouped, *legs: Leg, on_failure: FailurePolicy = ALERT) -> Grouped:
    w.ctx.oco(0, *(legs or (Leg(Side.BUY, 10, limit_px=9_900), Leg(Side.BUY, 10, stop_px=10_100))), on_failure=on_failure)
    return w


@pytest.mark.parametrize(("first", "other"), [("leg 1", "leg 2"), ("leg 2", "leg 1")])
@pytest.mark.parametrize("qty", [1, 10])
def test_the_first_fill_cancels_the_other_alternative(first: str, other: str, qty: int) -> None:
    """Given two alternatives, when one trades, be it in part, then the other gets one cancel, and the first goes on for its rest."""
    w = oco(Grouped()).answer()
    assert w.works == {"leg 1": 10, "leg 2": 10}
    w.trade(first, qty)
    assert w.cancels == [w.order(other).cl_ord_id]
    w.answer()
    assert w.works == ({first: 10 - qty} if qty < 10 else {})
    if qty < 10:
        w.trade(first, 10 - qty)
    assert (w.closings, len(w.cancels), w.failures) == ([(1, 0, f"{first} traded")], 1, [])


@pytest.mark.parametrize("how", ["canceled", "rejected", "expired"])
def test_an_alternative_that_ends_cancels_the_others(how: str) -> None:
    """Given three alternatives, when the venue ends one, then that is recorded and the others are canceled once."""
    w = oco(Grouped(), *(Leg(Side.BUY, 10, limit_px=px) for px in (9_900, 9_800, 9_700))).answer().end("leg 2", how)
    assert (w.failures, sorted(w.cancels)) == ([("leg 2", "ALERT")], sorted([w.order("leg 1").cl_ord_id, w.order("leg 3").cl_ord_id]))
    w.answer()
    assert w.closings == [(1, 0, "ended without a trade")]


def test_an_alternative_that_is_denied_cancels_what_was_sent() -> None:
    """Given a rule that denies stops, when an OCO of a limit and a stop is opened, then the limit is canceled again and the failure recorded."""
    w = oco(Grouped(rules=[Denying(OrderType.STOP).rule])).answer()
    assert (w.failures, w.works, w.closings) == ([("leg 2", "ALERT")], {}, [(1, 0, "ended without a trade")])


def test_an_alternative_that_the_strategy_cancels_cancels_the_other() -> None:
    """Given two alternatives, when the strategy cancels one, then the other is canceled too and nothing is a failure."""
    w = oco(Grouped()).answer()
    w.ctx.cancel(w.order("leg 1").cl_ord_id)
    w.answer()
    assert (w.works, w.failures, len(w.cancels)) == ({}, [], 2)


def test_a_failed_alternative_may_be_tried_again() -> None:
    """Given the policy RETRY, when the venue rejects one of two alternatives, then the other works on and a second later both work."""
    w = oco(Grouped(), on_failure=RETRY).answer().end("leg 2", "rejected")
    assert (w.failures, w.works) == ([("leg 2", "RETRY")], {"leg 1": 10})
    w.wait().answer()
    assert w.works == {"leg 1": 10, "leg 2": 10}


def test_when_both_alternatives_trade_what_is_too_much_is_traded_back() -> None:
    """Given two buys of 10 of which one is meant, when both are filled in a race, then it is recorded once and 10 are sold again."""
    w = oco(Grouped(), on_failure=FLATTEN).answer().trade("leg 1", 10).trade("leg 2", 10).answer()
    assert (w.failures, w.works, w.order("flat").side) == ([("leg 2", "FLATTEN")], {"flat": 10}, Side.SELL)
    w.trade("flat", 10)
    assert (w.position, w.closings) == (10, [(1, 0, "flattened")])


def test_when_both_alternatives_trade_in_part_within_one_nothing_is_traded_back() -> None:
    """Given two buys of 10, when 4 of one and 3 of the other trade in a race, then the rest is canceled, it is recorded, and 7 are kept."""
    w = oco(Grouped(), on_failure=FLATTEN).answer().trade("leg 1", 4).trade("leg 2", 3).answer()
    assert (w.position, w.failures, w.works, w.closings) == (7, [("leg 2", "FLATTEN")], {}, [(1, 0, "flattened")])


def test_after_a_race_no_alternative_goes_on() -> None:
    """Given the policy ALERT, when both alternatives trade in part in a race, then the rest of both is canceled, and nothing is traded back."""
    w = oco(Grouped()).answer().trade("leg 1", 4).trade("leg 2", 3).answer()
    assert (w.position, w.failures, w.works) == (7, [("leg 2", "ALERT")], {})


def test_alternatives_on_opposite_sides_take_each_other_back() -> None:
    """Given a buy and a sell of which one is meant, when both are filled in a race, then it is recorded and nothing more is sent."""
    legs = (Leg(Side.BUY, 10, stop_px=10_100), Leg(Side.SELL, 10, stop_px=9_900))
    w = oco(Grouped(), *legs, on_failure=FLATTEN).answer().trade("leg 1", 10).trade("leg 2", 10).answer()
    assert (w.position, w.failures, w.works) == (0, [("leg 2", "FLATTEN")], {})


def protected(on_failure: FailurePolicy, *rules: Denying) -> Grouped:
    """A position of 10 that an OCO of stop and target protects."""
    w = Grouped(rules=[r.rule for r in rules])
    w.ctx.buy(0, 10)
    w.fill(w.sent[0], 10_000)
    return oco(w, Leg(Side.SELL, 10, stop_px=9_500, reduce_only=True), Leg(Side.SELL, 10, limit_px=11_000, reduce_only=True), on_failure=on_failure)


def test_an_oco_protects_a_position() -> None:
    """Given a position of 10, when an OCO of two reduce-only orders of 10 is opened, then both work, and one closes the position."""
    w = protected(FLATTEN).answer()
    assert w.works == {"leg 1": 10, "leg 2": 10}
    w.trade("leg 2", 10).answer()
    assert (w.position, w.works, w.closings) == (0, {}, [(1, 0, "leg 2 traded")])


@pytest.mark.parametrize(("traded", "rest"), [(0, 10), (4, 6)])
def test_a_failed_protection_is_flattened_as_far_as_it_was_meant(traded: int, rest: int) -> None:
    """Given an OCO that protects 10, when the venue ends a leg, then the other is canceled and what neither sold is sold at the market."""
    w = protected(FLATTEN).answer()
    if traded:
        w.trade("leg 1", traded).answer()
    w.end("leg 1").answer()
    assert (w.failures, w.works) == ([("leg 1", "FLATTEN")], {"flat": rest})
    w.trade("flat", rest)
    assert (w.position, w.closings) == (0, [(1, 0, "flattened")])


def test_a_protection_whose_legs_both_trade_is_bought_back() -> None:
    """Given an OCO that protects 10, when both legs are filled in a race, then 10 are bought back."""
    w = protected(FLATTEN).answer().trade("leg 1", 10).trade("leg 2", 10).answer()
    assert (w.position, w.works, w.order("flat").side) == (-10, {"flat": 10}, Side.BUY)


def oto(w: Grouped, *then: Leg, on_failure: FailurePolicy = ALERT) -> Grouped:
    w.ctx.oto(
        0,
        Leg(Side.BUY, 10, limit_px=10_000),
        *(then or (Leg(Side.SELL, 10, limit_px=10_500), Leg(Side.BUY, 5, limit_px=9_000))),
        on_failure=on_failure,
    )
    return w


def test_a_whole_fill_triggers_the_others() -> None:
    """Given an entry that triggers two orders, when it is filled in part, then nothing; when it is filled whole, then both are sent, once."""
    w = oto(Grouped()).answer().trade("entry", 9)
    assert w.works == {"entry": 1}
    w.trade("entry", 1).answer()
    assert w.works == {"then 1": 10, "then 2": 5}
    w.trade("then 1", 10).answer()
    assert w.works == {"then 2": 5}
    w.trade("then 2", 5)
    assert w.closings == [(1, 0, "every order ended")]


@pytest.mark.parametrize(("qty", "reason"), [(0, "the entry ended unfilled"), (9, "the entry ended partly filled")])
def test_an_entry_that_ends_sooner_triggers_nothing(qty: int, reason: str) -> None:
    """Given an entry that triggers others, when it ends before it is filled whole, then they never leave and the group closes."""
    w = oto(Grouped()).answer()
    if qty:
        w.trade("entry", qty)
    w.end("entry")
    assert (w.works, w.closings) == ({}, [(1, 0, reason)])


@pytest.mark.parametrize(("policy", "works"), [(ALERT, {"then 2": 5}), (RETRY, {"then 1": 10, "then 2": 5}), (FLATTEN, {"flat": 10})])
def test_a_triggered_order_that_fails_follows_the_policy(policy: FailurePolicy, works: dict[str, int]) -> None:
    """Given triggered orders, when the venue rejects one, then it is left, sent again, or the position of the group is closed."""
    w = oto(Grouped(), on_failure=policy).answer().trade("entry", 10).answer().end("then 1", "rejected").answer().wait().answer()
    assert (w.failures, w.works) == ([("then 1", policy.name)], works)


@pytest.mark.parametrize(
    ("side", "stop_px", "target_px", "says"),
    [
        (Side.BUY, 0, 0, "needs a stop or a target"),
        (Side.BUY, -1, 11_000, "positive price"),
        (Side.BUY, 11_000, 10_000, "the stop of a buy bracket .11000. is not on the losing side"),
        (Side.BUY, 10_000, 10_000, "losing side"),
        (Side.SELL, 9_000, 10_000, "losing side"),
        (Side.NONE, 9_000, 10_000, "needs a side"),
    ],
)
def test_a_bracket_that_protects_nothing_is_refused(side: Side, stop_px: int, target_px: int, says: str) -> None:
    """Given prices that make no bracket, when it is asked for, then a sentence says what is wrong and nothing is recorded."""
    w = Grouped()
    n = len(w.events)
    with pytest.raises(StrategyError, match=says):
        w.ctx.bracket(0, side, 10, stop_px=stop_px, target_px=target_px)
    assert len(w.events) == n


@pytest.mark.parametrize(("instrument", "stop_px", "says"), [(2, 9_500, "no instrument 2"), (-1, 9_500, "no instrument"), (0, 2**62, "62 bits")])
def test_a_group_that_no_order_can_hold_is_refused(instrument: int, stop_px: int, says: str) -> None:
    """Given an instrument that is not there, or a price beyond 62 bits, then a sentence says so and nothing is recorded."""
    w = Grouped()
    n = len(w.events)
    with pytest.raises(StrategyError, match=says):
        w.ctx.bracket(instrument, Side.BUY, 10, stop_px=stop_px, target_px=0)
    assert len(w.events) == n


def test_groups_of_one_are_refused() -> None:
    """Given one order, when an OCO or an OTO is asked for, then a sentence says what is missing."""
    w = Grouped()
    with pytest.raises(StrategyError, match="two orders"):
        w.ctx.oco(0, Leg(Side.BUY, 1))
    with pytest.raises(StrategyError, match="triggers"):
        w.ctx.oto(0, Leg(Side.BUY, 1))


@pytest.mark.parametrize(("prices", "role"), [({"stop_px": 9_500, "target_px": 0}, "stop"), ({"stop_px": 0, "target_px": 11_000}, "target")])
def test_a_bracket_may_do_without_one_of_its_legs(prices: dict[str, int], role: str) -> None:
    """Given a bracket with a stop or a target only, when its entry is filled and the leg trades, then the group is flat and closed."""
    w = Grouped()
    w.ctx.bracket(0, Side.BUY, 10, **prices)
    w.answer().trade("entry", 10).answer()
    assert w.works == {role: 10}
    w.trade(role, 10)
    assert (w.position, w.closings) == (0, [(1, 0, f"closed by the {role}")])


def test_what_a_group_does_names_its_cause() -> None:
    """Given a failed leg that is flattened, when the flattening signal is asked why, then its causes lead to the failure, and that to the report."""
    w = entered().end("target", "canceled").answer()
    by_seq = dict(w.events)
    opened = next(e for e in w.of(GroupOpened))
    assert (opened.kind, opened.reason, type(by_seq.get(opened.cause, TradePrinted))) == (GroupKind.BRACKET, "test", type(TradePrinted))
    failed = w.of(GroupLegFailed)[0]
    assert isinstance(by_seq[failed.cause], OrderCanceled)
    cancel = w.of(OrderCancelRequested)[0]
    assert by_seq[cancel.cause] is failed
