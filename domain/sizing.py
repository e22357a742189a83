"""Decides how many units a strategy's order has, from what the account is worth and what the strategy's policy lets it risk.

The quantity that a strategy asks for is a hint: honoured where the policy allows it, scaled down to what it allows, or refused, with the
reason; 0 asks for as much as it allows. What only reduces the strategy's own position is never touched. Gates come after: sizing is how a
strategy bets, a limit is what binds it. A replacement is not sized.

Invariants: integers compared exactly, by cross-multiplication; rounded down to whole lots and never up; without equity or a price
nothing that rests on them is allowed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from domain.events import OrderSized, Sizing
from domain.instrument import Instrument
from domain.money import div_ceil, div_floor
from domain.risk.bound import shown
from domain.risk.exposure import equity
from domain.terms import Side

if TYPE_CHECKING:
    from domain.risk.proposal import Proposal

HONOURED = "honoured"
SCALED = "scaled"
REFUSED = "refused"
_WHOLE = 10_000
_FAR = 2**62 - 1


class Sized(NamedTuple):
    """The answer: `qty` (0 when refused), the verdict and why; the numbers are those of `OrderSized`."""

    qty: int
    verdict: str
    reason: str
    px: int
    equity_amt: int
    risk_amt: int
    margin_amt: int


def size_order(policy: Sizing, p: Proposal, cause: int, asked: int, protect_px: int) -> OrderSized | None:
    """What is recorded of the quantity of a proposed order; None where it only reduces the strategy's own position, which no policy touches.

    `cause`: seq of the signal. `protect_px`: where its loss is to be stopped, 0 unknown.
    """
    state = p.account
    leaves = state.orders.leaves_of(p.strategy, p.instrument)[0 if p.side > 0 else 1] - p.own_shared_qty
    held = p.side * state.owned[p.strategy][p.instrument] + leaves
    if p.reduce_only or 0 < asked <= -held:
        return None
    s = size(policy, p.spec, p.side, asked, p.limit_px or p.stop_px or p.ref_px, protect_px, equity(p), held)
    return OrderSized(
        p.now_ns, cause, p.cl_ord_id, p.strategy, p.instrument, asked, s.qty, s.verdict, s.reason, s.px, shown(protect_px), shown(s.equity_amt),
        shown(s.risk_amt), shown(s.margin_amt),
    )  # fmt: skip


def size(policy: Sizing, spec: Instrument, side: Side, asked: int, px: int, protect_px: int, equity_amt: int | None, held: int) -> Sized:
    """The quantity that a policy allows. Source: features A S4-34; fixed-fractional sizing.

    asked: the hint, 0 as much as is allowed. px: the order's own price or the reference, 0 unknown. equity_amt: in 10^-amt_digits of the
    settlement currency, None where a position has no price. held: what the strategy has and works on this side already, negative where it
    has the opposite. Leverage and margin bound the whole position, the risk bounds what this order opens, max_qty bounds the order.
    """
    money = policy.risk_bps or policy.leverage or policy.margin_bps
    why = "a quantity is not negative" if asked < 0 else ""
    if money and not why:
        why = _unknown(policy, side, px, protect_px, equity_amt)
    if why:
        return Sized(0, REFUSED, why, max(px, 0), equity_amt or 0, 0, 0)
    worth = equity_amt or 0
    found = _bounds(policy, spec, px, protect_px, worth, held)
    if not found:
        verdict, qty, why = (HONOURED, asked, "the policy sets no bound") if asked else (REFUSED, 0, "the policy sets no bound to size by")
    else:
        most, word = min(*found, (_FAR, "what an order can hold"))
        lots = div_floor(most, spec.lot_qty) * spec.lot_qty
        if 0 < asked <= most:
            verdict, qty, why = HONOURED, asked, f"{word} allows {most}"
        elif asked and policy.on_excess == "refuse":
            verdict, qty, why = REFUSED, 0, f"{word} allows {max(most, 0)}"
        elif lots <= 0:
            verdict, qty, why = REFUSED, 0, f"{word} allows {max(most, 0)}, less than one lot"
        else:
            verdict, qty, why = SCALED, lots, f"{word} allows {most}"
    looked = qty or asked
    risk = _loss(spec, px, protect_px, max(0, looked + min(held, 0))) if protect_px > 0 and px > 0 else 0
    margin = _margin(policy, spec, px, max(0, held + looked)) if px > 0 else 0
    return Sized(qty, verdict, why, px, worth, risk, margin)


def _unknown(policy: Sizing, side: Side, px: int, protect_px: int, equity_amt: int | None) -> str:
    """What is missing for a bound in money, in words; "" when nothing is."""
    if equity_amt is None:
        return "the equity is unknown: a position has no price"
    if equity_amt <= 0:
        return "there is no equity"
    if px <= 0:
        return "there is no price"
    if policy.risk_bps and protect_px <= 0:
        return "there is no stop, so the risk is unknown"
    if policy.risk_bps and side * (px - protect_px) <= 0:
        return "the stop is not on the losing side of the price"
    return ""


def _bounds(policy: Sizing, spec: Instrument, px: int, protect_px: int, worth: int, held: int) -> list[tuple[int, str]]:
    """The most that each bound allows this order, with its name."""
    found: list[tuple[int, str]] = []
    if policy.max_qty:
        found.append((policy.max_qty, "max_qty"))
    if policy.risk_bps:
        away = abs(px - protect_px)
        n, d = (worth * policy.risk_bps * px * protect_px, _WHOLE * away) if spec.inverse else (worth * policy.risk_bps, _WHOLE * away)
        found.append((div_floor(n, d * spec.factor) - min(held, 0), "risk_bps"))
    for parts, whole, word in ((policy.leverage, 100, "leverage"), (_WHOLE if policy.margin_bps else 0, policy.margin_bps, "margin_bps")):
        if parts:
            n, d = (worth * parts * px, whole) if spec.inverse else (worth * parts, whole * px)
            found.append((div_floor(n, d * spec.factor) - held, word))
    return found


def _loss(spec: Instrument, px: int, protect_px: int, qty: int) -> int:
    """What `qty` loses between two prices, rounded up."""
    away = abs(px - protect_px) * qty * spec.factor
    return div_ceil(away, px * protect_px) if spec.inverse else away


def _margin(policy: Sizing, spec: Instrument, px: int, qty: int) -> int:
    """The initial margin of `qty`, rounded up."""
    n = qty * spec.factor * policy.margin_bps
    return div_ceil(n, px * _WHOLE) if spec.inverse else div_ceil(n * px, _WHOLE)
