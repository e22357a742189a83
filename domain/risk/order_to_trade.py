"""Are there too many messages for the trades that come of them?

Invariants: counts begin at zero with each day; cancels count and are never stopped.
"""

from __future__ import annotations

from typing import Any, ClassVar, Final

from domain.events import DayRolled, FillBusted, OrderCancelRequested, OrderFilled, OrderReplaceRequested, OrderSubmitted
from domain.limits import OFF, Check
from domain.money import div_ceil
from domain.risk.bound import Bound, answer
from domain.risk.exposure import reduces
from domain.risk.memory import Memory
from domain.risk.proposal import Proposal
from domain.risk.rule import Param, Rule
from domain.state import State
from domain.terms import Scope

_Filled: Final = OrderFilled
_Busted: Final = FillBusted


class Tally(Memory):
    """Messages and trades of the day. `seen`: seq of the last of them."""

    takes: ClassVar[tuple[type, ...]] = (OrderSubmitted, OrderReplaceRequested, OrderCancelRequested, DayRolled)
    __slots__ = ("messages", "seen", "trades")

    def __init__(self, bound: Bound, state: State) -> None:
        self.messages = self.trades = self.seen = 0

    def evolve(self, event: Any, order: Any, seq: int) -> None:
        """One more message, or another day."""
        self.seen = seq
        if order is None:
            self.messages = self.trades = 0
        else:
            self.messages += 1

    def trade(self, event: Any, instrument: int, strategy: int, qty: int, px: int, seq: int) -> None:
        """A fill is a trade, a bust takes one back, a correction leaves it; what others traded is none of ours."""
        kind = type(event)
        if kind is _Filled:
            self.trades += 1
            self.seen = seq
        elif kind is _Busted:
            self.trades -= 1
            self.seen = seq


def check_order_to_trade(p: Proposal, limit: Bound) -> Check:
    """Messages of the day beyond otr_free, this one included, per trade (at least one is assumed) ≤ max_order_to_trade, in 1/100, rounded up.

    An order that only reduces passes. Source: MiFID II Art. 48(6) and RTS 9, order-to-trade ratio; venues' free allowances.
    """
    most, free = limit.values
    if most == OFF:
        return answer(limit, True, 0, OFF)
    memory: Tally = limit.memory
    beyond = max(memory.messages + 1 - max(free, 0), 0)
    ratio = div_ceil(beyond * 100, max(memory.trades, 1))
    return answer(limit, ratio <= most or reduces(p, limit), ratio, most, memory.seen)


RULE: Rule = Rule(
    "R-24", "OTR", "ratio", check_order_to_trade,
    (
        Param("max_order_to_trade", "ratio", "most messages per trade of the day"),
        Param("otr_free", "count", "messages of the day that are not counted", ("max_order_to_trade",)),
    ),
    (Scope.INSTRUMENT, Scope.VENUE), Tally, overridable=True, late=True,
)  # fmt: skip
