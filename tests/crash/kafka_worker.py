"""A session written into a topic by a process that is stopped at a named step, or killed at any moment.

Reads lines "URL STEP NTH" and forks a writer for each: it says its process id, then each number that the log has acknowledged, "at STEP" when
it comes to that step for the NTH time and waits there for ever, or "conflict". "dead" follows when it was killed.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable
from typing import Any

from kafka import KafkaProducer

from adapters.logs.kafka import KafkaLog, KafkaSettings
from adapters.logs.kafka import writer as writing
from adapters.logs.kafka.index import Index, _Judgement
from adapters.logs.kafka.reader import Reader
from adapters.logs.kafka.recorder import KafkaRecorder
from adapters.logs.kafka.writer import Writer
from domain.commit import decode, digest
from domain.errors import LogConflict
from domain.journal import Journal
from tests.crash.sessions import NAME, next_record

STEPS: dict[str, tuple[Any, str, bool]] = {  # the function, and whether the step is behind it
    "commit built": (KafkaRecorder, "insert_events", False),
    "about to announce": (KafkaRecorder, "announce", False),
    "announced": (KafkaRecorder, "announce", True),
    "about to fence": (KafkaRecorder, "_fence", False),
    "fenced in": (KafkaRecorder, "_fence", True),
    "tail read": (Reader, "catch_up", True),
    "about to send": (Writer, "append", False),
    "a part of the insert sent": (KafkaProducer, "send", True),
    "acknowledged": (Writer, "append", True),
    "about to judge": (Index, "judge", False),
    "judged, index not written": (_Judgement, "write", True),
    "index written": (Index, "judge", True),
    "about to commit": (Writer, "_commit", False),
    "committed": (Writer, "_commit", True),
}

OF_A_COMMIT = ("about to commit", "committed")  # of a transaction: these come when nothing is written for a while


def say(line: str) -> None:
    os.write(1, f"{line}\n".encode())


def stop_at(step: str, nth: int) -> None:
    """Let this process wait for its end when it comes to a step."""
    place, name, behind = STEPS[step]
    original: Callable[..., Any] = getattr(place, name)
    left = [nth]

    def stepping(self: Any, *arguments: Any, **options: Any) -> Any:
        if not behind:
            arrive()
        result = original(self, *arguments, **options)
        if behind:
            if place is KafkaProducer:
                result.get(30)
            arrive()
        return result

    def arrive() -> None:
        left[0] -= 1
        if left[0] == 0:
            say(f"at {step}")
            signal.pause()
            while True:
                signal.sigwait([signal.SIGTERM])

    setattr(place, name, stepping)


def write(url: str, rest_s: float) -> None:
    """Resume the session and go on, one to three commits at a time, with a rest between."""
    with KafkaLog(KafkaSettings.from_url(url)) as log:
        head = log.head(NAME)
        last = decode(head[1]) if head else None
        journal = Journal(NAME, last.number, last.last_seq, digest(head[1])) if head and last else Journal(NAME)
        while True:
            number = journal.number + 1
            try:
                log.append(NAME, number, [next_record(journal) for _ in range(number % 3 + 1)])
            except LogConflict:
                say("conflict")
                return
            say(f"{journal.number}")
            time.sleep(rest_s)


def main() -> None:
    for line in sys.stdin:
        url, _, step = line.strip().partition(" ")
        pid = os.fork()
        if not pid:
            if step:
                name, _, nth = step.rpartition(" ")
                stop_at(name, int(nth))
            waits = step.startswith(OF_A_COMMIT)
            if waits:
                writing._IDLE_S = 0.02
            write(url, rest_s=0.1 if waits else 0.0)
            os._exit(0)
        say(f"pid {pid}")
        os.waitpid(pid, 0)
        say("dead")


if __name__ == "__main__":
    main()
