"""The log in memory keeps the contract of every log."""

from __future__ import annotations

from pathlib import Path

from adapters.logs import EventLog
from adapters.logs.memory import MemoryLog, MemoryRecorder
from tests.contracts.log_contract import LogContract


class TestMemoryLog(LogContract):
    def _recorder(self, place: Path) -> MemoryRecorder:
        stores: dict[Path, MemoryRecorder] = self.__dict__.setdefault("stores", {})
        return stores.setdefault(place, MemoryRecorder())

    def open(self, place: Path) -> EventLog:
        return MemoryLog(self._recorder(place))

    def drop(self, place: Path, session: str, number: int) -> None:
        del self._recorder(place)._stored_events_index[session][number]


def test_two_logs_in_memory_share_nothing_unless_told() -> None:
    with MemoryLog() as one, MemoryLog() as other:
        one.append("s", 1, [b"1"])
        assert other.sessions() == []
