"""Is the order's price near the market?

Invariants: a collar counts in one unit, so that its record holds the exact numbers; an order in scope of several meets each of them; without
a reference none is met, not even by a market order. A replacement is measured by its new price.
"""

from __future__ import annotations

from domain.limits import Check
from domain.money import div_ceil
from domain.risk.bound import Bound, answer
from domain.risk.proposal import Proposal
from domain.risk.rule import Param, Rule
from domain.terms import Scope

_NO_REFERENCE = -1


def _away(p: Proposal) -> int:
    """|price − reference|; 0 for an order that trades at the market, `_NO_REFERENCE` when there is nothing to measure against."""
    ref = p.ref_px
    if ref <= 0:
        return _NO_REFERENCE
    px = p.limit_px or p.stop_px
    return abs(px - ref) if px else 0


def check_price_collar(p: Proposal, limit: Bound) -> Check:
    """|price − reference| ≤ collar_bps of the reference, compared exactly; observed is rounded up to whole basis points.

    A market order trades at the market, so only the presence of a reference is asked for. Source: RTS 6 Art. 15(1)(a).
    """
    away = _away(p)
    if away < 0:
        return answer(limit, False, away, limit.most)
    bps = div_ceil(away * 10_000, p.ref_px)
    return answer(limit, bps <= limit.most, bps, limit.most, p.ref_seq)


def check_collar_ticks(p: Proposal, limit: Bound) -> Check:
    """|price − reference| ≤ collar_ticks, compared exactly; observed is rounded up to whole ticks. Source: RTS 6 Art. 15(1)(a); FIA price tolerance."""
    away = _away(p)
    if away < 0:
        return answer(limit, False, away, limit.most)
    ticks = div_ceil(away, p.contract.tick_px)
    return answer(limit, ticks <= limit.most, ticks, limit.most, p.ref_seq)


def check_collar_px(p: Proposal, limit: Bound) -> Check:
    """|price − reference| ≤ collar_px. Source: RTS 6 Art. 15(1)(a); FIA price tolerance."""
    away = _away(p)
    if away < 0:
        return answer(limit, False, away, limit.most)
    return answer(limit, away <= limit.most, away, limit.most, p.ref_seq)


_ANYWHERE = (Scope.INSTRUMENT, Scope.CLASS, Scope.VENUE, Scope.STRATEGY, Scope.ACCOUNT)

RULE: Rule = Rule(
    "R-01", "PRICE_COLLAR", "bps", check_price_collar, (Param("collar_bps", "bps", "largest distance of a price from the reference"),),
    _ANYWHERE, overridable=True,
)  # fmt: skip
TICKS: Rule = Rule(
    "R-01a", "PRICE_COLLAR", "count", check_collar_ticks, (Param("collar_ticks", "count", "largest distance of a price from the reference, in ticks"),),
    _ANYWHERE, overridable=True,
)  # fmt: skip
PX: Rule = Rule(
    "R-01b", "PRICE_COLLAR", "px", check_collar_px, (Param("collar_px", "px", "largest distance of a price from the reference, as a price"),),
    (Scope.INSTRUMENT,), overridable=True,
)  # fmt: skip
