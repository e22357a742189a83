"""What could be held at worst, and what that is worth: by hand, and against a recount."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given

from domain.limits import Check, Limit
from domain.risk import RULES, Book, Bound, Proposal
from domain.risk.exposure import (
    Measure,
    equity,
    exposed,
    fits,
    fits_gross,
    fits_total,
    held_qty,
    mark,
    no_number,
    open_qty,
    order_px,
    others,
    reach,
    reduces,
    standing,
    worth,
)  # fmt: skip
from domain.state import State
from domain.terms import Scope
from domain.value import Contract
from tests.domain.harness import opening
from tests.domain.risk.portfolio import (
    CASH,
    DOLLARS,
    INSTRUMENTS,
    Case,
    I,
    Portfolio,
    X,
    Y,
    cases,
    limit,
    marked,
    market,
    notional,
    value,
    wish,
)

AT = {0: (10_000,), 1: (2_000,), 2: (500,), 3: (8_000,)}
ACCOUNT = limit("R-09", 0)


class Twice(Measure):
    """A measure that tells buys from sells."""

    def qty(self, held: int, buys: int, sells: int) -> int:
        return held + 2 * buys + 3 * sells


twice = Twice()


def found(check: Check) -> tuple[int, int] | None:
    """The amount that was compared and the event it rests on; None where it has no number."""
    return None if check.observed == -1 and not check.seen else (check.observed, check.seen)


def total(p: Proposal, b: Bound, measure: Measure) -> tuple[int, int] | None:
    return found(fits_total(p, b, measure))


def gross(p: Proposal, b: Bound) -> tuple[int, int] | None:
    return found(fits_gross(p, b))


def gross_parts(p: Proposal, b: Bound) -> tuple[int, int, int] | None:
    s = standing(p, b)
    return (s.gross_rest, s.gross_own, s.gross_seen) if s.gross(p) else None


def everything() -> Portfolio:
    """5 X of s0, -3 X of s1, 4 X of persons, 2 X of others; s0 works a buy of 7 and a sell of 2, s1 a buy of 1."""
    portfolio = Portfolio().hold(0, 0, 5).hold(1, 0, -3).hold(-1, 0, 4)
    portfolio.external(0, 2)
    portfolio.send(0, 0, 1, 7)
    portfolio.send(0, 0, -1, 2)
    portfolio.send(1, 0, 1, 1)
    return portfolio


@pytest.mark.parametrize(("strategy", "held", "buys", "sells"), [(-2, 8, 8, 2), (0, 5, 7, 2), (1, -3, 1, 0), (-1, 6, 0, 0)])
def test_the_account_each_strategy_and_persons_have_their_own_position_and_orders(strategy: int, held: int, buys: int, sells: int) -> None:
    """Given positions and orders of several owners, then each is asked for its own; what no strategy owns is a person's."""
    portfolio = everything()
    p = wish(portfolio, AT)
    assert held_qty(portfolio.state, strategy, 0) == held
    assert open_qty(p, strategy, 0) == (buys, sells)
    assert reach(p, strategy, 0) == (held + buys, sells - held)
    assert open_qty(p, strategy, 1) == (0, 0)


@pytest.mark.parametrize(("side", "buys", "sells"), [(1, 1, 2), (-1, 8, 0)])
def test_the_order_being_replaced_does_not_count_in_its_own_instrument(side: int, buys: int, sells: int) -> None:
    """Given a replacement, then the old order's open part is taken off its side, and nothing in other instruments."""
    portfolio = everything()
    old = next(o for o in portfolio.state.orders.working(0, 0) if o.side == side)
    portfolio.send(0, 1, 1, 9)
    p = wish(portfolio, AT, replaced=old, side=side)
    assert open_qty(p, -2, 0) == (buys, sells)
    assert open_qty(p, 0, 1) == (9, 0)


