"""What a risk rule is, and a limit as a rule reads it.

Invariants: a rule is a pure function of a proposal and the limit it is asked about; a missing, stale or senseless input fails it; every
rule that binds an order answers, none short-circuits.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

import msgspec

from domain.limits import OFF, Check
from domain.risk.bound import Bound
from domain.terms import Scope, TradingState

if TYPE_CHECKING:
    from domain.risk.proposal import Proposal

WIDTH: Final = {
    "qty": 1, "amt": 1, "px": 1, "bps": 1, "ns": 1, "count": 1, "flag": 1, "ratio": 1, "time": 1, "rate": 2, "hours": 2, "types": 1, "state": 1,
}  # fmt: skip
"""The units of a rule's numbers, and how many integers a parameter of that unit takes.

qty, px: the instrument's digits. amt: 10^-amt_digits of the settlement currency. bps: 1/10,000. ns: a duration. time: UTC nanoseconds.
ratio: 1/100. rate: count and window in ns. hours: first and last minute of the UTC day, the last one excluded. types: sum of 2^OrderType.
"""


class Param(msgspec.Struct, frozen=True, gc=False):
    """One parameter of a rule: its key in `[limits]`, its unit (see `WIDTH`) and what it means. needs: those without which it binds nothing."""

    name: str
    unit: str
    meaning: str
    needs: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The meaning and the needs in words."""
        return f"{self.meaning}; needs {' and '.join(self.needs)}" if self.needs else self.meaning


class Rule(msgspec.Struct, frozen=True, gc=False):
    """A rule as people read it. `RULES` in `domain.risk` lists the built-in ones; users' own plug in the same way.

    id, code: of the features list, part D, and the reason code of a denial. unit: of the observed and limit numbers of its checks.
    check: the rule itself. params: its parameters, in the order of `Limit.values`; without any the rule binds every order.
    scopes: where it may bind, the first is meant when `[limits]` names none. memory: makes what the rule remembers for one member of a
    scope, of (bound, state), see `domain.risk.memory`. halts: the state that a failing check puts its scope into, until somebody resumes it.
    overridable: whether two persons may let one order pass it. on_cancel: asked about cancels instead of orders, but never about the house's own.
    alerts: never asked; its memory has `findings`, of which `domain.surveillance` makes alerts.
    late: nothing but orders of its own scope changes the memory, so that the one for an instrument is made with the first order in it. shared: one
    memory serves all instruments that a limit binds.
    cancels: after a denial by this rule, the ids of working orders that the house then cancels; asked of the same proposal. version: raised when what the rule decides changes.
    """

    id: str
    code: str
    unit: str
    check: Callable[[Proposal, Bound], Check]
    params: tuple[Param, ...] = ()
    scopes: tuple[Scope, ...] = (Scope.ACCOUNT,)
    memory: Any = None
    halts: TradingState | None = None
    overridable: bool = False
    on_cancel: bool = False
    alerts: bool = False
    late: bool = False
    shared: bool = False
    cancels: Callable[[Proposal, Bound], tuple[str, ...]] | None = None
    version: int = 1

    @property
    def width(self) -> int:
        """How many integers a limit of this rule has."""
        return sum(WIDTH[p.unit] for p in self.params)


__all__ = ["OFF", "WIDTH", "Bound", "Check", "Param", "Rule"]
