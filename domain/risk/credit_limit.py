"""Would the firm lend or stake more than it has set aside, with nothing set off against anything?"""

from __future__ import annotations

from typing import Final

from domain.limits import Check
from domain.risk.bound import Bound
from domain.risk.exposure import Measure, fits_total
from domain.risk.proposal import Proposal
from domain.risk.rule import Param, Rule
from domain.terms import Scope


class Used(Measure):
    """What uses credit: the position and every open order, on both sides."""

    def qty(self, held: int, buys: int, sells: int) -> int:
        """All of it."""
        return abs(held) + buys + sells


USED: Final = Used()


def check_credit_limit(p: Proposal, limit: Bound) -> Check:
    """Used credit ≤ max_credit: every position and every open order in full at the mark, and the order at the worse of its price and the reference.

    Gross exposure counts the worse side of an instrument, credit both; a reducing order passes. Source: SEC 15c3-5(c)(1)(i), pre-set credit or
    capital thresholds in the aggregate; RTS 6 Art. 15(4).
    """
    return fits_total(p, limit, USED)


RULE: Rule = Rule(
    "R-11", "CREDIT_LIMIT", "amt", check_credit_limit, (Param("max_credit", "amt", "most credit used by positions and open orders together"),),
    (Scope.ACCOUNT, Scope.STRATEGY), overridable=True,
)  # fmt: skip
