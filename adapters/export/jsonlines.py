"""Decides how events become lines of JSON.

Invariants: one event a line, in order, ticks included; decimals are text, so no reader turns them into floats.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import BinaryIO

import msgspec

from adapters.readable import Reader
from domain.commit import Commit

_encode = msgspec.json.Encoder().encode


def write_jsonl(commits: Iterable[Commit], out: BinaryIO) -> int:
    """Write every event of `commits` to `out`; the number of lines."""
    reader = Reader()
    n = 0
    for commit in commits:
        lines = [_encode(reader.row(seq, event)) for seq, event in commit.items()]
        if lines:
            out.write(b"\n".join(lines) + b"\n")
        n += len(lines)
    return n
