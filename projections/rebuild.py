"""Decides how views are brought up to date: one walk over commits, whole or up to a point.

Invariants: every event reaches every view that reads it exactly once and in order; the result depends on the events alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from domain.commit import Commit
from domain.events import AnyRecorded, Event
from domain.ticks import Ticks
from projections import Fold, View

Segment = tuple[int, Ticks | AnyRecorded]


def segments(commits: Iterable[Commit], *, until_seq: int | None = None, until_ns: int | None = None) -> Iterator[Segment]:
    """Everything in order, as `Commit.segments`, up to and including `until_seq` and what was received at or before `until_ns`."""
    for commit in commits:
        if (until_seq is None or commit.last_seq <= until_seq) and (until_ns is None or commit.last_ns <= until_ns):
            yield from commit.segments()
            continue
        for seq, part in commit.segments():
            if until_seq is not None and seq > until_seq:
                return
            if not isinstance(part, Ticks):
                if until_ns is not None and part.ns > until_ns:
                    return
                yield seq, part
                continue
            n = _reached(seq, part, until_seq, until_ns)
            if n:
                yield seq, part if n == len(part) else part.slice(0, n)
            if n < len(part):
                return


def _reached(seq: int, ticks: Ticks, until_seq: int | None, until_ns: int | None) -> int:
    """How many ticks of a run are not beyond the end."""
    n = len(ticks)
    if until_seq is not None:
        n = min(n, until_seq - seq + 1)
    if until_ns is not None:
        n = min(n, int(np.searchsorted(ticks.recv_ns, until_ns, side="right")))
    return n


def fold(commits: Iterable[Commit], views: Sequence[View], *, until_seq: int | None = None, until_ns: int | None = None) -> int:
    """Fold commits that follow each other into the views; the last seq folded, 0 when there was nothing."""
    reached = 0
    advances = [v.advance for v in views if getattr(type(v), "advance", None) is not Fold.advance]
    table: dict[type[Event], list[Callable[[int, Any], None]]] = {}
    for view in views:
        for kind, handler in view.handlers.items():
            table.setdefault(kind, []).append(handler)
    for seq, part in segments(commits, until_seq=until_seq, until_ns=until_ns):
        if isinstance(part, Ticks):
            for advance in advances:
                advance(seq, part)
            reached = seq + len(part) - 1
        else:
            for handler in table.get(type(part), ()):
                handler(seq, part)
            reached = seq
    return reached
