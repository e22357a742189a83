"""The number of positions: at the limit, one over, and against a recount."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.risk import KNOWN
from domain.terms import Scope
from tests.domain.risk import build
from tests.domain.risk.portfolio import Case, Portfolio, cases, limit, numbers

AT = {0: (10_000,)}


@pytest.mark.parametrize(
    ("scope", "member", "n"),
    [(Scope.ACCOUNT, "", 4), (Scope.VENUE, "SIM", 3), (Scope.CLASS, "equity", 3), (Scope.STRATEGY, "s0", 3)],
)
def test_a_new_position_at_the_limit_and_one_over(scope: Scope, member: str, n: int) -> None:
    """Given a position in Y, an order in Z and one of s1 in E, when X is ordered, then each scope counts its own and the new one."""
    portfolio = Portfolio().hold(0, 1, -5)
    portfolio.send(0, 2, 1, 1)
    portfolio.hold(1, 4, 1)
    portfolio.hold(0, 3, 1)
    portfolio.hold(0, 3, -1)
    assert numbers("L-04", portfolio, AT, n, scope=scope, member=member) == (True, n, n)
    assert numbers("L-04", portfolio, AT, n - 1, scope=scope, member=member) == (False, n, n - 1)


def test_more_of_what_is_there_is_no_new_position() -> None:
    """Given one position or one order and no room at all, then more of it, less of it and its replacement pass."""
    held = Portfolio().hold(0, 0, 5)
    for side in (1, -1):
        assert numbers("L-04", held, AT, 0, side=side) == (True, 1, 0)
    working = Portfolio()
    old = working.order(working.send(0, 0, 1, 5))
    assert numbers("L-04", working, AT, 0) == (True, 1, 0)
    assert numbers("L-04", working, AT, 0, replaced=old) == (True, 1, 0)
    assert numbers("L-04", Portfolio(), AT, 0) == (False, 1, 0)


def test_a_position_of_another_strategy_is_new_to_this_one() -> None:
    """Given s1 in X, when s0 orders X, then it is new for s0 and not for the account."""
    held = Portfolio().hold(1, 0, 5)
    assert numbers("L-04", held, AT, 0, scope=Scope.STRATEGY, member="s0") == (False, 1, 0)
    assert numbers("L-04", held, AT, 0) == (True, 1, 0)


@given(cases(scopes=KNOWN["L-04"].scopes), st.integers(0, 4))
def test_the_number_of_positions_agrees_with_a_recount(case: Case, most: int) -> None:
    """Given any account and order, then the instruments with a position or an open order are counted with the order's own."""
    portfolio = case.portfolio
    there = {i for i in case.instruments if portfolio.position(i, case.own) or portfolio.open(i, case.own, 1) or portfolio.open(i, case.own, -1)}
    n = len(there | {case.i})
    check = KNOWN["L-04"].check(case.p, limit("L-04", most, scope=case.scope, member=case.member, state=portfolio.state))
    assert build.numbers(check) == (case.i in there or n <= most, n, most)
