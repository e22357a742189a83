"""Could the position grow too large if everything working, unknown and proposed were filled?"""

from __future__ import annotations

from typing import Final

from domain.limits import Check
from domain.risk.bound import ANYONE, Bound, answer
from domain.risk.exposure import reach
from domain.risk.proposal import Proposal
from domain.risk.rule import Param, Rule
from domain.terms import Scope, Side

_BUY: Final = Side.BUY


def check_position_limit(p: Proposal, limit: Bound) -> Check:
    """Worst-case position on the order's side ≤ max_long or max_short, of the account or of the limit's strategy by itself.

    Source: RTS 6 Art. 8(c); 15(2) for counting working orders.
    """
    if limit.strategy != ANYONE:
        up, down = reach(p, limit.strategy, p.instrument)
    else:
        up, down = p.position_qty + p.buy_leaves, p.sell_leaves - p.position_qty
    if p.side == _BUY:
        worst = up + p.qty
        most = limit.values[0]
    else:
        worst = down + p.qty
        most = limit.values[1]
    return answer(limit, most < 0 or worst <= most, worst, most)


RULE: Rule = Rule(
    "R-07", "POSITION_LIMIT", "qty", check_position_limit,
    (Param("max_long", "qty", "largest worst-case long position"), Param("max_short", "qty", "largest worst-case short position, without sign")),
    (Scope.INSTRUMENT, Scope.STRATEGY), overridable=True,
)  # fmt: skip
