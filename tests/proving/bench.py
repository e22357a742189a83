"""How a bug is planted: parts of the engine that are taken out while a broken one stands in their place, and the list of all that are."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import msgspec

import domain.desk
from domain.limits import Check
from domain.risk import RULES
from domain.risk.bound import Bound
from domain.risk.proposal import Proposal

Patch = Callable[["Bench"], None]


class Bench:
    """Puts broken parts in, and the sound ones back."""

    def __init__(self) -> None:
        self._old: list[tuple[Any, str, Any]] = []

    def put(self, owner: Any, name: str, part: Any) -> Any:
        """Put a part in the place of `owner.name`; the sound one."""
        sound = owner.__dict__[name]
        self._old.append((owner, name, sound))
        setattr(owner, name, part)
        return sound

    def rule(self, rule_id: str, **changes: Any) -> None:
        """Change a rule of the desk."""
        self.put(domain.desk, "RULES", tuple(msgspec.structs.replace(r, **changes) if r.id == rule_id else r for r in domain.desk.RULES))

    def restore(self) -> None:
        """Put the sound parts back."""
        while self._old:
            setattr(*self._old.pop())


@dataclass(frozen=True)
class Planted:
    """A bug: what is wrong, in which session (`tests.proving.configs`), and how many steps the prover may need.

    Budgets are a few times what was seen: what Hypothesis draws depends on the modules that are loaded, whose constants it tries.
    """

    name: str
    session: str
    patch: Patch
    steps: int = 40_000

    @contextmanager
    def planted(self) -> Iterator[None]:
        """The engine has the bug while this context lasts."""
        bench = Bench()
        try:
            self.patch(bench)
            yield
        finally:
            bench.restore()


PLANTED: list[Planted] = []


def planted(name: str, session: str, steps: int = 40_000) -> Callable[[Patch], Patch]:
    """Add a bug to the list."""

    def add(patch: Patch) -> Patch:
        PLANTED.append(Planted(name, session, patch, steps))
        return patch

    return add


def sound_rule(rule_id: str) -> Callable[[Proposal, Bound], Check]:
    """The check of a rule as it should be."""
    return next(r.check for r in RULES if r.id == rule_id)


def check(rule_id: str, name: str, session: str, steps: int = 40_000) -> Callable[[Callable[[Proposal, Bound], Check]], None]:
    """Plant another check in the place of a rule's."""

    def add(broken: Callable[[Proposal, Bound], Check]) -> None:
        PLANTED.append(Planted(name, session, lambda b: b.rule(rule_id, check=broken), steps))

    return add
