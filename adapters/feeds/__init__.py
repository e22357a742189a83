"""Market data from outside, as blocks of ticks in the order they were received."""

from __future__ import annotations

from adapters.feeds.layout import CsvFeed, ParquetFeed
from adapters.feeds.protocol import BLOCK, Feed, FeedInput
from adapters.feeds.scripted import ScriptedFeed
from adapters.feeds.synthetic import SyntheticFeed

__all__ = ["BLOCK", "CsvFeed", "Feed", "FeedInput", "ParquetFeed", "ScriptedFeed", "SyntheticFeed"]
