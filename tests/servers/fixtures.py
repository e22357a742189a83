"""Fixtures for tests that need servers (a pytest plugin, loaded by `tests/conftest.py`).

- `kafka` and `postgres`: one server each per run, started by the first test that wants it and shared by all pytest-xdist workers;
  or those that `REENACT_TEST_KAFKA=host:port` and `REENACT_TEST_POSTGRES=postgresql://...` name.
- `start_kafka` and `start_postgres`: servers of a test's own, to be stopped and killed.
- Where servers cannot be had, the tests are skipped; under `CI` or `REENACT_SERVERS=required` they fail.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import uuid
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import pytest

from tests.servers.kafka import KafkaCluster
from tests.servers.postgres import PostgresServer, drop_database, new_database
from tests.servers.process import Owner, ServerMissing, locked

RUN = "REENACT_TEST_RUN"
OF_KAFKA_PYTHON = (
    ("(read|open)_text is deprecated", DeprecationWarning),  # when it is imported, on Python 3.11
    (r"unclosed <socket\.socket .* laddr=\('0\.0\.0\.0',", ResourceWarning),  # a connection that was refused: 3.0 leaves its socket open
    (r"unclosed <socket\.socket fd=\d+, family=1, type=1, proto=0>", ResourceWarning),  # a client that could not be made: likewise
    (r"unclosed <ssl\.SSLSocket fd=\d+, family=2", ResourceWarning),  # a server whose certificate was refused: likewise
)


@dataclass(frozen=True, slots=True)
class Kafka:
    """A running Apache Kafka, shared with other tests."""

    bootstrap: str

    @staticmethod
    def topic() -> str:
        """A name that no topic has; the topic is not made."""
        return f"test-{uuid.uuid4().hex}"


@dataclass(frozen=True, slots=True)
class Database:
    """An empty database on a running PostgreSQL."""

    url: str


def pytest_configure(config: pytest.Config) -> None:
    """The run's first process names it; pytest-xdist's workers inherit the name."""
    for text, kind in OF_KAFKA_PYTHON:
        config.addinivalue_line("filterwarnings", f"ignore:{text}:{kind.__name__}")  # for each test
        warnings.filterwarnings("ignore", text, kind)  # for what is collected after the last
    if not hasattr(config, "workerinput"):
        os.environ[RUN] = json.dumps({"owner": os.getpid(), "folder": str(Path(tempfile.gettempdir(), f"reenact-servers-{uuid.uuid4().hex}"))})


def pytest_unconfigure(config: pytest.Config) -> None:
    """The run's folder goes; its servers end a moment later, with the process."""
    if not hasattr(config, "workerinput"):
        shutil.rmtree(json.loads(os.environ[RUN])["folder"], ignore_errors=True)


@pytest.fixture(scope="session")
def kafka() -> Kafka:
    given = os.environ.get("REENACT_TEST_KAFKA")
    return Kafka(given or _shared("kafka", _kafka))


@pytest.fixture(scope="session")
def postgres_server() -> str:
    """The URL of the run's PostgreSQL."""
    return os.environ.get("REENACT_TEST_POSTGRES") or _shared("postgres", _postgres)


@pytest.fixture
def postgres(postgres_server: str) -> Iterator[Database]:
    url = new_database(postgres_server)
    yield Database(url)
    drop_database(postgres_server, url)


@pytest.fixture
def start_kafka(tmp_path: Path) -> Iterator[Callable[..., KafkaCluster]]:
    """`start_kafka(brokers=3, ...)` is a running KafkaCluster of the test's own; it is ended after the test."""
    with ExitStack() as stack:
        yield lambda brokers=1, **options: _had(lambda: stack.enter_context(KafkaCluster(_new(tmp_path, "kafka"), brokers, **options)))


@pytest.fixture
def start_postgres(tmp_path: Path) -> Iterator[Callable[..., PostgresServer]]:
    """`start_postgres(durable=True, ...)` is a running PostgresServer of the test's own; it is ended after the test."""
    with ExitStack() as stack:
        yield lambda **options: _had(lambda: stack.enter_context(PostgresServer(_new(tmp_path, "postgres"), **options)))


def _new(parent: Path, name: str) -> Path:
    return Path(tempfile.mkdtemp(dir=parent, prefix=f"{name}-"))


def _had(start: Callable[[], Any]) -> Any:
    try:
        return start()
    except ServerMissing as missing:
        _without(str(missing))


def _without(reason: str) -> NoReturn:
    if os.environ.get("CI") or os.environ.get("REENACT_SERVERS") == "required":
        pytest.fail(f"A server is required here. {reason}")
    pytest.skip(f"NOT TESTED: {reason}")


def _shared(name: str, start: Callable[[Path, Owner], str]) -> str:
    """Where the run's server of that name is; the first process that asks starts it, and it ends with the run."""
    run = json.loads(os.environ[RUN])
    folder = Path(run["folder"])
    note = folder / f"{name}.json"
    with locked(folder / f"{name}.lock"):
        if not note.exists():
            try:
                found = {"at": start(folder, Owner(run["owner"], (folder,)))}
            except ServerMissing as missing:
                found = {"missing": str(missing)}
            note.write_text(json.dumps(found))
    found = json.loads(note.read_text())
    if "missing" in found:
        _without(found["missing"])
    return found["at"]


def _kafka(folder: Path, owner: Owner) -> str:
    cluster = KafkaCluster(folder / "kafka", owner=owner).__enter__()
    cluster.leave()
    return cluster.bootstrap


def _postgres(folder: Path, owner: Owner) -> str:
    server = PostgresServer(folder / "postgres", owner=owner).__enter__()
    server.leave()
    return server.url
