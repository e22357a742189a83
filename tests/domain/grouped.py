"""A world in which groups of orders are tested: the venue is the test, role by role."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from domain.context import Context
from domain.events import (
    FillBusted,
    GroupClosed,
    GroupLegFailed,
    GroupLegged,
    Leg,
    OperatorCommandReceived,
    OrderAccepted,
    OrderCanceled,
    OrderCancelRejected,
    OrderCancelRequested,
    OrderExpired,
    OrderFilled,
    OrderRejected,
    OrderReplaced,
    OrderReplaceRequested,
    TimerFired,
)
from domain.limits import Check
from domain.order import Order
from domain.risk import Bound, Proposal, Rule, answer
from domain.strategy import Strategy
from domain.terms import FailurePolicy, Liquidity, OrderType, Side
from tests.domain.harness import SECOND, World, trades

FLATTEN, RETRY, ALERT = FailurePolicy.FLATTEN, FailurePolicy.RETRY, FailurePolicy.ALERT


class Denying:
    """A rule of the test's own: orders of these types are denied, as long as they are in the list."""

    def __init__(self, *types: OrderType) -> None:
        self.types = list(types)
        self.rule = Rule("T-1", "TESTED", "flag", self.check)

    def check(self, p: Proposal, limit: Bound) -> Check:
        return answer(limit, p.order_type not in self.types, 1, 0)


class Grouped(World):
    """One idle strategy, instrument X at 100.00. Roles are those of the group that was opened last, unless a number is given."""

    def __init__(self, *strategies: Strategy, **opened: Any) -> None:
        super().__init__(*(strategies or (Strategy(),)), **opened)
        self.tick(trades(10_000))
        self.answered: set[str] = set()
        self.execs = self.clock = 0

    @property
    def ctx(self) -> Context:
        return self.engine.contexts[0]

    @property
    def now(self) -> int:
        return self.engine.desk.now_ns

    def order(self, role: str, number: int = 0) -> Order:
        """The last order of a role."""
        legs = [e for e in self.of(GroupLegged) if isinstance(e, GroupLegged)]
        last = number or max(e.number for e in legs)
        found = self.engine.desk.state.orders.find(next(e.cl_ord_id for e in reversed(legs) if (e.number, e.role) == (last, role)))
        assert found is not None
        return found

    @property
    def works(self) -> dict[str, int]:
        """What may still trade, by role."""
        found: dict[str, int] = {}
        for e in self.of(GroupLegged):
            assert isinstance(e, GroupLegged)
            order = self.engine.desk.state.orders.find(e.cl_ord_id)
            if order is not None and order.worst_leaves:
                found[e.role] = order.worst_leaves
        return found

    def accept(self, *roles: str) -> Grouped:
        for role in roles:
            self.step(OrderAccepted(self.now, 0, self.order(role).cl_ord_id, self.now, "v"))
        return self

    def trade(self, role: str, qty: int, px: int = 10_000) -> Grouped:
        self.execs += 1
        order = self.order(role)
        self.step(OrderFilled(self.now, 0, order.cl_ord_id, self.now, f"x{self.execs}", px, qty, Liquidity.TAKER, 0, "USD", 2))
        return self

    def bust(self, role: str, exec_id: str) -> Grouped:
        self.step(FillBusted(self.now, 0, self.order(role).cl_ord_id, self.now, f"b{exec_id}", exec_id))
        return self

    def end(self, role: str, how: str = "canceled") -> Grouped:
        """The venue ends an order that nobody asked to end."""
        cl_ord_id = self.order(role).cl_ord_id
        self.step({
            "canceled": OrderCanceled(self.now, 0, cl_ord_id, self.now, "", "by the venue"),
            "rejected": OrderRejected(self.now, 0, cl_ord_id, self.now, "no"),
            "expired": OrderExpired(self.now, 0, cl_ord_id, self.now, False, "over"),
        }[how])  # fmt: skip
        return self

    @property
    def requests(self) -> list[OrderCancelRequested | OrderReplaceRequested]:
        """Requests of ours that the venue has not answered."""
        return [e for e in self.of(OrderCancelRequested, OrderReplaceRequested) if e.cl_ord_id not in self.answered]

    def answer(self) -> Grouped:
        """The venue accepts what is new and does all that was asked, until nothing is asked any more."""
        while True:
            new = [o for o in self.engine.desk.state.orders.working() if not o.accepted]
            for o in new:
                self.step(OrderAccepted(self.now, 0, o.cl_ord_id, self.now, "v"))
            requests = self.requests
            if not new and not requests:
                return self
            for r in requests:
                self.answered.add(r.cl_ord_id)
                if isinstance(r, OrderCancelRequested):
                    self.step(OrderCanceled(self.now, 0, r.cl_ord_id, self.now, r.orig_cl_ord_id, "requested"))
                else:
                    self.step(OrderReplaced(self.now, 0, r.cl_ord_id, self.now, r.orig_cl_ord_id, r.order_qty, r.limit_px, r.stop_px, r.trail_px))

    def refuse(self) -> Grouped:
        """The venue refuses all that was asked."""
        for r in self.requests:
            self.answered.add(r.cl_ord_id)
            self.step(OrderCancelRejected(self.now, 0, r.cl_ord_id, self.now, r.orig_cl_ord_id, "no"))
        return self

    def wait(self) -> Grouped:
        """A second passes, and the timers that are due fire."""
        self.clock = now = max(self.clock, self.now) + SECOND
        for (strategy, name), due in sorted(self.engine.desk.state.timers.items()):
            if due <= now:
                self.step(TimerFired(due, 0, strategy, name, due))
        return self

    def command(self, name: str, argument: str = "{}") -> Grouped:
        self.step(OperatorCommandReceived(self.now, 0, "ann", name, argument))
        return self

    @property
    def failures(self) -> list[tuple[str, str]]:
        """(role, what follows) of every recorded failure."""
        return [(e.role, e.on_failure.name) for e in self.of(GroupLegFailed) if isinstance(e, GroupLegFailed)]

    @property
    def closings(self) -> list[tuple[int, int, str]]:
        """(number, what is left open, reason) of every closing."""
        return [(e.number, e.open_qty, e.reason) for e in self.of(GroupClosed) if isinstance(e, GroupClosed)]

    @property
    def cancels(self) -> Sequence[str]:
        """The order ids that a cancel was asked for, in order."""
        return [e.orig_cl_ord_id for e in self.of(OrderCancelRequested) if isinstance(e, OrderCancelRequested)]

    @property
    def position(self) -> int:
        return self.engine.desk.state.positions[0].qty


