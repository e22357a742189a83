"""Decides what a person can ask a log and in which units the answer comes: rows of names, decimal text and ISO times.

Invariants: an answer is a fold of the recorded events and nothing else; a filter that names something unknown is refused, not answered with nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction

import msgspec

from adapters.logs import EventLog
from adapters.readable import Reader
from adapters.rules import Row
from adapters.times import time_text
from domain.errors import ReenactError
from domain.events import CATALOGUE, TICKS, AnyEvent, Event, SessionClosed
from domain.instrument import Instrument
from domain.money import round_half_even, to_text
from domain.terms import OrdStatus
from domain.ticks import Ticks
from projections.executions import Executions
from projections.orders import DENIED, OrderRow, Orders
from projections.pnl import CurrencyPnl, Pnl
from projections.positions import Positions
from projections.rebuild import fold, segments
from reenact.config_file import nearest
from reenact.logs import SessionLog

_TYPES = {kind.__name__: kind for kind in CATALOGUE} | {str(kind.__struct_config__.tag): kind for kind in CATALOGUE}


class SessionRow(msgspec.Struct, frozen=True):
    """A session as its first and last commit tell it. `state` is closed or open (running, or cut off)."""

    session: str
    mode: str
    opened: str
    last: str
    state: str
    events: int
    commits: int
    instruments: list[str]
    strategies: list[str]
    code: str
    head: str


class PositionRow(msgspec.Struct, frozen=True):
    """A position; `strategy` is empty for the account's. `realised` is before fees."""

    instrument: str
    strategy: str
    qty: str
    average: str
    realised: str
    currency: str
    fees: str
    fills: int
    last_seq: int


class PnlRow(msgspec.Struct, frozen=True):
    """One currency's account; fees and funding are positive when paid."""

    currency: str
    opening: str
    realised: str
    unrealised: str
    fees: str
    funding: str
    adjusted: str
    equity: str
    peak: str
    max_drawdown: str
    drawdown_at: str


class InstrumentPnlRow(msgspec.Struct, frozen=True):
    """One instrument's profit before fees."""

    instrument: str
    qty: str
    mark: str
    realised: str
    unrealised: str
    currency: str


class OrderLine(msgspec.Struct, frozen=True):
    """One order. `status` is FIX OrdStatus in lower case, or denied; `pending` names a request of ours that is in flight."""

    cl_ord_id: str
    time: str
    strategy: str
    instrument: str
    side: str
    type: str
    qty: str
    limit: str
    stop: str
    time_in_force: str
    status: str
    filled: str
    average: str
    pending: str
    reason: str
    seq: int
    last_seq: int


class FillLine(msgspec.Struct, frozen=True):
    """One fill; `state` is empty while it stands."""

    seq: int
    time: str
    cl_ord_id: str
    strategy: str
    instrument: str
    side: str
    qty: str
    price: str
    liquidity: str
    fee: str
    exec_id: str
    state: str


class EventFilter(msgspec.Struct, frozen=True):
    """Which events are wanted; what is left out does not limit. Bounds are inclusive."""

    types: tuple[str, ...] = ()
    instrument: str | None = None
    order: str | None = None
    from_ns: int | None = None
    to_ns: int | None = None
    from_seq: int | None = None
    to_seq: int | None = None


def money(n: int, digits: int, least: int = 2) -> str:
    """An amount without needless zeros, but with at least `least` decimals where it has so many."""
    while digits > least and n % 10 == 0:
        n //= 10
        digits -= 1
    return to_text(n, digits)


def sessions(log: EventLog) -> list[SessionRow]:
    """Every session in the order of opening, from its first and last commit only."""
    rows = []
    for name in log.sessions():
        one = SessionLog(log, name)
        opened = one.opened()
        last, head = one.last()
        closed = bool(last.events) and isinstance(last.events[-1], SessionClosed)
        rows.append(SessionRow(
            name, opened.mode, time_text(opened.ns), time_text(last.last_ns), "closed" if closed else "open", last.last_seq, last.number,
            [i.symbol for i in opened.instruments], [s.name for s in opened.strategies], opened.code, head.hex(),
        ))  # fmt: skip
    return rows


