"""Decides what the session has earned: realised and open profit, fees, funding and equity per settlement currency, and how far equity fell.

equity = opening + adjusted + realised + unrealised − fees − funding, exactly, at every tick and event; peaks and drawdowns are those of
that series, not of a sample. A position is valued at the last trade or bar close; before the first one at the middle of the quote; before
that at the session's own last fill. The middle lies between two price units, so amounts are kept in half units and shown with one digit more.

Invariants: the same events give the same numbers however they were cut; quotes with an empty side move no mark.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from typing import Any

import msgspec
import numpy as np

from domain.events import FeeCharged, FundingPaid, OrderFilled, ReconciliationAdjusted, SessionOpened
from domain.instrument import Instrument
from domain.money import POW10, div_half_even
from domain.position import Position
from domain.ticks import ASK_PX, ASK_QTY, BAR, BID_QTY, CLOSE_PX, INSTRUMENT, KIND, PX, QUOTE, RECV_NS, Columns, Ticks
from projections.columns import BATCH, Numbers, Pending, groups, numbers, reach
from projections.equity import CurveChange, Drawdown, EquityCurve, EquityPoint
from projections.fills import Booked, Fills

_NO_MARK, _FILL, _MID, _PRINT = range(4)


class CurrencyPnl(msgspec.Struct, frozen=True, gc=False):
    """One currency's account, in 10^-digits. fees, funding: positive when paid. `drawdown.peak` and `drawdown.amt` in the same unit."""

    currency: str
    digits: int
    opening: int
    adjusted: int
    realised: int
    unrealised: int
    fees: int
    funding: int
    equity: int
    peak: int
    drawdown: Drawdown


class InstrumentPnl(msgspec.Struct, frozen=True, gc=False):
    """One instrument's profit before fees, in 10^-digits of its settlement currency.

    realised is rounded half-even to the instrument's amt_digits, unrealised is the rest of the exact total.
    mark_px: in 10^-(price_digits + 1), None without any price.
    """

    index: int
    instrument: Instrument
    qty: int
    mark_px: int | None
    digits: int
    realised: int
    unrealised: int


class _Account:
    """One currency, amounts in half units of 10^-digits. `cash`: what the batch's events paid beside fills, as (moment, amount)."""

    __slots__ = ("adjusted", "cash", "curve", "digits", "equity", "fees", "funding", "opening")

    def __init__(self, digits: int, opening: int, seq: int, ns: int) -> None:
        self.digits = digits
        self.opening = self.equity = opening
        self.adjusted = self.fees = self.funding = 0
        self.cash: list[tuple[int, int]] = []
        self.curve = EquityCurve(seq, ns, opening)

    @property
    def bound(self) -> int:
        """No equity, peak or fall so far is larger."""
        return abs(self.equity) + abs(self.curve.peak) + self.curve.fall


