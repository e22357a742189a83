"""Decides how an event lies in a Kafka record, so that others can read it without our code.

Key = stream, value = the event's bytes. Headers: `version` (the number in its stream, decimal), `topic` (what the bytes are), `prev` (hex: the
link of the event before it in the stream), `insert` ("i/n": the i-th of n events written together), `writer` (when it is not the stream).

Invariants: the link of a commit is its own hash, so that `prev` is the `prev` inside it; a record that lacks one of these is foreign.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from eventsourcing.persistence import StoredEvent

from adapters.logs.recorded import COMMIT_TOPIC
from domain.commit import GENESIS, digest

SESSIONS = "~sessions"
SESSION_TOPIC = "session:1"
START = GENESIS  # the link before a stream's first event
_MOST = 1 << 20  # events in one insert


@dataclass(frozen=True, slots=True)
class Head:
    """The last event of a stream that counts."""

    version: int = 0
    link: bytes = START


@dataclass(frozen=True, slots=True)
class Entry:
    """What a reader must know of a record. `at` is its offset; it is the i-th of n written together by `writer`."""

    stream: str
    version: int
    prev: bytes
    link: bytes
    i: int
    n: int
    writer: str
    at: int

    def follows(self, head: Head) -> bool:
        return self.version == head.version + 1 and self.prev == head.link


def link(topic: str, state: bytes) -> bytes:
    """The hash that names an event in its stream."""
    return digest(state) if topic == COMMIT_TOPIC else sha256(topic.encode() + b"\0" + state).digest()


def headers(event: StoredEvent, prev: bytes, i: int, n: int, writer: str) -> list[tuple[str, bytes]]:
    """The headers of the i-th of n events written together."""
    found = [
        ("version", b"%d" % event.originator_version),
        ("topic", event.topic.encode()),
        ("prev", prev.hex().encode()),
        ("insert", b"%d/%d" % (i, n)),
    ]
    if writer != str(event.originator_id):
        found.append(("writer", writer.encode()))
    return found


def entry(record: Any) -> Entry | str:
    """What a consumer's record says of itself; a sentence when it is foreign."""
    try:
        stream = record.key.decode()
        known = {name: value.decode() for name, value in record.headers if name in ("version", "topic", "prev", "insert", "writer")}
        first, _, last = known["insert"].partition("/")
        version, i, n = int(known["version"]), int(first), int(last)
        prev = bytes.fromhex(known["prev"])
        topic = known["topic"]
    except (AttributeError, KeyError, ValueError):
        return "a foreign record: it lacks key or headers of a log"
    if not isinstance(record.value, bytes) or version < 1 or version >= 1 << 63 or not 1 <= i <= n <= _MOST:
        return "a foreign record: its headers are impossible"
    return Entry(stream, version, prev, link(topic, record.value), i, n, known.get("writer", stream), record.offset)


def stored(record: Any, originator_id: Any) -> StoredEvent:
    """The event in a record that counts."""
    topic = next(value for name, value in record.headers if name == "topic")
    return StoredEvent(originator_id, int(next(value for name, value in record.headers if name == "version")), topic.decode(), record.value)
