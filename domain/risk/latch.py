"""What a loss rule remembers for one member of its scope: the gain it started from or the highest since, and whether it has tripped.

A loss is measured down from `top`: for the daily loss the gain at the last reset, for the drawdown the highest gain since then, looked at after
every tick and every event that moves it. The reset is the roll of the session's day, and a halt of the rule being lifted. Where something held
has no price at that moment, the measure starts at the first moment at which all have one; until then there is no number.

Invariants: tripped is what a recorded halt of the rule says, and nothing but its lifting says otherwise: no other limit, no gain; while it has
tripped the top stands still; a limit made during the session measures from the moment it binds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final

from domain.events import DayRolled, FeeCharged, FundingPaid, OutcomeRecorded, ReconciliationAdjusted, TradingHalted, TradingResumed
from domain.limits import OFF
from domain.money import div_floor, rescale
from domain.risk.bound import ANYONE, Bound
from domain.risk.memory import Memory
from domain.risk.pnl import Pnl, Ratio, Realised
from domain.state import State

if TYPE_CHECKING:
    from domain.losses.follower import Follower  # that room stands above this one

ALL_BPS: Final = 10_000
_NONE: Final[Ratio] = (0, 1)
NOWHERE: Final = -(2**62) + 1
"""No capital and top together that a session reaches: nothing was worked out for it."""


class Latch(Memory):
    """`top`: the gain that losses are measured from, None while it has no number. `amt`: the largest loss, `bps`: the largest part of the
    capital and top together, `realised_most`: the largest realised loss; `OFF` each where it is not limited. `capital`: the account's cash in the
    currency when the fold began, with what persons adjusted since; of a strategy's or an instrument's drawdown too, since it has no own.
    `trails`: the top follows the gain upwards. `limited`: prices can trip it. `rolled`: the day rolled and the watch has not answered yet. `follower`: what looks at the ticks
    between events.
    """

    takes: ClassVar[tuple[type, ...]] = (TradingHalted, TradingResumed, DayRolled, FeeCharged, FundingPaid, ReconciliationAdjusted, OutcomeRecorded)
    __slots__ = (
        "_room", "_whole", "amt", "bound", "bps", "capital", "follower", "latched", "limited", "pnl", "realised_from", "realised_most", "rolled", "state", "stirred", "top", "trails",
    )  # fmt: skip

    def __init__(self, bound: Bound, state: State, trails: bool) -> None:
        self.bound = bound
        self.state = state
        self.trails = trails
        self.pnl = Pnl(bound, state)
        self.capital = state.cash.get(self.pnl.currency, 0)
        self.latched = False
        self.rolled = False
        self.stirred = False
        self.follower: Follower | None = None
        self.realised_from = _NONE
        self.amt = self.bps = self.realised_most = OFF
        self._whole = self._room = NOWHERE
        self.top = self.pnl.gain()
        self.retake()

    def retake(self) -> None:
        """Take the numbers of the limit's newest version. A larger limit lifts no halt."""
        self.catch_up()
        first, second = self.bound.values
        self.amt = first
        self._whole = NOWHERE
        if self.trails:
            self.bps = min(second, ALL_BPS)
        else:
            self.realised_most = second
            if second != OFF and self.pnl.realised is None:
                self.pnl.realised = Realised(self.pnl.held, self.state)
                self.realised_from = self.pnl.realised.total()
        self.limited = first != OFF or self.bps != OFF
        self.stir()

    def stir(self) -> None:
        """Ask the watch to look, once."""
        if not self.stirred:
            self.stirred = True
            self.state.stirred.append(self)

    def evolve(self, event: Any, order: Any, seq: int) -> None:
        """Fold a halt or its lifting, the roll of the day, or money that moved without a fill."""
        kind = type(event)
        bound = self.bound
        if kind is TradingHalted or kind is TradingResumed:
            if event.rule != bound.rule or event.scope is not bound.scope or event.member != bound.member:
                return
            if kind is TradingHalted:
                self.catch_up()
                self.latched = True
            else:
                self.latched = False
                self.reset()
        elif kind is DayRolled:
            self.rolled = True
            self.reset()
        elif kind is ReconciliationAdjusted:
            # What a person accepts is neither gain nor loss: it moves capital and peak alike.
            self.catch_up()
            if event.currency == self.pnl.currency:
                self.capital += rescale(event.amt, event.digits, self.pnl.digits)
        elif kind is OutcomeRecorded:
            if event.instrument not in bound.instruments or bound.strategy not in (ANYONE, event.strategy):
                return
            self.catch_up()
            self.pnl.seen = seq
            self.pnl.pay(self.state.instruments[event.instrument].settle, -event.amt, self.pnl.digits)
        else:
            self.catch_up()
            self.pnl.charge(event, seq)
        self.stir()

    def trade(self, event: Any, instrument: int, strategy: int, qty: int, px: int, seq: int) -> None:
        """Fold a position change, after the ticks before it."""
        self.catch_up()
        self.pnl.trade(event, instrument, qty, px, seq)
        self.stir()

    def catch_up(self) -> None:
        """Bring the top up to the last consumed tick."""
        if self.follower is not None and (self.trails or self.top is None):
            self.follower.follow()

    def reset(self) -> None:
        """Measure from here on."""
        self.top = self.pnl.gain()
        if self.pnl.realised is not None:
            self.realised_from = self.pnl.realised.total()

    def look(self) -> int | None:
        """The loss by now, as the limit counts it; None where it has no number."""
        self.catch_up()
        gain = self.pnl.gain()
        if gain is None:
            return None
        if not self.latched:
            self.raise_to(gain)
        return self.top - gain if self.top is not None else None

    def raise_to(self, gain: int) -> None:
        """The gain was seen: it is the top if there is none, or if the top follows and it is higher."""
        if self.top is None:
            self.top = gain
        elif self.trails:
            self.top = max(self.top, gain)

    def room(self, top: int) -> int:
        """The largest loss from a top that is still allowed; at least one of amount and part must be limited.

        The part of the capital and top together is rounded down, which is exact: a loss is a whole number. Without capital nothing may be lost.
        """
        if self.bps == OFF:
            return self.amt
        whole = self.capital + top
        if whole != self._whole:
            self._whole = whole
            part = div_floor(max(whole, 0) * self.bps, ALL_BPS)
            self._room = part if self.amt == OFF else min(part, self.amt)
        return self._room

    def realised_loss(self) -> Ratio:
        """What was lost by closing, after fees, since the last reset; negative is a gain."""
        realised = self.pnl.realised
        if realised is None:
            return _NONE
        num, den = self.realised_from
        now_num, now_den = realised.total()
        if den == now_den:
            return num - now_num, den
        return num * now_den - now_num * den, den * now_den

    def realised_beyond(self) -> bool:
        """More was lost by closing than is allowed."""
        most = self.realised_most
        if most == OFF:
            return False
        num, den = self.realised_loss()
        return num > most if den == 1 else num > most * den
