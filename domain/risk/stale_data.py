"""Is the market data behind the order fresh?

Invariants: an order without a price that only reduces passes, for nothing prices it; every other order needs a feed and fresh data.
"""

from __future__ import annotations

from domain.limits import Check
from domain.risk.bound import Bound, answer
from domain.risk.proposal import Proposal
from domain.risk.rule import Param, Rule
from domain.terms import Scope


def check_feed_up(p: Proposal, limit: Bound) -> Check:
    """The instrument's feed is not known to be down (1). Source: FIA PTG market-data checks; features D R-20."""
    return answer(limit, not p.feed_lost or p.exits_at_market, int(p.feed_lost), 0)


def check_stale_data(p: Proposal, limit: Bound) -> Check:
    """Age of the reference ≤ max_age; no data at all is stale (observed -1). Source: FIA PTG market-data checks; features D R-20."""
    if not p.ref_ns:
        return answer(limit, p.exits_at_market, -1, limit.most)
    age = p.now_ns - p.ref_ns
    return answer(limit, age <= limit.most or p.exits_at_market, age, limit.most, p.ref_seq)


FEED_UP: Rule = Rule("R-20a", "FEED_LOST", "flag", check_feed_up)
RULE: Rule = Rule(
    "R-20", "STALE_DATA", "ns", check_stale_data, (Param("max_age", "ns", "oldest reference price that an order may rest on"),),
    (Scope.INSTRUMENT, Scope.CLASS, Scope.VENUE, Scope.STRATEGY, Scope.ACCOUNT),
)  # fmt: skip
