"""The numbers that bind one instrument. Zero switches a limit off; the units are those of the instrument."""

from __future__ import annotations

import msgspec


class Limits(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Risk limits of one instrument.

    max_order_qty: 10^-qty_digits. max_order_amt: 10^-amt_digits. collar_bps: distance from the reference price, 1/10,000.
    max_long_qty, max_short_qty: worst-case position each way, 10^-qty_digits, unsigned. max_age_ns: age of the reference.
    Source: RTS 6 Art. 15(1); SEC 15c3-5(c)(1).
    """

    version: int = 1
    max_order_qty: int = 0
    max_order_amt: int = 0
    collar_bps: int = 0
    max_long_qty: int = 0
    max_short_qty: int = 0
    max_age_ns: int = 0
