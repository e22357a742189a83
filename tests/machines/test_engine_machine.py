"""The engine under any sequence of ticks, wishes, operator commands and venue answers: no approved order breaks a rule.

The naive model below knows only the event list and recounts everything from it; it shares no code with the engine's folds.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, multiple, rule

from domain.context import Context
from domain.events import (
    AnyRecorded,
    KillSwitchEngaged,
    LimitsChanged,
    OperatorCommandReceived,
    OrderAccepted,
    OrderApproved,
    OrderCanceled,
    OrderCancelRejected,
    OrderCancelRequested,
    OrderDenied,
    OrderExpired,
    OrderFilled,
    OrderRejected,
    OrderReplaced,
    OrderReplaceRequested,
    OrderSubmitted,
    QuoteUpdated,
    SessionResumed,
    TradePrinted,
    TradingResumed,
)
from domain.replay import Replay
from domain.risk.limits import Limits
from domain.strategy import Strategy
from domain.terms import Liquidity, Side, TickKind
from domain.ticks import Ticks, table
from tests.domain.harness import SECOND, T0, World

LIMITS = Limits(max_order_qty=40, max_order_amt=600_000, collar_bps=300, max_long_qty=60, max_short_qty=50, max_age_ns=5 * SECOND)


class Puppet(Strategy):
    """Does what the tick's conditions say, so that its wishes are a function of the recorded inputs."""

    def on_tick(self, ctx: Context, tick: TradePrinted | QuoteUpdated) -> None:
        if not isinstance(tick, TradePrinted) or not tick.conditions:
            return
        verb, size, away, reduce_only = tick.conditions % 5, tick.conditions // 5 % 50, tick.conditions // 250 % 9 - 4, tick.conditions // 2250 % 2
        limit_px = 0 if away == 4 else tick.px + 100 * away
        if verb == 1:
            ctx.buy(tick.instrument, size, limit_px=limit_px, reduce_only=bool(reduce_only))
        elif verb == 2:
            ctx.sell(tick.instrument, size, limit_px=limit_px, reduce_only=bool(reduce_only))
        elif orders := ctx.open_orders():
            order = orders[size % len(orders)]
            if verb == 3:
                ctx.cancel(order.cl_ord_id, "puppet")
            else:
                ctx.replace(order.cl_ord_id, qty=size, limit_px=limit_px if order.limit_px else 0)


@dataclass
class Known:
    """One order as the naive model counts it."""

    order: OrderSubmitted
    qty: int
    asked: dict[str, int] = field(default_factory=dict)
    execs: dict[str, int] = field(default_factory=dict)
    ended: bool = False

    @property
    def worst(self) -> int:
        filled = sum(self.execs.values())
        return 0 if self.ended else max(0, max([self.qty, *self.asked.values()]) - filled)


