"""The money and quantities of a scope member, against a recount of the fills."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.events import ExternalTradeObserved, FeeCharged, FillBusted, FundingPaid
from domain.limits import OFF
from domain.risk.pnl import NOTHING, SEVERAL, Pnl, Realised
from domain.terms import Scope, Side
from tests.domain.harness import trades
from tests.domain.risk.build import NOW
from tests.domain.risk.losses import Account

BIG = 10**12


def test_a_gain_is_what_came_in_and_what_is_held_at_the_last_price() -> None:
    """Given 10 bought at 100.00 with a fee of 0.30, when the price is 101.00, then 9.70 are gained; the newest price and event are named."""
    a = Account("L-01", BIG)
    a.fill(10, 10_000, fee=30)
    a.price(10_100)
    pnl: Pnl = a.memory.pnl
    assert (pnl.cash, pnl.held, pnl.gain()) == (-100_030, {0: 10}, 970)
    assert (pnl.seen, pnl.mark_seq) == (a.seq - 1, a.seq)


def test_what_is_sold_out_is_held_no_more() -> None:
    """Given a position that is closed, then nothing is held and no price is asked for."""
    a = Account("L-01", BIG)
    a.fill(10, 10_000)
    a.fill(-10, 10_050)
    assert (a.memory.pnl.held, a.memory.pnl.gain(), a.memory.pnl.mark_seq) == ({}, 500, 0)


@pytest.mark.parametrize("px", [0, -1])
def test_what_is_held_without_a_price_has_no_gain(px: int) -> None:
    """Given a position in an instrument without a price, or with a senseless one, then there is no number; a price of one unit is a number."""
    a = Account("L-01", BIG)
    a.fill(10, 10_000)
    assert a.memory.pnl.gain() is None
    assert a.price(px).memory.pnl.gain() is None
    assert a.memory.pnl.mark_seq == 0
    assert a.price(1).memory.pnl.gain() == 10 - 100_000


def test_a_missing_price_forgets_which_price_was_seen() -> None:
    """Given an answer that rested on a price, when the next has no number, then it rests on none."""
    a = Account("L-01", BIG)
    a.fill(10, 10_000)
    a.price(10_000)
    assert a.memory.pnl.gain() == 0
    a.fill(10, 10_000, instrument=1)
    assert (a.memory.pnl.gain(), a.memory.pnl.mark_seq) == (None, 0)


def test_the_newest_of_several_prices_is_named() -> None:
    """Given two instruments, when the first ticks before the second and then after it, then the newer seq is named."""
    a = Account("L-01", BIG)
    a.fill(10, 10_000)
    a.fill(10, 10_000, instrument=1)
    a.price(10_000, trades(10_000, instrument=1))
    a.memory.pnl.gain()
    assert a.memory.pnl.mark_seq == a.seq
    a.price(10_000)
    a.memory.pnl.gain()
    assert a.memory.pnl.mark_seq == a.seq


@pytest.mark.parametrize(
    ("scope", "member", "gained"),
    [
        (Scope.ACCOUNT, "", -34), (Scope.STRATEGY, "s0", -6), (Scope.STRATEGY, "s1", -17), (Scope.STRATEGY, "operator", -11), (Scope.INSTRUMENT, "X", -17),
        (Scope.INSTRUMENT, "Y", -17), (Scope.CLASS, "equity", -34), (Scope.VENUE, "SIM", -34), (Scope.VENUE, "DERIV", 0),
    ],
)  # fmt: skip
def test_each_member_counts_its_own_fills(scope: Scope, member: str, gained: int) -> None:
    """Given fills of two strategies and a person in two instruments with fees that tell them apart, then each scope adds up its own."""
    a = Account("L-01", BIG, scope=scope, member=member)
    a.price(10_000, trades(10_000, instrument=1))
    a.fill(1, 10_000, fee=6)
    a.fill(1, 10_000, strategy=1, fee=0)
    a.fill(1, 10_000, instrument=1, strategy=1, fee=17)
    a.fill(1, 10_000, strategy=-1, fee=11)
    assert a.memory.pnl.gain() == gained


def test_a_foreign_trade_counts_for_the_account_and_for_persons() -> None:
    """Given a trade that no order explains, then the account and the operator hold it, and no strategy."""
    for scope, member, held in ((Scope.ACCOUNT, "", {0: -5}), (Scope.STRATEGY, "operator", {0: -5}), (Scope.STRATEGY, "s0", {})):
        a = Account("L-01", BIG, scope=scope, member=member)
        a.fold(ExternalTradeObserved(NOW, 0, 0, NOW, "x", Side.SELL, 10_000, 5, ""))
        assert a.memory.pnl.held == held


def test_a_busted_fill_is_undone_but_its_fee_is_not() -> None:
    """Given a fill with a fee that never happened, then only the fee remains."""
    a = Account("L-01", BIG)
    sent = a.fill(10, 10_000, fee=7)
    a.fold(FillBusted(NOW, 0, sent, NOW, "b1", "e1"))
    assert (a.memory.pnl.held, a.memory.pnl.gain()) == ({}, -7)


def test_a_fee_in_another_currency_has_no_value_here() -> None:
    """Given a fee in BTC, then the gain in USD is without it; a fee with fewer digits counts in full."""
    a = Account("L-01", BIG)
    a.fill(1, 10_000, fee=7, currency="BTC")
    a.fill(-1, 10_000, fee=7, digits=1)
    assert a.memory.pnl.gain() == -70


def test_what_settles_in_another_currency_leaves_no_number() -> None:
    """Given a position that settles in BTC in an account whose first instrument settles in USD, then there is no number, even when it is closed."""
    a = Account("L-01", BIG)
    a.price(trades(10_000, instrument=2))
    a.fill(1, 10_000, instrument=2)
    assert (a.memory.pnl.foreign, a.memory.pnl.held, a.memory.pnl.gain()) == (True, {}, None)
    a.fill(-1, 10_000, instrument=2)
    assert a.memory.pnl.gain() is None


def test_an_inverse_instrument_gains_in_its_own_currency() -> None:
    """Given 3 inverse contracts bought at 1,000.0, when the price is 2,000.0, then 0.0015 BTC are gained."""
    a = Account("L-01", BIG, scope=Scope.INSTRUMENT, member="XBT")
    a.fill(3, 10_000, instrument=2)
    a.price(trades(20_000, instrument=2))
    assert (a.memory.pnl.currency, a.memory.pnl.gain()) == ("BTC", 150_000)


@pytest.mark.parametrize(("scope", "member", "paid"), [(Scope.ACCOUNT, "", 9), (Scope.INSTRUMENT, "X", 0), (Scope.STRATEGY, "s0", 0)])
def test_a_fee_that_belongs_to_no_fill_is_the_accounts_alone(scope: Scope, member: str, paid: int) -> None:
    """Given a fee by itself, then the account pays it, and it is the newest event there."""
    a = Account("L-01", BIG, scope=scope, member=member)
    seq = a.fold(FeeCharged(NOW, 0, "USD", 9, 2, ""))
    assert (a.memory.pnl.gain(), a.memory.pnl.seen) == (-paid, seq if paid else 0)


@pytest.mark.parametrize(
    ("scope", "member", "paid"),
    [
        (Scope.ACCOUNT, "", 7), (Scope.INSTRUMENT, "X", 7), (Scope.INSTRUMENT, "Y", 0), (Scope.CLASS, "crypto", 0),
        (Scope.STRATEGY, "s0", 2), (Scope.STRATEGY, "s1", 5), (Scope.STRATEGY, "operator", 0),
    ],
)  # fmt: skip
def test_funding_belongs_to_who_holds_the_instrument(scope: Scope, member: str, paid: int) -> None:
    """Given 3 and 7 held by two strategies, when 7 are paid, then 2.1 and 4.9 are theirs, half-even, and 7 the account's and the instrument's."""
    a = Account("L-01", BIG, scope=scope, member=member)
    a.price(10_000)
    a.fill(3, 10_000)
    a.fill(7, 10_000, strategy=1)
    before = a.memory.pnl.seen
    seq = a.fold(FundingPaid(NOW, 0, 0, "USD", 7, 2))
    inside = (scope, member) not in ((Scope.INSTRUMENT, "Y"), (Scope.CLASS, "crypto"))
    assert (a.memory.pnl.gain(), a.memory.pnl.seen) == (-paid, seq if inside else before)


def test_funding_of_strategies_that_offset_each_other_is_nobodys() -> None:
    """Given two strategies whose positions add up to nothing, then funding is no strategy's."""
    a = Account("L-01", BIG, scope=Scope.STRATEGY, member="s0")
    a.price(10_000)
    a.fill(3, 10_000)
    a.fill(-3, 10_000, strategy=1)
    a.fold(FundingPaid(NOW, 0, 0, "USD", 7, 2))
    assert a.memory.pnl.gain() == 0


