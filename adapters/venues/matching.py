"""Decides at which price and in which order our working orders trade against market data.

| data | an order that takes (taker) | a resting buy limit (maker), sells mirrored | a buy stop triggers, sells mirrored |
|---|---|---|---|
| quote | at the ask, as long as one stands | ask at or under the limit, at the limit | ask at or over the stop, if no print was ever seen |
| print | at the print, if no quote was ever seen | print under the limit (TOUCH: or at it), at the limit | print at or over the stop |
| bar | at its close if it came with the bar or during it, else at its open | range touches the limit, at the better of limit and open | range touches the stop, at the worse of stop and open |

Bars count only for an instrument without prints and quotes so far; for an order that came, or was triggered, during a bar only the
close of that bar counts. A quote that reaches a resting limit fills it whatever the setting: whoever queued before it is served.
A limit order takes until the market is seen on the other side of its limit, from then on it rests. A triggered stop takes what
stands: the quote, else the print or the price in the bar that triggered it. Within a bar a stop sees open, worst, best, close.
When several orders meet one tick, triggers come first, then fills by price (market orders before all), then by time. Our own
orders do not trade with each other. A size is shared out once.

Invariants: no fill beyond a limit, an order's leaves or (DISPLAYED) the size shown; what chance decides comes from the seed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from adapters.venues.book import NO_LIMIT, Book, Working
from adapters.venues.prices import Prices
from adapters.venues.reports import Reports
from adapters.venues.settings import Resting, Size, Slippage, VenueSettings
from adapters.venues.tables import ASKS, BARS, BIDS, PRINTS
from domain.chance import Chance
from domain.instrument import Instrument
from domain.terms import TimeInForce
from domain.ticks import QUOTE, TRADE

_FOK: Final = TimeInForce.FOK


class Matcher:
    """The rules of one venue. What it does is told by `reports`; an order without leaves is done and has to be taken out by the caller."""

    __slots__ = ("_chance", "_infinite", "_next_rank", "_reports", "_slippage", "_slippage_ticks", "_specs", "_touch")

    def __init__(self, specs: Sequence[Instrument], settings: VenueSettings, reports: Reports, chance: Chance, next_rank: Callable[[], int]) -> None:
        self._specs = specs
        self._infinite = settings.liquidity == Size.INFINITE
        self._touch = settings.resting == Resting.TOUCH
        self._slippage = settings.slippage if settings.slippage_ticks else Slippage.NONE
        self._slippage_ticks = settings.slippage_ticks
        self._reports = reports
        self._chance = chance
        self._next_rank = next_rank

    def would_take(self, order: Working, prices: Prices, now_ns: int) -> bool:
        """Whether the order's limit would trade at once with what stands."""
        lane = prices.taking_lane(order.lane)
        return prices.stands(lane, now_ns) and order.side * (order.limit_px - prices.px[lane]) >= 0

    def meet(self, order: Working, prices: Prices, now_ns: int) -> None:
        """A new, replaced or just triggered order meets what stands at `now_ns`. It is not in a book, or a book's owner files it anew."""
        if order.waits:
            lane = prices.stop_lane(order.lane)
            if not prices.stands(lane, now_ns) or not order.sees(prices.px[lane]):
                return
            self._trigger(order, now_ns)
        lane = prices.taking_lane(order.lane)
        if prices.stands(lane, now_ns):
            self._take(order, prices, lane, prices.px[lane], now_ns)
        elif order.immediate and (prices.quoted or not (prices.traded or prices.barred)):
            self._reports.canceled(order, now_ns, "nothing to trade with")
        elif order.post_only:
            order.takes = False

    def match(self, book: Book, kind: int, prices: Prices, now_ns: int) -> list[Working]:
        """The tick that `prices` has just taken in meets every order of the book; those that are done."""
        if kind == TRADE:
            self._match_print(book, prices, now_ns)
        elif kind == QUOTE:
            self._match_quote(book, prices, now_ns)
        elif not prices.traded and not prices.quoted:
            self._match_bar(book, prices, now_ns)
        book.stir()
        return [order for order in book.orders.values() if not order.leaves_qty]

    def slipped(self, px: int, side: int, limit_px: int, instrument: int) -> int:
        """The price of a taker fill: worse by the slippage, not beyond the limit, and not through zero."""
        if not self._slippage:
            return px
        n = self._slippage_ticks
        ticks = n if self._slippage == Slippage.FIXED else self._chance.integer(0, n)
        tick_px = self._specs[instrument].tick_px
        if side > 0:
            return min(px + ticks * tick_px, limit_px)
        worse = max(px - ticks * tick_px, limit_px)
        return worse if worse > 0 or px <= 0 else min(px, tick_px)

    def _trigger(self, order: Working, now_ns: int) -> None:
        order.waits = False
        order.since_ns = now_ns
        self._reports.triggered(order, now_ns)

    def _take(self, order: Working, prices: Prices, lane: int, px: int, now_ns: int) -> None:
        if order.side * (order.limit_px - px) < 0:
            if order.immediate:
                self._reports.canceled(order, now_ns, "nothing to trade with at the limit")
            order.takes = False
            return
        if order.post_only:
            self._reports.canceled(order, now_ns, "post-only order would take")
            return
        qty = order.leaves_qty if self._infinite else min(order.leaves_qty, prices.left[lane])
        if order.tif == _FOK and qty < order.leaves_qty:
            self._reports.canceled(order, now_ns, "not enough to fill the whole order")
            return
        if qty > 0:
            self._fill(order, prices, lane, self.slipped(px, order.side, order.limit_px, order.instrument), qty, now_ns, taker=True)
        if order.immediate and order.leaves_qty:
            self._reports.canceled(order, now_ns, "the rest found nothing to trade with")

    def _rest(self, order: Working, prices: Prices, lane: int, px: int, now_ns: int) -> None:
        qty = order.leaves_qty if self._infinite else min(order.leaves_qty, prices.left[lane])
        if qty > 0:
            self._fill(order, prices, lane, px, qty, now_ns, taker=False)

    def _fill(self, order: Working, prices: Prices, lane: int, px: int, qty: int, now_ns: int, *, taker: bool) -> None:
        if not self._infinite:
            prices.left[lane] -= qty
        self._reports.filled(order, now_ns, px, qty, taker=taker)

    def _see(self, book: Book, prices: Prices, now_ns: int) -> list[Working]:
        triggered = []
        for order in [o for o in book.orders.values() if o.waits]:
            lane = prices.stop_lane(order.lane)
            if prices.stands(lane, now_ns) and order.sees(prices.px[lane]):
                self._queue_triggered(book, order, now_ns)
                triggered.append(order)
        return triggered

    def _queue_triggered(self, book: Book, order: Working, now_ns: int) -> None:
        self._trigger(order, now_ns)
        del book.orders[order.rank]
        order.rank = self._next_rank()
        book.orders[order.rank] = order

    def _match_print(self, book: Book, prices: Prices, now_ns: int) -> None:
        triggered = self._see(book, prices, now_ns)
        px = prices.px[PRINTS]
        for order in by_priority(book, px, px):
            if order.takes:
                if not prices.quoted or order in triggered:
                    self.meet(order, prices, now_ns)
                continue
            better = order.side * (order.limit_px - px)
            if better > 0 or (self._touch and not better):
                self._rest(order, prices, PRINTS, order.limit_px, now_ns)

    def _match_quote(self, book: Book, prices: Prices, now_ns: int) -> None:
        if not prices.traded:
            self._see(book, prices, now_ns)
        px = prices.px
        for order in by_priority(book, px[ASKS], px[BIDS]):
            lane = order.lane
            if not prices.size[lane]:
                continue
            if order.takes:
                self._take(order, prices, lane, px[lane], now_ns)
            elif order.side * (order.limit_px - px[lane]) >= 0:
                self._rest(order, prices, lane, order.limit_px, now_ns)

    def _match_bar(self, book: Book, prices: Prices, now_ns: int) -> None:
        opened, high, low, close, start_ns = prices.bar
        reached: dict[int, int] = {}
        for order in [o for o in book.orders.values() if o.waits]:
            px = seen_in_bar(order, prices.bar)
            if px is not None:
                self._queue_triggered(book, order, now_ns)
                reached[order.rank] = px
        for order in by_priority(book, close, close):
            whole = order.since_ns <= start_ns
            if order.takes:
                self._take(order, prices, BARS, reached.get(order.rank, opened if whole else close), now_ns)
            if not order.takes and order.leaves_qty:
                buys = order.side > 0
                if order.side * (order.limit_px - ((low if buys else high) if whole else close)) >= 0:
                    better = (min if buys else max)(order.limit_px, opened) if whole else order.limit_px
                    self._rest(order, prices, BARS, better, now_ns)


def seen_in_bar(order: Working, bar: tuple[int, int, int, int, int]) -> int | None:
    """The price at which a waiting stop triggers inside a bar, None when it does not."""
    opened, high, low, close, start_ns = bar
    if order.since_ns > start_ns:
        return close if order.sees(close) else None
    if order.sees(opened):
        return opened
    worst, best = (high, low) if order.side > 0 else (low, high)
    return next((order.stop_px for px in (worst, best, close) if order.sees(px)), None)


def by_priority(book: Book, buy_px: int, sell_px: int) -> list[Working]:
    """The orders that may trade, most aggressive against the market's price first, then oldest: a book is in order of rank."""
    orders = [o for o in book.orders.values() if not o.waits]
    if len(orders) > 1:
        orders.sort(key=lambda o: _reach(o, buy_px if o.side > 0 else sell_px))
    return orders


def _reach(order: Working, px: int) -> int:
    """Lower is more aggressive; a market order is lowest."""
    return order.side * (px - order.limit_px) if order.limited else -NO_LIMIT
