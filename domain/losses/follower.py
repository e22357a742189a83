"""Follows one loss limit along the market's table: how high the gain was, and where the loss first exceeds the limit.

The gain is looked at after every tick at which everything held has a price. The bounds say in a few steps that nothing can happen in the rest of
the table: what is held is worth no less than at each instrument's lowest mark there (highest for a short one), the top rises no higher than the
gain at the best ones, and the lowest gain allowed never falls as the top rises.

Invariants: what is found is the first such tick, whatever the table's cuts; all arithmetic is exact: numbers that 64 bits may not hold are
taken one by one; looking ahead changes nothing that is remembered.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from domain.limits import OFF
from domain.losses.marks import ROOM, SMALL, Marks, extremes, series_of, values_of
from domain.market import Market
from domain.risk.latch import ALL_BPS, Latch
from domain.risk.pnl import NOTHING, SEVERAL
from domain.ticks import PX, TRADE, Columns

NEVER: Final = -1
FEW: Final = 2 * SMALL
"""So many ticks are walked sooner than they are handed to numpy."""
CHUNK: Final = 1 << 14

Found = tuple[int, int | None]
"""The first tick at which the limit is exceeded (`NEVER`: none), and the top as of there."""


class Share:
    """What one instrument may do to the gain at most: its value at the worst and at the best price of the table."""

    __slots__ = ("best", "worst")

    def __init__(self) -> None:
        self.best = self.worst = 0


class Follower:
    """One limit. `near`: the table's prices can trip it. `seen`: the ticks before it were searched, `hit`: where it trips, `NEVER` if not so far.
    `number`: its place among the session's limits. `held_n`: how many instruments were held at the last look.
    """

    __slots__ = ("_best", "_folded", "_shares", "_top", "_worst", "held_n", "hit", "latch", "market", "near", "number", "seen")

    def __init__(self, latch: Latch, market: Market, number: int) -> None:
        self.latch = latch
        self.market = market
        self.number = number
        self.near = False
        self.held_n = 0
        self.hit = NEVER
        self.seen = 0
        self._top: int | None = None
        self._folded = 0
        self._shares: dict[int, Share] = {}
        self._worst = self._best = 0

    def follow(self) -> None:
        """Bring the latch's top up to the last consumed tick."""
        latch = self.latch
        stop = self.market.at + 1
        start = self._folded
        if start >= stop:
            return
        self._folded = stop
        top = latch.top
        held = latch.pnl.held
        if latch.latched or not held or (top is not None and (not latch.trails or latch.pnl.cash + self._best <= top)):
            return
        latch.top = self._top if stop == self.seen else self._highest(start, stop, top)

    def _highest(self, start: int, stop: int, top: int | None) -> int | None:
        """The top after ticks that are known to trip nothing before the last of them."""
        market = self.market
        held = self.latch.pnl.held
        uniform = market.uniform
        if top is not None and stop - start <= FEW and len(held) == 1 and uniform is not None and uniform[0] == TRADE:
            qty = held.get(uniform[1])
            if qty is None:
                return top
            prices = market.rows[PX][start:stop]
            if min(prices) > 0:
                px: int = max(prices) if qty > 0 else min(prices)
                return max(top, self.latch.pnl.cash + self.latch.state.contracts[uniform[1]].value(px, qty))
        return self._pass(start, stop, top)[1]

    def enter(self, start: int) -> None:
        """The market is in another table, of which the ticks from `start` come next."""
        self._folded = self.seen = start
        self.hit = NEVER
        self._top = self.latch.top

    def widen(self, instrument: int, bounds: dict[int, tuple[int, int]]) -> None:
        """Bound the instrument anew: by the table's prices, or because its quantity changed. `bounds` keeps the table's extremes."""
        pnl = self.latch.pnl
        qty = pnl.held.get(instrument)
        share = self._shares.get(instrument)
        if share is not None:
            self._worst -= share.worst
            self._best -= share.best
            share.worst = share.best = 0
        if qty is None:
            if share is not None:
                del self._shares[instrument]
            return
        found = bounds.get(instrument)
        if found is None:
            found = bounds[instrument] = extremes(self.market, instrument)
        low, high = found
        if not low:
            return
        contract = pnl.state.contracts[instrument]
        if share is None:
            share = self._shares[instrument] = Share()
        share.worst = contract.value(low if qty > 0 else high, qty)
        share.best = contract.value(high if qty > 0 else low, qty)
        self._worst += share.worst
        self._best += share.best

    def take(self, bounds: dict[int, tuple[int, int]]) -> bool:
        """Take in what an event changed: bound it anew, and see the gain after the event. Whether the limit is within reach now."""
        latch = self.latch
        pnl = latch.pnl
        moved = pnl.moved
        if moved >= 0:
            self.widen(moved, bounds)
        elif moved == SEVERAL:
            for i in [*pnl.held, *(i for i in self._shares if i not in pnl.held)]:
                self.widen(i, bounds)
        pnl.moved = NOTHING
        self.held_n = len(pnl.held)
        self._folded = self.seen = self.market.at + 1
        self.hit = NEVER
        top = latch.top
        if not latch.latched and (top is None or (latch.trails and pnl.cash + self._best > top)):
            gain = pnl.gain()
            if gain is not None:
                latch.raise_to(gain)
        self._top = latch.top
        return self.within_reach(bounds)

    def within_reach(self, bounds: dict[int, tuple[int, int]]) -> bool:
        """Whether the prices that there are in the table could trip the limit, or give it the top it has not."""
        latch = self.latch
        pnl = latch.pnl
        if latch.latched or pnl.foreign or not latch.limited:
            return False
        if latch.top is None:
            return bool(pnl.held)
        if not self._below(latch.top):
            return False
        # The bounds may still be those of tables before, which are wider: once they seem to be reached, they are drawn tight.
        for i in pnl.held:
            self.widen(i, bounds)
        return self._below(latch.top)

    def _below(self, top: int) -> bool:
        latch = self.latch
        cash = latch.pnl.cash
        if latch.trails and cash + self._best > top:
            top = cash + self._best
        return cash + self._worst < top - latch.room(top)

    def search(self, stop: int) -> int:
        """The first tick before `stop` at which the loss exceeds the limit, else `stop`."""
        if self.hit == NEVER and self.seen < stop:
            self.hit, self._top = self._pass(self.seen, stop, self._top)
            self.seen = stop if self.hit == NEVER else self.hit + 1
        return self.hit if self.hit != NEVER and self.hit < stop else stop

    def _pass(self, start: int, stop: int, top: int | None) -> Found:
        """Go through the ticks start..stop from a top, up to where the limit is exceeded."""
        while start < stop:
            if top is None or stop - start <= FEW:
                to = min(stop, start + FEW)
                hit, top = self._walk(start, to, top)
            else:
                to = min(stop, start + CHUNK)
                swept = self._sweep(start, to, top)
                hit, top = swept if swept is not None else self._walk(start, to, top)
            if hit != NEVER:
                return hit, top
            start = to
        return NEVER, top

    def _walk(self, start: int, stop: int, top: int | None) -> Found:
        """Tick by tick, in numbers of any size."""
        latch = self.latch
        market = self.market
        held = latch.pnl.held
        contracts = latch.state.contracts
        marks = Marks(market, list(held), start)
        for i in range(start, stop):
            if not marks.take(market, i):
                continue
            gain = latch.pnl.cash
            for instrument, px in marks.px.items():
                if px <= 0:
                    break
                gain += contracts[instrument].value(px, held[instrument])
            else:
                if top is None or (latch.trails and gain > top):
                    top = gain
                if latch.limited and top - gain > latch.room(top):
                    return i, top
        return NEVER, top

    def _sweep(self, start: int, stop: int, top: int) -> tuple[int, int] | None:
        """The same in columns; None when 64 bits may not hold it, or a price is missing on the way."""
        held = self.latch.pnl.held
        if len(held) == 1:
            for instrument, qty in held.items():
                return self._sweep_one(start, stop, top, instrument, qty)
        return self._sweep_all(start, stop, top)

    def _sweep_one(self, start: int, stop: int, top: int, instrument: int, qty: int) -> tuple[int, int] | None:
        """With one instrument the gain follows its price: the extremes of the prices are those of the gain."""
        latch = self.latch
        ticks = self.market.table
        series = series_of(ticks, instrument, self.market.carried(instrument)[1]) if ticks is not None else None
        if series is None:
            return NEVER, top
        first, last = series.count(start), series.count(stop)
        px = series.px[first:last]
        priced = None
        if not series.whole:
            priced = np.flatnonzero(px > 0)
            px = px[priced]
        if not len(px):
            return NEVER, top
        contract = latch.state.contracts[instrument]
        cash = latch.pnl.cash
        low, high = int(px.min()), int(px.max())
        worst = cash + contract.value(low if qty > 0 else high, qty)
        best = cash + contract.value(high if qty > 0 else low, qty)
        peak = max(top, best) if latch.trails else top
        if not latch.limited or worst >= peak - latch.room(peak):
            return NEVER, peak
        values = values_of(contract, px, high, qty)
        found = self._first(values, cash, top, worst, best) if values is not None else None
        if found is None or found[0] == NEVER:
            return found
        n = found[0] if priced is None else int(priced[found[0]])
        return first + n if series.index is None else int(series.index[first + n]), found[1]

    def _sweep_all(self, start: int, stop: int, top: int) -> tuple[int, int] | None:
        """With several, the steps that each price makes are added up along the ticks."""
        latch = self.latch
        ticks = self.market.table
        if ticks is None:
            return None
        contracts = latch.state.contracts
        marks = Marks(self.market, list(latch.pnl.held), start)
        steps = np.zeros(stop - start, dtype=np.int64)
        worst = best = total = latch.pnl.cash
        reach = abs(total)
        for instrument, qty in latch.pnl.held.items():
            before = marks.px[instrument]
            if before <= 0:
                return None
            contract = contracts[instrument]
            total += contract.value(before, qty)
            low = high = before
            series = series_of(ticks, instrument, self.market.carried(instrument)[1])
            first, last = (series.count(start), series.count(stop)) if series is not None else (0, 0)
            if series is not None and first < last:
                px = np.concatenate((np.array((before,)), series.px[first:last]))
                low, high = int(px.min()), int(px.max())
                values = values_of(contract, px, high, qty) if low > 0 else None
                if values is None:
                    return None
                at = slice(None) if series.index is None else series.index[first:last] - start
                steps[at] = np.diff(values)
            ends = contract.value(low, qty), contract.value(high, qty)
            worst += min(ends)
            best += max(ends)
            reach += max(abs(ends[0]), abs(ends[1]))
        if reach >= ROOM:
            return None
        peak = max(top, best) if latch.trails else top
        if (not latch.limited or worst >= peak - latch.room(peak)) and peak == top:
            return NEVER, top
        found = self._first(np.cumsum(steps), total, top, worst, best)
        return found if found is None or found[0] == NEVER else (start + found[0], found[1])

    def _first(self, values: Columns, cash: int, top: int, worst: int, best: int) -> tuple[int, int] | None:
        """Where the loss first exceeds the limit among gains of `cash` and these values, and the top as of there."""
        latch = self.latch
        if max(abs(cash), abs(worst), abs(best), abs(top), abs(latch.capital), latch.amt) >= ROOM >> 1:
            return None
        gains = values + cash
        tops = np.maximum(np.maximum.accumulate(gains), top) if latch.trails else np.full(len(gains), top)
        losses = tops - gains
        beyond = np.zeros(len(gains), dtype=bool) if latch.amt == OFF else losses > latch.amt
        if latch.bps != OFF:
            # Whole parts and rest by themselves: the product of both would leave 64 bits.
            parts, rest = np.divmod(np.maximum(tops + latch.capital, 0), ALL_BPS)
            beyond |= losses > parts * latch.bps + rest * latch.bps // ALL_BPS
        n = int(beyond.argmax())
        return (n, int(tops[n])) if beyond[n] else (NEVER, int(tops[-1]))
