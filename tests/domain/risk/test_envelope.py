"""A strategy's envelope: instruments, venues, orders a day and value, at the limit, one over, and against a recount."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from domain.context import Context
from domain.events import DayRolled, OrderDenied
from domain.risk import KNOWN, limits_of
from domain.strategy import Strategy
from domain.terms import Scope
from domain.ticks import Tick
from tests.domain.harness import SECOND, T0, World, trades
from tests.domain.risk import build
from tests.domain.risk.portfolio import INSTRUMENTS, Case, Portfolio, cases, limit, numbers, wish

AT = {0: (10_000,), 1: (2_000,), 2: (500,), 3: (8_000,)}
MINE = {"scope": Scope.STRATEGY, "member": "s0"}


def asked(rule: str, portfolio: Portfolio, most: int, **order: object) -> tuple[bool, int, int]:
    return numbers(rule, portfolio, AT, most, scope=Scope.STRATEGY, member="s0", **order)


def test_a_new_instrument_at_the_limit_and_one_over() -> None:
    """Given s0 in Y and s1 in Z, when s0 orders X, then that is its second instrument; more of Y is none."""
    held = Portfolio().hold(0, 1, 1).hold(1, 2, 1)
    assert asked("R-08a", held, 2) == (True, 2, 2)
    assert asked("R-08a", held, 1) == (False, 2, 1)
    assert asked("R-08a", held, 0, i=1) == (True, 1, 0)


def test_a_new_venue_at_the_limit_and_one_over() -> None:
    """Given s0 on SIM in two instruments, when it orders on EUREX, then that is its second venue; SIM is no new one, nor what works there already."""
    held = Portfolio().hold(0, 1, 1).hold(0, 4, 1)
    assert asked("R-08b", held, 2, i=2) == (True, 2, 2)
    assert asked("R-08b", held, 1, i=2) == (False, 2, 1)
    assert asked("R-08b", held, 0, i=0) == (True, 1, 0)
    assert asked("R-08b", held, 0, i=1) == (True, 1, 0)
    assert asked("R-08b", Portfolio(), 0) == (False, 1, 0)
    assert asked("R-08b", Portfolio(), 1) == (True, 1, 1)
    other = Portfolio().hold(1, 0, 1).hold(0, 2, 1).hold(0, 2, -1)
    assert asked("R-08b", other, 0) == (False, 1, 0)


def test_orders_of_the_day_at_the_limit_and_one_over() -> None:
    """Given two orders sent, then the third is counted with them, a replacement is none, a reducing one passes, and the next day starts at one."""
    bound = limit("R-08c", 3, **MINE)
    portfolio = Portfolio()
    order = portfolio.order(portfolio.send(0, 0, 1, 1))

    def now(**more: object) -> tuple[bool, int, int]:
        return build.numbers(KNOWN["R-08c"].check(wish(portfolio, AT, **more), bound))

    assert KNOWN["R-08c"].check(wish(portfolio, AT), bound).seen == 0
    for seq, expected in ((10, (True, 2, 3)), (20, (True, 3, 3)), (30, (False, 4, 3))):
        bound.memory.evolve(None, order, seq)
        assert now() == expected
        assert KNOWN["R-08c"].check(wish(portfolio, AT), bound).seen == seq
    assert now(replaced=order) == (True, 3, 3)
    bound.memory.evolve(None, order, 40)
    assert now(replaced=order) == (True, 4, 3)
    portfolio.hold(0, 0, 20)
    assert now(side=-1, qty=10) == (True, 5, 3)
    bound.memory.evolve(DayRolled(0, 0, 20260102), None, 50)
    assert now() == (True, 1, 3)


class Buys(Strategy):
    """Buys 10 at every tick."""

    def on_tick(self, ctx: Context, tick: Tick) -> None:
        ctx.buy(0, 10)


def test_a_strategy_has_its_own_number_of_orders_each_day() -> None:
    """Given two orders a day for s0, when both strategies send four before and four after the day rolls, then s0 gets two each day and s1 all."""
    world = World(Buys(), Buys(), limits=limits_of(Scope.STRATEGY, ("s0",), {"max_strategy_orders": (2,)})).tick(trades(*[10_000] * 4))
    world.step(DayRolled(T0 + 10 * SECOND, 0, 20231115)).tick(trades(*[10_000] * 4, start=20))
    assert [o.strategy for o in world.sent].count(0) == 4
    assert [o.strategy for o in world.sent].count(1) == 8
    assert {d.reason for d in world.of(OrderDenied)} == {"ENVELOPE"}


def test_value_at_the_limit_and_one_over() -> None:
    """Given s0 in Y for 600.00 and s1 in Z, when s0 orders X for 1,000.00, then that is 1,600.00; a reducing order passes."""
    held = Portfolio().hold(0, 1, -3).hold(1, 2, 7)
    assert asked("R-08d", held, 160_000) == (True, 160_000, 160_000)
    assert asked("R-08d", held, 159_999) == (False, 160_000, 159_999)
    assert asked("R-08d", held, 0, i=1, qty=3, limit_px=2_000)[0]
    assert asked("R-08d", Portfolio().hold(0, 4, 1), 10**12) == (False, -1, 10**12)


@given(cases(scopes=(Scope.STRATEGY,)), st.integers(0, 4), st.integers(0, 2_000_000))
def test_the_envelope_agrees_with_a_recount(case: Case, most: int, amt: int) -> None:
    """Given any account, prices and order of a strategy, then its instruments, venues and value are those of the recount."""
    portfolio = case.portfolio
    there = {i for i in range(5) if portfolio.position(i, case.own) or portfolio.open(i, case.own, 1) or portfolio.open(i, case.own, -1)}
    venues = {INSTRUMENTS[i].venue for i in there}
    n, v = len(there | {case.i}), len(venues | {case.p.spec.venue})
    place = {"scope": case.scope, "member": case.member, "state": portfolio.state}
    assert build.numbers(KNOWN["R-08a"].check(case.p, limit("R-08a", most, **place))) == (case.i in there or n <= most, n, most)
    assert build.numbers(KNOWN["R-08b"].check(case.p, limit("R-08b", most, **place))) == (case.p.spec.venue in venues or v <= most, v, most)
    check = KNOWN["R-08d"].check(case.p, limit("R-08d", amt, **place))
    worth = sum(case.gross(i) for i in case.instruments) if case.countable else None
    assert build.numbers(check) == (case.reducing or (worth is not None and worth <= amt), -1 if worth is None else worth, amt)


@given(st.lists(st.one_of(st.just("day"), st.integers(1, 3)), max_size=20), st.integers(0, 4))
def test_orders_of_any_day_stay_within_the_number(script: list[str | int], most: int) -> None:
    """Given orders at random and days that roll at random, then on every day exactly the first `most` leave."""
    world = World(Buys(), limits=limits_of(Scope.STRATEGY, ("s0",), {"max_strategy_orders": (most,)}))
    asked, sent, at = 0, 0, 1
    for step in script:
        if isinstance(step, str):
            world.step(DayRolled(T0 + at * SECOND, 0, 20231115 + at))
            asked, sent, at = 0, len(world.sent), at + 1
        else:
            world.tick(trades(*[10_000] * step, start=at))
            asked, at = asked + step, at + step
        assert len(world.sent) - sent == min(asked, most)
