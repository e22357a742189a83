"""Would the order open one position too many?"""

from __future__ import annotations

from domain.limits import Check
from domain.risk.bound import Bound, answer
from domain.risk.exposure import also_in, exposed
from domain.risk.proposal import Proposal
from domain.risk.rule import Param, Rule
from domain.terms import Scope


def check_max_positions(p: Proposal, limit: Bound) -> Check:
    """Instruments with a position or an open order, the order's own included, ≤ max_positions; only a new instrument can fail.

    Source: features D L-04; house rule.
    """
    specs = p.account.instruments
    n = 1
    for i in p.account.touched:
        if i != p.instrument and also_in(limit, specs[i]) and exposed(p, limit.strategy, i):
            n += 1
    return answer(limit, n <= limit.most or exposed(p, limit.strategy, p.instrument), n, limit.most)


RULE: Rule = Rule(
    "L-04", "MAX_POSITIONS", "count", check_max_positions, (Param("max_positions", "count", "most instruments with a position or an open order"),),
    (Scope.ACCOUNT, Scope.STRATEGY, Scope.CLASS, Scope.VENUE), overridable=True,
)  # fmt: skip
