"""Decides what happens to a venue's orders when the session with it is lost, and when it is back.

`ControlSettings.disconnect_ns` after the loss every order of the venue gets a cancel intent and the venue is halted (K-03); a connection
before that changes nothing. While a venue is lost rule K-03 denies orders to it anyway. When it is back the halt of K-03 ends by itself,
and every cancel to it that has no answer is asked again, once: it may not have arrived.

Invariants: the time runs from the first loss; a halt of K-03 stands only over a venue that is or was lost.
Source: FIA order controls; features D K-03.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from domain.events import TimerFired, TradingResumed, VenueConnected, VenueLost
from domain.terms import Scope, TradingState

if TYPE_CHECKING:
    from domain.engine import Engine

RULE: Final = "K-03"


class Disconnects:
    """The venues that are lost, with the time and the reason of the loss."""

    def __init__(self, engine: Engine, after_ns: int) -> None:
        self._desk = engine.desk
        self._after_ns = after_ns
        self._lost: dict[str, tuple[int, str]] = {}
        engine.subscribe(VenueLost, self._on_lost)
        engine.subscribe(VenueConnected, self._on_connected)
        engine.timers["disconnect"] = self._on_timer

    def _on_lost(self, event: VenueLost, seq: int) -> None:
        desk = self._desk
        if event.venue in self._lost or event.venue not in desk.risk.members(Scope.VENUE):
            return
        self._lost[event.venue] = desk.now_ns, event.reason
        if self._after_ns == 0:
            self._cut(event.venue, seq)
        elif self._after_ns > 0:
            desk.set_timer(-1, f"disconnect {event.venue}", desk.now_ns + self._after_ns)

    def _on_timer(self, event: TimerFired, seq: int) -> None:
        """A timer of an earlier loss may fire during a later one: what counts is how long this one lasts."""
        venue = event.name.partition(" ")[2]
        since = self._lost.get(venue)
        if since is not None and self._desk.now_ns - since[0] >= self._after_ns:
            self._cut(venue, seq)

    def _cut(self, venue: str, seq: int) -> None:
        desk = self._desk
        why = self._lost[venue][1]
        reason = f"the session with {venue} is lost" + (f": {why}" if why else "")
        desk.halt(seq, Scope.VENUE, venue, TradingState.HALTED, RULE, reason)
        for order in list(desk.state.orders.working()):
            if desk.state.instruments[order.instrument].venue == venue:
                desk.cancel(order.cl_ord_id, "the venue is lost", house=True)

    def _on_connected(self, event: VenueConnected, seq: int) -> None:
        desk = self._desk
        if self._lost.pop(event.venue, None) is None:
            return
        for order in list(desk.state.orders.working()):
            if desk.state.instruments[order.instrument].venue == event.venue and order.cancel_requested:
                desk.cancel(order.cl_ord_id, "unanswered when the venue was lost", house=True, again=True)
        if RULE in desk.risk.halts.get((Scope.VENUE, event.venue), {}):
            desk.emit(TradingResumed(desk.now_ns, seq, Scope.VENUE, event.venue, RULE, "the venue is back"))
