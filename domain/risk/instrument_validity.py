"""Does the order conform to the instrument's specification: status, price grid, lot and minimum notional?"""

from __future__ import annotations

from typing import Final

from domain.risk.answer import answer
from domain.risk.check import Check, Rule
from domain.risk.limits import Limits
from domain.risk.proposal import Proposal
from domain.value import notional_of

_TRADABLE: Final = Check("R-19a", True, 1, 1)


def check_tradable(p: Proposal, limits: Limits) -> Check:
    """The instrument may be traded (1) at all. Source: venue rule; features D R-19."""
    return _TRADABLE if p.spec.tradable else answer("R-19a", False, 0, 1)


def check_tick(p: Proposal, limits: Limits) -> Check:
    """Every price of the order is positive and a multiple of the tick; observed is the first offending price, else the order's. Source: venue rule."""
    tick = p.spec.tick_px
    for px in (p.limit_px, p.stop_px):
        if px and (px < 0 or px % tick):
            return answer("R-19b", False, px, tick)
    return answer("R-19b", True, p.limit_px or p.stop_px, tick)


def check_lot(p: Proposal, limits: Limits) -> Check:
    """The quantity is positive and a multiple of the lot. Source: venue rule; features D R-19."""
    qty = p.qty
    lot = p.spec.lot_qty
    return answer("R-19c", qty > 0 and not qty % lot, qty, lot)


def check_min_notional(p: Proposal, limits: Limits) -> Check:
    """The order's value reaches the minimum, at its own price or the reference. Source: venue rule (Binance MIN_NOTIONAL)."""
    least = p.spec.min_notional_amt
    px = p.limit_px or p.stop_px or p.ref_px
    amt = notional_of(p.spec, px, p.qty) if px > 0 else 0
    return answer("R-19d", amt >= least, amt, least, p.ref_seq)


TRADABLE: Rule = Rule("R-19a", "NOT_TRADABLE", "flag", check_tradable)
TICK: Rule = Rule("R-19b", "INVALID_TICK", "px", check_tick)
LOT: Rule = Rule("R-19c", "INVALID_LOT", "qty", check_lot)
MIN_NOTIONAL: Rule = Rule("R-19d", "MIN_NOTIONAL", "amt", check_min_notional)
