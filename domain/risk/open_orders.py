"""Are too many orders open at a time, or orders of too much value?

Invariants: an order is open while it may still trade, UNKNOWN ones included; the memory holds one number per open order.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final

from domain.events import (
    FillBusted,
    FillCorrected,
    OrderCanceled,
    OrderCancelRejected,
    OrderExpired,
    OrderFilled,
    OrderRejected,
    OrderReplaced,
    OrderReplaceRequested,
    OrderRestated,
    OrderSubmitted,
)
from domain.limits import Check
from domain.risk.bound import ANYONE, Bound, answer
from domain.risk.exposure import Measure, fits_total, reduces
from domain.risk.memory import Memory
from domain.risk.proposal import Proposal
from domain.risk.rule import Param, Rule
from domain.state import State
from domain.terms import Scope, Side

if TYPE_CHECKING:
    from domain.order import Order

_BUY: Final = Side.BUY
_SCOPES = (Scope.INSTRUMENT, Scope.STRATEGY, Scope.ACCOUNT)


class OpenOrders(Memory):
    """The open orders of a scope by side, under their numbers. `seen`: seq of the last event that changed one."""

    takes: ClassVar[tuple[type, ...]] = (
        OrderSubmitted, OrderFilled, OrderCanceled, OrderRejected, OrderExpired, OrderReplaced, OrderReplaceRequested, OrderCancelRejected,
        OrderRestated, FillBusted, FillCorrected,
    )  # fmt: skip
    __slots__ = ("buys", "seen", "sells")

    def __init__(self, bound: Bound, state: State) -> None:
        self.buys: dict[int, None] = {}
        self.sells: dict[int, None] = {}
        self.seen = 0
        for order in state.orders.working():
            if order.instrument in bound.instruments and bound.strategy in (ANYONE, order.strategy):
                self.evolve(None, order, 0)

    def evolve(self, event: Any, order: Order, seq: int) -> None:
        """Keep the order, or forget it when it can trade no more."""
        self.seen = seq
        side = self.buys if order.side is _BUY else self.sells
        if order.worst_leaves:
            side[order.number] = None
        elif order.number in side:
            del side[order.number]


class Open(Measure):
    """What may still trade."""

    def qty(self, held: int, buys: int, sells: int) -> int:
        """On both sides."""
        return buys + sells


OPEN: Final = Open()


def check_open_orders(p: Proposal, limit: Bound) -> Check:
    """Open orders on the order's side, this one included (in the place of the one it replaces), ≤ max_open_orders; a reducing order passes.

    Source: FIA order controls; features D R-13.
    """
    memory: OpenOrders = limit.memory
    n = len(memory.buys if p.side is _BUY else memory.sells) + (1 if p.replaced is None else 0)
    return answer(limit, n <= limit.most or reduces(p, limit), n, limit.most, memory.seen)


def check_open_value(p: Proposal, limit: Bound) -> Check:
    """Value of all open orders at the mark, and of this one at the worse of its price and the reference, ≤ max_open_value; a reducing order passes.

    Source: FIA order controls; features D R-13.
    """
    return fits_total(p, limit, OPEN)


RULE: Rule = Rule(
    "R-13", "OPEN_ORDERS", "count", check_open_orders, (Param("max_open_orders", "count", "most open orders on one side"),), _SCOPES, OpenOrders,
    overridable=True, late=True,
)  # fmt: skip
VALUE: Rule = Rule(
    "R-13b", "OPEN_ORDERS", "amt", check_open_value, (Param("max_open_value", "amt", "largest value of all open orders together"),), _SCOPES,
    overridable=True,
)  # fmt: skip