class Recount:
    """Orders and positions recounted from the events, and the laws checked at every approval."""

    def __init__(self, instruments: int) -> None:
        self.known: dict[str, Known] = {}
        self.ids: dict[str, Known] = {}
        self.position = [0] * instruments
        self.limits = [LIMITS] * instruments
        self.killed = False
        self.approved: dict[int, OrderApproved] = {}

    def take(self, seq: int, event: AnyRecorded) -> None:
        match event:
            case OrderApproved():
                assert not self.killed, "an approval after the kill switch"
                assert all(check.passed for check in event.checks)
                self.approved[seq] = event
            case OrderDenied():
                assert any(not check.passed for check in event.checks)
                assert event.reason
            case OrderSubmitted():
                self._entitled(event.cause, event.cl_ord_id)
                self.known[event.cl_ord_id] = self.ids[event.cl_ord_id] = Known(event, event.order_qty)
                self._within_limits(event.instrument, event.side, event.order_qty)
            case OrderReplaceRequested():
                self._entitled(event.cause, event.cl_ord_id)
                known = self.ids[event.cl_ord_id] = self.ids[event.orig_cl_ord_id]
                known.asked[event.cl_ord_id] = event.order_qty
                self._within_limits(known.order.instrument, known.order.side, event.order_qty - sum(known.execs.values()))
            case OrderReplaced():
                known = self.ids[event.cl_ord_id]
                known.asked.pop(event.cl_ord_id, None)
                known.qty = event.order_qty
            case OrderCancelRejected():
                self.ids[event.orig_cl_ord_id].asked.pop(event.cl_ord_id, None)
            case OrderFilled():
                known = self.ids[event.cl_ord_id]
                if event.exec_id not in known.execs:
                    known.execs[event.exec_id] = event.last_qty
                    self.position[known.order.instrument] += known.order.side * event.last_qty
            case OrderCanceled() | OrderExpired() | OrderRejected():
                self.ids[event.cl_ord_id].ended = True
            case LimitsChanged():
                self.limits[event.instrument] = event.limits
            case KillSwitchEngaged():
                self.killed = True
            case TradingResumed():
                self.killed = False

    def _entitled(self, cause: int, cl_ord_id: str) -> None:
        assert self.approved[cause].cl_ord_id == cl_ord_id, "an order without its own approval"

    def _within_limits(self, i: int, side: Side, open_qty: int) -> None:
        limits = self.limits[i]
        assert open_qty > 0
        assert open_qty <= limits.max_order_qty
        working = sum(k.worst for k in self.known.values() if k.order.instrument == i and k.order.side == side)
        assert side * self.position[i] + working <= (limits.max_long_qty if side > 0 else limits.max_short_qty), (
            "the worst case breaks the position limit"
        )


