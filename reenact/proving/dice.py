"""How a number becomes choices, and how time goes on from one move to the next."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from reenact.proving.walk import Walk

MS = 10**6


class Dice:
    """A number taken apart into choices: the low ones first, so that a smaller number means plainer choices."""

    __slots__ = ("left",)

    def __init__(self, number: int) -> None:
        self.left = number

    def of(self, n: int) -> int:
        """A number from 0 to n - 1."""
        self.left, found = divmod(self.left, n)
        return found

    def one(self, among: Sequence[Any]) -> Any:
        """One of several."""
        return among[self.of(len(among))]


class Mover:
    """Makes moves in one session. `ticked(d)` is the time of the next input: mostly a millisecond on, none after a wait."""

    def __init__(self, walk: Walk) -> None:
        self.walk = walk

    @property
    def facts(self) -> Any:
        """The recount as of now."""
        return self.walk.facts

    def ticked(self, d: Dice) -> int:
        """The time of the next input."""
        walk = self.walk
        step = (MS, 0, MS, 100 * MS)[d.of(4)]
        walk.clock_ns = max(walk.clock_ns, walk.now_ns) + (0 if walk.waited else step)
        walk.waited = False
        return walk.clock_ns
