"""May whoever wants the order send one of this kind, in this instrument?

Invariants: a strategy trades only what it lists; a person may trade every instrument, and is bound by the limits of the member `operator`.
"""

from __future__ import annotations

from typing import Final

from domain.limits import OFF, Check
from domain.risk.bound import Bound, answer
from domain.risk.exposure import reach
from domain.risk.proposal import Proposal
from domain.risk.rule import Param, Rule
from domain.terms import Scope, Side

_BUY: Final = Side.BUY


def check_listed(p: Proposal, limit: Bound) -> Check:
    """The strategy lists the instrument (1). Source: SEC 15c3-5(c)(2)(iii); RTS 6 Art. 15(5)."""
    listed = p.strategy < 0 or p.instrument in p.account.listed[p.strategy]
    return answer(limit, listed, int(listed), 1)


def check_order_types(p: Proposal, limit: Bound) -> Check:
    """The order's type (2^OrderType) is among order_types. Source: SEC 15c3-5(c)(2)(iii); RTS 6 Art. 15(5)."""
    kind = 1 << p.order_type
    return answer(limit, bool(kind & limit.most), kind, limit.most)


def check_deny_short(p: Proposal, limit: Bound) -> Check:
    """What the strategy could be short at worst with a sell, its working and UNKNOWN orders filled, is 0; so too what persons could be short.

    Of the exits of one group only one counts (`Proposal.own_shared_qty`). Source: SEC 15c3-5(c)(2)(iii); RTS 6 Art. 15(5).
    """
    if not limit.most or p.side is _BUY:
        return answer(limit, True, 0, OFF)
    short_qty = max(0, reach(p, p.strategy, p.instrument)[1] + p.qty - p.own_shared_qty)
    return answer(limit, not short_qty, short_qty, 0)


LISTED: Rule = Rule("R-18a", "NOT_PERMITTED", "flag", check_listed)
ORDER_TYPES: Rule = Rule(
    "R-18", "NOT_PERMITTED", "types", check_order_types, (Param("order_types", "types", "types of orders that may be sent"),),
    (Scope.STRATEGY, Scope.ACCOUNT, Scope.VENUE, Scope.CLASS, Scope.INSTRUMENT),
)  # fmt: skip
DENY_SHORT: Rule = Rule(
    "R-18b", "NOT_PERMITTED", "qty", check_deny_short, (Param("deny_short", "flag", "whether selling what one does not hold is forbidden"),),
    (Scope.STRATEGY, Scope.ACCOUNT, Scope.VENUE, Scope.CLASS, Scope.INSTRUMENT),
)  # fmt: skip
