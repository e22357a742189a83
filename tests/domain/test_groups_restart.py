"""Groups over a restart, frozen, and re-enacted."""

from __future__ import annotations

from domain.context import Context
from domain.events import (
    GroupClosed,
    GroupLegFailed,
    GroupOpened,
    OrderFilled,
    OrderSubmitted,
    OrderUnknown,
    SessionResumed,
    TradePrinted,
)
from domain.replay import Replay
from domain.strategy import Strategy
from domain.terms import Side
from reenact.freezing import freeze, thaw
from tests.domain.grouped import Grouped, bracket, entered
from tests.domain.harness import trades


def test_a_cancel_is_not_repeated_by_a_restart() -> None:
    """Given a cancel on its way, when the session is resumed and the venue answers it, then it was asked for exactly once."""
    w = entered().trade("target", 10)
    w.step(SessionResumed(w.now, 0, "", "crash"))
    w.wait().answer()
    assert len(w.cancels) == 1
    assert w.closings == [(1, 0, "closed by the target")]


def test_a_cancel_that_was_lost_in_a_restart_is_asked_for_once_more() -> None:
    """Given a cancel on its way, when the session is resumed and the venue says twice that the order works, then it is asked for once again."""
    w = entered().trade("target", 10)
    w.step(SessionResumed(w.now, 0, "", "crash"))
    assert len(w.cancels) == 1
    w.accept("stop").accept("stop")
    assert w.cancels == [w.order("stop").cl_ord_id] * 2
    w.answer()
    assert (w.works, w.closings) == ({}, [(1, 0, "closed by the target")])


def test_an_acceptance_without_a_restart_repeats_no_cancel() -> None:
    """Given a cancel on its way, when the venue confirms the order again, then no second cancel is asked for."""
    w = entered().trade("target", 10).accept("stop").accept("stop")
    assert len(w.cancels) == 1


def test_a_replacement_that_was_lost_in_a_restart_is_made_good() -> None:
    """Given legs that were to grow from 4 to 10, when the session is resumed and the venue knows only 4, then they are canceled and sent anew for 10."""
    w = bracket(Grouped()).answer().trade("entry", 4).answer().trade("entry", 6)
    lost = {r.cl_ord_id for r in w.requests}
    w.step(SessionResumed(w.now, 0, "", "crash"))
    w.answered |= lost
    w.accept("stop", "target").answer()
    assert (w.works, w.failures) == ({"stop": 10, "target": 10}, [])


def test_legs_sent_before_a_stop_are_not_sent_again() -> None:
    """Given legs that the venue never answered, when the session is resumed, then they are unknown and nothing is sent; proven alive, they follow the fills."""
    w = bracket(Grouped()).answer().trade("entry", 4)
    n = len(w.of(OrderSubmitted))
    w.step(SessionResumed(w.now, 0, "", "crash"))
    w.trade("entry", 6)
    assert (len(w.of(OrderSubmitted)), len(w.of(OrderUnknown))) == (n, 2)
    w.answer()
    assert w.works == {"stop": 10, "target": 10}


def test_a_frozen_group_goes_on_as_if_nothing_had_been() -> None:
    """Given a bracket filled in part, when its engine is frozen and thawed, then both copies decide the same from there on."""
    w = bracket(Grouped()).answer().trade("entry", 4)
    data = freeze((w.engine, w.journal), w.engine.strategies)
    other = Grouped()
    other.engine, other.journal = thaw(data, other.engine.strategies)
    other.answered, other.execs = set(w.answered), w.execs
    for world in (w, other):
        world.answer().trade("entry", 6).answer().trade("target", 3).answer().end("stop").answer().trade("flat", 7)
    assert other.events == w.events
    assert w.closings == [(1, 0, "flattened")]


class Breakout(Strategy):
    """Buys a rise of a whole point with a bracket around it, one at a time: the example of the documentation."""

    def __init__(self) -> None:
        self.last = 0

    def on_tick(self, ctx: Context, tick: TradePrinted) -> None:
        if self.last and tick.px - self.last >= 100 and not ctx.position(tick.instrument) and not ctx.open_orders(tick.instrument):
            ctx.bracket(tick.instrument, Side.BUY, 10, stop_px=tick.px - 50, target_px=tick.px + 150, reason="breakout")
        self.last = tick.px


def test_a_session_with_brackets_is_re_enacted_byte_for_byte() -> None:
    """Given a strategy with a bracket, a restart and a race of both legs, when its inputs are played again, then every event is reached again."""
    w = Grouped(Breakout())
    w.tick(trades(10_100, start=2))
    w.answer().trade("entry", 4)
    w.step(SessionResumed(w.now, 0, "", "crash"))
    w.answer().trade("entry", 6).answer()
    w.trade("target", 10).trade("stop", 10).answer().trade("flat", 10)
    assert [type(e) for e in w.of(GroupOpened, GroupLegFailed, GroupClosed)] == [GroupOpened, GroupLegFailed, GroupClosed]
    replay = Replay("test", lambda _: [Breakout()])
    progress = list(replay.follow([w.record()]))
    assert progress[-1].events > 20


def test_nothing_is_listened_to_before_the_first_group() -> None:
    """Given an engine, when no group was opened, then no report of a fill is heard by the groups; afterwards it is, once however many there are."""
    w = Grouped()
    before = len(w.engine.reacts.get(OrderFilled, []))
    bracket(bracket(w))
    assert len(w.engine.reacts[OrderFilled]) == before + 1
