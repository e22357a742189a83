"""Profit, equity and positions of a session counted the slow way: one event at a time, in fractions, with the engine's own orders."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from domain.events import (
    BarClosed,
    ExternalTradeObserved,
    FeeCharged,
    FillBusted,
    FillCorrected,
    FundingPaid,
    OrderFilled,
    QuoteUpdated,
    ReconciliationAdjusted,
    SessionOpened,
    TradePrinted,
)
from domain.instrument import Instrument
from domain.money import POW10, div_half_even
from domain.order import OrderEvent
from domain.orders import Orders

ORDER_EVENTS = OrderEvent.__args__  # type: ignore[attr-defined]


class Oracle:
    """Amounts are fractions of the currency. `equities[currency]` is the equity after every event and tick, as (seq, amount)."""

    def __init__(self) -> None:
        self.cash: dict[str, Fraction] = {}
        self.qty: list[int] = []
        self.marks: list[tuple[int, Fraction]] = []
        self.equities: dict[str, list[tuple[int, Fraction]]] = {}
        self.instruments: tuple[Instrument, ...] = ()
        self.booked: list[tuple[int, int, int, int, int]] = []  # seq, strategy, instrument, qty, px
        self.orders = Orders(0, 0)

    def feed(self, seq: int, event: Any) -> None:
        match event:
            case SessionOpened():
                self._open(event)
            case TradePrinted():
                self._mark(event.instrument, 3, Fraction(event.px))
            case BarClosed():
                self._mark(event.instrument, 3, Fraction(event.close_px))
            case QuoteUpdated():
                if event.bid_qty and event.ask_qty and self.marks[event.instrument][0] < 3:
                    self._mark(event.instrument, 2, Fraction(event.bid_px + event.ask_px, 2))
            case ExternalTradeObserved():
                self._trade(seq, -1, event.instrument, event.side * event.last_qty, event.last_px)
            case FeeCharged() | FundingPaid():
                self._pay(event.currency, -event.amt, event.digits)
            case ReconciliationAdjusted():
                self._pay(event.currency, event.amt, event.digits)
            case _ if type(event).__name__ == "OrderSubmitted" or isinstance(event, ORDER_EVENTS):
                self._order(seq, event)
        for currency, series in self.equities.items():
            series.append((seq, self.equity(currency)))

    def _open(self, event: SessionOpened) -> None:
        self.instruments = event.instruments
        self.orders = Orders(len(event.instruments), len(event.strategies))
        self.qty = [0] * len(event.instruments)
        self.marks = [(0, Fraction(0))] * len(event.instruments)
        for b in event.balances:
            self._pay(b.currency, b.amt, b.digits)
        for spec in event.instruments:
            self._pay(spec.settle, 0, 0)

    def _mark(self, i: int, rank: int, px: Fraction) -> None:
        self.marks[i] = (rank, px)

    def _pay(self, currency: str, amt: int, digits: int) -> None:
        self.cash[currency] = self.cash.get(currency, Fraction(0)) + Fraction(amt, POW10[digits])
        self.equities.setdefault(currency, [])

    def _order(self, seq: int, event: Any) -> None:
        found = self.orders.evolve(event)
        if found is None or not found[1]:
            return
        order, changes = found
        for qty, px in changes:
            self._trade(seq, order.strategy, order.instrument, qty, px)
        if isinstance(event, OrderFilled) and event.fee_amt:
            self._pay(event.fee_currency, -event.fee_amt, event.fee_digits)
        assert isinstance(event, OrderFilled | FillBusted | FillCorrected)

    def _trade(self, seq: int, strategy: int, i: int, qty: int, px: int) -> None:
        spec = self.instruments[i]
        self.qty[i] += qty
        self._pay(spec.settle, -spec.value(px, qty), spec.amt_digits)
        self.booked.append((seq, strategy, i, qty, px))
        if self.marks[i][0] <= 1:
            self.marks[i] = (1, Fraction(px))

    def value(self, i: int) -> Fraction:
        """Value of the position in an instrument at its mark."""
        spec, qty, mark = self.instruments[i], self.qty[i], self.marks[i][1]
        if not qty:
            return Fraction(0)
        if spec.inverse:
            return Fraction(-div_half_even(qty * spec.factor * mark.denominator, mark.numerator), POW10[spec.amt_digits])
        return qty * mark * spec.factor / POW10[spec.amt_digits]

    def equity(self, currency: str) -> Fraction:
        """Cash and the value of every position that settles in `currency`."""
        return self.cash[currency] + sum((self.value(i) for i, spec in enumerate(self.instruments) if spec.settle == currency), Fraction(0))
