"""A recount of loss limits that knows nothing of the engine's: it walks a recorded session tick by tick and values everything anew each time."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from domain.events import (
    INPUTS,
    BarClosed,
    DayRolled,
    ExternalTradeObserved,
    FeeCharged,
    FillBusted,
    FundingPaid,
    LimitsChanged,
    OrderFilled,
    OrderSubmitted,
    QuoteUpdated,
    ReconciliationAdjusted,
    TradePrinted,
    TradingHalted,
    TradingResumed,
)
from domain.terms import Scope
from domain.ticks import concat
from tests.domain.harness import World

_TICKS = (TradePrinted, QuoteUpdated, BarClosed)


def half_even(x: Fraction) -> int:
    return round(x)


def worth(spec: Any, px: int, qty: int) -> int:
    return -half_even(Fraction(qty * spec.factor, px)) if spec.inverse else px * qty * spec.factor


class Naive:
    """One limit of one member."""

    def __init__(
        self, place: tuple[str, Scope, str], values: tuple[int, ...], specs: Any, strategies: list[str], cash: int, held: dict[int, int]
    ) -> None:
        self.rule, self.scope, self.member = place
        self.values = values
        self.specs = specs
        self.strategies = strategies
        self.capital = cash
        self.cash = 0
        self.held = dict(held)
        self.costs: dict[int, Fraction] = {}
        self.realised = self.realised_from = Fraction(0)
        self.latched = False
        self.top: int | None = 0

    def has(self, instrument: int, strategy: int | None) -> bool:
        spec = self.specs[instrument]
        return {
            Scope.ACCOUNT: True, Scope.VENUE: spec.venue == self.member, Scope.CLASS: spec.asset_class == self.member,
            Scope.INSTRUMENT: spec.symbol == self.member,
            Scope.STRATEGY: strategy is None or ("operator" if strategy < 0 else self.strategies[strategy]) == self.member,
        }[self.scope]  # fmt: skip

    def trade(self, i: int, qty: int, px: int) -> None:
        value = worth(self.specs[i], px, qty)
        self.cash -= value
        before = self.held.get(i, 0)
        after = before + qty
        cost = self.costs.get(i, Fraction(0))
        if before * qty >= 0:
            new = cost + value
        elif before * after >= 0:
            new = cost * after / before
        else:
            new = Fraction(value * after, qty)
        self.realised += new - cost - value
        self.costs[i] = new
        self.held[i] = after

    def pay(self, amt: int) -> None:
        self.cash -= amt
        self.realised -= amt

    def gain(self, marks: dict[int, int]) -> int | None:
        total = self.cash
        for i, qty in self.held.items():
            if qty:
                if marks.get(i, 0) <= 0:
                    return None
                total += worth(self.specs[i], marks[i], qty)
        return total

    def reset(self, marks: dict[int, int]) -> None:
        self.latched = False
        self.top = self.gain(marks)
        self.realised_from = self.realised

    def look(self, marks: dict[int, int]) -> tuple[int, int] | None:
        """(observed, limit) when it trips now."""
        if self.latched:
            return None
        trails = self.rule == "L-02"
        first, second = self.values
        if not trails and second >= 0 and self.realised_from - self.realised > second:
            self.latched = True
            lost = self.realised_from - self.realised
            return -((-lost.numerator) // lost.denominator), second
        gain = self.gain(marks)
        if gain is None:
            return None
        if self.top is None or (trails and gain > self.top):
            self.top = gain
        rooms = [first] if first >= 0 else []
        if trails and second >= 0:
            rooms.append(max(0, (self.capital + self.top) * min(second, 10_000)) // 10_000)
        if not rooms or self.top - gain <= min(rooms):
            return None
        self.latched = True
        return self.top - gain, min(rooms)


def recount(world: World) -> tuple[list[Any], list[Any]]:
    """What a naive book would have recorded, and what was: (halted, scope, member, rule, observed, limit, ns, cause)."""
    opened = world.opened
    specs = opened.instruments
    strategies = [s.name for s in opened.strategies]
    currency = specs[0].settle
    money = sum(b.amt * 10 ** (specs[0].amt_digits - b.digits) for b in opened.balances if b.currency == currency)
    books: dict[tuple[str, Scope, str], Naive] = {}
    for limit in opened.limits:
        for member in limit.members or ("",):
            books[limit.rule, limit.scope, member] = Naive((limit.rule, limit.scope, member), limit.values, specs, strategies, money, {})
    account = Naive(("", Scope.ACCOUNT, ""), (-1, -1), specs, strategies, money, {})
    expected: list[Any] = []
    actual: list[Any] = []
    orders: dict[str, OrderSubmitted] = {}
    fills: dict[str, OrderFilled] = {}
    printed: dict[int, int] = {}
    quoted: dict[int, int] = {}
    marks: dict[int, int] = {}
    recorded = dict(world.events)
    ticks = iter(concat(world.seen).events()) if world.seen else iter(())
    cause = 0
    adjusted = 0
    for seq in range(1, world.journal.seq + 1):
        event = recorded[seq] if seq in recorded else next(ticks)
        kind = type(event)
        if kind in _TICKS or kind in INPUTS:
            cause = seq
        if kind in (TradingHalted, TradingResumed) and event.rule in ("L-01", "L-02"):
            if kind is TradingHalted:
                actual.append((True, event.scope, event.member, event.rule, event.observed, event.limit, event.ns, event.cause))
                continue
            if not event.requester:
                actual.append((False, event.scope, event.member, event.rule, 0, 0, event.ns, event.cause))
                continue
            books[event.rule, event.scope, event.member].reset(marks)
        if kind is TradePrinted or kind is BarClosed:
            printed[event.instrument] = event.px if kind is TradePrinted else event.close_px
        elif kind is QuoteUpdated:
            quoted[event.instrument] = (event.bid_px + event.ask_px) // 2 if event.bid_qty and event.ask_qty else 0
        marks = quoted | printed
        changes: list[tuple[int, int, int, int]] = []
        if kind is OrderSubmitted:
            orders[event.cl_ord_id] = event
        elif kind is OrderFilled:
            order = orders[event.cl_ord_id]
            fills[event.exec_id] = event
            changes.append((order.instrument, order.strategy, order.side * event.last_qty, event.last_px))
        elif kind is FillBusted:
            order, old = orders[event.cl_ord_id], fills.pop(event.ref_exec_id, None)
            if old is not None:
                changes.append((order.instrument, order.strategy, -order.side * old.last_qty, old.last_px))
        elif kind is ExternalTradeObserved:
            changes.append((event.instrument, -1, event.side * event.last_qty, event.last_px))
        for i, strategy, qty, px in changes:
            for book in (account, *books.values()):
                if book.has(i, strategy):
                    book.trade(i, qty, px)
                    if kind is OrderFilled and event.fee_currency == currency:
                        book.pay(event.fee_amt * 10 ** (specs[0].amt_digits - event.fee_digits))
        if kind is FeeCharged:
            for book in (account, *books.values()):
                if book.scope is Scope.ACCOUNT:
                    book.pay(event.amt * 10 ** (specs[0].amt_digits - event.digits))
        elif kind is FundingPaid:
            amt = event.amt * 10 ** (specs[0].amt_digits - event.digits)
            whole = account.held.get(event.instrument, 0)
            for book in (account, *books.values()):
                if book.scope is Scope.STRATEGY:
                    part = book.held.get(event.instrument, 0)
                    share = half_even(Fraction(event.amt * part, whole)) if whole else 0
                    book.pay(share * 10 ** (specs[0].amt_digits - event.digits))
                elif book.has(event.instrument, None):
                    book.pay(amt)
        elif kind is ReconciliationAdjusted:
            more = event.amt * 10 ** (specs[0].amt_digits - event.digits)
            adjusted += more
            for book in books.values():
                book.capital += more
        elif kind is LimitsChanged:
            limit = event.limit
            for member in limit.members or ("",):
                place = (limit.rule, limit.scope, member)
                if place in books:
                    books[place].values = limit.values
                else:
                    new = Naive(place, limit.values, specs, strategies, money + adjusted + account.cash, {})
                    new.held = {i: q for i, q in account.held.items() if q and new.has(i, None)}
                    new.top = new.gain(marks)
                    books[place] = new
        elif kind is DayRolled:
            for book in books.values():
                if book.latched:
                    expected.append((False, book.scope, book.member, book.rule, 0, 0, event.ns, cause))
                book.reset(marks)
        for book in books.values():
            found = book.look(marks)
            if found is not None:
                expected.append((True, book.scope, book.member, book.rule, *(min(x, 2**63 - 1) for x in found), event.ns, cause))
    return sorted(expected, key=_order), sorted(actual, key=_order)


def _order(found: Any) -> Any:
    return found[7], found[0], found[3], found[1], found[2]
