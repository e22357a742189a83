"""What a loss rule remembers: the top, the halt, the capital, and when the watch is asked to look."""

from __future__ import annotations

from fractions import Fraction
from math import ceil, floor
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.events import DayRolled, FeeCharged, FundingPaid, LimitsChanged, OutcomeRecorded, ReconciliationAdjusted
from domain.limits import OFF, Limit
from domain.risk.latch import Latch
from domain.terms import Scope
from tests.domain.risk.build import NOW
from tests.domain.risk.losses import Account

CAPITAL = 100_000_000


class Followed:
    """Stands for the watch's part: counts how often the latch wants to know of the ticks before something happens, and what it was then."""

    def __init__(self, latch: Latch) -> None:
        self.latch = latch
        self.seen: list[tuple[int, bool, int, int]] = []
        latch.follower = self

    def follow(self) -> None:
        latch = self.latch
        self.seen.append((latch.pnl.cash, latch.latched, latch.capital, latch.amt))


def looked(a: Account) -> bool:
    """Whether the watch was asked to look since the last time."""
    asked = a.memory in a.state.stirred
    assert asked == a.memory.stirred
    a.state.stirred.clear()
    a.memory.stirred = False
    return asked


def change(a: Account, *values: int) -> None:
    """The limit has another version."""
    a.bound.take(Limit(2, a.rule, a.bound.scope, (), values))
    a.memory.retake()


def test_a_new_memory_asks_for_a_look_once() -> None:
    """Given a new limit, then the watch is asked to look; asked again, the memory stands in the list once."""
    a = Account("L-01", 5)
    a.memory.stir()
    assert a.state.stirred.count(a.memory) == 1
    assert looked(a)
    assert not looked(a)


@pytest.mark.parametrize(
    ("rule", "values", "amt", "bps", "realised", "limited"),
    [
        ("L-01", (5, 7), 5, OFF, 7, True), ("L-01", (OFF, 7), OFF, OFF, 7, False), ("L-01", (5, OFF), 5, OFF, OFF, True), ("L-01", (0, OFF), 0, OFF, OFF, True),
        ("L-02", (5, 7), 5, 7, OFF, True), ("L-02", (OFF, 7), OFF, 7, OFF, True), ("L-02", (5, 10_001), 5, 10_000, OFF, True),
        ("L-02", (OFF, OFF), OFF, OFF, OFF, False), ("L-02", (OFF, 0), OFF, 0, OFF, True),
    ],
)  # fmt: skip
def test_a_limits_numbers_are_taken_by_its_rule(rule: str, values: tuple[int, int], amt: int, bps: int, realised: int, limited: bool) -> None:
    """Given a limit's values, then each is what the rule says it is; realised profit is kept where it is limited."""
    m: Latch = Account(rule, *values).memory
    assert (m.amt, m.bps, m.realised_most, m.limited) == (amt, bps, realised, limited)
    assert (m.pnl.realised is not None) == (realised != OFF)


def test_another_version_of_a_limit_is_taken_after_the_ticks_before_it() -> None:
    """Given a limit that changes, then the ticks before count by the old one, and the watch looks by the new one; a halt stays."""
    a = Account("L-02", 5)
    a.halted()
    looked(a)
    followed = Followed(a.memory)
    change(a, 9, 11)
    assert [seen[3] for seen in followed.seen] == [5]
    assert (a.memory.amt, a.memory.bps, a.memory.latched, looked(a)) == (9, 11, True, True)


def test_what_is_realised_is_kept_over_the_versions_of_its_limit() -> None:
    """Given a limit on what is closed, when it changes or is switched off, then what was closed so far is remembered."""
    a = Account("L-01", 9, 11)
    kept = a.memory.pnl.realised
    change(a, 10, 12)
    assert a.memory.pnl.realised is kept
    change(a, 10, OFF)
    assert (a.memory.realised_most, a.memory.pnl.realised) == (OFF, kept)


def test_a_realised_limit_that_comes_late_starts_at_nothing() -> None:
    """Given a closed loss, when what is closed is limited afterwards, then nothing was lost so far."""
    a = Account("L-01", 5)
    a.fill(1, 10_000)
    a.fill(-1, 9_000)
    assert Fraction(*a.memory.realised_loss()) == 0
    change(a, 5, 5)
    assert Fraction(*a.memory.realised_loss()) == 0
    a.fill(1, 10_000)
    a.fill(-1, 9_000)
    assert Fraction(*a.memory.realised_loss()) == 1_000


