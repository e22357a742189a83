"""R-20 and R-20a: no order is priced from stale data or from a feed that is down."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.context import Context
from domain.events import FeedLost
from domain.terms import OrderType, Scope, Side
from tests.domain.harness import SECOND, World, trades
from tests.domain.risk.build import NOW, REF_SEQ, Acts, ask, card, denials, numbers

MARKET = {"limit_px": 0, "order_type": OrderType.MARKET}
CLOSES = {"side": Side.SELL, "position_qty": 10}
NO_DATA = {"ref_px": 0, "ref_ns": 0, "ref_seq": 0}


@pytest.mark.parametrize(
    ("most", "changes", "passed", "observed"),
    [
        (SECOND, {}, True, SECOND),
        (SECOND - 1, {}, False, SECOND),
        (SECOND, {"now_ns": NOW + 1}, False, SECOND + 1),
        (0, {"ref_ns": NOW}, True, 0),
        (0, {"ref_ns": NOW - 1}, False, 1),
        (NOW, {"ref_ns": 1}, True, NOW - 1),
        (10 * SECOND, NO_DATA, False, -1),
        (0, MARKET, False, SECOND),
        (0, MARKET | CLOSES, True, SECOND),
        (0, MARKET | CLOSES | {"qty": 11}, False, SECOND),
        (0, CLOSES, False, SECOND),
        (0, MARKET | NO_DATA, False, -1),
        (0, MARKET | CLOSES | NO_DATA, True, -1),
    ],
)
def test_the_age_of_the_reference_is_compared_at_the_limit_and_beyond(most: int, changes: dict[str, Any], passed: bool, observed: int) -> None:
    """Given a reference as old as allowed or older, then the rule says so; without one it fails; only a market order that reduces passes anyway."""
    check = ask("R-20", (most,), **changes)
    assert numbers(check) == (passed, observed, most)
    assert check.seen == (0 if observed < 0 else REF_SEQ)


@pytest.mark.parametrize(
    ("changes", "passed", "observed"),
    [
        ({}, True, 0),
        ({"feed_lost": True}, False, 1),
        ({"feed_lost": True} | MARKET, False, 1),
        ({"feed_lost": True} | CLOSES, False, 1),
        ({"feed_lost": True} | MARKET | CLOSES, True, 1),
        (MARKET | CLOSES, True, 0),
    ],
)
def test_a_feed_that_is_down_stops_orders_but_for_market_orders_that_reduce(changes: dict[str, Any], passed: bool, observed: int) -> None:
    """Given a feed that is up or down, then the rule says so; what reduces without a price passes, so that a position can be closed."""
    check = ask("R-20a", **changes)
    assert (check.rule, *numbers(check), check.seen, check.limit_id, check.version) == ("R-20a", passed, observed, 0, 0, 0, 1)


@pytest.mark.parametrize(("scope", "member"), [(Scope.CLASS, "equity"), (Scope.VENUE, "SIM"), (Scope.STRATEGY, "s0"), (Scope.ACCOUNT, "")])
def test_an_age_binds_at_every_scope(scope: Scope, member: str) -> None:
    """Given an age on a wider scope, then it is compared the same."""
    assert numbers(ask("R-20", (SECOND - 1,), scope=scope, member=member)) == (False, SECOND, SECOND - 1)


def test_a_position_can_be_closed_at_the_market_while_the_feed_is_down() -> None:
    """Given a position and a feed that was lost, when the strategy wants to add and to close, then only the market order that closes is sent."""

    def both(ctx: Context) -> None:
        ctx.buy(0, 10)
        ctx.sell(0, 10, limit_px=10_000)
        ctx.sell(0, 10)

    world = World(Acts(lambda ctx: ctx.buy(0, 10), both)).tick(trades(10_000))
    world.fill(world.sent[0], 10_000)
    world.step(FeedLost(world.engine.desk.now_ns, 0, "f", "cut", (0,)))
    world.tick(trades(10_000, start=2))
    assert denials(world) == [("FEED_LOST", ["R-20a"])] * 2
    assert [(o.side, o.limit_px) for o in world.sent[1:]] == [(Side.SELL, 0)]


def test_the_catalogue_says_what_the_rules_are() -> None:
    """Given the catalogue, then codes, units, scopes and keys are these, and nobody overrides them."""
    scopes = (Scope.INSTRUMENT, Scope.CLASS, Scope.VENUE, Scope.STRATEGY, Scope.ACCOUNT)
    assert card("R-20") == ("STALE_DATA", "ns", (("max_age", "ns"),), scopes, False, None, 1)
    assert card("R-20a") == ("FEED_LOST", "flag", (), (Scope.ACCOUNT,), False, None, 1)


@given(ref=st.integers(0, 50), wait=st.integers(0, 50), most=st.integers(0, 50), market=st.booleans(), held=st.integers(-20, 20))
def test_no_order_is_priced_from_data_older_than_allowed(ref: int, wait: int, most: int, market: bool, held: int) -> None:
    """Given any age, then the rule passes exactly when the data is there and young enough, or nothing is priced and the position shrinks."""
    changes = MARKET if market else {}
    check = ask("R-20", (most,), ref_ns=ref, now_ns=ref + wait, position_qty=held, side=Side.SELL, **changes)
    fresh = ref > 0 and wait in range(most + 1)
    assert check.passed == (fresh or (market and held - 10 in range(held)))
