"""Decides which risk rules of their own a user's configuration means, and whether they can stand beside the built-in ones.

A rule is an object `Rule(...)` in a file ("my_rules.py:RULE"), in an installed module ("package.module:RULE") or behind an entry point of
the group `reenact.rules`. Files run under the guard, as strategies do.

Invariants: a loaded file brings its source, so that the log alone can run it again; no rule shares its id, reason code or a parameter's
name with another; a rule that cannot bind anything is refused.
"""

from __future__ import annotations

import ast
import inspect
import keyword
import sys
from collections.abc import Iterable, Sequence
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, NamedTuple

from domain.errors import ConfigInvalid, StrategyError
from domain.events import ParamSpec, RuleSpec
from domain.risk import RULES, WIDTH, Param, Rule
from domain.terms import Scope, TradingState
from reenact.config_limits import RESERVED, LimitsConfig
from reenact.guard import parse
from reenact.loading import digest_of, file_and_name, imported, read_source, run_text

ENTRY_POINTS = "reenact.rules"
_NO_WORDS = frozenset((*RESERVED, *dir(LimitsConfig), *keyword.kwlist))


class LoadedRule(NamedTuple):
    """A rule and what the log records of it. `place` names its file and line for people."""

    rule: Rule
    spec: RuleSpec
    place: str


def resolve_rules(uses: Iterable[str], base: Path = Path()) -> tuple[LoadedRule, ...]:
    """The rules that `uses` name, in order; files are found from `base`. Raises ConfigInvalid or StrategyError in a sentence with its place."""
    found: list[LoadedRule] = []
    for use in uses:
        one = _resolve(use, base)
        _check(one.rule, one.place, [*RULES, *(o.rule for o in found)])
        found.append(one)
    return tuple(found)


def resolve_recorded_rules(specs: Sequence[RuleSpec], base: Path = Path(), *, recorded: bool = False) -> tuple[tuple[Rule, ...], dict[str, str]]:
    """The rules of a recorded session as they are today, and by id a sentence saying where their code comes from.

    A user's file is looked for under `base`; where it is not there any more, or when `recorded` is asked for, the recorded source is run.
    """
    rules: list[Rule] = []
    said: dict[str, str] = {}
    for spec in specs:
        one, where = _again(spec, base, recorded=recorded)
        _check(one.rule, one.place, [*RULES, *rules])
        rules.append(one.rule)
        said[one.rule.id] = where
    return tuple(rules), said


def _resolve(use: str, base: Path) -> LoadedRule:
    file, name = file_and_name(use)
    if file:
        path = base / file
        return _from_text(file, name, read_source(path, use, "rule"), str(path))
    if ":" in use:
        return _installed(use, use)
    points = list(entry_points(group=ENTRY_POINTS))
    for point in points:
        if point.name == use:
            return _installed(use, point.value)
    known = f" Installed are {', '.join(sorted(p.name for p in points))}." if points else ""
    raise ConfigInvalid([("use", f'there is no rule "{use}".{known} Your own is given as "file.py:RULE" or "package.module:RULE"')])


def _again(spec: RuleSpec, base: Path, *, recorded: bool) -> tuple[LoadedRule, str]:
    if not spec.source:
        one = _resolve(spec.target, base)
        return one, f"{spec.target}, {'as recorded' if one.spec.source_sha256 == spec.source_sha256 else 'changed since the recording'}"
    file, name = file_and_name(spec.target)
    path = base / file
    if not recorded and path.is_file():
        text = read_source(path, spec.target, "rule")
        same = "as recorded" if digest_of(text) == spec.source_sha256 else "changed since the recording"
        return _from_text(file, name, text, str(path)), f"{path}, {same}"
    why = "as asked" if recorded else f"{path} is not here"
    return _from_text(file, name, spec.source, f"{file} (recorded)"), f"the recorded source of {file}, {why}"


def _from_text(file: str, name: str, source: str, label: str) -> LoadedRule:
    module = run_text(source, label, "rule")
    own = {n: v for n, v in vars(module).items() if isinstance(v, Rule)}
    if name:
        found = vars(module).get(name)
        if not isinstance(found, Rule):
            listed = f"It holds {', '.join(own)}." if own else "It holds none."
            raise ConfigInvalid(
                [("use", f"{name} in this file is no rule. {listed}" if found is not None else f"there is no rule {name} in this file. {listed}")],
                place=f"{label}:{_line(source, label, name)}",
            )
    elif len(own) == 1:
        name, found = next(iter(own.items()))
    else:
        said = f"this file holds the rules {', '.join(own)}; say which, as {file}:{next(iter(own))}" if own else (
            "this file holds no rule; make one with reenact.Rule(...)"
        )  # fmt: skip
        raise ConfigInvalid([("use", said)], place=f"{label}:1")
    return LoadedRule(found, _spec(found, f"{file}:{name}", digest_of(source), source), f"{label}:{_line(source, label, name)}")


