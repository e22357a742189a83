"""More engines that are broken on purpose: groups of orders."""

from __future__ import annotations

from typing import Any

import domain.groups.room
from domain.engine import Engine
from domain.groups.group import ENTRY, KEEP, Group, Part
from domain.groups.room import Groups
from domain.order import Order
from domain.terms import GroupKind
from tests.proving.bench import Bench, planted


@planted("groups: the sibling of what traded goes on", "orders", 60_000)
def _(bench: Bench) -> None:
    def broken(g: Group, part: Part) -> int:
        return KEEP if g.kind is GroupKind.OCO and not g.released else sound(g, part)

    sound = bench.put(domain.groups.room, "wanted_qty", broken)


@planted("groups: the sibling of what traded is canceled again and again", "cancels", 120_000)
def _(bench: Bench) -> None:
    def broken(self: Groups, g: Group, part: Part, order: Order) -> bool:
        if order.cancel_requested and not part.waiting and part.refusals == 0:
            part.refusals = 1
            self._ask(g, order, again=True)
        return sound(self, g, part, order)

    sound = bench.put(Groups, "_cancel", broken)


@planted("groups: exits are as large as the entry was asked for", "orders", 250_000)
def _(bench: Bench) -> None:
    def broken(g: Group, part: Part) -> int:
        return g.parts[ENTRY].most_qty if g.kind is GroupKind.BRACKET else sound(g, part)

    sound = bench.put(domain.groups.room, "due_qty", broken)


@planted("groups: what follows leaves when its entry was filled in part", "orders", 60_000)
def _(bench: Bench) -> None:
    def broken(g: Group, part: Part) -> bool:
        entry = g.parts.get(ENTRY)
        early = g.kind is GroupKind.OTO and part.role != ENTRY and entry is not None and entry.cum_qty > 0 and not part.orders and not part.failures
        return early or sound(g, part)

    sound = bench.put(domain.groups.room, "is_due", broken)


@planted("groups: a report is taken for one on the order that was decided on last", "losses", 250_000)
def _(bench: Bench) -> None:
    def broken(self: Groups, event: Any, seq: int) -> None:
        desk = self._engine.desk
        desk.reported, desk.moved = desk.state.order, desk.state.changes
        sound(self, event, seq)

    sound = bench.put(Groups, "_on_report", broken)


@planted("fills: a strategy is told of nothing that was followed by a decision of its group", "orders", 60_000)
def _(bench: Bench) -> None:
    def broken(self: Engine, event: Any, seq: int) -> None:
        self.desk.reported, self.desk.moved = self.desk.state.order, self.desk.state.changes
        sound(self, event, seq)

    sound = bench.put(Engine, "_on_fill", broken)


@planted("groups: a failure that is to flatten is only recorded", "orders", 60_000)
def _(bench: Bench) -> None:
    bench.put(domain.groups.room, "need_qty", lambda _: 0)
