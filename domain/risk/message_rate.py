"""Is there room for one more message in the window, and for one more cancel in the window of cancels?

Invariants: whatever is sent counts when it is recorded, also what no rule was asked about (cancels of the house); a denied order is no message;
no window of the limit in force ever holds more orders and replacements than allowed, reducing ones included, because beyond its own
limit a venue drops them all.
"""

from __future__ import annotations

from typing import Any, ClassVar, Final

from domain.events import OrderCancelRequested, OrderReplaceRequested, OrderSubmitted
from domain.limits import OFF, Check
from domain.risk.bound import Bound, answer
from domain.risk.memory import Memory
from domain.risk.proposal import Proposal
from domain.risk.rule import Param, Rule
from domain.risk.window import Window
from domain.state import State
from domain.terms import Scope

_ALL: Final = 0
_SUBMITS: Final = 1
_REPLACES: Final = 2
_Submitted: Final = OrderSubmitted
_ReplaceRequested: Final = OrderReplaceRequested
_SCOPES = (Scope.ACCOUNT, Scope.STRATEGY, Scope.VENUE)


class Messages(Memory):
    """The times of what was sent, by parameter of the limit; a window is made when its parameter first counts. `seen`: seq of the last one."""

    takes: ClassVar[tuple[type, ...]] = (OrderSubmitted, OrderReplaceRequested)
    __slots__ = ("_bound", "seen", "windows")

    def __init__(self, bound: Bound, state: State) -> None:
        self._bound = bound
        self.windows: list[Window | None] = [None, None, None]
        self.seen = 0

    def evolve(self, event: Any, order: Any, seq: int) -> None:
        """One more message."""
        self.seen = seq
        kind = type(event)
        ns: int = event.ns
        self._add(_ALL, ns)
        if kind is _Submitted:
            self._add(_SUBMITS, ns)
        elif kind is _ReplaceRequested:
            self._add(_REPLACES, ns)

    def _add(self, at: int, ns: int) -> None:
        values = self._bound.values
        if values[2 * at] != OFF:
            window = self.windows[at]
            if window is None:
                window = self.windows[at] = Window()
            window.add(ns, values[2 * at + 1])

    def count(self, at: int, now_ns: int) -> int:
        """How many are in the parameter's window; 0 where it is off."""
        window = self.windows[at]
        values = self._bound.values
        return window.count(now_ns, values[2 * at + 1]) if window is not None and values[2 * at] != OFF else 0


class Cancels(Messages):
    """The times of cancels."""

    takes: ClassVar[tuple[type, ...]] = (OrderCancelRequested,)
    __slots__ = ()


def check_message_rate(p: Proposal, limit: Bound) -> Check:
    """Orders and replacements in (now - window, now], this one included, ≤ n; so too each of the two by itself.

    The numbers are of the first parameter that fails, else of the first that bounds the message. Source: RTS 6 Art. 15(1)(d); FIA throttles.
    """
    memory: Messages = limit.memory
    values = limit.values
    own = _SUBMITS if p.replaced is None else _REPLACES
    most, of_kind = values[2 * _ALL], values[2 * own]
    n, own_n = memory.count(_ALL, p.now_ns) + 1, memory.count(own, p.now_ns) + 1
    if most == OFF or (n <= most and own_n > of_kind != OFF):
        n, most = own_n, of_kind
    if most == OFF:
        return answer(limit, True, 0, OFF)
    return answer(limit, n <= most, n, most, memory.seen)


def check_cancel_rate(p: Proposal, limit: Bound) -> Check:
    """Cancels in (now - window, now], this one included, ≤ n; never asked about cancels of the house itself.

    Source: RTS 6 Art. 15(1)(d); FIA throttles; features D R-05.
    """
    memory: Messages = limit.memory
    n = memory.count(_ALL, p.now_ns) + 1
    return answer(limit, n <= limit.most, n, limit.most, memory.seen)


RULE: Rule = Rule(
    "R-05", "MSG_RATE", "count", check_message_rate,
    (
        Param("message_rate", "rate", "most orders and replacements together in any window"),
        Param("submit_rate", "rate", "most new orders in any window"),
        Param("replace_rate", "rate", "most replacements in any window"),
    ),
    _SCOPES, Messages,
)  # fmt: skip
CANCELS: Rule = Rule(
    "R-05c", "CANCEL_RATE", "count", check_cancel_rate, (Param("cancel_rate", "rate", "most cancels in any window; those of the house count and are never held up"),),
    _SCOPES, Cancels, on_cancel=True,
)  # fmt: skip
