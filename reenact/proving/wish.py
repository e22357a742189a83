"""What somebody wanted before the gates, put together from the recorded signal or command alone.

Invariants: a wish that the record does not tell whole is None, and then nothing is claimed about it.
"""

from __future__ import annotations

import json
from typing import Any

import msgspec

from domain import events as ev
from domain.terms import OrderType, Side
from reenact.proving.facts import PERSON, Facts
from reenact.proving.known import Known

REPLACES = "replaces "
"""How the adversary's signals say which order they want to replace."""
GONE = "wants it gone"
"""How the adversary's cancels say that nobody else asked for them."""
HEARD = "heard of fill "
"""How the adversary says which fill it was told of."""


class Wish(msgspec.Struct, frozen=True):
    """An order before the gates. `qty` is what may trade at worst because of it; for a replacement `old` is the order and `left` the open part
    of the new quantity, else `left` is `qty`.
    """

    cl_ord_id: str
    strategy: int
    instrument: int
    sign: int
    qty: int
    left: int
    order_type: OrderType
    limit_px: int
    stop_px: int
    reduce_only: bool
    intentional: bool = False
    locate: str = ""
    old: Known | None = None

    @property
    def px(self) -> int:
        """The price it is measured by, 0 for a market order."""
        return self.limit_px or self.stop_px


def submitted(e: ev.OrderSubmitted) -> Wish:
    """The wish behind an order that was sent."""
    return Wish(
        e.cl_ord_id, e.strategy, e.instrument, 1 if e.side is Side.BUY else -1, e.order_qty, e.order_qty, e.order_type, e.limit_px, e.stop_px,
        e.reduce_only, e.intentional, e.locate,
    )  # fmt: skip


def replacement(known: Known, cl_ord_id: str, qty: int, limit_px: int, stop_px: int) -> Wish:
    """The wish behind a replacement: until the venue answers, the old terms or the new may trade."""
    left = qty - known.filled
    return Wish(
        cl_ord_id, known.strategy, known.instrument, known.sign, max(left, known.worst) if left > 0 else left, left, known.order_type, limit_px,
        stop_px, known.reduce_only, known.sent.intentional, known.sent.locate, known,
    )  # fmt: skip


def denied(facts: Facts, e: ev.OrderDenied) -> Wish | None:
    """The wish behind a denial, None where its cause does not tell it."""
    cause: Any = facts.events.get(e.cause)
    sized = None
    if isinstance(cause, ev.OrderSized):
        sized, cause = cause, facts.events.get(cause.cause)
    if isinstance(cause, ev.SignalRaised):
        return _signalled(facts, e.cl_ord_id, cause, cause.qty if sized is None else sized.qty)
    if isinstance(cause, ev.OperatorCommandReceived) and cause.command == "order":
        return _commanded(facts, e.cl_ord_id, cause)
    return None


def _signalled(facts: Facts, cl_ord_id: str, s: ev.SignalRaised, qty: int) -> Wish | None:
    if s.reason.startswith(REPLACES):
        known = facts.by_id.get(s.reason.removeprefix(REPLACES))
        return None if known is None else replacement(known, cl_ord_id, s.qty, s.limit_px, s.stop_px)
    if not s.reason.startswith("wants"):
        return None
    return Wish(
        cl_ord_id, s.strategy, s.instrument, 1 if s.side is Side.BUY else -1, qty, qty, s.order_type, s.limit_px, s.stop_px, s.reduce_only,
        s.intentional, s.locate,
    )  # fmt: skip


def _commanded(facts: Facts, cl_ord_id: str, e: ev.OperatorCommandReceived) -> Wish | None:
    asked = json.loads(e.argument)
    i = next((i for i, spec in enumerate(facts.specs) if spec.symbol == asked["symbol"]), -1)
    px = asked.get("limit_px", 0)
    return Wish(
        cl_ord_id, PERSON, i, 1 if asked["side"] == "buy" else -1, asked["qty"], asked["qty"], OrderType.LIMIT if px else OrderType.MARKET, px, 0,
        asked.get("reduce_only", False), asked.get("intentional", False), asked.get("locate", ""),
    )  # fmt: skip
