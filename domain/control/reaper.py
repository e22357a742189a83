"""Decides which orders have worked for too long: older than `ControlSettings.order_ttl_ns` since they were sent, whatever was changed since.

Invariants: an order is asked to be canceled once, not before its time, and again only if a report brought it back to life; the stop and the target of a bracket are spared, they are as old as their position; at most one timer is waiting; closed orders are not held for long.
Source: features A S4-04; house rule.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from domain.events import FillBusted, FillCorrected, OrderFilled, OrderRestated, OrderSubmitted, TimerFired
from domain.order import Order
from domain.terms import OrdStatus

if TYPE_CHECKING:
    from domain.engine import Engine

TIMER = "reaper"
_SLACK = 64


def _age(entry: tuple[int, Order]) -> int:
    return entry[0]


class Reaper:
    """Orders with the time they were sent, oldest first; made only where a session asks for it."""

    def __init__(self, engine: Engine, ttl_ns: int) -> None:
        self._desk = engine.desk
        self._ttl_ns = ttl_ns
        self._sent: deque[tuple[int, Order]] = deque()
        self._most = _SLACK
        self._waiting = False
        engine.desk.on_sent.append(self._on_sent)
        engine.timers[TIMER] = self._on_timer
        for report in (FillBusted, FillCorrected, OrderRestated):
            engine.subscribe(report, self._on_revived)
        engine.subscribe(OrderFilled, self._on_filled)

    def _on_filled(self, event: OrderFilled, seq: int) -> None:
        """A fill refutes a reject."""
        order = self._desk.reported
        if order is not None and order.ended is OrdStatus.REJECTED:
            self._on_revived(event, seq)

    def _on_revived(self, event: FillBusted | FillCorrected | OrderRestated | OrderFilled, seq: int) -> None:
        """An order that was done may work again: at once where its time is over, else from when it was sent."""
        order = self._desk.reported
        if order is None or not order.worst_leaves:
            return
        if not any(known is order for _, known in self._sent):
            self._sent = deque(sorted((*self._sent, (order.sent_ns, order)), key=_age))
        if order.sent_ns + self._ttl_ns <= self._desk.now_ns:
            self._reap()
        elif not self._waiting or self._sent[0][1] is order:
            self._wake(self._sent[0][0] + self._ttl_ns)

    def _on_sent(self, event: OrderSubmitted) -> None:
        order = self._desk.state.orders.find(event.cl_ord_id)
        if order is None:
            return
        self._sent.append((event.ns, order))
        if len(self._sent) > self._most:
            self._sent = deque(x for x in self._sent if x[1].worst_leaves)
            self._most = 2 * len(self._sent) + _SLACK
        if not self._waiting:
            self._wake(event.ns + self._ttl_ns)

    def _on_timer(self, event: TimerFired, seq: int) -> None:
        self._waiting = False
        self._reap()
        if self._sent:
            self._wake(self._sent[0][0] + self._ttl_ns)

    def _reap(self) -> None:
        groups = self._desk.proposals.groups
        sent, due = self._sent, self._desk.now_ns - self._ttl_ns
        while sent and (sent[0][0] <= due or not sent[0][1].worst_leaves):
            since, order = sent.popleft()
            if groups is not None and groups.book.protects(order):
                continue  # the stop of a position does not grow stale
            self._desk.cancel(order.cl_ord_id, f"stale: sent {self._desk.now_ns - since} ns ago, {self._ttl_ns} are allowed", house=True)

    def _wake(self, ns: int) -> None:
        self._waiting = True
        self._desk.set_timer(-1, TIMER, ns)
