"""Finds the recorded market data that tests hold Reenact against."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
import zstandard

ROOT = Path(__file__).resolve().parent.parent


def data_root() -> Path:
    """REENACT_DATA, else shared/data beside the checkout."""
    return Path(os.environ.get("REENACT_DATA", ROOT.parent / "shared" / "data"))


def shared(name: str) -> Path:
    """The file `name` of the recorded data, or a loud skip."""
    path = data_root() / name
    if not path.exists():
        pytest.skip(f"recorded data {name} not found under {data_root()}: set REENACT_DATA")
    return path


def jsonl(name: str) -> list[dict[str, Any]]:
    """The rows of a JSON-lines table; an empty list without the data, so that parametrised tests collect (and a canary test skips loudly)."""
    path = data_root() / name
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def unpacked(name: str) -> str:
    """The text of a zstandard file."""
    with shared(name).open("rb") as file:
        return zstandard.ZstdDecompressor().stream_reader(file).read().decode()
