"""Positions, prices and halts for the tests of the loss rules: an account that trades X, Y (equity) and XBT (inverse), s0 and s1."""

from __future__ import annotations

from typing import Any

from domain.events import OrderFilled, OrderSubmitted, TradingHalted, TradingResumed
from domain.limits import OFF, Limit
from domain.risk import KNOWN, RULES, Book, Bound, Check
from domain.state import State
from domain.terms import Liquidity, Scope, Side, TradingState
from domain.ticks import Ticks
from tests.domain.harness import opening, trades
from tests.domain.risk.build import INSTRUMENTS, NOW, proposal, submitted


class Account:
    """State and book as a desk keeps them, without an engine: prices come by `price`, fills by `fill`."""

    def __init__(self, rule: str, *values: int, scope: Scope = Scope.ACCOUNT, member: str = "", limits: tuple[Limit, ...] = ()) -> None:
        width = KNOWN[rule].width
        own = Limit(1, rule, scope, (member,) if member else (), (*values, *(OFF,) * (width - len(values))))
        opened = opening(2, INSTRUMENTS, (own, *limits))
        self.rule = rule
        self.state = State(opened)
        self.book = Book(opened, self.state, RULES)
        found = self.book.bound(rule, scope, member)
        assert found is not None
        self.bound: Bound = found
        self.memory = found.memory
        self.seq = 1
        self.n = 0

    def price(self, *tables: Ticks | int) -> Account:
        """Tables are consumed whole; a number is a trade of X."""
        market = self.state.market
        for given in tables:
            ticks = trades(given) if isinstance(given, int) else given
            market.enter(ticks)
            self.seq += len(ticks)
            market.move(0, len(ticks) - 1, self.seq)
        return self

    def fold(self, event: Any) -> int:
        """As the desk folds an event; its seq."""
        self.seq += 1
        fold = self.state.folds.get(type(event))
        order = None
        if fold is not None:
            self.state.order = None
            fold(event)
            order = self.state.order
        self.book.evolve(event, order, self.seq)
        if order is not None:
            for qty, px in self.state.changes:
                self.book.trade(event, order.strategy, order.instrument, qty, px, self.seq)
        elif hasattr(event, "last_qty"):
            self.book.trade(event, -1, event.instrument, event.side * event.last_qty, event.last_px, self.seq)
        return self.seq

    def fill(
        self, qty: int, px: int, *, instrument: int = 0, strategy: int = 0, fee: int = 0, currency: str = "USD", digits: int = 2, ns: int = NOW
    ) -> str:
        """A signed quantity is ordered and filled at a price; the id of the order."""
        self.n += 1
        cl_ord_id = f"f{self.n}"
        side = Side.BUY if qty > 0 else Side.SELL
        sent: OrderSubmitted = submitted(cl_ord_id, strategy=strategy, instrument=instrument, side=side, order_qty=abs(qty))
        self.fold(sent)
        self.fold(OrderFilled(ns, 0, cl_ord_id, ns, f"e{self.n}", px, abs(qty), Liquidity.TAKER, fee, currency, digits))
        return cl_ord_id

    def halted(self, *, rule: str = "", scope: Scope | None = None, member: str | None = None, until_ns: int = 0) -> Account:
        """A halt is recorded: of this rule and place, changed as asked."""
        b = self.bound
        self.fold(
            TradingHalted(
                NOW, 0, b.scope if scope is None else scope, b.member if member is None else member, TradingState.REDUCE_ONLY, rule or self.rule,
                "", until_ns,
            )
        )  # fmt: skip
        return self

    def resumed(self, *, rule: str = "", scope: Scope | None = None, member: str | None = None) -> Account:
        """The same halt is lifted."""
        b = self.bound
        self.fold(TradingResumed(NOW, 0, b.scope if scope is None else scope, b.member if member is None else member, rule or self.rule, ""))
        return self

    def ask(self, **changes: Any) -> Check:
        """What the rule says of the default proposal, changed as asked."""
        p = proposal(account=self.state, market=self.state.market, **changes)
        return KNOWN[self.rule].check(p, self.bound)

    def numbers(self, **changes: Any) -> tuple[bool, int, int]:
        """Passed, observed, limit."""
        check = self.ask(**changes)
        return check.passed, check.observed, check.limit
