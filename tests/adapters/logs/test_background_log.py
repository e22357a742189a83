"""The log that writes beside the engine's thread: same contract, errors surface late and as they were, nothing after them is written."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from threading import Event, Thread

import pytest

from adapters.logs import EventLog
from adapters.logs.background import BackgroundLog
from adapters.logs.memory import MemoryLog
from adapters.logs.sqlite import SqliteLog
from domain.errors import InvariantBroken, LogUnavailable
from tests.contracts.log_contract import WAIT_S, LogContract


class TestBackgroundLog(LogContract):
    def open(self, place: Path) -> EventLog:
        return BackgroundLog(SqliteLog(place))

    def drop(self, place: Path, session: str, number: int) -> None:
        with closing(sqlite3.connect(place)) as c:
            c.execute("DELETE FROM stored_events WHERE originator_id = ? AND originator_version = ?", (session, number))
            c.commit()

    def settle(self, log: EventLog) -> None:
        assert isinstance(log, BackgroundLog)
        log.flush()


class GatedLog(MemoryLog):
    """A log whose appends wait for a gate, and fail from a chosen commit on."""

    def __init__(self, fails_at: int = 1 << 60) -> None:
        super().__init__()
        self.gate = Event()
        self.entered = Event()
        self.fails_at = fails_at
        self.inserts: list[int] = []

    def append(self, session: str, number: int, records: Sequence[bytes]) -> None:
        self.entered.set()
        assert self.gate.wait(WAIT_S)
        if number + len(records) > self.fails_at:
            raise LogUnavailable("the disk is full", session=session, commit=number)
        super().append(session, number, records)
        self.inserts.append(len(records))


def test_what_waits_is_written_in_one_insert_per_session() -> None:
    gated = GatedLog()
    with BackgroundLog(gated) as log:
        log.append("s", 1, [b"1"])
        assert gated.entered.wait(WAIT_S)
        for n in range(2, 10):
            log.append("s", n, [b"%d" % n])
        log.append("t", 1, [b"1"])
        log.append("s", 10, [b"10"])
        gated.gate.set()
        assert list(log.read("s")) == [b"%d" % n for n in range(1, 11)]
        assert gated.inserts == [1, 8, 1, 1]


def test_one_insert_stays_a_few_megabytes() -> None:
    gated = GatedLog()
    with BackgroundLog(gated) as log:
        log.append("s", 1, [b"1"])
        assert gated.entered.wait(WAIT_S)
        for n in range(2, 14):
            log.append("s", n, [bytes(1 << 20)])
        gated.gate.set()
        log.flush()
        assert gated.inserts == [1, 8, 4]


def test_an_append_waits_when_too_much_is_under_way_and_a_commit_larger_than_that_still_passes() -> None:
    gated = GatedLog()
    with BackgroundLog(gated) as log:
        log.append("s", 1, [bytes(20 << 20)])
        assert gated.entered.wait(WAIT_S)
        blocked = Thread(target=log.append, args=("s", 2, [b"2"]))
        blocked.start()
        blocked.join(0.05)
        assert blocked.is_alive()
        gated.gate.set()
        blocked.join(WAIT_S)
        assert not blocked.is_alive()
        assert log.head("s") == (2, b"2")


def test_an_error_surfaces_as_it_was_and_nothing_after_it_is_written() -> None:
    gated = GatedLog(fails_at=3)
    log = BackgroundLog(gated)
    gated.gate.set()
    log.append("s", 1, [b"1"])
    log.flush()
    log.append("s", 2, [b"2", b"3"])
    for use in (log.flush, log.flush, lambda: log.append("t", 1, [b"x"]), log.sessions, lambda: log.read("s"), lambda: log.head("s")):
        with pytest.raises(LogUnavailable, match="the disk is full"):
            use()
    assert gated.sessions() == ["s"]
    assert list(gated.read("s")) == [b"1"]
    log.close()


def test_an_append_that_waits_for_room_is_woken_by_the_error() -> None:
    gated = GatedLog(fails_at=1)
    log = BackgroundLog(gated)
    log.append("s", 1, [bytes(20 << 20)])
    errors: list[BaseException] = []

    def append() -> None:
        try:
            log.append("s", 2, [b"2"])
        except LogUnavailable as e:
            errors.append(e)

    blocked = Thread(target=append)
    blocked.start()
    gated.gate.set()
    blocked.join(WAIT_S)
    assert [str(e) for e in errors] == ["session s, commit 1: the disk is full"]
    log.close()


def test_an_error_that_nothing_has_raised_is_raised_by_close() -> None:
    gated = GatedLog(fails_at=1)
    log = BackgroundLog(gated)
    log.append("s", 1, [b"1"])
    gated.gate.set()
    with pytest.raises(LogUnavailable, match="the disk is full"):
        log.close()
    with pytest.raises(InvariantBroken):
        gated.head("s")
    log.close()


def test_close_writes_what_waits() -> None:
    gated = GatedLog()
    log = BackgroundLog(gated)
    for n in range(1, 6):
        log.append("s", n, [b"%d" % n])
    gated.gate.set()
    log.close()
    assert sum(gated.inserts) == 5
