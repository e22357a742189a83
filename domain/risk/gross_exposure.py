"""Could everything held and working together grow too large?"""

from __future__ import annotations

from domain.limits import Check
from domain.money import div_ceil
from domain.risk.bound import Bound
from domain.risk.exposure import equity, fits, fits_gross, no_number, standing
from domain.risk.proposal import Proposal
from domain.risk.rule import Param, Rule
from domain.terms import Scope


def check_gross_exposure(p: Proposal, limit: Bound) -> Check:
    """Worst-case gross exposure of the scope with the order ≤ max_gross; an order that only reduces passes.

    Per instrument the larger of |position + buys| and |position - sells|, see `domain.risk.exposure`.
    Source: FIA pre-trade exposure limits; SEC 15c3-5(c)(1)(i).
    """
    return fits_gross(p, limit)


def check_gross_per_equity(p: Proposal, limit: Bound) -> Check:
    """Worst-case gross exposure ≤ max_gross_pct of the account's equity; observed is rounded up to whole percents, -1 without equity or price.

    Source: as `check_gross_exposure`; leverage limits of margin accounts.
    """
    place = standing(p, limit)
    own = equity(p)
    if not place.gross(p) or own is None or own <= 0:
        return no_number(p, limit)
    return fits(p, limit, div_ceil((place.gross_rest + place.gross_own) * 100, own), limit.most, place.gross_seen)


RULE: Rule = Rule(
    "R-09", "GROSS_EXPOSURE", "amt", check_gross_exposure, (Param("max_gross", "amt", "largest worst-case gross exposure"),),
    (Scope.ACCOUNT, Scope.CLASS, Scope.VENUE, Scope.STRATEGY), overridable=True,
)  # fmt: skip
PER_EQUITY: Rule = Rule(
    "R-09b", "GROSS_EXPOSURE", "ratio", check_gross_per_equity, (Param("max_gross_pct", "ratio", "largest worst-case gross exposure per equity"),),
    (Scope.ACCOUNT, Scope.CLASS, Scope.VENUE, Scope.STRATEGY), overridable=True,
)  # fmt: skip
