"""May the order's scopes trade at all?"""

from __future__ import annotations

from typing import Final

from domain.limits import Check
from domain.risk.bound import Bound, answer
from domain.risk.exposure import own_reduces
from domain.risk.proposal import Proposal
from domain.risk.rule import Rule
from domain.terms import TradingState

_KILLED: Final = TradingState.KILLED
_REDUCE_ONLY: Final = TradingState.REDUCE_ONLY


def check_not_killed(p: Proposal, limit: Bound) -> Check:
    """The kill switch (state 3) is not engaged for any scope of the order. Source: RTS 6 Art. 12; features D K-01."""
    killed = p.state is _KILLED
    return answer(limit, not killed, _KILLED if killed else 0, 0)


def check_trading_state(p: Proposal, limit: Bound) -> Check:
    """Active (0), or reduce-only (1) and the order reduces; observed is the strictest state of its scopes.

    Where the strategy itself is reduce-only, its own position counts; where the account, venue, class or instrument is, the account's.
    Source: FIA order controls; features D K-02.
    """
    state = p.state
    if not state:
        return answer(limit, True, 0, 0)
    reduces = (not p.shared_state or p.reduces) and (not p.own_state or own_reduces(p, p.strategy))
    return answer(limit, state is _REDUCE_ONLY and reduces, state, 0)


KILLED: Rule = Rule("K-01", "KILLED", "state", check_not_killed)
STATE: Rule = Rule("K-02", "HALTED", "state", check_trading_state)
