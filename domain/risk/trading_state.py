"""May the account trade at all?"""

from __future__ import annotations

from typing import Final

from domain.risk.answer import answer
from domain.risk.check import Check, Rule
from domain.risk.limits import Limits
from domain.risk.proposal import Proposal
from domain.terms import TradingState

_KILL_OFF: Final = Check("K-01", True, 0, 0)
_KILLED: Final = TradingState.KILLED
_ACTIVE: Final = Check("K-02", True, 0, 0)


def check_not_killed(p: Proposal, limits: Limits) -> Check:
    """The kill switch (state 3) is not engaged. Source: RTS 6 Art. 12; features D K-01."""
    return answer("K-01", False, TradingState.KILLED, 0) if p.state is _KILLED else _KILL_OFF


def check_trading_state(p: Proposal, limits: Limits) -> Check:
    """Active (0), or reduce-only (1) and the order reduces; observed is the state. Source: FIA order controls; features D K-02."""
    state = p.state
    if not state:
        return _ACTIVE
    return answer("K-02", state == TradingState.REDUCE_ONLY and p.qty <= p.reducible_qty, state, 0)


KILLED: Rule = Rule("K-01", "KILLED", "state", check_not_killed)
STATE: Rule = Rule("K-02", "HALTED", "state", check_trading_state)
