"""Decides how a log lies in a PostgreSQL database: a team's server.

Everything is in the schema "reenact_log": the table `stored_events` as the `eventsourcing` library lays it out, with one column more that
tells writers apart, and one row `layout`.

Invariants: an append is one statement and one transaction with synchronous_commit on, so a writer that hangs holds nothing up; after a
lost connection nothing is written before the server was asked what had arrived; no password stands in an address or in an error.

The library locks the whole table for every insert, to order its notification ids: sessions would wait for each other, and for ever for a
writer that hangs in its transaction. This log numbers commits within their session, takes no lock and sends no notifications: followers poll.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from os import urandom
from threading import Lock
from typing import Any, TypeVar
from uuid import UUID

import psycopg
from eventsourcing.persistence import IntegrityError, StoredEvent
from eventsourcing.postgres import PostgresApplicationRecorder, PostgresDatastore
from psycopg.pq import TransactionStatus
from psycopg.rows import DictRow, dict_row, tuple_row
from psycopg.sql import SQL
from psycopg.types.numeric import Int8

from adapters.logs.postgres_address import PostgresAddress
from adapters.logs.postgres_errors import FateUnknown, ServerLost, explained, is_lost
from adapters.logs.recorded import RecordedLog
from domain.errors import LogConflict, LogCorrupt, LogError, LogUnavailable

SCHEMA = "reenact_log"
LAYOUT = 1
_LOCK_KEY = 0x5245454E41435401  # "REENACT\x01": who makes the schema holds it
_READ_PATIENCE_S = 15.0  # a restart of the server; a writer may wait longer
_PAUSE_MOST_S = 1.0
T = TypeVar("T")

_SETTINGS = """
SELECT set_config('lock_timeout', '15s', false), set_config('default_transaction_isolation', 'read committed', false),
CASE WHEN current_setting('synchronous_commit') IN ('off', 'local', 'remote_write') THEN set_config('synchronous_commit', 'on', false) END
"""


@dataclass(frozen=True, slots=True)
class PostgresFacts:
    """What `reenact log check` tells of a log in PostgreSQL. `durable`: whether the server syncs to disk at all (fsync)."""

    server: str
    layout: int
    bytes: int
    durable: bool
    standby: bool


class PostgresLog(RecordedLog):
    """An `EventLog` in a PostgreSQL database. `create=False` refuses a database without a log instead of making one.

    A lost connection is made anew: an append waits for the server as long as the address says (`timeout`), a read 15 s at most.
    Raises ConfigInvalid (the address), LogUnavailable (server, database, rights) and LogCorrupt (no Reenact log), each with a remedy.
    """

    raises = (*RecordedLog.raises, psycopg.Error)

    def __init__(self, url: str, *, create: bool = True) -> None:
        self._address = PostgresAddress.from_url(url)
        self._unsure: dict[str, int] = {}
        self._store = _Datastore(self._address.parameters)
        self._rows = _Recorder(self._store, min(_READ_PATIENCE_S, self._address.timeout_s))
        super().__init__(self._rows)
        try:
            with self._explaining():
                _prepare(self._store, self._address.place, self._rows.sql_create_statements, create=create)
        except LogError:
            self.close()
            raise

    def explained(self, error: Exception, session: str) -> LogError:
        """See `RecordedLog.explained`; by PostgreSQL's SQLSTATE."""
        return explained(error, self._address.place, session)

    def append(self, session: str, number: int, records: Sequence[bytes]) -> None:
        """See `RecordedLog.append`. After a lost connection the server is asked first: what had arrived is not written again."""

        def attempt() -> None:
            try:
                self._append(session, number, records)
            except ServerLost as e:
                if isinstance(e.__cause__, FateUnknown):
                    self._unsure[session] = max(self._unsure.get(session, 0), number + len(records) - 1)
                raise

        _patiently(attempt, self._address.timeout_s, lambda e: isinstance(e, ServerLost))

    def _append(self, session: str, number: int, records: Sequence[bytes]) -> None:
        """One attempt. An append that was thought lost may still arrive while it is repeated; then it is found by its bytes."""
        arrived = self._arrived(session, number, records)
        while True:
            try:
                super().append(session, number + arrived, records[arrived:])
            except LogConflict:
                late = self._arrived(session, number + arrived, records[arrived:])
                if not late:
                    raise
                arrived += late
            else:
                break
        if self._unsure.get(session, 0) <= self._heads.get(session, 0):
            self._unsure.pop(session, None)

    def _arrived(self, session: str, number: int, records: Sequence[bytes]) -> int:
        """How many of the records an earlier attempt of ours has left in the log. They count as written by this handle."""
        if not self._heads.get(session, 0) < number <= self._unsure.get(session, 0):
            return 0
        with self._explaining(session):
            found = self._rows.written(session, number, len(records))
        n = 0
        while n < len(found) and found[n] == (number + n, records[n]):
            n += 1
        if n:
            self._heads[session] = number - 1 + n
        return n

    def describe(self) -> PostgresFacts:
        """What there is to know of the database beside the sessions."""
        with self._explaining(), self._store.get_connection() as c:
            row = c.cursor(row_factory=tuple_row).execute(_FACTS).fetchone()
            server, layout, size, fsync, standby = row or ("", 0, 0, "", False)
            return PostgresFacts(f"PostgreSQL {server}", layout, size, fsync == "on", standby)

    def close(self) -> None:
        """See `EventLog.close`."""
        super().close()
        self._store.close()


