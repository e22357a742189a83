"""The throttle of repeated automated execution: at the limit, one over, what starts the count again, and against a recount."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.context import Context
from domain.events import LimitsChanged, OrderDenied, OrderSubmitted, ParametersChanged, SignalRaised, TradingHalted, TradingResumed
from domain.limits import OFF, Limit
from domain.risk import KNOWN, limits_of
from domain.risk.bound import Bound
from domain.risk.repeated_execution import _key
from domain.strategy import Strategy
from domain.terms import OrderType, Scope, Side, TimeInForce, TradingState
from domain.ticks import Tick
from tests.domain.harness import SECOND, World, trades
from tests.domain.risk import build
from tests.domain.risk.portfolio import Portfolio, limit, wish

AT = {0: (10_000,), 1: (2_000,)}
NOW = build.NOW
S0 = {"scope": Scope.STRATEGY, "member": "s0"}


class Sender(Portfolio):
    """A portfolio whose orders the limit of s0 hears of."""

    def __init__(self, *values: int) -> None:
        super().__init__()
        self.bound: Bound = limit("R-06", *values, state=self.state, **S0)

    def sends(self, i: int = 0, side: int = 1, ns: int = NOW, seq: int = 1, strategy: int = 0) -> str:
        name = self.send(strategy, i, side, 10)
        self.bound.memory.evolve(build.submitted(name, ns=ns), self.order(name), seq)
        return name

    def says(self, **order: Any) -> tuple[bool, int, int]:
        return build.numbers(KNOWN["R-06"].check(wish(self, AT, **order), self.bound))

    def hears(self, event: Any) -> None:
        self.bound.memory.evolve(event, None, 9)

    def traded(self, name: str, qty: int) -> None:
        """The order is filled, and the memory hears of the position change."""
        self.fill(name, qty)
        order = self.orders[name]
        self.bound.memory.trade(None, order.i, order.strategy, order.side * qty, 10_000, 9)


def resumed(scope: Scope, member: str, rule: str = "", requester: str = "ann") -> TradingResumed:
    return TradingResumed(NOW, 0, scope, member, rule, "looked at it", requester)


def test_cycles_at_the_limit_and_one_over() -> None:
    """Given three cycles allowed, then the third order passes and the fourth does not; the other side and another instrument have their own count."""
    sender = Sender(3)
    assert sender.says() == (True, 1, 3)
    for n in (1, 2):
        sender.sends()
        assert sender.says() == (True, n + 1, 3)
    sender.sends()
    assert sender.says() == (False, 4, 3)
    assert sender.says(side=-1) == (True, 1, 3)
    assert sender.says(i=1) == (True, 1, 3)
    sender.sends(1, -1)
    assert sender.says(i=1, side=-1) == (True, 2, 3)
    assert sender.says() == (False, 4, 3)


@pytest.mark.parametrize(("sent_ns", "expected"), [(NOW - 10, (True, 1, 1)), (NOW - 9, (False, 2, 1))])
def test_with_a_window_only_its_orders_count(sent_ns: int, expected: tuple[bool, int, int]) -> None:
    """Given one cycle in any ten nanoseconds, then an order ten ago no longer counts and one nine ago does."""
    sender = Sender(1, 10)
    sender.sends(ns=sent_ns)
    assert sender.says() == expected


def test_without_a_window_all_count_however_old() -> None:
    """Given one cycle without a window, then an order of the beginning of time still counts."""
    sender = Sender(1)
    sender.sends(ns=0)
    assert sender.says() == (False, 2, 1)


def test_a_flat_position_starts_the_count_of_its_instrument_again() -> None:
    """Given cycles on both sides, when the strategy's own position is flat again, then both sides of that instrument begin anew, and no other."""
    sender = Sender(1)
    first = sender.sends()
    sender.sends(1)
    sender.traded(first, 10)
    assert sender.says() == (False, 2, 1)
    second = sender.sends(0, -1)
    sender.traded(second, 9)
    assert sender.says() == (False, 2, 1)
    assert sender.says(side=-1, qty=50) == (False, 2, 1)
    sender.traded(second, 1)
    assert sender.says() == (True, 1, 1)
    assert sender.says(side=-1) == (True, 1, 1)
    assert sender.says(i=1) == (False, 2, 1)


