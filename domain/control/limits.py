"""Decides whether a person's new limits may bind, and from when.

Invariants: a limit changes by command only; what does not fit its unit, contradicts other limits or reaches into the past is refused; what
is left out stays as it is when the change takes effect, not as it was when it was asked for.
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

from domain.commands import ChangeLimits
from domain.control.words import Refused, nearest, place_of, scope_of
from domain.desk import FAR
from domain.events import LimitsChanged, OperatorCommandRefused, TimerFired
from domain.limits import Limit
from domain.risk import OFF, Rule
from domain.risk.contradictions import contradictions, split, unfit
from domain.terms import Scope

if TYPE_CHECKING:
    from domain.control.asks import Ask, Deed
    from domain.engine import Engine


class LimitChanges:
    """Changes of limits, and those that wait for their time: by number, with who asked and who approved."""

    def __init__(self, engine: Engine) -> None:
        self._desk = engine.desk
        self._instruments = engine.desk.state.instruments
        self._waiting: dict[int, tuple[ChangeLimits, str, str]] = {}
        self._number = 0
        engine.timers["limits"] = self._due

    def decide(self, ask: Ask, command: ChangeLimits) -> Deed:
        """What obeying does. Raises Refused."""
        desk = self._desk
        scope_of(command.scope)
        if command.scope == "account" and command.members:
            raise Refused(f"the account has no members: leave {', '.join(command.members)} out")
        if len(set(command.members)) != len(command.members):
            raise Refused("a member is named twice")
        for member in command.members or ("",):
            place_of(desk.risk, command.scope, member)
        _check_words(command, list(desk.risk.rules.values()))
        now = desk.now_ns
        if command.effective_ns and not now <= command.effective_ns <= FAR:
            raise Refused(
                f"limits cannot take effect at {command.effective_ns}: that is {'before now' if command.effective_ns < now else 'too far away'} ({now})"
            )
        self._made(command, ask.actor, ask.approver)

        def deed() -> None:
            if command.effective_ns > now:
                self._number += 1
                self._waiting[self._number] = command, ask.actor, ask.approver
                desk.set_timer(-1, f"limits {self._number}", command.effective_ns)
            else:
                self._change(command, ask.actor, ask.approver)

        return deed

    def _due(self, event: TimerFired, seq: int) -> None:
        command, owner, approver = self._waiting.pop(int(event.name.partition(" ")[2]))
        try:
            self._change(command, owner, approver)
        except Refused as e:
            desk = self._desk
            desk.emit(OperatorCommandRefused(desk.now_ns, seq, f"the limits that {owner} asked for cannot take effect: {e}"))

    def _change(self, command: ChangeLimits, owner: str, approver: str) -> None:
        desk = self._desk
        for limit in self._made(command, owner, approver):
            desk.emit(LimitsChanged(desk.now_ns, desk.cause, limit))

    def _made(self, command: ChangeLimits, owner: str, approver: str) -> list[Limit]:
        """The limits as they would bind from now on; members whose numbers differ in what is left out get a limit each. Raises Refused."""
        book = self._desk.risk
        scope = scope_of(command.scope)
        found: list[Limit] = []
        for rule in book.rules.values():
            if not any(p.name in command.values for p in rule.params):
                continue
            groups: dict[tuple[tuple[int, ...], int], list[str]] = {}
            for member in command.members or ("",):
                old = book.limit(rule.id, scope, member)
                values = _merged(rule, old.values if old is not None else (OFF,) * rule.width, command.values)
                groups.setdefault((values, old.version + 1 if old is not None else 1), []).append(member)
            for (values, version), members in groups.items():
                named = tuple(members) if scope is not Scope.ACCOUNT else ()
                effective = command.effective_ns or self._desk.now_ns
                found.append(Limit(len(book.limits) + len(found) + 1, rule.id, scope, named, values, version, owner, approver, effective))
        rules = tuple(book.rules.values())
        known = set(contradictions(book.limits, self._instruments, rules))
        for sentence in contradictions(chain(book.limits, found), self._instruments, rules):
            if sentence not in known:
                raise Refused(sentence)
        return found


def _merged(rule: Rule, old: tuple[int, ...], values: dict[str, tuple[int, ...]]) -> tuple[int, ...]:
    """A rule's numbers, those of the command in the place of the old ones."""
    return tuple(n for param, numbers in split(rule.params, old) for n in values.get(param.name, numbers))


def _check_words(command: ChangeLimits, rules: list[Rule]) -> None:
    """Raises Refused for a parameter that no rule has, that does not bind this scope, or whose numbers are none of its unit."""
    if not command.values:
        raise Refused("the command names no limit")
    by_name = {p.name: (p, rule) for rule in rules for p in rule.params}
    for name, numbers in command.values.items():
        if name not in by_name:
            raise Refused(f"there is no limit {name!r}{nearest(name, by_name)}")
        param, rule = by_name[name]
        scopes = [scope.name.lower() for scope in rule.scopes]
        if command.scope not in scopes:
            raise Refused(f"{name} binds by {' or '.join(scopes)}, not by {command.scope}")
        wrong = unfit(param, numbers)
        if wrong:
            raise Refused(wrong)
