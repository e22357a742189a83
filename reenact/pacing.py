"""Decides when a recorded feed's ticks are handed over if it is to be played at a speed that people can follow.

Invariants: nothing is changed, dropped or reordered; only the moment and the cut of the blocks differ, on which no decision depends.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

from adapters.feeds import FeedInput
from domain.ticks import Ticks

_NS_PER_S = 10**9


def paced(blocks: Iterator[Ticks | FeedInput], speed: float) -> Iterator[Ticks | FeedInput]:
    """The feed at `speed` times the speed of its receive times, the first input at once. What is overdue comes in one block."""
    started = time.monotonic()
    first_ns = 0
    for block in blocks:
        if not isinstance(block, Ticks):
            first_ns = first_ns or block.ns
            _wait((block.ns - first_ns) / speed / _NS_PER_S - (time.monotonic() - started))
            yield block
            continue
        first_ns = first_ns or int(block.recv_ns[0])
        at = 0
        while at < len(block):
            _wait((int(block.recv_ns[at]) - first_ns) / speed / _NS_PER_S - (time.monotonic() - started))
            due_ns = first_ns + int((time.monotonic() - started) * speed * _NS_PER_S)
            to = max(at + 1, int(block.recv_ns.searchsorted(due_ns, side="right")))
            yield block.slice(at, to)
            at = to


def _wait(seconds: float) -> None:
    if seconds > 0:
        time.sleep(seconds)
