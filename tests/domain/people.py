"""What people and time do to a small world: commands, timers, and what a venue says about orders."""

from __future__ import annotations

import json
from collections.abc import Mapping

from domain.context import Context
from domain.events import (
    OperatorCommandReceived,
    OperatorCommandRefused,
    OrderCanceled,
    OrderCancelRejected,
    OrderCancelRequested,
    OrderSubmitted,
    QuoteUpdated,
    TimerFired,
    TradePrinted,
)
from domain.strategy import Strategy
from tests.domain.harness import SECOND, T0, World


class Buys(Strategy):
    """Buys `qty` at every trade, as a limit order at its price; sells for a negative one."""

    def __init__(self, qty: int = 10) -> None:
        self.qty = qty

    def on_tick(self, ctx: Context, tick: TradePrinted | QuoteUpdated) -> None:
        if isinstance(tick, TradePrinted):
            (ctx.buy if self.qty > 0 else ctx.sell)(tick.instrument, abs(self.qty), limit_px=tick.px)


def asks(actor: str, command: str, argument: Mapping[str, object] | None = None, *, at: int = 0) -> OperatorCommandReceived:
    """A person asks for something, `at` seconds after T0."""
    return OperatorCommandReceived(T0 + at * SECOND, 0, actor, command, json.dumps(dict(argument or {})))


def refusal(world: World) -> str:
    """Why the last thing that happened was refused; empty when it was not."""
    last = world.events[-1][1]
    return last.reason if isinstance(last, OperatorCommandRefused) else ""


def fire(world: World, name: str) -> World:
    """The house timer of that name comes due."""
    due = world.engine.desk.state.timers[-1, name]
    return world.step(TimerFired(due, 0, -1, name, due))


def house_timers(world: World) -> dict[str, int]:
    """The house timers that wait, as seconds after T0."""
    return {name: (due - T0) // SECOND for (strategy, name), due in world.engine.desk.state.timers.items() if strategy == -1}


def cancels(world: World) -> list[OrderCancelRequested]:
    """Every cancel intent."""
    return [e for e in world.of(OrderCancelRequested) if isinstance(e, OrderCancelRequested)]


def canceled(world: World, order: OrderSubmitted, *, at: int) -> World:
    """The venue confirms the last cancel of an order."""
    request = [c for c in cancels(world) if c.orig_cl_ord_id == order.cl_ord_id][-1]
    ns = T0 + at * SECOND
    return world.step(OrderCanceled(ns, 0, request.cl_ord_id, ns, order.cl_ord_id, "asked"))


def cancel_rejected(world: World, order: OrderSubmitted, *, at: int) -> World:
    """The venue refuses the last cancel of an order."""
    request = [c for c in cancels(world) if c.orig_cl_ord_id == order.cl_ord_id][-1]
    ns = T0 + at * SECOND
    return world.step(OrderCancelRejected(ns, 0, request.cl_ord_id, ns, order.cl_ord_id, "too late"))
