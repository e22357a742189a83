"""Decides what is kept of an equity series: its exact extremes, every point at an event, and a bounded number of points between.

Invariants: peak and drawdown are those of the whole series; which points are kept depends on the series alone: the last one in each
cell of a fixed time grid, whose step doubles when there are too many.
"""

from __future__ import annotations

import msgspec
import numpy as np

from projections.columns import Numbers

POINTS = 2_000
_FIRST_STEP_NS = 1 << 20


class EquityPoint(msgspec.Struct, frozen=True, gc=False):
    """Equity after the event or tick `seq`, received at `ns`; it holds until the next point's cell."""

    seq: int
    ns: int
    equity: int


class Drawdown(msgspec.Struct, frozen=True, gc=False):
    """The largest falls from a peak, in the unit of the equity.

    amt: the largest fall, `peak` less the equity at `trough_seq`, the first place where it was that large.
    relative: the largest fall relative to its peak as (fall, peak), exact, None while no peak was positive; not always the same fall.
    Source: maximum drawdown as performance reports define it.
    """

    amt: int
    peak: int
    trough_seq: int
    trough_ns: int
    relative: tuple[int, int] | None


class CurveChange(msgspec.Struct, frozen=True, gc=False):
    """How the kept points differ from what was told last: those that are new or differ, and the seqs of those that are gone."""

    points: list[EquityPoint]
    gone: list[int]


class EquityCurve:
    """One equity series, extended in order. Numbers are integers in any one unit; `scale` changes the unit."""

    __slots__ = (
        "_at_events",
        "_marks",
        "_points",
        "_relative_fall",
        "_relative_peak",
        "_step_ns",
        "_told_events",
        "_told_marks",
        "_worst_positive",
        "fall",
        "fall_peak",
        "peak",
        "trough_ns",
        "trough_seq",
    )

    def __init__(self, seq: int, ns: int, equity: int, points: int = POINTS) -> None:
        self.peak = self.fall_peak = equity
        self.fall = 0
        self.trough_seq = seq
        self.trough_ns = ns
        self._relative_fall, self._relative_peak = 0, max(equity, 0)
        self._worst_positive = 0
        self._points = points
        self._step_ns = _FIRST_STEP_NS
        self._at_events: tuple[list[int], list[int], list[int]] = ([seq], [ns], [equity])
        self._marks: list[tuple[int, int, int]] = []
        self._told_events = 0
        self._told_marks: dict[int, tuple[int, int, int]] = {}

    def extend(self, seqs: Numbers, ns: Numbers, equity: Numbers, at_event: Numbers) -> None:
        """Append points of shape (n,), n > 0; `at_event` says which are kept for good."""
        self._extremes(seqs, ns, equity)
        for mask, take in ((at_event, self._keep), (~at_event, self._thin)):
            if mask.any():
                take(seqs[mask], ns[mask], equity[mask])

    def _extremes(self, seqs: Numbers, ns: Numbers, equity: Numbers) -> None:
        top = np.maximum.accumulate(np.concatenate((np.array([self.peak], dtype=equity.dtype), equity)))[1:]
        falls = top - equity
        starts = np.flatnonzero(np.concatenate(([True], top[1:] != top[:-1])))
        peaks = top[starts]
        worst = np.maximum.reduceat(falls, starts)
        self.peak = int(top[-1])
        deepest = int(np.argmax(worst))
        if worst[deepest] > self.fall:
            self.fall = int(worst[deepest])
            self.fall_peak = int(peaks[deepest])
            place = int(starts[deepest]) + int(np.argmax(falls[starts[deepest] :] == worst[deepest]))
            self.trough_seq = int(seqs[place])
            self.trough_ns = int(ns[place])
        self._relative(peaks[peaks > 0], worst[peaks > 0])

    def _relative(self, peaks: Numbers, worst: Numbers) -> None:
        """Peaks only rise, so a fall that is relatively the largest is larger than all before it in amount too: only those are compared."""
        if not len(peaks):
            return
        before = np.maximum.accumulate(np.concatenate((np.array([self._worst_positive], dtype=worst.dtype), worst)))
        for i in np.flatnonzero(worst > before[:-1]).tolist():
            fall, peak = int(worst[i]), int(peaks[i])
            if not self._relative_peak or fall * self._relative_peak > self._relative_fall * peak:
                self._relative_fall, self._relative_peak = fall, peak
        self._worst_positive = int(before[-1])
        self._relative_peak = self._relative_peak or int(peaks[0])

    def _keep(self, seqs: Numbers, ns: Numbers, equity: Numbers) -> None:
        for kept, column in zip(self._at_events, (seqs, ns, equity), strict=True):
            kept.extend(column.tolist())

    def _thin(self, seqs: Numbers, ns: Numbers, equity: Numbers) -> None:
        marks = self._marks
        while True:
            cells = ns // self._step_ns
            last = np.flatnonzero(np.concatenate((cells[1:] != cells[:-1], [True])))
            joins = bool(marks) and marks[-1][1] // self._step_ns == int(cells[0])
            if len(marks) - joins + len(last) <= self._points:
                break
            self._step_ns *= 2
            marks[:] = {m[1] // self._step_ns: m for m in marks}.values()
        if joins:
            marks.pop()
        marks.extend(zip(seqs[last].tolist(), ns[last].tolist(), equity[last].tolist(), strict=True))

    def scale(self, by: int) -> None:
        """Every number in a unit `by` times smaller."""
        self.peak *= by
        self.fall *= by
        self.fall_peak *= by
        self._relative_fall *= by
        self._relative_peak *= by
        self._worst_positive *= by
        self._at_events[2][:] = [equity * by for equity in self._at_events[2]]
        self._marks = [(seq, ns, equity * by) for seq, ns, equity in self._marks]
        self._told_events = 0
        self._told_marks = dict.fromkeys(self._told_marks, (0, 0, 0))

    def points(self, by: int = 1) -> list[EquityPoint]:
        """The kept points by seq, amounts times `by`."""
        return [EquityPoint(seq, ns, equity * by) for seq, ns, equity in sorted([*zip(*self._at_events, strict=True), *self._marks])]

    def changed(self, by: int = 1) -> CurveChange:
        """What is new or gone since the last question, amounts times `by`; every kept point at the first."""
        seqs, ns, equity = (column[self._told_events :] for column in self._at_events)
        told, marks = self._told_marks, {mark[0]: mark for mark in self._marks}
        self._told_events, self._told_marks = len(self._at_events[0]), marks
        fresh = [*zip(seqs, ns, equity, strict=True), *(m for seq, m in marks.items() if told.get(seq) != m)]
        return CurveChange([EquityPoint(seq, at, amt * by) for seq, at, amt in fresh], [seq for seq in told if seq not in marks])

    def drawdown(self, by: int = 1) -> Drawdown:
        """The largest falls so far, amounts times `by`."""
        relative = (self._relative_fall * by, self._relative_peak * by) if self._relative_peak else None
        return Drawdown(self.fall * by, self.fall_peak * by, self.trough_seq, self.trough_ns, relative)
