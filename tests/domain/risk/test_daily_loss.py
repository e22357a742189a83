"""L-01: the loss of the day, at the limit, one over, latched, reset, without a price."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.events import DayRolled
from domain.limits import OFF
from domain.risk.daily_loss import RULE, remember, worst
from domain.terms import Scope, Side, TradingState
from tests.domain.harness import trades
from tests.domain.risk.build import NOW
from tests.domain.risk.losses import Account


def lost(cents: int, *values: int, **place: object) -> Account:
    """An account that bought 10 X at 100.00, the price now `cents` lower."""
    a = Account("L-01", *values, **place)  # type: ignore[arg-type]
    a.fill(10, 10_000)
    return a.price(10_000 - cents)


@pytest.mark.parametrize(
    ("limit", "passed"), [(1_001, True), (1_000, True), (999, False), (0, False)]
)  # fmt: skip
def test_a_loss_of_exactly_the_limit_is_allowed(limit: int, passed: bool) -> None:
    """Given a loss of 10.00, then a limit of 10.00 lets an order pass and one of 9.99 does not."""
    assert lost(100, limit).numbers() == (passed, 1_000, limit)


def test_no_loss_is_within_a_limit_of_nothing() -> None:
    """Given a limit of 0, then a gain passes and is shown as a negative loss, and the first cent of loss fails."""
    assert lost(-1, 0).numbers() == (True, -10, 0)
    assert lost(0, 0).numbers() == (True, 0, 0)
    assert lost(1, 0).numbers() == (False, 10, 0)


def test_the_answer_names_the_newest_price_or_event() -> None:
    """Given a price after the fill and a fill after the price, then the newer seq is named, with the limit's id and version."""
    a = lost(100, 1_000)
    check = a.ask()
    assert (check.rule, check.seen, check.limit_id, check.version) == ("L-01", a.seq, 1, 1)
    a.fill(1, 9_900)
    assert a.ask().seen == a.seq


def test_without_a_price_what_adds_risk_fails_and_what_reduces_passes() -> None:
    """Given a position without a price, then the loss is unknown: a buy fails, a sale of what is held passes."""
    a = Account("L-01", 10**9)
    a.fill(10, 10_000)
    assert a.numbers() == (False, -1, 10**9)
    assert a.numbers(side=Side.SELL, qty=10) == (True, -1, 10**9)
    assert a.numbers(side=Side.SELL, qty=11) == (False, -1, 10**9)


def test_beyond_the_limit_only_what_reduces_passes() -> None:
    """Given a loss beyond the limit, then a sale of at most what is held passes with the same numbers."""
    a = lost(100, 999)
    assert a.numbers(side=Side.SELL, qty=10) == (True, 1_000, 999)
    assert a.numbers(side=Side.SELL, qty=20) == (False, 1_000, 999)


def test_what_reduces_is_measured_by_the_limits_owner() -> None:
    """Given a limit of s0, which lost and holds nothing more, then its sale fails though it makes the account's position smaller."""
    a = Account("L-01", 99, scope=Scope.STRATEGY, member="s0")
    a.fill(10, 10_000)
    a.fill(-10, 9_990)
    a.fill(10, 9_990, strategy=1)
    a.price(9_990)
    assert a.numbers(side=Side.SELL) == (False, 100, 99)


def test_an_instrument_that_settles_in_another_currency_fails() -> None:
    """Given a limit in USD on the account, when an order would settle in BTC, then it has no number here and fails."""
    a = Account("L-01", 10**9)
    a.price(trades(10_000, instrument=2))
    assert a.numbers(instrument=2) == (False, 0, 10**9)
    assert a.numbers() == (True, 0, 10**9)


def test_a_halt_holds_whatever_the_loss_becomes() -> None:
    """Given a recorded halt of this rule, when the loss is won back, then orders that add risk still fail."""
    a = lost(200, 1_000).halted().price(10_000)
    assert a.numbers() == (False, 0, 1_000)
    assert a.numbers(side=Side.SELL, qty=10) == (True, 0, 1_000)


def test_a_lifted_halt_measures_from_then_on() -> None:
    """Given a halt at a loss of 20.00, when it is lifted, then the loss starts at nothing and may be 10.00 again."""
    a = lost(200, 1_000).halted().resumed()
    assert a.numbers() == (True, 0, 1_000)
    assert a.price(9_700).numbers() == (True, 1_000, 1_000)
    assert a.price(9_699).numbers() == (False, 1_010, 1_000)


