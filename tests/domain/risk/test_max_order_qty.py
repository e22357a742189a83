"""R-04: one order is small enough in quantity."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.terms import Scope, Side
from tests.domain.risk.build import account, ask, card, numbers, submitted


@pytest.mark.parametrize(("qty", "most", "passed"), [(10, 10, True), (11, 10, False), (10, 0, False), (1, 1, True), (2, 1, False)])
@pytest.mark.parametrize("side", [Side.BUY, Side.SELL])
def test_a_quantity_is_compared_at_the_limit_and_beyond(side: Side, qty: int, most: int, passed: bool) -> None:
    """Given a quantity at or over the limit, then the rule says so with the numbers it compared."""
    assert numbers(ask("R-04", (most,), side=side, qty=qty)) == (passed, qty, most)


def test_a_large_order_is_denied_even_when_it_only_reduces() -> None:
    """Given a position, when an order larger than the limit would close it, then the rule fails: it is about fingers, not about risk."""
    state = account(submitted(order_qty=100))
    assert numbers(ask("R-04", (50,), account=state, side=Side.SELL, qty=60, position_qty=100)) == (False, 60, 50)


def test_the_catalogue_says_what_the_rule_is() -> None:
    """Given the catalogue, then code, unit, scope and key are these."""
    assert card("R-04") == ("MAX_ORDER_QTY", "qty", (("max_order_qty", "qty"),), (Scope.INSTRUMENT,), True, None, 1)


@given(qty=st.integers(0, 100), most=st.integers(0, 100))
def test_whatever_passes_is_within_the_limit_and_whatever_fails_is_not(qty: int, most: int) -> None:
    """Given any quantity and limit, then the rule passes exactly when the quantity is one of those allowed."""
    assert ask("R-04", (most,), qty=qty).passed == (qty in range(most + 1))
