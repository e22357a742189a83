"""Could the position grow too large if everything working, unknown and proposed were filled?"""

from __future__ import annotations

from domain.risk.answer import answer
from domain.risk.check import Check, Rule
from domain.risk.limits import Limits
from domain.risk.proposal import Proposal


def check_position_limit(p: Proposal, limits: Limits) -> Check:
    """Worst-case position on the order's side ≤ max_long_qty or max_short_qty. Source: RTS 6 Art. 8(c); 15(2) for counting working orders."""
    if p.side > 0:
        worst = p.position_qty + p.buy_leaves + p.qty
        limit = limits.max_long_qty
    else:
        worst = p.sell_leaves + p.qty - p.position_qty
        limit = limits.max_short_qty
    return answer("R-07", limit < 0 or worst <= limit, worst, limit)


RULE: Rule = Rule("R-07", "POSITION_LIMIT", "qty", check_position_limit)
