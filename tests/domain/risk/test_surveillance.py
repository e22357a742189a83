"""Patterns that look like abuse: at the threshold, one below, with the clock just inside and outside, and against a recount."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.context import Context
from domain.errors import InvariantBroken
from domain.events import OrderCanceled, OrderDenied, OrderExpired, OrderFilled, OrderRejected, SurveillanceAlerted, TradingHalted
from domain.limits import OFF
from domain.risk import KNOWN, limits_of
from domain.risk.bound import Bound
from domain.risk.surveillance import SPARE, Finding
from domain.strategy import Strategy
from domain.terms import Liquidity, OrderType, Scope, Side, TimeInForce
from domain.ticks import Tick
from tests.domain.harness import SECOND, World, trades
from tests.domain.risk import build
from tests.domain.risk.portfolio import Portfolio, limit

X = {"scope": Scope.INSTRUMENT, "member": "X"}
T = build.NOW


def filled(ns: int = T, name: str = "w") -> OrderFilled:
    return OrderFilled(ns, 0, name, 0, "e", 1, 1, Liquidity.TAKER, 0, "USD", 2)


class Told(Portfolio):
    """A portfolio whose orders' events reach one pattern's memory, with seq 1, 2, 3 …"""

    def __init__(self, rule: str, *values: int) -> None:
        super().__init__()
        self.bound: Bound = limit(rule, *values, **X)
        self.seq = 0

    @property
    def findings(self) -> list[Finding]:
        return self.bound.memory.findings  # type: ignore[no-any-return]

    def tell(self, event: Any, name: str) -> None:
        self.seq += 1
        self.bound.memory.evolve(event, self.order(name), self.seq)

    def sends(self, ns: int = T, strategy: int = 0, side: int = 1, i: int = 0) -> str:
        name = self.send(strategy, i, side, 10)
        self.order(name).sent_ns = ns
        self.tell(build.submitted(name, ns=ns), name)
        return name

    def ends(self, name: str, ns: int = T, how: type = OrderCanceled) -> None:
        event = {
            OrderCanceled: OrderCanceled(ns, 0, name, 0, "", ""),
            OrderExpired: OrderExpired(ns, 0, name, 0, False, ""),
            OrderRejected: OrderRejected(ns, 0, name, 0, ""),
        }[how]
        self.orders[name].alive = False
        self.state.evolve(event)
        self.tell(event, name)

    def answers(self, name: str, qty: int, ns: int = T) -> None:
        self.fill(name, qty)
        self.tell(filled(ns, name), name)

    def trades(self, qty: int, px: int = 100, ns: int = T, strategy: int = 0, i: int = 0, event: Any = None) -> None:
        self.seq += 1
        self.bound.memory.trade(event if event is not None else filled(ns), i, strategy, qty, px, self.seq)


def quick(told: Told, n: int, ns: int = T, **more: int) -> None:
    for _ in range(n):
        told.ends(told.sends(ns, **more), ns)


def slow(told: Told, n: int, ns: int = T) -> None:
    for _ in range(n):
        told.ends(told.sends(ns), ns, OrderExpired)


def test_too_many_quick_cancels_are_a_finding_and_as_many_as_allowed_are_none() -> None:
    """Given half of at least four orders allowed, then two of four are none, and three of five are one with its numbers, begun with the first order."""
    told = Told("R-25a", 5_000, 10, 1_000, 4)
    slow(told, 2)
    quick(told, 2)
    assert told.findings == []
    quick(told, 1)
    assert told.findings == [Finding(0, 0, 6_000, 5_000, 1, "3 of the last 5 orders were canceled at once and without a fill")]


def test_the_part_is_rounded_up() -> None:
    """Given two of three, then that is 6,667 of 10,000: above 6,666 and not above 6,667."""
    for share, n in ((6_666, 1), (6_667, 0)):
        told = Told("R-25a", share, 10, 1_000, 3)
        slow(told, 1)
        quick(told, 2)
        assert [f.observed for f in told.findings] == [6_667] * n


def test_fewer_orders_than_can_be_judged_are_no_finding() -> None:
    """Given at least three, then two quick cancels are none and three are one; what was found begins anew."""
    told = Told("R-25a", 0, 10, 1_000, 3)
    quick(told, 2)
    assert told.findings == []
    quick(told, 1)
    assert len(told.findings) == 1
    quick(told, 2)
    assert len(told.findings) == 1
    quick(told, 1)
    assert [f.since for f in told.findings] == [1, 7]


@pytest.mark.parametrize(("life", "n"), [(10, 1), (9, 0)])
def test_a_cancel_is_quick_up_to_its_time(life: int, n: int) -> None:
    """Given an order canceled ten nanoseconds after it was sent, then it is quick where ten are allowed and not where nine are."""
    told = Told("R-25a", 0, life, 1_000, 1)
    told.ends(told.sends(T), T + 10)
    assert len(told.findings) == n


@pytest.mark.parametrize(("window", "n"), [(11, 1), (10, 0)])
def test_only_orders_that_ended_in_the_window_count(window: int, n: int) -> None:
    """Given two quick cancels ten nanoseconds apart, then both count in a window of eleven and not in one of ten."""
    told = Told("R-25a", 0, 10, window, 2)
    quick(told, 1, T)
    quick(told, 1, T + 10)
    assert len(told.findings) == n


def test_what_leaves_the_window_leaves_the_part_too() -> None:
    """Given quick cancels long ago, then later orders are judged without them."""
    told = Told("R-25a", 5_000, 10, 10, 3)
    quick(told, 2, T)
    slow(told, 2, T + 100)
    quick(told, 2, T + 100)
    assert told.findings == []
    slow(told, 1, T + 200)
    quick(told, 2, T + 200)
    assert [(f.observed, f.since) for f in told.findings] == [(6_667, 13)]


def test_what_was_filled_rejected_or_ended_slowly_is_no_quick_cancel() -> None:
    """Given one that was filled a bit, one filled whole, one that expired and one rejected, then the rejected one does not even count."""
    told = Told("R-25a", 2_000, 10, 1_000, 1)
    some = told.sends()
    told.answers(some, 1)
    told.ends(some)
    whole = told.sends()
    told.answers(whole, 10)
    told.ends(whole)
    slow(told, 1)
    told.ends(told.sends(), T, OrderRejected)
    quick(told, 1)
    assert [(f.observed, f.limit) for f in told.findings] == [(2_500, 2_000)]


def test_slow_ends_never_complete_a_finding() -> None:
    """Given too many quick cancels among too few orders, when an order that was filled makes them enough, then the next quick one tells."""
    told = Told("R-25a", 1_000, 10, 1_000, 3)
    quick(told, 2)
    slow(told, 1)
    assert told.findings == []
    quick(told, 1)
    assert len(told.findings) == 1


def test_strategies_and_instruments_are_judged_by_themselves() -> None:
    """Given quick cancels of two strategies in two instruments, then none is enough by itself until one has two."""
    told = Told("R-25a", 0, 10, 1_000, 2)
    for strategy, i in ((0, 0), (1, 0), (0, 1), (-1, 0)):
        quick(told, 1, strategy=strategy, i=i)
    assert told.findings == []
    quick(told, 1, strategy=1, i=0)
    assert [(f.strategy, f.instrument) for f in told.findings] == [(1, 0)]


def test_orders_older_than_the_limit_are_not_judged() -> None:
    """Given an order that the memory has not seen being sent, then its end is not counted."""
    told = Told("R-25a", 0, 10, 1_000, 1)
    told.ends(told.send(0, 0, 1, 10))
    assert told.findings == []


@pytest.mark.parametrize("off", [0, 1, 2, 3])
def test_spoofing_is_looked_for_while_all_parameters_are_set(off: int) -> None:
    """Given one parameter off, then nothing is found."""
    values = [0, 10, 1_000, 1]
    values[off] = OFF
    told = Told("R-25a", *values)
    quick(told, 3)
    assert told.findings == []


@pytest.mark.parametrize(
    ("first", "second", "window", "observed"),
    [((5, 100, T), (-5, 100, T + 10), 10, 10), ((5, 100, T), (-5, 100, T + 11), 10, None), ((-5, 100, T), (9, 100, T), 0, 0), ((5, 100, T), (5, 100, T), 10, None),
     ((5, 100, T), (-5, 101, T), 10, None), ((-5, 100, T), (-5, 100, T), 10, None), ((5, 100, T), (-5, 100, T), OFF, None)],
)  # fmt: skip
def test_a_buy_and_a_sell_at_the_same_price_within_the_window(
    first: tuple[int, int, int], second: tuple[int, int, int], window: int, observed: int | None
) -> None:
    """Given two fills, then they are a finding when they are opposite, at one price and close enough, whichever strategies they are of."""
    told = Told("R-25b", window)
    told.trades(*first, strategy=0)
    told.trades(*second, strategy=1)
    assert told.findings == ([] if observed is None else [Finding(1, 0, observed, window, 1, "bought and sold at the same price")])


def test_each_fill_is_part_of_one_finding_and_the_oldest_is_taken_first() -> None:
    """Given two buys, a sell and a sell at one price, and another price between, then each sell takes one buy, and a third finds none."""
    told = Told("R-25b", 10)
    told.trades(1)
    told.trades(1, 101)
    told.trades(1)
    told.trades(1, i=1)
    for _ in range(3):
        told.trades(-1)
    assert [f.since for f in told.findings] == [1, 3]
    told.trades(-1, i=1)
    assert [(f.instrument, f.since) for f in told.findings[2:]] == [(1, 4)]


def test_what_is_no_fill_of_ours_is_no_wash_trade() -> None:
    """Given a bust, a foreign trade or a fill of nothing, then there is no finding."""
    told = Told("R-25b", 10)
    told.trades(1)
    told.trades(-1, event=object())
    told.trades(0)
    assert told.findings == []
    told.trades(-1)
    assert len(told.findings) == 1


def test_old_fills_are_forgotten() -> None:
    """Given many fills, one after the other, at new prices or at one, then no more than twice those of the window and some to spare are kept."""
    for step in (1, 0):
        told = Told("R-25b", 3)
        most = 0
        for n in range(1_000):
            told.trades(1, 100 + step * n, T + n)
            kept = [fill for fills in told.bound.memory._at[0].values() for fill in fills]
            assert {ns for ns, _, _ in kept} >= {T + k for k in range(max(0, n - 3), n + 1)}
            assert len(kept) == told.bound.memory.held
            most = max(most, len(kept))
        assert most <= 2 * 4 + SPARE + 1


def test_old_fills_are_looked_for_when_twice_as_many_are_held() -> None:
    """Given 33 fills of the window when the first sweep comes, then the next comes after 66 and some to spare."""
    told = Told("R-25b", 0)
    held = []
    for n, ns in enumerate([*range(SPARE - 32), *[SPARE] * 33, *range(1_000, 1_100)]):
        told.trades(1, n, T + ns)
        held.append(told.bound.memory.held)
    first = [*range(1, SPARE + 1), 33]
    assert held == [*first, *range(34, 66 + SPARE + 1), 1, *range(2, 2 + SPARE + 1), 1][: len(held)]


def test_prices_at_which_all_was_taken_away_are_forgotten() -> None:
    """Given a buy and a sell at a thousand prices, then nothing is kept."""
    told = Told("R-25b", 10)
    for n in range(1_000):
        told.trades(1, n)
        told.trades(-1, n)
    assert len(told.findings) == 1_000
    assert told.bound.memory._at == {0: {}}
    assert told.bound.memory.held == 0


def layered(
    prices: list[int], *, at: int = T, side: int = 1, strategy: int = 0, after: tuple[int, ...] = (-1,), window: int = 10, most: int = 3
) -> Told:
    """Fills on these sides by s0, the first sent as event 1, then cancels at these prices."""
    told = Told("R-25c", most, window)
    for fill in after:
        answered(told, fill)
    cancels(told, prices, at, side, strategy)
    return told


def answered(told: Told, side: int, ns: int = T) -> None:
    """An order of s0 on this side is filled."""
    told.fill(told.send(0, 0, side, 10), 1)
    told.trades(side, ns=ns)


def cancels(told: Told, prices: list[int], at: int = T, side: int = 1, strategy: int = 0) -> None:
    for px in prices:
        name = told.send(strategy, 0, side, 10)
        told.order(name).limit_px = px
        told.ends(name, at)


def test_cancels_at_several_prices_after_an_opposite_fill_are_a_finding() -> None:
    """Given a sell that is filled, when buys at three prices are canceled, then that is one finding, begun with the fill; two prices are none."""
    for side in (1, -1):
        assert layered([100, 99], side=side, after=(-side,)).findings == []
        told = layered([100, 99, 98], side=side, after=(-side,))
        assert told.findings == [Finding(0, 0, 3, 3, 1, "orders at 3 prices were canceled after a fill of the other side")]
        cancels(told, [1, 2, 3], side=side)
        assert len(told.findings) == 1


@pytest.mark.parametrize(
    ("change", "n"),
    [
        ({}, 1), ({"prices": [100, 100, 99]}, 0), ({"prices": [100, 99, 0]}, 0), ({"after": (1,)}, 0), ({"after": ()}, 0), ({"strategy": 1}, 0),
        ({"at": T + 10}, 1), ({"at": T + 11}, 0), ({"window": OFF}, 0), ({"most": OFF}, 0), ({"after": (-1, 1, -1)}, 1),
    ],
)  # fmt: skip
def test_layering_needs_the_side_the_owner_the_time_and_distinct_prices(change: dict[str, Any], n: int) -> None:
    """Given one thing that differs from the pattern, then there is no finding."""
    assert len(layered(**({"prices": [100, 99, 98]} | change)).findings) == n


def test_another_fill_within_the_window_goes_on_counting_and_one_after_it_begins_anew() -> None:
    """Given a fill, a cancel, and another fill, then the cancel counts if the second fill came within the window of the first."""
    for later, n in ((T + 10, 1), (T + 11, 0)):
        told = layered([100])
        answered(told, -1, later)
        cancels(told, [99, 98], T + 10 if n else later)
        assert len(told.findings) == n


def test_what_is_no_new_fill_begins_nothing() -> None:
    """Given a foreign trade or a bust that changes the position, then later cancels of the other side are no pattern."""
    told = Told("R-25c", 1, 10)
    told.trades(-10, event=object())
    cancels(told, [100])
    assert told.findings == []


def test_a_fill_that_is_reported_again_begins_nothing() -> None:
    """Given a sell whose only fill is reported again long after, when a buy is then canceled, then the pattern's time has passed."""
    ids: list[str] = []

    def sells(ctx: Context) -> None:
        ctx.sell(0, 1, limit_px=10_000)

    def buys(ctx: Context) -> None:
        ids.append(ctx.buy(0, 1, limit_px=9_000))

    def cancel(ctx: Context) -> None:
        ctx.cancel(ids[0])

    for again, n in ((True, 0), (False, 1)):
        ids.clear()
        bound = limits_of(Scope.STRATEGY, ("s0",), {"layering_orders": (1,), "layering_window": (10 * SECOND,)})
        world = World(build.Acts(sells, buys, cancel), limits=bound).tick(trades(10_000))
        fill = OrderFilled(world.engine.desk.now_ns, 0, world.sent[0].cl_ord_id, 0, "e1", 1, 10_000, Liquidity.TAKER, 0, "USD", 2)
        world.step(fill)
        start = 60 if again else 2
        if again:
            world.step(msgspec.structs.replace(fill, ns=fill.ns + 60 * SECOND))
        world.tick(trades(10_000, start=start)).tick(trades(10_000, start=start + 1))
        ns = world.engine.desk.now_ns
        world.step(OrderCanceled(ns, 0, "c1", ns, ids[0], ""))
        assert len(world.of(SurveillanceAlerted)) == n


