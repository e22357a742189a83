"""Runs a proof: draws sessions until the steps, the time or a counterexample ends it, and makes what it found small and readable.

Invariants: the same seed and steps give the same sessions; a result says how much was tried, and which limits were never reached.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from hypothesis import HealthCheck, Phase, Verbosity, seed, settings
from hypothesis.errors import HypothesisException
from hypothesis.stateful import run_state_machine_as_test

from reenact.proving import KINDS, Invariant
from reenact.proving.losses import RULES as RULES_OF_LOSS
from reenact.proving.machine import machine_of, start
from reenact.proving.moves import Move
from reenact.proving.setup import Setup
from reenact.proving.shrink import shrunk
from reenact.proving.story import story
from reenact.proving.tally import Enough, Progress, Tally
from reenact.proving.violation import Violation

NAME = "prove"
ROUND = 20
LENGTH = 50


class Counterexample(msgspec.Struct, frozen=True):
    """What breaks an invariant: the sentence, the story that leads to it, and the session's commits. `steps` are the inputs of the story."""

    invariant: str
    seq: int
    sentence: str
    steps: int
    story: list[str]
    session: str
    records: list[bytes] = []
    style: int = 0
    moves: list[Move] = []


class Reached(msgspec.Struct, frozen=True):
    """How often a rule was asked and what it said. `at`: it let pass what stood exactly at its limit."""

    rule: str
    code: str
    limited: bool
    passed: int
    at: int
    denied: int
    checked: int


class Proof(msgspec.Struct, frozen=True):
    """What a proof did. `proven`: nothing was found. `steps`: inputs to the engine, every event checked; `sessions`: examples, each re-enacted.

    `tested`: how often each invariant was put to the test. `never_reached`: rules with a limit that denied nothing.
    """

    proven: bool
    steps: int
    sessions: int
    seed: int
    seconds: float
    steps_per_s: int
    approved: int
    denied: int
    tested: dict[str, int]
    rules: list[Reached]
    never_reached: list[str]
    found: Counterexample | None = None


def prove(
    setup: Setup,
    *,
    steps: int = 20_000,
    seed_number: int = 0,
    seconds: float | None = None,
    kinds: Sequence[type[Invariant]] = KINDS,
    rules: Sequence[str] = (),
    progress: Progress | None = None,
) -> Proof:
    """Look for a counterexample in so many steps, at most so many seconds. `rules`: only violations of these invariants count."""
    tally = Tally(steps, seconds, progress, frozenset(rules))
    machine = machine_of(setup, kinds, tally)
    quiet = settings(
        max_examples=ROUND, stateful_step_count=LENGTH, database=None, deadline=None, derandomize=False, phases=[Phase.generate],
        report_multiple_bugs=False, verbosity=Verbosity.quiet, suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    turn = 0
    while not tally.over:
        try:
            run_state_machine_as_test(seed(seed_number * 1_000_003 + turn)(machine), settings=quiet)
        except Violation as e:
            tally.found = tally.found or e
        except Enough:
            break
        except HypothesisException:
            # It takes the sudden end of a search for chance in the test.
            if not tally.spent:
                raise
        turn += 1
    name = f"{NAME}-1"
    seconds_used = tally.elapsed_s
    found = _counterexample(setup, kinds, tally, name) if tally.found is not None else None
    return _proof(setup, tally, seed_number, seconds_used, found)


def _again(setup: Setup, kinds: Sequence[type[Invariant]], style: int, moves: Sequence[Move], name: str) -> tuple[Violation | None, list[bytes], int]:
    """Play moves; the violation, the commits and the steps."""
    tally = Tally(1)
    try:
        walk, play = start(setup, setup.attacked(), style, kinds, tally, name)
    except Violation as e:
        return e, [], 0
    try:
        for move in moves:
            play.play(move)
        walk.restart()
    except Violation as e:
        walk.seal()
        return e, walk.records, walk.steps
    return None, walk.records, walk.steps


def _counterexample(setup: Setup, kinds: Sequence[type[Invariant]], tally: Tally, name: str) -> Counterexample | None:
    first = tally.found
    if first is None:
        return None

    def fails(moves: Sequence[Move]) -> bool:
        violation = _again(setup, kinds, tally.style, moves, name)[0]
        return violation is not None and violation.invariant == first.invariant

    moves = shrunk(tally.moves, fails)
    violation, records, steps = _again(setup, kinds, tally.style, moves, name)
    broken = violation or first
    return Counterexample(broken.invariant, broken.seq, broken.sentence, steps, story(records), name, records, tally.style, moves)


def named(setup: Setup, proof: Proof, name: str, kinds: Sequence[type[Invariant]] = KINDS) -> Proof:
    """The same proof with its counterexample as a session of another name."""
    found = proof.found
    if found is None:
        return proof
    violation, records, steps = _again(setup, kinds, found.style, found.moves, name)
    return msgspec.structs.replace(
        proof, found=Counterexample(
            found.invariant, found.seq, violation.sentence if violation else found.sentence, steps, story(records), name, records, found.style, found.moves
        )
    )  # fmt: skip


def _proof(setup: Setup, tally: Tally, seed_number: int, seconds: float, found: Counterexample | None) -> Proof:
    limited = {limit.rule for limit in setup.opened.limits}
    rules = [
        Reached(
            r.id, r.code, not r.params or r.id in limited, tally.reached[r.id, "passed"], tally.reached[r.id, "at"], tally.reached[r.id, "denied"],
            tally.tested[r.id],
        )
        for r in setup.rules
        if not r.params or r.id in limited
    ]  # fmt: skip
    return Proof(
        found is None, tally.steps, tally.examples, seed_number, round(seconds, 3), round(tally.steps / seconds) if seconds else 0,
        tally.seen["approved"], tally.seen["denied"], dict(sorted(tally.tested.items())), rules,
        [r.rule for r in rules if not r.denied and r.rule in limited], found,
    )  # fmt: skip


def known_invariants(setup: Setup) -> list[str]:
    """What a violation may be of: every rule, and what holds for the record, persons and money."""
    return sorted({*(rule.id for rule in setup.rules), *(kind.id for kind in KINDS), *RULES_OF_LOSS, "MONEY", "ENGINE", "REPLAY", "REAPER"})
