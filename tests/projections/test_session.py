"""Causes, summaries and market data of a session."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.events import (
    DECISIONS,
    INPUTS,
    TICKS,
    BarClosed,
    OrderCanceled,
    OrderCancelRequested,
    QuoteUpdated,
    SessionClosed,
    TimerFired,
    TimerSet,
    TradePrinted,
)
from domain.terms import Side, TickKind
from domain.ticks import table
from projections.causes import Causes
from projections.market import BUCKETS, MINUTE_NS, Bucket, Market
from projections.rebuild import fold
from projections.sessions import Sessions
from tests.projections.builder import QQQ, SPY, Session
from tests.projections.walks import sessions


def trade(s: Session, px: int, *, of: int = 0, qty: int = 1) -> int:
    return s.tick(TradePrinted(s.ns, 0, s.ns, of, px, qty, Side.BUY, 0))


def causes(s: Session) -> Causes:
    view = Causes()
    fold(s.commits(), [view])
    return view


def market(s: Session, **how: int) -> Market:
    view = Market(**how)
    fold(s.commits(), [view])
    return view


def test_a_fill_leads_back_to_its_tick_and_the_tick_forward_to_the_fill() -> None:
    s = Session()
    trade(s, 500_00)
    tick = trade(s, 501_00)
    order = s.submit(Side.BUY, 1)
    fill = s.fill(order, 501_00, 1)
    view = causes(s)
    assert view.chain(fill) == [fill, fill - 2, fill - 3, fill - 4, tick]
    assert view.children(tick) == [tick + 1]
    assert view.children(fill - 2) == [fill - 1, fill]
    assert view.children(fill) == []
    assert view.parent(tick) == 0


def test_a_venues_answer_hangs_on_the_request_it_answers() -> None:
    s = Session()
    order = s.submit(Side.BUY, 1)
    request = s.emit(OrderCancelRequested(s.ns, 1, "T-9", order, ""))
    canceled = s.emit(OrderCanceled(s.later(), 0, "T-9", s.ns, order, ""))
    second = s.submit(Side.BUY, 1)
    unasked = s.emit(OrderCanceled(s.later(), 0, second, s.ns, "", "venue"))
    foreign = s.emit(OrderCanceled(s.later(), 0, "X-1", s.ns, "", "venue"))
    view = causes(s)
    assert view.chain(canceled) == [canceled, request, 1]
    assert view.parent(unasked) == unasked - 2
    assert view.chain(foreign) == [foreign]


def test_a_timer_leads_back_to_where_it_was_set_last() -> None:
    s = Session()
    s.emit(TimerSet(s.ns, 1, 0, "t", 5))
    moved = s.emit(TimerSet(s.ns, 1, 0, "t", 9))
    s.emit(TimerSet(s.ns, 1, 1, "t", 9))
    fired = s.emit(TimerFired(s.later(), 0, 0, "t", 9))
    assert causes(s).chain(fired) == [fired, moved, 1]


@pytest.mark.parametrize("seq", [0, -1, 3])
def test_an_unknown_seq_is_refused(seq: int) -> None:
    s = Session()
    trade(s, 1)
    with pytest.raises(LookupError, match="last is 2"):
        causes(s).chain(seq)


@given(session=sessions())
def test_every_chain_goes_down_and_ends_at_an_input(session: Session) -> None:
    view = causes(session)
    kinds = {seq: type(event) for commit in session.commits() for seq, event in commit.items()}
    assert view.last_seq == len(kinds)
    for seq in kinds:
        chain = view.chain(seq)
        assert chain == sorted(chain, reverse=True)
        assert kinds[chain[-1]] in INPUTS | TICKS
        for child, parent in pairwise(chain):
            assert child in view.children(parent)
    assert DECISIONS.isdisjoint(kinds[view.chain(seq)[-1]] for seq in kinds)


def test_a_summary_counts_and_says_whether_the_session_is_closed() -> None:
    s = Session()
    trade(s, 500_00)
    order = s.trade(Side.BUY, 10, 500_00, fee=1)
    s.fill(order, 1, 1, exec_id="E1")
    s.trade(Side.SELL, 10, 501_00)
    s.deny(Side.BUY, 99)
    trade(s, 500_00)
    trade(s, 500_00)
    other = Session((QQQ,), name="s-2")
    view = Sessions()
    fold(s.commits(), [view])
    assert view.rows()[0].closed_ns is None
    assert view.rows()[0].last_ns == s.ns
    s.emit(SessionClosed(s.later(), 0, "done"))
    view = Sessions()
    last = fold(s.commits(), [view])
    fold(other.commits(), [view])
    row, second = view.rows()
    assert (row.session, row.mode, row.opened_ns, row.closed_ns, row.last_ns, row.last_seq) == ("s-1", "simulated", s.opened.ns, s.ns, s.ns, last)
    assert (row.ticks, row.orders, row.fills, row.denials, row.realised) == (3, 2, 2, 1, (("USD", 10_00, 2),))
    assert row.events == {
        "open": 1, "close": 1, "accept": 2, "fill": 3, "signal": 3, "approve": 2, "deny": 1, "submit": 2,
    }  # fmt: skip
    assert sum(row.events.values()) + row.ticks == row.last_seq
    assert (second.session, second.last_seq, second.ticks) == ("s-2", 1, 0)


def test_the_last_trade_quote_and_bar_of_each_instrument() -> None:
    s = Session((SPY, QQQ))
    trade(s, 1)
    traded = trade(s, 2, of=1, qty=7)
    quoted = s.tick(QuoteUpdated(s.later(), 0, s.ns, 0, 3, 1, 4, 1))
    bar = s.tick(BarClosed(s.later(), 0, s.ns, 0, 1, 2, 1, 2, 9, MINUTE_NS))
    s.emit(TimerFired(s.later(), 0, 0, "t", s.ns))
    spy, qqq = market(s).rows()
    assert (spy.trade_seq, spy.quote_seq, spy.bar_seq) == (2, quoted, bar)
    assert spy.quote is not None
    assert (spy.quote.bid_px, spy.quote.ask_px) == (3, 4)
    assert (qqq.trade_seq, qqq.quote, qqq.bar, qqq.instrument.symbol) == (traded, None, None, "QQQ")
    assert qqq.trade is not None
    assert qqq.trade.qty == 7


def test_trades_make_minute_candles_and_a_bar_counts_for_the_minute_it_covers() -> None:
    s = Session()
    s.ns -= s.ns % MINUTE_NS
    start = s.ns
    for px in (10, 14, 9, 11):
        trade(s, px, qty=2)
        s.later()
    s.ns = start + MINUTE_NS
    s.tick(BarClosed(s.ns, 0, s.ns, 0, 11, 15, 8, 12, 100, MINUTE_NS))
    trade(s, 20)
    chart = market(s).chart(0)
    assert (chart.of, chart.interval_ns, chart.price_digits) == ("trades", MINUTE_NS, 2)
    assert chart.buckets == (Bucket(start, 10, 15, 8, 12, 108, 5), Bucket(start + MINUTE_NS, 20, 20, 20, 20, 1, 1))


def test_without_trades_the_chart_is_of_the_exact_middle_of_quotes() -> None:
    s = Session()
    s.tick(QuoteUpdated(s.ns, 0, s.ns, 0, 10, 1, 13, 1))
    s.tick(QuoteUpdated(s.ns, 0, s.ns, 0, 1, 0, 99, 1))
    chart = market(s).chart(0)
    assert (chart.of, chart.price_digits, [b.close_px for b in chart.buckets]) == ("quotes", 3, [115])
    assert market(Session()).chart(0).buckets == ()


@given(
    steps=st.lists(st.integers(0, 5 * MINUTE_NS), min_size=1, max_size=60),
    limit=st.integers(2, 9),
)
def test_a_chart_is_bounded_and_its_interval_no_longer_than_needed(steps: list[int], limit: int) -> None:
    s = Session()
    times = []
    for i, step in enumerate(steps):
        times.append(s.later(step))
        trade(s, 100 + i * 7 % 13)
    chart = market(s, buckets=limit).chart(0)
    assert len(chart.buckets) == len({t // chart.interval_ns for t in times}) <= limit
    half = chart.interval_ns // 2
    assert chart.interval_ns == MINUTE_NS or len({t // half for t in times}) > limit
    for b in chart.buckets:
        inside = [100 + i * 7 % 13 for i, t in enumerate(times) if b.start_ns <= t < b.start_ns + chart.interval_ns]
        assert (b.open_px, b.high_px, b.low_px, b.close_px, b.ticks) == (inside[0], max(inside), min(inside), inside[-1], len(inside))
        assert b.volume_qty == len(inside)


def test_a_long_table_stays_within_the_default_bound() -> None:
    s = Session()
    n = 20_000
    times = s.ns + np.arange(n) * MINUTE_NS
    s.table(table(TickKind.TRADE, 0, times, times, 5, (1 << 63) - 1, 1, 0))
    s.ns = int(times[-1])
    chart = market(s).chart(0)
    assert len(chart.buckets) <= BUCKETS
    assert chart.interval_ns == 16 * MINUTE_NS
    assert sum(b.volume_qty for b in chart.buckets) == n * ((1 << 63) - 1)
