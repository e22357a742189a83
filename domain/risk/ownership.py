"""Does somebody else trade the instrument already?

Several strategies in one instrument net: each has its own position, the account the sum. Where an instrument is to have one owner at a time,
`exclusive` makes it so: whoever holds or works something in it owns it, and nobody else gets an order through until that is gone.

Invariants: of strategies and persons, one at most holds or works anything in an exclusive instrument, but for who had something in it before
it became exclusive; whoever has a position may always make it smaller.
"""

from __future__ import annotations

from typing import Final

from domain.limits import Check
from domain.risk.bound import Bound, answer
from domain.risk.exposure import held_qty, open_qty
from domain.risk.proposal import Proposal
from domain.risk.rule import Param, Rule
from domain.terms import Scope, Side

_PERSONS = -1
_BUY: Final = Side.BUY


def check_ownership(p: Proposal, limit: Bound) -> Check:
    """Strategies (persons are one more) besides the order's own that hold or work something in the instrument: 0, or the order only reduces.

    A person's order reduces where it can only make the account's position smaller, a strategy's where it can only make its own smaller.
    Source: features A S4-48; RTS 6 Art. 15(5).
    """
    if limit.most <= 0:
        return answer(limit, True, 0, limit.most)
    i = p.instrument
    account = p.account
    orders = account.orders
    others = 0
    for owner in range(_PERSONS, len(account.owned)):
        if owner != p.strategy and (orders.own_buys[owner][i] or orders.own_sells[owner][i] or held_qty(account, owner, i)):
            others += 1
    return answer(limit, not others or _reduces(p), others, 0)


def _reduces(p: Proposal) -> bool:
    if p.strategy == _PERSONS:
        return p.reduces
    buys, sells = open_qty(p, p.strategy, p.instrument)
    held = held_qty(p.account, p.strategy, p.instrument)
    free = -held - buys if p.side == _BUY else held - sells
    return 0 < p.qty <= free + p.own_shared_qty


RULE: Rule = Rule(
    "R-18c", "NOT_PERMITTED", "count", check_ownership, (Param("exclusive", "flag", "whether an instrument has one owner at a time"),),
    (Scope.ACCOUNT, Scope.INSTRUMENT, Scope.CLASS, Scope.VENUE),
)  # fmt: skip
