"""Decides how a log is published: one JSON record per event on a topic that any Kafka tool can read.

Invariants: what is published of a session and how far it has come are written in one Kafka transaction, so that a reader of committed
records sees every event exactly once and in order; one publisher at a time owns a topic.
"""

from __future__ import annotations

from adapters.publishing.publisher import TopicPublisher
from adapters.publishing.records import FORMAT, Position, Record, Recorder
from adapters.publishing.schema import event_schema
from adapters.publishing.topics import Target, prepare

__all__ = ["FORMAT", "Position", "Record", "Recorder", "Target", "TopicPublisher", "event_schema", "prepare"]
