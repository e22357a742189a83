"""Decides what a feed is: a named source that yields market data in the order it was received.

Invariants: receive times never decrease over the whole feed; a block holds at most `block` ticks; memory does not grow with the data.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Protocol

from domain.events.market import FeedConnected, FeedGap, FeedLost, FrameRefused
from domain.events.session import VenueConnected, VenueLost
from domain.ticks import Ticks

FeedInput = FrameRefused | FeedConnected | FeedLost | FeedGap | VenueLost | VenueConnected
BLOCK = 16384


class Feed(Protocol):
    """A source of market data. `blocks()` yields tables of ticks and, between them, what happened to the feed itself (cause 0)."""

    @property
    def name(self) -> str:
        """The name that feed events carry."""
        ...

    def blocks(self) -> Iterator[Ticks | FeedInput]:
        """The feed from its start. Raises FeedInvalid when the source as a whole cannot be read."""
        ...


def cut(ticks: Ticks, block: int) -> Iterator[Ticks]:
    """The table in pieces of at most `block` ticks, as views."""
    if len(ticks) <= block:
        if len(ticks):
            yield ticks
        return
    for start in range(0, len(ticks), block):
        yield ticks.slice(start, min(start + block, len(ticks)))


class Refusal:
    """A row that could not be understood, before its place in time is known. `place` is file:line, `raw` the text as found."""

    __slots__ = ("place", "raw", "reason")

    def __init__(self, place: str, reason: str, raw: str) -> None:
        self.place = place
        self.reason = reason
        self.raw = raw


class Emitted:
    """Counts what a reader has emitted: `ticks`, other inputs, and the last receive time (None before the first tick)."""

    def __init__(self, ticks: int = 0, inputs: int = 0, last_ns: int | None = None) -> None:
        self.ticks = ticks
        self.inputs = inputs
        self.last_ns = last_ns

    def counted(self, items: Iterable[Ticks | Refusal]) -> Iterator[Ticks | Refusal]:
        """The items, counted as they pass."""
        for item in items:
            yield item
            if not isinstance(item, Ticks):
                self.inputs += 1
            elif len(item):
                self.ticks += len(item)
                self.last_ns = int(item.recv_ns[-1])


_WAITING = 1000
NO_INSTRUMENT = -1


def in_order(
    feed: str, items: Iterable[Ticks | Refusal], block: int, left_out: Mapping[str, int], last: int | None = None
) -> Iterator[Ticks | FeedInput]:
    """Tables cut to `block`, refusals as events at the receive time of the last good row before them.

    What the feed's policy has left out by the end (`left_out`, by cause) is said in a `FeedGap`: nothing goes missing silently.

    Refusals before the first good row take its time; when more than a thousand precede it, or none follows, their time is 0.
    `last`: the receive time of the last good row before these items, where they are the rest of a feed.
    """
    waiting: list[Refusal] = []
    for item in items:
        if isinstance(item, Ticks):
            if len(item) == 0:
                continue
            first = int(item.recv_ns[0])
            yield from (_event(feed, r, first) for r in waiting)
            waiting.clear()
            last = int(item.recv_ns[-1])
            yield from cut(item, block)
        elif last is not None:
            yield _event(feed, item, last)
        else:
            waiting.append(item)
            if len(waiting) > _WAITING:
                last = 0
                yield from (_event(feed, r, last) for r in waiting)
                waiting.clear()
    yield from (_event(feed, r, last or 0) for r in waiting)
    if left_out:
        counts = ", ".join(f"{cause} {n}" for cause, n in sorted(left_out.items()))
        yield FeedGap(last or 0, 0, feed, NO_INSTRUMENT, f"rows left out by the feed's policy: {counts}")


def _event(feed: str, refusal: Refusal, ns: int) -> FrameRefused:
    return FrameRefused(ns, 0, feed, refusal.place, refusal.reason, refusal.raw)
