"""Decides how a configuration file writes what a person will ask for during a simulated session.

Invariants: arguments are written in people's units and checked before the session starts; the engine gets the integers of
`domain.commands` as canonical JSON.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Annotated, Any, Literal

import msgspec
from pydantic import BeforeValidator, Field, create_model, model_validator

from adapters.rules import SCOPES, within
from adapters.times import parse_duration, parse_time
from domain.events import OperatorCommandReceived
from domain.instrument import Instrument
from domain.money import to_int
from domain.risk import RULES, Param, Rule
from domain.risk.book import OPERATOR_NAME
from domain.terms import Scope
from reenact.config_file import nearest
from reenact.config_limits import LimitTable
from reenact.config_types import Number, Params, Table
from reenact.config_values import form, integers

_SCOPES = {word: scope for scope, word in SCOPES.items()}
ScopeWord = Literal["account", "venue", "class", "instrument", "strategy"]


def _when(value: Any) -> Any:
    text = value.isoformat() if hasattr(value, "isoformat") else value
    if isinstance(text, str):
        parse_duration(text[1:]) if text.startswith("+") else parse_time(text)
    return text


When = Annotated[str, BeforeValidator(_when)]


class About(msgspec.Struct, frozen=True):
    """The session that commands are about. `first_ns`: what offsets count from."""

    instruments: Sequence[Instrument]
    strategies: Sequence[str]
    rules: Sequence[Rule] = RULES
    first_ns: int = 0

    def spec(self, symbol: str) -> Instrument:
        """The instrument of a symbol. Raises ValueError."""
        for i in self.instruments:
            if i.symbol == symbol:
                return i
        raise ValueError(f"no instrument has the symbol {symbol!r}; the symbols are {', '.join(i.symbol for i in self.instruments)}")

    def members(self, scope: Scope) -> list[str]:
        """The members of a scope, orders by hand included."""
        match scope:
            case Scope.ACCOUNT:
                return [""]
            case Scope.VENUE:
                return [i.venue for i in self.instruments]
            case Scope.CLASS:
                return [i.asset_class for i in self.instruments]
            case Scope.INSTRUMENT:
                return [i.symbol for i in self.instruments]
            case Scope.STRATEGY:
                return [*self.strategies, OPERATOR_NAME]

    def check(self, word: str, member: str) -> Scope:
        """The scope of a word and one of its members. Raises ValueError for a member that the session does not have."""
        scope = _SCOPES[word]
        known = list(dict.fromkeys(self.members(scope)))
        if member not in known:
            if scope is Scope.ACCOUNT:
                raise ValueError(f"the account has no members: leave {member!r} out, or say which scope is meant")
            said = f"there is no {word} {member!r}" if member else f"member is missing: say which {word} is meant"
            raise ValueError(f"{said}; there are {', '.join(known)}.{nearest(member, known)}".removesuffix("."))
        return scope

    def time(self, text: str) -> int:
        """The nanoseconds of an ISO time or an offset."""
        return self.first_ns + parse_duration(text[1:]) if text.startswith("+") else parse_time(text)

    def rule(self, rule_id: str) -> Rule:
        """The rule of an id. Raises ValueError."""
        for rule in self.rules:
            if rule.id == rule_id:
                return rule
        ids = [r.id for r in self.rules]
        raise ValueError(f"there is no rule {rule_id!r}; `reenact rules` lists them.{nearest(rule_id, ids)}".removesuffix("."))


class Place(Table):
    """Where something holds, and why, in the operator's words."""

    scope: ScopeWord = "account"
    member: str = ""
    reason: str = ""

    def wire(self, about: About) -> dict[str, Any]:
        """The argument as `domain.commands` reads it. Raises ValueError for what does not fit the session."""
        about.check(self.scope, self.member)
        return {"scope": self.scope, "member": self.member, "reason": self.reason}


class Resume(Place):
    """`rule`: whose halt is lifted; "person" for one by a person, "K-01" for a kill."""

    rule: str = ""

    def wire(self, about: About) -> dict[str, Any]:
        if self.rule not in ("", "person"):
            about.rule(self.rule)
        return super().wire(about) | {"rule": self.rule}


