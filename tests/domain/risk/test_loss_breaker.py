"""L-03: losing round trips in a sliding window."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.events import FillBusted, LimitsChanged, OutcomeRecorded
from domain.limits import OFF, Limit
from domain.risk.loss_breaker import RULE, Trips
from domain.terms import Scope, Side
from tests.domain.harness import SECOND
from tests.domain.risk.build import NOW
from tests.domain.risk.losses import Account

HOUR = 3_600 * SECOND


def trip(a: Account, amt: int, ns: int = NOW, instrument: int = 0, strategy: int = 0) -> None:
    """A round trip of one unit that brings `amt`."""
    a.fill(1, 10_000, instrument=instrument, strategy=strategy, ns=ns)
    a.fill(-1, 10_000 + amt, instrument=instrument, strategy=strategy, ns=ns)


def stirred(a: Account) -> bool:
    """Whether the watch was asked to look since the last time."""
    asked = a.memory in a.state.stirred
    assert asked == a.memory.stirred
    a.state.stirred.clear()
    a.memory.stirred = False
    return asked


@pytest.mark.parametrize(("losses", "passed"), [(1, True), (2, True), (3, False), (4, False)])
def test_one_loss_less_than_the_streak_is_allowed(losses: int, passed: bool) -> None:
    """Given a streak of 3, then two losing trips let an order pass and three do not."""
    a = Account("L-03", 3, HOUR, HOUR)
    for _ in range(losses):
        trip(a, -1)
    assert a.numbers() == (passed, losses, 3)
    assert (a.ask().seen, a.ask().limit_id) == (a.seq, 1)


def test_a_trip_that_brings_nothing_or_wins_is_no_loss_and_clears_none() -> None:
    """Given losses with a win and a draw between them, then the losses count."""
    a = Account("L-03", 3, HOUR, HOUR)
    for amt in (-1, 0, 5, -1):
        trip(a, amt)
    assert a.numbers() == (True, 2, 3)


def test_fees_can_make_a_trip_lose() -> None:
    """Given a trip that wins as much as its fees, and one that wins a cent less, then only the second loses; a fee in another currency counts for none."""
    a = Account("L-03", 3, HOUR, HOUR)
    for fees, currency, digits in (((2, 3), "USD", 2), ((2, 3), "BTC", 2), ((0, 0), "USD", 2)):
        a.fill(1, 10_000, fee=fees[0], currency=currency, digits=digits)
        a.fill(-1, 10_005, fee=fees[1], currency=currency, digits=digits)
    assert a.memory.count(NOW) == 0
    a.fill(1, 10_000, fee=2)
    a.fill(-1, 10_005, fee=4)
    assert a.memory.count(NOW) == 1
    a.fill(1, 10_000, fee=3)
    a.fill(-1, 10_005, fee=3)
    assert a.memory.count(NOW) == 2
    a.fill(1, 10_000)
    a.fill(-1, 10_005, fee=1, digits=1)
    assert a.memory.count(NOW) == 3


def test_a_trip_lasts_from_flat_to_flat() -> None:
    """Given a position that grows and shrinks, then nothing is counted until it is flat, and then what it all brought."""
    a = Account("L-03", 3, HOUR, HOUR)
    for qty, px in ((2, 10_000), (-1, 9_000), (2, 10_000), (-2, 10_000)):
        a.fill(qty, px)
        assert a.memory.count(NOW) == 0
    a.fill(-1, 11_000)
    assert a.memory.count(NOW) == 0
    for qty, px in ((2, 10_000), (-1, 9_000), (-1, 10_999)):
        a.fill(qty, px)
    assert a.memory.count(NOW) == 1


def test_a_short_trip_loses_when_it_buys_back_higher() -> None:
    """Given a short position, then buying back a cent higher loses and lower wins."""
    a = Account("L-03", 3, HOUR, HOUR)
    a.fill(-2, 10_000)
    a.fill(2, 9_999)
    assert a.memory.count(NOW) == 0
    a.fill(-2, 10_000)
    a.fill(2, 10_001)
    assert a.memory.count(NOW) == 1


def test_a_short_trip_lasts_from_flat_to_flat() -> None:
    """Given a short position that grows and shrinks, then nothing is counted until it is flat, and then what it all brought."""
    a = Account("L-03", 3, HOUR, HOUR)
    for qty, px in ((-2, 10_000), (1, 11_000), (-2, 10_000), (2, 10_000), (1, 9_000)):
        a.fill(qty, px)
        assert a.memory.count(NOW) == 0
    for qty, px in ((-2, 10_000), (1, 11_000)):
        a.fill(qty, px)
        assert a.memory.count(NOW) == 0
    a.fill(1, 9_001)
    assert a.memory.count(NOW) == 1


@pytest.mark.parametrize("side", [1, -1])
def test_a_turn_into_a_smaller_position_ends_the_trip_too(side: int) -> None:
    """Given a position of 5 that is turned into 2 on the other side with a loss, then the trip counts."""
    a = Account("L-03", 3, HOUR, HOUR)
    a.fill(5 * side, 10_000)
    a.fill(-7 * side, 10_000 - side)
    assert a.memory.count(NOW) == 1


def test_a_fill_that_turns_the_position_ends_one_trip_and_starts_the_next() -> None:
    """Given a long that is turned with a loss, then the trip counts with the fee of the turning fill, and the rest is a new trip at its price."""
    a = Account("L-03", 9, HOUR, HOUR)
    a.fill(2, 10_000)
    a.fill(-5, 10_000, fee=1)
    assert a.memory.count(NOW) == 1
    a.fill(3, 10_000)
    assert a.memory.count(NOW) == 1
    a.fill(2, 10_000)
    a.fill(-5, 10_001, fee=2)
    assert a.memory.count(NOW) == 1
    a.fill(3, 10_002)
    assert a.memory.count(NOW) == 2
    a.fill(-1, 10_000)
    a.fill(4, 10_000)
    assert a.memory.count(NOW) == 2
    a.fill(-3, 9_999)
    assert a.memory.count(NOW) == 3


def test_trips_of_several_instruments_are_apart() -> None:
    """Given positions in two instruments at once, then each is its own trip, in its own currency."""
    a = Account("L-03", 9, HOUR, HOUR)
    a.fill(1, 10_000)
    a.fill(1, 10_000, instrument=2, fee=5, currency="BTC", digits=8)
    a.fill(-1, 10_100)
    assert a.memory.count(NOW) == 0
    a.fill(-1, 10_000, instrument=2)
    assert a.memory.count(NOW) == 1


@pytest.mark.parametrize(("gap", "counted"), [(HOUR, 2), (HOUR + 1, 1)])
def test_losses_exactly_a_window_apart_count_together(gap: int, counted: int) -> None:
    """Given two losses a window apart, then both count at the second; a nanosecond more and only one does."""
    a = Account("L-03", 3, HOUR, HOUR)
    trip(a, -1, NOW - gap)
    trip(a, -1, NOW)
    assert a.memory.count(NOW) == counted
    assert len(a.memory.losses.times) == counted
    assert a.numbers() == (True, counted, 3)


def test_without_a_window_all_losses_count() -> None:
    """Given no window, then a loss of long ago counts, and is kept."""
    a = Account("L-03", 2, OFF, HOUR)
    trip(a, -1, NOW - 1000 * HOUR)
    trip(a, -1, NOW)
    assert a.numbers() == (False, 2, 2)


def test_without_a_streak_nothing_is_counted() -> None:
    """Given a limit whose streak is off, then everything passes and nothing is kept; a streak of nothing lets nothing pass."""
    a = Account("L-03", OFF, HOUR, HOUR)
    trip(a, -1)
    assert a.numbers() == (True, 0, OFF)
    assert Account("L-03", 0, HOUR, HOUR).numbers() == (False, 0, 0)


def test_beyond_the_streak_only_what_reduces_passes() -> None:
    """Given as many losses as the streak, then a sale of what is held passes."""
    a = Account("L-03", 1, HOUR, HOUR)
    trip(a, -1)
    a.fill(10, 10_000)
    assert a.numbers(side=Side.SELL, qty=10) == (True, 1, 1)
    assert a.numbers(side=Side.SELL, qty=20) == (False, 1, 1)


def test_a_halt_holds_when_the_losses_have_left_the_window() -> None:
    """Given a halt of this rule, then orders fail though nothing counts any more; losses meanwhile are not counted; lifting starts anew."""
    a = Account("L-03", 2, HOUR, HOUR)
    trip(a, -1)
    a.halted(until_ns=77)
    assert (a.memory.latched, a.memory.until_ns) == (True, 77)
    stirred(a)
    trip(a, -1)
    assert not stirred(a)
    assert a.numbers() == (False, 1, 2)
    assert a.numbers(now_ns=NOW + 2 * HOUR) == (False, 0, 2)
    a.resumed()
    assert a.numbers() == (True, 0, 2)
    assert len(a.memory.losses.times) == 0


@pytest.mark.parametrize("other", [{"rule": "L-01"}, {"scope": Scope.VENUE}, {"member": "Y"}])
def test_only_a_halt_of_its_own_rule_and_place_counts(other: dict[str, object]) -> None:
    """Given halts of other rules and places, then they are none of this; their lifting clears nothing."""
    a = Account("L-03", 2, HOUR, HOUR)
    trip(a, -1)
    assert not a.halted(**other).memory.latched  # type: ignore[arg-type]
    a.halted().resumed(**other)  # type: ignore[arg-type]
    assert (a.memory.latched, len(a.memory.losses.times)) == (True, 1)


def test_a_loss_asks_the_watch_to_look_and_nothing_else_does() -> None:
    """Given a win, a loss, another version of the limit, then the loss and the version ask, once each."""
    a = Account("L-03", 3, HOUR, HOUR)
    assert not stirred(a)
    trip(a, 1)
    assert not stirred(a)
    trip(a, -1)
    trip(a, -1)
    assert a.state.stirred.count(a.memory) == 1
    assert stirred(a)
    a.memory.retake()
    assert stirred(a)


@pytest.mark.parametrize(
    ("scope", "member", "counted"),
    [
        (Scope.ACCOUNT, "", 1), (Scope.STRATEGY, "s1", 1), (Scope.STRATEGY, "s0", 0), (Scope.INSTRUMENT, "Y", 1), (Scope.INSTRUMENT, "X", 0),
        (Scope.STRATEGY, "operator", 0),
    ],
)  # fmt: skip
def test_a_trip_and_a_recorded_outcome_count_where_they_belong(scope: Scope, member: str, counted: int) -> None:
    """Given a losing trip of s1 in Y, and a loss a person recorded for it, then every scope they belong to counts both; a recorded win counts for none."""
    a = Account("L-03", 9, HOUR, HOUR, scope=scope, member=member)
    trip(a, -1, instrument=1, strategy=1)
    assert a.memory.count(NOW) == counted
    seq = a.fold(OutcomeRecorded(NOW, 0, 1, 1, -1, "ann", ""))
    assert (a.memory.count(NOW), a.memory.seen) == (2 * counted, seq if counted else 0)
    a.fold(OutcomeRecorded(NOW, 0, 1, 1, 0, "ann", ""))
    a.fold(OutcomeRecorded(NOW, 0, 1, 1, 1, "ann", ""))
    assert a.memory.count(NOW) == 2 * counted


def test_a_busted_fill_is_the_opposite_fill_and_takes_no_loss_back() -> None:
    """Given a losing trip whose last fill is busted, then the loss stays counted and the position is an open trip again."""
    a = Account("L-03", 9, HOUR, HOUR)
    a.fill(1, 10_000)
    sent = a.fill(-1, 9_000, fee=1)
    a.fold(FillBusted(NOW, 0, sent, NOW, "b1", "e2"))
    assert a.memory.count(NOW) == 1
    a.fill(-1, 9_000)
    assert a.memory.count(NOW) == 1


@pytest.mark.parametrize(("fee", "counted"), [(1, 0), (2, 1)])
def test_a_limit_made_late_judges_what_is_held_from_the_average_cost(fee: int, counted: int) -> None:
    """Given 2 of 3 held at 100.33⅓ on average when the limit begins to bind, when they are sold at 100.34, then a fee of 0.01 draws even, 0.02 loses."""
    a = Account("L-01", 10**12)
    a.fill(2, 10_000)
    a.fill(1, 10_100, strategy=1)
    a.fill(1, 10_100, instrument=1)
    a.fold(LimitsChanged(NOW, 0, Limit(2, "L-03", Scope.STRATEGY, ("s0",), (9, HOUR, HOUR))))
    late = a.book.bound("L-03", Scope.STRATEGY, "s0")
    assert late is not None
    a.fill(-2, 10_034, fee=fee)
    assert late.memory.count(NOW) == counted


@pytest.mark.parametrize(("instrument", "counted"), [(0, 0), (1, 0), (2, 1)])
def test_a_limit_made_late_judges_only_what_is_in_its_scope(instrument: int, counted: int) -> None:
    """Given positions in three instruments and a late limit of a class, then only the closing of the one in the class is counted."""
    a = Account("L-01", 10**12)
    for i in range(3):
        a.fill(1, 10_000, instrument=i)
    a.fold(LimitsChanged(NOW, 0, Limit(2, "L-03", Scope.CLASS, ("crypto",), (9, HOUR, HOUR))))
    late = a.book.bound("L-03", Scope.CLASS, "crypto")
    assert late is not None
    a.fill(-1, 9_000, instrument=instrument)
    assert late.memory.count(NOW) == counted


def test_a_limit_made_late_over_offset_strategies_starts_at_nothing() -> None:
    """Given two strategies that hold each other's opposite, then a late limit of one judges what its closing brings: nothing is no loss, a fee is."""
    for fee, counted in ((0, 0), (1, 1)):
        a = Account("L-01", 10**12)
        a.fill(2, 10_000)
        a.fill(-2, 10_000, strategy=1)
        a.fold(LimitsChanged(NOW, 0, Limit(2, "L-03", Scope.STRATEGY, ("s0",), (9, HOUR, HOUR))))
        late = a.book.bound("L-03", Scope.STRATEGY, "s0")
        assert late is not None
        a.fill(-2, 0, fee=fee)
        assert late.memory.count(NOW) == counted


def test_the_rule_is_known_by_its_code() -> None:
    """Given the rule, then it is LOSS_BREAKER, counts, and halts by its watch alone."""
    assert (RULE.id, RULE.code, RULE.unit, RULE.halts, RULE.memory) == ("L-03", "LOSS_BREAKER", "count", None, Trips)
    m: Trips = Account("L-03", 1).memory
    assert (m.latched, m.until_ns, m.seen) == (False, 0, 0)


@given(outcomes=st.lists(st.tuples(st.integers(-2, 2), st.integers(0, 40)), max_size=20), window=st.integers(0, 60))
def test_the_count_is_that_of_all_losses_in_the_window(outcomes: list[tuple[int, int]], window: int) -> None:
    """Given any trips at any distances, then the losses no further back than the window are counted."""
    a = Account("L-03", 10**6, window, HOUR)
    now = NOW
    lost = []
    for amt, wait in outcomes:
        now += wait
        trip(a, amt, now)
        if amt < 0:
            lost.append(now)
        assert a.memory.count(now) == sum(1 for ns in lost if now - ns <= window)
