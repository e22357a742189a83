"""Decides what the events of one session say in the tables: the views of `projections`, asked for what changed.

Invariants: a row comes from a view and from nothing else; however the commits were cut into batches, the rows are the same in the end;
memory grows with orders and events, never with ticks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from typing import Any

import msgspec

from adapters.readable import Reader
from adapters.readmodels.bodies import body, visible
from adapters.readmodels.tables import AVERAGE_MORE
from adapters.rules import SCOPES, values_row, within
from domain.commit import Commit
from domain.events import DECISIONS, INPUTS, AnyRecorded, SessionClosed, SessionOpened
from domain.money import POW10, round_half_even
from domain.ticks import Columns, Ticks
from projections import Fold
from projections.causes import Causes
from projections.columns import Pending
from projections.controls import Binding, Controls
from projections.decisions import Decisions
from projections.executions import Executions
from projections.ledger import Ledger
from projections.orders import OrderRow, Orders
from projections.pnl import Pnl
from projections.positions import Holding, Positions
from projections.rebuild import fold
from projections.sessions import Sessions

Row = tuple[Any, ...]
Rows = dict[str, list[Row]]


class Added(msgspec.Struct, frozen=True):
    """Rows that only come to the end: by table, and the ticks as (int64 columns of shape (10, n), their seqs of shape (n,))."""

    rows: Rows
    ticks: tuple[Columns, Columns] | None


class Changes(msgspec.Struct, frozen=True):
    """Rows that are new or differ, by table, and the keys of rows that are gone."""

    rows: Rows
    gone: dict[str, list[Row]]


class _Recorder(Fold):
    """What is appended while commits are folded; stands behind the other views, whose answers it uses."""

    def __init__(self, session: str, causes: Causes, ledger: Ledger) -> None:
        self.keeping = True
        self.closed = False
        self._session = session
        self._causes = causes
        self._ledger = ledger
        self._reader = Reader()
        self._ticks = Pending()
        self._rows: Rows = {}
        self.handlers = {
            **dict.fromkeys(DECISIONS | INPUTS, self._any),
            **dict.fromkeys(ledger.handlers, self._money),
            SessionOpened: self._open,
            SessionClosed: self._close,
        }

    def advance(self, first_seq: int, ticks: Ticks) -> None:
        if self.keeping:
            self._ticks.add(first_seq, ticks)

    def _any(self, seq: int, event: AnyRecorded) -> None:
        reader = self._reader
        if type(event) in reader.NAMING:
            reader.note(event)
        if self.keeping:
            instrument = reader.instrument_of(event)
            name, cl_ord_id, text = body(event)
            self._rows.setdefault("events", []).append((
                self._session, seq, name, event.ns, event.ns, event.cause, self._causes.parent(seq), instrument if instrument >= 0 else None,
                cl_ord_id, text,
            ))  # fmt: skip

    def _money(self, seq: int, event: AnyRecorded) -> None:
        self._any(seq, event)
        if not self.keeping:
            self._ledger.evolve(seq, event)
            return
        postings = self._ledger.evolve_postings(seq, event)
        if postings:
            self._rows.setdefault("postings", []).extend(
                (self._session, seq, line, event.ns, p.account, p.currency, p.amt, p.digits) for line, p in enumerate(postings, start=1)
            )

    def _open(self, seq: int, event: SessionOpened) -> None:
        self._money(seq, event)
        if not self.keeping:
            return
        self._rows["instruments"] = [
            (
                self._session, i, x.symbol, x.venue, x.asset_class, x.base, x.quote, x.settle, x.inverse, x.price_digits, x.qty_digits, x.amt_digits,
                x.tick_px, x.lot_qty, x.min_notional_amt, x.multiplier, x.multiplier_digits, x.tradable,
            )
            for i, x in enumerate(event.instruments)
        ]  # fmt: skip
        self._rows["strategies"] = [
            (self._session, i, s.name, s.target, s.source_sha256, _json_text(s.params), _json(s.instruments), s.bar_ns)
            for i, s in enumerate(event.strategies)
        ]

    def words(self, rule: str) -> tuple[str, str]:
        """Reason code and unit of a rule, as the session knew it."""
        found = self._reader.rules.get(rule)
        return (found.code, found.unit) if found else ("", "")

    def limit(self, binding: Binding) -> Row:
        """A limit's row, its numbers also in the words of a configuration."""
        limit, reader = binding.limit, self._reader
        spec = within(limit.scope, binding.member, reader.instruments)
        values = values_row(limit.values, reader.rules.get(limit.rule), spec)
        return (
            self._session, limit.id, binding.member, limit.rule, self.words(limit.rule)[0], SCOPES[limit.scope], _json(limit.values), _json(values),
            limit.version, limit.owner, limit.approver, limit.effective_ns, binding.seq, binding.until_seq or None,
        )  # fmt: skip

    def _close(self, seq: int, event: SessionClosed) -> None:
        self._any(seq, event)
        self.closed = True

    def take(self) -> Added:
        """What came together since the last time."""
        rows, self._rows = self._rows, {}
        return Added(rows, self._ticks.take() if self._ticks.n else None)