def positions(session: SessionLog, *, by_strategy: bool = False) -> list[PositionRow]:
    """Every position, also the closed ones, of the account or of each strategy."""
    view = Positions()
    fold(session.commits(), [view])
    return position_rows(view, by_strategy=by_strategy)


def position_rows(view: Positions, *, by_strategy: bool = False) -> list[PositionRow]:
    """The view's rows for people."""
    return [
        PositionRow(
            h.instrument.symbol, h.strategy, h.instrument.qty_text(h.qty),
            average(h.avg_px, h.instrument),
            money(h.realised, h.instrument.amt_digits), h.instrument.settle,
            ", ".join(f"{money(amt, digits)} {currency}" for currency, amt, digits in h.fees), h.fills, h.last_seq,
        )
        for h in (view.by_strategy() if by_strategy else view.rows())
    ]  # fmt: skip


def pnl(session: SessionLog) -> tuple[list[PnlRow], list[InstrumentPnlRow]]:
    """Profit by currency and by instrument."""
    view = Pnl()
    fold(session.commits(), [view])
    return pnl_rows(view)


def pnl_rows(view: Pnl) -> tuple[list[PnlRow], list[InstrumentPnlRow]]:
    """The view's rows for people."""
    accounts = [_pnl_row(r) for r in view.rows()]
    lines = [
        InstrumentPnlRow(
            r.instrument.symbol, r.instrument.qty_text(r.qty), "" if r.mark_px is None else money(r.mark_px, r.instrument.price_digits + 1, r.instrument.price_digits),
            money(r.realised, r.digits), money(r.unrealised, r.digits), r.instrument.settle,
        )
        for r in view.by_instrument()
    ]  # fmt: skip
    return accounts, lines


def orders(
    session: SessionLog, *, status: str | None = None, instrument: str | None = None, strategy: str | None = None, working: bool = False
) -> list[OrderLine]:
    """Every order that passes the filters, in order. `working` leaves only those that may still trade. Raises ReenactError for an unknown name."""
    _known_symbol(session, instrument)
    known_name("strategy", strategy, [s.name for s in session.opened().strategies], session)
    known_name("status", status, [DENIED, *(s.name.lower() for s in OrdStatus)], session)
    view = Orders()
    fold(session.commits(), [view])
    rows = [r for r in view.rows() if (status in (None, r.status)) and (strategy in (None, r.strategy)) and (r.leaves_qty or not working)]
    return [o for o in order_lines(rows) if instrument in (None, o.instrument)]


def order_lines(rows: Iterable[OrderRow]) -> list[OrderLine]:
    """The view's rows for people."""
    lines = []
    for r in rows:
        spec = r.instrument

        def px(n: int, spec: Instrument | None = spec) -> str:
            return spec.px_text(n) if spec is not None and n else ""

        def qty(n: int, spec: Instrument | None = spec) -> str:
            return spec.qty_text(n) if spec is not None else ""

        pending = " ".join(word for word, flag in (("cancel", r.cancel_requested), ("replace", r.replace_requested)) if flag)
        lines.append(OrderLine(
            r.cl_ord_id, time_text(r.submitted_ns), r.strategy, spec.symbol if spec is not None else "", r.side.name,
            r.order_type.name if r.order_type is not None else "", qty(r.order_qty), px(r.limit_px), px(r.stop_px),
            r.time_in_force.name if r.time_in_force is not None else "", r.status, qty(r.cum_qty),
            average(r.avg_px, spec), pending, r.reason, r.submitted_seq, r.last_seq,
        ))  # fmt: skip
    return lines


