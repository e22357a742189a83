"""Was an equal order sent a moment ago?

Invariants: the window is (now − length, now], as in `domain.risk.window`; every new order that was sent counts, an intentional one too and
whatever became of it; replacements neither count nor are asked; where more than `MOST` different orders lie in the window, the oldest ones
are forgotten, and any order may then be equal to the newest forgotten one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final

from domain.events import OrderSubmitted
from domain.limits import Check
from domain.risk.bound import Bound, answer
from domain.risk.proposal import Proposal
from domain.risk.rule import Param, Rule
from domain.state import State
from domain.terms import Scope

if TYPE_CHECKING:
    from domain.order import Order

MOST: Final = 4096
NONE: Final = -1
Fields = tuple[int, int, int, int, int]
"""Instrument, order type with the sign of the side, quantity, limit and stop price."""


class Sent:
    """When an order with the same fields was last sent, and its seq; the oldest first. `forgotten`: the newest one that had to make room."""

    __slots__ = ("_oldest_ns", "bound", "forgotten", "last")

    takes: ClassVar[tuple[type, ...]] = (OrderSubmitted,)

    def __init__(self, bound: Bound) -> None:
        self.bound = bound
        self.last: dict[Fields, tuple[int, int]] = {}
        self.forgotten: tuple[int, int] | None = None
        self._oldest_ns = 0

    def evolve(self, event: Any, order: Order, seq: int) -> None:
        """One more order was sent."""
        last = self.last
        ns: int = event.ns
        fields = (order.instrument, order.order_type * order.side, order.order_qty, order.limit_px, order.stop_px)
        last.pop(fields, None)
        last[fields] = (ns, seq)
        since = ns - self.bound.most
        if self._oldest_ns > since and len(last) <= MOST:
            return
        stale = []
        for oldest, (sent_ns, _) in last.items():
            if sent_ns > since or oldest is fields:
                self._oldest_ns = sent_ns
                break
            stale.append(oldest)
        for oldest in stale:
            del last[oldest]
        if len(last) > MOST:
            self.forgotten = last.pop(next(iter(last)))


def _remember(bound: Bound, state: State) -> Sent:
    return Sent(bound)


def check_duplicate_order(p: Proposal, limit: Bound) -> Check:
    """The last order with equal instrument, side, quantity, type, limit and stop price is at least duplicate_window old, or this one is intentional.

    Observed is that order's age, -1 where there is none or none is asked for; seen is its seq. Reducing orders are asked too: one that means
    to repeat itself says so. Source: SEC 15c3-5(c)(1)(ii).
    """
    if p.intentional or p.replaced is not None:
        return answer(limit, True, NONE, limit.most)
    memory: Sent = limit.memory
    found = memory.last.get((p.instrument, p.order_type * p.side, p.qty, p.limit_px, p.stop_px)) or memory.forgotten
    if found is None:
        return answer(limit, True, NONE, limit.most)
    age = p.now_ns - found[0]
    return answer(limit, age >= limit.most, age, limit.most, found[1])


RULE: Rule = Rule(
    "R-14", "DUPLICATE_ORDER", "ns", check_duplicate_order,
    (Param("duplicate_window", "ns", "how long after an order an equal one is held to be a mistake"),),
    (Scope.ACCOUNT, Scope.STRATEGY, Scope.INSTRUMENT), _remember, overridable=True,
)  # fmt: skip
