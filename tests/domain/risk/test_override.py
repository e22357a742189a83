"""Which override lets an order pass: its limit, its strategy, its instrument, as far and as long as two persons said."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.events import OverrideGranted
from domain.limits import Check
from domain.risk.override import find_override

GRANTED = OverrideGranted(100, 1, 5, "R-04", 3, 20, 0, 1, 200, "ann", "ben", "client order")
PASSED = Check("R-07", True, 1, 10, 0, 4)
FAILED = Check("R-04", False, 15, 10, 0, 3)


def found(*checks: Check, now_ns: int = 150, strategy: int = 0, instrument: int = 1, granted: OverrideGranted = GRANTED) -> bool:
    return find_override([granted], now_ns, strategy, instrument, checks) is granted


def test_the_only_failing_check_of_its_limit_is_excused() -> None:
    """Given one failing check, of the limit, then the override is found."""
    assert found(FAILED)
    assert find_override([], 150, 0, 1, (FAILED,)) is None


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"observed": 11}, True),
        ({"observed": 0}, True),  # of a rule that asks for the least
        ({"observed": -1}, False),  # an input was missing
        ({"observed": 20}, True),
        ({"observed": 21}, False),
        ({"limit_id": 2}, False),
        ({"limit_id": 4}, False),
        ({"rule": "R-03"}, False),
    ],
)
def test_a_check_is_excused_within_its_limit_and_most(changes: dict[str, Any], expected: bool) -> None:
    """Given a failing check, then only its own limit, with a number that is there and at most `most`, is excused."""
    assert found(msgspec.structs.replace(FAILED, **changes)) is expected


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ({"now_ns": 199}, True), ({"now_ns": 200}, False), ({"now_ns": 201}, False),
        ({"strategy": 1}, False), ({"strategy": -1}, False), ({"instrument": 0}, False), ({"instrument": 2}, False),
    ],
)  # fmt: skip
def test_an_override_is_for_one_strategy_in_one_instrument_until_it_expires(where: dict[str, Any], expected: bool) -> None:
    """Given another time, strategy or instrument, then the override is found only where and when it holds."""
    assert found(FAILED, **where) is expected


def test_one_more_failing_check_is_not_excused() -> None:
    """Given a second failing check of another limit, then the order is not excused, in whatever order they stand."""
    other = msgspec.structs.replace(FAILED, rule="R-07", limit_id=4)
    assert not found(FAILED, other)
    assert not found(other, FAILED)
    assert found(FAILED, msgspec.structs.replace(FAILED, observed=12))


def test_nothing_is_excused_where_nothing_failed() -> None:
    """Given checks that all passed, then no override is used up."""
    assert not found(PASSED)
    assert not found()


def test_the_oldest_override_that_fits_is_taken() -> None:
    """Given several overrides, then the first that fits is found."""
    narrow, wide, later = (msgspec.structs.replace(GRANTED, number=n, most=most) for n, most in ((1, 12), (2, 30), (3, 40)))
    assert find_override([narrow, wide, later], 150, 0, 1, (FAILED,)) is wide


@given(observed=st.integers(-5, 30), limit=st.integers(-1, 30), most=st.integers(0, 30))
def test_excused_means_observed_and_within_most(observed: int, limit: int, most: int) -> None:
    """Given any numbers, then a failing check is excused exactly when 0 ≤ observed ≤ most, whatever the limit."""
    check = Check("R-04", False, observed, limit, 0, 3)
    assert found(check, granted=msgspec.structs.replace(GRANTED, most=most)) is (observed in range(most + 1))
