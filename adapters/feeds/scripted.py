"""Decides how a market is written down as a script: phases in which the price moves, freezes, crosses or is halted, and sessions break.

Invariants: the same configuration gives the same ticks on every platform and with every block size (raw PCG64 words and integer arithmetic
only); prices stay positive and on the grid; receive times never decrease; what a phase leaves out is not in any other.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal, Self

import numpy as np
from pydantic import ConfigDict, Field, model_validator

from adapters.feeds.layout import FAR_NS, Duration, Table
from adapters.feeds.protocol import BLOCK, FeedInput, cut
from adapters.feeds.synthetic import Ints, Time, Words, below
from domain.errors import ConfigInvalid
from domain.events import FeedConnected, FeedLost, VenueConnected, VenueLost
from domain.instrument import Instrument
from domain.money import to_int
from domain.terms import Side
from domain.ticks import ASK_PX, ASK_QTY, BID_PX, BID_QTY, EVENT_NS, INSTRUMENT, KIND, PX, QTY, QUOTE, RECV_NS, ROWS, SIDE, TRADE, Ticks

_MILLION = 1_000_000
_MOST_ROWS = 5_000_000
_TRADE_EACH = 4  # every fourth row of an instrument is a trade


class Phase(Table):
    """A stretch of a market. The price goes straight from where it is to `move_bps` (1/10,000 of it) away, ± `noise_ticks`.

    silent: nothing arrives while the price moves on. halted: quotes are empty and nothing trades. crossed_ticks: the bid stands so many
    ticks above the ask. bid_lots, ask_lots: what is shown. behind, ahead: how far venue times are from receive times. session "down":
    the session with the venue is lost; feed "down": the feed says that it is lost itself; both until a phase in which they are up.
    While the session is down, a venue with a table of faults answers nothing; one that never lies goes on answering.
    """

    lasts: Duration = Field(ge=1, le=FAR_NS)
    move_bps: int = Field(default=0, gt=-10_000, le=100_000)
    noise_ticks: int = Field(default=0, ge=0, le=_MILLION)
    spread_ticks: int | None = Field(default=None, ge=1, le=_MILLION)
    crossed_ticks: int = Field(default=0, ge=0, le=_MILLION)
    bid_lots: int | None = Field(default=None, ge=0)
    ask_lots: int | None = Field(default=None, ge=0)
    silent: bool = False
    halted: bool = False
    behind: Duration = Field(default=0, ge=0, le=FAR_NS)
    ahead: Duration = Field(default=0, ge=0, le=FAR_NS)
    session: Literal["up", "down"] = "up"
    feed: Literal["up", "down"] = "up"


class ScriptedFeed(Table):
    """A market that goes by `phases`. A row comes `every` so often, the `symbols` (all when empty) take turns; every fourth is a trade.

    `start_price` is decimal text by symbol, 100 where nothing is said; `spread_ticks` lies around the price; `lots` is what is shown.
    """

    model_config = ConfigDict(populate_by_name=True)

    kind: Literal["scripted"] = "scripted"
    name: str = "scripted"
    seed: int = Field(default=0, ge=0)
    symbols: tuple[str, ...] = ()
    start: Time = 1_577_880_000_000_000_000
    every: Duration = Field(default=1_000_000_000, ge=1, le=FAR_NS)
    start_price: dict[str, str] = Field(default_factory=dict)
    spread_ticks: int = Field(default=2, ge=1, le=_MILLION)
    lots: int = Field(default=100, ge=1)
    phases: tuple[Phase, ...] = Field(alias="phase", min_length=1)

    @model_validator(mode="after")
    def _fits(self) -> Self:
        rows = sum(p.lasts // self.every for p in self.phases if not p.silent)
        if rows > _MOST_ROWS:
            raise ValueError(f"the phases have {rows:,} rows, at most {_MOST_ROWS:,} are drawn; take shorter phases or a longer `every`")
        if self.start + sum(p.lasts + p.ahead for p in self.phases) >= 1 << 63:
            raise ValueError("the last tick would lie beyond the year 2262; take shorter phases")
        return self

    def reader(self, instruments: Sequence[Instrument], block: int = BLOCK) -> ScriptedMarket:
        """The market over these instruments (a tick's instrument is the position here). Raises ConfigInvalid for an unknown symbol."""
        return ScriptedMarket(self, instruments, block)


class ScriptedMarket:
    """The feed of a `ScriptedFeed`; every call of `blocks()` draws it anew, and the same."""

    def __init__(self, config: ScriptedFeed, instruments: Sequence[Instrument], block: int = BLOCK) -> None:
        self._config = config
        self._block = block
        by_symbol = {i.symbol: n for n, i in enumerate(instruments)}
        symbols = config.symbols or tuple(by_symbol)
        faults = [("symbols", f"no instrument has the symbol {s!r}; the symbols are {', '.join(by_symbol)}") for s in symbols if s not in by_symbol]
        self._index: list[int] = []
        self._specs: list[Instrument] = []
        self._starts: list[int] = []
        for symbol in symbols if not faults else ():
            n = by_symbol[symbol]
            spec = instruments[n]
            try:
                start = to_int(config.start_price.get(symbol, "100"), spec.price_digits) // spec.tick_px
            except ValueError as e:
                faults.append((f"start_price.{symbol}", f"{e}"))
                continue
            self._index.append(n)
            self._specs.append(spec)
            self._starts.append(max(1, start))
        if faults:
            raise ConfigInvalid(faults, place=config.name)
        self._venues = tuple(dict.fromkeys(s.venue for s in self._specs))

    @property
    def name(self) -> str:
        return self._config.name

    def blocks(self) -> Iterator[Ticks | FeedInput]:
        """The market from its start."""
        config = self._config
        bits = np.random.PCG64(config.seed)
        now, turn, px = config.start, 0, list(self._starts)
        session = feed = "up"
        for phase in config.phases:
            if phase.session != session:
                yield from self._session(phase, now)
            if phase.feed != feed:
                yield self._feed(phase, now)
            session, feed = phase.session, phase.feed
            n = 0 if phase.silent else phase.lasts // config.every
            moves = [p * phase.move_bps // 10_000 for p in px]
            if n:
                words = np.asarray(bits.random_raw(2 * n), dtype=np.uint64).reshape(2, n)
                yield from cut(self._rows(phase, now, turn, px, moves, words), self._block)
            now += phase.lasts
            turn += n
            px = [max(1, p + m) for p, m in zip(px, moves, strict=True)]

    def _rows(self, phase: Phase, start_ns: int, turn: int, px: list[int], moves: list[int], words: Words) -> Ticks:
        """The phase's rows: quotes around the path, and a trade on it now and then."""
        config = self._config
        n = words.shape[1]
        steps = np.arange(1, n + 1, dtype=np.int64)
        at = (turn + steps - 1) % len(px)
        path = np.array(px, dtype=np.int64)[at] + np.array(moves, dtype=np.int64)[at] * steps // n
        if phase.noise_ticks:
            path += below(words[0], 2 * phase.noise_ticks + 1) - phase.noise_ticks
        path = np.maximum(path, 1)
        cols = np.zeros((ROWS, n), dtype=np.int64)
        cols[RECV_NS] = start_ns + steps * config.every
        cols[EVENT_NS] = cols[RECV_NS] - phase.behind + phase.ahead
        cols[INSTRUMENT] = np.array(self._index, dtype=np.int64)[at]
        tick_px = np.array([s.tick_px for s in self._specs], dtype=np.int64)[at]
        lot_qty = np.array([s.lot_qty for s in self._specs], dtype=np.int64)[at]
        trade = (turn + steps - 1) // len(px) % _TRADE_EACH == _TRADE_EACH - 1
        if phase.halted:
            trade = np.zeros_like(trade)
        bid, ask = self._sides(phase, path)
        bid_lots, ask_lots = self._sizes(phase)
        cols[KIND] = np.where(trade, TRADE, QUOTE)
        cols[BID_PX] = bid * tick_px
        cols[BID_QTY] = bid_lots * lot_qty
        cols[ASK_PX] = ask * tick_px
        cols[ASK_QTY] = ask_lots * lot_qty
        cols[PX, trade] = (path * tick_px)[trade]
        cols[QTY, trade] = lot_qty[trade] * config.lots
        cols[SIDE, trade] = (2 * below(words[1], 2) - 1)[trade] * int(Side.BUY)
        cols[SIDE + 1, trade] = 0
        return Ticks(cols)

    def _sides(self, phase: Phase, path: Ints) -> tuple[Ints, Ints]:
        """Bid and ask in ticks."""
        if phase.crossed_ticks:
            return path + phase.crossed_ticks, path
        spread = self._config.spread_ticks if phase.spread_ticks is None else phase.spread_ticks
        bid = np.maximum(path - spread // 2, 1)
        return bid, bid + spread

    def _sizes(self, phase: Phase) -> tuple[int, int]:
        lots = self._config.lots
        if phase.halted:
            return 0, 0
        return lots if phase.bid_lots is None else phase.bid_lots, lots if phase.ask_lots is None else phase.ask_lots

    def _session(self, phase: Phase, ns: int) -> Iterator[FeedInput]:
        for venue in self._venues:
            yield VenueLost(ns, 0, venue, "the session broke") if phase.session == "down" else VenueConnected(ns, 0, venue)

    def _feed(self, phase: Phase, ns: int) -> FeedInput:
        return FeedLost(ns, 0, self.name, "the feed broke", tuple(self._index)) if phase.feed == "down" else FeedConnected(ns, 0, self.name)
