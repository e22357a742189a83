"""Decides how every event that moves money is booked: double entry, debits positive, exact.

Accounts: `cash:USD`, `position:SPY` (open positions at cost), `realised:SPY` (a profit is a credit, so negative), `fees:USD`, `funding:USD`,
`adjustments:USD`, `equity:opening:USD`. Two instruments of one symbol are told apart by their venue: `position:BTCUSDT@BINANCE`.

Invariants: the postings of one event add up to zero in every currency, so `total` is always zero; the change of cash is the value of fills
plus fees plus funding plus adjustments; realised profit is rounded as a running total, so no unit is lost or made, and the difference stays in the cost
of the open position, which is zero when flat.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import msgspec

from domain.events import AnyRecorded, FeeCharged, FundingPaid, OrderFilled, ReconciliationAdjusted, SessionOpened
from domain.money import POW10
from domain.position import Position
from projections.fills import Booked, Fills


class Posting(msgspec.Struct, frozen=True, gc=False):
    """One line of a booking, or the balance of an account: `amt` in 10^-digits of `currency`, debit positive."""

    account: str
    currency: str
    amt: int
    digits: int


class _Line:
    __slots__ = ("at_cost", "cash", "currency", "digits", "position", "realised", "realised_amt")

    def __init__(self, name: str, currency: str, digits: int) -> None:
        self.currency = currency
        self.digits = digits
        self.cash = f"cash:{currency}"
        self.at_cost = f"position:{name}"
        self.realised = f"realised:{name}"
        self.position = Position()
        self.realised_amt = 0


class Ledger(Fills):
    """Balances of a session's accounts. Postings are handed out by `evolve_postings` and not kept."""

    def __init__(self) -> None:
        super().__init__()
        self._digits: dict[str, int] = {}
        self._balances: dict[str, dict[str, int]] = {}
        self._lines: list[_Line] = []
        self._postings: list[Posting] | None = None
        self.handlers = {
            **self.handlers,
            FeeCharged: self._fee,
            FundingPaid: self._funding,
            ReconciliationAdjusted: self._adjustment,
        }

    def evolve_postings(self, seq: int, event: AnyRecorded) -> list[Posting]:
        """Fold one event; its postings, none for an event that moves no money."""
        postings: list[Posting] = []
        self._postings = postings
        self.evolve(seq, event)
        self._postings = None
        return postings

    def _post(self, account: str, currency: str, amt: int, digits: int) -> None:
        """Book `amt` in 10^-digits; the currency's unit becomes smaller when the amount has more digits than any before."""
        unit = self._digits.get(currency)
        if unit is None or digits > unit:
            by = POW10[digits - (unit or 0)]
            self._balances[currency] = {name: balance * by for name, balance in self._balances.get(currency, {}).items()}
            self._digits[currency] = unit = digits
        balances = self._balances[currency]
        exact = amt if unit == digits else amt * POW10[unit - digits]
        balances[account] = balances.get(account, 0) + exact
        if self._postings is not None:
            self._postings.append(Posting(account, currency, exact, unit))

    def _pay(self, purpose: str, currency: str, amt: int, digits: int) -> None:
        self._post("cash:" + currency, currency, -amt, digits)
        self._post(purpose + currency, currency, amt, digits)

    def _open(self, seq: int, event: SessionOpened) -> None:
        super()._open(seq, event)
        for balance in event.balances:
            self._pay("equity:opening:", balance.currency, -balance.amt, balance.digits)
        symbols = Counter(i.symbol for i in event.instruments)
        names = [i.symbol if symbols[i.symbol] == 1 else f"{i.symbol}@{i.venue}" for i in event.instruments]
        self._lines = [_Line(name, i.settle, i.amt_digits) for name, i in zip(names, event.instruments, strict=True)]

    def _book(self, seq: int, event: Any, booked: Booked) -> None:
        line = self._lines[booked.instrument]
        spec = self.instruments[booked.instrument]
        paid = 0
        for qty, px in booked.legs:
            value = spec.value(px, qty)
            line.position.apply(qty, value)
            paid += value
        realised = line.position.realised_amt()
        profit = realised - line.realised_amt
        line.realised_amt = realised
        self._post(line.cash, line.currency, -paid, line.digits)
        self._post(line.at_cost, line.currency, paid + profit, line.digits)
        if profit:
            self._post(line.realised, line.currency, -profit, line.digits)
        if isinstance(event, OrderFilled) and event.fee_amt:
            self._pay("fees:", event.fee_currency, event.fee_amt, event.fee_digits)

    def _fee(self, seq: int, event: FeeCharged) -> None:
        self._pay("fees:", event.currency, event.amt, event.digits)

    def _funding(self, seq: int, event: FundingPaid) -> None:
        self._pay("funding:", event.currency, event.amt, event.digits)

    def _adjustment(self, seq: int, event: ReconciliationAdjusted) -> None:
        self._pay("adjustments:", event.currency, -event.amt, event.digits)

    @property
    def currencies(self) -> list[str]:
        """Every currency that was ever booked, in the order of the first booking."""
        return list(self._digits)

    def balance(self, account: str, currency: str) -> Posting:
        """The balance of one account; 0 for one that was never used."""
        return Posting(account, currency, self._balances.get(currency, {}).get(account, 0), self._digits.get(currency, 0))

    def rows(self) -> list[Posting]:
        """The balance of every account that was ever booked, by currency and in the order of the first booking."""
        return [Posting(name, c, amt, self._digits[c]) for c, accounts in self._balances.items() for name, amt in accounts.items()]

    def total(self, currency: str) -> int:
        """The sum of all balances in a currency: 0 after every event, or the ledger is wrong."""
        return sum(self._balances.get(currency, {}).values())
