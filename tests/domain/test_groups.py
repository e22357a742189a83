"""Groups of orders beside everything else: persons, kills, other limits, refused groups, causes."""

from __future__ import annotations

import pytest

from domain.context import Context
from domain.errors import StrategyError
from domain.events import (
    ControlSettings,
    GroupLegFailed,
    GroupOpened,
    GroupReleased,
    Leg,
    OrderCanceled,
    OrderCancelRequested,
    OrderDenied,
    OrderFilled,
    OrderReplaceRequested,
    OrderSubmitted,
    TradePrinted,
    TradingHalted,
)
from domain.risk import limits_of
from domain.strategy import Strategy
from domain.terms import GroupKind, Scope, Side, TradingState
from tests.domain.grouped import Grouped, bracket, entered
from tests.domain.harness import SECOND


def test_a_leg_that_the_strategy_cancels_is_given_up() -> None:
    """Given working legs, when the strategy cancels its target, then nobody fights it: the stop goes on, and nothing is a failure."""
    w = entered()
    w.ctx.cancel(w.order("target").cl_ord_id)
    w.answer().wait().answer()
    assert (w.works, w.failures) == ({"stop": 10}, [])
    w.ctx.cancel(w.order("stop").cl_ord_id)
    w.answer()
    assert w.closings == [(1, 10, "left unprotected")]


def test_a_kill_is_not_fought() -> None:
    """Given a bracket filled in part, when a person engages the kill switch, then every order is canceled and no group sends another."""
    w = bracket(Grouped()).answer().trade("entry", 4).answer()
    sent = len(w.of(OrderSubmitted))
    w.command("kill").answer().wait().answer()
    assert (w.works, w.failures, len(w.of(OrderSubmitted))) == ({}, [], sent)
    assert w.closings == [(1, 4, "left unprotected")]


def test_a_canceled_group_leaves_its_position() -> None:
    """Given a bracket filled in part, when the strategy cancels the group, then every order gets one cancel, it closes, and late fills are its own."""
    w = bracket(Grouped()).answer().trade("entry", 4).answer()
    w.ctx.cancel_group(1, "enough")
    w.ctx.cancel_group(1)
    assert [e.reason for e in w.of(GroupReleased) if isinstance(e, GroupReleased)] == ["enough"]
    released = next(seq for seq, e in w.events if isinstance(e, GroupReleased))
    assert [e.cause for e in w.of(OrderCancelRequested)] == [released] * 3
    w.answer()
    assert w.closings == [(1, 4, "canceled by request")]
    w.ctx.cancel_group(1)
    w.trade("entry", 2).answer()
    assert (w.works, len(w.closings)) == ({}, 1)


def test_a_group_is_canceled_by_its_strategy_only() -> None:
    """Given two strategies, when one cancels a group of the other or one that never was, then it is told so."""
    w = bracket(Grouped(Strategy(), Strategy()))
    with pytest.raises(StrategyError, match="group 1 belongs to another strategy"):
        w.engine.contexts[1].cancel_group(1)
    with pytest.raises(StrategyError, match="there is no group 2"):
        w.ctx.cancel_group(2)


def test_a_stale_order_is_reaped_but_not_the_stop_of_a_position() -> None:
    """Given orders that may work for two seconds, when a bracket is older, then its entry's rest is canceled, its legs go on."""
    w = bracket(Grouped(control=ControlSettings(order_ttl_ns=2 * SECOND)), limit_px=10_000).answer().trade("entry", 4).answer()
    for _ in range(4):
        w.wait().answer()
    assert w.works == {"stop": 4, "target": 4}


def test_legs_may_be_sent_where_only_reducing_is_allowed() -> None:
    """Given an entry that works, when the account may only reduce, then what is filled still gets both its legs, and they still follow it."""
    w = bracket(Grouped()).answer().command("reduce_only").trade("entry", 4).answer().trade("entry", 6).answer().trade("target", 3).answer()
    assert (w.works, w.failures) == ({"stop": 7, "target": 7}, [])


@pytest.mark.parametrize(("qty", "sent"), [(5, True), (6, False)])
def test_the_legs_of_one_group_count_once_where_only_reducing_is_allowed(qty: int, sent: bool) -> None:
    """Given a position of 15 of which a bracket protects 10, when 5 more are to be reduced, then R-23 lets them pass, and not 6."""
    w = Grouped()
    w.ctx.buy(0, 5)
    w.fill(w.sent[0], 10_000)
    bracket(w).answer().trade("entry", 10).answer()
    n = len(w.of(OrderDenied))
    w.ctx.sell(0, qty, limit_px=10_500, reduce_only=True)
    assert (len(w.of(OrderDenied)) == n) is sent


def test_two_brackets_in_one_instrument_do_not_hinder_each_other() -> None:
    """Given two brackets of 10, when both are filled, then four legs of 10 work on a position of 20, and one closes without the other."""
    w = bracket(bracket(Grouped()).answer().trade("entry", 10).answer()).answer().trade("entry", 10).answer()
    assert [w.order(role, n).worst_leaves for n in (1, 2) for role in ("stop", "target")] == [10] * 4
    assert w.failures == []
    w.trade("target", 10).answer()
    assert w.closings == [(2, 0, "closed by the target")]
    assert [w.order(role, 1).worst_leaves for role in ("stop", "target")] == [10, 10]


