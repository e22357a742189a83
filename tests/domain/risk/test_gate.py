"""The loop over the checks of an order."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from domain.limits import Check, Limit
from domain.risk.bound import ANYONE, Bound, answer
from domain.risk.gate import Gate
from domain.risk.memory import Memory
from domain.risk.proposal import Proposal
from domain.terms import Scope, TradingState


class Diary(Memory):
    def __init__(self) -> None:
        self.heard: list[tuple[object, object, int]] = []

    def evolve(self, event: object, order: object, seq: int) -> None:
        self.heard.append((event, order, seq))


def passes(p: Proposal, limit: Bound) -> Check:
    return answer(limit, True, 1, 2)


def fails(p: Proposal, limit: Bound) -> Check:
    return answer(limit, False, 3, 2)


def raises(p: Proposal, limit: Bound) -> Check:
    raise ZeroDivisionError(f"at {object()}")


def bound(rule: str) -> Bound:
    made = Bound(rule, 2, Scope.ACCOUNT, "", (), ANYONE)
    made.take(Limit(4, rule, Scope.ACCOUNT, (), (2,)))
    return made


def test_every_rule_answers_in_its_order_whatever_the_others_say() -> None:
    """Given a rule that fails between two that pass, then all three answers are there in the order of the rules, and the failed one apart."""
    gate = Gate(((passes, bound("a")), (fails, bound("b")), (passes, bound("c"))), TradingState.ACTIVE, {}, ())
    for _ in range(2):
        found = gate.check(Proposal())
        assert [(c.rule, c.passed) for c in found.checks] == [("a", True), ("b", False), ("c", True)]
        assert found.failed == (found.checks[1],)
        assert found.raised == ()
    assert gate.check(Proposal()).checks[0] is found.checks[0]


def test_a_rule_that_raises_has_failed_and_is_named_without_what_differs_between_machines() -> None:
    """Given a rule that raises, then it counts as failed, the rest still answers, and the next order starts with a clean list."""
    broken = bound("b")
    gate = Gate(((raises, broken), (passes, bound("c"))), TradingState.ACTIVE, {}, ())
    for _ in range(2):
        found = gate.check(Proposal())
        assert found.checks[0] == Check("b", False, 0, 0, 0, 4, 2)
        assert found.checks[1].passed
        assert found.failed == found.checks[:1]
        assert found.raised == ((broken, "ZeroDivisionError"),)


def test_cancels_meet_their_own_checks() -> None:
    """Given a check of orders and one of cancels, then each is asked about its own, and a cancel check that raises has failed."""
    broken = bound("c")
    gate = Gate(((passes, bound("a")),), TradingState.ACTIVE, {}, (), ((fails, bound("b")), (raises, broken)))
    assert [c.rule for c in gate.check(Proposal()).checks] == ["a"]
    found = gate.check_cancel(Proposal())
    assert [(c.rule, c.passed) for c in found.checks] == [("b", False), ("c", False)]
    assert found.failed == found.checks
    assert found.raised == ((broken, "ZeroDivisionError"),)


@given(st.lists(st.sampled_from(["answer", "answer twice", "own record", "raise"]), max_size=12), st.data())
def test_what_failed_is_exactly_what_did_not_pass_however_a_rule_says_it(how: list[str], data: st.DataObject) -> None:
    """Given rules that answer by `answer`, change their mind, make a record of their own or raise, then a answers tells the failed ones apart."""

    def rule(way: str) -> Callable[[Proposal, Bound], Check]:
        def ask(p: Proposal, limit: Bound) -> Check:
            first = data.draw(st.booleans())
            if way == "raise":
                raise ZeroDivisionError
            if way == "own record":
                return Check(limit.rule, first, 1, 2)
            found = answer(limit, first, 1, 2)
            if way == "answer twice":
                answer(limit, not first, 1, 2)
            return found

        return ask

    gate = Gate(tuple((rule(way), bound(str(n))) for n, way in enumerate(how)), TradingState.ACTIVE, {}, ())
    for _ in range(3):
        found = gate.check(Proposal())
        assert [c.rule for c in found.checks] == [str(n) for n in range(len(how))]
        assert found.failed == tuple(c for c in found.checks if not c.passed)
        assert [b.rule for b, _ in found.raised] == [str(n) for n, way in enumerate(how) if way == "raise"]


def test_the_state_of_a_gate_is_the_stricter_of_the_strategys_and_all_others() -> None:
    """Given a state of the shared scopes and one of the strategy, then the gate has both and the stricter one."""
    for shared, own in ((TradingState.ACTIVE, TradingState.HALTED), (TradingState.HALTED, TradingState.REDUCE_ONLY)):
        gate = Gate((), shared, {}, (), (), own)
        assert (gate.state, gate.shared_state, gate.own_state) == (TradingState.HALTED, shared, own)


def test_memories_hear_of_the_events_they_asked_for() -> None:
    """Given routes for one type, then its events arrive with order and seq, and others do not."""
    diary = Diary()
    gate = Gate((), TradingState.ACTIVE, {int: (diary,)}, ())
    gate.hear(5, "order", 7)
    gate.hear("text", "order", 8)
    assert diary.heard == [(5, "order", 7)]
