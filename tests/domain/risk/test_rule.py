"""The catalogue of rules: unique names, known units, sources."""

from __future__ import annotations

import re

import pytest

from domain.risk import KNOWN, OFF, RULES, WIDTH, Param, Rule, limits_of
from domain.terms import Scope
from reenact.limiting import _rule_row


def test_every_rule_has_its_own_id_and_every_parameter_its_own_key() -> None:
    """Given all rules, then ids and parameter names are unique, and the catalogue knows each by its id."""
    assert len({r.id for r in RULES}) == len(RULES) == len(KNOWN)
    names = [p.name for r in RULES for p in r.params]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("rule", RULES, ids=lambda r: r.id)
def test_every_rule_says_its_source_its_units_and_where_it_binds(rule: Rule) -> None:
    """Given a rule, then its check names a source, its parameters have known units and meanings, and it binds somewhere."""
    assert _rule_row(rule, "").source
    assert re.fullmatch(r"[A-Z]+-\d\d[a-z]?", rule.id)
    assert re.fullmatch(r"[A-Z_]+", rule.code)
    assert all(p.unit in WIDTH and p.meaning for p in rule.params)
    assert rule.scopes
    assert rule.width == sum(WIDTH[p.unit] for p in rule.params)


def test_what_a_parameter_needs_is_said_with_its_meaning_and_is_another_of_its_rule() -> None:
    """Given parameters, then the text of one that needs others names them, and these are parameters of the same rule."""
    assert Param("a", "qty", "so many", ("b", "c")).text == "so many; needs b and c"
    assert Param("a", "qty", "so many").text == "so many"
    for rule in RULES:
        for p in rule.params:
            assert {*p.needs} <= {q.name for q in rule.params} - {p.name}


def test_limits_are_gathered_by_rule_and_what_is_left_out_is_off() -> None:
    """Given numbers by parameter name, then there is one limit per rule, in the order of the rules, numbered on."""
    made = limits_of(Scope.INSTRUMENT, ("X", "Y"), {"max_long": (5,), "collar_bps": (300,)}, first_id=4)
    assert [(limit.id, limit.rule, limit.members) for limit in made] == [(4, "R-01", ("X", "Y")), (5, "R-07", ("X", "Y"))]
    assert made[1].values == (5, OFF)
    assert [limit.id for limit in limits_of(Scope.INSTRUMENT, ("X",), {"max_long": (5,)})] == [1]


def test_a_parameter_that_no_rule_has_is_refused_by_name() -> None:
    """Given an unknown parameter, then the error names it."""
    with pytest.raises(KeyError, match="max_lung"):
        limits_of(Scope.INSTRUMENT, ("X",), {"max_lung": (5,)})
