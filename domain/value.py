"""What a contract is worth: the one formula behind `Instrument.value`, in a room of its own so that it can be compiled.

Invariants: a linear value is exact; an inverse one is rounded half-even once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from domain.money import div_half_even

if TYPE_CHECKING:
    from domain.instrument import Instrument


class Contract:
    """What the order path reads of an instrument, under the names that `Instrument` has: a compiled attribute costs a load, a record's a search."""

    __slots__ = (
        "amt_digits", "asset_class", "factor", "inverse", "lot_qty", "min_notional_amt", "settle", "tick_px", "tradable", "venue",
    )  # fmt: skip

    def __init__(self, spec: Instrument) -> None:
        self.amt_digits = spec.amt_digits
        self.asset_class = spec.asset_class
        self.factor = spec.factor
        self.inverse = spec.inverse
        self.lot_qty = spec.lot_qty
        self.min_notional_amt = spec.min_notional_amt
        self.settle = spec.settle
        self.tick_px = spec.tick_px
        self.tradable = spec.tradable
        self.venue = spec.venue

    def value(self, px: int, qty: int) -> int:
        """Signed value of `qty` at `px` in 10^-amt_digits of the settlement currency; see `Instrument.value`."""
        return _value(self.factor, px, qty, inverse=self.inverse)

    def notional(self, px: int, qty: int) -> int:
        """Unsigned value of `qty` at `px`."""
        value = self.value(px, qty)
        return value if value >= 0 else -value

    def same_money(self, other: Contract) -> bool:
        """Amounts of both can be added."""
        return self.settle == other.settle and self.amt_digits == other.amt_digits


def value_of(spec: Instrument, px: int, qty: int) -> int:
    """`Contract.value` of an instrument as it is recorded."""
    return _value(spec.factor, px, qty, inverse=spec.inverse)


def notional_of(spec: Instrument, px: int, qty: int) -> int:
    """Unsigned value of `qty` at `px`."""
    value = value_of(spec, px, qty)
    return value if value >= 0 else -value


def _value(factor: int, px: int, qty: int, *, inverse: bool) -> int:
    if inverse:
        return -div_half_even(qty * factor, px)
    # Compiled code multiplies small numbers at once, and asks Python where one is large or negative: most factors are 1.
    amt = px * qty if qty >= 0 else -(px * -qty)
    return amt if factor == 1 else amt * factor
