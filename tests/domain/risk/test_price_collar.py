"""R-01: a price is near the reference, in basis points, in ticks and as a price."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.context import Context
from domain.events import OrderDenied
from domain.order import Order
from domain.terms import OrderType, Scope, Side
from tests.domain.harness import World, bounds, trades
from tests.domain.risk.build import REF_SEQ, SPEC, Acts, account, ask, card, denials, numbers, submitted

NO_DATA = {"ref_px": 0, "ref_ns": 0, "ref_seq": 0}


@pytest.mark.parametrize(
    ("rule", "limit", "changes", "passed", "observed"),
    [
        ("R-01", 100, {"limit_px": 10_100}, True, 100),
        ("R-01", 100, {"limit_px": 10_101}, False, 101),
        ("R-01", 100, {"limit_px": 9_900}, True, 100),
        ("R-01", 100, {"limit_px": 9_899}, False, 101),
        ("R-01", 100, {"side": Side.SELL, "limit_px": 10_100}, True, 100),
        ("R-01", 100, {"side": Side.SELL, "limit_px": 10_101}, False, 101),
        ("R-01", 100, {"limit_px": 0, "stop_px": 10_200, "order_type": OrderType.STOP}, False, 200),
        ("R-01", 100, {"limit_px": 10_050, "stop_px": 10_200, "order_type": OrderType.STOP_LIMIT}, True, 50),
        ("R-01", 33, {"limit_px": 10_034, "ref_px": 10_001}, True, 33),
        ("R-01", 32, {"limit_px": 10_034, "ref_px": 10_001}, False, 33),
        ("R-01", 0, {"limit_px": 10_000}, True, 0),
        ("R-01", 0, {"limit_px": 10_001}, False, 1),
        ("R-01", 10_000, {"limit_px": 2, "ref_px": 1}, True, 10_000),
        ("R-01", 9_999, {"limit_px": 2, "ref_px": 1}, False, 10_000),
        ("R-01", 100, {"limit_px": 0, "order_type": OrderType.MARKET}, True, 0),
        ("R-01a", 3, {"limit_px": 10_015}, True, 3),
        ("R-01a", 3, {"limit_px": 10_016}, False, 4),
        ("R-01a", 3, {"limit_px": 9_985}, True, 3),
        ("R-01a", 3, {"limit_px": 9_984}, False, 4),
        ("R-01a", 0, {"limit_px": 10_000}, True, 0),
        ("R-01a", 3, {"limit_px": 0, "order_type": OrderType.MARKET}, True, 0),
        ("R-01b", 15, {"limit_px": 10_015}, True, 15),
        ("R-01b", 15, {"limit_px": 10_016}, False, 16),
        ("R-01b", 15, {"limit_px": 9_985}, True, 15),
        ("R-01b", 15, {"limit_px": 9_984}, False, 16),
        ("R-01b", 15, {"limit_px": 0, "order_type": OrderType.MARKET}, True, 0),
    ],
)
def test_a_collar_compares_its_numbers_at_the_limit_and_beyond(rule: str, limit: int, changes: dict[str, Any], passed: bool, observed: int) -> None:
    """Given a price at or beyond the band, then the rule says so with the numbers it compared and the price it looked at."""
    check = ask(rule, (limit,), **changes)
    assert numbers(check) == (passed, observed, limit)
    assert check.seen == REF_SEQ


@pytest.mark.parametrize("rule", ["R-01", "R-01a", "R-01b"])
@pytest.mark.parametrize("changes", [NO_DATA, NO_DATA | {"limit_px": 0, "order_type": OrderType.MARKET}, {"ref_px": -1}])
def test_without_a_reference_no_collar_is_met(rule: str, changes: dict[str, Any]) -> None:
    """Given no reference or a senseless one, when any order comes, a market order too, then the collar fails and shows that it had nothing."""
    check = ask(rule, (1_000_000,), **changes)
    assert numbers(check) == (False, -1, 1_000_000)
    assert check.seen == 0


def test_a_replacement_is_measured_by_its_new_price() -> None:
    """Given a working order at the reference, when its replacement asks for a price beyond the band, then the collar fails."""
    state = account(submitted())
    replaced = state.orders.find("w1")
    assert isinstance(replaced, Order)
    assert numbers(ask("R-01", (100,), account=state, replaced=replaced, limit_px=10_101)) == (False, 101, 100)
    assert numbers(ask("R-01a", (3,), account=state, replaced=replaced, limit_px=10_015)) == (True, 3, 3)


@pytest.mark.parametrize(("scope", "member"), [(Scope.CLASS, "equity"), (Scope.VENUE, "SIM"), (Scope.STRATEGY, "s0"), (Scope.ACCOUNT, "")])
def test_a_collar_without_a_unit_of_money_binds_at_every_scope(scope: Scope, member: str) -> None:
    """Given a collar in basis points or ticks on a wider scope, then it compares the same."""
    assert numbers(ask("R-01", (100,), scope=scope, member=member, limit_px=10_101)) == (False, 101, 100)
    assert numbers(ask("R-01a", (3,), scope=scope, member=member, limit_px=10_016)) == (False, 4, 3)


def test_all_collars_that_are_set_must_hold() -> None:
    """Given three collars, when an order and a replacement break only the tightest, then each is denied by that one and all three are recorded."""

    def act(ctx: Context) -> None:
        first = ctx.buy(0, 10, limit_px=10_010)
        ctx.buy(0, 10, limit_px=10_011)
        ctx.replace(first, limit_px=10_012)

    world = World(Acts(act), limits=bounds(collar_bps=500, collar_ticks=10, collar_px=100)).tick(trades(10_000))
    assert denials(world) == [("PRICE_COLLAR", ["R-01a"]), ("PRICE_COLLAR", ["R-01a"])]
    last = world.of(OrderDenied)[-1]
    assert isinstance(last, OrderDenied)
    assert [numbers(c) for c in last.checks if c.rule.startswith("R-01")] == [(True, 12, 500), (False, 12, 10), (True, 12, 100)]
    assert [o.limit_px for o in world.sent] == [10_010]


def test_the_catalogue_says_what_collars_are() -> None:
    """Given the catalogue, then codes, units, scopes and keys are these."""
    anywhere = (Scope.INSTRUMENT, Scope.CLASS, Scope.VENUE, Scope.STRATEGY, Scope.ACCOUNT)
    assert card("R-01") == ("PRICE_COLLAR", "bps", (("collar_bps", "bps"),), anywhere, True, None, 1)
    assert card("R-01a") == ("PRICE_COLLAR", "count", (("collar_ticks", "count"),), anywhere, True, None, 1)
    assert card("R-01b") == ("PRICE_COLLAR", "px", (("collar_px", "px"),), (Scope.INSTRUMENT,), True, None, 1)


@given(px=st.integers(1, 20_000), ref=st.integers(1, 20_000), most=st.integers(0, 10_000))
def test_the_collars_are_exact(px: int, ref: int, most: int) -> None:
    """Given any price and reference, then a collar passes exactly when the exact fraction is within it, and shows it rounded up."""
    for rule, unit in (("R-01", Fraction(ref, 10_000)), ("R-01a", Fraction(SPEC.tick_px)), ("R-01b", Fraction(1))):
        check = ask(rule, (most,), limit_px=px, ref_px=ref)
        away = abs(Fraction(px) - ref) / unit
        assert check.passed == (away <= most)
        assert check.observed - 1 < away <= check.observed
