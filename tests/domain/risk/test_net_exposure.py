"""Net exposure: at the limit, one over, without a price, and against a recount."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.risk import KNOWN
from domain.terms import Scope
from tests.domain.risk.portfolio import Case, Portfolio, cases, limit, notional, numbers, wish

AT = {0: (10_000,), 1: (2_000,), 2: (500,), 3: (8_000,)}


def book() -> Portfolio:
    """Long 3 Y (600.00), and working: a buy of 1 Y (200.00) and a sell of 2 Y (400.00)."""
    found = Portfolio().hold(1, 1, 3)
    found.send(1, 1, 1, 1)
    found.send(0, 1, -1, 2)
    return found


@pytest.mark.parametrize(("side", "observed"), [(1, 60_000 + 20_000 + 100_000), (-1, -60_000 + 40_000 + 100_000)])
def test_net_exposure_at_the_limit_and_one_over(side: int, observed: int) -> None:
    """Given longs and shorts, when more is ordered, then every order of its side is taken as filled and none of the other."""
    assert numbers("R-10", book(), AT, observed, side=side) == (True, observed, observed)
    assert numbers("R-10", book(), AT, observed - 1, side=side) == (False, observed, observed - 1)


def test_a_short_offsets_a_long() -> None:
    """Given 5 Y short (1,000.00), when 10 X at 100.00 are bought, then the net is nothing; sold, it is 2,000.00."""
    held = Portfolio().hold(1, 1, -5)
    assert numbers("R-10", held, AT, 0) == (True, 0, 0)
    assert numbers("R-10", held, AT, 0, side=-1) == (False, 200_000, 0)


def test_the_net_may_stay_on_the_other_side() -> None:
    """Given 10 Y short (2,000.00), when 10 X at 100.00 are bought, then the net towards long is below zero and passes any limit."""
    assert numbers("R-10", Portfolio().hold(1, 1, -10), AT, 0) == (True, -100_000, 0)


def test_what_has_no_price_fails_and_a_reduction_passes() -> None:
    """Given a position without a price, then an order fails; one that only reduces passes, also over the limit."""
    assert numbers("R-10", Portfolio().hold(0, 1, 1), {0: (10_000,)}, 10**12) == (False, -1, 10**12)
    held = Portfolio().hold(0, 1, 10).hold(0, 0, -10)
    assert numbers("R-10", held, AT, 0) == (True, 200_000, 0)
    assert numbers("R-10", held, {0: (10_000,)}, 0) == (True, -1, 0)


def test_a_strategy_nets_its_own_alone() -> None:
    """Given a long of s1 and a short of s0, then s0's net is its own."""
    held = Portfolio().hold(1, 1, 3).hold(0, 1, -1)
    assert numbers("R-10", held, AT, 10**9, scope=Scope.STRATEGY, member="s0") == (True, 80_000, 10**9)


def test_the_answer_names_the_newest_price() -> None:
    """Given prices with seq 2 and 3, then the check says on which the number rests."""
    assert KNOWN["R-10"].check(wish(book(), AT), limit("R-10", 1)).seen == 3


@given(cases(scopes=KNOWN["R-10"].scopes), st.integers(0, 2_000_000))
def test_net_exposure_agrees_with_a_recount(case: Case, most: int) -> None:
    """Given any account, prices and order, then the order passes exactly when the worst net towards its side is within the limit, or it reduces."""
    net: int | None = notional(case.i, case.px, case.qty) if case.px else None
    for i in case.instruments:
        position, buys, sells = case.held(i)
        qty = position + buys if case.side > 0 else sells - position
        if qty and net is not None:
            net = net + notional(i, case.mark(i), abs(qty)) * (1 if qty > 0 else -1) if case.mark(i) and i < 4 else None
    check = KNOWN["R-10"].check(case.p, limit("R-10", most, scope=case.scope, member=case.member, state=case.portfolio.state))
    assert check.observed == (-1 if net is None else net)
    assert check.passed is (case.reducing or (net is not None and net <= most))
