"""Decides to go with a move of a given size over a given number of observations, for a fixed number of observations.

Invariants: integer arithmetic throughout; the intention is the strategy's own and not its position, so that a denied order is not
asked for again until the next entry; while it holds, nothing else is decided.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING, Literal

import numpy as np

from domain.strategies.lookahead import Act, PriceStrategy, Track
from domain.strategies.observations import Source
from domain.terms import Side

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from domain.context import Context

# Action codes; 0 is none.
ENTER_LONG, EXIT_LONG, ENTER_SHORT, EXIT_SHORT = 1, 2, 3, 4


class MomentumTrack(Track):
    """The last `lookback` observations of one instrument in a ring. `move` is the doubled price distance that enters.

    `intent` is 1, 0 or −1, `left` the observations until the exit, `warm` those that still give no decision.
    """

    __slots__ = ("hold", "i", "intent", "left", "move", "ring", "short", "warm")

    def __init__(self, lookback: int, move: int, hold: int, *, short: bool) -> None:
        self.ring = [0] * lookback
        self.move, self.hold, self.short = move, hold, short
        self.i = self.intent = self.left = 0
        self.warm = lookback

    def update(self, value: int) -> int:
        """Fold one observation; the action code it causes. O(1)."""
        ring = self.ring
        i = self.i
        move = value - ring[i]
        ring[i] = value
        i += 1
        self.i = i if i < len(ring) else 0
        if self.intent:
            self.left -= 1
            if self.left:
                return 0
            code = EXIT_LONG if self.intent > 0 else EXIT_SHORT
            self.intent = 0
            return code
        if self.warm:
            self.warm -= 1
        elif move >= self.move:
            self.intent, self.left = 1, self.hold
            return ENTER_LONG
        elif self.short and move <= -self.move:
            self.intent, self.left = -1, self.hold
            return ENTER_SHORT
        return 0

    def foresee(self, values: NDArray[np.int64]) -> tuple[NDArray[np.int64], list[int]] | None:
        """See `Track`. Differences are taken at once; entries and exits are then walked from one to the next."""
        n = len(values)
        past = np.array(self._past(), dtype=np.int64)
        move = values - np.concatenate([past, values])[:n]
        enters = move >= self.move
        if self.short:
            enters |= move <= -self.move
        enters[: self.warm] = False
        entries: list[int] = np.flatnonzero(enters).tolist()
        loud: list[int] = []
        codes: list[int] = []
        at, intent = (self.left - 1, self.intent) if self.intent else (-1, 0)
        while at < n:
            if intent:
                loud.append(at)
                codes.append(EXIT_LONG if intent > 0 else EXIT_SHORT)
            k = bisect_left(entries, at + 1)
            if k == len(entries):
                break
            at = entries[k]
            intent = 1 if move[at] > 0 else -1
            loud.append(at)
            codes.append(ENTER_LONG if intent > 0 else ENTER_SHORT)
            at += self.hold
        return np.array(loud, dtype=np.int64), codes

    def fold(self, values: NDArray[np.int64], last: int, since: int) -> None:
        """See `Track`."""
        size = len(self.ring)
        self.ring = [*self._past(), *values[-size:].tolist()][-size:]
        self.i = 0
        self.warm = max(0, self.warm - len(values))
        if last in (ENTER_LONG, ENTER_SHORT):
            self.intent, self.left = (1 if last == ENTER_LONG else -1), self.hold - since
        elif last:
            self.intent = self.left = 0
        elif self.intent:
            self.left -= since

    def _past(self) -> list[int]:
        """The ring, oldest first."""
        return self.ring[self.i :] + self.ring[: self.i]


class Momentum(PriceStrategy):
    """Goes with a price that moved at least `threshold_ticks` ticks over the last `lookback` observations, and leaves `hold` later.

    `side` "long": rises only. `side` "both": falls are sold too. `qty` per entry. The observation that exits does not enter again.
    An observation is a trade, a two-sided quote's mid or a bar's close; `source` picks one of them ("any" takes all that come).
    Source: time-series momentum with a fixed holding period (Moskowitz, Ooi, Pedersen 2012), on ticks.
    """

    def __init__(
        self,
        lookback: int = 50,
        threshold_ticks: int = 10,
        hold: int = 100,
        qty: int = 1,
        side: Literal["long", "both"] = "long",
        source: Source = "any",
    ) -> None:
        for name, value in (("lookback", lookback), ("threshold_ticks", threshold_ticks), ("hold", hold), ("qty", qty)):
            if value <= 0:
                raise ValueError(f"{name} must be positive, it is {value}")
        if side not in ("long", "both"):
            raise ValueError(f'side must be "long" or "both", it is {side!r}')
        up, down = f"rose {threshold_ticks} ticks or more in {lookback}", f"fell {threshold_ticks} ticks or more in {lookback}"
        held = f"held for {hold}"
        acts = (Act(Side.NONE, 0, ""), Act(Side.BUY, qty, up), Act(Side.SELL, qty, held), Act(Side.SELL, qty, down), Act(Side.BUY, qty, held))
        super().__init__(acts, source)
        self._lookback, self._threshold_ticks, self._hold, self._short = lookback, threshold_ticks, hold, side == "both"

    def new_track(self, ctx: Context, instrument: int) -> Track:
        """See `PriceStrategy`."""
        return MomentumTrack(self._lookback, 2 * self._threshold_ticks * ctx.spec(instrument).tick_px, self._hold, short=self._short)
