"""Groups of orders under any sequence of wishes, fills, ends, refusals, busts, restarts and copies: what they promise holds after each event.

The naive model knows only the event list and shares no code with the engine's folds.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from domain.context import Context
from domain.events import (
    FillBusted,
    GroupClosed,
    GroupLegFailed,
    GroupLegged,
    GroupOpened,
    GroupReopened,
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
    OrderSubmitted,
    SessionResumed,
    TimerFired,
    TradePrinted,
)
from domain.limits import Check
from domain.order import Order
from domain.risk import Bound, Proposal, Rule, answer
from domain.strategy import Strategy
from domain.terms import FailurePolicy, GroupKind, Liquidity, OrderType, Side, TickKind
from domain.ticks import table
from reenact.freezing import freeze, thaw
from tests.domain.harness import SECOND, T0, World

PX = 10_000
GATES: dict[int, tuple[OrderType, ...]] = {1: (OrderType.STOP,), 2: (OrderType.LIMIT,), 3: (OrderType.STOP, OrderType.MARKET)}


def check_mood(p: Proposal, limit: Bound) -> Check:
    """The last cent of the reference says which types of orders are denied: the gates' mood is part of the recorded inputs."""
    return answer(limit, p.order_type not in GATES.get(p.ref_px % 10, ()), p.ref_px % 10, 0)


MOOD = Rule("T-1", "MOOD", "count", check_mood)


