"""Decides what led to what: every event's parent, from a fill back to the tick it all began with.

Invariants: a parent comes before its child, so every chain ends; ticks are roots and take no memory; a decision's parent is its `cause`,
a venue's report hangs on the request of ours that it answers, a timer that fired on the timer that was set.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from typing import Any

import numpy as np

from domain.events import (
    DECISIONS,
    INPUTS,
    Event,
    FillBusted,
    FillCorrected,
    OrderAccepted,
    OrderCanceled,
    OrderCancelRejected,
    OrderCancelRequested,
    OrderExpired,
    OrderFilled,
    OrderPended,
    OrderRejected,
    OrderReplaced,
    OrderReplaceRequested,
    OrderRestated,
    OrderSubmitted,
    OrderTriggered,
    TimerFired,
    TimerSet,
)
from domain.ticks import Ticks
from projections import Fold

REQUESTS = (OrderSubmitted, OrderCancelRequested, OrderReplaceRequested)
REPORTS = (
    OrderPended, OrderAccepted, OrderRejected, OrderTriggered, OrderFilled, OrderCanceled, OrderCancelRejected, OrderReplaced,
    OrderRestated, OrderExpired, FillBusted, FillCorrected,
)  # fmt: skip


class Causes(Fold):
    """Parents of a session's events: 16 bytes an event, nothing for a tick, and one entry per request of ours."""

    def __init__(self) -> None:
        self.last_seq = 0
        self._seqs = array("q")
        self._parents = array("q")
        self._requests: dict[str, int] = {}
        self._timers: dict[tuple[int, str], int] = {}
        self._by_parent: tuple[Any, Any] | None = None
        self.handlers = {
            **dict.fromkeys(DECISIONS | INPUTS, self._any),
            **dict.fromkeys(REQUESTS, self._request),
            **dict.fromkeys(REPORTS, self._report),
            TimerSet: self._timer_set,
            TimerFired: self._timer_fired,
        }

    def advance(self, first_seq: int, ticks: Ticks) -> None:
        self.last_seq = first_seq + len(ticks) - 1

    def _any(self, seq: int, event: Event) -> None:
        self._seqs.append(seq)
        self._parents.append(event.cause)
        self.last_seq = seq

    def _request(self, seq: int, event: OrderSubmitted | OrderCancelRequested | OrderReplaceRequested) -> None:
        self._any(seq, event)
        self._requests[event.cl_ord_id] = seq

    def _report(self, seq: int, event: OrderAccepted) -> None:
        self._seqs.append(seq)
        self._parents.append(event.cause or self._requests.get(event.cl_ord_id, 0))
        self.last_seq = seq

    def _timer_set(self, seq: int, event: TimerSet) -> None:
        self._any(seq, event)
        self._timers[event.strategy, event.name] = seq

    def _timer_fired(self, seq: int, event: TimerFired) -> None:
        self._seqs.append(seq)
        self._parents.append(event.cause or self._timers.pop((event.strategy, event.name), 0))
        self.last_seq = seq

    def parent(self, seq: int) -> int:
        """The seq that led to `seq`, 0 for a root. Raises LookupError when the session has no such event (yet)."""
        if not 1 <= seq <= self.last_seq:
            raise LookupError(f"the session has no event {seq}, its last is {self.last_seq}")
        i = bisect_left(self._seqs, seq)
        return self._parents[i] if i < len(self._seqs) and self._seqs[i] == seq else 0

    def chain(self, seq: int) -> list[int]:
        """`seq`, its parent, the parent's parent, … down to the root. Raises LookupError for an unknown seq."""
        found = [seq]
        while parent := self.parent(found[-1]):
            found.append(parent)
        return found

    def children(self, seq: int) -> list[int]:
        """What `seq` led to directly, in order."""
        parents, seqs = self._index()
        low, high = np.searchsorted(parents, [seq, seq + 1]).tolist()
        return seqs[low:high].tolist()

    def _index(self) -> tuple[Any, Any]:
        """Parents in order with their children beside them; sorted anew when events have come since the last question."""
        if self._by_parent is None or len(self._by_parent[0]) != len(self._seqs):
            parents = np.array(self._parents, dtype=np.int64)
            order = np.argsort(parents, kind="stable")
            self._by_parent = (parents[order], np.array(self._seqs, dtype=np.int64)[order])
        return self._by_parent
