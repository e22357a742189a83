"""Makes a proof's setup from a user's configuration: their limits, rules, instruments and strategies, and where their prices begin.

Invariants: the opening is the one that `reenact run` would record; only the first block of the feed is read, for its prices.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

import msgspec

from domain.ticks import BID_PX, CLOSE_PX, KIND, PX, QUOTE, TRADE, Ticks
from reenact import compose
from reenact.config import SessionConfig
from reenact.loading import instantiate, resolve
from reenact.loading_rules import resolve_rules
from reenact.proving.adversary import TARGET
from reenact.proving.setup import Setup

FIRST_NS = 1_700_000_000 * 10**9


def setup_of(config: SessionConfig) -> Setup:
    """What is to be proven of a configuration. Raises ConfigInvalid, FeedError or StrategyError as `reenact run` would."""
    ready = compose.prepare(config, "prove", compose.code_fingerprint(), _nowhere)
    opened = ready.runtime.opened
    if opened.ns <= 0:
        opened = msgspec.structs.replace(opened, ns=FIRST_NS)
    loaded = [(resolve(c.use, config.base), json.loads(s.params)) for c, s in zip(config.strategies, opened.strategies, strict=True)]
    own = tuple(found.rule for found in resolve_rules([c.use for c in config.rules], config.base))
    hours, minutes = map(int, config.day_roll.split(":"))
    prices = _first_prices(ready.feed, len(opened.instruments))
    start = tuple(px or 100 * 10**spec.price_digits for px, spec in zip(prices, opened.instruments, strict=True))
    on_grid = tuple(max(spec.tick_px, px - px % spec.tick_px) for px, spec in zip(start, opened.instruments, strict=True))
    return Setup(
        opened, lambda: [instantiate(one, params) for one, params in loaded], own, (hours * 60 + minutes) * 60 * 10**9, on_grid,
        resolve(TARGET).sha256,
    )  # fmt: skip


def _nowhere(_number: int, _record: bytes) -> None:
    """A commit is not kept, nor is any other."""


def _first_prices(feed: Iterator[object], instruments: int) -> list[int]:
    """The first price of each instrument in the first block of ticks, 0 where there is none."""
    found = [0] * instruments
    block = next((b for b in feed if isinstance(b, Ticks)), None)
    if block is not None:
        for i in range(instruments):
            for column in block.cols[:, block.instrument == i][:, :1].T.tolist():
                found[i] = max(0, column[PX if column[KIND] == TRADE else BID_PX if column[KIND] == QUOTE else CLOSE_PX])
    return found
