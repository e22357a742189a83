"""A reduce-only order really only reduces: at the position, one over, and against a recount."""

from __future__ import annotations

import pytest
from hypothesis import given

from domain.risk import KNOWN
from domain.terms import Scope
from tests.domain.risk import build
from tests.domain.risk.portfolio import Case, Portfolio, cases, wish

AT = {0: (10_000,)}
BOUND = build.bound("R-23")


@pytest.mark.parametrize(
    ("held", "working", "side", "qty", "expected"),
    [
        (-10, 0, 1, 10, (True, 10, 10)), (-9, 0, 1, 10, (False, 10, 9)), (-15, 6, 1, 10, (False, 10, 9)), (-15, 5, 1, 10, (True, 10, 10)),
        (10, 0, 1, 1, (False, 1, 0)), (20, -10, -1, 10, (True, 10, 10)), (20, -11, -1, 10, (False, 10, 9)), (-10, 0, -1, 1, (False, 1, 0)),
        (0, 0, 1, 1, (False, 1, 0)), (5, 7, -1, 5, (True, 5, 5)),
    ],
)  # fmt: skip
def test_a_reduce_only_order_is_no_larger_than_what_is_left_to_reduce(
    held: int, working: int, side: int, qty: int, expected: tuple[bool, int, int]
) -> None:
    """Given a position and an order that works, then a reduce-only order passes up to the rest, and any other is not asked."""
    portfolio = Portfolio()
    if held:
        portfolio.hold(0, 0, held)
    if working:
        portfolio.send(0, 0, 1 if working > 0 else -1, abs(working))
    check = KNOWN["R-23"].check(wish(portfolio, AT, side=side, qty=qty, reduce_only=True), BOUND)
    assert build.numbers(check) == expected
    check = KNOWN["R-23"].check(wish(portfolio, AT, side=side, qty=qty), BOUND)
    assert build.numbers(check) == (True, 0, -1)


@given(cases(scopes=(Scope.ACCOUNT,)))
def test_reduce_only_agrees_with_a_recount(case: Case) -> None:
    """Given any account and new order that is reduce-only, then it passes exactly when it brings the position towards zero and not beyond."""
    if case.old:
        return
    case.p.reduce_only = True
    assert KNOWN["R-23"].check(case.p, BOUND).passed is case.reducing
