"""Ends a server when the process that owns it is gone, however that one ended, and removes what it left behind.

Run as `python guard.py OWNER SERVER [FOLDER ...]`, with process ids. When the server ends first there is nothing to do.
It imports nothing of the tests, because it starts with every server.
"""

from __future__ import annotations

import os
import select
import shutil
import signal
import sys
import time

PAUSE_S = 0.5


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def first_gone(owner: int, server: int) -> int:
    """Waits until one of the two has ended and says which; the owner, when both have."""
    if hasattr(os, "pidfd_open"):
        handles = {}
        for pid in (owner, server):
            try:
                handles[os.pidfd_open(pid)] = pid
            except ProcessLookupError:
                return pid
            except OSError:  # a kernel or a sandbox without it
                break
        else:
            gone = {handles[h] for h in select.select(list(handles), [], [])[0]}
            return owner if owner in gone else server
    while alive(owner) and alive(server):
        time.sleep(PAUSE_S)
    return server if alive(owner) else owner


def main(owner: int, server: int, *folders: str) -> None:
    if first_gone(owner, server) != owner:
        return
    if alive(server):
        os.kill(server, signal.SIGKILL)
    for _ in range(20):
        for folder in folders:
            shutil.rmtree(folder, ignore_errors=True)
        if not any(os.path.exists(folder) for folder in folders):  # noqa: PTH110 - starts faster without pathlib
            return
        time.sleep(PAUSE_S)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), *sys.argv[3:])
