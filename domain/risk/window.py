"""What happened within the last stretch of time, exactly.

Invariants: an event at time t counts at time n while n - length < t <= n; time that runs backwards is taken as standing still; what no
longer counts is forgotten.
"""

from __future__ import annotations

from collections import deque


class Window:
    """Times of what happened, oldest first. The length is said at each call: a changed limit reads the same history."""

    __slots__ = ("latest", "times")

    def __init__(self) -> None:
        self.times: deque[int] = deque()
        self.latest = 0

    def count(self, now_ns: int, length_ns: int) -> int:
        """How many lie in (now - length, now]."""
        self.latest = max(self.latest, now_ns)
        times = self.times
        while times and times[0] <= self.latest - length_ns:
            times.popleft()
        return len(times)

    def add(self, now_ns: int, length_ns: int) -> None:
        """One more, now."""
        self.count(now_ns, length_ns)
        self.times.append(self.latest)
