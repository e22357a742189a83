"""What must hold for the record itself: causes, ids, halts, the balance that a venue reports."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from typing import Any

from domain import events as ev
from domain.events import DECISIONS
from reenact.proving.adversary import TARGET
from reenact.proving.facts import PERSON, Facts
from reenact.proving.invariants import Invariant
from reenact.proving.wish import HEARD


class Causes(Invariant):
    """Every decision leads back to an input."""

    id = "CAUSE"
    says = "every decision names an earlier event as its cause"
    after = tuple(sorted(DECISIONS, key=lambda kind: kind.__name__))

    def take(self, seq: int, event: Any) -> None:
        """Look at a decision."""
        self.must(0 < event.cause < seq, f"a decision names event {event.cause} as its cause")


class Heard(Invariant):
    """Strategies know what they trade."""

    id = "FILLS"
    says = "a strategy is told of every fill that moves its position, once"
    after = (ev.OrderFilled, ev.SignalRaised)

    def __init__(self, facts: Facts, tested: Counter[str]) -> None:
        super().__init__(facts, tested)
        self.due: Counter[tuple[int, str]] = Counter()

    def take(self, seq: int, event: Any) -> None:
        """Count fills up, and what the adversary says that it heard down."""
        strategies = self.facts.opened.strategies
        if isinstance(event, ev.SignalRaised):
            if event.reason.startswith(HEARD):
                self.due[event.strategy, event.reason.removeprefix(HEARD)] -= 1
        elif self.facts.moved and (strategy := self.facts.moved[0][0]) != PERSON and strategies[strategy].target == TARGET:
            self.due[strategy, event.exec_id] += 1

    def settle(self) -> None:
        """Nothing is left to be told."""
        for (strategy, exec_id), n in self.due.items():
            self.must(n == 0, f"{self.facts.names[strategy]} was told of fill {exec_id} {'too often' if n < 0 else 'too seldom'}")
        self.due.clear()


class Ids(Invariant):
    """No id stands for two requests."""

    id = "R-15"
    says = "no two requests carry the same client order id"
    after = (ev.OrderSubmitted, ev.OrderReplaceRequested, ev.OrderCancelRequested)

    def __init__(self, facts: Facts, tested: Counter[str]) -> None:
        super().__init__(facts, tested)
        self.used: set[str] = set()

    def take(self, seq: int, event: Any) -> None:
        """Look at a request."""
        self.must(event.cl_ord_id not in self.used, f"id {event.cl_ord_id} is used twice")
        self.used.add(event.cl_ord_id)


class Balances(Invariant):
    """A venue's balance is compared with what fills and fees leave."""

    id = "BALANCE"
    says = "a reported balance that differs from cash is a break with both numbers, unless a position is open in that currency"
    after = (ev.BalanceReported, ev.ReconciliationBreak)

    def __init__(self, facts: Facts, tested: Counter[str]) -> None:
        super().__init__(facts, tested)
        self.expected: Fraction | None = None

    def take(self, seq: int, event: Any) -> None:
        """Look at a report or a break."""
        facts = self.facts
        if isinstance(event, ev.ReconciliationBreak):
            self.must(
                self.expected is not None and Fraction(event.expected, 10**event.digits) == self.expected,
                f"a break expects {event.expected}, cash is {self.expected}",
            )
            self.expected = None
            return
        flat = not any(q and spec.settle == event.currency for q, spec in zip(facts.position, facts.specs, strict=True))
        own = facts.cash.get(event.currency)
        if own is not None and flat:
            cash = Fraction(own) / 10 ** facts.digits[event.currency]
            self.expected = cash if cash != Fraction(event.amt, 10**event.digits) else None

    def settle(self) -> None:
        """A difference must have been said."""
        if self.expected is not None:
            self.must(holds=False, sentence=f"a reported balance differs from {float(self.expected)} and no break was recorded")


class Unknown(Invariant):
    """After a restart, what was never answered is UNKNOWN."""

    id = "UNKNOWN"
    says = "after a restart every order that the venue never answered is UNKNOWN"
    after = (ev.SessionResumed,)

    def __init__(self, facts: Facts, tested: Counter[str]) -> None:
        super().__init__(facts, tested)
        self.due: list[Any] = []

    def take(self, seq: int, event: Any) -> None:
        """Remember who was never answered."""
        self.due = [k for k in self.facts.working.values() if not k.answered]

    def settle(self) -> None:
        """They must be unknown now."""
        for known in self.due:
            self.must(
                known.unknown or known.answered or not known.worst, f"order {known.cl_ord_id} was never answered and is not UNKNOWN after the restart"
            )
        self.due = []


KINDS = (Causes, Heard, Ids, Balances, Unknown)