def test_the_roll_of_the_day_is_the_new_base_and_lifts_no_halt_by_itself() -> None:
    """Given a loss of 10.00 with the limit of 9.99, when the day rolls, then nothing is lost; a halted account stays so until the lifting is recorded."""
    a = lost(100, 999)
    assert a.state.day == 0
    a.fold(DayRolled(NOW, 0, 20_260_101))
    assert a.numbers() == (True, 0, 999)
    a.price(9_000).halted().fold(DayRolled(NOW, 0, 20_260_102))
    assert a.numbers() == (False, 0, 999)


def test_a_realised_loss_of_exactly_the_limit_is_allowed() -> None:
    """Given a closed loss of 10.00, then a limit on what is closed lets 10.00 pass and 9.99 not; what is open does not count."""
    for limit, passed in ((1_000, True), (999, False)):
        a = Account("L-01", OFF, limit)
        a.fill(10, 10_000)
        a.fill(-10, 9_900)
        assert a.numbers() == (passed, 1_000, limit)
        assert a.ask().seen == a.seq
        a.fill(10, 10_000)
        a.price(1)
        assert a.numbers() == (passed, 1_000, limit)


def test_a_realised_loss_is_compared_exactly_and_shown_rounded_up() -> None:
    """Given a closed loss of a third of a cent more than 1 cent, then a limit of 1 cent fails with 2 shown, and one of 2 passes."""
    for limit, passed in ((1, False), (2, True)):
        a = Account("L-01", OFF, limit)
        a.fill(2, 10_000)
        a.fill(1, 10_001)
        a.fill(-1, 9_999)
        assert a.numbers() == (passed, 2, limit)


def test_of_two_limits_the_breached_one_is_shown() -> None:
    """Given limits on the marked and the realised loss, then the one that is beyond is shown, the marked one where both are or none is."""
    for values, shown in (
        ((2_000, 2_000), (True, 1_000, 2_000)),
        ((2_000, 499), (False, 500, 499)),
        ((2_000, 500), (True, 1_000, 2_000)),
        ((999, 2_000), (False, 1_000, 999)),
        ((999, 499), (False, 1_000, 999)),
        ((1_000, 499), (False, 500, 499)),
    ):
        a = Account("L-01", *values)
        a.fill(20, 10_000)
        a.fill(-10, 9_950)
        a.price(9_950)
        assert a.numbers() == shown


def test_two_limits_name_the_price_that_the_marked_loss_rests_on() -> None:
    """Given both limits, then the newest price is named; given the realised one alone, the newest event."""
    for values, newest in (((10**9, 10**9), 0), ((OFF, 10**9), 1)):
        a = Account("L-01", *values)
        a.fill(10, 10_000)
        a.price(9_000)
        worst(a.memory)
        a.memory.pnl.gain()
        assert a.ask().seen == a.seq - newest


def test_the_rule_measures_from_a_base_that_does_not_move() -> None:
    """Given its memory, then the top does not follow the gain; the rule binds by account first and halts by its watch alone."""
    a = Account("L-01", 10)
    assert not remember(a.bound, a.state).trails
    assert (RULE.id, RULE.code, RULE.scopes[0], RULE.halts, RULE.overridable) == ("L-01", "DAILY_LOSS", Scope.ACCOUNT, None, False)
    assert TradingState.REDUCE_ONLY == 1


@given(
    fills=st.lists(st.tuples(st.integers(-9, 9).filter(bool), st.integers(9_000, 11_000), st.integers(0, 9)), max_size=9),
    last=st.integers(9_000, 11_000), limit=st.integers(0, 20_000),
)  # fmt: skip
def test_the_rule_is_the_recount_of_the_fills(fills: list[tuple[int, int, int]], last: int, limit: int) -> None:
    """Given any fills at any prices, then an order that adds risk passes exactly when the recounted loss is within the limit."""
    a = Account("L-01", limit).price(last)
    for qty, px, fee in fills:
        a.fill(qty, px, fee=fee)
    loss = sum(qty * (px - last) + fee for qty, px, fee in fills)
    assert a.numbers(side=Side.BUY if sum(q for q, _, _ in fills) >= 0 else Side.SELL) == (loss <= limit, loss, limit)
