"""Is the order small enough in value?"""

from __future__ import annotations

from domain.risk.answer import answer
from domain.risk.check import Check, Rule
from domain.risk.limits import Limits
from domain.risk.proposal import Proposal
from domain.value import notional_of


def check_max_order_value(p: Proposal, limits: Limits) -> Check:
    """Contract value at the worse of the order's price and the reference ≤ max_order_amt; without any price it fails.

    Source: RTS 6 Art. 15(1)(b).
    """
    limit = limits.max_order_amt
    px = p.limit_px or p.stop_px
    ref = p.ref_px
    if p.spec.inverse:
        # An inverse contract is worth more in its settlement currency the lower the price.
        px = min(px, ref) if px > 0 and ref > 0 else px or ref
    elif ref > px:
        px = ref
    if px <= 0:
        return answer("R-03", limit < 0, -1, limit)
    amt = notional_of(p.spec, px, p.qty)
    return answer("R-03", limit < 0 or amt <= limit, amt, limit, p.ref_seq)


RULE: Rule = Rule("R-03", "MAX_ORDER_VALUE", "amt", check_max_order_value)
