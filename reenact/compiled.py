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
MODULES = (
    *(
        f"domain/{m}.py"
        for m in ("context", "desk", "engine", "journal", "market", "money", "order", "orders", "position", "replay", "state", "value")
    ),
    *(f"domain/risk/{m}.py" for m in ("__init__", "answer", "instrument_validity", "max_order_qty", "max_order_value", "position_limit")),
    *(f"domain/risk/{m}.py" for m in ("price_collar", "proposal", "reduce_only", "stale_data", "trading_state")),
    *(f"adapters/venues/{m}.py" for m in ("admission", "book", "fees", "matching", "prices", "reports", "simulated", "tables")),
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
