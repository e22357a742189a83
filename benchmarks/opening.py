"""How long it takes to open an interrupted session, with and without snapshots: `python -m benchmarks.opening [EVENTS ...]`.

Each session is played, its log cut `TAIL` commits after its newest snapshot, and resumed in fresh processes until it has made one commit that
the log does not hold. Prints JSON lines; `open_cpu_s` is this process's processor time, which other people's work on the machine disturbs least.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path

from reenact import compose, config
from reenact.runtime import Counts
from reenact.snapshots import Snapshots

TAIL = 16
EVERY = 200
CONFIG = {
    "name": "opening", "seed": 5, "cash": {"USD": "1000000"}, "instrument": [{"symbol": "A"}],
    "feed": [{"kind": "synthetic", "data": "trades", "n": 0, "seed": 11, "mean_interval": "100ms"}],
    "strategy": [{"name": "cross", "use": "sma", "params": {"fast": 20, "slow": 50, "qty": 100}}],
}  # fmt: skip


class Open(BaseException):
    """The session has made its first new commit."""


def make(folder: Path, events: int) -> dict[str, object]:
    """Play a session of about so many events with snapshots and cut its log; what that cost."""
    table = CONFIG | {"feed": [CONFIG["feed"][0] | {"n": events * 100 // 110}]}  # type: ignore[index,operator]
    loaded = config.from_mapping(table)
    started = time.process_time()
    compose.run(loaded, log=f"sqlite://{folder}/plain.db")
    plain_s = time.process_time() - started
    started = time.process_time()
    summary = compose.run(loaded, log=f"sqlite://{folder}/log.db", snapshots=Snapshots(folder / "kept", EVERY))
    kept_s = time.process_time() - started
    newest = max((folder / "kept").iterdir())
    keep = int(newest.stem[-12:]) + TAIL
    with closing(sqlite3.connect(folder / "log.db")) as connection:
        connection.execute("DELETE FROM stored_events WHERE originator_version > ?", (keep,))
        connection.commit()
    written = summary.commits // EVERY
    return {
        "events": summary.events, "commits": summary.commits, "cut_at": keep, "log_bytes": (folder / "log.db").stat().st_size,
        "snapshot_bytes": newest.stat().st_size, "snapshot_ms": round(1000 * (kept_s - plain_s) / written, 1), "run_cpu_s": round(plain_s, 2),
    }  # fmt: skip


def opened(folder: Path, head: int, *, with_snapshot: bool) -> dict[str, object]:
    """Resume up to the first new commit; the time from the call."""
    kept = Snapshots(folder / "kept", 10**9, note=print) if with_snapshot else None

    def progress(counts: Counts, _ns: int) -> None:
        if counts.commits > head:
            raise Open

    wall, cpu = time.perf_counter(), time.process_time()
    try:
        compose.resume(log=f"sqlite://{folder}/log.db", session="opening-1", progress=progress, snapshots=kept)
    except Open:
        return {"snapshot": with_snapshot, "open_s": round(time.perf_counter() - wall, 3), "open_cpu_s": round(time.process_time() - cpu, 3)}
    raise SystemExit("the session ended before it made a new commit")


def main() -> None:
    """Measure each size; `one FOLDER HEAD SNAPSHOT` is a single opening."""
    if sys.argv[1:2] == ["one"]:
        folder, head, with_snapshot = sys.argv[2:]
        print(json.dumps(opened(Path(folder), int(head), with_snapshot=with_snapshot == "1")))
        return
    for events in map(int, sys.argv[1:] or ("1000000", "10000000")):
        with tempfile.TemporaryDirectory() as work:
            cost = make(Path(work), events)
            print(json.dumps(cost), flush=True)
            for with_snapshot in ("0", "1", "1", "1"):
                with tempfile.TemporaryDirectory() as other:
                    copy = shutil.copytree(work, Path(other, "copy"))
                    command = [sys.executable, "-m", "benchmarks.opening", "one", str(copy), str(cost["cut_at"]), with_snapshot]
                    subprocess.run(command, check=True)


if __name__ == "__main__":
    main()
