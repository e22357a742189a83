"""One owner per instrument, or netting: at the limit, one over, and against a recount."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.context import Context
from domain.events import (
    ExternalTradeObserved,
    OperatorCommandReceived,
    OrderCanceled,
    OrderDenied,
    OrderFilled,
    OrderSubmitted,
    OrderUnknown,
    TradePrinted,
)
from domain.limits import OFF
from domain.risk import limits_of
from domain.strategy import Strategy
from domain.terms import Liquidity, Scope, Side
from tests.domain.harness import T0, World, trades
from tests.domain.risk.build import NOW, account, ask, numbers, submitted


def fill(cl_ord_id: str, qty: int) -> Any:
    return OrderFilled(NOW, 0, cl_ord_id, NOW, f"x{cl_ord_id}", 10_000, qty, Liquidity.TAKER, 0, "USD", 2)


def held(strategy: int, side: Side = Side.BUY, qty: int = 10) -> list[Any]:
    """The events of a position of 10 X."""
    return [submitted(f"h{strategy}", strategy=strategy, side=side, order_qty=qty), fill(f"h{strategy}", qty)]


@pytest.mark.parametrize(
    ("events", "others"),
    [
        ([], 0),
        (held(0), 0),
        ([submitted("w", strategy=0)], 0),
        (held(1), 1),
        ([submitted("w", strategy=1)], 1),
        ([submitted("w", strategy=1), OrderUnknown(T0, 0, "w", "lost")], 1),
        ([submitted("w", strategy=1), OrderCanceled(T0, 0, "w", T0, "", "")], 0),
        ([submitted("w", strategy=-1)], 1),
        ([ExternalTradeObserved(T0, 0, 0, T0, "t", Side.BUY, 10_000, 10, "")], 1),
        ([*held(1), submitted("w", strategy=-1)], 2),
        (held(1, Side.SELL), 1),
        ([submitted("w", strategy=1, instrument=1)], 0),
    ],
)
def test_an_order_passes_only_where_nobody_else_has_anything(events: list[Any], others: int) -> None:
    """Given positions, orders, unknown orders of others, of persons, of the strategy itself, then an order passes if and only if nobody else has something."""
    assert numbers(ask("R-18c", (1,), account=account(*events))) == (not others, others, 0)


@pytest.mark.parametrize("off", [0, OFF])
def test_switched_off_it_lets_everything_pass(off: int) -> None:
    """Given the flag 0 or off, when another strategy holds the instrument, then the order passes."""
    assert numbers(ask("R-18c", (off,), account=account(*held(1)))) == (True, 0, off)


@pytest.mark.parametrize(
    ("side", "qty", "passed"), [(Side.SELL, 1, True), (Side.SELL, 10, True), (Side.SELL, 11, False), (Side.BUY, 1, False), (Side.SELL, 0, False)]
)
def test_the_own_position_may_be_made_smaller_beside_another(side: Side, qty: int, passed: bool) -> None:
    """Given two strategies that hold 10 each, when one reduces by up to 10, then it passes; 11, or more of it, does not."""
    state = account(*held(0), *held(1))
    assert ask("R-18c", (1,), account=state, side=side, qty=qty).passed is passed


@pytest.mark.parametrize(("side", "passed"), [(Side.BUY, True), (Side.SELL, False)])
def test_a_short_position_may_be_bought_back_beside_another(side: Side, passed: bool) -> None:
    """Given two strategies that are short, when one buys back, then it passes, and selling more does not."""
    assert ask("R-18c", (1,), account=account(*held(0, Side.SELL), *held(1, Side.SELL)), side=side).passed is passed


def test_what_works_on_the_own_position_counts() -> None:
    """Given a position of 10 of which 4 are being sold, when 6 more are to be sold, then it passes beside another owner, and 7 do not."""
    state = account(*held(0), *held(1), submitted("w", side=Side.SELL, order_qty=4))
    assert ask("R-18c", (1,), account=state, side=Side.SELL, qty=6).passed
    assert not ask("R-18c", (1,), account=state, side=Side.SELL, qty=7).passed


def test_the_exits_of_one_group_count_once() -> None:
    """Given a stop of 10 on a position of 10, when the target of its group is to be sent, then it passes beside another owner."""
    state = account(*held(0), *held(1), submitted("w", side=Side.SELL, order_qty=10))
    assert ask("R-18c", (1,), account=state, side=Side.SELL, qty=10, own_shared_qty=10).passed


@pytest.mark.parametrize(("side", "passed"), [(Side.SELL, True), (Side.BUY, False)])
def test_a_person_may_make_the_position_of_a_strategy_smaller(side: Side, passed: bool) -> None:
    """Given a strategy's position, when a person sells from it, then it passes; when a person adds to it, not; a strategy may do neither."""
    state = account(*held(1))
    assert ask("R-18c", (1,), account=state, strategy=-1, side=side).passed is passed
    assert not ask("R-18c", (1,), account=state, strategy=0, side=side).passed


