"""Decides what a stream of fills amounts to: the net position of one instrument and its exact cost.

Invariants: `qty` is the sum of the fills; `cash` is minus the sum of their values, so realised plus unrealised profit at any
mark is exactly `cash + value(mark, qty)`; a flat position has no cost. Averages and roundings never feed back into `cash`.
"""

from __future__ import annotations

from fractions import Fraction
from math import gcd

from domain.money import div_floor, div_half_even, round_half_even

_DEN_MAX = 1 << 512
_DEN_BITS = 256


class Position:
    """One instrument's position by average-cost netting. Changes in place: this is the hot path.

    qty: signed, 10^-qty_digits. cost_num / cost_den: value of the open part when it was opened, in lowest terms,
    10^-amt_digits of the settlement currency (`Instrument.average_px(cost, qty)` is its average price).
    cash: exact money flow of all fills in the same unit, fees not included.
    Partial reductions make `cost_den` grow; above 2^512 the cost is rounded half-even to a multiple of 2^-256, which each time moves
    realised profit against unrealised by less than 2^-256 units and leaves their sum exact.
    Source: average-cost netting as on derivatives venues; FIFO and LIFO lots are `domain.trades`.
    """

    __slots__ = ("cash", "cost_den", "cost_num", "qty")

    def __init__(self) -> None:
        self.qty = 0
        self.cost_num = 0
        self.cost_den = 1
        self.cash = 0

    def apply(self, signed_qty: int, value: int) -> None:
        """Fold one fill: `value` is `Instrument.value(px, signed_qty)`.

        Adding raises the cost by the fill's value; reducing releases cost pro rata; crossing zero closes everything and opens
        the rest at the fill's price. A busted fill is folded as the opposite fill at its price: `qty`, `cash` and the total are
        then as if it had never been, while the split into realised and unrealised is that of the fills as they were reported.
        """
        qty = self.qty
        self.cash -= value
        self.qty = after = qty + signed_qty
        if not after:
            self.cost_num = 0
            self.cost_den = 1
        elif qty * signed_qty >= 0:
            self.cost_num += value * self.cost_den
        elif qty * after > 0:
            self._set_cost(self.cost_num * after, self.cost_den * qty)
        else:
            self._set_cost(value * after, signed_qty)

    def _set_cost(self, num: int, den: int) -> None:
        common = gcd(num, den) if den > 0 else -gcd(num, den)
        num, den = div_floor(num, common), div_floor(den, common)
        if den > _DEN_MAX:
            num = div_half_even(num << _DEN_BITS, den)
            common = gcd(num, 1 << _DEN_BITS)
            num, den = div_floor(num, common), div_floor(1 << _DEN_BITS, common)
        self.cost_num = num
        self.cost_den = den

    @property
    def cost(self) -> Fraction:
        """Value of the open part when it was opened; negative for a short of a linear instrument."""
        return Fraction(self.cost_num, self.cost_den)

    @property
    def realised(self) -> Fraction:
        """Profit of what was closed, before fees."""
        return self.cash + self.cost

    def realised_amt(self) -> int:
        """`realised` rounded half-even to 10^-amt_digits."""
        return round_half_even(self.realised)

    def unrealised(self, value_at_mark: int) -> Fraction:
        """Profit of what is open; `value_at_mark` is `Instrument.value(mark_px, qty)`."""
        return value_at_mark - self.cost

    def total(self, value_at_mark: int) -> int:
        """Realised and unrealised profit together, before fees: exact."""
        return self.cash + value_at_mark
