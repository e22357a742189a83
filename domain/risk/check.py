"""What a risk rule is and what it answers.

Invariants: a rule is a pure function of a proposal and its limits; a missing input fails the rule; every rule answers, none short-circuits.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from domain.risk.limits import Limits
from domain.risk.proposal import Proposal


class Check(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One rule's answer: what was compared with what, in the rule's unit. `seen` is the seq of the market event looked at, or 0.

    A limit of -1 means that the limit is off.
    """

    rule: str
    passed: bool
    observed: int
    limit: int
    seen: int = 0


class Rule(msgspec.Struct, frozen=True, gc=False):
    """A rule as people read it: id (features list D), reason code, unit of its numbers, and the check itself. Making one makes it known."""

    id: str
    code: str
    unit: str
    check: Callable[[Proposal, Limits], Check]

    def __post_init__(self) -> None:
        KNOWN[self.id] = self


KNOWN: dict[str, Rule] = {}
"""Every rule whose file was imported, by id."""
