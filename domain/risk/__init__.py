"""The risk room: every order meets every rule that binds it, and the answers are recorded whether they pass or not.

Invariants: all rules answer on every order; an order is approved only if all pass, or two persons let it pass once; the reason of a denial is
the first failing rule in the order of `RULES`; only this room makes what a venue takes. A new rule is one file and one line in `RULES`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from domain.limits import OFF, Check, Limit
from domain.risk import (
    attribution,
    borrow_qty,
    collar_drift,
    concentration,
    credit_limit,
    daily_loss,
    data_unreasonable,
    disconnected,
    drawdown,
    duplicate_id,
    duplicate_order,
    envelope,
    gross_exposure,
    instrument_validity,
    loss_breaker,
    margin,
    max_order_qty,
    max_order_value,
    max_positions,
    message_rate,
    net_exposure,
    open_orders,
    order_to_trade,
    ownership,
    permissions,
    position_limit,
    price_collar,
    reduce_only,
    repeated_execution,
    restricted,
    self_trade,
    short_locate,
    stale_data,
    surveillance,
    trading_hours,
    trading_state,
    volume_share,
)
from domain.risk.approval import Approved, approve
from domain.risk.book import Book
from domain.risk.bound import Bound, answer
from domain.risk.gate import Gate
from domain.risk.proposal import Proposal
from domain.risk.rule import WIDTH, Param, Rule
from domain.terms import Scope

RULES: tuple[Rule, ...] = (
    trading_state.KILLED,
    daily_loss.RULE,
    drawdown.RULE,
    loss_breaker.RULE,
    trading_state.STATE,
    disconnected.RULE,
    duplicate_id.RULE,
    attribution.RULE,
    permissions.LISTED,
    permissions.ORDER_TYPES,
    restricted.RULE,
    instrument_validity.TRADABLE,
    instrument_validity.EXPIRES,
    trading_hours.RULE,
    instrument_validity.TICK,
    instrument_validity.LOT,
    instrument_validity.MIN_NOTIONAL,
    stale_data.FEED_UP,
    stale_data.RULE,
    data_unreasonable.JUMP,
    data_unreasonable.CROSSED,
    data_unreasonable.GAPPED,
    price_collar.RULE,
    price_collar.TICKS,
    price_collar.PX,
    collar_drift.RULE,
    max_order_qty.RULE,
    volume_share.RULE,
    max_order_value.RULE,
    duplicate_order.RULE,
    self_trade.RULE,
    permissions.DENY_SHORT,
    ownership.RULE,
    short_locate.RULE,
    borrow_qty.RULE,
    message_rate.RULE,
    message_rate.CANCELS,
    repeated_execution.RULE,
    position_limit.RULE,
    envelope.INSTRUMENTS,
    envelope.VENUES,
    envelope.ORDERS,
    envelope.VALUE,
    open_orders.RULE,
    open_orders.VALUE,
    gross_exposure.RULE,
    gross_exposure.PER_EQUITY,
    net_exposure.RULE,
    concentration.RULE,
    credit_limit.RULE,
    margin.RULE,
    order_to_trade.RULE,
    max_positions.RULE,
    reduce_only.RULE,
    surveillance.SPOOF,
    surveillance.WASH,
    surveillance.LAYER,
)
"""Every built-in rule, in the order in which they give the reason of a denial."""

KNOWN: dict[str, Rule] = {rule.id: rule for rule in RULES}


def limits_of(
    scope: Scope, members: Sequence[str], numbers: Mapping[str, tuple[int, ...]], *, first_id: int = 1, rules: Sequence[Rule] = RULES
) -> list[Limit]:
    """Limits from numbers by parameter name (as many integers as its unit takes), grouped by rule; parameters left out are `OFF`.

    Raises KeyError for a parameter that no rule has.
    """
    unknown = sorted(numbers.keys() - {p.name for rule in rules for p in rule.params})
    if unknown:
        raise KeyError(f"no rule has the parameter {', '.join(unknown)}")
    found: list[Limit] = []
    for rule in rules:
        if any(p.name in numbers for p in rule.params):
            values = tuple(n for p in rule.params for n in numbers.get(p.name, (OFF,) * WIDTH[p.unit]))
            found.append(Limit(first_id + len(found), rule.id, scope, tuple(members), values))
    return found


__all__ = [
    "KNOWN",
    "OFF",
    "RULES",
    "WIDTH",
    "Approved",
    "Book",
    "Bound",
    "Check",
    "Gate",
    "Limit",
    "Param",
    "Proposal",
    "Rule",
    "answer",
    "approve",
    "limits_of",
]
