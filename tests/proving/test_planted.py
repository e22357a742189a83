"""Each engine that is broken on purpose is found by the prover within its budget of steps; the table is printed (`pytest -s`)."""

from __future__ import annotations

import pytest

from reenact.compiled import built
from tests.proving.planted import PLANTED, Planted
from tests.proving.table import hunt, line

pytestmark = pytest.mark.skipif(bool(built()), reason="compiled rooms cannot be broken on purpose; run `make pure`")


def test_at_least_forty_bugs_are_planted_under_names_of_their_own() -> None:
    """Given the list, when counted, then there are at least forty, each with its own name."""
    assert len({bug.name for bug in PLANTED}) == len(PLANTED) >= 40


@pytest.mark.parametrize("bug", PLANTED, ids=lambda bug: bug.name)
def test_a_planted_bug_is_found(bug: Planted) -> None:
    """Given a broken engine, when it is proven, then a counterexample is found within the budget, and its story is short."""
    proof = hunt(bug)
    print(line(bug, proof, proof.seconds))
    assert proof.found is not None
    assert proof.found.steps <= 150
    assert proof.found.story