@pytest.mark.parametrize(
    ("held", "working", "side", "qty", "expected"),
    [
        (-10, 0, 1, 10, True), (-10, 0, 1, 11, False), (-10, 3, 1, 7, True), (-10, 3, 1, 8, False), (-10, 0, -1, 1, False), (10, 0, -1, 10, True),
        (10, 0, -1, 11, False), (10, -3, -1, 7, True), (10, -3, -1, 8, False), (10, 0, 1, 1, False), (-10, 0, 1, 0, False), (-10, 0, 1, 1, True),
        (0, 0, 1, 1, False), (10, 5, -1, 10, True), (-10, 0, 1, -1, False),
    ],
)  # fmt: skip
def test_an_order_reduces_as_far_as_the_opposite_position_less_what_works_against_it(
    held: int, working: int, side: int, qty: int, expected: bool
) -> None:
    """Given a position and a working order, then an order reduces up to the rest of the position and no further."""
    portfolio = Portfolio()
    if held:
        portfolio.hold(0, 0, held)
    if working:
        portfolio.send(0, 0, 1 if working > 0 else -1, abs(working))
    p = wish(portfolio, AT, side=side, qty=qty)
    assert reduces(p, ACCOUNT) is expected
    assert p.reduces is expected
    assert reduces(p, limit("R-09", 0, scope=Scope.STRATEGY, member="s0")) is expected
    assert not reduces(p, limit("R-09", 0, scope=Scope.STRATEGY, member="s1"))


@pytest.mark.parametrize(("reduce_only", "qty", "expected"), [(True, 9, True), (True, 10, False), (False, 9, False), (False, 1, False)])
def test_the_replacement_of_a_reduce_only_order_may_keep_what_it_works_for(reduce_only: bool, qty: int, expected: bool) -> None:
    """Given two sells of 9 against a position of 9, when one is replaced, then it reduces by as much as before if it is reduce-only."""
    portfolio = Portfolio().hold(0, 0, 9)
    portfolio.send(0, 0, -1, 9)
    old = portfolio.order(portfolio.send(0, 0, -1, 9))
    p = wish(portfolio, AT, side=-1, qty=qty, replaced=old, reduce_only=reduce_only)
    assert reduces(p, limit("R-09", 0, scope=Scope.STRATEGY, member="s0")) is expected


def test_alternative_exits_reduce_as_one() -> None:
    """Given a stop that works against the whole position of 9, then its target in the same group reduces too, the account and its strategy."""
    for sign in (1, -1):
        portfolio = Portfolio().hold(0, 0, sign * 9)
        portfolio.send(0, 0, -sign, 9)
        for name, shared in (("s0", {"own_shared_qty": 9}), ("", {"shared_qty": 9})):
            bound = limit("R-09", 0, scope=Scope.STRATEGY if name else Scope.ACCOUNT, member=name)
            assert [reduces(wish(portfolio, AT, side=-sign, qty=qty, **shared), bound) for qty in (9, 10)] == [True, False]
            assert not reduces(wish(portfolio, AT, side=-sign, qty=1), bound)


def test_an_instrument_is_exposed_by_a_position_or_an_order_or_what_is_replaced() -> None:
    """Given a position here, a buy there, a sell elsewhere, then these are exposed to their owner and to the account, and no other."""
    portfolio = Portfolio().hold(0, 0, 5)
    portfolio.send(1, 1, 1, 1)
    portfolio.send(0, 2, -1, 1)
    p = wish(portfolio, AT)
    assert [[exposed(p, strategy, i) for i in range(4)] for strategy in (-2, 0, 1)] == [
        [True, True, True, False],
        [True, False, True, False],
        [False, True, False, False],
    ]
    flat = Portfolio()
    flat.send(0, 0, 1, 1)
    p = wish(flat, AT, replaced=next(flat.state.orders.working()))
    assert exposed(p, -2, 0)
    assert not exposed(p, -2, 1)


@pytest.mark.parametrize(
    ("i", "limit_px", "stop_px", "seen", "side", "px"),
    [
        (0, 10_000, 0, (9_000,), 1, 10_000), (0, 10_000, 0, (10_001,), 1, 10_001), (0, 0, 9_500, (9_000,), 1, 9_500), (0, 0, 0, (9_000,), 1, 9_000),
        (0, 0, 0, (), 1, 0), (0, 10_000, 0, (), 1, 10_000), (0, 0, 0, ((9_000, 9_100),), 1, 9_100), (0, 0, 0, ((9_000, 9_100),), -1, 9_000),
        (3, 10_000, 0, (9_000,), 1, 9_000), (3, 8_000, 0, (9_000,), 1, 8_000), (3, 8_000, 0, (), 1, 8_000), (3, 0, 0, (9_000,), 1, 9_000),
        (3, 0, 0, (), 1, 0),
    ],
)  # fmt: skip
def test_an_order_is_valued_at_the_worse_of_its_price_and_the_reference(
    i: int, limit_px: int, stop_px: int, seen: tuple[Any, ...], side: int, px: int
) -> None:
    """Given a price, a reference, both or none, then the higher counts, of an inverse contract the lower."""
    assert order_px(wish(Portfolio(), {i: seen}, i, side, limit_px=limit_px, stop_px=stop_px)) == px


