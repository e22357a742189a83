"""Decides which limit of a configuration binds which member of which scope, and in which integers.

What is written nearest wins, key by key: a member's own table, then `[limits]`, then the preset of the member's class, then that of `[limits]`.

Invariants: a limit binds only where its rule may; instruments with the same numbers in the same units share one limit; every problem is
named by the place that was written.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from adapters.rules import SCOPES
from domain.instrument import Instrument
from domain.limits import OFF, Limit
from domain.risk import WIDTH, Param, Rule
from domain.risk.book import OPERATOR_NAME
from domain.risk.contradictions import contradictions
from domain.terms import Scope
from reenact.config_file import nearest
from reenact.config_values import OFF_WORD, Amount, form, integers

if TYPE_CHECKING:
    from reenact.config import SessionConfig
    from reenact.config_limits import LimitsConfig

Problems = list[tuple[str, str]]
Place = tuple[Scope, str]
_NOTHING_PASSES = frozenset({"max_order_qty", "max_order_value"})


class Written(NamedTuple):
    """A parameter's value and where it was written."""

    value: Any
    place: str


class _Session:
    """What the limits are about: members of scopes and the rules that may bind them."""

    def __init__(self, config: SessionConfig, instruments: Sequence[Instrument], rules: Sequence[Rule]) -> None:
        self.instruments = instruments
        self.strategies = [s.name for s in config.strategies]
        self.rules = rules
        self.rule_of: dict[str, tuple[Rule, Param]] = {p.name: (rule, p) for rule in rules for p in rule.params}

    def members(self, scope: Scope) -> list[str]:
        """The members of a scope, orders by hand left out."""
        match scope:
            case Scope.ACCOUNT:
                return [""]
            case Scope.STRATEGY:
                return self.strategies
            case _:
                return list(dict.fromkeys(_member(scope, i) for i in self.instruments))

    def within(self, place: Place) -> list[Instrument]:
        """The instruments of a place."""
        scope, member = place
        if scope in (Scope.ACCOUNT, Scope.STRATEGY):
            return list(self.instruments)
        return [i for i in self.instruments if _member(scope, i) == member]


def _member(scope: Scope, i: Instrument) -> str:
    if scope is Scope.INSTRUMENT:
        return i.symbol
    return i.venue if scope is Scope.VENUE else i.asset_class


def build(config: SessionConfig, instruments: Sequence[Instrument], rules: Sequence[Rule]) -> tuple[tuple[Limit, ...], Problems]:
    """The limits of a session in the order of the rules, numbered from 1, and what is wrong with them as (key path, sentence)."""
    session = _Session(config, instruments, rules)
    written, problems = _assigned(config, session)
    numbers: dict[tuple[str, Place], dict[str, tuple[int, ...]]] = {}
    for place, keys in written.items():
        for name, (value, where) in keys.items():
            rule, param = session.rule_of[name]
            try:
                numbers.setdefault((rule.id, place), {})[name] = integers(value, param.unit, place[0], session.within(place))
            except ValueError as e:
                of = f"for {place[1]}: " if place[0] is Scope.INSTRUMENT else ""
                problems.append((where, f"{of}{e}."))
                continue
            if name in _NOTHING_PASSES and (value.value if isinstance(value, Amount) else value) == 0:
                problems.append((where, "must be above 0; leave the key out for no limit, set tradable = false to forbid every order."))
    if problems:
        return (), _first_of_each(problems)
    limits = _limits(config.limits, session, numbers)
    return limits, _first_of_each(_contradicting(limits, session, written))


def _first_of_each(problems: Problems) -> Problems:
    """One sentence for each place: a default that is wrong for many members is wrong once."""
    found: dict[str, str] = {}
    for place, sentence in problems:
        found.setdefault(place, sentence)
    return list(found.items())


def _limits(head: LimitsConfig, session: _Session, numbers: dict[tuple[str, Place], dict[str, tuple[int, ...]]]) -> tuple[Limit, ...]:
    found: list[Limit] = []
    for rule in session.rules:
        for scope in rule.scopes if rule.params else ():
            groups: dict[tuple[Any, ...], list[str]] = {}
            for member in [*session.members(scope), *([OPERATOR_NAME] if scope is Scope.STRATEGY else [])]:
                given = numbers.get((rule.id, (scope, member)))
                values = tuple(n for p in rule.params for n in (given or {}).get(p.name, (OFF,) * WIDTH[p.unit]))
                if given and any(n != OFF for n in values):
                    groups.setdefault((values, _units(scope, member, session)), []).append(member)
            for (values, _), members in groups.items():
                named = () if scope is Scope.ACCOUNT else tuple(members)
                found.append(Limit(len(found) + 1, rule.id, scope, named, values, 1, head.owner, head.approver, head.effective or 0))
    return tuple(found)


def _units(scope: Scope, member: str, session: _Session) -> tuple[Any, ...]:
    """What the numbers of a place are in: limits in different units are told apart, so that each can be shown."""
    return tuple((i.settle, i.amt_digits, i.qty_digits, i.price_digits) for i in session.within((scope, member))[:1])


