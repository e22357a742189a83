"""A feed opened at a place that it gave yields what it yielded from there the first time: ticks, refusals and gaps."""

from __future__ import annotations

import gzip
import pickle
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

from adapters.feeds import CsvFeed, FeedInput, ParquetFeed, SyntheticFeed
from adapters.feeds import csv as csv_module
from adapters.feeds import parquet as parquet_module
from adapters.feeds import synthetic as synthetic_module
from adapters.feeds.merge import MergedFeed, opened
from adapters.feeds.place import beyond
from domain.errors import FeedInvalid
from domain.instrument import instrument
from domain.ticks import Ticks

INSTRUMENTS = (instrument("A"), instrument("B"))
LAYOUT: dict[str, Any] = {"symbol": "A", "time": {"column": "t", "unit": "ms"}}
QUOTES: dict[str, Any] = LAYOUT | {"data": "quotes", "bid": "b", "ask": "a", "bid_size": "x", "ask_size": "y", "crossed": "drop"}


def lines(n: int, shift: int = 0) -> list[str]:
    """Quotes with bad rows at the start, in the middle and at the end, crossed ones that are left out, and several at one time."""
    found = []
    for i in range(n):
        bid = "?" if i in (0, 1, n - 1) or i % 37 == 9 else f"{100 + i % 5}"
        found.append(f"{1_600_000_000_000 + i // 3 * 10 + shift},{bid},{100 + i % 5 - (1 if i % 23 == 4 else -1)},{i},{i + 1}\n")
    return found


def csv_feed(folder: Path, packed: Callable[[bytes], bytes], suffix: str) -> Any:
    parts = lines(300), lines(200, 5_000)
    paths = []
    for n, part in enumerate(parts):
        path = folder / f"{n}.csv{suffix}"
        path.write_bytes(packed(("\ufefft,b,a,x,y\n" + "".join(part)).encode()))
        paths.append(str(path))
    return CsvFeed.model_validate({"kind": "csv", "path": paths, **QUOTES}).reader(INSTRUMENTS, 16)


def parquet_feed(folder: Path) -> Any:
    paths = []
    for n, part in enumerate((lines(300), lines(200, 5_000))):
        cells = [line.strip().split(",") for line in part]
        columns = {name: [row[c] for row in cells] for c, name in enumerate("tbaxy")}
        path = folder / f"{n}.parquet"
        pq.write_table(pa.table(columns), path, row_group_size=70)
        paths.append(str(path))
    return ParquetFeed.model_validate({"kind": "parquet", "path": paths, **QUOTES}).reader(INSTRUMENTS, 16)


def market(**changes: Any) -> Any:
    return SyntheticFeed.model_validate({"kind": "synthetic", "n": 500, "seed": 3, "regime_ticks": 60, "mean_interval": "7ms"} | changes).reader(
        INSTRUMENTS, 16
    )


def made(kind: str, folder: Path) -> MergedFeed:
    """A feed, or several, made anew."""
    one: dict[str, Callable[[], Any]] = {
        "csv": lambda: csv_feed(folder, bytes, ""),
        "gzip": lambda: csv_feed(folder, gzip.compress, ".gz"),
        "zstd": lambda: csv_feed(folder, zstandard.ZstdCompressor().compress, ".zst"),
        "parquet": lambda: parquet_feed(folder),
        "synthetic": lambda: market(data="mixed", jumps_per_million=90_000),
        "bars": lambda: market(data="bars"),
    }
    return MergedFeed([one[k]() for k in kind.split("+")], block=13)


def flat(items: Iterator[Ticks | FeedInput]) -> list[Any]:
    """Every tick and every other input by itself."""
    found: list[Any] = []
    for item in items:
        found += [*np.ascontiguousarray(item.cols.T)] if isinstance(item, Ticks) else [item]
    return [x.tobytes() if isinstance(x, np.ndarray) else x for x in found]


def counts(items: Sequence[Ticks | FeedInput]) -> tuple[int, int]:
    ticks = sum(len(i) for i in items if isinstance(i, Ticks))
    return ticks, sum(not isinstance(i, Ticks) for i in items)


@pytest.mark.parametrize(
    "kind", ["csv", "gzip", "zstd", "parquet", "synthetic", "bars", "csv+synthetic", "parquet+csv", "csv+parquet+synthetic", "csv+csv"]
)
def test_from_every_place_on_a_feed_yields_what_it_yielded_then(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Given any number of items taken, then a new feed opened at the place told so far yields the rest, and places move on with what is taken."""
    monkeypatch.setattr(csv_module, "PIECE", 300)
    monkeypatch.setattr(parquet_module, "BATCH", 50)
    monkeypatch.setattr(synthetic_module, "_DRAW", 40)
    everything = list(made(kind, tmp_path).blocks())
    whole = flat(iter(everything))
    feed = made(kind, tmp_path)
    blocks = feed.blocks()
    taken: list[Ticks | FeedInput] = []
    furthest = 0
    for item in blocks:
        taken.append(item)
        ticks, inputs = counts(taken)
        place = pickle.loads(pickle.dumps(feed.place))  # noqa: S301 (our own)
        if place is not None:
            assert place.ticks <= ticks
            assert place.inputs <= inputs
            furthest = place.ticks
        if len(taken) % 20 in (0, 7):
            again = made(kind, tmp_path)
            rest = opened(again, place, ticks, inputs)
            assert flat(rest) == whole[ticks + inputs :]
    assert flat(iter(taken)) == whole
    assert furthest > counts(taken)[0] // 2


def test_a_feed_that_is_shorter_than_what_was_taken_is_refused() -> None:
    with pytest.raises(FeedInvalid, match="does not yield again what it yielded then"):
        beyond(market().blocks(), 501, 0)
    with pytest.raises(FeedInvalid, match="does not yield again what it yielded then"):
        beyond(market().blocks(), 20, 1)
