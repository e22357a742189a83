"""The order desk: turns wishes into recorded signals, risk decisions and requests, in that order.

Invariants: a request for the venue stands in `outbox` only after its approval stands in the journal; every wish is recorded,
granted or not; the desk knows the time and the cause only from the input being handled.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Final

from domain.errors import StrategyError
from domain.events import (
    AnyDecision,
    OrderApproved,
    OrderCancelRequested,
    OrderDenied,
    OrderReplaceRequested,
    OrderSubmitted,
    SessionOpened,
    SignalRaised,
    TimerSet,
)
from domain.journal import Journal
from domain.market import Market
from domain.order import Order
from domain.risk import Check, Proposal, check_all, reason_code
from domain.state import State
from domain.terms import OrderType, Side, TimeInForce

Request = OrderSubmitted | OrderCancelRequested | OrderReplaceRequested
OPERATOR: Final = -1
NEVER: Final = 2**63 - 1
FAR: Final = 2**62 - 1
# Compiled code holds a Final; an imported class it looks up each time.
_Signal: Final = SignalRaised
_Approved: Final = OrderApproved
_Submitted: Final = OrderSubmitted


def session_code(session: str) -> str:
    """Six letters and digits that stand for the session in client order ids (short enough for the tightest venue, 36 characters)."""
    n = int.from_bytes(sha256(session.encode()).digest()[:5], "big")
    return "".join("0123456789abcdefghjkmnpqrstvwxyz"[n >> shift & 31] for shift in range(25, -1, -5))


class Desk:
    """Wishes in, events out. `index` is the current tick of the market's table, `counted` how far its ticks have their seq.

    `order_n` numbers the ids given out, `sent_n` counts orders sent, `denied_n` orders and replacements denied.
    """

    __slots__ = (
        "_proposal", "acted", "cause", "code", "counted", "denied_n", "index", "journal", "market", "next_timer_ns", "now_ns", "order_n",
        "outbox", "sent_n", "state",
    )  # fmt: skip

    def __init__(self, opened: SessionOpened, journal: Journal) -> None:
        self.journal = journal
        self.state = State(opened)
        self.market = Market()
        self.outbox: list[Request] = []
        self.code = session_code(opened.session)
        self.order_n = self.sent_n = self.denied_n = 0
        self.index = -1
        self.counted = 0
        self.now_ns = opened.ns
        self.cause = 0
        self.acted = False
        self.next_timer_ns = NEVER
        self._proposal = Proposal()

    def sync(self) -> None:
        """Give the ticks up to the current one their seq, so that what follows can name it as cause."""
        index = self.index
        counted = self.counted
        if index >= counted:
            self.counted = index + 1
            self.cause = seq = self.journal.advance(index + 1 - counted)
            self.now_ns = self.market.move(counted, index, seq)

    def clock_ns(self) -> int:
        """Receive time of the current input."""
        self.sync()
        return self.now_ns

    def emit(self, event: AnyDecision) -> int:
        """Record a decision and fold it; its seq."""
        self.acted = True
        seq = self.journal.emit(event)
        self.state.evolve(event)
        return seq

    def submit(
        self, strategy: int, instrument: int, side: Side, qty: int, order_type: OrderType, limit_px: int, stop_px: int, trail_px: int,
        time_in_force: TimeInForce, expire_ns: int, post_only: bool, reduce_only: bool, reason: str,
    ) -> str:  # fmt: skip
        """Record the signal, run every rule, record the decision and, if approved, the intent to send. Returns the client order id."""
        self.sync()
        if not 0 <= instrument < len(self.state.instruments):
            raise StrategyError(f"there is no instrument {instrument} in this session")
        if not -FAR <= qty <= FAR or ((limit_px or stop_px or trail_px) and not all(-FAR <= px <= FAR for px in (limit_px, stop_px, trail_px))):
            raise StrategyError("a price or quantity does not fit into 62 bits")
        ns = self.now_ns
        journal = self.journal
        self.acted = True
        cause = self.cause
        if strategy != OPERATOR:
            cause = journal.emit(
                _Signal(
                    ns, cause, strategy, instrument, side, qty, order_type, limit_px, stop_px, trail_px, time_in_force, expire_ns, post_only,
                    reduce_only, reason,
                )
            )  # fmt: skip
        self.order_n += 1
        cl_ord_id = f"{self.code}-{self.order_n}"
        orders = self.state.orders
        checks = self._check(instrument, side, qty, limit_px, stop_px, reduce_only, orders.buy_leaves[instrument], orders.sell_leaves[instrument])
        for check in checks:
            if not check.passed:
                self.denied_n += 1
                journal.emit(OrderDenied(ns, cause, cl_ord_id, reason_code(checks), checks))
                return cl_ord_id
        approval = journal.emit(_Approved(ns, cause, cl_ord_id, checks))
        order = _Submitted(
            ns, approval, cl_ord_id, strategy, instrument, side, qty, order_type, limit_px, stop_px, trail_px, time_in_force, expire_ns, post_only,
            reduce_only,
        )  # fmt: skip
        journal.emit(order)
        orders.open(order)
        self.sent_n += 1
        self.outbox.append(order)
        return cl_ord_id

    def _check(
        self, instrument: int, side: Side, qty: int, limit_px: int, stop_px: int, reduce_only: bool, buy_leaves: int, sell_leaves: int
    ) -> tuple[Check, ...]:
        state = self.state
        p = self._proposal
        p.spec = state.instruments[instrument]
        p.side = side
        p.qty = qty
        p.limit_px = limit_px
        p.stop_px = stop_px
        p.reduce_only = reduce_only
        p.now_ns = self.now_ns
        p.position_qty = state.positions[instrument].qty
        p.buy_leaves = buy_leaves
        p.sell_leaves = sell_leaves
        p.feed_lost = instrument in state.lost
        p.state = state.trading
        p.ref_px, p.ref_ns, p.ref_seq = self.market.reference(instrument, side)
        return check_all(p, state.limits[instrument])

    def replace(self, cl_ord_id: str, qty: int, limit_px: int, stop_px: int, trail_px: int, reason: str) -> str:
        """The new terms pass the gates as a new order would, the old order's leaves not counted; "" when there is nothing to replace."""
        self.sync()
        state = self.state
        order = state.orders.find(cl_ord_id)
        if order is None or not order.worst_leaves or order.cancel_requested or order.replace_requested:
            return ""
        new_qty = qty or order.order_qty
        terms = (limit_px or order.limit_px, stop_px or order.stop_px, trail_px or order.trail_px)
        if not -FAR <= new_qty <= FAR or not all(-FAR <= px <= FAR for px in terms):
            raise StrategyError("a price or quantity does not fit into 62 bits")
        ns = self.now_ns
        emit = self.journal.emit
        self.acted = True
        cause = self.cause
        i = order.instrument
        if order.strategy != OPERATOR:
            cause = emit(
                SignalRaised(
                    ns, cause, order.strategy, i, order.side, new_qty, order.order_type, *terms, order.time_in_force, order.expire_ns, order.post_only,
                    order.reduce_only, reason,
                )
            )  # fmt: skip
        self.order_n += 1
        new_id = f"{self.code}-{self.order_n}"
        checks = self._check_replacement(order, new_qty, terms)
        if not all(check.passed for check in checks):
            self.denied_n += 1
            emit(OrderDenied(ns, cause, new_id, reason_code(checks), checks))
            return ""
        approval = emit(OrderApproved(ns, cause, new_id, checks))
        request = OrderReplaceRequested(ns, approval, new_id, order.cl_ord_id, new_qty, *terms)
        self.emit(request)
        self.outbox.append(request)
        return new_id

    def _check_replacement(self, order: Order, new_qty: int, terms: tuple[int, int, int]) -> tuple[Check, ...]:
        orders = self.state.orders
        i = order.instrument
        buys, sells = orders.buy_leaves[i], orders.sell_leaves[i]
        if order.side > 0:
            buys -= order.worst_leaves
        else:
            sells -= order.worst_leaves
        # Until the venue answers, either the old terms or the new may trade: the open part is the larger of the two.
        # A quantity that is filled already leaves nothing to change: it goes to the rules as it is, and the lot rule denies it.
        left = new_qty - order.cum_qty
        open_qty = max(left, order.worst_leaves) if left > 0 else left
        return self._check(i, order.side, open_qty, terms[0], terms[1], order.reduce_only, buys, sells)

    def cancel(self, cl_ord_id: str, reason: str) -> None:
        """Ask the venue to cancel, unless the order is gone or was asked before."""
        self.sync()
        order = self.state.orders.find(cl_ord_id)
        if order is None or not order.worst_leaves or order.cancel_requested:
            return
        self.order_n += 1
        request = OrderCancelRequested(self.now_ns, self.cause, f"{self.code}-{self.order_n}", order.cl_ord_id, reason)
        self.emit(request)
        self.outbox.append(request)

    def hold(self, strategy: int, instrument: int, reason: str) -> None:
        """Record that a strategy looked and wants nothing."""
        self.sync()
        self.emit(
            SignalRaised(
                self.now_ns, self.cause, strategy, instrument, Side.NONE, 0, OrderType.MARKET, 0, 0, 0, TimeInForce.GTC, 0, False, False, reason
            )
        )

    def set_timer(self, strategy: int, name: str, due_ns: int) -> None:
        """Record a wish to be woken. Raises StrategyError for a time that is not after now."""
        self.sync()
        if due_ns <= self.now_ns:
            raise StrategyError(f"timer {name!r} is due at {due_ns}, which is not after now ({self.now_ns})")
        self.emit(TimerSet(self.now_ns, self.cause, strategy, name, due_ns))
        self.refresh_timers()

    def refresh_timers(self) -> None:
        """Recompute when the next timer is due."""
        self.next_timer_ns = min(self.state.timers.values(), default=NEVER)

    def equity(self, currency: str) -> int:
        """Cash and position values in the currency's amount digits, at the last prices."""
        state = self.state
        total = state.cash.get(currency, 0)
        for i, position in enumerate(state.positions):
            if position.qty and state.instruments[i].settle == currency:
                total += state.instruments[i].value(self.market.mark_px(i), position.qty)
        return total
