"""Open orders, by number and value: at the limit, one over, and against a recount over random lives of orders."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.events import OrderDenied, OrderFilled
from domain.limits import Limit
from domain.risk import KNOWN, RULES, Book
from domain.risk.bound import Bound
from domain.terms import Liquidity, OrderType, Scope, Side, TimeInForce
from tests.domain.harness import World, opening, trades
from tests.domain.risk import build
from tests.domain.risk.portfolio import INSTRUMENTS, Case, Portfolio, cases, limit, notional, numbers, wish

AT = {0: (10_000,), 1: (2_000,), 2: (500,), 3: (8_000,)}


def book() -> Portfolio:
    """Working: s0 buys 1 X, s1 buys 2 X and sells 3 X, s0 buys 4 Y; and one that is done."""
    found = Portfolio().hold(1, 0, 5)
    found.send(0, 0, 1, 1)
    found.send(1, 0, 1, 2)
    found.send(1, 0, -1, 3)
    found.send(0, 1, 1, 4)
    return found


@pytest.mark.parametrize(
    ("scope", "member", "side", "n"),
    [
        (Scope.ACCOUNT, "", 1, 4), (Scope.ACCOUNT, "", -1, 2), (Scope.INSTRUMENT, "X", 1, 3), (Scope.INSTRUMENT, "X", -1, 2),
        (Scope.STRATEGY, "s0", 1, 3), (Scope.STRATEGY, "s0", -1, 1),
    ],
)  # fmt: skip
def test_open_orders_of_one_side_at_the_limit_and_one_over(scope: Scope, member: str, side: int, n: int) -> None:
    """Given working orders, then those of the order's side and scope count, and the order itself."""
    strangers = book().hold(1, 1, 100)
    assert numbers("R-13", strangers, AT, n, scope=scope, member=member, side=side, qty=50) == (True, n, n)
    assert numbers("R-13", strangers, AT, n - 1, scope=scope, member=member, side=side, qty=50) == (False, n, n - 1)


def test_a_replacement_takes_the_place_of_the_old_order() -> None:
    """Given one buy, when it is replaced, then there is still one."""
    portfolio = Portfolio()
    old = portfolio.order(portfolio.send(0, 0, 1, 8))
    assert numbers("R-13", portfolio, AT, 1, replaced=old) == (True, 1, 1)


def test_a_reducing_order_passes() -> None:
    """Given as many as allowed, then one that only reduces passes with its number."""
    portfolio = Portfolio().hold(0, 0, 10)
    assert numbers("R-13", portfolio, AT, 0, side=-1) == (True, 1, 0)
    assert numbers("R-13b", portfolio, AT, 0, side=-1) == (True, 100_000, 0)


@pytest.mark.parametrize(
    ("scope", "member", "observed"),
    [(Scope.ACCOUNT, "", 60_000 + 80_000), (Scope.INSTRUMENT, "X", 60_000), (Scope.STRATEGY, "s0", 10_000 + 80_000), (Scope.STRATEGY, "s1", 50_000)],
)
def test_the_value_of_open_orders_at_the_limit_and_one_over(scope: Scope, member: str, observed: int) -> None:
    """Given working orders, then both sides count at the mark, and the order on top."""
    observed += 100_000
    by = {"strategy": 1} if member == "s1" else {}
    assert numbers("R-13b", book(), AT, observed, scope=scope, member=member, **by) == (True, observed, observed)
    assert numbers("R-13b", book(), AT, observed - 1, scope=scope, member=member, **by) == (False, observed, observed - 1)


def test_value_without_a_price_fails() -> None:
    """Given an order without any price in scope, then another fails."""
    portfolio = Portfolio()
    portfolio.send(0, 1, 1, 1)
    assert numbers("R-13b", portfolio, {0: (10_000,)}, 10**12) == (False, -1, 10**12)
    assert numbers("R-13b", portfolio, {0: (10_000,)}, 10**12, scope=Scope.INSTRUMENT, member="X") == (True, 100_000, 10**12)


def test_the_answer_names_what_last_changed_an_order() -> None:
    """Given an order with seq 10 that ends with seq 20, then the check names that, and before both nothing."""
    bound = limit("R-13", 1)
    portfolio = Portfolio()
    assert KNOWN["R-13"].check(wish(portfolio, AT), bound).seen == 0
    order = portfolio.order(portfolio.send(0, 0, 1, 8))
    for seq in (10, 20):
        bound.memory.evolve(None, order, seq)
        assert KNOWN["R-13"].check(wish(portfolio, AT), bound).seen == seq
        portfolio.cancel(order.cl_ord_id)
    assert not bound.memory.buys


