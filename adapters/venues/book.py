"""Decides which of our orders work at a simulated venue, and which market data can stir them.

An order waits (a stop that is not triggered), takes (market, or a limit until the market is seen on its other side) or rests.

Invariants: orders stand in the order of their rank; a tick outside `bounds` changes no order of the book.
"""

from __future__ import annotations

from typing import Final

from adapters.venues.prices import Prices
from adapters.venues.tables import ANY_LOW, ASKS, BARS, BIDS, MOST, PRINTS, Rows, Table
from domain.events import OrderReplaceRequested, OrderSubmitted
from domain.terms import OrderType, TimeInForce
from domain.ticks import ASK_PX, ASK_QTY, BAR, BID_PX, BID_QTY, HIGH_PX, LOW_PX, PX, QUOTE, TRADE

NO_LIMIT: Final = 1 << 62
_IMMEDIATE = frozenset({TimeInForce.IOC, TimeInForce.FOK})
_LIMITED = frozenset({OrderType.LIMIT, OrderType.STOP_LIMIT})
_STOPS = frozenset({OrderType.STOP, OrderType.STOP_LIMIT, OrderType.TRAILING_STOP})

Bounds = tuple[tuple[int, int], tuple[int, int], tuple[int, int], tuple[int, int]]
"""For prints, bids, asks and bars: an entry with low <= the first or high >= the second may stir the book."""
_NOTHING = (-MOST, MOST)
_ANYTHING = (ANY_LOW, -MOST + 1)


class Working:
    """One order at the venue. `rank` is its time priority, `since_ns` the moment from which market data count for it.

    `limit_px` is ±NO_LIMIT where any price will do. `waits`: a stop not yet triggered; else `takes` tells taking from resting.
    `best_px` and `stop_px` of a trailing stop follow the market. `fees` is the sum over its fills, `paid` what was charged.
    """

    __slots__ = (
        "best_px", "cl_ord_id", "expire_ns", "fees", "immediate", "instrument", "lane", "leaves_qty", "limit_px", "limited", "order_qty", "order_type",
        "paid", "post_only", "rank", "side", "since_ns", "stop_px", "takes", "tif", "trail_px", "waits",
    )  # fmt: skip

    def __init__(self, sent: OrderSubmitted, rank: int, now_ns: int) -> None:
        self.cl_ord_id = sent.cl_ord_id
        self.instrument = sent.instrument
        self.side = side = int(sent.side)
        self.lane = ASKS if side > 0 else BIDS
        self.order_type = sent.order_type
        self.tif = sent.time_in_force
        self.immediate = self.tif in _IMMEDIATE
        self.expire_ns = sent.expire_ns
        self.post_only = sent.post_only
        self.limited = self.order_type in _LIMITED
        self.waits = self.order_type in _STOPS
        self.takes = True
        self.leaves_qty = self.order_qty = sent.order_qty
        self.limit_px = sent.limit_px if self.limited else side * NO_LIMIT
        self.stop_px = sent.stop_px
        self.trail_px = sent.trail_px if self.order_type == OrderType.TRAILING_STOP else 0
        self.best_px: int | None = None
        self.fees = self.paid = 0
        self.rank = rank
        self.since_ns = now_ns

    def sees(self, px: int) -> bool:
        """A waiting stop is shown a price; True when it triggers. A trailing stop follows a better price."""
        if self.trail_px:
            best = self.best_px
            if best is None or self.side * (best - px) > 0:
                self.best_px = px
                self.stop_px = px + self.side * self.trail_px
                return False
        return self.side * (px - self.stop_px) >= 0

    def follow(self, terms: OrderReplaceRequested) -> None:
        """Take over the prices of a replace; a trailing stop keeps its best price, a triggered stop has no stop any more."""
        if self.limited:
            self.limit_px = terms.limit_px
        if self.waits:
            if self.trail_px:
                self.trail_px = terms.trail_px
                if self.best_px is not None:
                    self.stop_px = self.best_px + self.side * self.trail_px
            else:
                self.stop_px = terms.stop_px


