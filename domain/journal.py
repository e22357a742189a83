"""The commit being filled: gives every event its seq and seals what has come together.

Invariants: seqs are gapless; a commit holds every tick that was counted; a sealed commit follows the one before.
"""

from __future__ import annotations

from domain.commit import FORMAT, GENESIS, Commit, digest, encode, first_ns
from domain.errors import invariant
from domain.events import AnyRecorded
from domain.ticks import Ticks, concat, pack


class Journal:
    """The commit being filled. The engine emits into it; the runtime closes it into a record.

    `seq` is the last number given. Ticks are counted by `advance`, events appended by `emit`.
    """

    __slots__ = ("_first_seq", "_gap", "_parts", "_ticks_n", "events", "first_ns", "gaps", "last_ns", "number", "prev", "seq", "session")

    def __init__(self, session: str, number: int = 0, seq: int = 0, prev: bytes = GENESIS) -> None:
        self.session = session
        self.number = number
        self.seq = seq
        self.prev = prev
        self._clear()

    def _clear(self) -> None:
        self.gaps: list[int] = []
        self.events: list[AnyRecorded] = []
        self._parts: list[Ticks] = []
        self._gap = 0
        self._ticks_n = 0
        self._first_seq = self.seq + 1
        self.first_ns = 0
        self.last_ns = 0

    @property
    def ticks_n(self) -> int:
        """Ticks in the open commit."""
        return self._ticks_n

    @property
    def empty(self) -> bool:
        return not self.events and not self._ticks_n

    def emit(self, event: AnyRecorded) -> int:
        """Append one event that is no tick; its seq."""
        self.seq = seq = self.seq + 1
        self.gaps.append(self._gap)
        self._gap = 0
        self.events.append(event)
        return seq

    def advance(self, n: int) -> int:
        """Count n ticks of the current table as consumed; the seq of the last. The runtime hands the table itself over by `take`."""
        self._gap += n
        self.seq = seq = self.seq + n
        return seq

    def take(self, ticks: Ticks, start: int, stop: int) -> None:
        """Put ticks start..stop, already counted by `advance`, into the commit."""
        if stop > start:
            self._parts.append(ticks.slice(start, stop))
            self._ticks_n += stop - start

    def close(self, last_ns: int, like: bytes = b"") -> bytes:
        """Seal the commit and start the next; the record. `last_ns`: time of the last input. `like`: see `encode`."""
        invariant(not self.empty, "a commit holds at least one event")
        invariant(self.seq - self._first_seq + 1 == self._ticks_n + len(self.events), "every tick counted is taken into the commit")
        ticks = pack(concat(self._parts))
        commit = Commit(
            FORMAT, self.session, self.number + 1, self._first_seq, self.seq - self._first_seq + 1, self.prev,
            first_ns(self.events, ticks), last_ns, ticks, self.gaps, self.events,
        )  # fmt: skip
        record = encode(commit, like)
        self.number += 1
        self.prev = digest(record)
        self._clear()
        return record
