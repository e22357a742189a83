"""One order as the prover counts it: every report kept as it came, every number summed up anew when it is asked for.

Invariants: nothing here is shared with the engine's own orders; a number that both have is reached in two ways.
"""

from __future__ import annotations

from domain.events import OrderReplaceRequested, OrderSubmitted
from domain.terms import Side, TimeInForce

LONGER_LIVED = (TimeInForce.GTC, TimeInForce.GTD)


class Known:
    """An order of the session. `sign` is +1 for a buy; quantities in 10^-qty_digits, prices in 10^-price_digits. `group`
    and `role` within it: 0 and empty for an order that stands alone. `protects`: the stop or
    the target of a bracket."""

    __slots__ = (
        "accepted", "answered", "approval", "asked", "cancel_ids", "cl_ord_id", "ended", "fills", "group", "ids", "instrument", "limit_px", "ns", "order_type", "protects", "qty",
        "reduce_only", "reported", "rests", "revived", "role", "sent", "seq", "sign", "stop_px", "strategy", "time_in_force", "unknown", "void", "worst",
    )  # fmt: skip

    def __init__(self, sent: OrderSubmitted, seq: int) -> None:
        self.sent = sent
        self.seq = seq
        self.ns = sent.ns
        self.approval = sent.cause
        self.cl_ord_id = sent.cl_ord_id
        self.strategy = sent.strategy
        self.instrument = sent.instrument
        self.sign = 1 if sent.side is Side.BUY else -1
        self.qty = sent.order_qty
        self.order_type = sent.order_type
        self.limit_px = sent.limit_px
        self.stop_px = sent.stop_px
        self.time_in_force = sent.time_in_force
        self.reduce_only = sent.reduce_only
        self.ids = [sent.cl_ord_id]
        self.asked: dict[str, OrderReplaceRequested] = {}
        self.cancel_ids: set[str] = set()
        self.fills: dict[str, tuple[int, int]] = {}
        self.reported: set[str] = set()
        self.void: set[str] = set()
        self.ended = ""
        self.rests = False
        self.revived = False
        self.unknown = False
        self.accepted = False
        self.answered = False
        self.worst = sent.order_qty
        self.group = 0
        self.protects = False
        self.role = ""

    @property
    def filled(self) -> int:
        """The sum of the fills that stand."""
        return sum(qty for qty, _ in self.fills.values())

    @property
    def dead(self) -> bool:
        """The venue's word proves that it can trade no more; a fill refutes a reject."""
        over = not self.fills if self.ended == "rejected" else bool(self.ended)
        return over or (self.rests and self.time_in_force not in LONGER_LIVED)

    def recount(self) -> int:
        """The most that may still trade: the largest quantity that it has or was asked to have, less what traded."""
        before = self.worst
        self.worst = 0 if self.dead else max(0, max([self.qty, *(r.order_qty for r in self.asked.values())]) - self.filled)
        self.revived = self.revived or (not before and self.worst > 0)
        return self.worst

    @property
    def prices(self) -> list[int]:
        """Every price at which it may rest: its own and those of replacements that have no answer."""
        own = [self.limit_px or self.stop_px]
        return own + [r.limit_px or r.stop_px for r in self.asked.values()]
