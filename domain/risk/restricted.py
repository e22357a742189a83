"""Is the instrument on a list of those that may not be traded now?

Invariants: a restriction binds reducing orders too; it ends at its end whatever its start is.
"""

from __future__ import annotations

from domain.limits import Check
from domain.risk.bound import Bound, answer
from domain.risk.proposal import Proposal
from domain.risk.rule import Param, Rule
from domain.terms import Scope


def check_restricted(p: Proposal, limit: Bound) -> Check:
    """Now is before restricted_from, or at or after restricted_until; a start that is off is long ago, an end that is off never comes.

    Observed is now; limit is the end once it has come, else the start. Source: SEC 15c3-5(c)(2)(ii).
    """
    start, end = limit.values
    now = p.now_ns
    if 0 <= end <= now:
        return answer(limit, True, now, end)
    return answer(limit, now < start, now, start)


RULE: Rule = Rule(
    "R-17", "RESTRICTED", "time", check_restricted,
    (Param("restricted_from", "time", "when trading becomes forbidden"), Param("restricted_until", "time", "when trading is allowed again")),
    (Scope.INSTRUMENT, Scope.CLASS, Scope.VENUE),
)  # fmt: skip
