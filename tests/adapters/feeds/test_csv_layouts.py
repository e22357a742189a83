"""Any layout is read back exactly, and a row means the same whether its neighbours are good or not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal, localcontext
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from domain.money import to_text
from domain.terms import TickKind
from domain.ticks import Ticks, table
from tests.adapters.feeds.reading import SPECS, layout, packed, read, read_csv

UNITS = {"s": 9, "ms": 6, "us": 3, "ns": 0}
SIDE_TEXT = {1: "B", -1: "S", 0: "-"}
SIDES = {"column": "d", "values": {"B": "buy", "S": "sell", "-": "none"}}
MIDNIGHT_NY = int(datetime(2013, 10, 7, tzinfo=ZoneInfo("America/New_York")).timestamp()) * 10**9

Row = tuple[int, int, int, int, int, int]


@st.composite
def trades(draw: st.DrawFn) -> list[Row]:
    """Rows (instrument, ns since midnight in milliseconds, px, qty, side, conditions) in time order."""
    rows = draw(
        st.lists(
            st.tuples(
                st.integers(0, 2), st.integers(0, 86_399_999), st.integers(-(10**12), 10**12), st.integers(1, 10**14), st.sampled_from([-1, 0, 1]),
                st.integers(0, 2**32),
            ),
            max_size=40,
        )
    )  # fmt: skip
    return sorted(rows, key=lambda r: r[1])


@given(
    rows=trades(), suffix=st.sampled_from(["", ".gz", ".zst"]), delimiter=st.sampled_from(",;|\t"), header=st.booleans(), unit=st.sampled_from(list(UNITS)),
    dated=st.sampled_from(["epoch", "fixed", "column", "iso"]), base=st.sampled_from([10, 16]), order=st.permutations(range(7)), block=st.sampled_from([1, 7, 8192]),
)  # fmt: skip
def test_what_is_written_in_any_layout_is_read_back_equal(
    rows: list[Row], suffix: str, delimiter: str, header: bool, unit: str, dated: str, base: int, order: list[int], block: int
) -> None:
    def when(ms: int) -> str:
        start = MIDNIGHT_NY if dated == "epoch" else 0
        if dated == "iso":
            return (datetime(2013, 10, 7) + timedelta(milliseconds=ms)).isoformat(sep=" ")  # noqa: DTZ001 (wall time)
        return to_text(start + ms * 1_000_000, UNITS[unit])

    def line(cells: tuple[str, ...]) -> str:
        return delimiter.join(cells[n] for n in order) + "\n"

    names = ("t", "s", "px", "qty", "d", "x", "day")
    lines = [line(names)] if header else []
    for i, ms, px, qty, side, conditions in rows:
        spec = SPECS[i]
        shown = f"{conditions:x}" if base == 16 else f"{conditions}"
        lines.append(line((when(ms), spec.symbol, spec.px_text(px), spec.qty_text(qty), SIDE_TEXT[side], shown, "20131007")))
    zone = {"timezone": "America/New_York"}
    time: dict[str, Any] = {
        "epoch": {"unit": unit}, "fixed": {"unit": unit, "date": "2013-10-07", **zone}, "column": {"unit": unit, "date_column": "day", **zone},
        "iso": {"unit": "iso", **zone},
    }[dated]  # fmt: skip
    with TemporaryDirectory() as folder:
        path = packed(Path(folder) / f"x.csv{suffix}", "".join(lines) or "\n")
        config = layout(
            path, symbol=None, symbol_column="s", time={"column": "t", **time}, side=SIDES, conditions={"column": "x", "base": base},
            delimiter=delimiter, header=header, names=() if header else tuple(names[n] for n in order), latency="3ms",
        )  # fmt: skip
        ticks, refused = read(config.reader(SPECS, block))
    assert refused == []
    inst, ms, px, qty, side, conditions = np.array(rows, dtype=np.int64).reshape(-1, 6).T
    event = MIDNIGHT_NY + ms * 1_000_000
    assert ticks == table(TickKind.TRADE, inst, event, event + 3_000_000, px, qty, side, conditions)


NUMBERS = st.one_of(
    st.text("0123456789.", max_size=8),
    st.text("0123456789.eE+-_x naif\t", max_size=7),
    st.decimals(allow_nan=True, places=None).map(str),
    st.tuples(st.integers(0, 10**40), st.integers(-45, 5)).map(lambda x: f"{x[0]}E{x[1]}"),
    st.integers(0, 2**64).map(lambda n: f"{n}"),
    st.integers(9 * 10**13, 10**14).map(lambda n: f"{n}.00000000000000000000000000"),
)


# × 10^5 it is 32 modulo 2^128: arithmetic that wraps around would take it for 0.00032.
WRAPPING = str(pow(3125, -1, 2**123))


@given(cells=st.lists(NUMBERS, min_size=1, max_size=6))
@example(cells=[WRAPPING])
@example(cells=["7E-44", "0E-44", "-7E-80", "0." + "0" * 50 + "7"])
def test_a_number_is_taken_exactly_or_refused_alike_on_both_paths(cells: list[str]) -> None:
    header = "t,px,qty\n"
    rows = "".join(f"{n},{cell},1\n" for n, cell in enumerate(cells))
    with TemporaryDirectory() as folder:
        alone = [read_csv(packed(Path(folder) / "x.csv", f"{header}{n},{cell},1\n")) for n, cell in enumerate(cells)]
        beside, refused = read_csv(packed(Path(folder) / "x.csv", f"{header}{rows}x,x,x\n"))
    assert Ticks(np.concatenate([t.cols for t, _ in alone], axis=1)) == beside
    assert [(r.reason, r.raw) for _, rs in alone for r in rs] == [(r.reason, r.raw) for r in refused[:-1]]
    got = dict(zip(beside.recv_ns.tolist(), beside.cols[4].tolist(), strict=True))
    for n, cell in enumerate(cells):
        assert got.get(n) == _expected(cell, 5)


def _expected(cell: str, digits: int) -> int | None:
    """What a decimal library says about the cell, None for refused."""
    if "_" in cell or not cell.isascii():
        return None
    with localcontext() as context:
        context.prec = 200
        try:
            value = Decimal(cell.strip(" \t"))
            value = value.scaleb(digits) if (value.is_finite() and abs(value.adjusted()) < 100) or value == 0 else Decimal("NaN")
        except ArithmeticError:
            return None
        return int(value) if value.is_finite() and value == int(value) and abs(value) < 2**63 else None


TIMES = st.one_of(
    st.datetimes(datetime(1900, 1, 1), datetime(2100, 1, 1)).map(lambda d: d.isoformat(sep=" ")),  # noqa: DTZ001 (wall time)
    st.datetimes(datetime(2010, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC)).map(lambda d: d.isoformat()),  # noqa: DTZ001
    st.dates().map(lambda d: d.isoformat()),
    st.dates().map(lambda d: d.strftime("%Y%m%d 09:30")),
    st.from_regex(r"2013-?1[0-3]-?[0-3][0-9]([ T][0-2][0-9](:[0-6][0-9](:[0-6][0-9](\.[0-9]{1,10})?)?)?(Z|[+-]0[0-9]:?30)?)?", fullmatch=True),
)


@given(cell=TIMES, zone=st.sampled_from(["UTC", "America/New_York", "Australia/Lord_Howe"]))
def test_an_iso_time_is_taken_or_refused_alike_on_both_paths(cell: str, zone: str) -> None:
    with TemporaryDirectory() as folder:
        changes: dict[str, Any] = {"time": {"column": "t", "unit": "iso", "timezone": zone}}
        alone, refused_alone = read_csv(packed(Path(folder) / "x.csv", f"t,px,qty\n{cell},1,1\n"), **changes)
        beside, refused = read_csv(packed(Path(folder) / "x.csv", f"t,px,qty\n{cell},1,1\n,,\n"), **changes)
    assert alone == beside
    assert [r.reason for r in refused_alone] == [r.reason for r in refused[:-1]]


@pytest.mark.parametrize(
    ("text", "zone", "utc"),
    [
        ("2013-10-07T09:30:00.123456789", "America/New_York", "2013-10-07T13:30:00.123456789"),
        ("20131007 09:30", "America/New_York", "2013-10-07T13:30:00"),
        ("20131007", "UTC", "2013-10-07T00:00:00"),
        ("2013-11-03 01:30", "America/New_York", "2013-11-03T05:30:00"),
        ("2013-10-07T09:30:00Z", "America/New_York", "2013-10-07T09:30:00"),
        ("2013-10-07 09:30:00+02:00", "UTC", "2013-10-07T07:30:00"),
        ("1969-12-31 23:59:59.5", "UTC", "1969-12-31T23:59:59.5"),
    ],
)
def test_iso_times_mean_what_they_say(tmp_path: Path, text: str, zone: str, utc: str) -> None:
    path = packed(tmp_path / "x.csv", f"t,px,qty\n{text},1,1\n")
    ticks, refused = read_csv(path, time={"column": "t", "unit": "iso", "timezone": zone})
    assert refused == []
    assert np.datetime64(int(ticks.recv_ns[0]), "ns") == np.datetime64(utc, "ns")


def test_a_receive_column_orders_the_feed_and_the_venue_time_may_go_back(tmp_path: Path) -> None:
    path = packed(tmp_path / "x.csv", "t,r,px,qty\n20,1,1,1\n10,2,1,1\n")
    ticks, refused = read_csv(path, time={"column": "t", "unit": "us", "offset_ns": -1}, recv={"column": "r", "unit": "ms"})
    assert refused == []
    assert ticks.cols[2:4].tolist() == [[19_999, 9_999], [1_000_000, 2_000_000]]


def test_rows_are_left_out_by_text_and_by_number_and_counted_by_cause(tmp_path: Path) -> None:
    rows = [("1", "P", 5), ("0", "Q", 6), ("0", "P", 7), ("0", "P", 8), ("0", "P", 9)]
    path = packed(tmp_path / "x.csv", "t,px,qty,sus,ex\n" + "".join(f"{t},1,1,{sus},{ex}\n" for sus, ex, t in rows))
    reader = layout(path, skip={"sus": [1]}, keep={"ex": ["P"]}, between={"t": ["7.5", 9]}).reader(SPECS)
    ticks, refused = read(reader)
    assert (ticks.recv_ns.tolist(), refused) == ([8], [])
    assert reader.dropped == {"skip sus": 1, "keep ex": 1, "between t": 2}


def test_a_row_that_is_left_out_may_be_bad(tmp_path: Path) -> None:
    path = packed(tmp_path / "x.csv", "t,px,qty,sus\n1,1,1,0\noops,?,,1\n2,2,1,0\n")
    ticks, refused = read_csv(path, skip={"sus": ["1"]})
    assert (ticks.recv_ns.tolist(), refused) == ([1, 2], [])


def test_aliases_translate_the_names_of_the_file(tmp_path: Path) -> None:
    path = packed(tmp_path / "x.csv", "t,px,qty,s\n1,1,1,XBT/USD\n2,1,1,SPY\n")
    ticks, _ = read_csv(path, symbol=None, symbol_column="s", aliases={"XBT/USD": "BTC"})
    assert ticks.instrument.tolist() == [2, 1]


QUOTES: dict[str, Any] = {"data": "quotes", "price": None, "size": None, "bid": "b", "bid_size": "bq", "ask": "a", "ask_size": "aq"}


@pytest.mark.parametrize(("policy", "kept"), [("keep", [1, 2, 3, 4]), ("drop", [1, 4])])
def test_crossed_and_locked_quotes_are_kept_or_dropped_and_counted_either_way(tmp_path: Path, policy: str, kept: list[int]) -> None:
    path = packed(tmp_path / "x.csv", "t,b,bq,a,aq\n1,1,1,2,1\n2,3,1,2,1\n3,2,1,2,1\n4,9,0,2,1\n")
    reader = layout(path, **QUOTES, crossed=policy, locked=policy).reader(SPECS)
    ticks, refused = read(reader)
    assert (ticks.recv_ns.tolist(), refused) == (kept, [])
    assert reader.seen == {"crossed": 1, "locked": 1}
    assert reader.dropped == ({"crossed": 1, "locked": 1} if policy == "drop" else {})


@given(
    rows=st.lists(st.tuples(st.integers(0, 2), st.integers(1, 9), st.integers(0, 2), st.integers(1, 9), st.integers(0, 2)), max_size=30),
    policy=st.sampled_from(["keep", "drop"]), at=st.integers(0, 30),
)  # fmt: skip
def test_carried_sides_follow_a_plain_loop_whether_or_not_a_bad_row_stands_between(rows: list[tuple[int, ...]], policy: str, at: int) -> None:
    lines = [f"{n},{SPECS[i].symbol},{b},{bq},{a},{aq}" for n, (i, b, bq, a, aq) in enumerate(rows)]
    changes = QUOTES | {"symbol": None, "symbol_column": "s", "one_sided": "carry", "crossed": policy}
    with TemporaryDirectory() as folder:
        text = "t,s,b,bq,a,aq\n"
        clean, _ = read_csv(packed(Path(folder) / "x.csv", text + "\n".join(lines)), **changes)
        mixed, refused = read_csv(packed(Path(folder) / "x.csv", text + "\n".join([*lines[:at], "bad", *lines[at:]])), **changes)
    assert clean == mixed
    assert len(refused) == 1
    sides: dict[int, list[int]] = {}
    expected = []
    for n, (i, b, bq, a, aq) in enumerate(rows):
        now = sides.setdefault(i, [0, 0, 0, 0])
        px, qty = 10 ** SPECS[i].price_digits, 10 ** SPECS[i].qty_digits
        if bq:
            now[:2] = b * px, bq * qty
        if aq:
            now[2:] = a * px, aq * qty
        if not (policy == "drop" and now[1] and now[3] and now[0] > now[2]):
            expected.append([n, *now])
    assert clean.cols[3:8].T.tolist() == expected


@pytest.mark.parametrize(("bar_time", "end"), [("start", 120 * 10**9), ("end", 60 * 10**9)])
def test_bars_and_quotes_read_from_bars_happen_at_the_end_of_the_bar(tmp_path: Path, bar_time: str, end: int) -> None:
    path = packed(tmp_path / "x.csv", "t,o,h,l,c,v,a\n60,1,4,1,3,50,3.5\n")
    common: dict[str, Any] = {
        "price": None,
        "size": None,
        "interval": "1m",
        "bar_time": bar_time,
        "time": {"column": "t", "unit": "s"},
        "symbol": "SPY",
    }
    bars, _ = read_csv(path, data="bars", open="o", high="h", low="l", close="c", volume="v", **common)
    assert bars.cols[:, 0].tolist() == [3, 1, end, end, 10_000, 40_000, 10_000, 30_000, 50, 60 * 10**9]
    quotes, _ = read_csv(path, data="quotes", bid="c", bid_size="v", ask="a", ask_size={"default": 7}, **common)
    assert quotes.cols[:, 0].tolist() == [2, 1, end, end, 30_000, 50, 35_000, 7, 0, 0]


@given(scale=st.integers(0, 9), n=st.integers(-(10**12), 10**12))
def test_scaled_integers_become_the_instruments_digits_or_are_refused(scale: int, n: int) -> None:
    with TemporaryDirectory() as folder:
        path = packed(Path(folder) / "x.csv", f"t,px,qty\n1,{n},1\n")
        ticks, refused = read_csv(path, price={"column": "px", "scale": scale})
    value, left = divmod(n * 10**5, 10**scale)
    assert (ticks.cols[4].tolist(), len(refused)) == (([], 1) if left else ([value], 0))


def test_blocks_hold_at_most_the_given_number_of_ticks(tmp_path: Path) -> None:
    path = packed(tmp_path / "x.csv", "t,px,qty\n" + "".join(f"{n},1,1\n" for n in range(100)))
    sizes = [len(b) for b in layout(path).reader(SPECS, block=30).blocks() if isinstance(b, Ticks)]
    assert sizes == [30, 30, 30, 10]
