"""Did too many trades in a short time lose?

A round trip is a position of the limit's scope in one instrument from flat to flat; a fill that turns the position ends one trip and starts the
next. It loses when the value of its fills and their fees in the settlement currency is below 0; the fee of a turning fill belongs to the trip it
ends, funding to none. `loss_streak` losing trips within `loss_window` trip the breaker, the first and the last no further apart than the window;
trips that win between them change nothing. `OutcomeRecorded` (a person's `record_outcome`) counts as a round trip. The watch
(`domain.losses.watch`) halts the scope at the trip that is one too many, and lifts it when the cool-down is over. Then the count starts anew.

Invariants: one trip counts once, whatever becomes of its fills later (a busted fill counts as the opposite fill); while it has tripped nothing is
counted; no more than `loss_streak` times, and some to spare, are held.
"""

from __future__ import annotations

from typing import Any, ClassVar, Final

from domain.events import OrderFilled, OutcomeRecorded, TradingHalted, TradingResumed
from domain.limits import OFF, Check
from domain.money import div_half_even, rescale
from domain.risk.bound import ANYONE, Bound, answer
from domain.risk.exposure import held_qty, reduces
from domain.risk.memory import Memory
from domain.risk.proposal import Proposal
from domain.risk.rule import Param, Rule
from domain.risk.window import EVER, Window
from domain.state import State
from domain.terms import Scope

ID = "L-03"
_Filled: Final = OrderFilled


class Trips(Memory):
    """When the scope's round trips lost, and the open ones as [signed quantity, money so far]. `until_ns`: when the cool-down ends, 0 never."""

    takes: ClassVar[tuple[type, ...]] = (TradingHalted, TradingResumed, OutcomeRecorded)
    __slots__ = ("_open", "bound", "latched", "losses", "seen", "state", "stirred", "until_ns")

    def __init__(self, bound: Bound, state: State) -> None:
        self.bound = bound
        self.state = state
        self.losses = Window()
        self.latched = False
        self.stirred = False
        self.until_ns = 0
        self.seen = 0
        # What is held already is judged by what it brings from here on, at the account's average cost.
        self._open: dict[int, list[int]] = {}
        for i in bound.instruments:
            qty = held_qty(state, bound.strategy, i)
            if qty:
                whole = state.positions[i]
                self._open[i] = [qty, -div_half_even(whole.cost_num * qty, whole.cost_den * whole.qty) if whole.qty else 0]

    def retake(self) -> None:
        """Ask the watch to look: the limit has another version."""
        self.stir()

    def stir(self) -> None:
        """Ask the watch to look, once."""
        if not self.stirred:
            self.stirred = True
            self.state.stirred.append(self)

    def evolve(self, event: Any, order: Any, seq: int) -> None:
        """Fold a halt of this rule, its lifting, or an outcome that a person recorded."""
        bound = self.bound
        if isinstance(event, OutcomeRecorded):
            if event.instrument in bound.instruments and bound.strategy in (ANYONE, event.strategy):
                self._ended(event.ns, event.amt, seq)
        elif event.rule == bound.rule and event.scope is bound.scope and event.member == bound.member:
            if isinstance(event, TradingHalted):
                self.latched = True
                self.until_ns = event.until_ns
            else:
                self.latched = False
                self.losses.clear()

    def trade(self, event: Any, instrument: int, strategy: int, qty: int, px: int, seq: int) -> None:
        """Fold a position change; a fill brings its fee."""
        contract = self.state.contracts[instrument]
        trip = self._open.get(instrument)
        if trip is None:
            trip = self._open[instrument] = [0, 0]
        before = trip[0]
        after = before + qty
        fee = 0
        if type(event) is _Filled and event.fee_amt and event.fee_currency == contract.settle:
            fee = rescale(event.fee_amt, event.fee_digits, contract.amt_digits)
        if before * after < 0:
            self._ended(event.ns, trip[1] - contract.value(px, -before) - fee, seq)
            self._open[instrument] = [after, -contract.value(px, after)]
        elif after:
            trip[0] = after
            trip[1] -= contract.value(px, qty) + fee
        else:
            del self._open[instrument]
            self._ended(event.ns, trip[1] - contract.value(px, qty) - fee, seq)

    def count(self, now_ns: int) -> int:
        """Losing trips that lie no further back than the window."""
        return self.losses.count(now_ns, self._length())

    def _length(self) -> int:
        """Of the window that holds the first moment too, at which a loss is as old as `loss_window`."""
        window_ns = self.bound.values[1]
        return window_ns + 1 if window_ns != OFF else EVER

    def _ended(self, ns: int, amt: int, seq: int) -> None:
        if amt >= 0 or self.bound.most == OFF or self.latched:
            return
        self.losses.add(ns, self._length())
        self.seen = seq
        self.stir()


def check_loss_breaker(p: Proposal, limit: Bound) -> Check:
    """Fewer than loss_streak losing round trips within the last loss_window, and the breaker has not tripped.

    Observed is the number of losing trips. Source: features A S4-31, D L-03.
    """
    memory: Trips = limit.memory
    most = limit.most
    n = memory.count(p.now_ns)
    within = most == OFF or n < most
    return answer(limit, (within and not memory.latched) or reduces(p, limit), n, most, memory.seen)


RULE: Rule = Rule(
    ID, "LOSS_BREAKER", "count", check_loss_breaker,
    (
        Param("loss_streak", "count", "losing round trips that trip the breaker"),
        Param("loss_window", "ns", "only losses of the last so much time count; off: all since the start", ("loss_streak",)),
        Param("loss_cooldown", "ns", "how long the breaker holds; off: until persons lift it", ("loss_streak",)),
    ),
    (Scope.ACCOUNT, Scope.STRATEGY, Scope.INSTRUMENT, Scope.CLASS, Scope.VENUE), Trips,
)  # fmt: skip
