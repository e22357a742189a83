"""Brackets, path by path: what is sent, replaced and canceled after each answer of a venue, to the race of both legs."""

from __future__ import annotations

import pytest

from domain.events import (
    GroupLegged,
    GroupReopened,
    OrderDenied,
    OrderFilled,
    OrderReplaceRequested,
    OrderSubmitted,
)
from domain.terms import FailurePolicy, Liquidity, OrderType, Side
from tests.domain.grouped import ALERT, FLATTEN, RETRY, Grouped, bracket, entered
from tests.domain.harness import bounds


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
