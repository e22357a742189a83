"""Decides how the read models lie in one SQLite file, built and rebuilt beside it in `PATH.building`.

Invariants: one transaction per batch, its position compared and set first; a lock file (itself SQLite's) lets one projector at a time
write each of the two; a rebuilt file replaces the pages of the old one in one transaction, so that open readers see the old or the new
tables and never none; a file that another program made is refused and left as it was.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from adapters.readmodels import copying
from adapters.readmodels.rows import Row
from adapters.readmodels.schema import Table, Type, create, delete, indexes
from adapters.readmodels.store import Batch, ModelsBusy, ModelsRefused, ModelsUnavailable, Position, RowsRefused, moved, version_problem
from adapters.readmodels.tables import BY_NAME, MODELS, TABLES, TRACKING, VERSION
from adapters.readmodels.views import VIEWS, sql_of
from adapters.times import SECOND_NS, time_text
from domain.errors import ReenactError

APPLICATION_ID = 0x5245524D  # "RERM"
_BUSY_S = 10.0
_PAGE_BYTES = 16384
_CHECKPOINT_PAGES = 4096
_INT64_MOST = (1 << 63) - 1
_MAGIC = b"SQLite format 3\x00"


def open_file(path: Path, mode: str) -> sqlite3.Connection:
    """A connection in autocommit mode; `mode` is ro, rw or rwc."""
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode={mode}", uri=True, isolation_level=None, timeout=_BUSY_S, check_same_thread=False)


def version_of(path: Path) -> int | None:
    """The version of the models in a file, None without a file. Raises ModelsRefused for the file of another program."""
    if not path.exists() or not path.stat().st_size:
        return None
    with explaining(path), closing(open_file(path, "ro")) as c:
        (application,) = c.execute("PRAGMA application_id").fetchone()
        if application != APPLICATION_ID:
            raise ModelsRefused(f"{path} holds no read models: it is the file of another program", remedy="Choose another file; nothing was changed.")
        found = c.execute("SELECT version FROM models").fetchone()
    return int(found[0]) if found else 0


class SqliteModels:
    """A `ModelStore` in the file `path`. Models that are not there, or `rebuild`, are built beside; an unfinished building goes on.

    Raises ModelsBusy while another projector writes there.
    """

    def __init__(self, path: Path, *, rebuild: bool, now_ns: int) -> None:
        self._path = path
        self._aside = path.with_name(f"{path.name}.building")
        self._lock: sqlite3.Connection | None = None
        self._connection: sqlite3.Connection | None = None
        try:
            with explaining(path):
                self._file = self._open(rebuild, now_ns)
                self._connection = _writing(self._file)
        except BaseException:
            self.close()
            raise

    @property
    def building(self) -> bool:
        return self._file == self._aside

    @property
    def _db(self) -> sqlite3.Connection:
        if self._connection is None:
            raise ModelsUnavailable(f"the read models {self._path} were closed while they were in use", remedy="Open them again.")
        return self._connection

    def _open(self, rebuild: bool, now_ns: int) -> Path:
        """Take the lock of the file to write to, and make that file where it is missing."""
        if not self._path.parent.is_dir():
            raise ModelsUnavailable(f"the folder {self._path.parent} does not exist", remedy="Make it, or choose another place for the read models.")
        ready = version_of(self._path)
        if ready is not None and ready != VERSION and not (rebuild and ready < VERSION):
            raise version_problem(ready, VERSION, str(self._path))
        build = rebuild or ready is None
        if (build or self._aside.exists()) and self._locked(self._aside):
            if rebuild or not self._unfinished():
                self._make(now_ns)
            return self._aside
        if build or not self._locked(self._path):
            raise ModelsBusy(f"another projector keeps the read models in {self._path}", remedy="Stop it first, or let it do the work.")
        return self._path

    def _locked(self, path: Path) -> bool:
        lock = sqlite3.connect(path.with_name(f"{path.name}.lock"), isolation_level=None, timeout=0, check_same_thread=False)
        try:
            lock.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError as e:
            lock.close()
            if (e.sqlite_errorcode & 0xFF) == sqlite3.SQLITE_BUSY:
                return False
            raise
        self._lock = lock
        return True

    def _unfinished(self) -> bool:
        """A building was left by a projector that was stopped, and can go on."""
        try:
            return version_of(self._aside) == VERSION
        except ReenactError:
            return False  # cut off while it was made

    def _make(self, now_ns: int) -> None:
        _remove(self._aside)
        with closing(open_file(self._aside, "rwc")) as c:
            c.execute(f"PRAGMA page_size={_PAGE_BYTES}")
            c.execute("PRAGMA journal_mode=WAL")
            c.execute("BEGIN IMMEDIATE")
            for table in (*TABLES, TRACKING, MODELS):
                c.execute(create(table, sqlite=True))
            c.execute("INSERT INTO models VALUES (?, 'building', ?)", [VERSION, now_ns])
            c.execute(f"PRAGMA application_id={APPLICATION_ID}")
            c.execute("COMMIT")

    def tracked(self) -> dict[str, Position]:
        with explaining(self._path):
            rows = self._db.execute("SELECT session, number, seq, head, event_ns, settled, problem FROM tracking").fetchall()
        return {r[0]: Position(r[1], r[2], r[3], r[4], bool(r[5]), r[6]) for r in rows}

    @contextmanager
    def _transaction(self, session: str) -> Iterator[sqlite3.Connection]:
        c = self._db
        with explaining(self._path, session):
            c.execute("BEGIN IMMEDIATE")
            try:
                yield c
            except BaseException:
                if c.in_transaction:
                    c.execute("ROLLBACK")
                raise
            c.execute("COMMIT")

    def apply(self, batch: Batch) -> None:
        with self._transaction(batch.session) as c:
            self._advance(c, batch.session, batch.before, batch.after, (batch.applied_ns, batch.log_number, batch.log_seq))
            for name, rows in batch.added.rows.items():
                write_rows(c, BY_NAME[name], rows)
            if batch.added.ticks is not None:
                for table, columns in copying.by_table(*batch.added.ticks):
                    values = ", ".join("?" for _ in columns)
                    rows_of = zip(*(column.tolist() for column in columns), strict=True)
                    c.executemany(f"INSERT INTO {table.name} VALUES ({_literal(batch.session)}, {values})", rows_of)  # noqa: S608 (quoted)
            if batch.changes is not None:
                for name, keys in batch.changes.gone.items():
                    c.executemany(delete(BY_NAME[name], "?"), keys)
                for name, rows in batch.changes.rows.items():
                    write_rows(c, BY_NAME[name], rows, replace=True)

    def note(self, session: str, before: Position | None, problem: str) -> None:
        start = before or Position(0, 0, "", 0)
        with self._transaction(session) as c:
            self._advance(c, session, before, Position(start.number, start.seq, start.head, start.event_ns, start.settled, problem), None)

    def _advance(self, c: sqlite3.Connection, session: str, before: Position | None, after: Position, seen: tuple[int, int, int] | None) -> None:
        """Set the position where it is still the one before, in models of this version. Raises ModelsMoved."""
        row = c.execute("SELECT number, seq, head, settled, applied_ns, log_number, log_seq FROM tracking WHERE session = ?", [session]).fetchone()
        (version,) = c.execute("SELECT version FROM models").fetchone()
        expected = None if before is None else (before.number, before.seq, before.head, before.settled)
        if (None if row is None else row[:4]) != expected or version != VERSION:
            raise moved(session)
        known = seen or (row[4:] if row else (0, 0, 0))
        to = (session, after.number, after.seq, after.head, after.event_ns, *known, after.settled, after.problem)
        c.execute(f"INSERT OR REPLACE INTO tracking VALUES ({', '.join('?' for _ in to)})", to)  # noqa: S608 (placeholders)

    def finish(self) -> None:
        with self._transaction("") as c:
            (state,) = c.execute("SELECT state FROM models").fetchone()
            if state == "building":  # else it was stopped between here and the swap
                for table in TABLES:
                    for statement in indexes(table, sqlite=True):
                        c.execute(statement)
                for view in VIEWS:
                    c.execute(sql_of(view, sqlite=True))
                c.execute("UPDATE models SET state = 'ready'")
        with explaining(self._path):
            c.execute("ANALYZE")
            c.execute("PRAGMA synchronous=FULL")
            c.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            self._swap(c)

    def _swap(self, c: sqlite3.Connection) -> None:
        """A file that readers may have open is overwritten page by page in one transaction; a rename would leave them with its write-ahead log."""
        if self._path.exists() and self._path.stat().st_size:
            with closing(_writing(self._path)) as old:
                c.backup(old)
            c.close()
            self._aside.unlink()
        else:
            c.close()
            _remove(self._path)
            self._aside.replace(self._path)
        self._connection = None

    def close(self) -> None:
        for connection in (self._connection, self._lock):
            if connection is not None:
                connection.close()
        self._connection = self._lock = None


def _remove(path: Path) -> None:
    """A file and what SQLite keeps beside it: the write-ahead log of a file that is gone would be taken for the new one's."""
    for name in ("", "-wal", "-shm", "-journal"):
        path.with_name(path.name + name).unlink(missing_ok=True)


