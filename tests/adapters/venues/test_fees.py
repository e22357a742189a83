"""What fills cost, and in which unit."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.venues.config import SimulatedVenueConfig
from adapters.venues.fees import Fees
from adapters.venues.settings import Size, VenueSettings
from domain.events import OrderFilled, TradePrinted
from domain.instrument import Instrument, instrument
from domain.terms import Side
from tests.adapters.venues.drive import Scenario, order, play, replace

LEAN = SimulatedVenueConfig(fee_per_unit="0.005", fee_min="1.00", liquidity="displayed").settings()
SHARE = instrument("SHARE")
COIN = instrument("BTC", base="BTC", quote="USDT", price_digits=2, qty_digits=5, amt_digits=8)
INVERSE = instrument("XBT", base="XBT", quote="USD", inverse=True, price_digits=1)


def fees(spec: Instrument, settings: VenueSettings, prints: list[tuple[int, int]], sends: dict[int, list[object]]) -> list[OrderFilled]:
    ticks = [TradePrinted(10 * k, 0, 10 * k, 0, px, qty, Side.NONE, 0) for k, (px, qty) in enumerate(prints, start=1)]
    return [r for _, r in play(Scenario(ticks, sends, settings=settings, instruments=(spec,))) if isinstance(r, OrderFilled)]


@pytest.mark.parametrize(
    ("qty", "sizes", "expected"),
    [
        (100, [1000], ["1.00"]),
        (200, [1000], ["1.00"]),
        (1000, [1000], ["5.00"]),
        (300, [100, 100, 100], ["1.00", "0.00", "0.50"]),
        (5, [1, 1, 1, 1, 1], ["1.00", "0.00", "0.00", "0.00", "0.00"]),
    ],
)
def test_the_minimum_holds_for_the_order_and_not_for_each_fill(qty: int, sizes: list[int], expected: list[str]) -> None:
    got = fees(SHARE, LEAN, [(14_000, size) for size in sizes], {0: [order("a", 1, qty)]})
    assert [SHARE.amt_text(f.fee_amt) for f in got] == expected


def test_a_replaced_order_pays_its_minimum_once() -> None:
    got = fees(SHARE, LEAN, [(100, 10), (100, 10), (100, 10)], {0: [order("a", 1, 20, limit=100), replace("b", "a", 30, limit=100)]})
    assert [f.fee_amt for f in got] == [100, 0, 0]


def test_a_fee_names_the_settlement_currency_and_its_digits() -> None:
    (fill,) = fees(COIN, VenueSettings(taker_ppm=1000), [(6_000_000, 1)], {0: [order("a", 1, 50_000)]})
    assert (COIN.amt_text(fill.fee_amt), fill.fee_currency, fill.fee_digits) == ("30.00000000", "USDT", 8)


def test_an_inverse_contract_pays_in_its_base() -> None:
    (fill,) = fees(INVERSE, VenueSettings(taker_ppm=500), [(500_000, 1)], {0: [order("a", -1, 100_000)]})
    assert (INVERSE.amt_text(fill.fee_amt), fill.fee_currency) == ("0.00100000", "XBT")


def test_makers_may_be_paid() -> None:
    settings = VenueSettings(maker_ppm=-100, taker_ppm=500, liquidity=Size.INFINITE)
    got = fees(SHARE, settings, [(10_000, 1), (10_000, 1), (9_000, 1)], {1: [order("taker", 1, 100), order("maker", 1, 100, limit=9_500)]})
    assert [(f.cl_ord_id, f.fee_amt) for f in got] == [("taker", 500), ("maker", -95)]


@given(st.integers(1, 10**9), st.integers(1, 10**9), st.integers(-10_000, 10_000), st.integers(0, 10**9), st.sampled_from([SHARE, COIN, INVERSE]))
def test_a_fee_is_the_exact_amount_rounded_half_even(px: int, qty: int, ppm: int, per_unit: int, spec: Instrument) -> None:
    unit = Fraction(per_unit, 10**9) * Fraction(qty, 10**spec.qty_digits) * 10**spec.amt_digits
    expected = round(Fraction(spec.notional(px, qty) * ppm, 10**6)) + round(unit)
    assert Fees(spec, VenueSettings(taker_ppm=ppm, fee_per_unit=per_unit)).of_fill(px, qty, taker=True) == expected


def test_a_minimum_finer_than_the_currency_is_rounded_up() -> None:
    assert Fees(SHARE, VenueSettings(fee_min=1_000_000_001)).owed(0) == 101
