"""Gross exposure, in money and per equity: at the limit, one over, without a price, and against a recount."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.events import OrderDenied, TradingHalted
from domain.risk import KNOWN, limits_of
from domain.terms import OrderType, Scope, Side, TimeInForce
from tests.domain.harness import World, trades
from tests.domain.risk.portfolio import CASH, DOLLARS, Case, Portfolio, cases, limit, numbers, value, wish

AT = {0: (10_000,), 1: (2_000,), 2: (500,), 3: (8_000,)}


@pytest.mark.parametrize(("most", "passed"), [(100_000 + 60_000, True), (100_000 + 60_000 - 1, False), (0, False)])
def test_gross_exposure_at_the_limit_and_one_over(most: int, passed: bool) -> None:
    """Given 3 Y at 20.00 times 10, when 10 X at 100.00 are ordered, then gross is 1,600.00."""
    assert numbers("R-09", Portfolio().hold(1, 1, 3), AT, most) == (passed, 160_000, most)


def test_a_short_counts_as_much_as_a_long() -> None:
    """Given a short, then it adds to a long and takes nothing off."""
    assert numbers("R-09", Portfolio().hold(1, 1, -3), AT, 160_000) == (True, 160_000, 160_000)
    assert numbers("R-09", Portfolio().hold(1, 1, -3), AT, 160_000, side=-1) == (True, 160_000, 160_000)


@pytest.mark.parametrize("rule", ["R-09", "R-09b"])
def test_what_has_no_price_fails_but_a_reduction_passes(rule: str) -> None:
    """Given another position without a price, then an order fails, and one that only reduces passes, both without a number."""
    at = {0: (10_000,)}
    assert numbers(rule, Portfolio().hold(0, 1, 1), at, 10**12) == (False, -1, 10**12)
    assert numbers(rule, Portfolio().hold(0, 1, 1).hold(0, 0, 10), at, 10**12, side=-1) == (True, -1, 10**12)
    assert numbers(rule, Portfolio(), {}, 10**12, limit_px=0) == (False, -1, 10**12)


@pytest.mark.parametrize("rule", ["R-09", "R-09b"])
def test_a_reduction_passes_over_the_limit_with_its_number(rule: str) -> None:
    """Given far too much already, then selling a part of it passes, and selling more than all of it does not."""
    held = Portfolio().hold(0, 0, 20)
    passed, observed, _ = numbers(rule, held, AT, 0, side=-1, qty=20)
    assert passed
    assert observed == (200_000 if rule == "R-09" else 1)
    assert not numbers(rule, held, AT, 0, side=-1, qty=21)[0]


@pytest.mark.parametrize(
    ("qty", "most", "expected"),
    [(10_000, 100, (True, 100, 100)), (10_001, 100, (False, 101, 100)), (10_001, 101, (True, 101, 101)), (1, 1, (True, 1, 1)), (1, 0, (False, 1, 0))],
)
def test_gross_per_equity_is_rounded_up_to_whole_percents(qty: int, most: int, expected: tuple[bool, int, int]) -> None:
    """Given 1,000,000.00 of equity, when 10,000 X at 100.00 are ordered, then that is 100 %, and one more is 101 %."""
    assert numbers("R-09b", Portfolio(), AT, most, qty=qty) == expected


@pytest.mark.parametrize(("px", "passed", "observed"), [(1_001, True, 1_000), (1_000, False, -1), (999, False, -1)])
def test_without_equity_nothing_is_allowed(px: int, passed: bool, observed: int) -> None:
    """Given 100,000 X bought at 20.00 in an account of 1,000,000.00, then at 10.01 there is equity of 1,000.00, and at 10.00 and less there is none."""
    held = Portfolio().hold(0, 0, 100_000, 2_000)
    assert numbers("R-09b", held, {0: (px,), 1: (2_000,)}, 10**12, i=1, qty=1, limit_px=2_000)[0] is passed
    check = KNOWN["R-09b"].check(wish(held, {0: (px,), 1: (1,)}, i=1, qty=90, limit_px=1), limit("R-09b", 10**12))
    assert (check.observed == -1) is (observed == -1)


def test_the_smallest_equity_is_enough_to_have_a_number() -> None:
    """Given equity of one cent, then 2.00 of exposure are 20,000 %."""
    held = Portfolio().hold(0, 0, 1, CASH)
    assert numbers("R-09b", held, {0: (1,), 1: (1,)}, 10**12, i=1, qty=10, limit_px=1) == (True, 100 * 101, 10**12)


@pytest.mark.parametrize(
    ("scope", "member", "observed"),
    [(Scope.ACCOUNT, "", 160_000), (Scope.VENUE, "SIM", 160_000), (Scope.CLASS, "equity", 160_000), (Scope.STRATEGY, "s0", 100_000), (Scope.STRATEGY, "s1", 0)],
)  # fmt: skip
def test_each_scope_has_its_own_sum(scope: Scope, member: str, observed: int) -> None:
    """Given a position of s1 and an order of s0, then s0 answers for its own only; a reduction is judged by the owner's position."""
    if member != "s1":
        assert numbers("R-09", Portfolio().hold(1, 1, 3), AT, 10**9, scope=scope, member=member) == (True, observed, 10**9)


