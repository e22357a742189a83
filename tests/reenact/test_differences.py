"""Two versions of an event, told apart."""

from __future__ import annotations

import msgspec

from domain.errors import ReplayDiverged
from domain.events import OrderApproved
from domain.limits import Check, Limit
from domain.terms import Scope
from reenact.differences import Difference, differences, told
from tests.projections.builder import Session

APPROVED = OrderApproved(5, 3, "a-1", (Check("R-04", True, 5, 10), Check("R-03", True, 50, 100)))


def test_equal_events_have_no_difference() -> None:
    assert differences(APPROVED, msgspec.structs.replace(APPROVED)) == []


def test_checks_are_held_against_each_other_by_rule() -> None:
    today = msgspec.structs.replace(APPROVED, ns=6, checks=(APPROVED.checks[0], Check("R-03", False, 50, 40)))
    assert differences(APPROVED, today) == [
        Difference("ns", "5", "6"), Difference("checks[R-03].passed", "True", "False"), Difference("checks[R-03].limit", "100", "40"),
    ]  # fmt: skip


def test_a_rule_that_only_one_side_knows_is_told() -> None:
    today = msgspec.structs.replace(APPROVED, checks=APPROVED.checks[:1])
    (found,) = differences(APPROVED, today)
    assert (found.field, found.today) == ("checks[R-03]", "")


def test_limits_are_named_by_their_rule() -> None:
    limit = Limit(1, "R-01", Scope.INSTRUMENT, ("SPY",), (5,))
    opened = msgspec.structs.replace(Session().opened, limits=(limit,))
    today = msgspec.structs.replace(opened, limits=(msgspec.structs.replace(limit, values=(7,)),))
    assert differences(opened, today) == [Difference("limits[R-01].values[0]", "5", "7")]


def test_an_event_too_many_or_too_few_is_one_difference() -> None:
    assert [d.field for d in differences(APPROVED, None)] == ["event"]
    assert [d.recorded for d in differences(None, APPROVED)] == [""]


def test_a_divergence_is_one_sentence() -> None:
    today = msgspec.structs.replace(APPROVED, ns=6, cause=4, cl_ord_id="b", checks=())
    said = told(ReplayDiverged("s-1", 9, APPROVED, today))
    assert said.startswith("session s-1, seq 9: today's code does not reach the recorded OrderApproved: ns is 5 in the log and 6 today; ")
    assert said.endswith(", and 2 fields more differ.")
