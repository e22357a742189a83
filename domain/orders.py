"""Decides which orders a session remembers, under which ids they are found, and what they may still trade at worst.

Invariants: `buy_leaves[i]` and `sell_leaves[i]` are the sums of `worst_leaves` over all remembered orders of instrument i, `leaves_of` the
same over those of one strategy;
an order with worst-case leaves is never forgotten; of those without, the last `CLOSED_WINDOW` to close are remembered, so
that late, repeated and amending reports still find them. What is forgotten depends on the events alone.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Final

from domain.errors import InvariantBroken, invariant
from domain.events import (
    OrderCanceled,
    OrderCancelRejected,
    OrderCancelRequested,
    OrderPended,
    OrderReplaced,
    OrderReplaceRequested,
    OrderSubmitted,
)
from domain.order import Changes, Order, OrderEvent, evolve
from domain.terms import Side

CLOSED_WINDOW: Final = 4096

_Chained = OrderPended | OrderCancelRequested | OrderReplaceRequested | OrderCanceled | OrderCancelRejected | OrderReplaced

_OURS: Final = frozenset({OrderSubmitted, OrderCancelRequested, OrderReplaceRequested})
_BUY: Final = Side.BUY


class Orders:
    """The orders of one session with so many instruments and strategies; leaves are unsigned, 10^-qty_digits.

    `own_buys[strategy][i]`, `own_sells[strategy][i]`: those of one strategy alone; persons (-1) are the last of the list.
    """

    __slots__ = ("_by_id", "_closed", "_number", "_working", "buy_leaves", "own_buys", "own_sells", "sell_leaves", "touched")

    def __init__(self, instruments: int, strategies: int) -> None:
        self.buy_leaves = [0] * instruments
        self.sell_leaves = [0] * instruments
        self.own_buys = [[0] * instruments for _ in range(strategies + 1)]
        self.own_sells = [[0] * instruments for _ in range(strategies + 1)]
        self.touched: dict[int, None] = {}
        self._number = 0
        self._by_id: dict[str, Order] = {}
        self._working: dict[int, Order] = {}
        self._closed: deque[Order] = deque()

    def find(self, cl_ord_id: str) -> Order | None:
        """The order that lives, lived or was asked to live under this id; None for a foreign or forgotten one."""
        return self._by_id.get(cl_ord_id)

    def working(self, instrument: int | None = None, strategy: int | None = None) -> Iterator[Order]:
        """Orders that may still trade, UNKNOWN ones included, in the order of their submission."""
        for order in self._working.values():
            if (instrument is None or order.instrument == instrument) and (strategy is None or order.strategy == strategy):
                yield order

    def evolve(self, event: OrderSubmitted | OrderEvent) -> tuple[Order, Changes] | None:
        """Fold one event; the order it concerns and the position changes (signed_qty, px) it causes.

        None for a report on an order that is foreign or forgotten: no report names instrument and side, so nothing can be
        adopted from it. Raises InvariantBroken when an id of ours is used twice.
        """
        order = self._by_id.get(event.cl_ord_id)
        if order is None or type(event) in _OURS:
            if isinstance(event, OrderSubmitted):
                return self.open(event), ()
            order = self._resolve(event, order)
            if order is None:
                return None
        changes = evolve(order, event)  # type: ignore[arg-type]  # OrderSubmitted has left above
        worst = order.worst_leaves
        if worst != order.counted:
            self._count(order, worst)
        return order, changes

    def open(self, event: OrderSubmitted) -> Order:
        """Take in a new order of ours. Raises InvariantBroken when its id is used twice."""
        self._number += 1
        order = Order(event, self._number)
        by_id = self._by_id
        if order.cl_ord_id in by_id:
            raise InvariantBroken(f"broken invariant: order id {order.cl_ord_id} is used once")
        by_id[order.cl_ord_id] = order
        self._working[order.number] = order
        order.counted = order.order_qty
        i = order.instrument
        self.touched[i] = None
        self._add(order, order.order_qty)
        return order

    def leaves_of(self, strategy: int, instrument: int) -> tuple[int, int]:
        """What the working and UNKNOWN orders of one strategy (-1: of persons) may still buy and sell in an instrument, at worst."""
        return self.own_buys[strategy][instrument], self.own_sells[strategy][instrument]

    def _add(self, order: Order, qty: int) -> None:
        """Count more leaves of an order, or fewer."""
        i = order.instrument
        if order.side is _BUY:
            self.buy_leaves[i] += qty
            self.own_buys[order.strategy][i] += qty
        else:
            self.sell_leaves[i] += qty
            self.own_sells[order.strategy][i] += qty

    def _resolve(self, event: OrderEvent, known: Order | None) -> Order | None:
        """The order an event reaches through its orig_cl_ord_id; the event's own id leads to it from now on."""
        if not isinstance(event, _Chained):
            return None
        order = self._by_id.get(event.orig_cl_ord_id)
        if order is not None:
            invariant(known is None or known is order, f"request id {event.cl_ord_id} belongs to one order")
            self._by_id[event.cl_ord_id] = order
            order.ids.setdefault(event.cl_ord_id, False)
        return order

    def _count(self, order: Order, worst: int) -> None:
        self._add(order, worst - order.counted)
        if not worst:
            self._close(order)
        elif not order.counted:
            self._closed.remove(order)
            self._working[order.number] = order
            self._working = dict(sorted(self._working.items()))
        order.counted = worst

    def _close(self, order: Order) -> None:
        del self._working[order.number]
        closed = self._closed
        closed.append(order)
        if len(closed) > CLOSED_WINDOW:
            oldest = closed.popleft()
            for cl_ord_id in oldest.ids if oldest.renamed else (oldest.cl_ord_id,):
                del self._by_id[cl_ord_id]
