"""R-18: who may send which orders, in which instruments."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.context import Context
from domain.events import OrderCanceled, OrderDenied, OrderFilled
from domain.limits import OFF
from domain.risk import limits_of
from domain.state import State
from domain.terms import Liquidity, OrderType, Scope, Side
from tests.domain.harness import World, opening, trades
from tests.domain.risk.build import INSTRUMENTS, NOW, Acts, account, ask, card, denials, numbers, submitted
from tests.domain.test_engine import command

SELL = {"side": Side.SELL}
ALL = sum(1 << t for t in OrderType)
SCOPES = (Scope.STRATEGY, Scope.ACCOUNT, Scope.VENUE, Scope.CLASS, Scope.INSTRUMENT)


def listing(*listed: tuple[int, ...]) -> State:
    """An account whose strategies list these instruments."""
    opened = opening(len(listed), INSTRUMENTS)
    specs = tuple(msgspec.structs.replace(s, instruments=i) for s, i in zip(opened.strategies, listed, strict=True))
    return State(msgspec.structs.replace(opened, strategies=specs))


@pytest.mark.parametrize(
    ("strategy", "instrument", "passed"),
    [(0, 0, True), (0, 1, False), (0, 2, True), (1, 0, False), (1, 1, True), (1, 2, False), (-1, 0, True), (-1, 1, True), (-1, 2, True)],
)
def test_a_strategy_trades_what_it_lists_and_a_person_everything(strategy: int, instrument: int, passed: bool) -> None:
    """Given strategies that list some instruments, then orders elsewhere are not permitted to them, and every one is to a person."""
    check = ask("R-18a", account=listing((0, 2), (1,)), strategy=strategy, instrument=instrument)
    assert numbers(check) == (passed, int(passed), 1)
    assert (check.rule, check.seen, check.limit_id, check.version) == ("R-18a", 0, 0, 1)


@pytest.mark.parametrize("kind", list(OrderType))
def test_the_order_type_is_looked_up_among_those_allowed(kind: OrderType) -> None:
    """Given one allowed type, all but one, all, or none, then an order passes exactly when its type is among them."""
    bit = 2**kind
    for mask, passed in ((bit, True), (ALL - bit, False), (ALL, True), (0, False)):
        assert numbers(ask("R-18", (mask,), order_type=kind)) == (passed, bit, mask)


def held(qty: int, strategy: int = 0) -> list[Any]:
    """What makes a strategy hold a quantity of X."""
    side = Side.BUY if qty > 0 else Side.SELL
    return [
        submitted(f"h{strategy}", strategy=strategy, side=side, order_qty=abs(qty)),
        OrderFilled(NOW, 0, f"h{strategy}", NOW, f"e{strategy}", 10_000, abs(qty), Liquidity.TAKER, 0, "USD", 2),
    ]


@pytest.mark.parametrize(
    ("events", "changes", "passed", "observed"),
    [
        ([], SELL, False, 10),
        (held(10), SELL, True, 0),
        (held(9), SELL, False, 1),
        (held(20), SELL, True, 0),
        (held(-5), SELL, False, 15),
        ([*held(20), submitted("w", side=Side.SELL, order_qty=10)], SELL, True, 0),
        ([*held(20), submitted("w", side=Side.SELL, order_qty=11)], SELL, False, 1),
        ([*held(20), submitted("w", order_qty=50)], SELL | {"qty": 21}, False, 1),
        ([*held(10), submitted("w", side=Side.SELL)], SELL | {"own_shared_qty": 10}, True, 0),
        ([*held(10), submitted("w", side=Side.SELL)], SELL | {"own_shared_qty": 9, "shared_qty": 10}, False, 1),
        (held(10, strategy=1), SELL, False, 10),
        (held(10, strategy=1), SELL | {"strategy": 1}, True, 0),
        (held(10), SELL | {"strategy": -1}, False, 10),
        (held(10, strategy=-1), SELL | {"strategy": -1}, True, 0),
        ([*held(10), submitted("w", strategy=1, side=Side.SELL)], SELL, True, 0),
    ],
)
def test_what_a_strategy_could_be_short_at_worst_is_nothing(events: list[Any], changes: dict[str, Any], passed: bool, observed: int) -> None:
    """Given what a strategy holds and what works for it, when a sell could make it short, then the rule fails with the quantity."""
    check = ask("R-18b", (1,), account=account(*events), **changes)
    assert numbers(check) == (passed, observed, 0)


def test_buys_and_a_permission_that_is_not_withdrawn_are_not_asked() -> None:
    """Given a flag that is 0, or a buy, then nothing bounds the order."""
    assert numbers(ask("R-18b", (0,), **SELL)) == (True, 0, OFF)
    assert numbers(ask("R-18b", (1,), side=Side.BUY, account=account(*held(-50)))) == (True, 0, OFF)


def test_the_order_that_a_sell_replaces_does_not_count() -> None:
    """Given a strategy that holds 10 and sells 10, when the sell is replaced by one of 10, then it could not be short."""
    state = account(*held(10), submitted("w", side=Side.SELL))
    replaced = state.orders.find("w")
    assert numbers(ask("R-18b", (1,), account=state, replaced=replaced, **SELL)) == (True, 0, 0)
    assert numbers(ask("R-18b", (1,), account=state, **SELL)) == (False, 10, 0)


def test_a_session_denies_what_a_strategy_and_a_person_may_not_do() -> None:
    """Given permissions of strategies and of persons, when each sends orders of several kinds, then what is not permitted is denied with the reason."""

    def act(ctx: Context) -> None:
        ctx.buy(0, 10)
        ctx.buy(0, 10, limit_px=10_000)
        ctx.sell(0, 10, limit_px=10_005)
        ctx.buy(1, 10, limit_px=10_000)

    limits = limits_of(Scope.STRATEGY, ("s0", "operator"), {"order_types": (4,), "deny_short": (1,)})
    opened = opening(1)
    strategies = (msgspec.structs.replace(opened.strategies[0], instruments=(0,)),)
    world = World(Acts(act), limits=limits, strategies=strategies).tick(trades(10_000))
    assert denials(world) == [("NOT_PERMITTED", ["R-18"]), ("NOT_PERMITTED", ["R-18b"]), ("NOT_PERMITTED", ["R-18a"])]
    world.step(command("order", symbol="X", side="buy", qty=10))
    world.step(command("order", symbol="Y", side="sell", qty=10, limit_px=10_000))
    assert denials(world)[3:] == [("NOT_PERMITTED", ["R-18"]), ("NOT_PERMITTED", ["R-18b"])]
    assert len(world.of(OrderDenied)) == 5


def test_the_catalogue_says_what_the_rules_are() -> None:
    """Given the catalogue, then codes, units, scopes and keys are these, and nobody overrides them."""
    assert card("R-18a") == ("NOT_PERMITTED", "flag", (), (Scope.ACCOUNT,), False, None, 1)
    assert card("R-18") == ("NOT_PERMITTED", "types", (("order_types", "types"),), SCOPES, False, None, 1)
    assert card("R-18b") == ("NOT_PERMITTED", "qty", (("deny_short", "flag"),), SCOPES, False, None, 1)


@given(
    own=st.integers(-20, 20), other=st.integers(-20, 20), selling=st.integers(0, 20), canceled=st.booleans(), qty=st.integers(1, 30),
)  # fmt: skip
def test_whatever_fills_a_strategy_that_may_not_be_short_never_is(own: int, other: int, selling: int, canceled: bool, qty: int) -> None:
    """Given any positions of two strategies and any working sell, then the rule passes exactly when no fills could leave the strategy short by more than it is."""
    events = [e for n, strategy in ((own, 0), (other, 1)) if n for e in held(n, strategy)]
    if selling:
        events.append(submitted("w", side=Side.SELL, order_qty=selling))
        if canceled:
            events.append(OrderCanceled(NOW, 0, "w", NOW, "", ""))
    working = 0 if canceled else selling
    check = ask("R-18b", (1,), account=account(*events), qty=qty, side=Side.SELL)
    lowest = min(own - filled for filled in range(working + qty + 1))
    assert numbers(check) == (lowest >= 0, max(0, -lowest), 0)
