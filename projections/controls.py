"""Decides what bound a session and when: limits, halts and kills, requests that waited for a second person, overrides, groups of orders.

Invariants: a limit binds a member from its event until the next limit of the same rule, scope and member; a halt ends with the event that
lifts it or takes its place; nothing is ever taken off, only ended.
"""

from __future__ import annotations

from typing import Any

import msgspec

from domain.events import (
    ApprovalClosed,
    ApprovalRequested,
    GroupClosed,
    GroupLegFailed,
    GroupLegged,
    GroupOpened,
    GroupReopened,
    KillCompleted,
    KillSwitchEngaged,
    LimitsChanged,
    OverrideClosed,
    OverrideGranted,
    SessionOpened,
    StrategySpec,
    TradingHalted,
    TradingResumed,
)
from domain.limits import Limit
from domain.terms import Scope, TradingState
from projections import Fold, strategy_name

KILL_RULE = "K-01"


class Binding(msgspec.Struct, gc=False):
    """A limit for one member of its scope ("" for the account). `until_seq` is 0 while it is in force."""

    limit: Limit
    member: str
    seq: int
    ns: int
    until_seq: int = 0


class Halt(msgspec.Struct):
    """A scope that was not free to trade. `rule` is "" where a person asked, `KILL_RULE` for a kill; `ended_seq` is 0 while it lasts.

    `actor`, `working`, `unknown`, `canceled`, `filled`, `took_ns` are of a kill; `took_ns` is None until the last order is proven dead.
    """

    scope: Scope
    member: str
    rule: str
    state: TradingState
    reason: str
    seq: int
    ns: int
    until_ns: int = 0
    observed: int = 0
    limit: int = 0
    actor: str = ""
    working: int = 0
    unknown: tuple[str, ...] = ()
    canceled: int = 0
    filled: int = 0
    took_ns: int | None = None
    ended_seq: int = 0
    ended_ns: int = 0
    requester: str = ""
    approver: str = ""


class Approval(msgspec.Struct):
    """A command that waited for a second person. `outcome` is empty while it waits."""

    asked: ApprovalRequested
    seq: int
    outcome: str = ""
    actor: str = ""
    reason: str = ""
    closed_seq: int = 0


class Override(msgspec.Struct):
    """An order that two persons let pass a rule once. `closed_seq` is 0 while it may be used; `cl_ord_id` is the order that used it."""

    granted: OverrideGranted
    strategy: str
    seq: int
    cl_ord_id: str = ""
    closed_seq: int = 0


class Group(msgspec.Struct):
    """Orders that belong together: `legs` as (role, cl_ord_id) in the order they were sent, `failed` the legs that failed.

    `open_qty`: what its fills left open and unprotected, once it is closed.
    """

    opened: GroupOpened
    strategy: str
    seq: int
    legs: list[tuple[str, str]]
    failed: list[tuple[str, str, str]]
    closed_seq: int = 0
    open_qty: int = 0
    reason: str = ""


