"""What one member of a scope has gained or lost: the money that its fills, fees and funding moved, and what it still holds.

Amounts are in 10^-amt_digits of the currency in which the scope's first instrument settles. Fees in another currency have no value here. What
trades in an instrument that settles in another currency cannot be added up: from then on there is no number, and no number passes no limit.

Invariants: the gain at any prices is exactly the money that moved plus the value of what is held; nothing is rounded but a strategy's part of
funding, and a fee with more digits than the currency has; the gain starts at the value of what is held when the fold begins.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any, Final

from domain.events import FeeCharged, FundingPaid, OrderFilled
from domain.money import div_half_even, rescale
from domain.position import Position
from domain.risk.bound import ANYONE, Bound
from domain.risk.exposure import held_qty
from domain.state import State
from domain.terms import Scope

_Filled: Final = OrderFilled
_ACCOUNT: Final = Scope.ACCOUNT
Ratio = tuple[int, int]
"""An exact amount as numerator and denominator; the denominator is positive."""
NOTHING: Final = -1
SEVERAL: Final = -2


class Realised:
    """Profit of what was closed, after fees, since this fold began. What was held then counts as opened at the account's average cost.

    `cash`: what was received less what was paid. Source: average-cost netting, see `domain.position`.
    """

    __slots__ = ("_legs", "_open_den", "_open_num", "cash")

    def __init__(self, held: dict[int, int], state: State) -> None:
        self.cash = 0
        self._open_num = self._open_den = 0
        self._legs: dict[int, Position] = {}
        for i, qty in held.items():
            leg = self._legs[i] = Position()
            whole = state.positions[i]
            leg.qty = qty
            # Strategies that hold each other's opposite leave the account without a cost: then the present price is the cost.
            cost = Fraction(whole.cost_num * qty, whole.cost_den * whole.qty) if whole.qty else Fraction(_worth(state, i, qty))
            leg.cost_num = cost.numerator
            leg.cost_den = cost.denominator

    def trade(self, instrument: int, qty: int, value: int) -> None:
        """Fold one fill; `value` is that of the signed quantity."""
        leg = self._legs.get(instrument)
        if leg is None:
            leg = self._legs[instrument] = Position()
        leg.apply(qty, value)
        self._open_den = 0
        self.cash -= value
        if not leg.qty:
            del self._legs[instrument]

    def total(self) -> Ratio:
        """The profit so far, but for the cost of what was held when the fold began: only differences mean something."""
        den = self._open_den
        if not den:
            num, den = 0, 1
            for leg in self._legs.values():
                num = num * leg.cost_den + leg.cost_num * den
                den *= leg.cost_den
            self._open_num = num
            self._open_den = den
        return self.cash * den + self._open_num, den


def _worth(state: State, instrument: int, qty: int) -> int:
    px = state.market.mark_px(instrument)
    return state.contracts[instrument].value(px, qty) if px > 0 else 0


class Pnl:
    """`cash`: what was received less what was paid. `held`: signed quantities that are not zero, by instrument. `seen`: seq of the newest event
    in it, `mark_seq`: of the newest price in the last answer. `moved`: the instrument whose quantity changed since somebody reset it, or
    `NOTHING`, or `SEVERAL`. `foreign`: something was traded that settles in another currency. `realised`: kept only where it is limited.
    """

    __slots__ = ("_funded", "_inside", "_whole", "cash", "currency", "digits", "foreign", "held", "mark_seq", "moved", "realised", "seen", "state")

    def __init__(self, bound: Bound, state: State) -> None:
        self.state = state
        self.cash = 0
        self.foreign = False
        self.mark_seq = self.seen = 0
        self.moved = SEVERAL
        self.realised: Realised | None = None
        self.currency = state.instruments[bound.instruments[0]].settle if bound.instruments else ""
        self.digits = state.digits.get(self.currency, 0)
        self._whole = bound.scope is _ACCOUNT
        self._funded = bound.strategy
        self._inside = frozenset(bound.instruments)
        self.held: dict[int, int] = {}
        for i in state.touched:
            qty = held_qty(state, bound.strategy, i) if i in self._inside else 0
            if qty and state.contracts[i].settle != self.currency:
                self.foreign = True
            elif qty:
                self.held[i] = qty

    def trade(self, event: Any, instrument: int, qty: int, px: int, seq: int) -> None:
        """Fold one position change; a fill brings its fee."""
        contract = self.state.contracts[instrument]
        if contract.settle != self.currency:
            self.foreign = True
            return
        value = contract.value(px, qty)
        self.cash -= value
        if self.realised is not None:
            self.realised.trade(instrument, qty, value)
        held = self.held
        now = held.get(instrument, 0) + qty
        if now:
            held[instrument] = now
        else:
            del held[instrument]
        self.moved = instrument if self.moved == NOTHING or self.moved == instrument else SEVERAL
        self.seen = seq
        if type(event) is _Filled and event.fee_amt:
            self.pay(event.fee_currency, event.fee_amt, event.fee_digits)

    def charge(self, event: FeeCharged | FundingPaid, seq: int) -> None:
        """Fold a charge. A fee that belongs to no fill is the account's alone; funding belongs to all who hold the instrument, and to a strategy
        in proportion to its part of the account's position, half-even."""
        amt = event.amt
        if isinstance(event, FeeCharged):
            if not self._whole:
                return
        elif event.instrument not in self._inside:
            return
        elif self._funded != ANYONE:
            whole = self.state.positions[event.instrument].qty
            amt = div_half_even(amt * self.held.get(event.instrument, 0), whole) if whole else 0
        self.seen = seq
        self.pay(event.currency, amt, event.digits)

    def pay(self, currency: str, amt: int, digits: int) -> None:
        """Money that leaves; negative comes in."""
        if currency != self.currency:
            return
        amt = rescale(amt, digits, self.digits)
        self.cash -= amt
        if self.realised is not None:
            self.realised.cash -= amt

    def gain(self) -> int | None:
        """What was gained by now at the present prices; None where something is held that has no price, or no common currency."""
        self.mark_seq = newest = 0
        if self.foreign:
            return None
        total = self.cash
        market = self.state.market
        contracts = self.state.contracts
        for i, qty in self.held.items():
            px, seq = market.mark(i)
            if px <= 0:
                return None
            total += contracts[i].value(px, qty)
            newest = max(newest, seq)
        self.mark_seq = newest
        return total
