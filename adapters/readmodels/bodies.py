"""Decides how an event's own fields are written as JSON for the tables.

Invariants: integers stay exact integers in the log's units, words of closed lists are written by name; no text holds the character NUL,
which PostgreSQL cannot store: it is shown as ␀.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from enum import IntEnum
from typing import Any

import msgspec

from domain.commit import Commit
from domain.events import Event
from domain.limits import Check

_NUL, _SHOWN = "\x00", "␀"
_encode = msgspec.json.Encoder().encode
_NATIVE = (int, str, bool, tuple[int, ...], tuple[Check, ...])
_Field = tuple[str, Callable[[Any], Any] | None]
_FIELDS: dict[type[Event], tuple[str, bool, tuple[_Field, ...]]] = {}


def body(event: Event) -> tuple[str, str | None, str]:
    """The event's name, its cl_ord_id (None without one) and its fields beside ns and cause as a JSON object."""
    kind = type(event)
    found = _FIELDS.get(kind)
    if found is None:
        fields = tuple((f.name, _writer(f.type)) for f in msgspec.structs.fields(kind) if f.name not in ("ns", "cause"))
        found = _FIELDS[kind] = (kind.__name__, any(name == "cl_ord_id" for name, _ in fields), fields)
    name, ordered, fields = found
    row = {field: getattr(event, field) if write is None else write(getattr(event, field)) for field, write in fields}
    return name, row["cl_ord_id"] if ordered else None, _encode(row).decode()


def _writer(kind: Any) -> Callable[[Any], Any] | None:
    """What a field of a type needs before it is JSON; None for nothing."""
    if kind in _NATIVE:
        return None
    if isinstance(kind, type) and issubclass(kind, IntEnum):
        return {word: word.name.lower() for word in kind}.__getitem__
    return _plain


def _plain(value: Any) -> Any:
    if isinstance(value, IntEnum):
        return value.name.lower()
    if isinstance(value, msgspec.Struct):
        return {name: _plain(getattr(value, name)) for name in value.__struct_fields__}
    return [_plain(v) for v in value] if isinstance(value, tuple) else value


def visible(commit: Commit) -> Commit:
    """The commit without the character NUL in any text. Raises ValueError for a number beyond 64 bits, which no column of a time or seq holds."""
    written = _encode(commit.events)
    if _LONG.search(written) and any(map(_beyond, commit.events)):
        raise ValueError("a number beyond 64 bits")
    if b"\\u0000" not in written:
        return commit
    return msgspec.structs.replace(commit, events=[_shown(event) for event in commit.events])


_LONG = re.compile(rb"[0-9]{20}|9[2-9][0-9]{17}")
_MOST = (1 << 63) - 1


def _beyond(value: Any) -> bool:
    if isinstance(value, msgspec.Struct):
        return any(_beyond(getattr(value, name)) for name in value.__struct_fields__)
    return any(map(_beyond, value)) if isinstance(value, (tuple, list)) else isinstance(value, int) and not -_MOST <= value <= _MOST


def _shown(value: Any) -> Any:
    if isinstance(value, str):
        return value.replace(_NUL, _SHOWN)
    if isinstance(value, msgspec.Struct):
        return type(value)(*(_shown(getattr(value, name)) for name in value.__struct_fields__))
    return type(value)(map(_shown, value)) if isinstance(value, (tuple, list)) else value