def average(px: Fraction | None, spec: Instrument | None) -> str:
    """An average price, half-even, with two digits more than prices have; empty where there is none."""
    if px is None or spec is None:
        return ""
    return money(round_half_even(px * 100), spec.price_digits + 2, spec.price_digits)


def fill_lines(view: Executions) -> list[FillLine]:
    """The blotter for people."""
    return [
        FillLine(
            r.seq, time_text(r.ns), r.cl_ord_id, r.strategy, r.instrument.symbol, r.side.name, r.instrument.qty_text(r.last_qty),
            r.instrument.px_text(r.last_px), r.liquidity.name.lower() if r.liquidity is not None else "",
            f"{money(r.fee_amt, r.fee_digits)} {r.fee_currency}" if r.fee_amt else "", r.exec_id, r.state,
        )
        for r in view.rows()
    ]  # fmt: skip


def _pnl_row(r: CurrencyPnl) -> PnlRow:
    names = ("opening", "realised", "unrealised", "fees", "funding", "adjusted", "equity", "peak")
    texts = {name: money(getattr(r, name), r.digits) for name in names}
    fall = r.drawdown
    return PnlRow(currency=r.currency, max_drawdown=money(fall.amt, r.digits), drawdown_at=time_text(fall.trough_ns) if fall.amt else "", **texts)


def events(session: SessionLog, wanted: EventFilter) -> Iterator[Row]:
    """The readable rows of the events that pass the filter, in order, ticks one by one. Raises ReenactError for an unknown type or name."""
    kinds = kinds_of(wanted.types)
    _known_symbol(session, wanted.instrument)
    reader = Reader()
    ticks = not wanted.order and (kinds is None or bool(kinds & TICKS))
    for seq, part in segments(session.commits(), until_seq=wanted.to_seq, until_ns=wanted.to_ns):
        if not isinstance(part, Ticks):
            reader.note(part)
            if _passes(seq, part, reader, kinds, wanted):
                yield reader.row(seq, part)
        elif (
            ticks
            and (wanted.from_seq is None or seq + len(part) > wanted.from_seq)
            and (wanted.from_ns is None or part.recv_ns[-1] >= wanted.from_ns)
        ):
            for n, tick in enumerate(part.events(), start=seq):
                if _passes(n, tick, reader, kinds, wanted):
                    yield reader.row(n, tick)


def _passes(seq: int, event: AnyEvent, reader: Reader, kinds: frozenset[type[Event]] | None, wanted: EventFilter) -> bool:
    if (wanted.from_seq is not None and seq < wanted.from_seq) or (wanted.from_ns is not None and event.ns < wanted.from_ns):
        return False
    if kinds is not None and type(event) not in kinds:
        return False
    if wanted.order is not None and wanted.order not in (getattr(event, "cl_ord_id", None), getattr(event, "orig_cl_ord_id", None)):
        return False
    if wanted.instrument is not None:
        spec = reader.spec(reader.instrument_of(event))
        return spec is not None and spec.symbol == wanted.instrument
    return True


def kinds_of(names: Sequence[str]) -> frozenset[type[Event]] | None:
    """The classes of event names or tags; None for all."""
    folded = {name.lower(): kind for name, kind in _TYPES.items()}
    for name in names:
        if name.lower() not in folded:
            near = nearest(name, [kind.__name__ for kind in CATALOGUE]) or " The names are in docs/events.md."
            raise ReenactError(f"there is no event type {name!r}.{near}")
    return frozenset(folded[name.lower()] for name in names) or None


def _known_symbol(session: SessionLog, symbol: str | None) -> None:
    known_name("instrument", symbol, [i.symbol for i in session.opened().instruments], session)


def known_name(what: str, name: str | None, names: list[str], session: SessionLog) -> None:
    """Raise ReenactError, with the names there are, for one that is not among them."""
    if name is not None and name not in names:
        raise ReenactError(
            f"there is no {what} {name!r}; there are {', '.join(names) or 'none'}.{nearest(name, names)}", place=f"session {session.name}"
        )
