"""Decides what is true of one order after each of our requests and each of the venue's reports.

Facts are kept as they were reported and everything else is derived from them, so no sequence of reports can leave an order
in a state that its facts do not explain:

- `execs`: the fills that stand, by exec_id; `cum_qty` and `cost` are their sums.
- `ended`: the venue's last word on the order's life (CANCELED, EXPIRED or REJECTED), the first one stands.
- `rests`: done for the day. A GTC or GTD order is then still alive, a DAY order is not.
- `requests`: our cancel and replace requests without an answer. `pended`: those the venue says it is considering.

`status` is the highest word that applies: UNKNOWN while undecided, else PENDING_CANCEL, PENDING_REPLACE, DONE_FOR_DAY, FILLED,
CANCELED or EXPIRED, PARTIALLY_FILLED, NEW, PENDING_NEW or REJECTED (source: FIX 5.0 volume 4, order of OrdStatus precedence).

What a venue should not send, or sends twice, late or crossed:

| report | effect |
|---|---|
| fill, correction with a known exec_id | none |
| fill after cancel, expiry or done-for-day | counts; the order stays ended |
| fill and reject, in either order | the fill wins: no rejected order trades, so it is alive again at worst case |
| fill beyond the order's quantity | counts; `overfilled` |
| bust or correction before its fill | stands; the fill is void when it comes |
| bust of an order that was filled | the quantity works again, unless the order ended otherwise |
| accept, pend, trigger or restate after the end | none on status and quantities |
| second end, for example expiry after cancel | none |
| replace that was confirmed before or overtaken by a later one | none |
| reject under the id of a cancel or replace request | refuses that request, not the order |

Invariants: `0 <= leaves_qty <= worst_leaves`; an order that is proven dead has no leaves; a fill counts once.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Final, assert_never

from domain.events import (
    FillBusted,
    FillCorrected,
    OrderAccepted,
    OrderCanceled,
    OrderCancelRejected,
    OrderCancelRequested,
    OrderExpired,
    OrderFilled,
    OrderPended,
    OrderRejected,
    OrderReplaced,
    OrderReplaceRequested,
    OrderRestated,
    OrderSubmitted,
    OrderTriggered,
    OrderUnknown,
)
from domain.terms import OrdStatus, Side, TimeInForce

OrderEvent = (
    OrderPended | OrderAccepted | OrderRejected | OrderTriggered | OrderFilled | OrderCancelRequested | OrderCanceled
    | OrderCancelRejected | OrderReplaceRequested | OrderReplaced | OrderRestated | OrderExpired | OrderUnknown
    | FillBusted | FillCorrected
)  # fmt: skip
Changes = tuple[tuple[int, int], ...]
"""Position changes an event causes: (signed_qty, px) each."""

_LONGER_LIVED: Final = (TimeInForce.GTC, TimeInForce.GTD)
# Compiled code holds a Final; an imported class it looks up each time.
_Filled: Final = OrderFilled
_Accepted: Final = OrderAccepted
_BUY: Final = Side.BUY
_SELL: Final = Side.SELL


class Order:
    """One order. Quantities in 10^-qty_digits, prices in 10^-price_digits; `cost` is the sum of px × qty of the standing fills.

    `cl_ord_id` is the id it lives under now. Dictionaries that stay empty for most orders are made when they are first asked for.
    `counted` belongs to `domain.orders`: the leaves it has added up for this order. `seq` is that of our newest request for terms of it.
    `withdrawn`: we asked for its end and were not refused.
    """

    __slots__ = (
        "_exec_id", "_exec_px", "_execs", "_ids", "_pended", "_requests", "accepted", "cl_ord_id", "cost", "counted", "cum_qty", "ended", "expire_ns", "instrument", "intentional",
        "limit_px", "locate", "number", "order_qty", "order_type", "post_only", "reduce_only", "rests", "sent_ns", "seq", "side", "stop_px", "strategy",
        "time_in_force", "trail_px", "triggered", "unknown", "venue_ord_id", "withdrawn",
    )  # fmt: skip

    def __init__(self, sent: OrderSubmitted, number: int = 0) -> None:
        self.cl_ord_id = sent.cl_ord_id
        self.number = number
        self.strategy = sent.strategy
        self.instrument = sent.instrument
        self.side = sent.side
        self.order_qty = sent.order_qty
        self.order_type = sent.order_type
        self.limit_px = sent.limit_px
        self.stop_px = sent.stop_px
        self.trail_px = sent.trail_px
        self.time_in_force = sent.time_in_force
        self.expire_ns = sent.expire_ns
        self.post_only = sent.post_only
        self.reduce_only = sent.reduce_only
        self.intentional, self.locate = sent.intentional, sent.locate
        self.sent_ns = sent.ns
        self.venue_ord_id = ""
        self.accepted = self.triggered = self.unknown = self.rests = self.withdrawn = False
        self.ended: OrdStatus | None = None
        self.cum_qty = self.cost = self.counted = self.seq = 0
        self._ids: dict[str, bool] | None = None
        # The first fill stands in two fields and in no dictionary until somebody asks for more: most orders have no other.
        self._exec_id: str | None = None
        self._exec_px = 0
        self._execs: dict[str, tuple[int, int] | str | None] | None = None
        self._requests: dict[str, OrderCancelRequested | OrderReplaceRequested] | None = None
        self._pended: dict[str, OrdStatus] | None = None

    @property
    def execs(self) -> dict[str, tuple[int, int] | str | None]:
        """By exec_id: a standing fill is (qty, px), a corrected one the exec_id of its correction, a busted one None."""
        execs = self._execs
        if execs is None:
            execs = self._execs = {} if self._exec_id is None else {self._exec_id: (self.cum_qty, self._exec_px)}
        return execs

    def fill(self, exec_id: str, qty: int, px: int) -> bool:
        """Take a fill in; False when it is known already."""
        if self._execs is None and self._exec_id is None:
            self._exec_id = exec_id
            self._exec_px = px
        else:
            execs = self.execs
            if exec_id in execs:
                return False
            execs[exec_id] = (qty, px)
        self.cum_qty += qty
        self.cost += px * qty
        self.accepted = True
        self.unknown = False
        return True

    @property
    def ids(self) -> dict[str, bool]:
        """Every id it was ever asked or reported under; true: it lived under it."""
        ids = self._ids
        if ids is None:
            ids = self._ids = {self.cl_ord_id: True}
        return ids

    @property
    def requests(self) -> dict[str, OrderCancelRequested | OrderReplaceRequested]:
        """Our cancel and replace requests without an answer, by id."""
        requests = self._requests
        if requests is None:
            requests = self._requests = {}
        return requests

    @property
    def pended(self) -> dict[str, OrdStatus]:
        """What the venue says it is considering, by id."""
        pended = self._pended
        if pended is None:
            pended = self._pended = {}
        return pended

    @property
    def renamed(self) -> bool:
        """It may have been asked or reported under more than one id."""
        return self._ids is not None

    @property
    def gone(self) -> bool:
        """The venue's word that the order ended stands: no fill refutes it."""
        ended = self.ended
        return ended is not None and (ended is not OrdStatus.REJECTED or not self.cum_qty)

    @property
    def status(self) -> OrdStatus:
        """The venue's last word (FIX 39), by precedence; see the module."""
        filled = self.cum_qty >= self.order_qty
        if self.gone and self.ended is not None:
            return OrdStatus.FILLED if filled else self.ended
        if self.unknown:
            return OrdStatus.UNKNOWN
        if self._pended:
            words = self.pended.values()
            return OrdStatus.PENDING_CANCEL if OrdStatus.PENDING_CANCEL in words else OrdStatus.PENDING_REPLACE
        if self.rests:
            return OrdStatus.DONE_FOR_DAY
        if filled:
            return OrdStatus.FILLED
        if self.cum_qty:
            return OrdStatus.PARTIALLY_FILLED
        return OrdStatus.NEW if self.accepted else OrdStatus.PENDING_NEW

    @property
    def dead(self) -> bool:
        """Proven that it can trade no more, whatever its quantity says."""
        return self.gone or (self.rests and self.time_in_force not in _LONGER_LIVED)

    @property
    def leaves_qty(self) -> int:
        """What the venue still has to fill, by its last word (FIX 151)."""
        return 0 if self.dead else max(self.order_qty - self.cum_qty, 0)

    @property
    def worst_leaves(self) -> int:
        """The most that may still trade: the larger of present and requested quantity, less what traded; 0 when proven dead."""
        most = self.order_qty
        if self._requests or self.rests or self.ended is not None:
            if self.dead:
                return 0
            for request in self._requests.values() if self._requests else ():
                if isinstance(request, OrderReplaceRequested) and request.order_qty > most:
                    most = request.order_qty
        left = most - self.cum_qty
        return left if left > 0 else 0

    @property
    def overfilled(self) -> bool:
        """The venue filled more than the order asks for."""
        return self.cum_qty > self.order_qty

    @property
    def cancel_requested(self) -> bool:
        """A cancel request of ours has no answer yet."""
        return any(isinstance(r, OrderCancelRequested) for r in self.requests.values())

    @property
    def replace_requested(self) -> bool:
        """A replace request of ours has no answer yet."""
        requests = self._requests
        return requests is not None and any(isinstance(r, OrderReplaceRequested) for r in requests.values())

    @property
    def avg_px(self) -> Fraction | None:
        """The average price of the standing fills (FIX 6), None without any."""
        return Fraction(self.cost, self.cum_qty) if self.cum_qty else None

    @property
    def fills(self) -> list[tuple[str, int, int]]:
        """The standing fills as (exec_id, qty, px), oldest first; a correction stands where it arrived."""
        return [(exec_id, x[0], x[1]) for exec_id, x in self.execs.items() if isinstance(x, tuple)]


