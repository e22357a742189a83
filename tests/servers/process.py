"""How a server process is started and ended: in a session of its own, and never outliving the tests.

- Servers listen on 127.0.0.1 only, on ports below the range from which the system takes ports for outgoing connections.
- A server ends with its owner (`guard.py`), also when the owner is killed.
"""

from __future__ import annotations

import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from fcntl import LOCK_EX, flock
from pathlib import Path

HOST = "127.0.0.1"
PORTS = (20_000, 32_000)
START_S = 120.0
END_S = 60.0
PAUSE_S = 0.05
GUARD = Path(__file__).with_name("guard.py")
_chance = random.SystemRandom()  # the seeded one is the same in all pytest-xdist workers


class ServerMissing(RuntimeError):
    """A server cannot be had here: not installed, not to be fetched, or it does not start. Says what to do."""


def free_port() -> int:
    """A port of 127.0.0.1 on which nobody listens."""
    for _ in range(100):
        port = _chance.randrange(*PORTS)
        with socket.socket() as probe:
            try:
                probe.bind((HOST, port))
            except OSError:
                continue
            return port
    raise ServerMissing(f"No free port in {PORTS} on {HOST}.")


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Holds the lock of that file against all other processes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as handle:
        flock(handle, LOCK_EX)
        yield


def wait_until(ready: Callable[[], bool], what: Callable[[], str], seconds: float = START_S) -> None:
    """Returns once `ready()`; raises ServerMissing with `what()` after that many seconds."""
    end = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > end:
            raise ServerMissing(f"Not within {seconds:.0f} s: {what()}")
        time.sleep(PAUSE_S)


@dataclass(frozen=True, slots=True)
class Owner:
    """A process with which servers end, and folders that are removed then."""

    pid: int = field(default_factory=os.getpid)
    folders: tuple[Path, ...] = ()


class ServerProcess:
    """One run of one server."""

    def __init__(self, command: Sequence[str], log: Path, owner: Owner, user: str | None = None) -> None:
        """Starts `command` as that system user, its output appended to `log`."""
        with log.open("ab") as out:
            self._server = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                user=user,
                cwd="/",
            )
        guard: list[str] = [sys.executable, "-S", str(GUARD), str(owner.pid), str(self._server.pid), *map(str, owner.folders)]
        null = subprocess.DEVNULL
        self._guard = subprocess.Popen(guard, stdin=null, stdout=null, stderr=null, start_new_session=True, cwd="/")

    @property
    def pid(self) -> int:
        return self._server.pid

    @property
    def running(self) -> bool:
        return self._server.poll() is None

    def send(self, number: signal.Signals) -> None:
        if self.running:
            os.kill(self.pid, number)

    def leave(self) -> None:
        """The server goes on when this object, or this process, is gone; `owner` decides how long."""
        for process in (self._server, self._guard):
            process.returncode = 0  # or Popen warns, once it is collected, that its process still runs

    def end(self, number: signal.Signals, seconds: float = END_S) -> None:
        """Sends the signal and waits for the end; AssertionError when the server does not end by it."""
        self.send(number)
        try:
            self._server.wait(seconds)
        except subprocess.TimeoutExpired:
            self._server.kill()
            self._server.wait()
            raise AssertionError(f"{self._server.args!r} did not end within {seconds:.0f} s of {number.name}.") from None
        finally:
            self._guard.wait(seconds)
