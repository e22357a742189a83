"""The loss watch against a naive recount of the recorded session, with the same session cut in different ways."""

from __future__ import annotations

from itertools import pairwise
from random import Random
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.context import Context
from domain.events import (
    Balance,
    DayRolled,
    ExternalTradeObserved,
    FeeCharged,
    FillBusted,
    FundingPaid,
    OperatorCommandReceived,
    OperatorCommandRefused,
    OrderCancelRequested,
    OrderDenied,
    OrderFilled,
    OrderSubmitted,
    TimerFired,
    TradePrinted,
    TradingHalted,
    TradingResumed,
)
from domain.instrument import instrument
from domain.limits import OFF, Limit
from domain.strategy import Strategy
from domain.terms import Liquidity, Scope, Side, TickKind
from domain.ticks import Ticks, concat, table
from tests.domain.harness import SECOND, T0, World, quotes, trades
from tests.domain.naive_losses import recount

LINEAR = (
    instrument("X", price_digits=2, qty_digits=0, amt_digits=2),
    instrument("Y", price_digits=1, qty_digits=0, amt_digits=2, multiplier="3", asset_class="future", venue="FUT"),
    instrument("Z", price_digits=2, qty_digits=0, amt_digits=2, asset_class="future"),
)
INVERSE = (
    instrument("XBT", base="BTC", quote="USD", inverse=True, price_digits=1, amt_digits=8),
    instrument("ETH", base="ETH", quote="BTC", price_digits=4, qty_digits=0, amt_digits=8, asset_class="future", venue="FUT"),
    instrument("XBU", base="BTC", quote="USD", inverse=True, price_digits=1, amt_digits=8, multiplier="100", asset_class="future"),
)
HUGE = tuple(
    instrument(s, price_digits=2, qty_digits=0, amt_digits=20, asset_class=c, venue=v)
    for s, c, v in (("X", "equity", "SIM"), ("Y", "future", "FUT"), ("Z", "future", "SIM"))
)
WORLDS = {"linear": (LINEAR, 2), "inverse": (INVERSE, 8), "huge": (HUGE, 20)}
MEMBERS = (
    (Scope.ACCOUNT, ("",)),
    (Scope.STRATEGY, ("s0", "s1")),
    (Scope.INSTRUMENT, ("0", "1")),
    (Scope.CLASS, ("future",)),
    (Scope.VENUE, ("FUT",)),
)


class Ordered(Strategy):
    """Sends what a timer is called: instrument, side and quantity. Looks at no ticks."""

    def on_timer(self, ctx: Context, name: str) -> None:
        i, qty = map(int, name.split())
        if qty > 0:
            ctx.buy(i, qty)
        else:
            ctx.sell(i, -qty)


class Looking(Ordered):
    """The same, called for every tick."""

    def on_tick(self, ctx: Context, tick: Any) -> None:
        del tick


def random_ticks(rng: Random, n: int, instruments: int) -> Ticks:
    """Trades, quotes (some with an empty side) and bars of several instruments; the prices wander, and now and then there is none."""
    parts = []
    px = [rng.randint(9_000, 11_000) for _ in range(instruments)]
    kinds = rng.choice(["t", "q", "tq", "tqb", "tttttttq"])
    few = rng.choice([1, instruments])
    for k in range(n):
        i = rng.randrange(few)
        px[i] = max(1, px[i] + rng.randint(-60, 60))
        ns = T0 + (k + 1) * SECOND
        kind = rng.choice(kinds)
        p = px[i] if rng.random() > 0.01 else 0
        if kind == "t":
            parts.append(table(TickKind.TRADE, i, [ns], [ns], [p], 5, int(Side.BUY)))
        elif kind == "q":
            wide = rng.randint(0, 9)
            parts.append(table(TickKind.QUOTE, i, [ns], [ns], [p], 0 if rng.random() < 0.05 else 5, [p + wide], 5))
        else:
            parts.append(table(TickKind.BAR, i, [ns], [ns], [p], p + 9, max(p - 9, 0), p, 10, SECOND))
    return concat(parts) if parts else trades(10_000)


