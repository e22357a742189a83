"""Is the order small enough in quantity?"""

from __future__ import annotations

from domain.limits import Check
from domain.risk.bound import Bound, answer
from domain.risk.proposal import Proposal
from domain.risk.rule import Param, Rule
from domain.terms import Scope


def check_max_order_qty(p: Proposal, limit: Bound) -> Check:
    """Quantity ≤ max_order_qty. Source: RTS 6 Art. 15(1)(c); SEC 15c3-5 size parameter."""
    return answer(limit, p.qty <= limit.most, p.qty, limit.most)


RULE: Rule = Rule(
    "R-04", "MAX_ORDER_QTY", "qty", check_max_order_qty, (Param("max_order_qty", "qty", "largest quantity of one order"),),
    (Scope.INSTRUMENT,), overridable=True,
)  # fmt: skip
