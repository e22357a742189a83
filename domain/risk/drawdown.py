"""Has too much of the highest equity been lost?

Equity is the account's capital in the settlement currency and what the limit's scope has gained; its peak is taken over every tick and event
since the session's day rolled (or since the halt was lifted, or the limit began to bind). A fall of exactly the limit is still allowed; the
watch (`domain.losses.watch`) halts the scope at the very tick or event that takes it further, and this check denies what would add risk until that
halt is lifted: by the roll, or by two persons. Then the peak starts anew.

Invariants: a held instrument without a price denies whatever does not reduce, and halts nothing; what reduces the scope's position passes.
"""

from __future__ import annotations

from domain.limits import Check
from domain.risk.bound import Bound, answer
from domain.risk.exposure import reduces
from domain.risk.latch import Latch
from domain.risk.proposal import Proposal
from domain.risk.rule import Param, Rule
from domain.state import State
from domain.terms import Scope

ID = "L-02"
UNPRICED = -1


def remember(bound: Bound, state: State) -> Latch:
    """What the rule remembers."""
    return Latch(bound, state, True)


def check_drawdown(p: Proposal, limit: Bound) -> Check:
    """The fall from the peak ≤ drawdown, and ≤ drawdown_bps of the peak equity, and has been so ever since the last reset.

    Observed is the fall, limit the smaller of the two in money; -1 and a failure when something held has no price. Source: features D L-02.
    """
    memory: Latch = limit.memory
    fall = memory.look()
    top = memory.top
    if fall is None or top is None:
        return answer(limit, reduces(p, limit), UNPRICED, memory.amt, memory.pnl.seen)
    room = memory.room(top)
    common = p.contract.settle == memory.pnl.currency
    passed = (fall <= room and common and not memory.latched) or reduces(p, limit)
    return answer(limit, passed, fall, room, max(memory.pnl.seen, memory.pnl.mark_seq))


RULE: Rule = Rule(
    ID, "DRAWDOWN", "amt", check_drawdown,
    (
        Param("drawdown", "amt", "largest fall of the equity from its peak since the roll of the day"),
        Param("drawdown_bps", "bps", "largest fall as a part of the peak equity; above 10,000 it counts as 10,000"),
    ),
    (Scope.ACCOUNT, Scope.STRATEGY, Scope.INSTRUMENT, Scope.CLASS, Scope.VENUE), remember,
)  # fmt: skip
