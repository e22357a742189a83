"""What persons can ask for: halts, kills, resuming, limits, overrides, orders by hand, the answers of a second person.

Invariants: a command is made of words that the session knows, now and then of ones that it does not.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from domain import events as ev
from domain.limits import OFF
from domain.risk.rule import WIDTH
from domain.terms import Scope
from reenact.proving.dice import Dice, Mover
from reenact.proving.facts import PERSON, PERSON_NAME
from reenact.proving.near import near_px, near_qty
from reenact.proving.walk import Walk

ACTORS = ("ada", "bob", "cy")


class Persons(Mover):
    """Operator commands. `stern`: halts and kills are asked for as well."""

    def __init__(self, walk: Walk, *, stern: bool) -> None:
        super().__init__(walk)
        self.stern = stern
        self.asks: dict[int, ev.ApprovalRequested] = {}

    def moves(self) -> tuple[Callable[[Dice], None], ...]:
        """The moves, the frequent ones several times."""
        if self.stern:
            return (
                self.order,
                self.resume,
                self.second,
                self.halt,
                self.limits,
                self.override,
                self.cancel,
                self.kill,
                self.resume,
                self.second,
                self.again,
                self.again,
            )
        return (
            self.order,
            self.override,
            self.resume,
            self.second,
            self.limits,
            self.override,
            self.resume,
            self.second,
            self.again,
            self.adjust,
            self.again,
        )

    def say(self, d: Dice, command: str, argument: dict[str, Any], actor: str = "") -> None:
        """Give a command."""
        ns = self.ticked(d)
        who = actor or d.one(ACTORS)
        self.walk.step(ev.OperatorCommandReceived(ns, 0, who, command, msgspec.json.encode(argument, order="deterministic").decode()))

    def place(self, d: Dice) -> dict[str, str]:
        """A scope and a member of it."""
        facts = self.walk.facts
        i, s = d.of(len(facts.specs)), d.of(len(facts.names))
        spec = facts.specs[i]
        scope, member = d.one(
            (
                ("account", ""), ("instrument", spec.symbol), ("strategy", facts.names[s]), ("venue", spec.venue), ("class", spec.asset_class),
                ("account", ""),
            )
        )  # fmt: skip
        return {"scope": scope, "member": member}

    def halt(self, d: Dice) -> None:
        """Halt a scope, or let it only reduce."""
        self.say(d, d.one(("halt", "reduce_only")), self.place(d) | {"reason": "looks odd"})

    def kill(self, d: Dice) -> None:
        """Kill a scope."""
        self.say(d, "kill", self.place(d) | {"reason": "enough"})

    def resume(self, d: Dice) -> None:
        """Lift a halt that stands, by its rule's name or none."""
        found = [(scope, member, rule) for (scope, member), by in self.walk.facts.halts.items() for rule in by]
        if not found:
            self.second(d)
            return
        scope, member, rule = found[-1 - d.of(len(found))]
        named = {"scope": scope.name.lower(), "member": member, "reason": "looked into it"}
        self.say(d, "resume", named | ({"rule": rule or "person"} if d.of(4) else {}))

    def second(self, d: Dice) -> None:
        """Another person, or the same one, answers a request."""
        facts = self.walk.facts
        waiting = self.walk.asked
        if not waiting:
            self.order(d)
            return
        ask: ev.ApprovalRequested = d.one(list(waiting.values())[-4:])
        allowed = facts.opened.control.approvers or ACTORS
        others = [a for a in allowed if a != ask.requester] or list(allowed)
        who = ask.requester if d.of(8) == 7 else d.one(others)
        self.say(d, "decline" if d.of(8) == 6 else "approve", {"number": ask.number, "reason": "seen"}, who)

    def order(self, d: Dice) -> None:
        """An order by hand."""
        facts = self.walk.facts
        i = d.of(len(facts.specs))
        sign = 1 if d.of(2) == 0 else -1
        ref = facts.reference(i, sign)[0] or facts.mark(i) or 100 * 10 ** facts.specs[i].price_digits
        px = d.one(near_px(facts, ref, i, sign, PERSON)) if d.of(4) else 0
        qty = d.one(near_qty(facts, i, sign, PERSON, px or ref))
        extra = d.one(({}, {}, {"reduce_only": True}, {"intentional": True}, {"locate": "L2"}))
        self.say(d, "order", {"symbol": facts.specs[i].symbol, "side": "buy" if sign > 0 else "sell", "qty": qty, "limit_px": px} | extra)

    def cancel(self, d: Dice) -> None:
        """Cancel an order, or all."""
        found = list(self.walk.facts.working.values())[-4:]
        self.say(d, "cancel", {"cl_ord_id": d.one(found).cl_ord_id} if found and d.of(3) else {})

    def adjust(self, d: Dice) -> None:
        """Accept a difference of cash."""
        currency = d.one(list(self.walk.facts.cash))
        self.say(d, "adjust", {"currency": currency, "amt": d.one((1, -1, 250)), "digits": 2, "reason": "agreed"})

    def limits(self, d: Dice) -> None:
        """Move one number of a limit in force: lower, higher, off, nothing; at once, later, or in the past."""
        facts = self.walk.facts
        if not facts.in_force:
            return
        (rule, scope, member), limit = d.one(list(facts.in_force.items()))
        p = d.one(facts.rules[rule].params)
        at = facts.offsets[rule][p.name]
        old = limit.values[at : at + WIDTH[p.unit]]
        start = max(facts.opened.limits[limit.id - 1].values[at] if limit.id <= len(facts.opened.limits) else old[0], 1)
        first = d.one((start, old[0] + 1, max(0, old[0] - 1), max(1, start // 2), 2 * start, OFF, 0))
        new = (first, *old[1:]) if first != OFF or len(old) == 1 else (OFF,) * len(old)
        if len(new) > 1 and first != OFF and OFF in new:
            return
        effective = (0, 0, 0, facts.now_ns + 10**9, facts.now_ns - 1)[d.of(5)]
        argument = {"scope": scope.name.lower(), "members": [member] if scope is not Scope.ACCOUNT else [], "values": {p.name: list(new)}}
        self.say(d, "limits", argument | {"effective_ns": effective, "reason": "reviewed"})

    def again(self, d: Dice) -> None:
        """An order by hand that was denied is given again, as it was."""
        for event in reversed(self.walk.denials[-6:]):
            cause = self.walk.facts.events.get(event.cause)
            if isinstance(cause, ev.OperatorCommandReceived) and cause.command == "order":
                self.say(d, "order", msgspec.json.decode(cause.argument), cause.actor)
                return
        self.order(d)

    def override(self, d: Dice) -> None:
        """Ask that a limit may be passed once, as far as the last denial that it caused."""
        facts = self.walk.facts
        for event in reversed(self.walk.denials[-6:]):
            failed = [c for c in event.checks if not c.passed]
            cause = facts.events.get(event.cause)
            if len(failed) != 1 or not failed[0].limit_id or cause is None or d.of(3) == 2:
                continue
            strategy = getattr(cause, "strategy", PERSON)
            i = getattr(cause, "instrument", d.of(len(facts.specs)))
            name = facts.names[strategy] if strategy >= 0 else PERSON_NAME
            most = failed[0].observed + d.one((0, 0, -1, 100))
            expires = facts.now_ns + d.one((3_600 * 10**9, 10**9, 1))
            argument = {"rule": failed[0].rule, "strategy": name, "symbol": facts.specs[i].symbol, "most": most, "limit_id": failed[0].limit_id}
            self.say(d, "override", argument | {"expires_ns": expires, "reason": "agreed with risk"})
            if d.of(2):
                self.second(d)
                self.again(d)
            if d.of(2):
                self.again(d)
            return
        self.order(d)
