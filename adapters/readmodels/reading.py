"""Decides how read models are asked: read-only SQL, how far they are, and waiting until they hold an event.

Invariants: nothing is ever written; an answer comes from one transaction.
"""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

import msgspec
import psycopg

from adapters.readmodels import postgres, sqlite
from adapters.readmodels.pgerrors import connected, explained
from adapters.readmodels.store import ModelsUnavailable, Position, Tracked, version_problem
from adapters.readmodels.tables import VERSION
from domain.errors import ConfigInvalid, ReenactError

POSTGRES = ("postgresql://", "postgres://")
SQLITE = "sqlite://"
_POLL_S = 0.01
_TRACKED = "SELECT session, number, seq, head, event_ns, settled, problem, applied_ns, log_number, log_seq FROM tracking ORDER BY session"


class Answer(msgspec.Struct, frozen=True):
    """Column names, and the rows as the database's own values (exact decimals, never floats for money)."""

    columns: list[str]
    rows: list[tuple[Any, ...]]


class _Asked(Protocol):
    def ask(self, statement: str) -> Answer: ...

    def close(self) -> None: ...


class ReadModels:
    """The read models at `postgresql://user@host:port/db` or `sqlite://PATH`, for reading.

    Raises ModelsUnavailable (unreachable, not there), ModelsRefused (rights, another program's, another version), ConfigInvalid.
    """

    def __init__(self, url: str) -> None:
        self._asked: _Asked = _Postgres(url) if url.startswith(POSTGRES) else _Sqlite(file_of(url))

    def query(self, statement: str) -> Answer:
        """One statement, read-only. Raises ReenactError with the database's sentence for a wrong one."""
        return self._asked.ask(statement)

    def status(self) -> list[Tracked]:
        """How far every session's rows are, by name."""
        return [
            Tracked(r[0], Position(r[1], r[2], r[3], r[4], bool(r[5]), r[6]), r[7], r[8], r[9])
            for r in self._asked.ask(_TRACKED).rows
        ]  # fmt: skip

    def wait(self, session: str, seq: int, timeout_s: float = 10.0) -> bool:
        """Wait until the rows hold event `seq` of a session: read what you wrote. False when the time is over first.

        Raises ReenactError when the session is applied no further because of a problem.
        """
        ends = time.monotonic() + timeout_s
        while True:
            found = next((t.position for t in self.status() if t.session == session), None)
            if found is not None and found.seq >= seq:
                return True
            if found is not None and found.problem:
                raise ReenactError(f"event {seq} does not come: {found.problem}", place=f"session {session}")
            if time.monotonic() >= ends:
                return False
            time.sleep(_POLL_S)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Release everything."""
        self._asked.close()


def file_of(url: str) -> Path:
    """The file of an address `sqlite://PATH` or a bare path. Raises ConfigInvalid for another scheme."""
    path = url.removeprefix(SQLITE)
    if not path or "://" in path:
        form = f"{url.partition('://')[0]}://…" if "://" in url else "nothing"  # the rest may hold a secret
        raise ConfigInvalid([("models", f"{form} is no address of read models; write postgresql://user@host:port/database or sqlite://PATH.")])
    return Path(path)


_NONE = "Run `reenact project` first, or correct --models."


class _Postgres:
    def __init__(self, url: str) -> None:
        options = f"-c search_path={postgres.SCHEMA},pg_catalog -c default_transaction_read_only=on"
        self._where, self._connection = connected(url, options=options)
        try:
            found = postgres.version_of(self._connection, postgres.SCHEMA)
            if found is None:
                raise ModelsUnavailable(f"there are no read models in {self._where}", remedy=_NONE)
            if found != VERSION:
                raise version_problem(found, VERSION, self._where)
        except psycopg.Error as e:
            self._connection.close()
            raise explained(self._where, "", e) from e
        except BaseException:
            self._connection.close()
            raise

    def ask(self, statement: str) -> Answer:
        try:
            with self._connection.cursor() as cursor:
                # Prepared: a second statement behind a semicolon is refused.
                cursor.execute(statement.encode(), prepare=True)
                if cursor.description is None:
                    return Answer([], [])
                return Answer([c.name for c in cursor.description], cursor.fetchall())
        except psycopg.Error as e:
            raise _wrong(e.diag.message_primary or str(e), (e.sqlstate or "")[:2] in ("42", "22", "25"), explained(self._where, "", e)) from e

    def close(self) -> None:
        self._connection.close()


class _Sqlite:
    def __init__(self, path: Path) -> None:
        self._path = path
        found = sqlite.version_of(path)
        if found is None:
            raise ModelsUnavailable(f"there are no read models {path}", remedy=_NONE)
        if found != VERSION:
            raise version_problem(found, VERSION, str(path))
        with sqlite.explaining(path):
            self._connection = sqlite.open_file(path, "ro")
            self._connection.execute("PRAGMA query_only=ON")

    def ask(self, statement: str) -> Answer:
        with sqlite.explaining(self._path):
            try:
                cursor = self._connection.execute(statement)
                return Answer([c[0] for c in cursor.description or ()], cursor.fetchall())
            except sqlite3.Error as e:
                code = getattr(e, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
                if code in (sqlite3.SQLITE_ERROR, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_AUTH, sqlite3.SQLITE_MISUSE):
                    raise ReenactError(f"the question is refused: {e}", remedy=_HINT) from e
                raise

    def close(self) -> None:
        self._connection.close()


_HINT = "The tables and views are in docs/read-models.md; one statement that reads."


def _wrong(said: str, asker: bool, other: ReenactError) -> ReenactError:
    """Whose fault: the statement's, or the database's."""
    return ReenactError(f"the question is refused: {' '.join(said.split())}", remedy=_HINT) if asker else other