def _writing(path: Path) -> sqlite3.Connection:
    c = open_file(path, "rw")
    c.execute("PRAGMA synchronous=NORMAL")
    c.execute(f"PRAGMA wal_autocheckpoint={_CHECKPOINT_PAGES}")
    return c


def write_rows(c: sqlite3.Connection, table: Table, rows: Sequence[Row], *, replace: bool = False) -> None:
    """Rows into a table; `replace` overwrites those of the same key."""
    wide = [i for i, column in enumerate(table.columns) if column.type is Type.WIDE]
    times = [i for i, column in enumerate(table.columns) if column.type is Type.TIME]
    if times or any(row[i] is not None and abs(row[i]) > _INT64_MOST for row in rows for i in wide):
        rows = [_fitting(row, wide, times) for row in rows]
    statement = f"INSERT {'OR REPLACE ' if replace else ''}INTO {table.name} VALUES ({', '.join('?' for _ in table.columns)})"  # noqa: S608 (names of ours)
    c.executemany(statement, rows)


def _fitting(row: Row, wide: Sequence[int], times: Sequence[int]) -> Row:
    """Numbers beyond 64 bits as their digits, times as ISO text in microseconds."""
    cells = list(row)
    for i in wide:
        if cells[i] is not None and abs(cells[i]) > _INT64_MOST:
            cells[i] = str(cells[i])
    for i in times:
        cells[i] = f"{time_text(cells[i] - cells[i] % SECOND_NS)[:19]}.{cells[i] % SECOND_NS // 1000:06d}Z"
    return tuple(cells)


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


