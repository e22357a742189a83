"""The prover on sound engines: nothing is found, everything is reached; a counterexample is kept as a session that the other commands open."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

import domain.desk
from domain.risk import RULES
from reenact.cli import main
from reenact.cli.prove import _SENSE
from reenact.proving import KINDS
from reenact.proving.running import prove
from reenact.proving.shrink import shrunk
from tests.proving.configs import ALL, ORDERS
from tests.proving.planted import PLANTED

EXAMPLE = Path(__file__).parents[2] / "reenact/examples/demo.toml"


@pytest.mark.parametrize("name", ALL)
def test_a_sound_engine_is_proven(name: str) -> None:
    """Given a session with limits, when it is proven, then nothing is found, and each example was re-enacted to the same bytes."""
    proof = prove(ALL[name], steps=4_000)
    assert proof.found is None, proof.found
    assert proof.steps >= 4_000
    assert proof.approved > 0
    assert proof.denied > 0


def test_the_same_seed_tries_the_same_sessions() -> None:
    """Given a seed, when proven twice, then what was tried is the same; another seed tries something else."""
    first, second, other = (prove(ORDERS, steps=1_000, seed_number=seed) for seed in (3, 3, 4))
    assert (first.steps, first.tested, first.rules) == (second.steps, second.tested, second.rules)
    assert other.tested != first.tested


def test_every_limit_of_the_small_sessions_is_reached() -> None:
    """Given one limit at a time, when proven, then each limit denied something."""
    assert prove(ALL["orders"], steps=3_000).never_reached == []
    assert prove(ALL["prices"], steps=3_000).never_reached == []


def test_shrinking_keeps_what_fails_and_drops_the_rest() -> None:
    """Given moves of which two matter, when shrunk, then the two are left, with small numbers."""

    def fails(moves: object) -> bool:
        families = [family for family, _ in moves]  # type: ignore[attr-defined]
        return 1 in families and 2 in families[families.index(1) :]

    assert shrunk([(0, 99), (1, 4_000), (3, 7), (0, 1), (2, 5_000), (4, 4)], fails) == [(1, 0), (2, 0)]


def test_the_command_says_proven_and_ends_with_0() -> None:
    """Given the demonstration, when proven from the command line, then exit code 0 and the numbers."""
    found = CliRunner().invoke(main, ["prove", str(EXAMPLE), "--steps", "500", "--no-progress"])
    assert found.exit_code == 0, found.output
    assert "PROVEN" in found.output
    assert "seed 0" in found.output


def test_the_command_says_in_words_what_every_invariant_beside_the_rules_is() -> None:
    """Given the invariants, then each is a rule with a code of its own, or has words."""
    assert {kind.id for kind in KINDS} - {rule.id for rule in RULES} <= _SENSE.keys()


@pytest.mark.parametrize(
    ("words", "sentence"),
    [(["--rule", "R-99"], "there is no invariant 'R-99'"), (["--time", "soon"], "soon"), (["--steps", "0"], "0 is not in the range")],
)
def test_a_wrong_option_is_one_sentence_and_exit_code_2(words: list[str], sentence: str) -> None:
    """Given an option that means nothing, when proven, then one sentence and exit code 2."""
    found = CliRunner().invoke(main, ["prove", str(EXAMPLE), *words])
    assert found.exit_code == 2
    assert sentence in found.output
    assert "Traceback" not in found.output


def test_a_counterexample_is_told_kept_and_opened_by_the_other_commands(tmp_path: Path) -> None:
    """Given a broken rule, when proven, then exit code 1, a story, and a session that `verify`, `events` and `at` open."""
    bug = next(b for b in PLANTED if b.name == "quantity: one over passes")
    log = f"sqlite://{tmp_path / 'found.db'}"
    if domain.desk.__file__.endswith(".so"):
        pytest.skip("compiled rooms cannot be broken on purpose; run `make pure`")
    with bug.planted():
        found = CliRunner().invoke(main, ["prove", str(EXAMPLE), "--steps", "20000", "--log", log, "--no-progress"])
        assert found.exit_code == 1, found.output
        assert "R-04 is broken" in found.output
        assert "Kept as session prove-1" in found.output
        verified = CliRunner().invoke(main, ["verify", "prove-1", "--log", log, "--no-progress"])
        assert verified.exit_code == 0, verified.output
    sound = CliRunner().invoke(main, ["verify", "prove-1", "--log", log, "--no-progress"])
    assert sound.exit_code == 1, "the sound engine decides otherwise"
    assert CliRunner().invoke(main, ["events", "--session", "prove-1", "--log", log]).exit_code == 0
