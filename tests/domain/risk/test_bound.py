"""A limit in force, and how a rule's numbers are written down."""

from __future__ import annotations

import pytest

from domain.limits import Check, Limit
from domain.risk.bound import ANYONE, MOST, Bound, Newest, answer, shown
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
    assert answer(bound, True, 1, 0) == Check("R-07", True, 1, 0, 0, 0, 3)
    assert answer(Bound("R-07", 3, Scope.INSTRUMENT, "X", (0,), ANYONE), True, 1, 1) == Check("R-07", True, 1, 1, 0, 0, 3)
    assert (bound.id, bound.values, bound.most, bound.memory, bound.strategy) == (0, (), -1, None, -2)
    bound.take(Limit(5, "R-07", Scope.INSTRUMENT, ("X",), (60, 50)))
    assert (bound.id, bound.values, bound.most) == (5, (60, 50), 60)
    assert answer(bound, False, 2**70, 10**20, 9) == Check("R-07", False, 2**63 - 1, 2**63 - 1, 9, 5, 3)
    assert answer(bound, True, 1, 2) == Check("R-07", True, 1, 2, 0, 5, 3)


@pytest.mark.parametrize(("values", "whole"), [((60, 50), True), ((60, -1), False), ((-1, 50), False)])
def test_a_limit_is_whole_when_none_of_its_numbers_is_off(values: tuple[int, ...], whole: bool) -> None:
    """Given a limit with a number off, then it is not whole; neither is one that has not been taken."""
    bound = Bound("R-07", 1, Scope.ACCOUNT, "", (), ANYONE)
    assert not bound.whole
    bound.take(Limit(1, "R-07", Scope.ACCOUNT, (), values))
    assert bound.whole is whole


def test_the_seq_that_is_shown_is_the_one_that_was_seen() -> None:
    """Given bounds that share what was seen last, then each answer has its own seq, of the first event as well."""
    newest = Newest()
    one, two = (Bound(rule, 1, Scope.ACCOUNT, "", (), ANYONE, 0, newest) for rule in ("R-07", "R-09"))
    for seen in (1, 0, 1, 10**6, 10**6, 0):
        for bound in (one, two):
            assert answer(bound, True, 1, 2, seen).seen == seen
    assert answer(two, True, 1, 2, 10**6).seen is answer(one, True, 1, 2, 10**6).seen
    assert Newest().of(0) == 0


def test_an_equal_answer_is_the_same_record_and_any_other_a_new_one() -> None:
    """Given an answer, when it is given again, then it is the same object; when any of its numbers or the limit's version differs, it is not."""
    bound = Bound("R-07", 3, Scope.ACCOUNT, "", (), ANYONE)
    bound.take(Limit(1, "R-07", Scope.ACCOUNT, (), (60,)))
    first = (True, 5, 60, 9)
    for other in ((False, 5, 60, 9), (True, 6, 60, 9), (True, 5, 61, 9), (True, 5, 60, 8)):
        said = answer(bound, *first)
        assert answer(bound, *first) is said
        assert bound.last is said
        assert bound.passed
        changed = answer(bound, *other)
        assert (changed.passed, changed.observed, changed.limit, changed.seen, changed.limit_id) == (*other, 1)
        assert changed is not said
    said = answer(bound, *first)
    bound.take(Limit(2, "R-07", Scope.ACCOUNT, (), (60,), version=2))
    assert bound.last is None
    assert answer(bound, *first).limit_id == 2
