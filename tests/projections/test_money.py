"""Positions, profit, equity and ledger agree with each other and with counting the slow way, to the last unit."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.commit import Commit
from domain.events import (
    TICKS,
    Balance,
    BarClosed,
    ExternalTradeObserved,
    FeeCharged,
    FillBusted,
    FillCorrected,
    FundingPaid,
    QuoteUpdated,
    ReconciliationAdjusted,
    TradePrinted,
)
from domain.money import POW10
from domain.terms import Side, TickKind
from domain.ticks import table
from projections.equity import POINTS, EquityCurve
from projections.executions import Executions
from projections.ledger import Ledger, Posting
from projections.pnl import CurrencyPnl, Pnl
from projections.positions import Positions
from projections.rebuild import fold
from tests.projections.builder import BTC, QQQ, SPY, Session
from tests.projections.oracle import Oracle
from tests.projections.walks import sessions


def trade(s: Session, px: int, *, of: int = 0) -> int:
    return s.tick(TradePrinted(s.later(), 0, s.ns, of, px, 1, Side.BUY, 0))


def quote(s: Session, bid: int, ask: int, *, bid_qty: int = 1, of: int = 0) -> int:
    return s.tick(QuoteUpdated(s.later(), 0, s.ns, of, bid, bid_qty, ask, 1))


def pnl(s: Session) -> Pnl:
    view = Pnl()
    fold(s.commits(), [view])
    return view


def usd(s: Session) -> CurrencyPnl:
    return pnl(s).rows()[0]


def watched(commits: list[Commit]) -> Oracle:
    oracle = Oracle()
    for commit in commits:
        for seq, event in commit.items():
            oracle.feed(seq, event)
    return oracle


def test_a_round_trip_realises_its_profit_less_fees() -> None:
    s = Session()
    s.trade(Side.BUY, 10, 500_00, fee=100)
    trade(s, 505_00)
    row = usd(s)
    assert (row.digits, row.opening, row.realised, row.unrealised, row.fees) == (3, 100_000_000, 0, 50_000, 1_000)
    assert row.equity == 100_000_000 + 50_000 - 1_000
    s.trade(Side.SELL, 10, 507_00, fee=50)
    row = usd(s)
    assert (row.realised, row.unrealised, row.fees, row.equity) == (70_000, 0, 1_500, 100_068_500)


def test_the_mark_is_the_last_print_else_the_exact_middle_else_the_own_fill() -> None:
    s = Session()
    s.trade(Side.BUY, 1, 500_00)
    view = pnl(s)
    assert view.by_instrument()[0].mark_px == 500_000
    quote(s, 501_00, 501_01)
    assert pnl(s).by_instrument()[0].mark_px == 501_005
    assert usd(s).unrealised == 1_005
    quote(s, 900_00, 900_01, bid_qty=0)
    assert usd(s).unrealised == 1_005
    s.tick(BarClosed(s.later(), 0, s.ns, 0, 1, 1, 1, 502_00, 1, 60))
    quote(s, 1, 2)
    assert usd(s).unrealised == 2_000
    trade(s, 499_00)
    assert usd(s).unrealised == -1_000


def test_equity_extremes_between_two_fills_are_exact() -> None:
    s = Session(balances=[Balance("USD", 1_000_00, 2)])
    s.trade(Side.BUY, 10, 10_00)
    for px in (12_00, 9_00, 11_00, 15_00, 7_00, 14_00):
        trade(s, px)
    down = usd(s).drawdown
    assert (down.amt, down.peak, down.relative) == (80_000, 1_050_000, (80_000, 1_050_000))
    assert down.trough_seq == s.last_tick - 1
    s.trade(Side.SELL, 20, 14_00)
    trade(s, 14_01)
    assert usd(s).drawdown.amt == 80_000


def test_the_largest_relative_fall_need_not_be_the_largest_fall() -> None:
    curve = EquityCurve(1, 0, 10)
    n = np.arange(6)
    curve.extend(n + 2, n, np.array([10, 5, 100, 60, 200, 150]), np.zeros(6, dtype=bool))
    down = curve.drawdown()
    assert (down.amt, down.peak, down.trough_seq) == (50, 200, 7)
    assert down.relative == (5, 10)


@given(
    values=st.lists(st.integers(-50, 50) | st.integers(-(1 << 70), 1 << 70), min_size=1, max_size=40),
    cuts=st.lists(st.integers(1, 39), max_size=5),
)
def test_extremes_of_any_series_are_those_found_one_by_one(values: list[int], cuts: list[int]) -> None:
    first, *rest = values
    curve = EquityCurve(1, 0, first)
    bounds = sorted({0, len(rest), *(c for c in cuts if c < len(rest))})
    wide = any(abs(v) >> 62 for v in values)
    for start, stop in pairwise(bounds):
        n = np.arange(start, stop)
        curve.extend(n + 2, n, np.array(rest[start:stop], dtype=object if wide else np.int64), n % 2 == 0)
    peak, fall, relative = first, 0, Fraction(0)
    for v in rest:
        peak = max(peak, v)
        fall = max(fall, peak - v)
        relative = max(relative, Fraction(peak - v, peak)) if peak > 0 else relative
    down = curve.drawdown()
    assert (curve.peak, down.amt) == (peak, fall)
    assert (down.relative is not None) == (peak > 0)
    assert down.relative is None or Fraction(*down.relative) == relative


@given(session=sessions())
def test_pnl_is_what_one_finds_event_by_event(session: Session) -> None:
    commits = session.commits()
    oracle = watched(commits)
    view = pnl(session)
    for row in view.rows():
        unit = POW10[row.digits]
        series = [e for _, e in oracle.equities[row.currency]]
        assert Fraction(row.equity, unit) == series[-1]
        assert row.equity == row.opening + row.adjusted + row.realised + row.unrealised - row.fees - row.funding
        # A currency that only a later fee was paid in began with nothing.
        began = series if len(series) == commits[-1].last_seq else [Fraction(0), *series]
        peak, fall, relative = began[0], Fraction(0), Fraction(0)
        for e in began:
            peak = max(peak, e)
            fall = max(fall, peak - e)
            relative = max(relative, (peak - e) / peak) if peak > 0 else relative
        assert Fraction(row.peak, unit) == peak
        assert Fraction(row.drawdown.amt, unit) == fall
        assert row.drawdown.relative is None if peak <= 0 else Fraction(*row.drawdown.relative or (9, 1)) == relative
        known = dict(oracle.equities[row.currency])
        for point in view.curve(row.currency):
            assert Fraction(point.equity, unit) == known.get(point.seq, Fraction(0))


@given(session=sessions())
def test_the_ledger_balances_after_every_event_and_its_cash_explains_equity(session: Session) -> None:
    ledger, view, oracle = Ledger(), Pnl(), Oracle()
    fold(session.commits(), [view])
    booked: dict[tuple[str, str], Fraction] = {}
    for commit in session.commits():
        for seq, event in commit.items():
            oracle.feed(seq, event)
            if type(event) not in TICKS:
                for p in ledger.evolve_postings(seq, event):
                    key = (p.account, p.currency)
                    booked[key] = booked.get(key, Fraction(0)) + Fraction(p.amt, POW10[p.digits])
                assert all(ledger.total(c) == 0 for c in ledger.currencies)
    for row in ledger.rows():
        assert booked[row.account, row.currency] == Fraction(row.amt, POW10[row.digits])
    for currency, cash in oracle.cash.items():
        balance = ledger.balance(f"cash:{currency}", currency)
        assert Fraction(balance.amt, POW10[balance.digits]) == cash
    for row in view.rows():
        balance = ledger.balance(f"cash:{row.currency}", row.currency)
        marks = sum((oracle.value(i) for i, spec in enumerate(oracle.instruments) if spec.settle == row.currency), Fraction(0))
        assert Fraction(row.equity, POW10[row.digits]) == Fraction(balance.amt, POW10[balance.digits]) + marks
        realised = sum(ledger.balance(f"realised:{i.symbol}", i.settle).amt for i in oracle.instruments if i.settle == row.currency)
        assert Fraction(row.realised, POW10[row.digits]) == Fraction(-realised, POW10[balance.digits])


@given(session=sessions())
def test_a_position_is_the_sum_of_the_fills_that_stand(session: Session) -> None:
    commits = session.commits()
    oracle = watched(commits)
    positions, executions = Positions(), Executions()
    fold(commits, [positions, executions])
    assert [h.qty for h in positions.rows()] == oracle.qty
    standing = [e for e in executions.rows() if not e.state]
    for h in positions.rows():
        assert h.qty == sum(e.side * e.last_qty for e in standing if e.index == h.index)
    for h in positions.by_strategy():
        assert h.qty == sum(e.side * e.last_qty for e in standing if (e.index, e.strategy) == (h.index, h.strategy))
    names = {-1: "", 0: "alpha", 1: "beta"}
    owned = {(h.strategy, h.index): h.qty for h in positions.by_strategy()}
    for s, i in {(s, i) for _, s, i, _, _ in oracle.booked}:
        assert owned[names[s], i] == sum(qty for _, s2, i2, qty, _ in oracle.booked if (s2, i2) == (s, i))


def test_positions_name_average_price_fees_and_strategy() -> None:
    s = Session((SPY, QQQ))
    s.trade(Side.BUY, 10, 500_00, fee=3)
    s.trade(Side.BUY, 20, 501_00, strategy=1, fee=5)
    s.trade(Side.SELL, 3, 400_00, of=1)
    view = Positions()
    fold(s.commits(), [view])
    spy, qqq = view.rows()
    assert (spy.qty, spy.avg_px, spy.fees, spy.fills) == (30, Fraction(1_502_000, 30), (("USD", 8, 2),), 2)
    assert (qqq.qty, qqq.avg_px, qqq.instrument.symbol) == (-3, 400_00, "QQQ")
    assert [(h.strategy, h.instrument.symbol, h.qty) for h in view.by_strategy()] == [("alpha", "SPY", 10), ("alpha", "QQQ", -3), ("beta", "SPY", 20)]


def test_busts_corrections_and_trades_from_elsewhere_reach_every_view() -> None:
    s = Session()
    order = s.submit(Side.BUY, 10)
    s.fill(order, 500_00, 4, exec_id="a")
    s.fill(order, 501_00, 6, exec_id="b", fee=7)
    s.fill(order, 999_00, 9, exec_id="b")
    s.emit(FillBusted(s.later(), 0, order, s.ns, "z", "a"))
    corrected = s.emit(FillCorrected(s.later(), 0, order, s.ns, "c", "b", 502_00, 5))
    s.emit(ExternalTradeObserved(s.later(), 0, 0, s.ns, "x", Side.SELL, 500_00, 2, "by hand"))
    view, blotter, ledger = Positions(), Executions(), Ledger()
    fold(s.commits(), [view, blotter, ledger])
    assert view.rows()[0].qty == 3
    rows = blotter.rows()
    assert [(r.exec_id, r.state, r.last_qty, r.corrects, r.strategy) for r in rows] == [
        ("a", "busted", 4, "", "alpha"), ("b", "corrected", 6, "", "alpha"), ("c", "", 5, "b", "alpha"), ("x", "", 2, "", ""),
    ]  # fmt: skip
    assert rows[1].changed_seq == corrected
    assert (rows[1].fee_amt, rows[2].fee_amt, rows[3].reason) == (7, 0, "by hand")
    assert ledger.balance("cash:USD", "USD") == Posting("cash:USD", "USD", 100_000_00 - 5 * 502_00 + 2 * 500_00 - 7, 2)


def test_a_correction_that_changes_nothing_but_the_exec_id_can_be_busted_under_the_new_one() -> None:
    s = Session()
    order = s.trade(Side.BUY, 4, 500_00)
    s.emit(FillCorrected(s.later(), 0, order, s.ns, "c", "E1", 500_00, 4))
    s.emit(FillBusted(s.later(), 0, order, s.ns, "z", "c"))
    s.fill(order, 500_00, 4, exec_id="E1")
    view, blotter = Positions(), Executions()
    fold(s.commits(), [view, blotter])
    assert view.rows()[0].qty == 0
    assert [(r.exec_id, r.state) for r in blotter.rows()] == [("E1", "corrected"), ("c", "busted")]


def test_the_ledger_books_opening_fees_funding_and_adjustments_under_their_names() -> None:
    s = Session((SPY, BTC), balances=[Balance("USD", 1_000_00, 2)])
    s.trade(Side.BUY, 2, 100_00, fee=1, currency="USD", digits=2)
    s.emit(FeeCharged(s.later(), 0, "USD", 5, 3, "data"))
    s.emit(FundingPaid(s.later(), 0, 1, "BTC", 7, 8))
    s.emit(ReconciliationAdjusted(s.later(), 1, "USD", 4, 2, "found"))
    s.trade(Side.SELL, 1, 110_00)
    view = Ledger()
    fold(s.commits(), [view])
    assert {r.account: (r.amt, r.digits) for r in view.rows()} == {
        "cash:USD": (1_000_000 - 200_000 - 10 - 5 + 40 + 110_000, 3),
        "equity:opening:USD": (-1_000_000, 3),
        "position:SPY": (100_000, 3),
        "fees:USD": (15, 3),
        "adjustments:USD": (-40, 3),
        "realised:SPY": (-10_000, 3),
        "cash:BTC": (-7, 8),
        "funding:BTC": (7, 8),
    }
    assert view.balance("position:QQQ", "USD").amt == 0


def test_realised_profit_that_does_not_fit_the_unit_is_never_lost() -> None:
    s = Session()
    s.trade(Side.BUY, 2, 100_01)
    s.trade(Side.BUY, 1, 100_03)
    for _ in range(3):
        s.trade(Side.SELL, 1, 101_00)
    view = Ledger()
    fold(s.commits(), [view])
    assert view.balance("position:SPY", "USD").amt == 0
    assert view.balance("realised:SPY", "USD").amt == -(303_00 - 300_05)


def test_two_instruments_of_one_symbol_have_their_own_accounts() -> None:
    s = Session((SPY, msgspec.structs.replace(SPY, venue="OTHER")))
    s.trade(Side.BUY, 1, 100_00)
    s.trade(Side.SELL, 1, 101_00, of=1)
    view = Ledger()
    fold(s.commits(), [view])
    assert view.balance("position:SPY@SIM", "USD").amt == 100_00
    assert view.balance("position:SPY@OTHER", "USD").amt == -101_00


def test_a_curve_keeps_every_fill_and_a_bounded_number_of_marks() -> None:
    s = Session()
    n = 50_000
    px = 500_00 + np.arange(n) % 997
    times = np.arange(1, n + 1) * 10_000_000_000 + s.ns
    for i in range(5):
        s.trade(Side.BUY, 1, 500_00)
        s.ns = int(times[(i + 1) * n // 5 - 1])
        part = slice(i * n // 5, (i + 1) * n // 5)
        s.table(table(TickKind.TRADE, 0, times[part], times[part], px[part], 1, 1, 0))
    view = pnl(s)
    points = view.curve("USD")
    assert POINTS // 2 < len(points) <= POINTS + 6
    assert [p.seq for p in points] == sorted(p.seq for p in points)
    assert points[-1].equity == view.rows()[0].equity
    assert points[0].equity == view.rows()[0].opening


def test_a_fill_that_leaves_equity_as_it_was_is_a_point_of_the_curve() -> None:
    s = Session()
    trade(s, 500_00)
    order = s.submit(Side.BUY, 1)
    fill = s.fill(order, 500_00, 1)
    assert [(p.seq, p.equity) for p in pnl(s).curve("USD")] == [(1, 100_000_000), (fill, 100_000_000)]


@given(steps=st.lists(st.integers(1, 1 << 26), min_size=1, max_size=60), limit=st.integers(2, 9), cut=st.integers(1, 59))
def test_marks_are_thinned_to_the_finest_grid_that_fits(steps: list[int], limit: int, cut: int) -> None:
    times = np.cumsum(np.array(steps, dtype=np.int64))
    n = np.arange(len(times))
    curve = EquityCurve(1, 0, 0, limit)
    for part in (slice(None, cut), slice(cut, None)):
        if len(n[part]):
            curve.extend(n[part] + 2, times[part], n[part] + 1, np.zeros(len(n[part]), dtype=bool))
    step = 1 << 20
    while len(last := {t // step: i + 2 for i, t in enumerate(times.tolist())}) > limit:
        step *= 2
    assert [p.seq for p in curve.points()] == [1, *last.values()]


@pytest.mark.parametrize("px", [(1 << 62) + 1, -(1 << 63), (1 << 63) - 1])
def test_numbers_beyond_int64_stay_exact(px: int) -> None:
    s = Session()
    s.trade(Side.BUY, 1 << 40, 5)
    trade(s, px)
    trade(s, 6)
    row = usd(s)
    moved = (1 << 40) * (px - 5)
    assert row.peak == row.opening + max(moved, 1 << 40) * 10
    assert row.equity == row.opening + (1 << 40) * 10
    assert row.drawdown.amt == (max(0, moved - (1 << 40)) if px > 0 else -moved) * 10
