"""Tells a session of the prover in short sentences with numbers.

Invariants: a story is made from the sealed events alone, so that `reenact events` shows the same ones.
"""

from __future__ import annotations

from collections.abc import Iterable

from adapters.readable import Reader
from adapters.sentences import sentence
from domain.commit import decode
from domain.events import OrderApproved, TimerSet

_UNTOLD = (OrderApproved, TimerSet)


def story(records: Iterable[bytes]) -> list[str]:
    """One line per event that matters, with its seq; approvals and timers that were set are left out."""
    reader = Reader()
    lines = []
    for record in records:
        for seq, event in decode(record).items():
            row = reader.row(seq, event)
            if not isinstance(event, _UNTOLD):
                lines.append(f"{seq:>5}  {row['time'][11:23]}  {sentence(row)}")
    return lines
