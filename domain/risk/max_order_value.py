"""Is the order small enough in value?"""

from __future__ import annotations

from domain.limits import Check
from domain.risk.bound import Bound, answer
from domain.risk.proposal import Proposal
from domain.risk.rule import Param, Rule
from domain.terms import Scope


def check_max_order_value(p: Proposal, limit: Bound) -> Check:
    """Contract value at the worse of the order's price and the reference ≤ max_order_value; without any price it fails.

    Source: RTS 6 Art. 15(1)(b).
    """
    px = p.limit_px or p.stop_px
    ref = p.ref_px
    # An inverse contract is worth more in its settlement currency the lower the price.
    px = min(px, ref) if p.contract.inverse and px > 0 and ref > 0 else max(px, ref)
    if px <= 0:
        return answer(limit, False, -1, limit.most)
    amt = p.contract.notional(px, p.qty)
    return answer(limit, amt <= limit.most, amt, limit.most, p.ref_seq)


RULE: Rule = Rule(
    "R-03", "MAX_ORDER_VALUE", "amt", check_max_order_value, (Param("max_order_value", "amt", "largest contract value of one order"),),
    (Scope.INSTRUMENT, Scope.CLASS, Scope.VENUE, Scope.STRATEGY, Scope.ACCOUNT), overridable=True,
)  # fmt: skip