class SessionRows:
    """One session: fold its commits in order, then take the rows. A refold of what is stored already is a fold without keeping."""

    def __init__(self, session: str) -> None:
        self._session = session
        self._orders, self._positions, self._pnl, self._ledger = Orders(), Positions(), Pnl(), Ledger()
        self._executions, self._decisions, self._sessions, causes = Executions(), Decisions(), Sessions(), Causes()
        self._controls = Controls()
        self._recorder = _Recorder(session, causes, self._ledger)
        self._views = [
            self._orders, self._positions, self._pnl, self._executions, self._decisions, self._sessions, causes, self._controls, self._recorder,
        ]  # fmt: skip
        self._decided = 0
        self._told: dict[str, dict[Row, Row]] = {}

    @property
    def closed(self) -> bool:
        """The session's end was folded; nothing comes after it."""
        return self._recorder.closed

    def fold(self, commits: Iterable[Commit], *, keep: bool = True) -> None:
        """Fold commits that follow those before; without `keep` nothing is set aside for `added`."""
        self._recorder.keeping = keep
        fold(map(visible, commits), self._views)
        if not keep:
            self._decided = self._decisions.count

    def added(self) -> Added:
        """The rows that the commits folded since the last question add to the appended tables."""
        added = self._recorder.take()
        decided = self._decisions.rows(self._decided)
        self._decided += len(decided)
        if decided:
            name = self._session
            added.rows["risk_decisions"] = [(name, d.seq, d.ns, d.cl_ord_id, d.approved, d.reason, d.signal_seq) for d in decided]
            added.rows["risk_checks"] = [
                (name, d.seq, line, c.rule, *self._recorder.words(c.rule), c.passed, c.observed, c.limit, c.seen, c.limit_id, c.version)
                for d in decided
                for line, c in enumerate(d.checks, start=1)
            ]
        return added

    def changes(self) -> Changes:
        """The rows of the other tables that changed since the last question; all of them at the first."""
        name = self._session
        orders = self._orders.changed()
        rows: Rows = {
            "orders": [_order(name, o) for o in orders],
            "order_ids": [(name, cl_ord_id, o.submitted_seq) for o in orders for cl_ord_id in o.ids],
            "executions": [
                (
                    name, x.seq, x.ns, x.event_ns, x.exec_id, x.cl_ord_id, x.strategy, x.index, x.side.name.lower(), x.last_px, x.last_qty,
                    x.liquidity.name.lower() if x.liquidity is not None else None, x.fee_amt, x.fee_currency, x.fee_digits, x.state, x.changed_seq,
                    x.corrects, x.reason,
                )
                for x in self._executions.changed()
            ],
        }  # fmt: skip
        gone: dict[str, list[Row]] = {}
        rows["equity"], gone["equity"] = self._equity()
        for table, keys, make in self._small():
            told, now = self._told.get(table, {}), {row[:keys]: row for row in make()}
            rows[table] = [row for key, row in now.items() if told.get(key) != row]
            self._told[table] = now
        return Changes(rows, gone)

    def _small(self) -> Sequence[tuple[str, int, Callable[[], list[Row]]]]:
        """The tables with few rows a session: name, number of key columns, all rows."""
        name = self._session
        return (
            ("sessions", 1, lambda: [(
                name, s.mode, s.code, "open" if s.closed_ns is None else "closed", s.opened_ns, s.closed_ns, s.last_ns, s.last_seq, s.ticks,
                _json(s.events), s.orders, s.fills, s.denials, _json(s.realised),
            ) for s in self._sessions.rows()]),
            ("positions", 2, lambda: [(name, h.index, *_held(h)) for h in self._positions.rows()]),
            ("strategy_positions", 3, lambda: [(name, h.strategy, h.index, *_held(h)) for h in self._positions.by_strategy()]),
            ("pnl", 2, lambda: [(
                name, r.currency, r.digits, r.opening, r.adjusted, r.realised, r.unrealised, r.fees, r.funding, r.equity, r.peak, r.drawdown.amt,
                r.drawdown.peak, r.drawdown.trough_seq, r.drawdown.trough_ns, *(r.drawdown.relative or (None, None)),
            ) for r in self._pnl.rows()]),
            ("instrument_pnl", 2, lambda: [(
                name, r.index, r.qty, r.mark_px, r.instrument.price_digits + 1, r.instrument.settle, r.digits, r.realised, r.unrealised,
            ) for r in self._pnl.by_instrument()]),
            ("balances", 3, lambda: [(name, p.account, p.currency, p.amt, p.digits) for p in self._ledger.rows()]),
            ("limits", 3, lambda: [self._recorder.limit(b) for b in self._controls.bindings]),
            ("halts", 2, lambda: [(
                name, h.seq, h.ns, SCOPES[h.scope], h.member, h.state.name.lower(), h.rule, h.reason, h.until_ns, h.observed, h.limit, h.actor,
                h.working, _json(h.unknown), h.canceled, h.filled, h.took_ns, h.ended_seq or None, h.ended_ns or None, h.requester, h.approver,
            ) for h in self._controls.halts]),
            ("approvals", 2, lambda: [(
                name, a.asked.number, a.seq, a.asked.requester, a.asked.command, _json_text(a.asked.argument), a.asked.expires_ns, a.outcome, a.actor,
                a.reason, a.closed_seq or None,
            ) for a in self._controls.approvals]),
            ("overrides", 2, lambda: [(
                name, o.granted.number, o.seq, o.granted.rule, o.granted.limit_id, o.granted.most, o.strategy, o.granted.instrument,
                o.granted.expires_ns, o.granted.requester, o.granted.verifier, o.granted.reason, o.cl_ord_id, o.closed_seq or None,
            ) for o in self._controls.overrides]),
            ("order_groups", 2, lambda: [(
                name, g.opened.number, g.seq, g.opened.kind.name.lower(), g.strategy, g.opened.instrument,
                g.opened.on_failure.name.lower(), _json(g.legs), _json(g.failed), g.closed_seq or None, g.open_qty, g.reason,
            ) for g in self._controls.groups]),
        )  # fmt: skip

    def _equity(self) -> tuple[list[Row], list[Row]]:
        rows: list[Row] = []
        gone: list[Row] = []
        for r in self._pnl.rows():
            change = self._pnl.curve_changed(r.currency)
            rows += [(self._session, r.currency, p.seq, p.ns, p.equity, r.digits) for p in change.points]
            gone += [(self._session, r.currency, seq) for seq in change.gone]
        return rows, gone


