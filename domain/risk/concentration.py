"""Would one instrument make up too much of everything?"""

from __future__ import annotations

from domain.limits import Check
from domain.money import div_ceil
from domain.risk.bound import Bound, answer
from domain.risk.exposure import fits, no_number, standing
from domain.risk.proposal import Proposal
from domain.risk.rule import Param, Rule
from domain.terms import Scope

_WHOLE = 10_000


def check_concentration(p: Proposal, limit: Bound) -> Check:
    """The order's instrument's part of the scope's worst-case gross exposure, with the order, ≤ max_concentration; observed rounded up.

    Asked only where something is exposed already: the first order makes up all there is, however small. Only the order's own instrument is
    looked at, because no order raises the part of another. An order that only reduces passes. Source: RTS 6 Art. 15(4); features D R-10.
    """
    place = standing(p, limit)
    if not place.gross(p):
        return no_number(p, limit)
    rest, own = place.gross_rest, place.gross_own
    if not rest and place.up <= 0 and place.down <= 0:
        return answer(limit, True, _WHOLE, limit.most, place.gross_seen)
    return fits(p, limit, div_ceil(own * _WHOLE, rest + own), limit.most, place.gross_seen)


RULE: Rule = Rule(
    "R-10b", "CONCENTRATION", "bps", check_concentration, (Param("max_concentration", "bps", "largest part of one instrument in gross exposure"),),
    (Scope.ACCOUNT, Scope.CLASS, Scope.VENUE, Scope.STRATEGY), overridable=True,
)  # fmt: skip
