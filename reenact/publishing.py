"""Decides what is published of a log and in what order: every session from where its topic stands, in turns.

Invariants: no session waits for another to end, and a damaged one stops no other; what is published of a session is proven to be the session
that the log holds.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import msgspec

from adapters.logs import EventLog
from adapters.logs.kafka.errors import silence
from adapters.logs.kafka.settings import KafkaSettings
from adapters.publishing import Record, Recorder, Target, TopicPublisher, prepare
from domain.commit import Commit, checked, digest
from domain.errors import ConfigInvalid, LogCorrupt, LogGap, LogUnavailable
from reenact.config_file import nearest
from reenact.logs import KAFKA

TURN_EVENTS = 10_000
_POLL_S = 0.1
_FIRST_S = 10.0  # how long to try to reach a first broker


class Turn(msgspec.Struct, frozen=True):
    """What one transaction published: of one session, up to `commit` and `seq`; `ns` is the session's time there."""

    session: str
    events: int
    commits: int
    commit: int
    seq: int
    closed: bool
    ns: int


class Published(msgspec.Struct, frozen=True):
    """What a publisher did. `problems`: the sentence that stopped each session that was stopped."""

    topic: str
    sessions: int
    events: int
    seconds: float
    problems: dict[str, str]


def target(url: str, log_url: str = "") -> Target:
    """The topic at an address `kafka://host:port/topic`, with the options of a Kafka log. Raises ConfigInvalid, also when it is the log's own."""
    try:
        settings = KafkaSettings.from_url(url)
    except ConfigInvalid as e:
        raise ConfigInvalid([("--to", sentence) for _, sentence in e.problems]) from e
    if log_url.startswith(KAFKA) and KafkaSettings.from_url(log_url).topic == settings.topic:
        raise ConfigInvalid([("--to", f"the topic {settings.topic} is the log itself; name another topic, for example {settings.topic}.events.")])
    silence()
    producer = {"compression_type": settings.compression} if settings.compression else {}
    client = settings.client() | {"bootstrap_timeout_ms": int(min(settings.timeout_s, _FIRST_S) * 1000)}
    return Target(settings.topic, settings.url, client, producer, settings.timeout_s)


def publish_to(
    at: Target,
    log: EventLog,
    *,
    session: str | None = None,
    once: bool = False,
    partitions: int = 1,
    said: Callable[[Turn], None] = lambda _turn: None,
    say: Callable[[str], None] = lambda _text: None,
) -> Published:
    """Publish every session of the log (or one) to a topic, made with `partitions` if it is missing; follow them and those that open later.

    `once`: only what the log holds at the start. `said` is told of every transaction, `say` of what is wrong with a session. Raises
    ConfigInvalid, LogUnavailable, and LogConflict when another publisher has taken over.
    """
    if session is not None and session not in (known := log.sessions()):
        raise LogUnavailable(f"the log holds no session {session!r}", remedy=f"Name one that it holds.{nearest(session, known)}")
    prepare(at, partitions)
    with TopicPublisher(at) as publisher:
        return Publishing(log, publisher, session=session, once=once, said=said, say=say).run()


class Publishing:
    """A log on its way to a topic."""

    def __init__(
        self,
        log: EventLog,
        publisher: TopicPublisher,
        *,
        session: str | None = None,
        once: bool = False,
        most: int = TURN_EVENTS,
        said: Callable[[Turn], None] = lambda _turn: None,
        say: Callable[[str], None] = lambda _text: None,
    ) -> None:
        """As `publish_to`; a transaction ends with the commit that fills `most` events."""
        self._log = log
        self._publisher = publisher
        self._only = session
        self._once = once
        self._most = most
        self._said = said
        self._say = say
        self._lanes: dict[str, _Lane] = {}
        self._problems: dict[str, str] = {}
        self._events = 0

    def run(self, stop: Callable[[], bool] = lambda: False) -> Published:
        """Go on until `stop()`, or once through everything."""
        began = time.monotonic()
        while not stop():
            names = self._log.sessions() if self._only is None else [self._only]
            moved = sum(self._turn(name) for name in names if name not in self._problems)
            if self._once and not moved:
                break
            if not moved:
                time.sleep(_POLL_S)
        seconds = round(time.monotonic() - began, 3)
        return Published(self._publisher.name, len(self._lanes), self._events, seconds, self._problems)

    def _turn(self, name: str) -> bool:
        """Publish some of a session; whether there was anything."""
        try:
            lane = self._lanes.get(name)
            if lane is None:
                lane = self._lanes[name] = _Lane(self._log, self._publisher, name, to_head=self._once)
            turn = lane.turn(self._publisher, self._most)
        except (LogCorrupt, LogGap) as e:
            self._problems[name] = str(e)
            self._say(f"{e} The other sessions go on.")
            return False
        if turn is None:
            return False
        self._events += turn.events
        self._said(turn)
        return True


class _Lane:
    """One session on its way from the log to the topic."""

    def __init__(self, log: EventLog, publisher: TopicPublisher, session: str, *, to_head: bool) -> None:
        """Prove that what was published stands in the log. Raises ConfigInvalid."""
        self._log = log
        self._at = publisher.position(session)
        self._upto: int | None = None
        if to_head:
            head = log.head(session)
            self._upto = head[0] if head else 0
        if self._at.commit:
            last = next(iter(log.read(session, self._at.commit - 1, self._at.commit)), b"")
            if digest(last).hex() != self._at.head:
                sentence = f"holds another session of the name {session}, up to commit {self._at.commit}; publish this log to another topic."
                raise ConfigInvalid([(publisher.name, sentence)])
        self._recorder: Recorder | None = None
        self._waiting: Iterator[tuple[Commit, bytes]] | None = None

    def turn(self, publisher: TopicPublisher, most: int) -> Turn | None:
        """Publish some commits, if there are any."""
        if self._at.closed or (self._upto is not None and self._at.commit >= self._upto):
            return None
        records: list[Record] = []
        position, ns = self._at, 0
        try:
            for commit, raw in self._next():
                if self._recorder is None:
                    self._recorder = self._learned()
                records += self._recorder.records(commit)
                position, ns = self._recorder.position(commit, raw), commit.last_ns
                if len(records) >= most:
                    break
            else:
                self._waiting = None
        except (LogCorrupt, LogGap):
            if not records:
                raise
            self._waiting = None  # what stands before the damage is published; the next turn meets it again
        if not records:
            return None
        publisher.publish(records, position)
        commits = position.commit - self._at.commit
        self._at = position
        return Turn(position.session, len(records), commits, position.commit, position.seq, position.closed, ns)

    def _next(self) -> Iterator[tuple[Commit, bytes]]:
        """The commits after the published ones; one reader of the log for as long as it yields."""
        if self._waiting is None:
            number, seq, head = self._at.known()
            self._waiting = checked(self._at.session, self._log.read(self._at.session, number, self._upto), (number, seq, head))
        return self._waiting

    def _learned(self) -> Recorder:
        """A recorder that knows the names of everything published before."""
        recorder = Recorder(self._at)
        if self._at.commit:
            for commit, _ in checked(self._at.session, self._log.read(self._at.session, 0, self._at.commit), canonical=False):
                recorder.pass_over(commit)
        return recorder
