"""Decides when two simple moving averages cross.

Invariants: integer arithmetic throughout; the intention (long, flat or short) is the strategy's own and not its position, so that an
order that is denied, rejected or slow is not asked for again on every tick; the next one comes with the next cross.
"""

from __future__ import annotations

from math import gcd
from typing import TYPE_CHECKING, Literal

import numpy as np

from domain.strategies.lookahead import Act, PriceStrategy, Track
from domain.strategies.observations import Source
from domain.terms import Side

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from domain.context import Context

# Action codes; 0 is none.
TO_LONG_FROM_FLAT, TO_LONG_FROM_SHORT, TO_FLAT, TO_SHORT_FROM_FLAT, TO_SHORT_FROM_LONG = 1, 2, 3, 4, 5
EXACT = 1 << 62


class CrossTrack(Track):
    """The last `slow` observations of one instrument in a ring and d, the difference of the averages in units of 1 / lcm(fast, slow).

    d = a × (sum of the last fast) − b × (sum of the last slow), with a : b = slow : fast in lowest terms. `intent` is 1, 0 or −1,
    `floor` the lowest allowed, `warm` the observations that still give no decision.
    """

    __slots__ = ("a", "b", "d", "fast", "floor", "i", "intent", "ring", "slow", "warm")

    def __init__(self, fast: int, slow: int, floor: int) -> None:
        common = gcd(fast, slow)
        self.a, self.b = slow // common, fast // common
        self.fast, self.slow, self.floor = fast, slow, floor
        self.ring = [0] * slow
        self.i = self.d = self.intent = 0
        self.warm = slow - 1

    def update(self, value: int) -> int:
        """Fold one observation; the action code it causes. O(1)."""
        ring = self.ring
        i = self.i
        self.d = d = self.d + self.a * (value - ring[i - self.fast]) - self.b * (value - ring[i])
        ring[i] = value
        i += 1
        self.i = i if i < self.slow else 0
        if self.warm:
            self.warm -= 1
        elif d > 0:
            intent = self.intent
            if intent < 1:
                self.intent = 1
                return TO_LONG_FROM_FLAT - intent
        elif d < 0:
            intent = self.intent
            if intent > self.floor:
                self.intent = self.floor
                return TO_SHORT_FROM_FLAT + intent if self.floor else TO_FLAT
        return 0

    def foresee(self, values: NDArray[np.int64]) -> tuple[NDArray[np.int64], list[int]] | None:
        """See `Track`. The running sums may wrap around; their differences do not, as long as d itself fits."""
        slow, fast, warm, n = self.slow, self.fast, self.warm, len(values)
        past = np.array(self._past()[1:], dtype=np.int64)
        past[:warm] = values[0]
        x = np.concatenate([past, values])
        if self.a * fast * (int(x.max()) - int(x.min())) >= EXACT:
            return None
        c = np.empty(n + slow, dtype=np.int64)
        c[0] = 0
        np.cumsum(x, out=c[1:])
        d = (self.a - self.b) * c[slow:]
        d -= self.a * c[slow - fast : n + slow - fast]
        d += self.b * c[:n]
        d[:warm] = 0
        above, below = d > 0, d < 0
        # Where d gets a sign that it did not have just before; between two of these it has the sign of the first, or is 0.
        turns = (above[1:] & ~above[:-1]) | (below[1:] & ~below[:-1])
        signed = np.flatnonzero(turns) + 1
        if d[0]:
            signed = np.concatenate([np.zeros(1, dtype=np.int64), signed])
        if not len(signed):
            return signed, []
        up = above[signed]
        change = np.empty(len(up), dtype=np.bool_)
        np.not_equal(up[1:], up[:-1], out=change[1:])
        first = self.floor < 0 and self.intent == 0
        change[0] = first or bool(up[0]) != (self.intent == 1)
        to_long, down = (TO_LONG_FROM_SHORT, TO_SHORT_FROM_LONG) if self.floor else (TO_LONG_FROM_FLAT, TO_FLAT)
        codes: list[int] = np.where(up[change], to_long, down).tolist()
        if first:
            codes[0] = TO_LONG_FROM_FLAT if up[0] else TO_SHORT_FROM_FLAT
        return signed[change], codes

    def fold(self, values: NDArray[np.int64], last: int, since: int) -> None:
        """See `Track`."""
        self.ring = [*self._past(), *values[-self.slow :].tolist()][-self.slow :]
        self.i = 0
        self.warm = max(0, self.warm - len(values))
        self.d = self.a * sum(self.ring[-self.fast :]) - self.b * sum(self.ring)
        if last:
            self.intent = 1 if last <= TO_LONG_FROM_SHORT else 0 if last == TO_FLAT else -1

    def _past(self) -> list[int]:
        """The ring, oldest first."""
        return self.ring[self.i :] + self.ring[: self.i]


class SmaCross(PriceStrategy):
    """Buys `qty` when the average of the last `fast` observations rises above that of the last `slow`, sells when it falls below.

    `side` "long": in and out. `side` "both": the first cross opens either way, every later one reverses with twice `qty`.
    An observation is a trade, a two-sided quote's mid or a bar's close; `source` picks one of them ("any" takes all that come).
    The first slow − 1 give no decision; equal averages change nothing. Source: the crossover rule of the field.
    """

    def __init__(self, fast: int = 20, slow: int = 50, qty: int = 1, side: Literal["long", "both"] = "long", source: Source = "any") -> None:
        if not 0 < fast < slow:
            raise ValueError(f"fast must be at least 1 and less than slow; they are {fast} and {slow}")
        if qty <= 0:
            raise ValueError(f"qty must be positive, it is {qty}")
        if side not in ("long", "both"):
            raise ValueError(f'side must be "long" or "both", it is {side!r}')
        above, below = f"SMA {fast} rose above SMA {slow}", f"SMA {fast} fell below SMA {slow}"
        acts = (
            Act(Side.NONE, 0, ""), Act(Side.BUY, qty, above), Act(Side.BUY, 2 * qty, above),
            Act(Side.SELL, qty, below), Act(Side.SELL, qty, below), Act(Side.SELL, 2 * qty, below),
        )  # fmt: skip
        super().__init__(acts, source)
        self._fast, self._slow, self._floor = fast, slow, 0 if side == "long" else -1

    def new_track(self, ctx: Context, instrument: int) -> Track:
        """See `PriceStrategy`."""
        return CrossTrack(self._fast, self._slow, self._floor)
