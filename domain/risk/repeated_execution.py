"""Has an algorithm done the same thing too often without anybody looking?

A cycle is one order that a strategy sends in one instrument on one side. The count starts again when the strategy's own position in the
instrument becomes flat, and when a person acts on the strategy: gives it other parameters, or resumes it or the whole account.

Invariants: after `max_repeats` cycles the next order is denied and halts the strategy, and only a person's resuming lets it trade again; what a
person orders and what replaces an order is no cycle; an order that only reduces is never stopped, but counts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final

from domain.events import OrderSubmitted, ParametersChanged, TradingResumed
from domain.limits import OFF, Check
from domain.risk.bound import Bound, answer
from domain.risk.exposure import reduces
from domain.risk.memory import Memory
from domain.risk.proposal import Proposal
from domain.risk.rule import Param, Rule
from domain.risk.window import EVER, Window
from domain.state import State
from domain.terms import Scope, Side, TradingState

if TYPE_CHECKING:
    from domain.order import Order

ID = "R-06"
_BUY: Final = Side.BUY
_SELL: Final = Side.SELL


class Repeats(Memory):
    """When a strategy sent its orders since somebody looked, by instrument and side (`_key`). `seen`: seq of the last one."""

    takes: ClassVar[tuple[type, ...]] = (OrderSubmitted, ParametersChanged, TradingResumed)
    __slots__ = ("_bound", "_owned", "cycles", "seen")

    def __init__(self, bound: Bound, state: State) -> None:
        self._bound = bound
        self._owned = state.owned
        self.cycles: dict[int, Window] = {}
        self.seen = 0

    def evolve(self, event: Any, order: Order | None, seq: int) -> None:
        """Count an order of the strategy; forget all when a person acts on it."""
        bound = self._bound
        if order is not None:
            if order.strategy >= 0 and bound.most != OFF:
                self.seen = seq
                key = _key(order.instrument, order.side)
                cycles = self.cycles.get(key)
                if cycles is None:
                    cycles = self.cycles[key] = Window()
                cycles.add(event.ns, self._window_ns())
        elif isinstance(event, ParametersChanged):
            if event.strategy == bound.strategy:
                self.cycles.clear()
        elif (event.scope is Scope.ACCOUNT or (event.scope is Scope.STRATEGY and event.member == bound.member)) and (
            event.requester or event.rule == ID
        ):
            self.cycles.clear()

    def trade(self, event: Any, instrument: int, strategy: int, qty: int, px: int, seq: int) -> None:
        """Forget the instrument when the strategy holds nothing of it any more."""
        if strategy >= 0 and self.cycles and not self._owned[strategy][instrument]:
            for side in (_BUY, _SELL):
                cycles = self.cycles.get(_key(instrument, side))
                if cycles is not None:
                    cycles.clear()

    def count(self, instrument: int, side: Side, now_ns: int) -> int:
        """Cycles that count now."""
        cycles = self.cycles.get(_key(instrument, side))
        return cycles.count(now_ns, self._window_ns()) if cycles is not None else 0

    def _window_ns(self) -> int:
        window_ns = self._bound.values[1]
        return window_ns if window_ns != OFF else EVER


def _key(instrument: int, side: Side) -> int:
    return 2 * instrument + 1 if side is _BUY else 2 * instrument


def check_repeated_execution(p: Proposal, limit: Bound) -> Check:
    """Cycles of the strategy in the order's instrument and side, this one included, ≤ max_repeats, within the last repeat_window if there is one.

    Source: RTS 6 Art. 15(3); FIA repeated automated execution throttle.
    """
    most = limit.most
    if p.strategy < 0 or most == OFF:
        return answer(limit, True, 0, OFF)
    memory: Repeats = limit.memory
    n = memory.count(p.instrument, p.side, p.now_ns) + (1 if p.replaced is None else 0)
    return answer(limit, n <= most or p.replaced is not None or reduces(p, limit), n, most, memory.seen)


RULE: Rule = Rule(
    ID, "REPEAT_EXEC", "count", check_repeated_execution,
    (
        Param("max_repeats", "count", "most orders of a strategy in one instrument and side before a person looks or its position is flat"),
        Param("repeat_window", "ns", "only orders of the last so much time count; off: all since then", ("max_repeats",)),
    ),
    (Scope.STRATEGY,), Repeats, halts=TradingState.HALTED,
)  # fmt: skip
