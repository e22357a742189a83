"""Read models that follow a log: live, several sessions, damaged ones, two projectors, and what a person is told."""

from __future__ import annotations

import json
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import msgspec
import psycopg
import pytest
from click.testing import CliRunner, Result

from adapters.logs import EventLog
from adapters.logs.memory import MemoryLog
from adapters.logs.sqlite import SqliteLog
from adapters.readmodels import ModelsBusy, Position, ReadModels, RowsRefused
from domain.errors import LogUnavailable, ReenactError
from domain.events import DayRolled, OrderFilled
from domain.journal import Journal
from domain.terms import Liquidity, Side
from reenact.cli import main
from reenact.logs import open_log
from reenact.projecting import Projected, Projector, lags, project
from tests.adapters.readmodels.dumps import differences, dump, positions
from tests.adapters.readmodels.made import built, eventful, followed, log_of, store_of
from tests.projections.builder import Session


@pytest.fixture(params=["sqlite", "postgres"])
def models(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of read models that are not there yet."""
    return str(request.getfixturevalue("postgres").url) if request.param == "postgres" else f"sqlite://{tmp_path / 'models.db'}"


@contextmanager
def following(log: EventLog, models: str, **how: Any) -> Iterator[list[str]]:
    """A projector that follows in a thread; what it says. It must end well."""
    said: list[str] = []
    found: list[Projected] = []
    end = threading.Event()
    thread = threading.Thread(target=lambda: found.append(project(log, models, stop=end.is_set, say=said.append, **how)))
    thread.start()
    try:
        yield said
    finally:
        end.set()
        thread.join(30)
    assert found, said


def until(true: Callable[[], bool]) -> None:
    """Wait for something that must come."""
    ends = time.monotonic() + 30
    while not true():
        assert time.monotonic() < ends
        time.sleep(0.01)


def append(log: EventLog, session: Session, first: int, last: int | None = None) -> None:
    log.append(session.journal.session, first + 1, session.records[first:last])


def test_a_follower_keeps_running_sessions_and_those_that_open_later(models: str) -> None:
    log, one, two = MemoryLog(), eventful("s-1", 1), eventful("s-2", 2)
    built(models)
    append(log, one, 0, 3)
    with following(log, models), ReadModels(models) as asked:
        assert asked.wait("s-1", one.commits()[2].last_seq, 20)
        append(log, one, 3, 5)
        append(log, two, 0)
        assert asked.wait("s-1", one.commits()[4].last_seq, 20)
        assert asked.wait("s-2", two.journal.seq, 20)
        append(log, one, 5)
        assert asked.wait("s-1", one.journal.seq, 20), "what was written can be read"
        assert asked.query("SELECT count(*) FROM sessions WHERE state = 'closed'").rows == [(2,)]
        assert not asked.wait("s-1", one.journal.seq + 1, 0.05)
        live = dump(models)
    project(log, models, rebuild=True, once=True)
    assert differences(live, dump(models)) == []


@pytest.fixture(params=["sqlite", "postgres", "kafka"])
def any_log(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[EventLog]:
    """An empty log of each kind."""
    if request.param == "kafka":
        from adapters.logs.kafka import KafkaSettings, create_topic

        kafka = request.getfixturevalue("kafka")
        url = f"kafka://{kafka.bootstrap}/{kafka.topic()}?index={tmp_path / 'index'}"
        create_topic(KafkaSettings.from_url(url), partitions=2)
    else:
        url = f"sqlite://{tmp_path / 'log.db'}" if request.param == "sqlite" else str(request.getfixturevalue("postgres").url)
    with open_log(url, create=True) as log:
        yield log


def test_any_log_can_be_followed(any_log: EventLog, tmp_path: Path) -> None:
    models, one, two = f"sqlite://{tmp_path / 'models.db'}", eventful("s-1", 1), eventful("s-2", 2, closed=False)
    append(any_log, one, 0, 3)
    project(any_log, models, once=True)
    with following(any_log, models), ReadModels(models) as asked:
        append(any_log, one, 3)
        append(any_log, two, 0)
        assert asked.wait("s-1", one.journal.seq, 60)
        assert asked.wait("s-2", two.journal.seq, 60)
    beside = f"sqlite://{tmp_path / 'beside.db'}"
    project(log_of(one, two), beside, once=True)
    assert differences(dump(models), dump(beside)) == []


def test_a_second_projector_waits_until_the_first_is_gone(models: str) -> None:
    log, session = MemoryLog(), eventful()
    append(log, session, 0, 2)
    built(models)
    with closing(store_of(models)):
        with pytest.raises(ModelsBusy):
            project(log, models, once=True)
        standby = following(log, models)
        said = standby.__enter__()
        until(lambda: bool(said))
        assert "another projector keeps the read models" in said[0]
        assert positions(models) == []
    until(lambda: [p[1] for p in positions(models)] == [2])
    standby.__exit__(None, None, None)
    assert len(said) == 1


def _damaged(session: Session, number: int) -> list[bytes]:
    records = list(session.records)
    records[number - 1] = bytes([records[number - 1][0] ^ 1]) + records[number - 1][1:]
    return records


def _foreign() -> Session:
    """A session that goes on with an order of an instrument it does not have."""
    session = eventful("foreign", 4, 60, closed=False)
    session.submit(Side.BUY, 1, of=7)
    session.fill(f"T-{session.orders}", 5, 1)
    session.cut()
    return session


def _unopened() -> list[bytes]:
    journal = Journal("unopened")
    journal.emit(DayRolled(1_700_000_000_000_000_000, 0, 20231114))
    return [journal.close(1_700_000_000_000_000_000)]


def _too_large() -> Session:
    session = eventful("large", 5, 60, closed=False)
    cl_ord_id = session.submit(Side.BUY, 1)
    session.emit(OrderFilled(session.later(), 0, cl_ord_id, (1 << 64) - 1, "EX", 1, 1, Liquidity.TAKER, 0, "", 0))
    session.cut()
    return session


def test_what_is_wrong_with_one_session_stops_only_that_session(models: str) -> None:
    good, hurt, foreign, large = eventful("good", 1), eventful("hurt", 2), _foreign(), _too_large()
    log = log_of(eventful("first", 3), foreign, large)
    log.append("hurt", 1, _damaged(hurt, 4))
    log.append("unopened", 1, _unopened())
    append(log, good, 0)
    done = project(log, models, once=True)
    assert set(done.problems) == {"hurt", "foreign", "large", "unopened"}
    assert "session hurt, commit 4: the bytes do not match their hash" in done.problems["hurt"]
    assert "does not begin with its opening" in done.problems["unopened"]
    at = {name: (number, problem) for name, number, *_, problem in positions(models)}
    assert at["good"] == (len(good.records), "")
    assert at["hurt"] == (3, done.problems["hurt"])
    assert at["foreign"] == (len(foreign.records) - 1, done.problems["foreign"])
    assert at["large"] == (len(large.records) - 1, done.problems["large"])
    again = project(log, models, once=True)
    assert (again.problems, again.events) == (done.problems, 0)
    with ReadModels(models) as asked:
        assert {r[0] for r in asked.query("SELECT session FROM lag WHERE problem <> ''").rows} == set(done.problems)
        with pytest.raises(ReenactError, match=r"session hurt: event 99999 does not come: .*do not match their hash"):
            asked.wait("hurt", 99_999, 5)
    live = dump(models)
    built_anew = project(log, models, rebuild=True, once=True)
    assert built_anew.problems.keys() == done.problems.keys()
    assert differences(live, dump(models)) == []


def test_a_session_that_was_mended_goes_on(models: str, tmp_path: Path) -> None:
    session = eventful()
    url = tmp_path / "log.db"
    with SqliteLog(url) as log:
        log.append("s-1", 1, _damaged(session, 4))
        assert project(log, models, once=True).problems
    with closing(sqlite3.connect(url)) as c:
        c.execute("UPDATE stored_events SET state = ? WHERE originator_version = 4 AND originator_id = 's-1'", [session.records[3]])
        c.commit()
    with SqliteLog(url) as log:
        assert project(log, models, once=True).problems == {}
        assert positions(models)[0][1::4] == (len(session.records), "")


@pytest.mark.parametrize("cut", [2, None])
def test_another_log_under_the_same_name_is_told_and_changes_nothing(models: str, cut: int | None) -> None:
    project(log_of(eventful("s-1", 1, closed=False)), models, once=True)
    before = dump(models)
    other = MemoryLog()
    append(other, eventful("s-1", 2, 400, closed=False), 0, cut)
    problem = project(other, models, once=True).problems["s-1"]
    assert "--rebuild" in problem or "chain is broken" in problem
    assert differences(before, dump(models)) == []


def test_an_interrupted_connection_is_waited_out_and_loses_nothing(postgres: Any) -> None:
    log, session = MemoryLog(), eventful()
    built(postgres.url)
    append(log, session, 0, 3)
    with following(log, postgres.url) as said:
        until(lambda: [p[1] for p in positions(postgres.url)] == [3])
        with psycopg.connect(postgres.url, autocommit=True) as c:
            c.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()")
        append(log, session, 3)
        until(lambda: [p[1] for p in positions(postgres.url)] == [len(session.records)])
        assert any("Waiting" in sentence for sentence in said)
    live = dump(postgres.url)
    project(log, postgres.url, rebuild=True, once=True)
    assert differences(live, dump(postgres.url)) == []


def test_programs_are_told_of_new_rows_and_can_wait_in_sql(postgres: Any) -> None:
    session = eventful()
    log = log_of(session)
    built(postgres.url)
    with psycopg.connect(postgres.url, autocommit=True) as c:
        c.execute("LISTEN reenact_applied")
        followed(log, postgres.url)
        told = next(c.notifies(timeout=20, stop_after=1))
        assert json.loads(told.payload) == {"session": "s-1", "seq": session.journal.seq}
        assert c.execute("SELECT reenact.wait_for('s-1', %s)", [session.journal.seq]).fetchone() == (True,)
        assert c.execute("SELECT reenact.wait_for('s-1', %s, '20 ms')", [session.journal.seq + 1]).fetchone() == (False,)


def test_lag_says_how_far_every_session_is_behind(models: str) -> None:
    log, session, later = MemoryLog(), eventful(), eventful("s-2", 2)
    append(log, session, 0, 4)
    project(log, models, once=True)
    append(log, session, 4)
    append(log, later, 0, 1)
    one, two = lags(log, models)
    assert (one.session, one.log_seq, one.applied_seq) == ("s-1", session.journal.seq, session.commits()[3].last_seq)
    assert (one.events_behind, one.commits_behind) == (one.log_seq - one.applied_seq, len(session.records) - 4)
    assert one.age_s is not None
    assert (two.applied_seq, two.age_s, two.commits_behind) == (0, None, 1)
    assert [x.session for x in lags(log, models, only="s-2")] == ["s-2"]


def test_only_one_session_when_asked_for_and_an_unknown_one_is_refused(models: str) -> None:
    log = log_of(eventful("alpha", 1), eventful("beta", 2))
    assert project(log, models, only="beta", once=True).sessions == 1
    assert [p[0] for p in positions(models)] == ["beta"]
    with pytest.raises(LogUnavailable, match=r"no session 'gamma'.*alpha, beta"):
        project(log, models, only="gamma", once=True)


def test_a_projector_only_reads_the_log() -> None:
    """Given a log that cannot be written, then a projector has all it needs: what it does cannot hold up a writer."""

    class ReadOnly(MemoryLog):
        def append(self, *_: Any) -> None:
            pytest.fail("a projector wrote to the log")

    log, session = log_of(eventful()), "s-1"
    copy = ReadOnly(log._recorder)  # type: ignore[attr-defined]
    assert copy.head(session) is not None
    store = _Memory()
    projector = Projector(copy)
    projector.start(store)
    projector.catch_up(store)
    assert store.events == projector.events > 0


class _Memory:
    """A store that only counts."""

    building = False

    def __init__(self) -> None:
        self.events = 0

    def tracked(self) -> dict[str, Any]:
        return {}

    def apply(self, batch: Any) -> None:
        self.events += batch.after.seq - (batch.before.seq if batch.before else 0)

    def note(self, *_: Any) -> None: ...

    def finish(self) -> None: ...

    def close(self) -> None: ...


class _Choosy(_Memory):
    """A store that is being built, keeps positions, and refuses every batch that reaches a commit."""

    building = True

    def __init__(self, refused: int) -> None:
        super().__init__()
        self.refused = refused
        self.at: dict[str, Position] = {}

    def tracked(self) -> dict[str, Position]:
        return dict(self.at)

    def apply(self, batch: Any) -> None:
        assert self.at.get(batch.session) == batch.before
        if batch.after.number >= self.refused and batch.session == "s-1":
            raise RowsRefused("a value does not fit")
        self.at[batch.session] = batch.after

    def note(self, session: str, before: Position | None, problem: str) -> None:
        assert self.at.get(session) == before
        assert before is not None
        self.at[session] = msgspec.structs.replace(before, problem=problem)


def test_rows_that_are_refused_while_the_next_are_folded_stop_their_session_at_the_right_commit() -> None:
    store, other = _Choosy(5), eventful("s-2", 2)
    projector = Projector(log_of(eventful("s-1", 1), other))
    projector.start(store)
    projector.build(store)
    assert projector.problems == {"s-1": "a value does not fit"}
    assert (store.at["s-1"].number, store.at["s-1"].problem, store.at["s-1"].settled) == (4, "a value does not fit", True)
    assert (store.at["s-2"].number, store.at["s-2"].settled) == (len(other.records), True)


# The command line


def run(*words: str) -> Result:
    return CliRunner().invoke(main, list(words), prog_name="reenact")


@pytest.fixture
def log_url(tmp_path: Path) -> str:
    path = tmp_path / "log.db"
    with SqliteLog(path) as log:
        append(log, eventful(closed=False), 0)
    return f"sqlite://{path}"


def test_project_and_query_from_the_command_line(models: str, log_url: str) -> None:
    done = run("project", "--log", log_url, "--models", models, "--once")
    assert (done.exit_code, "1 sessions" in done.stdout) == (0, True)
    status = json.loads(run("project", "--log", log_url, "--models", models, "--status", "--json").stdout)
    assert [(r["session"], r["events_behind"], r["problem"]) for r in status] == [("s-1", 0, "")]
    assert "s-1" in run("project", "--log", log_url, "--models", models, "--status").stdout
    seq = status[0]["log_seq"]
    asked = run("query", "SELECT session, seq FROM tracking", "--models", models, "--wait", "end", "--log", log_url, "--json")
    assert json.loads(asked.stdout) == [{"session": "s-1", "seq": seq}]
    table = run("query", "SELECT account, balance FROM account_balances ORDER BY 1", "--models", models, "--wait", str(seq), "--session", "s-1")
    assert "cash:USD" in table.stdout
    assert "No rows." in run("query", "SELECT 1 FROM orders WHERE false", "--models", models).stdout


def test_numbers_of_an_answer_are_exact(models: str, log_url: str) -> None:
    run("project", "--log", log_url, "--models", models, "--once")
    answer = json.loads(run("query", "SELECT equity FROM latest_equity WHERE currency = 'USD'", "--models", models, "--json").stdout)
    wide = json.loads(run("query", "SELECT equity, digits FROM pnl WHERE currency = 'USD'", "--models", models, "--json").stdout)
    assert int(answer[0]["equity"].replace(".", "")) == wide[0]["equity"]
    assert len(answer[0]["equity"].partition(".")[2]) == wide[0]["digits"]


@pytest.mark.parametrize("statement", ["DELETE FROM orders", "DROP TABLE orders", "SELECT 1; SELECT 2", "SELEKT", "SELECT * FROM nothing"])
def test_a_question_that_is_none_is_one_sentence(models: str, log_url: str, statement: str) -> None:
    run("project", "--log", log_url, "--models", models, "--once")
    before = dump(models)
    done = run("query", statement, "--models", models)
    assert (done.exit_code, done.stdout) == (2, "")
    assert "the question is refused" in done.stderr
    assert done.stderr.count("\n") == 1
    assert differences(before, dump(models)) == []


def test_a_session_that_cannot_be_applied_is_told_with_exit_code_2(models: str, tmp_path: Path) -> None:
    with SqliteLog(tmp_path / "log.db") as log:
        log.append("s-1", 1, _damaged(eventful(), 3))
        append(log, eventful("s-2", 2), 0)
    done = run("project", "--log", f"sqlite://{tmp_path / 'log.db'}", "--models", models, "--once", "--json", "--no-progress")
    assert done.exit_code == 2
    assert json.loads(done.stdout)["problems"].keys() == {"s-1"}
    assert "session s-1, commit 3" in done.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["project", "--models", "mysql://x", "--once"], "is no address of read models"),
        (["project", "--models", "postgresql://a:b@127.0.0.1/x", "--once"], "a password does not belong into an address"),
        (["project", "--models", "sqlite://m.db", "--status", "--once"], "--status only asks"),
        (["project", "--models", "sqlite://none.db", "--status"], "there are no read models"),
        (["project", "--models", "sqlite://m.db", "--once", "--session", "nope"], "no session 'nope'"),
        (["query", "SELECT 1", "--models", "sqlite://none.db"], "there are no read models"),
        (["query", "SELECT 1", "--models", "sqlite://none.db", "--wait", "soon"], "there are no read models"),
    ],
)
def test_mistakes_are_one_sentence(log_url: str, words: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    more = ["--log", log_url] if words[0] == "project" else []
    done = run(*words, *more)
    assert done.exit_code == 2
    assert said in done.stderr
    assert done.stderr.count("\n") == 1


def test_waiting_for_what_does_not_come_says_so(models: str, log_url: str) -> None:
    run("project", "--log", log_url, "--models", models, "--once")
    done = run("query", "SELECT 1", "--models", models, "--wait", "999999", "--session", "s-1", "--timeout", "0.05")
    assert done.exit_code == 2
    assert "event 999999 was not applied within 0.05 s" in done.stderr
    assert "--wait takes the number of an event or end" in run("query", "SELECT 1", "--models", models, "--wait", "soon").stderr
