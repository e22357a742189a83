"""Who is bound by which limit, in which state, and who hears of what."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from domain.errors import InvariantBroken
from domain.events import (
    DayRolled,
    KillSwitchEngaged,
    LimitsChanged,
    OrderAccepted,
    TradingHalted,
    TradingResumed,
    VenueConnected,
    VenueLost,
)
from domain.instrument import instrument
from domain.limits import OFF, Check, Limit
from domain.risk import Book, Bound, Param, Proposal, Rule, answer
from domain.risk.bound import ANYONE
from domain.state import State
from domain.terms import Scope, TradingState
from tests.domain.harness import T0, opening

SPECS = (
    instrument("A", venue="N", asset_class="equity"),
    instrument("B", venue="N", asset_class="equity"),
    instrument("C", venue="M", asset_class="crypto"),
)
ALL = (Scope.ACCOUNT, Scope.VENUE, Scope.CLASS, Scope.INSTRUMENT, Scope.STRATEGY)


def says(p: Proposal, limit: Bound) -> Check:
    return answer(limit, True, 0, limit.most)


class Diary:
    """A memory that writes down what it hears."""

    takes = (OrderAccepted, DayRolled)

    def __init__(self, bound: Bound, state: State) -> None:
        self.bound = bound
        self.heard: list[tuple[str, object, int]] = []
        self.traded: list[tuple[int, int, int, int, int]] = []
        self.retaken: list[int] = []

    def evolve(self, event: Any, order: Any, seq: int) -> None:
        self.heard.append((type(event).__name__, order, seq))

    def trade(self, event: Any, instrument: int, strategy: int, qty: int, px: int, seq: int) -> None:
        self.traded.append((instrument, strategy, qty, px, seq))

    def retake(self) -> None:
        self.retaken.append(self.bound.most)


PLAIN = Rule("X-01", "PLAIN", "count", says, (Param("plain", "count", "a number"),), ALL)
KEEPS = Rule("X-02", "KEEPS", "count", says, (Param("keeps", "count", "a number"), Param("too", "count", "another")), ALL, memory=Diary)
ALWAYS = Rule("X-03", "ALWAYS", "flag", says, memory=Diary)
RULES = (PLAIN, KEEPS, ALWAYS)


class Named:
    """What the book needs to know of an order."""

    def __init__(self, strategy: int, instrument: int) -> None:
        self.strategy = strategy
        self.instrument = instrument


def book(*limits: tuple[str, Scope, tuple[str, ...], tuple[int, ...]]) -> Book:
    made = tuple(Limit(i, rule, scope, members, values) for i, (rule, scope, members, values) in enumerate(limits, start=1))
    opened = msgspec.structs.replace(opening(2, SPECS), limits=made)
    return Book(opened, State(opened), RULES)


def bound_by(b: Book, strategy: int, instrument: int) -> list[tuple[str, Scope, str]]:
    return [(bound.rule, bound.scope, bound.member) for _, bound in b.gate(strategy, instrument).checks]


def halt(scope: Scope, member: str, state: TradingState, rule: str = "") -> TradingHalted:
    return TradingHalted(T0, 1, scope, member, state, rule, "why")


def test_an_order_is_bound_by_every_limit_of_its_scopes_and_by_no_other() -> None:
    """Given limits of all scopes, then an order meets those of its account, venue, class, instrument and strategy, in the order of the rules."""
    b = book(
        ("X-02", Scope.ACCOUNT, (), (1, 1)), ("X-01", Scope.INSTRUMENT, ("A", "B"), (2,)), ("X-01", Scope.VENUE, ("M",), (3,)),
        ("X-01", Scope.CLASS, ("equity",), (4,)), ("X-01", Scope.STRATEGY, ("s1",), (5,)), ("X-01", Scope.STRATEGY, ("operator",), (6,)),
    )  # fmt: skip
    always = ("X-03", Scope.ACCOUNT, "")
    assert bound_by(b, 1, 0) == [
        ("X-01", Scope.CLASS, "equity"), ("X-01", Scope.INSTRUMENT, ""), ("X-01", Scope.STRATEGY, "s1"), ("X-02", Scope.ACCOUNT, ""), always,
    ]  # fmt: skip
    assert bound_by(b, 0, 2) == [("X-01", Scope.VENUE, "M"), ("X-02", Scope.ACCOUNT, ""), always]
    assert bound_by(b, -1, 2) == [("X-01", Scope.VENUE, "M"), ("X-01", Scope.STRATEGY, "operator"), ("X-02", Scope.ACCOUNT, ""), always]


def test_a_bound_knows_the_instruments_and_the_strategy_of_its_scope() -> None:
    """Given bounds of every scope, then each names what is within it."""
    b = book(
        ("X-02", Scope.ACCOUNT, (), (1, 1)), ("X-02", Scope.VENUE, ("N",), (1, 1)), ("X-02", Scope.CLASS, ("crypto",), (1, 1)),
        ("X-02", Scope.INSTRUMENT, ("B",), (1, 1)), ("X-02", Scope.STRATEGY, ("s1", "operator"), (1, 1)),
    )  # fmt: skip
    assert [(x.instruments, x.strategy) for x in b.bounds("X-02")] == [
        ((0, 1, 2), ANYONE), ((0, 1), ANYONE), ((2,), ANYONE), ((1,), ANYONE), ((0, 1, 2), 1), ((0, 1, 2), -1),
    ]  # fmt: skip
    assert b.bounds("X-01") == []
    assert b.bound("X-02", Scope.VENUE, "M") is None


def test_instruments_that_are_bound_alike_by_rules_without_memory_share_what_binds_them() -> None:
    """Given one limit of two instruments and another of a third, then the two share bound and check, until one gets a limit of its own."""
    b = book(("X-01", Scope.INSTRUMENT, ("A", "B"), (1,)), ("X-01", Scope.INSTRUMENT, ("C",), (2,)), ("X-01", Scope.VENUE, ("M",), (3,)))
    one, two, three = (b.bound("X-01", Scope.INSTRUMENT, symbol) for symbol in "ABC")
    assert one is two
    assert one is not None
    assert three is not None
    assert (one.id, one.most, one.member, one.instruments, one.strategy, one.version) == (1, 1, "", (), ANYONE, 1)
    assert (three.id, three.most) == (2, 2)
    assert b.gate(0, 0).checks[0] is b.gate(0, 1).checks[0]
    assert b.gate(0, 2).checks[0] is not b.gate(0, 1).checks[0]
    assert b.bound("X-01", Scope.CLASS, "equity") is None
    b.evolve(LimitsChanged(T0, 1, Limit(4, "X-01", Scope.INSTRUMENT, ("B",), (9,), version=2)), None, 7)
    assert [x.most for x in (b.bound("X-01", Scope.INSTRUMENT, symbol) for symbol in "ABC") if x is not None] == [1, 9, 2]
    assert b.limit("X-01", Scope.VENUE, "N") is None


def test_the_members_of_each_scope_are_those_of_the_session() -> None:
    """Given two strategies and three instruments, then each scope lists its members once."""
    b = book()
    assert [b.members(scope) for scope in ALL] == [("",), ("N", "M"), ("equity", "crypto"), ("A", "B", "C"), ("s0", "s1", "operator")]
    assert b.covers(Scope.CLASS, "crypto", 0, 2)
    assert not b.covers(Scope.CLASS, "crypto", 0, 1)


def test_a_newer_version_binds_its_members_alone_and_keeps_what_was_remembered() -> None:
    """Given a limit of two instruments, when one gets its own, then the other keeps the old, and the memory is the same and hears of it."""
    b = book(("X-02", Scope.INSTRUMENT, ("A", "B"), (9, OFF)))
    before = b.bound("X-02", Scope.INSTRUMENT, "A")
    assert before is not None
    gate, memory = b.gate(0, 0), before.memory
    assert b.gate(0, 0) is gate
    b.evolve(LimitsChanged(T0, 1, Limit(2, "X-02", Scope.INSTRUMENT, ("A",), (5, 6), version=2)), None, 7)
    assert b.gate(0, 0) is not gate
    after, other = b.bound("X-02", Scope.INSTRUMENT, "A"), b.bound("X-02", Scope.INSTRUMENT, "B")
    assert after is before
    assert other is not None
    assert (after.id, after.values, after.memory is memory, memory.retaken) == (2, (5, 6), True, [5])
    assert (other.id, other.values) == (1, (9, OFF))
    newest = b.limit("X-02", Scope.INSTRUMENT, "A")
    assert newest is not None
    assert newest.version == 2
    assert len(b.limits) == 2


@pytest.mark.parametrize(("values", "bound"), [((OFF, OFF), False), ((OFF, 3), True), ((3, OFF), True)])
def test_a_limit_that_is_switched_off_is_not_asked_but_remembers_on(values: tuple[int, int], bound: bool) -> None:
    """Given values, then the rule is asked when any of them is set, and its memory hears in any case."""
    b = book(("X-02", Scope.ACCOUNT, (), values))
    assert (("X-02", Scope.ACCOUNT, "") in bound_by(b, 0, 0)) is bound
    b.evolve(OrderAccepted(T0, 0, "a", T0, ""), Named(0, 0), 3)
    (found,) = b.bounds("X-02")
    assert len(found.memory.heard) == 1


def test_a_limit_out_of_its_turn_or_of_no_rule_breaks_an_invariant() -> None:
    """Given an id that does not follow, or a rule that nobody knows, then the session stops."""
    b = book(("X-01", Scope.ACCOUNT, (), (1,)))
    for wrong in (Limit(1, "X-01", Scope.ACCOUNT, (), (1,)), Limit(3, "X-01", Scope.ACCOUNT, (), (1,))):
        with pytest.raises(InvariantBroken, match="follows limit 1"):
            b.evolve(LimitsChanged(T0, 1, wrong), None, 2)
    with pytest.raises(InvariantBroken, match="no rule Z-9"):
        b.evolve(LimitsChanged(T0, 1, Limit(2, "Z-9", Scope.ACCOUNT, (), (1,))), None, 2)


def test_the_strictest_halt_of_any_scope_counts_until_who_asked_for_it_lifts_it() -> None:
    """Given halts of two scopes and two rules, then an order meets the strictest, and each is lifted by its own rule alone."""
    b = book()
    assert b.gate(0, 0).state is TradingState.ACTIVE
    b.evolve(halt(Scope.INSTRUMENT, "A", TradingState.REDUCE_ONLY), None, 1)
    b.evolve(halt(Scope.STRATEGY, "s0", TradingState.HALTED, "L-01"), None, 2)
    b.evolve(halt(Scope.STRATEGY, "s0", TradingState.REDUCE_ONLY, "L-02"), None, 3)
    assert [b.gate(s, i).state for s, i in ((0, 0), (1, 0), (0, 1), (1, 1), (-1, 0))] == [
        TradingState.HALTED, TradingState.REDUCE_ONLY, TradingState.HALTED, TradingState.ACTIVE, TradingState.REDUCE_ONLY,
    ]  # fmt: skip
    b.evolve(TradingResumed(T0, 1, Scope.STRATEGY, "s0", "L-01", "done"), None, 4)
    assert b.state_of(Scope.STRATEGY, "s0") is TradingState.REDUCE_ONLY
    b.evolve(TradingResumed(T0, 1, Scope.STRATEGY, "s0", "L-01", "again"), None, 5)
    b.evolve(TradingResumed(T0, 1, Scope.STRATEGY, "s0", "L-02", "done"), None, 6)
    assert b.gate(0, 1).state is TradingState.ACTIVE
    b.evolve(TradingResumed(T0, 1, Scope.VENUE, "N", "", "never halted"), None, 7)
    b.evolve(KillSwitchEngaged(T0, 1, Scope.CLASS, "equity", "ada", "drill", 0, ()), None, 8)
    assert [b.gate(0, i).state for i in range(3)] == [TradingState.KILLED, TradingState.KILLED, TradingState.ACTIVE]
    b.evolve(TradingResumed(T0, 1, Scope.CLASS, "equity", "K-01", "over"), None, 9)
    assert b.gate(0, 0).state is TradingState.REDUCE_ONLY


def test_order_events_reach_the_memories_of_the_orders_scopes_and_all_others_reach_everyone() -> None:
    """Given memories of two strategies, then an order event reaches its own strategy's and the account's, a day roll all of them."""
    b = book(("X-02", Scope.STRATEGY, ("s0", "s1"), (1, 1)))
    zero, one = (x.memory for x in b.bounds("X-02"))
    always = b.bounds("X-03")[0].memory
    order = Named(1, 0)
    b.evolve(OrderAccepted(T0, 0, "a", T0, ""), order, 5)
    b.evolve(DayRolled(T0, 0, 20260101), None, 6)
    b.evolve(VenueLost(T0, 0, "N", "cut"), None, 7)
    day = ("DayRolled", None, 6)
    assert (zero.heard, one.heard, always.heard) == ([day], [("OrderAccepted", order, 5), day], [("OrderAccepted", order, 5), day])
    b.trade("event", 0, 2, -3, 100, 8)
    assert (zero.traded, one.traded, always.traded) == ([(2, 0, -3, 100, 8)], [], [(2, 0, -3, 100, 8)])


def test_a_lost_venue_is_known_until_it_is_connected_again() -> None:
    """Given a venue lost and found, then the book says so."""
    b = book()
    b.evolve(VenueLost(T0, 0, "N", "cut"), None, 1)
    assert b.lost_venues == {"N"}
    b.evolve(VenueConnected(T0, 0, "M"), None, 2)
    assert b.lost_venues == {"N"}
    b.evolve(VenueConnected(T0, 0, "N"), None, 3)
    assert b.lost_venues == set()


def test_watching_rules_are_not_asked_and_rules_for_cancels_are_asked_about_these_alone() -> None:
    """Given a rule that watches, one for cancels and one for orders, all with limits, then each is found where it belongs and its memory hears."""
    watches = Rule("X-04", "WATCHES", "count", says, (Param("watches", "count", "a number"),), ALL, memory=Diary, alerts=True)
    cancels = Rule("X-05", "CANCELS", "count", says, (Param("cancels", "count", "a number"),), ALL, memory=Diary, on_cancel=True)
    limits = tuple(Limit(n, rule, Scope.ACCOUNT, (), (n,)) for n, rule in enumerate(("X-04", "X-05", "X-01"), start=1))
    opened = msgspec.structs.replace(opening(2, SPECS), limits=limits)
    b = Book(opened, State(opened), (watches, cancels, PLAIN))
    gate = b.gate(0, 0)
    assert [bound.rule for _, bound in gate.checks] == ["X-01"]
    assert [bound.rule for _, bound in gate.cancel_checks] == ["X-05"]
    watching = b.bound("X-04", Scope.ACCOUNT, "")
    assert watching is not None
    assert b.alerting == [("WATCHES", watching.memory)]
    b.evolve(OrderAccepted(T0, 0, "a", T0, ""), Named(0, 0), 5)
    assert [len(bound.memory.heard) for bound in (*b.bounds("X-04"), *b.bounds("X-05"))] == [1, 1]


def of(rule: Rule, *limits: Limit) -> Book:
    """A book with one rule and its limits."""
    opened = msgspec.structs.replace(opening(2, SPECS), limits=limits)
    return Book(opened, State(opened), (rule,))


@pytest.mark.parametrize("late", [False, True])
def test_a_late_memory_is_made_with_the_first_order_in_its_instrument(late: bool) -> None:
    """Given a limit of two instruments, then a late memory is made when the first order asks for its gate, and hears from then on like any other."""
    rule = Rule("X-06", "LATE", "count", says, (Param("late", "count", "a number"),), ALL, memory=Diary, alerts=True, late=late)
    b = of(rule, Limit(1, "X-06", Scope.INSTRUMENT, ("A", "B"), (5,)))
    assert len(b.bounds("X-06")) == len(b.alerting) == (0 if late else 2)
    b.evolve(OrderAccepted(T0, 0, "a", T0, ""), Named(0, 1), 5)
    assert [(x.member, x.values, x.instruments) for x in b.bounds("X-06")][-1] == ("B", (5,), (1,))
    assert [m.heard for _, m in b.alerting][-1:] == [[("OrderAccepted", b.bounds("X-06")[-1].memory.heard[0][1], 5)]]
    b.evolve(LimitsChanged(T0, 1, Limit(2, "X-06", Scope.INSTRUMENT, ("A", "B"), (7,), version=2)), None, 6)
    assert len(b.bounds("X-06")) == (1 if late else 2)
    changed = b.bound("X-06", Scope.INSTRUMENT, "B")
    assert changed is b.bounds("X-06")[-1]
    assert (changed.values, changed.memory.retaken) == ((7,), [7])
    b.evolve(DayRolled(T0, 0, 20260101), None, 7)
    assert [name for name, _, _ in changed.memory.heard] == ["OrderAccepted", "DayRolled"]
    first = b.bound("X-06", Scope.INSTRUMENT, "A")
    assert first is not None
    assert (first.values, first.memory.retaken) == ((7,), [] if late else [7])
    assert b.bound("X-06", Scope.INSTRUMENT, "C") is None


def test_a_late_rule_of_another_scope_has_its_memory_at_once() -> None:
    """Given a late rule that binds the account, then its memory is there when the session opens."""
    rule = Rule("X-06", "LATE", "count", says, (Param("late", "count", "a number"),), ALL, memory=Diary, late=True)
    assert len(of(rule, Limit(1, "X-06", Scope.ACCOUNT, (), (5,))).bounds("X-06")) == 1


def test_a_shared_memory_serves_all_instruments_over_all_versions() -> None:
    """Given a limit of two instruments and another of a third, then one memory hears once of each event for all of them, a change of limit included."""
    rule = Rule("X-07", "SHARED", "count", says, (Param("shared", "count", "a number"),), ALL, memory=Diary, shared=True)
    b = of(rule, Limit(1, "X-07", Scope.INSTRUMENT, ("A", "B"), (1,)), Limit(2, "X-07", Scope.INSTRUMENT, ("C",), (2,)))
    assert b.bounds("X-07") == []
    b.evolve(DayRolled(T0, 0, 20260101), None, 3)
    b.evolve(LimitsChanged(T0, 1, Limit(3, "X-07", Scope.INSTRUMENT, ("B",), (9,), version=2)), None, 4)
    b.evolve(DayRolled(T0, 0, 20260102), None, 5)
    found = [b.bound("X-07", Scope.INSTRUMENT, symbol) for symbol in "ABC"]
    assert [x and x.most for x in found] == [1, 9, 2]
    assert len({id(x and x.memory) for x in found}) == 1
    assert found[0] is not None
    assert [seq for _, _, seq in found[0].memory.heard] == [3, 5]
    assert [bound for _, bound in b.gate(0, 1).checks] == [found[1]]


def test_a_shared_rule_of_another_scope_has_a_memory_for_each_member() -> None:
    """Given a shared rule that binds two strategies, then each has its own bound and memory."""
    rule = Rule("X-07", "SHARED", "count", says, (Param("shared", "count", "a number"),), ALL, memory=Diary, shared=True)
    assert len({id(x.memory) for x in of(rule, Limit(1, "X-07", Scope.STRATEGY, ("s0", "s1"), (1,))).bounds("X-07")}) == 2
