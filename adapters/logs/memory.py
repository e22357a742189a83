"""Decides how a log lies in memory: for tests, and for simulated sessions nobody wants to keep."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from eventsourcing.persistence import StoredEvent  # noqa: TC002  the house keeps run-time imports
from eventsourcing.popo import POPOApplicationRecorder

from adapters.logs.recorded import RecordedLog


class MemoryRecorder(POPOApplicationRecorder):
    """The library's recorder, with a tail read that costs what it returns: its own scans the whole session for each batch."""

    def select_events(
        self, originator_id: UUID | str, *, gt: int | None = None, lte: int | None = None, desc: bool = False, limit: int | None = None
    ) -> Sequence[StoredEvent]:
        """See `ApplicationRecorder.select_events`; of a gapless run it may return less than the limit."""
        with self._database_lock:
            index = self._stored_events_index[str(originator_id)]
            if gt is not None and not desc and limit is not None:
                if gt >= next(reversed(index), 0):
                    return []
                found: list[StoredEvent] = []
                at = index.get(gt + 1)
                while at is not None and len(found) < limit and (lte is None or gt < lte):
                    found.append(self._stored_events[at])
                    gt += 1
                    at = index.get(gt + 1)
                if found:
                    return found
            return super().select_events(originator_id, gt=gt, lte=lte, desc=desc, limit=limit)


class MemoryLog(RecordedLog):
    """An `EventLog` in memory. Handles made with the same `recorder` share one store; it ends with the last of them."""

    def __init__(self, recorder: MemoryRecorder | None = None) -> None:
        super().__init__(recorder or MemoryRecorder())