def _assigned(config: SessionConfig, session: _Session) -> tuple[dict[Place, dict[str, Written]], Problems]:
    """Every parameter of every place, the nearest value of each."""
    limits = config.limits
    found: dict[Place, dict[str, Written]] = {}
    problems: Problems = []

    def give(place: Place, name: str, value: Any, where: str) -> None:
        found.setdefault(place, {})[name] = Written(value, where)

    def everyone(name: str, value: Any, where: str) -> None:
        scope = session.rule_of[name][0].scopes[0]
        for member in session.members(scope):
            give((scope, member), name, value, where)

    for name, value in _read(limits.preset_text, session).items():
        everyone(name, value, "limits.preset")
    for member, table in limits.of_class.items():
        for name, value in _read(table.preset_text, session).items():
            for place in _of_class(member, session.rule_of[name][0], session):
                give(place, name, value, f"limits.class.{member}.preset")
    if config.max_data_age is not None:
        everyone("max_age", config.max_data_age, "max_data_age")
    for name, value in limits.given().items():
        everyone(name, value, f"limits.{name}")
    for scope, member, table, where in _tables(limits):
        problems += _unknown_member(scope, member, where, session)
        for name, value in table.given().items():
            said = _misplaced(name, scope, session, limits)
            if said:
                problems.append((f"{where}.{name}", said))
            else:
                give((scope, member), name, value, f"{where}.{name}")
    for keys in found.values():
        for name in _left_over(keys, session):
            del keys[name]
    return found, problems


def _left_over(keys: dict[str, Written], session: _Session) -> list[str]:
    """What a preset or a wider table gave and what has no meaning here any more, because a key that it needs was switched off."""
    off = {name: _table(w) for name, w in keys.items() if w.value in (OFF_WORD, OFF)}
    return [name for name, w in keys.items() if any(off.get(need, _table(w)) != _table(w) for need in session.rule_of[name][1].needs)]


def _table(written: Written) -> str:
    return written.place if written.place.endswith(".preset") else written.place.rpartition(".")[0]


def _read(texts: dict[str, Any], session: _Session) -> dict[str, Any]:
    """A preset's texts as values."""
    return {name: _parsed(text, session.rule_of[name][1]) for name, text in texts.items()}


def _parsed(text: Any, param: Param) -> Any:
    return form(param.unit).__metadata__[0].func(text)


def _of_class(member: str, rule: Rule, session: _Session) -> list[Place]:
    """The places that a class's preset means for a rule: its instruments one by one, else the class as a whole."""
    if Scope.INSTRUMENT in rule.scopes:
        return [(Scope.INSTRUMENT, i.symbol) for i in session.within((Scope.CLASS, member))]
    return [(Scope.CLASS, member)] if Scope.CLASS in rule.scopes else []


def _tables(limits: LimitsConfig) -> list[tuple[Scope, str, Any, str]]:
    """Every table below `[limits]` with its place in the file."""
    tables: list[tuple[Scope, str, Any, str]] = []
    if limits.account is not None:
        tables.append((Scope.ACCOUNT, "", limits.account, "limits.account"))
    for scope, word, members in (
        (Scope.STRATEGY, "strategy", limits.strategy), (Scope.CLASS, "class", limits.of_class), (Scope.VENUE, "venue", limits.venue),
        (Scope.INSTRUMENT, "instrument", limits.instrument),
    ):  # fmt: skip
        tables += [(scope, member, table, f"limits.{word}.{member}") for member, table in members.items()]
    return tables + [(Scope.INSTRUMENT, symbol, table, f"limits.{symbol}") for symbol, table in limits.overrides.items()]


def _unknown_member(scope: Scope, member: str, where: str, session: _Session) -> Problems:
    known = session.members(scope)
    if member in known or (scope is Scope.STRATEGY and member == OPERATOR_NAME):
        return []
    if scope is Scope.INSTRUMENT:
        words = "" if where.startswith("limits.instrument.") else f", and the scopes {', '.join(w for w in SCOPES.values())}"
        return [
            (
                where,
                f"no instrument has the symbol {member!r}; the symbols are {', '.join(known)}{words}.{nearest(member, [*known, *SCOPES.values()])}",
            )
        ]
    named = {Scope.STRATEGY: "strategy has the name", Scope.CLASS: "instrument has the asset class", Scope.VENUE: "instrument has the venue"}[scope]
    more = f', and "{OPERATOR_NAME}" for orders by hand' if scope is Scope.STRATEGY else ""
    return [(where, f"no {named} {member!r}; there are {', '.join(known) or 'none'}{more}.{nearest(member, known)}")]


def _misplaced(name: str, scope: Scope, session: _Session, limits: LimitsConfig) -> str:
    """Why a key may not stand in a table of this scope; empty when it may."""
    rule = session.rule_of[name][0]
    if scope not in rule.scopes:
        allowed = [SCOPES[s] for s in rule.scopes]
        tables = " or ".join("[limits.account]" if w == "account" else f"[limits.{w}.…]" for w in allowed)
        return f"the rule {rule.code} ({rule.id}) may bind by {' or '.join(allowed)}, not by {SCOPES[scope]}; write it in [limits] or {tables}."
    if scope is Scope.ACCOUNT and rule.scopes[0] is Scope.ACCOUNT and name in limits.given():
        return "is written in [limits] as well, where it means the account; keep one of them."
    if scope is Scope.INSTRUMENT and any(name in limits.instrument[s].given() for s in limits.overrides if s in limits.instrument
                                          and name in limits.overrides[s].given()):  # fmt: skip
        return "is written in [limits.instrument.…] and in the short form of the same table; keep one of them."
    return ""


def _contradicting(limits: Sequence[Limit], session: _Session, written: dict[Place, dict[str, Written]]) -> Problems:
    """What the domain finds contradictory, each at the place of the limit that it begins with."""
    problems: Problems = []
    for sentence in contradictions(limits, session.instruments, session.rules):
        name, _, rest = sentence.partition(" ")
        where = [keys[name].place for keys in written.values() if name in keys]
        own = [
            keys[name].place for (scope, member), keys in written.items() if name in keys and scope is Scope.INSTRUMENT and f" {member}:" in sentence
        ]
        problems.append(((own or where or ["limits"])[0], f"{rest}."))
    return problems
