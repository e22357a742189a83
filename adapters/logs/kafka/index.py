"""Decides which records of a topic count, and remembers where they are: a SQLite file that can be rebuilt from the topic at any time.

A record counts when it is the next of its stream by number and by the link to the one before, and when all that were written together with
it count too. Others are dropped, with the reason. Records are judged in the order of their offsets, so that every reader agrees.

Invariants: rows and the position up to which a partition was judged change in one transaction, and only from the position that was read
(several processes may share the file); what a topic lost in the middle stays visible as a gap.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import RLock
from typing import Any

from adapters.logs.kafka.records import SESSION_TOPIC, SESSIONS, Entry, Head, entry
from adapters.logs.kafka.topic import Topic
from domain.errors import LogUnavailable

LAYOUT = "1"
_BUSY_S = 60.0
_AGAIN_S = 0.02
_TABLES = """
CREATE TABLE IF NOT EXISTS about (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS positions (part INTEGER PRIMARY KEY, next INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS events (
    stream TEXT NOT NULL, version INTEGER NOT NULL, part INTEGER NOT NULL, at INTEGER NOT NULL, link BLOB NOT NULL,
    PRIMARY KEY (stream, version)) WITHOUT ROWID;
CREATE UNIQUE INDEX IF NOT EXISTS by_place ON events (part, at);
CREATE TABLE IF NOT EXISTS strays (
    stream TEXT NOT NULL, version INTEGER NOT NULL, part INTEGER NOT NULL, at INTEGER NOT NULL,
    PRIMARY KEY (stream, version)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS begun (
    part INTEGER NOT NULL, writer TEXT NOT NULL, i INTEGER NOT NULL, n INTEGER NOT NULL,
    stream TEXT NOT NULL, version INTEGER NOT NULL, prev BLOB NOT NULL, link BLOB NOT NULL, at INTEGER NOT NULL,
    PRIMARY KEY (part, writer, i)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS dropped (part INTEGER NOT NULL, at INTEGER NOT NULL, stream TEXT NOT NULL, reason TEXT NOT NULL, PRIMARY KEY (part, at));
CREATE TABLE IF NOT EXISTS announced (name TEXT PRIMARY KEY, part INTEGER NOT NULL, at INTEGER NOT NULL) WITHOUT ROWID;
"""
_OF_A_PART = ("positions", "events", "strays", "begun", "dropped", "announced")
_TORN = "part of an insert that was never completed"


@dataclass(frozen=True, slots=True)
class Dropped:
    """A record that does not count. `stream` is empty when it says none."""

    partition: int
    offset: int
    stream: str
    reason: str


class Index:
    """The index of one topic in `folder`; made when it is not there, made anew when it is of another layout or damaged."""

    def __init__(self, folder: Path, topic: Topic) -> None:
        self._topic = topic
        self.path = folder / f"{topic.cluster}.{topic.id}.sqlite"
        self._lock = RLock()
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._c = self._open()
            self._check()
        except (OSError, sqlite3.Error) as e:
            raise LogUnavailable(
                f"the local index {self.path} cannot be used: {e}",
                remedy="Give it a folder that can be written to, with some space: `index=PATH` in the address of the log.",
            ) from e

    def _open(self) -> sqlite3.Connection:
        try:
            return self._prepared()
        except sqlite3.OperationalError:
            raise  # locked, full, no permission: nothing is wrong with what is in the file
        except sqlite3.DatabaseError:
            for name in ("", "-wal", "-shm"):
                Path(f"{self.path}{name}").unlink(missing_ok=True)
            return self._prepared()

    def _prepared(self) -> sqlite3.Connection:
        """The file's connection; waits for others that make the file at the same time, for which SQLite itself does not wait."""
        deadline = time.monotonic() + _BUSY_S
        while True:
            try:
                return self._made()
            except sqlite3.OperationalError as e:
                if e.sqlite_errorcode & 0xFF not in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED) or time.monotonic() > deadline:
                    raise
                time.sleep(_AGAIN_S)

    def _made(self) -> sqlite3.Connection:
        c = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False, timeout=_BUSY_S)
        try:
            c.execute("PRAGMA journal_mode=WAL")
            c.execute("PRAGMA synchronous=NORMAL")  # what a crash of the machine takes is read from the topic again
            for statement in _TABLES.split(";\n"):
                c.execute(statement)
            c.execute("INSERT OR IGNORE INTO about VALUES ('layout', ?)", (LAYOUT,))
            if c.execute("SELECT value FROM about WHERE name = 'layout'").fetchone() != (LAYOUT,):
                raise sqlite3.DatabaseError("another layout")
        except BaseException:
            c.close()
            raise
        return c

    def _check(self) -> None:
        """Streams are spread by the number of partitions; Raises LogUnavailable when it has changed."""
        self._c.execute("INSERT OR IGNORE INTO about VALUES ('partitions', ?)", (str(self._topic.partitions),))
        ((known,),) = self._rows("SELECT value FROM about WHERE name = 'partitions'")
        if known != str(self._topic.partitions):
            self._c.close()
            raise LogUnavailable(
                f"topic {self._topic.name} had {known} partitions and now has {self._topic.partitions}: its sessions are not found any more",
                remedy="Never add partitions to a log; copy it into a new topic.",
            )

    def _rows(self, statement: str, *values: object) -> list[Any]:
        with self._lock:
            return self._c.execute(statement, values).fetchall()

    def position(self, part: int) -> int:
        """The offset up to which a partition was judged."""
        rows = self._rows("SELECT next FROM positions WHERE part = ?", part)
        return rows[0][0] if rows else 0

    def head(self, stream: str) -> Head:
        """The last event of a stream that counts."""
        rows = self._rows("SELECT version, link FROM events WHERE stream = ? ORDER BY version DESC LIMIT 1", stream)
        return Head(*rows[0]) if rows else Head()

    def link(self, stream: str, version: int) -> bytes | None:
        """What stands in a stream under a number."""
        rows = self._rows("SELECT link FROM events WHERE stream = ? AND version = ?", stream, version)
        return rows[0][0] if rows else None

    def places(self, stream: str, gt: int | None, lte: int | None, *, desc: bool, limit: int | None) -> list[tuple[int, int]]:
        """(version, offset) of the events of a stream. Forwards it shows those after a gap, too, for the reader to find the gap."""
        low, high, most = gt or 0, (1 << 63) - 1 if lte is None else lte, -1 if limit is None else limit
        inside = "stream = ? AND version > ? AND version <= ?"
        if desc:
            return self._rows(f"SELECT version, at FROM events WHERE {inside} ORDER BY version DESC LIMIT ?", stream, low, high, most)  # noqa: S608
        with self._lock:
            found = self._rows(f"SELECT version, at FROM events WHERE {inside} ORDER BY version LIMIT ?", stream, low, high, most)  # noqa: S608
            if limit is not None and len(found) >= limit:
                return found
            beyond = max(low, self.head(stream).version + (low <= self.head(stream).version))
            more = self._rows(f"SELECT version, at FROM strays WHERE {inside} ORDER BY version LIMIT ?", stream, beyond, high, most)  # noqa: S608
        return found + more[: None if limit is None else limit - len(found)]

    def notified(self, part: int, start: int, stop: int, limit: int) -> list[tuple[str, int]]:
        """(stream, offset) of the events of a partition from one offset to another."""
        statement = "SELECT stream, at FROM events WHERE part = ? AND at >= ? AND at <= ? ORDER BY at LIMIT ?"
        return self._rows(statement, part, start, stop, limit)

    def last_notified(self, part: int) -> int | None:
        """The offset of a partition's last event."""
        return self._rows("SELECT max(at) FROM events WHERE part = ?", part)[0][0]

    def sessions(self) -> list[str]:
        """The sessions that were announced and have begun, in the order of their announcement."""
        rows = self._rows("SELECT name FROM announced WHERE EXISTS (SELECT 1 FROM events WHERE stream = name AND version = 1) ORDER BY at")
        return [name for (name,) in rows]

    def counted(self) -> int:
        """How many records count."""
        return self._rows("SELECT (SELECT count(*) FROM events) + (SELECT count(*) FROM announced)")[0][0]

    def dropped(self) -> list[Dropped]:
        """The records that do not count, and why; an insert that is not complete yet is among them."""
        rows = self._rows("SELECT part, at, stream, reason FROM dropped UNION ALL SELECT part, at, stream, ? FROM begun ORDER BY 1, 2", _TORN)
        return [Dropped(*row) for row in rows]

    def forget(self, part: int) -> None:
        """Judge a partition anew from its start: it does not hold what it held."""
        with self._lock, self._c:
            self._c.execute("BEGIN IMMEDIATE")
            for table in _OF_A_PART:
                self._c.execute(f"DELETE FROM {table} WHERE part = ?", (part,))  # noqa: S608

    def judge(self, part: int, start: int, upto: int, records: Sequence[Any]) -> bool:
        """Take in what a partition holds from `start` up to `upto`. False, and nothing taken, when somebody else has moved its position."""
        with self._lock:
            self._c.execute("BEGIN IMMEDIATE")
            try:
                if self.position(part) != start:
                    self._c.execute("ROLLBACK")
                    return False
                judgement = _Judgement(self._c, self, self._topic, part)
                for record in records:
                    judgement.take(record)
                judgement.write()
                self._c.execute("INSERT OR REPLACE INTO positions VALUES (?, ?)", (part, upto))
                self._c.execute("COMMIT")
            except BaseException:
                if self._c.in_transaction:
                    self._c.execute("ROLLBACK")
                raise
        return True

    def close(self) -> None:
        """Release the file."""
        with self._lock:
            self._c.close()


class _Judgement:
    """One run of records of one partition, within a transaction."""

    def __init__(self, c: sqlite3.Connection, index: Index, topic: Topic, part: int) -> None:
        self._c = c
        self._topic = topic
        self._index = index
        self._part = part
        self._heads: dict[str, Head] = {}
        self._begun: dict[str, list[Entry]] = {}
        for row in c.execute("SELECT stream, version, prev, link, i, n, writer, at FROM begun WHERE part = ? ORDER BY writer, i", (part,)):
            found = Entry(*row)
            self._begun.setdefault(found.writer, []).append(found)
        self._events: list[tuple[Any, ...]] = []

    def take(self, record: Any) -> None:
        """Judge the next record."""
        if record.key == SESSIONS.encode() and ("topic", SESSION_TOPIC.encode()) in record.headers:
            self._announce(record)
            return
        found = entry(record)
        if isinstance(found, str):
            self._drop(record.offset, (record.key or b"").decode(errors="replace"), found)
            return
        if found.stream not in self._heads and self._topic.partition(found.stream) != self._part:
            self._drop(found.at, found.stream, "in another partition than its stream")
            return
        begun = self._begun.get(found.writer, []) if found.i > 1 else []
        head = self._head(found.stream, begun)
        whole = not begun if found.i == 1 else bool(begun) and (begun[-1].i, begun[-1].n) == (found.i - 1, found.n)
        if not whole or not found.follows(head):
            self._refuse(found, head, torn=not whole)
            return
        if found.i == 1:
            self._void(found.writer)
        if found.i < found.n:
            self._begun[found.writer] = [*begun, found]
            return
        self._begun.pop(found.writer, None)
        self._accept([*begun, found])

    def _head(self, stream: str, begun: Sequence[Entry] = ()) -> Head:
        for earlier in reversed(begun):
            if earlier.stream == stream:
                return Head(earlier.version, earlier.link)
        if stream not in self._heads:
            self._heads[stream] = self._index.head(stream)
        return self._heads[stream]

    def _accept(self, entries: Sequence[Entry]) -> None:
        """The whole insert, unless another writer's events came between its own."""
        heads: dict[str, Head] = {}
        for found in entries:
            if not found.follows(heads.get(found.stream, self._head(found.stream))):
                for one in entries:
                    self._drop(one.at, one.stream, _TORN)
                return
            heads[found.stream] = Head(found.version, found.link)
        self._heads |= heads
        self._events += [(one.stream, one.version, self._part, one.at, one.link) for one in entries]

    def _void(self, writer: str) -> None:
        for one in self._begun.pop(writer, ()):
            self._drop(one.at, one.stream, _TORN)

    def _refuse(self, found: Entry, head: Head, *, torn: bool) -> None:
        if found.version > head.version + 1:
            reason = f"number {head.version + 1} is missing before {found.version}"
            self._c.execute("INSERT OR IGNORE INTO strays VALUES (?, ?, ?, ?)", (found.stream, found.version, self._part, found.at))
        elif torn:
            reason = _TORN
        elif found.version <= head.version:
            reason = f"number {found.version} is taken"
        else:
            reason = f"number {found.version} does not follow the one before: another previous hash"
        self._drop(found.at, found.stream, reason)

    def _announce(self, record: Any) -> None:
        try:
            name = record.value.decode()
        except (AttributeError, UnicodeDecodeError):
            self._drop(record.offset, SESSIONS, "a foreign record: it announces no session")
            return
        self._c.execute("INSERT OR IGNORE INTO announced VALUES (?, ?, ?)", (name, self._part, record.offset))

    def _drop(self, at: int, stream: str, reason: str) -> None:
        self._c.execute("INSERT OR REPLACE INTO dropped VALUES (?, ?, ?, ?)", (self._part, at, stream, reason))

    def write(self) -> None:
        """Leave what was judged in the tables."""
        self._c.executemany("INSERT INTO events VALUES (?, ?, ?, ?, ?)", self._events)
        self._c.execute("DELETE FROM begun WHERE part = ?", (self._part,))
        rows = [(self._part, e.writer, e.i, e.n, e.stream, e.version, e.prev, e.link, e.at) for entries in self._begun.values() for e in entries]
        self._c.executemany("INSERT INTO begun VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)
