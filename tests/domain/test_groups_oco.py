"""Alternatives: the first to trade cancels the others."""

from __future__ import annotations

import pytest

from domain.events import (
    Leg,
)
from domain.terms import OrderType, Side
from tests.domain.grouped import FLATTEN, RETRY, Denying, Grouped, oco, protected


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
