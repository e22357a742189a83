"""Decides what a fill at a simulated venue costs.

Invariants: what an order paid is the sum over its fills, each rounded half-even, but never less than the minimum once it traded.
"""

from __future__ import annotations

from adapters.venues.settings import FEE_DIGITS, PPM, VenueSettings
from domain.instrument import Instrument
from domain.money import POW10, div_ceil, div_half_even


class Fees:
    """The fee schedule of one instrument; amounts in 10^-amt_digits of its settlement currency. `free`: nothing is ever charged."""

    __slots__ = ("_maker_ppm", "_min_amt", "_per_unit", "_spec", "_taker_ppm", "_unit", "free")

    def __init__(self, spec: Instrument, settings: VenueSettings) -> None:
        self._spec = spec
        self._maker_ppm = settings.maker_ppm
        self._taker_ppm = settings.taker_ppm
        self._per_unit = settings.fee_per_unit * POW10[spec.amt_digits]
        self._unit = POW10[FEE_DIGITS + spec.qty_digits]
        self._min_amt = div_ceil(settings.fee_min * POW10[spec.amt_digits], POW10[FEE_DIGITS])
        self.free = not (settings.maker_ppm or settings.taker_ppm or settings.fee_per_unit or settings.fee_min)

    def of_fill(self, px: int, qty: int, taker: bool) -> int:
        """The fee of one fill by rate and by unit, half-even; negative for a rebate. The minimum is not in it."""
        ppm = self._taker_ppm if taker else self._maker_ppm
        fee = div_half_even(self._spec.notional(px, qty) * ppm, PPM) if ppm else 0
        return fee + div_half_even(self._per_unit * qty, self._unit) if self._per_unit else fee

    def owed(self, fees: int) -> int:
        """What an order whose fills cost `fees` has to pay in all. Source: minimum per order, as in Interactive Brokers' fixed pricing."""
        return max(fees, self._min_amt) if self._min_amt else fees
