"""Decides when the state of a running session is kept beside its log, and which kept state a session may go on from.

A snapshot is a local cache: resuming from one costs what came after it, not the whole log. It may be deleted at any time, is never part
of the log and is never asked by `verify`: what it says is believed only as far as the log's own hash and today's code agree.

Invariants: a snapshot is of a commit that the log holds; one that is damaged, foreign, of other code or data, or that others could have
written is passed over in a sentence and the session is re-run from its start; a session never stops because of its snapshots; a file is
there whole or not at all.
"""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import cache
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Any

import msgspec

from adapters.feeds import FeedInput
from adapters.feeds.merge import MergedFeed, opened
from adapters.feeds.place import Place
from adapters.logs import EventLog
from domain.commit import digest
from domain.errors import FeedInvalid
from domain.ticks import Ticks
from reenact.compiled import ROOT, built
from reenact.freezing import Unfit, freeze, outside, thaw
from reenact.runtime import Runtime

_MAGIC = b"reenact snapshot 1\n"
_DECIDING = (
    "domain/**/*.py", "adapters/feeds/*.py", "adapters/venues/*.py", "reenact/config*.py", "reenact/guard*.py",
    *(f"reenact/{m}.py" for m in ("compose", "contract", "freezing", "loading", "loading_rules", "presets", "runtime", "snapshots")),
)  # fmt: skip
_OTHERS = stat.S_IWGRP | stat.S_IWOTH
Blocks = Iterator[Ticks | FeedInput]


class _Header(msgspec.Struct, frozen=True):
    """What a snapshot is of. `ticks`, `inputs`: how much of the feed it has taken; `code`, `files`: what it was made by and from."""

    session: str
    commit: int
    hash: str
    code: str
    files: tuple[str, ...]
    ticks: int
    inputs: int


class Snapshots:
    """The snapshots of one folder, which is made if need be.

    A new one is written at the end of the feed's block in which `every` commits have come together, the last `keep` of a session are
    left; `note` takes sentences for people.
    """

    def __init__(self, folder: Path, every: int = 1_000, *, keep: int = 2, note: Callable[[str], None] = lambda _: None) -> None:
        self._folder = folder
        self._every = every
        self._keep = keep
        self._note = note

    def around(self, runtime: Runtime, feed: MergedFeed, store: EventLog, files: Sequence[str]) -> Blocks:
        """What is left of the feed for this runtime, which is put into the newest state that fits, and kept as the feed is played.

        `files` are the files that the feed reads.
        """
        kept = _Kept(self._folder, self._keep, runtime, store, _stamps(files))
        ticks = inputs = 0
        rest = None
        for path, number in kept.found():
            try:
                header, state, place = kept.read(path, number)
                rest = opened(feed, place, header.ticks, header.inputs)
                runtime.restore(state)
            except (Unfit, FeedInvalid, ValueError) as e:
                rest = None
                self._note(f"{path}: this snapshot is not used: {e}.")
            else:
                ticks, inputs = header.ticks, header.inputs
                break
        return self._kept_on(kept, runtime, feed, rest or feed.blocks(), ticks, inputs)

    def _kept_on(self, kept: _Kept, runtime: Runtime, feed: MergedFeed, blocks: Blocks, ticks: int, inputs: int) -> Blocks:
        due = runtime.journal.number + self._every
        for block in blocks:
            yield block
            if isinstance(block, Ticks):
                ticks += len(block)
            else:
                inputs += 1
            if runtime.journal.number < due:
                continue
            due = runtime.journal.number + self._every
            try:
                kept.write(ticks, inputs, feed.place)
            except Unfit as e:
                self._note(f"The session goes on without snapshots: {e}.")
                due = sys.maxsize
            except OSError as e:
                self._note(f"{e.filename or self._folder}: no snapshot could be written: {e.strerror or e}; the session goes on without.")
                due = sys.maxsize


