"""Decides how a session moves from one log to another.

Invariants: the chain is proven while it is read, and proven again from what the target has stored; nothing is written after commits that
differ; memory is bounded by a batch; a copy that was cut off goes on where it stopped.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice

import msgspec

from adapters.logs import EventLog
from domain.commit import GENESIS, Commit, checked, digest
from domain.errors import LogConflict, LogCorrupt, LogUnavailable

_BATCH_BYTES = 4 << 20
_BATCH_MOST = 256
_KEEP = "Both logs are as they were. Copy into another log, or find out who wrote to this one."


class Copied(msgspec.Struct, frozen=True):
    """One session's copy. `commits`, `events`, `head`: the whole session up to the copied end; `written`: commits that were not there before;
    `ahead`: commits that the target holds beyond it.
    """

    session: str
    commits: int
    events: int
    written: int
    ahead: int
    head: str


class _Tail(msgspec.Struct):
    """The last commit that is proven so far, and how many records of this copy lie in the target."""

    number: int = 0
    seq: int = 0
    head: bytes = GENESIS


def copy_session(source: EventLog, target: EventLog, session: str, progress: Callable[[int, int], None] | None = None) -> Copied:
    """Bring what `target` lacks of a session, up to the commit that is the last in `source` now. `progress` is told (last seq, time in ns).

    Raises LogConflict when the target holds another history (naming the first commit that differs), LogCorrupt and LogGap for a session
    that does not prove itself in either log, LogUnavailable when the source does not hold it.
    """
    found = source.head(session)
    if found is None:
        raise LogUnavailable("the log holds no such session", session=session, remedy="See `reenact sessions`.")
    upto = found[0]
    there = target.head(session)
    have = there[0] if there is not None else 0
    commits = checked(session, source.read(session, 0, upto))
    before = _Tail()
    _compare(session, commits, target, min(have, upto), before, progress)
    after = msgspec.structs.replace(before)
    for batch in _batches(commits, after, progress):
        target.append(session, after.number - len(batch) + 1, batch)
    if after.number != upto:
        raise LogCorrupt("the session ends before its last commit", session=session, commit=after.number + 1)
    _prove(session, target, before, after)
    return Copied(session, after.number, after.seq, after.number - before.number, max(0, have - upto), after.head.hex())


def _compare(
    session: str,
    commits: Iterator[tuple[Commit, bytes]],
    target: EventLog,
    upto: int,
    tail: _Tail,
    progress: Callable[[int, int], None] | None,
) -> None:
    """Make sure that the target's first `upto` records are the source's."""
    for (commit, record), stored in zip(islice(commits, upto), target.read(session, 0, upto), strict=False):
        if record != stored:
            raise LogConflict("the logs hold different histories of this session from here on", session=session, commit=commit.number, remedy=_KEEP)
        _advance(tail, commit, record, progress)
    if tail.number != upto:
        raise LogCorrupt("the session ends before its last commit", session=session, commit=tail.number + 1)


def _batches(commits: Iterator[tuple[Commit, bytes]], tail: _Tail, progress: Callable[[int, int], None] | None) -> Iterator[list[bytes]]:
    """The rest of the records, some MiB at a time; `tail` is the last commit of what was yielded."""
    batch: list[bytes] = []
    size = 0
    for commit, record in commits:
        batch.append(record)
        size += len(record)
        _advance(tail, commit, record, progress)
        if size >= _BATCH_BYTES or len(batch) >= _BATCH_MOST:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _advance(tail: _Tail, commit: Commit, record: bytes, progress: Callable[[int, int], None] | None) -> None:
    tail.number, tail.seq, tail.head = commit.number, commit.last_seq, digest(record)
    if progress is not None:
        progress(commit.last_seq, commit.last_ns)


def _prove(session: str, target: EventLog, before: _Tail, after: _Tail) -> None:
    """Read back what was written: a chain that is whole from a known hash to a known hash holds the same bytes."""
    number, head = before.number, before.head
    stored = target.read(session, before.number, after.number)
    for commit, record in checked(session, stored, (before.number, before.seq, before.head), canonical=False):
        number, head = commit.number, digest(record)
    if (number, head) != (after.number, after.head):
        raise LogCorrupt("what arrived is not what was sent", session=session, commit=number, remedy="Do not use the copy; the source is as it was.")