@pytest.mark.parametrize(
    ("seen", "linear", "inverse"),
    [((), 0, 0), ((9_000,), 9_000, 9_000), (((9_000, 9_100),), 9_100, 9_000), ((9_500, (9_000, 9_100)), 9_100, 9_000), (((9_000, 9_100), 9_500), 9_500, 9_500)],
)  # fmt: skip
def test_an_exposure_is_marked_at_the_newer_price_on_the_dearer_side(seen: tuple[Any, ...], linear: int, inverse: int) -> None:
    """Given trades and quotes, then the newer counts, a quote by the side that makes the contract worth more; both this and the test's twin."""
    for i, px in ((0, linear), (3, inverse)):
        p = wish(Portfolio(), {i: seen}, i)
        assert mark(p, i) == (px, 1 + len(seen) if seen else 0)
        assert marked(seen, INSTRUMENTS[i]) == px


def test_a_quantity_is_worth_its_contract_value_with_its_own_sign() -> None:
    """Given linear and inverse contracts, then a long is worth more than nothing and a short less."""
    assert [worth(Contract(Y), 2_000, 3), worth(Contract(Y), 2_000, -3)] == [60_000, -60_000]
    assert [worth(Contract(I), 8_000, 200), worth(Contract(I), 8_000, -200)] == [250, -250]
    assert [value(1, 2_000, 3), value(3, 8_000, 200)] == [60_000, -250]


@pytest.mark.parametrize(
    ("scope", "member", "i", "expected"),
    [
        (Scope.ACCOUNT, "", 0, 9 * 20_000 + 6 * 500), (Scope.VENUE, "SIM", 0, 9 * 20_000), (Scope.VENUE, "EUREX", 2, 0),
        (Scope.CLASS, "equity", 0, 9 * 20_000), (Scope.CLASS, "future", 3, 6 * 500), (Scope.STRATEGY, "s0", 0, 2 * 20_000 + 6 * 500),
        (Scope.STRATEGY, "s1", 0, 7 * 20_000), (Scope.INSTRUMENT, "X", 0, 0),
    ],
)  # fmt: skip
def test_the_others_of_a_scope_are_added_up_by_the_measure(scope: Scope, member: str, i: int, expected: int) -> None:
    """Given positions and orders in several instruments, then those in scope beside the order's own count, each by its own price."""
    portfolio = Portfolio().hold(0, 0, 100).hold(1, 1, 4)
    portfolio.send(0, 1, 1, 1)
    portfolio.send(1, 1, -1, 1)
    portfolio.send(0, 2, -1, 2)
    rule = "R-13b" if scope is Scope.INSTRUMENT else "R-09"
    added = others(wish(portfolio, AT, i), limit(rule, 0, scope=scope, member=member), twice)
    assert added is not None
    assert added[0] == expected


def test_what_rests_on_a_price_names_the_newest() -> None:
    """Given positions priced at seq 2, 3 and 4, then the sum names the newest price that it rests on."""
    portfolio = Portfolio().hold(0, 0, 1).hold(0, 1, 1).hold(0, 2, 1)
    for order in ((0, 1, 2), (2, 1, 0), (1, 2, 0)):
        p = wish(portfolio, {i: AT[i] for i in order}, 0)
        at = {i: n + 2 for n, i in enumerate(order)}
        assert others(p, ACCOUNT, twice) == (20_000 + 500, max(at[1], at[2]))
        assert total(p, ACCOUNT, twice) == (20_000 + 500 + 10_000 + 100_000, 4)
        assert gross(p, ACCOUNT) == (20_000 + 500 + 110_000, 4)


@pytest.mark.parametrize(("i", "prices"), [(1, {0: (10_000,)}), (1, {0: (10_000,), 1: ((0, 0),)}), (4, {0: (10_000,), 4: (10_000,)})])
def test_an_exposure_without_a_price_or_in_other_money_has_no_number(i: int, prices: dict[int, tuple[Any, ...]]) -> None:
    """Given a position that has no price, or settles in another currency, then nothing is added up; without that position it is."""
    p = wish(Portfolio().hold(0, i, 1), prices)
    assert others(p, ACCOUNT, twice) is None
    assert total(p, ACCOUNT, twice) is None
    assert gross_parts(p, ACCOUNT) is None
    assert gross(p, ACCOUNT) is None
    assert others(wish(Portfolio().hold(0, i, 1).hold(0, i, -1), prices), ACCOUNT, twice) == (0, 0)