def test_what_moved_is_told_until_somebody_resets_it() -> None:
    """Given changes in one and in two instruments, then the one is named, or that there were several."""
    a = Account("L-01", BIG)
    pnl: Pnl = a.memory.pnl
    assert pnl.moved == SEVERAL
    pnl.moved = NOTHING
    a.fill(1, 10_000)
    a.fill(1, 10_000)
    assert pnl.moved == 0
    a.fill(1, 10_000, instrument=1)
    assert pnl.moved == SEVERAL
    a.fill(1, 10_000, instrument=1)
    assert pnl.moved == SEVERAL


def _late(scope: Scope, member: str, *fills: tuple[int, int, int]) -> Pnl:
    """A fold that begins after these fills (quantity, instrument, strategy) at 100.00, with a last price of 100.10."""
    a = Account("L-01", BIG, scope=Scope.INSTRUMENT, member="X")
    a.price(10_010, trades(10_010, instrument=1))
    for qty, instrument, strategy in fills:
        a.fill(qty, 10_000, instrument=instrument, strategy=strategy)
    opened = a.book._bind(a.book.rules["L-01"], scope, member)
    return Pnl(opened, a.state)


@pytest.mark.parametrize(
    ("scope", "member", "held"),
    [
        (Scope.ACCOUNT, "", {0: 4, 1: 2}), (Scope.INSTRUMENT, "Y", {1: 2}), (Scope.STRATEGY, "s0", {0: 3}), (Scope.STRATEGY, "operator", {0: 1}),
        (Scope.VENUE, "DERIV", {}),
    ],
)  # fmt: skip
def test_a_fold_that_begins_late_starts_from_what_is_held(scope: Scope, member: str, held: dict[int, int]) -> None:
    """Given positions from before, then they are held with no money moved, so that the gain starts at their value."""
    pnl = _late(scope, member, (3, 0, 0), (2, 1, 1), (1, 0, -1), (1, 1, 0), (-1, 1, 0))
    assert (pnl.held, pnl.cash, pnl.foreign, pnl.realised) == (held, 0, False, None)
    assert pnl.gain() == sum(q * 10_010 for q in held.values())


