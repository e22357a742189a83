"""Is it known who answers for the order?

Invariants: an order of a strategy is its owner's, an order by hand the person's who asked for it.
"""

from __future__ import annotations

from domain.limits import OFF, Check
from domain.risk.bound import Bound, answer
from domain.risk.proposal import Proposal
from domain.risk.rule import Param, Rule


def check_attribution(p: Proposal, limit: Bound) -> Check:
    """Somebody is named (1). Source: RTS 6 Art. 12(3); features D K-04."""
    if not limit.most:
        return answer(limit, True, 0, OFF)
    named = bool(p.actor.strip())
    return answer(limit, named, int(named), 1)


RULE: Rule = Rule(
    "K-04", "UNATTRIBUTED", "flag", check_attribution, (Param("require_owner", "flag", "whether every order needs a person who answers for it"),)
)
