"""A projector in a process that is killed: one line "LOG MODELS follow|rebuild SECONDS" forks one that brings the models up to the log.

It says "done" when it got to the end, and "dead" when it is gone. It is killed after so many seconds, by the process that forked it and
has not waited for it yet, so that its number cannot belong to anybody else.
"""

from __future__ import annotations

import os
import signal
import sys
import time

from adapters.readmodels import ModelsBusy
from reenact import projecting
from reenact.logs import open_log
from reenact.projecting import project

BATCH = 60
"""Events a transaction: many transactions, many moments to be killed at."""


def bring_up(log: str, models: str, *, rebuild: bool) -> None:
    """Project once; whom the killed one before still locks out tries again."""
    projecting.BATCH = BATCH
    with open_log(log) as store:
        while True:
            try:
                project(store, models, rebuild=rebuild, once=True)
            except ModelsBusy:
                time.sleep(0.002)
            else:
                return


def main() -> None:
    """For each line on standard input one projector."""
    for line in sys.stdin:
        log, models, how, seconds = line.split()
        pid = os.fork()
        if not pid:
            try:
                bring_up(log, models, rebuild=how == "rebuild")
                os.write(1, b"done\n")
            except BaseException as e:  # noqa: BLE001 (the test fails with it)
                os.write(1, f"failed {e!r}\n".encode())
            finally:
                os._exit(0)
        ends = time.monotonic() + float(seconds)
        while not os.waitpid(pid, os.WNOHANG)[0]:
            if time.monotonic() >= ends:
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
                break
            time.sleep(0.0005)
        os.write(1, b"dead\n")


if __name__ == "__main__":
    main()
