"""What a risk rule is handed and what it answers.

Invariants: a rule is a pure function of a proposal and its limits; a missing input fails the rule; every rule answers, none short-circuits.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from domain.instrument import Instrument
from domain.risk.limits import Limits
from domain.terms import Side, TradingState

MOST = 2**63 - 1


def shown(n: int) -> int:
    """A compared number as the log can hold it: what needs more than 64 bits is recorded as the largest (the comparison itself is exact)."""
    return n if -MOST <= n <= MOST else MOST if n > 0 else -MOST


class Check(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One rule's answer: what was compared with what, in the rule's unit. `seen` is the seq of the market event looked at, or 0.

    A limit of -1 means that the limit is off.
    """

    rule: str
    passed: bool
    observed: int
    limit: int
    seen: int = 0


class Proposal:
    """An order before the gates, with everything a rule may look at. One object is reused for every order.

    side, qty, limit_px, stop_px, reduce_only: the order's terms. spec: its instrument. position_qty: signed, filled.
    buy_leaves, sell_leaves: what our working and UNKNOWN orders may still trade, unsigned, without the order being replaced.
    ref_px, ref_ns, ref_seq: the last trade (or the quote's near side), its receive time and seq; 0 where there is none.
    feed_lost: the instrument's feed is known to be down. state: the account's trading state. now_ns: time of the current input.
    """

    __slots__ = (
        "buy_leaves", "feed_lost", "limit_px", "now_ns", "position_qty", "qty", "reduce_only", "ref_ns", "ref_px", "ref_seq",
        "sell_leaves", "side", "spec", "state", "stop_px",
    )  # fmt: skip

    spec: Instrument
    side: Side
    qty: int
    limit_px: int
    stop_px: int
    reduce_only: bool
    now_ns: int
    position_qty: int
    buy_leaves: int
    sell_leaves: int
    ref_px: int
    ref_ns: int
    ref_seq: int
    feed_lost: bool
    state: TradingState

    @property
    def price_px(self) -> int:
        """The price the order names (limit, else stop), or 0 for a market order."""
        return self.limit_px or self.stop_px

    @property
    def reducible_qty(self) -> int:
        """How much the order may trade without making the position larger or turning it: worst case, never below 0."""
        if self.side > 0:
            return max(0, -self.position_qty - self.buy_leaves)
        return max(0, self.position_qty - self.sell_leaves)


class Rule(msgspec.Struct, frozen=True, gc=False):
    """A rule as the pipeline runs it: id (features list D), reason code, unit of its numbers for people, and the check itself."""

    id: str
    code: str
    unit: str
    check: Callable[[Proposal, Limits], Check]
