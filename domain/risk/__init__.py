"""The risk pipeline: every order meets every rule, and the answers are recorded whether they pass or not.

Invariants: all rules run on every order; an order is approved only if all pass; the reason of a denial is the first failing rule
in the order below. A new rule is one file with a `Rule` and one line here.
"""

from __future__ import annotations

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
from domain.risk.check import Check, Rule
from domain.risk.limits import OFF, Limits
from domain.risk.proposal import Proposal

RULES: tuple[Rule, ...] = (
    trading_state.KILLED,
    trading_state.STATE,
    instrument_validity.TRADABLE,
    instrument_validity.TICK,
    instrument_validity.LOT,
    instrument_validity.MIN_NOTIONAL,
    stale_data.RULE,
    price_collar.RULE,
    max_order_qty.RULE,
    max_order_value.RULE,
    position_limit.RULE,
    reduce_only.RULE,
)
BY_ID: dict[str, Rule] = {rule.id: rule for rule in RULES}
CHECKS = tuple(rule.check for rule in RULES)


def check_all(p: Proposal, limits: Limits) -> tuple[Check, ...]:
    """Every rule's answer, in the order of `RULES`."""
    return tuple([check(p, limits) for check in CHECKS])


def reason_code(checks: tuple[Check, ...]) -> str:
    """The code of the first failing rule, or "" when all passed."""
    for check in checks:
        if not check.passed:
            return BY_ID[check.rule].code
    return ""


__all__ = ["BY_ID", "CHECKS", "OFF", "RULES", "Check", "Limits", "Proposal", "Rule", "check_all", "reason_code"]
