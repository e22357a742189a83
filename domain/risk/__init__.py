"""The risk pipeline: every order meets every rule, and the answers are recorded whether they pass or not.

Invariants: all rules run on every order; an order is approved only if all pass; the reason of a denial is the first failing rule
in the order of `check_all`. A new rule is one file with its `Rule` and one line in `check_all`.
"""

from __future__ import annotations

from domain.instrument import instrument
from domain.risk import (
    instrument_validity,
    max_order_qty,
    max_order_value,
    position_limit,
    price_collar,
    reduce_only,
    stale_data,
    trading_state,
)
from domain.risk.check import KNOWN, Check, Rule
from domain.risk.limits import OFF, Limits
from domain.risk.proposal import Proposal
from domain.terms import Side, TradingState


def check_all(p: Proposal, limits: Limits) -> tuple[Check, ...]:
    """Every rule's answer. This is the list of rules; written out, because direct calls are a third faster than a loop over them."""
    return (
        trading_state.check_not_killed(p, limits),
        trading_state.check_trading_state(p, limits),
        instrument_validity.check_tradable(p, limits),
        instrument_validity.check_tick(p, limits),
        instrument_validity.check_lot(p, limits),
        instrument_validity.check_min_notional(p, limits),
        stale_data.check_stale_data(p, limits),
        price_collar.check_price_collar(p, limits),
        max_order_qty.check_max_order_qty(p, limits),
        max_order_value.check_max_order_value(p, limits),
        position_limit.check_position_limit(p, limits),
        reduce_only.check_reduce_only(p, limits),
    )


def _rules() -> tuple[Rule, ...]:
    """The rules in the order in which they answer, found by asking them about an order for nothing."""
    p = Proposal()
    p.spec = instrument("NOTHING")
    p.side = Side.BUY
    p.qty = p.limit_px = p.stop_px = p.now_ns = p.position_qty = p.buy_leaves = p.sell_leaves = p.ref_px = p.ref_ns = p.ref_seq = 0
    p.reduce_only = p.feed_lost = False
    p.state = TradingState.ACTIVE
    return tuple(KNOWN[check.rule] for check in check_all(p, Limits()))


RULES: tuple[Rule, ...] = _rules()


def reason_code(checks: tuple[Check, ...]) -> str:
    """The code of the first failing rule, or "" when all passed."""
    for check in checks:
        if not check.passed:
            return KNOWN[check.rule].code
    return ""


__all__ = ["KNOWN", "OFF", "RULES", "Check", "Limits", "Proposal", "Rule", "check_all", "reason_code"]
