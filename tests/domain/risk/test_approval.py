"""The door to a venue: what it lets through, and that there is no other."""

from __future__ import annotations

import pytest

from domain.errors import InvariantBroken
from domain.events import OrderReplaceRequested, OrderSubmitted
from domain.limits import Check
from domain.risk.approval import Answers, Approved, approve
from domain.terms import OrderType, Side, TimeInForce

ORDER = OrderSubmitted(
    1, 1, "a", 0, 0, Side.BUY, 1, OrderType.MARKET, 0, 0, 0, TimeInForce.GTC, 0, post_only=False, reduce_only=False
)  # fmt: skip
REPLACE = OrderReplaceRequested(1, 1, "b", "a", 2, 0, 0, 0)
PASSED = Check("R-04", True, 1, 1)
FAILED = Check("R-03", False, 2, 1)


def answers(*checks: Check) -> Answers:
    return Answers(checks, tuple(c for c in checks if not c.passed))


@pytest.mark.parametrize("message", [ORDER, REPLACE])
def test_a_request_whose_checks_all_passed_is_approved(message: OrderSubmitted | OrderReplaceRequested) -> None:
    """Given passed checks, then the venue gets the very request that was checked."""
    assert approve(message, answers(PASSED, PASSED)).message is message


@pytest.mark.parametrize("checks", [(FAILED,), (PASSED, FAILED), (FAILED, PASSED)])
def test_a_request_that_failed_one_check_cannot_be_approved(checks: tuple[Check, ...]) -> None:
    """Given one failed check anywhere, then nothing is made that a venue takes, and the error names the rule."""
    with pytest.raises(InvariantBroken, match="R-03 failed"):
        approve(ORDER, answers(*checks))


def test_a_request_without_checks_cannot_be_approved() -> None:
    """Given no checks at all, then nothing is made that a venue takes."""
    with pytest.raises(InvariantBroken, match="unchecked"):
        approve(ORDER, answers())


def test_an_override_waives_its_own_rule_and_no_other() -> None:
    """Given an override of R-03, then a failed R-03 passes and a failed R-01 does not."""
    assert approve(ORDER, answers(PASSED, FAILED), ("R-03",)).message is ORDER
    with pytest.raises(InvariantBroken, match="R-01 failed"):
        approve(ORDER, answers(FAILED, Check("R-01", False, 2, 1)), ("R-03",))


@pytest.mark.parametrize("seal", [None, object(), True, "seal"])
def test_nobody_else_makes_an_approved_order(seal: object) -> None:
    """Given any other seal than the room's own, then there is no `Approved`."""
    with pytest.raises(InvariantBroken, match="only the risk room"):
        Approved(ORDER, seal)
