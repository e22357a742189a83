"""A limit in force, and how a rule's numbers are written down."""

from __future__ import annotations

import pytest

from domain.limits import Check, Limit
from domain.risk.bound import ANYONE, MOST, Bound, answer, shown
from domain.terms import Scope


@pytest.mark.parametrize(
    ("n", "recorded"),
    [
        (0, 0), (-1, -1), (7, 7), (2**62 - 1, 2**62 - 1), (2**62, 2**62), (-(2**62), -(2**62)), (2**63 - 1, 2**63 - 1), (2**63, 2**63 - 1),
        (10**30, 2**63 - 1), (-(2**63) + 1, -(2**63) + 1), (-(2**63), -(2**63) + 1), (-(10**30), -(2**63) + 1),
    ],
)  # fmt: skip
def test_what_the_log_cannot_hold_is_recorded_as_the_largest_it_can(n: int, recorded: int) -> None:
    """Given any whole number, then it is recorded as itself, or as the largest of 64 bits with its sign."""
    assert shown(n) == recorded
    assert MOST == 2**63 - 1


def test_a_fresh_bound_is_off_until_it_takes_a_limit_and_answers_in_its_name() -> None:
    """Given a bound, then it is off at first; after taking a limit its answers name rule, limit and version."""
    bound = Bound("R-07", 3, Scope.INSTRUMENT, "X", (0,), ANYONE)
    assert (bound.id, bound.values, bound.most, bound.memory, bound.strategy) == (0, (), -1, None, -2)
    bound.take(Limit(5, "R-07", Scope.INSTRUMENT, ("X",), (60, 50)))
    assert (bound.id, bound.values, bound.most) == (5, (60, 50), 60)
    assert answer(bound, False, 2**70, 10**20, 9) == Check("R-07", False, 2**63 - 1, 2**63 - 1, 9, 5, 3)
    assert answer(bound, True, 1, 2) == Check("R-07", True, 1, 2, 0, 5, 3)
