"""Decides how two versions of one event are held against each other.

Invariants: what is equal is not told; lists of checks are compared rule by rule; both sides are shown as they were recorded.
"""

from __future__ import annotations

from itertools import zip_longest
from typing import Any

import msgspec

from domain.errors import ReplayDiverged

_MOST = 300


class Difference(msgspec.Struct, frozen=True):
    """A field that differs; empty text where a side has no such field."""

    field: str
    recorded: str
    today: str


def differences(recorded: object, today: object) -> list[Difference]:
    """Every field in which two events differ; None stands for no event."""
    if type(recorded) is not type(today) or not isinstance(recorded, msgspec.Struct):
        return [Difference("event", _text(recorded), _text(today))]
    return list(_fields("", recorded, today))


def told(error: ReplayDiverged, most: int = 3) -> str:
    """The divergence in one sentence: where, and the first fields that differ."""
    found = differences(error.expected, error.actual)
    parts = [f"{d.field} is {d.recorded or 'absent'} in the log and {d.today or 'absent'} today" for d in found[:most]]
    more = f", and {len(found) - most} fields more differ" if len(found) > most else ""
    name = type(error.expected).__name__ if error.expected is not None else "an event more"
    return f"{error.place}: today's code does not reach the recorded {name}: {'; '.join(parts)}{more}."


def _fields(path: str, recorded: Any, today: Any) -> Any:
    if recorded == today:
        return
    if isinstance(recorded, msgspec.Struct) and type(recorded) is type(today):
        for name in recorded.__struct_fields__:
            yield from _fields(f"{path}.{name}" if path else name, getattr(recorded, name), getattr(today, name))
    elif isinstance(recorded, (tuple, list)) and isinstance(today, (tuple, list)):
        for i, (one, two) in enumerate(zip_longest(recorded, today)):
            yield from _fields(f"{path}[{_key(one, two, i)}]", one, two)
    else:
        yield Difference(path, _text(recorded), _text(today))


def _key(one: Any, two: Any, i: int) -> object:
    """What people call an element of a list: its rule, symbol or name where it has one."""
    for name in ("rule", "symbol", "name"):
        found = getattr(one if one is not None else two, name, None)
        if isinstance(found, str):
            return found
    return i


def _text(value: object) -> str:
    text = "" if value is None else str(value)
    return text if len(text) <= _MOST else f"{text[:_MOST]}…"
