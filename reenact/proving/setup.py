"""What a proof is about: the opening of a session, its strategies and its rules.

Invariants: what the user's configuration says is what is proven; only the strategies may be stood in for, by the adversary.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from domain.events import SessionOpened
from domain.risk import RULES, Rule
from domain.strategy import Strategy
from reenact.proving.adversary import TARGET, Adversary

Build = Callable[[], Sequence[Strategy]]
DAY_NS = 86_400 * 10**9


class Setup(msgspec.Struct, frozen=True):
    """A session to be proven. `build` makes its strategies anew; `own` are the user's rules; `roll_ns` is when in the UTC day it rolls;
    `px` where the prices of its instruments begin;
    `adversary_sha256` what the adversary's code was."""

    opened: SessionOpened
    build: Build
    own: tuple[Rule, ...] = ()
    roll_ns: int = 0
    px: tuple[int, ...] = ()
    adversary_sha256: str = ""

    @property
    def rules(self) -> tuple[Rule, ...]:
        """Every rule of the session, in the order of reasons."""
        return (*RULES, *self.own)

    def attacked(self) -> Setup:
        """The same session with the adversary in the place of every strategy."""
        specs = tuple(
            msgspec.structs.replace(s, target=TARGET, source_sha256=self.adversary_sha256, source="", params="{}", bar_ns=0, bar_exclude=0)
            for s in self.opened.strategies
        )  # fmt: skip
        opened = msgspec.structs.replace(self.opened, strategies=specs)
        return Setup(opened, lambda: [Adversary() for _ in specs], self.own, self.roll_ns, self.px, self.adversary_sha256)
