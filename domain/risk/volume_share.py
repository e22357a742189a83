"""Is the order a small enough part of what the instrument trades on average?"""

from __future__ import annotations

from domain.limits import OFF, Check
from domain.money import div_ceil
from domain.risk.bound import Bound, answer
from domain.risk.proposal import Proposal
from domain.risk.rule import Param, Rule
from domain.terms import Scope

NO_VOLUME = -1


def check_volume_share(p: Proposal, limit: Bound) -> Check:
    """Quantity ≤ max_volume_bps of average_volume, a number that whoever keeps the limits takes from the market's statistics.

    Compared exactly; observed is rounded up to whole basis points, -1 with a failure where nothing is traded on average. With one of the two numbers
    off, nothing is bounded. Source: RTS 6 Art. 15(1)(c); FIA maximum order size against average daily volume.
    """
    if not limit.whole:
        return answer(limit, True, 0, OFF)
    most, average = limit.values
    if average <= 0:
        return answer(limit, False, NO_VOLUME, most)
    bps = div_ceil(p.qty * 10_000, average)
    return answer(limit, bps <= most, bps, most)


RULE: Rule = Rule(
    "R-04a", "MAX_ORDER_QTY", "bps", check_volume_share,
    (
        Param("max_volume_bps", "bps", "largest part of the average volume that one order may have", ("average_volume",)),
        Param("average_volume", "qty", "what the instrument trades on average, for example in a day", ("max_volume_bps",)),
    ),
    (Scope.INSTRUMENT,), overridable=True,
)  # fmt: skip
