"""R-19: an order conforms to its instrument's specification."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.instrument import instrument
from domain.terms import OrderType, Scope, Side
from tests.domain.risk.build import INVERSE, NOW, REF_SEQ, SPEC, Y, ask, card, numbers

MARKET = {"limit_px": 0, "order_type": OrderType.MARKET}
STOP = {"limit_px": 0, "order_type": OrderType.STOP}
STOP_LIMIT = {"order_type": OrderType.STOP_LIMIT}
TRAILING = {"limit_px": 0, "order_type": OrderType.TRAILING_STOP}
NO_REFERENCE = {"ref_px": 0, "ref_seq": 0}


@pytest.mark.parametrize(
    ("rule", "changes", "passed", "observed", "limit"),
    [
        ("R-19a", {}, True, 1, 1),
        ("R-19a", {"side": Side.SELL}, True, 1, 1),
        ("R-19a", {"side": Side.NONE}, False, 0, 1),
        ("R-19a", {"spec": instrument("X", tradable=False)}, False, 0, 1),
        ("R-19b", {"limit_px": 10_005}, True, 10_005, 5),
        ("R-19b", {"limit_px": 10_001}, False, 10_001, 5),
        ("R-19b", {"limit_px": 10_004}, False, 10_004, 5),
        ("R-19b", {"limit_px": 5}, True, 5, 5),
        ("R-19b", {"limit_px": -5}, False, -5, 5),
        ("R-19b", {"limit_px": 1, "spec": Y}, True, 1, 1),
        ("R-19b", {"limit_px": -1, "spec": Y}, False, -1, 1),
        ("R-19b", {"limit_px": 0}, False, 0, 5),
        ("R-19b", STOP | {"stop_px": 10_005}, True, 10_005, 5),
        ("R-19b", STOP | {"stop_px": 10_001}, False, 10_001, 5),
        ("R-19b", STOP | {"stop_px": -5}, False, -5, 5),
        ("R-19b", STOP | {"stop_px": 0}, False, 0, 5),
        ("R-19b", STOP | {"stop_px": 0, "limit_px": 10_000}, False, 0, 5),
        ("R-19b", STOP_LIMIT | {"limit_px": 10_000, "stop_px": 9_995}, True, 10_000, 5),
        ("R-19b", STOP_LIMIT | {"limit_px": 10_000, "stop_px": 9_996}, False, 9_996, 5),
        ("R-19b", STOP_LIMIT | {"limit_px": 10_001, "stop_px": 9_996}, False, 10_001, 5),
        ("R-19b", STOP_LIMIT | {"limit_px": 0, "stop_px": 9_995}, False, 0, 5),
        ("R-19b", STOP_LIMIT | {"limit_px": 10_000, "stop_px": 0}, False, 0, 5),
        ("R-19b", MARKET, True, 0, 5),
        ("R-19b", TRAILING, True, 0, 5),
        ("R-19c", {"qty": 10}, True, 10, 10),
        ("R-19c", {"qty": 20}, True, 20, 10),
        ("R-19c", {"qty": 11}, False, 11, 10),
        ("R-19c", {"qty": 9}, False, 9, 10),
        ("R-19c", {"qty": 1, "spec": Y}, True, 1, 1),
        ("R-19c", {"qty": 0}, False, 0, 10),
        ("R-19c", {"qty": -10}, False, -10, 10),
        ("R-19d", {"limit_px": 1_000}, True, 10_000, 10_000),
        ("R-19d", {"limit_px": 995}, False, 9_950, 10_000),
        ("R-19d", {"limit_px": 995, "side": Side.SELL}, False, 9_950, 10_000),
        ("R-19d", STOP | {"stop_px": 1_000}, True, 10_000, 10_000),
        ("R-19d", STOP | {"stop_px": 995}, False, 9_950, 10_000),
        ("R-19d", MARKET, True, 100_000, 10_000),
        ("R-19d", MARKET | {"ref_px": 995}, False, 9_950, 10_000),
        ("R-19d", MARKET | NO_REFERENCE, False, 0, 10_000),
        ("R-19d", {"limit_px": -5_000, "qty": -10}, False, 0, 10_000),
        ("R-19d", {"limit_px": 1, "qty": 10, "spec": Y}, True, 10, 0),
        ("R-19d", MARKET | NO_REFERENCE | {"spec": Y}, True, 0, 0),
        ("R-19d", MARKET | NO_REFERENCE | {"spec": INVERSE}, True, 0, 0),
        ("R-19d", {"limit_px": 20_000, "spec": INVERSE}, True, 500_000, 0),
    ],
)
def test_an_order_is_compared_with_the_specification(rule: str, changes: dict[str, Any], passed: bool, observed: int, limit: int) -> None:
    """Given an order on, off or beside the grid, then the rule says so with the number it looked at."""
    check = ask(rule, **changes)
    assert (check.rule, *numbers(check)) == (rule, passed, observed, limit)
    assert check.seen == (changes.get("ref_seq", REF_SEQ) if rule == "R-19d" else 0)
    assert (check.limit_id, check.version) == (0, 1)


def test_the_smallest_price_has_a_value() -> None:
    """Given a price of one unit and a minimum notional, then the order's value is counted."""
    assert numbers(ask("R-19d", limit_px=1, qty=10_000)) == (True, 10_000, 10_000)


