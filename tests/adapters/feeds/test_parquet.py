"""Parquet tables: any layout is read exactly, and exported ticks come back equal."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.feeds import ParquetFeed, SyntheticFeed
from adapters.feeds.arrow_ticks import TicksFile, write_ticks
from domain.errors import FeedInvalid
from domain.instrument import instrument
from domain.terms import TickKind
from domain.ticks import Ticks, concat, table
from tests.adapters.feeds.reading import SPECS, read

SECOND = 10**9


def written(path: Path, columns: dict[str, Any], row_group: int = 100) -> Path:
    pq.write_table(pa.table(columns), path, row_group_size=row_group)
    return path


def layout(path: Path, **changed: Any) -> ParquetFeed:
    fields: dict[str, Any] = {"data": "trades", "path": str(path), "symbol": "EURUSD", "time": {"column": "t"}, "price": "px", "size": "qty"}
    return ParquetFeed(**{k: v for k, v in (fields | changed).items() if v is not None})


PRICES = {
    "decimal": pa.array([Decimal("1.39147"), Decimal("1.5")], pa.decimal128(20, 7)),
    "text": pa.array(["1.39147", "1.5"]),
    "large text": pa.array(["1.39147", "1.5"], pa.large_string()),
    "dictionary": pa.array(["1.39147", "1.5"]).dictionary_encode(),
    "float": pa.array([1.39147, 1.5]),
}
MOMENTS = [datetime(2013, 10, 7, 9, 30), datetime(2013, 10, 7, 9, 31)]  # noqa: DTZ001 (wall time)
ZONED = [m.replace(tzinfo=UTC) for m in MOMENTS]
NOON = 1_381_138_200 * SECOND  # 2013-10-07 09:30 UTC
TIMES = {
    "naive": (pa.array(MOMENTS, pa.timestamp("us")), {"unit": "iso"}, NOON),
    "zoned": (pa.array(ZONED, pa.timestamp("ms", "Europe/Berlin")), {"unit": "iso"}, NOON),
    "wall": (pa.array(MOMENTS, pa.timestamp("ns")), {"unit": "iso", "timezone": "America/New_York"}, NOON + 4 * 3600 * SECOND),
    "day": (pa.array([date(2013, 10, 7), date(2013, 10, 7)]), {"unit": "iso"}, 1_381_104_000 * SECOND),
    "seconds": (pa.array([1_381_138_200, 1_381_138_260], pa.uint32()), {"unit": "s"}, NOON),
}


@pytest.mark.parametrize("form", PRICES)
@pytest.mark.parametrize("when", TIMES)
@pytest.mark.parametrize("bad", [False, True])
def test_every_column_type_is_read_exactly_alone_and_beside_a_bad_row(tmp_path: Path, form: str, when: str, bad: bool) -> None:
    times, unit, first = TIMES[when]
    path = written(tmp_path / "x.parquet", {"t": times, "px": PRICES[form], "qty": [5, -1 if bad else 6]})
    ticks, refused = read(layout(path, time={"column": "t", **unit}, floats="shortest").reader(SPECS))
    assert ticks.recv_ns[0] == first
    assert ticks.cols[4].tolist() == [139_147] if bad else [139_147, 150_000]
    assert [(r.place, r.reason) for r in refused] == ([(f"{path}:2", "qty '-1' is negative".replace("qty", "size"))] if bad else [])


def test_bad_rows_are_named_by_their_row_number_and_good_ones_kept(tmp_path: Path) -> None:
    n = 3000
    prices = [None if i in (700, 701) else f"{i}.5" for i in range(n)]
    path = written(tmp_path / "x.parquet", {"t": list(range(n)), "px": prices, "qty": [1] * n, "other": [0] * n})
    ticks, refused = read(layout(path).reader(SPECS))
    assert len(ticks) == n - 2
    assert [(r.place, r.reason, r.raw, r.ns) for r in refused] == [
        (f"{path}:{i + 1}", "price is missing", f"t={i},px=,qty=1", 699) for i in (700, 701)
    ]


@pytest.mark.parametrize("text", ["7E-44", "0." + "0" * 50 + "7", str(pow(3125, -1, 2**123)), "nan", "1.000001"])
@pytest.mark.parametrize("form", [pa.string(), pa.float64()])
def test_a_number_that_does_not_fit_is_refused_and_never_becomes_another(tmp_path: Path, text: str, form: Any) -> None:
    column = pa.array([text], pa.string()).cast(form)
    ticks, refused = read(layout(written(tmp_path / "x.parquet", {"t": [1], "px": column, "qty": [1]}), floats="shortest").reader(SPECS))
    assert (len(ticks), len(refused)) == (0, 1)


def test_symbols_sides_and_conditions_are_read_from_their_columns(tmp_path: Path) -> None:
    columns = {
        "t": [1, 2], "px": [1, 2], "qty": [3, 4], "s": pa.array(["SPY", "EURUSD"]).dictionary_encode(), "maker": [True, False], "c": [7, 8],
    }  # fmt: skip
    side = {"column": "maker", "values": {"true": "sell", "false": "buy"}}
    ticks, refused = read(layout(written(tmp_path / "x.parquet", columns), symbol=None, symbol_column="s", side=side, conditions="c").reader(SPECS))
    assert refused == []
    assert ticks == table(TickKind.TRADE, [1, 0], [1, 2], [1, 2], [10_000, 200_000], [3, 4], [-1, 1], [7, 8])


@pytest.mark.parametrize(
    ("columns", "changed", "sentence", "remedy"),
    [
        ({"t": [1], "px": [1.5], "qty": [1]}, {}, "the column 'px' holds floats, which are not exact", 'floats = "shortest"'),
        ({"t": [1], "price": [1], "qty": [1]}, {}, "there is no column 'px'", "The columns are: t, price, qty."),
        ({"t": MOMENTS[:1], "px": [1], "qty": [1]}, {}, "the column 't' holds timestamps, the layout counts in ns", 'unit = "iso"'),
    ],
)
def test_a_table_that_does_not_fit_its_layout_is_refused(
    tmp_path: Path, columns: dict[str, Any], changed: dict[str, Any], sentence: str, remedy: str
) -> None:
    with pytest.raises(FeedInvalid) as caught:
        layout(written(tmp_path / "x.parquet", columns), **changed).reader(SPECS)
    assert caught.value.sentence == sentence
    assert remedy in caught.value.remedy


@pytest.mark.parametrize(
    ("raw", "sentence"), [(None, "there is no such file"), (b"", "no readable Parquet"), (b"t,px\n1,2\n" * 9, "no readable Parquet")]
)
def test_what_is_no_parquet_file_is_refused(tmp_path: Path, raw: bytes | None, sentence: str) -> None:
    path = tmp_path / "x.parquet"
    if raw is not None:
        path.write_bytes(raw)
    with pytest.raises(FeedInvalid, match=sentence):
        layout(path).reader(SPECS)


def test_damaged_data_pages_are_a_sentence_not_a_traceback(tmp_path: Path) -> None:
    path = written(tmp_path / "x.parquet", {"t": list(range(50_000)), "px": list(range(50_000)), "qty": [1] * 50_000}, 50_000)
    raw = bytearray(path.read_bytes())
    raw[100:5000] = bytes(4900)
    path.write_bytes(raw)
    with pytest.raises(FeedInvalid, match="damaged"):
        read(layout(path).reader(SPECS))


@given(
    n=st.integers(1, 500), seed=st.integers(0, 99), data=st.sampled_from(["trades", "quotes", "mixed", "bars"]), block=st.sampled_from([1, 64, 8192])
)
def test_written_ticks_come_back_equal(n: int, seed: int, data: str, block: int) -> None:
    source = SyntheticFeed(n=n, seed=seed, data=data, mean_interval="1ms").reader(SPECS, block)
    ticks, _ = read(source)
    with TemporaryDirectory() as folder:
        path = str(Path(folder) / "x.parquet")
        assert write_ticks(path, (b for b in source.blocks() if isinstance(b, Ticks)), SPECS) == n
        back, _ = read(TicksFile(path, SPECS, block=block))
        turned, _ = read(TicksFile([path], SPECS[::-1]))
    assert back == ticks
    assert turned.instrument.tolist() == (2 - ticks.instrument).tolist()


def test_all_kinds_together_come_back_equal_and_a_column_of_another_kind_is_null(tmp_path: Path) -> None:
    parts = [read(SyntheticFeed(n=20, seed=1, data=d).reader(SPECS))[0] for d in ("trades", "quotes", "bars")]
    ticks = concat(parts)
    ticks = Ticks(ticks.cols[:, ticks.recv_ns.argsort(kind="stable")])
    path = tmp_path / "x.parquet"
    write_ticks(path, [ticks], SPECS)
    assert read(TicksFile(str(path), SPECS))[0] == ticks
    found = pq.read_table(path)
    assert found["px"].null_count == found["bid_px"].null_count == found["open_px"].null_count == 40


def test_an_export_of_no_ticks_is_read_as_no_ticks(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    assert write_ticks(path, [], SPECS) == 0
    assert len(read(TicksFile(str(path), SPECS))[0]) == 0


def _export(tmp_path: Path) -> str:
    path = str(tmp_path / "x.parquet")
    write_ticks(path, [table(TickKind.TRADE, 0, [1, 2], [1, 2], 1, 1, 0, 0)], SPECS[:1])
    return path


def test_an_export_with_other_digits_or_unknown_symbols_is_refused(tmp_path: Path) -> None:
    path = _export(tmp_path)
    with pytest.raises(FeedInvalid, match="EURUSD was written with 5 price and 0 quantity digits, the session has 4 and 0"):
        TicksFile(path, [instrument("EURUSD", price_digits=4)])
    with pytest.raises(FeedInvalid, match="the symbol 'EURUSD' is not among the session's instruments"):
        TicksFile(path, SPECS[1:])
    foreign = written(tmp_path / "y.parquet", {"t": [1]})
    with pytest.raises(FeedInvalid, match="was not written as ticks by Reenact"):
        TicksFile(str(foreign), SPECS)


def test_exports_given_in_the_wrong_order_are_refused(tmp_path: Path) -> None:
    path = _export(tmp_path)
    with pytest.raises(FeedInvalid, match="receive times go back"):
        read(TicksFile([path, path], SPECS))
