"""Decides what an instrument's integers mean: digits, grid, contract value.

Invariants: `factor` is derived from the digits and the multiplier; a linear value is an exact integer.
"""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import msgspec

from domain.money import POW10, to_int, to_text
from domain.value import notional_of, value_of


class Instrument(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One tradable thing, as its venue specifies it. Build it with `instrument()`.

    Prices are in 10^-price_digits of `quote`, quantities in 10^-qty_digits, amounts (value, cost, fee, PnL) in
    10^-amt_digits of `settle`. `tick_px` and `lot_qty` are the grid. `multiplier` is in 10^-multiplier_digits.
    `inverse`: quoted in `quote`, settled in `settle` as quantity / price.
    Source: FIX 5.0 SecurityDefinition; Binance exchangeInfo filters.
    """

    symbol: str
    venue: str
    asset_class: str
    base: str
    quote: str
    settle: str
    inverse: bool
    price_digits: int
    qty_digits: int
    amt_digits: int
    tick_px: int
    lot_qty: int
    min_notional_amt: int
    multiplier: int
    multiplier_digits: int
    tradable: bool
    factor: int

    def value(self, px: int, qty: int) -> int:
        """Signed contract value of `qty` at `px` in 10^-amt_digits of `settle`; a gain is a rise of the held value.

        Linear: px × qty × multiplier, exact. Inverse: −qty × multiplier / px, half-even (px must not be 0).
        Source: contract specifications of linear and inverse futures.
        """
        return value_of(self, px, qty)

    def notional(self, px: int, qty: int) -> int:
        """Unsigned contract value in 10^-amt_digits of `settle`."""
        return notional_of(self, px, qty)

    def average_px(self, cost: Fraction, qty: int) -> Fraction | None:
        """The average price, in units of 10^-price_digits, at which `qty` has the value `cost`; None when flat."""
        if not qty:
            return None
        if self.inverse:
            return Fraction(-qty * self.factor) / cost if cost else None
        return cost / (qty * self.factor)

    def px_text(self, px: int) -> str:
        """A price as people read it."""
        return to_text(px, self.price_digits)

    def qty_text(self, qty: int) -> str:
        """A quantity as people read it."""
        return to_text(qty, self.qty_digits)

    def amt_text(self, amt: int) -> str:
        """An amount of `settle` as people read it."""
        return to_text(amt, self.amt_digits)


def instrument(
    symbol: str,
    *,
    quote: str = "USD",
    base: str = "",
    settle: str = "",
    venue: str = "SIM",
    asset_class: str = "equity",
    price_digits: int = 2,
    qty_digits: int = 0,
    amt_digits: int | None = None,
    tick_size: str | Decimal | None = None,
    lot_size: str | Decimal | None = None,
    min_notional: str | Decimal = "0",
    multiplier: str | Decimal = "1",
    inverse: bool = False,
    tradable: bool = True,
) -> Instrument:
    """An `Instrument` from decimals. Raises ValueError naming what does not fit.

    `amt_digits` defaults to the digits in which every linear value is exact (at least 2), or 8 for inverse contracts.
    """
    mult = Decimal(multiplier)
    mult_digits = max(0, -int(mult.as_tuple().exponent))
    exact = price_digits + qty_digits + mult_digits
    digits = amt_digits if amt_digits is not None else (8 if inverse else max(2, exact))
    if not inverse and digits < exact:
        raise ValueError(f"{symbol}: amt_digits {digits} cannot hold price × quantity × multiplier exactly; at least {exact} are needed")
    shift = digits + price_digits - qty_digits - mult_digits if inverse else digits - exact
    if shift < 0:
        raise ValueError(f"{symbol}: amt_digits {digits} is too small for an inverse contract of these digits")
    m = to_int(mult, mult_digits)
    if m <= 0:
        raise ValueError(f"{symbol}: multiplier must be positive, it is {multiplier}")
    tick = to_int(tick_size, price_digits) if tick_size is not None else 1
    lot = to_int(lot_size, qty_digits) if lot_size is not None else 1
    if tick <= 0 or lot <= 0:
        raise ValueError(f"{symbol}: tick and lot size must be positive")
    settled = settle or (base if inverse else quote)
    if not settled:
        raise ValueError(f"{symbol}: a settlement currency is needed")
    return Instrument(
        symbol=symbol, venue=venue, asset_class=asset_class, base=base, quote=quote, settle=settled, inverse=inverse,
        price_digits=price_digits, qty_digits=qty_digits, amt_digits=digits, tick_px=tick, lot_qty=lot,
        min_notional_amt=to_int(min_notional, digits), multiplier=m, multiplier_digits=mult_digits, tradable=tradable,
        factor=m * POW10[shift],
    )  # fmt: skip
