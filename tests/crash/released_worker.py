"""A session whose orders wait for the log: `released_worker.py LOG [SESSION]` writes the id of each order at the moment it leaves the house."""

from __future__ import annotations

import os
import sys
import time
from typing import Any

from adapters.venues import config as venues
from adapters.venues.simulated import SimulatedVenue
from domain.desk import Request
from domain.errors import LogConflict
from domain.events import OrderSubmitted
from domain.risk.approval import Approved
from reenact import compose, config
from tests.crash.session_worker import SESSION

STRICT: dict[str, Any] = SESSION | {"commit": {"release": "after_commit", "ticks": 300}}
NAME = "released"


class _Telling(SimulatedVenue):
    """Says on standard output what reaches it, before anything else happens."""

    def submit(self, request: Request) -> None:
        if isinstance(request, Approved) and isinstance(request.message, OrderSubmitted):
            os.write(1, b"%s\n" % request.message.cl_ord_id.encode())
            time.sleep(0.005)  # so that whoever watches can act in the middle of the session, however busy the machine is
        super().submit(request)


def play(url: str, *, resume: bool = False) -> compose.RunSummary:
    """The session from its start, or what is left of it."""
    configured = config.from_mapping(STRICT)
    if resume:
        return compose.resume(configured, log=url, session=NAME)
    return compose.run(configured, log=url, session=NAME)


def main() -> None:
    """Play; the last line says how it ended."""
    venues.SimulatedVenue = _Telling  # type: ignore[attr-defined, misc]
    try:
        summary = play(sys.argv[1], resume="resume" in sys.argv[2:])
    except LogConflict as e:
        os.write(1, b"conflict %s\n" % str(e).encode())
    else:
        os.write(1, b"head %s\n" % summary.head.encode())


if __name__ == "__main__":
    main()
