"""Do our own prices wander off within a stretch of time, each one near the last?

Invariants: the window is (now − length, now], as in `domain.risk.window`; every price that was sent counts, of replacements too, whatever
became of the order; what the window holds is exact up to `MOST` candidates, beyond them an extreme price counts for longer, never shorter.
"""

from __future__ import annotations

from typing import Any, ClassVar, Final

from domain.events import OrderReplaceRequested, OrderSubmitted
from domain.limits import OFF, Check
from domain.money import div_ceil
from domain.risk.bound import Bound, answer
from domain.risk.memory import Memory
from domain.risk.proposal import Proposal
from domain.risk.rule import Param, Rule
from domain.state import State
from domain.terms import Scope

MOST: Final = 1024


class Peaks:
    """The largest of the last prices, as (px, ns, seq): each one smaller than those before it, the first the largest of the window."""

    __slots__ = ("items",)

    def __init__(self) -> None:
        self.items: list[tuple[int, int, int]] = []

    def push(self, px: int, ns: int, seq: int, since_ns: int) -> None:
        """One more price; those at or before `since_ns`, which is before `ns`, are forgotten."""
        items = self.items
        while items and items[-1][0] <= px:
            items.pop()
        items.append((px, ns, seq))
        while items[0][1] <= since_ns:
            items.pop(0)
        if len(items) > MOST:
            px, _, seq = items.pop(0)
            items[0] = (px, items[0][1], seq)

    def top(self, since_ns: int) -> tuple[int, int, int] | None:
        """The largest price after `since_ns`."""
        for item in self.items:
            if item[1] > since_ns:
                return item
        return None


class Band:
    """The highest and the lowest own prices in one instrument, the lowest with their sign turned."""

    __slots__ = ("highs", "lows")

    def __init__(self) -> None:
        self.highs = Peaks()
        self.lows = Peaks()


class Bands(Memory):
    """The bands of the instruments in scope, made when the first price is sent."""

    __slots__ = ("bands", "bound")

    takes: ClassVar[tuple[type, ...]] = (OrderSubmitted, OrderReplaceRequested)

    def __init__(self, bound: Bound, state: State) -> None:
        self.bound = bound
        self.bands: dict[int, Band] = {}

    def evolve(self, event: Any, order: Any, seq: int) -> None:
        """One more price was sent."""
        px = event.limit_px or event.stop_px
        window = self.bound.values[1]
        if not px or window <= 0:
            return
        band = self.bands.get(order.instrument)
        if band is None:
            band = self.bands[order.instrument] = Band()
        ns = event.ns
        band.highs.push(px, ns, seq, ns - window)
        band.lows.push(-px, ns, seq, ns - window)


def check_collar_drift(p: Proposal, limit: Bound) -> Check:
    """(highest − lowest) own price of the instrument in the window, this one included, ≤ collar_drift_bps of the lowest.

    Buys and sells count together; a market order has no price. Compared exactly; observed is rounded up to whole basis points, -1 for a
    price that is none. With one of the two numbers off, nothing is bounded. Source: RTS 6 Art. 15(1)(a), "over a period".
    """
    if not limit.whole:
        return answer(limit, True, 0, OFF)
    most, window = limit.values
    px = p.limit_px or p.stop_px
    if not px:
        return answer(limit, True, 0, most)
    high = low = px
    seen = 0
    memory: Bands = limit.memory
    band = memory.bands.get(p.instrument)
    if band is not None:
        top = band.highs.top(p.now_ns - window)
        bottom = band.lows.top(p.now_ns - window)
        if top is not None and top[0] > high:
            high = top[0]
            seen = top[2]
        if bottom is not None and -bottom[0] < low:
            low = -bottom[0]
            seen = max(seen, bottom[2])
    if low <= 0:
        return answer(limit, False, -1, most, seen)
    bps = div_ceil((high - low) * 10_000, low)
    return answer(limit, bps <= most, bps, most, seen)


RULE: Rule = Rule(
    "R-02", "PRICE_COLLAR_WINDOW", "bps", check_collar_drift,
    (
        Param("collar_drift_bps", "bps", "largest distance between the own prices of an instrument within the window", ("collar_drift_window",)),
        Param("collar_drift_window", "ns", "how long a price that was sent counts", ("collar_drift_bps",)),
    ),
    (Scope.INSTRUMENT, Scope.STRATEGY, Scope.CLASS, Scope.VENUE, Scope.ACCOUNT), Bands, overridable=True, late=True,
)  # fmt: skip
