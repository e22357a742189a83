"""Decides how a log lies in one SQLite file: the embedded default, nothing to install.

Invariants: write-ahead log with a full sync per transaction, so what `append` has returned for survives a loss of power; a file
that another program made is refused and left as it was; readers never wait for the writer.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from eventsourcing.persistence import ConnectionPoolClosedError, PersistenceError
from eventsourcing.sqlite import SQLiteApplicationRecorder, SQLiteConnection, SQLiteConnectionPool, SQLiteDatastore

from adapters.logs.recorded import RecordedLog
from domain.errors import LogCorrupt, LogError, LogUnavailable

APPLICATION_ID = 0x5245454E  # "REEN"
LAYOUT = 1
_BUSY_S = 1.5
_PAGE_BYTES = 16384  # 64 KiB commits: a third faster than 4096, small ones cost the same
_CHECKPOINT_PAGES = 4096  # 64 MiB: a page that is written once is copied once
_MAGIC = b"SQLite format 3\x00"
_SMALLEST_BYTES = 512  # SQLite takes a shorter file for an empty database and writes over it
_UNREADABLE = "is not a Reenact log"
_SAFE = "Everything committed so far is safe."


class SqliteLog(RecordedLog):
    """An `EventLog` in the SQLite file `path`. `create=False` refuses a file that does not exist instead of making it.

    Raises LogUnavailable (missing folder or file, no permission, locked) and LogCorrupt (no Reenact log), each with a remedy.
    """

    raises = (*RecordedLog.raises, sqlite3.Error)

    def __init__(self, path: Path, *, create: bool = True) -> None:
        self.path = path
        _check_place(path, create=create)
        self._store = _Datastore(path)
        super().__init__(SQLiteApplicationRecorder(self._store))
        with self._explaining():
            _prepare(path, self._recorder.create_table_statements)  # type: ignore[attr-defined]

    def explained(self, error: Exception, session: str) -> LogError:
        """See `RecordedLog.explained`; by SQLite's result code."""
        return _explained(self.path, error, session)

    def close(self) -> None:
        """See `EventLog.close`. The last handle of a file folds the write-ahead log into it."""
        super().close()
        self._store.close()


class _Pool(SQLiteConnectionPool):
    """Connections to one prepared file, with the durability of the module's first lines."""

    def _create_connection(self) -> SQLiteConnection:
        connection = _connect(self.db_name)
        connection.row_factory = sqlite3.Row
        return SQLiteConnection(connection, max_age=self.max_age)


class _Datastore(SQLiteDatastore):
    def __init__(self, path: Path) -> None:
        super().__init__(_uri(path), originator_id_type="text")
        self.pool = _Pool(db_name=_uri(path))


def _uri(path: Path) -> str:
    """A URI, because a path may hold ':memory:' or '?', which mean something to SQLite; never makes the file."""
    return f"{path.absolute().as_uri()}?mode=rw"


def _connect(uri: str) -> sqlite3.Connection:
    connection = sqlite3.connect(uri, uri=True, check_same_thread=False, isolation_level=None, timeout=_BUSY_S)
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute(f"PRAGMA wal_autocheckpoint={_CHECKPOINT_PAGES}")
    return connection


def _check_place(path: Path, *, create: bool) -> None:
    """What can be said before SQLite is asked, which would only say that it cannot open the file. Makes the file, empty."""
    if not path.parent.is_dir():
        raise LogUnavailable(f"the folder {path.parent} does not exist", remedy="Make it, or choose another place for the log.")
    if path.is_dir():
        raise LogUnavailable(f"{path} is a folder", remedy="Name a file for the log.")
    there = path.exists()
    if not there and not create:
        raise LogUnavailable(f"there is no log {path}", remedy="Check the path.")
    try:
        with path.open("rb" if there else "a+b") as file:
            file.seek(0)
            start = file.read(_SMALLEST_BYTES)
    except OSError as e:
        sentence = f"the log {path} cannot be {'opened' if there else 'made'}: {e.strerror}"
        raise LogUnavailable(sentence, remedy="Check the permissions of the file and its folder and free space, or choose another place.") from e
    if start and (len(start) < _SMALLEST_BYTES or not start.startswith(_MAGIC)):
        raise LogCorrupt(f"{path} {_UNREADABLE}: it is no SQLite database", remedy="Choose another file for the log.")


