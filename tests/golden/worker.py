"""Runs golden sessions in a process of its own: `worker.py FOLDER [DATE]` writes each session's log and prints digests as JSON.

With a DATE the whole process believes it is that day. The records themselves are hashed, so that equal output means equal bytes.
"""

from __future__ import annotations

import json
import sys
from contextlib import nullcontext
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
from freezegun import freeze_time

from domain.commit import checked
from domain.events import SessionOpened
from reenact import compose, config
from reenact.logs import open_log
from tests.data import data_root
from tests.golden.sessions import REAL, SYNTHETIC


def available() -> dict[str, dict[str, Any]]:
    """The sessions whose data is here."""
    return SYNTHETIC | (REAL if data_root().exists() else {})


def without_code(opened: SessionOpened) -> SessionOpened:
    """The opening without what names the code: decisions are pinned, not source text."""
    strategies = tuple(msgspec.structs.replace(s, source_sha256="") for s in opened.strategies)
    return msgspec.structs.replace(opened, code="", strategies=strategies)


def played(name: str, folder: Path) -> dict[str, Any]:
    """Run one session; its summary, the hash of its bytes, and the digest of its events without the code's own fingerprint."""
    url = f"sqlite://{folder}/{name}.db"
    summary = compose.run(config.from_mapping(available()[name], base=data_root()), log=url)
    records, decided = sha256(), sha256()
    count = 0
    with open_log(url) as log:
        for commit, record in checked(summary.session, log.read(summary.session)):
            records.update(record)
            for seq, event in commit.items():
                known = without_code(event) if isinstance(event, SessionOpened) else event
                decided.update(msgspec.msgpack.encode((seq, known)))
                count += 1
    return {"bytes": records.hexdigest(), "head": summary.head, "events": count, "digest": decided.hexdigest(), "equity": summary.equity}


def main() -> None:
    """Play all sessions."""
    folder, *date = sys.argv[1:]
    with freeze_time(date[0]) if date else nullcontext():
        found = {name: played(name, Path(folder)) for name in available()}
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    main()
