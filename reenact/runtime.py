"""The runtime loop of a simulated session: takes the next inputs in time order, runs the engine, closes commits, asks the venue.

At equal times: day roll, operator commands, timers and venue reports come before the tick that has not been taken yet.

Invariants: every input is in the journal before anything follows from it; with `CommitPolicy.before_release` nothing reaches the venue
before the log has acknowledged it; where commits are cut depends on the events alone, never on the clock or on how the feed cut its blocks.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final

import msgspec

from adapters.feeds import FeedInput
from adapters.venues.lying import LyingVenue
from adapters.venues.simulated import SimulatedVenue
from domain.desk import NEVER
from domain.engine import Engine
from domain.events import DayRolled, FrameRefused, OperatorCommandReceived, SessionClosed, SessionOpened, TimerFired, VenueConnected, VenueLost
from domain.journal import Journal
from domain.risk import Rule
from domain.strategy import Strategy
from domain.ticks import RECV_NS, Ticks

DAY_NS: Final = 86_400 * 10**9
_STATE: Final = (
    "opened", "journal", "engine", "counts", "stopped", "_venue", "_commands_at", "_roll_ns", "_fixed_ns", "_policy", "_until_ns", "_last_ns",
)  # fmt: skip


class CommitPolicy(msgspec.Struct, frozen=True):
    """When a session closes a commit: at so many ticks, once it holds so many other events (about 64 KiB either way), or before a tick
    that was received `span_ns` after its first one.

    `before_release`: also whenever something is to leave, which then waits until the log has acknowledged the commit (law 1). A venue
    inside the house may do without: its answers are in the log before anyone sees them. The events are the same either way.
    """

    ticks: int = 4_096
    events: int = 512
    span_ns: int = NEVER
    before_release: bool = False


class Counts(msgspec.Struct):
    """What went through the runtime so far."""

    ticks: int = 0
    refused: int = 0
    commits: int = 0


class Runtime:
    """One simulated session from its opening to its close. `put` takes each record as it is sealed.

    With `CommitPolicy.before_release`, `put` must return only when the log has acknowledged the record; an exception stops the session
    before anything leaves.
    """

    def __init__(
        self,
        opened: SessionOpened,
        strategies: Sequence[Strategy],
        venue: SimulatedVenue | LyingVenue,
        put: Callable[[int, bytes], None],
        *,
        commands: Iterable[OperatorCommandReceived] = (),
        day_roll_ns: int = 0,
        stop_on_bad_row: bool = True,
        policy: CommitPolicy | None = None,
        progress: Callable[[Counts, int], None] | None = None,
        rules: Sequence[Rule] = (),
    ) -> None:
        self.opened = opened
        self.journal = Journal(opened.session)
        self.engine = Engine(opened, strategies, self.journal, rules)
        self.counts = Counts()
        self.stopped: FrameRefused | None = None
        self._venue = venue
        self._put = put
        self._commands = sorted(commands, key=lambda c: c.ns)
        self._commands_at = 0
        self._roll_ns = (opened.ns - day_roll_ns) // DAY_NS * DAY_NS + day_roll_ns + DAY_NS
        self._fixed_ns = self._fixed()
        self._stop_on_bad_row = stop_on_bad_row
        self._policy = policy or CommitPolicy()
        self._until_ns = NEVER
        self._progress = progress
        self._last_ns = opened.ns

    def run(self, blocks: Iterator[Ticks | FeedInput]) -> None:
        """Play the feed (what is left of it, after `restore`) to its end, or to the first refused frame if the session's policy says so."""
        if not self.journal.seq:
            self.engine.start(self.opened)
            self._release()
        for block in blocks:
            if isinstance(block, Ticks):
                self._play(block)
            else:
                self._take(block)
                if self.stopped is not None:
                    break
            if self._progress is not None:
                self._progress(self.counts, self._last_ns)
        self._due(self._last_ns)
        reason = "end of feed" if self.stopped is None else f"stopped at a refused row: {self.stopped.place}"
        self.engine.step(SessionClosed(self._last_ns, 0, reason))
        self._close()

    def state(self) -> dict[str, Any]:
        """All that what follows depends on, besides the feed; to be asked for between two blocks only."""
        return {name: getattr(self, name) for name in _STATE}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from another runtime's `state`. Raises ValueError when it is of another opening or commits by another policy."""
        if state["opened"] != self.opened or state["_policy"] != self._policy:
            raise ValueError("the session was opened otherwise, or commits by another policy")
        for name in _STATE:
            setattr(self, name, state[name])

    def _take(self, event: FeedInput) -> None:
        """Take an input that is no tick; a venue that can fall silent does so while the feed says that its session is lost."""
        self._due(event.ns)
        self._last_ns = max(self._last_ns, event.ns)
        venue = self._venue
        if isinstance(event, VenueLost) and isinstance(venue, LyingVenue):
            venue.lose(event.ns)
        elif isinstance(event, VenueConnected) and isinstance(venue, LyingVenue):
            venue.connect(event.ns)
        self.engine.step(event)
        self._release()
        if isinstance(event, FrameRefused):
            self.counts.refused += 1
            if self._stop_on_bad_row:
                self.stopped = event
        self._cut()

    def _play(self, ticks: Ticks) -> None:
        """Move through one table: whatever is due first, then ticks up to the next thing that matters."""
        engine, venue, journal = self.engine, self._venue, self.journal
        outbox = engine.desk.outbox
        recv: Sequence[int] = ticks.rows()[RECV_NS]
        n = len(recv)
        last = recv[n - 1]
        most_ticks, most_events = self._policy.ticks, self._policy.events
        before_release = self._policy.before_release
        spans = self._policy.span_ns < NEVER
        most_ticks_left = most_ticks - journal.ticks_n
        i = taken = 0
        while i < n:
            if before_release or spans:
                journal.take(ticks, taken, i)
                taken = i
            bound_ns = self._due(recv[i])
            if len(journal.events) >= most_events:
                journal.take(ticks, taken, i)
                taken = i
                self._close()
                most_ticks_left = most_ticks
            if spans:
                bound_ns = min(bound_ns, self._within(recv[i]))
            if before_release or spans:
                most_ticks_left = most_ticks - journal.ticks_n
            stop = n if bound_ns > last else bisect_left(recv, bound_ns)
            if stop - taken > most_ticks_left:
                stop = taken + most_ticks_left
            match = venue.next_match(ticks, i, stop)
            if match < stop:
                stop = match + 1
            k = engine.run(ticks, i, stop)
            venue.advance(ticks, i, k)
            if outbox:
                if before_release:
                    journal.take(ticks, taken, k)
                    taken = k
                    most_ticks_left = most_ticks
                self._release()
            i = k
            if i - taken >= most_ticks_left or len(journal.events) >= most_events:
                journal.take(ticks, taken, i)
                taken = i
                self._close()
                most_ticks_left = most_ticks
        journal.take(ticks, taken, n)
        self.counts.ticks += n
        self._last_ns = last

    def _within(self, ns: int) -> int:
        """Close the commit if a tick received at `ns` is beyond its span; the time before which ticks belong to the open one."""
        if ns >= self._until_ns and not self.journal.empty:
            self._close()
        if self._until_ns == NEVER:
            self._until_ns = ns + self._policy.span_ns
        return self._until_ns

    def _due(self, until_ns: int) -> int:
        """Let everything happen that is due at or before `until_ns`, in time order; when the next thing is due."""
        venue, engine = self._venue, self.engine
        desk = engine.desk
        timers = desk.state.timers
        while True:
            scheduled = self._fixed_ns
            if timers and desk.next_timer_ns < scheduled:
                scheduled = desk.next_timer_ns
            following = scheduled
            if venue.busy:
                if venue.next_ns() <= until_ns:
                    report = venue.report(until_ns if until_ns < scheduled else scheduled - 1)
                    if report is not None:
                        engine.step(report)
                        if desk.outbox:
                            self._release()
                        continue
                following = min(venue.next_ns(), scheduled)
            if scheduled > until_ns:
                return following
            self._fire(scheduled)

    def _fixed(self) -> int:
        """When the next command or day roll is due."""
        commands = self._commands
        return min(self._roll_ns, commands[self._commands_at].ns if self._commands_at < len(commands) else NEVER)

    def _fire(self, ns: int) -> None:
        engine = self.engine
        if self._roll_ns == ns:
            self._roll_ns += DAY_NS
            self._fixed_ns = self._fixed()
            engine.step(DayRolled(ns, 0, yyyymmdd(ns)))
            self._venue.roll_day(ns)
        elif self._commands_at < len(self._commands) and self._commands[self._commands_at].ns == ns:
            self._commands_at += 1
            self._fixed_ns = self._fixed()
            engine.step(self._commands[self._commands_at - 1])
        else:
            strategy, name = min(key for key, due in engine.desk.state.timers.items() if due == ns)
            engine.step(TimerFired(ns, 0, strategy, name, ns))
        self._last_ns = max(self._last_ns, ns)
        self._release()

    def _release(self) -> None:
        """Hand what was approved to the venue; if the policy says so, only after the log has acknowledged it."""
        outbox = self.engine.desk.outbox
        if outbox and self._policy.before_release and not self.journal.empty:
            self._close()
        for message in outbox:
            self._venue.submit(message)
        outbox.clear()

    def _cut(self) -> None:
        if len(self.journal.events) >= self._policy.events:
            self._close()

    def _close(self) -> None:
        record = self.journal.close(self.engine.desk.now_ns)
        self.counts.commits += 1
        self._until_ns = NEVER
        self._put(self.journal.number, record)


def yyyymmdd(ns: int) -> int:
    """The UTC date of a time, as a number. Source: Gregorian calendar, civil-from-days (Hinnant)."""
    z = ns // DAY_NS + 719_468
    era = z // 146_097
    doe = z - era * 146_097
    yoe = (doe - doe // 1460 + doe // 36_524 - doe // 146_096) // 365
    doy = doe - (365 * yoe + yoe // 4 - yoe // 100)
    mp = (5 * doy + 2) // 153
    d = doy - (153 * mp + 2) // 5 + 1
    m = mp + 3 if mp < 10 else mp - 9
    y = yoe + era * 400 + (m <= 2)
    return y * 10_000 + m * 100 + d