def _prepare(path: Path, statements: list[str]) -> None:
    """Turn an empty file into a log, or make sure that it is one. Raises LogCorrupt before anything is written to a foreign file."""
    with closing(_connect(_uri(path))) as c:
        if not _is_log(c, path):
            c.execute(f"PRAGMA page_size={_PAGE_BYTES}")
            c.execute("BEGIN IMMEDIATE")
            if not _is_log(c, path):
                for statement in statements:
                    c.execute(statement)
                c.execute(f"PRAGMA application_id={APPLICATION_ID}")
                c.execute(f"PRAGMA user_version={LAYOUT}")
            c.execute("COMMIT")
        (mode,) = c.execute("PRAGMA journal_mode=WAL").fetchone()
        if mode != "wal":
            remedy = "Keep the log on a local disk; network folders cannot share it safely."
            raise LogUnavailable(f"the log {path} lies where SQLite cannot keep a write-ahead log", remedy=remedy)


def _is_log(c: sqlite3.Connection, path: Path) -> bool:
    """True for a log, False for an empty database. Raises LogCorrupt for anything else."""
    (tables,) = c.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    (application,) = c.execute("PRAGMA application_id").fetchone()
    (layout,) = c.execute("PRAGMA user_version").fetchone()
    if not tables and not application:
        return False
    if application != APPLICATION_ID:
        raise LogCorrupt(f"{path} {_UNREADABLE}: it is the database of another program", remedy="Choose another file for the log.")
    if layout != LAYOUT:
        sentence = f"the log {path} has layout {layout}, this version of Reenact reads {LAYOUT}"
        raise LogCorrupt(sentence, remedy="Read it with the Reenact that wrote it.")
    return True


def _explained(path: Path, error: Exception, session: str) -> LogError:
    """The plain sentence for an error of SQLite or of the library around it. Text that is no UTF-8 comes without a result code."""
    if isinstance(error, ConnectionPoolClosedError):
        return LogUnavailable(f"the log {path} was closed while it was in use", session=session, remedy="Open it again.")
    cause: BaseException = error
    while isinstance(cause, PersistenceError) and cause.__cause__ is not None:
        cause = cause.__cause__
    code = getattr(cause, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT if type(cause) is sqlite3.OperationalError else sqlite3.SQLITE_MISUSE)
    name = getattr(cause, "sqlite_errorname", type(cause).__name__)
    match code & 0xFF:
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            sentence = f"the log {path} is locked by another process"
            remedy = "Close the program that holds it (a backup, a database browser, another engine) and try again."
        case sqlite3.SQLITE_FULL:
            sentence, remedy = f"the disk is full: nothing more can be written to the log {path}", f"{_SAFE} Free some space and try again."
        case sqlite3.SQLITE_READONLY | sqlite3.SQLITE_PERM:
            sentence, remedy = f"the log {path} is read-only", "Change the permissions of the file and its folder, or work on a copy."
        case sqlite3.SQLITE_CANTOPEN:
            sentence = f"the log {path} cannot be opened ({name})"
            remedy = "The file must be readable and its folder writable (readers need it too); otherwise work on a copy."
        case sqlite3.SQLITE_IOERR:
            sentence = f"the disk failed while the log {path} was used ({name})"
            remedy = f"{_SAFE} Check free space, quota, file size limit and the disk."
        case sqlite3.SQLITE_NOTADB:
            return LogCorrupt(f"{path} {_UNREADABLE}: it is no SQLite database", session=session, remedy="Choose another file for the log.")
        case sqlite3.SQLITE_CORRUPT | sqlite3.SQLITE_ERROR:
            return LogCorrupt(f"the log {path} is damaged: {cause}", session=session, remedy="Keep the file as it is and work on a backup.")
        case _:
            sentence, remedy = f"the log {path} cannot be used: {cause} ({name})", f"{_SAFE} Try again."
    return LogUnavailable(sentence, session=session, remedy=remedy)