def test_a_late_fold_over_another_currency_has_no_number() -> None:
    """Given a position that settles in BTC from before, then an account fold in USD has no number."""
    assert _late(Scope.ACCOUNT, "", (1, 2, 0)).foreign
    assert not _late(Scope.VENUE, "SIM", (1, 2, 0)).foreign


def test_a_scope_without_instruments_has_no_currency() -> None:
    """Given a class that no instrument has, then nothing is counted and nothing fails."""
    pnl = _late(Scope.CLASS, "bonds", (1, 0, 0))
    assert (pnl.currency, pnl.digits, pnl.gain()) == ("", 0, 0)


def realised(a: Account) -> Fraction:
    """What was realised since the fold began flat."""
    num, den = a.memory.pnl.realised.total()
    assert den > 0
    return Fraction(num, den)


def test_realised_profit_is_that_of_average_cost_less_fees() -> None:
    """Given 3 bought at 100.00 and 1 at 101.00, when 2 are sold at 103.00 with a fee of 0.05, then 6.00 − 0.50 − 0.05 are realised."""
    a = Account("L-01", BIG, BIG)
    a.fill(3, 10_000)
    a.fill(1, 10_100)
    assert realised(a) == 0
    a.fill(-2, 10_300, fee=5)
    assert realised(a) == 600 - 50 - 5
    a.fill(-3, 10_000)
    assert realised(a) == 545 - 50
    a.fold(FeeCharged(NOW, 0, "USD", 9, 2, ""))
    assert realised(a) == 486


