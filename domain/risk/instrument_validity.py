"""Does the order conform to the instrument's specification: status, expiry, price grid, lot and minimum notional?

Invariants: numbers that make no order (no side, no quantity, a negative price, a price too few) conform to none.
"""

from __future__ import annotations

from typing import Final

from domain.limits import Check
from domain.risk.bound import Bound, answer
from domain.risk.proposal import Proposal
from domain.risk.rule import Param, Rule
from domain.terms import OrderType, Scope, Side

_NO_SIDE: Final = Side.NONE
_LIMITED: Final = (OrderType.LIMIT, OrderType.STOP_LIMIT)
_STOPPED: Final = (OrderType.STOP, OrderType.STOP_LIMIT)


def check_tradable(p: Proposal, limit: Bound) -> Check:
    """The instrument may be traded (1) at all, and the order has a side. Source: venue rule; features D R-19."""
    fit = p.contract.tradable and p.side is not _NO_SIDE
    return answer(limit, fit, int(fit), 1)


def check_expires(p: Proposal, limit: Bound) -> Check:
    """Now is before the instrument expires. Source: venue rule; features D R-19."""
    return answer(limit, p.now_ns < limit.most, p.now_ns, limit.most)


def check_tick(p: Proposal, limit: Bound) -> Check:
    """Every price of the order is positive and a multiple of the tick, and a limit order has a limit, a stop order a stop price.

    Observed is the first offending price, else the order's. Source: venue rule; FIX 40.
    """
    tick = p.contract.tick_px
    kind = p.order_type
    if (not p.limit_px and kind in _LIMITED) or (not p.stop_px and kind in _STOPPED):
        return answer(limit, False, 0, tick)
    for px in (p.limit_px, p.stop_px):
        if px < 0 or px % tick:
            return answer(limit, False, px, tick)
    return answer(limit, True, p.limit_px or p.stop_px, tick)


def check_lot(p: Proposal, limit: Bound) -> Check:
    """The quantity is positive and a multiple of the lot. Source: venue rule; features D R-19."""
    qty = p.qty
    lot = p.contract.lot_qty
    return answer(limit, qty > 0 and not qty % lot, qty, lot)


def check_min_notional(p: Proposal, limit: Bound) -> Check:
    """The order's value reaches the minimum, at its own price or the reference. Source: venue rule (Binance MIN_NOTIONAL)."""
    least = p.contract.min_notional_amt
    px = p.limit_px or p.stop_px or p.ref_px
    amt = p.contract.notional(px, p.qty) if px > 0 else 0
    return answer(limit, amt >= least, amt, least, p.ref_seq)


TRADABLE: Rule = Rule("R-19a", "NOT_TRADABLE", "flag", check_tradable)
EXPIRES: Rule = Rule(
    "R-19e", "NOT_TRADABLE", "time", check_expires, (Param("expires", "time", "when the instrument stops trading for good"),),
    (Scope.INSTRUMENT, Scope.CLASS, Scope.VENUE),
)  # fmt: skip
TICK: Rule = Rule("R-19b", "INVALID_TICK", "px", check_tick)
LOT: Rule = Rule("R-19c", "INVALID_LOT", "qty", check_lot)
MIN_NOTIONAL: Rule = Rule("R-19d", "MIN_NOTIONAL", "amt", check_min_notional)
