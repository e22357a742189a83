"""Patterns that look like market abuse: recognised by rules that deny nothing and are never asked about an order.

Their memories hear what other memories hear and note what they find; `domain.surveillance` makes alerts of it.

Invariants: a pattern is looked for while all its parameters are set; what was part of a finding is no part of the next one.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, ClassVar, Final, NamedTuple

from domain.errors import InvariantBroken
from domain.events import OrderCanceled, OrderExpired, OrderFilled, OrderRejected, OrderSubmitted
from domain.limits import OFF, Check
from domain.money import div_ceil
from domain.risk.bound import Bound
from domain.risk.memory import Memory
from domain.risk.proposal import Proposal
from domain.risk.rule import Param, Rule
from domain.state import State
from domain.terms import Scope, Side

if TYPE_CHECKING:
    from domain.order import Order

_WHOLE: Final = 10_000
SPARE: Final = 64
_BUY: Final = Side.BUY
_SELL: Final = Side.SELL
# Compiled code holds a Final; an imported class it looks up each time.
_Submitted: Final = OrderSubmitted
_Filled: Final = OrderFilled
_Canceled: Final = OrderCanceled
_Rejected: Final = OrderRejected


class Finding(NamedTuple):
    """What a pattern's memory noted: whose, in what, the numbers in the rule's unit, the seq it began with."""

    strategy: int
    instrument: int
    observed: int
    limit: int
    since: int
    reason: str


class Ends:
    """How the orders of the last stretch ended. orders: (time, whether quickly and without a fill, seq of its sending), oldest first; quick: how
    many ended quickly."""

    __slots__ = ("orders", "quick")

    def __init__(self) -> None:
        self.orders: deque[tuple[int, bool, int]] = deque()
        self.quick = 0

    def add(self, ns: int, quick: bool, seq: int, window_ns: int) -> int:
        """One more; how many there are."""
        orders = self.orders
        while orders and orders[0][0] <= ns - window_ns:
            self.quick -= orders.popleft()[1]
        orders.append((ns, quick, seq))
        self.quick += quick
        return len(orders)


class Watching(Memory):
    """What the memories of all patterns have: the limit, what they found, and how they say so."""

    __slots__ = ("_bound", "_state", "findings")

    def __init__(self, bound: Bound, state: State) -> None:
        self._bound = bound
        self._state = state
        self.findings: list[Finding] = []

    def _note(self, finding: Finding) -> None:
        self.findings.append(finding)
        self._state.noticed = True


class Spoofing(Watching):
    """Orders that are canceled soon after they were sent, without any fill, by strategy and instrument. `_sent`: the seqs of those that work."""

    takes: ClassVar[tuple[type, ...]] = (OrderSubmitted, OrderCanceled, OrderExpired, OrderFilled, OrderRejected)
    __slots__ = ("_ends", "_sent")

    def __init__(self, bound: Bound, state: State) -> None:
        super().__init__(bound, state)
        self._sent: dict[int, int] = {}
        self._ends: dict[tuple[int, int], Ends] = {}

    def evolve(self, event: Any, order: Order, seq: int) -> None:
        """Remember when an order was sent and how it ended; note when too many of the last ones ended quickly."""
        bound = self._bound
        if not bound.whole:
            return
        kind = type(event)
        if kind is _Submitted:
            self._sent[order.number] = seq
            return
        if order.worst_leaves:
            return
        sent = self._sent.get(order.number)
        if sent is None:
            return
        del self._sent[order.number]
        if kind is _Rejected:
            return
        share, life_ns, window_ns, least = bound.values
        ns: int = event.ns
        quick = kind is _Canceled and not order.cum_qty and ns - order.sent_ns <= life_ns
        key = order.strategy, order.instrument
        ends = self._ends.get(key)
        if ends is None:
            ends = self._ends[key] = Ends()
        n = ends.add(ns, quick, sent, window_ns)
        if quick and n >= least and ends.quick * _WHOLE > share * n:
            reason = f"{ends.quick} of the last {n} orders were canceled at once and without a fill"
            self._note(Finding(order.strategy, order.instrument, div_ceil(ends.quick * _WHOLE, n), share, ends.orders[0][2], reason))
            del self._ends[key]


class WashTrades(Watching):
    """Fills of the account on both sides of an instrument at the same price."""

    takes: ClassVar[tuple[type, ...]] = ()
    __slots__ = ("_at", "_sweep_at", "held")

    def __init__(self, bound: Bound, state: State) -> None:
        super().__init__(bound, state)
        # By instrument and price, as (time, quantity, seq): there are only buys or only sells, oldest first, and an opposite one takes the oldest away.
        self._at: dict[int, dict[int, list[tuple[int, int, int]]]] = {}
        self.held = 0
        self._sweep_at = SPARE

    def trade(self, event: Any, instrument: int, strategy: int, qty: int, px: int, seq: int) -> None:
        """Look for the oldest opposite fill at this price, else remember this one."""
        window_ns = self._bound.most
        if window_ns == OFF or type(event) is not _Filled:
            return
        ns: int = event.ns
        prices = self._at.get(instrument)
        if prices is None:
            prices = self._at[instrument] = {}
        fills = prices.get(px)
        if fills is None:
            fills = prices[px] = []
        else:
            self._forget(fills, ns - window_ns)
        if fills and fills[0][1] * qty < 0:
            then_ns, _, since = fills.pop(0)
            self.held -= 1
            if not fills:
                del prices[px]
            self._note(Finding(strategy, instrument, ns - then_ns, window_ns, since, "bought and sold at the same price"))
            return
        fills.append((ns, qty, seq))
        self.held += 1
        if self.held > self._sweep_at:
            self._sweep(ns - window_ns)

    def _forget(self, fills: list[tuple[int, int, int]], since_ns: int) -> None:
        """Forget what the window has left behind at one price."""
        while fills and fills[0][0] < since_ns:
            fills.pop(0)
            self.held -= 1

    def _sweep(self, since_ns: int) -> None:
        """The same at every price; again when twice as many fills are held, so that it costs next to nothing a fill."""
        for prices in self._at.values():
            for px in list(prices):
                self._forget(prices[px], since_ns)
                if not prices[px]:
                    del prices[px]
        self._sweep_at = 2 * self.held + SPARE


class Layering(Watching):
    """Orders of a strategy at several prices of one side that are canceled after it traded on the other."""

    takes: ClassVar[tuple[type, ...]] = (OrderCanceled,)
    __slots__ = ("_traded",)

    def __init__(self, bound: Bound, state: State) -> None:
        super().__init__(bound, state)
        # By strategy, instrument and the side that traded: when and by which event, and the prices of the other side that were canceled since.
        self._traded: dict[tuple[int, int, Side], tuple[int, int, dict[int, None]]] = {}

    def trade(self, event: Any, instrument: int, strategy: int, qty: int, px: int, seq: int) -> None:
        """Remember the first fill of a side for as long as the window lasts."""
        if not self._bound.whole or type(event) is not _Filled:
            return
        key = strategy, instrument, _BUY if qty > 0 else _SELL
        first = self._traded.get(key)
        if first is None or event.ns - first[0] > self._bound.values[1]:
            self._traded[key] = event.ns, seq, {}

    def evolve(self, event: Any, order: Order, seq: int) -> None:
        """Count the prices that are canceled after a fill of the other side."""
        if not self._bound.whole or not order.limit_px:
            return
        key = order.strategy, order.instrument, _SELL if order.side is _BUY else _BUY
        first = self._traded.get(key)
        if first is None or event.ns - first[0] > self._bound.values[1]:
            return
        prices = first[2]
        prices[order.limit_px] = None
        n = len(prices)
        if n >= self._bound.most:
            reason = f"orders at {n} prices were canceled after a fill of the other side"
            self._note(Finding(order.strategy, order.instrument, n, self._bound.most, first[1], reason))
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
        Param("spoof_share", "bps", "largest part of the ended orders that may be canceled quickly and without a fill; more raise an alert", ("spoof_life", "spoof_window", "spoof_orders")),
        Param("spoof_life", "ns", "a cancel is quick up to this long after the order was sent", ("spoof_share", "spoof_window", "spoof_orders")),
        Param("spoof_window", "ns", "only orders that ended in the last so much time count", ("spoof_share", "spoof_life", "spoof_orders")),
        Param("spoof_orders", "count", "least number of ended orders that are judged", ("spoof_share", "spoof_life", "spoof_window")),
    ),
    (Scope.INSTRUMENT, Scope.STRATEGY, Scope.ACCOUNT), Spoofing, alerts=True, late=True,
)  # fmt: skip
WASH: Rule = Rule(
    "R-25b", "SURV_WASH", "ns", check_wash, (Param("wash_window", "ns", "a buy and a sell at the same price this close together raise an alert"),),
    (Scope.INSTRUMENT, Scope.ACCOUNT), WashTrades, alerts=True, late=True,
)  # fmt: skip
LAYER: Rule = Rule(
    "R-25c", "SURV_LAYERING", "count", check_layering,
    (
        Param("layering_orders", "count", "cancels at so many prices of one side after a fill of the other raise an alert", ("layering_window",)),
        Param("layering_window", "ns", "only cancels up to this long after the fill count", ("layering_orders",)),
    ),
    (Scope.INSTRUMENT, Scope.STRATEGY, Scope.ACCOUNT), Layering, alerts=True, late=True,
)  # fmt: skip
