"""For tests of one's own strategies, rules and configurations: given, when, then; builders of events; the machine of `reenact prove`."""

from __future__ import annotations

from reenact.proving.invariants import Invariant
from reenact.proving.violation import Violation
from reenact.testing.machines import assert_proven, machine, prove, session
from reenact.testing.world import SECOND, T0, World, X, Y, accept, bounds, cancel, command, fill, given, opening, quotes, reject, trades

__all__ = [
    "SECOND",
    "T0",
    "Invariant",
    "Violation",
    "World",
    "X",
    "Y",
    "accept",
    "assert_proven",
    "bounds",
    "cancel",
    "command",
    "fill",
    "given",
    "machine",
    "opening",
    "prove",
    "quotes",
    "reject",
    "session",
    "trades",
]
