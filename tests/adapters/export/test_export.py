"""Exports hold every event, in order and exactly."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.export import parquet, write_jsonl, write_parquet
from domain.commit import Commit
from domain.events import BarClosed, QuoteUpdated, TradePrinted
from domain.terms import Side, TickKind
from domain.ticks import table
from tests.projections.builder import BTC, QQQ, SPY, Session


def mixed() -> Session:
    s = Session((SPY, QQQ, BTC))
    s.tick(TradePrinted(s.later(), 0, s.ns - 5, 0, 16_741, 100, Side.SELL, 32))
    s.tick(QuoteUpdated(s.later(), 0, s.ns, 1, 8_000, 35, 8_002, 0))
    s.cut()
    s.tick(BarClosed(s.later(), 0, s.ns, 2, 300_005, 300_010, 299_995, 300_000, 7, 60_000_000_000))
    s.trade(Side.BUY, 5, 16_742)
    s.tick(TradePrinted(s.later(), 0, s.ns, 1, 8_001, 12, Side.NONE, 0))
    return s


def rows_of(path: Path) -> list[dict[str, Any]]:
    """A Parquet file's rows, times as integers."""
    found = pq.read_table(path)
    ints = {f.name: found[f.name].cast("int64") for f in found.schema if str(f.type).startswith("timestamp")}
    for name, column in ints.items():
        found = found.set_column(found.schema.get_field_index(name), name, column)
    return found.to_pylist()


def test_json_lines_hold_each_event_once_with_decimal_text() -> None:
    out = io.BytesIO()
    commits = mixed().commits()
    n = write_jsonl(commits, out)
    rows = [json.loads(line) for line in out.getvalue().splitlines()]
    assert n == len(rows) == commits[-1].last_seq
    assert [r["seq"] for r in rows] == list(range(1, n + 1))
    assert rows[3] == {
        "seq": 4, "type": "BarClosed", "time": "2023-11-14T22:13:23Z", "ns": 1_700_000_003_000_000_000, "cause": 0, "event_ns": "2023-11-14T22:13:23Z",
        "instrument": "BTCUSD_PERP", "open_px": "30000.5", "high_px": "30001.0", "low_px": "29999.5", "close_px": "30000.0", "volume_qty": "7",
        "interval_ns": "1m",
    }  # fmt: skip


def test_parquet_holds_exact_decimals_in_the_digits_of_the_finest_instrument(tmp_path: Path) -> None:
    rows = write_parquet(mixed().commits(), tmp_path)
    assert rows == {"trades": 2, "quotes": 1, "bars": 1, "events": 6}
    trades = rows_of(tmp_path / "trades.parquet")
    assert [(t["seq"], t["symbol"], t["px"], t["qty"], t["side"], t["conditions"]) for t in trades] == [
        (2, "SPY", Decimal("167.41"), Decimal("100.0"), "SELL", 32), (10, "QQQ", Decimal("80.01"), Decimal("1.2"), "NONE", 0),
    ]  # fmt: skip
    bar = rows_of(tmp_path / "bars.parquet")[0]
    assert (bar["close_px"], bar["interval_ns"], bar["symbol"]) == (Decimal("30000.00"), 60_000_000_000, "BTCUSD_PERP")
    events = rows_of(tmp_path / "events.parquet")
    assert [e["type"] for e in events] == ["SessionOpened", "SignalRaised", "OrderApproved", "OrderSubmitted", "OrderAccepted", "OrderFilled"]
    assert json.loads(events[-1]["data"])["last_px"] == "167.42"
    assert (events[-1]["instrument"], events[-1]["cl_ord_id"]) == ("SPY", "T-1")


def test_row_groups_bound_the_memory_and_change_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = write_parquet(mixed().commits(), tmp_path / "a")
    monkeypatch.setattr(parquet, "GROUP_ROWS", 1)
    assert write_parquet(mixed().commits(), tmp_path / "b") == whole
    for name in whole:
        assert rows_of(tmp_path / "a" / f"{name}.parquet") == rows_of(tmp_path / "b" / f"{name}.parquet")


def test_an_export_that_fails_leaves_nothing_that_looks_finished(tmp_path: Path) -> None:
    def broken() -> Iterator[Commit]:
        yield from mixed().commits()[:1]
        raise OSError("the disk went away")

    with pytest.raises(OSError, match="went away"):
        write_parquet(broken(), tmp_path)
    assert list(tmp_path.iterdir()) == []


@given(st.lists(st.tuples(st.integers(-(2**62), 2**62), st.integers(0, 2)), min_size=1, max_size=20))
def test_every_integer_becomes_its_decimal(pairs: list[tuple[int, int]]) -> None:
    digits = [2, 0, 5]
    values, index = (np.array(column, dtype=np.int64) for column in zip(*pairs, strict=True))
    found = parquet.decimals(values, index, digits).to_pylist()
    assert found == [Decimal(v).scaleb(-digits[i]) for v, i in pairs]


def test_a_tick_table_has_times_with_a_zone() -> None:
    ticks = table(TickKind.TRADE, 0, [5], [7], [100], [1], [1], [0])
    made = parquet.tick_table(TickKind.TRADE, np.array([1]), ticks.cols, (SPY,))
    assert str(made.schema.field("recv_time").type) == "timestamp[ns, tz=UTC]"
