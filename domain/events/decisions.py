"""What strategies and the risk room decide."""

from __future__ import annotations

from domain.events._base import Event
from domain.risk.check import Check
from domain.risk.limits import Limits
from domain.terms import OrderType, Side, TimeInForce, TradingState


class SignalRaised(Event, frozen=True, tag="signal"):
    """Decision. What a strategy wants, recorded before the gates. Side NONE is a hold with its reason. Source: house rule.

    `qty` is unsigned. Prices are 0 where the order type has none; `trail_px` is a distance.
    """

    strategy: int
    instrument: int
    side: Side
    qty: int
    order_type: OrderType
    limit_px: int
    stop_px: int
    trail_px: int
    time_in_force: TimeInForce
    expire_ns: int
    post_only: bool
    reduce_only: bool
    reason: str


class ParametersChanged(Event, frozen=True, tag="params"):
    """Decision. A strategy runs with other parameters (canonical JSON) from here on; cause is the operator's command. Source: RTS 6 Art. 11."""

    strategy: int
    params: str


class OrderApproved(Event, frozen=True, tag="approve"):
    """Decision. Every rule passed; all of them are listed with their numbers. Source: RTS 6 Art. 15; SEC 15c3-5."""

    cl_ord_id: str
    checks: tuple[Check, ...]


class OrderDenied(Event, frozen=True, tag="deny"):
    """Decision. Our rules stopped the order, the venue never saw it. `reason` is the first failing rule's code. Source: RTS 6 Art. 15; SEC 15c3-5."""

    cl_ord_id: str
    reason: str
    checks: tuple[Check, ...]


class LimitsChanged(Event, frozen=True, tag="limits"):
    """Decision. New limits for one instrument from here on; cause is the operator's command. Source: RTS 6 Art. 15."""

    instrument: int
    limits: Limits


class TradingHalted(Event, frozen=True, tag="halt"):
    """Decision. The account's trading state fell to `state`. Source: FIA order controls; RTS 6 Art. 12."""

    state: TradingState
    reason: str


class TradingResumed(Event, frozen=True, tag="go"):
    """Decision. The account trades again; cause is the operator's command. Source: FIA order controls."""

    reason: str


class KillSwitchEngaged(Event, frozen=True, tag="kill"):
    """Decision. Nothing more is sent, every working order gets a cancel. Source: RTS 6 Art. 12."""

    actor: str
    reason: str
