"""Decides how the read side lies in SQL databases: tables, how they are filled, and how far they have come."""

from __future__ import annotations

from adapters.readmodels.postgres import PostgresModels
from adapters.readmodels.reading import POSTGRES, Answer, ReadModels, file_of
from adapters.readmodels.rows import SessionRows
from adapters.readmodels.sqlite import SqliteModels
from adapters.readmodels.store import (
    Batch,
    ModelsBusy,
    ModelsMoved,
    ModelsRefused,
    ModelStore,
    ModelsUnavailable,
    Position,
    RowsRefused,
    Tracked,
)

__all__ = [
    "Answer",
    "Batch",
    "ModelStore",
    "ModelsBusy",
    "ModelsMoved",
    "ModelsRefused",
    "ModelsUnavailable",
    "Position",
    "PostgresModels",
    "ReadModels",
    "RowsRefused",
    "SessionRows",
    "SqliteModels",
    "Tracked",
    "open_models",
]


def open_models(url: str, *, now_ns: int, rebuild: bool = False) -> ModelStore:
    """The read models at `postgresql://user@host:port/db` or `sqlite://PATH`, for the one projector that keeps them.

    What is not there, and with `rebuild` in any case, is built beside; an unfinished building goes on. Raises ModelsBusy while another
    projector writes there, ModelsUnavailable, ModelsRefused, ConfigInvalid.
    """
    if url.startswith(POSTGRES):
        return PostgresModels(url, rebuild=rebuild, now_ns=now_ns)
    return SqliteModels(file_of(url), rebuild=rebuild, now_ns=now_ns)
