"""What an order of one strategy in one instrument meets: the checks that bind it, and the memories that hear of it.

Invariants: every check answers; a rule that raises has failed, and says so by name only, so that the record is the same on every machine.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from domain.limits import Check
from domain.risk.approval import Answers
from domain.risk.bound import Bound
from domain.risk.memory import Memory
from domain.risk.proposal import Proposal
from domain.terms import TradingState

Ask = Callable[[Proposal, Bound], Check]
_Check: Final = Check


class Gate:
    """Made anew whenever limits or halts change. checks: asked about orders; cancel_checks: about cancels. state: the strictest state of the
    scopes; own_state: of the strategy itself, shared_state: of all others. routes: who hears of which order event; trades: who hears of position
    changes.
    """

    __slots__ = ("cancel_checks", "checks", "own_state", "routes", "shared_state", "state", "trades")

    def __init__(
        self, checks: tuple[tuple[Ask, Bound], ...], state: TradingState, routes: dict[type, tuple[Memory, ...]], trades: tuple[Memory, ...],
        cancel_checks: tuple[tuple[Ask, Bound], ...] = (), own_state: TradingState = TradingState.ACTIVE,
    ) -> None:  # fmt: skip
        self.checks = checks
        self.cancel_checks = cancel_checks
        self.state = max(state, own_state)
        self.shared_state = state
        self.own_state = own_state
        self.routes = routes
        self.trades = trades

    def check(self, p: Proposal) -> Answers:
        """Every rule's answer on an order, in the order of the rules."""
        return _ask(p, self.checks)

    def check_cancel(self, p: Proposal) -> Answers:
        """Every rule's answer on a cancel of the order that the proposal describes."""
        return _ask(p, self.cancel_checks)

    def hear(self, event: Any, order: Any, seq: int) -> None:
        """Tell the memories of an order event."""
        for memory in self.routes.get(type(event), ()):
            memory.evolve(event, order, seq)


def _ask(p: Proposal, checks: tuple[tuple[Ask, Bound], ...]) -> Answers:
    # Every place is filled below.
    found: list[Any] = [None] * len(checks)
    failed: list[Check] | None = None
    raised: list[tuple[Bound, str]] | None = None
    for at, (ask, bound) in enumerate(checks):
        try:
            check = ask(p, bound)
        except Exception as e:  # noqa: BLE001 (fail closed: whatever a rule raises denies the order and halts its scope)
            raised = raised or []
            raised.append((bound, type(e).__name__))
            check = _Check(bound.rule, False, 0, 0, 0, bound.id, bound.version)
        found[at] = check
        # A rule that answers by `answer` has left the outcome in its bound, where it is quicker to read.
        if not (bound.passed if check is bound.last else check.passed):
            failed = failed or []
            failed.append(check)
    if failed is None:
        return Answers(tuple(found))
    return Answers(tuple(found), tuple(failed), tuple(raised or ()))
