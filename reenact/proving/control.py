"""What must hold for persons and states: kills, halts, resuming, second persons, overrides, limits, lost venues, old orders."""

from __future__ import annotations

from collections import Counter
from typing import Any

import msgspec

from domain import events as ev
from domain.limits import Limit
from domain.risk.rule import WIDTH
from domain.terms import TradingState
from reenact.proving.facts import Facts, Place
from reenact.proving.invariants import Invariant
from reenact.proving.known import Known

MOST_ASKS = 3


class Asks(Invariant):
    """Counts the cancels of every order; base of those that want one."""

    def __init__(self, facts: Facts, tested: Counter[str]) -> None:
        super().__init__(facts, tested)
        self.asked: Counter[int] = Counter()

    def ask(self, event: ev.OrderCancelRequested) -> None:
        """A cancel was requested."""
        known = self.facts.known
        if known is not None:
            self.asked[known.seq] += 1


class Kill(Asks):
    """The kill switch."""

    id = "K-01"
    says = "a kill asks for the cancel of every working order in scope, counts them, lists the UNKNOWN, and is complete when all are dead"
    after = (ev.KillSwitchEngaged, ev.KillCompleted, ev.OrderCancelRequested)

    def __init__(self, facts: Facts, tested: Counter[str]) -> None:
        super().__init__(facts, tested)
        self.open: dict[Place, tuple[ev.KillSwitchEngaged, list[Known]]] = {}
        self.since: dict[int, int] = {}

    def take(self, seq: int, event: Any) -> None:
        """Look at a kill, its completion, a cancel."""
        if isinstance(event, ev.OrderCancelRequested):
            self.ask(event)
            return
        place = event.scope, event.member
        if isinstance(event, ev.KillCompleted):
            found = self.open.pop(place, None)
            self.must(found is not None, f"a kill of {event.member or 'the account'} is complete that was not under way")
            if found is not None:
                alive = [k.cl_ord_id for k in found[1] if k.worst]
                self.must(not alive, f"the kill is called complete, but {', '.join(alive)} may still trade")
                self.must(event.took_ns == event.ns - found[0].ns, f"the kill took {event.ns - found[0].ns} ns, the record says {event.took_ns}")
                self.must(
                    event.canceled + event.filled == len(found[1]), f"{len(found[1])} orders worked, {event.canceled} and {event.filled} are told"
                )
            return
        inside = self._inside(place)
        self.must(event.working == len(inside), f"{len(inside)} orders worked in scope, the kill counts {event.working}")
        unknown = tuple(k.cl_ord_id for k in inside if k.unknown)
        self.must(event.unknown == unknown, f"the UNKNOWN orders in scope are {unknown}, the kill lists {event.unknown}")
        self.open[place] = event, inside
        for known in inside:
            self.since.setdefault(known.seq, self.asked[known.seq])

    def _inside(self, place: Place) -> list[Known]:
        return [k for k in self.facts.working.values() if place in self.facts.places(k.strategy, k.instrument)]

    def settle(self) -> None:
        """Every working order in a killed scope has a cancel intent; what is over is told."""
        facts = self.facts
        for place, halts in facts.halts.items():
            if "K-01" not in halts:
                continue
            for known in self._inside(place):
                enough = bool(known.cancel_ids) or self.asked[known.seq] >= MOST_ASKS
                self.must(enough, f"{place[1] or 'the account'} is killed, and order {known.cl_ord_id} works without a cancel intent")
        for place, (_, orders) in self.open.items():
            if not any(k.worst for k in orders):
                self.broken(f"every order of the kill of {place[1] or 'the account'} is dead, and nothing says so")