class Controls(Fold):
    """Everything that bound a session, in the order in which it began."""

    def __init__(self) -> None:
        self.bindings: list[Binding] = []
        self.halts: list[Halt] = []
        self.approvals: list[Approval] = []
        self.overrides: list[Override] = []
        self.groups: list[Group] = []
        self._strategies: tuple[StrategySpec, ...] = ()
        self._in_force: dict[tuple[str, Scope, str], Binding] = {}
        self._halted: dict[tuple[Scope, str, str], Halt] = {}
        self._numbered: dict[tuple[type, int], Any] = {}
        self.handlers = {
            SessionOpened: self._open, LimitsChanged: self._limit, TradingHalted: self._halt, TradingResumed: self._resume,
            KillSwitchEngaged: self._kill, KillCompleted: self._killed, ApprovalRequested: self._ask, ApprovalClosed: self._answered,
            OverrideGranted: self._override, OverrideClosed: self._overrode, GroupOpened: self._group, GroupLegged: self._leg,
            GroupLegFailed: self._leg_failed, GroupClosed: self._group_closed, GroupReopened: self._group_reopened,
        }  # fmt: skip

    def in_force(self) -> list[Binding]:
        """What binds now, in the order of the limits' ids."""
        return [b for b in self.bindings if not b.until_seq]

    def halted(self) -> list[Halt]:
        """What is not free to trade now."""
        return [h for h in self.halts if not h.ended_seq]

    def _open(self, seq: int, event: SessionOpened) -> None:
        self._strategies = event.strategies
        for limit in event.limits:
            self._bind(seq, event.ns, limit)

    def _limit(self, seq: int, event: LimitsChanged) -> None:
        self._bind(seq, event.ns, event.limit)

    def _bind(self, seq: int, ns: int, limit: Limit) -> None:
        for member in limit.members or ("",):
            key = (limit.rule, limit.scope, member)
            before = self._in_force.get(key)
            if before is not None:
                before.until_seq = seq
            found = self._in_force[key] = Binding(limit, member, seq, ns)
            self.bindings.append(found)

    def _halt(self, seq: int, event: TradingHalted) -> None:
        self._begin(Halt(
            event.scope, event.member, event.rule, event.state, event.reason, seq, event.ns, event.until_ns, event.observed, event.limit,
        ))  # fmt: skip

    def _kill(self, seq: int, event: KillSwitchEngaged) -> None:
        self._begin(Halt(
            event.scope, event.member, KILL_RULE, TradingState.KILLED, event.reason, seq, event.ns, actor=event.actor, working=event.working,
            unknown=event.unknown,
        ))  # fmt: skip

    def _begin(self, halt: Halt) -> None:
        key = (halt.scope, halt.member, halt.rule)
        before = self._halted.get(key)
        if before is not None:
            before.ended_seq, before.ended_ns = halt.seq, halt.ns
        self._halted[key] = halt
        self.halts.append(halt)

    def _killed(self, seq: int, event: KillCompleted) -> None:
        for halt in reversed(self.halts):
            if (halt.scope, halt.member, halt.rule) == (event.scope, event.member, KILL_RULE):
                halt.canceled, halt.filled, halt.took_ns = event.canceled, event.filled, event.took_ns
                return

    def _resume(self, seq: int, event: TradingResumed) -> None:
        halt = self._halted.pop((event.scope, event.member, event.rule), None)
        if halt is not None:
            halt.ended_seq, halt.ended_ns, halt.requester, halt.approver = seq, event.ns, event.requester, event.approver

    def _ask(self, seq: int, event: ApprovalRequested) -> None:
        found = self._numbered[ApprovalRequested, event.number] = Approval(event, seq)
        self.approvals.append(found)

    def _answered(self, seq: int, event: ApprovalClosed) -> None:
        found = self._numbered.get((ApprovalRequested, event.number))
        if found is not None:
            found.outcome, found.actor, found.reason, found.closed_seq = event.outcome, event.actor, event.reason, seq

    def _override(self, seq: int, event: OverrideGranted) -> None:
        found = self._numbered[OverrideGranted, event.number] = Override(event, strategy_name(self._strategies, event.strategy), seq)
        self.overrides.append(found)

    def _overrode(self, seq: int, event: OverrideClosed) -> None:
        found = self._numbered.get((OverrideGranted, event.number))
        if found is not None:
            found.cl_ord_id, found.closed_seq = event.cl_ord_id, seq

    def _group(self, seq: int, event: GroupOpened) -> None:
        found = self._numbered[GroupOpened, event.number] = Group(event, strategy_name(self._strategies, event.strategy), seq, [], [])
        self.groups.append(found)

    def _leg(self, seq: int, event: GroupLegged) -> None:
        found = self._numbered.get((GroupOpened, event.number))
        if found is not None:
            found.legs.append((event.role, event.cl_ord_id))

    def _leg_failed(self, seq: int, event: GroupLegFailed) -> None:
        found = self._numbered.get((GroupOpened, event.number))
        if found is not None:
            found.failed.append((event.role, event.cl_ord_id, event.reason))

    def _group_closed(self, seq: int, event: GroupClosed) -> None:
        found = self._numbered.get((GroupOpened, event.number))
        if found is not None:
            found.closed_seq, found.open_qty, found.reason = seq, event.open_qty, event.reason

    def _group_reopened(self, seq: int, event: GroupReopened) -> None:
        found = self._numbered.get((GroupOpened, event.number))
        if found is not None:
            found.closed_seq, found.open_qty, found.reason = 0, 0, event.reason
