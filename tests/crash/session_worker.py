"""A session in a process that may be killed: `session_worker.py LOG` says "open" when the first commit is on its way, and plays to the end."""

from __future__ import annotations

import sys
from typing import Any

from reenact import compose, config
from reenact.runtime import CommitPolicy, Counts
from tests.golden.sessions import CROSS, session, synthetic

POLICY = CommitPolicy(ticks=300, events=80)
SESSION: dict[str, Any] = session(
    "crash", [{"symbol": "A"}, {"symbol": "B"}], [synthetic(data="mixed", n=25_000)],
    [CROSS, {"name": "maker", "use": "maker", "instruments": ["B"], "params": {"size": 10, "max_inventory": 50, "requote_ticks": 12}}],
    venue={"latency_out": "3ms", "latency_back": "2ms", "jitter_out": "2ms", "liquidity": "displayed", "taker_fee": "0.0004"},
)  # fmt: skip


def play(url: str, say: bool = False) -> compose.RunSummary:
    """The session, from its start."""

    def progress(counts: Counts, ns: int) -> None:
        if say and counts.commits:
            sys.stdout.write(f"{counts.commits}\n")
            sys.stdout.flush()

    return compose.run(config.from_mapping(SESSION), log=url, policy=POLICY, progress=progress)


if __name__ == "__main__":
    play(sys.argv[1], say=True)