class NewLimits(LimitTable):
    """Limits of one or several members of a scope that change; what is left out stays as it is. `symbol` is short for one instrument."""

    symbol: str = ""
    scope: ScopeWord | None = None
    member: str = ""
    members: tuple[str, ...] = ()
    effective: When | None = None
    reason: str = ""

    @model_validator(mode="after")
    def _one_place(self) -> NewLimits:
        if bool(self.symbol) + bool(self.member) + bool(self.members) > 1 or (self.symbol and self.scope not in (None, "instrument")):
            raise ValueError("names its place twice; write symbol, or scope with member or members")
        if not self.symbol and self.scope is None:
            raise ValueError("says nothing about whose limits change; write symbol, or scope with member or members")
        return self

    def given(self) -> dict[str, Any]:
        return {name: value for name, value in super().given().items() if name not in NewLimits.model_fields}

    def wire(self, about: About) -> dict[str, Any]:
        scope = self.scope or "instrument"
        members = self.members or tuple(filter(None, (self.symbol or self.member,)))
        if self.symbol:
            about.spec(self.symbol)
        for member in members or ("",):
            about.check(scope, member)
        given = self.given()
        if not given:
            raise ValueError("names no limit; write at least one, for example max_order_qty")
        return {
            "scope": scope, "members": members, "values": {name: self._integers(about, _SCOPES[scope], members, name, v) for name, v in given.items()},
            "effective_ns": about.time(self.effective) if self.effective else 0, "reason": self.reason,
        }  # fmt: skip

    @staticmethod
    def _integers(about: About, scope: Scope, members: tuple[str, ...], name: str, value: Any) -> tuple[int, ...]:
        rule, param = next((r, p) for r in about.rules for p in r.params if p.name == name)
        if scope not in rule.scopes:
            raise ValueError(
                f"{name}: the rule {rule.code} ({rule.id}) may bind by {' or '.join(SCOPES[s] for s in rule.scopes)}, not by {SCOPES[scope]}"
            )
        found = {integers(value, param.unit, scope, _within(about, scope, m)) for m in members or ("",)}
        if len(found) > 1:
            raise ValueError(f"{name}: the members count in different units; write a command for each")
        return found.pop()


def _within(about: About, scope: Scope, member: str) -> list[Instrument]:
    return [i for i in about.instruments if within(scope, member, [i]) is not None]


class NewParams(Table):
    """Other parameters for a running strategy."""

    strategy: str
    params: Params

    def wire(self, about: About) -> dict[str, Any]:
        return {"strategy": self.strategy, "params": self.params}


class Cancel(Table):
    """One order by its id, or every working order."""

    cl_ord_id: str = ""
    reason: str = ""

    def wire(self, about: About) -> dict[str, Any]:
        return {"cl_ord_id": self.cl_ord_id, "reason": self.reason}


class NewOrder(Table):
    """An order by hand; without `limit` and `stop` it is a market order."""

    symbol: str
    side: Literal["buy", "sell"]
    qty: Number = Field(gt=0)
    limit: Number | None = Field(default=None, gt=0)
    stop: Number | None = Field(default=None, gt=0)
    time_in_force: Literal["day", "gtc", "ioc", "fok", "gtd"] = "gtc"
    expires: When | None = None
    post_only: bool = False
    reduce_only: bool = False
    intentional: bool = False
    locate: str = ""

    def wire(self, about: About) -> dict[str, Any]:
        spec = about.spec(self.symbol)
        if (self.expires is None) == (self.time_in_force == "gtd"):
            raise ValueError('expires belongs to time_in_force = "gtd", and to no other')
        px = {name: to_int(n, spec.price_digits) for name, n in (("limit_px", self.limit), ("stop_px", self.stop)) if n is not None}
        plain = {name: getattr(self, name) for name in ("symbol", "side", "post_only", "reduce_only", "intentional", "locate", "time_in_force")}
        usual = NewOrder.model_fields
        kept = {name: v for name, v in plain.items() if name in ("symbol", "side") or v != usual[name].default}
        return kept | px | {"qty": to_int(self.qty, spec.qty_digits)} | ({"expire_ns": about.time(self.expires)} if self.expires else {})


class Adjustment(Table):
    """A reconciliation difference that is accepted; `amount` is posted to the adjustment account."""

    currency: str
    amount: Number
    reason: str = Field(min_length=1)

    def wire(self, about: About) -> dict[str, Any]:
        digits = max(0, -int(self.amount.as_tuple().exponent))
        return {"currency": self.currency, "amt": to_int(self.amount, digits), "digits": digits, "reason": self.reason}


class Outcome(Table):
    """What a round trip brought that no fill of the session explains; `amount` in the instrument's currency, negative for a loss."""

    symbol: str
    amount: Number
    reason: str = Field(min_length=1)
    strategy: str = OPERATOR_NAME

    def wire(self, about: About) -> dict[str, Any]:
        about.check("strategy", self.strategy)
        amt = to_int(self.amount, about.spec(self.symbol).amt_digits)
        return {"symbol": self.symbol, "amt": amt, "reason": self.reason, "strategy": self.strategy}


