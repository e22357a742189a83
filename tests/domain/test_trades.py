"""Closed trades: what belongs to which trade when a fill does more than one thing, and what must add up."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.instrument import instrument
from domain.position import Position
from domain.terms import Side
from domain.trades import ClosedTrade, Grouping, Trades

SPEC = instrument("X", price_digits=2)
INVERSE = instrument("XBTUSD", base="XBT", price_digits=1, inverse=True)
BY_FILL = [Grouping.FILL_TO_FILL_FIFO, Grouping.FILL_TO_FILL_LIFO]


def closed(grouping: Grouping, *fills: tuple[int, int], fee: int = 0, spec=SPEC) -> list[ClosedTrade]:
    trades = Trades(spec, grouping)
    return [t for ns, (qty, px) in enumerate(fills) for t in trades.fill(ns, qty, px, fee)]


@pytest.mark.parametrize("grouping", Grouping)
def test_a_fill_through_zero_closes_one_trade_and_opens_the_next_with_its_fee_charged_once(grouping: Grouping) -> None:
    first, second = closed(grouping, (10, 100), (-15, 130), (5, 120), fee=1)
    assert (first.side, first.qty, first.entry_ns, first.exit_ns, first.profit_amt, first.fee_amt) == (Side.BUY, 10, 0, 1, 300, 2)
    assert (second.side, second.qty, second.entry_ns, second.exit_ns, second.profit_amt, second.fee_amt) == (Side.SELL, 5, 1, 2, 50, 1)
    assert (second.entry_px, second.exit_px) == (130, 120)


@pytest.mark.parametrize("grouping", Grouping)
def test_a_short_trade_suffers_from_rising_and_gains_from_falling_prices(grouping: Grouping) -> None:
    trades = Trades(SPEC, grouping)
    assert trades.fill(0, -10, 100) == []
    trades.mark(130)
    trades.mark(60)
    [trade] = trades.fill(1, 10, 90)
    assert (trade.side, trade.profit_amt, trade.adverse_amt, trade.favourable_amt) == (Side.SELL, 100, -300, 400)


@pytest.mark.parametrize("grouping", Grouping)
def test_a_new_trade_knows_nothing_of_the_one_before(grouping: Grouping) -> None:
    trades = Trades(SPEC, grouping)
    trades.fill(0, 10, 100)
    trades.mark(900)
    trades.fill(1, -10, 100)
    trades.fill(2, 10, 200)
    [trade] = trades.fill(3, -10, 210)
    assert (trade.qty, trade.entry_px, trade.exit_px, trade.profit_amt, trade.adverse_amt, trade.favourable_amt) == (10, 200, 210, 100, 0, 100)


def test_one_exit_closes_several_entries_and_a_part_of_the_last() -> None:
    fifo = closed(Grouping.FILL_TO_FILL_FIFO, (10, 100), (10, 110), (10, 120), (-25, 130))
    assert [(t.qty, t.entry_px) for t in fifo] == [(10, 100), (10, 110), (5, 120)]
    lifo = closed(Grouping.FILL_TO_FILL_LIFO, (10, 100), (10, 110), (10, 120), (-25, 130))
    assert [(t.qty, t.entry_px) for t in lifo] == [(10, 120), (10, 110), (5, 100)]


def test_reductions_are_measured_against_the_average_entry() -> None:
    trades = closed(Grouping.FLAT_TO_REDUCED, (1, 100), (2, 101), (-1, 103), (-2, 103))
    assert [t.entry_px for t in trades] == [Fraction(302, 3)] * 2
    assert [t.profit_amt for t in trades] == [2, 5]  # 2 1/3 and 4 2/3 in whole units that add up to 7


steps = st.lists(st.tuples(st.integers(-50, 50).filter(bool), st.integers(1, 10**5)), max_size=30)


@given(steps, st.sampled_from(list(Grouping)), st.sampled_from([SPEC, INVERSE]))
def test_what_is_closed_and_paid_and_earned_is_in_exactly_one_trade(fills, grouping, spec) -> None:
    position, closed_qty, realised = Position(), 0, 0
    for qty, px in fills:
        closed_qty += min(abs(qty), abs(position.qty)) if qty * position.qty < 0 else 0
        position.apply(qty, spec.value(px, qty))
    flat = [*fills, (-position.qty, 50)] if position.qty else fills
    closed_qty += abs(position.qty)
    if position.qty:
        position.apply(-position.qty, spec.value(50, -position.qty))
    realised = position.realised_amt()
    trades = closed(grouping, *flat, fee=1, spec=spec)
    assert sum(t.qty for t in trades) == closed_qty
    assert sum(t.fee_amt for t in trades) == len(flat)
    # An inverse value is rounded, so one cut into parts may differ from the whole by a unit a part; a linear one is exact.
    slack = 2 * len(trades) + len(flat) if spec.inverse else 0
    assert abs(sum(t.profit_amt for t in trades) - realised) <= slack
    for t in trades:
        assert t.adverse_amt <= 0 <= t.favourable_amt
        assert t.entry_ns <= t.exit_ns
        if not spec.inverse and grouping in BY_FILL:
            assert t.adverse_amt <= t.profit_amt <= t.favourable_amt


@given(steps)
def test_trades_by_reduction_add_up_to_the_realised_profit_at_every_fill(fills) -> None:
    trades, position, total = Trades(SPEC, Grouping.FLAT_TO_REDUCED), Position(), 0
    for ns, (qty, px) in enumerate(fills):
        position.apply(qty, SPEC.value(px, qty))
        total += sum(t.profit_amt for t in trades.fill(ns, qty, px))
        assert total == position.realised_amt()