def test_no_order_is_asked_about_a_pattern() -> None:
    """Given the three watching rules, then asking them is a bug."""
    for rule in ("R-25a", "R-25b", "R-25c"):
        with pytest.raises(InvariantBroken, match=rule):
            build.ask(rule, (1,) * KNOWN[rule].width)


class Spoofer(Strategy):
    """Sends at one tick and cancels at the next."""

    def __init__(self) -> None:
        self.ids: list[str] = []

    def on_tick(self, ctx: Context, tick: Tick) -> None:
        if self.ids:
            ctx.cancel(self.ids.pop())
        else:
            self.ids.append(ctx.buy(0, 10, limit_px=9_000))


def test_an_alert_follows_its_input_denies_nothing_and_is_told_once() -> None:
    """Given a strategy that sends and cancels all the time, then after the third cancel there is one alert whose cause is that report; trading goes on."""
    numbers = {"spoof_share": (5_000,), "spoof_life": (60 * SECOND,), "spoof_window": (3_600 * SECOND,), "spoof_orders": (3,)}
    world = World(Spoofer(), limits=limits_of(Scope.STRATEGY, ("s0",), numbers))
    at = 1
    for n in range(4):
        world.tick(trades(10_000, 10_000, start=at))
        at += 3
        order = world.sent[n]
        ns = world.engine.desk.now_ns
        world.step(OrderCanceled(ns, 0, f"c{n}", ns, order.cl_ord_id, ""))
    (alert,) = world.of(SurveillanceAlerted)
    assert (alert.code, alert.strategy, alert.instrument, alert.observed, alert.limit) == ("SURV_SPOOF", 0, 0, 10_000, 5_000)
    reports = [seq for seq, e in world.events if isinstance(e, OrderCanceled)]
    assert alert.cause == reports[2]
    assert alert.since == next(seq for seq, e in world.events if e is world.sent[0])
    assert len(world.sent) == 4
    assert world.of(OrderDenied, TradingHalted) == []


