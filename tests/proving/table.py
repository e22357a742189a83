"""The table of planted bugs: which invariant caught each, after how many steps, and how short its story is. `python -m tests.proving.table`."""

from __future__ import annotations

import sys
import time

from reenact.proving.running import Proof, prove
from tests.proving.configs import ALL
from tests.proving.planted import PLANTED, Planted

SEEDS = (0, 1)


def hunt(bug: Planted, seed: int = 0) -> Proof:
    """What the prover finds in a session with the bug."""
    with bug.planted():
        return prove(ALL[bug.session], steps=bug.steps, seed_number=seed)


def line(bug: Planted, proof: Proof, seconds: float) -> str:
    """One row of the table."""
    found = proof.found
    what = f"{found.invariant:<8} {proof.steps:>7,} {found.steps:>5}" if found is not None else f"{'NOT FOUND':<8} {proof.steps:>7,}     -"
    return f"{bug.name:<72} {bug.session:<10} {what} {seconds:>6.1f} s"


def main(words: list[str]) -> int:
    """Print the table (of the bugs whose name holds one of the words); the number of bugs that were not found."""
    print(f"{'Bug':<72} {'Session':<10} {'Caught by':<9} {'Steps':>6} {'Story':>5}")
    missed = 0
    for bug in PLANTED:
        if words and not any(word in bug.name for word in words):
            continue
        started = time.process_time()
        proof = hunt(bug)
        missed += proof.found is None
        print(line(bug, proof, time.process_time() - started), flush=True)
        if words and proof.found is not None:
            print("\n".join(["", proof.found.sentence, *proof.found.story, ""]))
    print(f"{len(PLANTED) - missed} of {len(PLANTED)} found" if not words else "")
    return missed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
