"""Decides who may read rebuilt models: whoever could read the ones before."""

from __future__ import annotations

import psycopg
from psycopg import sql

_SCHEMA = """
SELECT a.grantee::regrole::text, a.privilege_type FROM pg_namespace n, aclexplode(n.nspacl) a
WHERE n.nspname = %s AND a.grantee <> n.nspowner"""
_TABLES = """
SELECT a.grantee::regrole::text, a.privilege_type, o.relname FROM pg_class o JOIN pg_namespace n ON n.oid = o.relnamespace, aclexplode(o.relacl) a
WHERE n.nspname = %(old)s AND o.relkind IN ('r', 'v') AND a.grantee <> o.relowner AND a.privilege_type = 'SELECT'
AND EXISTS (SELECT FROM pg_class x JOIN pg_namespace m ON m.oid = x.relnamespace WHERE m.nspname = %(new)s AND x.relname = o.relname)"""


def carry_over(connection: psycopg.Connection, old: str, new: str) -> None:
    """Give the readers of schema `old` the same rights in schema `new`."""
    for grantee, privilege in connection.execute(_SCHEMA, [old]).fetchall():
        connection.execute(sql.SQL("GRANT {} ON SCHEMA {} TO {}").format(sql.SQL(privilege), sql.Identifier(new), _role(grantee)))
    for grantee, privilege, table in connection.execute(_TABLES, {"old": old, "new": new}).fetchall():
        connection.execute(sql.SQL("GRANT {} ON {} TO {}").format(sql.SQL(privilege), sql.Identifier(new, table), _role(grantee)))


def _role(name: str) -> sql.Composable:
    """regrole shows a name as SQL writes it, and "-" for everybody."""
    return sql.SQL("PUBLIC" if name == "-" else name)
