"""Decides how a feed says where it stands, so that it can be opened there again without reading what comes before.

Invariants: a place is never beyond what has been yielded; from a place on a feed yields what it yielded from there the first time,
however it cuts its blocks.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from adapters.feeds.protocol import FeedInput
from domain.errors import FeedInvalid
from domain.ticks import Ticks


class Place(NamedTuple):
    """Where a feed stood when it had yielded so many ticks and other inputs. `at` is the feed's own business."""

    ticks: int
    inputs: int
    at: Any


def beyond(blocks: Iterator[Ticks | FeedInput], ticks: int, inputs: int) -> Iterator[Ticks | FeedInput]:
    """What is left after so many ticks and other inputs. Raises FeedInvalid when the feed ends or turns off before."""
    while ticks or inputs:
        block = next(blocks, None)
        if isinstance(block, Ticks) and ticks:
            if len(block) > ticks:
                if inputs:
                    raise _turned()
                return _with(block.slice(ticks, len(block)), blocks)
            ticks -= len(block)
        elif block is not None and not isinstance(block, Ticks) and inputs:
            inputs -= 1
        else:
            raise _turned()
    return blocks


def _with(first: Ticks, rest: Iterator[Ticks | FeedInput]) -> Iterator[Ticks | FeedInput]:
    yield first
    yield from rest


def _turned() -> FeedInvalid:
    return FeedInvalid("the feed does not yield again what it yielded then", remedy="Was its file changed?")
