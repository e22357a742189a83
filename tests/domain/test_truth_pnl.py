"""Positions and closed trades against published results: nautilus_trader, freqtrade, LEAN, and 3,000 real trades netted exactly.

Fees, interest and funding are no part of a position; they are added here, in fractions. The beancount tables match reductions
to single lots by booking method; a netting position has no lots, so they do not apply.
"""

from __future__ import annotations

import csv
import io
import json
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from domain.instrument import Instrument, instrument
from domain.money import POW10, fraction_to_text, round_half_even, to_decimal, to_int
from domain.position import Position
from domain.terms import Side
from domain.trades import ClosedTrade, Grouping, Trades
from tests.data import jsonl, shared, unpacked

Case = dict[str, Any]


def by_id(name: str) -> list[Any]:
    return [pytest.param(c, id=c["id"]) for c in jsonl(name)]


def signed(side: str, qty: int) -> int:
    return qty if side.upper() == "BUY" else -qty


def px_of(spec: Instrument, text: object) -> int:
    return to_int(str(text), spec.price_digits)


def amount(x: Fraction | int, spec: Instrument) -> Fraction:
    """An amount in whole units of the settlement currency."""
    return Fraction(x) / POW10[spec.amt_digits]


def average(spec: Instrument, position: Position) -> Fraction | None:
    """The average open price in whole units."""
    px = spec.average_px(position.cost, position.qty)
    return None if px is None else px / POW10[spec.price_digits]


@pytest.mark.parametrize(
    ("name", "rows"),
    [
        ("nautilus_position_cases.jsonl", 23),
        ("freqtrade_single_trade_profit.jsonl", 37),
        ("freqtrade_average_cost_dca.jsonl", 3),
        ("lean_closed_trades.jsonl", 3),
    ],
)
def test_every_row_of_the_table_is_there_to_be_checked(name: str, rows: int) -> None:
    shared(f"pnl/{name}")
    assert len(jsonl(f"pnl/{name}")) == rows


def nautilus_instrument(case: Case) -> Instrument:
    i = case["instrument"]
    exact = i["price_precision"] + i["size_precision"]
    return instrument(
        i["id"], base=i["base"] or "", quote=i["quote"], settle=i["settlement"], price_digits=i["price_precision"],
        qty_digits=i["size_precision"], amt_digits=max(8, exact), multiplier=i["multiplier"], inverse=i["is_inverse"],
    )  # fmt: skip


def rounded_like(x: Fraction, money: str) -> str:
    """`x` in the digits of an expected amount such as "12.00 USD"."""
    number, currency = money.split()
    return f"{fraction_to_text(x, -int(Decimal(number).as_tuple().exponent))} {currency}"


def nautilus_query(spec: Instrument, position: Position, paid: Fraction, query: Case) -> Fraction:
    if query["kind"] == "calculate_pnl":
        other = Position()
        qty = to_int(query["qty"], spec.qty_digits) * (1 if position.qty > 0 else -1)
        other.apply(qty, spec.value(px_of(spec, query["avg_px_open"]), qty))
        return amount(other.total(spec.value(px_of(spec, query["avg_px_close"]), qty)), spec)
    mark = px_of(spec, query["price"])
    match query["kind"]:
        case "unrealized_pnl":
            return amount(position.unrealised(spec.value(mark, position.qty)), spec)
        case "total_pnl":
            return amount(position.total(spec.value(mark, position.qty)), spec) - paid
    assert query["kind"] == "notional_value"
    return amount(spec.notional(mark, position.qty), spec)


