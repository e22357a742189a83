"""Decides what a published record holds: an event as a line of JSON, headers that say what it is, and how far a session has come.

Invariants: the JSON is the row that people and exports see (`adapters.readable`), led by the session; a record can be named and filtered by
its headers alone.
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from adapters.readable import Reader
from domain.commit import GENESIS, Commit, digest
from domain.events import SessionClosed

FORMAT = "1"
_encode = msgspec.json.Encoder().encode
_MS = 1_000_000

Header = tuple[str, bytes]


class Record(NamedTuple):
    """One event as it is sent. `ms`: the event's time in UTC milliseconds, which becomes the record's timestamp."""

    value: bytes
    headers: list[Header]
    ms: int


class Position(msgspec.Struct, frozen=True):
    """How far a session is published, and where: the last commit, its last seq, its hash (hex), and whether that commit closed the session.

    The partition stays the session's own, so that its order outlasts a topic that is given more partitions.
    """

    session: str
    partition: int
    commit: int = 0
    seq: int = 0
    head: str = GENESIS.hex()
    closed: bool = False
    format: str = FORMAT

    def known(self) -> tuple[int, int, bytes]:
        """Number, last seq and hash, as `domain.commit.checked` wants them."""
        return self.commit, self.seq, bytes.fromhex(self.head)


class Recorder:
    """Turns the commits of one session, handed over in order from its first, into records."""

    def __init__(self, at: Position) -> None:
        self._partition = at.partition
        self._session = session = at.session
        self._reader = Reader()
        self._header: Header = ("session", session.encode())
        self._types: dict[str, Header] = {}

    def pass_over(self, commit: Commit) -> None:
        """Learn what later events need from a commit that is published already."""
        for _, event in commit.recorded():
            if isinstance(event, Reader.NAMING):
                self._reader.note(event)

    def records(self, commit: Commit) -> list[Record]:
        """Every event of the commit, ticks included."""
        of_commit: Header = ("commit", b"%d" % commit.number)
        of_format: Header = ("format", FORMAT.encode())
        found = []
        for seq, event in commit.items():
            row = self._reader.row(seq, event)
            kind = self._types.get(row["type"])
            if kind is None:
                kind = self._types[row["type"]] = ("type", row["type"].encode())
            headers = [self._header, ("seq", b"%d" % seq), kind, of_commit, of_format]
            found.append(Record(_encode({"session": self._session} | row), headers, max(0, event.ns // _MS)))
        return found

    def position(self, commit: Commit, record: bytes) -> Position:
        """How far the session is published once all up to this commit are."""
        closed = bool(commit.events) and isinstance(commit.events[-1], SessionClosed)
        return Position(self._session, self._partition, commit.number, commit.last_seq, digest(record).hex(), closed)
