"""Is what could be sold short no more than what may be borrowed?

Invariants: what the account could be short is counted as in `domain.risk.short_locate`; a locate does not lift it, for it says where the
shares come from and not how many there are.
"""

from __future__ import annotations

from typing import Final

from domain.limits import OFF, Check
from domain.risk.bound import Bound, answer
from domain.risk.proposal import Proposal
from domain.risk.rule import Param, Rule
from domain.terms import Scope, Side

_BUY: Final = Side.BUY


def check_borrow_qty(p: Proposal, limit: Bound) -> Check:
    """What the account could be short at worst, this sell included, ≤ borrow_qty, whether or not the sell names its locate.

    A buy is not bounded, nor is a sell of what is held. Source: SEC 15c3-5(c)(2)(i); Reg SHO 203(b)(1), reasonable grounds that it can be borrowed.
    """
    if p.side is _BUY:
        return answer(limit, True, 0, OFF)
    short_qty = max(0, p.sell_leaves + p.qty - p.shared_qty - p.position_qty)
    return answer(limit, short_qty <= limit.most, short_qty, limit.most)


RULE: Rule = Rule(
    "R-21b", "SHORT_LOCATE", "qty", check_borrow_qty, (Param("borrow_qty", "qty", "how much of the instrument may be borrowed to sell it short"),),
    (Scope.INSTRUMENT,),
)  # fmt: skip
