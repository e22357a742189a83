"""What bound a session and when, held against the engine's own book."""

from __future__ import annotations

from typing import Any

import pytest

from domain.events import (
    ApprovalClosed,
    ApprovalRequested,
    GroupClosed,
    GroupLegFailed,
    GroupLegged,
    GroupOpened,
    GroupReopened,
    KillCompleted,
    KillSwitchEngaged,
    Leg,
    LimitsChanged,
    OverrideClosed,
    OverrideGranted,
    TradingHalted,
    TradingResumed,
)
from domain.limits import Limit
from domain.risk import RULES, Book
from domain.state import State
from domain.terms import FailurePolicy, GroupKind, Scope, Side, TradingState
from projections.controls import KILL_RULE, Controls
from tests.projections.builder import QQQ, SPY, Session

BOTH = Limit(1, "R-04", Scope.INSTRUMENT, ("SPY", "QQQ"), (10,))
ACCOUNT = Limit(2, "R-03", Scope.ACCOUNT, (), (500,))


def folded(*events: Any) -> tuple[Controls, Session]:
    session = Session((SPY, QQQ), limits=(BOTH, ACCOUNT))
    controls = Controls()
    controls.evolve(1, session.opened)
    for seq, event in enumerate(events, start=2):
        controls.evolve(seq, event)
    return controls, session


def limit(id_: int, members: tuple[str, ...], n: int, version: int) -> LimitsChanged:
    return LimitsChanged(5, 1, Limit(id_, "R-04", Scope.INSTRUMENT, members, (n,), version, "ann", "bob"))


def test_a_new_limit_takes_the_place_of_the_old_for_its_own_members_only() -> None:
    """Given a limit of two members, when one of them gets a new one, then the old binds the other from then on."""
    controls, _ = folded(limit(3, ("SPY",), 7, 2), limit(4, ("SPY", "QQQ"), 6, 3))
    assert [(b.limit.id, b.member, b.seq, b.until_seq) for b in controls.bindings] == [
        (1, "SPY", 1, 2), (1, "QQQ", 1, 3), (2, "", 1, 0), (3, "SPY", 2, 3), (4, "SPY", 3, 0), (4, "QQQ", 3, 0),
    ]  # fmt: skip
    assert [(b.limit.id, b.member) for b in controls.in_force()] == [(2, ""), (4, "SPY"), (4, "QQQ")]


def test_what_is_in_force_is_what_the_engines_book_says() -> None:
    """Given limits, halts, a kill and resumes, after each event, then the view and the book of the engine agree."""
    events: list[Any] = [
        limit(3, ("QQQ",), 7, 2),
        TradingHalted(5, 1, Scope.INSTRUMENT, "SPY", TradingState.REDUCE_ONLY, "L-01", "x", 0, 3, 2),
        TradingHalted(5, 1, Scope.INSTRUMENT, "SPY", TradingState.HALTED, "", "x"),
        TradingHalted(5, 1, Scope.INSTRUMENT, "SPY", TradingState.HALTED, "L-01", "worse"),
        KillSwitchEngaged(5, 1, Scope.ACCOUNT, "", "ann", "x", 2, ("T-1",)),
        TradingResumed(5, 1, Scope.INSTRUMENT, "SPY", "", "y", "ann", "bob"),
        TradingResumed(5, 1, Scope.INSTRUMENT, "SPY", "", "y"),
        KillCompleted(9, 1, Scope.ACCOUNT, "", 1, 1, 4),
        TradingResumed(9, 1, Scope.ACCOUNT, "", KILL_RULE, "y", "ann", "bob"),
        limit(4, ("SPY",), 9, 2),
    ]
    for n in range(len(events) + 1):
        controls, session = folded(*events[:n])
        book = Book(session.opened, State(session.opened), RULES)
        for seq, event in enumerate(events[:n], start=2):
            book.evolve(event, None, seq)
        assert {(h.scope, h.member, h.rule): h.state for h in controls.halted()} == {
            (*place, rule): state for place, rules in book.halts.items() for rule, state in rules.items()
        }
        for b in controls.in_force():
            assert book.limit(b.limit.rule, b.limit.scope, b.member) == b.limit


def test_a_kill_says_who_what_worked_and_how_long_it_took() -> None:
    controls, _ = folded(
        KillSwitchEngaged(5, 1, Scope.ACCOUNT, "", "ann", "drill", 2, ("T-1",)), KillCompleted(9, 1, Scope.ACCOUNT, "", 1, 1, 4),
        TradingResumed(10, 1, Scope.ACCOUNT, "", KILL_RULE, "over", "ann", "bob"),
    )  # fmt: skip
    (kill,) = controls.halts
    assert (kill.actor, kill.working, kill.unknown, kill.canceled, kill.filled, kill.took_ns) == ("ann", 2, ("T-1",), 1, 1, 4)
    assert (kill.ended_seq, kill.ended_ns, kill.requester, kill.approver) == (4, 10, "ann", "bob")


def test_requests_and_overrides_are_open_until_they_are_closed() -> None:
    controls, _ = folded(
        ApprovalRequested(5, 1, 1, "ann", "resume", "{}", 99), ApprovalRequested(5, 1, 2, "ann", "limits", "{}", 99),
        ApprovalClosed(6, 1, 1, "declined", "bob", "no"), ApprovalClosed(6, 1, 7, "granted", "bob", ""),
        OverrideGranted(6, 1, 1, "R-04", 1, 12, 0, 0, 99, "ann", "bob", "x"), OverrideClosed(7, 1, 1, "T-1"), OverrideClosed(7, 1, 9, ""),
    )  # fmt: skip
    assert [(a.asked.number, a.outcome, a.actor, a.closed_seq) for a in controls.approvals] == [(1, "declined", "bob", 4), (2, "", "", 0)]
    assert [(o.strategy, o.cl_ord_id, o.closed_seq) for o in controls.overrides] == [("alpha", "T-1", 7)]


@pytest.mark.parametrize(("reopened", "closed"), [(False, (5, 3, "flat")), (True, (0, 0, "a late fill"))])
def test_a_group_lists_its_orders_and_what_failed(reopened: bool, closed: tuple[int, int, str]) -> None:
    events: list[Any] = [
        GroupOpened(5, 1, 1, GroupKind.OCO, -1, 0, FailurePolicy.ALERT, (Leg(Side.BUY, 1),), ""), GroupLegged(5, 1, 1, "1", "T-1"),
        GroupLegFailed(5, 1, 1, "2", "T-2", FailurePolicy.ALERT, "denied"), GroupClosed(5, 1, 1, 3, "flat"), GroupReopened(5, 1, 1, "a late fill"),
    ]  # fmt: skip
    controls, _ = folded(*(events if reopened else events[:-1]))
    (group,) = controls.groups
    assert (group.strategy, group.legs, group.failed) == ("", [("1", "T-1")], [("2", "T-2", "denied")])
    assert (group.closed_seq, group.open_qty, group.reason) == closed