@pytest.mark.parametrize("case", by_id("pnl/nautilus_position_cases.jsonl"))
def test_position_is_what_nautilus_gives_after_each_fill_and_query(case: Case) -> None:
    spec = nautilus_instrument(case)
    position = Position()
    trades = Trades(spec, Grouping.FLAT_TO_FLAT)
    paid = Fraction(0)
    peak = 0
    avg: Fraction | None = None
    asked = 0
    for n, step in enumerate(case["steps"]):
        fill, expect = step["fill"], step["expect"]
        qty, px = signed(fill["side"], to_int(fill["qty"], spec.qty_digits)), px_of(spec, fill["px"])
        position.apply(qty, spec.value(px, qty))
        closed = trades.fill(fill["ts"], qty, px)
        paid += Fraction(fill["commission"].split()[0])
        peak = max(peak, abs(position.qty))
        avg = average(spec, position) or avg  # nautilus goes on showing the last average when flat
        assert to_decimal(position.qty, spec.qty_digits) == Decimal(expect["signed_qty"])
        assert to_decimal(peak, spec.qty_digits) == Decimal(expect["peak_qty"])
        assert avg is not None
        # An inverse value is rounded to amt_digits, so its average is known to half a unit of the cost; a linear one to float's last digit.
        exact = float(Fraction(1, 2) / abs(position.cost)) if spec.inverse and position.qty else 1e-15
        assert float(avg) == pytest.approx(expect["avg_px_open"], rel=exact)
        assert rounded_like(amount(position.realised, spec) - paid, expect["realized_pnl"]) == expect["realized_pnl"]
        assert [rounded_like(paid, c) for c in expect["commissions"]] == expect["commissions"]
        assert [t.qty for t in closed] == ([peak] if expect["is_closed"] else [])
        for trade in closed:
            assert float(trade.exit_px / POW10[spec.price_digits]) == pytest.approx(expect["avg_px_close"], rel=1e-15)
            assert trade.profit_amt == position.realised
        for query in case["queries"]:
            if query["after_step"] == n:
                asked += 1
                assert rounded_like(nautilus_query(spec, position, paid, query), query["expect"]) == query["expect"]
    assert asked == len(case["queries"])


def dec(x: float) -> Fraction:
    """The decimal a JSON number was written as."""
    return Fraction(repr(x))