def test_a_strategys_flat_position_is_its_own() -> None:
    """Given the account flat through another strategy, then the count of this one goes on; a person's trade changes nothing."""
    sender = Sender(1)
    sender.traded(sender.sends(), 10)
    sender.hold(1, 0, -10)
    sender.bound.memory.trade(None, 0, -1, 1, 1, 9)
    assert sender.says() == (False, 2, 1)
    operator = limit("R-06", 1, scope=Scope.STRATEGY, member="operator", state=sender.state)
    operator.memory.trade(None, 0, -1, 1, 1, 9)


@pytest.mark.parametrize(
    ("event", "again"),
    [
        (resumed(Scope.STRATEGY, "s0"), True), (resumed(Scope.STRATEGY, "s0", "R-06"), True), (resumed(Scope.STRATEGY, "s0", "R-06", ""), True),
        (resumed(Scope.STRATEGY, "s0", "L-03", ""), False), (resumed(Scope.STRATEGY, "s0", "L-03"), True), (resumed(Scope.STRATEGY, "s1", "R-06"), False),
        (resumed(Scope.ACCOUNT, ""), True), (resumed(Scope.ACCOUNT, "", "L-01", ""), False), (resumed(Scope.INSTRUMENT, "s0"), False),
        (ParametersChanged(NOW, 0, 0, "{}"), True), (ParametersChanged(NOW, 0, 1, "{}"), False),
    ],
)  # fmt: skip
def test_a_person_who_acts_on_the_strategy_starts_the_count_again(event: Any, again: bool) -> None:
    """Given the last cycle used up, when a person resumes the strategy or the account or changes its parameters, then it begins anew; else not."""
    sender = Sender(1)
    sender.sends()
    sender.hears(event)
    assert sender.says() == ((True, 1, 1) if again else (False, 2, 1))


def test_orders_of_persons_replacements_and_reductions_are_never_stopped() -> None:
    """Given no cycle left, then a person's order, a replacement and an order that only reduces pass."""
    sender = Sender(1)
    name = sender.sends()
    sender.sends()
    assert sender.says(replaced=sender.order(name)) == (True, 2, 1)
    assert sender.says(strategy=-1) == (True, 0, -1)
    sender.hold(0, 0, -50)
    assert sender.says() == (True, 3, 1)
    assert Sender(0).says() == (False, 1, 0)


def test_orders_of_persons_do_not_count_and_a_count_that_is_off_does_not_either() -> None:
    """Given orders by hand under a limit on persons, or only a window, then nothing is counted."""
    sender = Sender(1)
    sender.bound = limit("R-06", 1, scope=Scope.STRATEGY, member="operator", state=sender.state)
    sender.sends(strategy=-1)
    assert not any(cycles.times for cycles in sender.bound.memory.cycles.values())
    window = Sender(OFF, 10)
    window.sends()
    assert window.says() == (True, 0, -1)
    assert not any(cycles.times for cycles in window.bound.memory.cycles.values())


def test_the_answer_names_the_last_cycle() -> None:
    """Given orders with seq 10 and 20, then the check names the last, and at first none."""
    sender = Sender(1)
    for seq in (0, 10, 20):
        if seq:
            sender.sends(seq=seq)
        assert KNOWN["R-06"].check(wish(sender, AT), sender.bound).seen == seq


class Runaway(Strategy):
    """Buys at every tick."""

    def on_tick(self, ctx: Context, tick: Tick) -> None:
        ctx.buy(0, 10)

    def on_parameters(self, ctx: Context, params: dict[str, object]) -> None:
        pass


def runaway(**numbers: tuple[int, ...]) -> World:
    return World(Runaway(), limits=limits_of(Scope.STRATEGY, ("s0",), numbers)).tick(trades(*[10_000] * 6))


def test_a_runaway_strategy_is_halted_until_a_person_resumes_it() -> None:
    """Given three cycles, when a strategy buys six times, then three leave, one denial halts it by R-06, the rest is denied by the halt; resumed, it
    gets three more."""
    world = runaway(max_repeats=(3,))
    assert len(world.sent) == 3
    assert [d.reason for d in world.of(OrderDenied)] == ["REPEAT_EXEC", "HALTED", "HALTED"]
    (halt,) = world.of(TradingHalted)
    assert (halt.scope, halt.member, halt.state, halt.rule, halt.observed, halt.limit) == (Scope.STRATEGY, "s0", TradingState.HALTED, "R-06", 4, 3)
    desk = world.engine.desk
    desk.emit(TradingResumed(desk.now_ns, desk.cause, Scope.STRATEGY, "s0", "R-06", "fixed", "ann", "bob"))
    world.tick(trades(*[10_000] * 6, start=20))
    assert len(world.sent) == 6
    assert len(world.of(TradingHalted)) == 2


