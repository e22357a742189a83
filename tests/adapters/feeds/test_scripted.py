"""Markets written as a script: what each key of a phase does, and that the same script is always the same market."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.feeds import FeedInput, ScriptedFeed
from domain.errors import ConfigInvalid
from domain.events import FeedConnected, FeedLost, VenueConnected, VenueLost
from domain.instrument import instrument
from domain.ticks import ASK_PX, ASK_QTY, BID_PX, BID_QTY, EVENT_NS, INSTRUMENT, KIND, PX, QUOTE, RECV_NS, TRADE, Ticks, concat, pack, unpack

ONE = (instrument("ONE"),)
TWO = (instrument("ONE"), instrument("COARSE", price_digits=1, qty_digits=1, tick_size="0.5", lot_size="0.2", venue="ELSEWHERE"))
SECOND = 10**9


def played(*phases: dict[str, Any], instruments: Any = ONE, block: int = 1000, **keys: Any) -> list[Ticks | FeedInput]:
    """All that a script yields."""
    feed = ScriptedFeed.model_validate({"kind": "scripted", "phase": list(phases), **keys})
    return list(feed.reader(instruments, block).blocks())


def ticks(*phases: dict[str, Any], **keys: Any) -> Ticks:
    """Its ticks in one table."""
    return concat([b for b in played(*phases, **keys) if isinstance(b, Ticks)])


def quotes(table: Ticks) -> Any:
    return table.cols[:, table.cols[KIND] == QUOTE]


def test_the_price_goes_straight_to_where_the_phase_says() -> None:
    """Given a phase that falls nine percent, when it is over, then the price is nine percent lower and never rose."""
    table = ticks({"lasts": "100s", "move_bps": -900})
    trades = table.cols[PX, table.cols[KIND] == TRADE]
    assert trades[-1] == 9_100
    assert (np.diff(trades) <= 0).all()


def test_each_phase_starts_where_the_one_before_it_ended() -> None:
    """Given a fall that nobody saw, when ticks come again, then they are at the new price."""
    table = ticks({"lasts": "10s"}, {"lasts": "1h", "silent": True, "move_bps": -1000}, {"lasts": "10s"})
    assert len(table) == 20
    assert int(table.recv_ns[10] - table.recv_ns[9]) == 3_601 * SECOND
    assert quotes(table)[BID_PX, -1] == 8_999


def test_a_halted_market_shows_nothing_and_does_not_trade() -> None:
    """Given a halt, when its rows come, then both sides are empty and none is a trade."""
    table = ticks({"lasts": "20s", "halted": True})
    assert (table.cols[KIND] == QUOTE).all()
    assert not table.cols[BID_QTY].any()
    assert not table.cols[ASK_QTY].any()


def test_a_crossed_market_has_its_bid_above_its_offer_by_so_much() -> None:
    """Given a crossed phase, when quotes come, then every bid is three ticks above its offer, with the sizes asked for."""
    found = quotes(ticks({"lasts": "20s", "crossed_ticks": 3, "bid_lots": 1, "ask_lots": 7}))
    assert (found[BID_PX] - found[ASK_PX] == 3).all()
    assert (found[BID_QTY] == 1).all()
    assert (found[ASK_QTY] == 7).all()


def test_venue_times_may_lie_behind_and_ahead_of_receive_times() -> None:
    """Given clocks that disagree, when ticks come, then only their venue times differ."""
    table = ticks({"lasts": "5s", "behind": "1h"}, {"lasts": "5s", "ahead": "5m"})
    assert (table.cols[RECV_NS] - table.cols[EVENT_NS]).tolist() == [3_600 * SECOND] * 5 + [-300 * SECOND] * 5


def test_sessions_break_and_stand_again_where_the_phases_change() -> None:
    """Given two phases down between others, when they are played, then each venue is lost once and connected once, in time."""
    items = played(
        {"lasts": "2s"}, {"lasts": "2s", "session": "down"}, {"lasts": "2s", "session": "down", "halted": True}, {"lasts": "2s"}, instruments=TWO
    )
    told = [(type(i), i.venue, (i.ns - items[0].recv_ns[0] + SECOND) // SECOND) for i in items if isinstance(i, (VenueLost, VenueConnected))]  # type: ignore[union-attr]
    assert told == [(VenueLost, "SIM", 2), (VenueLost, "ELSEWHERE", 2), (VenueConnected, "SIM", 6), (VenueConnected, "ELSEWHERE", 6)]


def test_a_feed_that_breaks_names_its_instruments() -> None:
    """Given a phase in which the feed is down, when it is played, then its loss names what it delivers."""
    lost, back = (i for i in played({"lasts": "1s", "feed": "down", "silent": True}, {"lasts": "1s"}) if not isinstance(i, Ticks))
    assert isinstance(lost, FeedLost)
    assert lost.instruments == (0,)
    assert isinstance(back, FeedConnected)
    assert (lost.feed, back.ns - lost.ns) == (back.feed, SECOND)


PHASES = st.lists(
    st.fixed_dictionaries(
        {"lasts": st.integers(1, 40).map(lambda n: f"{n}s")},
        optional={
            "move_bps": st.integers(-9_999, 20_000), "noise_ticks": st.integers(0, 50), "silent": st.booleans(), "halted": st.booleans(),
            "crossed_ticks": st.integers(0, 20), "spread_ticks": st.integers(1, 30), "session": st.sampled_from(["up", "down"]),
        },
    ),
    min_size=1, max_size=5,
)  # fmt: skip


@given(PHASES, st.integers(0, 2**32), st.integers(1, 30))
def test_any_script_is_a_market_and_the_same_one_however_it_is_cut(phases: list[dict[str, Any]], seed: int, block: int) -> None:
    """Given any script, when it is cut into small blocks, then it is the same market, in order, on the grid and above nothing."""
    whole = played(*phases, instruments=TWO, seed=seed)
    small = played(*phases, instruments=TWO, seed=seed, block=block)
    assert [i for i in whole if not isinstance(i, Ticks)] == [i for i in small if not isinstance(i, Ticks)]
    table = concat([b for b in whole if isinstance(b, Ticks)])
    assert table == concat([b for b in small if isinstance(b, Ticks)])
    if len(table):
        assert unpack(pack(table)) == table
        times = [int(i.recv_ns[0]) if isinstance(i, Ticks) else i.ns for i in whole]
        assert times == sorted(times)
        tick_px = np.where(table.cols[INSTRUMENT] == 1, 5, 1)
        assert (table.cols[PX] >= tick_px).all()
        assert not (table.cols[PX] % tick_px).any()


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"symbols": ["TWO"], "phase": [{"lasts": "1s"}]}, "no instrument has the symbol 'TWO'"),
        ({"start_price": {"ONE": "1.234"}, "phase": [{"lasts": "1s"}]}, "start_price.ONE"),
        ({"phase": []}, "at least 1"),
        ({"phase": [{"lasts": "0s"}]}, "greater than or equal to 1"),
        ({"phase": [{"lasts": "1s", "move_bps": -10_000}]}, "greater than -10000"),
        ({"every": "1ns", "phase": [{"lasts": "1h"}]}, "at most 5,000,000"),
        ({"phase": [{"lasts": "9000d", "silent": True}] * 12}, "beyond the year 2262"),
        ({"phase": [{"lasts": "1s", "crossed": True}]}, "Extra inputs"),
    ],
)  # fmt: skip
def test_a_script_that_means_nothing_is_refused(keys: dict[str, Any], said: str) -> None:
    """Given a mistake in a script, when it is read, then it is named."""
    with pytest.raises((ValueError, ConfigInvalid), match=said):
        ScriptedFeed.model_validate({"kind": "scripted", **keys}).reader(ONE)
