"""Decides how a measurement reports: one JSON line on standard output, memory as the kernel counted it for this process alone.

Needs the standard library only, because the peers' interpreters import it too.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from pathlib import Path
from typing import Any


def peak_rss_mib() -> float:
    """The most memory this process held, in MiB.

    The kernel's high-water mark of this address space where it is told: `ru_maxrss` also counts the parent between fork and exec.
    """
    status = Path("/proc/self/status")
    if status.exists():
        for line in status.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return round(int(line.split()[1]) / 1024, 1)
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(most / (1 << 20 if sys.platform == "darwin" else 1 << 10), 1)


class Stopwatch:
    """Wall and processor time of a `with` block, in seconds."""

    def __enter__(self) -> Stopwatch:
        self._cpu = time.process_time()
        self._wall = time.perf_counter()
        self.wall_s = self.cpu_s = 0.0
        return self

    def __exit__(self, *_: object) -> None:
        self.wall_s = time.perf_counter() - self._wall
        self.cpu_s = time.process_time() - self._cpu


def tell(**fields: Any) -> None:
    """Print the result of this process."""
    fields.setdefault("peak_rss_mib", peak_rss_mib())
    print(json.dumps({k: round(v, 6) if isinstance(v, float) else v for k, v in fields.items()}), flush=True)
