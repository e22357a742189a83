"""The simulated venue: decides when our messages reach the market, and keeps orders, market and reports in step.

It lives on the receive-time axis and is moved by its caller: `report` for everything that is due before a tick, `advance` for ticks.
What trades at which price is the business of `matching`.

Invariants: the same seed, ticks and messages give the same reports, however tables and runs are cut; memory does not grow with
the number of orders; an order that nothing can stir costs nothing per tick.
"""

from __future__ import annotations

from collections import deque
from heapq import heapify, heappop, heappush
from typing import Final

from adapters.venues.admission import Ids, refusal, replace_refusal
from adapters.venues.book import NO_LIMIT, Book, Working
from adapters.venues.matching import Matcher
from adapters.venues.prices import Prices
from adapters.venues.reports import Line, Reports, VenueReport
from adapters.venues.settings import Resting, Size, VenueSettings
from adapters.venues.tables import ASKS, BIDS, Table, table_of
from domain.chance import Chance
from domain.events import OrderCancelRequested, OrderReplaceRequested, OrderSubmitted
from domain.instrument import Instrument
from domain.risk.approval import Approved
from domain.terms import OrderType, Side, TimeInForce
from domain.ticks import BAR, INSTRUMENT, KIND, QUOTE, RECV_NS, TRADE, Ticks

NEVER: Final = 2**63 - 1
VenueMessage = OrderSubmitted | OrderCancelRequested | OrderReplaceRequested
Sendable = Approved | OrderCancelRequested
# Final: compiled code holds them and looks nothing up.
_Submitted: Final = OrderSubmitted
_MARKET: Final = OrderType.MARKET
_GTD: Final = TimeInForce.GTD
_DAY: Final = TimeInForce.DAY
_BUY: Final = Side.BUY
_KINDS: Final = (TRADE, QUOTE, BAR)
_FEW: Final = 64


