"""Decides what can be set about a simulated venue.

Invariants: integers only; the defaults are a venue without latency, fees, slippage or limits on size.
"""

from __future__ import annotations

from enum import IntEnum

import msgspec

FEE_DIGITS = 9
PPM = 1_000_000


class Size(IntEnum):
    """How much may be filled at once: INFINITE fills an order whole, DISPLAYED at most what a print, quote or bar shows."""

    INFINITE = 0
    DISPLAYED = 1


class Resting(IntEnum):
    """When a print fills a resting limit order: THROUGH only beyond the limit (whoever queued before us was served), TOUCH also at it."""

    THROUGH = 0
    TOUCH = 1


class Slippage(IntEnum):
    """How many ticks a taker fill is worse than its data: NONE, always `slippage_ticks` (FIXED), or 0 to that many by seeded chance (RANDOM)."""

    NONE = 0
    FIXED = 1
    RANDOM = 2


class VenueSettings(msgspec.Struct, frozen=True, gc=False):
    """One simulated venue. Times in ns; fees of the notional in parts per million (negative: a rebate).

    `out` is from us to the venue, `back` the other way; a jitter is the most that seeded chance adds. `fee_per_unit` is paid for each whole
    unit of quantity, `fee_min` is the least an order pays once it trades; both in 10^-FEE_DIGITS of the settlement currency.
    """

    latency_out_ns: int = 0
    latency_back_ns: int = 0
    jitter_out_ns: int = 0
    jitter_back_ns: int = 0
    liquidity: Size = Size.INFINITE
    resting: Resting = Resting.THROUGH
    maker_ppm: int = 0
    taker_ppm: int = 0
    fee_per_unit: int = 0
    fee_min: int = 0
    slippage: Slippage = Slippage.NONE
    slippage_ticks: int = 0
