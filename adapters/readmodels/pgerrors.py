"""Decides what errors of PostgreSQL mean to people: one sentence with the remedy, and no secret in it.

Invariants: a password comes by libpq's own ways (PGPASSWORD, ~/.pgpass, a service) and is refused in an address.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg.conninfo import conninfo_to_dict

from adapters.readmodels.store import ModelsRefused, ModelsUnavailable, RowsRefused
from domain.errors import ConfigInvalid, ReenactError

_CONNECT_S = 10
_AGAIN = "Rows and position are as of the last transaction; start again and it goes on from there."


def connected(url: str, *, options: str = "") -> tuple[str, psycopg.Connection]:
    """How people name the database, and an open connection in autocommit mode. Raises ConfigInvalid, ModelsUnavailable and ModelsRefused."""
    try:
        parts = conninfo_to_dict(url)
    except psycopg.ProgrammingError as e:
        raise ConfigInvalid([("models", "the address cannot be read; write postgresql://user@host:port/database.")]) from e
    if "password" in parts:
        raise ConfigInvalid([("models", "a password does not belong into an address; give it by PGPASSWORD, ~/.pgpass or a service file.")])
    where = f"postgresql://{parts.get('host', '')}{':' + str(parts['port']) if 'port' in parts else ''}/{parts.get('dbname', '')}"
    try:
        given = {"connect_timeout": _CONNECT_S, "application_name": "reenact"} | ({"options": options} if options else {})
        return where, psycopg.connect(url, autocommit=True, **{k: v for k, v in given.items() if k not in parts})  # type: ignore[arg-type]
    except psycopg.Error as e:
        raise _unconnected(where, e) from e


def _unconnected(where: str, error: psycopg.Error) -> ReenactError:
    said = " ".join(str(error).split())
    if "password" in said or "authentication" in said or "pg_hba.conf" in said:
        return ModelsRefused(f"the database {where} refuses the login: {said}", remedy="Check user and password (PGPASSWORD or ~/.pgpass).")
    if "does not exist" in said:
        return ModelsRefused(f"the database {where} is not there: {said}", remedy="Create it (createdb), or correct the address.")
    return ModelsUnavailable(f"the database {where} cannot be reached: {said}", remedy="Check host and port, and that the server runs.")


@contextmanager
def explaining(where: str, session: str = "") -> Iterator[None]:
    """Errors of the database as ours."""
    try:
        yield
    except psycopg.Error as e:
        raise explained(where, session, e) from e
    except OverflowError as e:
        raise RowsRefused(f"a number does not fit the tables: {e}", place=f"session {session}", remedy=_REMEDY) from e


_REMEDY = "The session is applied no further; the others go on."


def explained(where: str, session: str, error: psycopg.Error) -> ReenactError:
    """The sentence for an error, by its SQLSTATE."""
    state = error.sqlstate or ""
    said = " ".join((error.diag.message_primary or str(error)).split())
    match state[:2]:
        case "42" if state == "42501":
            return ModelsRefused(
                f"the user may not do this in {where}: {said}", remedy="GRANT CREATE ON DATABASE (to keep models) or SELECT (to read)."
            )
        case "53" if state == "53100":
            return ModelsUnavailable(f"the disk of {where} is full: {said}", remedy=f"Free some space. {_AGAIN}")
        case "22":
            return RowsRefused(f"the tables cannot hold a value: {said}", place=f"session {session}", remedy=_REMEDY)
        case "25" if state == "25006":
            return ModelsRefused(f"the database {where} is read-only: {said}", remedy="Use the primary server, not a standby.")
        case "42" | "3F" if session:
            return ModelsRefused(f"the tables in {where} are not as they were made: {said}", remedy="Run `reenact project --rebuild`.")
    if isinstance(error, psycopg.DataError):
        return RowsRefused(f"the tables cannot hold a value: {said}", place=f"session {session}", remedy=_REMEDY)
    return ModelsUnavailable(f"the database {where} failed: {said or type(error).__name__}", remedy=_AGAIN)
