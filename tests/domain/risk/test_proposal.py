"""What an order may reduce, and when it is an exit that nothing prices."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.order import Order
from domain.terms import OrderType, Side
from tests.domain.risk.build import proposal, submitted

SELL = {"side": Side.SELL}
WORKS = Order(submitted())


@pytest.mark.parametrize(
    ("changes", "reducible", "reduces"),
    [
        ({"position_qty": -10}, 10, True),
        ({"position_qty": -9}, 9, False),
        ({"position_qty": -15, "buy_leaves": 5}, 10, True),
        ({"position_qty": -15, "buy_leaves": 6}, 9, False),
        ({"position_qty": -15, "sell_leaves": 60}, 15, True),
        ({"position_qty": 10}, 0, False),
        ({"position_qty": -10, "qty": 0}, 10, False),
        ({"position_qty": -10, "qty": 1}, 10, True),
        ({"position_qty": -10, "qty": -1}, 10, False),
        (SELL | {"position_qty": 10}, 10, True),
        (SELL | {"position_qty": 9}, 9, False),
        (SELL | {"position_qty": 15, "sell_leaves": 5}, 10, True),
        (SELL | {"position_qty": 15, "sell_leaves": 6}, 9, False),
        (SELL | {"position_qty": 15, "buy_leaves": 60}, 15, True),
        (SELL | {"position_qty": -10}, 0, False),
        ({"side": Side.NONE, "position_qty": 10}, 10, True),
        ({"position_qty": -10, "buy_leaves": 10, "shared_qty": 10}, 10, True),
        ({"position_qty": -10, "buy_leaves": 10, "shared_qty": 9}, 9, False),
        (SELL | {"position_qty": 10, "sell_leaves": 10, "shared_qty": 10}, 10, True),
        (SELL | {"position_qty": 10, "sell_leaves": 10, "shared_qty": 9}, 9, False),
        ({"replaced": WORKS, "buy_leaves": 0, "reduce_only": True}, 10, True),
        ({"replaced": WORKS, "buy_leaves": 0, "reduce_only": True, "qty": 11}, 10, False),
        ({"replaced": WORKS, "buy_leaves": 0}, 0, False),
        ({"reduce_only": True}, 0, False),
        (SELL | {"replaced": WORKS, "buy_leaves": 0, "reduce_only": True}, 10, True),
    ],
)
def test_an_order_reduces_what_is_held_less_what_already_works_against_it(changes: dict[str, Any], reducible: int, reduces: bool) -> None:
    """Given a position and working orders, then what an order may reduce is their difference, never below 0."""
    p = proposal(**changes)
    assert (p.reducible_qty, p.reduces) == (reducible, reduces)


@pytest.mark.parametrize("kind", list(OrderType))
@pytest.mark.parametrize(("held", "reduces"), [(10, True), (9, False)])
def test_only_a_market_order_that_reduces_is_an_exit_that_nothing_prices(kind: OrderType, held: int, reduces: bool) -> None:
    """Given a sell of any type, then it is such an exit exactly when it is a market order and no larger than the position."""
    p = proposal(order_type=kind, position_qty=held, **SELL)
    assert p.exits_at_market == (kind is OrderType.MARKET and reduces)


@given(
    side=st.sampled_from([Side.BUY, Side.SELL]), held=st.integers(-30, 30), buys=st.integers(0, 30), sells=st.integers(0, 30), qty=st.integers(1, 40)
)
def test_whatever_fills_on_its_side_a_reducing_order_never_turns_the_position(side: Side, held: int, buys: int, sells: int, qty: int) -> None:
    """Given any position and working orders, then an order reduces exactly when no fills on its side make the position larger or turn it."""
    p = proposal(side=side, position_qty=held, buy_leaves=buys, sell_leaves=sells, qty=qty)
    working = buys if side is Side.BUY else sells
    after = [held + side * filled for filled in range(working + qty + 1)]
    assert p.reduces == (held != 0 and all(abs(a) <= abs(held) and a * held >= 0 for a in after))
