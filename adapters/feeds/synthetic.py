"""Decides how seeded synthetic markets are drawn: random walks with calm and wild regimes, trends and jumps on the tick grid.

Invariants: the same configuration gives the same ticks on every platform and with every block size (raw PCG64 words and integer
arithmetic only, tick i takes words 8i to 8i + 7); prices stay positive and on the grid; receive times never decrease.
Source: PCG64 (O'Neill, HMC-CS-2014-0905), whose raw stream numpy guarantees.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BeforeValidator, Field, PlainSerializer, model_validator

from adapters.feeds.layout import FAR_NS, Duration, Table
from adapters.feeds.place import Place
from adapters.feeds.protocol import BLOCK, FeedInput, cut
from adapters.times import parse_time, time_text
from domain.chance import Chance
from domain.errors import ConfigInvalid
from domain.instrument import Instrument
from domain.money import to_int
from domain.ticks import (
    ASK_PX,
    ASK_QTY,
    BAR,
    CLOSE_PX,
    EVENT_NS,
    HIGH_PX,
    INSTRUMENT,
    INTERVAL_NS,
    KIND,
    LOW_PX,
    OPEN_PX,
    PX,
    QTY,
    QUOTE,
    RECV_NS,
    ROWS,
    TRADE,
    VOLUME_QTY,
    Ticks,
)  # fmt: skip

Words = NDArray[np.uint64]
Ints = NDArray[np.int64]
WORDS = 8
_DRAW = 1 << 14
_LOW_TICKS = 10  # the lowest price, in ticks: below it a walk is reflected
_MILLION = 1_000_000
_WILD = (1, 1, 1, 2, 2, 4)


def _time(value: object) -> object:
    return parse_time(value) if isinstance(value, str) else value


Time = Annotated[int, BeforeValidator(_time), PlainSerializer(time_text, return_type=str)]


class SyntheticFeed(Table):
    """A market drawn from `seed`. `symbols` (all instruments when empty) are interleaved at random; bars come for all of them at once.

    `mixed` draws three quotes to one trade. Steps are uniform in ±`step_ticks`; every `regime_ticks` ticks (0: never) each
    instrument draws a new volatility and a trend. Times lie 0 to 2 × `mean_interval` apart; bars follow each other by `interval`.
    `start_price` is decimal text by symbol, 100 where nothing is said; `max_lots` bounds sizes, `spread_ticks` each half of the spread.
    """

    kind: Literal["synthetic"] = "synthetic"
    data: Literal["trades", "quotes", "mixed", "bars"] = "trades"
    name: str = "synthetic"
    n: int = Field(ge=1)
    seed: int = Field(ge=0)
    symbols: tuple[str, ...] = ()
    start: Time = 1_577_880_000_000_000_000
    mean_interval: Duration = Field(default=1_000_000_000, ge=1, le=FAR_NS)
    interval: Duration = Field(default=60_000_000_000, ge=1, le=FAR_NS)
    latency: Duration = Field(default=0, ge=0, le=FAR_NS)
    start_price: dict[str, str] = Field(default_factory=dict)
    step_ticks: int = Field(default=1, ge=1, le=_MILLION)
    spread_ticks: int = Field(default=2, ge=1, le=_MILLION)
    max_lots: int = Field(default=10, ge=1, le=_MILLION)
    regime_ticks: int = Field(default=5000, ge=0)
    jumps_per_million: int = Field(default=50, ge=0, le=_MILLION)
    jump_ticks: int = Field(default=50, ge=0, le=_MILLION)

    @model_validator(mode="after")
    def _fits(self) -> Self:
        gap = self.interval if self.data == "bars" else 2 * self.mean_interval
        if self.start + self.n * gap + self.latency >= 1 << 63:
            raise ValueError("the last tick would lie beyond the year 2262; take fewer ticks or a shorter interval")
        return self

    def reader(self, instruments: Sequence[Instrument], block: int = BLOCK) -> SyntheticMarket:
        """The market over these instruments (a tick's instrument is the position here). Raises ConfigInvalid for an unknown symbol."""
        return SyntheticMarket(self, instruments, block)


class SyntheticMarket:
    """The feed of a `SyntheticFeed`; every call of `blocks()` draws it anew, and the same."""

    def __init__(self, config: SyntheticFeed, instruments: Sequence[Instrument], block: int = BLOCK) -> None:
        self._config = config
        self._block = block
        self._place: Place | None = None
        self._lowest = _LOW_TICKS + config.spread_ticks
        by_symbol = {i.symbol: n for n, i in enumerate(instruments)}
        symbols = config.symbols or tuple(by_symbol)
        faults = [("symbols", f"no instrument has the symbol {s!r}; the symbols are {', '.join(by_symbol)}") for s in symbols if s not in by_symbol]
        if not faults:
            self._index = [by_symbol[s] for s in symbols]
            self._specs = [instruments[n] for n in self._index]
            self._starts = []
            for spec in self._specs:
                text = config.start_price.get(spec.symbol, "100")
                try:
                    self._starts.append(max(self._lowest, to_int(text, spec.price_digits) // spec.tick_px))
                except ValueError as e:
                    faults.append((f"start_price.{spec.symbol}", f"{e}"))
        if faults:
            raise ConfigInvalid(faults, place=config.name)

    @property
    def name(self) -> str:
        return self._config.name

    @property
    def place(self) -> Place | None:
        """Where the block drawn last begins; None before the first."""
        return self._place

    def blocks(self, place: Place | None = None) -> Iterator[Ticks | FeedInput]:
        """The market from its start, or from a place that such a market gave."""
        config = self._config
        start, now, walks = (0, config.start, list(self._starts)) if place is None else (place.at[0], place.at[1], list(place.at[2]))
        bits = np.random.PCG64(config.seed)
        bits.advance(start * WORDS)
        for first in range(start, config.n, _DRAW):
            self._place = Place(first, 0, (first, now, tuple(walks)))
            count = min(_DRAW, config.n - first)
            words = np.asarray(bits.random_raw(count * WORDS), dtype=np.uint64).reshape(count, WORDS).T
            cols = np.zeros((ROWS, count), dtype=np.int64)
            if config.data == "bars":
                which = np.arange(first, first + count) % len(self._index)
                now_ns = config.start + (np.arange(first, first + count) // len(self._index) + 1) * config.interval
            else:
                which = below(words[0], len(self._index))
                now_ns = now + np.cumsum(below(words[1], 2 * config.mean_interval + 1))
                now = int(now_ns[-1])
            cols[EVENT_NS] = now_ns
            cols[RECV_NS] = now_ns + config.latency
            cols[INSTRUMENT] = np.array(self._index, dtype=np.int64)[which]
            before, after = self._walk(words, which, first, walks)
            self._fill(cols, words, which, before, after)
            yield from cut(Ticks(cols), self._block)

    def _walk(self, words: Words, which: Ints, first: int, walks: list[int]) -> tuple[Ints, Ints]:
        """Each tick's price in ticks before and after its step; `walks` moves on."""
        config = self._config
        volatility, trend = self._regimes(which, first)
        reach = config.step_ticks * volatility
        step = below(words[2], 2 * reach + 1) - reach
        step += np.where(below(words[6], 8) == 0, trend * config.step_ticks, 0)
        jumps = below(words[5], _MILLION) < config.jumps_per_million
        step += np.where(jumps, (2 * below(words[7], 2) - 1) * config.jump_ticks, 0)
        before, after = np.empty_like(step), np.empty_like(step)
        for n in range(len(walks)):
            mine = np.flatnonzero(which == n)
            if len(mine):
                path = walks[n] + np.cumsum(step[mine])
                before[mine] = path - step[mine]
                after[mine] = path
                walks[n] = int(path[-1])
        return self._reflected(before), self._reflected(after)

    def _regimes(self, which: Ints, first: int) -> tuple[Ints, Ints]:
        """Volatility factor and trend of each tick, drawn per instrument and regime."""
        length = self._config.regime_ticks
        if not length:
            return np.ones_like(which), np.zeros_like(which)
        regime = (first + np.arange(len(which))) // length
        table = np.empty((2, len(self._specs), int(regime[-1] - regime[0]) + 1), dtype=np.int64)
        for n, spec in enumerate(self._specs):
            for at in range(table.shape[2]):
                chance = Chance(self._config.seed).fork(f"{spec.symbol}/{int(regime[0]) + at}")
                table[:, n, at] = _WILD[chance.integer(0, len(_WILD) - 1)], chance.integer(-1, 1)
        found = table[:, which, regime - regime[0]]
        return found[0], found[1]

    def _reflected(self, walk: Ints) -> Ints:
        return self._lowest + np.abs(walk - self._lowest)

    def _fill(self, cols: Ints, words: Words, which: Ints, before: Ints, after: Ints) -> None:
        """The kind and its values."""
        config = self._config
        tick_px = np.array([s.tick_px for s in self._specs], dtype=np.int64)[which]
        lot_qty = np.array([s.lot_qty for s in self._specs], dtype=np.int64)[which]
        sizes = (1 + below(words[3], config.max_lots)) * lot_qty, (1 + below(words[4], config.max_lots)) * lot_qty
        if config.data == "bars":
            high = np.maximum(before, after) + below(words[0], config.spread_ticks + 1)
            low = np.minimum(before, after) - below(words[1], config.spread_ticks + 1)
            cols[KIND] = BAR
            for row, px in ((OPEN_PX, before), (HIGH_PX, high), (LOW_PX, low), (CLOSE_PX, after)):
                cols[row] = px * tick_px
            cols[VOLUME_QTY] = sizes[0]
            cols[INTERVAL_NS] = config.interval
            return
        trade = np.full(len(which), config.data == "trades") if config.data != "mixed" else below(words[4] >> np.uint64(32), 4) == 0
        side = 2 * below(words[7] >> np.uint64(1), 2) - 1
        bid = (after - 1 - below(words[6] >> np.uint64(3), config.spread_ticks)) * tick_px
        ask = (after + 1 + below(words[5] >> np.uint64(32), config.spread_ticks)) * tick_px
        cols[KIND] = np.where(trade, TRADE, QUOTE)
        cols[PX] = np.where(trade, (after + side) * tick_px, bid)
        cols[QTY] = sizes[0]
        cols[ASK_PX] = np.where(trade, side, ask)
        cols[ASK_QTY] = np.where(trade, 0, sizes[1])


def below(words: Words, limit: int | Ints) -> Ints:
    """Integers in [0, limit) from raw 64-bit words; the modulo's bias is below limit / 2^64."""
    return (words % np.asarray(limit, dtype=np.uint64)).astype(np.int64)
