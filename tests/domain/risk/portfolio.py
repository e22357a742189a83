"""Given an account with any orders and fills, then its exposure recounted by hand: the slow and simple twin of `domain.risk.exposure`.

Five instruments: X and Y (times 10) on SIM in equity, Z on EUREX in future, I on EUREX in future (inverse), all settled in USD with two
digits; E on SIM in equity, settled in EUR. Two strategies, s0 and s1; -1 are persons.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from hypothesis import strategies as st

from domain.events import (
    ExternalTradeObserved,
    FillBusted,
    OrderCanceled,
    OrderFilled,
    OrderReplaced,
    OrderReplaceRequested,
    OrderUnknown,
)
from domain.instrument import Instrument, instrument
from domain.limits import OFF, Limit
from domain.market import Market
from domain.money import round_half_even
from domain.order import Order
from domain.risk import KNOWN, RULES, Book, Bound, Proposal
from domain.state import State
from domain.terms import Liquidity, Scope, Side
from domain.ticks import Ticks
from tests.domain.harness import opening, quotes, trades
from tests.domain.risk import build

X = instrument("X", price_digits=2, qty_digits=0)
Y = instrument("Y", price_digits=2, qty_digits=0, multiplier=10)
Z = instrument("Z", price_digits=2, qty_digits=0, venue="EUREX", asset_class="future")
I = instrument("I", price_digits=2, qty_digits=0, venue="EUREX", asset_class="future", quote="EUR", base="USD", inverse=True, amt_digits=2)  # noqa: E741
E = instrument("E", price_digits=2, qty_digits=0, quote="EUR")
INSTRUMENTS = (X, Y, Z, I, E)
DOLLARS = (0, 1, 2, 3)
CASH = 100_000_000
Prices = tuple[Any, ...]


class Working:
    """What the recount knows of one order."""

    def __init__(self, strategy: int, i: int, side: int, qty: int) -> None:
        self.strategy, self.i, self.side, self.qty, self.asked, self.cum, self.alive = strategy, i, side, qty, 0, 0, True
        self.execs: list[tuple[str, tuple[int, int, int, int]]] = []

    @property
    def left(self) -> int:
        return max(self.qty, self.asked) - self.cum if self.alive else 0


class Portfolio:
    """An account fed event by event, and beside it what the test itself remembers of them."""

    def __init__(self) -> None:
        self.state = State(opening(2, INSTRUMENTS))
        self.orders: dict[str, Working] = {}
        self.fills: list[tuple[int, int, int, int]] = []
        self._n = 0

    def _id(self) -> str:
        self._n += 1
        return f"n{self._n}"

    def send(self, strategy: int, i: int, side: int, qty: int) -> str:
        name = self._id()
        self.state.evolve(build.submitted(name, strategy=strategy, instrument=i, side=Side(side), order_qty=qty))
        self.orders[name] = Working(strategy, i, side, qty)
        return name

    def fill(self, name: str, qty: int, px: int = 10_000) -> None:
        order = self.orders[name]
        order.cum += qty
        self.fills.append((order.strategy, order.i, order.side * qty, px))
        exec_id = self._id()
        order.execs.append((exec_id, self.fills[-1]))
        self.state.evolve(OrderFilled(build.NOW, 0, name, 0, exec_id, px, qty, Liquidity.TAKER, 0, "USD", 2))

    def bust(self, name: str) -> None:
        """The order's last fill never happened."""
        order = self.orders[name]
        exec_id, fill = order.execs.pop()
        order.cum -= abs(fill[2])
        self.fills.remove(fill)
        self.state.evolve(FillBusted(build.NOW, 0, name, 0, self._id(), exec_id))

    def hold(self, strategy: int, i: int, qty: int, px: int = 10_000) -> Portfolio:
        """A filled position and nothing open."""
        self.fill(self.send(strategy, i, 1 if qty > 0 else -1, abs(qty)), abs(qty), px)
        return self

    def cancel(self, name: str) -> None:
        self.orders[name].alive = False
        self.state.evolve(OrderCanceled(build.NOW, 0, name, 0, "", ""))

    def unknown(self, name: str) -> None:
        self.state.evolve(OrderUnknown(build.NOW, 0, name, "silence"))

    def ask(self, name: str, qty: int) -> str:
        """We ask for another quantity; the answer is open."""
        request = self._id()
        self.orders[name].asked = qty
        self.state.evolve(OrderReplaceRequested(build.NOW, 0, request, name, qty, 10_000, 0, 0))
        return request

    def replaced(self, request: str, name: str, qty: int) -> None:
        order = self.orders[name]
        order.qty, order.asked = qty, 0
        self.state.evolve(OrderReplaced(build.NOW, 0, request, 0, name, qty, 10_000, 0, 0))

    def external(self, i: int, qty: int, px: int = 10_000) -> None:
        self.fills.append((-1, i, qty, px))
        side = Side.BUY if qty > 0 else Side.SELL
        self.state.evolve(ExternalTradeObserved(build.NOW, 0, i, 0, self._id(), side, px, abs(qty), ""))

    def position(self, i: int, strategy: int | None) -> int:
        return sum(qty for s, j, qty, _ in self.fills if j == i and strategy in (None, s))

    def open(self, i: int, strategy: int | None, side: int, without: str = "") -> int:
        return sum(o.left for n, o in self.orders.items() if o.i == i and o.side == side and strategy in (None, o.strategy) and n != without)

    def cash(self, instruments: tuple[int, ...] = DOLLARS) -> int:
        return CASH - sum(value(i, px, qty) for _, i, qty, px in self.fills if i in instruments)

    def order(self, name: str) -> Order:
        found = self.state.orders.find(name)
        assert found is not None
        return found


