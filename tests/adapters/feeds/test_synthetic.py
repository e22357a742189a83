"""Synthetic markets: the same for the same seed, on the grid, and lively enough to trade."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from adapters.feeds import SyntheticFeed
from domain.errors import ConfigInvalid
from domain.instrument import instrument
from domain.ticks import ASK_PX, BAR, BID_PX, CLOSE_PX, HIGH_PX, LOW_PX, OPEN_PX, PX, QTY, QUOTE, SIDE, TRADE, Ticks
from tests.adapters.feeds.reading import read

SPECS = (instrument("A", tick_size="0.05", lot_size=100), instrument("B", price_digits=4, qty_digits=3, tick_size="0.0001", lot_size="0.010"))
KINDS = ["trades", "quotes", "mixed", "bars"]


def drawn(block: int = 8192, **fields: Any) -> Ticks:
    ticks, refused = read(SyntheticFeed(**({"n": 2000, "seed": 7} | fields)).reader(SPECS, block))
    assert refused == []
    return ticks


@pytest.mark.parametrize("data", KINDS)
@given(n=st.integers(1, 40_000), block=st.integers(1, 20_000), seed=st.integers(0, 2**64))
def test_the_same_seed_gives_the_same_ticks_whatever_the_block_and_a_shorter_run_is_a_prefix(data: str, n: int, block: int, seed: int) -> None:
    whole = drawn(n=n, seed=seed, data=data)
    assert drawn(block, n=n, seed=seed, data=data) == whole
    short = max(1, n // 2)
    assert drawn(n=short, seed=seed, data=data) == whole.slice(0, short)


@pytest.mark.parametrize(
    ("data", "digest"),
    [("trades", "49f8371010126326"), ("quotes", "85e7fbb3c19b0ffc"), ("mixed", "3e6d893d749e46a0"), ("bars", "56344132f08f393f")],
)
def test_a_seed_gives_these_ticks_on_every_platform_and_in_every_version(data: str, digest: str) -> None:
    assert sha256(drawn(data=data).cols.astype("<i8").tobytes()).hexdigest()[:16] == digest


def test_another_seed_gives_another_market() -> None:
    assert drawn(seed=1) != drawn(seed=2)


@given(
    data=st.sampled_from(KINDS), seed=st.integers(0, 1000), step=st.integers(1, 1000), jumps=st.integers(0, 10**6), spread=st.integers(1, 50),
    start=st.sampled_from(["0.05", "100"]),
)  # fmt: skip
def test_prices_are_positive_and_on_the_grid_and_times_never_go_back(data: str, seed: int, step: int, jumps: int, spread: int, start: str) -> None:
    ticks = drawn(data=data, seed=seed, step_ticks=step, jumps_per_million=jumps, spread_ticks=spread, start_price={"A": start}, latency="2ms")
    assert bool((np.diff(ticks.recv_ns) >= 0).all())
    assert set((ticks.recv_ns - ticks.event_ns).tolist()) == {2_000_000}
    for n, spec in enumerate(SPECS):
        mine = ticks.cols[:, ticks.instrument == n]
        rows = {TRADE: [PX], QUOTE: [BID_PX, ASK_PX], BAR: [OPEN_PX, HIGH_PX, LOW_PX, CLOSE_PX]}
        for kind, prices in rows.items():
            px = mine[prices][:, mine[0] == kind]
            assert bool((px > 0).all())
            assert not (px % spec.tick_px).any()
        sizes = mine[QTY, mine[0] != BAR]
        assert bool((sizes > 0).all())
        assert not (sizes % spec.lot_qty).any()
    quotes = ticks.cols[:, ticks.kind == QUOTE]
    assert bool((quotes[BID_PX] < quotes[ASK_PX]).all())
    bars = ticks.cols[:, ticks.kind == BAR]
    assert bool((bars[LOW_PX] <= np.minimum(bars[OPEN_PX], bars[CLOSE_PX])).all())
    assert bool((bars[HIGH_PX] >= np.maximum(bars[OPEN_PX], bars[CLOSE_PX])).all())


def test_instruments_are_interleaved_and_both_sides_trade() -> None:
    ticks = drawn(data="mixed", n=20_000)
    assert int((ticks.kind == TRADE).sum()) in range(4800, 5200)
    assert int((ticks.kind == QUOTE).sum()) in range(14_800, 15_200)
    assert int((ticks.instrument == 0).sum()) in range(9700, 10_300)
    assert set(ticks.cols[SIDE, ticks.kind == TRADE].tolist()) == {-1, 1}


def test_mean_interval_is_the_mean_of_the_times_between_ticks() -> None:
    ticks = drawn(n=20_000, mean_interval="10ms")
    assert abs(int(ticks.recv_ns[-1] - ticks.recv_ns[0]) // 20_000 - 10_000_000) < 200_000


def test_regimes_and_jumps_make_the_market_wilder() -> None:
    def reach(**fields: Any) -> int:
        px = drawn(n=20_000, symbols=("A",), start_price={"A": "1000"}, **fields).cols[PX]
        return int(np.abs(np.diff(px)).max())

    calm = reach(regime_ticks=0, jumps_per_million=0)
    assert calm < reach(regime_ticks=500, jumps_per_million=0) < reach(regime_ticks=500, jumps_per_million=1000)


def test_one_symbol_of_several_keeps_its_place_among_the_instruments() -> None:
    assert set(drawn(symbols=("B",)).instrument.tolist()) == {1}


def test_bars_of_all_instruments_close_together_at_every_interval() -> None:
    ticks = drawn(data="bars", n=6, interval="5m", start="2024-01-01T00:00:00Z")
    first = 1_704_067_200 * 10**9
    assert ticks.recv_ns.tolist() == [first + m * 300 * 10**9 for m in (1, 1, 2, 2, 3, 3)]
    assert ticks.instrument.tolist() == [0, 1, 0, 1, 0, 1]


def test_a_symbol_or_price_that_does_not_fit_is_refused() -> None:
    with pytest.raises(ConfigInvalid, match="no instrument has the symbol 'C'; the symbols are A, B"):
        drawn(symbols=("C",))
    with pytest.raises(ConfigInvalid, match="more than 2 decimal digits"):
        drawn(start_price={"A": "1.005"})
    with pytest.raises(ValidationError, match="beyond the year 2262"):
        SyntheticFeed(n=10**9, seed=1, mean_interval="1d")


def test_the_configuration_survives_its_json_form() -> None:
    config = SyntheticFeed(n=5, seed=2**63, mean_interval="250us", start="2024-01-01T00:00:00Z")
    assert SyntheticFeed.model_validate_json(config.model_dump_json()) == config
