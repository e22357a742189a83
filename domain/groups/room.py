"""Decides what is sent, replaced and canceled for groups of orders: bracket, OCO and OTO; what a group wants is `domain.groups.group`.

Nothing here costs anything before the first group is opened: only then does the room begin to hear of reports.

What happens when something fails is the group's policy, and recorded as `GroupLegFailed` each time:

| failure | FLATTEN | RETRY | ALERT |
|---|---|---|---|
| a leg is denied, rejected, ends unasked, cannot be enlarged | cancel all, then close what is open at the market | again a second later, at most 3 times, then FLATTEN | the leg is given up |
| both of two alternatives traded too much | cancel all, then trade the surplus back | the same | nothing |
| the venue refuses to cancel or to make smaller | again a second later, at most 3 times, then ALERT: it works until it ends | the same | the same |
| the flattening order fails | its strategy may only reduce until a person resumes it; again a second later, 3 times in all, then ALERT | the same | - |

The flattening order leaves when nothing of the group works any more: then it cannot trade what a canceled leg trades too. An order whose end
is not proven holds it up, because the same quantity must not be traded twice (law 6).

Invariants: every order of a group passes the gates; a cancel is asked for once, and again only when the venue refused it, or confirmed after
a restart that the order still works; a closed group has no working order; every failure is recorded once; a cancel that a person or the
strategy asked for is not fought: that leg is given up.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from domain.context import order_type
from domain.errors import StrategyError
from domain.events import (
    FillBusted,
    FillCorrected,
    GroupClosed,
    GroupLegFailed,
    GroupLegged,
    GroupOpened,
    GroupReleased,
    GroupReopened,
    Leg,
    OrderAccepted,
    OrderCanceled,
    OrderCancelRejected,
    OrderDenied,
    OrderExpired,
    OrderFilled,
    OrderPended,
    OrderRejected,
    OrderReplaced,
    OrderRestated,
    OrderSized,
    SessionResumed,
    TimerFired,
)
from domain.groups.book import GroupBook
from domain.groups.group import (
    ENTRY,
    FLAT,
    KEEP,
    RETRIES,
    Group,
    Part,
    after_failure,
    closing_reason,
    due_qty,
    is_due,
    is_needed,
    left_qty,
    need_qty,
    surplus_qty,
    wanted_qty,
)
from domain.order import Order
from domain.terms import FailurePolicy, GroupKind, Scope, Side, TradingState

if TYPE_CHECKING:
    from domain.engine import Engine

RULE: Final = "S4-04"
"""Under this name a strategy is halted whose group could not be flattened."""
RETRY_NS: Final = 10**9
FAR: Final = 2**62 - 1
_REPORTS: Final = (
    OrderPended, OrderAccepted, OrderRejected, OrderFilled, OrderCanceled, OrderCancelRejected, OrderReplaced, OrderRestated, OrderExpired,
    FillBusted, FillCorrected,
)  # fmt: skip
_REFUSALS: Final = (OrderCancelRejected, OrderRejected)
_CONFIRMS: Final = (OrderAccepted, OrderRestated)
_FILLS: Final = (OrderFilled, FillBusted, FillCorrected)


class Groups:
    """The groups of one session, which `book` remembers."""

    __slots__ = ("_engine", "book")

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.book = GroupBook()

    def start(
        self, strategy: int, instrument: int, kind: GroupKind, legs: tuple[Leg, ...], on_failure: FailurePolicy, reason: str, protect_px: int = 0
    ) -> int:
        """Open a group and send its first orders; its number. `protect_px`: where a loss is to be stopped, for sizing.

        Raises StrategyError, and records nothing, for an instrument that is not there or a number that no order can hold.
        """
        desk = self._engine.desk
        if not 0 <= instrument < len(desk.state.instruments):
            raise StrategyError(f"there is no instrument {instrument} in this session")
        if any(abs(n) > FAR for leg in legs for n in (leg.qty, leg.limit_px, leg.stop_px, leg.trail_px)):
            raise StrategyError("a price or quantity of a group does not fit into 62 bits")
        desk.sync()
        book = self.book
        if not book.count:
            for report in _REPORTS:
                self._engine.subscribe(report, self._on_report)
            self._engine.subscribe(SessionResumed, self._on_resumed)
            self._engine.timers["group"] = self._on_timer
        book.count += 1
        opened = GroupOpened(desk.now_ns, desk.cause, book.count, kind, strategy, instrument, on_failure, legs, reason)
        cause = desk.cause
        desk.cause = desk.emit(opened)
        g = Group(opened)
        book.add(g)
        entry = g.parts.get(ENTRY)
        if entry is not None:
            self._place(g, entry, entry.leg.side, entry.leg.qty, protect_px)
        self._tend(g)
        desk.cause = cause
        return g.number

    def cancel(self, strategy: int, number: int, reason: str) -> None:
        """Cancel what works of a group; the position that it built stays. Raises StrategyError for a number that the strategy has no group of."""
        if not 0 < number <= self.book.count:
            raise StrategyError(f"there is no group {number} to cancel; the last one opened has the number {self.book.count}")
        g = self.book.find(number)
        if g is None or g.closed or g.released:
            return
        if g.strategy != strategy:
            raise StrategyError(f"group {number} belongs to another strategy")
        desk = self._engine.desk
        desk.sync()
        g.released = True
        cause = desk.cause
        desk.cause = desk.emit(GroupReleased(desk.now_ns, cause, number, reason))
        self._tend(g)
        desk.cause = cause

    def _on_report(self, event: Any, seq: int) -> None:
        desk = self._engine.desk
        order = desk.reported
        found = self.book.place_of(order) if order is not None else None
        if found is None or order is None:
            return
        g, part = found
        if desk.moved and part.role not in (ENTRY, FLAT):
            g.last = part.role
        kind = type(event)
        if order.number in g.doubted and kind not in _FILLS:
            del g.doubted[order.number]
            if kind in _CONFIRMS and order.worst_leaves:
                # The venue knows nothing of the request that was on its way when we stopped: it was lost. A lost replacement cannot be asked
                # for again while it may still come, so that order is canceled too, and another one sent.
                self._ask(g, order, again=True)
        if kind in _REFUSALS and order.worst_leaves:
            self._refused(g, part, order, event)
        self._tend(g)

    def _on_resumed(self, event: SessionResumed, seq: int) -> None:
        """What was asked before the stop may never have been sent: it is doubted until the venue answers it or confirms the order as it was."""
        for groups in self.book.open.values():
            for g in groups.values():
                for part in g.parts.values():
                    for order in part.working:
                        if order.replace_requested or (order.cancel_requested and order.number in g.canceled):
                            g.doubted[order.number] = None

    def _on_timer(self, event: TimerFired, seq: int) -> None:
        g = self.book.find(int(event.name.rpartition(" ")[2]))
        if g is not None:
            for part in g.parts.values():
                part.waiting = False
            self._tend(g)

    def _tend(self, g: Group) -> None:
        """Bring the group's orders to what its fills ask for."""
        desk = self._engine.desk
        cause = desk.cause
        while self._step(g):
            pass
        desk.cause = cause

    def _step(self, g: Group) -> bool:
        """Do the next thing; False when nothing is left to do for now."""
        if g.working:
            self._wake(g)
        if g.kind is GroupKind.OCO and g.winner is None:
            g.winner = next((part for part in g.legs if part.cum_qty), None)
        for part in g.parts.values():
            if self._notice(g, part):
                return True
        if self._overdone(g):
            return True
        for part in g.legs:
            if self._fit(g, part):
                return True
        if g.working or any(part.waiting and wanted_qty(g, part) for part in g.parts.values()):
            return False
        need = need_qty(g)
        if need and not g.flat.given_up:
            self._place(g, g.flat, Side.BUY if need > 0 else Side.SELL, abs(need))
            return True
        if not g.closed:
            self._close(g)
        return False

    def _notice(self, g: Group, part: Part) -> bool:
        """Look once at the end of the part's order: was it asked for, or a failure?"""
        if not part.orders:
            return False
        order = part.orders[-1]
        if order.worst_leaves:
            part.dealt = False
        elif not part.dealt:
            part.dealt = True
            if order.cum_qty < order.order_qty:
                if order.withdrawn:
                    part.given_up = part.given_up or order.number not in g.canceled
                elif is_needed(g, part) and order.number not in part.lost:
                    part.lost[order.number] = None
                    word = order.ended.name.lower() if order.ended is not None else "done for the day"
                    self._failed(g, part, order.cl_ord_id, f"{word} by the venue")
                    return True
        return False

    def _overdone(self, g: Group) -> bool:
        """Record fills that are too many: alternatives that both traded."""
        if g.kind is GroupKind.OCO:
            for part in g.legs:
                if part is not g.winner and part.cum_qty and not part.raced:
                    part.raced = True
                    first = g.winner.role if g.winner is not None else ""
                    self._failed(g, part, part.orders[-1].cl_ord_id, f"traded {part.cum_qty} although {first} had traded")
                    return True
            return False
        surplus = surplus_qty(g)
        rose = surplus > g.surplus
        g.surplus = surplus
        if rose:
            part = g.parts[g.last or FLAT]
            part.raced = True
            self._failed(g, part, part.orders[-1].cl_ord_id, f"{surplus} more were traded than the entry")
        return rose

    def _fit(self, g: Group, part: Part) -> bool:
        """Make the part's order what is wanted: send, replace or cancel. True if something was done."""
        working = part.working
        if not working:
            due = is_due(g, part)
            if due:
                self._place(g, part, part.leg.side, due_qty(g, part))
            return due
        for order in working[:-1]:
            if self._cancel(g, part, order):
                return True
        order = working[-1]
        wanted = wanted_qty(g, part)
        if wanted == 0:
            return self._cancel(g, part, order)
        if wanted == KEEP or part.waiting or order.unknown or not order.accepted or order.cancel_requested or order.replace_requested:
            return False
        leaves = order.worst_leaves
        if leaves == wanted or (leaves < wanted and part.given_up) or (leaves > wanted and part.refusals > RETRIES):
            return False
        self._wake(g)
        n = self._engine.desk.order_n
        part.request = self._engine.desk.replace(order.cl_ord_id, order.cum_qty + wanted, 0, 0, 0, f"{part.role} of group {g.number}")
        if not part.request:
            cl_ord_id = f"{self._engine.desk.code}-{n + 1}"
            if leaves < wanted:
                self._failed(g, part, cl_ord_id, self._why(cl_ord_id))
            else:
                self._hold_off(g, part, cl_ord_id)
        return True

    def _place(self, g: Group, part: Part, side: Side, qty: int, protect_px: int = 0) -> None:
        """Send an order for a part, through the gates like every other. The prices are those that its last order had."""
        self._wake(g)
        desk = self._engine.desk
        leg = part.leg
        last = part.orders[-1] if part.orders else None
        limit_px, stop_px, trail_px = (last.limit_px, last.stop_px, last.trail_px) if last is not None else (leg.limit_px, leg.stop_px, leg.trail_px)
        # What answers a fill, or is tried again, is meant: it repeats an earlier order for a reason that R-14 cannot know.
        intentional = last is not None or part.failures > 0 or (part.role != ENTRY and g.kind is not GroupKind.OCO)
        cl_ord_id = desk.submit(
            g.strategy, g.instrument, side, qty, order_type(limit_px, stop_px, trail_px), limit_px, stop_px, trail_px, leg.time_in_force, 0, False,
            leg.reduce_only, f"{part.role} of group {g.number}", intentional=intentional, group=g, protect_px=protect_px,
        )  # fmt: skip
        order = desk.state.orders.find(cl_ord_id)
        if order is None:
            if part.role == ENTRY:
                g.refused = f"the entry was {self._why(cl_ord_id)}"
            else:
                self._failed(g, part, cl_ord_id, self._why(cl_ord_id))
            return
        part.orders.append(order)
        part.dealt = False
        part.request = ""
        part.refusals = 0
        self.book.file(order, g, part)
        desk.emit(GroupLegged(desk.now_ns, desk.cause, g.number, part.role, cl_ord_id))

    def _cancel(self, g: Group, part: Part, order: Order) -> bool:
        if order.cancel_requested or part.waiting or part.refusals > RETRIES:
            return False
        self._wake(g)
        self._ask(g, order)
        return True

    def _ask(self, g: Group, order: Order, *, again: bool = False) -> None:
        """Ask the venue to cancel; no budget of cancels holds this up."""
        g.canceled[order.number] = None
        self._engine.desk.cancel(order.cl_ord_id, f"group {g.number} does not want it any more", house=True, again=again)

    def _refused(self, g: Group, part: Part, order: Order, event: OrderCancelRejected | OrderRejected) -> None:
        """The venue refused a request on an order that still works."""
        if event.cl_ord_id == part.request:
            part.request = ""
            if order.worst_leaves < wanted_qty(g, part):
                self._failed(g, part, event.cl_ord_id, "the venue refused to enlarge it")
                return
        elif order.number not in g.canceled or order.cancel_requested:
            return
        self._hold_off(g, part, event.cl_ord_id)

    def _hold_off(self, g: Group, part: Part, cl_ord_id: str) -> None:
        """An order that should be smaller or gone stays as it is: ask again later, a few times."""
        part.refusals += 1
        if part.refusals <= RETRIES:
            self._wait(g, part)
        else:
            self._record(g, part, cl_ord_id, FailurePolicy.ALERT, "it cannot be made smaller or canceled")

    def _failed(self, g: Group, part: Part, cl_ord_id: str, reason: str) -> None:
        """Record a failure and do what the policy says."""
        desk = self._engine.desk
        part.failures += 1
        policy = after_failure(g, part)
        desk.cause = seq = self._record(g, part, cl_ord_id, policy, reason)
        if policy is FailurePolicy.FLATTEN:
            g.winding = True
        elif policy is FailurePolicy.RETRY:
            self._wait(g, part)
        else:
            part.given_up = True
        if part.role == FLAT:
            name = desk.risk.members(Scope.STRATEGY)[g.strategy]
            desk.halt(seq, Scope.STRATEGY, name, TradingState.REDUCE_ONLY, RULE, f"group {g.number} could not be flattened: {reason}")

    def _record(self, g: Group, part: Part, cl_ord_id: str, policy: FailurePolicy, reason: str) -> int:
        self._wake(g)
        desk = self._engine.desk
        return desk.emit(GroupLegFailed(desk.now_ns, desk.cause, g.number, part.role, cl_ord_id, policy, reason))

    def _wait(self, g: Group, part: Part) -> None:
        part.waiting = True
        desk = self._engine.desk
        desk.set_timer(-1, f"group {g.number}", desk.now_ns + RETRY_NS)

    def _wake(self, g: Group) -> None:
        """Something is to be done for a closed group: look after it again."""
        if g.closed:
            desk = self._engine.desk
            self.book.reopen(g)
            desk.emit(GroupReopened(desk.now_ns, desk.cause, g.number, "its fills changed after it was closed"))

    def _close(self, g: Group) -> None:
        desk = self._engine.desk
        desk.emit(GroupClosed(desk.now_ns, desk.cause, g.number, left_qty(g), closing_reason(g)))
        self.book.close(g)

    def _why(self, cl_ord_id: str) -> str:
        """Why an order that was just asked for does not exist."""
        for event in reversed(self._engine.desk.journal.events):
            if isinstance(event, OrderDenied) and event.cl_ord_id == cl_ord_id:
                return f"denied: {event.reason}"
            if isinstance(event, OrderSized) and event.cl_ord_id == cl_ord_id:
                return f"refused: {event.reason}"
        return "not sent"
