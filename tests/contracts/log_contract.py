"""What every log must do: the suite that each backend inherits.

A backend's test class says how to open a handle on a store and how to take one commit out of it behind the log's back.
"""

from __future__ import annotations

import tracemalloc
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from itertools import count
from pathlib import Path
from threading import Barrier, Thread
from typing import ClassVar

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

from adapters.logs import EventLog
from domain.commit import checked, digest
from domain.errors import ConfigInvalid, InvariantBroken, LogConflict, LogGap
from domain.events import AnyEvent
from domain.ticks import Ticks
from projections.rebuild import Segment, segments
from reenact.logs import SessionLog
from tests.domain.test_replay import market, played

RECORDED = "test"
WAIT_S = 60  # a hang fails here; nothing is measured


class LogContract(ABC):
    """Inherit, name the class Test…, and say how to open and how to damage."""

    examples: ClassVar[int | None] = None  # histories of the property; None: as many as the profile wants
    many: ClassVar[int] = 101  # sessions in one log

    @abstractmethod
    def open(self, place: Path) -> EventLog:
        """A new handle on the store of `place`, which is made when it is not there."""

    @abstractmethod
    def drop(self, place: Path, session: str, number: int) -> None:
        """Take one commit out of the store, as someone with access to it could."""

    def settle(self, log: EventLog) -> None:  # noqa: B027  most logs have nothing to wait for
        """Return when what was appended is durable, or raise."""

    def put(self, log: EventLog, session: str, number: int, records: Sequence[bytes]) -> None:
        log.append(session, number, records)
        self.settle(log)

    @pytest.fixture
    def place(self, tmp_path: Path) -> Path:
        return tmp_path / "a log"

    @pytest.fixture
    def log(self, place: Path) -> Iterator[EventLog]:
        with self.open(place) as log:
            yield log

    def test_an_empty_log_has_no_sessions_no_head_and_nothing_to_read(self, log: EventLog) -> None:
        assert log.sessions() == []
        assert log.head("s") is None
        assert list(log.read("s")) == []
        assert list(log.follow("s", 0, lambda: True)) == []

    def test_what_was_appended_one_by_one_and_in_runs_is_read_in_order(self, log: EventLog) -> None:
        self.put(log, "s", 1, [b"one"])
        self.put(log, "s", 2, [b"two", b"three"])
        self.put(log, "s", 4, [b"four"])
        assert list(log.read("s")) == [b"one", b"two", b"three", b"four"]
        assert log.head("s") == (4, b"four")

    def test_appending_nothing_changes_nothing(self, log: EventLog) -> None:
        self.put(log, "s", 1, [])
        assert log.sessions() == []

    @pytest.mark.parametrize(
        ("after", "upto", "numbers"),
        [
            (0, None, range(1, 41)),
            (0, 0, []),
            (0, 1, [1]),
            (3, 3, []),
            (3, 5, [4, 5]),
            (39, None, [40]),
            (40, None, []),
            (50, None, []),
            (38, 99, [39, 40]),
        ],
    )
    def test_a_range_is_read_from_behind_after_up_to_and_with_upto(self, log: EventLog, after: int, upto: int | None, numbers: Sequence[int]) -> None:
        self.put(log, "s", 1, [b"%d" % n for n in range(1, 41)])
        assert list(log.read("s", after, upto)) == [b"%d" % n for n in numbers]

    def test_a_session_is_read_to_its_end_while_it_grows(self, log: EventLog) -> None:
        self.put(log, "s", 1, [b"1", b"2", b"3"])
        records = log.read("s")
        assert next(records) == b"1"
        self.put(log, "s", 4, [b"%d" % n for n in range(4, 300)])
        assert list(records)[:2] == [b"2", b"3"]
        assert list(log.read("s")) == [b"%d" % n for n in range(1, 300)]

    @pytest.mark.parametrize("number", [0, 1, 2, 3, 5, -1, 1000])
    def test_a_number_that_is_taken_or_not_the_next_is_a_conflict(self, log: EventLog, number: int) -> None:
        self.put(log, "s", 1, [b"1", b"2", b"3"])
        with pytest.raises(LogConflict) as e:
            self.put(log, "s", number, [b"x"])
        assert (e.value.session, e.value.commit) == ("s", number)
        assert e.value.remedy

    def test_a_session_starts_with_commit_1(self, log: EventLog, place: Path) -> None:
        with pytest.raises(LogConflict, match="not the next"):
            self.put(log, "s", 2, [b"x"])
        with self.open(place) as again:
            assert again.sessions() == []

    def test_a_conflict_leaves_the_log_as_it_was(self, log: EventLog, place: Path) -> None:
        self.put(log, "s", 1, [b"1"])
        with pytest.raises(LogConflict):
            self.put(log, "s", 1, [b"x", b"y", b"z"])
        with self.open(place) as again:
            assert list(again.read("s")) == [b"1"]

    def test_a_writer_that_another_one_has_overtaken_is_fenced_out_for_good(self, log: EventLog, place: Path) -> None:
        self.put(log, "s", 1, [b"1", b"2"])
        with self.open(place) as other:
            self.put(other, "s", 3, [b"3", b"4"])
            for number in (3, 5, 3):
                with pytest.raises(LogConflict):
                    self.put(log, "s", number, [b"x", b"y", b"z"])
            self.put(other, "s", 5, [b"5"])
            assert list(other.read("s")) == [b"1", b"2", b"3", b"4", b"5"]

    def test_two_writers_that_open_one_session_at_once_leave_one_winner(self, place: Path) -> None:
        won: list[int] = []
        lost: list[int] = []
        logs = [self.open(place) for _ in range(4)]
        start = Barrier(len(logs))

        def write(i: int) -> None:
            start.wait(WAIT_S)
            try:
                self.put(logs[i], "s", 1, [b"%d" % i])
            except LogConflict:
                lost.append(i)
            else:
                won.append(i)

        in_threads([Thread(target=write, args=(i,)) for i in range(len(logs))])
        for log in logs:
            log.close()
        assert (len(won), len(lost)) == (1, 3)
        with self.open(place) as log:
            assert list(log.read("s")) == [b"%d" % won[0]]
            assert log.sessions() == ["s"]

    def test_writers_that_open_different_sessions_at_once_all_get_in(self, place: Path) -> None:
        logs = [self.open(place) for _ in range(4)]
        start = Barrier(len(logs))

        def write(i: int) -> None:
            start.wait(WAIT_S)
            for n in range(5):
                self.put(logs[i], f"{i}-{n}", 1, [b"x"])

        in_threads([Thread(target=write, args=(i,)) for i in range(len(logs))])
        listed = logs[0].sessions()
        for log in logs:
            log.close()
        assert sorted(listed) == sorted(f"{i}-{n}" for i in range(4) for n in range(5))
        for i in range(4):
            assert [s for s in listed if s.startswith(f"{i}-")] == [f"{i}-{n}" for n in range(5)]

    def test_sessions_are_listed_in_the_order_of_opening(self, log: EventLog, place: Path) -> None:
        names = [f"s{n * 7919 % self.many}" for n in range(self.many)]
        for name in names:
            log.append(name, 1, [name.encode()])
            log.append(name, 2, [b"more"])
        assert log.sessions() == names
        with self.open(place) as other:
            assert other.sessions() == names
            assert [next(other.read(name)) for name in names] == [name.encode() for name in names]

    @pytest.mark.parametrize("name", ["Zürich 2026", "上海-1", "a/b?c#d%20:memory:", "s'); DROP TABLE x;--", "ab", "é", "e\u0301", "🦉", "x" * 200])
    def test_a_session_may_have_any_printable_name(self, log: EventLog, name: str) -> None:
        self.put(log, name, 1, [b"1"])
        self.put(log, name[::-1][:199] + "2", 1, [b"2"])
        assert log.sessions() == [name, name[::-1][:199] + "2"]
        assert list(log.read(name)) == [b"1"]
        assert log.head(name) == (1, b"1")

    @pytest.mark.parametrize("name", ["", "~sessions", "~", "a\nb", "a\x00b", "\ud800", "x" * 201, "\u202e"])
    def test_a_name_that_some_store_could_not_hold_is_refused_in_a_sentence(self, log: EventLog, place: Path, name: str) -> None:
        with pytest.raises(ConfigInvalid, match="cannot name a session"):
            self.put(log, name, 1, [b"1"])
        with self.open(place) as other:
            with pytest.raises(ConfigInvalid, match="cannot name a session"):
                other.head(name)
            with pytest.raises(ConfigInvalid, match="cannot name a session"):
                list(other.read(name))
            assert other.sessions() == []

    def test_a_session_is_replayed_from_a_commit_up_to_a_seq_and_up_to_a_time(self, log: EventLog, place: Path) -> None:
        records = played(market())
        self.put(log, RECORDED, 1, records[:25])
        self.put(log, RECORDED, 26, records[25:])
        commits = [commit for commit, _ in checked(RECORDED, records)]
        items = [(seq, event) for commit in commits for seq, event in commit.items()]
        with self.open(place) as other:
            session = SessionLog(other)
            middle = commits[17]
            assert list(session.commits()) == commits
            assert session.last() == (commits[-1], digest(records[-1]))
            for seq in (1, middle.first_seq, middle.last_seq, commits[-1].last_seq):
                assert session.holding(seq) == next(c for c in commits if c.first_seq <= seq <= c.last_seq)
                assert shown(segments(session.commits(), until_seq=seq)) == [item for item in items if item[0] <= seq]
            after = (middle.number, middle.last_seq, digest(records[17]))
            assert [c for c, _ in checked(RECORDED, other.read(RECORDED, 18), after)] == commits[18:]
            for ns in (middle.first_ns - 1, middle.first_ns, middle.last_ns):
                assert shown(segments(session.commits(), until_ns=ns)) == [item for item in items if item[1].ns <= ns]

    def test_a_commit_may_be_large(self, log: EventLog, place: Path) -> None:
        records = [bytes([n]) * (8 << 20) for n in range(3)]
        self.put(log, "s", 1, records[:1])
        self.put(log, "s", 2, records[1:])
        with self.open(place) as other:
            assert list(other.read("s")) == records
            assert other.head("s") == (3, records[2])

    def test_reading_a_long_session_holds_a_small_part_of_it_in_memory(self, log: EventLog, place: Path) -> None:
        for n in range(48):
            log.append("s", n + 1, [bytes([n]) * (1 << 20)])
        self.settle(log)
        with self.open(place) as other:
            tracemalloc.start()
            try:
                assert sum(map(len, other.read("s"))) == 48 << 20
                _, peak = tracemalloc.get_traced_memory()
            finally:
                tracemalloc.stop()
        assert peak < 16 << 20

    def test_a_commit_that_is_missing_in_the_middle_is_a_gap(self, log: EventLog, place: Path) -> None:
        self.put(log, "s", 1, [b"1", b"2", b"3"])
        self.drop(place, "s", 2)
        with self.open(place) as other:
            records = other.read("s")
            assert next(records) == b"1"
            with pytest.raises(LogGap) as e:
                next(records)
            assert (e.value.session, e.value.commit) == ("s", 2)
            with pytest.raises(LogGap):
                list(other.read("s", 1))
            with pytest.raises(LogGap):
                list(other.follow("s", 0, lambda: False))
            assert list(other.read("s", 2)) == [b"3"]

    def test_a_commit_that_is_missing_at_the_start_is_a_gap(self, log: EventLog, place: Path) -> None:
        self.put(log, "s", 1, [b"1", b"2"])
        self.drop(place, "s", 1)
        with self.open(place) as other, pytest.raises(LogGap):
            list(other.read("s"))

    def test_following_yields_what_is_there_and_then_what_another_handle_appends(self, log: EventLog, place: Path) -> None:
        records = [b"%d" % n for n in range(1, 31)]
        self.put(log, "s", 1, records[:10])
        seen: list[bytes] = []
        with self.open(place) as reader:
            follower = Thread(target=lambda: [seen.append(r) for r in reader.follow("s", 4, lambda: len(seen) >= 26)])
            follower.start()
            for n in range(10, 30):
                self.put(log, "s", n + 1, [records[n]])
            follower.join(WAIT_S)
            assert not follower.is_alive()
        assert seen == records[4:]

    def test_following_through_the_writing_handle_and_before_the_session_exists(self, log: EventLog) -> None:
        seen: list[bytes] = []
        followers = [Thread(target=lambda: seen.extend(first(5, log.follow("s", 0, lambda: False)))) for _ in range(2)]
        for follower in followers:
            follower.start()
        log.append("other", 1, [b"x"])
        for n in range(1, 6):
            log.append("s", n, [b"%d" % n])
        for follower in followers:
            follower.join(WAIT_S)
        assert sorted(seen) == sorted([b"%d" % n for n in range(1, 6)] * 2)

    def test_following_ends_when_it_is_told_to(self, log: EventLog) -> None:
        self.put(log, "s", 1, [b"1", b"2", b"3"])
        asked = count()
        assert list(log.follow("s", 0, lambda: next(asked) >= 2)) == [b"1", b"2"]
        asked = count()
        assert list(log.follow("s", 3, lambda: next(asked) >= 3)) == []

    def test_what_was_durable_is_there_after_reopening_and_goes_on(self, place: Path) -> None:
        with self.open(place) as log:
            log.append("s", 1, [b"1", b"2"])
            log.append("t", 1, [b"one"])
        with self.open(place) as log:
            assert log.head("s") == (2, b"2")
            log.append("s", 3, [b"3"])
        with self.open(place) as log:
            assert list(log.read("s")) == [b"1", b"2", b"3"]
            assert log.sessions() == ["s", "t"]

    def test_a_log_may_be_closed_twice_and_is_not_used_afterwards(self, place: Path) -> None:
        log = self.open(place)
        self.put(log, "s", 1, [b"1"])
        log.close()
        log.close()
        with pytest.raises(InvariantBroken, match="closed log"):
            log.append("s", 2, [b"2"])
        with pytest.raises(InvariantBroken, match="closed log"):
            log.head("s")
        with pytest.raises(InvariantBroken, match="closed log"):
            list(log.read("s"))

    def test_any_history_leaves_what_a_dict_of_lists_would_hold(self, tmp_path: Path) -> None:
        places = (tmp_path / str(n) for n in count())
        examples = self.examples or max(20, min(200, settings.default.max_examples // 3))  # type: ignore[union-attr]
        profile = settings(max_examples=examples, stateful_step_count=20, deadline=None)
        run_state_machine_as_test(lambda: _Machine(self, next(places)), settings=profile)


def shown(parts: Iterator[Segment]) -> list[tuple[int, AnyEvent]]:
    """Runs of ticks as single events."""
    return [item for seq, part in parts for item in (enumerate(part.events(), start=seq) if isinstance(part, Ticks) else [(seq, part)])]


def first(n: int, records: Iterator[bytes]) -> list[bytes]:
    """The first n records, without asking for one more."""
    return [next(records) for _ in range(n)]


def in_threads(threads: list[Thread]) -> None:
    """Run threads to their end."""
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(WAIT_S)
        assert not thread.is_alive()


class _Machine(RuleBasedStateMachine):
    """Appends, conflicts, overtaking, reopening and reading, against plain lists."""

    names = st.sampled_from(["a", "b", "ü"])
    records = st.lists(st.binary(max_size=40), min_size=1, max_size=4)

    def __init__(self, contract: LogContract, place: Path) -> None:
        super().__init__()
        self.contract = contract
        self.place = place
        self.log = contract.open(place)
        self.model: dict[str, list[bytes]] = {}

    @rule(name=names, records=records)
    def append(self, name: str, records: list[bytes]) -> None:
        stored = self.model.setdefault(name, [])
        self.log.append(name, len(stored) + 1, records)
        stored += records

    @precondition(lambda self: self.model)
    @rule(name=names, records=records, off=st.sampled_from([-2, -1, 1, 5]))
    def append_out_of_turn(self, name: str, records: list[bytes], off: int) -> None:
        with pytest.raises(LogConflict):
            self.contract.put(self.log, name, len(self.model.get(name, [])) + 1 + off, records)
        self.reopen()

    @rule(name=names, records=records)
    def overtake(self, name: str, records: list[bytes]) -> None:
        self.append(name, records)
        self.contract.settle(self.log)
        stored = self.model[name]
        with self.contract.open(self.place) as other:
            other.append(name, len(stored) + 1, records)
        with pytest.raises(LogConflict):
            self.contract.put(self.log, name, len(stored) + 1, [b"late"])
        stored += records
        self.reopen()

    @rule()
    def reopen(self) -> None:
        self.log.close()
        self.log = self.contract.open(self.place)

    @rule(name=names, after=st.integers(0, 12), upto=st.none() | st.integers(0, 12))
    def read(self, name: str, after: int, upto: int | None) -> None:
        stored = self.model.get(name, [])
        assert list(self.log.read(name, after, upto)) == stored[after:upto]
        assert self.log.head(name) == ((len(stored), stored[-1]) if stored else None)

    @rule()
    def sessions(self) -> None:
        assert self.log.sessions() == list(self.model)

    def teardown(self) -> None:
        self.log.close()
        with self.contract.open(self.place) as log:
            assert log.sessions() == list(self.model)
            assert {name: list(log.read(name)) for name in self.model} == self.model
