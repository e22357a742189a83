"""Addresses of logs: every form opens what it names, and what is none is refused without being repeated."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from adapters.logs.memory import MemoryLog
from adapters.logs.postgres import PostgresLog
from adapters.logs.sqlite import SqliteLog
from domain.errors import ConfigInvalid, LogUnavailable
from reenact import config
from reenact.logs import open_log
from tests.data import ROOT
from tests.servers.fixtures import Database


def test_every_form_opens_its_backend(tmp_path: Path, postgres: Database) -> None:
    forms = {
        "memory://": MemoryLog,
        f"sqlite://{tmp_path}/new/x.db": SqliteLog,
        f"{tmp_path}/new/y.db": SqliteLog,
        postgres.url: PostgresLog,
    }
    for url, kind in forms.items():
        with open_log(url, create=True) as log:
            assert type(log) is kind
            log.append("s", 1, [b"1"])
            assert log.sessions() == ["s"]


def test_reading_never_makes_a_log(tmp_path: Path, postgres: Database) -> None:
    for url in (f"sqlite://{tmp_path}/x.db", postgres.url):
        for _ in range(2):
            with pytest.raises(LogUnavailable, match="there is no log"):
                open_log(url)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("url", "near"),
    [
        ("", ""),
        ("sqlite://", ""),
        ("kafka://", ""),
        ("postgresql://", ""),
        ("memory://x", ""),
        ("postgres://ann:hunter2@db/x", "postgresql"),
        ("sqllite://x.db", "sqlite"),
        ("mysql://ann:hunter2@db/x", ""),
    ],
)
def test_what_is_no_address_is_refused_with_all_the_forms_and_without_its_secrets(url: str, near: str) -> None:
    with pytest.raises(ConfigInvalid, match="is no address of a log") as e:
        open_log(url)
    said = str(e.value)
    for form in ("sqlite://PATH", "memory://", "postgresql://user@host:port/database", "kafka://host:port/topic"):
        assert form in said
    assert "hunter2" not in said
    assert ("Did you mean" in said) == bool(near)
    assert near in said


def test_only_the_path_of_a_file_moves_with_the_configuration(tmp_path: Path) -> None:
    base = {
        "name": "x",
        "cash": {"USD": "1"},
        "instrument": [{"symbol": "A", "quote": "USD", "price_digits": 2, "tick_size": "0.01", "lot_size": "1"}],
        "feed": [{"kind": "synthetic", "data": "trades", "n": 1, "seed": 1, "start": "2024-01-02T14:30:00Z", "start_price": {"A": "100"}}],
        "strategy": [{"name": "h", "use": "hold", "instruments": ["A"]}],
    }
    for url in ("postgresql://ann@db:5432/trading", "kafka://broker:9092/trading", "memory://"):
        assert config.from_mapping(base | {"log": url}, base=tmp_path).log == url
    assert config.from_mapping(base | {"log": "sqlite://x.db"}, base=tmp_path).log == f"sqlite://{tmp_path}/x.db"


def test_the_command_line_does_not_wait_for_clients_that_nobody_asked_for() -> None:
    script = "import sys, reenact.cli; print([m for m in ('psycopg', 'kafka', 'eventsourcing', 'sqlite3') if m in sys.modules])"
    found = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()
    assert found in ("[]", "['sqlite3']")