@pytest.mark.parametrize(("px", "expected"), [(1, 1), (0, None), (-1, None)])
def test_a_price_that_is_not_positive_is_none(px: int, expected: int | None) -> None:
    """Given a last trade at, above or below zero, then a position, held or ordered, is valued only above."""
    prices = {0: (10_000,), 2: (px,)}
    held = Portfolio().hold(0, 2, 1)
    added = others(wish(held, prices), ACCOUNT, twice)
    assert (added and added[0]) == expected
    assert equity(wish(held, prices)) == (None if expected is None else CASH - 10_000 + 1)
    for amt in (total(wish(held, prices, 2), ACCOUNT, twice), gross(wish(held, prices, 2), ACCOUNT)):
        assert (amt and amt[0]) == (None if expected is None else 1 + 100_000)
    for amt in (total(wish(Portfolio(), prices, 2, limit_px=px), ACCOUNT, twice), gross(wish(Portfolio(), prices, 2, limit_px=px), ACCOUNT)):
        assert (amt and amt[0]) == (None if expected is None else 10)


def test_other_digits_of_the_same_currency_have_no_number() -> None:
    """Given two instruments that count dollars in different digits, then what they are worth is not added up, nor is the equity told."""
    specs = (X, msgspec.structs.replace(Y, amt_digits=3))
    portfolio = Portfolio()
    portfolio.state = State(opening(2, specs))
    portfolio.hold(0, 1, 1)
    p = wish(portfolio, AT)
    bound = Book(opening(2, specs, (Limit(1, "R-09", Scope.ACCOUNT, (), (0,)),)), portfolio.state, RULES).bound("R-09", Scope.ACCOUNT, "")
    assert bound is not None
    assert others(p, bound, twice) is None
    assert equity(p) is None


@pytest.mark.parametrize("i", [0, 3])
def test_the_orders_own_instrument_needs_a_mark_only_where_something_is_exposed(i: int) -> None:
    """Given no market price but a limit, then a first order is valued at its limit, and one on top of a position has no number."""
    first = wish(Portfolio(), {}, i, qty=8, limit_px=8_000)
    expected = notional(i, 8_000, 8)
    assert gross_parts(first, ACCOUNT) == (0, expected, 0)
    assert total(first, ACCOUNT, twice) == (expected, 0)
    for held in (1, -1):
        more = wish(Portfolio().hold(0, i, held), {}, i, qty=8, limit_px=8_000)
        assert gross_parts(more, ACCOUNT) is None
        assert total(more, ACCOUNT, twice) is None


@pytest.mark.parametrize(
    ("held", "buys", "sells", "side", "qty", "expected"),
    [
        (0, 0, 0, 1, 3, 33), (5, 2, 1, 1, 3, 70 + 33), (5, 2, 1, -1, 3, 70), (5, 0, 9, -1, 3, 40 + 33), (-5, 0, 0, 1, 5, 50), (-1, 0, 0, 1, 1, 10), (-5, 0, 0, 1, 6, 50),
        (-5, 0, 0, 1, 11, 66), (-5, 1, 0, 1, 9, 55), (-5, 0, 2, -1, 1, 70 + 11), (5, 0, 0, -1, 11, 66),
    ],
)  # fmt: skip
def test_gross_is_the_larger_side_with_the_order_on_top_at_its_own_price(
    held: int, buys: int, sells: int, side: int, qty: int, expected: int
) -> None:
    """Given marks at 10 and an order at 11, then what is held counts at 10 and what the order adds beyond flat at 11."""
    portfolio = Portfolio()
    if held:
        portfolio.hold(0, 0, held)
    for n, sign in ((buys, 1), (sells, -1)):
        if n:
            portfolio.send(1, 0, sign, n)
    assert gross_parts(wish(portfolio, {0: (10,)}, side=side, qty=qty, limit_px=11), ACCOUNT) == (0, expected, 2)


def test_what_several_rules_ask_is_worked_out_once_for_an_order() -> None:
    """Given an order that was looked at, when cash, position and the order's size change, then equity and exposure stay as they were for this order."""
    portfolio = Portfolio().hold(0, 0, 5)
    p = wish(portfolio, AT)
    before = (equity(p), gross_parts(p, ACCOUNT), standing(p, ACCOUNT))
    portfolio.state.cash["USD"] += 1
    portfolio.hold(0, 0, 5)
    p.qty += 1
    assert (equity(p), gross_parts(p, ACCOUNT), standing(p, ACCOUNT)) == before
    p.place = -1
    assert standing(p, ACCOUNT) is before[2]
    p.number += 1
    p.place = -1
    assert (standing(p, ACCOUNT) is before[2], standing(p, ACCOUNT).held) == (True, 10)