def test_a_limit_that_comes_later_counts_what_works_already() -> None:
    """Given working orders, when the first limit is set on each scope, then it knows those that belong to it."""
    portfolio = book()
    for scope, member, buys, sells in (
        (Scope.ACCOUNT, "", 3, 1), (Scope.INSTRUMENT, "X", 2, 1), (Scope.INSTRUMENT, "Y", 1, 0), (Scope.STRATEGY, "s0", 2, 0), (Scope.STRATEGY, "s1", 1, 1)
    ):  # fmt: skip
        memory = limit("R-13", 9, scope=scope, member=member, state=portfolio.state).memory
        assert (len(memory.buys), len(memory.sells)) == (buys, sells)
        assert memory.seen == 0


def test_a_filled_order_makes_room() -> None:
    """Given room for one, when the first is filled, then the next may be sent, and a third not."""
    world = World(limits=(Limit(1, "R-13", Scope.ACCOUNT, (), (1,)),)).tick(trades(10_000))

    def send() -> None:
        world.engine.desk.submit(-1, 0, Side.BUY, 10, OrderType.LIMIT, 10_000, 0, 0, TimeInForce.GTC, 0, False, False, "ann")

    send()
    world.fill(world.sent[0], 10_000)
    send()
    send()
    assert len(world.sent) == 2
    assert [d.reason for d in world.of(OrderDenied)] == ["OPEN_ORDERS"]
    late = OrderFilled(world.engine.desk.now_ns, 0, "foreign", 0, "z", 1, 1, Liquidity.TAKER, 0, "USD", 2)
    assert len(world.step(late).sent) == 2


class Live(Portfolio):
    """A portfolio whose events reach the memories of three limits, as in a session."""

    def __init__(self) -> None:
        super().__init__()
        places = ((Scope.ACCOUNT, ""), (Scope.INSTRUMENT, "X"), (Scope.STRATEGY, "s0"))
        limits = tuple(Limit(n, "R-13", scope, (m,) if m else (), (1,)) for n, (scope, m) in enumerate(places, 1))
        self.book = Book(opening(2, INSTRUMENTS, limits), self.state, RULES)
        self.bounds: list[Bound] = self.book.bounds("R-13")
        fold = self.state.evolve

        def evolve(event: object) -> None:
            fold(event)  # type: ignore[arg-type]
            self.book.evolve(event, self.state.order, 1)

        self.state.evolve = evolve  # type: ignore[method-assign,assignment]


@given(st.lists(st.tuples(st.sampled_from(["send", "fill", "cancel", "unknown", "ask", "bust"]), st.integers(0, 9), st.integers(1, 9)), max_size=30))
def test_the_memory_agrees_with_the_orders_that_may_still_trade(steps: list[tuple[str, int, int]]) -> None:
    """Given random lives of orders, then after every event the memory of each scope holds the open orders of each side, no more and no less."""
    live = Live()
    for kind, which, qty in steps:
        alive = [n for n, o in live.orders.items() if o.left]
        if kind == "send" or not alive:
            live.send(which % 3 - 1, which % 2, 1 if qty % 2 else -1, qty)
        else:
            name = alive[which % len(alive)]
            order = live.orders[name]
            if kind == "fill":
                live.fill(name, min(qty, order.left))
            elif kind == "cancel":
                live.cancel(name)
            elif kind == "unknown":
                live.unknown(name)
            elif kind == "ask" and not order.asked:
                live.ask(name, order.cum + qty)
            elif kind == "bust":
                filled = [n for n, o in live.orders.items() if o.execs]
                if filled:
                    live.bust(filled[which % len(filled)])
        for bound in live.bounds:
            for side, known in ((1, bound.memory.buys), (-1, bound.memory.sells)):
                expected = sum(
                    o.left > 0 and o.side == side and o.i in bound.instruments and (bound.member != "s0" or o.strategy == 0)
                    for o in live.orders.values()
                )
                assert len(known) == expected


@given(cases(scopes=(Scope.ACCOUNT, Scope.STRATEGY)), st.integers(0, 1_500_000), st.integers(0, 5))
def test_open_orders_agree_with_a_recount(case: Case, most: int, n: int) -> None:
    """Given any account, prices and order, then number and value of what is open are those of the recount."""
    worth: int | None = notional(case.i, case.px, case.qty) if case.px else None
    for i in case.instruments:
        _, buys, sells = case.held(i)
        if buys + sells and worth is not None:
            worth = worth + notional(i, case.mark(i), buys + sells) if case.mark(i) and i < 4 else None
    check = KNOWN["R-13b"].check(case.p, limit("R-13b", most, scope=case.scope, member=case.member, state=case.portfolio.state))
    assert check.observed == (-1 if worth is None else worth)
    assert check.passed is (case.reducing or (worth is not None and worth <= most))
    check = KNOWN["R-13"].check(case.p, limit("R-13", n, scope=case.scope, member=case.member, state=case.portfolio.state))
    expected = 1 + sum(
        o.left > 0 and o.side == case.side and case.own in (None, o.strategy) for name, o in case.portfolio.orders.items() if name != case.old
    )
    assert build.numbers(check) == (case.reducing or expected <= n, expected, n)
