"""Has the day lost too much?

The loss is that of the limit's scope since the session's day rolled (or since its halt was lifted, or the limit began to bind): fills at their
prices, what is held at the last price, fees in the settlement currency, funding. A loss of exactly the limit is still allowed; the watch
(`domain.losses.watch`) halts the scope at the very tick or event that takes it further, and this check denies what would add risk until that halt is
lifted: by the roll, or by two persons.

Invariants: a held instrument without a price denies whatever does not reduce, and halts nothing; what reduces the scope's position passes.
"""

from __future__ import annotations

from domain.limits import OFF, Check
from domain.money import div_ceil
from domain.risk.bound import Bound, answer
from domain.risk.exposure import reduces
from domain.risk.latch import Latch
from domain.risk.proposal import Proposal
from domain.risk.rule import Param, Rule
from domain.state import State
from domain.terms import Scope

ID = "L-01"
UNPRICED = -1


def remember(bound: Bound, state: State) -> Latch:
    """What the rule remembers."""
    return Latch(bound, state, False)


def worst(memory: Latch) -> tuple[bool, int, int]:
    """Whether the loss is within both limits, and the number of the one that is beyond (else of the marked one) with its limit.

    A realised loss is recorded rounded up; it is compared exactly.
    """
    within = not memory.realised_beyond()
    if memory.amt != OFF:
        loss = memory.look()
        if loss is None:
            return False, UNPRICED, memory.amt
        if within or loss > memory.amt:
            return loss <= memory.amt, loss, memory.amt
    num, den = memory.realised_loss()
    return within, div_ceil(num, den), memory.realised_most


def check_daily_loss(p: Proposal, limit: Bound) -> Check:
    """The scope has not lost more than daily_loss since the roll, and not more than daily_realised_loss by closing, and has not done so before.

    Observed is the loss, negative when it is a gain, -1 with a failure when something held has no price. Source: FIA loss limits; features D L-01.
    """
    memory: Latch = limit.memory
    within, observed, most = worst(memory)
    common = p.contract.settle == memory.pnl.currency
    passed = (within and common and not memory.latched) or reduces(p, limit)
    seen = memory.pnl.seen if memory.amt == OFF else max(memory.pnl.seen, memory.pnl.mark_seq)
    return answer(limit, passed, observed, most, seen)


RULE: Rule = Rule(
    ID, "DAILY_LOSS", "amt", check_daily_loss,
    (
        Param("daily_loss", "amt", "largest loss since the roll of the day, of what is closed and what is held"),
        Param("daily_realised_loss", "amt", "largest loss since the roll of the day, of what is closed, after fees"),
    ),
    (Scope.ACCOUNT, Scope.STRATEGY, Scope.INSTRUMENT, Scope.CLASS, Scope.VENUE), remember,
)  # fmt: skip
