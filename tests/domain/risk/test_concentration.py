"""Concentration: at the limit, one over, without a price, the first order, and against a recount."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.risk import KNOWN
from domain.terms import Scope
from tests.domain.risk.portfolio import Case, Portfolio, cases, limit, numbers, wish

AT = {0: (10_000,), 1: (2_000,), 2: (500,), 3: (8_000,)}


@pytest.mark.parametrize(("held", "observed"), [(5, 5_000), (15, 2_500), (1, 8_334), (149, 325)])
def test_the_part_of_the_orders_instrument_at_the_limit_and_one_over(held: int, observed: int) -> None:
    """Given Y at 200.00 each, when 10 X at 100.00 are ordered, then X makes up 1,000.00 of all, rounded up to 1/10,000."""
    portfolio = Portfolio().hold(1, 1, held)
    assert numbers("R-10b", portfolio, AT, observed) == (True, observed, observed)
    assert numbers("R-10b", portfolio, AT, observed - 1) == (False, observed, observed - 1)


def test_the_first_order_is_all_there_is_and_passes() -> None:
    """Given an empty account, then the first order passes; with anything of the same held or working, more of it does not."""
    assert numbers("R-10b", Portfolio(), AT, 1) == (True, 10_000, 1)
    for held in (1, -1):
        more = Portfolio().hold(1, 0, held)
        assert numbers("R-10b", more, AT, 9_999, side=held) == (False, 10_000, 9_999)
    working = Portfolio()
    working.send(1, 0, -1, 1)
    assert numbers("R-10b", working, AT, 9_999) == (False, 10_000, 9_999)
    assert numbers("R-10b", Portfolio().hold(1, 0, 1), AT, 0, scope=Scope.STRATEGY, member="s0") == (True, 10_000, 0)


def test_what_has_no_price_fails_and_a_reduction_passes() -> None:
    """Given a position without a price, then an order fails; one that only reduces passes, also over the limit."""
    assert numbers("R-10b", Portfolio().hold(0, 1, 1), {0: (10_000,)}, 10_000) == (False, -1, 10_000)
    held = Portfolio().hold(0, 1, 1).hold(0, 0, 10)
    assert numbers("R-10b", held, {0: (10_000,)}, 0, side=-1) == (True, -1, 0)
    assert numbers("R-10b", held, AT, 0, side=-1) == (True, 8_334, 0)
    assert not numbers("R-10b", Portfolio(), {}, 10_000, limit_px=0)[0]


def test_the_answer_names_the_newest_price() -> None:
    """Given prices with seq 2 and 3, then the check says on which the number rests."""
    assert KNOWN["R-10b"].check(wish(Portfolio().hold(1, 1, 3), AT), limit("R-10b", 1)).seen == 3
    assert KNOWN["R-10b"].check(wish(Portfolio(), AT), limit("R-10b", 1)).seen == 2


@given(cases(scopes=KNOWN["R-10b"].scopes), st.integers(0, 10_000))
def test_concentration_agrees_with_a_recount(case: Case, most: int) -> None:
    """Given any account, prices and order, then the order passes exactly when its instrument's exact part is within the limit, or it is the first."""
    check = KNOWN["R-10b"].check(case.p, limit("R-10b", most, scope=case.scope, member=case.member, state=case.portfolio.state))
    if not case.countable:
        assert (check.passed, check.observed) == (case.reducing, -1)
        return
    first = not any(any(case.held(i)) for i in case.instruments)
    whole = sum(case.gross(i) for i in case.instruments)
    # An inverse contract may be worth less than half a cent.
    part = Fraction(case.gross(case.i) * 10_000, whole) if whole else Fraction(0)
    assert check.passed is (first or case.reducing or part <= most)
    assert first or check.observed - 1 < part <= check.observed
