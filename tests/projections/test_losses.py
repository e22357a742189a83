"""How far the loss limits were from tripping, held against what the engine itself knew after the same event."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.commit import FORMAT, GENESIS, Commit, first_ns
from domain.events import DayRolled, ExternalTradeObserved
from domain.limits import OFF, Limit
from domain.money import div_ceil
from domain.risk import KNOWN
from domain.terms import Scope, Side, TickKind
from domain.ticks import Ticks, concat, pack, table
from projections.losses import Loss, Losses, trigger_px
from projections.rebuild import fold
from tests.domain.harness import T0, World, trades
from tests.domain.loss_sessions import WORLDS, Ordered, Session, fill, one_limit, random_inputs, random_limits, random_ticks, world_of

Told = dict[tuple[str, Scope, str, str], tuple[Any, ...]]


def engines(world: World) -> Told:
    """What the engine's own memories say, by rule, member and parameter."""
    found: Told = {}
    for rule in ("L-01", "L-02"):
        for bound in world.engine.desk.risk.bounds(rule):
            latch, (first, second) = bound.memory, bound.values
            names = [p.name for p in KNOWN[rule].params]
            place = (rule, bound.scope, bound.member)
            if first != OFF or (rule == "L-02" and second != OFF):
                loss = latch.look()
                px = trigger_px(latch)
                most = latch.room(latch.top) if latch.top is not None else first if second == OFF or rule == "L-01" else None
                found[*place, names[first == OFF]] = (loss, most, latch.latched, px)
            if rule == "L-01" and second != OFF:
                found[*place, names[1]] = (div_ceil(*latch.realised_loss()), second, latch.latched, None)
    return found


def told(view: Losses) -> Told:
    return {(x.rule, x.scope, x.member, x.param): (x.loss, x.most, x.latched, x.trigger_px or None) for x in view.rows()}


class Watched(Session):
    """Notes what the engine knows in front of each input and behind it."""

    noted: list[tuple[int, Told]]

    def do(self, what: str, how: Any) -> None:
        self.note()
        super().do(what, how)
        self.note()

    def note(self) -> None:
        self.noted.append((self.world.journal.seq, engines(self.world)))


def commit_of(world: World) -> Commit:
    """Everything so far, never encoded: some worlds have amounts that no log holds."""
    journal, ticks = world.journal, pack(concat(world.seen))
    now_ns = world.engine.desk.now_ns
    return Commit(FORMAT, "test", 1, 1, journal.seq, GENESIS, first_ns(journal.events, ticks), now_ns, ticks, journal.gaps, journal.events)


def one_by_one(commit: Commit, view: Losses, asked: set[int]) -> Told:
    """The view after the whole commit, each tick handed over by itself, asked now and then on the way."""
    for seq, part in commit.segments():
        if isinstance(part, Ticks):
            for i in range(len(part)):
                view.advance(seq + i, part.slice(i, i + 1))
                if seq + i in asked:
                    view.rows()
        else:
            view.evolve(seq, part)
    return told(view)


@given(seed=st.integers(0, 2**32), kind=st.sampled_from(sorted(WORLDS)), n=st.sampled_from([5, 40, 150]))
def test_after_any_event_the_view_knows_what_the_engine_knew(seed: int, kind: str, n: int) -> None:
    """Given a random session played in random tables, then loss, limit, halt and trigger price are the engine's, in front of every input and behind it."""
    rng = Random(seed)
    specs, digits = WORLDS[kind]
    ticks = random_ticks(rng, n, len(specs))
    limits = random_limits(rng, digits, tuple(s.symbol for s in specs))
    script = random_inputs(rng, len(ticks), len(specs), digits, specs[0].settle)
    session = Watched(world_of(kind, limits)[0], ticks, script)
    session.noted = []
    session.play(sorted(rng.sample(range(n), min(n, rng.randint(0, 6)))))
    session.note()
    commit = commit_of(session.world)
    for seq, known in session.noted:
        view = Losses()
        assert fold([commit], [view], until_seq=seq) == seq
        assert told(view) == known
    assert one_by_one(commit, Losses(), {seq for seq, _ in session.noted}) == session.noted[-1][1]


def seen(world: World) -> list[Loss]:
    view = Losses()
    fold([commit_of(world)], [view])
    return view.rows()


def test_a_limit_tells_the_loss_and_the_first_price_that_trips_it() -> None:
    """Given 10 held from 100.00 that stand at 99.80, and a daily loss of 5.00, then 2.00 are lost, and 99.49 or lower trips."""
    world = World(Ordered(), limits=one_limit("L-01", 500, 300)).tick(trades(10_000))
    fill(world, 0, 10, 10_000)
    marked, realised = seen(world.tick(trades(9_980, start=2)))
    assert (marked.param, marked.loss, marked.most, marked.latched, marked.qty, marked.trigger_px) == ("daily_loss", 200, 500, False, 10, 9_949)
    assert (realised.param, realised.loss, realised.most, realised.instrument) == ("daily_realised_loss", 0, 300, None)


