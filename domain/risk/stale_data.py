"""Is the market data behind the order fresh?"""

from __future__ import annotations

from domain.risk.answer import answer
from domain.risk.check import Check, Rule
from domain.risk.limits import Limits
from domain.risk.proposal import Proposal


def check_stale_data(p: Proposal, limits: Limits) -> Check:
    """Age of the reference ≤ max_age_ns, and its feed is up; no data at all is stale (observed -1). Source: FIA PTG market-data checks; features D R-20."""
    limit = limits.max_age_ns
    if not p.ref_ns:
        return answer("R-20", limit < 0 and not p.feed_lost, -1, limit)
    age = p.now_ns - p.ref_ns
    return answer("R-20", (limit < 0 or age <= limit) and not p.feed_lost, age, limit, p.ref_seq)


RULE: Rule = Rule("R-20", "STALE_DATA", "ns", check_stale_data)