def value(i: int, px: int, qty: int) -> int:
    """The signed contract value by the textbook."""
    spec = INSTRUMENTS[i]
    if spec.inverse:
        return -round_half_even(Fraction(qty * 100 * 100, px))
    return px * qty * spec.multiplier


def notional(i: int, px: int, qty: int) -> int:
    """What an unsigned quantity is worth."""
    return abs(value(i, px, qty))


def market(prices: dict[int, Prices]) -> Market:
    """Per instrument what was seen, oldest first: a number is a trade, a pair a quote of 100 each side."""
    tables: list[Ticks] = []
    for i, seen in prices.items():
        for n, px in enumerate(seen):
            tables.append(quotes(px, instrument=i, start=n) if isinstance(px, tuple) else trades(px, instrument=i, start=n))
    return build.market(*tables)


def marked(seen: Prices, spec: Instrument) -> int:
    """The price a position is valued at, 0 for none."""
    if not seen:
        return 0
    px = seen[-1]
    return (px[0] if spec.inverse else px[1]) if isinstance(px, tuple) else px


def limit(rule: str, *values: int, scope: Scope = Scope.ACCOUNT, member: str = "", state: State | None = None) -> Bound:
    """A limit in force over these instruments."""
    known = KNOWN[rule]
    limits = (Limit(1, rule, scope, (member,) if member else (), (*values, *(OFF,) * (known.width - len(values)))),)
    found = Book(opening(2, INSTRUMENTS, limits), state if state is not None else State(opening(2, INSTRUMENTS)), RULES).bound(rule, scope, member)
    assert found is not None
    return found


def wish(portfolio: Portfolio, prices: dict[int, Prices], i: int = 0, side: int = 1, qty: int = 10, limit_px: int = 10_000, **more: Any) -> Proposal:
    """An order before the gates, by strategy 0 unless said otherwise."""
    return build.proposal(
        account=portfolio.state, market=market(prices), instrument=i, side=Side(side), qty=qty, limit_px=limit_px, **{"strategy": 0} | more
    )


def numbers(
    rule: str, portfolio: Portfolio, prices: dict[int, Prices], *values: int, scope: Scope = Scope.ACCOUNT, member: str = "", **order: Any
) -> tuple[bool, int, int]:
    """Passed, observed and limit of one rule's answer to an order."""
    check = KNOWN[rule].check(wish(portfolio, prices, **order), limit(rule, *values, scope=scope, member=member, state=portfolio.state))
    assert (check.rule, check.limit_id) == (rule, 1)
    return check.passed, check.observed, check.limit


SCOPES: tuple[tuple[Scope, str, tuple[int, ...], int | None], ...] = (
    (Scope.ACCOUNT, "", (0, 1, 2, 3, 4), None),
    (Scope.VENUE, "SIM", (0, 1, 4), None),
    (Scope.VENUE, "EUREX", (2, 3), None),
    (Scope.CLASS, "equity", (0, 1, 4), None),
    (Scope.CLASS, "future", (2, 3), None),
    (Scope.STRATEGY, "s0", (0, 1, 2, 3, 4), 0),
    (Scope.STRATEGY, "operator", (0, 1, 2, 3, 4), -1),
)
"""Scope, member, the instruments in it and the strategy (None: all)."""


