"""Decides what the kill switch does: one decision cancels every working order in scope, and its end is proven and measured.

A cancel that is under way is not repeated. One that the venue rejects while the order still works is asked again, at most `MOST_ASKS` times
in all; after that once whenever the venue is connected again or the session resumes. On a resumption every unanswered cancel is asked
again, because it may never have left the house. An order that a bust or a late fill brings back to life is canceled like the others.

Invariants: no order in scope that works is without a cancel intent, but where the venue refused it `MOST_ASKS` times; a switch is complete
when every order that worked then is proven dead, not before; what is UNKNOWN keeps it open. Source: RTS 6 Art. 12; ESMA Q&A 3.16;
features D K-01.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from domain.commands import EngageKillSwitch
from domain.control.states import KILL, is_killed
from domain.control.words import Refused, place_of, place_text, working_in
from domain.events import INPUTS, ORDER_EVENTS, KillCompleted, KillSwitchEngaged, SessionResumed, VenueConnected
from domain.order import Order
from domain.risk.book import Place
from domain.terms import OrdStatus

if TYPE_CHECKING:
    from domain.control.asks import Ask, Deed
    from domain.engine import Engine

MOST_ASKS: Final = 3
_REASON: Final = "kill switch"


class Kill:
    """One switch. `orders` worked when it was engaged, by number; `left` of them are not proven dead; `asks` counts the cancels of each."""

    def __init__(self, since_ns: int, orders: list[Order]) -> None:
        self.since_ns = since_ns
        self.orders = {order.number: order for order in orders}
        self.left = dict(self.orders)
        self.asks: dict[int, int] = {}


class Kills:
    """The switches that are engaged or not yet complete, by place."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._desk = engine.desk
        self.kills: dict[Place, Kill] = {}

    def decide(self, ask: Ask, command: EngageKillSwitch) -> Deed:
        """What obeying does. Raises Refused."""
        desk = self._desk
        place = place_of(desk.risk, command.scope, command.member)
        if self._engaged(place):
            kill = self.kills.get(place)
            left = len(kill.left) if kill is not None else 0
            raise Refused(f"the kill switch is engaged for {place_text(place)} already; {left} of its orders are not proven dead")

        def deed() -> None:
            self._engage(place, ask.actor, command.reason)

        return deed

    def _engaged(self, place: Place) -> bool:
        return is_killed(self._desk, place)

    def _engage(self, place: Place, actor: str, reason: str) -> None:
        desk = self._desk
        orders = working_in(desk, place)
        unknown = tuple(order.cl_ord_id for order in orders if order.status is OrdStatus.UNKNOWN)
        desk.emit(KillSwitchEngaged(desk.now_ns, desk.cause, *place, actor, reason, len(orders), unknown))
        kill = self.kills[place] = Kill(desk.now_ns, orders)
        for order in orders:
            self._ask(kill, order)
        self._listen()
        self._complete(place, kill)

    def _listen(self) -> None:
        """Hear of what happens to orders; before the first kill nobody does, so that it costs nothing."""
        for kind in sorted(ORDER_EVENTS & INPUTS, key=lambda kind: kind.__name__):
            self._engine.subscribe(kind, self._reported)
        self._engine.subscribe(VenueConnected, self._connected)
        self._engine.subscribe(SessionResumed, self._resumed)

    def _ask(self, kill: Kill, order: Order, *, again: bool = False) -> None:
        """Ask for a cancel, unless one is under way; only what is really asked is counted."""
        if order.cancel_requested and not again:
            return
        kill.asks[order.number] = kill.asks.get(order.number, 0) + 1
        self._desk.cancel(order.cl_ord_id, _REASON, house=True, again=again)

    def _reported(self, event: Any, seq: int) -> None:
        order = self._desk.state.orders.find(event.cl_ord_id) if self.kills else None
        if order is None:
            return
        for place, kill in list(self.kills.items()):
            if not self._desk.risk.covers(*place, order.strategy, order.instrument):
                continue
            alive = order.worst_leaves > 0
            if alive and self._engaged(place) and kill.asks.get(order.number, 0) < MOST_ASKS:
                self._ask(kill, order)
            if order.number in kill.orders:
                self._count(place, kill, order, alive)

    def _count(self, place: Place, kill: Kill, order: Order, alive: bool) -> None:
        """An order of a switch that is not complete yet lives or is dead."""
        if alive:
            kill.left[order.number] = order
        elif kill.left.pop(order.number, None) is not None:
            self._complete(place, kill)

    def _complete(self, place: Place, kill: Kill) -> None:
        """Say so when the last order is dead; the switch stays engaged, but for one that two persons have lifted meanwhile."""
        if kill.left:
            return
        desk = self._desk
        filled = sum(order.status is OrdStatus.FILLED for order in kill.orders.values())
        desk.emit(KillCompleted(desk.now_ns, desk.cause, *place, len(kill.orders) - filled, filled, desk.now_ns - kill.since_ns))
        kill.orders.clear()
        if not self._engaged(place):
            del self.kills[place]

    def lifted(self, place: Place, rule: str) -> None:
        """A halt was lifted: a switch that is complete is forgotten, another goes on being measured, but asks for nothing more."""
        kill = self.kills.get(place)
        if rule == KILL and kill is not None and not kill.left:
            del self.kills[place]

    def _connected(self, event: VenueConnected, seq: int) -> None:
        specs = self._desk.state.instruments
        for place, kill in list(self.kills.items()):
            for order in working_in(self._desk, place) if self._engaged(place) else ():
                if specs[order.instrument].venue == event.venue:
                    self._ask(kill, order)

    def _resumed(self, event: SessionResumed, seq: int) -> None:
        asked: set[int] = set()
        for place, kill in list(self.kills.items()):
            for order in working_in(self._desk, place) if self._engaged(place) else ():
                if order.number not in asked:
                    asked.add(order.number)
                    self._ask(kill, order, again=True)
