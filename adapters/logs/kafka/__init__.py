"""Decides how a log lies in a topic of Apache Kafka: the production log, many engines and many readers on many machines.

Also a persistence module of the `eventsourcing` library: PERSISTENCE_MODULE=adapters.logs.kafka.
"""

from adapters.logs.kafka.factory import Factory
from adapters.logs.kafka.index import Dropped
from adapters.logs.kafka.log import KafkaLog, TopicReport, describe_topic
from adapters.logs.kafka.recorder import KafkaRecorder
from adapters.logs.kafka.settings import KafkaSettings
from adapters.logs.kafka.topic import Topic, check_topic, create_topic

__all__ = [
    "Dropped",
    "Factory",
    "KafkaLog",
    "KafkaRecorder",
    "KafkaSettings",
    "Topic",
    "TopicReport",
    "check_topic",
    "create_topic",
    "describe_topic",
]
