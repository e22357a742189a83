"""`reenact log`: a log is made and looked at, whatever keeps it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from reenact.cli import main
from tests.reenact.recorded import session, write_log
from tests.servers.fixtures import Database


def ask(*words: str) -> Result:
    return CliRunner().invoke(main, words)


def answer(*words: str) -> Any:
    result = ask(*words, "--json")
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


def refused(*words: str) -> str:
    result = ask(*words)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.count("\n") == 1
    return result.stderr


def test_a_file_and_a_schema_are_made_and_making_them_again_leaves_them_as_they_are(tmp_path: Path, postgres: Database) -> None:
    for url in (f"sqlite://{tmp_path}/new/x.db", postgres.url):
        for _ in range(2):
            assert answer("log", "create", url)["log"] == url
        assert answer("log", "check", url)["sessions"] == []
        assert "the log is there" in ask("log", "create", url).stdout
        assert "holds no session yet" in ask("log", "check", url).stdout


def test_check_tells_what_keeps_the_log_and_which_sessions_it_holds(tmp_path: Path, postgres: Database) -> None:
    source = write_log(tmp_path / "x.db", "s-1", "s-2")
    answer("copy", source, postgres.url, "--all")
    head = session("s-2").records[-1][-32:].hex()
    found = answer("log", "check", source)
    assert (found["backend"], found["facts"]["bytes"] > 0) == ("SQLite", True)
    assert [(s["session"], s["commits"]) for s in found["sessions"]] == [("s-1", 3), ("s-2", 3)]
    there = answer("log", "check", postgres.url)
    assert there["backend"] == "PostgreSQL"
    assert there["facts"]["layout"] == 1
    assert there["facts"]["server"].startswith("PostgreSQL 1")
    assert (there["facts"]["bytes"] > 0, there["facts"]["standby"]) == (True, False)
    assert there["sessions"] == found["sessions"]
    for url in (source, postgres.url):
        assert head in ask("log", "check", url).stdout


@pytest.mark.parametrize("option", ["--partitions", "--replication", "--min-insync"])
def test_what_only_a_topic_has_is_refused_elsewhere(tmp_path: Path, option: str) -> None:
    assert f"{option}: only a topic of Kafka has this" in refused("log", "create", f"sqlite://{tmp_path}/x.db", option, "3")
    assert list(tmp_path.iterdir()) == []


def test_mistakes_are_one_sentence(tmp_path: Path, postgres: Database) -> None:
    assert "a log in memory is made when a session runs" in refused("log", "create", "memory://")
    assert "holds nothing between two commands" in refused("log", "check", "memory://")
    assert "there is no log" in refused("log", "check", f"sqlite://{tmp_path}/x.db")
    assert "`reenact log create`" in refused("log", "check", postgres.url)
    assert "there is no such database" in refused("log", "create", postgres.url + "_nowhere")
    assert "does not belong in the address" in refused("log", "check", "postgresql://ann:secret@127.0.0.1/x")