class Halts(Invariant):
    """Graded states."""

    id = "K-02"
    says = "a state falls by halts, a rule's or a kill's halt is lifted by two persons or by what the rule itself names, nobody lifts twice"
    before = (ev.TradingHalted, ev.TradingResumed, ev.KillSwitchEngaged)

    def ahead(self, seq: int, event: Any) -> None:
        """Look at a halt, kill or resumption before it counts."""
        facts = self.facts
        held = facts.halts.get((event.scope, event.member), {})
        where = event.member or "the account"
        if isinstance(event, ev.KillSwitchEngaged):
            self.must("K-01" not in held, f"{where} is killed twice")
        elif isinstance(event, ev.TradingHalted):
            old: Any = held.get(event.rule)
            state = TradingState.ACTIVE if old is None else old.state
            self.must(event.state > state, f"a halt of {where} by {event.rule or 'a person'} to {event.state.name} is no fall from {state.name}")
        else:
            self.must(event.rule in held, f"{where} is resumed from a halt by {event.rule or 'a person'} that does not stand")
            self._lifted(event)

    def _lifted(self, event: ev.TradingResumed) -> None:
        cause = self.facts.events.get(event.cause)
        where = event.member or "the account"
        if isinstance(cause, ev.OperatorCommandReceived):
            self.must(cause.command in ("resume", "approve"), f"{where} is resumed by the command {cause.command}")
            if event.rule:
                two = event.requester and event.approver and event.requester != event.approver
                self.must(two, f"{where} is resumed from {event.rule} by {event.requester!r} and {event.approver!r}, two persons are needed")
            if event.rule == "" and "resume" in self.facts.opened.control.two_persons:
                self.must(event.approver and event.approver != event.requester, f"{where} is resumed by {event.requester!r} alone")
            return
        own = {"K-03": ev.VenueConnected, "L-01": ev.DayRolled, "L-02": ev.DayRolled, "L-03": ev.TimerFired}.get(event.rule)
        self.must(own is not None and isinstance(cause, own), f"{where} is resumed from {event.rule or 'a person'} by {type(cause).__name__}")


class SecondPerson(Invariant):
    """Requests that wait for another person."""

    id = "K-05b"
    says = "a request is closed once, by another person who may approve, before it expires"
    after = (ev.ApprovalRequested, ev.ApprovalClosed)

    def __init__(self, facts: Facts, tested: Counter[str]) -> None:
        super().__init__(facts, tested)
        self.open: dict[int, ev.ApprovalRequested] = {}
        self.granted: dict[int, ev.ApprovalRequested] = {}

    def take(self, seq: int, event: Any) -> None:
        """Look at a request or its end."""
        if isinstance(event, ev.ApprovalRequested):
            self.open[event.number] = event
            return
        ask = self.open.pop(event.number, None)
        self.must(ask is not None, f"request {event.number} is closed without being open")
        if ask is None or event.outcome != "granted":
            return
        approvers = self.facts.opened.control.approvers
        self.must(event.actor and event.actor != ask.requester, f"request {event.number} of {ask.requester} is granted by {event.actor or 'nobody'}")
        self.must(not approvers or event.actor in approvers, f"request {event.number} is granted by {event.actor}, approvers are {approvers}")
        self.must(event.ns < ask.expires_ns, f"request {event.number} is granted at {event.ns}, it expired at {ask.expires_ns}")


class Overrides(Invariant):
    """Exceptions from one limit."""

    id = "K-05"
    says = "an override is of two persons, for one order of its strategy, instrument and limit, used once, before it expires"
    after = (ev.OverrideGranted, ev.OverrideClosed, ev.OrderApproved, ev.OrderSubmitted, ev.OrderReplaceRequested)

    def __init__(self, facts: Facts, tested: Counter[str]) -> None:
        super().__init__(facts, tested)
        self.open: dict[int, ev.OverrideGranted] = {}
        self.using: tuple[str, ev.OverrideGranted] | None = None
        self.used: set[int] = set()

    def take(self, seq: int, event: Any) -> None:
        """Look at a grant, a use, an end."""
        match event:
            case ev.OverrideGranted():
                self.must(
                    event.requester and event.verifier and event.requester != event.verifier,
                    f"{event.requester!r} and {event.verifier!r} are not two persons",
                )
                self.open[event.number] = event
            case ev.OrderApproved(override=0):
                bad = [c.rule for c in event.checks if not c.passed]
                self.must(
                    not bad, f"order {event.cl_ord_id} was approved although {', '.join(bad)} failed, without an override", bad[0] if bad else ""
                )
            case ev.OrderApproved():
                self._use(event)
            case ev.OverrideClosed():
                self.must(event.number in self.open, f"override {event.number} ends twice")
                self.open.pop(event.number, None)
            case _:
                if self.using is not None and self.using[0] == event.cl_ord_id:
                    self._fits(event, self.using[1])
                self.using = None

    def _use(self, event: ev.OrderApproved) -> None:
        given = self.open.get(event.override)
        self.must(
            given is not None and event.override not in self.used,
            f"order {event.cl_ord_id} uses override {event.override}, which is used or never was",
        )
        if given is None:
            return
        self.used.add(event.override)
        self.must(
            event.ns < given.expires_ns, f"order {event.cl_ord_id} uses override {event.override} at {event.ns}, it expired at {given.expires_ns}"
        )
        bad = [c for c in event.checks if not c.passed]
        own = [c for c in bad if c.rule == given.rule and c.limit_id == given.limit_id]
        self.must(
            bad == own,
            f"override {event.override} is for {given.rule}, order {event.cl_ord_id} also failed {', '.join(c.rule for c in bad if c not in own)}",
        )
        far = [c.observed for c in own if c.observed > given.most]
        self.must(not far, f"override {event.override} reaches to {given.most}, order {event.cl_ord_id} has {far}")
        self.using = event.cl_ord_id, given

    def _fits(self, event: Any, given: ev.OverrideGranted) -> None:
        known = self.facts.known
        if known is not None:
            own = known.strategy == given.strategy and known.instrument == given.instrument
            self.must(own, f"override {given.number} is used by order {event.cl_ord_id} of another strategy or instrument")


