"""What a risk rule is handed: an order before the gates, with everything a rule may look at.

Invariants: filled anew for every order; a rule reads it and changes nothing.
"""

from __future__ import annotations

from domain.instrument import Instrument
from domain.terms import Side, TradingState


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
    def reducible_qty(self) -> int:
        """How much the order may trade without making the position larger or turning it: worst case, never below 0."""
        if self.side > 0:
            return max(0, -self.position_qty - self.buy_leaves)
        return max(0, self.position_qty - self.sell_leaves)
