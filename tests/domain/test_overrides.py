"""An override of one block: two persons, one limit, one order, a bound and an end; as a table, and as a machine against a naive model."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from domain.context import Context
from domain.control import Control
from domain.events import (
    ApprovalClosed,
    ApprovalRequested,
    ControlSettings,
    OrderApproved,
    OrderDenied,
    OrderReplaceRequested,
    OrderSubmitted,
    OverrideClosed,
    OverrideGranted,
    QuoteUpdated,
    TimerFired,
    TradePrinted,
)
from domain.limits import Check
from domain.replay import Replay
from domain.risk import Approved, Bound, Proposal, Rule, answer
from domain.strategy import Strategy
from domain.terms import Scope
from tests.domain.harness import SECOND, T0, World, bounds, trades
from tests.domain.people import asks, fire, house_timers, refusal

OVERRIDE: dict[str, object] = {
    "rule": "R-04", "strategy": "s0", "symbol": "X", "most": 20, "expires_ns": T0 + 100 * SECOND, "reason": "client block", "scope": "instrument",
    "member": "X",
}  # fmt: skip


class Wants(Strategy):
    """Orders as many as were traded."""

    def on_tick(self, ctx: Context, tick: TradePrinted | QuoteUpdated) -> None:
        if isinstance(tick, TradePrinted):
            ctx.buy(tick.instrument, tick.qty, limit_px=tick.px)


def world(**opened: Any) -> World:
    """A session that allows 10 per order, with two strategies."""
    return World(Wants(), Wants(), limits=bounds(max_order_qty=10, max_long=1_000), **opened)


def granted(w: World, at: int = 1, **changes: object) -> World:
    """The override asked for by ann and verified by ben."""
    w.step(asks("ann", "override", OVERRIDE | changes, at=at))
    (number,) = w.engine.control.approvals.open
    return w.step(asks("ben", "approve", {"number": number}, at=at))


def outcome(w: World, qty: int, *, at: int, instrument: int = 0) -> list[str]:
    """What the two strategies get for an order of that quantity."""
    n = len(w.events)
    w.tick(trades(100, instrument=instrument, start=at, qty=qty))
    return [type(e).__name__ for _, e in w.events[n:] if isinstance(e, OrderApproved | OrderDenied | OverrideClosed)]


def test_an_override_is_granted_by_two_persons_and_says_everything() -> None:
    """Given an override asked for and verified, then the log names limit, bound, strategy, instrument, end and both persons."""
    w = granted(world())
    (grant,) = w.of(OverrideGranted)
    assert grant == OverrideGranted(T0 + SECOND, 2, 1, "R-04", 1, 20, 0, 0, T0 + 100 * SECOND, "ann", "ben", "client block")
    assert [type(e).__name__ for _, e in w.events[1:]] == [
        "OperatorCommandReceived", "ApprovalRequested", "TimerSet", "OperatorCommandReceived", "ApprovalClosed", "OverrideGranted", "TimerSet",
    ]  # fmt: skip
    assert house_timers(w) == {"approval 1": 3601, "override 1": 100}


def test_the_first_order_it_fits_uses_it_up_and_the_next_is_denied() -> None:
    """Given an override for s0, when both strategies order too much twice, then the first order of s0 passes, and nothing else does."""
    w = granted(world())
    assert outcome(w, 15, at=2) == ["OrderApproved", "OverrideClosed", "OrderDenied"]
    (approved,), (closed,), (order,) = w.of(OrderApproved), w.of(OverrideClosed), w.of(OrderSubmitted)
    assert isinstance(approved, OrderApproved)
    assert isinstance(closed, OverrideClosed)
    assert isinstance(order, OrderSubmitted)
    assert (approved.override, closed.number, closed.cl_ord_id, order.strategy) == (1, 1, order.cl_ord_id, 0)
    assert [(c.rule, c.observed, c.limit) for c in approved.checks if not c.passed] == [("R-04", 15, 10)]
    assert closed.cause == order.cause
    assert w.sent == [order]
    assert outcome(w, 15, at=3) == ["OrderDenied", "OrderDenied"]
    fire(w, "override 1")
    assert len(w.of(OverrideClosed)) == 1


def test_an_order_that_passes_by_itself_does_not_use_it_up() -> None:
    """Given an override, when an order within the limit goes out, then it is kept for one that needs it."""
    w = granted(world())
    assert outcome(w, 10, at=2) == ["OrderApproved", "OrderApproved"]
    assert [e.override for e in w.of(OrderApproved) if isinstance(e, OrderApproved)] == [0, 0]
    assert outcome(w, 11, at=3) == ["OrderApproved", "OverrideClosed", "OrderDenied"]


@pytest.mark.parametrize(
    ("qty", "at", "instrument", "passes"), [(20, 2, 0, True), (21, 2, 0, False), (11, 99, 0, True), (11, 100, 0, False), (11, 2, 1, False)]
)
def test_it_reaches_as_far_as_two_persons_said(qty: int, at: int, instrument: int, passes: bool) -> None:
    """Given a bound of 20 in X until second 100, then one more, later or elsewhere is denied."""
    assert ("OverrideClosed" in outcome(granted(world()), qty, at=at, instrument=instrument)) is passes


def test_a_bound_of_nothing_is_a_bound() -> None:
    """Given an override with a bound of 0, then it may be granted, and no order with a quantity fits it."""
    w = granted(world(), most=0)
    assert len(w.of(OverrideGranted)) == 1
    assert outcome(w, 11, at=2) == ["OrderDenied", "OrderDenied"]


def test_a_second_failing_rule_is_not_overridden() -> None:
    """Given an override of the quantity, when the position limit fails too, then the order is denied and the override kept."""
    w = World(Wants(), limits=bounds(max_order_qty=10, max_long=12))
    granted(w)
    assert outcome(w, 15, at=2) == ["OrderDenied"]
    assert outcome(w, 12, at=3) == ["OrderApproved", "OverrideClosed"]


def test_a_later_version_of_the_limit_is_not_overridden() -> None:
    """Given an override of a limit that then changes, then the new version stops the order: two persons never saw it."""
    w = granted(world()).step(asks("ann", "limits", {"scope": "instrument", "members": ["X"], "values": {"max_order_qty": [11]}}, at=2))
    assert outcome(w, 15, at=3) == ["OrderDenied", "OrderDenied"]


def test_a_halt_is_never_overridden() -> None:
    """Given an override and then a kill, then the order is denied KILLED."""
    w = granted(world()).step(asks("ann", "kill", at=2))
    assert outcome(w, 15, at=3) == ["OrderDenied", "OrderDenied"]


def test_an_unused_override_expires() -> None:
    """Given an override nobody uses, when its time comes, then it is closed without an order, and lets nothing pass."""
    w = fire(granted(world()), "override 1")
    (closed,) = w.of(OverrideClosed)
    assert isinstance(closed, OverrideClosed)
    assert (closed.number, closed.cl_ord_id, closed.ns) == (1, "", T0 + 100 * SECOND)
    assert not w.engine.desk.overrides


def test_a_replacement_may_use_an_override() -> None:
    """Given an override, when a working order is changed to too much, then the change leaves and uses it up."""

    class Grows(Strategy):
        def __init__(self) -> None:
            self.id = ""

        def on_tick(self, ctx: Context, tick: TradePrinted | QuoteUpdated) -> None:
            self.id = ctx.replace(self.id, qty=15) or self.id if self.id else ctx.buy(0, 10, limit_px=100)

    w = World(Grows(), limits=bounds(max_order_qty=10)).tick(trades(100, 100))
    assert len(w.of(OrderDenied)) == 1
    granted(w, at=5).tick(trades(100, start=6))
    (closed,) = w.of(OverrideClosed)
    (request,) = w.of(OrderReplaceRequested)
    assert isinstance(closed, OverrideClosed)
    assert isinstance(request, OrderReplaceRequested)
    assert closed.cl_ord_id == request.cl_ord_id
    assert [type(m.message).__name__ for m in w.engine.desk.outbox if isinstance(m, Approved)] == ["OrderSubmitted", "OrderReplaceRequested"]


def test_an_order_by_hand_may_use_an_override_for_the_operator() -> None:
    """Given an override for orders by hand, then a strategy does not use it and a person's order does."""
    w = granted(world(), strategy="operator")
    assert outcome(w, 15, at=2) == ["OrderDenied", "OrderDenied"]
    w.step(asks("zoe", "order", {"symbol": "X", "side": "buy", "qty": 15, "limit_px": 100}, at=3))
    assert len(w.of(OverrideClosed)) == 1


