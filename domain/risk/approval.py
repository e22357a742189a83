"""The only door to a venue: an approved order is a type of its own, and only this room makes one.

Invariants: an `Approved` exists only for a request all of whose checks passed, but for those that two persons let pass once; of answers,
`failed` are exactly the answers that did not pass, in the order of the rules (`domain.risk.gate` alone collects answers).
"""

from __future__ import annotations

from typing import Final

from domain.errors import InvariantBroken
from domain.events import OrderReplaceRequested, OrderSubmitted
from domain.limits import Check
from domain.risk.bound import Bound

_SEAL: Final = object()


class Answers:
    """What the rules said of one request. checks: every answer, in the order of the rules. failed: those that did not pass. raised: the bounds whose
    rule raised, with the exception's name."""

    __slots__ = ("checks", "failed", "raised")

    def __init__(self, checks: tuple[Check, ...], failed: tuple[Check, ...] = (), raised: tuple[tuple[Bound, str], ...] = ()) -> None:
        self.checks = checks
        self.failed = failed
        self.raised = raised


class Approved:
    """A request to a venue that every rule let pass. `approve` makes it; nothing else can. Source: SEC 15c3-5; RTS 6 Art. 15."""

    __slots__ = ("message",)

    def __init__(self, message: OrderSubmitted | OrderReplaceRequested, seal: object) -> None:
        if seal is not _SEAL:
            raise InvariantBroken("broken invariant: only the risk room approves orders")
        self.message = message


def approve(message: OrderSubmitted | OrderReplaceRequested, answers: Answers, waived: tuple[str, ...] = ()) -> Approved:
    """The request as a venue takes it. `waived`: the rules that an override lets it pass. Raises InvariantBroken if a check failed or none was made."""
    if not answers.checks:
        raise InvariantBroken("broken invariant: no order leaves unchecked")
    for check in answers.failed:
        if check.rule not in waived:
            raise InvariantBroken(f"broken invariant: {check.rule} failed, the order must not leave")
    return Approved(message, _SEAL)
