"""A million steps and more: only with `HYPOTHESIS_PROFILE=nightly`, and its seed changes with the day's `REENACT_SEED`."""

from __future__ import annotations

import os

import pytest
from hypothesis import settings

from reenact.proving.running import prove
from tests.proving.configs import ALL

STEPS = 100_000
NIGHTLY = settings.get_current_profile_name() == "nightly"


@pytest.mark.timeout(7_200)
@pytest.mark.skipif(not NIGHTLY, reason="a million steps take the night: HYPOTHESIS_PROFILE=nightly")
@pytest.mark.parametrize("name", ALL)
def test_a_hundred_thousand_steps_break_nothing(name: str) -> None:
    """Given one of the seventeen sessions, when 100,000 steps are tried, then nothing is found; together 1,700,000."""
    proof = prove(ALL[name], steps=STEPS, seed_number=int(os.environ.get("REENACT_SEED", "1")))
    print(f"{name}: {proof.steps:,} steps, {proof.sessions:,} sessions, seed {proof.seed}, {proof.seconds:.0f} s, {proof.approved:,} approved")
    assert proof.found is None, proof.found
