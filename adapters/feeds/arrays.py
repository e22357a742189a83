"""Decides how tables already in memory become a feed, for notebooks, tests and benchmarks.

Invariants: receive times that go back are refused before the first block leaves; nothing is copied.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from adapters.feeds.protocol import BLOCK, FeedInput, cut
from domain.errors import FeedInvalid
from domain.ticks import Ticks


class ArrayFeed:
    """A feed over tables and feed events in time order. Raises FeedInvalid where receive times go back."""

    def __init__(self, parts: Sequence[Ticks | FeedInput], name: str = "arrays", block: int = BLOCK) -> None:
        self._parts = tuple(parts)
        self._name = name
        self._block = block
        last: int | None = None
        for number, part in enumerate(self._parts, start=1):
            if isinstance(part, Ticks):
                recv = part.recv_ns
                if len(recv) == 0:
                    continue
                first, end, inside = int(recv[0]), int(recv[-1]), bool((recv[1:] < recv[:-1]).any())
            else:
                first, end, inside = part.ns, part.ns, False
            if inside or (last is not None and first < last):
                raise FeedInvalid(f"receive times go back in part {number}", place=name, remedy="Sort the ticks by recv_ns.")
            last = end

    @property
    def name(self) -> str:
        return self._name

    def blocks(self) -> Iterator[Ticks | FeedInput]:
        """The parts in order, tables cut to blocks."""
        for part in self._parts:
            if isinstance(part, Ticks):
                yield from cut(part, self._block)
            else:
                yield part
