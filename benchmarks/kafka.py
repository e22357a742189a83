"""The Kafka log beside plain clients on the same broker, in one run: how fast commits go in, and how long an order waits for the log.

    python -m benchmarks.kafka                          # starts a broker of its own (Java 17, see tests/README.md)
    python -m benchmarks.kafka --bootstrap host:9092    # a running one

- *Commits*: the records of a recorded session (about 64 KiB each) sent as a session sends them, against kafka-python and confluent-kafka
  sending the same bytes, both idempotent, acks=all, with the same batch size, linger and compression.
- *Release*: from a tick handed to the engine until its order reaches the venue, with `release = "after_commit"`: signal, every rule, approval,
  commit, acknowledgement. Against one bare acks=all send of the same bytes, waited for. Both alternate in small batches.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from statistics import median, quantiles
from typing import Any

from kafka import KafkaProducer

from adapters.logs.background import BackgroundLog
from adapters.logs.kafka import KafkaLog, KafkaSettings, create_topic
from adapters.venues.settings import VenueSettings
from adapters.venues.simulated import SimulatedVenue
from benchmarks import workloads
from benchmarks.run import machine
from benchmarks.strategies import strategy_for
from benchmarks.worker import SESSION, columns, opening
from domain.desk import Request
from domain.ticks import Ticks
from reenact.runtime import CommitPolicy, Runtime

BATCH_BYTES = 512 << 10
LINGER_MS = 5
MOST_BYTES = 64 << 20
REPEATED = 8
EVENTS = 690  # in a commit: about 64 KiB on this workload
BARE_BATCH = 50
LEAST_COMMITS, MOST_RELEASE = 0.8, 1.5


def settings(bootstrap: str, folder: Path) -> KafkaSettings:
    """A new topic of one partition, made."""
    found = KafkaSettings.from_url(f"kafka://{bootstrap}/bench-{uuid.uuid4().hex}?index={folder / 'index'}")
    create_topic(found, partitions=1)
    return found


def market(n: int) -> Ticks:
    """The first n ticks of stream w1."""
    return columns(workloads.make("w1", n))


def session(ticks: Ticks, put: Callable[[int, bytes], None], venue: type[SimulatedVenue] = SimulatedVenue, **policy: Any) -> Runtime:
    """A session with an order every ten ticks, not yet run."""
    opened = opening("w3", "scan", int(ticks.recv_ns[0]))
    inside = venue(opened.instruments, VenueSettings(), opened.seed)
    return Runtime(opened, [strategy_for("w3", "scan")], inside, put, policy=CommitPolicy(**policy))


def recorded(n: int) -> list[bytes]:
    """The records of a session as it writes them, n ticks long."""
    records: list[bytes] = []
    ticks = market(n)
    session(ticks, lambda _, record: records.append(record), events=EVENTS).run(iter([ticks]))
    return records


def plain(bootstrap: str, compression: str | None, linger_ms: int) -> KafkaProducer:
    """kafka-python as a careful user sets it up."""
    return KafkaProducer(
        bootstrap_servers=bootstrap, acks="all", enable_idempotence=True, compression_type=compression, batch_size=BATCH_BYTES, linger_ms=linger_ms,
        max_request_size=MOST_BYTES,
    )  # fmt: skip


def send_plain(at: KafkaSettings, records: Sequence[bytes]) -> float:
    """Seconds until kafka-python has every record acknowledged."""
    producer = plain(",".join(at.servers), at.compression, LINGER_MS)
    producer.partitions_for(at.topic)
    started = time.perf_counter()
    for record in records:
        producer.send(at.topic, record, key=SESSION.encode())
    producer.flush()
    seconds = time.perf_counter() - started
    producer.close()
    return seconds


def send_confluent(at: KafkaSettings, records: Sequence[bytes]) -> float:
    """The same by confluent-kafka (librdkafka)."""
    from confluent_kafka import Producer

    producer = Producer({
        "bootstrap.servers": ",".join(at.servers), "acks": "all", "enable.idempotence": True, "compression.type": at.compression or "none",
        "batch.size": BATCH_BYTES, "linger.ms": LINGER_MS, "message.max.bytes": MOST_BYTES,
    })  # fmt: skip
    producer.list_topics(at.topic)
    started = time.perf_counter()
    for record in records:
        producer.produce(at.topic, record, key=SESSION.encode())
        producer.poll(0)
    producer.flush()
    return time.perf_counter() - started


def send_log(at: KafkaSettings, records: Sequence[bytes]) -> float:
    """The same as a session does: through the log, fenced, in transactions, numbered and indexed, from a thread beside the engine's."""
    with BackgroundLog(KafkaLog(at)) as log:
        log.append(SESSION, 1, [records[0]])
        log.flush()
        started = time.perf_counter()
        for number, record in enumerate(records[1:], start=2):
            log.append(SESSION, number, [record])
        log.flush()
        return time.perf_counter() - started


