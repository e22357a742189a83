"""What the feed tests share: writing a file, reading a feed to its end."""

from __future__ import annotations

import gzip
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import zstandard

from adapters.feeds import CsvFeed, Feed
from domain.events.market import FrameRefused
from domain.instrument import Instrument, instrument
from domain.ticks import Ticks, concat

SPECS = (instrument("EURUSD", price_digits=5), instrument("SPY", price_digits=4), instrument("BTC", price_digits=2, qty_digits=8))
TRADES: dict[str, Any] = {"data": "trades", "symbol": "EURUSD", "time": "t", "price": "px", "size": "qty"}


def layout(path: Path | Sequence[Path], **changed: Any) -> CsvFeed:
    """A trade layout over columns t (ns), px, qty with changes."""
    paths = str(path) if isinstance(path, Path) else tuple(map(str, path))
    fields = TRADES | {"path": paths} | changed
    if isinstance(fields["time"], str):
        fields["time"] = {"column": fields["time"]}
    return CsvFeed(**{k: v for k, v in fields.items() if v is not None})


def packed(path: Path, text: str | bytes) -> Path:
    """Write text, compressed as the suffix says."""
    raw = text.encode() if isinstance(text, str) else text
    path.write_bytes(gzip.compress(raw, 1) if path.suffix == ".gz" else zstandard.compress(raw) if path.suffix == ".zst" else raw)
    return path


def read(feed: Feed) -> tuple[Ticks, list[FrameRefused]]:
    """All ticks of a feed as one table, and its refusals."""
    items = list(feed.blocks())
    return concat([i for i in items if isinstance(i, Ticks)]), [i for i in items if isinstance(i, FrameRefused)]


def read_csv(path: Path | Sequence[Path], specs: Sequence[Instrument] = SPECS, **changed: Any) -> tuple[Ticks, list[FrameRefused]]:
    return read(layout(path, **changed).reader(specs))
