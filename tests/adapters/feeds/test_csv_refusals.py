"""Rows and files that cannot be read: each is named by place, reason and text, and the good rows around it are kept."""

from __future__ import annotations

import gzip
import itertools
from pathlib import Path
from typing import Any

import pytest
import zstandard
from pydantic import ValidationError

from adapters.feeds import CsvFeed
from adapters.feeds.csv import LEAF
from domain.errors import ConfigInvalid, FeedInvalid
from domain.events.market import FrameRefused
from domain.ticks import Ticks
from tests.adapters.feeds.reading import SPECS, layout, packed, read, read_csv

QUOTES: dict[str, Any] = {"data": "quotes", "price": None, "size": None, "bid": "b", "bid_size": "bq", "ask": "a", "ask_size": "aq"}
BARS: dict[str, Any] = {
    "data": "bars",
    "price": None,
    "size": None,
    "open": "o",
    "high": "h",
    "low": "l",
    "close": "c",
    "volume": "v",
    "interval": "1m",
}
SYMBOLS: dict[str, Any] = {"symbol": None, "symbol_column": "s"}

BAD_TRADES = [
    ("2,abc,5", "price 'abc' is not a number"),
    ("2,NaN,5", "price 'NaN' is not a finite number"),
    ("2,-inf,5", "price '-inf' is not a finite number"),
    ("2,0x10,5", "price '0x10' is not a number"),
    ("2,1_0,5", "price '1_0' is not a number"),
    ("2,,5", "price is missing"),
    ("2,1.391475,5", "price '1.391475' has more decimal digits than EURUSD has"),
    ("2,1e300,5", "price '1e300' is too large"),
    ("2,99999999999999999999999999999999999999,5", "price '99999999999999999999999999999999999999' is too large"),
    ("2,1.0,0", "size is zero"),
    ("2,1.0,-3", "size '-3' is negative"),
    ("2,1.0,1.5", "size '1.5' has more decimal digits than EURUSD has"),
    ("2,1.0", "the row has 2 fields where the table has 3 columns"),
    ("2,1.0,5,6", "the row has 4 fields where the table has 3 columns"),
    ("0,1.0,5", "time goes back: 1970-01-01T00:00:00Z after 1970-01-01T00:00:00.000000001Z"),
    ("x,1.0,5", "time 'x' is not a number"),
    ("1.5,1.0,5", "time '1.5' has more decimal digits than a nanosecond"),
    ('2,"1.0,5', "the row cannot be split into fields: unexpected end of data"),
]
BAD_OTHERS = [
    ("t,px,qty,s", SYMBOLS, "1,1,1,SPY", "2,1,1,XYZ", "symbol 'XYZ' is not among the session's instruments (EURUSD, SPY, BTC)"),
    ("t,px,qty,d", {"side": {"column": "d", "values": {"B": "buy", "S": "sell"}}}, "1,1,1,B", "2,1,1,?", "side '?' is none of B, S"),
    ("t,px,qty,x", {"conditions": {"column": "x", "base": 16}}, "1,1,1,2f", "2,1,1,2g", "conditions '2g' are not bits in base 16"),
    ("t,px,qty,x", {"conditions": "x"}, "1,1,1,7", "2,1,1,-7", "conditions '-7' are not bits in base 10"),
    ("d,t,px,qty", {"time": {"column": "t", "unit": "ms", "date_column": "d"}}, "20131007,1,1,1", "20131399,1,1,1", "date '20131399' is no date of the form YYYYMMDD or YYYY-MM-DD"),
    ("t,px,qty", {"time": {"column": "t", "unit": "iso"}}, "2013-10-07,1,1", "2013-10-32,1,1", "time '2013-10-32' is no time that exists"),
    ("t,px,qty", {"time": {"column": "t", "unit": "iso"}}, "2013-10-07,1,1", "yesterday,1,1", "time 'yesterday' is not an ISO time"),
    (
        "t,px,qty", {"time": {"column": "t", "unit": "iso", "timezone": "America/New_York"}}, "2013-03-10 01:59,1,1", "2013-03-10 02:30,1,1",
        "the clocks of America/New_York skip the time 2013-03-10 02:30:00",
    ),
    ("t,b,bq,a,aq", QUOTES | {"crossed": "refuse"}, "1,1,1,2,1", "2,2,1,1,1", "the quote is crossed: the bid is above the ask"),
    ("t,b,bq,a,aq", QUOTES | {"locked": "refuse"}, "1,1,1,2,1", "2,2,1,2,1", "the quote is locked: bid and ask are at one price"),
    ("t,o,h,l,c,v", BARS, "1,2,3,1,2,9", "2,4,3,1,2,9", "the bar's open and close are not between its low and high"),
]  # fmt: skip