_FACTS = f"""
SELECT current_setting('server_version'), (SELECT number FROM {SCHEMA}.layout),
(SELECT sum(pg_total_relation_size(oid))::bigint FROM pg_class WHERE relnamespace = '{SCHEMA}'::regnamespace AND relkind = 'r'),
current_setting('fsync'), pg_is_in_recovery()
"""  # noqa: S608  (a constant)


def _patiently(call: Callable[[], T], patience_s: float, lost: Callable[[Exception], bool]) -> T:
    """Call again, at growing distances, while the server is away and patience lasts."""
    until = time.monotonic() + patience_s
    pause = 0.0
    while True:
        try:
            return call()
        except (LogUnavailable, psycopg.Error) as e:
            if not lost(e) or time.monotonic() + pause >= until:
                raise
        time.sleep(pause)
        pause = min(_PAUSE_MOST_S, 2 * pause or 0.05)


class _Datastore(PostgresDatastore):
    """Connections, as many as threads use at once. Made here and now, so that who asks hears why there is none."""

    def __init__(self, parameters: dict[str, str]) -> None:
        super().__init__("", "", "", "", "", schema=SCHEMA, originator_id_type="text")
        self._parameters = parameters
        self._idle: list[psycopg.Connection[DictRow]] = []
        self._lock = Lock()
        self._closed = False

    def register_type_adapters(self) -> None:
        """None are needed: rows go as arrays."""

    @contextmanager
    def get_connection(self) -> Iterator[psycopg.Connection[DictRow]]:
        """A connection for one thread. Errors come as psycopg raises them, with their SQLSTATE."""
        with self._lock:
            c = self._idle.pop() if self._idle else None
        c = c or self._connect()
        try:
            yield c
        finally:
            self._give_back(c)

    def _connect(self) -> psycopg.Connection[DictRow]:
        c = psycopg.connect(autocommit=True, row_factory=dict_row, **self._parameters)  # type: ignore[arg-type]
        try:
            c.execute(_SETTINGS)
        except psycopg.Error:
            c.close()
            raise
        return c

    def _give_back(self, c: psycopg.Connection[DictRow]) -> None:
        """Keep a sound connection. When one broke, the server has probably restarted: the idle ones are broken, too."""
        dropped = [] if c.info.transaction_status == TransactionStatus.IDLE else [c]
        with self._lock:
            if c.broken or self._closed:
                dropped += self._idle
                self._idle.clear()
            if self._closed:
                dropped.append(c)
            elif c not in dropped:
                self._idle.append(c)
        for each in dropped:
            each.close()

    def close(self) -> None:
        """Close the idle connections now, the others when they come back."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        for c in idle:
            c.close()
        super().close()


_INSERT = f"""
INSERT INTO {SCHEMA}.stored_events (originator_id, originator_version, topic, state, writer)
SELECT *, %b::bytea FROM unnest(%b::text[], %b::bigint[], %b::text[], %b::bytea[])
"""  # noqa: S608  (constants)
_SELECT = f"SELECT originator_version, topic, state FROM {SCHEMA}.stored_events WHERE originator_id = %s"  # noqa: S608  (constants)
_WRITTEN = f"""
SELECT originator_version, state FROM {SCHEMA}.stored_events
WHERE originator_id = %s AND originator_version BETWEEN %s AND %s AND writer = %s ORDER BY originator_version
"""  # noqa: S608  (constants)


class _Recorder(PostgresApplicationRecorder):
    """The library's recorder with binary arrays both ways (three times as fast for large states), and no blind repetition of an insert."""

    def __init__(self, datastore: _Datastore, patience_s: float) -> None:
        super().__init__(datastore)
        self._patience_s = patience_s
        # Engines that resume one session write the same bytes: which of them a row is from, only this can tell.
        self._writer = urandom(16)

    def insert_events(self, stored_events: Sequence[StoredEvent], **kwargs: Any) -> Sequence[int] | None:
        """One statement, one transaction. Raises IntegrityError (a number is taken), FateUnknown and psycopg's errors."""
        rows = [(str(e.originator_id), e.originator_version, e.topic, e.state) for e in stored_events]
        with self.datastore.get_connection() as c:
            try:
                c.execute(_INSERT, [self._writer, *(list(column) for column in zip(*rows, strict=True))], prepare=True)
            except psycopg.errors.UniqueViolation as e:
                raise IntegrityError(str(e)) from e
            except (psycopg.OperationalError, psycopg.InterfaceError) as e:
                if e.sqlstate is None or is_lost(e):
                    raise FateUnknown(str(e)) from e
                raise
        return None

    def written(self, session: str, number: int, n: int) -> list[tuple[int, bytes]]:
        """Those of the commits `number` .. `number + n - 1` that this recorder, and no other, has inserted."""

        def select() -> list[tuple[int, bytes]]:
            with self.datastore.get_connection() as c, c.cursor(binary=True, row_factory=tuple_row) as cursor:
                return cursor.execute(_WRITTEN, [session, Int8(number), Int8(number + n - 1), self._writer], prepare=True).fetchall()

        return _patiently(select, self._patience_s, is_lost)

    def select_events(
        self, originator_id: UUID | str, *, gt: int | None = None, lte: int | None = None, desc: bool = False, limit: int | None = None
    ) -> Sequence[StoredEvent]:
        """See `ApplicationRecorder.select_events`. Waits some seconds for a server that restarts."""
        statement = _SELECT
        values: list[object] = [originator_id]
        for condition, value in ((" AND originator_version > %s", gt), (" AND originator_version <= %s", lte)):
            if value is not None:
                statement += condition
                values.append(Int8(value))
        statement += f" ORDER BY originator_version {'DESC' if desc else 'ASC'}"
        if limit is not None:
            statement += " LIMIT %s"
            values.append(Int8(limit))

        def select() -> Sequence[StoredEvent]:
            with self.datastore.get_connection() as c, c.cursor(binary=True, row_factory=tuple_row) as cursor:
                cursor.execute(statement, values, prepare=True)
                return [StoredEvent(originator_id, number, topic, state) for number, topic, state in cursor]

        return _patiently(select, self._patience_s, is_lost)


