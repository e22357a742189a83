"""The loss watch against a naive recount of the recorded session, with the same session cut in different ways."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.context import Context
from domain.events import (
    DayRolled,
    ExternalTradeObserved,
    FeeCharged,
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
from domain.limits import OFF, Limit
from domain.terms import Scope, Side, TickKind
from domain.ticks import table
from tests.domain.harness import SECOND, T0, World, quotes, trades
from tests.domain.loss_sessions import (
    WORLDS,
    Looking,
    Ordered,
    Session,
    fill,
    halts,
    one_limit,
    random_inputs,
    random_limits,
    random_ticks,
    world_of,
)
from tests.domain.naive_losses import recount


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
