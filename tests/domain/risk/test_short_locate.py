"""R-21: a short sale names its locate."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.context import Context
from domain.events import OrderSubmitted
from domain.limits import OFF
from domain.terms import Scope, Side
from tests.domain.harness import World, bounds, trades
from tests.domain.risk.build import Acts, account, ask, card, denials, numbers, submitted

SELL = {"side": Side.SELL}


@pytest.mark.parametrize(
    ("changes", "passed", "observed", "limit"),
    [
        ({"position_qty": 10}, True, 0, 0),
        ({"position_qty": 9}, False, 1, 0),
        ({"position_qty": 9, "locate": "broker 7"}, True, 1, OFF),
        ({"position_qty": 9, "locate": "  "}, False, 1, 0),
        ({"position_qty": 20}, True, 0, 0),
        ({"position_qty": 20, "sell_leaves": 10}, True, 0, 0),
        ({"position_qty": 20, "sell_leaves": 11}, False, 1, 0),
        ({"position_qty": 20, "sell_leaves": 11, "buy_leaves": 50}, False, 1, 0),
        ({}, False, 10, 0),
        ({"position_qty": -5}, False, 15, 0),
        ({"position_qty": -5, "locate": "b"}, True, 15, OFF),
        ({"position_qty": 50, "locate": "b"}, True, 0, OFF),
        ({"position_qty": 10, "sell_leaves": 10, "shared_qty": 10}, True, 0, 0),
        ({"position_qty": 10, "sell_leaves": 10, "shared_qty": 9}, False, 1, 0),
        ({"side": Side.BUY, "position_qty": -50}, True, 0, OFF),
    ],
)
def test_a_sell_that_could_be_short_needs_a_locate(changes: dict[str, Any], passed: bool, observed: int, limit: int) -> None:
    """Given a position and what works, when a sell could leave the account short, then it passes only with a locate."""
    assert numbers(ask("R-21", (1,), **(SELL | changes))) == (passed, observed, limit)


def test_without_the_duty_nothing_is_asked() -> None:
    """Given a flag that is 0, then a short sale without a locate passes."""
    assert numbers(ask("R-21", (0,), **SELL)) == (True, 0, OFF)


@pytest.mark.parametrize(
    ("scope", "member"), [(Scope.CLASS, "equity"), (Scope.VENUE, "SIM"), (Scope.STRATEGY, "s0"), (Scope.ACCOUNT, ""), (Scope.INSTRUMENT, "X")]
)
def test_the_duty_binds_at_every_scope(scope: Scope, member: str) -> None:
    """Given the duty on any scope, then it is asked for."""
    assert not ask("R-21", (1,), scope=scope, member=member, **SELL).passed


def test_a_replacement_has_the_locate_of_its_order() -> None:
    """Given a session with the duty, when a located sell is replaced by a larger one, then it passes; one without a locate is denied."""

    def act(ctx: Context) -> None:
        sell = ctx.sell(0, 10, limit_px=10_005, locate="broker 7")
        ctx.sell(0, 10, limit_px=10_005)
        ctx.replace(sell, qty=20)

    world = World(Acts(act), limits=bounds(require_locate=1)).tick(trades(10_000))
    assert denials(world) == [("SHORT_LOCATE", ["R-21"])]
    assert [(o.side, o.locate) for o in world.of(OrderSubmitted) if isinstance(o, OrderSubmitted)] == [(Side.SELL, "broker 7")]
    assert len(world.engine.desk.outbox) == 2


def test_the_catalogue_says_what_the_rule_is() -> None:
    """Given the catalogue, then code, unit, scopes and key are these, and nobody overrides it."""
    scopes = (Scope.INSTRUMENT, Scope.CLASS, Scope.VENUE, Scope.STRATEGY, Scope.ACCOUNT)
    assert card("R-21") == ("SHORT_LOCATE", "qty", (("require_locate", "flag"),), scopes, False, None, 1)


@given(held=st.integers(-20, 40), selling=st.integers(0, 20), qty=st.integers(1, 30), locate=st.sampled_from(["", "b"]))
def test_whatever_fills_an_account_is_never_short_without_a_locate(held: int, selling: int, qty: int, locate: str) -> None:
    """Given any position and working sells, then a sell passes exactly when it is located or no fills could leave the account short."""
    state = account(submitted(side=Side.SELL, order_qty=selling)) if selling else account()
    check = ask("R-21", (1,), account=state, position_qty=held, qty=qty, locate=locate, **SELL)
    lowest = min(held - filled for filled in range(selling + qty + 1))
    assert numbers(check) == (bool(locate) or lowest >= 0, max(0, -lowest), OFF if locate else 0)
