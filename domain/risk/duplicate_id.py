"""Is the client order id used for the first time?

Ids are numbered (`Desk.order_n`), and an order that closed long ago is forgotten (`domain.orders`), so that looking for the id alone would
prove nothing: the number has to be larger than that of every request before.

Invariants: no two requests of a session carry one id, however long ago the first was.
"""

from __future__ import annotations

from typing import Any, ClassVar, Final

from domain.events import OrderCancelRequested, OrderReplaceRequested, OrderSubmitted
from domain.limits import Check
from domain.risk.bound import Bound, answer
from domain.risk.memory import Memory
from domain.risk.proposal import Proposal
from domain.risk.rule import Rule
from domain.state import State

NO_NUMBER: Final = -1


def number_of(cl_ord_id: str) -> int:
    """What an id ends with after its last hyphen; -1 when that is no number."""
    tail = cl_ord_id[cl_ord_id.rfind("-") + 1 :]
    return int(tail) if tail.isdecimal() else NO_NUMBER


class Numbers(Memory):
    """The largest number of any request of ours, and the seq of the last request. `asked`, `number`: the id looked at last, and its number."""

    __slots__ = ("asked", "most", "number", "seq")

    takes: ClassVar[tuple[type, ...]] = (OrderSubmitted, OrderReplaceRequested, OrderCancelRequested)

    def __init__(self) -> None:
        self.most = 0
        self.seq = 0
        self.asked = ""
        self.number = NO_NUMBER

    def evolve(self, event: Any, order: Any, seq: int) -> None:
        """One more request was made."""
        self.most = max(self.most, self.of(event.cl_ord_id))
        self.seq = seq

    def of(self, cl_ord_id: str) -> int:
        """`number_of`, worked out once for an id that is checked and then sent."""
        if cl_ord_id != self.asked:
            self.asked = cl_ord_id
            self.number = number_of(cl_ord_id)
        return self.number


def _remember(bound: Bound, state: State) -> Numbers:
    return Numbers()


def check_duplicate_id(p: Proposal, limit: Bound) -> Check:
    """The id's number is larger than every one before (the limit), and no order is known under it. Source: RTS 24 order id; CAT order key."""
    memory: Numbers = limit.memory
    n = memory.of(p.cl_ord_id)
    return answer(limit, n > memory.most and p.account.orders.find(p.cl_ord_id) is None, n, memory.most, memory.seq)


RULE: Rule = Rule("R-15", "DUPLICATE_ID", "count", check_duplicate_id, memory=_remember)
