"""Decides how a session leaves Reenact for other tools: JSON lines and Parquet.

Invariants: events are written in order with their seq, ticks one by one; writing streams commit by commit; an export that fails leaves no
file that looks finished.
"""

from __future__ import annotations

from adapters.export.jsonlines import write_jsonl
from adapters.export.parquet import write_parquet

__all__ = ["write_jsonl", "write_parquet"]
