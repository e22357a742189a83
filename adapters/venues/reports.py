"""Decides what a simulated venue tells us, under which ids, and when it arrives.

Invariants: reports arrive in the order in which they were made; ids are counters, so a session gives the same ids again.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Final

from adapters.venues.book import Working
from adapters.venues.fees import Fees
from adapters.venues.settings import VenueSettings
from domain.chance import Chance
from domain.events import (
    OrderAccepted,
    OrderCanceled,
    OrderCancelRejected,
    OrderCancelRequested,
    OrderExpired,
    OrderFilled,
    OrderRejected,
    OrderReplaced,
    OrderReplaceRequested,
    OrderTriggered,
)
from domain.instrument import Instrument
from domain.terms import Liquidity

VenueReport = (
    OrderAccepted | OrderRejected | OrderTriggered | OrderFilled | OrderCanceled | OrderCancelRejected | OrderReplaced | OrderExpired
)  # fmt: skip
# Final: compiled code holds them and looks nothing up.
_MAKER: Final = Liquidity.MAKER
_TAKER: Final = Liquidity.TAKER
_Accepted: Final = OrderAccepted
_Filled: Final = OrderFilled


class Line:
    """One direction of the way between us and the venue: FIFO, with a fixed latency and seeded jitter, both in ns."""

    __slots__ = ("_chance", "_jitter_ns", "_last_ns", "_latency_ns")

    def __init__(self, latency_ns: int, jitter_ns: int, chance: Chance) -> None:
        self._latency_ns = latency_ns
        self._jitter_ns = jitter_ns
        self._chance = chance
        self._last_ns = 0

    def arrival_ns(self, sent_ns: int) -> int:
        """When what is sent now arrives; never before what was sent earlier."""
        ns = sent_ns + self._latency_ns
        if self._jitter_ns:
            ns += self._chance.integer(0, self._jitter_ns)
        last = self._last_ns
        if ns <= last:
            return last
        self._last_ns = ns
        return ns


class Reports:
    """The reports on their way to us; `queue` in order of arrival. Times given are the venue's."""

    __slots__ = ("_exec_n", "_fees", "_line", "_order_n", "_specs", "queue")

    def __init__(self, specs: Sequence[Instrument], settings: VenueSettings, line: Line) -> None:
        self.queue: deque[VenueReport] = deque()
        self._specs = specs
        self._fees = [Fees(spec, settings) for spec in specs]
        self._line = line
        self._exec_n = 0
        self._order_n = 0

    def accepted(self, cl_ord_id: str, now_ns: int) -> None:
        self._order_n += 1
        self.queue.append(_Accepted(self._line.arrival_ns(now_ns), 0, cl_ord_id, now_ns, f"V{self._order_n}"))

    def rejected(self, cl_ord_id: str, now_ns: int, reason: str) -> None:
        self.queue.append(OrderRejected(self._line.arrival_ns(now_ns), 0, cl_ord_id, now_ns, reason))

    def triggered(self, order: Working, now_ns: int) -> None:
        limit_px = order.limit_px if order.limited else 0
        self.queue.append(OrderTriggered(self._line.arrival_ns(now_ns), 0, order.cl_ord_id, now_ns, limit_px))

    def filled_at_once(self, cl_ord_id: str, instrument: int, now_ns: int, px: int, qty: int) -> None:
        """The one fill of an order that was filled whole when it came."""
        fees = self._fees[instrument]
        fee = 0 if fees.free else fees.owed(fees.of_fill(px, qty, taker=True))
        self._filled(cl_ord_id, instrument, now_ns, px, qty, _TAKER, fee)

    def filled(self, order: Working, now_ns: int, px: int, qty: int, *, taker: bool) -> None:
        """A fill; the order's leaves and fees move with it."""
        order.leaves_qty -= qty
        fees = self._fees[order.instrument]
        fee = 0
        if not fees.free:
            order.fees += fees.of_fill(px, qty, taker)
            fee = fees.owed(order.fees) - order.paid
            order.paid += fee
        self._filled(order.cl_ord_id, order.instrument, now_ns, px, qty, _TAKER if taker else _MAKER, fee)

    def _filled(self, cl_ord_id: str, instrument: int, now_ns: int, px: int, qty: int, liquidity: Liquidity, fee: int) -> None:
        self._exec_n += 1
        spec = self._specs[instrument]
        self.queue.append(
            _Filled(
                self._line.arrival_ns(now_ns), 0, cl_ord_id, now_ns, f"X{self._exec_n}", px, qty, liquidity, fee, spec.settle, spec.amt_digits
            )
        )  # fmt: skip

    def canceled(self, order: Working, now_ns: int, reason: str, request_id: str = "") -> None:
        """The rest of the order is gone: asked for under `request_id`, or by the order's own terms. Source: FIX 11 and 41 of a cancel report."""
        order.leaves_qty = 0
        ids = (request_id, order.cl_ord_id) if request_id else (order.cl_ord_id, "")
        self.queue.append(OrderCanceled(self._line.arrival_ns(now_ns), 0, ids[0], now_ns, ids[1], reason))

    def cancel_rejected(self, request: OrderCancelRequested | OrderReplaceRequested, now_ns: int, reason: str) -> None:
        self.queue.append(OrderCancelRejected(self._line.arrival_ns(now_ns), 0, request.cl_ord_id, now_ns, request.orig_cl_ord_id, reason))

    def replaced(self, request: OrderReplaceRequested, now_ns: int) -> None:
        self.queue.append(
            OrderReplaced(
                self._line.arrival_ns(now_ns), 0, request.cl_ord_id, now_ns, request.orig_cl_ord_id, request.order_qty, request.limit_px,
                request.stop_px, request.trail_px,
            )
        )  # fmt: skip

    def expired(self, order: Working, now_ns: int, reason: str) -> None:
        order.leaves_qty = 0
        self.queue.append(OrderExpired(self._line.arrival_ns(now_ns), 0, order.cl_ord_id, now_ns, done_for_day=False, reason=reason))