class EngineMachine(RuleBasedStateMachine):
    """Everything that can happen to a session, in any order."""

    orders = Bundle("orders")

    @initialize()
    def begin(self) -> None:
        self.world = World(Puppet(), Puppet(), limits=LIMITS)
        self.recount = Recount(2)
        self.taken = 0
        self.time = 0
        self.released = 0
        self.execs = 0

    def _ns(self) -> int:
        self.time += 1
        return T0 + self.time * SECOND // 4

    def _new(self) -> object:
        """Requests that left since the last look, for the venue to answer."""
        found = self.world.engine.desk.outbox[self.released :]
        self.released += len(found)
        return multiple(*found)

    def _trade(self, px: int, instrument: int, conditions: int) -> Ticks:
        ns = self._ns()
        return table(TickKind.TRADE, instrument, [ns], [ns], px, 100, 1, conditions)

    @rule(
        target=orders,
        px=st.integers(9_000, 11_000),
        instrument=st.integers(0, 1),
        conditions=st.one_of(st.integers(0, 4_499), st.sampled_from([26, 27, 1051, 1052, 2277])),
    )
    def trade(self, px: int, instrument: int, conditions: int) -> object:
        self.world.tick(self._trade(px, instrument, conditions))
        return self._new()

    @rule(target=orders, px=st.integers(9_990, 10_010), wishes=st.lists(st.integers(0, 4_499), min_size=1, max_size=6))
    def several_trades(self, px: int, wishes: list[int]) -> object:
        times = [self._ns() for _ in wishes]
        self.world.tick(table(TickKind.TRADE, 0, times, times, px, 100, 1, wishes))
        return self._new()

    @rule(bid=st.integers(9_000, 11_000), spread=st.integers(-5, 50), instrument=st.integers(0, 1))
    def quote(self, bid: int, spread: int, instrument: int) -> None:
        ns = self._ns()
        self.world.tick(table(TickKind.QUOTE, instrument, [ns], [ns], bid, 10, bid + spread, 10))

    @rule(seconds=st.integers(1, 9))
    def silence(self, seconds: int) -> None:
        self.time += 4 * seconds

    @rule(
        target=orders, name=st.sampled_from(["kill", "halt", "reduce_only", "resume", "cancel", "limits", "order"]), size=st.integers(0, 60),
        sell=st.booleans(),
    )  # fmt: skip
    def command(self, name: str, size: int, sell: bool) -> object:
        argument: dict[str, object] = {}
        if name == "limits":
            argument = {"symbol": "X", "max_order_qty": size, "max_long_qty": size + 10}
        if name == "order":
            argument = {"symbol": "X", "side": "sell" if sell else "buy", "qty": size}
        self.world.step(OperatorCommandReceived(self._ns(), 0, "ada", name, json.dumps(argument)))
        return self._new()

    @rule(message=orders)
    def accept(self, message: object) -> None:
        ns = self._ns()
        if isinstance(message, OrderSubmitted):
            self.world.step(OrderAccepted(ns, 0, message.cl_ord_id, ns, "v"))
        elif isinstance(message, OrderReplaceRequested):
            known = self.recount.ids[message.orig_cl_ord_id]
            if not known.ended and message.cl_ord_id in known.asked and message.order_qty >= sum(known.execs.values()):
                terms = (message.order_qty, message.limit_px, message.stop_px, message.trail_px)
                self.world.step(OrderReplaced(ns, 0, message.cl_ord_id, ns, message.orig_cl_ord_id, *terms))
        elif isinstance(message, OrderCancelRequested):
            self.world.step(OrderCanceled(ns, 0, message.orig_cl_ord_id, ns, message.orig_cl_ord_id, "asked"))

    @rule(message=orders, part=st.integers(1, 60), px=st.integers(9_000, 11_000), repeat=st.booleans())
    def fill(self, message: object, part: int, px: int, repeat: bool) -> None:
        if not isinstance(message, OrderSubmitted):
            return
        known = self.recount.ids[message.cl_ord_id]
        room = known.qty - sum(known.execs.values())
        if known.ended or room <= 0:
            return
        self.execs += 1
        ns = self._ns()
        report = OrderFilled(ns, 0, message.cl_ord_id, ns, f"e{self.execs}", px, min(part, room), Liquidity.TAKER, 1, "USD", 2)
        self.world.step(*([report, report] if repeat else [report]))

    @rule(message=consumes(orders), expired=st.booleans())
    def refuse(self, message: object, expired: bool) -> None:
        ns = self._ns()
        if isinstance(message, OrderSubmitted):
            known = self.recount.ids[message.cl_ord_id]
            if not known.execs and not known.ended and not expired:
                self.world.step(OrderRejected(ns, 0, message.cl_ord_id, ns, "no"))
            elif not known.ended:
                self.world.step(OrderExpired(ns, 0, message.cl_ord_id, ns, done_for_day=False, reason="time"))
        elif isinstance(message, OrderReplaceRequested | OrderCancelRequested):
            self.world.step(OrderCancelRejected(ns, 0, message.cl_ord_id, ns, message.orig_cl_ord_id, "too late"))

    @rule()
    def stop_and_resume(self) -> None:
        self.world.step(SessionResumed(self._ns(), 0, "code", "power cut"))

    @invariant()
    def every_law_holds(self) -> None:
        if not hasattr(self, "world"):
            return
        found = self.world.events
        for seq, event in found[self.taken :]:
            self.recount.take(seq, event)
        self.taken = len(found)
        state = self.world.engine.desk.state
        assert [p.qty for p in state.positions] == self.recount.position
        for i in range(2):
            for side, counted in ((1, state.orders.buy_leaves[i]), (-1, state.orders.sell_leaves[i])):
                assert counted == sum(k.worst for k in self.recount.known.values() if k.order.instrument == i and k.order.side == side)

    def teardown(self) -> None:
        if not hasattr(self, "world"):
            return
        record = self.world.record()
        replay = Replay("test", lambda _: [Puppet(), Puppet()])
        assert sum(1 for _ in replay.follow([record])) == 1


EngineMachine.TestCase.settings = settings(max_examples=150, stateful_step_count=80)
TestEngineMachine = EngineMachine.TestCase
