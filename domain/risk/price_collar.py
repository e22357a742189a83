"""Is the order's price near the market?"""

from __future__ import annotations

from domain.money import div_ceil
from domain.risk.answer import answer
from domain.risk.check import Check, Rule
from domain.risk.limits import Limits
from domain.risk.proposal import Proposal


def check_price_collar(p: Proposal, limits: Limits) -> Check:
    """|price − reference| ≤ collar_bps of the reference, compared exactly; observed is rounded up to whole basis points.

    A market order trades at the market, so only the presence of a reference is asked for. Source: RTS 6 Art. 15(1)(a).
    """
    limit = limits.collar_bps
    ref = p.ref_px
    if ref <= 0:
        return answer("R-01", limit < 0, -1, limit)
    px = p.limit_px or p.stop_px
    if not px:
        return answer("R-01", True, 0, limit, p.ref_seq)
    away = abs(px - ref) * 10_000
    return answer("R-01", limit < 0 or away <= limit * ref, div_ceil(away, ref), limit, p.ref_seq)


RULE: Rule = Rule("R-01", "PRICE_COLLAR", "bps", check_price_collar)
