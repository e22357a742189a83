"""Decides which orders and requests a simulated venue refuses before it looks at the market, and which ids it remembers.

Invariants: a refusal is one short sentence part without numbers that vary; memory is bounded.
"""

from __future__ import annotations

from typing import Final

from adapters.venues.book import Working
from domain.events import OrderReplaceRequested, OrderSubmitted
from domain.instrument import Instrument
from domain.terms import OrderType, Side, TimeInForce

# Final: compiled code holds them and looks nothing up.
_MARKET: Final = OrderType.MARKET
_LIMIT: Final = OrderType.LIMIT
_STOP: Final = OrderType.STOP
_STOP_LIMIT: Final = OrderType.STOP_LIMIT
_TRAILING: Final = OrderType.TRAILING_STOP
_GTD: Final = TimeInForce.GTD
_NO_SIDE: Final = Side.NONE
_IMMEDIATE: Final = (TimeInForce.IOC, TimeInForce.FOK)
_GENERATION: Final = 8192


class Ids:
    """The order ids that are used up: at least the last 8192, at most twice as many."""

    __slots__ = ("_old", "_young")

    def __init__(self) -> None:
        self._young: set[str] = set()
        self._old: set[str] = set()

    def known(self, cl_ord_id: str) -> bool:
        """Whether an id was used."""
        return cl_ord_id in self._young or cl_ord_id in self._old

    def add(self, cl_ord_id: str) -> None:
        """Remember an id."""
        self._young.add(cl_ord_id)
        if len(self._young) >= _GENERATION:
            self._old = self._young
            self._young = set()


def refusal(sent: OrderSubmitted, spec: Instrument, now_ns: int) -> str:
    """Why a new order is refused, "" when it is not. Source: FIX 103 OrdRejReason."""
    if not spec.tradable:
        return "the instrument is not tradable"
    if sent.side is _NO_SIDE:
        return "the order has no side"
    qty = sent.order_qty
    if qty <= 0 or qty % spec.lot_qty:
        return "the quantity is not a positive multiple of the lot"
    if sent.time_in_force is _GTD and sent.expire_ns <= now_ns:
        return "the expiry time has passed"
    if sent.post_only and (sent.order_type not in (_LIMIT, _STOP_LIMIT) or sent.time_in_force in _IMMEDIATE):
        return "post-only needs a limit price and time to rest"
    order_type = sent.order_type
    return "" if order_type is _MARKET else _price_fault(order_type, spec.tick_px, sent.limit_px, sent.stop_px, sent.trail_px)


def replace_refusal(request: OrderReplaceRequested, order: Working, spec: Instrument) -> str:
    """Why new terms are refused, "" when they are not. Source: FIX 102 CxlRejReason."""
    if request.order_qty <= 0 or request.order_qty % spec.lot_qty:
        return "the quantity is not a positive multiple of the lot"
    if request.order_qty <= order.order_qty - order.leaves_qty:
        return "too late: the quantity is already filled"
    if order.order_type == _MARKET:
        return ""
    return _price_fault(order.order_type, spec.tick_px, request.limit_px, request.stop_px, request.trail_px)


def _price_fault(order_type: OrderType, tick_px: int, limit_px: int, stop_px: int, trail_px: int) -> str:
    if order_type in (_LIMIT, _STOP_LIMIT) and (not limit_px or limit_px % tick_px):
        return "the limit price is missing or off the tick grid"
    if order_type in (_STOP, _STOP_LIMIT) and (not stop_px or stop_px % tick_px):
        return "the stop price is missing or off the tick grid"
    if order_type == _TRAILING and (trail_px <= 0 or trail_px % tick_px or limit_px or stop_px):
        return "a trailing stop needs a trailing distance on the tick grid and no other price"
    return ""