class SimulatedVenue:
    """One venue for all instruments of a session; `instruments[i]` is what ticks and orders call i. Prices, sizes and times as in the events."""

    def __init__(self, instruments: tuple[Instrument, ...], settings: VenueSettings, seed: int) -> None:
        chance = Chance(seed)
        self._specs = instruments
        self._out = Line(settings.latency_out_ns, settings.jitter_out_ns, chance.fork("out"))
        back = Line(settings.latency_back_ns, settings.jitter_back_ns, chance.fork("back"))
        self._reports = Reports(instruments, settings, back)
        self._due = self._reports.queue
        self._matcher = Matcher(instruments, settings, self._reports, chance.fork("slippage"), self._next_rank)
        self._infinite = settings.liquidity == Size.INFINITE
        self._touch = 0 if settings.resting == Resting.TOUCH else 1
        self._arrivals: deque[tuple[int, VenueMessage]] = deque()
        self._expiries: list[tuple[int, int, Working]] = []
        self._books: dict[int, Book] = {}
        self._live: dict[str, Working] = {}
        self._dead = Ids()
        self._rank = 0
        self._prices = [Prices() for _ in instruments]
        self._ticks: Ticks | None = None
        self._table: Table | None = None
        self._start = self._stop = self._base = self._moved = 0

    def submit(self, request: Sendable) -> None:
        """Send a request at its `ns`; requests arrive in the order in which they were sent. An order comes only as the risk room approved it."""
        message = request.message if isinstance(request, Approved) else request
        self._arrivals.append((self._out.arrival_ns(message.ns), message))

    @property
    def busy(self) -> bool:
        """Whether anything is pending."""
        return bool(self._due or self._arrivals or self._expiries)

    def next_ns(self) -> int:
        """Time of the earliest arrival, report or expiry that is pending; NEVER when there is none."""
        arrivals = self._arrivals
        if self._due:
            ns = self._due[0].ns
            if arrivals:
                ns = min(ns, arrivals[0][0])
        else:
            ns = arrivals[0][0] if arrivals else NEVER
        return min(ns, self._expiry_ns()) if self._expiries else ns

    def next_match(self, ticks: Ticks, start: int, stop: int) -> int:
        """First index in start..stop whose tick may trigger, fill or move a working order, `stop` when there is none."""
        books = self._books
        if not books:
            return stop
        table = table_of(ticks)
        if table.small:
            kinds, instruments = table.rows[KIND], table.rows[INSTRUMENT]
            for i in range(start, stop):
                book = books.get(instruments[i])
                if book is not None and book.stirred_by(kinds[i], table.rows, i, self._prices_of(instruments[i])):
                    return i
            return stop
        for instrument, book in books.items():
            stop = book.next_match(table, start, stop, self._prices_of(instrument), instrument)
        return stop

    def advance(self, ticks: Ticks, start: int, stop: int) -> None:
        """The market went through ticks start..stop, of which only the last may concern a working order: it is matched."""
        if stop <= start:
            return
        if ticks is not self._ticks:
            self._enter(ticks, start)
        self._stop = stop
        self._moved += 1
        if self._books:
            self._match(stop - 1)

    def report(self, until_ns: int) -> VenueReport | None:
        """The earliest report that reaches us at or before `until_ns`, taken out; None when there is none. Due messages arrive on the way."""
        due = self._due
        while True:
            if due and due[0].ns <= until_ns:
                return due.popleft()
            if not self._step(until_ns):
                return None

    def taking_px(self, instrument: int, side: int, now_ns: int) -> int:
        """The price that an order which takes finds at `now_ns`, 0 when nothing stands."""
        prices = self._prices_of(instrument)
        lane = prices.offered(ASKS if side > 0 else BIDS, now_ns)
        return prices.px[lane] if lane >= 0 else 0

    def roll_day(self, ns: int) -> None:
        """The day ends at `ns`: DAY orders that are at the venue expire."""
        while self._step(ns - 1):
            pass
        for order in sorted((o for o in self._live.values() if o.tif == _DAY), key=lambda o: o.rank):
            self._reports.expired(order, ns, "the day ended")
            self._remove(order)

    def _step(self, until_ns: int) -> bool:
        """Let the earliest expiry or arrival due at or before `until_ns` happen; at equal times the expiry. False when there is none."""
        arrivals = self._arrivals
        arrival_ns = arrivals[0][0] if arrivals else NEVER
        if self._expiries:
            expiry_ns = self._expiry_ns()
            if expiry_ns <= until_ns and expiry_ns <= arrival_ns:
                order = heappop(self._expiries)[2]
                self._reports.expired(order, expiry_ns, "the expiry time came")
                self._remove(order)
                return True
        if arrival_ns > until_ns or not arrivals:
            return False
        message = arrivals.popleft()[1]
        if isinstance(message, _Submitted):
            self._on_order(message, arrival_ns)
        elif isinstance(message, OrderCancelRequested):
            self._on_cancel(message, arrival_ns)
        else:
            self._on_replace(message, arrival_ns)
        return True

    def _on_order(self, sent: OrderSubmitted, now_ns: int) -> None:
        cl_ord_id, i = sent.cl_ord_id, sent.instrument
        reports = self._reports
        dead = self._dead
        if cl_ord_id in self._live or dead.known(cl_ord_id):
            reports.rejected(cl_ord_id, now_ns, "the order id was used before")
            return
        fault = refusal(sent, self._specs[i], now_ns) if 0 <= i < len(self._specs) else "the instrument is unknown"
        if fault:
            self._dead.add(cl_ord_id)
            reports.rejected(cl_ord_id, now_ns, fault)
            return
        prices = self._prices_of(i)
        if sent.order_type is _MARKET and self._infinite:
            side = sent.side
            buys = side is _BUY
            lane = prices.offered(ASKS if buys else BIDS, now_ns)
            if lane >= 0:
                dead.add(cl_ord_id)
                reports.accepted(cl_ord_id, now_ns)
                px = self._matcher.slipped(prices.px[lane], side, NO_LIMIT if buys else -NO_LIMIT, i)
                reports.filled_at_once(cl_ord_id, i, now_ns, px, sent.order_qty)
                return
        order = Working(sent, self._next_rank(), now_ns)
        if order.post_only and not order.waits:
            if self._matcher.would_take(order, prices, now_ns):
                self._dead.add(cl_ord_id)
                reports.rejected(cl_ord_id, now_ns, "post-only order would take")
                return
            order.takes = False
        reports.accepted(cl_ord_id, now_ns)
        if order.waits or order.takes:
            self._matcher.meet(order, prices, now_ns)
        if not order.leaves_qty:
            self._dead.add(cl_ord_id)
            return
        self._live[cl_ord_id] = order
        self._file(order)
        if order.tif == _GTD:
            self._watch_expiry(order)

    def _on_cancel(self, request: OrderCancelRequested, now_ns: int) -> None:
        order = self._live.get(request.orig_cl_ord_id)
        if order is None:
            self._reports.cancel_rejected(request, now_ns, self._absence(request.orig_cl_ord_id))
            return
        self._remove(order)
        self._reports.canceled(order, now_ns, "requested", request.cl_ord_id)

    def _on_replace(self, request: OrderReplaceRequested, now_ns: int) -> None:
        orig, new = request.orig_cl_ord_id, request.cl_ord_id
        order = self._live.get(orig)
        if order is None:
            fault = self._absence(orig)
        elif new in self._live or self._dead.known(new):
            fault = "the order id was used before"
        else:
            fault = replace_refusal(request, order, self._specs[order.instrument])
        if order is None or fault:
            self._reports.cancel_rejected(request, now_ns, fault)
            return
        prices = self._prices_of(order.instrument)
        moved = order.limited and request.limit_px != order.limit_px
        if moved and order.post_only and not order.waits and self._would_take_at(request.limit_px, order, prices, now_ns):
            self._reports.cancel_rejected(request, now_ns, "post-only order would take")
            return
        again = moved or (order.waits and _stop_moved(request, order)) or request.order_qty > order.order_qty
        self._reports.replaced(request, now_ns)
        del self._live[orig]
        self._dead.add(orig)
        order.cl_ord_id = new
        self._live[new] = order
        order.leaves_qty += request.order_qty - order.order_qty
        order.order_qty = request.order_qty
        if again:
            self._requeue(order, request, moved, prices, now_ns)

    def _requeue(self, order: Working, request: OrderReplaceRequested, moved: bool, prices: Prices, now_ns: int) -> None:
        """New prices or more quantity: the order goes to the end of the queue, and with a new limit it meets the market like a new one."""
        self._books[order.instrument].remove(order)
        order.rank = self._next_rank()
        order.since_ns = now_ns
        order.follow(request)
        if moved and not order.waits:
            order.takes = not order.post_only
        if order.waits or order.takes:
            self._matcher.meet(order, prices, now_ns)
        if order.leaves_qty:
            self._file(order)
        else:
            self._drop_book(order.instrument)
            self._bury(order)

    def _would_take_at(self, limit_px: int, order: Working, prices: Prices, now_ns: int) -> bool:
        old, order.limit_px = order.limit_px, limit_px
        takes = self._matcher.would_take(order, prices, now_ns)
        order.limit_px = old
        return takes

    def _absence(self, cl_ord_id: str) -> str:
        return "too late: the order is gone" if self._dead.known(cl_ord_id) else "the order is unknown"

    def _next_rank(self) -> int:
        self._rank += 1
        return self._rank

    def _file(self, order: Working) -> None:
        book = self._books.get(order.instrument)
        if book is None:
            book = self._books[order.instrument] = Book(self._touch)
        book.add(order)

    def _remove(self, order: Working) -> None:
        self._books[order.instrument].remove(order)
        self._drop_book(order.instrument)
        self._bury(order)

    def _drop_book(self, instrument: int) -> None:
        if not self._books[instrument].orders:
            del self._books[instrument]

    def _bury(self, order: Working) -> None:
        del self._live[order.cl_ord_id]
        self._dead.add(order.cl_ord_id)

    def _watch_expiry(self, order: Working) -> None:
        expiries = self._expiries
        if len(expiries) > 2 * len(self._live) + _FEW:
            expiries[:] = [e for e in expiries if e[2].leaves_qty]
            heapify(expiries)
        heappush(expiries, (order.expire_ns, order.rank, order))

    def _expiry_ns(self) -> int:
        """Time of the earliest expiry of a working order; those of dead orders are forgotten on the way."""
        expiries = self._expiries
        while expiries and not expiries[0][2].leaves_qty:
            heappop(expiries)
        return expiries[0][0] if expiries else NEVER

    def _match(self, i: int) -> None:
        table = self._table
        if table is None:
            return
        rows = table.rows
        instrument = rows[INSTRUMENT][i]
        book = self._books.get(instrument)
        if book is None:
            return
        kind = rows[KIND][i]
        prices = self._prices_of(instrument)
        if book.stirred_by(kind, rows, i, prices):
            for order in self._matcher.match(book, kind, prices, rows[RECV_NS][i]):
                self._remove(order)

    def _enter(self, ticks: Ticks, start: int) -> None:
        """Another table begins: what the old one left behind is kept for every instrument it touched."""
        table = self._table
        if table is not None:
            rows = table.rows
            for i in table.lasts(self._start, self._stop):
                self._prices[rows[INSTRUMENT][i]].load(rows[KIND][i], rows, i, self._base + i)
            self._base += table.n
        self._ticks = ticks
        self._table = table_of(ticks)
        self._start = start

    def _prices_of(self, instrument: int) -> Prices:
        """What stands for an instrument now; read from the table only when somebody asks."""
        prices = self._prices[instrument]
        table = self._table
        if prices.moved != self._moved and table is not None:
            prices.moved = self._moved
            uniform = table.uniform
            if uniform is None:
                for kind in _KINDS:
                    i = table.last(kind, instrument, self._start, self._stop)
                    if i >= 0:
                        prices.load(kind, table.rows, i, self._base + i)
            elif uniform[1] == instrument:
                prices.load(uniform[0], table.rows, self._stop - 1, self._base + self._stop - 1)
        return prices


def _stop_moved(request: OrderReplaceRequested, order: Working) -> bool:
    """Whether new terms move a waiting stop."""
    return request.trail_px != order.trail_px if order.trail_px else request.stop_px != order.stop_px