@given(st.lists(st.tuples(st.integers(-7, 7).filter(bool), st.integers(9_000, 11_000)), min_size=1, max_size=12), st.integers(0, 11))
def test_a_realised_loss_is_exact_and_beyond_its_limit_from_the_next_unit_on(fills: list[tuple[int, int]], reset: int) -> None:
    """Given fills that reduce by thirds and halves, with a reset between them, then the loss is that of average cost to the last fraction; it is beyond
    the largest whole number below it and not beyond the one above, nor where nothing is limited."""
    a = Account("L-01", OFF, 10**12)
    qty, cost, cash, before = 0, Fraction(0), 0, Fraction(0)
    for n, (more, px) in enumerate(fills):
        a.fill(more, px)
        value, after = px * more, qty + more
        if qty * more >= 0:
            cost += value
        elif qty * after > 0:
            cost = cost * after / qty
        else:
            cost = Fraction(px * after)
        qty, cash = after, cash - value
        if n == reset:
            a.memory.reset()
            before = cash + cost
    loss = before - cash - cost
    m: Latch = a.memory
    assert Fraction(*m.realised_loss()) == loss
    for most in (floor(loss), floor(loss) - 1, ceil(loss), ceil(loss) + 1):
        m.realised_most = most
        assert m.realised_beyond() is (most != OFF and loss > most)


def test_a_realised_loss_starts_anew_at_a_reset() -> None:
    """Given a closed loss, when the day rolls, then it counts no more."""
    a = Account("L-01", 5, 5)
    a.fill(1, 10_000)
    a.fill(-1, 9_000)
    assert Fraction(*a.memory.realised_loss()) == 1_000
    a.fold(DayRolled(NOW, 0, 20_260_101))
    assert Fraction(*a.memory.realised_loss()) == 0


@pytest.mark.parametrize(
    ("other", "counts"), [({}, True), ({"rule": "L-02"}, False), ({"scope": Scope.VENUE}, False), ({"scope": Scope.INSTRUMENT, "member": "X"}, False), ({"member": "Y"}, False)]
)  # fmt: skip
def test_only_a_halt_of_its_own_rule_and_place_counts(other: dict[str, Any], counts: bool) -> None:
    """Given halts and liftings of other rules, scopes and members, then they change nothing and ask for nothing."""
    a = Account("L-01", 5).price(10_000)
    looked(a)
    a.halted(**other)
    assert (a.memory.latched, looked(a)) == (counts, counts)
    a.halted()
    looked(a)
    a.memory.top = 77
    a.resumed(**other)
    assert (a.memory.latched, a.memory.top, looked(a)) == (not counts, 0 if counts else 77, counts)


def test_a_base_that_stays_does_not_ask_for_the_ticks() -> None:
    """Given a daily loss, then the ticks before an event matter only while there is no base."""
    a = Account("L-01", 5)
    followed = Followed(a.memory)
    a.fill(1, 10_000)
    a.memory.look()
    assert followed.seen == []
    a.fold(DayRolled(NOW, 0, 20_260_101))
    a.memory.look()
    assert len(followed.seen) == 1


def test_a_halt_and_a_flow_come_after_the_ticks_before_them() -> None:
    """Given a follower, then it is asked before the position, the money, the capital or the halt changes, and not at a reset."""
    a = Account("L-02", 5)
    followed = Followed(a.memory)
    a.fill(1, 10_000)
    a.fold(FeeCharged(NOW, 0, "USD", 3, 2, ""))
    a.fold(FundingPaid(NOW, 0, 0, "USD", 4, 2))
    a.fold(ReconciliationAdjusted(NOW, 0, "USD", 9, 2, ""))
    a.fold(OutcomeRecorded(NOW, 0, -1, 0, 8, "ann", ""))
    a.halted()
    assert followed.seen == [
        (0, False, CAPITAL, 5), (-10_000, False, CAPITAL, 5), (-10_003, False, CAPITAL, 5), (-10_007, False, CAPITAL, 5),
        (-10_007, False, CAPITAL + 9, 5), (-9_999, False, CAPITAL + 9, 5),
    ]  # fmt: skip
    a.resumed()
    a.fold(DayRolled(NOW, 0, 20_260_101))
    assert len(followed.seen) == 6
    a.memory.look()
    assert len(followed.seen) == 7


@pytest.mark.parametrize(
    "event",
    [
        DayRolled(NOW, 0, 20_260_101), FeeCharged(NOW, 0, "USD", 3, 2, ""), FundingPaid(NOW, 0, 0, "USD", 4, 2),
        ReconciliationAdjusted(NOW, 0, "USD", 9, 2, ""), OutcomeRecorded(NOW, 0, -1, 0, 8, "ann", ""),
    ],
)  # fmt: skip
def test_whatever_moves_the_loss_asks_the_watch_to_look(event: Any) -> None:
    """Given an event that moves money or the base, then the watch is asked; a fill asks as well."""
    a = Account("L-02", 5)
    looked(a)
    assert not a.memory.rolled
    a.fold(event)
    assert (looked(a), a.memory.rolled) == (True, isinstance(event, DayRolled))
    a.fill(1, 10_000)
    assert looked(a)


def test_an_accepted_difference_is_capital_and_no_gain() -> None:
    """Given a difference that a person accepted, then the capital moves and the gain does not; one in another currency is none of it."""
    a = Account("L-02", 5)
    a.fold(ReconciliationAdjusted(NOW, 0, "USD", -7, 1, ""))
    assert (a.memory.capital, a.memory.pnl.gain()) == (CAPITAL - 70, 0)
    a.fold(ReconciliationAdjusted(NOW, 0, "BTC", -7, 2, ""))
    assert a.memory.capital == CAPITAL - 70


