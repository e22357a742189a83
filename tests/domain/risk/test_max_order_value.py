"""R-03: one order is small enough in value."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.instrument import Instrument, instrument
from domain.terms import OrderType, Scope, Side
from tests.domain.risk.build import INVERSE, REF_SEQ, SPEC, ask, card, numbers

MULTIPLIED = instrument("M", price_digits=2, multiplier="5")
MARKET = {"limit_px": 0, "order_type": OrderType.MARKET}


@pytest.mark.parametrize(
    ("limit", "changes", "passed", "observed"),
    [
        (100_000, {}, True, 100_000),
        (99_999, {}, False, 100_000),
        (100_000, {"side": Side.SELL}, True, 100_000),
        (99_999, {"side": Side.SELL}, False, 100_000),
        (100_010, {"limit_px": 9_000, "ref_px": 10_001}, True, 100_010),
        (100_009, {"limit_px": 9_000, "ref_px": 10_001}, False, 100_010),
        (110_000, {"limit_px": 11_000}, True, 110_000),
        (109_999, {"limit_px": 11_000}, False, 110_000),
        (100_000, MARKET, True, 100_000),
        (99_999, MARKET, False, 100_000),
        (120_000, {"limit_px": 0, "stop_px": 12_000, "order_type": OrderType.STOP}, True, 120_000),
        (119_999, {"limit_px": 0, "stop_px": 12_000, "order_type": OrderType.STOP}, False, 120_000),
        (110_000, {"limit_px": 11_000, "ref_px": 0}, True, 110_000),
        (10, {"limit_px": 1, "ref_px": 0}, True, 10),
        (500_000, {"spec": MULTIPLIED}, True, 500_000),
        (499_999, {"spec": MULTIPLIED}, False, 500_000),
        (1_000_000, {"spec": INVERSE, "limit_px": 20_000, "ref_px": 10_000}, True, 1_000_000),
        (999_999, {"spec": INVERSE, "limit_px": 20_000, "ref_px": 10_000}, False, 1_000_000),
        (1_000_000, {"spec": INVERSE, "limit_px": 10_000, "ref_px": 20_000}, True, 1_000_000),
        (500_000, {"spec": INVERSE, "limit_px": 20_000, "ref_px": 0}, True, 500_000),
        (500_000, {"spec": INVERSE, "limit_px": 0, "ref_px": 20_000}, True, 500_000),
        (500_000, {"spec": INVERSE, "limit_px": 0, "stop_px": 20_000, "ref_px": 30_000}, True, 500_000),
        (10**15, {"spec": INVERSE, "limit_px": 1, "ref_px": 20_000}, True, 10**10),
        (10**15, {"spec": INVERSE, "limit_px": 20_000, "ref_px": 1}, True, 10**10),
    ],
)
def test_a_value_is_compared_at_the_limit_and_beyond(limit: int, changes: dict[str, Any], passed: bool, observed: int) -> None:
    """Given an order worth as much as the limit or more, at its price or the reference, then the rule says so with the numbers it compared."""
    check = ask("R-03", (limit,), **changes)
    assert numbers(check) == (passed, observed, limit)
    assert check.seen == REF_SEQ


@pytest.mark.parametrize("spec", [SPEC, INVERSE])
@pytest.mark.parametrize(("px", "ref"), [(0, 0), (-1, 0), (0, -1), (-5, -4)])
def test_without_any_price_the_rule_fails(spec: Instrument, px: int, ref: int) -> None:
    """Given no price or senseless ones, then the rule fails and shows that it had none."""
    assert numbers(ask("R-03", (10**15,), spec=spec, limit_px=px, ref_px=ref, ref_seq=0)) == (False, -1, 10**15)


@pytest.mark.parametrize(("scope", "member"), [(Scope.CLASS, "equity"), (Scope.VENUE, "SIM"), (Scope.STRATEGY, "s0"), (Scope.ACCOUNT, "")])
def test_the_rule_binds_one_order_at_every_scope(scope: Scope, member: str) -> None:
    """Given a limit on a wider scope, then every single order of it is compared, in the digits of its own settlement currency."""
    assert numbers(ask("R-03", (100_000,), scope=scope, member=member)) == (True, 100_000, 100_000)
    assert numbers(ask("R-03", (99_999,), scope=scope, member=member)) == (False, 100_000, 99_999)


def test_the_catalogue_says_what_the_rule_is() -> None:
    """Given the catalogue, then code, unit, scopes and key are these."""
    scopes = (Scope.INSTRUMENT, Scope.CLASS, Scope.VENUE, Scope.STRATEGY, Scope.ACCOUNT)
    assert card("R-03") == ("MAX_ORDER_VALUE", "amt", (("max_order_value", "amt"),), scopes, True, None, 1)


@given(px=st.integers(1, 10**6), ref=st.integers(1, 10**6), size=st.integers(1, 1000), inverse=st.booleans(), limit=st.integers(0, 10**12))
def test_the_value_of_an_approved_order_is_within_its_limit_at_its_price_and_at_the_reference(
    px: int, ref: int, size: int, inverse: bool, limit: int
) -> None:
    """Given a linear or inverse contract, when R-03 passes, then the order is worth no more than the limit at either price."""
    spec = INVERSE if inverse else SPEC
    check = ask("R-03", (limit,), spec=spec, limit_px=px, ref_px=ref, qty=size)
    worth = max(spec.notional(px, size), spec.notional(ref, size))
    assert numbers(check) == (worth <= limit, worth, limit)
