"""Decides how the risk room's work is shown: every order's checks, every rule's tally, and why a wish became no order.

Invariants: each approval and denial is kept with all its checks; every signal ends as exactly one of held, refused, approved, denied or open.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

from domain.events import OrderApproved, OrderDenied, OrderSized, SessionOpened, SignalRaised, StrategySpec
from domain.limits import Check
from domain.terms import Side
from projections import Fold, strategy_name


class RiskDecision(msgspec.Struct, frozen=True, gc=False):
    """One order before the gates. `signal_seq` is 0 when a person asked for it; `reason` is "" when approved."""

    seq: int
    ns: int
    cl_ord_id: str
    approved: bool
    reason: str
    signal_seq: int
    checks: tuple[Check, ...]


class RuleTally(msgspec.Struct, frozen=True, gc=False):
    """One rule over the session. `closest` is the passed check nearest to its limit (relative distance |observed − limit| / limit, limits > 0 only).

    `closest_seq` and `last_seq` are the decisions that hold the checks; `limit_use` of a check is observed / limit.
    """

    rule: str
    passed: int
    denied: int
    closest: Check | None
    closest_seq: int
    last: Check
    last_seq: int


class Gate(StrEnum):
    """Where a signal ended; REFUSED: its sizing policy left nothing of it."""

    HELD = "held"
    REFUSED = "refused"
    APPROVED = "approved"
    DENIED = "denied"
    OPEN = "open"


class SignalFate(msgspec.Struct, frozen=True, gc=False):
    """A signal and its gate. `reason` is the strategy's for a hold and the denying rule's code for a denial; `check` is what failed."""

    seq: int
    ns: int
    strategy: str
    instrument: int
    side: Side
    qty: int
    gate: Gate
    reason: str
    cl_ord_id: str
    decision_seq: int
    check: Check | None


class _Tally:
    __slots__ = ("closest", "closest_seq", "denied", "distance", "last", "last_seq", "passed")

    def __init__(self, check: Check) -> None:
        self.passed = self.denied = self.last_seq = self.closest_seq = 0
        self.last = check
        self.closest: Check | None = None
        self.distance = 0

    def add(self, seq: int, check: Check) -> None:
        self.last = check
        self.last_seq = seq
        if not check.passed:
            self.denied += 1
            return
        self.passed += 1
        limit = check.limit
        if limit <= 0:
            return
        distance = abs(check.observed - limit)
        if self.closest is None or distance * self.closest.limit < self.distance * limit:
            self.closest, self.closest_seq, self.distance = check, seq, distance


class Decisions(Fold):
    """Risk decisions of a session."""

    def __init__(self) -> None:
        self._strategies: tuple[StrategySpec, ...] = ()
        self._decided: list[tuple[int, OrderApproved | OrderDenied]] = []
        self._signals: dict[int, SignalRaised] = {}
        self._fates: dict[int, int] = {}
        self._by_id: dict[str, int] = {}
        self._sized: dict[int, int] = {}
        self._refused: dict[int, tuple[int, OrderSized]] = {}
        self._tallies: dict[str, _Tally] = {}
        self._tallied = 0
        self.handlers = {
            SessionOpened: self._open,
            SignalRaised: self._signal,
            OrderSized: self._size,
            OrderApproved: self._decision,
            OrderDenied: self._decision,
        }

    def _open(self, seq: int, event: SessionOpened) -> None:
        self._strategies = event.strategies

    def _signal(self, seq: int, event: SignalRaised) -> None:
        self._signals[seq] = event

    def _size(self, seq: int, event: OrderSized) -> None:
        if event.qty:
            self._sized[seq] = event.cause
        else:
            self._refused[event.cause] = seq, event

    def _decision(self, seq: int, event: OrderApproved | OrderDenied) -> None:
        self._by_id[event.cl_ord_id] = self._fates[self._sized.get(event.cause, event.cause)] = len(self._decided)
        self._decided.append((seq, event))

    @property
    def count(self) -> int:
        """How many approvals and denials there are."""
        return len(self._decided)

    def rows(self, start: int = 0) -> list[RiskDecision]:
        """Every approval and denial from the `start`-th on, in order."""
        return [self._row(i) for i in range(start, len(self._decided))]

    def of(self, cl_ord_id: str) -> RiskDecision | None:
        """The decision about one order or replace request."""
        i = self._by_id.get(cl_ord_id)
        return None if i is None else self._row(i)

    def _row(self, i: int) -> RiskDecision:
        seq, event = self._decided[i]
        denied = isinstance(event, OrderDenied)
        cause = self._sized.get(event.cause, event.cause)
        signal = cause if cause in self._signals else 0
        return RiskDecision(seq, event.ns, event.cl_ord_id, not denied, event.reason if isinstance(event, OrderDenied) else "", signal, event.checks)

    def rules(self) -> list[RuleTally]:
        """Every rule that was ever asked, in the order of the first answer."""
        # Counting twelve checks an order costs more than folding it, and few readers ask: what is new is counted when somebody does.
        for seq, event in self._decided[self._tallied :]:
            for check in event.checks:
                tally = self._tallies.get(check.rule)
                if tally is None:
                    tally = self._tallies[check.rule] = _Tally(check)
                tally.add(seq, check)
        self._tallied = len(self._decided)
        return [RuleTally(rule, t.passed, t.denied, t.closest, t.closest_seq, t.last, t.last_seq) for rule, t in self._tallies.items()]

    def signals(self, *, without_order: bool = False) -> list[SignalFate]:
        """Every signal with its fate, in order; `without_order` leaves out those that were approved."""
        fates = [self._fate(seq, event) for seq, event in self._signals.items()]
        return [f for f in fates if f.gate != Gate.APPROVED] if without_order else fates

    def _fate(self, seq: int, event: SignalRaised) -> SignalFate:
        gate, reason, cl_ord_id, decided_seq, failed = Gate.OPEN, event.reason, "", 0, None
        i = self._fates.get(seq)
        if i is not None:
            decided_seq, decision = self._decided[i]
            cl_ord_id = decision.cl_ord_id
            gate = Gate.APPROVED
            if isinstance(decision, OrderDenied):
                gate, reason = Gate.DENIED, decision.reason
                failed = next((c for c in decision.checks if not c.passed), None)
        elif event.side == Side.NONE:
            gate = Gate.HELD
        elif seq in self._refused:
            decided_seq, sized = self._refused[seq]
            gate, reason, cl_ord_id = Gate.REFUSED, sized.reason, sized.cl_ord_id
        name = strategy_name(self._strategies, event.strategy)
        return SignalFate(seq, event.ns, name, event.instrument, event.side, event.qty, gate, reason, cl_ord_id, decided_seq, failed)
