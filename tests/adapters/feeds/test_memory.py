"""Streaming: the memory a feed needs does not grow with its length."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest

from adapters.feeds import Feed, SyntheticFeed
from adapters.feeds.arrow_ticks import TicksFile, write_ticks
from adapters.feeds.merge import MergedFeed
from domain.ticks import Ticks
from tests.adapters.feeds.reading import SPECS, layout, packed

ROWS = 60_000
SLACK = 8 << 20  # read-ahead varies by a few megabytes; the longer feed is at least 70 MB of ticks longer


def csv_of(path: Path, n: int) -> Feed:
    rows = "".join(f"{{0}}{i:04d},1.39{i % 1000:03d},{i % 9 + 1}\n" for i in range(10_000))
    packed(path, "t,px,qty\n" + "".join(rows.replace("{0}", f"{thousand}") for thousand in range(1000, 1000 + n // 10_000)))
    return layout(path).reader(SPECS)


def parquet_of(path: Path, n: int) -> Feed:
    source = SyntheticFeed(n=n, seed=1, mean_interval="1ms").reader(SPECS)
    write_ticks(path, (b for b in source.blocks() if isinstance(b, Ticks)), SPECS)
    return TicksFile(str(path), SPECS)


def synthetic_of(_: Path, n: int) -> Feed:
    return SyntheticFeed(n=n, seed=1, mean_interval="1ms").reader(SPECS)


def merged_of(path: Path, n: int) -> Feed:
    return MergedFeed([synthetic_of(path, n), SyntheticFeed(n=n // 50, seed=2, mean_interval="50ms").reader(SPECS)])


MAKERS: dict[str, Callable[[Path, int], Feed]] = {
    "x.csv": csv_of, "x.csv.gz": csv_of, "x.csv.zst": csv_of, "x.parquet": parquet_of, "synthetic": synthetic_of, "merged": merged_of,
}  # fmt: skip


def peak(feed: Feed) -> int:
    """The most bytes held at once while reading, by Python, numpy and arrow."""
    gc.collect()
    held = pa.total_allocated_bytes()
    arrow = 0
    tracemalloc.start()
    for _ in feed.blocks():
        arrow = max(arrow, pa.total_allocated_bytes() - held)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return most + arrow


@pytest.mark.parametrize("kind", MAKERS)
def test_a_feed_four_times_as_long_needs_no_more_memory(tmp_path: Path, kind: str) -> None:
    short = peak(MAKERS[kind](tmp_path / kind, 5 * ROWS))
    long = peak(MAKERS[kind](tmp_path / kind, 20 * ROWS))
    assert long < short + SLACK