def test_a_rule_that_raises_is_not_overridden_even_if_it_might_be() -> None:
    """Given an override of a rule that then raises, then the order is denied, the account is halted and the override kept."""
    broken: list[bool] = []

    def check_mood(p: Proposal, limit: Bound) -> Check:
        if broken:
            raise ArithmeticError
        return answer(limit, False, 5, 1)

    w = World(Wants(), rules=(Rule("U-1", "MOOD", "count", check_mood, overridable=True),))
    w.engine.desk.overrides[1] = OverrideGranted(T0, 1, 1, "U-1", 0, 10, 0, 0, T0 + 100 * SECOND, "ann", "ben", "x")
    broken.append(True)
    assert outcome(w, 1, at=1) == ["OrderDenied"]
    assert list(w.engine.desk.overrides) == [1]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"rule": "R-99"}, "there is no rule 'R-99'"),
        ({"rule": "K-01"}, "the rule K-01 cannot be overridden; "),
        ({"strategy": "s7"}, "there is no strategy 's7'"),
        ({"symbol": "Q"}, "there is no instrument 'Q'"),
        ({"most": -1}, "is 0 or more"),
        ({"most": 2**62}, "fits into 62 bits"),
        ({"expires_ns": T0 + SECOND}, "an override expires after now"),
        ({"expires_ns": 0}, "an override expires after now"),
        ({"expires_ns": 2**62}, "within 62 bits"),
        ({"reason": ""}, "an override needs a reason"),
        ({"scope": "", "member": ""}, "name the limit by its id, or by its scope and member"),
        ({"scope": "desk"}, "there is no scope 'desk'"),
        ({"member": "Q"}, "there is no instrument 'Q'"),
        ({"rule": "R-01"}, "the rule R-01 has no limit for instrument X"),
        ({"limit_id": 1}, "by its id or by its scope and member, not by both"),
        ({"scope": "", "member": "", "limit_id": 2}, "the rule R-04 has no limit 2"),
        ({"scope": "", "member": "", "limit_id": 99}, "the rule R-04 has no limit 99"),
        ({"scope": "", "member": "", "limit_id": -1}, "the rule R-04 has no limit -1"),
        ({"member": "Y"}, "limit 1 does not bind orders of s0 in X"),
    ],
)
def test_an_override_without_sense_is_refused_before_anybody_must_verify_it(changes: dict[str, object], sentence: str) -> None:
    """Given an override that cannot be, then a sentence with its code says why, and no request is made."""
    w = world().step(asks("ann", "override", OVERRIDE | changes, at=1))
    assert refusal(w).startswith("OVERRIDE_INVALID: ")
    assert sentence in refusal(w)
    assert not w.of(ApprovalRequested, OverrideGranted)


