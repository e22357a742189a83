"""R-22: no order outside trading hours."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.terms import Scope, Side
from tests.domain.risk.build import ask, card, numbers

MINUTE = 60 * 10**9
DAY = 24 * 60 * MINUTE
MIDNIGHT = 19_676 * DAY  # 2023-11-15


@pytest.mark.parametrize(
    ("first", "last", "now", "passed", "minute", "limit"),
    [
        (570, 960, 570 * MINUTE, True, 570, 960),
        (570, 960, 570 * MINUTE - 1, False, 569, 570),
        (570, 960, 960 * MINUTE - 1, True, 959, 960),
        (570, 960, 960 * MINUTE, False, 960, 570),
        (0, 1440, 0, True, 0, 1440),
        (0, 1440, DAY - 1, True, 1439, 1440),
        (0, 1440, DAY, True, 0, 1440),
        (0, 1, MINUTE - 1, True, 0, 1),
        (0, 1, MINUTE, False, 1, 0),
        (1320, 120, 1320 * MINUTE, True, 1320, 120),
        (1320, 120, 1320 * MINUTE - 1, False, 1319, 1320),
        (1320, 120, DAY, True, 0, 120),
        (1320, 120, DAY + 120 * MINUTE - 1, True, 119, 120),
        (1320, 120, DAY + 120 * MINUTE, False, 120, 1320),
        (600, 600, 600 * MINUTE, False, 600, 600),
        (600, 600, 601 * MINUTE, False, 601, 600),
        (600, 600, 599 * MINUTE, False, 599, 600),
    ],
)
def test_the_minute_of_the_day_is_compared_with_the_window(first: int, last: int, now: int, passed: bool, minute: int, limit: int) -> None:
    """Given hours within a day, over midnight or empty, when now is at or just beside one of their ends, then the rule says so."""
    assert numbers(ask("R-22", (first, last), now_ns=MIDNIGHT + now)) == (passed, minute, limit)


def test_the_hours_bind_reducing_orders_too() -> None:
    """Given a closed venue, when an order would close a position, then it fails: nobody is there to take it."""
    assert not ask("R-22", (0, 1), side=Side.SELL, position_qty=10, now_ns=MIDNIGHT + MINUTE).passed


@pytest.mark.parametrize(
    ("scope", "member"), [(Scope.CLASS, "equity"), (Scope.VENUE, "SIM"), (Scope.STRATEGY, "s0"), (Scope.ACCOUNT, ""), (Scope.INSTRUMENT, "X")]
)
def test_hours_bind_at_every_scope(scope: Scope, member: str) -> None:
    """Given hours of any scope, then they hold."""
    assert not ask("R-22", (0, 1), scope=scope, member=member, now_ns=MIDNIGHT + MINUTE).passed


def test_the_catalogue_says_what_the_rule_is() -> None:
    """Given the catalogue, then code, unit, scopes and key are these, and nobody overrides it."""
    scopes = (Scope.INSTRUMENT, Scope.CLASS, Scope.VENUE, Scope.STRATEGY, Scope.ACCOUNT)
    assert card("R-22") == ("SESSION_CLOSED", "hours", (("hours", "hours"),), scopes, False, None, 1)


@given(first=st.integers(0, 1439), length=st.integers(0, 1439), now=st.integers(0, 3 * DAY))
def test_orders_pass_exactly_in_the_minutes_of_the_window(first: int, length: int, now: int) -> None:
    """Given any window, then the minutes in which the rule passes are those counted from the first one on, round the clock."""
    check = ask("R-22", (first, (first + length) % 1440), now_ns=MIDNIGHT + now)
    minutes = {(first + n) % 1440 for n in range(length)}
    assert check.passed == ((now // MINUTE) % 1440 in minutes)