class Override(Table):
    """One order of `strategy` ("operator": by hand) in `symbol` may pass `rule` once, up to `most` in the rule's unit."""

    rule: str
    symbol: str
    strategy: str
    most: Any
    expires: When
    reason: str = Field(min_length=1)
    scope: ScopeWord | Literal[""] = ""
    member: str = ""
    limit_id: int = Field(default=0, ge=0)

    def wire(self, about: About) -> dict[str, Any]:
        rule, spec = about.rule(self.rule), about.spec(self.symbol)
        if not rule.overridable:
            ids = ", ".join(r.id for r in about.rules if r.overridable)
            raise ValueError(f"the rule {rule.code} ({rule.id}) may not be passed; these may: {ids}")
        about.check("strategy", self.strategy)
        if self.scope:
            about.check(self.scope, self.member)
        most = integers(_value(rule.unit, self.most), rule.unit, Scope.INSTRUMENT, [spec])[0]
        plain = {name: getattr(self, name) for name in ("rule", "strategy", "symbol", "reason", "scope", "member", "limit_id")}
        return plain | {"most": most, "expires_ns": about.time(self.expires)}


def _value(unit: str, value: Any) -> Any:
    """A number in a unit as a file writes it. Raises ValueError."""
    return form(unit).__metadata__[0].func(value)


class Answer(Table):
    """An answer to a request that waits for a second person."""

    number: int = Field(ge=1)
    reason: str = ""

    def wire(self, about: About) -> dict[str, Any]:
        return {"number": self.number, "reason": self.reason}


class _Row(Table):
    at: When
    actor: str = Field(min_length=1)


class SwitchRow(_Row):
    """`kill`, `halt`, `reduce_only`."""

    command: Literal["kill", "halt", "reduce_only"]
    argument: Place = Place()


class ResumeRow(_Row):
    """`resume`."""

    command: Literal["resume"]
    argument: Resume = Resume()


class LimitsRow(_Row):
    """`limits`."""

    command: Literal["limits"]
    argument: NewLimits


class ParamsRow(_Row):
    """`params`."""

    command: Literal["params"]
    argument: NewParams


class CancelRow(_Row):
    """`cancel`."""

    command: Literal["cancel"]
    argument: Cancel = Cancel()


class OrderRow(_Row):
    """`order`."""

    command: Literal["order"]
    argument: NewOrder


class AdjustRow(_Row):
    """`adjust`."""

    command: Literal["adjust"]
    argument: Adjustment


class OutcomeRow(_Row):
    """`record_outcome`."""

    command: Literal["record_outcome"]
    argument: Outcome


class OverrideRow(_Row):
    """`override`."""

    command: Literal["override"]
    argument: Override


class AnswerRow(_Row):
    """`approve`, `decline`."""

    command: Literal["approve", "decline"]
    argument: Answer


AnyRow = SwitchRow | ResumeRow | LimitsRow | ParamsRow | CancelRow | OrderRow | AdjustRow | OutcomeRow | OverrideRow | AnswerRow


@cache
def operator_of(params: tuple[Param, ...]) -> Any:
    """A row of `[[operator]]`, where the rules have these parameters."""
    keys: dict[str, Any] = {p.name: (form(p.unit), Field(default=None, description=p.text)) for p in params}
    argument = create_model("NewLimits", __base__=NewLimits, **keys)
    row: Any = create_model("LimitsRow", __base__=LimitsRow, argument=(argument, ...))
    rows = SwitchRow | ResumeRow | row | ParamsRow | CancelRow | OrderRow | AdjustRow | OutcomeRow | OverrideRow | AnswerRow
    return Annotated[rows, Field(discriminator="command")]


def build_commands(rows: Sequence[AnyRow], about: About) -> tuple[OperatorCommandReceived, ...]:
    """The commands in time order. Raises ValueError for an argument that does not fit the session."""
    built = []
    for row in rows:
        due = about.time(row.at)
        argument = row.argument.wire(about)
        effective = argument.get("effective_ns")
        if effective and effective < due and row.at.startswith("+") == str(getattr(row.argument, "effective", "")).startswith("+"):
            raise ValueError("effective lies before the command itself; limits cannot bind what is past")
        built.append(OperatorCommandReceived(due, 0, row.actor, row.command, msgspec.json.encode(argument, order="deterministic").decode()))
    return tuple(sorted(built, key=lambda c: c.ns))