def test_the_limit_may_be_named_by_its_id_while_it_is_in_force() -> None:
    """Given the id of a limit, then it is the one that is overridden; an id whose version is over is refused."""
    w = granted(world(), scope="", member="", limit_id=1)
    assert outcome(w, 15, at=2)[:2] == ["OrderApproved", "OverrideClosed"]
    w.step(asks("ann", "limits", {"scope": "instrument", "members": ["X"], "values": {"max_order_qty": [11]}}, at=3))
    w.step(asks("ann", "override", OVERRIDE | {"scope": "", "member": "", "limit_id": 1, "symbol": "Y"}, at=4))
    assert len(w.engine.control.approvals.open) == 1  # for Y the first version is still in force
    w.step(asks("ann", "limits", {"scope": "instrument", "members": ["Y"], "values": {"max_order_qty": [11]}}, at=5))
    w.step(asks("ann", "override", OVERRIDE | {"scope": "", "member": "", "limit_id": 1}, at=6))
    assert "limit 1 is not in force any more" in refusal(w)
    w.step(asks("ben", "approve", {"number": 2}, at=7))
    assert refusal(w).startswith("OVERRIDE_INVALID")  # judged again when it is verified


def test_the_verifier_is_another_person_and_an_approver_where_these_are_named() -> None:
    """Given named approvers, then neither the requester nor anybody else may verify."""
    w = world(control=ControlSettings(approvers=("ann", "eve"))).step(asks("ann", "override", OVERRIDE, at=1))
    for actor in ("ann", "ben"):
        w.step(asks(actor, "approve", {"number": 1}, at=2))
        assert refusal(w)
    w.step(asks("eve", "approve", {"number": 1}, at=3))
    assert len(w.of(OverrideGranted)) == 1


PERSON = st.sampled_from(["ann", "ben", "eve"])
INSTRUMENT = st.sampled_from([0, 0, 1])


