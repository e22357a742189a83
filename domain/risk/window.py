"""What happened within the last stretch of time, exactly.

Invariants: an event at time t counts at time n while n - length < t <= n; time that runs backwards is taken as standing still; what no
longer counts is forgotten.
"""

from __future__ import annotations

from typing import Final

EVER: Final = 2**62 - 1
"""A length beyond that of any session."""
SPARE: Final = 64
"""So many forgotten times, and as many as are remembered, are kept before the list is cut: a cut moves all that follow."""


class Window:
    """Times of what happened, oldest first. The length is said at each call: a changed limit reads the same history."""

    __slots__ = ("_first", "_times", "latest")

    def __init__(self) -> None:
        self._times: list[int] = []
        self._first = 0
        self.latest = 0

    @property
    def times(self) -> list[int]:
        """Those that are remembered."""
        return self._times[self._first :]

    def count(self, now_ns: int, length_ns: int) -> int:
        """How many lie in (now - length, now]."""
        self.latest = max(self.latest, now_ns)
        since = self.latest - length_ns
        times = self._times
        n = len(times)
        first = self._first
        while first < n and times[first] <= since:
            first += 1
        n -= first
        if first > n + SPARE:
            del times[:first]
            first = 0
        self._first = first
        return n

    def add(self, now_ns: int, length_ns: int) -> None:
        """One more, now."""
        self.count(now_ns, length_ns)
        self._times.append(self.latest)

    def clear(self) -> None:
        """Forget all."""
        self._times.clear()
        self._first = 0