class Puppet(Strategy):
    """Does what the tick's conditions say, so that its wishes are a function of the recorded inputs."""

    def on_tick(self, ctx: Context, tick: TradePrinted) -> None:  # type: ignore[override]
        code, verb = divmod(tick.conditions, 8)
        qty = code % 9 + 1
        side = Side.BUY if code // 9 % 2 else Side.SELL
        policy = FailurePolicy(code // 18 % 3 + 1)
        if verb == 1:
            ctx.bracket(
                0, side, qty, stop_px=PX - side * 500, target_px=PX + side * 500, limit_px=PX if code // 54 % 2 else 0, on_failure=policy
            )  # fmt: skip
        elif verb == 2:
            other = side if code // 54 % 2 else Side.SELL if side is Side.BUY else Side.BUY
            ctx.oco(0, Leg(side, qty, limit_px=PX - 100), Leg(other, qty, stop_px=PX + 100), on_failure=policy)
        elif verb == 3:
            ctx.oto(0, Leg(side, qty, limit_px=PX), Leg(side, qty, limit_px=PX - 300), on_failure=policy)
        elif verb == 4:
            (ctx.buy if side > 0 else ctx.sell)(0, qty, reduce_only=bool(code // 54 % 2))
        elif verb in (5, 6) and (orders := ctx.open_orders()):
            order = orders[code % len(orders)]
            if verb == 5:
                ctx.cancel(order.cl_ord_id, "puppet")
            elif order.stop_px:
                ctx.replace(order.cl_ord_id, stop_px=order.stop_px + 10)
        elif verb == 7:
            for number in (1, 2):
                if number <= code % 3:
                    ctx.cancel_group(number) if number <= groups_of(ctx) else None


def groups_of(ctx: Context) -> int:
    """How many groups were opened."""
    groups = ctx._desk.proposals.groups
    return groups.book.count if groups is not None else 0


@dataclass
class Known:
    """One order as the naive model counts it."""

    sent: OrderSubmitted
    qty: int
    ids: set[str]
    asked: dict[str, int] = field(default_factory=dict)
    cancels: set[str] = field(default_factory=set)
    requests: int = 0
    allowed: int = 1
    execs: dict[str, int] = field(default_factory=dict)
    ended: bool = False
    rejected: bool = False

    @property
    def cum(self) -> int:
        return sum(self.execs.values())

    @property
    def works(self) -> int:
        if self.ended and not (self.rejected and self.cum):
            return 0
        return max(0, max([self.qty, *self.asked.values()]) - self.cum)


@dataclass
class Seen:
    """One group as the naive model counts it."""

    opened: GroupOpened
    legs: dict[str, list[str]] = field(default_factory=dict)
    closed: bool = False
    wound: bool = False
    disturbed: bool = False
    failed: list[str] = field(default_factory=list)


class Recount:
    """Orders and groups recounted from the events."""

    def __init__(self) -> None:
        self.orders: dict[str, Known] = {}
        self.groups: dict[int, Seen] = {}
        self.position = 0
        self.resumed = False

    def take(self, event: Any) -> None:
        match event:
            case OrderSubmitted():
                self.orders[event.cl_ord_id] = Known(event, event.order_qty, {event.cl_ord_id})
            case OrderReplaceRequested():
                known = self.orders[event.cl_ord_id] = self.orders[event.orig_cl_ord_id]
                known.asked[event.cl_ord_id] = event.order_qty
                known.ids.add(event.cl_ord_id)
            case OrderCancelRequested():
                known = self.orders[event.cl_ord_id] = self.orders[event.orig_cl_ord_id]
                known.cancels.add(event.cl_ord_id)
                known.requests += 1
            case OrderReplaced():
                known = self.orders[event.cl_ord_id]
                known.asked.pop(event.cl_ord_id, None)
                known.qty = event.order_qty
            case OrderCancelRejected():
                known = self.orders[event.cl_ord_id]
                known.asked.pop(event.cl_ord_id, None)
                if event.cl_ord_id in known.cancels:
                    known.cancels.discard(event.cl_ord_id)
                    known.allowed += 1
            case OrderAccepted():
                if self.resumed:
                    self.orders[event.cl_ord_id].allowed += 1
            case OrderFilled():
                known = self.orders[event.cl_ord_id]
                # A fill proves a rejected order alive: what was asked of it before is void, and may be asked again.
                known.allowed += known.rejected and not known.cum
                known.execs[event.exec_id] = event.last_qty
                self.position += known.sent.side * event.last_qty
            case FillBusted():
                known = self.orders[event.cl_ord_id]
                self.position -= known.sent.side * known.execs.pop(event.ref_exec_id, 0)
            case OrderCanceled() | OrderExpired() | OrderRejected():
                known = self.orders[event.cl_ord_id]
                known.rejected = isinstance(event, OrderRejected) and not known.ended
                known.ended = True
                known.asked.clear()
            case SessionResumed():
                self.resumed = True
            case _:
                self._group(event)

    def _group(self, event: Any) -> None:
        match event:
            case GroupOpened():
                self.groups[event.number] = Seen(event)
            case GroupLegged():
                self.groups[event.number].legs.setdefault(event.role, []).append(event.cl_ord_id)
            case GroupLegFailed():
                seen = self.groups[event.number]
                seen.failed.append(f"{event.cl_ord_id} {event.reason}")
                seen.disturbed = True
                seen.wound = seen.wound or event.on_failure is FailurePolicy.FLATTEN
            case GroupClosed():
                self.groups[event.number].closed = True
            case GroupReopened():
                self.groups[event.number].closed = False

    def works(self, seen: Seen, role: str) -> int:
        return sum(self.orders[i].works for i in seen.legs.get(role, []))

    def net(self, seen: Seen) -> int:
        return sum(self.orders[i].sent.side * self.orders[i].cum for ids in seen.legs.values() for i in ids)


class GroupsMachine(RuleBasedStateMachine):
    """Everything that can happen to groups, in any order."""

    @initialize()
    def begin(self) -> None:
        self.world = World(Puppet(), rules=[MOOD])
        self.recount = Recount()
        self.taken = self.execs = self.clock = 0
        self.inputs: list[Any] = []
        self.answered: set[str] = set()
        self.tick(0, 0)

    def _ns(self) -> int:
        self.clock += 1
        return T0 + self.clock * SECOND // 16

    def _step(self, event: Any) -> None:
        self.inputs.append(event)
        self.world.step(event)
        self._check()
        self.every_promise_holds()

    def _orders(self, *, working: bool) -> list[Order]:
        state = self.world.engine.desk.state
        found = dict.fromkeys(state.orders.find(i) for i in self.recount.orders)
        return [o for o in found if o is not None and bool(o.worst_leaves) is working]

    def _requests(self) -> list[OrderCancelRequested | OrderReplaceRequested]:
        return [e for e in self.world.of(OrderCancelRequested, OrderReplaceRequested) if e.cl_ord_id not in self.answered]

    @rule(
        conditions=st.one_of(st.integers(0, 8 * 108), st.integers(0, 107).map(lambda n: 8 * n + 1)),
        mood=st.sampled_from([0, 0, 0, 0, 0, 0, 0, 1, 2, 3]),
    )
    def tick(self, conditions: int, mood: int) -> None:
        ns = self._ns()
        ticks = table(TickKind.TRADE, 0, [ns], [ns], PX + mood, 100, 1, conditions)
        self.inputs.append(ticks)
        self.world.tick(ticks)
        self._check()

    @rule(acts=st.lists(st.tuples(st.integers(0, 19), st.integers(0, 50), st.integers(1, 12)), min_size=2, max_size=12))
    def venue(self, acts: list[tuple[int, int, int]]) -> None:
        """What a venue does, several things in a row: mostly what was asked."""
        for kind, pick, part in acts:
            if kind < 5:
                self.accept_all()
            elif kind < 12:
                self.fill(pick, part, late=False)
            elif kind < 16:
                self.respond(pick, refuse=False)
            elif kind == 16:
                self.respond(pick, refuse=True)
            elif kind == 17:
                self.end(pick, ("canceled", "rejected", "expired")[part % 3])
            elif kind == 18:
                self.fill(pick, part, late=True)
            else:
                self.accept(pick)

    def accept_all(self) -> None:
        for order in self._orders(working=True):
            if not order.accepted:
                self._step(OrderAccepted(self._ns(), 0, order.cl_ord_id, T0, "v"))

    def accept(self, pick: int) -> None:
        if orders := self._orders(working=True):
            order = orders[pick % len(orders)]
            self._step(OrderAccepted(self._ns(), 0, order.cl_ord_id, T0, "v"))

    def fill(self, pick: int, part: int, *, late: bool) -> None:
        orders = [o for o in self._orders(working=not late) if o.cum_qty < o.order_qty]
        if orders:
            order = orders[pick % len(orders)]
            self.execs += 1
            qty = min(part, order.order_qty - order.cum_qty)
            self._step(OrderFilled(self._ns(), 0, order.cl_ord_id, T0, f"e{self.execs}", PX, qty, Liquidity.TAKER, 0, "USD", 2))

    def end(self, pick: int, how: str) -> None:
        orders = self._orders(working=True)
        if not orders:
            return
        order = orders[pick % len(orders)]
        known = self.recount.orders[order.cl_ord_id]
        number, role = self._place(known)
        needed = self._needed(number, role, known)
        ns, cl_ord_id = self._ns(), order.cl_ord_id
        if how == "rejected" and (order.cum_qty or order.accepted):
            how = "canceled"
        self._step({
            "canceled": OrderCanceled(ns, 0, cl_ord_id, T0, "", "unasked"),
            "rejected": OrderRejected(ns, 0, cl_ord_id, T0, "no"),
            "expired": OrderExpired(ns, 0, cl_ord_id, T0, False, "over"),
        }[how])  # fmt: skip
        if needed:
            failed = [f for f in self.recount.groups[number].failed if f.startswith(f"{cl_ord_id} ") and f.endswith("by the venue")]
            assert len(failed) == 1, "a protective leg that the venue ended is recorded once"

    def _place(self, known: Known) -> tuple[int, str]:
        for number, seen in self.recount.groups.items():
            for role, ids in seen.legs.items():
                if known.ids & set(ids):
                    return number, role
        return 0, ""

    def _needed(self, number: int, role: str, known: Known) -> bool:
        """A stop or target of a bracket that nobody asked to end, while something is open, in a group that is not being ended."""
        if role not in ("stop", "target") or known.cancels:
            return False
        seen = self.recount.groups[number]
        entry = seen.opened.legs[0].side
        asked = any(self.recount.orders[i].cancels for i in seen.legs.get("entry", []))
        return not seen.wound and not asked and entry * self.recount.net(seen) > 0 and known.works > 0

    def respond(self, pick: int, *, refuse: bool) -> None:
        if requests := self._requests():
            self._answer(requests[pick % len(requests)], refuse=refuse)

    def _answer(self, r: OrderCancelRequested | OrderReplaceRequested, *, refuse: bool = False) -> None:
        self.answered.add(r.cl_ord_id)
        known = self.recount.orders[r.cl_ord_id]
        ns, orig = self._ns(), r.orig_cl_ord_id
        if refuse or (isinstance(r, OrderReplaceRequested) and (known.ended or r.order_qty <= known.cum)):
            self._step(OrderCancelRejected(ns, 0, r.cl_ord_id, T0, orig, "no"))
        elif isinstance(r, OrderCancelRequested):
            self._step(OrderCanceled(ns, 0, r.cl_ord_id, T0, orig, "asked"))
        else:
            self._step(OrderReplaced(ns, 0, r.cl_ord_id, T0, orig, r.order_qty, r.limit_px, r.stop_px, r.trail_px))

    @rule(pick=st.integers(0, 150))
    def bust(self, pick: int) -> None:
        fills = [(k.sent.cl_ord_id, e) for k in self.recount.orders.values() for e in k.execs]
        if fills and pick < 50:
            cl_ord_id, exec_id = fills[pick % len(fills)]
            self.execs += 1
            self._step(FillBusted(self._ns(), 0, cl_ord_id, T0, f"b{self.execs}", exec_id))

    @rule(now=st.integers(0, 3))
    def resume(self, now: int) -> None:
        if not now:
            self._step(SessionResumed(self._ns(), 0, "", "power cut"))

    @rule(name=st.sampled_from(["", "", "", "", "", "", "", "reduce_only", "resume", "resume", "resume"]))
    def command(self, name: str) -> None:
        """Seldom: where only reducing is allowed, no group is opened."""
        if name:
            self._step(OperatorCommandReceived(self._ns(), 0, "ann", name, "{}"))

    @rule()
    def wait(self) -> None:
        self.clock += 16
        now = T0 + self.clock * SECOND // 16
        for (strategy, name), due in sorted(self.world.engine.desk.state.timers.items()):
            if due <= now:
                self._step(TimerFired(now, 0, strategy, name, due))

    @rule(now=st.integers(0, 5))
    def copy(self, now: int) -> None:
        """The engine goes on as its frozen and thawed copy."""
        w = self.world
        if not now:
            w.engine, w.journal = thaw(freeze((w.engine, w.journal), w.engine.strategies), w.engine.strategies)

    @precondition(lambda self: hasattr(self, "world"))
    @rule()
    def settle(self) -> None:
        """The venue accepts and does all that was asked, and time passes, until nothing is on its way: then legs fit positions."""
        for _ in range(60):
            for order in self._orders(working=True):
                if not order.accepted or order.unknown:
                    self._step(OrderAccepted(self._ns(), 0, order.cl_ord_id, T0, "v"))
            requests = self._requests()
            for r in requests:
                if r.cl_ord_id not in self.answered:
                    self._answer(r)
            timers = any(strategy < 0 for strategy, _ in self.world.engine.desk.state.timers)
            if timers:
                self.wait()
            if not requests and not timers:
                break
        else:
            raise AssertionError("the groups never come to rest")
        self._at_rest()

    def _at_rest(self) -> None:
        for number, seen in self.recount.groups.items():
            if seen.opened.kind is not GroupKind.BRACKET or seen.wound:
                continue
            open_qty = max(0, seen.opened.legs[0].side * self.recount.net(seen))
            for role in ("stop", "target"):
                works = self.recount.works(seen, role)
                stiff = any("cannot be made smaller" in f for f in seen.failed)
                assert works <= open_qty or stiff, f"group {number}: {role} works for {works}, {open_qty} is open"
                if not seen.disturbed and not any(k.cancels for ids in seen.legs.values() for k in (self.recount.orders[i] for i in ids)):
                    assert works == open_qty, f"group {number}: {role} works for {works}, {open_qty} is open"

    def _check(self) -> None:
        found = self.world.events
        for _, event in found[self.taken :]:
            if isinstance(event, OrderSubmitted) and event.reduce_only:
                self._reduces(event)
            self.recount.take(event)
        self.taken = len(found)

    def _reduces(self, event: OrderSubmitted) -> None:
        """R-23 recounted: with every other order filled, but of each group's exits only the largest, the position does not grow or turn."""
        held = -event.side * self.recount.position
        mine = {i for g in self.recount.groups.values() for ids in g.legs.values() for i in ids}
        alone = {id(k): k for i, k in self.recount.orders.items() if not k.ids & mine and k.sent.side is event.side}
        against = sum(k.works for k in alone.values())
        own = int(self._reason(event).rpartition(" ")[2]) if " of group " in self._reason(event) else 0
        for number, seen in self.recount.groups.items():
            exits = [r for r in seen.legs if r != "entry" or seen.opened.kind is not GroupKind.BRACKET]
            found = [self.recount.orders[i] for r in exits for i in seen.legs[r]]
            works = [k.works for k in found if k.sent.side is event.side]
            entry = [self.recount.orders[i] for r in seen.legs if r not in exits for i in seen.legs[r]]
            against += sum(k.works for k in entry if k.sent.side is event.side)
            if seen.opened.kind is GroupKind.OTO:
                against += sum(works)
            elif number != own:
                against += max(works, default=0)
        assert event.order_qty <= held - against, "a reduce-only order that may turn the position"

    def _reason(self, event: OrderSubmitted) -> str:
        by_seq = dict(self.world.events)
        reason: str = by_seq[by_seq[event.cause].cause].reason
        return reason

    @invariant()
    def every_promise_holds(self) -> None:
        if not hasattr(self, "world"):
            return
        for number, seen in self.recount.groups.items():
            if seen.closed:
                assert not any(self.recount.works(seen, role) for role in seen.legs), f"group {number} is closed and has a working order"
            again = [f for f, n in Counter(seen.failed).items() if n > 1 and "more were traded" not in f]
            assert not again, f"recorded twice: {again}"
            for ids in seen.legs.values():
                for known in (self.recount.orders[i] for i in ids):
                    assert known.requests <= known.allowed, f"{known.sent.cl_ord_id} was asked to be canceled {known.requests} times"
        assert self.world.engine.desk.state.positions[0].qty == self.recount.position

    def teardown(self) -> None:
        """The same inputs lead to the same events."""
        if not hasattr(self, "world"):
            return
        again = World(Puppet(), rules=[MOOD])
        for given in self.inputs:
            if isinstance(given, tuple) or not hasattr(given, "ns"):
                again.tick(given)
            else:
                again.step(given)
        assert again.events == self.world.events


GroupsMachine.TestCase.settings = settings(max_examples=150, stateful_step_count=60)
TestGroupsMachine = GroupsMachine.TestCase
