"""The order desk: turns wishes into recorded signals, risk decisions and requests, in that order.

Invariants: a request for the venue stands in `outbox` only after its approval stands in the journal; every wish is recorded,
granted or not; the desk knows the time and the cause only from the input being handled.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

from domain.errors import StrategyError
from domain.events import (
    ORDER_EVENTS,
    AnyDecision,
    ExternalTradeObserved,
    OrderApproved,
    OrderCancelRequested,
    OrderDenied,
    OrderReplaceRequested,
    OrderSubmitted,
    OverrideClosed,
    OverrideGranted,
    SessionOpened,
    SignalRaised,
    TimerSet,
    TradingHalted,
)
from domain.journal import Journal
from domain.order import Changes, Order
from domain.proposals import Proposals
from domain.risk import RULES, Approved, Book, Gate, Proposal, Rule, approve
from domain.risk.approval import Answers
from domain.risk.override import find_override
from domain.sizing import size_order
from domain.state import State
from domain.terms import OrderType, Scope, Side, TimeInForce, TradingState

if TYPE_CHECKING:
    from domain.groups.group import Group

Request = Approved | OrderCancelRequested
OPERATOR: Final = -1
NEVER: Final = 2**63 - 1
FAR: Final = 2**62 - 1
# Compiled code holds a Final; an imported class it looks up each time.
_Signal: Final = SignalRaised
_Approved: Final = OrderApproved
_Submitted: Final = OrderSubmitted
_OF_ORDERS: Final = ORDER_EVENTS
_External: Final = ExternalTradeObserved


def session_code(session: str) -> str:
    """Six letters and digits that stand for the session in client order ids (short enough for the tightest venue, 36 characters)."""
    n = int.from_bytes(sha256(session.encode()).digest()[:5], "big")
    return "".join("0123456789abcdefghjkmnpqrstvwxyz"[n >> shift & 31] for shift in range(25, -1, -5))


class Desk:
    """Wishes in, events out. `index` is the current tick of the market's table, `counted` how far its ticks have their seq.

    `order_n` numbers the ids given out, `sent_n` counts orders sent, `denied_n` orders, replacements and cancels denied. `overrides` are the ones that
    two persons granted and nobody used yet, by number. `reported` is the order that the current input reports on, `moved` what it moved: the state
    knows both only until the first decision.
    """

    __slots__ = (
        "_sizings", "acted", "cause", "code", "counted", "denied_n", "index", "journal", "market", "moved", "next_timer_ns", "now_ns", "on_sent", "order_n",
        "outbox", "overrides", "proposals", "reported", "risk", "sent_n", "state",
    )  # fmt: skip

    def __init__(self, opened: SessionOpened, journal: Journal, rules: Sequence[Rule] = ()) -> None:
        self.journal = journal
        self.state = State(opened)
        self.risk = Book(opened, self.state, (*RULES, *rules))
        self.market = self.state.market
        self.on_sent: list[Callable[[OrderSubmitted], None]] = []
        self.outbox: list[Request] = []
        self.overrides: dict[int, OverrideGranted] = {}
        self.proposals = Proposals(self.state, self.risk)
        self._sizings = {i: spec.sizing for i, spec in enumerate(opened.strategies) if spec.sizing is not None}
        self.code = session_code(opened.session)
        self.order_n = self.sent_n = self.denied_n = 0
        self.index = -1
        self.counted = 0
        self.now_ns = opened.ns
        self.cause = 0
        self.acted = False
        self.next_timer_ns = NEVER
        self.reported: Order | None = None
        self.moved: Changes = ()

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
        self.fold(event, seq)
        return seq

    def fold(self, event: Any, seq: int) -> None:
        """Fold an event that is no tick into the account, then into what the rules remember."""
        state = self.state
        kind = type(event)
        fold = state.folds.get(kind)
        if kind in _OF_ORDERS:
            if fold is not None:
                fold(event)
            order = state.order
            if order is not None:
                risk = self.risk
                risk.evolve(event, order, seq)
                for qty, px in state.changes:
                    risk.trade(event, order.strategy, order.instrument, qty, px, seq)
            return
        if fold is not None:
            fold(event)
        self.risk.evolve(event, None, seq)
        if kind is _External:
            self.risk.trade(event, OPERATOR, event.instrument, event.side * event.last_qty, event.last_px, seq)

    def submit(
        self, strategy: int, instrument: int, side: Side, qty: int, order_type: OrderType, limit_px: int, stop_px: int, trail_px: int,
        time_in_force: TimeInForce, expire_ns: int, post_only: bool, reduce_only: bool, reason: str, intentional: bool = False, locate: str = "",
        actor: str = "", group: Group | None = None, protect_px: int = 0,
    ) -> str:  # fmt: skip
        """Record the signal, size it, run every rule, record the decision and, if approved, the intent to send. Returns the client order id.

        `actor`: the person who orders by hand; a strategy's orders are its owner's. `group`: whose order it is to be. `protect_px`: where its
        loss is to be stopped, for sizing. An order that sizing refuses has an id too, under which nothing is found.
        """
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
                    reduce_only, reason, intentional, locate,
                )
            )  # fmt: skip
        self.order_n += 1
        cl_ord_id = f"{self.code}-{self.order_n}"
        gate = self.risk.gate(strategy, instrument)
        p = self.proposals.order(gate, cl_ord_id, strategy, instrument, side, order_type, limit_px, stop_px, reduce_only, group, ns)
        p.intentional = intentional
        p.locate = locate
        if strategy == OPERATOR:
            p.actor = actor
        elif self._sizings and strategy in self._sizings:
            sized = size_order(self._sizings[strategy], p, cause, qty, protect_px)
            if sized is not None:
                cause, qty = self.emit(sized), sized.qty
                if not qty:
                    return cl_ord_id
        p.qty = qty
        answers = gate.check(p)
        approval, waived = self._decide(answers, p, cause)
        if not approval:
            return cl_ord_id
        order = _Submitted(
            ns, approval, cl_ord_id, strategy, instrument, side, qty, order_type, limit_px, stop_px, trail_px, time_in_force, expire_ns, post_only,
            reduce_only, intentional, locate,
        )  # fmt: skip
        self._send(order, gate)
        self.outbox.append(approve(order, answers, waived))
        for sent in self.on_sent:
            sent(order)
        return cl_ord_id

    def _send(self, order: OrderSubmitted, gate: Gate) -> None:
        """Record the intent and take the order in."""
        seq = self.journal.emit(order)
        opened = self.state.orders.open(order)
        opened.seq = seq
        gate.hear(order, opened, seq)
        self.sent_n += 1

    def _decide(self, answers: Answers, p: Proposal, cause: int) -> tuple[int, tuple[str, ...]]:
        """Record approval or denial: the seq of the approval, 0 for a denial, and the rules that an override lets the order pass."""
        if not answers.failed:
            return self.journal.emit(_Approved(self.now_ns, cause, p.cl_ord_id, answers.checks)), ()
        override = self._override(p, answers)
        if override is None:
            self._deny(cause, answers, p)
            return 0, ()
        approval = self.journal.emit(_Approved(self.now_ns, cause, p.cl_ord_id, answers.checks, override.number))
        del self.overrides[override.number]
        self.emit(OverrideClosed(self.now_ns, approval, override.number, p.cl_ord_id))
        return approval, (override.rule,)

    def _override(self, p: Proposal, answers: Answers) -> OverrideGranted | None:
        """The override under which an order may pass that a rule stopped."""
        if not self.overrides or answers.raised:
            return None
        return find_override(self.overrides.values(), self.now_ns, p.strategy, p.instrument, answers.failed)

    def _deny(self, cause: int, answers: Answers, p: Proposal, *, cancel: bool = False) -> None:
        """Record the denial; a rule that asks for it, or that raised, halts its scope. What a rule says stands in the way is canceled."""
        rules = self.risk.rules
        self.denied_n += 1
        cl_ord_id = p.cl_ord_id
        places = self.risk.places(p.strategy, p.instrument)
        gate = self.risk.gate(p.strategy, p.instrument)
        answered = list(zip(gate.cancel_checks if cancel else gate.checks, answers.checks, strict=True))
        in_the_way = [
            other
            for (_, bound), check in answered
            if not check.passed and (cancels := rules[check.rule].cancels) is not None
            for other in cancels(p, bound)
        ]
        seq = self.emit(OrderDenied(self.now_ns, cause, cl_ord_id, rules[answers.failed[0].rule].code, answers.checks))
        for bound, name in answers.raised:
            self.halt(seq, *places[bound.scope], TradingState.HALTED, bound.rule, f"the rule {bound.rule} raised {name}")
        for (_, bound), check in answered:
            state = rules[check.rule].halts
            if not check.passed and state is not None:
                self.halt(seq, *places[bound.scope], state, check.rule, f"{rules[check.rule].code} was breached", 0, check.observed, check.limit)
        before, self.cause = self.cause, seq
        for other in in_the_way:
            self.cancel(other, f"in the way of {cl_ord_id}", house=True)
        self.cause = before

    def halt(
        self, cause: int, scope: Scope, member: str, state: TradingState, rule: str, reason: str, until_ns: int = 0, observed: int = 0, limit: int = 0
    ) -> None:
        """Put a scope into a stricter state, unless the same rule has done so already."""
        if self.risk.halts.get((scope, member), {}).get(rule, TradingState.ACTIVE) < state:
            self.emit(TradingHalted(self.now_ns, cause, scope, member, state, rule, reason, until_ns, observed, limit))

    def replace(self, cl_ord_id: str, qty: int, limit_px: int, stop_px: int, trail_px: int, reason: str, actor: str = "") -> str:
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
        gate = self.risk.gate(order.strategy, i)
        p = self.proposals.replacement(gate, order, new_id, new_qty, terms, ns)
        if order.strategy == OPERATOR:
            p.actor = actor
        answers = gate.check(p)
        approval, waived = self._decide(answers, p, cause)
        if not approval:
            return ""
        request = OrderReplaceRequested(ns, approval, new_id, order.cl_ord_id, new_qty, *terms)
        order.seq = self.emit(request)
        self.outbox.append(approve(request, answers, waived))
        return new_id

    def cancel(self, cl_ord_id: str, reason: str, house: bool = False, again: bool = False) -> None:
        """Ask the venue to cancel, unless the order is gone or was asked before without an answer yet.

        `house`: a person or a control of ours asks, whom no budget of cancels holds up. `again`: ask although an earlier request has no answer.
        """
        self.sync()
        order = self.state.orders.find(cl_ord_id)
        if order is None or not order.worst_leaves or (order.cancel_requested and not again):
            return
        self.order_n += 1
        cancel_id = f"{self.code}-{self.order_n}"
        cause = self.cause
        gate = self.risk.gate(order.strategy, order.instrument)
        if gate.cancel_checks and not house:
            p = self.proposals.cancel(gate, order, cancel_id, self.now_ns)
            answers = gate.check_cancel(p)
            if answers.failed:
                self._deny(cause, answers, p, cancel=True)
                return
            cause = self.emit(_Approved(self.now_ns, cause, cancel_id, answers.checks))
        request = OrderCancelRequested(self.now_ns, cause, cancel_id, order.cl_ord_id, reason)
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
            if position.qty and state.contracts[i].settle == currency:
                total += state.contracts[i].value(self.market.mark_px(i), position.qty)
        return total
