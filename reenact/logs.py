"""Decides which log an address means and which session of it a person means.

Invariants: reading never makes a log; a name that is not there is answered with the ones that are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from adapters.logs import EventLog
from domain.commit import Commit, checked, decode, digest
from domain.errors import ConfigInvalid, LogCorrupt, LogUnavailable
from domain.events import SessionOpened
from reenact.config_file import nearest

SQLITE = "sqlite://"
MEMORY = "memory://"
POSTGRES = "postgresql://"
KAFKA = "kafka://"
FORMS = f"{SQLITE}PATH, {POSTGRES}user@host:port/database, {KAFKA}host:port/topic or {MEMORY}"


def open_log(url: str, *, create: bool = False) -> EventLog:
    """The log at an address: one of FORMS, or a bare path. `create` makes a missing file and its folder, or the schema in a database;
    a topic is made by `reenact log create` only, because its settings are a decision.

    Raises ConfigInvalid for another form, LogUnavailable or LogCorrupt for a log that cannot be used.
    """
    # Each backend is imported when it is asked for: the command line must answer without waiting for clients nobody uses.
    match scheme_of(url):
        case "memory://":
            from adapters.logs.memory import MemoryLog

            return MemoryLog()
        case "postgresql://":
            from adapters.logs.postgres import PostgresLog

            return PostgresLog(url, create=create)
        case "kafka://":
            from adapters.logs.kafka import KafkaLog, KafkaSettings

            return KafkaLog(KafkaSettings.from_url(url))
        case _:
            return _file(Path(url.removeprefix(SQLITE)), create=create)


def scheme_of(url: str) -> str:
    """SQLITE (also for a bare path), MEMORY, POSTGRES or KAFKA. Raises ConfigInvalid, naming the forms; the address is not repeated, as it
    may hold a secret.
    """
    name, separator, rest = url.partition("://")
    scheme = name + separator if separator else SQLITE
    if not separator and url:
        return scheme
    if url == MEMORY or (rest and scheme in (SQLITE, POSTGRES, KAFKA)):
        return scheme
    near = nearest(name, ["sqlite", "postgresql", "kafka", "memory"]) if scheme not in (SQLITE, POSTGRES, KAFKA, MEMORY) else ""
    raise ConfigInvalid([("log", f"this is no address of a log ({scheme if separator else 'nothing'}…); write {FORMS}.{near}")])


def _file(path: Path, *, create: bool) -> EventLog:
    from adapters.logs.sqlite import SqliteLog

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