@pytest.mark.parametrize(
    ("side", "stop_px", "target_px", "says"),
    [
        (Side.BUY, 0, 0, "needs a stop or a target"),
        (Side.BUY, -1, 11_000, "positive price"),
        (Side.BUY, 11_000, 10_000, "the stop of a buy bracket .11000. is not on the losing side"),
        (Side.BUY, 10_000, 10_000, "losing side"),
        (Side.SELL, 9_000, 10_000, "losing side"),
        (Side.NONE, 9_000, 10_000, "needs a side"),
    ],
)
def test_a_bracket_that_protects_nothing_is_refused(side: Side, stop_px: int, target_px: int, says: str) -> None:
    """Given prices that make no bracket, when it is asked for, then a sentence says what is wrong and nothing is recorded."""
    w = Grouped()
    n = len(w.events)
    with pytest.raises(StrategyError, match=says):
        w.ctx.bracket(0, side, 10, stop_px=stop_px, target_px=target_px)
    assert len(w.events) == n


@pytest.mark.parametrize(("instrument", "stop_px", "says"), [(2, 9_500, "no instrument 2"), (-1, 9_500, "no instrument"), (0, 2**62, "62 bits")])
def test_a_group_that_no_order_can_hold_is_refused(instrument: int, stop_px: int, says: str) -> None:
    """Given an instrument that is not there, or a price beyond 62 bits, then a sentence says so and nothing is recorded."""
    w = Grouped()
    n = len(w.events)
    with pytest.raises(StrategyError, match=says):
        w.ctx.bracket(instrument, Side.BUY, 10, stop_px=stop_px, target_px=0)
    assert len(w.events) == n


def test_groups_of_one_are_refused() -> None:
    """Given one order, when an OCO or an OTO is asked for, then a sentence says what is missing."""
    w = Grouped()
    with pytest.raises(StrategyError, match="two orders"):
        w.ctx.oco(0, Leg(Side.BUY, 1))
    with pytest.raises(StrategyError, match="triggers"):
        w.ctx.oto(0, Leg(Side.BUY, 1))


@pytest.mark.parametrize(("prices", "role"), [({"stop_px": 9_500, "target_px": 0}, "stop"), ({"stop_px": 0, "target_px": 11_000}, "target")])
def test_a_bracket_may_do_without_one_of_its_legs(prices: dict[str, int], role: str) -> None:
    """Given a bracket with a stop or a target only, when its entry is filled and the leg trades, then the group is flat and closed."""
    w = Grouped()
    w.ctx.bracket(0, Side.BUY, 10, **prices)
    w.answer().trade("entry", 10).answer()
    assert w.works == {role: 10}
    w.trade(role, 10)
    assert (w.position, w.closings) == (0, [(1, 0, f"closed by the {role}")])


def test_what_a_group_does_names_its_cause() -> None:
    """Given a failed leg that is flattened, when the flattening signal is asked why, then its causes lead to the failure, and that to the report."""
    w = entered().end("target", "canceled").answer()
    by_seq = dict(w.events)
    opened = next(e for e in w.of(GroupOpened))
    assert (opened.kind, opened.reason, type(by_seq.get(opened.cause, TradePrinted))) == (GroupKind.BRACKET, "test", type(TradePrinted))
    failed = w.of(GroupLegFailed)[0]
    assert isinstance(by_seq[failed.cause], OrderCanceled)
    cancel = w.of(OrderCancelRequested)[0]
    assert by_seq[cancel.cause] is failed


class Hears(Strategy):
    """Writes down the fills that it is told of."""

    def __init__(self) -> None:
        self.fills: list[str] = []

    def on_fill(self, ctx: Context, fill: OrderFilled) -> None:
        self.fills.append(fill.exec_id)


def test_a_strategy_hears_of_every_fill_whatever_its_group_asks_for_because_of_it() -> None:
    """Given a bracket, when fills make its legs be sent, replaced and canceled, then the strategy is told of each fill, and no other is told."""
    mine, other = Hears(), Hears()
    w = bracket(Grouped(mine, other)).answer()
    w.trade("entry", 4).answer().trade("entry", 6).answer().trade("target", 3).trade("stop", 7).answer()
    assert (mine.fills, other.fills) == (["x1", "x2", "x3", "x4"], [])
    assert w.of(OrderReplaceRequested)
    assert (w.position, w.works) == (0, {})


@pytest.mark.parametrize("plain", [0, 1])
def test_a_loss_halt_at_a_fill_leaves_what_is_held_protected(plain: int) -> None:
    """Given a protected position and another entry, when its fill takes the loss beyond the limit, then what only protects works on, what the fill
    opened is protected as well, and everything else is canceled."""
    w = Grouped(limits=limits_of(Scope.ACCOUNT, (), {"daily_loss": (1_000,)}))
    bracket(w).answer().trade("entry", 10).answer()
    mine = {w.order("stop").cl_ord_id, w.order("target").cl_ord_id}
    others = [w.ctx.buy(0, 5, limit_px=9_000) for _ in range(plain)]
    bracket(w).accept("entry").trade("entry", 10, px=10_200)
    assert [(e.rule, e.state) for e in w.of(TradingHalted) if isinstance(e, TradingHalted)] == [("L-01", TradingState.REDUCE_ONLY)]
    assert w.cancels == others
    w.answer()
    assert w.works == {"stop": 10, "target": 10}
    assert mine <= {o.cl_ord_id for o in w.engine.desk.state.orders.working()}
    assert w.failures == []
