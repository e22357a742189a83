"""Is there a session with the order's venue?"""

from __future__ import annotations

from typing import Final

from domain.limits import Check
from domain.risk.bound import Bound, answer
from domain.risk.proposal import Proposal
from domain.risk.rule import Rule

_CONNECTED: Final = Check("K-03", True, 0, 0)


def check_connected(p: Proposal, limit: Bound) -> Check:
    """The session with the instrument's venue is not known to be broken (1). Source: FIA order controls; features D K-03."""
    return answer(limit, False, 1, 0) if p.venue_lost else _CONNECTED


RULE: Rule = Rule("K-03", "DISCONNECTED", "flag", check_connected)
