"""Decides on which topics is published and what those must promise.

Invariants: a topic that would lose events (compaction over them, retention that counts from the events' own times) is refused before anything
is sent; nothing of an existing topic is changed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from contextlib import contextmanager
from typing import Any

import msgspec
from kafka import KafkaAdminClient, KafkaConsumer, TopicPartition
from kafka.admin import ConfigResource
from kafka.errors import KafkaError, TopicAlreadyExistsError

from domain.errors import ConfigInvalid, LogUnavailable

LARGEST_BYTES = 16 << 20
_FOREVER = "-1"
_ANY_TIME = str(2**63 - 1)
_COPIES, _IN_SYNC = 3, 2


class Target(msgspec.Struct, frozen=True):
    """Where is published. `client`: ready keyword arguments of every kafka-python client (servers, security); `producer`: more for producers.

    `name` is what people read (no secret); `timeout_s` how long the brokers may be away before publishing is given up.
    """

    topic: str
    name: str
    client: Mapping[str, Any]
    producer: Mapping[str, Any] = {}
    timeout_s: float = 120.0

    @property
    def positions(self) -> str:
        """The compacted topic beside it that holds how far each session is published."""
        return f"{self.topic}.positions"

    @property
    def transactional_id(self) -> str:
        """What makes a publisher the only one of its topic."""
        return f"{self.topic}.publisher"

    def __repr__(self) -> str:
        return f"Target({self.name!r})"


def prepare(target: Target, partitions: int) -> None:
    """Make the two topics where they are missing, with `partitions` for the events; refuse what would lose events or send them again.

    Raises ConfigInvalid for topics that will not do, LogUnavailable when the brokers do not answer or deny it.
    """
    with _explaining(target):
        admin = KafkaAdminClient(**target.client)
        try:
            there = {t["name"] for t in admin.describe_topics([target.topic, target.positions]) if t["error_code"] == 0}
            problems = _pair_problems(target, there)
            if not problems:
                _create(admin, target, partitions, there)
                found = admin.describe_configs([ConfigResource("topic", t) for t in (target.topic, target.positions)], config_filter="all")["topic"]
                settings = {topic: {name: str(setting["value"]) for name, setting in each.items()} for topic, each in found.items()}
                problems = [*_event_problems(target, settings[target.topic]), *_position_problems(target, settings[target.positions])]
        finally:
            admin.close()
    if problems:
        raise ConfigInvalid([(f"topic {topic}", sentence) for topic, sentence in problems])


def _pair_problems(target: Target, there: Set[str]) -> list[tuple[str, str]]:
    """What must not happen to one of the two topics alone."""
    if target.positions in there and target.topic not in there:
        return [(target.topic, f"is gone, but {target.positions} says what it held; delete that one too to publish everything anew.")]
    if target.topic in there and target.positions not in there and _holds_records(target):
        return [(target.topic, f"holds records, but {target.positions} is not there to say which; choose another topic, or delete this one.")]
    return []


def _holds_records(target: Target) -> bool:
    consumer = KafkaConsumer(**target.client, group_id=None, enable_auto_commit=False)
    try:
        places = [TopicPartition(target.topic, n) for n in consumer.partitions_for_topic(target.topic) or ()]
        return bool(consumer.end_offsets(places) != consumer.beginning_offsets(places))
    finally:
        consumer.close()


def _create(admin: KafkaAdminClient, target: Target, partitions: int, there: Set[str]) -> None:
    copies = min(_COPIES, len(admin.describe_cluster()["brokers"]))
    common = {"min.insync.replicas": str(_IN_SYNC if copies == _COPIES else 1), "message.timestamp.after.max.ms": _ANY_TIME}
    wanted = {
        target.topic: (partitions, common | {"retention.ms": _FOREVER, "cleanup.policy": "delete", "max.message.bytes": str(LARGEST_BYTES)}),
        target.positions: (1, common | {"cleanup.policy": "compact", "segment.bytes": str(LARGEST_BYTES)}),
    }
    missing = {
        topic: {"num_partitions": n, "replication_factor": copies, "configs": configs} for topic, (n, configs) in wanted.items() if topic not in there
    }
    if missing:
        try:
            admin.create_topics(missing, wait_for_metadata=True)
        except TopicAlreadyExistsError:  # another publisher was as quick
            admin.wait_for_topics(list(wanted))


def _event_problems(target: Target, found: Mapping[str, str]) -> list[tuple[str, str]]:
    """What makes a topic unfit for events."""
    problems = []
    if "compact" in found["cleanup.policy"]:
        sentence = "is compacted and would keep only the last event of each session; set cleanup.policy=delete or choose another topic."
        problems.append((target.topic, sentence))
    if found["retention.ms"] != _FOREVER and found["message.timestamp.type"] == "CreateTime":
        sentence = "drops events by their own time, which for a recorded session may be long ago; set retention.ms=-1 (kept for ever) or "
        sentence += "message.timestamp.type=LogAppendTime (kept that long after publishing), or choose another topic."
        problems.append((target.topic, sentence))
    return problems


def _position_problems(target: Target, found: Mapping[str, str]) -> list[tuple[str, str]]:
    if found["cleanup.policy"] == "compact" or (found["cleanup.policy"] == "delete" and found["retention.ms"] == _FOREVER):
        return []
    return [(target.positions, "would forget how far sessions are published; set cleanup.policy=compact.")]


@contextmanager
def _explaining(target: Target) -> Iterator[None]:
    """What kafka-python raises inside, as one plain sentence of ours."""
    try:
        with configured(target):
            yield
    except (KafkaError, OSError) as e:
        raise explanation(target, e) from e


@contextmanager
def configured(target: Target) -> Iterator[None]:
    """What a client says of its own settings (an unknown protocol, a compression whose package is not installed), as ConfigInvalid."""
    try:
        yield
    except (ValueError, TypeError, RuntimeError) as e:
        if isinstance(e, KafkaError):
            raise
        raise ConfigInvalid([(target.name, f"Kafka's client refuses the settings: {e}.")]) from e


def explanation(target: Target, error: BaseException) -> LogUnavailable:
    """An error of the brokers or of the way to them, as LogUnavailable with a remedy."""
    name = type(error).__name__
    said = " ".join((str(error) if name in str(error) else f"{name} {error}").split())
    for word, sentence, remedy in _KNOWN:
        if word in said:
            return LogUnavailable(f"{target.name}: {sentence}", remedy=remedy)
    signing_in = (
        ", and user, password and sasl_mechanism: kafka-python does not tell a wrong one from silence" if "sasl_mechanism" in target.client else ""
    )
    return LogUnavailable(
        f"{target.name}: the brokers did not answer as needed ({said})",
        remedy=f"Check host, port, security_protocol and that the brokers run{signing_in}. Publishing goes on where it stopped.",
    )


_KNOWN = (
    ("MessageSizeTooLarge", "an event is larger than the topic takes", f"Set max.message.bytes={LARGEST_BYTES} on the topic and start again."),
    ("AuthenticationFailed", "the brokers refused name or password", "Check user, sasl_mechanism and the password (REENACT_KAFKA_PASSWORD or password_file)."),
    ("AuthorizationFailed", "the brokers do not allow this", "Grant the user WRITE, READ and DESCRIBE on both topics and WRITE on the transactional id."),
    ("InvalidTopic", "that is no name of a topic", "Use letters, digits, '.', '_' and '-', at most 249."),
    ("InvalidReplicationFactor", "there are too few brokers for the topic", "Start the missing brokers, or create the topics by hand."),
)  # fmt: skip
