"""One instrument's position: netting, exact cost, and what busts and rounding may and may not change."""

from __future__ import annotations

from fractions import Fraction
from math import gcd

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.instrument import instrument
from domain.position import Position

LINEAR = instrument("ES", price_digits=2, multiplier="50")
INVERSE = instrument("XBTUSD", base="XBT", quote="USD", price_digits=1, inverse=True)

fills = st.lists(st.tuples(st.integers(-1000, 1000).filter(bool), st.integers(1, 10**6)), max_size=40)


def netted(spec_fills: list[tuple[int, int]], spec=LINEAR) -> Position:
    position = Position()
    for qty, px in spec_fills:
        position.apply(qty, spec.value(px, qty))
    return position


@pytest.mark.parametrize(
    ("steps", "qty", "avg", "realised"),
    [
        ([], 0, None, 0),
        ([(10, 100)], 10, 100, 0),
        ([(10, 100), (30, 200)], 40, 175, 0),
        ([(10, 100), (-4, 130)], 6, 100, 120),
        ([(10, 100), (-10, 130)], 0, None, 300),
        ([(10, 100), (-15, 130)], -5, 130, 300),
        ([(-10, 100)], -10, 100, 0),
        ([(-10, 100), (-10, 50)], -20, 75, 0),
        ([(-10, 100), (4, 130)], -6, 100, -120),
        ([(-10, 100), (15, 90)], 5, 90, 100),
        ([(1, 100), (2, 101), (-1, 101)], 2, Fraction(302, 3), Fraction(1, 3)),
        ([(1, 100), (2, 101), (-1, 101), (-2, 101)], 0, None, 1),
        ([(10, 100), (0, 500)], 10, 100, 0),
    ],
)
def test_average_cost_netting(steps: list[tuple[int, int]], qty: int, avg: Fraction | None, realised: Fraction) -> None:
    position = netted(steps)
    assert position.qty == qty
    assert LINEAR.average_px(position.cost, qty) == avg
    assert position.realised == realised * LINEAR.factor
    assert gcd(position.cost_num, position.cost_den) == 1


def test_realised_amount_is_rounded_half_to_even() -> None:
    position = Position()
    position.apply(2, 1)
    position.apply(-1, -1)
    assert position.realised == Fraction(1, 2)
    assert position.realised_amt() == 0
    position.apply(1, 0)
    position.apply(-1, -1)
    assert (position.realised, position.realised_amt()) == (Fraction(5, 4), 1)


def test_an_inverse_contract_bought_low_and_sold_high_gains_in_its_base() -> None:
    position = netted([(100_000, 105_000)], INVERSE)
    assert INVERSE.average_px(position.cost, position.qty) == pytest.approx(105_000, rel=1e-9)
    value = INVERSE.value(115_056, position.qty)
    assert position.unrealised(value) == 83_238_969
    position.apply(-100_000, INVERSE.value(115_056, -100_000))
    assert (position.qty, position.cost, position.realised_amt()) == (0, 0, 83_238_969)


@given(fills, st.integers(1, 10**6), st.sampled_from([LINEAR, INVERSE]))
def test_position_is_the_sum_of_its_fills_and_total_profit_is_exact_at_every_mark(steps, mark, spec) -> None:
    position = netted(steps, spec)
    assert position.qty == sum(qty for qty, _ in steps)
    value = spec.value(mark, position.qty)
    total = value - sum(spec.value(px, qty) for qty, px in steps)
    assert position.total(value) == total
    assert position.realised + position.unrealised(value) == total
    assert position.cost_den >= 1
    assert gcd(position.cost_num, position.cost_den) == 1


@given(fills)
def test_realised_profit_comes_only_from_what_was_closed_at_the_average_entry(steps) -> None:
    position = Position()
    qty, avg, realised = 0, Fraction(0), Fraction(0)
    for dq, px in steps:
        position.apply(dq, LINEAR.value(px, dq))
        closed = min(abs(qty), abs(dq)) if qty * dq < 0 else 0
        realised += closed * (px - avg) * (1 if qty > 0 else -1)
        if qty * dq >= 0:
            avg = (avg * qty + px * dq) / (qty + dq)
        elif abs(dq) > abs(qty):
            avg = Fraction(px)
        qty += dq
        assert position.realised == realised * LINEAR.factor
        assert position.cost == (avg * qty if qty else 0) * LINEAR.factor


@given(fills, st.data())
def test_busted_fills_leave_quantity_cash_and_total_as_if_they_had_never_been(steps, data) -> None:
    busted = data.draw(st.lists(st.booleans(), min_size=len(steps), max_size=len(steps)))
    position = netted(steps + [(-qty, px) for (qty, px), gone in zip(steps, busted, strict=True) if gone])
    clean = netted([step for step, gone in zip(steps, busted, strict=True) if not gone])
    assert (position.qty, position.cash) == (clean.qty, clean.cash)
    value = LINEAR.value(777, position.qty)
    assert position.total(value) == clean.total(value)


def test_a_cost_that_grows_without_end_is_rounded_far_below_any_unit_and_the_total_stays_exact() -> None:
    position, exact, held = Position(), Fraction(0), 10**9 + 7
    position.apply(held, 10**15)
    exact, paid, widest = Fraction(10**15), 10**15, 1
    for n in range(60):
        position.apply(-1, -n)
        exact = exact * (held - 1) / held
        position.apply(1, n * n)
        exact += n * n
        paid += n * n - n
        widest = max(widest, position.cost_den)
        assert position.cost_den <= 1 << 512
        assert gcd(position.cost_num, position.cost_den) == 1
    assert widest > 1 << 480  # the cap was reached and left again
    assert position.cost != exact
    assert abs(position.cost - exact) < Fraction(1, 1 << 250)
    assert position.total(0) == -paid