class Book:
    """The working orders of one instrument. `touch` is 0 where a print at the limit fills it, else 1."""

    __slots__ = ("_buy_px", "_buy_stops", "_dirty", "_found", "_known", "_sell_px", "_sell_stops", "_takers", "_touch", "orders")

    def __init__(self, touch: int) -> None:
        self.orders: dict[int, Working] = {}
        self._touch = touch
        self._dirty = False
        self._known: tuple[bool, bool, Bounds] | None = None
        self._found: tuple[Table, int, int] | None = None
        self._clear()

    def add(self, order: Working) -> None:
        """Put an order at the end of the queue; its rank must be the highest."""
        self.orders[order.rank] = order
        self._widen(order)
        self._changed()

    def remove(self, order: Working) -> None:
        """Take an order out."""
        del self.orders[order.rank]
        resting = not (order.waits or order.takes)
        if not resting or order.limit_px in (self._buy_px, self._sell_px):
            self.stir()

    def stir(self) -> None:
        """An order of the book changed: what can stir it must be found anew."""
        self._dirty = True
        self._changed()

    def next_match(self, table: Table, start: int, stop: int, prices: Prices, instrument: int) -> int:
        """First index in start..stop of a tick that may change an order, else `stop`."""
        found = self._found
        if found is not None and found[0] is table and found[1] <= start <= found[2]:
            return min(found[2], stop)
        bounds = self.bounds(prices)
        first = MOST
        for lane in (PRINTS, BIDS, ASKS, BARS):
            low, high = bounds[lane]
            if (low, high) != _NOTHING:
                entries = table.lane(lane, instrument)
                if entries is not None:
                    first = min(first, entries.first(start, low, high))
        self._found = (table, start, first)
        return min(first, stop)

    def stirred_by(self, kind: int, rows: Rows, i: int, prices: Prices) -> bool:
        """Whether tick i, of this book's instrument, may change an order."""
        prints, bids, asks, bars = self.bounds(prices)
        if kind == TRADE:
            return rows[PX][i] <= prints[0] or rows[PX][i] >= prints[1]
        if kind == QUOTE:
            bid, ask = rows[BID_PX][i], rows[ASK_PX][i]
            return (rows[BID_QTY][i] > 0 and (bid <= bids[0] or bid >= bids[1])) or (rows[ASK_QTY][i] > 0 and (ask <= asks[0] or ask >= asks[1]))
        return kind == BAR and (rows[LOW_PX][i] <= bars[0] or rows[HIGH_PX][i] >= bars[1])

    def bounds(self, prices: Prices) -> Bounds:
        """What can stir the book, given which sorts of market data the instrument has shown."""
        known = self._known
        if known is None or known[0] != prices.traded or known[1] != prices.quoted:
            if self._dirty:
                self._clear()
                for order in self.orders.values():
                    self._widen(order)
            known = self._known = (prices.traded, prices.quoted, self._bounds(prices.traded, prices.quoted))
        return known[2]

    def _bounds(self, traded: bool, quoted: bool) -> Bounds:
        # A pair of stops is (moves or triggers at or below, at or above), for buys and for sells.
        stops = (max(self._buy_stops[0], self._sell_stops[0]), min(self._buy_stops[1], self._sell_stops[1]))
        bars = _NOTHING
        prints = (max(self._buy_px - self._touch, stops[0], -MOST), min(self._sell_px + self._touch, stops[1], MOST))
        buy_stops, sell_stops = (_NOTHING, _NOTHING) if traded else (self._buy_stops, self._sell_stops)
        asks = _ANYTHING if self._takers[0] else (max(self._buy_px, buy_stops[0]), buy_stops[1])
        bids = _ANYTHING if self._takers[1] else (sell_stops[0], min(self._sell_px, sell_stops[1]))
        if not traded and not quoted:
            bars = (max(self._buy_px, stops[0]), min(self._sell_px, stops[1]))
        if not quoted and any(self._takers):
            prints = _ANYTHING
            bars = bars if traded else _ANYTHING
        return prints, bids, asks, bars

    def _changed(self) -> None:
        self._known = self._found = None

    def _clear(self) -> None:
        self._dirty = False
        self._buy_px, self._sell_px = -MOST, MOST
        self._buy_stops = self._sell_stops = _NOTHING
        self._takers = [0, 0]

    def _widen(self, order: Working) -> None:
        buys = order.side > 0
        if order.waits:
            low, high = self._buy_stops if buys else self._sell_stops
            stop, best = order.stop_px, order.best_px
            if not order.trail_px:
                pair = (low, min(high, stop)) if buys else (max(low, stop), high)
            elif best is None:
                pair = _ANYTHING
            else:
                pair = (max(low, best - 1), min(high, stop)) if buys else (max(low, stop), min(high, best + 1))
            if buys:
                self._buy_stops = pair
            else:
                self._sell_stops = pair
        elif order.takes:
            self._takers[not buys] += 1
        elif buys:
            self._buy_px = max(self._buy_px, order.limit_px)
        else:
            self._sell_px = min(self._sell_px, order.limit_px)
