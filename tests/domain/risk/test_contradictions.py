"""Limits that contradict themselves or each other, one number on each side of the edge."""

from __future__ import annotations

from typing import Any

import pytest

from domain.instrument import instrument
from domain.limits import OFF, Limit
from domain.risk import RULES, Param, limits_of
from domain.risk.contradictions import contradictions, split, unfit
from domain.terms import Scope

X = instrument("X", price_digits=2, qty_digits=1, lot_size="0.5", min_notional="10", venue="V", asset_class="c")
Y = instrument("Y", price_digits=2, qty_digits=1, lot_size="0.5", min_notional="10", venue="W", asset_class="d")


def limits(scope: Scope = Scope.INSTRUMENT, member: str = "X", *, first_id: int = 1, **numbers: int) -> list[Limit]:
    return limits_of(scope, (member,) if member else (), {name: (n,) for name, n in numbers.items()}, first_id=first_id)


def found(*groups: list[Limit]) -> list[str]:
    return contradictions([limit for group in groups for limit in group], (X, Y), RULES)


@pytest.mark.parametrize(
    ("numbers", "expected"),
    [
        ({"max_order_qty": 30, "max_long": 20, "max_short": 10}, ""),
        ({"max_order_qty": 31, "max_long": 20, "max_short": 10}, "max_order_qty 3.1 contradicts max_long 2.0 and max_short 1.0 of X"),
        ({"max_order_qty": 20, "max_long": 20}, ""),
        ({"max_order_qty": 21, "max_long": 20}, "max_order_qty 2.1 contradicts max_long 2.0 of X: the position could never move by more than 2.0"),
        ({"max_order_qty": 11, "max_short": 10}, "contradicts max_short 1.0 of X"),
        ({"max_order_qty": 11, "max_short": 10, "max_long": OFF}, "contradicts max_short 1.0 of X"),
        ({"max_order_qty": 99}, ""),
        ({"max_order_qty": OFF, "max_long": 1}, ""),
        ({"max_order_qty": 5}, ""),
        ({"max_order_qty": 4}, "max_order_qty 0.4 is less than one lot (0.5) of X: no order could pass"),
        ({"max_order_value": X.min_notional_amt}, ""),
        ({"max_order_value": X.min_notional_amt - 1}, "is less than min_notional"),
        ({"max_order_value": OFF}, ""),
        ({"max_long": 1, "max_short": 1}, ""),
        ({"collar_bps": 0}, ""),
    ],
)
def test_limits_under_which_no_order_could_pass_contradict_each_other(numbers: dict[str, Any], expected: str) -> None:
    """Given limits of one instrument, then a sentence names the numbers exactly when no order of that size could ever pass."""
    sentences = found(limits(**numbers))
    assert [expected in s for s in sentences] == ([True] if expected else [])


def test_the_least_number_that_binds_every_order_counts() -> None:
    """Given a tight and a wide quantity for one instrument, then the tight one is compared, and other members and strategies change nothing."""
    tight = limits(max_order_qty=10, max_long=10)
    assert found(tight) == []
    other = limits(member="Y", first_id=3, max_order_qty=99, max_long=99)
    assert found(tight, other) == []
    assert len(found(tight, limits(member="X", first_id=3, max_order_qty=11))) == 1  # a later version takes the place of the first
    assert found(limits(max_order_qty=11, max_long=10), limits(first_id=3, max_order_qty=10)) == []


@pytest.mark.parametrize(
    ("scope", "member", "symbols"),
    [
        (Scope.ACCOUNT, "", ["X", "Y"]), (Scope.VENUE, "V", ["X"]), (Scope.VENUE, "W", ["Y"]), (Scope.CLASS, "c", ["X"]),
        (Scope.CLASS, "d", ["Y"]), (Scope.INSTRUMENT, "Y", ["Y"]), (Scope.STRATEGY, "s0", []),
    ],
)  # fmt: skip
def test_a_limit_of_a_wider_scope_counts_for_its_instruments(scope: Scope, member: str, symbols: list[str]) -> None:
    """Given a quantity below one lot for a scope, then every instrument in it is named, and a strategy's own limit names none."""
    limit = Limit(1, "R-04", scope, (member,) if member else (), (4,))
    assert [s.partition(" of ")[2][0] for s in found([limit])] == symbols


def test_the_least_of_several_scopes_is_compared_whichever_comes_first() -> None:
    """Given a quantity for the instrument and a smaller one for its venue, then the smaller one is compared with the position."""
    small = [Limit(1, "R-04", Scope.VENUE, ("V",), (10,))]
    big = limits(first_id=2, max_order_qty=11)
    position = limits(first_id=3, max_long=10)
    assert found(small, big, position) == []
    assert found(limits(max_order_qty=11), [Limit(2, "R-04", Scope.VENUE, ("V",), (10,))], position) == []
    assert len(found([Limit(1, "R-04", Scope.VENUE, ("V",), (12,))], big, position)) == 1


