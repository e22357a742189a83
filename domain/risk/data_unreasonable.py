"""Does the market data behind the order make sense?

Invariants: an order without a price that only reduces passes, for nothing prices it; every other order is denied while the newest data is
unreasonable, and where a jump cannot be judged because nothing came before.
"""

from __future__ import annotations

from typing import Any, ClassVar

from domain.events import FeedGap
from domain.limits import OFF, Check
from domain.money import div_ceil
from domain.risk.bound import Bound, answer
from domain.risk.memory import Memory
from domain.risk.proposal import Proposal
from domain.risk.rule import Param, Rule
from domain.state import State
from domain.terms import Scope

EVERY = -1


class Gaps(Memory):
    """The seq of the last gap by instrument; `EVERY` (the instrument -1 of a `FeedGap`) for gaps that may concern any."""

    __slots__ = ("last",)

    takes: ClassVar[tuple[type, ...]] = (FeedGap,)

    def __init__(self, bound: Bound, state: State) -> None:
        self.last: dict[int, int] = {}

    def evolve(self, event: Any, order: Any, seq: int) -> None:
        """Something is missing."""
        self.last[event.instrument] = seq

    def of(self, instrument: int) -> int:
        """The seq of the last gap that may concern the instrument, 0 for none."""
        last = self.last
        return max(last.get(instrument, 0), last.get(EVERY, 0)) if last else 0


def check_max_jump(p: Proposal, limit: Bound) -> Check:
    """|reference − the price before it from the same source| ≤ max_jump_bps of the latter, compared exactly; observed is rounded up.

    Without one of the two it fails (-1). Source: FIA PTG market-data checks; features D R-20.
    """
    before = p.market.before(p.instrument, p.side, p.ref_seq)
    if before <= 0:
        return answer(limit, p.exits_at_market, -1, limit.most, p.ref_seq)
    bps = div_ceil(abs(p.ref_px - before) * 10_000, before)
    return answer(limit, bps <= limit.most or p.exits_at_market, bps, limit.most, p.ref_seq)


def check_deny_crossed(p: Proposal, limit: Bound) -> Check:
    """The last bid (observed) is below the last offer (limit); a book with an empty side, or without a quote, is neither crossed nor locked.

    Source: FIA PTG market-data checks; features D R-20.
    """
    quote = p.market.last_quote(p.instrument) if limit.most else None
    if quote is None or not quote.bid_qty or not quote.ask_qty:
        return answer(limit, True, 0, OFF)
    return answer(limit, quote.bid_px < quote.ask_px or p.exits_at_market, quote.bid_px, quote.ask_px, quote.seq)


def check_deny_gapped(p: Proposal, limit: Bound) -> Check:
    """No gap (1) of the instrument's feed is newer than the reference. Source: FIA PTG market-data checks; features D R-20."""
    memory: Gaps = limit.memory
    gap = memory.of(p.instrument) if limit.most else 0
    if gap <= p.ref_seq:
        return answer(limit, True, 0, 0, gap)
    return answer(limit, p.exits_at_market, 1, 0, gap)


_ANYWHERE = (Scope.INSTRUMENT, Scope.CLASS, Scope.VENUE, Scope.STRATEGY, Scope.ACCOUNT)

JUMP: Rule = Rule(
    "R-20b", "DATA_UNREASONABLE", "bps", check_max_jump, (Param("max_jump_bps", "bps", "largest change from one price to the next"),), _ANYWHERE
)
CROSSED: Rule = Rule(
    "R-20c",
    "DATA_UNREASONABLE",
    "px",
    check_deny_crossed,
    (Param("deny_crossed", "flag", "whether a crossed or locked book stops orders"),),
    _ANYWHERE,
)
GAPPED: Rule = Rule(
    "R-20d", "DATA_UNREASONABLE", "flag", check_deny_gapped,
    (Param("deny_gapped", "flag", "whether a gap in the data stops orders until the next price"),), _ANYWHERE, Gaps, shared=True,
)  # fmt: skip
