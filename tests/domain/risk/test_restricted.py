"""R-17: no order in a restricted instrument."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.limits import OFF
from domain.terms import Scope, Side
from tests.domain.risk.build import ask, card, numbers

N = 100


@pytest.mark.parametrize(
    ("start", "end", "now", "passed", "limit"),
    [
        (N, OFF, N - 1, True, N),
        (N, OFF, N, False, N),
        (N, OFF, N + 10**9, False, N),
        (OFF, N, N - 1, False, OFF),
        (OFF, N, N, True, N),
        (OFF, N, N + 1, True, N),
        (N, 2 * N, N - 1, True, N),
        (N, 2 * N, N, False, N),
        (N, 2 * N, 2 * N - 1, False, N),
        (N, 2 * N, 2 * N, True, 2 * N),
        (2 * N, N, N, True, N),
        (0, OFF, 0, False, 0),
        (0, OFF, 1, False, 0),
        (OFF, 0, 0, True, 0),
        (OFF, 0, 5, True, 0),
        (OFF, 1, 0, False, OFF),
        (OFF, 1, 1, True, 1),
    ],
)
def test_now_is_compared_with_the_start_and_the_end(start: int, end: int, now: int, passed: bool, limit: int) -> None:
    """Given a restriction, when now is just before or at one of its ends, then the rule says so with the times it compared."""
    assert numbers(ask("R-17", (start, end), now_ns=now)) == (passed, now, limit)


def test_a_restriction_stops_reducing_orders_too() -> None:
    """Given a position in an instrument that became restricted, when a sell would close it, then the rule fails."""
    assert not ask("R-17", (0,), side=Side.SELL, position_qty=10).passed


@pytest.mark.parametrize(("scope", "member"), [(Scope.INSTRUMENT, "X"), (Scope.CLASS, "equity"), (Scope.VENUE, "SIM")])
def test_a_list_holds_instruments_classes_or_venues(scope: Scope, member: str) -> None:
    """Given a restriction of an instrument, a class or a venue, then it stops the order."""
    assert not ask("R-17", (0,), scope=scope, member=member).passed


def test_the_catalogue_says_what_the_rule_is() -> None:
    """Given the catalogue, then code, unit, scopes and keys are these, and nobody overrides it."""
    params = (("restricted_from", "time"), ("restricted_until", "time"))
    assert card("R-17") == ("RESTRICTED", "time", params, (Scope.INSTRUMENT, Scope.CLASS, Scope.VENUE), False, None, 1)


@given(start=st.one_of(st.just(OFF), st.integers(0, 30)), length=st.one_of(st.just(OFF), st.integers(0, 30)), now=st.integers(0, 70))
def test_no_order_passes_while_the_instrument_is_restricted(start: int, length: int, now: int) -> None:
    """Given any restriction, then the rule fails exactly at the moments that it covers."""
    end = OFF if length == OFF else max(start, 0) + length
    if start == end == OFF:
        return
    covered = range(max(start, 0), 100 if end == OFF else end)
    assert ask("R-17", (start, end), now_ns=now).passed == (now not in covered)
