"""Decides what the blotter shows: one row per fill that ever counted, with what became of it.

Invariants: a repeated report adds no row, nor does a fill that was busted before it came; the standing rows (`state` is "") add up to the position; a correction is a row of its own, the corrected
one stays visible and says by which event it was overtaken.
"""

from __future__ import annotations

from typing import Any

import msgspec

from domain.events import ExternalTradeObserved, FillCorrected, OrderFilled
from domain.instrument import Instrument
from domain.terms import Liquidity, Side
from projections import strategy_name
from projections.changes import Changed
from projections.fills import Booked, Fills, exec_key


class Execution(msgspec.Struct, frozen=True, gc=False):
    """One fill. last_px: 10^-price_digits, last_qty: 10^-qty_digits, fee_amt: 10^-fee_digits of fee_currency, positive when paid.

    `state`: "" stands, "busted" and "corrected" by the event `changed_seq`. `corrects` is the exec_id this row corrects.
    `cl_ord_id` is "" and `reason` says why for a trade from elsewhere; `liquidity` is None where the venue did not say.
    """

    seq: int
    ns: int
    event_ns: int
    exec_id: str
    cl_ord_id: str
    strategy: str
    index: int
    instrument: Instrument
    side: Side
    last_px: int
    last_qty: int
    liquidity: Liquidity | None
    fee_amt: int
    fee_currency: str
    fee_digits: int
    state: str
    changed_seq: int
    corrects: str
    reason: str


class _Row(msgspec.Struct, gc=False):
    seq: int
    event: OrderFilled | FillCorrected | ExternalTradeObserved
    booked: Booked
    state: str = ""
    changed_seq: int = 0


class Executions(Fills):
    """Every execution of a session, in the order it was reported."""

    def __init__(self) -> None:
        super().__init__()
        self._rows: list[_Row] = []
        self._standing: dict[str, _Row] = {}
        self._changed: Changed[_Row] = Changed()

    def _book(self, seq: int, event: Any, booked: Booked) -> None:
        if booked.taken:
            row = self._standing.pop(exec_key(booked.order, booked.taken))
            row.state = "corrected" if isinstance(event, FillCorrected) else "busted"
            row.changed_seq = seq
            self._changed.mark(row.seq, row)
        if booked.added:
            row = _Row(seq, event, booked)
            self._rows.append(row)
            self._changed.mark(seq, row)
            if booked.order:
                self._standing[exec_key(booked.order, booked.added)] = row

    _rename = _book

    def rows(self) -> list[Execution]:
        """Every execution, also those that were busted or corrected later."""
        return [self._row(row) for row in self._rows]

    def changed(self) -> list[Execution]:
        """The executions that are new or overtaken since the last question, each once; every execution at the first."""
        found = self._changed.take()
        return self.rows() if found is None else [self._row(row) for row in found]

    def _row(self, row: _Row) -> Execution:
        event, booked = row.event, row.booked
        filled = event if isinstance(event, OrderFilled) else None
        return Execution(
            seq=row.seq, ns=event.ns, event_ns=event.event_ns, exec_id=event.exec_id,
            cl_ord_id="" if isinstance(event, ExternalTradeObserved) else event.cl_ord_id,
            strategy=strategy_name(self.strategies, booked.strategy), index=booked.instrument, instrument=self.instruments[booked.instrument],
            side=booked.side, last_px=event.last_px, last_qty=event.last_qty,
            liquidity=filled.liquidity if filled else None,
            fee_amt=filled.fee_amt if filled else 0, fee_currency=filled.fee_currency if filled else "", fee_digits=filled.fee_digits if filled else 0,
            state=row.state, changed_seq=row.changed_seq,
            corrects=event.ref_exec_id if isinstance(event, FillCorrected) else "",
            reason=event.reason if isinstance(event, ExternalTradeObserved) else "",
        )  # fmt: skip