def freqtrade_interest(case: Case) -> Fraction:
    """Interest of a margin trade: of quote for a long, of base for a short."""
    if case["trading_mode"] != "margin":
        return Fraction(0)
    hours = -(-case["hold_minutes"] // 60)
    periods = Fraction(hours, 24) if case["exchange"] == "binance" else Fraction(1 + -(-hours // 4))
    amt, lev = dec(case["amount"]), case["lev"]
    borrowed = amt if case["is_short"] else amt * dec(case["open_rate"]) * Fraction(lev - 1, lev)
    return borrowed * dec(case["interest_rate"]) * periods


@pytest.mark.parametrize("case", by_id("pnl/freqtrade_single_trade_profit.jsonl"))
def test_profit_of_a_round_trip_is_what_freqtrade_gives(case: Case) -> None:
    spec = instrument("ADA/USDT", price_digits=1, qty_digits=0)
    qty = to_int(str(dec(case["amount"])), 0) * (-1 if case["is_short"] else 1)
    opened, closed = px_of(spec, case["open_rate"]), px_of(spec, case["close_rate"])
    position = Position()
    position.apply(qty, spec.value(opened, qty))
    position.apply(-qty, spec.value(closed, -qty))
    fee_open, fee_close, funding = dec(case["fee_open"]), dec(case["fee_close"]), dec(case["funding_fees"])
    interest = freqtrade_interest(case)
    if case["is_short"]:
        interest *= dec(case["close_rate"]) * (1 + fee_close)  # base that has to be bought back too
    entry, exit_ = amount(spec.notional(opened, qty), spec), amount(spec.notional(closed, qty), spec)
    profit = amount(position.realised, spec) - entry * fee_open - exit_ * fee_close - interest + funding
    sign = -1 if case["is_short"] else 1
    open_value = entry * (1 + sign * fee_open)
    assert float(profit) == pytest.approx(case["profit"], abs=2e-6)
    assert float(profit / open_value * case["lev"]) == pytest.approx(case["profit_ratio"], abs=2e-6)
    if "open_value" in case:
        assert float(open_value) == pytest.approx(case["open_value"], abs=2e-6)
        assert float(open_value + sign * profit) == pytest.approx(case["close_value"], abs=2e-6)


@pytest.mark.parametrize("case", by_id("pnl/freqtrade_average_cost_dca.jsonl"))
def test_average_entry_and_realised_profit_of_several_buys_and_sells_are_what_freqtrade_gives(case: Case) -> None:
    spec = instrument("ADA/USDT", price_digits=2, qty_digits=0)
    fee = dec(case["fee_rate"])
    position = Position()
    realised = invested = Fraction(0)
    for n, step in enumerate(case["steps"]):
        qty, px = signed(step["side"], step["amount"]), px_of(spec, step["price"])
        before = amount(position.cost, spec)
        shown = (position.qty, average(spec, position), before)
        profit = amount(position.realised, spec)
        value = amount(spec.value(px, qty), spec)
        position.apply(qty, spec.value(px, qty))
        gain = Fraction(0)
        if qty > 0:
            invested += value * (1 + fee)
        else:
            released = before - amount(position.cost, spec)
            gain = amount(position.realised, spec) - profit - fee * (released - value)
            realised += gain
        if n < len(case["steps"]) - 1:  # the last row shows the position before it was closed
            shown = (position.qty, average(spec, position), amount(position.cost, spec))
        expect = step["expect"]
        assert shown == (expect["amount"], expect["avg_open_rate"], expect["stake_amount"])
        assert float(realised) == pytest.approx(expect["cumulative_realized"], abs=1e-9)
        if qty < 0:
            assert float(gain) == pytest.approx(expect["last_realized"], abs=1e-9)
            assert float(realised / invested) == pytest.approx(expect["cumulative_ratio"], abs=1e-6)
    assert position.qty == position.cost == 0
    assert float(realised) == case["end_profit"]
    assert float(realised / invested) == pytest.approx(case["end_profit_ratio"], abs=1e-6)


def test_equity_after_each_of_leans_cash_fills_is_the_published_one() -> None:
    table = json.loads(shared("pnl/lean_cash_fills.json").read_text())
    spec = instrument("CASH", price_digits=2)
    position = Position()
    start = Decimal(table["equity"][0])
    assert len(table["fills"]) == len(table["equity"]) - 1 == 13
    for n, fill in enumerate(table["fills"], start=1):
        qty, px = to_int(fill["FillQuantity"], 0), px_of(spec, fill["FillPrice"])
        position.apply(qty, spec.value(px, qty))
        mark = spec.value(px_of(spec, n), position.qty)
        assert start + to_decimal(position.total(mark), spec.amt_digits) == Decimal(table["equity"][n])


GROUPINGS = {
    "FillToFill/FIFO": Grouping.FILL_TO_FILL_FIFO,
    "FillToFill/LIFO": Grouping.FILL_TO_FILL_LIFO,
    "FlatToFlat": Grouping.FLAT_TO_FLAT,
    "FlatToReduced": Grouping.FLAT_TO_REDUCED,
}


@pytest.mark.parametrize("case", by_id("pnl/lean_closed_trades.jsonl"))
def test_fills_are_grouped_into_the_trades_lean_builds(case: Case) -> None:
    spec = instrument("EURUSD", price_digits=3)
    for name, expected in case["expected"].items():
        trades = Trades(spec, GROUPINGS[name])
        closed: list[ClosedTrade] = []
        for event in case["events"]:
            if event["event"] == "mark":
                trades.mark(px_of(spec, event["price"]))
            else:
                closed += trades.fill(event["minute"], event["qty"], px_of(spec, event["price"]), to_int(event["fee"], spec.amt_digits))
        assert len(closed) == len(expected), name
        for trade, row in zip(closed, expected, strict=True):
            assert (trade.entry_ns, trade.exit_ns, trade.qty) == (row["entry_minute"], row["exit_minute"], row["qty"])
            assert (trade.entry_px / 1000, trade.exit_px / 1000) == (Fraction(row["entry_price"]), Fraction(row["exit_price"]))
            assert trade.side is {"Long": Side.BUY, "Short": Side.SELL}[row["direction"]]
            assert trade.profit_amt == to_int(row["profit_loss"], spec.amt_digits)
            assert trade.fee_amt == to_int(row["fees"], spec.amt_digits)
            if row["mae"] is not None:
                assert (trade.adverse_amt, trade.favourable_amt) == (to_int(row["mae"], spec.amt_digits), to_int(row["mfe"], spec.amt_digits))


def test_3000_real_trades_net_to_the_exact_position_average_and_profit_at_every_fill() -> None:
    rows = list(csv.DictReader(io.StringIO(unpacked("pnl/netting_BTCUSDT_spot_20240808_3000fills.csv.zst"))))
    spec = instrument("BTCUSDT", price_digits=2, qty_digits=5)
    position = Position()
    fees = Fraction(0)
    crossings = 0
    for row in rows:
        qty, px = signed(row["side"], to_int(row["qty"], 5)), px_of(spec, row["price"])
        crossings += position.qty * (position.qty + qty) < 0
        position.apply(qty, spec.value(px, qty))
        fees += Fraction(spec.notional(px, qty), 1000)
        assert to_decimal(position.qty, 5) == Decimal(row["position_after"])
        avg = average(spec, position) or Fraction(0)
        assert fraction_to_text(avg, 12) == f"{Decimal(row['avg_open_price_after']):.12f}"
        assert fraction_to_text(amount(position.realised, spec), 12) == f"{Decimal(row['realized_gross_cum']):.12f}"
        assert fraction_to_text(amount(fees, spec), 12) == f"{Decimal(row['fee_cum_at_0.001']):.12f}"
        assert abs(position.realised_amt() - position.realised) <= Fraction(1, 2)
        assert position.realised_amt() == round_half_even(position.realised)
    assert len(rows) == 3000
    assert crossings == 2
