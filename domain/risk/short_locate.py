"""Is it known where the shares for a short sale come from?

Invariants: a sell is short as soon as the account could be, with everything that works and is UNKNOWN filled, but of
the exits of one group only one (`Proposal.shared_qty`). How much may be borrowed is
`borrow_qty` of `domain.risk.borrow_qty`: no event tells how much a locate is good for.
"""

from __future__ import annotations

from typing import Final

from domain.limits import OFF, Check
from domain.risk.bound import Bound, answer
from domain.risk.proposal import Proposal
from domain.risk.rule import Param, Rule
from domain.terms import Scope, Side

_BUY: Final = Side.BUY


def check_short_locate(p: Proposal, limit: Bound) -> Check:
    """What the account could be short at worst is 0, or the sell names its locate (then the limit is off). Source: SEC 15c3-5(c)(2)(i); Reg SHO 203(b)."""
    if not limit.most or p.side is _BUY:
        return answer(limit, True, 0, OFF)
    short_qty = max(0, p.sell_leaves + p.qty - p.shared_qty - p.position_qty)
    located = bool(p.locate.strip())
    return answer(limit, located or not short_qty, short_qty, OFF if located else 0)


RULE: Rule = Rule(
    "R-21", "SHORT_LOCATE", "qty", check_short_locate, (Param("require_locate", "flag", "whether a short sale has to name its locate"),),
    (Scope.INSTRUMENT, Scope.CLASS, Scope.VENUE, Scope.STRATEGY, Scope.ACCOUNT),
)  # fmt: skip
