"""What strategies want, and what the gates answer."""

from __future__ import annotations

from domain.events._base import Event
from domain.limits import Check
from domain.terms import OrderType, Side, TimeInForce


class SignalRaised(Event, frozen=True, tag="signal"):
    """Decision. What a strategy wants, recorded before the gates. Side NONE is a hold with its reason. Source: house rule.

    `qty` is unsigned. Prices are 0 where the order type has none; `trail_px` is a distance. `intentional`: meant to repeat an earlier order
    (R-14); `locate`: where borrowed shares for a short sale come from (R-21).
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
    intentional: bool = False
    locate: str = ""


class ParametersChanged(Event, frozen=True, tag="params"):
    """Decision. A strategy runs with other parameters (canonical JSON) from here on; cause is the operator's command. Source: RTS 6 Art. 11."""

    strategy: int
    params: str


class OrderSized(Event, frozen=True, tag="size"):
    """Decision. The quantity a signal asked for was honoured, scaled or refused (`verdict`); cause is the signal. Source: features A S4-34; house rule.

    `cl_ord_id`: of the order that follows, or of none when refused. `px`: what it is expected to trade at; `protect_px`: where its loss is to
    be stopped, 0 unknown. In 10^-amt_digits of the settlement currency: `equity_amt`, what the account is worth; `risk_amt`, what the order
    loses if the stop is hit; `margin_amt`, what the strategy's position and orders then bind (of the asked quantity where it was refused).
    """

    cl_ord_id: str
    strategy: int
    instrument: int
    asked_qty: int
    qty: int
    verdict: str
    reason: str
    px: int
    protect_px: int
    equity_amt: int
    risk_amt: int
    margin_amt: int


class OrderApproved(Event, frozen=True, tag="approve"):
    """Decision. Every rule that binds the order, the replacement or, where cancels have a budget, the cancel passed; all are listed with their
    numbers. Source: RTS 6 Art. 15; SEC 15c3-5.

    `override` is the number of the `OverrideGranted` that let it pass where a check failed, else 0.
    """

    cl_ord_id: str
    checks: tuple[Check, ...]
    override: int = 0


class OrderDenied(Event, frozen=True, tag="deny"):
    """Decision. Our rules stopped the order, the venue never saw it. `reason` is the first failing rule's code. Source: RTS 6 Art. 15; SEC 15c3-5."""

    cl_ord_id: str
    reason: str
    checks: tuple[Check, ...]
