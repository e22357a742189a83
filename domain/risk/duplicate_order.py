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
from domain.risk.memory import Memory
from domain.risk.proposal import Proposal
from domain.risk.rule import Param, Rule
from domain.state import State
from domain.terms import OrderType, Scope, Side

if TYPE_CHECKING:
    from domain.order import Order

MOST: Final = 4096
SPARE: Final = 16
NONE: Final = -1
Fields = tuple[int, OrderType, Side, int, int, int]
"""Instrument, order type, side, quantity, limit and stop price."""


class Sent(Memory):
    """When an order with the same fields was last sent, and its seq; the oldest first. `forgotten`: the newest one that had to make room.
    `newest_ns`: when any order was."""

    __slots__ = ("_sweep_at", "bound", "forgotten", "last", "newest_ns")

    takes: ClassVar[tuple[type, ...]] = (OrderSubmitted,)

    def __init__(self, bound: Bound, state: State) -> None:
        self.bound = bound
        self.last: dict[Fields, tuple[int, int]] = {}
        self.forgotten: tuple[int, int] | None = None
        self._sweep_at = SPARE
        self.newest_ns = NONE

    def evolve(self, event: Any, order: Order, seq: int) -> None:
        """One more order was sent."""
        last = self.last
        ns: int = event.ns
        fields = (order.instrument, order.order_type, order.side, order.order_qty, order.limit_px, order.stop_px)
        last.pop(fields, None)
        last[fields] = (ns, seq)
        self.newest_ns = max(self.newest_ns, ns)
        if len(last) > self._sweep_at:
            self._sweep(ns - self.bound.most, seq)
            if len(last) > MOST:
                self.forgotten = last.pop(next(iter(last)))

    def _sweep(self, since_ns: int, newest: int) -> None:
        """Forget what the window has left behind; again when twice as many are held, so that it costs next to nothing an order."""
        last = self.last
        stale = []
        for fields, (sent_ns, seq) in last.items():
            if sent_ns > since_ns or seq == newest:
                break
            stale.append(fields)
        for fields in stale:
            del last[fields]
        self._sweep_at = min(2 * len(last) + SPARE, MOST)


def check_duplicate_order(p: Proposal, limit: Bound) -> Check:
    """The last order with equal instrument, side, quantity, type, limit and stop price is at least duplicate_window old, or this one is intentional.

    Observed is that order's age, -1 where there is none so young or none is asked for; seen is its seq. Reducing orders are asked too: one that means
    to repeat itself says so. Source: SEC 15c3-5(c)(1)(ii).
    """
    memory: Sent = limit.memory
    if p.intentional or p.replaced is not None or p.now_ns - memory.newest_ns >= limit.most:
        return answer(limit, True, NONE, limit.most)
    found = memory.last.get((p.instrument, p.order_type, p.side, p.qty, p.limit_px, p.stop_px)) or memory.forgotten
    age = p.now_ns - found[0] if found is not None else limit.most
    if found is None or age >= limit.most:
        return answer(limit, True, NONE, limit.most)
    return answer(limit, False, age, limit.most, found[1])


RULE: Rule = Rule(
    "R-14", "DUPLICATE_ORDER", "ns", check_duplicate_order,
    (Param("duplicate_window", "ns", "how long after an order an equal one is held to be a mistake"),),
    (Scope.ACCOUNT, Scope.STRATEGY, Scope.INSTRUMENT), Sent, overridable=True, late=True,
)  # fmt: skip
