"""Margin: at the limit, one over, without a price, and against a recount."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.risk import KNOWN
from domain.risk.exposure import equity
from domain.terms import Scope
from tests.domain.risk.portfolio import CASH, Case, Portfolio, cases, limit, numbers, wish

AT = {0: (10_000,), 1: (2_000,), 2: (500,), 3: (8_000,)}


@pytest.mark.parametrize(
    ("qty", "bps", "required", "passed"),
    [
        (10_000, 10_000, CASH, True), (10_001, 10_000, CASH + 10_000, False), (20_000, 5_000, CASH, True), (20_001, 5_000, CASH + 5_000, False),
        (10, 1, 10, True), (10, 0, 0, True),
    ],
)  # fmt: skip
def test_margin_at_the_limit_and_one_over(qty: int, bps: int, required: int, passed: bool) -> None:
    """Given 1,000,000.00 and nothing else, then X at 100.00 may be bought for it, or for twice as much at half the margin."""
    assert numbers("R-12", Portfolio(), AT, bps, qty=qty) == (passed, required, CASH)


def test_margin_is_rounded_up() -> None:
    """Given 1/10,000 of 100.01, then that is two cents."""
    assert numbers("R-12", Portfolio(), {0: (10_001,)}, 1, qty=1) == (True, 2, CASH)


@pytest.mark.parametrize(("mark", "free", "passed"), [(2_000, 0, False), (2_001, 100_000, True), (1_999, 0, False)])
def test_losses_use_up_what_is_free(mark: int, free: int, passed: bool) -> None:
    """Given 100,000 X bought at 30.00 with 1,000,000.00, then at 20.00 nothing is free, and less than nothing counts as nothing."""
    held = Portfolio().hold(0, 0, 100_000, 3_000)
    assert numbers("R-12", held, {0: (mark,), 1: (1,)}, 1, i=1, qty=1, limit_px=1)[0::2] == (passed, free)


def test_what_has_no_price_fails_and_a_reduction_passes() -> None:
    """Given a position without a price, then an order fails; one that only reduces passes, also without enough margin."""
    assert numbers("R-12", Portfolio().hold(0, 1, 1), {0: (10_000,)}, 1) == (False, -1, 0)
    assert numbers("R-12", Portfolio(), {}, 1, limit_px=0) == (False, -1, CASH)
    held = Portfolio().hold(0, 0, 10)
    assert numbers("R-12", held, {}, 1, side=-1) == (True, -1, 0)
    assert numbers("R-12", held, AT, 10**9, side=-1) == (True, 10_000_000_000, CASH)
    assert numbers("R-12", Portfolio().hold(0, 0, 100_000, 3_000), {1: (1,)}, 1, i=1, limit_px=1) == (False, -1, 0)
    owing = Portfolio().hold(0, 0, 100_000, 3_000)
    owing.send(0, 2, 1, 1)
    assert numbers("R-12", owing, {0: (1_999,), 1: (1,)}, 1, i=1, limit_px=1) == (False, -1, 0)


def test_the_answer_names_the_newest_price() -> None:
    """Given prices with seq 2 and 3, then the check says on which the number rests."""
    assert KNOWN["R-12"].check(wish(Portfolio().hold(1, 1, 3), AT), limit("R-12", 1)).seen == 3


@given(cases(scopes=(Scope.ACCOUNT,)), st.integers(0, 10_000_000))
def test_margin_agrees_with_a_recount(case: Case, bps: int) -> None:
    """Given any account, prices and order, then the order passes exactly when its exact margin is there, or it reduces."""
    check = KNOWN["R-12"].check(case.p, limit("R-12", bps, state=case.portfolio.state))
    own = equity(case.p)
    if not case.countable or own is None:
        assert (check.passed, check.observed) == (case.reducing, -1)
        return
    whole = sum(case.gross(i) for i in case.instruments)
    assert check.limit == max(own, 0)
    assert check.passed is (case.reducing or whole * bps <= max(own, 0) * 10_000)
    assert (check.observed - 1) * 10_000 < whole * bps <= check.observed * 10_000