class _Line:
    """One instrument: its position, its mark in half price units, its value there, and the batch's fills as (moment, qty, cash).

    `scale`: units of the account in one unit of the instrument's amounts. `folded_qty`, `value`: as of the end of the last batch.
    """

    __slots__ = ("account", "folded_qty", "mark", "position", "rank", "scale", "spec", "trades", "value")

    def __init__(self, spec: Instrument, account: _Account) -> None:
        self.spec = spec
        self.account = account
        self.scale = POW10[account.digits - spec.amt_digits]
        self.position = Position()
        self.folded_qty = self.value = self.mark = 0
        self.rank = _NO_MARK
        self.trades: list[tuple[int, int, int]] = []

    def values(self, qty: Numbers, mark: Numbers) -> Numbers:
        """Value of the position in half units of the account, at marks in half price units; shapes (n,)."""
        factor = self.spec.factor * self.scale
        if not self.spec.inverse:
            return qty * mark * factor
        spec = self.spec.factor
        inverse = [-2 * self.scale * div_half_even(2 * q * spec, m) if q else 0 for q, m in zip(qty.tolist(), mark.tolist(), strict=True)]
        return np.array(inverse, dtype=qty.dtype)

    def value_bound(self, marks: Numbers) -> int:
        """No value or cash flow in the batch is larger, nor a sum of them."""
        most = abs(self.folded_qty) + sum(abs(t[1]) for t in self.trades)
        mark = 1 if self.spec.inverse else max(abs(self.mark), reach(marks))
        return abs(self.value) + 4 * most * max(mark, 1) * self.spec.factor * self.scale + sum(abs(t[2]) for t in self.trades)

    def marks(self, cols: Columns, places: Columns) -> tuple[Columns, Numbers]:
        """Which of the instrument's ticks move its mark, and to what."""
        kind = cols[KIND][places]
        prints = kind != QUOTE
        moves = prints
        if self.rank != _PRINT:
            first = int(np.argmax(prints)) if prints.any() else len(places)
            quoted = ~prints & (cols[BID_QTY][places] > 0) & (cols[ASK_QTY][places] > 0)
            quoted[first:] = False
            moves = prints | quoted
        places, kind = places[moves], kind[moves]
        one = np.where(kind == BAR, cols[CLOSE_PX][places], cols[PX][places])
        two = np.where(kind == QUOTE, cols[ASK_PX][places], one)
        dtype = numbers(2 * max(reach(one), reach(two)))
        found = one.astype(dtype) + two.astype(dtype)
        if self.spec.inverse:
            positive = found > 0
            places, found, kind = places[positive], found[positive], kind[positive]
        if len(kind):
            self.rank = max(self.rank, _MID if kind[-1] == QUOTE else _PRINT)
        return places, found

    def moves(self, at: Columns, marks: Numbers, moments: Columns, dtype: type) -> tuple[Columns, Numbers]:
        """The batch's changes of value and cash as (order, amount). `at`: order of the marks; `moments`: order of the events."""
        marks = marks.astype(dtype)
        n = len(marks)
        qty: Numbers = np.full(n, self.folded_qty, dtype=dtype)
        cash: Numbers | int = 0
        if self.trades:
            which, changes, flows = zip(*self.trades, strict=True)
            at = np.concatenate((at, moments[list(which)]))
            order = np.argsort(at, kind="stable")
            at = at[order]
            none: Numbers = np.zeros(n, dtype=dtype)
            qty = self.folded_qty + np.cumsum(np.concatenate((none, np.array(changes, dtype=dtype)))[order])
            cash = np.concatenate((none, np.array(flows, dtype=dtype)))[order]
            latest = np.maximum.accumulate(np.where(order < n, order, -1))
            marks = np.where(latest < 0, self.mark, np.append(marks, np.array([0], dtype=dtype))[latest]).astype(dtype)
            self.folded_qty = int(qty[-1])
            self.trades.clear()
        if not len(at):
            return at, marks
        values = self.values(qty, marks)
        changed = np.diff(values, prepend=np.array([self.value], dtype=dtype)) + cash
        self.value = int(values[-1])
        self.mark = int(marks[-1])
        return at, changed


