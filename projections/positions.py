"""Decides what the session holds: per instrument for the account, and per strategy and instrument.

Invariants: a quantity is the sum of the fills that stand; the account's position counts trades from elsewhere too, as those of no strategy;
cost, realised profit and average price are those of `domain.position`, the engine's own fold.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import msgspec

from domain.events import OrderFilled, SessionOpened
from domain.instrument import Instrument
from domain.position import Position
from projections import strategy_name
from projections.fills import Booked, Fills


class Holding(msgspec.Struct, frozen=True, gc=False):
    """One position. `strategy` is "" in the account's rows and for trades from elsewhere.

    qty: signed, 10^-qty_digits. avg_px: exact, 10^-price_digits, None when flat. cost: exact, and realised, half-even: 10^-amt_digits of
    `instrument.settle`. fees: (currency, amount, digits) each, positive when paid. `last_seq`: the last event that changed it.
    """

    index: int
    instrument: Instrument
    strategy: str
    qty: int
    avg_px: Fraction | None
    cost: Fraction
    realised: int
    fees: tuple[tuple[str, int, int], ...]
    fills: int
    last_seq: int
    last_ns: int


class _Book:
    __slots__ = ("fees", "fills", "last_ns", "last_seq", "position")

    def __init__(self) -> None:
        self.position = Position()
        self.fees: dict[tuple[str, int], int] = {}
        self.fills = self.last_seq = self.last_ns = 0


class Positions(Fills):
    """Positions of a session, as of the last event folded."""

    def __init__(self) -> None:
        super().__init__()
        self._account: list[_Book] = []
        self._owned: dict[tuple[int, int], _Book] = {}

    def _open(self, seq: int, event: SessionOpened) -> None:
        super()._open(seq, event)
        self._account = [_Book() for _ in event.instruments]

    def _book(self, seq: int, event: Any, booked: Booked) -> None:
        index, strategy = booked.instrument, booked.strategy
        own = self._owned.get((strategy, index))
        if own is None:
            own = self._owned[strategy, index] = _Book()
        account = self._account[index]
        spec = self.instruments[index]
        for qty, px in booked.legs:
            value = spec.value(px, qty)
            account.position.apply(qty, value)
            own.position.apply(qty, value)
        filled = isinstance(event, OrderFilled)
        for book in (account, own):
            book.last_seq = seq
            book.last_ns = event.ns
            book.fills += filled
            if filled and event.fee_amt:
                key = (event.fee_currency, event.fee_digits)
                book.fees[key] = book.fees.get(key, 0) + event.fee_amt

    def rows(self) -> list[Holding]:
        """The account's position in every instrument of the session, in the session's order."""
        return [self._row(i, "", book) for i, book in enumerate(self._account)]

    def by_strategy(self) -> list[Holding]:
        """Each strategy's own positions, by strategy and instrument; orders by hand and trades from elsewhere come first, as strategy ""."""
        return [self._row(i, strategy_name(self.strategies, s), self._owned[s, i]) for s, i in sorted(self._owned)]

    def _row(self, index: int, strategy: str, book: _Book) -> Holding:
        spec = self.instruments[index]
        position = book.position
        fees = tuple((currency, amt, digits) for (currency, digits), amt in book.fees.items())
        return Holding(
            index, spec, strategy, position.qty, spec.average_px(position.cost, position.qty), position.cost, position.realised_amt(), fees,
            book.fills, book.last_seq, book.last_ns,
        )  # fmt: skip
