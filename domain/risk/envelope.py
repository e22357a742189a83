"""Does a strategy stay within what it was approved for: how many instruments and venues, how many orders a day, how much value?

Its position per instrument is R-07 and its prices are R-01; both bind a strategy's orders too.
"""

from __future__ import annotations

from typing import Any, ClassVar

from domain.events import DayRolled, OrderSubmitted
from domain.limits import Check
from domain.risk.bound import Bound, answer
from domain.risk.exposure import fits_gross, reduces, standing
from domain.risk.max_positions import check_max_positions
from domain.risk.memory import Memory
from domain.risk.proposal import Proposal
from domain.risk.rule import Param, Rule
from domain.state import State
from domain.terms import Scope

_SCOPES = (Scope.STRATEGY,)


class DayOrders(Memory):
    """How many orders the strategy sent today. `seen`: seq of the last one."""

    takes: ClassVar[tuple[type, ...]] = (OrderSubmitted, DayRolled)
    __slots__ = ("count", "seen")

    def __init__(self, bound: Bound, state: State) -> None:
        self.count = self.seen = 0

    def evolve(self, event: Any, order: Any, seq: int) -> None:
        """One more, or another day."""
        self.seen = seq
        self.count = 0 if order is None else self.count + 1


def check_instruments(p: Proposal, limit: Bound) -> Check:
    """Instruments in which the strategy holds or works something ≤ max_instruments. Source: RTS 6 Art. 8(a)."""
    return check_max_positions(p, limit)


def check_venues(p: Proposal, limit: Bound) -> Check:
    """Venues on which the strategy holds or works something, the order's included, ≤ max_venues; only a new venue can fail.

    Source: RTS 6 Art. 8(d).
    """
    place = standing(p, limit)
    venue = p.contract.venue
    others = {line.contract.venue: None for line in place.lines}
    n = len(others) if venue in others else len(others) + 1
    return answer(limit, n <= limit.most or place.exposed or venue in others, n, limit.most)


def check_day_orders(p: Proposal, limit: Bound) -> Check:
    """Orders that the strategy sent this day, this one included, ≤ max_strategy_orders; a replacement and a reducing order pass.

    Source: RTS 6 Art. 8(b).
    """
    memory: DayOrders = limit.memory
    new = p.replaced is None
    n = memory.count + (1 if new else 0)
    return answer(limit, n <= limit.most or not new or reduces(p, limit), n, limit.most, memory.seen)


def check_value(p: Proposal, limit: Bound) -> Check:
    """The strategy's worst-case gross exposure with the order ≤ max_strategy_value; a reducing order passes. Source: RTS 6 Art. 8(b) and (c)."""
    return fits_gross(p, limit)


INSTRUMENTS: Rule = Rule(
    "R-08a", "ENVELOPE", "count", check_instruments, (Param("max_instruments", "count", "most instruments that a strategy holds or works"),), _SCOPES
)
VENUES: Rule = Rule(
    "R-08b", "ENVELOPE", "count", check_venues, (Param("max_venues", "count", "most venues that a strategy holds or works on"),), _SCOPES
)
ORDERS: Rule = Rule(
    "R-08c", "ENVELOPE", "count", check_day_orders, (Param("max_strategy_orders", "count", "most orders of a strategy in a day"),), _SCOPES, DayOrders
)
VALUE: Rule = Rule(
    "R-08d", "ENVELOPE", "amt", check_value, (Param("max_strategy_value", "amt", "largest worst-case gross exposure of a strategy"),), _SCOPES
)
