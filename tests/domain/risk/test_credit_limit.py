"""Credit: at the limit, one over, without a price, and against a recount."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from domain.risk import KNOWN
from domain.terms import Scope
from tests.domain.risk.portfolio import Case, Portfolio, cases, limit, notional, numbers, wish

AT = {0: (10_000,), 1: (2_000,), 2: (500,), 3: (8_000,)}


def book() -> Portfolio:
    """Short 3 Y (600.00), and working: a buy of 1 Y (200.00), a sell of 2 Y (400.00) and a sell of 1 X (100.00)."""
    found = Portfolio().hold(1, 1, -3)
    found.send(1, 1, 1, 1)
    found.send(0, 1, -1, 2)
    found.send(0, 0, -1, 1)
    return found


def test_credit_at_the_limit_and_one_over() -> None:
    """Given positions and orders on both sides, when more is ordered, then everything counts and nothing is set off."""
    used = 60_000 + 20_000 + 40_000 + 10_000 + 100_000
    for side in (1, -1):
        assert numbers("R-11", book(), AT, used, side=side) == (True, used, used)
        assert numbers("R-11", book(), AT, used - 1, side=side) == (False, used, used - 1)


def test_a_strategy_has_credit_of_its_own() -> None:
    """Given positions and orders of two strategies, then s0 has used what it holds and works."""
    assert numbers("R-11", book(), AT, 10**9, scope=Scope.STRATEGY, member="s0") == (True, 40_000 + 10_000 + 100_000, 10**9)


def test_what_has_no_price_fails_and_a_reduction_passes() -> None:
    """Given a position without a price, then an order fails; one that only reduces passes, also over the limit."""
    assert numbers("R-11", Portfolio().hold(0, 1, 1), {0: (10_000,)}, 10**12) == (False, -1, 10**12)
    held = Portfolio().hold(0, 0, 10)
    assert numbers("R-11", held, AT, 0, side=-1) == (True, 200_000, 0)
    assert numbers("R-11", held, {}, 0, side=-1) == (True, -1, 0)


def test_the_answer_names_the_newest_price() -> None:
    """Given prices with seq 2 and 3, then the check says on which the number rests."""
    assert KNOWN["R-11"].check(wish(book(), AT), limit("R-11", 1)).seen == 3


@given(cases(scopes=KNOWN["R-11"].scopes), st.integers(0, 3_000_000))
def test_credit_agrees_with_a_recount(case: Case, most: int) -> None:
    """Given any account, prices and order, then the order passes exactly when all positions and orders together are within the limit, or it reduces."""
    used: int | None = None
    if case.countable:
        used = notional(case.i, case.px, case.qty)
        for i in case.instruments:
            position, buys, sells = case.held(i)
            if position or buys or sells:
                used += notional(i, case.mark(i), abs(position) + buys + sells)
    check = KNOWN["R-11"].check(case.p, limit("R-11", most, scope=case.scope, member=case.member, state=case.portfolio.state))
    assert check.observed == (-1 if used is None else used)
    assert check.passed is (case.reducing or (used is not None and used <= most))
