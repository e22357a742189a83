"""Decides what a database of read models does for a projector: the port, the positions, and what may go wrong.

Invariants: rows and position change in one transaction; a batch is applied only to the position it starts from, so that nothing is
applied twice or skipped, whoever applies it and whenever it is killed.
"""

from __future__ import annotations

from typing import Protocol

import msgspec

from adapters.readmodels.rows import Added, Changes
from domain.errors import ReenactError


class ModelsUnavailable(ReenactError):
    """The read models cannot be reached or written now: unreachable, locked, full. Retryable."""


class ModelsRefused(ReenactError):
    """The database is no place for these read models: rights, another program's, another version."""


class ModelsBusy(ReenactError):
    """Another projector keeps these read models."""


class ModelsMoved(ReenactError):
    """The rows are no longer at the position that was expected: another projector or a rebuild came between. Start from the stored one."""


class RowsRefused(ReenactError):
    """The database cannot hold a session's rows, for example a number beyond 64 bits in a time."""


class Position(msgspec.Struct, frozen=True):
    """How far a session's rows are. `head`: the commit's hash, hexadecimal. `settled`: every table is there, not only the appended ones."""

    number: int
    seq: int
    head: str
    event_ns: int
    settled: bool = True
    problem: str = ""


class Batch(msgspec.Struct, frozen=True):
    """What a run of commits of one session changes. `before` None: the session's first.

    `changes` None: the tables that change are not written yet, as a rebuild does before a session's end; the first ones written are `fresh`.
    log_number, log_seq: what the log was seen to hold; applied_ns: now.
    """

    session: str
    before: Position | None
    after: Position
    added: Added
    changes: Changes | None
    log_number: int
    log_seq: int
    applied_ns: int

    @property
    def fresh(self) -> bool:
        """No changing row of this session was written before."""
        return self.before is None or not self.before.settled


class Tracked(msgspec.Struct, frozen=True):
    """A session's position as people ask for it; see the table `tracking`."""

    session: str
    position: Position
    applied_ns: int
    log_number: int
    log_seq: int


class ModelStore(Protocol):
    """Read models that are kept by one projector. Every method raises ModelsUnavailable and ModelsRefused."""

    @property
    def building(self) -> bool:
        """The models are being built beside those that are read; `finish` swaps them."""

    def tracked(self) -> dict[str, Position]:
        """The positions of all sessions."""

    def apply(self, batch: Batch) -> None:
        """Rows and position in one transaction. Raises ModelsMoved and RowsRefused, then nothing is changed."""

    def note(self, session: str, before: Position | None, problem: str) -> None:
        """Record why a session is applied no further. Raises ModelsMoved."""

    def finish(self) -> None:
        """Make what was built the models that are read, in one transaction; the store is used no more afterwards, only closed."""

    def close(self) -> None:
        """Let go of the database and of the right to write to it. A second call does nothing."""


def moved(session: str) -> ModelsMoved:
    return ModelsMoved(
        "the rows are not where this projector left them: another projector or a rebuild came between", place=f"session {session}",
        remedy="Start it again; it goes on from where the rows are.",
    )  # fmt: skip


def version_problem(found: int, version: int, where: str) -> ModelsRefused:
    """Why models of another version cannot be used."""
    if found < version:
        return ModelsRefused(
            f"the read models in {where} have the older schema {found}, this Reenact keeps {version}",
            remedy="Run `reenact project --rebuild`: it builds the new ones beside them and swaps; readers of the old ones are never without tables.",
        )
    return ModelsRefused(
        f"the read models in {where} have the newer schema {found}, this Reenact keeps {version}",
        remedy="Use the newer Reenact, or another database.",
    )
