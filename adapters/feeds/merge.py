"""Decides in which order the ticks of several feeds enter a session: by receive time, at equal times in the order of the feeds.

Invariants: a feed's own order never changes, so its refused rows keep their place; at most one block of each feed is held.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from adapters.feeds.place import Place, beyond
from adapters.feeds.protocol import BLOCK, Feed, FeedInput, cut
from domain.errors import FeedInvalid
from domain.ticks import KIND, PX, RECV_NS, ROWS, Columns, Ticks

_Stood = tuple[Place | None, int, int, int, bool]
_EVENT = 0  # the kind of a column that stands for a feed event; no tick has it


class _Source:
    """One feed with the block it holds: columns not yet passed on, the feed's events among them as columns of kind 0."""

    def __init__(self, feed: Feed, events: dict[int, FeedInput], stood: _Stood | None = None) -> None:
        self.name = feed.name
        self._feed = feed
        self._events = events
        self.cols: Columns = np.zeros((ROWS, 0), dtype=np.int64)
        self._ticks, self._inputs, self.last, self._started = (0, 0, 0, False) if stood is None else stood[1:]
        self._taken_ns = self.last
        self._items = opened(feed, None if stood is None else stood[0], self._ticks, self._inputs)

    @property
    def stood(self) -> _Stood:
        """Where this source stands: a place of its feed, what was taken from its start on, the last time taken and whether anything was."""
        started = bool(self._ticks or self._inputs)
        return getattr(self._feed, "place", None), self._ticks, self._inputs, self._taken_ns, started

    def fill(self) -> bool:
        """Hold the next block when nothing is held. False: the feed has ended. Raises FeedInvalid when its receive times go back."""
        while not self.cols.shape[1]:
            item = next(self._items, None)
            if item is None:
                return False
            cols = item.cols if isinstance(item, Ticks) else self._stand_in(item)
            if not cols.shape[1]:
                continue
            recv = cols[RECV_NS]
            if (recv[1:] < recv[:-1]).any() or (self._started and recv[0] < self.last):
                raise FeedInvalid("receive times go back", place=self.name, remedy="A feed must yield its ticks in the order they were received.")
            self._started = True
            self.last = int(recv[-1])
            self.cols = cols
        return True

    def _stand_in(self, event: FeedInput) -> Columns:
        cols = np.zeros((ROWS, 1), dtype=np.int64)
        key = max(self._events, default=-1) + 1
        self._events[key] = event
        cols[KIND], cols[PX], cols[RECV_NS] = _EVENT, key, max(event.ns, self.last) if self._started else event.ns
        return cols

    def take(self, limit: int, inclusive: bool) -> Columns:
        """The held columns with receive time below `limit`, or up to it."""
        if inclusive and self.last <= limit:
            cut_at = self.cols.shape[1]
        else:
            cut_at = int(np.searchsorted(self.cols[RECV_NS], limit, "right" if inclusive else "left"))
        taken, self.cols = self.cols[:, :cut_at], self.cols[:, cut_at:]
        if cut_at:
            inputs = int((taken[KIND] == _EVENT).sum())
            self._ticks += cut_at - inputs
            self._inputs += inputs
            self._taken_ns = int(taken[RECV_NS, -1])
        return taken


class MergedFeed:
    """Several feeds as one. Raises FeedInvalid when a feed's receive times go back, and whatever the feeds raise."""

    def __init__(self, feeds: Sequence[Feed], name: str = "merged", block: int = BLOCK) -> None:
        self._feeds = tuple(feeds)
        self._name = name
        self._block = block
        self._place: Place | None = None

    @property
    def name(self) -> str:
        return self._name

    @property
    def place(self) -> Place | None:
        """Where all feeds stood together, not beyond what was yielded; None when nobody knows."""
        return getattr(self._feeds[0], "place", None) if len(self._feeds) == 1 else self._place

    def blocks(self, place: Place | None = None) -> Iterator[Ticks | FeedInput]:
        """All feeds from their start or a place, in one order."""
        if len(self._feeds) == 1:
            yield from opened(self._feeds[0], place, 0 if place is None else place.ticks, 0 if place is None else place.inputs)
            return
        events: dict[int, FeedInput] = {}
        every = [_Source(feed, events, None if place is None else place.at[n]) for n, feed in enumerate(self._feeds)]
        live = every
        while live := [s for s in live if s.fill()]:
            stood = [s.stood for s in every]
            self._place = Place(sum(s[1] for s in stood), sum(s[2] for s in stood), tuple(stood))
            # Until here every live feed has told its ticks up to the earliest block end. The feed that ends there first may
            # have more of that same time to come, so the feeds after it wait with theirs.
            limit = min(s.last for s in live)
            first = next(n for n, s in enumerate(live) if s.last == limit)
            taken = [s.take(limit, inclusive=n <= first) for n, s in enumerate(live)]
            yield from self._parts(_ordered([t for t in taken if t.shape[1]]), events)

    def _parts(self, cols: Columns, events: dict[int, FeedInput]) -> Iterator[Ticks | FeedInput]:
        start = 0
        if events:
            for at in np.flatnonzero(cols[KIND] == _EVENT).tolist():
                yield from cut(Ticks(cols[:, start:at]), self._block)
                yield events.pop(int(cols[PX, at]))
                start = at + 1
        yield from cut(Ticks(cols[:, start:]), self._block)


def opened(feed: Feed, place: Place | None, ticks: int, inputs: int) -> Iterator[Ticks | FeedInput]:
    """What a feed yields after so many ticks and other inputs, opened at a place of its own before that, if it gave one."""
    if place is None:
        return beyond(feed.blocks(), ticks, inputs)
    blocks: Iterator[Ticks | FeedInput] = feed.blocks(place)  # type: ignore[call-arg]  # only feeds that give places are given one
    return beyond(blocks, ticks - place.ticks, inputs - place.inputs)


def _ordered(taken: list[Columns]) -> Columns:
    """The columns by receive time; equal times stay in the order given."""
    if len(taken) == 1:
        return taken[0]
    joined = np.concatenate(taken, axis=1)
    return joined[:, np.argsort(joined[RECV_NS], kind="stable")]