def _average(px: Fraction | None) -> int | None:
    return None if px is None else round_half_even(px * POW10[AVERAGE_MORE])


def _order(name: str, o: OrderRow) -> Row:
    return (
        name, o.submitted_seq, o.cl_ord_id, o.venue_ord_id, o.strategy, o.index, o.side.name.lower(), o.order_type.name.lower(), o.order_qty, o.limit_px,
        o.stop_px, o.trail_px, o.time_in_force.name.lower(), o.expire_ns, o.post_only, o.reduce_only, o.status, o.cum_qty, o.leaves_qty,
        _average(o.avg_px), o.instrument.price_digits + AVERAGE_MORE, o.cancel_requested, o.replace_requested, o.overfilled, o.submitted_ns, o.last_ns,
        o.last_seq, o.approval_seq, o.signal_seq, o.reason,
    )  # fmt: skip


def _held(h: Holding) -> Row:
    return (
        h.qty, _average(h.avg_px), h.instrument.price_digits + AVERAGE_MORE, round_half_even(h.cost), h.realised, h.instrument.amt_digits,
        h.instrument.settle, _json(h.fees), h.fills, h.last_seq, h.last_ns,
    )  # fmt: skip


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def _json_text(text: str) -> str:
    """JSON as it was written, or as a JSON string where it is none."""
    try:
        msgspec.json.decode(text)
    except msgspec.DecodeError:
        return _json(text)
    return text
