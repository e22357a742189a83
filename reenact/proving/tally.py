"""What a proof has done so far, and whether it may go on."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable

from reenact.proving.moves import Move
from reenact.proving.violation import Violation
from reenact.proving.walk import Walk

Progress = Callable[[int, int], None]
"""Is told the steps done, and the session's time."""


class Enough(BaseException):
    """As much was tried as was asked for."""


class Tally:
    """Steps, examples, and what was put to the test. `steps` counts inputs to the engine, each one checked; `found` is the first violation
    with the style and moves that led to it; `wanted`: the invariants whose violation counts, empty for all.
    """

    def __init__(self, steps: int, seconds: float | None = None, progress: Progress | None = None, wanted: frozenset[str] = frozenset()) -> None:
        self.wanted = wanted
        self.most = steps
        self.seconds = seconds
        self.progress = progress
        self.steps = self.examples = self.commits = 0
        self.tested: Counter[str] = Counter()
        self.reached: Counter[tuple[str, str]] = Counter()
        self.seen: Counter[str] = Counter()
        self.found: Violation | None = None
        self.style = 0
        self.moves: list[Move] = []
        self.started = time.perf_counter()

    @property
    def elapsed_s(self) -> float:
        """Seconds since the start."""
        return time.perf_counter() - self.started

    @property
    def over(self) -> bool:
        """Enough was tried, or something was found."""
        return self.found is not None or self.spent

    @property
    def spent(self) -> bool:
        """Enough was tried; what was found is looked at again all the same."""
        if self.found is not None:
            return False
        return self.steps >= self.most or (self.seconds is not None and self.elapsed_s >= self.seconds)

    def walked(self, walk: Walk, before: int) -> None:
        """A session went on by some steps."""
        self.steps += walk.steps - before
        if self.progress is not None:
            self.progress(self.steps, walk.now_ns)

    def ended(self, walk: Walk) -> None:
        """A session ended."""
        self.examples += 1
        self.commits += len(walk.records)
        for invariant in walk.checker.invariants:
            self.reached.update(getattr(invariant, "reached", ()))
            self.seen.update(getattr(invariant, "seen", ()))
