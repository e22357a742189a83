"""Decides what is told of rules and limits: which rules there are, what binds a session or would bind it, and how two of these differ.

Invariants: limits are told in the words of a configuration file; two sets of limits are held against each other number by number, for each
member of each scope.
"""

from __future__ import annotations

import ast
import inspect
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec

from adapters.rules import SCOPES, RuleWords, limit_row, session_rules, values_row, within, words_of
from domain.errors import ReenactError
from domain.events import SessionOpened
from domain.instrument import Instrument
from domain.limits import Limit
from domain.risk import RULES, Rule
from projections.controls import Binding, Controls
from projections.rebuild import fold
from reenact import config_units
from reenact.config import SessionConfig, load
from reenact.logs import SessionLog

_SOURCE = re.compile(r"Source:\s*(.+)$", re.DOTALL)


class ParamRow(msgspec.Struct, frozen=True):
    """A key of `[limits]`. `example` shows how its unit is written."""

    key: str
    unit: str
    meaning: str
    example: str


class RuleRow(msgspec.Struct, frozen=True):
    """A rule. `scopes`: where it may bind, the first is meant by `[limits]`; none for a rule that binds every order without a limit."""

    id: str
    code: str
    says: str
    params: list[ParamRow]
    scopes: list[str]
    overridable: bool
    halts: str
    version: int
    source: str
    place: str


class LimitRow(msgspec.Struct, frozen=True):
    """A limit; `values` as a configuration writes them, None where off. `since`: seq of the event that brought it, 0 before any."""

    id: int
    rule: str
    code: str
    scope: str
    members: list[str]
    values: dict[str, str | None]
    version: int
    owner: str
    approver: str
    effective: str
    since: int


class Bound(msgspec.Struct, frozen=True):
    """A set of limits and where it was found."""

    of: str
    rows: list[LimitRow]
    numbers: dict[tuple[str, str, str, str], tuple[str, int, str]]
    """(rule, scope, member, key) → (value, version, owner)."""


class LimitChange(msgspec.Struct, frozen=True):
    """One number that differs; empty where one side has no such limit."""

    rule: str
    code: str
    binds: str
    key: str
    before: str
    after: str
    version: str
    owner: str


EXAMPLES = {
    "qty": '"100"', "px": '"0.50"', "amt": '"250000 USD"', "bps": "300", "ns": '"5s"', "count": "20", "flag": "true", "ratio": '"2.5"',
    "time": '"2024-01-02T14:30:00Z"', "rate": '"50/1s"', "hours": '"14:30-21:00"', "types": '["limit", "market"]', "state": '"halted"',
}  # fmt: skip


def rules(config: SessionConfig | None = None) -> list[RuleRow]:
    """Every built-in rule in the order in which they give the reason of a denial, then the configuration's own."""
    rows = [_rule_row(rule, "built in") for rule in RULES]
    return rows + [_rule_row(own.rule, own.place) for own in (config.own_rules if config is not None else ())]


def _documentation(check: Callable[..., object]) -> str:
    """What a check says of itself. A compiled function says nothing: then its source does, which stands beside it."""
    file = getattr(sys.modules.get(check.__module__), "__file__", None)
    if check.__doc__ or file is None:
        return check.__doc__ or ""
    source = Path(file).with_name(Path(file).name.partition(".")[0] + ".py")
    if not source.is_file():
        return ""
    found = (n for n in ast.parse(source.read_text()).body if isinstance(n, ast.FunctionDef) and n.name == check.__name__)
    return next((ast.get_docstring(n) or "" for n in found), "")


def _rule_row(rule: Rule, place: str) -> RuleRow:
    doc = " ".join(inspect.cleandoc(_documentation(rule.check)).split())
    source = _SOURCE.search(doc)
    return RuleRow(
        rule.id, rule.code, _SOURCE.sub("", doc).strip(), [ParamRow(p.name, p.unit, p.text, EXAMPLES.get(p.unit, "")) for p in rule.params],
        [SCOPES[s] for s in rule.scopes] if rule.params else [], rule.overridable, rule.halts.name.lower() if rule.halts else "", rule.version,
        source[1].rstrip(".") if source else "", place,
    )  # fmt: skip


def of_config(path: Path) -> Bound:
    """The limits that a configuration would open a session with. Raises ConfigInvalid."""
    config = load(path)
    instruments = config_units.build_instruments(config)
    words = {rule.id: words_of(rule) for rule in config.risk_rules}
    limits = config_units.build_limits(config, instruments)
    return _bound(str(path), [Binding(limit, m, 0, 0) for limit in limits for m in limit.members or ("",)], words, instruments)


def of_session(session: SessionLog, seq: int | None = None) -> Bound:
    """The limits in force at the end of a session, or after the event `seq`. Raises ReenactError outside the session."""
    controls = Controls()
    reached = fold(session.commits(), [controls], until_seq=seq)
    if seq is not None and not 1 <= seq <= reached:
        raise ReenactError(f"there is no event {seq}; the session's events are 1 to {session.last()[0].last_seq}.", place=f"session {session.name}")
    opened = session.opened()
    return _bound(f"session {session.name} after event {reached}", controls.in_force(), session_rules(opened.rules), opened.instruments)


def limit_rows(controls: Controls, opened: SessionOpened) -> list[LimitRow]:
    """The limits in force, one row for each with the members that it still binds."""
    return _rows(controls.in_force(), session_rules(opened.rules), opened.instruments)


def _rows(bindings: Sequence[Binding], words: dict[str, RuleWords], instruments: Sequence[Instrument]) -> list[LimitRow]:
    by_id: dict[int, list[Binding]] = {}
    for binding in bindings:
        by_id.setdefault(binding.limit.id, []).append(binding)
    return [
        msgspec.convert(
            limit_row(some[0].limit, words, instruments) | {"members": [b.member for b in some if b.member], "since": some[0].seq}, LimitRow
        )
        for some in by_id.values()
    ]


def _bound(of: str, bindings: Sequence[Binding], words: dict[str, RuleWords], instruments: Sequence[Instrument]) -> Bound:
    numbers = {}
    for b in bindings:
        for key, value in _values(b.limit, b.member, words, instruments).items():
            numbers[b.limit.rule, SCOPES[b.limit.scope], b.member, key] = ("off" if value is None else str(value), b.limit.version, b.limit.owner)
    return Bound(of, _rows(bindings, words, instruments), numbers)


def _values(limit: Limit, member: str, words: dict[str, RuleWords], instruments: Sequence[Instrument]) -> dict[str, Any]:
    return values_row(limit.values, words.get(limit.rule), within(limit.scope, member, instruments))


def differences(before: Bound, after: Bound) -> list[LimitChange]:
    """Every number that is not the same in both, in the order of the rules; what only one of them has is empty in the other."""
    codes = {row.rule: row.code for row in (*before.rows, *after.rows)}
    changes = []
    for key in dict.fromkeys((*before.numbers, *after.numbers)):
        old, new = before.numbers.get(key), after.numbers.get(key)
        if (old[0] if old else "off") == (new[0] if new else "off"):
            continue
        rule, scope, member, name = key
        versions = f"{old[1] if old else '-'} → {new[1] if new else '-'}"
        owner = (new or old or ("", 0, ""))[2]
        changes.append(
            LimitChange(rule, codes.get(rule, ""), f"{scope} {member}".rstrip(), name, old[0] if old else "", new[0] if new else "", versions, owner)
        )
    order = {r.id: i for i, r in enumerate(RULES)}
    return sorted(changes, key=lambda c: (order.get(c.rule, len(order)), c.rule))
