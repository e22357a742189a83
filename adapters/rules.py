"""Decides how the numbers of rules and limits become the text that people read, for built-in rules and for those a session brought along.

Invariants: no float; a limit is shown in the units of one instrument of its scope, whose members all count alike; `-1` is "off"; a rule
nobody knows any more shows its bare numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from adapters.times import duration_text, time_text
from domain.events import ParamSpec, RuleSpec
from domain.instrument import Instrument
from domain.limits import OFF, Check, Limit
from domain.money import to_text
from domain.risk import KNOWN, WIDTH, Rule
from domain.terms import OrderType, Scope, TradingState

Row = dict[str, Any]
RATIO_DIGITS = 2
SCOPES = {Scope.ACCOUNT: "account", Scope.VENUE: "venue", Scope.CLASS: "class", Scope.INSTRUMENT: "instrument", Scope.STRATEGY: "strategy"}
"""What people call the scopes, in configuration and answers."""


class RuleWords(msgspec.Struct, frozen=True):
    """What a reader must know of a rule: its reason code, the unit of its checks and its parameters. `own`: it is a user's."""

    id: str
    code: str
    unit: str
    params: tuple[ParamSpec, ...]
    own: bool = False


def words_of(rule: Rule) -> RuleWords:
    """The words of a built-in rule."""
    return RuleWords(rule.id, rule.code, rule.unit, tuple(ParamSpec(p.name, p.unit, p.meaning) for p in rule.params))


BUILT_IN: dict[str, RuleWords] = {rule.id: words_of(rule) for rule in KNOWN.values()}


def session_rules(own: Sequence[RuleSpec]) -> dict[str, RuleWords]:
    """Every rule that a session knew, by id."""
    return BUILT_IN | {r.id: RuleWords(r.id, r.code, r.unit, r.params, own=True) for r in own} if own else BUILT_IN


def in_unit(n: int, unit: str, spec: Instrument | None) -> str:
    """A rule's number as text: prices, quantities and amounts as decimals, ages as durations, states and order types by name."""
    plain = _PLAIN.get(unit)
    if plain is not None:
        return plain(n)
    if spec is None or unit not in ("px", "qty", "amt"):
        return str(n)
    if unit == "px":
        return spec.px_text(n)
    return spec.qty_text(n) if unit == "qty" else spec.amt_text(n)


def _state(n: int) -> str:
    return _STATES.get(n, str(n))


_STATES = {int(s): s.name for s in TradingState}


def _types(n: int) -> str:
    return " ".join(t.name.lower() for t in OrderType if n >> t & 1) or "none"


def _minute(n: int) -> str:
    return f"{n // 60:02d}:{n % 60:02d}"


_PLAIN: dict[str, Callable[[int], str]] = {
    "ns": lambda n: "none" if n < 0 else duration_text(n),
    "time": lambda n: time_text(n) if n > 0 else "none",
    "state": _state,
    "flag": lambda n: "yes" if n else "no",
    "ratio": lambda n: to_text(n, RATIO_DIGITS),
    "types": _types,
    "hours": _minute,
}


def unit_name(unit: str, spec: Instrument | None) -> str:
    """The unit people know: the currency of an amount, else the rule's word where it says something."""
    if spec is not None and unit == "amt":
        return spec.settle
    if spec is not None and unit == "px":
        return spec.quote
    return unit if unit in ("bps", "qty") else ""


def value_text(values: Sequence[int], unit: str, spec: Instrument | None) -> str | None:
    """One parameter's numbers as a configuration file writes them; None where it is off."""
    if not values or values[0] == OFF:
        return None
    if unit == "rate" and len(values) > 1:
        return f"{values[0]}/{duration_text(values[1])}"
    if unit == "hours" and len(values) > 1:
        return f"{_minute(values[0])}-{_minute(values[1])}"
    if unit == "flag":
        return "true" if values[0] else "false"
    text = in_unit(values[0], unit, spec)
    return f"{text} {spec.settle}" if unit == "amt" and spec is not None else text


def values_row(values: Sequence[int], words: RuleWords | None, spec: Instrument | None) -> Row:
    """A limit's numbers by parameter, as text; what is off is None."""
    if words is None:
        return {str(i): str(n) for i, n in enumerate(values)}
    row: Row = {}
    at = 0
    for p in words.params:
        width = WIDTH.get(p.unit, 1)
        row[p.name] = value_text(values[at : at + width], p.unit, spec)
        at += width
    return row


def within(scope: Scope, member: str, instruments: Sequence[Instrument]) -> Instrument | None:
    """An instrument whose units the numbers of a place are in; None when the session has none there."""
    for i in instruments:
        if scope in (Scope.ACCOUNT, Scope.STRATEGY) or member == _MEMBER[scope](i):
            return i
    return None


_MEMBER: dict[Scope, Callable[[Instrument], str]] = {
    Scope.VENUE: lambda i: i.venue,
    Scope.CLASS: lambda i: i.asset_class,
    Scope.INSTRUMENT: lambda i: i.symbol,
}


def place_text(scope: Scope, member: str) -> str:
    """ "account", "instrument SPY", "strategy trend" …"""
    return f"{SCOPES[scope]} {member}".rstrip()


def limit_row(limit: Limit, rules: dict[str, RuleWords], instruments: Sequence[Instrument]) -> Row:
    """A limit as people read it; `values` by parameter, None where off."""
    words = rules.get(limit.rule)
    spec = within(limit.scope, limit.members[0] if limit.members else "", instruments)
    return {
        "id": limit.id, "rule": limit.rule, "code": words.code if words else "", "scope": SCOPES[limit.scope], "members": list(limit.members),
        "values": values_row(limit.values, words, spec), "version": limit.version, "owner": limit.owner, "approver": limit.approver,
        "effective": time_text(limit.effective_ns) if limit.effective_ns else "",
    }  # fmt: skip


def check_row(check: Check, spec: Instrument | None, rules: dict[str, RuleWords] = BUILT_IN, limits: Sequence[Limit] = ()) -> Row:
    """A rule's answer with its name, and observed and limit in the rule's unit as text.

    `limits` are the session's so far, in order of their ids: with them the row says which version of which limit was asked, and for whom.
    """
    words = rules.get(check.rule)
    unit = words.unit if words else ""
    limit = limits[check.limit_id - 1] if 0 < check.limit_id <= len(limits) else None
    return {
        "rule": check.rule,
        "code": words.code if words else "",
        "passed": check.passed,
        "observed": in_unit(check.observed, unit, spec),
        "limit": "off" if check.limit == OFF else in_unit(check.limit, unit, spec),
        "unit": unit_name(unit, spec),
        "seen": check.seen,
        "limit_id": check.limit_id,
        "limit_version": limit.version if limit else 0,
        "scope": _bound(limit, spec) if limit else "",
        "rule_version": check.version,
    }


def _bound(limit: Limit, spec: Instrument | None) -> str:
    """Whom the limit binds, as near as the order's instrument tells."""
    if limit.scope in _MEMBER and spec is not None:
        return place_text(limit.scope, _MEMBER[limit.scope](spec))
    return place_text(limit.scope, limit.members[0] if len(limit.members) == 1 else "")
