"""Would the order open one position too many?"""

from __future__ import annotations

from domain.limits import Check
from domain.risk.bound import Bound, answer
from domain.risk.exposure import standing
from domain.risk.proposal import Proposal
from domain.risk.rule import Param, Rule
from domain.terms import Scope


def check_max_positions(p: Proposal, limit: Bound) -> Check:
    """Instruments with a position or an open order, the order's own included, ≤ max_positions; only a new instrument can fail.

    Source: features D L-04; house rule.
    """
    place = standing(p, limit)
    n = len(place.lines) + 1
    return answer(limit, n <= limit.most or place.exposed, n, limit.most)


RULE: Rule = Rule(
    "L-04", "MAX_POSITIONS", "count", check_max_positions, (Param("max_positions", "count", "most instruments with a position or an open order"),),
    (Scope.ACCOUNT, Scope.STRATEGY, Scope.CLASS, Scope.VENUE), overridable=True,
)  # fmt: skip
