"""Does a reduce-only order really only reduce?"""

from __future__ import annotations

from typing import Final

from domain.risk.answer import answer
from domain.risk.check import Check, Rule
from domain.risk.limits import Limits
from domain.risk.proposal import Proposal

_FREE: Final = Check("R-23", True, 0, -1)


def check_reduce_only(p: Proposal, limits: Limits) -> Check:
    """A reduce-only order is no larger than the opposite position less what already works against it. Source: venue rule; features D R-23."""
    if not p.reduce_only:
        return _FREE
    most = p.reducible_qty
    return answer("R-23", p.qty <= most, p.qty, most)


RULE: Rule = Rule("R-23", "REDUCE_ONLY", "qty", check_reduce_only)
