"""The recorded market data, against facts measured by an independent script."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from adapters.feeds import CsvFeed
from adapters.feeds.merge import MergedFeed
from domain.bars import BarBuilder, bars_of
from domain.instrument import instrument
from domain.ticks import BAR, CLOSE_PX, HIGH_PX, LOW_PX, OPEN_PX, PX, QTY, RECV_NS, VOLUME_QTY, Ticks
from tests.adapters.feeds.reading import read
from tests.data import shared

SYMBOLS = ("SPY", "BAC", "AIG", "IBM")
SPECS = (*(instrument(s, price_digits=4) for s in SYMBOLS), instrument("EURUSD", price_digits=5))
MIDNIGHT = 1_381_118_400_000_000_000  # 2013-10-07 in New York
EXCLUDED = 0x20 | 0x200 | 0x2000 | 0x100000
TIME = {"column": "time_ms", "unit": "ms", "date": "2013-10-07", "timezone": "America/New_York"}
REGULAR = {"time_ms": (34_200_000, 57_600_000)}
MINUTE = 60 * 10**9


def facts(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(shared("expected_market.json").read_text())[f"market/{name}"]
    return found


def trades(symbol: str, **changed: Any) -> CsvFeed:
    fields: dict[str, Any] = {
        "data": "trades", "path": str(shared(f"market/us_equity/{symbol}_20131007_trades.csv.zst")), "symbol": symbol, "time": TIME,
        "price": {"column": "price_e4", "scale": 4}, "size": "size", "conditions": {"column": "sale_condition_hex", "base": 16}, "skip": {"suspicious": ["1"]},
    }  # fmt: skip
    return CsvFeed(**(fields | changed))


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_equity_trades_agree_with_the_measured_facts(symbol: str) -> None:
    known = facts(f"us_equity/{symbol}_20131007_trades.csv.zst")
    reader = trades(symbol).reader(SPECS)
    ticks, refused = read(reader)
    assert refused == []
    assert reader.dropped.total() == known["suspicious"] == 0
    assert len(ticks) == known["rows"]
    assert int(ticks.cols[QTY].sum()) == known["volume"]
    assert int((ticks.cols[PX] * ticks.cols[QTY]).sum()) == known["notional_e4"]
    for at, row in ((0, known["first"]), (-1, known["last"])):
        ms, px, qty = map(int, row)
        assert ticks.cols[[RECV_NS, PX, QTY], at].tolist() == [MIDNIGHT + ms * 1_000_000, px, qty]
    assert set(ticks.instrument.tolist()) == {SYMBOLS.index(symbol)}


@pytest.mark.parametrize("symbol", ["AIG", "IBM"])
def test_each_exchange_of_an_equity_file_can_be_kept_alone(symbol: str) -> None:
    known = facts(f"us_equity/{symbol}_20131007_trades.csv.zst")
    found = {}
    for exchange in known["by_exchange"]:
        ticks, _ = read(trades(symbol, keep={"exchange": [exchange]}).reader(SPECS))
        found[exchange] = len(ticks)
    assert found == known["by_exchange"]


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_the_regular_session_agrees_with_the_measured_facts(symbol: str) -> None:
    known = facts(f"us_equity/{symbol}_20131007_trades.csv.zst")["regular_session"]
    ticks, _ = read(trades(symbol, between=REGULAR).reader(SPECS))
    assert (len(ticks), int(ticks.cols[QTY].sum())) == (known["rows"], known["volume"])
    plain = Ticks(ticks.cols[:, (ticks.cols[7] & EXCLUDED) == 0])
    assert len(plain) == known["rows_after_filter"]
    (bar,) = bars_of(ticks, 24 * 60 * MINUTE, exclude_conditions=EXCLUDED).events()
    assert (bar.open_px, bar.high_px, bar.low_px, bar.close_px, bar.volume_qty) == (
        known["open_e4"], known["high_e4"], known["low_e4"], known["close_e4"], known["volume"],
    )  # fmt: skip


def test_the_euro_quotes_agree_with_the_measured_facts() -> None:
    known = facts("fx/EURUSD_fxcm_20140508_quotes.csv.zst")
    lots = {"default": 1_000_000}
    config = CsvFeed(
        data="quotes", path=str(shared("market/fx/EURUSD_fxcm_20140508_quotes.csv.zst")), symbol="EURUSD",
        time={"column": "time_ms", "unit": "ms", "date": "2014-05-08"}, bid="bid", bid_size=lots, ask="ask", ask_size=lots,
    )  # fmt: skip
    reader = config.reader(SPECS)
    ticks, refused = read(reader)
    assert refused == []
    assert len(ticks) == known["rows"]
    assert reader.seen == {"crossed": known["crossed"], "locked": known["locked"]} == {"crossed": 18_285, "locked": 19_051}
    midnight = 1_399_507_200_000_000_000
    for at, row in ((0, known["first"]), (-1, known["last"])):
        assert (int(ticks.recv_ns[at]) - midnight) // 1_000_000 == int(row[0])
        assert [SPECS[4].px_text(px) for px in ticks.cols[[4, 6], at].tolist()] == row[1:]
    assert SPECS[4].px_text(int(ticks.cols[4].max())) == known["max_bid"]
    assert SPECS[4].px_text(int(ticks.cols[4].min())) == known["min_bid"]
    dropping = config.model_copy(update={"crossed": "drop", "locked": "drop"}).reader(SPECS)
    assert len(read(dropping)[0]) == known["rows"] - known["crossed"] - known["locked"]
    assert dropping.dropped == reader.seen


@pytest.mark.parametrize("one_sided", ["zero", "carry"])
def test_the_one_sided_quotes_agree_with_the_measured_facts(one_sided: str) -> None:
    known = facts("us_equity/IBM_20131007_quotes.csv.zst")
    config = CsvFeed(
        data="quotes", path=str(shared("market/us_equity/IBM_20131007_quotes.csv.zst")), symbol="IBM", time=TIME, one_sided=one_sided,
        bid={"column": "bid_e4", "scale": 4}, bid_size="bid_size", ask={"column": "ask_e4", "scale": 4}, ask_size="ask_size",
    )  # fmt: skip
    ticks, refused = read(config.reader(SPECS))
    assert refused == []
    assert len(ticks) == known["rows"]
    bid, ask = ticks.cols[5] != 0, ticks.cols[7] != 0
    if one_sided == "zero":
        assert (int(bid.sum()), int(ask.sum())) == (known["bid_side_rows"], known["ask_side_rows"])
        assert [str(v) for v in ticks.cols[4:8, -1].tolist()] == known["last"][1:5]
    else:
        both = int(np.flatnonzero(bid & ask)[0])
        assert bool((bid & ask)[both:].all())


def _published(name: str, **values: Any) -> CsvFeed:
    return CsvFeed(
        path=str(shared(f"backtest/{name}")), symbol="SPY", interval="1m", keep={"date": ["20131007"]},
        time={"column": "time_ms", "unit": "ms", "date_column": "date", "timezone": "America/New_York"}, **values,
    )  # fmt: skip


def test_the_ticks_of_the_day_build_the_published_minute_bars() -> None:
    e4 = {n: {"column": f"{n}_e4", "scale": 4} for n in ("open", "high", "low", "close")}
    published, _ = read(_published("SPY_20131007-11_minute_trade_bars.csv.zst", data="bars", **e4, volume="volume").reader(SPECS))
    ticks, _ = read(trades("SPY").reader(SPECS))
    built = bars_of(ticks, MINUTE, exclude_conditions=EXCLUDED)
    assert built.recv_ns.tolist() == published.recv_ns.tolist()
    regular = (built.recv_ns > MIDNIGHT + 34_200 * 10**9) & (built.recv_ns <= MIDNIGHT + 57_600 * 10**9)
    agree = {row: int((built.cols[row] == published.cols[row])[regular].sum()) for row in (OPEN_PX, HIGH_PX, LOW_PX, CLOSE_PX, VOLUME_QTY)}
    assert agree == {OPEN_PX: 390, HIGH_PX: 390, LOW_PX: 390, CLOSE_PX: 389, VOLUME_QTY: 388}
    minutes = (built.recv_ns[regular] - MIDNIGHT) // MINUTE - 1
    wrong = (built.cols[VOLUME_QTY] != published.cols[VOLUME_QTY])[regular]
    assert minutes[wrong].tolist() == [9 * 60 + 30, 15 * 60 + 59]


def test_building_the_bars_block_by_block_gives_the_same_bars() -> None:
    builder = BarBuilder(0, MINUTE, EXCLUDED)
    built = []
    for block in trades("SPY").reader(SPECS, block=1000).blocks():
        assert isinstance(block, Ticks)
        at = 0
        while (at := builder.add(block, at, len(block))) < len(block):
            built.append(builder.close())
    built.append(builder.close())
    ticks, _ = read(trades("SPY").reader(SPECS))
    assert built == list(bars_of(ticks, MINUTE, exclude_conditions=EXCLUDED).events())


def test_quote_bars_are_read_as_quotes_at_the_close_of_the_bar() -> None:
    config = _published(
        "SPY_20131007-11_minute_quote_bars.csv.zst", data="quotes", bid={"column": "bid_close_e4", "scale": 4}, bid_size="bid_size",
        ask={"column": "ask_close_e4", "scale": 4}, ask_size="ask_size",
    )  # fmt: skip
    ticks, refused = read(config.reader(SPECS))
    assert refused == []
    assert ticks.cols[:8, 0].tolist() == [2, 0, MIDNIGHT + 14_460 * 10**9, MIDNIGHT + 14_460 * 10**9, 1_672_500, 300, 1_672_700, 20_000]


def test_daily_bars_of_two_decades_are_read_without_a_refusal() -> None:
    e4: dict[str, Any] = {n: {"column": f"{n}_e4", "scale": 4} for n in ("open", "high", "low", "close")}
    config = CsvFeed(
        data="bars", path=str(shared("backtest/SPY_daily_bars.csv.zst")), symbol="SPY", interval="1d",
        time={"column": "datetime", "unit": "iso", "timezone": "America/New_York"}, **e4, volume="volume",
    )  # fmt: skip
    ticks, refused = read(config.reader(SPECS))
    assert refused == []
    assert len(ticks) == 5849
    assert set(ticks.kind.tolist()) == {BAR}


def test_the_four_equities_merge_into_one_day_in_time_order() -> None:
    feeds = [trades(s).reader(SPECS, block=500) for s in SYMBOLS]
    merged, refused = read(MergedFeed(feeds, block=700))
    assert refused == []
    joined = np.concatenate([read(f)[0].cols for f in feeds], axis=1)
    assert merged == Ticks(joined[:, np.argsort(joined[RECV_NS], kind="stable")])
    assert len(merged) == 388_417
