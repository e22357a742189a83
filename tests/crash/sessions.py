"""A session whose every commit follows from its number, and a process that writes it until it is killed."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from adapters.logs.sqlite import SqliteLog
from domain.commit import checked, decode, digest
from domain.events import DayRolled, FrameRefused
from domain.journal import Journal
from domain.terms import Side, TickKind
from domain.ticks import table

NAME = "crash"
START_NS = 1_700_000_000_000_000_000


def next_record(journal: Journal) -> bytes:
    """Close the next commit: some hundred bytes, every seventh some 10,000, every 31st some 100,000."""
    number = journal.number + 1
    ns = START_NS + number * 1_000_000
    n = 4000 if number % 31 == 0 else 400 if number % 7 == 0 else number % 5
    if n:
        recv = [ns + i * 12_345 for i in range(n)]
        prices = [100_000 + i * i * number % 7919 for i in range(n)]
        ticks = table(TickKind.TRADE, number % 3, recv, recv, prices, [i * 7 + 1 for i in range(n)], Side.BUY, 0)
        journal.advance(n)
        journal.take(ticks, 0, n)
    journal.emit(DayRolled(ns, 0, number))
    journal.emit(FrameRefused(ns, 0, "feed", f"line {number}", "unreadable", "x" * (number * 37 % 300)))
    return journal.close(ns + n)


def session(n: int) -> list[bytes]:
    """The first n records."""
    journal = Journal(NAME)
    return [next_record(journal) for _ in range(n)]


def proven(path: Path) -> list[bytes]:
    """The records of the log at `path`, each proven to follow the one before."""
    with SqliteLog(path, create=False) as log:
        return [record for _, record in checked(NAME, log.read(NAME))]


def write_until_killed(path: Path) -> None:
    """Resume the session and go on, one to three commits at a time; each number is reported when the log has acknowledged it."""
    with SqliteLog(path) as log:
        head = log.head(NAME)
        last = decode(head[1]) if head else None
        journal = Journal(NAME, last.number, last.last_seq, digest(head[1])) if head and last else Journal(NAME)
        while True:
            number = journal.number + 1
            log.append(NAME, number, [next_record(journal) for _ in range(number % 3 + 1)])
            os.write(1, b"%d\n" % journal.number)


def main() -> None:
    """For each path on standard input: fork a writer, say its process id, and say 'dead' when it was killed."""
    for line in sys.stdin:
        pid = os.fork()
        if not pid:
            write_until_killed(Path(line.rstrip("\n")))
        os.write(1, b"pid %d\n" % pid)
        os.waitpid(pid, 0)
        os.write(1, b"dead\n")


if __name__ == "__main__":
    main()