def evolve(order: Order, event: OrderEvent) -> Changes:
    """Fold one event; the position changes it causes. A bust gives the opposite fill, a correction the opposite and the new one."""
    kind = type(event)
    if kind is _Filled:
        return _fill(order, event)  # type: ignore[arg-type]
    if kind is _Accepted:
        order.accepted = True
        order.unknown = False
        order.venue_ord_id = order.venue_ord_id or event.venue_ord_id  # type: ignore[union-attr]
        return ()
    match event:
        case FillBusted() | FillCorrected():
            return _amend(order, event)
        case OrderCanceled():
            _end(order, OrdStatus.CANCELED)
        case OrderExpired():
            if not event.done_for_day:
                _end(order, OrdStatus.EXPIRED)
            elif not order.gone:
                order.rests = True
                order.unknown = False
        case OrderRejected():
            if order.ids.get(event.cl_ord_id, True):
                _end(order, OrdStatus.REJECTED)
            else:
                _answer(order, event.cl_ord_id)
        case OrderCancelRejected():
            _answer(order, event.cl_ord_id)
        case OrderCancelRequested() | OrderReplaceRequested():
            order.ids.setdefault(event.cl_ord_id, False)
            order.requests[event.cl_ord_id] = event
            order.withdrawn = order.cancel_requested
        case OrderReplaced():
            _replace(order, event)
        case OrderPended():
            _pend(order, event)
        case OrderTriggered():
            order.triggered = order.accepted = True
            order.unknown = False
            order.limit_px = event.limit_px
        case OrderRestated():
            if not order.gone:
                order.accepted = True
                order.rests = order.unknown = False
                order.order_qty = event.order_qty
        case OrderUnknown():
            order.unknown = bool(order.worst_leaves)
        case OrderFilled() | OrderAccepted():
            pass  # taken above: they are nearly all there is, and a match looks through its cases in order
        case _:
            assert_never(event)
    return ()


