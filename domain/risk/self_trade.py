"""Could the order trade with one of our own?

An order counts at the worst price it may have: its own or the one a replacement asks for; a market, stop or trailing order may trade with
anything. Mode 1 denies the new order (cancel newest), mode 2 denies it and asks the venue to cancel those it could trade with (cancel both), so
that it can be sent again. Letting the new order in while the old one is being canceled (cancel oldest) and reducing both by the smaller
quantity (decrement) are not offered: until the venue has answered, the old order may still trade in full.

Invariants: in every instrument the highest own buy price stays below the lowest own sell price, across strategies and persons.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from domain.events import OrderReplaceRequested
from domain.limits import OFF, Check
from domain.risk.bound import Bound, answer
from domain.risk.proposal import Proposal
from domain.risk.rule import Param, Rule
from domain.terms import Scope, Side

if TYPE_CHECKING:
    from domain.order import Order

_BUY: Final = Side.BUY
DENY = 1
DENY_AND_CANCEL = 2


def worst_px(order: Order, *, sell: bool) -> int:
    """The lowest price at which a sell may trade (the highest of a buy), whichever of its present and requested terms is in force; 0: any."""
    px = order.limit_px
    if order.replace_requested:
        for request in order.requests.values():
            if isinstance(request, OrderReplaceRequested):
                asked = request.limit_px
                px = min(px, asked) if sell or not px or not asked else max(px, asked)
    return px


def check_self_trade(p: Proposal, limit: Bound) -> Check:
    """A buy's price is below that of every own sell that works, UNKNOWN ones included, and a sell's above that of every own buy.

    Observed is the order's price, 0 for one that may trade with anything; limit is the nearest own price of the other side, 0 for any and -1
    where nothing works there; seen is that order's request. Source: RTS 24 self-execution prevention; FIA self-match prevention.
    """
    own = p.limit_px
    buying = p.side is _BUY
    if not (p.sell_leaves if buying else p.buy_leaves):
        return answer(limit, True, own, OFF)
    nearest, seen = OFF, 0
    for order in p.account.orders.working(p.instrument):
        if order.side is p.side:
            continue
        px = worst_px(order, sell=buying)
        if nearest == OFF or (nearest and (not px or (px < nearest if buying else px > nearest))):
            nearest, seen = px, order.seq
    return answer(limit, not _crosses(own, nearest, buying=buying), own, nearest, seen)


def crossed_ids(p: Proposal, limit: Bound) -> tuple[str, ...]:
    """In mode 2, the own orders that the order could trade with, oldest first."""
    if limit.most != DENY_AND_CANCEL:
        return ()
    buying = p.side is _BUY
    return tuple(
        order.cl_ord_id
        for order in p.account.orders.working(p.instrument)
        if order.side is not p.side and _crosses(p.limit_px, worst_px(order, sell=buying), buying=buying)
    )


def _crosses(own: int, px: int, *, buying: bool) -> bool:
    """Whether an order at `own` could trade with one at `px`, where 0 is any price and -1 one that nobody found."""
    return not own or px <= 0 or (px <= own if buying else px >= own)


RULE: Rule = Rule(
    "R-16", "SELF_TRADE", "px", check_self_trade,
    (Param("self_trade", "count", "1 denies an order that could trade with one of our own, 2 also cancels those"),),
    (Scope.ACCOUNT, Scope.VENUE, Scope.CLASS, Scope.INSTRUMENT), cancels=crossed_ids,
)  # fmt: skip
