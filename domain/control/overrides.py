"""Decides which blocks may be overridden, and when an override ends.

Invariants: an override is granted by two persons, the verifier is another than the requester; it lets one order pass one limit once, no
further than its `most`; it ends when it is used or when its time has come. A limit that changes takes its overrides with it: the new
version has another id. Source: RTS 6 Art. 15(6); RTS 7 Art. 20(2)(d); features D K-05.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from domain.commands import OverrideBlock
from domain.control.words import Refused, instrument_of, nearest, place_of, strategy_of
from domain.desk import FAR
from domain.events import OverrideClosed, OverrideGranted, TimerFired
from domain.limits import Limit
from domain.risk.book import OPERATOR_NAME
from domain.terms import Scope

if TYPE_CHECKING:
    from domain.control.asks import Ask, Deed
    from domain.engine import Engine

CODE: Final = "OVERRIDE_INVALID"


class Overrides:
    """Grants go into `desk.overrides`, where the next order finds them."""

    def __init__(self, engine: Engine) -> None:
        self._desk = engine.desk
        engine.timers["override"] = self._due

    def decide(self, ask: Ask, command: OverrideBlock, number: int) -> Deed:
        """What granting does; `number` is the request's. Raises Refused."""
        try:
            granted = self._judged(ask, command, number)
        except Refused as e:
            raise Refused(f"{CODE}: {e}") from None
        desk = self._desk

        def deed() -> None:
            desk.overrides[number] = given = msgspec.structs.replace(granted, cause=desk.cause)
            desk.emit(given)
            desk.set_timer(-1, f"override {number}", granted.expires_ns)

        return deed

    def _judged(self, ask: Ask, command: OverrideBlock, number: int) -> OverrideGranted:
        desk = self._desk
        rules = desk.risk.rules
        rule = rules.get(command.rule)
        if rule is None:
            raise Refused(f"there is no rule {command.rule!r}{nearest(command.rule, rules)}")
        if not rule.overridable:
            known = ", ".join(r.id for r in rules.values() if r.overridable)
            raise Refused(f"the rule {rule.id} cannot be overridden; {known or 'none'} can")
        strategy = strategy_of(desk.risk, command.strategy)
        instrument = instrument_of(desk, command.symbol)
        limit = self._limit(command, strategy, instrument)
        if not 0 <= command.most <= FAR:
            raise Refused(f"the largest observed value that may pass is 0 or more and fits into 62 bits, not {command.most}")
        if not desk.now_ns < command.expires_ns <= FAR:
            raise Refused(f"an override expires after now ({desk.now_ns}) and within 62 bits, not at {command.expires_ns}")
        if not command.reason:
            raise Refused("an override needs a reason")
        return OverrideGranted(
            desk.now_ns, desk.cause, number, rule.id, limit.id, command.most, strategy, instrument, command.expires_ns, ask.actor, ask.approver,
            command.reason,
        )  # fmt: skip

    def _limit(self, command: OverrideBlock, strategy: int, instrument: int) -> Limit:
        """The limit in force that is meant. Raises Refused."""
        book = self._desk.risk
        if command.limit_id:
            if command.scope or command.member:
                raise Refused("name the limit by its id or by its scope and member, not by both")
            limit = book.limits[command.limit_id - 1] if 0 < command.limit_id <= len(book.limits) else None
            if limit is None or limit.rule != command.rule:
                raise Refused(f"the rule {command.rule} has no limit {command.limit_id}")
            places = [(limit.scope, member) for member in limit.members or ("",) if book.limit(limit.rule, limit.scope, member) is limit]
            if not places:
                raise Refused(f"limit {limit.id} is not in force any more: a later version took its place")
        else:
            if not command.scope:
                raise Refused("name the limit by its id, or by its scope and member")
            place = place_of(book, command.scope, command.member)
            limit = book.limit(command.rule, *place)
            if limit is None:
                raise Refused(f"the rule {command.rule} has no limit for {command.scope} {command.member}".rstrip())
            places = [place]
        if not any(book.covers(scope, member, strategy, instrument) for scope, member in places):
            name = book.members(Scope.STRATEGY)[strategy] if strategy >= 0 else OPERATOR_NAME
            raise Refused(f"limit {limit.id} does not bind orders of {name} in {command.symbol}")
        return limit

    def _due(self, event: TimerFired, seq: int) -> None:
        number = int(event.name.partition(" ")[2])
        if self._desk.overrides.pop(number, None) is not None:
            self._desk.emit(OverrideClosed(self._desk.now_ns, seq, number, ""))
