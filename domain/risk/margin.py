"""Is there enough of one's own behind the worst case?"""

from __future__ import annotations

from domain.limits import Check
from domain.money import div_ceil
from domain.risk.bound import Bound, answer
from domain.risk.exposure import UNPRICED, equity, fits, reduces, standing
from domain.risk.proposal import Proposal
from domain.risk.rule import Param, Rule
from domain.terms import Scope

_WHOLE = 10_000


def check_margin(p: Proposal, limit: Bound) -> Check:
    """margin_bps of the worst-case gross exposure, the order included, rounded up, ≤ equity (the recorded limit; a negative one counts as 0).

    Equity is cash and the value of all positions at the last prices, in the order's settlement currency. An order that only reduces passes.
    Source: initial margin of brokers and derivatives venues; features D R-12.
    """
    place = standing(p, limit)
    own = equity(p)
    if not place.gross(p) or own is None:
        return answer(limit, reduces(p, limit), UNPRICED, max(own or 0, 0))
    return fits(p, limit, div_ceil((place.gross_rest + place.gross_own) * limit.most, _WHOLE), max(own, 0), place.gross_seen)


RULE: Rule = Rule(
    "R-12", "MARGIN", "amt", check_margin, (Param("margin_bps", "bps", "initial margin of worst-case gross exposure"),), (Scope.ACCOUNT,),
    overridable=True,
)  # fmt: skip