def test_one_order_stands_differently_in_different_places() -> None:
    """Given positions of two strategies, then the account and each strategy are told apart, in whatever order they are asked."""
    portfolio = Portfolio().hold(0, 0, 5).hold(1, 0, -3)
    p = wish(portfolio, AT)
    bounds = [limit("R-09", 0, state=portfolio.state)] + [
        limit("R-09", 0, scope=Scope.STRATEGY, member=s, state=portfolio.state) for s in ("s0", "s1")
    ]
    for n, bound in enumerate(bounds):
        bound.place = n
    assert [standing(p, bounds[n]).held for n in (0, 1, 2, 2, 1, 0)] == [2, 5, -3, -3, 5, 2]


def test_equity_is_cash_and_every_position_in_the_same_money() -> None:
    """Given positions in dollars and euros, then the dollars count at the last print, whatever scope is asked about."""
    portfolio = Portfolio().hold(0, 0, 5, 9_000).hold(1, 1, -2, 2_100).hold(0, 3, 100, 10_000).hold(0, 4, 7)
    assert equity(wish(portfolio, AT)) == CASH - 45_000 + 42_000 + 100 + 50_000 - 40_000 - 125


def test_an_amount_fits_up_to_the_limit_or_when_the_order_reduces() -> None:
    """Given an amount at, over or without a number, then the answer has the numbers, and only a reducing order passes in spite of them."""
    grows = wish(Portfolio(), AT)
    less = wish(Portfolio().hold(0, 0, 20), AT, side=-1)
    for p, over in ((grows, False), (less, True)):
        for amt, passed in ((7, True), (8, over)):
            check = fits(p, ACCOUNT, amt, 7, 3)
            assert (check.passed, check.observed, check.limit, check.seen, check.limit_id) == (passed, amt, 7, 3, 1)
        check = no_number(p, ACCOUNT)
        assert (check.passed, check.observed, check.limit, check.seen, check.limit_id) == (over, -1, 0, 0, 1)


@given(cases())
def test_exposure_agrees_with_a_recount(case: Case) -> None:
    """Given any account, prices and order, then worst-case quantities, gross exposure, totals and equity are those of the recount."""
    bound = limit("R-09", 0, scope=case.scope, member=case.member, state=case.portfolio.state)
    p = case.p
    for i in range(5):
        position, buys, sells = case.held(i)
        assert reach(p, bound.strategy, i) == (position + buys, sells - position)
    assert reduces(p, bound) is case.reducing
    assert standing(p, bound).exposed is exposed(p, bound.strategy, case.i)
    parts = gross_parts(p, bound)
    if not case.countable:
        assert parts is None
        return
    assert parts is not None
    rest = sum(case.gross(i) for i in case.instruments if i != case.i)
    assert parts[:2] == (rest, case.gross(case.i))
    amt = total(p, bound, twice)
    if amt is not None:
        expected = notional(case.i, case.px, case.qty)
        for i in case.instruments:
            qty = twice.qty(*case.held(i))
            if qty:
                expected += notional(i, case.mark(i), abs(qty)) * (1 if qty > 0 else -1)
        assert amt[0] == expected


@given(cases(scopes=(Scope.ACCOUNT,)))
def test_equity_agrees_with_a_recount(case: Case) -> None:
    """Given any account and prices, then equity is cash plus what would be paid for every dollar position, and nothing without a price."""
    own = equity(case.p)
    expected: int | None = case.portfolio.cash()
    for i in DOLLARS:
        qty = case.portfolio.position(i, None)
        seen = case.prices.get(i, ())
        prints = [px for px in seen if not isinstance(px, tuple)]
        px = prints[-1] if prints else ((seen[-1][0] + seen[-1][1]) // 2 if seen else 0)
        if qty and expected is not None:
            expected = expected + value(i, px, qty) if px else None
    assert own == expected


def test_the_market_of_these_tests_is_the_real_one() -> None:
    """Given what the tests say was seen, then the market's reference is that."""
    seen = market({0: (9_000, (8_000, 8_100)), 1: (7,)})
    assert [seen.reference(i, 1)[0] for i in (0, 1)] == [8_100, 7]
