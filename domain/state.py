"""What the engine knows: one fold over every event of a session.

Invariants: `evolve` is the only thing that changes the state; the same events give the same state; memory does not grow with
the number of closed orders.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from domain.events import (
    BalanceReported,
    DayRolled,
    Event,
    ExternalTradeObserved,
    FeeCharged,
    FeedConnected,
    FeedLost,
    FillBusted,
    FillCorrected,
    FundingPaid,
    OrderAccepted,
    OrderCanceled,
    OrderCancelRejected,
    OrderCancelRequested,
    OrderExpired,
    OrderFilled,
    OrderPended,
    OrderRejected,
    OrderReplaced,
    OrderReplaceRequested,
    OrderRestated,
    OrderSubmitted,
    OrderTriggered,
    OrderUnknown,
    ReconciliationAdjusted,
    SessionOpened,
    TimerFired,
    TimerSet,
)
from domain.market import Market
from domain.money import rescale
from domain.order import Order, evolve
from domain.orders import Orders
from domain.position import Position
from domain.value import Contract


class State:
    """The write side's memory: orders, positions (account and per strategy), cash, timers. Limits and halts are `domain.risk.book`.

    `cash[currency]` is in the currency's amount digits (`digits[currency]`): opening balance, less the value of what was bought, fees and funding.
    `changes` are the position changes of the last order event, as (signed qty, px); `order` is the order it concerned. `touched` are the
    instruments that ever had an order or a position, in that order: whoever adds up over a portfolio looks at these alone. `listed` are
    those that each strategy may trade. `market` holds the last prices. `stirred` are the memories of loss rules that the watch has to look at;
    `noticed` says that a watching rule found something which nobody has told yet. `contracts` are the instruments as the order path reads them.
    """

    def __init__(self, opened: SessionOpened) -> None:
        self.instruments = opened.instruments
        self.contracts = [Contract(spec) for spec in opened.instruments]
        self.market = Market()
        self.stirred: list[Any] = []
        self.noticed = False
        self.orders = Orders(len(opened.instruments), len(opened.strategies))
        self.touched: dict[int, None] = self.orders.touched
        self.positions = [Position() for _ in opened.instruments]
        self.owned = [[0] * len(opened.instruments) for _ in opened.strategies]
        self.listed = tuple(frozenset(s.instruments) for s in opened.strategies)
        self.digits: dict[str, int] = {b.currency: b.digits for b in opened.balances}
        self.digits.update({i.settle: i.amt_digits for i in opened.instruments})
        self.cash = dict.fromkeys(self.digits, 0)
        for b in opened.balances:
            self.cash[b.currency] += rescale(b.amt, b.digits, self.digits[b.currency])
        self.timers: dict[tuple[int, str], int] = {}
        self.lost: frozenset[int] = frozenset()
        self._lost_by_feed: dict[str, tuple[int, ...]] = {}
        self.day = 0
        self.fills = 0
        self.order: Order | None = None
        self.changes: tuple[tuple[int, int], ...] = ()
        self.folds: dict[type[Event], Callable[[Any], None]] = self._table()

    def _table(self) -> dict[type[Event], Callable[[Any], None]]:
        table: dict[type[Event], Callable[[Any], None]] = dict.fromkeys(
            (
                OrderPended, OrderAccepted, OrderRejected, OrderTriggered, OrderFilled, OrderCanceled, OrderCancelRejected,
                OrderReplaced, OrderRestated, OrderExpired, OrderCancelRequested, OrderReplaceRequested, OrderUnknown,
                FillBusted, FillCorrected, OrderSubmitted,
            ),
            self._order,
        )  # fmt: skip
        table |= {
            OrderFilled: self._filled,
            OrderAccepted: self._accepted,
            TimerSet: self._timer_set,
            TimerFired: self._timer_fired,
            DayRolled: self._day,
            FeedLost: self._feed_lost,
            FeedConnected: self._feed_connected,
            ExternalTradeObserved: self._external,
            FeeCharged: self._fee,
            FundingPaid: self._fee,
            ReconciliationAdjusted: self._adjusted,
        }
        return table

    def evolve(self, event: Event) -> None:
        """Fold one event that is no tick. Events that only inform (signals, approvals, …) change nothing."""
        fold = self.folds.get(type(event))
        if fold is not None:
            fold(event)

    def unsettled(self, currency: str) -> bool:
        """True while a position is open that settles in `currency`."""
        return any(p.qty for p, i in zip(self.positions, self.instruments, strict=True) if i.settle == currency)

    def _order(self, event: Any) -> None:
        found = self.orders.evolve(event)
        if found is None:
            self.order = None
            self.changes = ()
            return
        self.order, self.changes = found
        if self.changes:
            self._trade(found[0])

    def _accepted(self, event: OrderAccepted) -> None:
        """An acceptance moves no quantity, so nothing is counted anew."""
        self.order = order = self.orders.find(event.cl_ord_id)
        self.changes = ()
        if order is not None:
            evolve(order, event)

    def _filled(self, event: OrderFilled) -> None:
        self._order(event)
        if self.changes:
            self.fills += 1
            if event.fee_amt:
                self._pay(event.fee_currency, event.fee_amt, event.fee_digits)

    def _trade(self, order: Order) -> None:
        i = order.instrument
        strategy = order.strategy
        contract = self.contracts[i]
        position = self.positions[i]
        currency = contract.settle
        for qty, px in self.changes:
            value = contract.value(px, qty)
            position.apply(qty, value)
            self.cash[currency] -= value
            if strategy >= 0:
                self.owned[strategy][i] += qty

    def _pay(self, currency: str, amt: int, digits: int) -> None:
        self.cash.setdefault(currency, 0)
        self.cash[currency] -= rescale(amt, digits, self.digits.setdefault(currency, digits))

    def _external(self, event: ExternalTradeObserved) -> None:
        contract = self.contracts[event.instrument]
        self.touched[event.instrument] = None
        qty = event.side * event.last_qty
        value = contract.value(event.last_px, qty)
        self.positions[event.instrument].apply(qty, value)
        self.cash[contract.settle] -= value

    def _fee(self, event: FeeCharged | FundingPaid) -> None:
        self._pay(event.currency, event.amt, event.digits)

    def _adjusted(self, event: ReconciliationAdjusted) -> None:
        self._pay(event.currency, -event.amt, event.digits)

    def _timer_set(self, event: TimerSet) -> None:
        self.timers[event.strategy, event.name] = event.due_ns

    def _timer_fired(self, event: TimerFired) -> None:
        self.timers.pop((event.strategy, event.name), None)

    def _day(self, event: DayRolled) -> None:
        self.day = event.day

    def _feed_lost(self, event: FeedLost) -> None:
        self._lost_by_feed[event.feed] = event.instruments
        self._recount_lost()

    def _feed_connected(self, event: FeedConnected) -> None:
        self._lost_by_feed.pop(event.feed, None)
        self._recount_lost()

    def _recount_lost(self) -> None:
        self.lost = frozenset(i for ids in self._lost_by_feed.values() for i in ids)


def reported_difference(state: State, event: BalanceReported) -> tuple[int, int, int] | None:
    """(expected, observed, digits) when a venue's balance differs from ours; None when equal or not comparable (an open position settles in it)."""
    if event.currency not in state.cash or state.unsettled(event.currency):
        return None
    digits = max(event.digits, state.digits[event.currency])
    expected = rescale(state.cash[event.currency], state.digits[event.currency], digits)
    observed = rescale(event.amt, event.digits, digits)
    return (expected, observed, digits) if expected != observed else None
