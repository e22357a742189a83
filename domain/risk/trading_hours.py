"""Is it a time of day at which trading is allowed?

Invariants: hours are of the UTC day and the same every day; a window that ends before it starts runs over midnight; an empty one is never open.
"""

from __future__ import annotations

from typing import Final

from domain.limits import Check
from domain.money import div_floor
from domain.risk.bound import Bound, answer
from domain.risk.proposal import Proposal
from domain.risk.rule import Param, Rule
from domain.terms import Scope

_MINUTE_NS: Final = 60 * 10**9
_DAY_MINUTES: Final = 24 * 60


def check_trading_hours(p: Proposal, limit: Bound) -> Check:
    """The minute of the UTC day (observed) is in [first, last). Limit is the minute that closes the open window, or that opens the closed one.

    Source: venue rule; features D R-22.
    """
    first, last = limit.values
    minute = div_floor(p.now_ns, _MINUTE_NS) % _DAY_MINUTES
    is_open = first <= minute < last if first <= last else minute >= first or minute < last
    return answer(limit, is_open, minute, last if is_open else first)


RULE: Rule = Rule(
    "R-22", "SESSION_CLOSED", "hours", check_trading_hours, (Param("hours", "hours", "first and last minute of the UTC day at which orders may be sent"),),
    (Scope.INSTRUMENT, Scope.CLASS, Scope.VENUE, Scope.STRATEGY, Scope.ACCOUNT),
)  # fmt: skip