def commits(bootstrap: str, folder: Path, rounds: int, n: int) -> dict[str, Any]:
    """Records a second of each, medians over rounds in which all take turns; a round before them warms the broker up."""
    records = recorded(n) * REPEATED
    ways = {"log": send_log, "kafka-python": send_plain, "confluent-kafka": send_confluent}
    taken: dict[str, list[float]] = {name: [] for name in ways}
    for turn in range(rounds + 1):
        for name in list(ways)[turn % 3 :] + list(ways)[: turn % 3]:
            seconds = ways[name](settings(bootstrap, folder), records)
            if turn:
                taken[name].append(seconds)
    size = sum(map(len, records))
    rate = {name: size / median(seconds) / (1 << 20) for name, seconds in taken.items()}
    return {
        "records": len(records), "mean_kib": round(size / len(records) / 1024, 1), "rounds": rounds,
        "mib_per_s": {name: round(r, 1) for name, r in rate.items()}, "ratio": round(rate["log"] / rate["kafka-python"], 3), "at_least": LEAST_COMMITS,
    }  # fmt: skip


class _Clock:
    """When the last tick was handed to the engine, and how long each order took from there to the venue."""

    tick_ns = 0
    took_ns: list[int]


def release(bootstrap: str, folder: Path, orders: int) -> dict[str, Any]:
    """Tick to venue against a bare send, in turns."""
    clock = _Clock()
    clock.took_ns = []
    bare_ns: list[int] = []

    class Venue(SimulatedVenue):
        def submit(self, message: Request) -> None:
            clock.took_ns.append(time.perf_counter_ns() - clock.tick_ns)
            super().submit(message)

    ticks = market(orders * workloads.EVERY)
    sizes: list[int] = []
    at = settings(bootstrap, folder)
    bare_at = settings(bootstrap, folder)
    producer = plain(bootstrap, at.compression, 0)
    producer.partitions_for(bare_at.topic)
    with KafkaLog(at) as log:

        def put(number: int, record: bytes) -> None:
            sizes.append(len(record))
            log.append(SESSION, number, [record])

        def feed() -> Iterator[Ticks]:
            for i in range(len(ticks)):
                if i and i % (BARE_BATCH * workloads.EVERY) == 0:
                    payload = bytes(int(median(sizes)))
                    for _ in range(BARE_BATCH):
                        started = time.perf_counter_ns()
                        producer.send(bare_at.topic, payload, key=SESSION.encode()).get(30)
                        bare_ns.append(time.perf_counter_ns() - started)
                clock.tick_ns = time.perf_counter_ns()
                yield ticks.slice(i, i + 1)

        session(ticks, put, Venue, before_release=True).run(feed())
    producer.close()
    ours, bare = _spread(clock.took_ns), _spread(bare_ns)
    return {
        "orders": len(clock.took_ns), "bytes": int(median(sizes)), "log_us": ours, "bare_send_us": bare,
        "ratio": round(ours["p50"] / bare["p50"], 3), "at_most": MOST_RELEASE,
    }  # fmt: skip


def _spread(ns: Sequence[int]) -> dict[str, float]:
    cuts = quantiles(ns, n=1000)
    return {name: round(cuts[at] / 1000, 1) for name, at in (("p50", 499), ("p99", 989), ("p99.9", 998))}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.kafka", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bootstrap", metavar="HOST:PORT", help="a running Kafka; else one is started")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--ticks", type=int, default=400_000, help="length of the recorded session")
    parser.add_argument("--orders", type=int, default=3_000, help="orders whose release is timed")
    args = parser.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="reenact-bench-")))
        bootstrap = args.bootstrap
        if bootstrap is None:
            from tests.servers.kafka import KafkaCluster

            bootstrap = stack.enter_context(KafkaCluster(folder / "broker")).bootstrap
        found = {
            "machine": machine(),
            "commits": commits(bootstrap, folder, args.rounds, args.ticks),
            "release": release(bootstrap, folder, args.orders),
        }
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
