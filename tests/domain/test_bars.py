"""Bars from trades: whole tables, blocks and single ticks agree, and excluded conditions count in the volume only."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.bars import NEVER_NS, BarBuilder, bars_of
from domain.events.market import BarClosed, QuoteUpdated, TradePrinted
from domain.terms import Side
from domain.ticks import Tick, Ticks, of_events

Trade = tuple[int, int, int, int, int]  # time, instrument, price, size, conditions


def tape(trades: list[Trade]) -> Ticks:
    ticks: list[Tick] = []
    for ns, inst, px, qty, conditions in trades:
        ticks.append(TradePrinted(ns, 0, ns - 7, inst, px, qty, Side.NONE, conditions))
        ticks.append(QuoteUpdated(ns, 0, ns, inst, 10**9, 1, -(10**9), 1))
    return of_events(ticks)


def plainly(trades: list[Trade], interval: int, offset: int, mask: int) -> list[BarClosed]:
    """The definition, one trade at a time."""
    groups: dict[tuple[int, int], list[Trade]] = {}
    for t in trades:
        groups.setdefault(((t[0] - offset) // interval * interval + offset + interval, t[1]), []).append(t)
    bars = []
    for (end, inst), group in sorted(groups.items()):
        px = [t[2] for t in group if not t[4] & mask] or [t[2] for t in group]
        bars.append(BarClosed(end, 0, end, inst, px[0], max(px), min(px), px[-1], sum(t[3] for t in group), interval))
    return bars


def stepwise(ticks: Ticks, inst: int, interval: int, offset: int, mask: int, step: int) -> list[BarClosed | None]:
    builder = BarBuilder(inst, interval, mask, offset)
    bars = []
    for start in range(0, len(ticks), step):
        at, stop = start, min(start + step, len(ticks))
        while (at := builder.add(ticks, at, stop)) < stop:
            bars.append(builder.close())
    if builder.boundary_ns != NEVER_NS:
        bars.append(builder.close())
    return bars


TAPES = st.lists(
    st.tuples(st.integers(-50, 200), st.integers(0, 2), st.integers(-20, 20), st.integers(1, 9), st.sampled_from([0, 0, 1, 2, 3])), max_size=60
).map(lambda rows: sorted(rows, key=lambda r: r[0]))


@given(trades=TAPES, interval=st.integers(1, 60), offset=st.integers(-70, 70), mask=st.integers(0, 3), step=st.integers(1, 40))
def test_table_blocks_and_definition_give_equal_bars(trades: list[Trade], interval: int, offset: int, mask: int, step: int) -> None:
    ticks = tape(trades)
    expected = plainly(trades, interval, offset, mask)
    assert list(bars_of(ticks, interval, offset_ns=offset, exclude_conditions=mask).events()) == expected
    for inst in range(3):
        assert stepwise(ticks, inst, interval, offset, mask, step) == [b for b in expected if b.instrument == inst]


def test_a_trade_at_the_boundary_belongs_to_the_next_bar() -> None:
    ticks = tape([(59, 0, 1, 1, 0), (60, 0, 2, 1, 0)])
    assert [(b.event_ns, b.close_px) for b in bars_of(ticks, 60).events() if isinstance(b, BarClosed)] == [(60, 1), (120, 2)]


def test_a_builder_opens_at_the_first_trade_of_its_instrument_and_stops_at_the_boundary() -> None:
    ticks = tape([(10, 1, 5, 1, 0), (70, 0, 7, 2, 0), (119, 0, 6, 1, 0), (120, 1, 9, 1, 0), (121, 0, 8, 1, 0)])
    builder = BarBuilder(0, 60)
    assert builder.boundary_ns == NEVER_NS
    assert builder.add(ticks, 0, 2) == 2
    assert builder.boundary_ns == NEVER_NS
    assert builder.add(ticks, 2, len(ticks)) == 6
    assert builder.boundary_ns == 120
    assert builder.close(125) == BarClosed(125, 0, 120, 0, 7, 7, 6, 6, 3, 60)
    assert (builder.boundary_ns, builder.close()) == (NEVER_NS, None)


@pytest.mark.parametrize(("mask", "prices", "volume"), [(0, (5, 9, 1, 9), 6), (2, (5, 5, 1, 1), 6), (3, (1, 1, 1, 1), 6), (7, (5, 9, 1, 9), 6)])
def test_excluded_conditions_count_in_the_volume_and_set_prices_only_when_alone(mask: int, prices: tuple[int, ...], volume: int) -> None:
    ticks = tape([(1, 0, 5, 1, 1), (2, 0, 1, 2, 4), (3, 0, 9, 3, 2)])
    (bar,) = (b for b in bars_of(ticks, 60, exclude_conditions=mask).events() if isinstance(b, BarClosed))
    assert ((bar.open_px, bar.high_px, bar.low_px, bar.close_px), bar.volume_qty) == (prices, volume)


def test_a_table_without_trades_has_no_bars() -> None:
    assert len(bars_of(tape([]), 60)) == 0
