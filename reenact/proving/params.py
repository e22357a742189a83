"""Where the numbers of a rule's parameters stand in a limit."""

from __future__ import annotations

from domain.risk.rule import WIDTH, Rule


def offsets(rule: Rule) -> dict[str, int]:
    """The place of each parameter's first number, by its name."""
    found: dict[str, int] = {}
    at = 0
    for p in rule.params:
        found[p.name] = at
        at += WIDTH[p.unit]
    return found
