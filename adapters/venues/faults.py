"""Decides what can be wrong with what a venue tells us, and how often or at which report.

Invariants: integers only; the defaults are a venue without faults.
"""

from __future__ import annotations

from enum import IntEnum

import msgspec


class Fault(IntEnum):
    """One way for a venue to mislead us; each may befall the reports in brackets. Source: FIX recovery and duplicate handling (43, 97); features D K-03.

    WRONG_QTY, WRONG_PX (fills): another quantity or price than traded. OVERFILL (fills): more than the order asked for.
    PHANTOM (acceptances): followed by a fill of the whole order that never happened. TWICE (fills): told again under another exec_id.
    LATE_REJECT (fills): followed by a rejection of the same order. LOSE (all): the session breaks, see `FaultSettings`.
    DROP (all): never told. DELAY (all): told later, what follows overtakes it. DUPLICATE (all): told again, same ids.
    REORDER (all): told after the report that follows it.
    """

    WRONG_QTY = 1
    WRONG_PX = 2
    OVERFILL = 3
    PHANTOM = 4
    TWICE = 5
    LATE_REJECT = 6
    LOSE = 7
    DROP = 8
    DELAY = 9
    DUPLICATE = 10
    REORDER = 11


class FaultSettings(msgspec.Struct, frozen=True, gc=False):
    """What goes wrong. `rates`: parts per million of the reports that a fault may befall. `script`: a fault and at which of these, from 1.

    delay_ns: how much later DELAY tells, and the longest that REORDER waits. lost_ns: how long a broken session stays so; meanwhile nothing
    is told and nothing that is sent arrives. wrong_ticks: the most that WRONG_PX is off.
    """

    rates: tuple[tuple[Fault, int], ...] = ()
    script: tuple[tuple[Fault, int], ...] = ()
    delay_ns: int = 10**9
    lost_ns: int = 30 * 10**9
    wrong_ticks: int = 10
