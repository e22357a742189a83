"""Sessions that move between logs: the same head everywhere, going on after an interruption, and refusing another history."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from adapters.logs import EventLog
from adapters.logs.memory import MemoryLog, MemoryRecorder
from domain.commit import checked
from domain.errors import ConfigInvalid, LogConflict, LogCorrupt, LogGap, LogUnavailable
from domain.events import FrameRefused
from domain.journal import Journal
from reenact import compose, config
from reenact.cli import main
from reenact.copying import copy_session
from reenact.logs import open_log
from tests.crash.session_worker import POLICY, SESSION
from tests.crash.sessions import NAME, START_NS
from tests.crash.sessions import session as made
from tests.reenact.recorded import session, write_log
from tests.servers.fixtures import Database, Kafka

RECORDS = made(60)


@pytest.fixture
def source() -> MemoryLog:
    log = MemoryLog()
    log.append(NAME, 1, RECORDS)
    return log


def holding(records: Sequence[bytes]) -> MemoryLog:
    log = MemoryLog()
    log.append(NAME, 1, records)
    return log


@pytest.mark.parametrize("have", [0, 1, 31, 59, 60])
def test_a_copy_holds_the_same_records_wherever_an_earlier_one_stopped(source: MemoryLog, have: int) -> None:
    target = holding(RECORDS[:have])
    copied = copy_session(source, target, NAME)
    assert (copied.commits, copied.written, copied.ahead) == (60, 60 - have, 0)
    assert copied.head == RECORDS[-1][-32:].hex()
    assert list(target.read(NAME)) == RECORDS


def test_a_target_that_has_gone_on_is_left_as_it_is(source: MemoryLog) -> None:
    target = holding(made(70))
    copied = copy_session(source, target, NAME)
    assert (copied.commits, copied.written, copied.ahead) == (60, 0, 10)
    assert target.head(NAME) == (70, made(70)[-1])


@pytest.mark.parametrize("at", [1, 2, 40, 60])
def test_another_history_is_refused_at_its_first_commit_that_differs(source: MemoryLog, at: int) -> None:
    theirs = [*RECORDS[: at - 1], *(b"other" for _ in range(5))]
    target = holding(theirs)
    with pytest.raises(LogConflict, match="different histories") as e:
        copy_session(source, target, NAME)
    assert (e.value.session, e.value.commit) == (NAME, at)
    assert list(target.read(NAME)) == theirs


@pytest.mark.parametrize("at", [1, 30, 60])
def test_a_source_that_does_not_prove_itself_is_named_and_what_came_before_may_be_copied(at: int) -> None:
    damaged = [*RECORDS[: at - 1], RECORDS[at - 1][:-1] + b"\x00", *RECORDS[at:]]
    target = MemoryLog()
    with pytest.raises(LogCorrupt) as e:
        copy_session(holding(damaged), target, NAME)
    assert e.value.commit == at
    assert list(target.read(NAME)) == RECORDS[: len(list(target.read(NAME)))]


class Altering(MemoryLog):
    """A log that keeps other bytes than it was given."""

    def append(self, session: str, number: int, records: Sequence[bytes]) -> None:
        super().append(session, number, self.altered(records))

    def altered(self, records: Sequence[bytes]) -> list[bytes]:
        return [records[0][:-1] + b"\x00", *records[1:]]


class Losing(Altering):
    """A log that keeps less than it was given."""

    def altered(self, records: Sequence[bytes]) -> list[bytes]:
        return list(records[:-1])


class Exchanging(Altering):
    """A log that keeps another history, which is whole in itself."""

    def altered(self, records: Sequence[bytes]) -> list[bytes]:
        other = session(NAME)
        return [*other.records, *records][: len(records)]


@pytest.mark.parametrize("target", [Altering(MemoryRecorder()), Losing(MemoryRecorder()), Exchanging(MemoryRecorder())])
def test_a_target_that_did_not_keep_what_it_was_given_is_found_out(source: MemoryLog, target: EventLog) -> None:
    with pytest.raises((LogCorrupt, LogGap)):
        copy_session(source, target, NAME)


class Weighing(MemoryLog):
    """A log that notes how much it is given at once."""

    def __init__(self) -> None:
        super().__init__()
        self.most = (0, 0)

    def append(self, session: str, number: int, records: Sequence[bytes]) -> None:
        self.most = (max(self.most[0], len(records)), max(self.most[1], sum(map(len, records))))
        super().append(session, number, records)


def test_a_long_session_goes_over_in_batches() -> None:
    journal, records = Journal(NAME), []
    for n in range(80):
        journal.emit(FrameRefused(START_NS + n, 0, "feed", f"line {n}", "unreadable", "x" * 200_000))
        records.append(journal.close(START_NS + n))
    target = Weighing()
    assert copy_session(holding(records), target, NAME).written == 80
    assert target.most[0] < 80
    assert target.most[1] < 5 << 20
    target = Weighing()
    assert copy_session(holding(made(600)), target, NAME).written == 600
    assert target.most[0] <= 256


def test_a_session_that_is_not_there_is_said(source: MemoryLog) -> None:
    with pytest.raises(LogUnavailable, match="no such session"):
        copy_session(source, MemoryLog(), "nowhere")


def ask(*words: str) -> Result:
    return CliRunner().invoke(main, words)


def answer(*words: str) -> Any:
    result = ask(*words, "--json")
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


def records_of(url: str, name: str) -> list[bytes]:
    with open_log(url) as log:
        return [record for _, record in checked(name, log.read(name))]


def test_a_session_goes_from_sqlite_to_postgresql_and_back_with_the_same_head(tmp_path: Path, postgres: Database) -> None:
    first, last = f"sqlite://{tmp_path}/a.db", f"sqlite://{tmp_path}/b.db"
    head = compose.run(config.from_mapping(SESSION), log=first, policy=POLICY).head
    direct = compose.run(config.from_mapping(SESSION), log=postgres.url, policy=POLICY, session="crash-9")
    name = answer("sessions", "--log", first)[0]["session"]
    there = answer("copy", first, postgres.url)
    back = answer("copy", postgres.url, last, "--session", name)
    assert [c["head"] for c in there + back] == [head, head]
    assert records_of(first, name) == records_of(postgres.url, name) == records_of(last, name)
    assert answer("verify", name, "--log", postgres.url)["head"] == head
    assert {s["session"]: s["state"] for s in answer("sessions", "--log", postgres.url)} == {"crash-9": "closed", name: "closed"}
    assert direct.commits == len(records_of(postgres.url, "crash-9"))


def test_a_session_goes_from_sqlite_through_kafka_to_postgresql_with_the_same_head(tmp_path: Path, kafka: Kafka, postgres: Database) -> None:
    first, topic = f"sqlite://{tmp_path}/a.db", f"kafka://{kafka.bootstrap}/{kafka.topic()}?index={tmp_path}/index"
    head = compose.run(config.from_mapping(SESSION), log=first, policy=POLICY).head
    assert ask("log", "create", topic, "--partitions", "3").exit_code == 0
    moved = [answer("copy", first, topic), answer("copy", topic, postgres.url), answer("copy", topic, f"sqlite://{tmp_path}/b.db")]
    assert [c["head"] for copied in moved for c in copied] == [head] * 3
    name = answer("sessions", "--log", first)[0]["session"]
    assert len({tuple(records_of(url, name)) for url in (first, topic, postgres.url, f"sqlite://{tmp_path}/b.db")}) == 1
    assert answer("copy", first, topic)[0]["written"] == 0
    direct = compose.run(config.from_mapping(SESSION), log=topic, policy=POLICY, session="crash-9")
    assert direct.commits == len(records_of(topic, "crash-9"))
    found = answer("log", "check", topic)
    assert (found["backend"], found["facts"]["partitions"], found["dropped"]) == ("Kafka", 3, [])
    assert {s["session"] for s in found["sessions"]} == {name, "crash-9"}


def test_the_same_session_run_into_postgresql_has_the_head_it_has_in_sqlite(tmp_path: Path, postgres: Database) -> None:
    heads = {compose.run(config.from_mapping(SESSION), log=url, policy=POLICY).head for url in (f"sqlite://{tmp_path}/a.db", postgres.url)}
    assert len(heads) == 1


def test_all_sessions_go_in_their_order_and_a_second_copy_writes_nothing(tmp_path: Path, postgres: Database) -> None:
    source = write_log(tmp_path / "a.db", "s-1", "s-2", "s-3")
    assert [(c["session"], c["written"]) for c in answer("copy", source, postgres.url, "--session", "s-2")] == [("s-2", 3)]
    assert [(c["session"], c["written"]) for c in answer("copy", source, postgres.url, "--all")] == [("s-1", 3), ("s-2", 0), ("s-3", 3)]
    text = ask("copy", source, postgres.url, "--all").stdout
    assert session("s-3").records[-1][-32:].hex() in text


def test_mistakes_are_one_sentence(tmp_path: Path) -> None:
    source = write_log(tmp_path / "a.db", "s-1")
    for words, said in (
        ((source, f"sqlite://{tmp_path}/b.db", "--session", "s-1", "--all"), "name sessions or say --all"),
        ((source, f"sqlite://{tmp_path}/b.db", "--session", "s-9"), "the log holds no session 's-9'"),
        ((f"sqlite://{tmp_path}/nowhere.db", f"sqlite://{tmp_path}/b.db"), "there is no log"),
        ((source, "mysql://x"), "is no address of a log"),
    ):
        result = ask("copy", *words)
        assert (result.exit_code, said in result.stderr) == (2, True), result.stderr
    with pytest.raises(ConfigInvalid):
        open_log("mysql://x")