def _fill(order: Order, event: OrderFilled) -> Changes:
    qty = event.last_qty
    px = event.last_px
    return ((_signed(order, qty), px),) if order.fill(event.exec_id, qty, px) else ()


def _signed(order: Order, qty: int) -> int:
    """A quantity with the sign of its position change; by identity, because arithmetic with an enum is slow."""
    side = order.side
    return qty if side is _BUY else -qty if side is _SELL else 0


def _end(order: Order, word: OrdStatus) -> None:
    if order.gone:
        return
    order.ended = word
    if word is not OrdStatus.REJECTED or not order.cum_qty:
        order.rests = order.unknown = False
        order.requests.clear()
        order.pended.clear()


def _answer(order: Order, cl_ord_id: str) -> None:
    """A request is decided. Without any request of ours nothing can be pending, whatever id the venue pended it under."""
    order.requests.pop(cl_ord_id, None)
    order.pended.pop(cl_ord_id, None)
    order.withdrawn = order.cancel_requested
    if not order.requests:
        order.pended.clear()


def _pend(order: Order, event: OrderPended) -> None:
    if order.gone:
        return
    order.unknown = False
    if event.status is OrdStatus.PENDING_NEW:
        return
    # Some venues pend a request under the order's own id and name no other; else a known id without a request was answered before.
    own = event.cl_ord_id == order.cl_ord_id and event.orig_cl_ord_id in ("", order.cl_ord_id)
    if own or event.cl_ord_id in order.requests or event.cl_ord_id not in order.ids:
        order.pended[event.cl_ord_id] = event.status