@pytest.mark.parametrize(
    ("scope", "member", "counts"),
    [
        (Scope.ACCOUNT, "", True), (Scope.STRATEGY, "s1", True), (Scope.STRATEGY, "s0", False), (Scope.INSTRUMENT, "Y", True), (Scope.INSTRUMENT, "X", False),
        (Scope.STRATEGY, "operator", False),
    ],
)  # fmt: skip
def test_a_recorded_outcome_counts_for_its_strategy_and_instrument(scope: Scope, member: str, counts: bool) -> None:
    """Given a loss of 8 cents that a person recorded for s1 in Y, then it is a loss of every scope it belongs to."""
    a = Account("L-01", 5, scope=scope, member=member)
    looked(a)
    seq = a.fold(OutcomeRecorded(NOW, 0, 1, 1, -8, "ann", ""))
    assert (a.memory.pnl.gain(), a.memory.pnl.seen) == ((-8, seq) if counts else (0, 0))
    assert looked(a) == counts


def test_a_recorded_outcome_in_another_currency_does_not_count() -> None:
    """Given an outcome that settles in BTC, then a limit in USD does not count it."""
    a = Account("L-01", 5)
    a.fold(OutcomeRecorded(NOW, 0, -1, 2, -8, "ann", ""))
    assert a.memory.pnl.gain() == 0


def test_a_top_that_trails_follows_the_gain_and_another_does_not() -> None:
    """Given a gain, then the drawdown's top rises with it and does not fall; the daily loss's top stays."""
    for rule, tops in (("L-02", [50, 50, 60]), ("L-01", [0, 0, 0])):
        a = Account(rule, 5)
        a.fill(1, 10_000)
        seen = []
        for px in (10_050, 10_040, 10_060):
            a.price(px)
            assert a.memory.look() == a.memory.top - (px - 10_000)
            seen.append(a.memory.top)
        assert seen == tops


def test_a_latched_top_stands_still() -> None:
    """Given a halt, when the gain rises, then the top stays until the halt is lifted."""
    a = Account("L-02", 5)
    a.fill(1, 10_000)
    a.price(10_050).memory.look()
    a.halted().price(10_090)
    assert (a.memory.look(), a.memory.top) == (-40, 50)
    a.resumed()
    assert (a.memory.look(), a.memory.top) == (0, 90)


def test_a_missing_top_is_the_first_gain_there_is() -> None:
    """Given a reset without a price, then there is no top until a price comes, for a base that stays as well; not while it is halted."""
    for rule in ("L-01", "L-02"):
        a = Account(rule, 5)
        a.fill(1, 10_000)
        a.fold(DayRolled(NOW, 0, 20_260_101))
        assert (a.memory.top, a.memory.look()) == (None, None)
        a.price(9_000).halted()
        assert (a.memory.look(), a.memory.top) == (None, None)
        a.memory.latched = False
        assert (a.memory.look(), a.memory.top) == (0, -1_000)


@pytest.mark.parametrize(
    ("values", "top", "room"),
    [
        ((5, OFF), 0, 5), ((0, OFF), 0, 0), ((OFF, 1), 0, 10_000), ((OFF, 1), 9_999, 10_000), ((OFF, 1), 10_000, 10_001), ((OFF, 1), -CAPITAL, 0),
        ((OFF, 1), 1 - CAPITAL, 0), ((OFF, 10_000), 1 - CAPITAL, 1), ((OFF, 10_000), -CAPITAL - 1, 0), ((10_000, 1), 0, 10_000), ((10_000, 1), 10_000, 10_000),
        ((10_000, 1), -1, 9_999), ((10_002, 1), 10_000, 10_001), ((0, 1), 0, 0),
    ],
)  # fmt: skip
def test_the_room_is_the_smaller_of_amount_and_part(values: tuple[int, int], top: int, room: int) -> None:
    """Given an amount, a part, or both, then so much may be lost from a top; the part is rounded down, and is nothing without capital."""
    assert Account("L-02", *values).memory.room(top) == room


def test_a_scope_without_instruments_has_no_capital() -> None:
    """Given a class that no instrument has, then there is no capital that a part could be taken of."""
    m: Latch = Account("L-02", OFF, 10_000, scope=Scope.CLASS, member="bonds").memory
    assert (m.capital, m.room(0)) == (0, 0)


def test_a_limit_made_late_starts_from_what_there_is() -> None:
    """Given a position in profit and money spent, when a limit begins to bind, then its top is the gain of then and its capital the cash of then."""
    a = Account("L-01", 5)
    a.fill(2, 10_000)
    a.price(10_100)
    a.fold(LimitsChanged(NOW, 0, Limit(2, "L-02", Scope.ACCOUNT, (), (5, OFF))))
    late = a.book.bound("L-02", Scope.ACCOUNT, "")
    assert late is not None
    m: Latch = late.memory
    assert (m.capital, m.top, m.look(), m.pnl.held) == (CAPITAL - 20_000, 20_200, 0, {0: 2})
    assert (m.latched, m.rolled, m.realised_from) == (False, False, (0, 1))
