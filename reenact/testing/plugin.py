"""The pytest plugin: fixtures for testing one's own strategies, rules and configurations. Installed with Reenact, nothing to import."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from reenact.testing.world import World


@pytest.fixture
def reenact_given() -> Callable[..., World]:
    """`reenact.testing.given`: a session to put inputs into."""
    from reenact.testing.world import given

    return given


@pytest.fixture
def reenact_prove() -> Callable[..., Any]:
    """`reenact.testing.assert_proven`: fails the test with the story of a counterexample."""
    from reenact.testing.machines import assert_proven

    return assert_proven
