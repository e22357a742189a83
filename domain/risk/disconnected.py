"""Is there a session with the order's venue?"""

from __future__ import annotations

from domain.limits import Check
from domain.risk.bound import Bound, answer
from domain.risk.proposal import Proposal
from domain.risk.rule import Rule


def check_connected(p: Proposal, limit: Bound) -> Check:
    """The session with the instrument's venue is not known to be broken (1). Source: FIA order controls; features D K-03."""
    return answer(limit, not p.venue_lost, int(p.venue_lost), 0)


RULE: Rule = Rule("K-03", "DISCONNECTED", "flag", check_connected)