def _installed(use: str, target: str) -> LoadedRule:
    found = imported(target, "rule")
    module, _, name = target.partition(":")
    if not isinstance(found, Rule):
        raise ConfigInvalid([("use", f"{name} in {module} is no rule")], place=target)
    try:
        text = inspect.getsource(sys.modules[module])
    except (OSError, TypeError):
        text = ""
    return LoadedRule(found, _spec(found, use, digest_of(text), ""), target)


def _spec(rule: Rule, target: str, sha256: str, source: str) -> RuleSpec:
    params = tuple(ParamSpec(str(p.name), str(p.unit), str(p.meaning)) for p in rule.params)
    return RuleSpec(target, sha256, source, rule.id, rule.code, rule.unit, params)


def _line(source: str, label: str, name: str) -> int:
    """The line on which a name is given its value, 1 where it is not seen."""
    for node in parse(source, label).body:
        targets: list[Any] = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
        if any(isinstance(t, ast.Name) and t.id == name for t in targets):
            return node.lineno
    return 1


def _check(rule: Rule, place: str, others: Sequence[Rule]) -> None:
    """Raise StrategyError, with the file and line of the rule, for one that cannot stand beside the others."""
    said = _wrong_form(rule) or _taken(rule, others)
    if said:
        file, _, line = place.rpartition(":")
        raise StrategyError(said, file=file, line=int(line)) if line.isdecimal() else ConfigInvalid([("use", said)], place=place)


def _wrong_form(rule: Any) -> str:
    """Why this is no rule that can be asked; empty when it is."""
    if not all(isinstance(x, str) and x for x in (rule.id, rule.code)):
        return f"a rule needs an id and a reason code in words, it has {rule.id!r} and {rule.code!r}."
    if rule.unit not in WIDTH:
        return f"the unit of rule {rule.id} is {rule.unit!r}; the units are {', '.join(WIDTH)}."
    if not callable(rule.check):
        return f"the check of rule {rule.id} is no function; it is {rule.check!r}."
    if rule.memory is not None and not callable(rule.memory):
        return f"the memory of rule {rule.id} is no function that makes one; it is {rule.memory!r}."
    if not (isinstance(rule.scopes, tuple) and rule.scopes and all(isinstance(s, Scope) for s in rule.scopes)):
        return f"the scopes of rule {rule.id} must be a tuple of reenact.Scope, they are {rule.scopes!r}."
    if rule.halts is not None and not isinstance(rule.halts, TradingState):
        return f"what rule {rule.id} halts to must be a reenact.TradingState, it is {rule.halts!r}."
    if not (isinstance(rule.params, tuple) and all(isinstance(p, Param) for p in rule.params)):
        return f"the parameters of rule {rule.id} must be a tuple of reenact.Param, they are {rule.params!r}."
    for p in rule.params:
        if p.unit not in WIDTH:
            return f"the unit of parameter {p.name} of rule {rule.id} is {p.unit!r}; the units are {', '.join(WIDTH)}."
        unknown = sorted(set(p.needs).difference(q.name for q in rule.params))
        if unknown:
            return f"parameter {p.name} of rule {rule.id} needs {unknown[0]!r}, which is none of its parameters."
        if not (isinstance(p.name, str) and p.name.isidentifier() and p.name.islower()) or p.name.startswith(("_", "model_")) or p.name in _NO_WORDS:
            return f"rule {rule.id} cannot have a parameter {p.name!r}: it is to be a key of [limits], in small letters and none that has a meaning there."
    return ""


def _taken(rule: Rule, others: Sequence[Rule]) -> str:
    """What another rule has already; empty for nothing."""
    names = [p.name for p in rule.params]
    for name in names:
        if names.count(name) > 1:
            return f"rule {rule.id} has two parameters {name!r}."
    for other in others:
        if other.id == rule.id:
            return f"the id {rule.id} is that of another rule ({other.code}); choose one that nobody has."
        if other.code == rule.code:
            return f"the reason code {rule.code} is that of rule {other.id}; choose one that nobody has."
        both = sorted({p.name for p in other.params}.intersection(names))
        if both:
            return f"the parameter {both[0]!r} is one of rule {other.id}; each key of [limits] belongs to one rule."
    return ""