class Limits(Invariant):
    """Changes of limits."""

    id = "LIMITS"
    says = "limits change by command only, as asked, not before their time, by two persons where that is configured"
    before = (ev.LimitsChanged,)

    def ahead(self, seq: int, event: ev.LimitsChanged) -> None:
        """Look at a change before it counts."""
        facts, limit = self.facts, event.limit
        self.must(limit.id == len(facts.limits) + 1, f"limit {limit.id} follows limit {len(facts.limits)}")
        self.must(limit.effective_ns <= event.ns, f"limit {limit.id} binds at {event.ns}, before its time {limit.effective_ns}")
        cause = facts.events.get(event.cause)
        if not isinstance(cause, (ev.OperatorCommandReceived, ev.TimerFired)):
            self.broken(f"limit {limit.id} changed because of {type(cause).__name__}")
        if "limits" in facts.opened.control.two_persons:
            self.must(limit.approver and limit.approver != limit.owner, f"limit {limit.id} of {limit.owner!r} was approved by {limit.approver!r}")
        for member in limit.members or ("",):
            old = facts.in_force.get((limit.rule, limit.scope, member))
            if old is not None:
                self.must(limit.version == old.version + 1, f"limit {limit.id} is version {limit.version} after version {old.version}")
                if isinstance(cause, ev.OperatorCommandReceived) and cause.command == "limits":
                    self._merged(limit, old, msgspec.json.decode(cause.argument)["values"])

    def _merged(self, limit: Limit, old: Limit, asked: dict[str, list[int]]) -> None:
        at = 0
        for p in self.facts.rules[limit.rule].params:
            end = at + WIDTH[p.unit]
            wanted = tuple(asked.get(p.name, old.values[at:end]))
            self.must(limit.values[at:end] == wanted, f"{p.name} became {limit.values[at:end]}, {wanted} was asked for")
            at = end


class LostVenue(Asks):
    """Cancel on disconnect."""

    id = "K-03"
    says = "a venue that is lost for longer than configured is halted, and every order on it has a cancel intent"
    after = (ev.OrderCancelRequested, ev.VenueConnected, ev.TradingHalted)

    def __init__(self, facts: Facts, tested: Counter[str]) -> None:
        super().__init__(facts, tested)
        self.halted: set[str] = set()

    def take(self, seq: int, event: Any) -> None:
        """Count cancels, and remember halts of this rule: persons may lift one before the venue is back."""
        match event:
            case ev.OrderCancelRequested():
                self.ask(event)
            case ev.TradingHalted(rule="K-03"):
                self.halted.add(event.member)
            case ev.VenueConnected():
                self.halted.discard(event.venue)

    def settle(self) -> None:
        """What is lost for long is cut off."""
        facts = self.facts
        after = facts.opened.control.disconnect_ns
        if after < 0:
            return
        for venue, since in facts.lost_venues.items():
            if facts.now_ns - since < after or (after == 0 and facts.now_ns == since):
                continue
            self.must(venue in self.halted, f"{venue} is lost for {facts.now_ns - since} ns, the limit is {after}, and it was not halted")
            for known in facts.working.values():
                if facts.specs[known.instrument].venue == venue and known.ns < since + after and not known.revived:
                    self.must(self.asked[known.seq], f"{venue} is lost, and order {known.cl_ord_id} on it has no cancel intent")


class OldOrders(Asks):
    """The reaper."""

    id = "REAPER"
    says = "an order that works longer than its time has a cancel intent, unless it protects a position"
    after = (ev.OrderCancelRequested,)

    def take(self, seq: int, event: Any) -> None:
        """Count cancels."""
        self.ask(event)

    def settle(self) -> None:
        """Nothing is too old."""
        ttl = self.facts.opened.control.order_ttl_ns
        if ttl > 0:
            for known in self.facts.working.values():
                if self.facts.now_ns - known.ns > ttl and not known.protects:
                    self.must(self.asked[known.seq], f"order {known.cl_ord_id} works for {self.facts.now_ns - known.ns} ns, {ttl} are allowed")


KINDS = (Kill, Halts, SecondPerson, Overrides, Limits, LostVenue, OldOrders)
