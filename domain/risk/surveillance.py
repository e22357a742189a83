"""Patterns that look like market abuse: recognised by rules that deny nothing and are never asked about an order.

Their memories hear what other memories hear and note what they find; `domain.surveillance` makes alerts of it.

Invariants: a pattern is looked for while all its parameters are set; what was part of a finding is no part of the next one.
"""

from __future__ import annotations

from collections import deque
from typing import Any, NamedTuple

from domain.errors import InvariantBroken
from domain.events import OrderCanceled, OrderExpired, OrderFilled, OrderRejected, OrderSubmitted
from domain.limits import OFF, Check
from domain.money import div_ceil
from domain.risk.bound import Bound
from domain.risk.proposal import Proposal
from domain.risk.rule import Param, Rule
from domain.state import State
from domain.terms import Scope

_WHOLE = 10_000


class Finding(NamedTuple):
    """What a pattern's memory noted: whose, in what, the numbers in the rule's unit, the seq it began with."""

    strategy: int
    instrument: int
    observed: int
    limit: int
    since: int
    reason: str


class Ends:
    """How the orders of the last stretch ended: (time, whether quickly and without a fill, seq of the sending), oldest first."""

    __slots__ = ("all", "quick")

    def __init__(self) -> None:
        self.all: deque[tuple[int, bool, int]] = deque()
        self.quick = 0

    def add(self, ns: int, quick: bool, seq: int, window_ns: int) -> None:
        self.all.append((ns, quick, seq))
        self.quick += quick
        while self.all and self.all[0][0] <= ns - window_ns:
            self.quick -= self.all.popleft()[1]


class Spoofing:
    """Orders that are canceled soon after they were sent, without any fill, by strategy and instrument."""

    takes = (OrderSubmitted, OrderCanceled, OrderExpired, OrderFilled, OrderRejected)
    __slots__ = ("_bound", "_ends", "_sent", "findings")

    def __init__(self, bound: Bound, state: State) -> None:
        self._bound = bound
        self._sent: dict[int, tuple[int, int]] = {}
        self._ends: dict[tuple[int, int], Ends] = {}
        self.findings: list[Finding] = []

    def evolve(self, event: Any, order: Any, seq: int) -> None:
        """Remember when an order was sent and how it ended; note when too many of the last ones ended quickly."""
        share, life_ns, window_ns, least = self._bound.values
        if OFF in self._bound.values:
            return
        if isinstance(event, OrderSubmitted):
            self._sent[order.number] = event.ns, seq
            return
        if order.worst_leaves:
            return
        sent = self._sent.pop(order.number, None)
        if sent is None or isinstance(event, OrderRejected):
            return
        quick = isinstance(event, OrderCanceled) and not order.cum_qty and event.ns - sent[0] <= life_ns
        key = order.strategy, order.instrument
        ends = self._ends.setdefault(key, Ends())
        ends.add(event.ns, quick, sent[1], window_ns)
        n = len(ends.all)
        if quick and n >= least and ends.quick * _WHOLE > share * n:
            reason = f"{ends.quick} of the last {n} orders were canceled at once and without a fill"
            self.findings.append(Finding(*key, div_ceil(ends.quick * _WHOLE, n), share, ends.all[0][2], reason))
            del self._ends[key]


class WashTrades:
    """Fills of the account on both sides of an instrument at the same price."""

    takes = ()
    __slots__ = ("_at", "_bound", "_oldest", "findings")

    def __init__(self, bound: Bound, state: State) -> None:
        self._bound = bound
        # At one price there are only buys or only sells, oldest first: an opposite one takes the oldest away.
        self._at: dict[tuple[int, int], deque[tuple[int, int, int]]] = {}
        self._oldest: deque[tuple[int, tuple[int, int]]] | None = None
        self.findings: list[Finding] = []

    def trade(self, event: Any, instrument: int, strategy: int, qty: int, px: int, seq: int) -> None:
        """Look for the oldest opposite fill at this price, else remember this one."""
        window_ns = self._bound.most
        if window_ns == OFF or not isinstance(event, OrderFilled):
            return
        oldest = self._oldest
        if oldest is None:
            oldest = self._oldest = deque()
        self._forget(oldest, event.ns - window_ns)
        key = (instrument, px)
        fills = self._at.get(key)
        if fills is None:
            fills = self._at[key] = deque()
        elif fills[0][1] * qty < 0:
            ns, _, since = fills.popleft()
            if not fills:
                del self._at[key]
            self.findings.append(Finding(strategy, instrument, event.ns - ns, window_ns, since, "bought and sold at the same price"))
            return
        fills.append((event.ns, qty, seq))
        oldest.append((event.ns, key))

    def _forget(self, oldest: deque[tuple[int, tuple[int, int]]], since_ns: int) -> None:
        while oldest and oldest[0][0] < since_ns:
            ns, key = oldest.popleft()
            fills = self._at.get(key)
            if fills is not None and fills[0][0] == ns:
                fills.popleft()
                if not fills:
                    del self._at[key]