def _prepare(store: _Datastore, place: str, statements: Sequence[Any], *, create: bool) -> None:
    """Make the schema in a database that has none, or make sure that it is a log. Raises before anything is written to a foreign one."""
    with store.get_connection() as c:
        if _is_log(c, place):
            return
        if not create:
            remedy = "Run a session with this log, or make an empty one with `reenact log create`; or check the name of the database."
            raise LogUnavailable(f"there is no log in PostgreSQL at {place}", remedy=remedy)
        if c.info.parameter_status("server_encoding") != "UTF8":
            remedy = "Make another database for the log: `createdb --encoding=UTF8 --template=template0`."
            raise LogUnavailable(f"the database of PostgreSQL at {place} cannot hold every name: its encoding is not UTF8", remedy=remedy)
        with c.transaction():
            c.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK_KEY])
            if _is_log(c, place):
                return
            c.execute(f"CREATE SCHEMA {SCHEMA}")
            for statement in statements:
                if statement.as_string().startswith(("CREATE TABLE", "CREATE UNIQUE INDEX")):
                    c.execute(statement)
            # Records are packed already: trying to compress them again takes longer than writing them.
            c.execute(f"ALTER TABLE {SCHEMA}.stored_events ALTER COLUMN state SET STORAGE EXTERNAL")
            c.execute(f"ALTER TABLE {SCHEMA}.stored_events ADD COLUMN writer bytea")
            c.execute(f"CREATE TABLE {SCHEMA}.layout (number integer PRIMARY KEY)")
            c.execute(SQL("INSERT INTO {}.layout VALUES ({})").format(SQL(SCHEMA), LAYOUT))


def _is_log(c: psycopg.Connection[DictRow], place: str) -> bool:
    """True for a log, False where there is no schema of its name. Raises LogCorrupt for anything else."""
    cursor = c.cursor(row_factory=tuple_row)
    if cursor.execute("SELECT 1 FROM pg_namespace WHERE nspname = %s", [SCHEMA]).fetchone() is None:
        return False
    remedy = "Choose another database for the log."
    known = cursor.execute("SELECT to_regclass(%s) IS NOT NULL", [f"{SCHEMA}.layout"]).fetchone()
    if known != (True,):
        raise LogCorrupt(f"the schema {SCHEMA} in PostgreSQL at {place} is not a Reenact log: another program made it", remedy=remedy)
    layouts = cursor.execute(f"SELECT number FROM {SCHEMA}.layout").fetchall()  # noqa: S608  (a constant)
    if layouts != [(LAYOUT,)]:
        shown = ", ".join(str(number) for (number,) in layouts) or "none"
        sentence = f"the log in PostgreSQL at {place} has layout {shown}, this version of Reenact reads {LAYOUT}"
        raise LogCorrupt(sentence, remedy="Read it with the Reenact that wrote it.")
    return True