class Persons(RuleBasedStateMachine):
    """Three persons ask for, verify and decline overrides while a strategy orders and time passes; the model recounts it all from the log."""

    @initialize(approvers=st.sampled_from([(), ("ben",), ("ann", "ben")]))
    def begin(self, approvers: tuple[str, ...]) -> None:
        self.approvers = approvers
        self.w = world(control=ControlSettings(approvers=approvers, approval_ns=30 * SECOND))
        self.at = 1

    @rule(seconds=st.integers(1, 25))
    def wait(self, seconds: int) -> None:
        until = T0 + (self.at + seconds) * SECOND
        timers = self.w.engine.desk.state.timers
        while timers and (first := min((due, name) for (_, name), due in timers.items()))[0] <= until:
            self.w.step(TimerFired(first[0], 0, -1, first[1], first[0]))
        self.at += seconds

    @rule(
        actor=PERSON,
        most=st.sampled_from([9, 12, 15]),
        lasts=st.sampled_from([0, 3, 9, 40]),
        instrument=INSTRUMENT,
        who=st.sampled_from(["s0", "s1"]),
    )
    def ask(self, actor: str, most: int, lasts: int, instrument: int, who: str) -> None:
        symbol = "XY"[instrument]
        wanted = OVERRIDE | {"most": most, "expires_ns": T0 + (self.at + lasts) * SECOND, "symbol": symbol, "member": symbol, "strategy": who}
        self.w.step(asks(actor, "override", wanted, at=self.at))

    @rule(actor=PERSON, command=st.sampled_from(["approve", "approve", "approve", "decline"]), back=st.sampled_from([0, 0, 1, 2]))
    def decide(self, actor: str, command: str, back: int) -> None:
        self.w.step(asks(actor, command, {"number": len(self.w.of(ApprovalRequested)) - back}, at=self.at))

    @rule(most=st.sampled_from([12, 15]), instrument=INSTRUMENT, who=st.sampled_from(["s0", "s1"]), verifier=st.sampled_from(["ben", "ben", "eve"]))
    def agree(self, most: int, instrument: int, who: str, verifier: str) -> None:
        self.ask("ann", most, 40, instrument, who)
        self.decide(verifier, "approve", 0)

    @rule(qty=st.sampled_from([10, 11, 12, 13, 15, 16]), instrument=INSTRUMENT)
    def order(self, qty: int, instrument: int) -> None:
        self.wait(1)
        self.w.tick(trades(100, instrument=instrument, start=self.at, qty=qty))

    @invariant()
    def a_failed_check_leaves_only_under_an_override_of_its_own(self) -> None:
        """Every order with a failed check names a grant that fits it; no grant is named twice; every grant had two persons and an approver."""
        grants: dict[int, OverrideGranted] = {}
        asked: dict[int, ApprovalRequested] = {}
        closed: dict[int, str] = {}
        orders = {e.cl_ord_id: e for e in self.w.of(OrderSubmitted) if isinstance(e, OrderSubmitted)}
        over: set[int] = set()
        for seq, e in self.w.events:
            match e:
                case ApprovalRequested():
                    asked[e.number] = e
                case ApprovalClosed():
                    assert e.number not in closed
                    closed[e.number] = e.outcome
                    assert (e.outcome == "expired") == (e.ns >= asked[e.number].expires_ns)
                case OverrideGranted():
                    assert closed[e.number] == "granted"
                    assert e.requester != e.verifier
                    assert not self.approvers or e.verifier in self.approvers
                    grants[e.number] = e
                case OverrideClosed():
                    assert e.number not in over
                    over.add(e.number)
                    assert bool(e.cl_ord_id) == (e.ns < grants[e.number].expires_ns)
                case OrderApproved():
                    failed = [c for c in e.checks if not c.passed]
                    assert bool(failed) == bool(e.override)
                    for check in failed:
                        grant = grants[e.override]
                        order = orders[e.cl_ord_id]
                        assert (check.rule, check.limit_id) == ("R-04", grant.limit_id)
                        assert check.observed <= grant.most
                        assert e.ns < grant.expires_ns
                        assert (order.strategy, order.instrument) == (grant.strategy, grant.instrument)
                        assert e.override not in over
                case OrderDenied() if e.reason == "MAX_ORDER_QTY":
                    self._nothing_fitted(seq, e, {n: g for n, g in grants.items() if n not in over})

    def _nothing_fitted(self, seq: int, denied: OrderDenied, live: dict[int, OverrideGranted]) -> None:
        """A denial for size alone means that no live grant was for this strategy and instrument, wide enough."""
        signal = next(e for s, e in self.w.events if s == denied.cause)
        (failed,) = (c for c in denied.checks if not c.passed)
        for grant in live.values():
            fits = (grant.strategy, grant.instrument) == (signal.strategy, signal.instrument) and failed.observed <= grant.most  # type: ignore[union-attr]
            assert not fits or denied.ns >= grant.expires_ns

    def teardown(self) -> None:
        """Re-enacted from the recorded inputs, every decision is the same, byte for byte."""
        if hasattr(self, "w"):
            (progress,) = Replay("test", lambda _: [Wants(), Wants()]).follow([self.w.record()])
            assert progress.commits == 1


TestPersons = Persons.TestCase
TestPersons.settings = settings(stateful_step_count=20)


def test_the_control_room_is_part_of_every_engine() -> None:
    """Given any session, then it has a control room, and the account is a place of its own."""
    w = world()
    assert isinstance(w.engine.control, Control)
    assert w.engine.desk.risk.members(Scope.ACCOUNT) == ("",)
