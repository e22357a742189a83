"""R-04a: one order is a small enough part of the average volume."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.context import Context
from domain.limits import OFF
from domain.risk import limits_of
from domain.terms import Scope, Side
from tests.domain.harness import World, trades
from tests.domain.risk.build import Acts, account, ask, card, denials, numbers, submitted


@pytest.mark.parametrize(
    ("qty", "most", "average", "passed", "observed"),
    [
        (10, 100, 1_000, True, 100), (11, 100, 1_000, False, 110), (10, 99, 1_000, False, 100), (1, 3_333, 3, False, 3_334), (1, 3_334, 3, True, 3_334),
        (3, 10_000, 3, True, 10_000), (4, 10_000, 3, False, 13_334), (1, 0, 10**9, False, 1), (1, 100, 0, False, -1), (1, 100, 1, False, 10_000),
        (1, 10_000, 1, True, 10_000),
    ],
)  # fmt: skip
@pytest.mark.parametrize("side", [Side.BUY, Side.SELL])
def test_a_part_of_the_volume_is_compared_at_the_limit_and_beyond(side: Side, qty: int, most: int, average: int, passed: bool, observed: int) -> None:
    """Given a quantity at or over the part of the average that is allowed, then the rule says so, in basis points rounded up."""
    assert numbers(ask("R-04a", (most, average), side=side, qty=qty)) == (passed, observed, most)


@pytest.mark.parametrize("values", [(OFF, 1), (1, OFF), (OFF, OFF)])
def test_with_one_of_the_numbers_off_nothing_is_bounded(values: tuple[int, int]) -> None:
    """Given one number off, then any quantity passes."""
    assert numbers(ask("R-04a", values, qty=10**9)) == (True, 0, OFF)


def test_a_large_order_is_denied_even_when_it_only_reduces() -> None:
    """Given a position, when an order too large for the market would close it, then the rule fails: it would move the price all the same."""
    state = account(submitted(order_qty=100))
    assert numbers(ask("R-04a", (1_000, 500), account=state, side=Side.SELL, qty=60, position_qty=100)) == (False, 1_200, 1_000)


def test_the_catalogue_says_what_the_rule_is() -> None:
    """Given the catalogue, then code, unit, scope and keys are these."""
    assert card("R-04a") == ("MAX_ORDER_QTY", "bps", (("max_volume_bps", "bps"), ("average_volume", "qty")), (Scope.INSTRUMENT,), True, None, 1)


@given(qty=st.integers(0, 10**6), most=st.integers(0, 20_000), average=st.integers(1, 10**7))
def test_whatever_passes_is_within_the_part_and_whatever_fails_is_not(qty: int, most: int, average: int) -> None:
    """Given any numbers, then the rule passes exactly when the exact part is at most the limit."""
    assert ask("R-04a", (most, average), qty=qty).passed == (Fraction(qty, average) <= Fraction(most, 10_000))


@given(orders=st.lists(st.integers(1, 40), max_size=8), most=st.integers(1, 2_000), average=st.integers(1, 500))
def test_no_prefix_of_a_log_holds_an_order_beyond_the_part(orders: list[int], most: int, average: int) -> None:
    """Given any orders, then those that are sent are exactly those within the part, and the others are denied with the code."""
    world = World(
        Acts(*(_buys(qty) for qty in orders)), limits=limits_of(Scope.INSTRUMENT, ("X",), {"max_volume_bps": (most,), "average_volume": (average,)})
    )
    for n in range(len(orders)):
        world.tick(trades(10_000, start=n + 1))
    assert [o.order_qty for o in world.sent] == [qty for qty in orders if qty * 10_000 <= most * average]
    assert denials(world) == [("MAX_ORDER_QTY", ["R-04a"])] * (len(orders) - len(world.sent))


def _buys(qty: int):  # type: ignore[no-untyped-def]
    def act(ctx: Context) -> None:
        ctx.buy(0, qty, limit_px=10_000)

    return act
