"""Decides what a list of sessions says: one summary per session, cheap to fold over many logs.

Invariants: a session begins with its `SessionOpened`, so logs folded one after another give one summary each; counts are of events, and of
fills that stand alone and in time (a repeated report is no fill).
"""

from __future__ import annotations

from typing import Any

import msgspec

from domain.events import (
    CATALOGUE,
    DECISIONS,
    INPUTS,
    Event,
    OrderDenied,
    OrderFilled,
    OrderSubmitted,
    SessionClosed,
    SessionOpened,
)
from domain.position import Position
from domain.ticks import Ticks
from projections import Fold
from projections.fills import Booked, Fills


class SessionSummary(msgspec.Struct, frozen=True, gc=False):
    """One session as of its last folded event. `events` counts by the event's tag, ticks apart.

    fills: OrderFilled that counted, busts and corrections not taken off. realised: (currency, amount, digits) before fees, half-even per instrument.
    closed_ns is None while the session is not closed; last_ns is the time of the last event or tick.
    """

    session: str
    mode: str
    code: str
    opened_ns: int
    closed_ns: int | None
    last_ns: int
    last_seq: int
    ticks: int
    events: dict[str, int]
    orders: int
    fills: int
    denials: int
    realised: tuple[tuple[str, int, int], ...]


class _Summary(Fills):
    """The session being folded."""

    def __init__(self, opened: SessionOpened) -> None:
        super().__init__()
        self.opened = opened
        self.closed_ns: int | None = None
        self.last_ns = opened.ns
        self.last_seq = self.ticks = self.fills = 0
        self.counts: dict[type[Event], int] = {}
        self.positions = [Position() for _ in opened.instruments]

    def _book(self, seq: int, event: Any, booked: Booked) -> None:
        self.fills += isinstance(event, OrderFilled)
        spec = self.opened.instruments[booked.instrument]
        for qty, px in booked.legs:
            self.positions[booked.instrument].apply(qty, spec.value(px, qty))

    def row(self) -> SessionSummary:
        realised: dict[tuple[str, int], int] = {}
        for spec, position in zip(self.opened.instruments, self.positions, strict=True):
            key = (spec.settle, spec.amt_digits)
            realised[key] = realised.get(key, 0) + position.realised_amt()
        counts = self.counts
        return SessionSummary(
            self.opened.session, self.opened.mode, self.opened.code, self.opened.ns, self.closed_ns, self.last_ns, self.last_seq, self.ticks,
            {TAGS[kind]: counts[kind] for kind in CATALOGUE if kind in counts},
            counts.get(OrderSubmitted, 0), self.fills, counts.get(OrderDenied, 0),
            tuple((currency, amt, digits) for (currency, digits), amt in realised.items()),
        )  # fmt: skip


TAGS: dict[type[Event], str] = {kind: str(kind.__struct_config__.tag) for kind in CATALOGUE}


class Sessions(Fold):
    """Summaries of every session folded, in order."""

    def __init__(self) -> None:
        self._summaries: list[_Summary] = []
        self.handlers = {
            **dict.fromkeys(DECISIONS | INPUTS, self._count),
            **dict.fromkeys(Fills().handlers, self._follow),
            SessionOpened: self._open,
            SessionClosed: self._close,
        }

    def advance(self, first_seq: int, ticks: Ticks) -> None:
        summary = self._summaries[-1]
        n = len(ticks)
        summary.ticks += n
        summary.last_seq = first_seq + n - 1
        summary.last_ns = int(ticks.recv_ns[-1])

    def _count(self, seq: int, event: Event) -> None:
        summary = self._summaries[-1]
        kind = type(event)
        summary.counts[kind] = summary.counts.get(kind, 0) + 1
        summary.last_seq = seq
        summary.last_ns = event.ns

    def _follow(self, seq: int, event: Any) -> None:
        self._count(seq, event)
        self._summaries[-1].evolve(seq, event)

    def _open(self, seq: int, event: SessionOpened) -> None:
        self._summaries.append(_Summary(event))
        self._follow(seq, event)

    def _close(self, seq: int, event: SessionClosed) -> None:
        self._count(seq, event)
        self._summaries[-1].closed_ns = event.ns

    def rows(self) -> list[SessionSummary]:
        """One row per session."""
        return [summary.row() for summary in self._summaries]
