"""Decides how the address of a log in PostgreSQL is read.

Invariants: what libpq understands is left to libpq; a password in the address is refused, and no error repeats the address.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import psycopg
from psycopg.conninfo import conninfo_to_dict

from adapters.logs.postgres_errors import PASSWORD_REMEDY
from adapters.times import parse_duration
from domain.errors import ConfigInvalid

_TIMEOUT = "timeout="
# What a dead network looks like within half a minute; an address may say otherwise.
_CONNECTION = {
    "connect_timeout": "10", "keepalives_idle": "10", "keepalives_interval": "5", "keepalives_count": "3", "tcp_user_timeout": "30000",
    "application_name": "reenact", "client_encoding": "utf8",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class PostgresAddress:
    """Where a log is: libpq's parameters, the place as people know it, and how long an append may wait for the server."""

    parameters: dict[str, str]
    place: str
    timeout_s: float = 120.0

    @classmethod
    def from_url(cls, url: str) -> PostgresAddress:
        """`postgresql://user@host:port/database?option=value&…`, the options libpq's own and `timeout=120s`.

        Raises ConfigInvalid for a malformed address and for a password in it; the sentence does not repeat either.
        """
        rest, _, query = url.partition("?")
        options = query.split("&") if query else []
        timeout = next((option.removeprefix(_TIMEOUT) for option in options if option.startswith(_TIMEOUT)), "120s")
        others = "&".join(option for option in options if not option.startswith(_TIMEOUT))
        try:
            found = {name: str(value) for name, value in conninfo_to_dict(f"{rest}?{others}" if others else rest).items()}
        except psycopg.ProgrammingError as e:
            unknown = re.match(r'invalid URI query parameter: "(\w+)"', str(e))
            sentence = f"there is no option {unknown[1]!r}" if unknown else "this is no address of a PostgreSQL database"
            raise _refused(f"{sentence}; write postgresql://user@host:port/database.") from None
        if "password" in found or "sslpassword" in found:
            raise _refused(f"a password does not belong in the address of a log. {PASSWORD_REMEDY}")
        try:
            seconds = parse_duration(timeout) / 1e9
        except ValueError as e:
            raise _refused(f"timeout: {e}") from e
        return cls(_CONNECTION | found, _place(found), seconds)


def _refused(sentence: str) -> ConfigInvalid:
    return ConfigInvalid([("log", sentence)])


def _place(parameters: dict[str, str]) -> str:
    """user@host:port/database, as far as they are known before libpq has added its defaults."""
    if "service" in parameters:
        return f"service {parameters['service']}"
    user = f"{parameters['user']}@" if "user" in parameters else ""
    host = parameters.get("host", "the local socket")
    port = f":{parameters['port']}" if "port" in parameters else ""
    return f"{user}{host}{port}/{parameters.get('dbname', parameters.get('user', ''))}"
