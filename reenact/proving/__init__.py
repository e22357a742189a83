"""`reenact prove`: looks for a sequence of events under which a session's controls fail.

A machine draws ticks, wishes, reports, commands, waits and restarts near the session's own limits; every event is held against invariants
that recount everything from the events alone. What is found is made small, told in sentences, and kept as a session.
"""

from __future__ import annotations

from reenact.proving.control import KINDS as _CONTROL
from reenact.proving.gates import Gates
from reenact.proving.grouped import KINDS as _GROUPED
from reenact.proving.invariants import Invariant
from reenact.proving.losses import KINDS as _LOSSES
from reenact.proving.records import KINDS as _RECORDS
from reenact.proving.sized import KINDS as _SIZED
from reenact.proving.watched import KINDS as _WATCHED

KINDS: tuple[type[Invariant], ...] = (Gates, *_RECORDS, *_CONTROL, *_LOSSES, *_WATCHED, *_SIZED, *_GROUPED)
"""Every invariant."""

__all__ = ["KINDS", "Invariant"]
