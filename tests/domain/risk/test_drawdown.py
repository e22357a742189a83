"""L-02: the fall from the highest equity, in money and as a part of it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.events import DayRolled
from domain.limits import OFF
from domain.risk.drawdown import RULE, remember
from domain.terms import Scope, Side
from tests.domain.harness import trades
from tests.domain.risk.build import NOW
from tests.domain.risk.losses import Account

CAPITAL = 100_000_000
"""What the test account has: 1,000,000.00 USD."""


def fallen(*values: int, to: int = 10_000, **place: object) -> Account:
    """An account that bought 10 X at 100.00 and saw 101.00 before the price `to`; every price was looked at."""
    a = Account("L-02", *values, **place)  # type: ignore[arg-type]
    a.fill(10, 10_000)
    for px in (10_000, 10_100, to):
        a.price(px)
        a.memory.look()
    return a


@pytest.mark.parametrize(("limit", "passed"), [(1_001, True), (1_000, True), (999, False)])
def test_a_fall_of_exactly_the_limit_is_allowed(limit: int, passed: bool) -> None:
    """Given a fall of 10.00 from the peak, then a limit of 10.00 lets an order pass and one of 9.99 does not, though nothing was lost."""
    assert fallen(limit).numbers() == (passed, 1_000, limit)


@pytest.mark.parametrize(("bps", "room"), [(0, 0), (1, 10_000), (10_000, 100_001_000), (10_001, 100_001_000), (99_999, 100_001_000)])
def test_a_part_is_that_of_capital_and_gain_together_rounded_down(bps: int, room: int) -> None:
    """Given a peak of 1,000,010.00, then one basis point of it is 100.00 (and a part of a cent), and more than all of it is all of it."""
    assert fallen(OFF, bps, to=10_100).numbers() == (True, 0, room)


def test_the_smaller_of_money_and_part_binds() -> None:
    """Given both limits, then the smaller one is compared."""
    assert fallen(9_999, 1).numbers() == (True, 1_000, 9_999)
    assert fallen(10_001, 1).numbers() == (True, 1_000, 10_000)
    assert fallen(10_001, 1, to=9_100).numbers() == (True, 10_000, 10_000)
    assert fallen(10_001, 1, to=9_099).numbers() == (False, 10_010, 10_000)


def test_the_answer_names_the_newest_price_or_event() -> None:
    """Given a price after the fill and a fill after the price, then the newer seq is named."""
    a = fallen(1_000)
    check = a.ask()
    assert (check.rule, check.seen, check.limit_id, check.version) == ("L-02", a.seq, 1, 1)
    a.fill(1, 9_900)
    assert a.ask().seen == a.seq


def test_without_a_price_what_adds_risk_fails_and_what_reduces_passes() -> None:
    """Given a position without a price, then there is no number: a buy fails, a sale of what is held passes; the newest event is named."""
    a = Account("L-02", 10**9)
    a.fill(10, 10_000)
    assert a.numbers() == (False, -1, 10**9)
    assert a.ask().seen == a.seq
    assert a.numbers(side=Side.SELL, qty=10) == (True, -1, 10**9)


def test_a_peak_that_was_never_priced_fails_until_it_is() -> None:
    """Given a day that rolled while something held had no price, then nothing passes until it has one; that is the peak then."""
    a = Account("L-02", 0)
    a.fill(10, 10_000)
    a.fold(DayRolled(NOW, 0, 20_260_101))
    assert (a.memory.top, a.numbers()) == (None, (False, -1, 0))
    assert a.price(9_000).numbers() == (True, 0, 0)
    a.halted().fold(DayRolled(NOW, 0, 20_260_102))
    a.fill(1, 9_000, instrument=1)
    a.fold(DayRolled(NOW, 0, 20_260_103))
    a.price(trades(9_000, instrument=1))
    assert a.numbers() == (False, -1, 0)


def test_beyond_the_limit_only_what_reduces_passes() -> None:
    """Given a fall beyond the limit, then a sale of at most what is held passes with the same numbers."""
    a = fallen(999)
    assert a.numbers(side=Side.SELL, qty=10) == (True, 1_000, 999)
    assert a.numbers(side=Side.SELL, qty=20) == (False, 1_000, 999)


def test_an_instrument_that_settles_in_another_currency_fails() -> None:
    """Given a limit in USD on the account, when an order would settle in BTC, then it fails."""
    a = Account("L-02", 10**9)
    a.price(trades(10_000, instrument=2))
    assert a.numbers(instrument=2) == (False, 0, 10**9)
    assert a.numbers() == (True, 0, 10**9)


def test_a_halt_holds_and_keeps_its_peak() -> None:
    """Given a recorded halt, when the price rises above the peak, then orders still fail, measured from the peak of the halt."""
    a = fallen(999).halted().price(10_500)
    assert a.numbers() == (False, -4_000, 999)
    assert a.numbers(side=Side.SELL, qty=10) == (True, -4_000, 999)


def test_the_peak_starts_anew_when_the_halt_is_lifted_and_when_the_day_rolls() -> None:
    """Given a fall of 10.00, when the halt is lifted or the day rolls, then the fall is measured from the price of then."""
    assert fallen(999).halted().resumed().numbers() == (True, 0, 999)
    a = fallen(999)
    a.fold(DayRolled(NOW, 0, 20_260_101))
    assert a.numbers() == (True, 0, 999)


def test_the_rule_follows_the_peak() -> None:
    """Given its memory, then the top follows the gain; the rule halts by its watch alone."""
    a = Account("L-02", 10)
    assert remember(a.bound, a.state).trails
    assert (RULE.id, RULE.code, RULE.scopes[0], RULE.halts, RULE.overridable) == ("L-02", "DRAWDOWN", Scope.ACCOUNT, None, False)


@given(
    path=st.lists(st.integers(9_000, 11_000), min_size=1, max_size=12),
    qty=st.sampled_from([-7, 3, 10]),
    amt=st.integers(0, 9_000),
    bps=st.integers(0, 3),
)
def test_the_rule_is_the_recount_of_the_path(path: list[int], qty: int, amt: int, bps: int) -> None:
    """Given any path of prices, then the fall is that from the highest equity on it, against the smaller of money and part."""
    a = Account("L-02", amt, bps)
    a.fill(qty, 10_000)
    for px in path:
        a.price(px)
        a.memory.look()
    gains = [0, *((px - 10_000) * qty for px in path)]
    room = min(amt, (CAPITAL + max(gains)) * bps // 10_000)
    fall = max(gains) - gains[-1]
    assert a.numbers(side=Side.BUY if qty > 0 else Side.SELL) == (fall <= room, fall, room)


def test_the_account_of_these_tests_has_its_capital() -> None:
    """Given the test account, then a strategy's drawdown is a part of the account's capital too."""
    a = Account("L-02", OFF, 1, scope=Scope.STRATEGY, member="s0")
    assert (a.memory.capital, a.numbers()) == (CAPITAL, (True, 0, 10_000))
