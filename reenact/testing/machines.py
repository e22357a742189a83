"""The prover's machine for one's own tests: a configuration, a strategy or a rule is proven like `reenact prove` does it.

Invariants: what it finds, Hypothesis shrinks and shows as a pytest failure; `prove` does the same in a bounded time and tells a story.
"""

from __future__ import annotations

import unittest
from collections.abc import Callable, Sequence
from pathlib import Path

from domain.events import SessionOpened
from domain.risk import Rule
from domain.strategy import Strategy
from reenact.config import SessionConfig, load
from reenact.proving import KINDS, Invariant
from reenact.proving.configured import setup_of
from reenact.proving.machine import machine_of
from reenact.proving.running import Proof
from reenact.proving.running import prove as run
from reenact.proving.setup import Setup
from reenact.proving.tally import Tally

Provable = Setup | SessionConfig | str | Path
_ENDLESS = 1 << 62


def session(opened: SessionOpened, strategies: Callable[[], Sequence[Strategy]], rules: Sequence[Rule] = (), prices: Sequence[int] = ()) -> Setup:
    """Something to prove that has no configuration file: an opening, its strategies made anew for each session, rules of your own."""
    return Setup(opened, strategies, tuple(rules), 0, tuple(prices))


def prove(what: Provable, *, steps: int = 20_000, seed: int = 0, seconds: float | None = None, invariants: Sequence[type[Invariant]] = ()) -> Proof:
    """Search for a counterexample; see `Proof`. `invariants`: your own, beside the built-in ones. Raises ConfigInvalid for a bad configuration."""
    return run(_setup(what), steps=steps, seed_number=seed, seconds=seconds, kinds=(*KINDS, *invariants))


def assert_proven(what: Provable, *, steps: int = 20_000, seed: int = 0, invariants: Sequence[type[Invariant]] = ()) -> Proof:
    """`prove`, with the story as the failure of the test. Raises AssertionError."""
    proof = prove(what, steps=steps, seed=seed, invariants=invariants)
    if proof.found is not None:
        raise AssertionError("\n".join([f"{proof.found.invariant} is broken: {proof.found.sentence}", *proof.found.story]))
    return proof


def machine(what: Provable, *, invariants: Sequence[type[Invariant]] = ()) -> type[unittest.TestCase]:
    """A test case for pytest to collect: `TestMine = machine("session.toml")`. Its examples and steps are Hypothesis' settings."""
    case: type[unittest.TestCase] = machine_of(_setup(what), (*KINDS, *invariants), Tally(_ENDLESS)).TestCase
    return case


def _setup(what: Provable) -> Setup:
    if isinstance(what, Setup):
        return what
    return setup_of(what if isinstance(what, SessionConfig) else load(what))
