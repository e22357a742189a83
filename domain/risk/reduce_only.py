"""Does a reduce-only order really only reduce?"""

from __future__ import annotations

from domain.limits import OFF, Check
from domain.risk.bound import Bound, answer
from domain.risk.proposal import Proposal
from domain.risk.rule import Rule


def check_reduce_only(p: Proposal, limit: Bound) -> Check:
    """A reduce-only order is no larger than the opposite position less what already works against it. Source: venue rule; features D R-23."""
    if not p.reduce_only:
        return answer(limit, True, 0, OFF)
    most = p.reducible_qty
    return answer(limit, p.qty <= most, p.qty, most)


RULE: Rule = Rule("R-23", "REDUCE_ONLY", "qty", check_reduce_only)