@pytest.mark.parametrize(("bad", "reason"), BAD_TRADES)
@pytest.mark.parametrize("around", [1, 3 * LEAF])
def test_a_bad_row_is_refused_at_its_place_and_the_rows_around_it_are_kept(tmp_path: Path, bad: str, reason: str, around: int) -> None:
    before = "".join(f"1,{n}.00001,7\n" for n in range(1, around + 1))
    after = "".join(f"3,{n}.00002,7\n" for n in range(1, around + 1))
    path = packed(tmp_path / "t.csv", f"t,px,qty\n{before}{bad}\n{after}")
    items = list(layout(path).reader(SPECS).blocks())
    ticks, refused = read(layout(path).reader(SPECS))
    assert refused == [FrameRefused(1, 0, "t.csv", f"{path}:{around + 2}", reason, bad)]
    assert ticks.cols[4].tolist() == [n * 100_000 + 1 for n in range(1, around + 1)] + [n * 100_000 + 2 for n in range(1, around + 1)]
    at = items.index(refused[0])
    assert sum(len(i) for i in items[:at] if isinstance(i, Ticks)) == around


@pytest.mark.parametrize(("header", "changed", "good", "bad", "reason"), BAD_OTHERS)
def test_a_bad_row_of_any_kind_says_what_is_wrong(tmp_path: Path, header: str, changed: dict[str, Any], good: str, bad: str, reason: str) -> None:
    path = packed(tmp_path / "x.csv", f"{header}\n{good}\n{bad}\n")
    ticks, refused = read_csv(path, **changed)
    assert len(ticks) == 1
    assert [(r.place, r.reason, r.raw) for r in refused] == [(f"{path}:3", reason, bad)]
    assert refused[0].ns == int(ticks.recv_ns[0])


def test_blank_lines_carriage_returns_a_byte_order_mark_and_a_missing_last_line_end_are_no_faults(tmp_path: Path) -> None:
    path = packed(tmp_path / "x.csv", b"\xef\xbb\xbft,px,qty\r\n1,1.5,7\r\n\r\n\n2,oops,7\r\n3,2.5,7")
    ticks, refused = read_csv(path)
    assert ticks.cols[4].tolist() == [150_000, 250_000]
    assert [(r.place, r.raw) for r in refused] == [(f"{path}:5", "2,oops,7")]


def test_refusals_before_the_first_good_row_take_its_time_and_stand_before_it(tmp_path: Path) -> None:
    path = packed(tmp_path / "x.csv", "t,px,qty\na,1,1\nb,1,1\n77,1,1\n")
    items = list(layout(path).reader(SPECS).blocks())
    assert [getattr(i, "ns", None) for i in items] == [77, 77, None]


def test_a_file_of_nothing_but_bad_rows_is_all_refusals(tmp_path: Path) -> None:
    path = packed(tmp_path / "x.csv", "t,px,qty\n" + "a,1,1\n" * 1500)
    ticks, refused = read_csv(path)
    assert len(ticks) == 0
    assert [r.place for r in refused] == [f"{path}:{n}" for n in range(2, 1502)]
    assert {r.ns for r in refused} == {0}


def test_time_that_goes_back_between_files_is_refused(tmp_path: Path) -> None:
    first, second = packed(tmp_path / "a.csv", "t,px,qty\n9,1,1\n"), packed(tmp_path / "b.csv", "t,px,qty\n8,1,1\n9,2,1\n")
    ticks, refused = read_csv([first, second])
    assert ticks.cols[4].tolist() == [100_000, 200_000]
    assert [r.place for r in refused] == [f"{second}:2"]


def test_a_line_that_is_not_utf8_is_refused_with_its_bytes_visible(tmp_path: Path) -> None:
    path = packed(tmp_path / "x.csv", b"t,px,qty\n1,1,1\n2,\xff,1\n")
    _, refused = read_csv(path)
    assert refused[0].raw == "2,\\xff,1"


GOOD = b"t,px,qty\n" + b"".join(b"%d,%d.5,7\n" % (n, n * 7919 % 1000) for n in range(5000))


@pytest.mark.parametrize(
    ("name", "raw", "sentence", "remedy"),
    [
        ("binary.csv", bytes(range(128, 256)) * 10, "the header is not UTF-8 text", "Is this a CSV file?"),
        ("gone.csv", None, "there is no such file", "Check the path"),
        ("empty.csv", b"", "the file is empty", "Give a file with rows"),
        ("empty.csv.zst", zstandard.compress(b""), "the file is empty", "Give a file with rows"),
        ("names.csv", b"time,price,size\n1,2,3\n", "there is no column 't', 'px', 'qty'", "The columns are: time, price, size."),
        ("delimiter.csv", b"t;px;qty\n1;2;3\n", "there is no column 't', 'px', 'qty'", "Is ',' the delimiter?"),
        ("twice.csv", b"t,px,px,qty\n1,2,2,3\n", "the column 'px' stands twice in the header", "its own name"),
        ("plain.csv.gz", b"t,px,qty\n1,2,3\n", "the file is not gzip data", "Rename it"),
        ("plain.csv.zst", b"t,px,qty\n1,2,3\n", "the file is not zstd data", "Rename it"),
        ("gzip.csv.zst", gzip.compress(b"t,px,qty\n1,2,3\n", mtime=0), "the file is not zstd data", "Rename it"),
        ("cut.csv.gz", gzip.compress(GOOD)[:-20], "the gzip data is damaged or cut off", "again"),
        ("cut.csv.zst", zstandard.compress(GOOD)[:-20], "the zstd data is damaged or cut off", "again"),
        ("latin.csv", b"t,px,qty,\xe9\n1,2,3,4\n", "the header is not UTF-8 text", "Is this a CSV file?"),
        ("endless.csv", b"t,px,qty\n" + b"1" * (3 << 20), "there is no line end within", "Is this a text table?"),
    ],
)
def test_a_file_that_cannot_be_read_as_a_whole_is_one_sentence_with_place_and_remedy(
    tmp_path: Path, name: str, raw: bytes | None, sentence: str, remedy: str
) -> None:
    path = tmp_path / name
    if raw is not None:
        path.write_bytes(raw)
    with pytest.raises(FeedInvalid) as caught:
        read_csv(path)
    assert sentence in caught.value.sentence
    assert remedy in caught.value.remedy
    assert caught.value.place.startswith(str(path))


