"""Every row of read models in plain values, so that two databases of either kind can be held against each other."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from adapters.readmodels import ReadModels
from adapters.readmodels.schema import Type
from adapters.readmodels.tables import TABLES

Dump = dict[str, list[tuple[Any, ...]]]


def dump(models: str) -> Dump:
    """All tables by primary key; numbers as int, JSON decoded, times as ISO text."""
    found = {}
    with ReadModels(models) as asked:
        for table in TABLES:
            kinds = [c.type for c in table.columns]
            rows = asked.query(f"SELECT {', '.join(table.names)} FROM {table.name} ORDER BY {', '.join(table.key)}").rows  # noqa: S608
            found[table.name] = [tuple(map(_plain, kinds, row)) for row in rows]
    return found


def _plain(kind: Type, value: Any) -> Any:
    if value is None:
        return None
    match kind:
        case Type.WIDE:
            assert isinstance(value, int | str | Decimal)
            return int(value)
        case Type.FLAG:
            return bool(value)
        case Type.JSON:
            return json.loads(value) if isinstance(value, str) else value
        case Type.TIME if isinstance(value, datetime):
            return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    return value


def differences(one: Dump, other: Dump) -> list[str]:
    """Where two dumps differ, in words, at most a few places."""
    said = []
    for name, rows in one.items():
        theirs = other[name]
        if rows != theirs:
            first = next((pair for pair in zip(rows, theirs, strict=False) if pair[0] != pair[1]), None)
            said.append(f"{name}: {len(rows)} and {len(theirs)} rows, first difference {first}")
    return said


def positions(models: str) -> list[tuple[str, int, int, str, bool, str]]:
    """Where every session's rows are."""
    with ReadModels(models) as asked:
        return [(t.session, p.number, p.seq, p.head, p.settled, p.problem) for t in asked.status() for p in [t.position]]
