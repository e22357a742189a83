"""The numbers that bind one instrument. `OFF` switches a limit off; the units are those of the instrument."""

from __future__ import annotations

import msgspec

OFF = -1


class Limits(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Risk limits of one instrument; each is `OFF` or a number ≥ 0.

    max_order_qty: 10^-qty_digits. max_order_amt: 10^-amt_digits. collar_bps: distance from the reference price, 1/10,000.
    max_long_qty, max_short_qty: worst-case position each way, 10^-qty_digits, unsigned. max_age_ns: age of the reference price.
    Source: RTS 6 Art. 15(1); SEC 15c3-5(c)(1).
    """

    version: int = 1
    max_order_qty: int = OFF
    max_order_amt: int = OFF
    collar_bps: int = OFF
    max_long_qty: int = OFF
    max_short_qty: int = OFF
    max_age_ns: int = OFF