def test_a_bad_second_file_is_found_before_the_first_row_is_read(tmp_path: Path) -> None:
    good, bad = packed(tmp_path / "a.csv", "t,px,qty\n9,1,1\n"), packed(tmp_path / "b.csv", "t,price,qty\n8,1,1\n")
    with pytest.raises(FeedInvalid, match="no column 'px'"):
        layout([good, bad]).reader(SPECS)


def test_a_directory_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(FeedInvalid) as caught:
        read_csv(tmp_path)
    assert caught.value.place == str(tmp_path)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"colour": "red"}, "Extra inputs are not permitted"),
        ({"size": None}, "trades need size"),
        ({"bid": "b"}, "bid is no part of trades"),
        ({"symbol_column": "s"}, "either symbol or symbol_column"),
        ({"symbol": None}, "either symbol or symbol_column"),
        ({"aliases": {"X": "SPY"}}, "aliases translate"),
        ({"latency": "5ms", "recv": {"column": "r"}}, "recv and latency exclude each other"),
        ({"time": {"column": "t", "timezone": "America/New_York"}}, "a timezone needs date"),
        ({"time": {"column": "t", "timezone": "Mars/Base", "unit": "iso"}}, "no time zone has the name 'Mars/Base'"),
        ({"time": {"column": "t", "date": "2013-10-07", "unit": "iso"}}, "iso times hold their date"),
        ({"time": {"column": "t", "date": "2013-10-07", "date_column": "d"}}, "exclude each other"),
        ({"time": {"column": "t", "date": "10/07/2013"}}, "is no date"),
        ({"price": {"column": "p", "default": "1"}}, "either a column or a default"),
        ({"between": {"t": [5, 5]}}, "5 is not below 5"),
        ({"header": False}, "names belong to files without a header"),
        ({"delimiter": "\n"}, "delimiter must be one character"),
        (BARS | {"interval": None}, "bars need interval"),
    ],
)
def test_a_layout_that_contradicts_itself_says_how(changed: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        layout(Path("x.csv"), **changed)


def test_a_layout_without_a_file_is_refused() -> None:
    with pytest.raises(ValidationError, match="path names no file"):
        layout([])


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"symbol": "XYZ"}, "no instrument has the symbol 'XYZ'; the symbols are EURUSD, SPY, BTC"),
        ({"symbol": None, "symbol_column": "s", "aliases": {"E": "EUR"}}, "no instrument has the symbol 'EUR'"),
        ({"size": {"default": "0.5"}}, "more than 0 decimal digits"),
        ({"size": {"default": "-5"}}, "-5 is negative"),
    ],
)
def test_a_layout_that_does_not_fit_the_instruments_is_refused(changed: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ConfigInvalid, match=sentence):
        layout(Path("x.csv"), **changed).reader(SPECS)


def test_a_layout_survives_its_json_form() -> None:
    changes: dict[str, Any] = {"latency": "5ms", "between": {"t": ["1.5", 9]}, "time": {"column": "t", "date": "20131007", "unit": "ms"}}
    before = layout(Path("x.csv"), **changes)
    assert CsvFeed.model_validate_json(before.model_dump_json()) == before


def test_every_refused_row_is_named_once_wherever_they_stand(tmp_path: Path) -> None:
    rows = [f"{n},{'bad' if n % 97 == 0 or 3000 < n < 3010 else n},1" for n in range(1, 8000)]
    path = packed(tmp_path / "x.csv.gz", "t,px,qty\n" + "\n".join(rows) + "\n")
    ticks, refused = read_csv(path)
    bad = [n for n in range(1, 8000) if n % 97 == 0 or 3000 < n < 3010]
    assert [r.place for r in refused] == [f"{path}:{n + 1}" for n in bad]
    assert [r.ns for r in refused] == [next(m for m in itertools.count(n - 1, -1) if m not in bad) for n in bad]
    assert ticks.recv_ns.tolist() == [n for n in range(1, 8000) if n not in bad]
