"""The life of an order. Reports from the venue are inputs; requests of ours are decisions.

`cl_ord_id` is the id of the request that the order currently lives under (FIX 11); after a replace it is the new one.
"""

from __future__ import annotations

from domain.events._base import Event
from domain.terms import Liquidity, OrderType, OrdStatus, Side, TimeInForce


class OrderSubmitted(Event, frozen=True, tag="submit"):
    """Decision. The intent to send, recorded before it leaves; cause is its `OrderApproved`. Source: FIX 35=D; law 6.

    `intentional`, `locate`: as in its signal.
    """

    cl_ord_id: str
    strategy: int
    instrument: int
    side: Side
    order_qty: int
    order_type: OrderType
    limit_px: int
    stop_px: int
    trail_px: int
    time_in_force: TimeInForce
    expire_ns: int
    post_only: bool
    reduce_only: bool
    intentional: bool = False
    locate: str = ""


class OrderPended(Event, frozen=True, tag="pend"):
    """Input. The venue has a request and has not decided: `status` PENDING_NEW, PENDING_CANCEL or PENDING_REPLACE. Source: FIX 150=A, 6, E."""

    cl_ord_id: str
    event_ns: int
    orig_cl_ord_id: str
    status: OrdStatus


class OrderAccepted(Event, frozen=True, tag="accept"):
    """Input. The order is in the venue's book. Repeats confirm the state and change nothing. Source: FIX 150=0."""

    cl_ord_id: str
    event_ns: int
    venue_ord_id: str


class OrderRejected(Event, frozen=True, tag="reject"):
    """Input. The venue refused the order. Source: FIX 150=8."""

    cl_ord_id: str
    event_ns: int
    reason: str


class OrderTriggered(Event, frozen=True, tag="trigger"):
    """Input. A stop was reached; the order works at `limit_px` (0: market) from here on. Source: FIX 150=L."""

    cl_ord_id: str
    event_ns: int
    limit_px: int


class OrderFilled(Event, frozen=True, tag="fill"):
    """Input. A part or all of the order traded. `fee_amt` is in 10^-fee_digits of `fee_currency`, positive when we pay.

    A repeated `exec_id` changes nothing. Source: FIX 150=F.
    """

    cl_ord_id: str
    event_ns: int
    exec_id: str
    last_px: int
    last_qty: int
    liquidity: Liquidity
    fee_amt: int
    fee_currency: str
    fee_digits: int


class OrderCancelRequested(Event, frozen=True, tag="cancel?"):
    """Decision. We ask the venue to cancel `orig_cl_ord_id`. Source: FIX 35=F."""

    cl_ord_id: str
    orig_cl_ord_id: str
    reason: str


class OrderCanceled(Event, frozen=True, tag="cancel"):
    """Input. The rest of the order is gone, asked for or not. Source: FIX 150=4."""

    cl_ord_id: str
    event_ns: int
    orig_cl_ord_id: str
    reason: str


class OrderCancelRejected(Event, frozen=True, tag="cancel-"):
    """Input. The venue refused a cancel or a replace request. Source: FIX 35=9."""

    cl_ord_id: str
    event_ns: int
    orig_cl_ord_id: str
    reason: str


class OrderReplaceRequested(Event, frozen=True, tag="replace?"):
    """Decision. We ask the venue to change quantity or prices; cause is the new intent's `OrderApproved`. Source: FIX 35=G."""

    cl_ord_id: str
    orig_cl_ord_id: str
    order_qty: int
    limit_px: int
    stop_px: int
    trail_px: int


class OrderReplaced(Event, frozen=True, tag="replace"):
    """Input. The order lives on under `cl_ord_id` with new terms. Source: FIX 150=5."""

    cl_ord_id: str
    event_ns: int
    orig_cl_ord_id: str
    order_qty: int
    limit_px: int
    stop_px: int
    trail_px: int


class OrderRestated(Event, frozen=True, tag="restate"):
    """Input. The venue states the order's terms anew, for example a GTC order on the next day. Source: FIX 150=D."""

    cl_ord_id: str
    event_ns: int
    order_qty: int
    reason: str


class OrderExpired(Event, frozen=True, tag="expire"):
    """Input. The order's time ended. `done_for_day` says that a longer-lived order only rests until tomorrow. Source: FIX 150=C and 150=3."""

    cl_ord_id: str
    event_ns: int
    done_for_day: bool
    reason: str


class OrderUnknown(Event, frozen=True, tag="unknown"):
    """Decision. Sent, and neither proven alive nor dead; counted at worst case until the venue answers. Source: house rule (law 6)."""

    cl_ord_id: str
    reason: str


class FillBusted(Event, frozen=True, tag="bust"):
    """Input. The fill `ref_exec_id` never happened. Source: FIX 150=H."""

    cl_ord_id: str
    event_ns: int
    exec_id: str
    ref_exec_id: str


class FillCorrected(Event, frozen=True, tag="correct"):
    """Input. The fill `ref_exec_id` was really `last_qty` at `last_px`. Source: FIX 150=G."""

    cl_ord_id: str
    event_ns: int
    exec_id: str
    ref_exec_id: str
    last_px: int
    last_qty: int
