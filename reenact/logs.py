"""Decides which log an address means and which session of it a person means.

Invariants: reading never makes a log; a name that is not there is answered with the ones that are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from adapters.logs import EventLog
from adapters.logs.memory import MemoryLog
from adapters.logs.sqlite import SqliteLog
from domain.commit import Commit, checked, decode, digest
from domain.errors import ConfigInvalid, LogCorrupt, LogUnavailable
from domain.events import SessionOpened
from reenact.config_file import nearest

SQLITE = "sqlite://"
MEMORY = "memory://"


def open_log(url: str, *, create: bool = False) -> EventLog:
    """The log at an address: `sqlite://PATH`, a bare path, or `memory://`. `create` makes a missing file and its folder.

    Raises ConfigInvalid for another scheme, LogUnavailable or LogCorrupt for a file that cannot be used.
    """
    if url == MEMORY:
        return MemoryLog()
    if "://" not in url and url:
        url = SQLITE + url
    if not url.startswith(SQLITE) or url == SQLITE:
        raise ConfigInvalid([("log", f"{url!r} is no address of a log; write sqlite://PATH or memory://.")])
    path = Path(url.removeprefix(SQLITE))
    if create:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as e:
            raise LogUnavailable(f"the folder {path.parent} cannot be made: {e.strerror}", remedy="Choose another place for the log.") from e
    elif not path.exists():
        raise LogUnavailable(
            f"there is no log {path}", remedy="Run a session first (`reenact run CONFIG`), or name the log with --log sqlite://PATH."
        )
    return SqliteLog(path, create=create)


class SessionLog:
    """One session of a log, read only."""

    def __init__(self, log: EventLog, name: str | None = None, watch: Callable[[int, int], None] | None = None) -> None:
        """`name` None means the session opened last; `watch` is told (last seq, time in ns) while commits are read.

        Raises LogUnavailable when there is no such session.
        """
        known = log.sessions()
        if not known:
            raise LogUnavailable("the log holds no session yet", remedy="Run one with `reenact run CONFIG`.")
        if name is not None and name not in known:
            raise LogUnavailable(f"the log holds no session {name!r}", remedy=f"It holds {_some(known)}.{nearest(name, known)}")
        self.log = log
        self.name = name if name is not None else known[-1]
        self._watch = watch

    def commits(self) -> Iterator[Commit]:
        """Every commit in order, each proven to follow the one before. Raises LogCorrupt or LogGap."""
        for commit, _ in checked(self.name, self.log.read(self.name)):
            yield commit
            if self._watch is not None:
                self._watch(commit.last_seq, commit.last_ns)

    def opened(self) -> SessionOpened:
        """The session's first event. Raises LogCorrupt when it is something else."""
        first = next(self.commit(1).recorded(), (0, None))[1]
        if not isinstance(first, SessionOpened):
            raise LogCorrupt("the session does not begin with its opening", session=self.name, commit=1)
        return first

    def commit(self, number: int) -> Commit:
        """One commit by its number, proven by its own hash only."""
        record = next(iter(self.log.read(self.name, number - 1, number)))
        return decode(record, session=self.name, number=number)

    def last(self) -> tuple[Commit, bytes]:
        """The last commit and its hash."""
        found = self.log.head(self.name)
        if found is None:
            raise LogUnavailable("the session holds nothing", session=self.name)
        number, record = found
        return decode(record, session=self.name, number=number), digest(record)

    def holding(self, seq: int) -> Commit:
        """The commit that holds a seq, found by halving. Raises LookupError beyond the session's events."""
        low, high = 1, self.last()[0].number
        while low <= high:
            middle = (low + high) // 2
            commit = self.commit(middle)
            if seq < commit.first_seq:
                high = middle - 1
            elif seq > commit.last_seq:
                low = middle + 1
            else:
                return commit
        raise LookupError(f"session {self.name} has no event {seq}")


def _some(names: list[str], most: int = 8) -> str:
    """The newest names, and how many more there are."""
    shown = ", ".join(names[-most:])
    return f"{shown} and {len(names) - most} more" if len(names) > most else shown