def _replace(order: Order, event: OrderReplaced) -> None:
    new = event.cl_ord_id
    amended_in_place = new == order.cl_ord_id and event.orig_cl_ord_id in ("", new)
    if order.ids.get(new) and not amended_in_place:
        return
    # A confirmation proves that every earlier link of the chain was confirmed too, even if those reports come later.
    earlier = event.orig_cl_ord_id
    while earlier and not order.ids.get(earlier):
        order.ids[earlier] = True
        request = order.requests.get(earlier)
        _answer(order, earlier)
        earlier = request.orig_cl_ord_id if request else ""
    order.ids[new] = True
    _answer(order, new)
    order.cl_ord_id = new
    order.accepted = True
    order.rests = order.unknown = False
    order.order_qty = event.order_qty
    order.limit_px = event.limit_px
    order.stop_px = event.stop_px
    order.trail_px = event.trail_px


def _amend(order: Order, event: FillBusted | FillCorrected) -> Changes:
    """Take the referenced fill back and, for a correction, put the right one in its place."""
    execs = order.execs
    ref = _latest(execs, event.ref_exec_id)
    old = execs.get(ref)
    if isinstance(event, FillBusted):
        execs[ref] = None
        return (_count(order, -old[0], old[1]),) if isinstance(old, tuple) else ()
    own = event.exec_id
    new: tuple[int, int] | None = (event.last_qty, event.last_px)
    if own != ref and own in execs:
        if isinstance(execs[own], tuple) or _latest(execs, own) == ref:
            return ()
        new = None  # what came after this correction is already here: it only links the old fill to that
    elif old is None and ref in execs:
        execs[own] = None
        return ()
    if own != ref:
        execs[ref] = own
    changes = [_count(order, -old[0], old[1])] if isinstance(old, tuple) else []
    if new is not None:
        execs[own] = new
        changes.append(_count(order, *new))
    return () if old == new else tuple(changes)


def _latest(execs: dict[str, tuple[int, int] | str | None], exec_id: str) -> str:
    """Follow corrections from an exec_id to the last one known."""
    while isinstance(later := execs.get(exec_id), str):
        exec_id = later
    return exec_id


def _count(order: Order, qty: int, px: int) -> tuple[int, int]:
    order.cum_qty += qty
    order.cost += px * qty
    return _signed(order, qty), px
