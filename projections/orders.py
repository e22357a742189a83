"""Decides what is known of every order a session ever had: the life of those that were sent, and those our own rules denied.

Invariants: an order's facts are those of `domain.order`, the engine's own fold, and none is forgotten; a replaced order is one row under
its newest id and is found under every id it had; a denied order never has a venue's word.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any, get_args

import msgspec

from domain.commands import SubmitOrder, terms_of
from domain.events import (
    OperatorCommandReceived,
    OrderApproved,
    OrderCancelRequested,
    OrderDenied,
    OrderReplaceRequested,
    OrderSized,
    OrderSubmitted,
    SessionOpened,
    SignalRaised,
    StrategySpec,
)
from domain.instrument import Instrument
from domain.order import Order, OrderEvent, evolve
from domain.terms import OrderType, Side, TimeInForce
from projections import Fold, strategy_name
from projections.changes import Changed
from projections.fills import Chained

DENIED = "denied"
"""The status of an order that our own rules stopped; FIX has no word for it."""


class OrderRow(msgspec.Struct, frozen=True, gc=False):
    """One order. Prices 10^-price_digits (0: none), quantities 10^-qty_digits; avg_px exact, None without fills.

    `status` is FIX OrdStatus in lower case, or `denied`. `cancel_requested`, `replace_requested`: a request of ours is in flight.
    submitted_ns: time of the decision to send or to deny; last_ns, last_seq: the last event about it. approval_seq, signal_seq: 0 where there
    is none (denied; asked for by a person). `reason`: why it was denied, rejected, canceled, expired or is unknown, as last reported.
    """

    cl_ord_id: str
    ids: tuple[str, ...]
    venue_ord_id: str
    strategy: str
    index: int
    instrument: Instrument
    side: Side
    order_qty: int
    order_type: OrderType
    limit_px: int
    stop_px: int
    trail_px: int
    time_in_force: TimeInForce
    expire_ns: int
    post_only: bool
    reduce_only: bool
    status: str
    cum_qty: int
    leaves_qty: int
    avg_px: Fraction | None
    cancel_requested: bool
    replace_requested: bool
    overfilled: bool
    submitted_ns: int
    submitted_seq: int
    last_ns: int
    last_seq: int
    approval_seq: int
    signal_seq: int
    reason: str


class _Life(msgspec.Struct, gc=False):
    order: Order
    submitted_seq: int
    submitted_ns: int
    approval_seq: int
    signal_seq: int
    last_seq: int
    last_ns: int
    reason: str = ""


class _Denial(msgspec.Struct, frozen=True, gc=False):
    seq: int
    event: OrderDenied
    asked: SignalRaised | OperatorCommandReceived


class Orders(Fold):
    """Every order of a session, in the order of submission or denial."""

    def __init__(self) -> None:
        self.instruments: tuple[Instrument, ...] = ()
        self.strategies: tuple[StrategySpec, ...] = ()
        self._all: list[_Life | _Denial] = []
        self._by_id: dict[str, _Life | _Denial] = {}
        self._asked: dict[int, SignalRaised | OperatorCommandReceived] = {}
        self._sized: dict[int, int] = {}
        self._approved: dict[int, int] = {}
        self._changed: Changed[_Life | _Denial] = Changed()
        self.handlers = {
            **dict.fromkeys(get_args(OrderEvent), self._report),
            **dict.fromkeys(get_args(Chained), self._chained),
            SessionOpened: self._open,
            SignalRaised: self._signal,
            OperatorCommandReceived: self._command,
            OrderSized: self._size,
            OrderApproved: self._approve,
            OrderDenied: self._deny,
            OrderSubmitted: self._submit,
        }

    def _open(self, seq: int, event: SessionOpened) -> None:
        self.instruments = event.instruments
        self.strategies = event.strategies

    def _signal(self, seq: int, event: SignalRaised) -> None:
        if event.side != Side.NONE:
            self._asked[seq] = event

    def _command(self, seq: int, event: OperatorCommandReceived) -> None:
        if event.command == "order":
            self._asked[seq] = event

    def _size(self, seq: int, event: OrderSized) -> None:
        asked = self._asked.get(event.cause)
        if isinstance(asked, SignalRaised):
            self._asked[event.cause] = msgspec.structs.replace(asked, qty=event.qty)
            self._sized[seq] = event.cause

    def _approve(self, seq: int, event: OrderApproved) -> None:
        cause = self._sized.pop(event.cause, event.cause)
        asked = self._asked.pop(cause, None)
        self._approved[seq] = cause if isinstance(asked, SignalRaised) else 0

    def _deny(self, seq: int, event: OrderDenied) -> None:
        cause = self._sized.pop(event.cause, event.cause)
        asked = self._asked.pop(cause, None)
        if asked is None:
            return  # a cancel that its budget refused: the order lives on as it was
        denial = _Denial(seq, msgspec.structs.replace(event, cause=cause), asked)
        self._all.append(denial)
        self._changed.mark(seq, denial)
        self._by_id[event.cl_ord_id] = denial

    def _submit(self, seq: int, event: OrderSubmitted) -> None:
        life = _Life(Order(event), seq, event.ns, event.cause, self._approved.pop(event.cause, 0), seq, event.ns)
        self._all.append(life)
        self._changed.mark(seq, life)
        self._by_id[event.cl_ord_id] = life

    def _chained(self, seq: int, event: Any) -> None:
        if isinstance(event, OrderReplaceRequested | OrderCancelRequested):
            self._approved.pop(event.cause, None)
        if event.cl_ord_id not in self._by_id:
            life = self._by_id.get(event.orig_cl_ord_id)
            if isinstance(life, _Life):
                self._by_id[event.cl_ord_id] = life
                life.order.ids.setdefault(event.cl_ord_id, False)
                self._changed.mark(life.submitted_seq, life)
        self._report(seq, event)

    def _report(self, seq: int, event: Any) -> None:
        life = self._by_id.get(event.cl_ord_id)
        if not isinstance(life, _Life):
            return
        evolve(life.order, event)
        self._changed.mark(life.submitted_seq, life)
        life.last_seq = seq
        life.last_ns = event.ns
        life.reason = getattr(event, "reason", "") or life.reason

    def rows(self) -> list[OrderRow]:
        """Every order, denied ones included."""
        return [self._row(x) for x in self._all]

    def changed(self) -> list[OrderRow]:
        """The orders that are new or changed since the last question, each once; every order at the first."""
        found = self._changed.take()
        return self.rows() if found is None else [self._row(x) for x in found]

    def find(self, cl_ord_id: str) -> OrderRow | None:
        """The order that has or had this id."""
        found = self._by_id.get(cl_ord_id)
        return None if found is None else self._row(found)

    def _row(self, found: _Life | _Denial) -> OrderRow:
        return self._sent(found) if isinstance(found, _Life) else self._denied(found)

    def _sent(self, life: _Life) -> OrderRow:
        order = life.order
        return OrderRow(
            cl_ord_id=order.cl_ord_id, ids=tuple(order.ids), venue_ord_id=order.venue_ord_id,
            strategy=strategy_name(self.strategies, order.strategy), index=order.instrument, instrument=self.instruments[order.instrument],
            side=order.side, order_qty=order.order_qty, order_type=order.order_type, limit_px=order.limit_px, stop_px=order.stop_px,
            trail_px=order.trail_px, time_in_force=order.time_in_force, expire_ns=order.expire_ns, post_only=order.post_only,
            reduce_only=order.reduce_only, status=order.status.name.lower(), cum_qty=order.cum_qty, leaves_qty=order.leaves_qty,
            avg_px=order.avg_px, cancel_requested=order.cancel_requested, replace_requested=order.replace_requested,
            overfilled=order.overfilled, submitted_ns=life.submitted_ns, submitted_seq=life.submitted_seq, last_ns=life.last_ns,
            last_seq=life.last_seq, approval_seq=life.approval_seq, signal_seq=life.signal_seq, reason=life.reason,
        )  # fmt: skip

    def _denied(self, denial: _Denial) -> OrderRow:
        seq, event, asked = denial.seq, denial.event, denial.asked
        by_hand = isinstance(asked, OperatorCommandReceived)
        terms = _by_hand(asked, self.instruments) if isinstance(asked, OperatorCommandReceived) else asked
        return OrderRow(
            cl_ord_id=event.cl_ord_id, ids=(event.cl_ord_id,), venue_ord_id="", strategy=strategy_name(self.strategies, terms.strategy),
            index=terms.instrument, instrument=self.instruments[terms.instrument], side=terms.side, order_qty=terms.qty,
            order_type=terms.order_type, limit_px=terms.limit_px, stop_px=terms.stop_px, trail_px=terms.trail_px,
            time_in_force=terms.time_in_force, expire_ns=terms.expire_ns, post_only=terms.post_only, reduce_only=terms.reduce_only,
            status=DENIED, cum_qty=0, leaves_qty=0, avg_px=None, cancel_requested=False, replace_requested=False, overfilled=False,
            submitted_ns=event.ns, submitted_seq=seq, last_ns=event.ns, last_seq=seq, approval_seq=0,
            signal_seq=0 if by_hand else event.cause, reason=event.reason,
        )  # fmt: skip


def _by_hand(event: OperatorCommandReceived, instruments: Sequence[Instrument]) -> SignalRaised:
    """The terms of an order that a person asked for, as the engine reads them."""
    command = msgspec.json.decode(event.argument, type=SubmitOrder)
    index = [i.symbol for i in instruments].index(command.symbol)
    side, kind, time_in_force = terms_of(command)
    return SignalRaised(
        event.ns, 0, -1, index, side, command.qty, kind, command.limit_px, command.stop_px, 0, time_in_force, command.expire_ns, command.post_only, command.reduce_only, event.actor, command.intentional, command.locate,
    )  # fmt: skip
