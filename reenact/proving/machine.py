"""The Hypothesis state machine: everything that can happen to a session, in any order.

Invariants: each rule draws numbers only, which `reenact.proving.moves` makes inputs of; at the end of an example the whole session is
re-enacted and must give the same bytes.
"""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from reenact.proving.invariants import Invariant
from reenact.proving.moves import FAMILIES, Move, Moves
from reenact.proving.setup import Setup
from reenact.proving.tally import Enough, Tally
from reenact.proving.violation import Violation
from reenact.proving.walk import Walk

MARKET, WISHES, VENUE, PERSONS, TIME, RESTART = range(len(FAMILIES))
_ALL = (1 << 64) - 1
_NUMBERS = st.integers(0, (1 << 44) - 1)
_FEW = st.lists(_NUMBERS, min_size=1, max_size=3)
_MORE = st.lists(_NUMBERS, min_size=2, max_size=14)
_MIX = (WISHES, VENUE, WISHES, VENUE, MARKET, WISHES, VENUE, PERSONS, TIME, WISHES, VENUE, WISHES, PERSONS)


class SessionMachine(RuleBasedStateMachine):
    """One session per example. `setup`, `kinds` and `tally` are set by `machine_of`."""

    setup: Setup
    attacked: Setup
    kinds: Sequence[type[Invariant]]
    tally: Tally

    @initialize(style=_NUMBERS)
    def begin(self, style: int) -> None:
        """A session opens, under attack or with its own strategies."""
        self.style = style_of(spread(style, 0))
        self.done: list[Move] = []
        self.walk: Walk | None = None
        if self.tally.spent:
            raise Enough
        try:
            self.walk, self.moves = start(self.setup, self.attacked, self.style, self.kinds, self.tally)
        except Violation as e:
            if self._failed(e):
                raise

    def _play(self, family: int, numbers: list[int]) -> None:
        walk = self.walk
        if walk is None:
            return
        before = walk.steps
        try:
            for drawn in numbers:
                number = spread(drawn, len(self.done) + 1)
                move = family if family >= 0 else _MIX[number % len(_MIX)], number if family >= 0 else number // len(_MIX)
                self.done.append(move)
                self.moves.play(move)
        except Violation as e:
            if self._failed(e):
                raise
        finally:
            self.tally.walked(walk, before)
        if self.tally.spent:
            self._end()

    def _failed(self, e: Violation) -> bool:
        """The session is over; whether the violation counts."""
        self.walk = None
        if self.tally.wanted and e.invariant not in self.tally.wanted:
            return False
        if self.tally.found is None:
            self.tally.found, self.tally.style, self.tally.moves = e, self.style, list(self.done)
        return True

    def _end(self) -> None:
        walk, self.walk = self.walk, None
        if walk is None:
            return
        try:
            walk.restart()
        except Violation as e:
            self.done.append((RESTART, 0))
            if self._failed(e):
                raise
            return
        self.tally.ended(walk)

    @rule(numbers=_MORE)
    def mixed(self, numbers: list[int]) -> None:
        """Anything, in any order."""
        self._play(-1, numbers)

    @rule(numbers=_MORE)
    def mixed_again(self, numbers: list[int]) -> None:
        """Anything, in any order."""
        self._play(-1, numbers)

    @rule(numbers=_MORE)
    def wishes(self, numbers: list[int]) -> None:
        """Strategies want something."""
        self._play(WISHES, numbers)

    @rule(numbers=_MORE)
    def venue(self, numbers: list[int]) -> None:
        """The venue answers."""
        self._play(VENUE, numbers)

    @rule(numbers=_MORE)
    def market(self, numbers: list[int]) -> None:
        """Prices move."""
        self._play(MARKET, numbers)

    @rule(numbers=_FEW)
    def persons(self, numbers: list[int]) -> None:
        """Persons act."""
        self._play(PERSONS, numbers)

    @rule(numbers=_FEW)
    def time(self, numbers: list[int]) -> None:
        """Time passes."""
        self._play(TIME, numbers)

    @rule(numbers=st.lists(_NUMBERS, min_size=1, max_size=1))
    def restart(self, numbers: list[int]) -> None:
        """The session stops and starts again."""
        if self.walk is not None and self.walk.steps > 40 * self.walk.restarts:
            self._play(RESTART, numbers)

    def teardown(self) -> None:
        """Re-enact what happened."""
        if getattr(self, "walk", None) is not None:
            self._end()


def spread(number: int, place: int) -> int:
    """A drawn number spread over all choices: Hypothesis likes small and repeated ones. Source: splitmix64 (Steele, Lea and Flood, 2014)."""
    z = number + place * 0x9E3779B97F4A7C15 & _ALL
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9 & _ALL
    z = (z ^ z >> 27) * 0x94D049BB133111EB & _ALL
    return (z ^ z >> 31) >> 20


def style_of(number: int) -> int:
    """The style of a session: its own strategies in one of eight, halts and kills in one of three, gentle in every second, groups in one of three."""
    return (1 if number % 8 == 7 else 0) | (2 if number // 8 % 3 == 1 else 0) | (4 if number // 24 % 2 else 0) | (8 if number // 48 % 3 == 2 else 0)


def start(setup: Setup, attacked: Setup, style: int, kinds: Sequence[type[Invariant]], tally: Tally, name: str = "prove") -> tuple[Walk, Moves]:
    """A session of a style, and its moves."""
    walk = Walk(setup if style & 1 else attacked, kinds, tally.tested, name)
    return walk, Moves(walk, style)


def machine_of(setup: Setup, kinds: Sequence[type[Invariant]], tally: Tally) -> type[SessionMachine]:
    """The machine that proves a session."""
    return type("ProvenSession", (SessionMachine,), {"setup": setup, "attacked": setup.attacked(), "kinds": tuple(kinds), "tally": tally})
