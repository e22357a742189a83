"""Decides how an application of the `eventsourcing` library gets a topic: PERSISTENCE_MODULE=adapters.logs.kafka.

KAFKA_BOOTSTRAP_SERVERS (host:port, ...), KAFKA_TOPIC, and if wanted KAFKA_USER, KAFKA_OPTIONS ("security_protocol=SSL&index=/var/index"), and
REENACT_KAFKA_PASSWORD. One process writes for an application; another that starts to write fences it out.
"""

from __future__ import annotations

from typing import Any

from eventsourcing.persistence import (
    AggregateRecorder,
    ApplicationRecorder,
    InfrastructureFactory,
    NotSupportedError,
    ProcessRecorder,
    TrackingRecorder,
)

from adapters.logs.kafka.recorder import KafkaRecorder
from adapters.logs.kafka.settings import SCHEME, KafkaSettings
from adapters.logs.kafka.topic import check_topic

_HERE = "a topic holds the events of applications only"


class Factory(InfrastructureFactory[Any]):
    """Makes recorders on the topic that the environment names. Raises ConfigInvalid or LogUnavailable, with the remedy."""

    def __init__(self, env: Any) -> None:
        super().__init__(env)
        user = self.env.get("KAFKA_USER")
        place = f"{user}@" if user else ""
        url = f"{SCHEME}{place}{self.env.get('KAFKA_BOOTSTRAP_SERVERS', '')}/{self.env.get('KAFKA_TOPIC', '')}?{self.env.get('KAFKA_OPTIONS', '')}"
        self._settings = KafkaSettings.from_url(url)
        self._recorders: list[KafkaRecorder] = []

    def application_recorder(self) -> ApplicationRecorder:
        """A recorder that writes as this application."""
        name = f"application.{self.env.name or 'events'}"
        recorder = KafkaRecorder(self._settings, check_topic(self._settings), writer_of=lambda _stream: name)
        self._recorders.append(recorder)
        return recorder

    def aggregate_recorder(self, purpose: str = "events") -> AggregateRecorder:
        """Raises NotSupportedError: there are no snapshots in a topic."""
        raise NotSupportedError(f"no place for {purpose}: {_HERE}")

    def tracking_recorder(self, tracking_recorder_class: type[TrackingRecorder] | None = None) -> TrackingRecorder:
        """Raises NotSupportedError: keep the position of a projection where its rows are."""
        raise NotSupportedError(f"no place for the positions of projections: {_HERE}; keep them with the rows, in PostgreSQL or SQLite")

    def process_recorder(self) -> ProcessRecorder:
        """Raises NotSupportedError, for the same reason."""
        raise NotSupportedError(f"no place for the positions of projections: {_HERE}; keep them with the rows, in PostgreSQL or SQLite")

    def close(self) -> None:
        """Close every recorder that was made."""
        for recorder in self._recorders:
            recorder.close()
        self._recorders.clear()