def bracket(w: Grouped, qty: int = 10, side: Side = Side.BUY, on_failure: FailurePolicy = FLATTEN, limit_px: int = 0) -> Grouped:
    stop, target = (9_500, 11_000) if side is Side.BUY else (11_000, 9_500)
    w.ctx.bracket(0, side, qty, stop_px=stop, target_px=target, limit_px=limit_px, on_failure=on_failure, reason="test")
    return w


def entered(on_failure: FailurePolicy = FLATTEN, **world: object) -> Grouped:
    """A bracket of 10 whose entry was filled and whose legs work."""
    return bracket(Grouped(**world), on_failure=on_failure).answer().trade("entry", 10).answer()


def refusal(w: Grouped, request: OrderCancelRequested | OrderReplaceRequested) -> OrderCancelRejected:
    return OrderCancelRejected(w.now, 0, request.cl_ord_id, w.now, request.orig_cl_ord_id, "no")


def oco(w: Grouped, *legs: Leg, on_failure: FailurePolicy = ALERT) -> Grouped:
    w.ctx.oco(0, *(legs or (Leg(Side.BUY, 10, limit_px=9_900), Leg(Side.BUY, 10, stop_px=10_100))), on_failure=on_failure)
    return w


def protected(on_failure: FailurePolicy, *rules: Denying) -> Grouped:
    """A position of 10 that an OCO of stop and target protects."""
    w = Grouped(rules=[r.rule for r in rules])
    w.ctx.buy(0, 10)
    w.fill(w.sent[0], 10_000)
    return oco(w, Leg(Side.SELL, 10, stop_px=9_500, reduce_only=True), Leg(Side.SELL, 10, limit_px=11_000, reduce_only=True), on_failure=on_failure)
