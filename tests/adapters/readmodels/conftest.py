"""Read models in either database."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(params=["sqlite", "postgres"])
def models(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of read models that are not there yet."""
    if request.param == "postgres":
        return str(request.getfixturevalue("postgres").url)
    return f"sqlite://{tmp_path / 'models.db'}"