def test_a_wash_trade_is_told_after_the_second_fill() -> None:
    """Given a buy and a sell by hand, filled at one price, then there is one alert after the second fill, caused by it."""
    world = World(limits=limits_of(Scope.ACCOUNT, (), {"wash_window": (SECOND,)})).tick(trades(10_000))
    for side in (Side.BUY, Side.SELL):
        assert world.of(SurveillanceAlerted) == []
        world.engine.desk.submit(-1, 0, side, 10, OrderType.MARKET, 0, 0, 0, TimeInForce.GTC, 0, False, False, "ann")
        world.fill(world.sent[-1], 10_000)
    (alert,) = world.of(SurveillanceAlerted)
    assert (alert.code, alert.strategy, alert.observed, alert.limit) == ("SURV_WASH", -1, 0, SECOND)
    assert alert.cause == [seq for seq, e in world.events if isinstance(e, OrderFilled)][-1]


@given(st.lists(st.tuples(st.integers(0, 4), st.booleans(), st.integers(1, 3)), max_size=40), st.integers(0, 8))
def test_wash_trades_agree_with_a_recount(fills: list[tuple[int, bool, int]], window: int) -> None:
    """Given random fills, then each is matched with the oldest opposite one at its price in the window that is not matched yet."""
    told = Told("R-25b", window)
    now, free, expected = T, [], []
    for n, (step, buys, px) in enumerate(fills, 1):
        now += step
        told.trades(1 if buys else -1, px, now)
        match = next((f for f in free if f[1] != buys and f[2] == px and f[0] >= now - window), None)
        if match is not None:
            free.remove(match)
            expected.append((now - match[0], match[3]))
        else:
            free.append((now, buys, px, n))
    assert [(f.observed, f.since) for f in told.findings] == expected


@given(
    st.lists(st.tuples(st.integers(0, 4), st.integers(0, 6), st.booleans()), max_size=30),
    st.integers(0, 10_000),
    st.integers(1, 12),
    st.integers(1, 5),
)
def test_spoofing_agrees_with_a_recount(orders: list[tuple[int, int, bool]], share: int, window: int, least: int) -> None:
    """Given orders that live for random times, then a finding is made exactly when a quick cancel makes the exact part in the window too large."""
    told = Told("R-25a", share, 3, window, least)
    now, ends, expected = T, [], 0
    for step, life, canceled in orders:
        now += step
        name = told.sends(now - life)
        told.ends(name, now, OrderCanceled if canceled else OrderExpired)
        ends = [(ns, q) for ns, q in [*ends, (now, canceled and life <= 3)] if ns > now - window]
        bad = sum(q for _, q in ends)
        if ends[-1][1] and len(ends) >= least and bad * 10_000 > share * len(ends):
            expected += 1
            ends = []
        assert len(told.findings) == expected
