"""Decides what a person may do with orders, parameters and cash by hand.

Invariants: an order by hand passes the same rules as any other and is its person's; numbers that the log could not hold are refused.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from domain.commands import AdjustCash, CancelOrders, ChangeParameters, RecordOutcome, SubmitOrder, terms_of
from domain.control.words import Refused, instrument_of, strategy_of
from domain.desk import FAR, OPERATOR, Desk
from domain.events import OutcomeRecorded, ParametersChanged, ReconciliationAdjusted
from domain.money import rescale
from domain.risk.book import OPERATOR_NAME

if TYPE_CHECKING:
    from domain.control.asks import Ask, Deed
    from domain.engine import Engine

_MOST_DIGITS: Final = 18


def decide_order(desk: Desk, ask: Ask, command: SubmitOrder) -> Deed:
    """What obeying does. Raises Refused."""
    i = instrument_of(desk, command.symbol)
    try:
        side, kind, time_in_force = terms_of(command)
    except ValueError as e:
        raise Refused(f"{e}") from None
    if not all(-FAR <= n <= FAR for n in (command.qty, command.limit_px, command.stop_px, command.expire_ns)):
        raise Refused("a price, quantity or time does not fit into 62 bits")

    def deed() -> None:
        desk.submit(
            OPERATOR, i, side, command.qty, kind, command.limit_px, command.stop_px, 0, time_in_force, command.expire_ns, command.post_only,
            command.reduce_only, "", command.intentional, command.locate, ask.actor,
        )  # fmt: skip

    return deed


def decide_outcome(desk: Desk, ask: Ask, command: RecordOutcome) -> Deed:
    """What obeying does. Raises Refused."""
    i = instrument_of(desk, command.symbol)
    strategy = strategy_of(desk.risk, command.strategy)
    if not -FAR <= command.amt <= FAR:
        raise Refused("the amount does not fit into 62 bits")

    def deed() -> None:
        desk.emit(OutcomeRecorded(desk.now_ns, desk.cause, strategy, i, command.amt, ask.actor, command.reason))

    return deed


def decide_cancel(desk: Desk, ask: Ask, command: CancelOrders) -> Deed:
    """What obeying does. Raises Refused."""
    reason = command.reason or f"asked by {ask.actor}"
    if not command.cl_ord_id:
        return lambda: _cancel_all(desk, reason)
    order = desk.state.orders.find(command.cl_ord_id)
    if order is None or not order.worst_leaves:
        raise Refused(f"there is no working order {command.cl_ord_id!r}")
    return lambda: desk.cancel(command.cl_ord_id, reason, house=True)


def decide_params(engine: Engine, command: ChangeParameters) -> Deed:
    """What obeying does; the strategy may still refuse. Raises Refused."""
    desk = engine.desk
    i = strategy_of(desk.risk, command.strategy)
    if i < 0:
        raise Refused(f"{OPERATOR_NAME} stands for orders by hand and has no parameters")
    text = msgspec.json.encode(command.params, order="deterministic").decode()

    def deed() -> None:
        engine.change_parameters(i, command.params)
        desk.emit(ParametersChanged(desk.now_ns, desk.cause, i, text))

    return deed


def decide_adjust(desk: Desk, command: AdjustCash) -> Deed:
    """What obeying does. Raises Refused."""
    digits = desk.state.digits.get(command.currency)
    if command.currency not in desk.state.cash or digits is None:
        raise Refused(f"the account holds no {command.currency}; it holds {', '.join(sorted(desk.state.cash))}")
    if not 0 <= command.digits <= _MOST_DIGITS:
        raise Refused(f"an amount has 0 to {_MOST_DIGITS} digits, not {command.digits}")
    if not (-FAR <= command.amt <= FAR and -FAR <= rescale(command.amt, command.digits, digits) <= FAR):
        raise Refused("the amount does not fit into 62 bits")

    def deed() -> None:
        desk.emit(ReconciliationAdjusted(desk.now_ns, desk.cause, command.currency, command.amt, command.digits, command.reason))

    return deed


def _cancel_all(desk: Desk, reason: str) -> None:
    for order in list(desk.state.orders.working()):
        desk.cancel(order.cl_ord_id, reason, house=True)
