"""Decides how the read models lie in PostgreSQL: schema "reenact", built and rebuilt beside it in "reenact_building".

Invariants: one transaction per batch, its position compared and set first; an advisory lock lets one projector at a time write each of
the two schemas; a swap renames schemas in one transaction, so that readers of the old tables are never without tables.
Power loss may undo the last moment, rows and position together: nothing here is the truth, so commits do not wait for the disk.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

import psycopg
from psycopg import sql
from psycopg.rows import scalar_row

from adapters.readmodels import copying
from adapters.readmodels.grants import carry_over
from adapters.readmodels.pgerrors import connected, explaining
from adapters.readmodels.rows import Row
from adapters.readmodels.schema import Column, Table, Type, comments, create, delete, indexes, quoted, upsert
from adapters.readmodels.store import Batch, ModelsBusy, ModelsRefused, Position, moved, version_problem
from adapters.readmodels.tables import BY_NAME, MODELS, TABLES, TRACKING, VERSION
from adapters.readmodels.views import FUNCTIONS, LATE_FUNCTIONS, VIEWS, sql_of

SCHEMA, BUILDING, OLD = "reenact", "reenact_building", "reenact_old"
CHANNEL = "reenact_applied"
_LOCK_CLASS = 0x5245454E
_LOCKS = {SCHEMA: 1, BUILDING: 2}
_SORT_MEMORY = "256MB"  # of the server, for one sort at a time while keys are made
_EPOCH_US = 946_684_800_000_000  # PostgreSQL counts microseconds from 2000-01-01
_CONVERTED = (Type.TIME, Type.JSON)
_AS = {Type.TIME: "int8", Type.JSON: "bytea", Type.BIG: "int8", Type.INT: "int4", Type.FLAG: "bool"}


def version_of(connection: psycopg.Connection, schema: str) -> int | None:
    """The version of the models in a schema, None without a schema. Raises ModelsRefused for the schema of another program."""
    with connection.cursor(row_factory=scalar_row) as cursor:
        if cursor.execute("SELECT 1 FROM pg_namespace WHERE nspname = %s", [schema]).fetchone() is None:
            return None
        if cursor.execute("SELECT to_regclass(%s)", [f"{schema}.models"]).fetchone() is None:
            raise ModelsRefused(
                f"the schema {schema} of the database was not made by Reenact", remedy="Choose another database, or rename that schema."
            )
        found = cursor.execute(sql.SQL("SELECT version FROM {}.models").format(sql.Identifier(schema))).fetchone()
        return int(found) if found is not None else 0


class PostgresModels:
    """A `ModelStore` in the database at `url`. Models that are not there, or `rebuild`, are built beside; an unfinished building goes on.

    Raises ModelsBusy while another projector writes there.
    """

    def __init__(self, url: str, *, rebuild: bool, now_ns: int) -> None:
        self._where, self._connection = connected(url)
        try:
            with explaining(self._where):
                self._connection.execute("SET synchronous_commit = off")
                self._schema = self._open(rebuild, now_ns)
                self._connection.execute(sql.SQL("SET search_path TO {}, pg_catalog").format(sql.Identifier(self._schema)))
        except BaseException:
            self._connection.close()
            raise

    @property
    def building(self) -> bool:
        return self._schema == BUILDING

    def _open(self, rebuild: bool, now_ns: int) -> str:
        """Take the lock of the schema to write to, and make that schema where it is missing."""
        ready = version_of(self._connection, SCHEMA)
        if ready is not None and ready != VERSION and not (rebuild and ready < VERSION):
            raise version_problem(ready, VERSION, self._where)
        unfinished = version_of(self._connection, BUILDING)
        build = rebuild or ready is None
        if (build or unfinished == VERSION) and self._lock(BUILDING):
            if rebuild or unfinished != VERSION:
                self._make(now_ns)
            return BUILDING
        if build or not self._lock(SCHEMA):
            raise ModelsBusy(f"another projector keeps the read models in {self._where}", remedy="Stop it first, or let it do the work.")
        return SCHEMA

    def _lock(self, schema: str) -> bool:
        with self._connection.cursor(row_factory=scalar_row) as cursor:
            return bool(cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", [_LOCK_CLASS, _LOCKS[schema]]).fetchone())

    def _make(self, now_ns: int) -> None:
        """Empty tables beside the ones that are read; appended ones get their keys when they are full."""
        c = self._connection
        with c.transaction():
            self._drop(BUILDING)
            c.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(BUILDING)))
            c.execute(sql.SQL("SET LOCAL search_path TO {}, pg_catalog").format(sql.Identifier(BUILDING)))
            self._run([create(table, sqlite=False, keyed=not table.appended) for table in (*TABLES, TRACKING, MODELS)])
            c.execute("INSERT INTO models VALUES (%s, 'building', %s)", [VERSION, now_ns])

    def _drop(self, schema: str) -> None:
        self._connection.execute(sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(sql.Identifier(schema)))

    def tracked(self) -> dict[str, Position]:
        with explaining(self._where):
            rows = self._connection.execute("SELECT session, number, seq, head, event_ns, settled, problem FROM tracking").fetchall()
        return {name: Position(*rest) for name, *rest in rows}

    def apply(self, batch: Batch) -> None:
        with explaining(self._where, batch.session), self._connection.transaction():
            self._advance(batch.session, batch.before, batch.after, (batch.applied_ns, batch.log_number, batch.log_seq))
            for name, rows in batch.added.rows.items():
                self._copy(BY_NAME[name], rows)
            if batch.added.ticks is not None:
                for table, columns in copying.by_table(*batch.added.ticks):
                    with self._connection.cursor().copy(f"COPY {table.name} FROM STDIN (FORMAT BINARY)".encode()) as copy:
                        copy.write(copying.HEADER)
                        for block in copying.stream(table, batch.session, columns):
                            copy.write(block)
                        copy.write(copying.TRAILER)
            if batch.changes is not None:
                for name, keys in batch.changes.gone.items():
                    self._many(delete(BY_NAME[name], "%s"), keys)
                for name, rows in batch.changes.rows.items():
                    if batch.fresh:
                        self._copy(BY_NAME[name], rows)
                    else:
                        self._many(upsert(BY_NAME[name]), rows)
            if not self.building:
                payload = f'{{"session":{_json_word(batch.session)},"seq":{batch.after.seq}}}'
                self._connection.execute("SELECT pg_notify(%s, %s)", [CHANNEL, payload])

    def note(self, session: str, before: Position | None, problem: str) -> None:
        start = before or Position(0, 0, "", 0)
        with explaining(self._where, session), self._connection.transaction():
            self._advance(session, before, Position(start.number, start.seq, start.head, start.event_ns, start.settled, problem), None)

    def _advance(self, session: str, before: Position | None, after: Position, seen: tuple[int, int, int] | None) -> None:
        """Set the position where it is still the one before, in models of this version. Raises ModelsMoved."""
        to = {f: getattr(after, f) for f in after.__struct_fields__}
        if seen is not None:
            to |= dict(zip(("applied_ns", "log_number", "log_seq"), seen, strict=True))
        ours = sql.SQL("EXISTS (SELECT FROM models WHERE version = {})").format(VERSION)
        if before is None:
            to = {"session": session, "applied_ns": 0, "log_number": 0, "log_seq": 0} | to
            statement = sql.SQL("INSERT INTO tracking ({}) SELECT {} WHERE {} ON CONFLICT DO NOTHING").format(
                sql.SQL(", ").join(map(sql.Identifier, to)), sql.SQL(", ").join(sql.Placeholder() * len(to)), ours
            )
            values: list[object] = list(to.values())
        else:
            statement = sql.SQL(
                "UPDATE tracking SET {} WHERE session = %s AND number = %s AND seq = %s AND head = %s AND settled = %s AND {}"
            ).format(sql.SQL(", ").join(sql.SQL("{} = %s").format(sql.Identifier(name)) for name in to), ours)
            values = [*to.values(), session, before.number, before.seq, before.head, before.settled]
        if self._connection.execute(statement, values).rowcount != 1:
            raise moved(session)

    def _copy(self, table: Table, rows: Sequence[Row]) -> None:
        """Rows into a table that holds none of them."""
        if not rows:
            return
        copy_rows(self._connection, table, rows)

    def _many(self, statement: str, rows: Sequence[Row]) -> None:
        if rows:
            with self._connection.cursor() as cursor:
                cursor.executemany(statement.encode(), rows)

    def finish(self) -> None:
        c = self._connection
        with explaining(self._where):
            with c.transaction():
                c.execute(f"SET LOCAL maintenance_work_mem = '{_SORT_MEMORY}'")
                self._run([f"ALTER TABLE {table.name} ADD PRIMARY KEY ({', '.join(table.key)})" for table in TABLES if table.appended])
                self._run([statement for table in TABLES for statement in indexes(table, sqlite=False)])
                self._run(_created(FUNCTIONS))
                self._run([*(sql_of(view, sqlite=False) for view in VIEWS), *comments((*TABLES, TRACKING, MODELS), VIEWS)])
                c.execute("UPDATE models SET state = 'ready'")
                self._swap()
            self._let_go()
            self._run([f"ANALYZE {', '.join(table.name for table in TABLES)}"])

    def _swap(self) -> None:
        """The names change hands; whoever reads the old tables keeps them until the end of the transaction."""
        c = self._connection
        if version_of(c, SCHEMA) is not None:
            carry_over(c, SCHEMA, BUILDING)
            found = c.execute("SELECT txid_current()").fetchone()
            self._run([f"ALTER SCHEMA {SCHEMA} RENAME TO {OLD}_{found[0] if found else 0}"])
        self._run([
            f"ALTER SCHEMA {BUILDING} RENAME TO {SCHEMA}",
            f"COMMENT ON SCHEMA {SCHEMA} IS 'Read models of Reenact, kept by `reenact project`; see docs/read-models.md.'",
            f"SET search_path TO {SCHEMA}, pg_catalog",
            *_created(LATE_FUNCTIONS),
        ])  # fmt: skip

    def _run(self, statements: Sequence[str]) -> None:
        """Statements of ours, in one message."""
        self._connection.execute(";\n".join(statements).encode())

    def _let_go(self) -> None:
        """Drop what was swapped out, unless somebody still reads from it; then the next swap does."""
        c = self._connection
        for (schema,) in c.execute("SELECT nspname FROM pg_namespace WHERE starts_with(nspname, %s)", [f"{OLD}_"]).fetchall():
            with suppress(psycopg.errors.LockNotAvailable), c.transaction():
                c.execute("SET LOCAL lock_timeout = '2s'")
                self._drop(schema)

    def close(self) -> None:
        self._connection.close()


def _created(functions: Sequence[tuple[str, str, str]]) -> list[str]:
    """The statements that make functions and say what they mean."""
    made = []
    for signature, meaning, definition in functions:
        made += [f"CREATE FUNCTION {signature} {definition}", f"COMMENT ON FUNCTION {signature.split('(')[0]} IS {quoted(meaning)}"]
    return made


def copy_rows(connection: psycopg.Connection, table: Table, rows: Sequence[Row]) -> None:
    """Rows by binary COPY."""
    convert = [(i, c.type) for i, c in enumerate(table.columns) if c.type in _CONVERTED]
    with connection.cursor().copy(f"COPY {table.name} FROM STDIN (FORMAT BINARY)".encode()) as copy:
        copy.set_types([copied_as(c) for c in table.columns])
        write = copy.write_row
        if not convert:
            for row in rows:
                write(row)
            return
        for row in rows:
            cells = list(row)
            for i, kind in convert:
                cells[i] = b"\x01" + cells[i].encode() if kind is Type.JSON else cells[i] // 1000 - _EPOCH_US
            write(cells)


def copied_as(column: Column) -> str:
    """The type whose binary form is written: times as their integer, JSON as bytes behind its version."""
    return _AS.get(column.type, column.type.value)


def _json_word(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
