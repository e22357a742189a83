"""Is the order small enough in quantity?"""

from __future__ import annotations

from domain.risk.answer import answer
from domain.risk.check import Check, Rule
from domain.risk.limits import Limits
from domain.risk.proposal import Proposal


def check_max_order_qty(p: Proposal, limits: Limits) -> Check:
    """Quantity ≤ max_order_qty. Source: RTS 6 Art. 15(1)(c); SEC 15c3-5 size parameter."""
    limit = limits.max_order_qty
    return answer("R-04", limit < 0 or p.qty <= limit, p.qty, limit)


RULE: Rule = Rule("R-04", "MAX_ORDER_QTY", "qty", check_max_order_qty)
