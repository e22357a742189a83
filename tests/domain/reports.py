"""Short ways to say order events, and a venue that knows the truth about one order and reports it."""

from __future__ import annotations

from domain.events import (
    FillBusted,
    FillCorrected,
    OrderAccepted,
    OrderCanceled,
    OrderCancelRejected,
    OrderCancelRequested,
    OrderExpired,
    OrderFilled,
    OrderPended,
    OrderRejected,
    OrderReplaced,
    OrderReplaceRequested,
    OrderRestated,
    OrderSubmitted,
    OrderTriggered,
    OrderUnknown,
)
from domain.order import OrderEvent
from domain.terms import Liquidity, OrderType, OrdStatus, Side, TimeInForce


def submit(
    cl: str = "X", qty: int = 100, side: Side = Side.BUY, tif: TimeInForce = TimeInForce.DAY, instrument: int = 0, strategy: int = 0
) -> OrderSubmitted:
    return OrderSubmitted(0, 0, cl, strategy, instrument, side, qty, OrderType.LIMIT, 50, 0, 0, tif, 0, False, False)


def pend(status: OrdStatus, cl: str, orig: str = "") -> OrderPended:
    return OrderPended(0, 0, cl, 0, orig, status)


def accept(cl: str = "X") -> OrderAccepted:
    return OrderAccepted(0, 0, cl, 0, "venue-1")


def reject(cl: str = "X") -> OrderRejected:
    return OrderRejected(0, 0, cl, 0, "")


def trigger(limit_px: int, cl: str = "X") -> OrderTriggered:
    return OrderTriggered(0, 0, cl, 0, limit_px)


def fill(exec_id: str, qty: int, px: int = 50, cl: str = "X") -> OrderFilled:
    return OrderFilled(0, 0, cl, 0, exec_id, px, qty, Liquidity.TAKER, 0, "USD", 2)


def ask_cancel(cl: str = "Y", orig: str = "X") -> OrderCancelRequested:
    return OrderCancelRequested(0, 0, cl, orig, "")


def cancel(cl: str = "X", orig: str = "") -> OrderCanceled:
    return OrderCanceled(0, 0, cl, 0, orig, "")


def refuse(cl: str = "Y", orig: str = "X") -> OrderCancelRejected:
    return OrderCancelRejected(0, 0, cl, 0, orig, "")


def ask_replace(qty: int, cl: str = "Y", orig: str = "X", px: int = 51) -> OrderReplaceRequested:
    return OrderReplaceRequested(0, 0, cl, orig, qty, px, 0, 0)


def replace(qty: int, cl: str = "Y", orig: str = "X", px: int = 51) -> OrderReplaced:
    return OrderReplaced(0, 0, cl, 0, orig, qty, px, 0, 0)


def restate(qty: int, cl: str = "X") -> OrderRestated:
    return OrderRestated(0, 0, cl, 0, qty, "")


def expire(cl: str = "X", *, done_for_day: bool = False) -> OrderExpired:
    return OrderExpired(0, 0, cl, 0, done_for_day, "")


def unknown(cl: str = "X") -> OrderUnknown:
    return OrderUnknown(0, 0, cl, "")


def bust(ref: str, exec_id: str = "b", cl: str = "X") -> FillBusted:
    return FillBusted(0, 0, cl, 0, exec_id, ref)


def correct(ref: str, exec_id: str, qty: int, px: int = 50, cl: str = "X") -> FillCorrected:
    return FillCorrected(0, 0, cl, 0, exec_id, ref, px, qty)


class Venue:
    """A venue holding one order. `sent` is what we told it, `said` what it reported; the other fields are the truth.

    It answers requests in the order they came, fills no more than the order asks for, and may bust and correct what it filled.
    """

    def __init__(self, order_qty: int) -> None:
        self.sent: list[OrderEvent] = []
        self.said: list[OrderEvent] = []
        self.order_qty = order_qty
        self.cl = "X"
        self.ended = False
        self.fills: dict[str, tuple[int, int]] = {}
        self.asked: list[tuple[str, int | None]] = []
        self.last_asked = "X"
        self.n = 0

    @property
    def cum_qty(self) -> int:
        return sum(qty for qty, _ in self.fills.values())

    @property
    def cost(self) -> int:
        return sum(qty * px for qty, px in self.fills.values())

    @property
    def leaves_qty(self) -> int:
        return 0 if self.ended else max(self.order_qty - self.cum_qty, 0)

    def _name(self) -> str:
        self.n += 1
        return f"n{self.n}"

    def do(self, action: str, a: int, b: int) -> OrderEvent | None:
        """One thing that happens, where it is possible; the request of ours it consists of, if any. `a` and `b` choose the details."""
        match action:
            case "fill" if self.leaves_qty:
                self._fill(1 + a % self.leaves_qty, b)
            case "ask_cancel" | "ask_replace":
                return self._ask(action, a)
            case "pend" if self.asked and not self.ended:
                cl, qty = self.asked[a % len(self.asked)]
                self.said.append(pend(OrdStatus.PENDING_CANCEL if qty is None else OrdStatus.PENDING_REPLACE, cl, self.cl))
            case "grant" if self.asked and not self.ended:
                self._grant()
            case "refuse" if self.asked:
                self.said.append(refuse(self.asked.pop(0)[0], self.cl))
            case "end" if not self.ended and a % 4 == 0:
                self.ended = True
                self.said.append(cancel(self.cl) if b % 2 else expire(self.cl))
            case "bust" if self.fills:
                ref = list(self.fills)[a % len(self.fills)]
                del self.fills[ref]
                self.said.append(bust(ref, self._name(), self.cl))
            case "correct" if self.fills:
                ref = list(self.fills)[a % len(self.fills)]
                qty, _ = self.fills.pop(ref)
                new = self._name()
                self.fills[new] = (1 + a % qty, 40 + b)
                self.said.append(correct(ref, new, 1 + a % qty, 40 + b, self.cl))
        return None

    def _fill(self, qty: int, b: int) -> None:
        exec_id = self._name()
        self.fills[exec_id] = (qty, 40 + b)
        self.said.append(fill(exec_id, qty, 40 + b, self.cl))

    def _ask(self, action: str, a: int) -> OrderEvent:
        cl, orig = self._name(), self.last_asked
        request: OrderEvent
        if action == "ask_cancel":
            self.asked.append((cl, None))
            request = ask_cancel(cl, orig)
        else:
            self.asked.append((cl, 1 + a))
            request = ask_replace(1 + a, cl, orig)
            self.last_asked = cl
        self.sent.append(request)
        return request

    def _grant(self) -> None:
        cl, qty = self.asked.pop(0)
        if qty is None:
            self.ended = True
            self.said.append(cancel(cl, self.cl))
        else:
            self.order_qty = max(qty, self.cum_qty)
            self.said.append(replace(self.order_qty, cl, self.cl))
            self.cl = cl