def random_limits(rng: Random, digits: int, symbols: tuple[str, ...]) -> tuple[Limit, ...]:
    """A few loss limits of a size that the prices reach often."""
    found: list[Limit] = []
    unit = 10 ** (digits - 2) if digits != 8 else 20
    for scope, members in MEMBERS:
        names = tuple(symbols[int(m)] for m in members) if scope is Scope.INSTRUMENT else members if scope is not Scope.ACCOUNT else ()
        if rng.random() < 0.7:
            values = (rng.choice([OFF, rng.randint(0, 9_000) * unit]), rng.choice([OFF, rng.randint(0, 9_000) * unit]))
            found.append(Limit(len(found) + 1, "L-01", scope, names, values))
        if rng.random() < 0.7:
            values = (rng.choice([OFF, rng.randint(0, 9_000) * unit]), rng.choice([OFF, OFF, 0, rng.randint(1, 400), 20_000]))
            found.append(Limit(len(found) + 1, "L-02", scope, names, values))
    return tuple(found)


def random_inputs(rng: Random, n: int, instruments: int, digits: int, currency: str) -> list[tuple[int, str, Any]]:
    """(ticks before it, what, how) in order."""
    found: list[tuple[int, str, Any]] = []
    for _ in range(rng.randint(1, 14)):
        at = rng.randint(0, n)
        i = rng.randrange(instruments)
        qty = rng.choice([-1, 1]) * rng.randint(1, 12)
        off = rng.randint(-150, 150)
        what = rng.choice(["order"] * 6 + ["external"] * 3 + ["fee", "funding", "roll", "limits", "resume", "bust", "adjust", "outcome-less"])
        found.append((at, what, (i, qty, off, rng.randrange(2), rng.randint(-300, 300), currency, min(digits, 4))))
    return sorted(found, key=lambda x: x[0])