class Layering:
    """Orders of a strategy at several prices of one side that are canceled after it traded on the other."""

    takes = (OrderFilled, OrderCanceled)
    __slots__ = ("_bound", "_traded", "findings")

    def __init__(self, bound: Bound, state: State) -> None:
        self._bound = bound
        self._traded: dict[tuple[int, int, int], tuple[int, int, dict[int, None]]] = {}
        self.findings: list[Finding] = []

    def evolve(self, event: Any, order: Any, seq: int) -> None:
        """Remember the first fill of a side for as long as the window lasts, and count the prices of the other side that are canceled."""
        if OFF in self._bound.values:
            return
        if isinstance(event, OrderFilled):
            self._fill(event, order, seq)
        else:
            self._cancel(event, order)

    def _fill(self, event: Any, order: Any, seq: int) -> None:
        key = order.strategy, order.instrument, -order.side
        first = self._traded.get(key)
        if first is None or event.ns - first[0] > self._bound.values[1]:
            self._traded[key] = event.ns, seq, {}

    def _cancel(self, event: Any, order: Any) -> None:
        key = order.strategy, order.instrument, int(order.side)
        first = self._traded.get(key)
        if first is None or not order.limit_px or event.ns - first[0] > self._bound.values[1]:
            return
        prices = first[2]
        prices[order.limit_px] = None
        n = len(prices)
        if n >= self._bound.most:
            reason = f"orders at {n} prices were canceled after a fill of the other side"
            self.findings.append(Finding(order.strategy, order.instrument, n, self._bound.most, first[1], reason))
            del self._traded[key]


def check_spoof(p: Proposal, limit: Bound) -> Check:
    """Watches, and no order is asked: the part of a strategy's orders that were canceled soon and without a fill ≤ spoof_share.

    Source: RTS 6 Art. 13; MAR Art. 12(1)(a) and (2)(c); Delegated Regulation (EU) 2016/522, Annex II (spoofing).
    """
    raise _unasked(limit)


def check_wash(p: Proposal, limit: Bound) -> Check:
    """Watches, and no order is asked: no buy and sell of the account fill at one price within wash_window.

    Source: RTS 6 Art. 13; MAR Art. 12(1)(a); Delegated Regulation (EU) 2016/522, Annex II (wash trades).
    """
    raise _unasked(limit)


def check_layering(p: Proposal, limit: Bound) -> Check:
    """Watches, and no order is asked: prices of one side at which orders are canceled after a fill of the other < layering_orders.

    Source: RTS 6 Art. 13; MAR Art. 12(2)(c); Delegated Regulation (EU) 2016/522, Annex II (layering).
    """
    raise _unasked(limit)


def _unasked(limit: Bound) -> InvariantBroken:
    return InvariantBroken(f"broken invariant: {limit.rule} only watches, no order is asked about it")


SPOOF: Rule = Rule(
    "R-25a", "SURV_SPOOF", "bps", check_spoof,
    (
        Param("spoof_share", "bps", "largest part of the ended orders that may be canceled quickly and without a fill; more raise an alert"),
        Param("spoof_life", "ns", "a cancel is quick up to this long after the order was sent"),
        Param("spoof_window", "ns", "only orders that ended in the last so much time count"),
        Param("spoof_orders", "count", "least number of ended orders that are judged"),
    ),
    (Scope.INSTRUMENT, Scope.STRATEGY, Scope.ACCOUNT), Spoofing, alerts=True,
)  # fmt: skip
WASH: Rule = Rule(
    "R-25b", "SURV_WASH", "ns", check_wash, (Param("wash_window", "ns", "a buy and a sell at the same price this close together raise an alert"),),
    (Scope.INSTRUMENT, Scope.ACCOUNT), WashTrades, alerts=True,
)  # fmt: skip
LAYER: Rule = Rule(
    "R-25c", "SURV_LAYERING", "count", check_layering,
    (
        Param("layering_orders", "count", "cancels at so many prices of one side after a fill of the other raise an alert"),
        Param("layering_window", "ns", "only cancels up to this long after the fill count"),
    ),
    (Scope.INSTRUMENT, Scope.STRATEGY, Scope.ACCOUNT), Layering, alerts=True,
)  # fmt: skip