def test_the_count_survives_another_limit() -> None:
    """Given two cycles used, when the limit is lowered to two, then the next is denied."""
    world = runaway(max_repeats=(100,))
    desk = world.engine.desk
    desk.emit(desk_change(desk.now_ns, 6))
    assert [d.reason for d in world.tick(trades(10_000, start=20)).of(OrderDenied)] == ["REPEAT_EXEC"]


def desk_change(ns: int, most: int) -> Any:
    return LimitsChanged(ns, 0, Limit(2, "R-06", Scope.STRATEGY, ("s0",), (most, OFF), 2))


class Script(Strategy):
    """Buys (b) or sells (s) 10 at each tick, as the test says."""

    def __init__(self, words: str) -> None:
        self.words = list(words)

    def on_tick(self, ctx: Context, tick: Tick) -> None:
        word = self.words.pop(0) if self.words else ""
        if word in ("b", "s"):
            (ctx.buy if word == "b" else ctx.sell)(0, 10)


@given(st.lists(st.sampled_from(["b", "s", "fill", "resume", "wait"]), max_size=40), st.integers(0, 3), st.sampled_from([OFF, 3 * SECOND]))
def test_between_two_looks_no_strategy_repeats_itself_more_often_than_allowed(script: Sequence[str], most: int, window_ns: int) -> None:
    """Given random orders, fills and persons who look, then for every order that was sent the cycles before it, recounted over the log, left room,
    and every order that R-06 denied found none."""
    world = World(
        Script("".join(w if len(w) == 1 else "" for w in script)),
        limits=limits_of(Scope.STRATEGY, ("s0",), {"max_repeats": (most,), "repeat_window": (window_ns,)}),
    )
    desk = world.engine.desk
    at, open_orders, position = 1, 0, 0
    sent: list[tuple[Side, int]] = []
    for word in script:
        at += 1
        if len(word) == 1:
            before = len(world.sent)
            reducing = desk.state.positions[0].qty
            world.tick(trades(10_000, start=at))
            side = Side.BUY if word == "b" else Side.SELL
            now = desk.now_ns
            n = sum(s == side and (window_ns == OFF or ns > now - window_ns) for s, ns in sent)
            worst = reducing + (desk.state.orders.buy_leaves[0] if side > 0 else -desk.state.orders.sell_leaves[0])
            if len(world.sent) > before:
                assert n < most or worst * side <= 0
                sent.append((side, now))
            else:
                denied = world.of(OrderDenied)[-1]
                assert denied.reason == "HALTED" or n >= most
        elif word == "fill" and open_orders < len(world.sent):
            order = world.sent[open_orders]
            open_orders += 1
            world.fill(order, 10_000)
            position += order.side * order.order_qty
            if not position:
                sent.clear()
        elif word == "resume" and desk.risk.halts.get((Scope.STRATEGY, "s0")):
            desk.emit(TradingResumed(desk.now_ns, desk.cause, Scope.STRATEGY, "s0", "R-06", "looked", "ann"))
            sent.clear()
    signals = [s for s in world.of(SignalRaised) if s.side]
    assert len(signals) == len(world.of(OrderSubmitted)) + len(world.of(OrderDenied))


def test_a_person_may_order_while_the_strategy_is_halted() -> None:
    """Given a strategy halted by R-06, then an order by hand passes."""
    world = runaway(max_repeats=(0,))
    world.engine.desk.submit(-1, 0, Side.BUY, 10, OrderType.LIMIT, 10_000, 0, 0, TimeInForce.GTC, 0, False, False, "ann")
    assert [o.strategy for o in world.sent] == [-1]


def test_each_instrument_and_side_is_counted_in_a_place_of_its_own() -> None:
    """Given many instruments, then their sells and buys stand under numbers of their own, next to each other."""
    for i in range(50):
        assert (_key(i, Side.SELL), _key(i, Side.BUY)) == (2 * i, 2 * i + 1)
