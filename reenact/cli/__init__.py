"""Decides how Reenact is operated from a shell. Each command asks one function and shows its answer."""

from __future__ import annotations

import os

# Nothing here multiplies matrices; idle BLAS threads would only spin beside the engine. Must stand before numpy is imported.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from reenact.cli.asking import at, events, orders, pnl, positions, sessions, why, why_not
from reenact.cli.frame import main
from reenact.cli.giving import export, report
from reenact.cli.helping import doctor, init, lint
from reenact.cli.limiting import limits, rules
from reenact.cli.logs import log
from reenact.cli.moving import copy, tail
from reenact.cli.projecting import project, query
from reenact.cli.prove import prove
from reenact.cli.publishing import publish
from reenact.cli.running import resume, run, verify
from reenact.cli.scenario import scenario

for _command in (run, resume, verify, why, why_not, at, events, orders, positions, pnl, report, export, sessions, doctor, lint, init):
    main.add_command(_command)
for _command in (tail, copy, log):
    main.add_command(_command)
for _command in (project, query):
    main.add_command(_command)
for _command in (rules, limits):
    main.add_command(_command)
main.add_command(publish)
main.add_command(prove)
main.add_command(scenario)

__all__ = ["main"]
