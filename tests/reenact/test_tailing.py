"""A running session shown live: from any log, from any place, folded and unfolded, to its end or to Ctrl-C; nobody waits for who watches."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from adapters.logs import EventLog
from adapters.logs.memory import MemoryLog
from adapters.logs.postgres import PostgresLog
from domain.errors import LogGap
from reenact.cli import main
from reenact.logs import open_log
from reenact.tailing import Tail, Wanted
from tests.data import ROOT
from tests.reenact.recorded import session, write_log
from tests.servers.fixtures import Database, Kafka
from tests.servers.postgres import PostgresServer

WAIT_S = 60


def ask(*words: str) -> Result:
    return CliRunner().invoke(main, ["tail", *words])


def rows(*words: str) -> list[dict[str, Any]]:
    result = ask(*words, "--json")
    assert result.exit_code == 0, result.stderr
    return [json.loads(line) for line in result.stdout.splitlines()]


@pytest.fixture
def log(tmp_path: Path) -> str:
    return write_log(tmp_path / "log.db", "s-1", "s-2")


def events(log: str) -> list[dict[str, Any]]:
    result = CliRunner().invoke(main, ["events", "--limit", "0", "--json", "--log", log])
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_with_ticks_it_shows_what_events_shows(log: str) -> None:
    assert rows("--from", "start", "--ticks", "--log", log) == events(log)


def test_runs_of_ticks_are_one_line_that_counts_them(log: str) -> None:
    found = rows("--from", "start", "--log", log)
    every = events(log)
    folded = [r for r in found if r["type"] == "ticks"]
    ticks = [r for r in every if r["type"] in ("TradePrinted", "QuoteUpdated", "BarClosed")]
    assert sum(r["count"] for r in folded) == len(ticks)
    assert [r for r in found if r["type"] != "ticks"] == [r for r in every if r not in ticks]
    first = {"seq": 2, "to_seq": 3, "type": "ticks", "time": ticks[1]["time"], "ns": ticks[1]["ns"], "count": 2}
    assert folded[0] == first | {"by_instrument": {"SPY": 1, "QQQ": 1}, "last": ticks[1]}
    text = ask("--from", "start", "--log", log).stdout
    assert "SPY" in text
    assert "x\x1b" not in text


@pytest.mark.parametrize("first", [1, 2, 3, 7, 20])
def test_it_begins_where_it_is_told_with_the_names_of_what_came_before(log: str, first: int) -> None:
    assert rows("--from", str(first), "--ticks", "--log", log) == [r for r in events(log) if r["seq"] >= first]


@pytest.mark.parametrize(("types", "names"), [(["fill"], {"OrderFilled"}), (["TradePrinted", "OrderDenied"], {"TradePrinted", "OrderDenied"})])
def test_only_the_types_that_are_wanted_are_shown(log: str, types: list[str], names: set[str]) -> None:
    words = [word for name in types for word in ("--type", name)]
    assert rows("--from", "start", "--ticks", *words, "--log", log) == [r for r in events(log) if r["type"] in names]
    folded = rows("--from", "start", *words, "--log", log)
    assert sum(r.get("count", 1) for r in folded) == sum(r["type"] in names for r in events(log))


def test_from_the_end_of_a_session_that_has_ended_nothing_comes_and_that_is_said(log: str) -> None:
    result = ask("--log", log)
    assert (result.exit_code, result.stdout) == (0, "")
    assert "has ended" in result.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--from", "yesterday"], "'yesterday' is no place to begin"),
        (["--from", "0"], "is no place to begin"),
        (["--type", "OrderFiled"], "there is no event type 'OrderFiled'"),
        (["--session", "s-9"], "the log holds no session 's-9'"),
    ],
)
def test_mistakes_are_one_sentence(log: str, words: list[str], said: str) -> None:
    result = ask(*words, "--log", log)
    assert (result.exit_code, result.stdout) == (2, "")
    assert said in result.stderr


def test_a_log_that_is_not_there_is_a_mistake_unless_it_is_waited_for(tmp_path: Path) -> None:
    result = ask("--log", f"sqlite://{tmp_path}/x.db")
    assert (result.exit_code, "there is no log" in result.stderr) == (2, True)


@pytest.fixture
def watching() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """`reenact tail` in a process of its own."""
    started: list[subprocess.Popen[str]] = []

    def start(*words: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", "from reenact.cli import main; main()", "tail", *words]
        started.append(subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()


def seqs(process: subprocess.Popen[str], n: int) -> list[int]:
    assert process.stdout
    return [json.loads(line)["seq"] for line in islice(process.stdout, n)]


def test_it_waits_for_a_session_shows_its_events_as_they_come_and_ends_with_it(
    tmp_path: Path, watching: Callable[..., subprocess.Popen[str]]
) -> None:
    url = f"sqlite://{tmp_path}/log.db"
    records = session("s-2").records
    process = watching("--wait", "--json", "--ticks", "--log", url)
    with open_log(write_log(tmp_path / "log.db", "s-1")) as log:
        every = [r["seq"] for r in events(url)]
        assert process.stderr
        assert "Waiting for a session" in process.stderr.readline()
        log.append("s-2", 1, records[:1])
        assert seqs(process, 3) == [1, 2, 3]
        log.append("s-2", 2, records[1:])
        assert seqs(process, len(every) - 3) == every[3:]
        assert process.wait(WAIT_S) == 0


def test_ctrl_c_ends_it_with_exit_code_130(tmp_path: Path, watching: Callable[..., subprocess.Popen[str]]) -> None:
    url = f"sqlite://{tmp_path}/log.db"
    with open_log(url, create=True) as log:
        log.append("s-1", 1, session().records[:1])
        process = watching("--from", "start", "--json", "--log", url)
        assert seqs(process, 1) == [1]
        process.send_signal(signal.SIGINT)
        assert process.wait(WAIT_S) == 130
        assert process.stderr
        assert "Interrupted" in process.stderr.read()


def test_it_goes_on_after_the_log_was_away_and_says_so_once(
    start_postgres: Callable[..., PostgresServer], watching: Callable[..., subprocess.Popen[str]]
) -> None:
    server = start_postgres()
    records = session().records
    with PostgresLog(server.url) as log:
        log.append("s-1", 1, records[:1])
        process = watching("--from", "start", "--ticks", "--json", "--log", f"{server.url}?timeout=0s")
        assert seqs(process, 1) == [1]
        server.kill()
        assert process.stderr
        while "Trying again until it is there" not in process.stderr.readline():
            assert process.poll() is None
        server.start()
        log.append("s-1", 2, records[1:])
        assert process.stdout
        rest = [json.loads(line)["seq"] for line in process.stdout]
        assert rest == list(range(2, len(rest) + 2))
        assert process.wait(WAIT_S) == 0


def test_a_commit_that_does_not_follow_is_found_while_it_is_shown() -> None:
    records = session().records
    log = MemoryLog()
    log.append("s-1", 1, [records[0], records[2]])
    shown = Tail(log, "s-1", Wanted()).rows()
    with pytest.raises(LogGap) as e:
        list(shown)
    assert e.value.commit == 2


@pytest.fixture(params=["memory", "sqlite", "postgresql", "kafka"])
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[EventLog, Callable[[], EventLog]]:
    """A log to write to, and how another handle on it is opened."""
    match request.param:
        case "memory":
            log: EventLog = open_log("memory://")
            return log, lambda: log
        case "sqlite":
            url = f"sqlite://{tmp_path}/x.db"
        case "postgresql":
            database: Database = request.getfixturevalue("postgres")
            url = database.url
        case _:
            kafka: Kafka = request.getfixturevalue("kafka")
            url = f"kafka://{kafka.bootstrap}/{kafka.topic()}?index={tmp_path}/index"
            assert CliRunner().invoke(main, ["log", "create", url]).exit_code == 0
    return open_log(url, create=True), lambda: open_log(url)


def test_followers_that_stop_taking_hold_no_writer_up_and_make_it_keep_nothing(opened: tuple[EventLog, Callable[[], EventLog]]) -> None:
    log, again = opened
    with log:
        log.append("s", 1, [bytes(65_536)])
        readers = [again(), again()]
        stalled = [reader.follow("s", 0, lambda: False) for reader in readers]
        assert [next(follower) for follower in stalled] == [bytes(65_536)] * 2
        records = [bytes([number]) * 65_536 for number in range(150)]
        for number, record in enumerate(records, start=2):
            log.append("s", number, [record])
        kept = [i for i in range(len(records)) if sys.getrefcount(records[i]) > 2]
        assert len(kept) <= 2 or isinstance(log, MemoryLog)
        for follower in stalled:
            assert list(islice(follower, 150)) == records
        for reader in readers:
            reader.close()
