"""Re-enacts a session: today's code over the recorded inputs must write the recorded commits again, byte for byte.

Invariants: no venue is asked; equal bytes prove equal decisions; the first difference is named by its seq, with both versions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import zip_longest
from typing import Final

import msgspec

from domain.commit import GENESIS, Commit, checked, decode, digest, salvage
from domain.engine import Engine
from domain.errors import LogCorrupt, ReenactError, ReplayDiverged
from domain.events import INPUTS, AnyEvent, SessionClosed, SessionOpened
from domain.journal import Journal
from domain.risk import Rule
from domain.strategy import Strategy


class _Latest:
    """Records on their way, remembering the one handed out last."""

    def __init__(self, records: Iterable[bytes]) -> None:
        self._records = iter(records)
        self.record = b""

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        self.record = next(self._records)
        return self.record


_INPUTS: Final = INPUTS  # compiled code holds a Final; an imported name it looks up each time

Build = Callable[[SessionOpened], Sequence[Strategy]]
BuildRules = Callable[[SessionOpened], Sequence[Rule]]


def no_rules(opened: SessionOpened) -> Sequence[Rule]:
    """The rules of a session whose user brought none."""
    return ()


class Progress(msgspec.Struct):
    """How far a re-enactment has come."""

    commits: int = 0
    seq: int = 0
    ticks: int = 0
    events: int = 0
    head: bytes = GENESIS
    closed: bool = False
    last_ns: int = 0


class Replay:
    """An engine that walks along a recorded session.

    `build` makes today's strategies from the recorded opening; `amend` may give the engine another opening (today's limits, say) than the
    recorded one, to see where its decisions first differ. `rules` makes the user's own rules of the opening, anew for each engine.
    """

    def __init__(
        self, session: str, build: Build, amend: Callable[[SessionOpened], SessionOpened] | None = None, rules: BuildRules = no_rules
    ) -> None:
        self.session = session
        self.progress = Progress()
        self._build = build
        self._amend = amend
        self._rules = rules
        self._journal = Journal(session)
        self._engine: Engine | None = None

    @property
    def engine(self) -> Engine:
        """The engine as of the last commit. Raises LogCorrupt before the first."""
        if self._engine is None:
            raise LogCorrupt("the session does not begin with its opening", session=self.session, commit=1)
        return self._engine

    @property
    def journal(self) -> Journal:
        return self._journal

    def follow(self, records: Iterable[bytes]) -> Iterator[Progress]:
        """Re-execute and compare commit by commit; yields the progress after each. Raises ReplayDiverged, LogCorrupt or LogGap."""
        p = self.progress
        latest = _Latest(records)
        commits = checked(self.session, latest, (p.commits, p.seq, p.head), canonical=False)
        while (found := self._next(commits, latest)) is not None:
            commit, record = found
            again = self._again(commit, record)
            if again is not record:
                self._locate(decode(record, session=self.session, number=commit.number), again)
            p.commits = commit.number
            p.seq = commit.last_seq
            p.ticks += commit.ticks.n
            p.events += commit.count
            p.head = digest(record)
            p.last_ns = commit.last_ns
            p.closed = bool(commit.events) and isinstance(commit.events[-1], SessionClosed)
            yield p

    def _next(self, commits: Iterator[tuple[Commit, bytes]], latest: _Latest) -> tuple[Commit, bytes] | None:
        """The next proven commit; a damaged one is searched for the first event that does not follow, so that the error names it."""
        try:
            return next(commits, None)
        except LogCorrupt as e:
            seq = self._damaged_seq(latest.record)
            what = f"the first event that does not follow is seq {seq}" if seq else f"events from seq {self.progress.seq + 1} on cannot be trusted"
            raise LogCorrupt(f"{e.sentence}; {what}", session=self.session, commit=e.commit, seq=seq, remedy=e.remedy) from e

    def _damaged_seq(self, record: bytes) -> int:
        """The first event of a damaged commit that today's code does not reach from the inputs before it, 0 when that cannot be told."""
        commit = salvage(record)
        if commit is None or commit.number != self.progress.commits + 1 or commit.first_seq != self.progress.seq + 1:
            return 0
        try:
            actual = decode(self._again(commit, b""))
        except (ReenactError, ArithmeticError, LookupError, TypeError, ValueError):
            return 0
        return next((e[0] for e, a in zip(commit.items(), actual.items(), strict=False) if e != a), 0)

    def _again(self, commit: Commit, record: bytes) -> bytes:
        """The commit as today's code writes it: `record` itself when that is the same bytes."""
        table = commit.table()
        gaps = commit.gaps
        at = target = 0
        for k, event in enumerate(commit.events):
            target += gaps[k]
            if type(event) in _INPUTS:
                at = self._run(table, at, target)
                self._step(event)
        self._run(table, at, len(table))
        self._journal.take(table, 0, len(table))
        return self._journal.close(self.engine.desk.now_ns, record)

    def _run(self, table: object, at: int, to: int) -> int:
        engine = self._engine
        while at < to:
            at = self.engine.run(table, at, to)  # type: ignore[arg-type]
        if engine is not None:
            engine.desk.outbox.clear()
        return at

    def _step(self, event: AnyEvent) -> None:
        if isinstance(event, SessionOpened):
            opened = self._amend(event) if self._amend is not None else event
            self._engine = Engine(opened, self._build(opened), self._journal, self._rules(opened))
            self._engine.start(event)
        else:
            self.engine.step(event)  # type: ignore[arg-type]
        self.engine.desk.outbox.clear()

    def _locate(self, recorded: Commit, again: bytes) -> None:
        """Raise for the first event that differs."""
        actual = decode(again, session=self.session, number=recorded.number)
        pairs = zip_longest(recorded.items(), actual.items())
        for expected, got in pairs:
            if expected != got:
                seq = min(pair[0] for pair in (expected, got) if pair is not None)
                raise ReplayDiverged(self.session, seq, expected and expected[1], got and got[1])
        raise LogCorrupt("the commit's header does not match its events", session=self.session, commit=recorded.number)
