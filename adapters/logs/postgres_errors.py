"""Decides what an error of PostgreSQL means for a log: a plain sentence with its remedy, and whether the server is merely away.

Invariants: no sentence holds a password; only what a later attempt can mend is `ServerLost`.
"""

from __future__ import annotations

import re

import psycopg
from eventsourcing.persistence import PersistenceError

from domain.errors import LogCorrupt, LogError, LogUnavailable

PASSWORD_REMEDY = "Give it by the environment variable PGPASSWORD, by ~/.pgpass, or name a file with ?passfile=PATH."  # noqa: S105  (not one)
SAFE = "Everything committed so far is safe."
_WAIT = f"{SAFE} Start the server or mend the network, then try again."
_GRANTS = (
    'The owner of the log grants it: GRANT USAGE ON SCHEMA reenact_log TO "{user}"; GRANT SELECT ON ALL TABLES IN SCHEMA reenact_log TO "{user}"; '
    'to write also INSERT, and USAGE ON ALL SEQUENCES. To make a log: GRANT CREATE ON DATABASE "{database}" TO "{user}".'
)


class ServerLost(LogUnavailable):
    """The server cannot be reached or has dropped the connection; it may come back."""


class FateUnknown(PersistenceError):
    """The connection broke while rows were being inserted: they are there, all of them, or none is."""


def is_lost(error: BaseException | None) -> bool:
    """Whether an error of psycopg says that the server is away (unreachable, starting, restarting), and not that it refuses us."""
    if not isinstance(error, (psycopg.OperationalError, psycopg.InterfaceError)):
        return False
    if error.sqlstate is not None:
        return error.sqlstate.startswith("08") or error.sqlstate in ("57P01", "57P02", "57P03", "53300")
    return not any(re.search(pattern, str(error)) for pattern, _, _ in _REFUSED)


def explained(error: BaseException, place: str, session: str) -> LogError:
    """The plain sentence for an error; `place` is host, port and database as people know them."""
    if isinstance(error, FateUnknown):
        sentence = f"the connection to PostgreSQL at {place} broke during an append: whether it arrived is not known"
        return ServerLost(sentence, session=session, remedy=f"{_WAIT} Nothing is written twice.")
    if not isinstance(error, psycopg.Error):
        return LogUnavailable(f"the log in PostgreSQL at {place} cannot be used: {error}", session=session, remedy=SAFE)
    if is_lost(error):
        return ServerLost(f"PostgreSQL at {place} cannot be reached: {_reason(error)}", session=session, remedy=_remedy_of_lost(str(error)))
    if error.sqlstate is None:
        return _refused(error, place, session)
    return _failed(error, error.sqlstate, place, session)


_REFUSED = (
    ("no password supplied", "it asks for a password and none was given", PASSWORD_REMEDY),
    (r"(failed to resolve host|could not translate host name)(?!.*Temporary)", "the host is not known", "Check the host in the log's address."),
    (r"password authentication failed", "it does not accept user and password", f"Check the user and the password. {PASSWORD_REMEDY}"),
    (
        r"authentication failed|no pg_hba\.conf entry",
        "it does not let this user in from here",
        "Check the user in the log's address and the server's pg_hba.conf.",
    ),
    (r"database .* does not exist", "there is no such database", "Check its name in the log's address, or make it with `createdb`."),
    (r"role .* does not exist", "there is no such user", "Check the user in the log's address, or make it with `createuser`."),
    (r"permission denied for database", "the user may not connect to this database", "Its owner grants it: GRANT CONNECT ON DATABASE."),
    (
        r"(server|library) does not support SSL|certificate|SSL error: (?!unexpected eof)",
        "no secure connection comes about",
        "Check sslmode, sslrootcert, sslcert and sslkey in the log's address, and the server's certificate.",
    ),
    (
        r"invalid (integer value|port number|\w+ value)|definition of service|is not in hot standby",
        "the address is not right",
        "Check the options of the log's address.",
    ),
)


def _refused(error: psycopg.Error, place: str, session: str) -> LogError:
    """An answer at the door, which has no SQLSTATE."""
    for pattern, sentence, remedy in _REFUSED:
        if re.search(pattern, str(error)):
            return LogUnavailable(f"PostgreSQL at {place}: {sentence} ({_reason(error)})", session=session, remedy=remedy)
    return LogUnavailable(f"PostgreSQL at {place} cannot be used: {_reason(error)}", session=session, remedy=SAFE)


def _failed(error: psycopg.Error, sqlstate: str, place: str, session: str) -> LogError:
    """An answer to a statement. Source: PostgreSQL documentation, appendix A (error codes)."""
    reason = _reason(error)
    match sqlstate:
        case "53100":
            sentence, remedy = f"the disk of PostgreSQL at {place} is full ({reason})", f"{SAFE} Free some space there and try again."
        case "53200" | "54000" | "53400":
            sentence, remedy = f"PostgreSQL at {place} has come to a limit ({reason})", f"{SAFE} Give the server more memory, or raise the limit."
        case "58030" | "58P01":
            sentence, remedy = f"the disk of PostgreSQL at {place} failed ({reason})", f"{SAFE} Check the server's disk."
        case "25006":
            sentence = f"PostgreSQL at {place} is read-only ({reason})"
            remedy = "Write to the primary server; a standby can only be read."
        case "42501":
            user, database = place.partition("@")[0] if "@" in place else "USER", place.rpartition("/")[2]
            sentence = f"PostgreSQL at {place}: a right is missing ({reason})"
            remedy = _GRANTS.format(user=user, database=database)
        case "55P03" | "40P01" | "40001" | "57014":
            sentence = f"the log in PostgreSQL at {place} is held by another program ({reason})"
            remedy = f"{SAFE} End what holds it (maintenance, a long transaction) and try again."
        case "XX001" | "XX002" | "42P01" | "42703" | "3F000" | "22021":
            sentence = f"the log in PostgreSQL at {place} is damaged: {reason}"
            return LogCorrupt(sentence, session=session, remedy="Keep the database as it is and work on a backup.")
        case _:
            sentence, remedy = f"the log in PostgreSQL at {place} cannot be used: {reason} ({sqlstate})", f"{SAFE} Try again."
    return LogUnavailable(sentence, session=session, remedy=remedy)


def _remedy_of_lost(text: str) -> str:
    if re.search(r"too many (clients|connections)|connection slots", text):
        return f"{SAFE} Close other connections or raise max_connections on the server."
    return _WAIT


def _reason(error: psycopg.Error) -> str:
    """The server's or the library's own words, one line of them."""
    primary = error.diag.message_primary
    if primary:
        return primary
    lines = str(error).strip().splitlines() or [type(error).__name__]
    said = re.sub(r"^connection (failed|is bad): (connection to server (at|on socket) \S+( \(\S+\))?(, port \d+)? failed: )?", "", lines[0])
    return re.sub(r"^FATAL:\s+", "", said).rstrip(".:")