@given(
    qty=st.integers(-1_000, 1_000).filter(bool), px=st.integers(1, 10**6), limit=st.integers(0, 10**8), kind=st.sampled_from(["linear", "inverse"]),
    rule=st.sampled_from(["L-01", "L-02"]),
)  # fmt: skip
def test_the_trigger_price_is_the_first_that_trips(qty: int, px: int, limit: int, kind: str, rule: str) -> None:
    """Given one position, then the limit holds at the price next to the trigger and trips at it; without a trigger no price trips."""
    specs = WORLDS[kind][0]
    world = World(Ordered(), limits=one_limit(rule, limit, scope=Scope.INSTRUMENT, member=specs[0].symbol), instruments=specs)
    world.tick(table(TickKind.TRADE, 0, [T0 + 1], [T0 + 1], [px], 1, int(Side.BUY)))
    world.step(ExternalTradeObserved(T0 + 1, 0, 0, T0 + 1, "x", Side.BUY if qty > 0 else Side.SELL, px, abs(qty), ""))
    bound = world.engine.desk.risk.bound(rule, Scope.INSTRUMENT, specs[0].symbol)
    assert bound is not None
    trigger = trigger_px(bound.memory)
    cost = specs[0].value(px, qty)
    beyond = 1 if qty < 0 else -1
    if trigger is None:
        worst = specs[0].value(2**61 if qty < 0 else 1, qty)
        assert cost - worst <= limit
    else:
        assert cost - specs[0].value(trigger, qty) > limit
        assert cost - specs[0].value(trigger - beyond, qty) <= limit


def test_there_is_no_trigger_price_where_none_is_meant() -> None:
    """Given nothing held, two instruments, or a limit on what is closed only, then there is no trigger price."""
    world = World(Ordered(), limits=one_limit("L-01", 500)).tick(trades(10_000)).tick(trades(10_000, instrument=1))
    assert [row.trigger_px for row in seen(world)] == [0]
    fill(world, 0, 10, 10_000)
    assert [row.trigger_px for row in seen(world)] == [9_949]
    fill(world, 1, 10, 10_000)
    assert [row.trigger_px for row in seen(world)] == [0]
    other = World(Ordered(), limits=one_limit("L-01", OFF, 500)).tick(trades(10_000))
    fill(other, 0, 10, 10_000)
    assert [row.trigger_px for row in seen(other)] == [0]


def test_a_short_position_trips_above() -> None:
    world = World(Ordered(), limits=one_limit("L-02", 500)).tick(trades(10_000))
    fill(world, 0, -10, 10_000)
    (row,) = seen(world.tick(trades(9_900, 9_910, start=2)))
    assert (row.param, row.loss, row.most, row.qty, row.trigger_px) == ("drawdown", 100, 500, -10, 9_951)


def test_a_tripped_limit_stays_tripped_until_its_halt_is_lifted() -> None:
    """Given a tick beyond the limit and a better one after it, then the limit is tripped without a trigger price, until the day rolls."""
    world = World(Ordered(), limits=one_limit("L-01", 500)).tick(trades(10_000))
    fill(world, 0, 10, 10_000)
    world.tick(trades(9_949, 10_100, start=2))
    world.step(DayRolled(world.engine.desk.now_ns, 0, 20_260_101))
    commit = commit_of(world)
    *_, roll, _ = (seq for seq, part in commit.segments() if not isinstance(part, Ticks))
    for seq, latched, loss, px in ((roll - 1, True, -1_000, 0), (roll + 1, False, 0, 10_049)):
        view = Losses()
        fold([commit], [view], until_seq=seq)
        (row,) = view.rows()
        assert (row.latched, row.loss, row.trigger_px) == (latched, loss, px)


@pytest.mark.parametrize(
    ("values", "param", "most"), [((500, OFF), "drawdown", 500), ((OFF, 10), "drawdown_bps", None), ((500, 10), "drawdown", None)]
)
def test_without_a_price_there_is_no_loss(values: tuple[int, int], param: str, most: int | None) -> None:
    """Given something held from elsewhere that never had a price, then there is no loss, nor a peak that a part could be taken of."""
    world = World(Ordered())
    world.step(ExternalTradeObserved(T0, 0, 0, T0, "x", Side.BUY, 10_000, 10, ""))
    session = Session(world, trades(1), [])
    session.command("limits", scope="account", values={"drawdown": [values[0]], "drawdown_bps": [values[1]]})
    (row,) = seen(world)
    assert (row.param, row.loss, row.most, row.trigger_px) == (param, None, most, 0)


def test_other_limits_and_those_of_others_rules_are_passed_over() -> None:
    """Given limits of other rules before and between, then only the loss limits in force are told, by their newest numbers."""
    limits = (
        Limit(1, "R-04", Scope.ACCOUNT, (), (50,)),
        Limit(2, "L-02", Scope.STRATEGY, ("s0",), (700, OFF)),
        Limit(3, "L-01", Scope.ACCOUNT, (), (OFF, OFF)),
    )
    world = World(Ordered(), limits=limits)
    session = Session(world, trades(1), [])
    session.command("limits", scope="account", values={"max_order_qty": [40]})
    session.command("limits", scope="strategy", members=("s0",), values={"drawdown": [600]})
    assert [(x.rule, x.scope, x.member, x.most) for x in seen(world)] == [("L-02", Scope.STRATEGY, "s0", 600)]


def test_before_the_opening_there_is_nothing() -> None:
    view = Losses()
    view.evolve(1, DayRolled(T0, 0, 20_260_101))
    view.advance(2, trades(10_000))
    assert (view.state, view.rows()) == (None, [])
