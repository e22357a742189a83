"""Whatever a strategy sees ahead, it must decide what it decides tick by tick."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.strategies import BUILT_IN, BuyAndHold, Maker, Momentum, SmaCross, Vwap, lookahead
from domain.strategy import ScanningStrategy
from domain.terms import TickKind
from tests.domain.strategies.fake import ANSWER, FILL, LOSE, NIBBLE, TIMER, FakeContext, drive_plain, drive_scanning, walk

Params = st.SearchStrategy[dict[str, Any]]
SOURCES = st.sampled_from(["any", "any", "trade", "quote", "bar"])
SIDES = st.sampled_from(["long", "both"])
SMA: Params = st.builds(dict, fast=st.integers(1, 5), slow=st.integers(6, 15), qty=st.integers(1, 3), side=SIDES, source=SOURCES)
MOMENTUM: Params = st.builds(
    dict, lookback=st.integers(1, 12), threshold_ticks=st.integers(1, 8), hold=st.integers(1, 30), qty=st.integers(1, 3), side=SIDES, source=SOURCES
)
MAKER: Params = st.builds(
    dict,
    size=st.integers(1, 4),
    half_spread_ticks=st.integers(1, 4),
    max_inventory=st.integers(1, 6),
    skew_ticks=st.integers(0, 3),
    requote_ticks=st.integers(1, 5),
    refresh_ns=st.sampled_from([0, 50]),
    reference=st.sampled_from(["mid", "last"]),
)
VWAP: Params = st.builds(
    dict,
    qty=st.integers(1, 60),
    end_ns=st.integers(200, 900),
    side=st.sampled_from(["buy", "sell"]),
    start_ns=st.integers(0, 150),
    profile=st.lists(st.integers(1, 5), min_size=1, max_size=6).map(tuple),
    participation_bps=st.sampled_from([0, 100, 1_000, 10_000]),
    child_qty=st.integers(0, 9),
    volume=st.sampled_from(["trade", "bar"]),
)
HOLD: Params = st.builds(dict, fraction_bps=st.integers(1, 20_000), source=SOURCES)
CASES: list[tuple[type[ScanningStrategy], Params, tuple[int, ...]]] = [
    (SmaCross, SMA, (0, 2)),
    (Momentum, MOMENTUM, (0, 2)),
    (Maker, MAKER, (0, 2)),
    (Vwap, VWAP, (1,)),
    (BuyAndHold, HOLD, (0, 2)),
]
ALL_KINDS = [TickKind.TRADE, TickKind.QUOTE, TickKind.BAR]


def test_every_built_in_is_held_against_its_plain_form() -> None:
    assert {cls for cls, _, _ in CASES} == set(BUILT_IN.values())


@pytest.mark.parametrize(("cls", "params", "instruments"), CASES, ids=[c.__name__ for c, _, _ in CASES])
@given(data=st.data())
def test_scans_and_skips_over_tables_cut_anywhere_decide_as_tick_by_tick(
    cls: Callable[..., ScanningStrategy], params: Params, instruments: tuple[int, ...], data: st.DataObject
) -> None:
    kinds = data.draw(st.lists(st.sampled_from(ALL_KINDS), min_size=1, max_size=4), label="kinds")
    n = data.draw(st.integers(1, 400), label="n")
    count = data.draw(st.sampled_from([1, 3]), label="instruments")
    ticks = walk(data.draw(st.integers(0, 1 << 32), label="seed"), n, kinds, count)
    rows = st.integers(0, n - 1)
    script = data.draw(st.dictionaries(rows, st.sampled_from([ANSWER, FILL, NIBBLE, TIMER, LOSE]), max_size=25), label="script")
    told = data.draw(st.sets(rows, max_size=10), label="told")
    cuts = sorted(data.draw(st.sets(rows, max_size=5), label="cuts"))
    plain_from = data.draw(rows, label="tables of one from")
    plain_to = min(n, plain_from + data.draw(st.integers(0, 40)))
    cuts = sorted({*cuts, *range(plain_from, plain_to)})
    mine = (0,) if count == 1 else instruments
    arguments = data.draw(params, label="parameters")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lookahead, "SHORT", data.draw(st.sampled_from([1, 8, 64]), label="short"))
        patch.setattr(lookahead, "HORIZON", data.draw(st.sampled_from([30, 150, 1 << 15]), label="horizon"))
        plain, scanning = (FakeContext(mine, equity=10_000_000) for _ in range(2))
        one, other = cls(**arguments), cls(**arguments)
        one.on_start(plain)  # type: ignore[arg-type]
        other.on_start(scanning)  # type: ignore[arg-type]
        drive_plain(one, plain, ticks, script)
        drive_scanning(other, scanning, ticks, cuts, script, told)
        assert scanning.intents == plain.intents
        assert scanning.positions == plain.positions
