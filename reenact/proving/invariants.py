"""What an invariant of the prover is, and the checker that holds every event of a session against all of them.

Invariants: each event is checked in its order, against the facts of its whole prefix; a check raises or changes nothing but its own memory.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, NoReturn

from domain import events as ev
from domain.risk.rule import Rule
from reenact.proving.facts import Facts
from reenact.proving.violation import Violation


class Invariant:
    """Something that must hold for every prefix of a session. `id` names the rule it proves, `says` what must hold.

    `before`: event types it wants to hear of before they are counted; `after`: after.
    """

    id: str = ""
    says: str = ""
    before: tuple[type, ...] = ()
    after: tuple[type, ...] = ()

    def __init__(self, facts: Facts, tested: Counter[str]) -> None:
        self.facts = facts
        self.tested = tested

    def ahead(self, seq: int, event: Any) -> None:
        """Look at an event before it is counted."""

    def take(self, seq: int, event: Any) -> None:
        """Look at an event, the facts standing at it."""

    def settle(self) -> None:
        """Look when all that an input led to is counted."""

    def must(self, holds: object, sentence: str, rule: str = "") -> None:
        """Put it to the test: raises Violation with the sentence unless it holds."""
        self.tested[rule or self.id] += 1
        if not holds:
            self.broken(sentence, rule)

    def broken(self, sentence: str, rule: str = "") -> NoReturn:
        """Raise Violation."""
        raise Violation(rule or self.id, self.facts.seq, sentence)


class Checker:
    """Holds a session's events, handed over in order, against invariants. `tested` counts how often each was put to the test."""

    def __init__(self, opened: ev.SessionOpened, rules: Sequence[Rule], kinds: Sequence[type[Invariant]], tested: Counter[str]) -> None:
        self.facts = Facts(opened, rules)
        self.invariants = [kind(self.facts, tested) for kind in kinds]
        self._before: dict[type, list[Any]] = {}
        self._after: dict[type, list[Any]] = {}
        for one in self.invariants:
            for kind in one.before:
                self._before.setdefault(kind, []).append(one.ahead)
            for kind in one.after:
                self._after.setdefault(kind, []).append(one.take)
        self._settle = [one.settle for one in self.invariants if type(one).settle is not Invariant.settle]

    def settle(self) -> None:
        """Check what must hold once all that an input led to is counted. Raises Violation."""
        for look in self._settle:
            look()

    def take(self, seq: int, event: Any) -> None:
        """Check one event. Raises Violation."""
        kind = type(event)
        facts = self.facts
        ahead = self._before.get(kind)
        if ahead is not None:
            facts.seq = seq
            for look in ahead:
                look(seq, event)
        facts.take(seq, event)
        for look in self._after.get(kind, ()):
            look(seq, event)