class Case:
    """One random order before a random account: what the recounts read. `own`: the position's owner, None for the account."""

    def __init__(self, portfolio: Portfolio, prices: dict[int, Prices], p: Proposal, place: int, old: str) -> None:
        self.portfolio, self.prices, self.p, self.old = portfolio, prices, p, old
        self.scope, self.member, self.instruments, self.own = SCOPES[place]
        self.i, self.side, self.qty = p.instrument, int(p.side), p.qty

    def held(self, i: int) -> tuple[int, int, int]:
        """Position, open buys and open sells without the order being replaced."""
        portfolio = self.portfolio
        return portfolio.position(i, self.own), portfolio.open(i, self.own, 1, self.old), portfolio.open(i, self.own, -1, self.old)

    def mark(self, i: int) -> int:
        return marked(self.prices.get(i, ()), INSTRUMENTS[i])

    @property
    def px(self) -> int:
        """The worse of the order's price and the reference, 0 without either."""
        seen = self.prices.get(self.i, ())
        ref = 0
        if seen:
            last = seen[-1]
            ref = (last[1] if self.side > 0 else last[0]) if isinstance(last, tuple) else last
        known = [px for px in (self.p.limit_px, ref) if px]
        return (min if INSTRUMENTS[self.i].inverse else max)(known, default=0)

    @property
    def countable(self) -> bool:
        """Every exposure in scope has a price in dollars."""
        return all(self.mark(i) and i in DOLLARS for i in self.instruments if i != self.i and any(self.held(i))) and self.px > 0 and (
            self.mark(self.i) > 0 or not any(self.held(self.i))
        )  # fmt: skip

    @property
    def reducing(self) -> bool:
        """Whether all or none of what works is filled first, the order brings the owner's position towards zero and not beyond."""
        position, buys, sells = self.held(self.i)
        return all(now * self.side < 0 and (now + self.side * self.qty) * self.side <= 0 for now in (position + buys, position - sells))

    def gross(self, i: int) -> int:
        """Worst-case gross exposure of one instrument, with the order where it is in that one: unit by unit."""
        position, buys, sells = self.held(i)
        longest, shortest = position + buys, sells - position
        if i != self.i:
            return notional(i, self.mark(i), max(longest, shortest)) if any(self.held(i)) else 0
        same, other = (longest, shortest) if self.side > 0 else (shortest, longest)
        added = sum(1 for n in range(self.qty) if same + n + 1 > 0)
        own = (notional(i, self.mark(i), same) if same > 0 else 0) + (notional(i, self.px, added) if added else 0)
        return max(own, notional(i, self.mark(i), other) if other > 0 else 0)


@st.composite
def portfolios(draw: st.DrawFn, instruments: int = 5) -> tuple[Portfolio, list[str]]:
    """Any account, and the orders of strategy 0 that are open."""
    found = Portfolio()
    for _ in range(draw(st.integers(0, 10))):
        kind = draw(st.sampled_from(["send", "send", "fill", "fill", "cancel", "unknown", "ask", "external"]))
        alive = [n for n, o in found.orders.items() if o.left and not o.asked]
        if kind == "external":
            found.external(draw(st.integers(0, instruments - 1)), draw(st.sampled_from([-7, 4])), draw(st.integers(5_000, 15_000)))
        elif kind == "send" or not alive:
            found.send(draw(st.integers(-1, 1)), draw(st.integers(0, instruments - 1)), draw(st.sampled_from([-1, 1])), draw(st.integers(1, 20)))
        else:
            name = draw(st.sampled_from(alive))
            left = found.orders[name].left
            if kind == "fill":
                found.fill(name, draw(st.integers(1, left)), draw(st.integers(5_000, 15_000)))
            elif kind == "cancel":
                found.cancel(name)
            elif kind == "unknown":
                found.unknown(name)
            else:
                qty = draw(st.integers(found.orders[name].cum + 1, 30))
                request = found.ask(name, qty)
                if draw(st.booleans()):
                    found.replaced(request, name, qty)
    return found, [n for n, o in found.orders.items() if o.left and o.strategy == 0 and not o.asked and n in found.state.orders.find(n).ids]  # type: ignore[union-attr]


_PX = st.integers(5_000, 15_000)
_SEEN = st.one_of(_PX, st.tuples(_PX, st.integers(1, 500)).map(lambda q: (q[0], q[0] + q[1])))


@st.composite
def cases(draw: st.DrawFn, *, scopes: tuple[Scope, ...] = tuple(Scope), instruments: int = 5) -> Case:
    """Any account, any prices, any order of strategy 0 (or of a person, where the limit is on persons), any place it belongs to."""
    portfolio, mine = draw(portfolios(instruments))
    prices = {i: tuple(draw(st.lists(_SEEN, min_size=draw(st.sampled_from([0, 1, 1, 1, 1, 1])), max_size=2))) for i in range(instruments)}
    old = draw(st.sampled_from(["", *(n for n in mine if portfolio.orders[n].i in DOLLARS)]))
    i = portfolio.orders[old].i if old else draw(st.integers(0, min(instruments, 4) - 1))
    side = portfolio.orders[old].side if old else draw(st.sampled_from([-1, 1]))
    places = [n for n, (scope, _, members, own) in enumerate(SCOPES) if scope in scopes and i in members and (not old or own in (None, 0))]
    place = draw(st.sampled_from(places))
    strategy = -1 if SCOPES[place][3] == -1 else 0
    limit_px = draw(st.sampled_from([0, draw(_PX)]))
    replaced = portfolio.order(old) if old else None
    p = wish(portfolio, prices, i, side, draw(st.integers(1, 20)), limit_px, replaced=replaced, strategy=strategy)
    return Case(portfolio, prices, p, place, old)
