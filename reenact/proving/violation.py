"""What it means that something which must always hold did not."""

from __future__ import annotations


class Violation(AssertionError):
    """An invariant is broken at an event: `invariant` is its id, `seq` the event's, `sentence` says what with its numbers."""

    def __init__(self, invariant: str, seq: int, sentence: str) -> None:
        self.invariant = invariant
        self.seq = seq
        self.sentence = sentence
        super().__init__(f"{invariant} is broken at event {seq}: {sentence}")
