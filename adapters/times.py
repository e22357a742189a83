"""Decides how people write and read times and durations; inside, both are integer nanoseconds UTC.

Invariants: `parse_time(time_text(ns)) == ns` and `parse_duration(duration_text(ns)) == ns`; no float, no clock, no local time zone.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache

SECOND_NS = 1_000_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_UNITS = {"ns": 1, "us": 1_000, "µs": 1_000, "ms": 1_000_000, "s": SECOND_NS, "m": 60 * SECOND_NS, "h": 3600 * SECOND_NS, "d": 86_400 * SECOND_NS}
_WRITTEN = tuple(reversed([(u, n) for u, n in _UNITS.items() if u != "µs"]))
_PART = re.compile(r"(\d+)(?:\.(\d+))?\s*(ns|us|µs|ms|s|m|h|d)")
_TIME = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?)?\s*(Z|UTC|[+-]\d\d:?\d\d)?",
    re.IGNORECASE,
)


def parse_duration(text: str) -> int:
    """Nanoseconds of "5s", "250ms", "1m30s", "1.5h". Raises ValueError for text without a unit or finer than a nanosecond."""
    rest = text.strip()
    total = 0
    if not rest:
        raise ValueError("a duration is empty; write a number and a unit, for example 5s or 250ms")
    while rest:
        found = _PART.match(rest)
        if found is None:
            raise ValueError(f"{text!r} is no duration; write a number and a unit (ns, us, ms, s, m, h, d), for example 5s or 250ms")
        whole, part, unit = found.groups()
        scale = _UNITS[unit]
        total += int(whole) * scale
        if part:
            fine, left = divmod(int(part) * scale, 10 ** len(part))
            if left:
                raise ValueError(f"{text!r} is finer than a nanosecond")
            total += fine
        rest = rest[found.end() :].lstrip()
    return total


def duration_text(ns: int) -> str:
    """The shortest exact text in one unit: 90 s is "90s", 60 s is "1m"."""
    if ns == 0:
        return "0s"
    for unit, scale in _WRITTEN:
        if ns % scale == 0:
            return f"{ns // scale}{unit}"
    return f"{ns}ns"


def parse_time(text: str) -> int:
    """Nanoseconds UTC of an ISO 8601 date or time; without an offset it is UTC. Raises ValueError. Source: ISO 8601."""
    found = _TIME.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"{text!r} is no ISO time; write for example 2013-10-07T14:30:00Z")
    year, month, day, hour, minute, second, part, offset = found.groups()
    try:
        moment = datetime(int(year), int(month), int(day), int(hour or 0), int(minute or 0), int(second or 0), tzinfo=UTC)
    except ValueError as e:
        raise ValueError(f"{text!r} is no time that exists: {e}") from e
    seconds = (moment - _EPOCH) // timedelta(seconds=1)
    if offset and offset.upper() not in ("Z", "UTC"):
        digits = offset[1:].replace(":", "")
        shift = int(digits[:2]) * 3600 + int(digits[2:]) * 60
        seconds -= shift if offset[0] == "+" else -shift
    return seconds * SECOND_NS + int((part or "0").ljust(9, "0"))


def time_text(ns: int) -> str:
    """ISO 8601 UTC with as many of milli-, micro- and nanoseconds as the value needs: "2013-10-07T13:30:00.25Z" is "…00.250Z"."""
    seconds, rest = divmod(ns, SECOND_NS)
    text = _second_text(seconds)
    if not rest:
        return f"{text}Z"
    part = f"{rest:09d}"
    while part.endswith("000"):
        part = part[:-3]
    return f"{text}.{part}Z"


@lru_cache(maxsize=64)
def _second_text(seconds: int) -> str:
    """Neighbouring ticks share their second."""
    return (_EPOCH + timedelta(seconds=seconds)).isoformat()[:19]
