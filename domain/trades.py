"""Decides how the fills of one instrument are grouped into closed trades.

Invariants: every quantity that was closed belongs to exactly one trade; a fee is charged to exactly one trade: an exit's to
the first trade it closes, an entry's to the first trade that closes part of it; profits of the netted groupings add up to
the position's realised profit.
"""

from __future__ import annotations

from collections import deque
from enum import IntEnum
from fractions import Fraction

import msgspec

from domain.instrument import Instrument
from domain.money import round_half_even
from domain.position import Position
from domain.terms import Side


class Grouping(IntEnum):
    """What makes one trade.

    FILL_TO_FILL: an entry fill and the exit fill that closes it (or a part), oldest or newest entry first. FLAT_TO_FLAT: all
    from leaving zero to reaching it again. FLAT_TO_REDUCED: each reduction, against the average entry. Source: LEAN's trade builder.
    """

    FILL_TO_FILL_FIFO = 1
    FILL_TO_FILL_LIFO = 2
    FLAT_TO_FLAT = 3
    FLAT_TO_REDUCED = 4


class ClosedTrade(msgspec.Struct, frozen=True):
    """One trade. Prices are exact, in 10^-price_digits; amounts in 10^-amt_digits, half-even where an average is involved.

    `profit_amt` is before fees. `adverse_amt` (at most 0) and `favourable_amt` (at least 0): the worst and best profit that the
    marks and fills between entry and exit would have shown on this quantity (MAE and MFE).
    """

    side: Side
    qty: int
    entry_ns: int
    entry_px: Fraction
    exit_ns: int
    exit_px: Fraction
    profit_amt: int
    fee_amt: int
    adverse_amt: int
    favourable_amt: int


class _Entry:
    """An open entry: one fill, or with the netted groupings all since the position was flat."""

    __slots__ = ("fee_amt", "high_px", "low_px", "ns", "px", "qty")

    def __init__(self, ns: int, qty: int, px: int, fee_amt: int) -> None:
        self.ns = ns
        self.qty = qty
        self.px = self.low_px = self.high_px = px
        self.fee_amt = fee_amt

    def see(self, px: int) -> None:
        self.low_px = min(self.low_px, px)
        self.high_px = max(self.high_px, px)


class Trades:
    """Groups fills as they come. `mark` and `fill` are to be called in time order."""

    __slots__ = ("_closed_value", "_entries", "_grouping", "_opened_qty", "_opened_value", "_position", "_spec")

    def __init__(self, spec: Instrument, grouping: Grouping) -> None:
        self._spec = spec
        self._grouping = grouping
        self._entries: deque[_Entry] = deque()
        self._position = Position()
        self._opened_qty = 0
        self._opened_value = 0
        self._closed_value = 0

    def mark(self, px: int) -> None:
        """A market price while a trade may be open."""
        for entry in self._entries:
            entry.see(px)

    def fill(self, ns: int, signed_qty: int, px: int, fee_amt: int = 0) -> list[ClosedTrade]:
        """Fold one fill; the trades it closes, in the order they are closed."""
        self.mark(px)
        if self._grouping in (Grouping.FILL_TO_FILL_FIFO, Grouping.FILL_TO_FILL_LIFO):
            return self._fill_to_fill(ns, signed_qty, px, fee_amt)
        held = self._position.qty
        closing = 0 if held * signed_qty >= 0 else (-held if abs(signed_qty) > abs(held) else signed_qty)
        trades = self._reduce(ns, closing, px, fee_amt) if closing else []
        opening = signed_qty - closing
        if opening:
            self._add(ns, opening, px, 0 if closing else fee_amt)
        return trades

    def _fill_to_fill(self, ns: int, signed_qty: int, px: int, fee_amt: int) -> list[ClosedTrade]:
        entries = self._entries
        fifo = self._grouping is Grouping.FILL_TO_FILL_FIFO
        trades = []
        left = signed_qty
        while left and entries and entries[0].qty * left < 0:
            entry = entries[0] if fifo else entries[-1]
            qty = entry.qty if abs(entry.qty) <= abs(left) else -left
            cost = self._spec.value(entry.px, qty)
            profit = self._spec.value(px, qty) - cost
            trades.append(self._trade(entry, ns, qty, Fraction(entry.px), Fraction(px), Fraction(cost), profit, fee_amt))
            fee_amt = 0
            entry.qty -= qty
            left += qty
            if not entry.qty:
                entries.remove(entry)
        if left:
            entries.append(_Entry(ns, left, px, fee_amt))
        return trades

    def _add(self, ns: int, qty: int, px: int, fee_amt: int) -> None:
        value = self._spec.value(px, qty)
        self._position.apply(qty, value)
        if not self._entries:
            self._opened_qty = self._opened_value = self._closed_value = 0
            self._entries.append(_Entry(ns, 0, px, 0))
        self._opened_qty += qty
        self._opened_value += value
        self._entries[0].fee_amt += fee_amt

    def _reduce(self, ns: int, closing: int, px: int, fee_amt: int) -> list[ClosedTrade]:
        spec, position, entry = self._spec, self._position, self._entries[0]
        cost, realised = position.cost, position.realised_amt()
        value = spec.value(px, closing)
        position.apply(closing, value)
        self._closed_value -= value
        trades = []
        if self._grouping is Grouping.FLAT_TO_REDUCED:
            cost -= position.cost
            entry_px = spec.average_px(cost, -closing) or Fraction(0)
            profit = position.realised_amt() - realised
            trades.append(self._trade(entry, ns, -closing, entry_px, Fraction(px), cost, profit, fee_amt))
        else:
            entry.fee_amt += fee_amt
            if not position.qty:
                qty, opened, closed = self._opened_qty, Fraction(self._opened_value), Fraction(self._closed_value)
                entry_px = spec.average_px(opened, qty) or Fraction(0)
                exit_px = spec.average_px(closed, qty) or Fraction(0)
                trades.append(self._trade(entry, ns, qty, entry_px, exit_px, opened, self._closed_value - self._opened_value, 0))
        if not position.qty:
            self._entries.clear()
        return trades

    def _trade(
        self, entry: _Entry, ns: int, qty: int, entry_px: Fraction, exit_px: Fraction, cost: Fraction, profit: int, fee_amt: int
    ) -> ClosedTrade:
        seen = (round_half_even(self._spec.value(entry.low_px, qty) - cost), round_half_even(self._spec.value(entry.high_px, qty) - cost))
        fees = entry.fee_amt + fee_amt
        entry.fee_amt = 0
        return ClosedTrade(
            side=Side.BUY if qty > 0 else Side.SELL, qty=abs(qty), entry_ns=entry.ns, entry_px=entry_px, exit_ns=ns, exit_px=exit_px,
            profit_amt=profit, fee_amt=fees, adverse_amt=min(0, *seen), favourable_amt=max(0, *seen),
        )  # fmt: skip
