"""Market data and feed events. The first three travel in columns (`domain.ticks`), one seq each."""

from __future__ import annotations

from domain.events._base import Event
from domain.terms import Side


class TradePrinted(Event, frozen=True, tag="trade"):
    """Input. A trade on the tape. `side` is the aggressor; `conditions` the venue's sale-condition bits. Source: FIX 269=2."""

    event_ns: int
    instrument: int
    px: int
    qty: int
    side: Side
    conditions: int


class QuoteUpdated(Event, frozen=True, tag="quote"):
    """Input. The best bid and offer. A quantity of 0 means the side is empty. Source: FIX 269=0 and 269=1."""

    event_ns: int
    instrument: int
    bid_px: int
    bid_qty: int
    ask_px: int
    ask_qty: int


class BarClosed(Event, frozen=True, tag="bar"):
    """Input. A bar that ended at `event_ns` and lasted `interval_ns`. Source: OHLCV convention of the field."""

    event_ns: int
    instrument: int
    open_px: int
    high_px: int
    low_px: int
    close_px: int
    volume_qty: int
    interval_ns: int


class FeedConnected(Event, frozen=True, tag="feed+"):
    """Input. A feed delivers (again). Source: house rule."""

    feed: str


class FeedLost(Event, frozen=True, tag="feed-"):
    """Input. A feed stopped delivering; its instruments count as stale until `FeedConnected`. Source: house rule; FIA PTG market-data checks."""

    feed: str
    reason: str
    instruments: tuple[int, ...]


class FeedGap(Event, frozen=True, tag="gap"):
    """Input. Something is known to be missing from a feed: a gap, or rows that its policy left out. Instrument -1: no single one. Source: house rule."""

    feed: str
    instrument: int
    reason: str


class FrameRefused(Event, frozen=True, tag="frame"):
    """Input. A frame or row that could not be understood, with its raw text; the session's policy decides whether to go on. Source: house rule."""

    feed: str
    place: str
    reason: str
    raw: str
