"""Every engine side by side: each measurement in its own process, the rows interleaved round by round, medians over the rounds."""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.rows import Bench, Row
from benchmarks.table import demands, summary, text
from benchmarks.workloads import MILLION

ROOT = Path(__file__).parent.parent
LIMIT_S = 900


def measure(row: Row, core: int, scratch: Path) -> None:
    """Run a row once, in a process of its own, and keep what it reports."""
    shutil.rmtree(scratch, ignore_errors=True)
    command = [c.replace("{scratch}", str(scratch)) for c in row.command]
    if row.cores == 1 and shutil.which("taskset"):
        command = ["taskset", "-c", str(core), *command]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONHASHSEED": "0", "OPENBLAS_NUM_THREADS": "1"}
    try:
        done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=ROOT, timeout=LIMIT_S, check=False)
    except (OSError, subprocess.TimeoutExpired) as e:
        row.failures.append(str(e))
        return
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    if done.returncode or not lines:
        row.failures.append(f"exit code {done.returncode}: {(done.stderr.strip().splitlines() or ['no output'])[-1]}")
        return
    result = json.loads(lines[-1])
    row.check(result)
    row.results.append(result)


def chosen(rows: list[Row], only: Sequence[str]) -> list[Row]:
    """The rows that some text of `only` is part of; all without any."""
    return [row for row in rows if not only or any(o.lower() in row.name.lower() for o in only)]


def machine() -> dict[str, Any]:
    """Where this was measured."""
    model = ""
    cpus = Path("/proc/cpuinfo")
    if cpus.exists():
        model = next((line.split(":", 1)[1].strip() for line in cpus.read_text().splitlines() if line.startswith("model name")), "")
    return {
        "cpu": model or platform.processor(),
        "cores": os.cpu_count(),
        "system": platform.platform(),
        "python": platform.python_version(),
    }


def hot_path(rows: Sequence[Row]) -> list[str]:
    """How Reenact ran: compiled, in plain Python, or (when somebody rebuilt it meanwhile) both."""
    return sorted({"compiled" if result["compiled"] else "plain Python" for row in rows for result in row.results if "compiled" in result})


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.run", description=__doc__)
    parser.add_argument("--peers", type=Path, metavar="FOLDER", help="folder with the peers' environments venv and venv_vnpy (see README.md)")
    parser.add_argument("--rounds", type=int, default=3, help="runs of each row, interleaved (default 3)")
    parser.add_argument("--quick", action="store_true", help="one round")
    parser.add_argument("--n", type=int, default=MILLION, help="ticks (default 1,000,000, for which the answers are published)")
    parser.add_argument(
        "--only", action="append", default=[], metavar="TEXT", help="only rows with this in their name, e.g. 'w3 Reenact'; may be repeated"
    )
    parser.add_argument("--core", type=int, default=0, help="the core for everything on one core (default 0)")
    parser.add_argument("--work", type=Path, default=ROOT / "build" / "bench", metavar="FOLDER", help="where streams and scratch logs go")
    parser.add_argument("--json", action="store_true", help="print JSON instead of the table")
    return parser.parse_args()


def main() -> int:
    args = arguments()
    if not args.quick and args.rounds < 1:
        sys.exit("--rounds must be at least 1.")
    if args.peers is not None and not (args.peers / "venv" / "bin" / "python").exists():
        sys.exit(f"{args.peers} holds no venv/bin/python; benchmarks/README.md says how to make the peers' environments.")
    bench = Bench(args.work, args.n, args.peers.absolute() if args.peers else None)
    rows = chosen(bench.rows(), args.only)
    bench.forget()
    if not rows:
        sys.exit("No row has such a name.")
    rounds = 1 if args.quick else args.rounds
    scratch = Path(tempfile.mkdtemp(dir=args.work, prefix="scratch-"))
    started = time.perf_counter()
    for turn in range(rounds):
        for k, row in enumerate(rows):
            elapsed = time.perf_counter() - started
            print(f"\r\x1b[K{elapsed:5.0f} s  round {turn + 1}/{rounds}  {k + 1}/{len(rows)}  {row.name}", end="", file=sys.stderr, flush=True)
            measure(row, args.core, scratch)
    print("\r\x1b[K", end="", file=sys.stderr)
    found = summary(rows)
    asked = demands(found)
    if len(hot_path(rows)) > 1:
        rows[0].failures.append("Reenact was compiled or cleaned while this ran: its figures do not compare")
    failed = [f"{row.name}: {failure}" for row in rows for failure in sorted(set(row.failures))]
    if args.json:
        print(json.dumps({
            "machine": machine(), "hot_path": hot_path(rows), "rounds": rounds, "peers": args.peers is not None, "rows": found, "failures": failed,
            "demands": [{"demand": d, "met": met, "measured": m} for d, met, m in asked],
        }, indent=1))  # fmt: skip
    else:
        where = machine()
        print(f"{where['cpu']}, {where['cores']} cores, Python {where['python']}; {rounds} round(s), median; one core each unless said.")
        print(f"Reenact's hot path was {' and '.join(hot_path(rows))}.\n")
        print(text(found))
        if args.peers is None:
            print("\nOnly Reenact and the floor: no --peers FOLDER was given.")
        print()
        for demand, met, measured in asked:
            print(f"{'met   ' if met else 'NOT MET'} {demand}: {measured}")
        for failure in failed:
            print(f"WRONG  {failure}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