@pytest.mark.parametrize(
    ("unit", "numbers", "expected"),
    [
        ("qty", (0,), ""), ("qty", (OFF,), ""), ("qty", (-2,), "is -1 (off) or not negative, not -2"), ("qty", (2**63 - 1,), ""),
        ("qty", (2**63,), "does not fit into 64 bits"), ("qty", (), "takes 1 whole number, not 0"), ("qty", (1, 2), "takes 1 whole number, not 2"),
        ("rate", (1,), "takes 2 whole numbers, not 1"), ("rate", (OFF, OFF), ""), ("rate", (OFF, 5), "not negative, not -1, 5"),
        ("rate", (5, OFF), "not negative, not 5, -1"), ("rate", (0, 1), ""), ("rate", (5, 0), "a window that is longer than nothing"),
        ("rate", (5, 2**63), "does not fit"), ("hours", (0, 1440), ""), ("hours", (1440, 0), ""), ("hours", (0, 1441), "minutes of the day"),
        ("hours", (1441, 0), "minutes of the day"), ("hours", (7, 7), "two different minutes"), ("hours", (OFF, OFF), ""), ("hours", (7, 8), ""),
        ("flag", (0,), ""), ("flag", (1,), ""), ("flag", (2,), "is at most 1, not 2"), ("state", (3,), ""), ("state", (4,), "is at most 3, not 4"),
        ("types", (62,), ""), ("types", (2,), ""), ("types", (32,), ""), ("types", (0,), "at most 62 and not 0"), ("types", (1,), "sum of 2^OrderType"),
        ("types", (3,), "sum of 2^OrderType"), ("types", (64,), "sum of 2^OrderType"), ("types", (OFF,), ""), ("bps", (10**9,), ""),
    ],
)  # fmt: skip
def test_numbers_must_be_of_the_parameters_unit(unit: str, numbers: tuple[int, ...], expected: str) -> None:
    """Given numbers for a unit, then the sentence says what is wrong with them, and there is none for good ones."""
    sentence = unfit(Param("speed", unit, ""), numbers)
    assert sentence.startswith("speed ") if expected else sentence == ""
    assert expected in sentence


@pytest.mark.parametrize(
    ("numbers", "expected"),
    [
        ({"collar_drift_bps": 5}, ["collar_drift_bps binds nothing without collar_drift_window"]),
        ({"collar_drift_window": 5}, ["collar_drift_window binds nothing without collar_drift_bps"]),
        ({"collar_drift_bps": 5, "collar_drift_window": 0}, []),
        ({"collar_drift_bps": OFF, "collar_drift_window": OFF}, []),
        ({"layering_window": 5, "layering_orders": OFF}, ["layering_window binds nothing without layering_orders"]),
        ({"spoof_share": 5, "spoof_life": 5, "spoof_window": 5, "spoof_orders": 5}, []),
        ({"max_volume_bps": 0}, ["max_volume_bps binds nothing without average_volume"]),
        ({"max_order_to_trade": 5}, []),
        ({"otr_free": 5}, ["otr_free binds nothing without max_order_to_trade"]),
        ({"loss_streak": 5}, []),
        ({"max_long": 5}, []),
    ],
)
def test_a_parameter_that_binds_nothing_without_another_is_refused_without_it(numbers: dict[str, int], expected: list[str]) -> None:
    """Given a number that means nothing by itself, then a sentence says what is missing, and none does where all are there or all are off."""
    assert found(limits(**numbers)) == expected


def test_all_that_is_missing_is_named() -> None:
    """Given one of four numbers that need each other, then the sentence names the other three; a senseless number is said to be senseless."""
    assert found(limits(spoof_life=5)) == ["spoof_life binds nothing without spoof_share and spoof_window and spoof_orders"]
    assert found(limits(collar_drift_bps=-7)) == ["collar_drift_bps is -1 (off) or not negative, not -7"]


def test_a_limit_with_numbers_that_are_none_of_their_unit_contradicts_itself_once() -> None:
    """Given a senseless number for two members, then there is one sentence."""
    assert found([Limit(1, "R-01", Scope.INSTRUMENT, ("X", "Y"), (-7,))]) == ["collar_bps is -1 (off) or not negative, not -7"]


def test_the_numbers_of_a_limit_are_split_by_parameter() -> None:
    """Given parameters of different widths, then each gets its own numbers."""
    params = (Param("a", "rate", ""), Param("b", "qty", ""), Param("c", "hours", ""))
    assert [(p.name, n) for p, n in split(params, (1, 2, 3, 4, 5))] == [("a", (1, 2)), ("b", (3,)), ("c", (4, 5))]
