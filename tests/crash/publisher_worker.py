"""A publisher in a process that may be killed: `publisher_worker.py LOG TOPIC-URL EVENTS [once]` says each transaction's session and seq."""

from __future__ import annotations

import sys

from adapters.publishing import TopicPublisher, prepare
from domain.errors import ReenactError
from reenact.logs import open_log
from reenact.publishing import Publishing, Turn, target


def say(turn: Turn) -> None:
    sys.stdout.write(f"{turn.session} {turn.seq}\n")
    sys.stdout.flush()


def main(log: str, to: str, most: int, *, once: bool) -> None:
    """Publish in transactions of about `most` events, so that there are many to be killed in."""
    at = target(to)
    prepare(at, 2)
    with open_log(log) as store, TopicPublisher(at) as publisher:
        Publishing(store, publisher, once=once, most=most, said=say).run()


if __name__ == "__main__":
    try:
        main(sys.argv[1], sys.argv[2], int(sys.argv[3]), once=sys.argv[4:] == ["once"])
    except ReenactError as e:
        sys.stderr.write(f"{e}\n")
        sys.exit(2)
