"""Decides which rooms of the hot path may be compiled, and whether what is compiled is what the source says.

Compiling is optional: `make compile` turns these modules into extension modules beside their source with mypyc. The same source decides
the same, faster; the golden sessions and the tests run both ways.

Invariants: a compiled module older than its source is never run in a session; modules that define events or edges stay interpreted.
"""

from __future__ import annotations

from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

import reenact
from domain.errors import ReenactError

ROOT = Path(reenact.__file__).parent.parent
_NOT_COMPILED = frozenset({"rule"})  # holds definitions of records
MODULES = (
    *(
        f"domain/{m}.py"
        for m in (
            "context",
            "desk",
            "engine",
            "journal",
            "losses/follower",
            "losses/marks",
            "losses/watch",
            "market",
            "money",
            "order",
            "orders",
            "position",
            "proposals",
            "replay",
            "state",
            "surveillance",
            "value",
        )
    ),
    *(f"domain/risk/{f.name}" for f in sorted((ROOT / "domain" / "risk").glob("*.py")) if f.stem not in _NOT_COMPILED),
    *(f"adapters/venues/{m}.py" for m in ("admission", "book", "fees", "lying", "matching", "prices", "reports", "simulated", "tables")),
    "reenact/runtime.py",
)


def built() -> list[Path]:
    """The extension modules that stand beside their source."""
    return [found for module in MODULES for suffix in EXTENSION_SUFFIXES if (found := (ROOT / module).with_suffix("").with_suffix(suffix)).exists()]


def check_fresh() -> None:
    """Raise ReenactError when a compiled module is older than its source: it would decide by yesterday's code."""
    for extension in built():
        source = extension.with_name(extension.name.split(".")[0] + ".py")
        if source.exists() and source.stat().st_mtime_ns > extension.stat().st_mtime_ns:
            raise ReenactError(
                f"the compiled module {extension.name} is older than its source",
                place=str(source),
                remedy="Run `make compile` again, or `make pure`.",
            )
