"""The limits, halts and memories of a session: one fold over its events, asked for a gate by every order.

How its memories are told of events: `domain.risk.memory`.

Invariants: the newest version of a limit binds; a member is bound by every limit of its scopes; memory outlives a change of its limit; what
is remembered follows from the events alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from domain.errors import InvariantBroken
from domain.events import (
    ORDER_EVENTS,
    KillSwitchEngaged,
    LimitsChanged,
    SessionOpened,
    TradingHalted,
    TradingResumed,
    VenueConnected,
    VenueLost,
)
from domain.limits import OFF, Limit
from domain.order import Order
from domain.risk.bound import ANYONE, Bound, Newest
from domain.risk.gate import Gate
from domain.risk.memory import Memory, hears_trades, told
from domain.risk.rule import Rule
from domain.state import State
from domain.terms import Scope, TradingState

OPERATOR_NAME: Final = "operator"
_ACTIVE: Final = TradingState.ACTIVE
Place = tuple[Scope, str]


class Book:
    """What binds whom. `limits[n - 1]` is the limit with id n; `halts` the states by place and by the rule that asked for them ("" a person);
    `alerting` the memories of the watching rules, with their codes.
    """

    def __init__(self, opened: SessionOpened, state: State, rules: Sequence[Rule]) -> None:
        self.rules = {rule.id: rule for rule in rules}
        self.limits: list[Limit] = []
        self.halts: dict[Place, dict[str, TradingState]] = {}
        self.lost_venues: set[str] = set()
        self.alerting: list[tuple[str, Any]] = []
        self._state = state
        self._specs = opened.instruments
        self._strategies = tuple(s.name for s in opened.strategies)
        self.owners = tuple(s.owner for s in opened.strategies)
        self._versions: dict[tuple[str, Scope], list[Limit]] = {}
        self._members: dict[tuple[str, ...], frozenset[str]] = {}
        self._who: list[frozenset[str]] = []
        self._bounds: dict[tuple[str, Scope, str], Bound] = {}
        self._plain: dict[int, Bound] = {}
        self._common: dict[str, Any] = {}
        self._numbers: dict[Place, int] = {}
        self._newest = Newest()
        self._within: dict[Place, tuple[int, ...]] = {}
        for i, spec in enumerate(opened.instruments):
            for place in ((Scope.VENUE, spec.venue), (Scope.CLASS, spec.asset_class), (Scope.INSTRUMENT, spec.symbol)):
                self._within[place] = (*self._within.get(place, ()), i)
        self._all = tuple(range(len(opened.instruments)))
        self._gates = self._no_gates()
        self._routes: dict[type, list[Memory]] = {}
        self._heard: set[type] = set()
        for limit in opened.limits:
            self._take(limit)
        for rule in rules:
            if not rule.params:
                self._bind(rule, Scope.ACCOUNT, "")

    def gate(self, strategy: int, instrument: int) -> Gate:
        """What an order meets; the same object until limits or halts change."""
        gate = self._gates[strategy][instrument]
        if gate is None:
            gate = self._gates[strategy][instrument] = self._make(strategy, instrument)
        return gate

    def _no_gates(self) -> list[list[Gate | None]]:
        """By strategy and instrument; persons (-1) are the last of the list."""
        return [[None] * len(self._specs) for _ in (*self._strategies, OPERATOR_NAME)]

    def places(self, strategy: int, instrument: int) -> tuple[Place, ...]:
        """The scopes an order belongs to."""
        spec = self._specs[instrument]
        name = self._strategies[strategy] if strategy >= 0 else OPERATOR_NAME
        return (
            (Scope.ACCOUNT, ""), (Scope.VENUE, spec.venue), (Scope.CLASS, spec.asset_class), (Scope.INSTRUMENT, spec.symbol), (Scope.STRATEGY, name),
        )  # fmt: skip

    def covers(self, scope: Scope, member: str, strategy: int, instrument: int) -> bool:
        """Whether an order of this strategy in this instrument belongs to a place."""
        return (scope, member) in self.places(strategy, instrument)

    def members(self, scope: Scope) -> tuple[str, ...]:
        """Every member of a scope that this session has."""
        match scope:
            case Scope.ACCOUNT:
                return ("",)
            case Scope.VENUE:
                return tuple(dict.fromkeys(i.venue for i in self._specs))
            case Scope.CLASS:
                return tuple(dict.fromkeys(i.asset_class for i in self._specs))
            case Scope.INSTRUMENT:
                return tuple(i.symbol for i in self._specs)
            case Scope.STRATEGY:
                return (*self._strategies, OPERATOR_NAME)

    def state_of(self, scope: Scope, member: str) -> TradingState:
        """The state of one place by itself."""
        return max(self.halts.get((scope, member), {}).values(), default=_ACTIVE)

    def limit(self, rule: str, scope: Scope, member: str) -> Limit | None:
        """The limit in force, None when there is none."""
        for limit in reversed(self._versions.get((rule, scope), ())):
            if scope is Scope.ACCOUNT or member in self._who[limit.id - 1]:
                return limit
        return None

    def bound(self, rule: str, scope: Scope, member: str) -> Bound | None:
        """The limit in force as rules read it, with what its rule remembers."""
        found = self._bounds.get((rule, scope, member))
        if found is None and scope is Scope.INSTRUMENT:
            limit = self.limit(rule, scope, member)
            if limit is not None:
                known = self.rules[rule]
                return self._apart(known, limit, member) if known.memory is not None and not known.shared else self._together(known, limit)
        return found

    def bounds(self, rule: str) -> list[Bound]:
        """Every bound of a rule that belongs to one member alone, in the order in which they came to be."""
        return [b for (of, _, _), b in self._bounds.items() if of == rule]

    def evolve(self, event: Any, order: Order | None, seq: int) -> None:
        """Fold one event; `order` is the order that an order event concerns, else None. Position changes come by `trade`."""
        kind = type(event)
        if order is not None:
            if kind in self._heard:
                self.gate(order.strategy, order.instrument).hear(event, order, seq)
            return
        if kind in _OWN:
            self._own(event)
        for memory in self._routes.get(kind, ()):
            memory.evolve(event, None, seq)

    def trade(self, event: Any, strategy: int, instrument: int, qty: int, px: int, seq: int) -> None:
        """Tell the memories of a position change."""
        for memory in self.gate(strategy, instrument).trades:
            memory.trade(event, instrument, strategy, qty, px, seq)

    def _own(self, event: Any) -> None:
        match event:
            case LimitsChanged():
                self._take(event.limit)
            case TradingHalted():
                self.halts.setdefault((event.scope, event.member), {})[event.rule] = event.state
            case KillSwitchEngaged():
                self.halts.setdefault((event.scope, event.member), {})["K-01"] = TradingState.KILLED
            case TradingResumed():
                halts = self.halts.get((event.scope, event.member), {})
                halts.pop(event.rule, None)
            case VenueLost():
                self.lost_venues.add(event.venue)
            case VenueConnected():
                self.lost_venues.discard(event.venue)
        self._gates = self._no_gates()

    def _take(self, limit: Limit) -> None:
        if limit.id != len(self.limits) + 1:
            raise InvariantBroken(f"broken invariant: limit {limit.id} follows limit {len(self.limits)}")
        rule = self.rules.get(limit.rule)
        if rule is None:
            raise InvariantBroken(f"broken invariant: there is no rule {limit.rule} for limit {limit.id}")
        self.limits.append(limit)
        self._versions.setdefault((limit.rule, limit.scope), []).append(limit)
        self._who.append(self._members.setdefault(limit.members, frozenset(limit.members)))
        one_by_one = limit.scope is Scope.INSTRUMENT
        if one_by_one and rule.late and rule.memory is not None:
            self._heard.update(kind for kind in rule.memory.takes if kind in ORDER_EVENTS)
        if one_by_one and rule.shared:
            self._together(rule, limit)
        elif not one_by_one or rule.memory is not None:
            for member in limit.members or ("",):
                if not (one_by_one and rule.late) or (limit.rule, limit.scope, member) in self._bounds:
                    self._apart(rule, limit, member)

    def _apart(self, rule: Rule, limit: Limit, member: str) -> Bound:
        """The bound of one member alone, bound by this version of its limit."""
        bound = self._bounds.get((rule.id, limit.scope, member))
        if bound is None:
            bound = self._bind(rule, limit.scope, member)
        bound.take(limit)
        if bound.memory is None and rule.memory is not None:
            bound.memory = rule.memory(bound, self._state)
            self._listen(bound.memory)
            if rule.alerts:
                self.alerting.append((rule.code, bound.memory))
        elif hasattr(bound.memory, "retake"):
            bound.memory.retake()
        return bound

    def _together(self, rule: Rule, limit: Limit) -> Bound:
        """The one bound of all instruments that a limit binds, where there is no memory for each: a thousand symbols cost no more than one."""
        bound = self._plain.get(limit.id)
        if bound is None:
            bound = self._plain[limit.id] = Bound(rule.id, rule.version, limit.scope, "", (), ANYONE, self._number(limit.scope, ""), self._newest)
            bound.take(limit)
            bound.asked = (rule.check, bound)
            if rule.memory is not None:
                memory = self._common.get(rule.id)
                if memory is None:
                    memory = self._common[rule.id] = rule.memory(bound, self._state)
                    self._listen(memory)
                bound.memory = memory
        return bound

    def _bind(self, rule: Rule, scope: Scope, member: str) -> Bound:
        whole = scope is Scope.ACCOUNT or scope is Scope.STRATEGY
        instruments = self._all if whole else self._within.get((scope, member), ())
        strategy = ANYONE
        if scope is Scope.STRATEGY:
            strategy = self._strategies.index(member) if member in self._strategies else -1
        bound = self._bounds[rule.id, scope, member] = Bound(
            rule.id, rule.version, scope, member, instruments, strategy, self._number(scope, member), self._newest
        )  # fmt: skip
        bound.asked = (rule.check, bound)
        if not rule.params and rule.memory is not None:
            bound.memory = rule.memory(bound, self._state)
            self._listen(bound.memory)
        return bound

    def _number(self, scope: Scope, member: str) -> int:
        return self._numbers.setdefault((scope, member), len(self._numbers))

    def _listen(self, memory: Any) -> None:
        for kind in memory.takes:
            if kind in ORDER_EVENTS:
                self._heard.add(kind)
            else:
                self._routes.setdefault(kind, []).append(told(memory))

    def _make(self, strategy: int, instrument: int) -> Gate:
        places = self.places(strategy, instrument)
        checks: list[Bound] = []
        cancel_checks: list[Bound] = []
        memories: list[Any] = []
        for rule in self.rules.values():
            if not rule.params:
                found = [self._bounds[rule.id, Scope.ACCOUNT, ""]]
            else:
                found = [b for place in places if (b := self.bound(rule.id, *place)) is not None]
            for bound in found:
                if bound.memory is not None:
                    memories.append(bound.memory)
                if not rule.alerts and (not rule.params or any(v != OFF for v in bound.values)):
                    (cancel_checks if rule.on_cancel else checks).append(bound)
        routes: dict[type, tuple[Memory, ...]] = {}
        for memory in memories:
            for kind in memory.takes:
                if kind in ORDER_EVENTS:
                    routes[kind] = (*routes.get(kind, ()), told(memory))
        *shared, own = (self.state_of(scope, member) for scope, member in places)
        trades = tuple(told(m) for m in memories if hears_trades(m))
        asked = tuple(bound.asked for bound in checks)
        return Gate(asked, max(shared), routes, trades, tuple(bound.asked for bound in cancel_checks), own)


_OWN: Final = frozenset({LimitsChanged, TradingHalted, KillSwitchEngaged, TradingResumed, VenueLost, VenueConnected})