@contextmanager
def explaining(path: Path, session: str = "") -> Iterator[None]:
    """Errors of SQLite as ours."""
    try:
        yield
    except sqlite3.Error as e:
        raise _explained(path, e) from e
    except OverflowError as e:
        raise RowsRefused(f"a number does not fit the tables: {e}", place=f"session {session}", remedy="The others go on.") from e


def _explained(path: Path, error: sqlite3.Error) -> ReenactError:
    """The sentence for an error, by SQLite's result code."""
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_MISUSE)
    again = "Rows and position are as of the last transaction; start again and it goes on from there."
    match code & 0xFF:
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return ModelsUnavailable(
                f"the read models {path} are locked by another program", remedy="Close the program that writes to them, then start again."
            )
        case sqlite3.SQLITE_FULL | sqlite3.SQLITE_IOERR:
            return ModelsUnavailable(
                f"nothing more can be written to the read models {path}: {error}", remedy=f"Free some space, check quota and disk. {again}"
            )
        case sqlite3.SQLITE_READONLY | sqlite3.SQLITE_PERM | sqlite3.SQLITE_CANTOPEN:
            return ModelsUnavailable(
                f"the read models {path} cannot be opened for writing: {error}", remedy="Check the permissions of the file and its folder."
            )
        case sqlite3.SQLITE_NOTADB | sqlite3.SQLITE_CORRUPT:
            return ModelsRefused(
                f"{path} holds no read models: {error}",
                remedy="Choose another file. Read models can be deleted and built again from the log at any time.",
            )
    return ModelsRefused(f"the read models {path} cannot be used: {error}", remedy="Run `reenact project --rebuild`, or choose another file.")
