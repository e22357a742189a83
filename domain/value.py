"""What a contract is worth: the one formula behind `Instrument.value`, in a room of its own so that it can be compiled.

Invariants: a linear value is exact; an inverse one is rounded half-even once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from domain.money import div_half_even

if TYPE_CHECKING:
    from domain.instrument import Instrument


def value_of(spec: Instrument, px: int, qty: int) -> int:
    """Signed value of `qty` at `px` in 10^-amt_digits of the settlement currency; see `Instrument.value`."""
    factor = spec.factor
    return -div_half_even(qty * factor, px) if spec.inverse else px * qty * factor


def notional_of(spec: Instrument, px: int, qty: int) -> int:
    """Unsigned value of `qty` at `px`."""
    value = value_of(spec, px, qty)
    return value if value >= 0 else -value
