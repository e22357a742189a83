"""Decides what a table of the read models is and how its declaration is written for PostgreSQL and for SQLite.

Invariants: a table is declared once; a price, quantity or amount is an exact integer of any length, never a float; every table and
column has its meaning beside it.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec


class Type(StrEnum):
    """What a column holds. WIDE: an integer of any length (SQLite: INTEGER, or its digits as TEXT beyond 64 bits)."""

    TEXT = "text"
    INT = "integer"
    BIG = "bigint"
    WIDE = "numeric"
    FLAG = "boolean"
    TIME = "timestamptz"
    JSON = "jsonb"


_POSTGRES = {Type.TEXT: 'text COLLATE "C"'}
_SQLITE = {
    Type.TEXT: "TEXT", Type.INT: "INTEGER", Type.BIG: "INTEGER", Type.WIDE: "", Type.FLAG: "INTEGER", Type.TIME: "TEXT", Type.JSON: "TEXT",
}  # fmt: skip


class Column(msgspec.Struct, frozen=True):
    """One column and what it means; `null` says when it is NULL, "" for never."""

    name: str
    type: Type
    doc: str
    null: str = ""


class Table(msgspec.Struct, frozen=True):
    """One table. `appended`: rows are only ever added, in order of seq; else a row may change or go. `indexes` beside the primary key;
    `rising`: a column that rises with the rows of a session and is indexed too.
    """

    name: str
    doc: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    appended: bool = False
    indexes: tuple[str, ...] = ()
    rising: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(c.name for c in self.columns)


class View(msgspec.Struct, frozen=True):
    """One view. In `sql` stand `@dec(n, digits)`, `@time(ns)`, `@day(ns)`, `@lift(n, digits)`, `@sum(n)`, `@json(seq)` for what dialects write differently."""

    name: str
    doc: str
    sql: str


def text(name: str, doc: str, null: str = "") -> Column:
    return Column(name, Type.TEXT, doc, null)


def count(name: str, doc: str, null: str = "") -> Column:
    """A small integer: an index or a number of digits."""
    return Column(name, Type.INT, doc, null)


def big(name: str, doc: str, null: str = "") -> Column:
    """A 64-bit integer: a seq, a time, a value of a tick."""
    return Column(name, Type.BIG, doc, null)


def wide(name: str, doc: str, null: str = "") -> Column:
    """A price, quantity or amount."""
    return Column(name, Type.WIDE, doc, null)


def flag(name: str, doc: str) -> Column:
    return Column(name, Type.FLAG, doc)


def json(name: str, doc: str) -> Column:
    return Column(name, Type.JSON, doc)


def create(table: Table, *, sqlite: bool, keyed: bool = True) -> str:
    """The CREATE TABLE statement. PostgreSQL takes appended tables without their key first (`keyed` False), which fills them faster."""
    lines = []
    for c in table.columns:
        kind = _SQLITE[c.type] if sqlite else _POSTGRES.get(c.type, c.type.value)
        lines.append(f"{c.name} {kind}{'' if c.null else ' NOT NULL'}")
    if keyed:
        lines.append(f"PRIMARY KEY ({', '.join(table.key)})")
    return f"CREATE TABLE {table.name} (\n  " + ",\n  ".join(lines) + f"\n){' WITHOUT ROWID' if sqlite else ''}"


def indexes(table: Table, *, sqlite: bool) -> list[str]:
    """The CREATE INDEX statements. Times that rise with the rows get a block range index in PostgreSQL: a thousandth of the size."""
    made = [f"CREATE INDEX {table.name}_by_{'_'.join(_words(i))} ON {table.name} ({i})" for i in table.indexes]
    if table.rising:
        columns = f"(session, {table.rising})" if sqlite else f"USING brin ({table.rising})"
        made.append(f"CREATE INDEX {table.name}_by_{table.rising} ON {table.name} {columns}")
    return made


def _words(columns: str) -> list[str]:
    words = columns.replace(",", " ").split(" WHERE ")[0].split()
    return words[1:] if len(words) > 1 and words[0] == "session" else words


def upsert(table: Table) -> str:
    """INSERT that overwrites the row of the same key, with a placeholder per column (PostgreSQL)."""
    others = [c.name for c in table.columns if c.name not in table.key]
    action = "UPDATE SET " + ", ".join(f"{name} = EXCLUDED.{name}" for name in others) if others else "NOTHING"
    values = ", ".join("%s::jsonb" if c.type is Type.JSON else "%s" for c in table.columns)
    return f"INSERT INTO {table.name} VALUES ({values}) ON CONFLICT ({', '.join(table.key)}) DO {action}"  # noqa: S608 (names of ours)


def delete(table: Table, mark: str) -> str:
    """DELETE of the row of a key, with a placeholder per column of it."""
    return f"DELETE FROM {table.name} WHERE {' AND '.join(f'{k} = {mark}' for k in table.key)}"  # noqa: S608 (names of ours)


def quoted(words: str) -> str:
    """Text as an SQL literal."""
    return "'" + words.replace("'", "''") + "'"


def comments(tables: tuple[Table, ...], views: tuple[View, ...]) -> list[str]:
    """COMMENT ON for everything (PostgreSQL)."""
    lines = []
    for table in tables:
        lines.append(f"COMMENT ON TABLE {table.name} IS {quoted(table.doc)}")
        for c in table.columns:
            said = f"{c.doc} NULL: {c.null}." if c.null else c.doc
            lines.append(f"COMMENT ON COLUMN {table.name}.{c.name} IS {quoted(said)}")
    return lines + [f"COMMENT ON VIEW {view.name} IS {quoted(view.doc)}" for view in views]
