"""Decides how the address of a Kafka log becomes settings of its clients.

Invariants: a password never comes from the address and is in no text this room makes; an unknown option is refused, not ignored.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote

from domain.errors import ConfigInvalid

SCHEME = "kafka://"
PASSWORD = "REENACT_KAFKA_PASSWORD"  # noqa: S105  the name of the variable
FORM = "kafka://[user@]host:port[,host:port...]/topic"
COMPRESSIONS = ("gzip", "lz4", "snappy", "zstd")
_TEXTS = (
    "client_dns_lookup", "compression_type", "proxy_url", "sasl_kerberos_domain_name", "sasl_kerberos_service_name", "sasl_mechanism",
    "security_protocol", "ssl_cafile", "ssl_certfile", "ssl_ciphers", "ssl_crlfile", "ssl_keyfile",
)  # fmt: skip
_SECRET = ("sasl_plain_password", "ssl_password", "password")
_OURS = ("index", "password_file", "timeout")
_TOPIC = re.compile(r"[A-Za-z0-9._-]{1,200}")  # Kafka takes 249; the names of writers begin with it
_SECONDS = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ms|s|min)?")
_UNITS = {"ms": 0.001, "s": 1.0, "min": 60.0, None: 1.0}


@dataclass(frozen=True, slots=True)
class KafkaSettings:
    """Which topic, and how to reach it. `options` are keywords of every kafka-python client; `password` may be needed for SASL or for the
    key file of TLS.

    `index`: the folder of the local index, None for the user's cache. `timeout_s`: how long an append or a read may wait for the brokers.
    """

    servers: tuple[str, ...]
    topic: str
    options: Mapping[str, Any] = field(default_factory=dict)
    compression: str | None = None
    index: Path | None = None
    timeout_s: float = 120.0
    password: str | None = field(default=None, repr=False)

    @classmethod
    def from_url(cls, url: str, environment: Mapping[str, str] = os.environ) -> KafkaSettings:
        """The settings that an address means; a password comes from REENACT_KAFKA_PASSWORD or from `password_file`.

        Raises ConfigInvalid for every mistake at once; the address itself is not repeated, as it may hold a secret.
        """
        address, _, query = url.removeprefix(SCHEME).partition("?")
        place, _, topic = address.partition("/")
        login, at, hosts = place.rpartition("@")
        user, colon, _ = login.partition(":")
        problems: list[str] = []
        if not url.startswith(SCHEME) or not hosts:
            problems.append(f"this is no address of a topic; write {FORM}")
        if colon:
            problems.append(f"a password does not belong into an address; put it into the environment as {PASSWORD}, or into password_file=PATH")
        servers = tuple(_server(host, problems) for host in hosts.split(",")) if hosts else ()
        if not _TOPIC.fullmatch(topic):
            problems.append(f"{topic!r} cannot name a topic: use 1 to 200 letters, digits, '.', '_' and '-'")
        given = dict(parse_qsl(query, keep_blank_values=True))
        options = _options(given, problems)
        compression = options.pop("compression_type", None)
        if compression is not None and compression not in COMPRESSIONS:
            problems.append(f"compression_type: {compression!r} is none of {', '.join(COMPRESSIONS)}")
        timeout_s = _seconds(given.get("timeout", "120s"), problems)
        password = _password(given.get("password_file"), environment, problems)
        if at:
            options |= {"sasl_plain_username": unquote(user)} | {k: v for k, v in _SASL.items() if k not in options}
        if problems:
            raise ConfigInvalid([("log", f"{problem}.") for problem in problems])
        index = Path(given["index"]).expanduser() if given.get("index") else None
        return cls(servers, topic, options, compression, index, timeout_s, password)

    @property
    def url(self) -> str:
        """The address, for people: servers and topic only."""
        return f"{SCHEME}{','.join(self.servers)}/{self.topic}"

    def client(self) -> dict[str, Any]:
        """Keywords that every client needs. Holds the password: do not print it."""
        options = dict(self.options)
        if self.password is not None:
            secure = str(options.get("security_protocol", "")).upper()
            if secure.startswith("SASL_"):
                options["sasl_plain_password"] = self.password
            elif "ssl_keyfile" in options:
                options["ssl_password"] = self.password
        return options | {"bootstrap_servers": list(self.servers), "client_id": "reenact"}


_SASL = {"security_protocol": "SASL_SSL", "sasl_mechanism": "SCRAM-SHA-256"}  # what a user's name alone means: nothing goes out in the clear


def _server(host: str, problems: list[str]) -> str:
    name, colon, port = host.rpartition(":")
    if not colon or not name or not port.isdigit() or not 0 < int(port) < 1 << 16:
        problems.append(f"{host!r} is no host:port")
    return host


def _options(given: Mapping[str, str], problems: list[str]) -> dict[str, Any]:
    """The options that are kafka-python's own."""
    options: dict[str, Any] = {}
    for name, value in given.items():
        if name in _SECRET:
            problems.append(
                f"{name} does not belong into an address; put the password into the environment as {PASSWORD}, or into password_file=PATH"
            )
        elif name == "ssl_check_hostname":
            if value.lower() not in ("true", "false"):
                problems.append(f"ssl_check_hostname: {value!r} is neither true nor false")
            options[name] = value.lower() == "true"
        elif name in _TEXTS:
            options[name] = value
        elif name not in _OURS:
            known = ", ".join(sorted((*_TEXTS, *_OURS, "ssl_check_hostname")))
            problems.append(f"there is no option {name!r}; there are {known}")
    files = [name for name in ("ssl_cafile", "ssl_certfile", "ssl_crlfile", "ssl_keyfile") if name in options]
    problems += [f"{name}: there is no file {options[name]}" for name in files if not Path(options[name]).is_file()]
    return options


def _seconds(text: str, problems: list[str]) -> float:
    found = _SECONDS.fullmatch(text)
    seconds = float(found[1]) * _UNITS[found[2]] if found else 0.0
    if not 1 <= seconds <= 600:
        problems.append(f"timeout: {text!r} is no time from 1s to 10min")
        return 1.0
    return seconds


def _password(file: str | None, environment: Mapping[str, str], problems: list[str]) -> str | None:
    """The password, from its file or from the environment."""
    if file is None:
        return environment.get(PASSWORD) or None
    path = Path(file).expanduser()
    try:
        if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            problems.append(f"password_file: others may read {path}; `chmod 600` it")
            return None
        return path.read_text().rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as e:
        problems.append(f"password_file: {path} cannot be read ({getattr(e, 'strerror', 'it is no text')})")
        return None
