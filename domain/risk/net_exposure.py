"""Could the market as a whole turn against too much: how far do longs and shorts fail to offset each other, at worst?"""

from __future__ import annotations

from typing import Final

from domain.limits import Check
from domain.risk.bound import Bound
from domain.risk.exposure import Measure, fits_total
from domain.risk.proposal import Proposal
from domain.risk.rule import Param, Rule
from domain.terms import Scope, Side

_BUY: Final = Side.BUY


class Long(Measure):
    """The position when every buy is filled and no sell."""

    def qty(self, held: int, buys: int, sells: int) -> int:
        """At its longest."""
        return held + buys


class Short(Measure):
    """The position when every sell is filled and no buy, a short one positive."""

    def qty(self, held: int, buys: int, sells: int) -> int:
        """At its shortest."""
        return sells - held


LONG: Final = Long()
SHORT: Final = Short()


def check_net_exposure(p: Proposal, limit: Bound) -> Check:
    """Worst-case net exposure of the scope towards the order's side ≤ max_net; an order that only reduces passes.

    All orders of that side are taken as filled and none of the other; the other direction gets no worse by the order. A value below zero
    means that the scope stays net on the other side even then. Source: RTS 6 Art. 15(4); features D R-10.
    """
    return fits_total(p, limit, LONG if p.side is _BUY else SHORT)


RULE: Rule = Rule(
    "R-10", "NET_EXPOSURE", "amt", check_net_exposure, (Param("max_net", "amt", "largest worst-case net exposure, long or short"),),
    (Scope.ACCOUNT, Scope.CLASS, Scope.VENUE, Scope.STRATEGY), overridable=True,
)  # fmt: skip
