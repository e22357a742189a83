"""What the trading state allows: every state, with and without something to reduce."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.context import Context
from domain.risk import KNOWN
from domain.strategy import Strategy
from domain.terms import OrderType, Scope, Side, TimeInForce, TradingState
from domain.ticks import Tick
from tests.domain.harness import World, trades
from tests.domain.risk import build
from tests.domain.risk.portfolio import Case, Portfolio, cases, wish

AT = {0: (10_000,)}
ACTIVE, REDUCE_ONLY, HALTED, KILLED = TradingState
KILL, STATE = build.bound("K-01"), build.bound("K-02")


@pytest.mark.parametrize(
    ("state", "held", "kill", "allowed"),
    [
        (ACTIVE, 0, (True, 0, 0), (True, 0, 0)), (ACTIVE, -10, (True, 0, 0), (True, 0, 0)), (REDUCE_ONLY, 0, (True, 0, 0), (False, 1, 0)),
        (REDUCE_ONLY, -9, (True, 0, 0), (False, 1, 0)), (REDUCE_ONLY, -10, (True, 0, 0), (True, 1, 0)), (REDUCE_ONLY, 10, (True, 0, 0), (False, 1, 0)),
        (HALTED, -10, (True, 0, 0), (False, 2, 0)), (HALTED, 0, (True, 0, 0), (False, 2, 0)), (KILLED, -10, (False, 3, 0), (False, 3, 0)),
        (KILLED, 0, (False, 3, 0), (False, 3, 0)),
    ],
)  # fmt: skip
def test_each_state_allows_what_it_says(state: TradingState, held: int, kill: tuple[bool, int, int], allowed: tuple[bool, int, int]) -> None:
    """Given a state and a position, when 10 are bought, then only an active state lets all pass and reduce-only what reduces."""
    portfolio = Portfolio().hold(0, 0, held) if held else Portfolio()
    p = wish(portfolio, AT, state=state)
    assert build.numbers(KNOWN["K-01"].check(p, KILL)) == kill
    assert build.numbers(KNOWN["K-02"].check(p, STATE)) == allowed


@pytest.mark.parametrize(
    ("shared", "own", "mine", "others", "passed"),
    [
        (ACTIVE, REDUCE_ONLY, -10, 0, True), (ACTIVE, REDUCE_ONLY, -9, 0, False), (ACTIVE, REDUCE_ONLY, 0, -10, False),
        (ACTIVE, REDUCE_ONLY, -10, 10, True), (REDUCE_ONLY, ACTIVE, -10, 10, False), (REDUCE_ONLY, ACTIVE, 0, -10, True),
        (REDUCE_ONLY, REDUCE_ONLY, -10, 10, False), (REDUCE_ONLY, REDUCE_ONLY, 0, -10, False), (REDUCE_ONLY, REDUCE_ONLY, -10, 0, True),
        (ACTIVE, HALTED, -10, 0, False), (HALTED, ACTIVE, -10, 0, False), (HALTED, REDUCE_ONLY, -10, 0, False),
    ],
)  # fmt: skip
def test_a_strategys_own_state_is_about_its_own_position(shared: TradingState, own: TradingState, mine: int, others: int, passed: bool) -> None:
    """Given positions of s0 and s1, when s0 buys 10, then each scope that is reduce-only asks whether its own position becomes smaller."""
    portfolio = Portfolio()
    for strategy, held in ((0, mine), (1, others)):
        if held:
            portfolio.hold(strategy, 0, held)
    p = wish(portfolio, AT, state=max(shared, own), shared_state=shared, own_state=own)
    assert build.numbers(KNOWN["K-02"].check(p, STATE)) == (passed, int(max(shared, own)), 0)


def test_a_reduce_only_strategy_may_close_what_another_strategy_holds_against_it() -> None:
    """Given s0 short and s1 long so that the account is flat, when s0 is reduce-only, then it may buy back and not sell more."""
    world = World(Buys(), Buys(-1)).tick(trades(10_000))
    for order in world.sent:
        world.fill(order, 10_000)
    desk = world.engine.desk
    desk.halt(1, Scope.STRATEGY, "s1", REDUCE_ONLY, "", "ann")
    assert (desk.risk.gate(1, 0).state, desk.risk.gate(1, 0).shared_state, desk.risk.gate(1, 0).own_state) == (REDUCE_ONLY, ACTIVE, REDUCE_ONLY)
    assert desk.risk.gate(0, 0).state is ACTIVE

    def wants(side: Side) -> int:
        desk.submit(1, 0, side, 10, OrderType.MARKET, 0, 0, 0, TimeInForce.GTC, 0, False, False, "")
        return len(world.sent)

    assert wants(Side.SELL) == 2
    assert wants(Side.BUY) == 3
    desk.halt(1, Scope.ACCOUNT, "", REDUCE_ONLY, "", "ann")
    assert (desk.risk.gate(1, 0).shared_state, desk.risk.gate(0, 0).own_state) == (REDUCE_ONLY, ACTIVE)


class Buys(Strategy):
    """Buys (or sells) 10 at the first tick."""

    def __init__(self, side: int = 1) -> None:
        self.side = side

    def on_tick(self, ctx: Context, tick: Tick) -> None:
        (ctx.buy if self.side > 0 else ctx.sell)(0, 10)


@given(cases(scopes=(Scope.ACCOUNT,)), st.sampled_from(TradingState))
def test_reduce_only_lets_pass_what_the_recount_calls_reducing(case: Case, state: TradingState) -> None:
    """Given any account, order and state, then the order passes when active, or when reduce-only and it reduces."""
    case.p.state = case.p.shared_state = state
    assert KNOWN["K-02"].check(case.p, STATE).passed is (state == ACTIVE or (state == REDUCE_ONLY and case.reducing))
    assert KNOWN["K-01"].check(case.p, KILL).passed is (state != KILLED)