class _Kept:
    """The snapshots of one session. Its name among the files follows from its opening."""

    def __init__(self, folder: Path, keep: int, runtime: Runtime, store: EventLog, files: tuple[str, ...]) -> None:
        self._folder = folder
        self._keep = keep
        self._runtime = runtime
        self._store = store
        self._files = files
        self._key = sha256(msgspec.msgpack.encode(runtime.opened)).hexdigest()[:32]
        self._outside = _attempt(runtime)

    def found(self) -> list[tuple[Path, int]]:
        """The snapshots with the number of their commit, of those the log may hold, the newest first."""
        head = self._store.head(self._runtime.opened.session)
        if head is None or not self._folder.is_dir():
            return []
        numbered = [(path, int(path.stem.rpartition("-")[2])) for path in self._folder.glob(f"{self._key}-{'[0-9]' * 12}.snapshot")]
        return sorted(((p, n) for p, n in numbered if n <= head[0]), key=lambda f: -f[1])

    def read(self, path: Path, number: int) -> tuple[_Header, dict[str, Any], Place | None]:
        """A snapshot's header and state, and where the feed stood. Raises Unfit with the reason why it must not be used."""
        session = self._runtime.opened.session
        header, payload = _parsed(_content(path))
        if (header.session, header.commit) != (session, number):
            raise Unfit("it is of another session or commit than its name says")
        if header.code != code():
            raise Unfit("it was made by other code")
        if header.files != self._files:
            raise Unfit("the feed's files have changed since")
        record = next(self._store.read(session, number - 1, number), b"")
        if header.hash != digest(record).hex():
            raise Unfit(f"the log holds another commit {number}")
        state, place = thaw(payload, self._runtime.engine.strategies)
        if (state["journal"].number, state["journal"].prev.hex()) != (number, header.hash):
            raise Unfit("its state is not that of its commit")
        return header, state, place

    def write(self, ticks: int, inputs: int, place: Place | None) -> None:
        """Keep the state as it is now, if the log holds its commit. Raises Unfit for a state that cannot be kept, OSError."""
        runtime = self._runtime
        session, number, prev = runtime.opened.session, runtime.journal.number, runtime.journal.prev
        head = self._store.head(session)
        if head is None or head[0] < number:
            return
        strategies = runtime.engine.strategies
        if outside(strategies) != self._outside:
            raise Unfit("a strategy keeps something in its module or class, where no snapshot finds it")
        header = _Header(session, number, prev.hex(), code(), self._files, ticks, inputs)
        rest = msgspec.json.encode(header) + b"\n" + freeze((runtime.state(), place), strategies)
        self._put(f"{self._key}-{number:012d}", _MAGIC + sha256(rest).hexdigest().encode() + b"\n" + rest)

    def _put(self, name: str, content: bytes) -> None:
        """One file at once, readable by its owner only; of the older ones the newest is left."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _check(self._folder.stat(), "its folder")
        part = self._folder / f"{name}.{os.getpid()}.part"
        try:
            with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(content)
            part.replace(self._folder / f"{name}.snapshot")
        except OSError:
            part.unlink(missing_ok=True)
            raise
        old = sorted(self._folder.glob(f"{self._key}-*.snapshot"))[: -self._keep]
        for path in [*old, *self._folder.glob(f"{self._key}-*.part")]:
            with suppress(OSError):
                path.unlink()


@cache
def code() -> str:
    """A digest of everything that makes a state or reads it: the source, compiled or not, the interpreter, the libraries whose objects are in it."""
    found = sha256(f"{sys.version} {version('numpy')} {version('msgspec')} {version('pyarrow')} {len(built())}".encode())
    for part in _DECIDING:
        for file in sorted(ROOT.glob(part)):
            found.update(file.relative_to(ROOT).as_posix().encode() + b"\0" + file.read_bytes() + b"\0")
    return found.hexdigest()


def _attempt(runtime: Runtime) -> str:
    """What the strategies' modules hold before anything is played; empty where it cannot be told, which equals nothing later."""
    try:
        return outside(runtime.engine.strategies)
    except Unfit:
        return ""


def _stamps(files: Sequence[str]) -> tuple[str, ...]:
    """The files with their sizes and times of change."""
    return tuple(f"{file} {s.st_size} {s.st_mtime_ns}" for file, s in ((f, Path(f).stat()) for f in files))


def _content(path: Path) -> bytes:
    """The bytes of a snapshot that only its owner can have written. Raises Unfit."""
    try:
        with os.fdopen(os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0)), "rb") as file:
            _check(path.parent.stat(), "its folder")
            _check(os.fstat(file.fileno()), "the file")
            return file.read()
    except OSError as e:
        raise Unfit(f"it cannot be read: {e.strerror or e}") from e


def _check(found: os.stat_result, what: str) -> None:
    if hasattr(os, "geteuid") and found.st_uid != os.geteuid():
        raise Unfit(f"{what} belongs to another user")
    if found.st_mode & _OTHERS and os.name == "posix":
        raise Unfit(f"{what} can be written by others (chmod go-w)")


def _parsed(content: bytes) -> tuple[_Header, bytes]:
    """Header and payload of a whole snapshot. Raises Unfit for one that is damaged."""
    if not content.startswith(_MAGIC):
        raise Unfit("it is no snapshot of this format")
    claimed, _, rest = content[len(_MAGIC) :].partition(b"\n")
    if sha256(rest).hexdigest().encode() != claimed:
        raise Unfit("it is damaged or cut off")
    head, _, payload = rest.partition(b"\n")
    try:
        return msgspec.json.decode(head, type=_Header), payload
    except msgspec.DecodeError as e:
        raise Unfit("its header cannot be read") from e