@given(
    st.lists(st.tuples(st.integers(-1, 1), st.integers(0, 1), st.sampled_from([Side.BUY, Side.SELL]), st.integers(1, 20), st.booleans()), max_size=8),
    st.integers(-1, 1), st.sampled_from([Side.BUY, Side.SELL]), st.integers(1, 20),
)  # fmt: skip
def test_it_counts_as_a_naive_recount_does(history: list[tuple[int, int, Side, int, bool]], strategy: int, side: Side, qty: int) -> None:
    """Given any orders of anybody, filled or working, then the observed number of others is what a recount of the list finds."""
    events: list[Any] = []
    position = {-1: 0, 0: 0, 1: 0}
    works = {(who, s): 0 for who in position for s in (Side.BUY, Side.SELL)}
    for n, (who, i, s, q, filled) in enumerate(history):
        events.append(submitted(f"o{n}", strategy=who, instrument=i, side=s, order_qty=q))
        if filled:
            events.append(fill(f"o{n}", q))
        if i == 0 and filled:
            position[who] += s * q
        elif i == 0:
            works[who, s] += q
    others = sum(1 for who in position if who != strategy and (position[who] or works[who, Side.BUY] or works[who, Side.SELL]))
    check = ask("R-18c", (1,), account=account(*events), strategy=strategy, side=side, qty=qty)
    mine = sum(position.values()) if strategy < 0 else position[strategy]
    against = sum(works[who, side] for who in position) if strategy < 0 else works[strategy, side]
    assert numbers(check) == (not others or qty <= -side * mine - against, others, 0)


class Trader(Strategy):
    """Buys what the trade's size says at each price ending in its number, and sells at each that ends in 5 more."""

    def __init__(self, digit: int) -> None:
        self.digit = digit

    def on_tick(self, ctx: Context, tick: TradePrinted) -> None:  # type: ignore[override]
        if tick.px % 5 == self.digit:
            (ctx.buy if tick.px % 10 < 5 else ctx.sell)(tick.instrument, tick.qty)


def test_two_strategies_net_and_keep_their_own_books() -> None:
    """Given two strategies in one instrument, when one buys 30 and the other sells 10, then each has its own position and result, the account their sum."""
    w = World(Trader(1), Trader(2))
    w.tick(trades(10_001, qty=30))
    w.fill(w.sent[-1], 10_001)
    w.tick(trades(10_017, qty=10, start=2))
    w.fill(w.sent[-1], 10_017)
    state = w.engine.desk.state
    assert [owned[0] for owned in state.owned] == [30, -10]
    assert state.positions[0].qty == 20
    px = 10_113
    own = [30 * (px - 10_001), -10 * (px - 10_017)]
    w.tick(trades(px, start=3))
    assert w.engine.desk.equity("USD") - 100_000_000 == sum(own)


@pytest.mark.parametrize("scope", [Scope.ACCOUNT, Scope.INSTRUMENT])
def test_in_an_exclusive_instrument_the_second_waits(scope: Scope) -> None:
    """Given an exclusive instrument, when a second strategy and a person order in it, then both are denied; when the first is out, the second gets in."""
    members = () if scope is Scope.ACCOUNT else ("X",)
    w = World(Trader(1), Trader(2), limits=limits_of(scope, members, {"exclusive": (1,)}))
    w.tick(trades(10_001, qty=30))
    w.fill(w.sent[-1], 10_001)
    w.tick(trades(10_012, qty=10, start=2))
    w.step(OperatorCommandReceived(w.engine.desk.now_ns, 0, "ann", "order", '{"symbol": "X", "side": "buy", "qty": 1}'))
    assert [e.reason for e in w.of(OrderDenied)] == ["NOT_PERMITTED"] * 2
    w.tick(trades(10_026, qty=30, start=4))
    w.fill(w.sent[-1], 10_026)
    w.tick(trades(10_032, qty=10, start=5))
    assert [e.strategy for e in w.of(OrderSubmitted)] == [0, 0, 1]