class Pnl(Fills):
    """Profit and equity of a session, as of the last event folded."""

    def __init__(self) -> None:
        super().__init__()
        self._lines: list[_Line] = []
        self._accounts: dict[str, _Account] = {}
        self._start = (0, 0)
        self._pending = Pending()
        self._moments = array("q")  # of each event: ticks pending before it, seq, ns
        self._traded: dict[int, None] = {}
        self.handlers = {
            **self.handlers,
            FeeCharged: self._fee,
            FundingPaid: self._funding,
            ReconciliationAdjusted: self._adjustment,
        }

    def _open(self, seq: int, event: SessionOpened) -> None:
        super()._open(seq, event)
        self._start = (seq, event.ns)
        opening: dict[str, tuple[int, int]] = {}
        for currency, amt, digits in [(b.currency, b.amt, b.digits) for b in event.balances] + [
            (i.settle, 0, i.amt_digits) for i in event.instruments
        ]:
            so_far, finest = opening.get(currency, (0, 0))
            fine = max(finest, digits)
            opening[currency] = (so_far * POW10[fine - finest] + amt * POW10[fine - digits], fine)
        self._accounts = {c: _Account(digits, 2 * amt, *self._start) for c, (amt, digits) in opening.items()}
        self._lines = [_Line(spec, self._accounts[spec.settle]) for spec in event.instruments]

    def advance(self, first_seq: int, ticks: Ticks) -> None:
        self._pending.add(first_seq, ticks)
        if self._pending.n >= BATCH:
            self._work()

    def _moment(self, seq: int, ns: int) -> int:
        if len(self._moments) >= 3 * BATCH:
            self._work()
        self._moments.extend((self._pending.n, seq, ns))
        return len(self._moments) // 3 - 1

    def _money(self, currency: str, amt: int, digits: int) -> tuple[_Account, int]:
        """The currency's account and the amount in its half units; an amount with more digits makes the account's unit smaller."""
        account = self._accounts.get(currency)
        if account is None:
            account = self._accounts[currency] = _Account(digits, 0, *self._start)
        if digits > account.digits:
            self._refine(account, digits)
        return account, 2 * amt * POW10[account.digits - digits]

    def _refine(self, account: _Account, digits: int) -> None:
        self._work()
        by = POW10[digits - account.digits]
        account.digits = digits
        account.opening *= by
        account.adjusted *= by
        account.fees *= by
        account.funding *= by
        account.equity *= by
        account.curve.scale(by)
        for line in self._lines:
            if line.account is account:
                line.scale *= by
                line.value *= by

    def _book(self, seq: int, event: Any, booked: Booked) -> None:
        line = self._lines[booked.instrument]
        fee, payer = 0, line.account
        if isinstance(event, OrderFilled) and event.fee_amt:
            payer, fee = self._money(event.fee_currency, event.fee_amt, event.fee_digits)
            payer.fees += fee
        if line.rank <= _FILL:
            self._work()
            if line.rank <= _FILL:
                line.rank = _FILL
                line.mark = 2 * booked.legs[-1][1]
        change = cash = 0
        for qty, px in booked.legs:
            value = line.spec.value(px, qty)
            line.position.apply(qty, value)
            change += qty
            cash -= 2 * value * line.scale
        moment = self._moment(seq, event.ns)
        if payer is line.account:
            cash -= fee
        else:
            payer.cash.append((moment, -fee))
        line.trades.append((moment, change, cash))
        self._traded[booked.instrument] = None

    def _fee(self, seq: int, event: FeeCharged) -> None:
        account, amt = self._money(event.currency, event.amt, event.digits)
        account.fees += amt
        account.cash.append((self._moment(seq, event.ns), -amt))

    def _funding(self, seq: int, event: FundingPaid) -> None:
        account, amt = self._money(event.currency, event.amt, event.digits)
        account.funding += amt
        account.cash.append((self._moment(seq, event.ns), -amt))

    def _adjustment(self, seq: int, event: ReconciliationAdjusted) -> None:
        account, amt = self._money(event.currency, event.amt, event.digits)
        account.adjusted += amt
        account.cash.append((self._moment(seq, event.ns), amt))

    def _work(self) -> None:
        """Fold what is pending. Ticks and events get their place in one order: a tick's is its index plus the events before it."""
        n = self._pending.n
        if not n and not self._moments:
            return
        cols, seqs = self._pending.take()
        before, event_seqs, event_ns = np.array(self._moments, dtype=np.int64).reshape(-1, 3).T
        moments = before + np.arange(len(before), dtype=np.int64)
        size = n + len(before)
        at_event = np.zeros(size, dtype=bool)
        at_event[moments] = True
        order_seq, order_ns = np.empty(size, dtype=np.int64), np.empty(size, dtype=np.int64)
        order_seq[moments], order_seq[~at_event] = event_seqs, seqs
        order_ns[moments], order_ns[~at_event] = event_ns, cols[RECV_NS]
        for account, at, changed in self._changes(cols, before, moments):
            moved = at_event[at] | (changed != 0)
            at, changed = at[moved], changed[moved]
            if len(at):
                equity = np.cumsum(changed) + account.equity
                account.curve.extend(order_seq[at], order_ns[at], equity, at_event[at])
                account.equity = int(equity[-1])
        self._moments = array("q")
        self._traded.clear()

    def _changes(self, cols: Columns, before: Columns, moments: Columns) -> Iterator[tuple[_Account, Columns, Numbers]]:
        """Every account that the batch changes, with the changes of its equity as (order, amount), in order."""
        none = np.empty(0, dtype=np.int64)
        marked: dict[int, tuple[Columns, Numbers]] = dict.fromkeys(self._traded, (none, none))
        for i, places in groups(cols[INSTRUMENT]):
            marked[i] = self._lines[i].marks(cols, places)
        for account in self._accounts.values():
            lines = [(self._lines[i], *found) for i, found in marked.items() if self._lines[i].account is account]
            cash = account.cash
            bound = account.bound + sum(line.value_bound(marks) for line, _, marks in lines) + sum(abs(amt) for _, amt in cash)
            dtype = numbers(2 * bound)
            parts = []
            for line, places, marks in lines:
                if not line.folded_qty and not line.trades:
                    line.mark = int(marks[-1]) if len(marks) else line.mark
                    continue
                parts.append(line.moves(places + np.searchsorted(before, places, side="right"), marks, moments, dtype))
            if cash:
                parts.append((moments[[moment for moment, _ in cash]], np.array([amt for _, amt in cash], dtype=dtype)))
                cash.clear()
            if not parts:
                continue
            at, changed = (np.concatenate(column) for column in zip(*parts, strict=True))
            if len(parts) > 1:
                order = np.argsort(at, kind="stable")
                at, changed = at[order], changed[order]
            yield account, at, changed

    def rows(self) -> list[CurrencyPnl]:
        """One row per currency: those of the opening balances and instruments, then those that only fees were paid in."""
        self._work()
        return [self._row(currency, account) for currency, account in self._accounts.items()]

    def _row(self, currency: str, account: _Account) -> CurrencyPnl:
        lines = [self._instrument_row(i, line) for i, line in enumerate(self._lines) if line.account is account]
        return CurrencyPnl(
            currency, account.digits + 1, 5 * account.opening, 5 * account.adjusted, sum(x.realised for x in lines), sum(x.unrealised for x in lines),
            5 * account.fees, 5 * account.funding, 5 * account.equity, 5 * account.curve.peak, account.curve.drawdown(5),
        )  # fmt: skip

    def by_instrument(self) -> list[InstrumentPnl]:
        """One row per instrument of the session."""
        self._work()
        return [self._instrument_row(i, line) for i, line in enumerate(self._lines)]

    def _instrument_row(self, index: int, line: _Line) -> InstrumentPnl:
        realised = 10 * line.scale * line.position.realised_amt()
        total = 10 * line.scale * line.position.cash + 5 * line.value
        mark = 5 * line.mark if line.rank else None
        return InstrumentPnl(index, line.spec, line.position.qty, mark, line.account.digits + 1, realised, total - realised)

    def curve(self, currency: str) -> list[EquityPoint]:
        """Equity over time, in 10^-digits as in the currency's row: the opening, every event that moved money, and a bounded number of marks between."""
        self._work()
        return self._accounts[currency].curve.points(5)

    def curve_changed(self, currency: str) -> CurveChange:
        """How `curve` differs from what this answered last; the whole curve at the first question."""
        self._work()
        return self._accounts[currency].curve.changed(5)