class Session:
    """Plays a script over ticks in tables cut where it is told."""

    def __init__(self, world: World, ticks: Ticks, script: list[tuple[int, str, Any]]) -> None:
        self.world = world
        self.ticks = ticks
        self.script = script
        self.execs: list[OrderFilled] = []
        self.number = 0

    def play(self, cuts: list[int]) -> World:
        n = len(self.ticks)
        bounds = sorted({0, n, *cuts})
        script = list(self.script)
        for start, stop in pairwise(bounds):
            part = self.ticks.slice(start, stop)
            at = 0
            while script and script[0][0] < stop:
                at = self.run(part, at, script[0][0] - start)
                self.do(*script.pop(0)[1:])
            self.run(part, at, stop - start)
            self.world.seen.append(part)
        for _, what, how in script:
            self.do(what, how)
        return self.world

    def run(self, part: Ticks, at: int, to: int) -> int:
        while at < to:
            at = self.world.engine.run(part, at, to)
        return at

    def do(self, what: str, how: Any) -> None:
        i, qty, off, strategy, amt, currency, digits = how
        world = self.world
        desk = world.engine.desk
        ns = desk.now_ns
        self.number += 1
        mark = desk.market.mark_px(i)
        px = max(1, (mark or 10_000) + off)
        name = world.opened.instruments[i].symbol
        if what == "order":
            before = len(world.sent)
            world.step(TimerFired(ns, 0, strategy, f"{i} {qty}", ns))
            for order in world.sent[before:]:
                fill = OrderFilled(ns, 0, order.cl_ord_id, ns, f"e{self.number}", px, abs(qty), Liquidity.TAKER, abs(amt) // 9, currency, digits)
                self.execs.append(fill)
                if off % 5:
                    world.step(fill)
        elif what == "external":
            world.step(ExternalTradeObserved(ns, 0, i, ns, f"x{self.number}", Side.BUY if qty > 0 else Side.SELL, px, abs(qty), ""))
        elif what == "fee":
            world.step(FeeCharged(ns, 0, currency, amt, digits, ""))
        elif what == "funding":
            world.step(FundingPaid(ns, 0, i, currency, amt, digits))
        elif what == "roll":
            world.step(DayRolled(ns, 0, 20_260_101))
        elif what == "bust" and self.execs:
            old = self.execs[off % len(self.execs)]
            world.step(FillBusted(ns, 0, old.cl_ord_id, ns, f"b{self.number}", old.exec_id))
        elif what == "adjust":
            self.command("adjust", currency=currency, amt=amt * 50, digits=digits, reason="")
        elif what == "limits":
            rule = "drawdown" if off % 2 else "daily_loss"
            scope, members = (("account", ()), ("instrument", (name,)))[off % 3 % 2]
            self.command("limits", scope=scope, members=members, values={rule: [abs(off) * 10 ** max(0, digits - 1)]})
        elif what == "resume":
            for (scope, member), rules in list(desk.risk.halts.items()):
                for rule in list(rules):
                    self.command("resume", scope=scope.name.lower(), member=member, rule=rule)
                    self.command("approve", actor="bob", number=world.engine.control.approvals.next - 1)

    def command(self, name: str, actor: str = "ann", **argument: Any) -> None:
        desk = self.world.engine.desk
        self.world.step(OperatorCommandReceived(desk.now_ns, 0, actor, name, msgspec.json.encode(argument).decode()))


def world_of(kind: str, limits: tuple[Limit, ...], strategy: type[Strategy] = Ordered) -> tuple[World, int, str]:
    specs, digits = WORLDS[kind]
    currency = specs[0].settle
    balance = Balance(currency, 30_000 if digits == 8 else 3_000_000, 4 if digits == 8 else 2)
    return World(strategy(), strategy(), limits=limits, instruments=specs, balances=(balance,)), digits, currency


@given(seed=st.integers(0, 2**32), kind=st.sampled_from(sorted(WORLDS)), n=st.sampled_from([5, 40, 150, 400]))
def test_halts_stand_where_a_naive_recount_finds_them_whatever_the_cuts(seed: int, kind: str, n: int) -> None:
    """Given random ticks, positions and limits, when a session is played whole, tick by tick and cut at random, then all record the naive halts."""
    rng = Random(seed)
    specs, digits = WORLDS[kind]
    ticks = random_ticks(rng, n, len(specs))
    limits = random_limits(rng, digits, tuple(s.symbol for s in specs))
    script = random_inputs(rng, len(ticks), len(specs), digits, specs[0].settle)
    cuts = [[], sorted(rng.sample(range(n), min(n, rng.randint(1, 12)))), list(range(0, n, rng.choice([1, 7, 17, 40])))]
    records = []
    for cut in cuts:
        for strategy in (Ordered, Looking):
            world = Session(world_of(kind, limits, strategy)[0], ticks, script).play(cut)
            expected, actual = recount(world)
            assert actual == expected
            records.append(world.events)
    assert all(record == records[0] for record in records[1:])


def one_limit(rule: str, *values: int, scope: Scope = Scope.ACCOUNT, member: str = "") -> tuple[Limit, ...]:
    """One limit, what is left out is off."""
    width = 3 if rule == "L-03" else 2
    return (Limit(1, rule, scope, (member,) if member else (), (*values, *(OFF,) * (width - len(values)))),)


def fill(world: World, i: int, qty: int, px: int, fee: int = 0, strategy: int = 0) -> None:
    """A strategy's order is sent and filled."""
    ns = world.engine.desk.now_ns
    n = len(world.sent)
    world.step(TimerFired(ns, 0, strategy, f"{i} {qty}", ns))
    for order in world.sent[n:]:
        world.fill(order, px, fee_amt=fee)


def halts(world: World) -> list[tuple[int, str, int, int]]:
    """(seq of the cause, rule, observed, limit) of every halt."""
    return [(e.cause, e.rule, e.observed, e.limit) for e in world.of(TradingHalted)]  # type: ignore[union-attr]


@pytest.mark.parametrize("pieces", [0, 1, 3])
def test_the_tick_that_goes_beyond_the_limit_halts_and_the_one_at_it_does_not(pieces: int) -> None:
    """Given 10 held from 100.00 and a daily loss of 5.00, when the price falls to 99.50 and then 99.49, then the second tick halts."""
    world = World(Ordered(), limits=one_limit("L-01", 500)).tick(trades(10_000))
    fill(world, 0, 10, 10_000)
    seq = world.journal.seq
    world.tick(trades(*[9_950] * 40, 9_949, 9_000, start=2), pieces=pieces)
    assert halts(world) == [(seq + 41, "L-01", 510, 500)]


def test_a_halt_stands_before_any_strategy_hears_of_its_cause() -> None:
    """Given a strategy that looks at the state on each tick and fill, then the tick and the fill that trip find the halt recorded."""
    seen: list[tuple[int, int]] = []

    class Peeking(Ordered):
        def on_tick(self, ctx: Context, tick: TradePrinted) -> None:  # type: ignore[override]
            seen.append((tick.px, desk.risk.state_of(Scope.ACCOUNT, "")))

        def on_fill(self, ctx: Context, event: OrderFilled) -> None:
            seen.append((event.last_px, desk.risk.state_of(Scope.ACCOUNT, "")))

    world = World(Peeking(), limits=one_limit("L-01", 500))
    desk = world.engine.desk
    world.tick(trades(10_000))
    fill(world, 0, 10, 10_000)
    world.tick(trades(9_950, 9_949, start=2))
    assert seen == [(10_000, 0), (10_000, 0), (9_950, 0), (9_949, 1)]
    world.step(DayRolled(desk.now_ns, 0, 20_260_101))
    seen.clear()
    fill(world, 0, 10, 10_100)
    assert seen == [(10_100, 1)]


def test_a_halt_cancels_what_works_in_its_scope_and_nothing_else() -> None:
    """Given working orders of two strategies, when the limit of one trips, then its orders get a cancel each, once."""
    world = World(Ordered(), Ordered(), limits=one_limit("L-01", 500, scope=Scope.STRATEGY, member="s0")).tick(trades(10_000))
    fill(world, 0, 10, 10_000)
    ns = world.engine.desk.now_ns
    for strategy in (0, 1):
        world.step(TimerFired(ns, 0, strategy, "0 5", ns), TimerFired(ns, 0, strategy, "1 5", ns))
    working = [o.cl_ord_id for o in world.of(OrderSubmitted) if o.strategy == 0][1:]  # type: ignore[union-attr]
    world.tick(trades(9_000, 8_000, start=2))
    assert [e.orig_cl_ord_id for e in world.of(OrderCancelRequested)] == working  # type: ignore[union-attr]
    assert len(working) == 2


def test_the_halt_denies_until_the_day_rolls_and_not_longer() -> None:
    """Given a halt, then what adds risk is denied with the rule's reason and what reduces is sent, until the roll resumes with a new base."""
    world = World(Ordered(), limits=one_limit("L-01", 500)).tick(trades(10_000))
    fill(world, 0, 10, 10_000)
    world.tick(trades(9_949, 10_500, start=2))
    ns = world.engine.desk.now_ns
    sent = len(world.sent)
    world.step(TimerFired(ns, 0, 0, "0 1", ns))
    assert len(world.sent) == sent
    assert [e.reason for e in world.of(OrderDenied)] == ["DAILY_LOSS"]  # type: ignore[union-attr]
    world.step(TimerFired(ns, 0, 0, "0 -1", ns))
    assert len(world.sent) == sent + 1
    roll = world.journal.seq + 1
    world.step(DayRolled(ns, 0, 20_260_101))
    assert [(e.cause, e.rule, e.reason) for e in world.of(TradingResumed)] == [(roll, "L-01", "session roll")]  # type: ignore[union-attr]
    world.step(TimerFired(ns, 0, 0, "0 1", ns))
    assert len(world.sent) == sent + 2
    world.tick(trades(10_450, 10_449, start=9))
    assert halts(world)[1][2:] == (510, 500)


def test_two_persons_lift_a_halt_and_the_loss_is_measured_from_then_on() -> None:
    """Given a halt, when two persons lift it, then the loss starts anew at the price of then, without waiting for the roll."""
    world = World(Ordered(), limits=one_limit("L-02", 500)).tick(trades(10_000))
    fill(world, 0, 10, 10_000)
    world.tick(trades(9_949, start=2))
    session = Session(world, trades(1), [])
    session.command("resume", scope="account", member="", rule="L-02")
    assert world.engine.desk.risk.state_of(Scope.ACCOUNT, "") == 1
    session.command("approve", actor="bob", number=world.engine.control.approvals.next - 1)
    assert world.engine.desk.risk.state_of(Scope.ACCOUNT, "") == 0
    world.tick(trades(9_899, 9_898, start=3))
    assert [h[2] for h in halts(world)] == [510, 510]


@pytest.mark.parametrize("kind", ["fee", "fill", "limit"])
def test_what_is_no_tick_can_trip_as_well(kind: str) -> None:
    """Given a loss of 5.00 at a limit of 5.00, when a fee, a bad fill or a tighter limit comes, then that halts."""
    world = World(Ordered(), limits=one_limit("L-01", 500)).tick(trades(10_000))
    fill(world, 0, 10, 10_000)
    world.tick(trades(9_950, start=2))
    assert halts(world) == []
    seq = world.journal.seq + 1
    if kind == "fee":
        world.step(FeeCharged(world.engine.desk.now_ns, 0, "USD", 1, 2, ""))
        assert halts(world) == [(seq, "L-01", 501, 500)]
    elif kind == "fill":
        fill(world, 0, 1, 9_951)
        assert [h[1:] for h in halts(world)] == [("L-01", 501, 500)]
    else:
        Session(world, trades(1), []).command("limits", scope="account", values={"daily_loss": [499]})
        assert halts(world) == [(seq, "L-01", 500, 499)]


def test_a_larger_limit_lifts_no_halt() -> None:
    """Given a halt, when the limit is raised far beyond the loss, then the scope stays halted."""
    world = World(Ordered(), limits=one_limit("L-01", 500)).tick(trades(10_000))
    fill(world, 0, 10, 10_000)
    world.tick(trades(9_949, start=2))
    Session(world, trades(1), []).command("limits", scope="account", values={"daily_loss": [10**9]})
    assert world.engine.desk.risk.state_of(Scope.ACCOUNT, "") == 1
    assert world.of(TradingResumed) == []


def test_limits_that_trip_at_one_tick_are_recorded_in_their_order() -> None:
    """Given four limits that one tick trips, then all are recorded at it, in the order in which they came to bind."""
    limits = (
        Limit(1, "L-02", Scope.STRATEGY, ("s0",), (500, OFF)), Limit(2, "L-01", Scope.INSTRUMENT, ("X",), (500, OFF)),
        Limit(3, "L-01", Scope.ACCOUNT, (), (400, OFF)), Limit(4, "L-02", Scope.ACCOUNT, (), (500, OFF)),
    )  # fmt: skip
    for pieces in (0, 1):
        world = World(Ordered(), limits=limits).tick(trades(10_000))
        fill(world, 0, 10, 10_000)
        seq = world.journal.seq
        world.tick(trades(10_000, 9_000, start=2), pieces=pieces)
        assert [(e.cause, e.rule, e.scope) for e in world.of(TradingHalted)] == [  # type: ignore[union-attr]
            (seq + 2, "L-02", Scope.STRATEGY), (seq + 2, "L-01", Scope.INSTRUMENT), (seq + 2, "L-01", Scope.ACCOUNT), (seq + 2, "L-02", Scope.ACCOUNT),
        ]  # fmt: skip


def test_quiet_ticks_stay_quiet_while_no_price_can_trip() -> None:
    """Given a table with a low that is past, when a position is opened, then a limit beyond the low asks for no search; a nearer one is searched for."""
    for limit, searched in ((20_000, False), (19_999, True)):
        world = World(Ordered(), limits=one_limit("L-01", limit))
        ticks = trades(8_000, *[10_000] * 1_999)
        watch = world.engine._watch
        assert world.engine.run(ticks, 0, 1_000) == 1_000
        fill(world, 0, 10, 10_000)
        assert (watch.calm == 1_000) == searched
        assert world.engine.run(ticks, 1_000, 2_000) == 2_000
        assert (watch.calm == 2_000) == searched
        assert halts(world) == []


def test_a_position_without_a_price_trips_at_the_first_price_that_shows_the_loss() -> None:
    """Given a foreign trade before any price, then nothing is halted until a tick gives it one, and that tick halts."""
    world = World(Ordered(), limits=one_limit("L-01", 500))
    world.step(ExternalTradeObserved(T0, 0, 0, T0, "x", Side.BUY, 10_000, 10, ""))
    assert halts(world) == []
    seq = world.journal.seq
    world.tick(quotes((9_900, 9_902), (9_900, 9_901)))
    assert halts(world) == [(seq + 1, "L-01", 990, 500)]


def test_the_breaker_halts_at_its_last_losing_trip_and_is_lifted_when_the_cool_down_is_over() -> None:
    """Given a streak of 2, when two trips lose, then the fill halts until its cool-down has passed to the nanosecond, by a timer, and counts anew."""
    world = World(Ordered(), limits=one_limit("L-03", 2, 3_600 * SECOND, 60 * SECOND)).tick(trades(10_000, 10_000))
    desk = world.engine.desk
    for _ in range(2):
        assert halts(world) == []
        fill(world, 0, 1, 10_000)
        fill(world, 0, -1, 9_999)
    until = desk.now_ns + 60 * SECOND
    (halt,) = world.of(TradingHalted)
    assert (halt.rule, halt.observed, halt.limit, halt.until_ns) == ("L-03", 2, 2, until)  # type: ignore[union-attr]
    assert desk.next_timer_ns == until
    world.step(TimerFired(until, 0, -1, "loss-breaker ACCOUNT ", until))
    (resumed,) = world.of(TradingResumed)
    assert (resumed.rule, resumed.reason, resumed.ns) == ("L-03", "cool-down over", until)  # type: ignore[union-attr]
    fill(world, 0, 1, 10_000)
    fill(world, 0, -1, 9_999)
    assert len(halts(world)) == 1


def test_a_cool_down_that_persons_cut_short_does_not_end_the_next_halt() -> None:
    """Given a breaker that persons lifted and that tripped again, when the first cool-down's time comes, then the second halt stays."""
    limits = one_limit("L-03", 1, OFF, 60 * SECOND)
    world = World(Ordered(), limits=limits).tick(trades(10_000))
    fill(world, 0, 1, 10_000)
    fill(world, 0, -1, 9_999)
    first = world.engine.desk.now_ns + 60 * SECOND
    session = Session(world, trades(1), [])
    session.command("resume", scope="account", member="", rule="L-03")
    session.command("approve", actor="bob", number=world.engine.control.approvals.next - 1)
    world.tick(trades(10_000, start=2))
    fill(world, 0, 1, 10_000)
    fill(world, 0, -1, 9_999)
    assert len(halts(world)) == 2
    world.step(TimerFired(first, 0, -1, "loss-breaker ACCOUNT ", first))
    assert world.engine.desk.risk.state_of(Scope.ACCOUNT, "") == 1
    second = first + SECOND
    world.step(TimerFired(second, 0, -1, "loss-breaker ACCOUNT ", second))
    assert world.engine.desk.risk.state_of(Scope.ACCOUNT, "") == 0


@pytest.mark.parametrize(("cooldown", "until"), [(OFF, 0), (0, 1), (5, 5)])
def test_a_breaker_without_a_cool_down_waits_for_persons(cooldown: int, until: int) -> None:
    """Given no cool-down, then the halt has no end; given one of nothing, then it ends a nanosecond later."""
    world = World(Ordered(), limits=one_limit("L-03", 1, OFF, cooldown)).tick(trades(10_000))
    fill(world, 0, 1, 10_000)
    fill(world, 0, -1, 9_999)
    (halt,) = world.of(TradingHalted)
    now = world.engine.desk.now_ns
    assert halt.until_ns == (now + until if until else 0)  # type: ignore[union-attr]
    assert [due - now for due in world.engine.desk.state.timers.values()] == ([until] if until else [])


def test_a_person_records_an_outcome_and_the_loss_rules_count_it() -> None:
    """Given limits on the day and the streak, when a person records a loss, then it counts for both and can halt; nonsense is refused."""
    limits = (Limit(1, "L-01", Scope.ACCOUNT, (), (500, OFF)), Limit(2, "L-03", Scope.STRATEGY, ("s0",), (1, OFF, OFF)))
    world = World(Ordered(), limits=limits).tick(trades(10_000))
    session = Session(world, trades(1), [])
    session.command("record_outcome", symbol="X", strategy="s0", amt=-501, reason="filled by telephone")
    assert [h[1:] for h in halts(world)] == [("L-01", 501, 500), ("L-03", 1, 1)]
    session.command("record_outcome", symbol="nothing", strategy="s0", amt=-501, reason="")
    session.command("record_outcome", symbol="X", strategy="s0", amt=2**62, reason="")
    assert len(world.of(OperatorCommandRefused)) == 2


@pytest.mark.parametrize(("kind", "seed", "instruments"), [("linear", 1, 1), ("linear", 2, 3), ("inverse", 3, 1), ("inverse", 4, 3)])
def test_long_tables_are_searched_in_pieces(kind: str, seed: int, instruments: int) -> None:
    """Given a table far longer than what is searched at once, then its halts and peaks are those of the recount, however it is cut."""
    rng = np.random.default_rng(seed)
    specs, digits = WORLDS[kind]
    n = 36_000
    times = T0 + SECOND * np.arange(1, n + 1)
    px = 10_000 + np.cumsum(rng.integers(-9, 10, n))
    ticks = table(TickKind.TRADE, rng.integers(0, instruments, n), times, times, np.maximum(px, 1), 5, int(Side.BUY))
    units = 10**4 if kind == "linear" else 700
    limits = (
        Limit(1, "L-01", Scope.ACCOUNT, (), (7 * units, OFF)), Limit(2, "L-02", Scope.ACCOUNT, (), (8 * units, OFF)),
        Limit(3, "L-02", Scope.INSTRUMENT, (specs[0].symbol,), (OFF, 400)),
    )  # fmt: skip
    script = [(at, "external", (i % instruments, 40 - 60 * (i % 2), 0, 0, 0, specs[0].settle, digits)) for i, at in enumerate((3, 5, 9, 20_000))]
    script += [(at, "roll", (0, 0, 0, 0, 0, "", 0)) for at in (12_000, 24_000)]
    records = []
    for cuts in ([], [1, 500, 17_000, 17_010]):
        world = Session(world_of(kind, limits)[0], ticks, sorted(script)).play(cuts)
        expected, actual = recount(world)
        assert actual == expected
        assert actual
        records.append(world.events)
    assert records[0] == records[1]
