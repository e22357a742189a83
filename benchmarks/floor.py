"""The floor: the bare rule in a Python loop over prices, with no engine around it."""

from __future__ import annotations

import argparse
from pathlib import Path

from benchmarks import workloads
from benchmarks.result import Stopwatch, tell


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("workload", choices=["w1", "w2"])
    parser.add_argument("--ticks", type=Path, required=True)
    parser.add_argument("--n", type=int, default=0)
    args = parser.parse_args()
    ticks = workloads.load(args.ticks, args.n)
    with Stopwatch() as run:
        wanted = workloads.signals(args.workload, ticks)
    found = workloads.answer(args.workload, ticks, wanted, "same")
    tell(
        engine="floor", workload=args.workload, ticks=len(ticks), run_s=run.wall_s, run_cpu_s=run.cpu_s, fills=found.fills, pnl=found.pnl_cents / 100
    )


if __name__ == "__main__":
    main()
