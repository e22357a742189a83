"""Merging feeds: by receive time, at equal times in the order of the feeds, refusals in their place; and feeds from memory."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.feeds import Feed, FeedInput
from adapters.feeds.arrays import ArrayFeed
from adapters.feeds.merge import MergedFeed
from domain.errors import FeedInvalid
from domain.events.market import FeedGap, FrameRefused
from domain.terms import TickKind
from domain.ticks import Ticks, table
from tests.adapters.feeds.reading import read

Item = tuple[int, int, int]  # receive time, feed, number within the feed


def refusal(ns: int, feed: int, number: int) -> FrameRefused:
    return FrameRefused(ns, 0, f"{feed}", f"{number}", "", "")


def feed_of(times: list[tuple[int, bool]], feed: int, block: int) -> ArrayFeed:
    """A feed whose n-th item is a tick or a refusal at the n-th time; the tick's price is n."""
    parts: list[Ticks | FeedInput] = []
    for n, (ns, is_tick) in enumerate(sorted(times, key=lambda t: t[0])):
        parts.append(table(TickKind.TRADE, feed, [ns], [ns], [n], 1, 0, 0) if is_tick else refusal(ns, feed, n))
    joined: list[Ticks | FeedInput] = []
    for part in parts:
        if isinstance(part, Ticks) and joined and isinstance(joined[-1], Ticks):
            joined[-1] = Ticks(_beside(joined[-1], part))
        else:
            joined.append(part)
    return ArrayFeed(joined, f"{feed}", block)


def _beside(a: Ticks, b: Ticks):  # type: ignore[no-untyped-def]
    import numpy as np

    return np.concatenate([a.cols, b.cols], axis=1)


def told(feed: Feed) -> list[Item]:
    """Every tick and refusal in order, as (time, feed, number)."""
    found: list[Item] = []
    for item in feed.blocks():
        if isinstance(item, Ticks):
            found += zip(item.recv_ns.tolist(), item.instrument.tolist(), item.cols[4].tolist(), strict=True)
        else:
            assert isinstance(item, FrameRefused)
            found.append((item.ns, int(item.feed), int(item.place)))
    return found


TIMES = st.lists(st.tuples(st.integers(0, 25), st.sampled_from([True, True, True, False])), max_size=40)


@given(feeds=st.lists(TIMES, max_size=5), sizes=st.lists(st.integers(1, 9), min_size=5, max_size=5), block=st.integers(1, 9))
def test_merging_is_sorting_by_time_then_feed_with_each_feed_in_its_own_order(
    feeds: list[list[tuple[int, bool]]], sizes: list[int], block: int
) -> None:
    expected = sorted(
        (item for n, times in enumerate(feeds) for item in told(feed_of(times, n, 1))), key=lambda item: (item[0], item[1]),
    )  # fmt: skip
    merged = MergedFeed([feed_of(times, n, size) for (n, times), size in zip(enumerate(feeds), sizes, strict=False)], block=block)
    assert told(merged) == expected
    assert all(0 < len(b) <= block for b in merged.blocks() if isinstance(b, Ticks)) or len(feeds) == 1


def test_a_refusal_older_than_its_feeds_last_tick_stays_behind_it() -> None:
    first = _Loose("0", [table(TickKind.TRADE, 0, [5], [5], [0], 1, 0, 0), refusal(3, 0, 1), table(TickKind.TRADE, 0, [9], [9], [2], 1, 0, 0)])
    second = ArrayFeed([table(TickKind.TRADE, 1, [4, 5, 6], [4, 5, 6], [0, 1, 2], 1, 0, 0)])
    assert told(MergedFeed([first, second])) == [(4, 1, 0), (5, 0, 0), (3, 0, 1), (5, 1, 1), (6, 1, 2), (9, 0, 2)]


class _Loose:
    """A feed that yields what it is given, unchecked."""

    def __init__(self, name: str, items: list[Ticks | FeedInput]) -> None:
        self.name = name
        self._items = items

    def blocks(self):  # type: ignore[no-untyped-def]
        return iter(self._items)


def test_a_feed_whose_times_go_back_is_named() -> None:
    inside = _Loose("bad", [table(TickKind.TRADE, 0, [2, 1], [2, 1], 1, 1, 0, 0)])
    between = _Loose("worse", [table(TickKind.TRADE, 0, [2], [2], 1, 1, 0, 0), table(TickKind.TRADE, 0, [1], [1], 1, 1, 0, 0)])
    good = ArrayFeed([table(TickKind.TRADE, 0, [2], [2], 1, 1, 0, 0)])
    for feed in (inside, between):
        with pytest.raises(FeedInvalid, match=f"{feed.name}: receive times go back"):
            read(MergedFeed([good, feed]))


def test_no_feeds_are_no_ticks_and_one_feed_is_itself() -> None:
    only = ArrayFeed([table(TickKind.TRADE, 0, [1, 2], [1, 2], 1, 1, 0, 0), FeedGap(2, 0, "arrays", 0, "")])
    assert list(MergedFeed([]).blocks()) == []
    assert list(MergedFeed([only]).blocks()) == list(only.blocks())


def test_tables_in_memory_are_cut_to_blocks_and_may_not_go_back() -> None:
    whole = table(TickKind.TRADE, 0, range(10), range(10), 1, 1, 0, 0)
    assert [len(b) for b in ArrayFeed([whole], block=4).blocks() if isinstance(b, Ticks)] == [4, 4, 2]
    with pytest.raises(FeedInvalid, match="receive times go back in part 2"):
        ArrayFeed([whole, whole])
    with pytest.raises(FeedInvalid, match="receive times go back in part 3"):
        ArrayFeed([whole, refusal(9, 0, 0), refusal(8, 0, 0)])
