"""What a person does wrong is one plain sentence with place and remedy, exit code 2, and never a traceback."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner

from reenact.cli import main
from tests.reenact.recorded import write_log


def refused(*words: str) -> str:
    result = CliRunner().invoke(main, words)
    assert result.exit_code == 2, (result.stdout, result.stderr)
    assert result.stderr.count("\n") == 1
    assert result.stderr.endswith((".\n", "?\n"))
    assert "Traceback" not in result.output
    return result.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["run", "missing.toml"], "missing.toml: there is no such file"),
        (["run", "."], "is a folder"),
        (["run"], "Missing argument 'CONFIG'"),
        (["run", "--fast", "x.toml"], "No such option"),
        (["rum"], "No such command 'rum'"),
        (["orders", "--log", "sqlite://nowhere/x.db"], "there is no log nowhere/x.db"),
        (["orders", "--log", "postgres://x"], "is no address of a log"),
        (["orders", "--log", "memory://"], "holds no session yet"),
        (["verify", "a", "--all"], "not both"),
        (["events", "--from", "noon"], "'noon' is no ISO time"),
        (["events", "--seq", "a:b"], "no range of event numbers"),
        (["events", "--limit", "-1"], "--limit"),
        (["lint", "missing.py"], "missing.py"),
        (["export"], "Missing option '-o'"),
        (["export", "--format", "xml", "-o", "x"], "'xml' is not one of"),
    ],
)
def test_a_wrong_command_line(words: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert said in refused(*words)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["orders", "--session", "s-9"], "the log holds no session 's-9'. It holds s-1. Did you mean 's-1'?"),
        (["verify", "nope"], "the log holds no session 'nope'"),
        (["why", "T-99"], "there is no order 'T-99'"),
        (["why", "9999"], "there is no event 9999"),
        (["why", "0"], "there is no event 0"),
        (["at", "9999"], "9999 is outside the session"),
        (["at", "1999-01-01"], "is outside the session"),
        (["at", "yesterday"], "neither an event's number nor an ISO time"),
        (["events", "--type", "OrderFiled"], "Did you mean 'OrderFilled'?"),
        (["events", "--instrument", "SPX"], "there is no instrument 'SPX'"),
        (["orders", "--status", "dead"], "there is no status 'dead'"),
        (["why-not", "--strategy", "alpa"], "Did you mean 'alpha'?"),
        (["report", "-o", "nowhere/r.html"], "the folder nowhere does not exist"),
        (["export", "-o", "nowhere/r.jsonl"], "the folder nowhere does not exist"),
        (["export", "--format", "parquet", "-o", "-"], "goes into a folder"),
    ],
)
def test_a_question_the_log_cannot_answer(words: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_log(Path("log.db"))
    before = sorted(p.name for p in tmp_path.iterdir())
    assert said in refused(*words, "--log", "sqlite://log.db")
    assert sorted(p.name for p in tmp_path.iterdir()) == before


def test_a_file_that_is_no_log(tmp_path: Path) -> None:
    (tmp_path / "x.db").write_text("this is no database, but long enough to look at as one" * 100)
    assert "is not a Reenact log" in refused("orders", "--log", f"sqlite://{tmp_path}/x.db")


def test_the_database_of_another_program(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "x.db")) as c:
        c.execute("CREATE TABLE t (x)")
    assert "another program" in refused("sessions", "--log", f"sqlite://{tmp_path}/x.db")


def test_a_locked_log(tmp_path: Path) -> None:
    url = write_log(tmp_path / "log.db")
    with closing(sqlite3.connect(tmp_path / "log.db", isolation_level=None)) as c:
        c.execute("PRAGMA locking_mode=EXCLUSIVE")
        c.execute("BEGIN EXCLUSIVE")
        assert "locked by another process" in refused("sessions", "--log", url)
        c.execute("ROLLBACK")


def damage(path: Path, statement: str) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as c:
        c.execute(statement)


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("UPDATE stored_events SET state = zeroblob(100) WHERE originator_id = 's-1' AND originator_version = 2", "do not match their hash"),
        ("DELETE FROM stored_events WHERE originator_id = 's-1' AND originator_version = 2", "commit 2 is missing"),
    ],
)
def test_a_damaged_log_is_named_by_its_commit(statement: str, said: str, tmp_path: Path) -> None:
    url = write_log(tmp_path / "log.db")
    damage(tmp_path / "log.db", statement)
    assert said in refused("orders", "--log", url)


@pytest.mark.skipif(not Path("/dev/full").is_char_device(), reason="this system has no /dev/full")
@pytest.mark.parametrize("words", [["report"], ["export"]])
def test_a_full_disk(words: list[str], tmp_path: Path) -> None:
    url = write_log(tmp_path / "log.db")
    assert "/dev/full: cannot be written: No space left on device." in refused(*words, "--log", url, "-o", "/dev/full")
    assert Path("/dev/full").is_char_device()


def test_an_interruption_is_130(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    monkeypatch.setitem(main.commands, "doctor", _command(interrupted))
    result = CliRunner().invoke(main, ["doctor"])
    assert result.exit_code == 130
    assert result.stderr == "Interrupted; what was committed is kept.\n"


def test_a_bug_is_one_sentence_with_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> None:
        raise KeyError("x")

    monkeypatch.setitem(main.commands, "doctor", _command(broken))
    result = CliRunner().invoke(main, ["doctor"])
    assert result.exit_code == 70
    assert "test_cli_mistakes.py:" in result.stderr
    assert result.stderr.count("\n") == 1


def _command(call: Callable[[], None]) -> object:
    import click

    return click.Command("doctor", callback=call)