def test_a_strategy_that_reduces_the_account_may_grow_itself_and_is_stopped() -> None:
    """Given s1 long, when s0 sells as much, then that reduces the account but not s0, whose own limit stops it."""
    held = Portfolio().hold(1, 0, 10)
    assert numbers("R-09", held, AT, 0, side=-1)[0]
    assert not numbers("R-09", held, AT, 0, scope=Scope.STRATEGY, member="s0", side=-1)[0]


def test_the_answer_names_the_newest_price() -> None:
    """Given prices with seq 2 to 5, then the check says on which the number rests."""
    assert KNOWN["R-09"].check(wish(Portfolio().hold(1, 1, 3), AT), limit("R-09", 1)).seen == 3
    assert KNOWN["R-09b"].check(wish(Portfolio().hold(1, 1, 3), AT), limit("R-09b", 1)).seen == 3


def test_working_orders_count_from_the_intent_on() -> None:
    """Given a limit of 2,000.00, when three orders of 1,000.00 are sent without any answer, then the third is denied and nothing is halted."""
    world = World(limits=limits_of(Scope.ACCOUNT, (), {"max_gross": (200_000,)})).tick(trades(10_000))
    for _ in range(3):
        world.engine.desk.submit(-1, 0, Side.BUY, 10, OrderType.LIMIT, 10_000, 0, 0, TimeInForce.GTC, 0, False, False, "ann")
    assert len(world.sent) == 2
    (denied,) = world.of(OrderDenied)
    assert denied.reason == "GROSS_EXPOSURE"
    assert [c.observed for c in denied.checks if c.rule == "R-09"] == [300_000]
    assert not world.of(TradingHalted)


@given(cases(scopes=KNOWN["R-09"].scopes), st.integers(0, 3_000_000), st.integers(0, 5))
def test_gross_exposure_agrees_with_a_recount(case: Case, most: int, pct: int) -> None:
    """Given any account, prices and order, then the order passes exactly when the recounted gross is within the limit, or it reduces."""
    total = sum(case.gross(i) for i in case.instruments) if case.countable else None
    check = KNOWN["R-09"].check(case.p, limit("R-09", most, scope=case.scope, member=case.member, state=case.portfolio.state))
    assert check.observed == (-1 if total is None else total)
    assert check.passed is (case.reducing or (total is not None and total <= most))
    check = KNOWN["R-09b"].check(case.p, limit("R-09b", pct, scope=case.scope, member=case.member, state=case.portfolio.state))
    own: int | None = case.portfolio.cash()
    for i in DOLLARS:
        qty = case.portfolio.position(i, None)
        seen = case.prices.get(i, ())
        prints = [px for px in seen if not isinstance(px, tuple)]
        px = prints[-1] if prints else ((seen[-1][0] + seen[-1][1]) // 2 if seen else 0)
        if qty and own is not None:
            own = own + value(i, px, qty) if px else None
    if total is None or own is None:
        assert (check.passed, check.observed) == (case.reducing, -1)
    else:
        assert check.passed is (case.reducing or total * 100 <= pct * own)
        assert (check.observed - 1) * own < total * 100 <= check.observed * own
