"""R-21b: no more can be short than may be borrowed, locate or not."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.context import Context
from domain.events import LimitsChanged
from domain.limits import OFF, Limit
from domain.terms import Scope, Side
from tests.domain.harness import World, bounds, trades
from tests.domain.risk.build import Acts, account, ask, card, denials, numbers, submitted

SELL = {"side": Side.SELL}
MOST = 15


@pytest.mark.parametrize(
    ("changes", "passed", "observed"),
    [
        ({}, True, 10),
        ({"qty": 15}, True, 15),
        ({"qty": 16}, False, 16),
        ({"qty": 16, "locate": "broker 7"}, False, 16),
        ({"qty": 15, "locate": "broker 7"}, True, 15),
        ({"qty": 26, "position_qty": 10}, False, 16),
        ({"qty": 25, "position_qty": 10}, True, 15),
        ({"qty": 10, "position_qty": 11}, True, 0),
        ({"position_qty": -5}, True, 15),
        ({"position_qty": -6}, False, 16),
        ({"position_qty": 20, "sell_leaves": 25}, True, 15),
        ({"position_qty": 20, "sell_leaves": 26}, False, 16),
        ({"position_qty": 20, "sell_leaves": 26, "buy_leaves": 50}, False, 16),
        ({"position_qty": 10, "sell_leaves": 16, "shared_qty": 1}, True, 15),
        ({"position_qty": 10, "sell_leaves": 17, "shared_qty": 1}, False, 16),
    ],
)
def test_what_a_sell_could_leave_short_is_compared_at_the_limit_and_beyond(changes: dict[str, Any], passed: bool, observed: int) -> None:
    """Given a position and what works, when a sell could leave the account short by as much as may be borrowed or more, then the rule says so."""
    assert numbers(ask("R-21b", (MOST,), **(SELL | changes))) == (passed, observed, MOST)


def test_a_buy_is_not_bounded_however_short_the_account_is() -> None:
    """Given an account that is short beyond the limit, when it buys, then nothing bounds it."""
    assert numbers(ask("R-21b", (MOST,), side=Side.BUY, position_qty=-50)) == (True, 0, OFF)


def test_where_nothing_may_be_borrowed_only_what_is_held_is_sold() -> None:
    """Given a limit of zero, then a sell of all that is held passes, and of one more does not."""
    assert numbers(ask("R-21b", (0,), position_qty=10, **SELL)) == (True, 0, 0)
    assert numbers(ask("R-21b", (0,), position_qty=9, **SELL)) == (False, 1, 0)


def test_a_located_sell_and_its_replacement_stay_within_what_may_be_borrowed() -> None:
    """Given 15 to borrow, when located sells work and one is to grow, then what would be the sixteenth is denied, at once or by replacement."""

    def act(ctx: Context) -> None:
        sell = ctx.sell(0, 10, limit_px=10_005, locate="broker 7")
        ctx.sell(0, 6, limit_px=10_005, locate="broker 7")
        ctx.replace(sell, qty=16)
        ctx.replace(sell, qty=15)

    world = World(Acts(act), limits=bounds(require_locate=1, borrow_qty=MOST)).tick(trades(10_000))
    assert denials(world) == [("SHORT_LOCATE", ["R-21b"])] * 2
    assert len(world.engine.desk.outbox) == 2


def test_a_borrow_that_was_called_back_binds_from_the_next_order() -> None:
    """Given an account that is short, when less may be borrowed, then further sells are denied and buying back is not."""

    def act(ctx: Context) -> None:
        ctx.sell(0, 10, limit_px=10_005)

    def both(ctx: Context) -> None:
        ctx.sell(0, 1, limit_px=10_005)
        ctx.buy(0, 10, limit_px=10_000)

    world = World(Acts(act, both), limits=bounds(["X"], borrow_qty=MOST)).tick(trades(10_000))
    world.fill(world.sent[0], 10_005)
    world.step(LimitsChanged(world.engine.desk.now_ns, 0, Limit(2, "R-21b", Scope.INSTRUMENT, ("X",), (5,), 2)))  # type: ignore[arg-type]
    world.tick(trades(10_000, start=2))
    assert denials(world) == [("SHORT_LOCATE", ["R-21b"])]
    assert [o.side for o in world.sent] == [Side.SELL, Side.BUY]


def test_the_catalogue_says_what_the_rule_is() -> None:
    """Given the catalogue, then code, unit, scope and key are these, and nobody overrides it."""
    assert card("R-21b") == ("SHORT_LOCATE", "qty", (("borrow_qty", "qty"),), (Scope.INSTRUMENT,), False, None, 1)


@given(
    held=st.integers(-20, 40), selling=st.integers(0, 20), qty=st.integers(1, 30), most=st.integers(0, 40), locate=st.sampled_from(["", "b"])
)  # fmt: skip
def test_whatever_fills_an_account_is_never_short_of_more_than_it_may_borrow(held: int, selling: int, qty: int, most: int, locate: str) -> None:
    """Given any position and working sells, then a sell passes exactly when no fills could leave the account short of more than the limit."""
    state = account(submitted(side=Side.SELL, order_qty=selling)) if selling else account()
    check = ask("R-21b", (most,), account=state, position_qty=held, qty=qty, locate=locate, **SELL)
    lowest = min(held - filled for filled in range(selling + qty + 1))
    assert numbers(check) == (-lowest <= most, max(0, -lowest), most)


@given(orders=st.lists(st.tuples(st.booleans(), st.integers(1, 9), st.booleans()), max_size=12), most=st.integers(0, 20))
def test_no_prefix_of_a_log_is_short_of_more_than_may_be_borrowed(orders: list[tuple[bool, int, bool]], most: int) -> None:
    """Given any orders, some of them filled, when the session is looked at after each, then fills of everything that works leave it within the limit."""

    def act(sell: bool, qty: int) -> Any:
        return lambda ctx: ctx.sell(0, qty) if sell else ctx.buy(0, qty)

    world = World(Acts(*(act(sell, qty) for sell, qty, _ in orders)), limits=bounds(["X"], borrow_qty=most))
    state = world.engine.desk.state
    for n, (_, _, fills) in enumerate(orders, 1):
        before = len(world.sent)
        world.tick(trades(10_000, start=n))
        if fills and len(world.sent) > before:
            world.fill(world.sent[-1], 10_000)
        assert state.orders.sell_leaves[0] - state.positions[0].qty <= most or not state.orders.sell_leaves[0]
