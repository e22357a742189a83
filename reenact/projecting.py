"""Decides how the read models follow a log: which session next, how much at once, and what happens when something is wrong with one of them.

It only reads the log, through `EventLog`: a projector that is slow, stalled or dead never slows a writer.

Invariants: a session's rows and position are one transaction; what stops one session (a damaged or foreign commit) stops no other;
after any failure the in-memory views are thrown away and folded again up to the position that is stored.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import closing, suppress

import msgspec

from adapters.logs import EventLog
from adapters.readmodels import (
    Batch,
    ModelsBusy,
    ModelsMoved,
    ModelStore,
    ModelsUnavailable,
    Position,
    ReadModels,
    RowsRefused,
    SessionRows,
    open_models,
)
from adapters.readmodels.ahead import Ahead, LateRefusal
from adapters.readmodels.rows import Added
from adapters.readmodels.tables import VERSION
from domain.commit import GENESIS, Commit, checked, decode, digest
from domain.errors import InvariantBroken, LogCorrupt, LogGap, LogUnavailable, ReenactError
from domain.events import SessionOpened
from reenact.config_file import nearest

BATCH = 1 << 17
_POLL_S = 0.02
_POLL_MOST_S = 1.0
_LIST_S = 0.5
_RETRY_S = 1.0
_FORGET_S = 600.0

Say = Callable[[str], None]
Progress = Callable[[int, int], None]


class Projected(msgspec.Struct, frozen=True):
    """What a projector did. `problems`: the sentence that stopped each session that was stopped."""

    sessions: int
    events: int
    seconds: float
    problems: dict[str, str]


class Lag(msgspec.Struct, frozen=True):
    """One session: what the log holds and what is applied. `age_s`: seconds since something was applied, None when nothing was."""

    session: str
    log_seq: int
    applied_seq: int
    events_behind: int
    commits_behind: int
    applied_ns: int
    age_s: float | None
    problem: str


class Follower:
    """One session on its way into the tables. `position`: as stored, None before its first commit."""

    def __init__(self, log: EventLog, name: str, position: Position | None) -> None:
        self._log = log
        self.name = name
        self.position = position
        self.problem = ""
        self.ended = False
        self.more = True
        self.due_s = 0.0
        self.moved_s = time.monotonic()
        self._rows: SessionRows | None = None
        self._one_by_one = False
        self._fresh_start = True

    def step(self, store: ModelStore, now_ns: int) -> int:
        """Apply what the log has now, at most a batch; the number of its events. Notes a problem instead of raising it.

        Raises what the store and the log raise when they cannot be used.
        """
        self.more = not (self.ended or self.problem)
        if not self.more:
            return 0
        try:
            return self._step(store, now_ns)
        except RowsRefused as e:
            wrong = str(e)
        except (InvariantBroken, LookupError, ValueError, ArithmeticError) as e:
            wrong = f"session {self.name}: the events after {self.position.seq if self.position else 0} cannot be folded: {type(e).__name__}: {e}."
        except ReenactError:
            self._rows = None  # they may be ahead of what is stored
            raise
        if self._one_by_one:
            self._stop(store, wrong, now_ns)
        # The commits before the one that is wrong are applied one by one first: how far the rows come must not depend on batches.
        self._one_by_one, self._rows = True, None
        return 0

    def _stop(self, store: ModelStore, problem: str, now_ns: int) -> None:
        self.problem = problem
        self.more = False
        self._rows = None
        if self.position is not None and not self.position.settled:
            with suppress(RowsRefused):
                self._apply(store, [], bytes.fromhex(self.position.head), True, now_ns)
        if self.position is None or self.position.problem != problem:
            store.note(self.name, self.position, problem)

    def _step(self, store: ModelStore, now_ns: int) -> int:
        before = self.position
        number, seq, head = (before.number, before.seq, bytes.fromhex(before.head) or GENESIS) if before is not None else (0, 0, GENESIS)
        commits: list[Commit] = []
        events = 0
        whole, trouble = True, None
        try:
            self._same_log(number)
            for commit, record in checked(self.name, self._log.read(self.name, number), (number, seq, head)):
                commits.append(commit)
                events += commit.count
                head = digest(record)
                if self._one_by_one or events >= BATCH:
                    whole = False
                    break
        except (LogCorrupt, LogGap) as e:
            trouble = e
        if commits or (before is not None and not before.settled):
            self._apply(store, commits, head, whole, now_ns)
        self.more = not whole
        self._one_by_one = self._one_by_one and not whole
        if trouble is not None:
            self._stop(store, str(trouble), now_ns)
        elif before is not None and before.problem and not events:
            store.note(self.name, before, "")  # the log was mended
            self.position = msgspec.structs.replace(before, problem="")
        return events

    def _same_log(self, number: int) -> None:
        """At the first look: the log still holds what was applied."""
        if not self._fresh_start:
            return
        found = self._log.head(self.name)
        if found is not None and found[0] < number:
            raise LogGap(
                f"the log ends at commit {found[0]}, the rows are at {number}: it is another log or was cut off", session=self.name, commit=number,
                remedy="Build the read models of this log with `reenact project --rebuild`.",
            )  # fmt: skip
        if found is not None and found[0] == number and self.position is not None and digest(found[1]).hex() != self.position.head:
            raise _another(self.name, number)
        self._fresh_start = False

    def _apply(self, store: ModelStore, commits: list[Commit], head: bytes, whole: bool, now_ns: int) -> None:
        before = self.position
        if commits and commits[0].number == 1 and not isinstance(next(commits[0].items())[1], SessionOpened):
            raise ValueError("the session does not begin with its opening")
        rows = self._rows
        if rows is None:
            rows = self._rows = self._refolded(before)
        rows.fold(commits)
        settled = not store.building or whole or (before is not None and before.settled)
        last = commits[-1] if commits else None
        after = Position(last.number, last.last_seq, head.hex(), last.last_ns, settled) if last is not None else _settled(before)
        seen = (after.number, after.seq) if whole else self._seen()
        store.apply(Batch(
            self.name, before, after, rows.added() if last is not None else Added({}, None), rows.changes() if settled else None, *seen, now_ns,
        ))  # fmt: skip
        self.position = after
        if rows.closed and settled:
            self._rows = None
            self.ended = True

    def _refolded(self, position: Position | None) -> SessionRows:
        """The views as they were at the stored position, their rows told already."""
        rows = SessionRows(self.name)
        if position is None or not position.number:
            return rows
        head = ""

        def known() -> object:
            nonlocal head
            for commit, record in checked(self.name, self._log.read(self.name, 0, position.number)):
                head = digest(record).hex()
                yield commit

        rows.fold(known(), keep=False)  # type: ignore[arg-type]
        if head != position.head:
            raise _another(self.name, position.number)
        if position.settled:
            rows.changes()
        return rows

    def _seen(self) -> tuple[int, int]:
        """The last commit and event that the log holds now."""
        found = self._log.head(self.name)
        if found is None:
            return 0, 0
        return found[0], decode(found[1], session=self.name, number=found[0], canonical=False).last_seq

    def rest(self) -> None:
        """Nothing came: look again later, the later the longer nothing comes; the views of one that sleeps are folded again when it wakes."""
        now = time.monotonic()
        idle = now - self.moved_s
        self.due_s = now + min(_POLL_MOST_S, max(_POLL_S, idle / 10))
        if idle > _FORGET_S:
            self._rows = None


def _settled(before: Position | None) -> Position:
    return msgspec.structs.replace(before or Position(0, 0, "", 0), settled=True)


def _another(name: str, number: int) -> LogCorrupt:
    return LogCorrupt(
        "the log holds another commit than the one that was applied", session=name, commit=number,
        remedy="Build the read models of this log with `reenact project --rebuild`.",
    )  # fmt: skip


class Projector:
    """All sessions of a log, or one, on their way into one store."""

    def __init__(self, log: EventLog, *, only: str | None = None, progress: Progress | None = None) -> None:
        self._log = log
        self._only = only
        self._progress = progress
        self._followers: dict[str, Follower] = {}
        self._listed_s = float("-inf")
        self.events = 0

    @property
    def problems(self) -> dict[str, str]:
        """Why sessions were stopped, by name."""
        return {f.name: f.problem for f in self._followers.values() if f.problem}

    @property
    def sessions(self) -> int:
        """How many sessions are followed."""
        return len(self._followers)

    def start(self, store: ModelStore) -> None:
        """Go on with a store: sessions whose views are where the rows are keep them, the others are folded anew."""
        tracked = store.tracked()
        self._followers = {name: f for name, f in self._followers.items() if tracked.get(name) == f.position and not f.problem}
        self._list(store)

    def _list(self, store: ModelStore) -> None:
        """Take in the sessions that are new."""
        self._listed_s = time.monotonic()
        new = [name for name in self._log.sessions() if name not in self._followers and self._only in (None, name)]
        tracked = store.tracked() if new else {}
        for name in new:
            self._followers[name] = Follower(self._log, name, tracked.get(name))

    def catch_up(self, store: ModelStore) -> None:
        """Bring every session to where the log is now, one after another."""
        for follower in list(self._followers.values()):
            self._advance(follower, store)
            while follower.more:
                self._advance(follower, store)

    def build(self, store: ModelStore) -> None:
        """`catch_up` with the next batch folded while the one before is written."""
        try:
            with Ahead(store) as ahead:
                self.catch_up(ahead)
        except LateRefusal:
            self.start(store)
            self.catch_up(store)

    def round(self, store: ModelStore) -> bool:
        """One batch of every session that is due; whether anything was applied."""
        if time.monotonic() - self._listed_s >= _LIST_S:
            self._list(store)
        applied = False
        for follower in self._followers.values():
            if follower.due_s <= time.monotonic() and not (follower.ended or follower.problem):
                if self._advance(follower, store):
                    applied = True
                else:
                    follower.rest()
        return applied

    def _advance(self, follower: Follower, store: ModelStore) -> int:
        events = follower.step(store, time.time_ns())
        if events:
            follower.moved_s = time.monotonic()
            self.events += events
            if self._progress is not None and follower.position is not None:
                self._progress(self.events, follower.position.event_ns)
        return events


def project(
    log: EventLog,
    models: str,
    *,
    only: str | None = None,
    rebuild: bool = False,
    once: bool = False,
    stop: Callable[[], bool] = lambda: False,
    say: Say = lambda _: None,
    progress: Progress | None = None,
) -> Projected:
    """Keep the read models at `models` in step with a log until `stop()`; with `once`, only up to where the log is now.

    Raises LogUnavailable for an unknown session. With `once` also what the log or the database raises; else it says so and tries again.
    A second projector waits until the first is gone, with `once` it raises ModelsBusy.
    """
    _known(log, only)
    started = time.monotonic()
    projector = Projector(log, only=only, progress=progress)
    waiting = ""
    while not stop():
        try:
            with closing(open_models(models, now_ns=time.time_ns(), rebuild=rebuild)) as store:
                waiting = ""
                projector.start(store)
                if store.building:
                    say(f"Building the read models, schema version {VERSION}.")
                    projector.build(store)
                    store.finish()
                    rebuild = False
                    continue
                projector.catch_up(store)
                if once:
                    break
                _follow(projector, store, stop, say)
        except (ModelsBusy, ModelsMoved, ModelsUnavailable, LogUnavailable) as e:
            if once:
                raise
            if str(e) != waiting:
                waiting = str(e)
                say(f"{waiting} Waiting.")
            time.sleep(_RETRY_S)
    return Projected(projector.sessions, projector.events, round(time.monotonic() - started, 3), projector.problems)


def _known(log: EventLog, only: str | None) -> None:
    if only is not None and only not in (known := log.sessions()):
        raise LogUnavailable(f"the log holds no session {only!r}", remedy=f"It holds {', '.join(known[-8:]) or 'none'}.{nearest(only, known)}")


def _follow(projector: Projector, store: ModelStore, stop: Callable[[], bool], say: Say) -> None:
    """Round after round; each problem is said once."""
    said: set[str] = set()
    while not stop():
        if not projector.round(store):
            time.sleep(_POLL_S)
        for problem in projector.problems.values():
            if problem not in said:
                said.add(problem)
                say(problem)


def lags(log: EventLog, models: str, *, only: str | None = None) -> list[Lag]:
    """How far every session of a log is applied, in the order of opening; those never applied have seq 0."""
    _known(log, only)
    with ReadModels(models) as asked:
        tracked = {t.session: t for t in asked.status()}
    now_ns = time.time_ns()
    rows = []
    for name in log.sessions():
        if only not in (None, name):
            continue
        found, known = log.head(name), tracked.get(name)
        number, seq, problem = 0, 0, known.position.problem if known else ""
        if found is not None:
            try:
                number, seq = found[0], decode(found[1], session=name, number=found[0], canonical=False).last_seq
            except LogCorrupt as e:
                problem = problem or str(e)
        applied, at = (known.position, known.applied_ns) if known else (Position(0, 0, "", 0), 0)
        age_s = round((now_ns - at) / 1e9, 3) if at else None
        rows.append(Lag(name, seq, applied.seq, max(0, seq - applied.seq), max(0, number - applied.number), at, age_s, problem))
    return rows
