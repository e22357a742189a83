"""The position limit of the account and of a strategy: at the limit, one over, switched off, and against a recount."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.context import Context
from domain.events import OrderDenied
from domain.limits import OFF
from domain.risk import KNOWN, limits_of
from domain.strategy import Strategy
from domain.terms import Scope
from domain.ticks import Tick
from tests.domain.harness import World, bounds, trades
from tests.domain.risk.portfolio import Case, Portfolio, cases, limit, numbers

AT = {0: (10_000,)}


@pytest.mark.parametrize(
    ("held", "working", "values", "side", "expected"),
    [
        (10, 10, (30, OFF), 1, (True, 30, 30)), (11, 10, (30, OFF), 1, (False, 31, 30)), (-10, 0, (0, OFF), 1, (True, 0, 0)),
        (-9, 0, (0, OFF), 1, (False, 1, 0)), (10, 10, (OFF, 5), 1, (True, 30, -1)), (-10, -10, (OFF, 30), -1, (True, 30, 30)),
        (-10, -11, (OFF, 30), -1, (False, 31, 30)), (10, 0, (OFF, 0), -1, (True, 0, 0)), (9, 0, (OFF, 0), -1, (False, 1, 0)),
        (-10, -10, (5, OFF), -1, (True, 30, -1)), (0, -5, (10, OFF), 1, (True, 10, 10)), (0, 5, (OFF, 10), -1, (True, 10, 10)),
    ],
)  # fmt: skip
@pytest.mark.parametrize(("scope", "member"), [(Scope.INSTRUMENT, "X"), (Scope.STRATEGY, "s0")])
def test_the_worst_case_position_at_the_limit_and_one_over(
    held: int, working: int, values: tuple[int, int], side: int, expected: tuple[bool, int, int], scope: Scope, member: str
) -> None:
    """Given a position and a working order of s0, when 10 more are ordered, then the account's limit and the strategy's own see the same."""
    portfolio = Portfolio()
    if held:
        portfolio.hold(0, 0, held)
    if working:
        portfolio.send(0, 0, 1 if working > 0 else -1, abs(working))
    assert numbers("R-07", portfolio, AT, *values, scope=scope, member=member, side=side) == expected


def test_a_strategy_answers_for_its_own_position_alone() -> None:
    """Given positions of s1 and of s0, then s0's limit counts s0's and the instrument's counts both."""
    held = Portfolio().hold(1, 0, 20).hold(0, 0, 5)
    held.send(1, 0, 1, 7)
    assert numbers("R-07", held, AT, 15, OFF, scope=Scope.STRATEGY, member="s0") == (True, 15, 15)
    assert numbers("R-07", held, AT, 42, OFF, scope=Scope.INSTRUMENT, member="X") == (True, 42, 42)


@pytest.mark.parametrize(("scope", "member"), [(Scope.INSTRUMENT, "X"), (Scope.STRATEGY, "s0")])
@pytest.mark.parametrize("side", [1, -1])
def test_a_replacement_takes_the_place_of_the_old_order(scope: Scope, member: str, side: int) -> None:
    """Given a working order of 8, when it is replaced by 10, then 10 count and not 18."""
    portfolio = Portfolio()
    old = portfolio.order(portfolio.send(0, 0, side, 8))
    assert numbers("R-07", portfolio, AT, 10, 10, scope=scope, member=member, side=side, replaced=old) == (True, 10, 10)
    assert numbers("R-07", portfolio, AT, 10, 10, scope=scope, member=member, side=side) == (False, 18, 10)


class Buys(Strategy):
    """Buys 10 at every tick."""

    def on_tick(self, ctx: Context, tick: Tick) -> None:
        ctx.buy(0, 10)


def test_the_worst_case_position_holds_after_every_event() -> None:
    """Given a strategy that buys at every tick under a limit of 35 and answers that never come, then three orders leave and the rest is denied."""
    for limits in (bounds(max_long=35), tuple(limits_of(Scope.STRATEGY, ("s0",), {"max_long": (35,)}))):
        world = World(Buys(), limits=limits).tick(trades(*[10_000] * 6))
        assert len(world.sent) == 3
        assert {d.reason for d in world.of(OrderDenied)} == {"POSITION_LIMIT"}


@given(cases(scopes=(Scope.STRATEGY,)), st.integers(-1, 40), st.integers(-1, 40), st.booleans())
def test_position_limit_agrees_with_a_recount(case: Case, longest: int, shortest: int, mine: bool) -> None:
    """Given any account and order, then the order passes exactly when position, open orders of its side and itself are within the limit of the side."""
    if not mine:
        case.own = None
    scope, member = (case.scope, case.member) if mine else (Scope.INSTRUMENT, case.p.spec.symbol)
    check = KNOWN["R-07"].check(case.p, limit("R-07", longest, shortest, scope=scope, member=member, state=case.portfolio.state))
    position, buys, sells = case.held(case.i)
    worst = case.qty + (position + buys if case.side > 0 else sells - position)
    most = longest if case.side > 0 else shortest
    assert (check.observed, check.limit) == (worst, most)
    assert check.passed is (most == OFF or worst <= most)
