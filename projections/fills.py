"""Decides what a venue's word about a fill changes: which instrument and strategy it belongs to, and which signed quantities at which prices.

Invariants: the changes are those of the engine's own order fold (`domain.order`, whose table says what happens to late, early, crossed
and repeated reports), kept without the rest of an order's life while it only has plain fills, so that millions fit; a fill counts once.
"""

from __future__ import annotations

from typing import Any, get_args

import msgspec

from domain.events import (
    ExternalTradeObserved,
    FillBusted,
    FillCorrected,
    OrderCanceled,
    OrderCancelRejected,
    OrderCancelRequested,
    OrderFilled,
    OrderPended,
    OrderReplaced,
    OrderReplaceRequested,
    OrderSubmitted,
    SessionOpened,
    StrategySpec,
)
from domain.instrument import Instrument
from domain.order import Order, evolve
from domain.terms import Side
from projections import Fold

Leg = tuple[int, int]
"""Signed quantity, price."""

Chained = OrderReplaceRequested | OrderCancelRequested | OrderReplaced | OrderPended | OrderCanceled | OrderCancelRejected
"""Events that name the order under another id beside their own."""

EXTERNAL = -1
"""The strategy index of trades that no strategy of the session asked for."""


class Booked(msgspec.Struct, frozen=True, gc=False):
    """What a report about a fill changed. `legs`: one for a fill or a bust, two for a correction of a known fill.

    `order` is the id the order was first sent under, "" for a trade from elsewhere. `added` is the exec_id of the fill that stands from
    now on, `taken` of the one that no longer does, "" for none.
    """

    instrument: int
    strategy: int
    side: Side
    legs: tuple[Leg, ...]
    order: str
    added: str
    taken: str


class Fills(Fold):
    """Base of the views that follow fills: they say in `_book` what a change of position means to them."""

    def __init__(self) -> None:
        self.instruments: tuple[Instrument, ...] = ()
        self.strategies: tuple[StrategySpec, ...] = ()
        self._sent: dict[str, OrderSubmitted] = {}
        # Reports by text keys are nothing the garbage collector has to walk through, however many there are. Most orders have no amended
        # fill: only those that do get the engine's own fold, with the fills they had.
        self._reports: dict[str, OrderFilled] = {}
        self._by_order: dict[str, list[OrderFilled]] | None = None
        self._amended: dict[str, Order] = {}
        self.handlers = {
            SessionOpened: self._open,
            OrderSubmitted: self._submitted,
            **dict.fromkeys(get_args(Chained), self._renamed),
            OrderFilled: self._filled,
            FillBusted: self._amend,
            FillCorrected: self._amend,
            ExternalTradeObserved: self._external,
        }

    def _open(self, seq: int, event: SessionOpened) -> None:
        self.instruments = event.instruments
        self.strategies = event.strategies

    def _book(self, seq: int, event: Any, booked: Booked) -> None:
        """A position changed. `event`: OrderFilled, FillBusted, FillCorrected or ExternalTradeObserved."""
        raise NotImplementedError

    def _rename(self, seq: int, event: FillCorrected | FillBusted, booked: Booked) -> None:
        """A fill stands under another exec_id with the same terms: no position changed."""

    def _submitted(self, seq: int, event: OrderSubmitted) -> None:
        self._sent[event.cl_ord_id] = event

    def _renamed(self, seq: int, event: Chained) -> None:
        order = self._sent.get(event.orig_cl_ord_id)
        if order is not None:
            self._sent.setdefault(event.cl_ord_id, order)

    def _filled(self, seq: int, event: OrderFilled) -> None:
        sent = self._sent.get(event.cl_ord_id)
        if sent is None:
            return
        root = sent.cl_ord_id
        legs: tuple[Leg, ...]
        if root in self._amended:
            legs = evolve(self._amended[root], event)
            if not legs:
                return
        else:
            key = exec_key(root, event.exec_id)
            if key in self._reports:
                return
            self._reports[key] = event
            if self._by_order is not None:
                self._by_order.setdefault(root, []).append(event)
            legs = ((sent.side * event.last_qty, event.last_px),)
        self._book(seq, event, Booked(sent.instrument, sent.strategy, sent.side, legs, root, event.exec_id, ""))

    def _amend(self, seq: int, event: FillBusted | FillCorrected) -> None:
        sent = self._sent.get(event.cl_ord_id)
        if sent is None:
            return
        order = self._fold(sent)
        before = {exec_id: fill for exec_id, *fill in order.fills}
        legs = evolve(order, event)
        after = {exec_id: fill for exec_id, *fill in order.fills}
        added = next((exec_id for exec_id, fill in after.items() if before.get(exec_id) != fill), "")
        taken = next((exec_id for exec_id, fill in before.items() if after.get(exec_id) != fill), "")
        booked = Booked(sent.instrument, sent.strategy, sent.side, legs, sent.cl_ord_id, added, taken)
        if legs:
            self._book(seq, event, booked)
        elif added or taken:
            self._rename(seq, event, booked)

    def _fold(self, sent: OrderSubmitted) -> Order:
        """The engine's fold of an order, with the fills it had so far."""
        root = sent.cl_ord_id
        order = self._amended.get(root)
        if order is None:
            if self._by_order is None:
                self._by_order = {}
                for report in self._reports.values():
                    self._by_order.setdefault(self._sent[report.cl_ord_id].cl_ord_id, []).append(report)
            order = self._amended[root] = Order(sent)
            for report in self._by_order.pop(root, ()):
                evolve(order, report)
        return order

    def _external(self, seq: int, event: ExternalTradeObserved) -> None:
        leg = (event.side * event.last_qty, event.last_px)
        self._book(seq, event, Booked(event.instrument, EXTERNAL, event.side, (leg,), "", event.exec_id, ""))


def exec_key(order: str, exec_id: str) -> str:
    """One text that names a fill of an order (its first id) in a dictionary."""
    return f"{order}\n{exec_id}"
