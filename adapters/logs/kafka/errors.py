"""Decides what the errors of Kafka's client mean to people, and to the writer of a session.

Invariants: one plain sentence with what to do; no word of a password; "fenced" only when a broker said so.
"""

from __future__ import annotations

import logging

from kafka import errors
from kafka.errors import KafkaError

from adapters.logs.kafka.settings import KafkaSettings
from domain.errors import LogCorrupt, LogError, LogUnavailable

SAFE = "Everything committed so far is safe."
_FENCED = (errors.ProducerFencedError, errors.InvalidProducerEpochError)
_TOO_LARGE = (errors.MessageSizeTooLargeError, errors.RecordListTooLargeError)
_FEW = (errors.NotEnoughReplicasError, errors.NotEnoughReplicasAfterAppendError)


def silence() -> None:
    """Keep kafka-python's own words out of people's terminals: it logs what it tries again, as errors; what is left in the end is raised.

    A host that wants them gives the logger "kafka" a handler or a level.
    """
    logger = logging.getLogger("kafka")
    if logger.level == logging.NOTSET and all(isinstance(handler, logging.NullHandler) for handler in logger.handlers):
        logger.addHandler(logging.NullHandler())
        logger.propagate = False


def fenced(error: BaseException) -> bool:
    """Whether a broker has refused a writer because another one took its place."""
    inner = [part for part in error.args if isinstance(part, BaseException)]
    return isinstance(error, _FENCED) or any(map(fenced, inner)) or any(kind.__name__ in str(error) for kind in _FENCED)


def explained(error: BaseException, settings: KafkaSettings, session: str = "") -> LogError:
    """The plain sentence for an error of the client."""
    cause = error
    while not isinstance(cause, KafkaError | OSError) and cause.__cause__ is not None:
        cause = cause.__cause__
    servers = ", ".join(settings.servers)
    topic = settings.topic
    match cause:
        case errors.SaslAuthenticationFailedError() | errors.UnsupportedSaslMechanismError() | errors.IllegalSaslStateError():
            sentence = f"Kafka at {servers} refused the user or the password"
            remedy = "Check the user in the address, the password (REENACT_KAFKA_PASSWORD or password_file) and sasl_mechanism."
        case errors.TransactionalIdAuthorizationFailedError() | errors.ClusterAuthorizationFailedError():
            sentence = f"the user may not be a writer of topic {topic}"
            remedy = f"Grant Write and Describe on transactional ids that begin with '{topic}.'."
        case errors.AuthorizationError():
            sentence = f"the user lacks the right to use topic {topic}"
            remedy = "Grant Read, Write, Describe and DescribeConfigs on the topic to the user, or use another user."
        case errors.UnknownTopicOrPartitionError() | errors.UnknownTopicIdError() | errors.InconsistentTopicIdError():
            sentence = f"there is no topic {topic} at {servers}"
            remedy = f"Check its name, or make it with `reenact log create {settings.url}`."
        case _ if isinstance(cause, _TOO_LARGE):
            sentence = f"a commit is larger than topic {topic} takes"
            remedy = "Raise max.message.bytes of the topic, or commit less at once."
        case _ if isinstance(cause, _FEW):
            sentence = f"too few replicas of topic {topic} are in sync, so that nothing can be written"
            remedy = f"{SAFE} Bring the missing brokers back (min.insync.replicas says how many are needed), then try again."
        case errors.KafkaStorageError() | errors.LogDirNotFoundError():
            sentence = f"a broker of topic {topic} cannot use its disk"
            remedy = f"{SAFE} Free space on the broker or mend its disk, restart it and try again."
        case errors.LogTruncationError() | errors.OffsetOutOfRangeError() | errors.CorruptRecordError():
            return LogCorrupt(
                f"topic {topic} no longer holds what it held, or holds damaged records", session=session,
                remedy="Look for deleted records and lost brokers; compare with a copy (`reenact log check`).",
            )  # fmt: skip
        case errors.UnsupportedCodecError() | errors.UnsupportedCompressionTypeError():
            sentence, remedy = f"topic {topic} is compressed in a way that cannot be read here", "Install the Python package of that compression."
        case errors.UnsupportedVersionError() | errors.UnrecognizedBrokerVersion():
            sentence, remedy = f"the brokers at {servers} are too old or no Kafka", "Use Apache Kafka 2.5 or later, and check host and port."
        case _ if "InvalidTransactionTimeout" in str(cause):
            sentence = f"the brokers at {servers} do not allow a transaction to be open for 15 minutes"
            remedy = "Set transaction.max.timeout.ms of the brokers to 900000 (Kafka's default) or more."
        case _:
            sentence, remedy = _unanswered(settings)
    return LogUnavailable(sentence, session=session, remedy=remedy)


def _unanswered(settings: KafkaSettings) -> tuple[str, str]:
    """Sentence and remedy when no broker says why: one that refuses a password or a handshake just closes the connection."""
    protocol = str(settings.options.get("security_protocol", "PLAINTEXT")).upper()
    sentence = f"Kafka at {', '.join(settings.servers)} cannot be reached or does not confirm what was written"
    checks = ["host and port", f"security_protocol (it is {protocol})"]
    if protocol.startswith("SASL_"):
        sentence += ", or it refuses the user or the password"
        checks += ["the user in the address", "the password (REENACT_KAFKA_PASSWORD or password_file)", "sasl_mechanism"]
    if protocol.endswith("SSL"):
        sentence += ", or the TLS handshake fails"
        checks += ["ssl_cafile", "the name in the brokers' certificate"]
    checks += ["that the brokers run", "that enough replicas are in sync (min.insync.replicas)"]
    return sentence, f"{SAFE} Check {', '.join(checks[:-1])} and {checks[-1]}, then try again."