def test_realised_profit_stays_exact_in_thirds() -> None:
    """Given a cost that does not divide, then nothing is rounded."""
    a = Account("L-01", BIG, BIG)
    a.fill(2, 10_000)
    a.fill(1, 10_001)
    a.fill(-1, 10_001)
    assert realised(a) == Fraction(2, 3)


def sold(fold: Realised) -> Fraction:
    """What selling 2 X at 100.00 realises."""
    before = Fraction(*fold.total())
    fold.trade(0, -2, -20_000)
    return Fraction(*fold.total()) - before


def test_realised_profit_that_begins_late_starts_at_the_average_cost() -> None:
    """Given 2 at 100.00 and 1 at 101.00 held by one strategy and another, then each one's part of the average counts as its cost."""
    a = Account("L-01", BIG)
    a.fill(2, 10_000)
    a.fill(1, 10_100, strategy=1)
    assert sold(Realised({0: 2}, a.state)) == 20_000 - Fraction(30_100 * 2, 3)


def test_realised_profit_of_offset_strategies_begins_at_the_mark() -> None:
    """Given two strategies that hold each other's opposite, then the price of now is the cost of each; without a price it is nothing."""
    a = Account("L-01", BIG)
    a.fill(2, 10_000)
    a.fill(-2, 10_000, strategy=1)
    assert sold(Realised({0: 2}, a.state)) == 20_000
    for px in (1, 10_050):
        a.price(px)
        assert sold(Realised({0: 2}, a.state)) == 20_000 - 2 * px


def test_an_inverse_instrument_without_a_price_costs_nothing() -> None:
    """Given strategies that hold each other's opposite of an inverse contract without a price, then its cost is nothing, and nothing fails."""
    a = Account("L-01", BIG, scope=Scope.INSTRUMENT, member="XBT")
    a.fill(2, 10_000, instrument=2)
    a.fill(-2, 10_000, instrument=2, strategy=1)
    assert Realised({2: 2}, a.state).total() == (0, 1)


@given(
    fills=st.lists(st.tuples(st.integers(-9, 9).filter(bool), st.integers(9_000, 11_000), st.integers(0, 1), st.integers(0, 5)), max_size=12),
    last=st.tuples(st.integers(1, 20_000), st.integers(1, 20_000)),
)
def test_the_gain_is_the_sum_over_all_fills_at_the_last_price(fills: list[tuple[int, int, int, int]], last: tuple[int, int]) -> None:
    """Given any fills, then the gain is the sum of quantity times the way from its price to the last one, less the fees."""
    a = Account("L-01", BIG, OFF)
    a.price(trades(last[0]), trades(last[1], instrument=1))
    for qty, px, instrument, fee in fills:
        a.fill(qty, px, instrument=instrument, fee=fee)
    assert a.memory.pnl.gain() == sum(q * (last[i] - px) - fee for q, px, i, fee in fills)
