"""What a feed's policy leaves out is said in the session."""

from __future__ import annotations

from adapters.feeds import CsvFeed
from domain.events import FeedGap
from domain.instrument import instrument
from domain.ticks import Ticks
from tests.data import shared


def test_dropped_crossed_and_locked_quotes_are_counted_in_an_event_at_the_end() -> None:
    """Given the EUR/USD day with crossed and locked rows dropped, then the last thing the feed says is how many of each."""
    layout = {
        "data": "quotes", "path": str(shared("market/fx/EURUSD_fxcm_20140508_quotes.csv.zst")), "symbol": "EURUSD", "crossed": "drop", "locked": "drop",
        "time": {"column": "time_ms", "unit": "ms", "date": "2014-05-08"}, "bid": "bid", "ask": "ask",
        "bid_size": {"default": "1"}, "ask_size": {"default": "1"},
    }  # fmt: skip
    blocks = list(CsvFeed.model_validate(layout).reader([instrument("EURUSD", price_digits=5)]).blocks())
    assert isinstance(blocks[-1], FeedGap)
    assert blocks[-1].reason == "rows left out by the feed's policy: crossed 18285, locked 19051"
    assert sum(len(b) for b in blocks if isinstance(b, Ticks)) == 167_466 - 18_285 - 19_051
    assert not any(isinstance(b, FeedGap) for b in blocks[:-1])
