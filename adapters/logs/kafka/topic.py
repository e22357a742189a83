"""Decides which topics may hold a log, and makes them.

Invariants: a topic that forgets (retention, compaction) is refused; nothing is changed on a topic that exists.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from kafka import KafkaAdminClient
from kafka.admin import ConfigResource, ConfigResourceType
from kafka.errors import BrokerResponseError, KafkaError, TopicAlreadyExistsError, UnknownTopicOrPartitionError, for_code
from kafka.partitioner import murmur2

from adapters.logs.kafka.errors import explained, silence
from adapters.logs.kafka.settings import KafkaSettings
from domain.errors import ConfigInvalid, LogUnavailable

RECORD_BYTES = 64 << 20
_FOREVER = "-1"
_OPEN_S = 20.0  # brokers that start, three on a small machine, are slow to answer
_MADE_S, _HEARD_S, _AGAIN_S = 30.0, 2.0, 0.1  # how long a topic that was just made, or one that others say is there, may be unknown to a broker
_ROOM = 64 << 10  # headers, key and Kafka's own frame around a record
_RIGHT = {
    "cleanup.policy": "delete",
    "retention.ms": _FOREVER,
    "retention.bytes": _FOREVER,
    "max.message.bytes": str(RECORD_BYTES + _ROOM),
    "message.timestamp.type": "CreateTime",
    "message.timestamp.after.max.ms": str((1 << 63) - 1),
    "unclean.leader.election.enable": "false",
}


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic that may hold a log. `cluster` and `id` tell it from every other of the same name; `config` as the broker has it."""

    name: str
    cluster: str
    id: str
    partitions: int
    replication: int
    config: Mapping[str, str]

    def partition(self, stream: str) -> int:
        """Where a stream lies: as Kafka's own partitioner spreads keys."""
        return (murmur2(stream.encode()) & 0x7FFFFFFF) % self.partitions

    @property
    def record_bytes(self) -> int:
        """The largest record that it takes."""
        return int(self.config.get("max.message.bytes", 1 << 20)) - _ROOM // 64


@contextmanager
def _admin(settings: KafkaSettings) -> Iterator[Any]:
    silence()
    admin = None
    try:
        wait_ms = int(min(settings.timeout_s, _OPEN_S) * 1000)
        admin = KafkaAdminClient(**settings.client(), bootstrap_timeout_ms=wait_ms, request_timeout_ms=wait_ms)
        yield admin
    except (KafkaError, OSError) as e:
        raise explained(e, settings) from e
    except (ValueError, TypeError, RuntimeError) as e:  # what the client says of its own settings
        raise ConfigInvalid([("log", f"Kafka's client refuses the settings: {e}.")]) from e
    finally:
        if admin is not None:
            admin.close()


def create_topic(settings: KafkaSettings, partitions: int = 8, replication: int | None = None, min_insync: int | None = None) -> Topic:
    """Make a topic for a log: kept for ever, never compacted, a leader only ever from replicas in sync.

    `replication` None: 3, or as many as there are brokers. `min_insync` None: 2 of 3 or more replicas, else 1.
    Raises ConfigInvalid when there is such a topic or the brokers refuse the settings, LogUnavailable when they cannot be asked.
    """
    with _admin(settings) as admin:
        copies = replication or min(3, len(admin.describe_cluster()["brokers"]))
        config = _RIGHT | {"min.insync.replicas": str(min_insync or (2 if copies >= 3 else 1))}
        try:
            admin.create_topics({settings.topic: {"num_partitions": partitions, "replication_factor": copies, "configs": config}})
            admin.wait_for_topics([settings.topic])
        except TopicAlreadyExistsError as e:
            raise ConfigInvalid([("log", f"there is a topic {settings.topic} already; choose another name, or use it as it is.")]) from e
        except BrokerResponseError as e:
            if type(e).__name__ in ("InvalidReplicationFactorError", "InvalidPartitionsError", "InvalidConfigurationError", "PolicyViolationError"):
                raise ConfigInvalid([("log", f"the brokers refuse to make topic {settings.topic}: {e}.")]) from e
            raise
        return _topic(settings, admin, _MADE_S)


def check_topic(settings: KafkaSettings) -> Topic:
    """The topic as it is. Raises LogUnavailable when it is not there, cannot be reached or is not fit for a log, with the remedy."""
    with _admin(settings) as admin:
        topic = _topic(settings, admin, _HEARD_S)
    wrong = []
    if "compact" in topic.config.get("cleanup.policy", ""):
        wrong.append("it is compacted (cleanup.policy)")
    wrong += [
        f"it forgets ({name}={topic.config[name]})" for name in ("retention.ms", "retention.bytes") if topic.config.get(name, _FOREVER) != _FOREVER
    ]
    if wrong:
        raise LogUnavailable(
            f"topic {settings.topic} cannot hold a log: {' and '.join(wrong)}",
            remedy=f"Make a right one with `reenact log create {settings.url}` under another name, "
            "or set cleanup.policy=delete, retention.ms=-1 and retention.bytes=-1.",
        )  # fmt: skip
    return topic


def _topic(settings: KafkaSettings, admin: Any, patience_s: float) -> Topic:
    """The topic; a broker that has not heard of it yet is asked again."""
    deadline = time.monotonic() + patience_s
    while True:
        try:
            return _described(settings, admin)
        except UnknownTopicOrPartitionError:
            if time.monotonic() > deadline:
                raise
            time.sleep(_AGAIN_S)


def _described(settings: KafkaSettings, admin: Any) -> Topic:
    found = admin.describe_topics([settings.topic])[0]
    if found["error_code"]:
        raise for_code(found["error_code"])(settings.topic)
    if not found["partitions"]:
        raise UnknownTopicOrPartitionError(settings.topic)
    resource = ConfigResource(ConfigResourceType.TOPIC, settings.topic)
    entries = admin.describe_configs([resource], config_filter="all")["topic"][settings.topic]
    if not entries:
        raise for_code(29)(settings.topic)  # the broker hides the settings from who may not describe them
    return Topic(
        settings.topic,
        str(admin.describe_cluster()["cluster_id"]),
        str(found.get("topic_id") or settings.topic),
        len(found["partitions"]),
        len(found["partitions"][0]["replica_nodes"]),
        {name: entry["value"] for name, entry in entries.items()},
    )