@pytest.mark.parametrize(("left", "passed"), [(1, True), (0, False), (-1, False)])
@pytest.mark.parametrize(("scope", "member"), [(Scope.INSTRUMENT, "X"), (Scope.CLASS, "equity"), (Scope.VENUE, "SIM")])
def test_an_instrument_trades_until_it_expires(left: int, passed: bool, scope: Scope, member: str) -> None:
    """Given an expiry, when an order comes a nanosecond before, then it passes; at the expiry and after it, it fails."""
    assert numbers(ask("R-19e", (NOW + left,), scope=scope, member=member)) == (passed, NOW, NOW + left)


def test_the_catalogue_says_what_the_rules_are() -> None:
    """Given the catalogue, then codes, units, scopes and keys are these, and nobody overrides them."""
    everywhere = (Scope.ACCOUNT,)
    assert card("R-19a") == ("NOT_TRADABLE", "flag", (), everywhere, False, None, 1)
    assert card("R-19b") == ("INVALID_TICK", "px", (), everywhere, False, None, 1)
    assert card("R-19c") == ("INVALID_LOT", "qty", (), everywhere, False, None, 1)
    assert card("R-19d") == ("MIN_NOTIONAL", "amt", (), everywhere, False, None, 1)
    assert card("R-19e") == ("NOT_TRADABLE", "time", (("expires", "time"),), (Scope.INSTRUMENT, Scope.CLASS, Scope.VENUE), False, None, 1)


@given(
    kind=st.sampled_from(list(OrderType)), limit_px=st.integers(-60, 60), stop_px=st.integers(-60, 60), qty=st.integers(-30, 60),
    tick=st.integers(1, 7), lot=st.integers(1, 7),
)  # fmt: skip
def test_what_passes_lies_on_the_grid(kind: OrderType, limit_px: int, stop_px: int, qty: int, tick: int, lot: int) -> None:
    """Given any numbers and any grid, then the rules pass exactly the orders whose prices and quantity are points of it."""
    spec = instrument("X", price_digits=2, qty_digits=0, tick_size=f"{tick / 100:.2f}", lot_size=str(lot))
    grid = {n * tick for n in range(1, 61)}
    needed = {
        OrderType.MARKET: (), OrderType.LIMIT: (limit_px,), OrderType.STOP: (stop_px,), OrderType.STOP_LIMIT: (limit_px, stop_px),
        OrderType.TRAILING_STOP: (),
    }[kind]  # fmt: skip
    order = {"spec": spec, "order_type": kind, "limit_px": limit_px, "stop_px": stop_px, "qty": qty}
    assert ask("R-19b", **order).passed == (all(px in grid for px in needed) and {limit_px, stop_px} <= grid | {0})
    assert ask("R-19c", **order).passed == (qty in {n * lot for n in range(1, 61)})
    assert SPEC.tick_px == 5
