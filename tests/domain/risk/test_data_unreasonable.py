"""R-20b to R-20d: no order is priced from data that jumps, is crossed or has a gap."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.context import Context
from domain.events import FeedGap
from domain.limits import OFF
from domain.risk import KNOWN, Bound, limits_of
from domain.risk.data_unreasonable import EVERY
from domain.terms import OrderType, Scope, Side
from tests.domain.harness import World, quotes, trades
from tests.domain.risk.build import NOW, REF_SEQ, Acts, ask, bound, card, denials, market, numbers, proposal

MARKET = {"limit_px": 0, "order_type": OrderType.MARKET}
CLOSES = {"side": Side.SELL, "position_qty": 10}
SELL = {"side": Side.SELL}
SCOPES = (Scope.INSTRUMENT, Scope.CLASS, Scope.VENUE, Scope.STRATEGY, Scope.ACCOUNT)


@pytest.mark.parametrize(
    ("prices", "most", "changes", "passed", "observed"),
    [
        ((10_000, 10_100), 100, {}, True, 100),
        ((10_000, 10_101), 100, {}, False, 101),
        ((10_000, 9_900), 100, {}, True, 100),
        ((10_000, 9_899), 100, {}, False, 101),
        ((10_001, 10_034), 33, {}, True, 33),
        ((10_001, 10_034), 32, {}, False, 33),
        ((5_000, 10_000, 10_100), 100, {}, True, 100),
        ((10_000, 10_000), 0, {}, True, 0),
        ((1, 2), 10_000, {}, True, 10_000),
        ((1, 2), 9_999, {}, False, 10_000),
        ((10_000,), 100, {}, False, -1),
        ((10_000,), 100, MARKET | CLOSES, True, -1),
        ((10_000,), 100, CLOSES, False, -1),
        ((10_000, 10_101), 100, MARKET, False, 101),
        ((10_000, 10_101), 100, MARKET | CLOSES, True, 101),
        ((10_000, 10_101), 100, MARKET | CLOSES | {"qty": 11}, False, 101),
        ((10_000, 10_101), 100, CLOSES, False, 101),
        ((0, 10_000), 100, {}, False, -1),
        ((-1, 10_000), 100, {}, False, -1),
    ],
)
def test_a_jump_is_compared_at_the_limit_and_beyond(prices: tuple[int, ...], most: int, changes: dict[str, Any], passed: bool, observed: int) -> None:
    """Given the last two prices, then their distance is compared; without a price before the last one the rule fails, but for market orders that reduce."""
    check = ask("R-20b", (most,), market=market(trades(*prices)), **changes)
    assert numbers(check) == (passed, observed, most)
    assert check.seen == 1 + len(prices)


def test_without_any_price_a_jump_cannot_be_judged() -> None:
    """Given no price at all, then the rule fails and saw nothing."""
    check = ask("R-20b", (100,), market=market())
    assert (*numbers(check), check.seen) == (False, -1, 100, 0)


@pytest.mark.parametrize(
    ("pairs", "qty", "passed", "observed", "bid", "ask_px"),
    [
        ([(9_999, 10_000)], 1, True, 9_999, 9_999, 10_000),
        ([(10_000, 10_000)], 1, False, 10_000, 10_000, 10_000),
        ([(10_001, 10_000)], 1, False, 10_001, 10_001, 10_000),
        ([(10_001, 10_000), (9_998, 10_000)], 1, True, 9_998, 9_998, 10_000),
    ],
)
@pytest.mark.parametrize("later_trade", [False, True])
def test_a_crossed_or_locked_book_fails(
    pairs: list[tuple[int, int]], qty: int, passed: bool, observed: int, bid: int, ask_px: int, later_trade: bool
) -> None:
    """Given a last quote, then its bid is compared with its offer, whatever was traded since."""
    tables = [quotes(*pairs, qty=qty), *([trades(10_000, start=9)] if later_trade else [])]
    check = ask("R-20c", (1,), market=market(*tables))
    assert (*numbers(check), check.seen) == (passed, observed, ask_px, 1 + len(pairs))
    assert bid == observed


@pytest.mark.parametrize(("column", "name"), [(5, "bid"), (7, "ask")])
def test_a_book_with_an_empty_side_is_not_crossed(column: int, name: str) -> None:
    """Given a quote one side of which is empty, then nothing bounds the order, whatever price stands there."""
    table = quotes((10_001, 10_000))
    table.cols[column] = 0
    assert numbers(ask("R-20c", (1,), market=market(table))) == (True, 0, OFF)


def test_a_crossed_book_is_not_asked_for_without_the_flag_or_a_quote_and_lets_reductions_out() -> None:
    """Given no flag or no quote, then nothing bounds the order; given a crossed book, then a market order that reduces passes and no other."""
    crossed = market(quotes((10_001, 10_000), (10_001, 10_000)))
    assert numbers(ask("R-20c", (0,), market=crossed)) == (True, 0, OFF)
    assert numbers(ask("R-20c", (1,))) == (True, 0, OFF)
    assert numbers(ask("R-20c", (1,), market=crossed, **MARKET, **CLOSES)) == (True, 10_001, 10_000)
    assert not ask("R-20c", (1,), market=crossed, **CLOSES).passed
    assert not ask("R-20c", (1,), market=crossed, **MARKET).passed


def gapped(*gaps: tuple[int, int], flag: int = 1) -> Bound:
    """The rule after gaps, as (instrument, seq)."""
    b = bound("R-20d", flag)
    for instrument, seq in gaps:
        b.memory.evolve(FeedGap(NOW, 0, "f", instrument, "lost"), None, seq)
    return b


@pytest.mark.parametrize(
    ("gaps", "changes", "passed", "observed", "seen"),
    [
        ([], {}, True, 0, 0),
        ([(0, REF_SEQ - 1)], {}, True, 0, REF_SEQ - 1),
        ([(0, REF_SEQ)], {}, True, 0, REF_SEQ),
        ([(0, REF_SEQ + 1)], {}, False, 1, REF_SEQ + 1),
        ([(0, 3), (0, REF_SEQ + 2)], {}, False, 1, REF_SEQ + 2),
        ([(1, REF_SEQ + 1)], {}, True, 0, 0),
        ([(EVERY, REF_SEQ + 1)], {}, False, 1, REF_SEQ + 1),
        ([(EVERY, 2), (0, REF_SEQ + 1)], {}, False, 1, REF_SEQ + 1),
        ([(0, 2), (EVERY, REF_SEQ + 1)], {}, False, 1, REF_SEQ + 1),
        ([(EVERY, 1)], {"ref_seq": 0}, False, 1, 1),
        ([], {"ref_seq": 0}, True, 0, 0),
        ([(0, 9)], MARKET, False, 1, 9),
        ([(0, 9)], CLOSES, False, 1, 9),
        ([(0, 9)], MARKET | CLOSES, True, 1, 9),
    ],
)
def test_a_gap_newer_than_the_reference_fails(gaps: list[tuple[int, int]], changes: dict[str, Any], passed: bool, observed: int, seen: int) -> None:
    """Given gaps of an instrument or of no single one, when one is newer than the price, then the rule fails until the next price."""
    check = KNOWN["R-20d"].check(proposal(**changes), gapped(*gaps))
    assert (*numbers(check), check.seen) == (passed, observed, 0, seen)


def test_a_gap_is_not_asked_for_without_the_flag() -> None:
    """Given a flag that is 0, then a gap stops nothing."""
    check = KNOWN["R-20d"].check(proposal(), gapped((0, 99), flag=0))
    assert (*numbers(check), check.seen) == (True, 0, 0, 0)
    assert EVERY == -1


def test_a_session_waits_for_data_that_makes_sense() -> None:
    """Given all three rules, when prices jump, a gap is reported and quotes cross, then orders are denied by the one that saw it, and pass again after it."""

    def buy(ctx: Context) -> None:
        ctx.buy(0, 10, limit_px=10_000)

    limits = limits_of(Scope.INSTRUMENT, ("X",), {"max_jump_bps": (100,), "deny_crossed": (1,), "deny_gapped": (1,)})
    world = World(Acts(*[buy] * 9), limits=limits)
    world.tick(trades(10_000, 10_000, 10_200, 10_200))
    assert denials(world) == [("DATA_UNREASONABLE", ["R-20b"])] * 2
    world.step(FeedGap(world.engine.desk.now_ns, 0, "f", -1, "lost"))
    world.engine.contexts[0].buy(0, 10, limit_px=10_000)
    assert denials(world)[2:] == [("DATA_UNREASONABLE", ["R-20d"])]
    world.tick(trades(10_200, start=10)).tick(quotes((10_199, 10_201), (10_199, 10_201), (10_201, 10_199), (10_199, 10_201), start=11))
    assert denials(world)[3:] == [("DATA_UNREASONABLE", ["R-20b"]), ("DATA_UNREASONABLE", ["R-20c"])]
    assert len(world.sent) == 10 - 5


@pytest.mark.parametrize("scope", SCOPES)
def test_the_rules_bind_at_every_scope(scope: Scope) -> None:
    """Given the rules at any scope, then they answer."""
    assert not ask("R-20b", (100,), scope=scope).passed
    assert not ask("R-20c", (1,), scope=scope, market=market(quotes((2, 1)))).passed
    assert ask("R-20d", (1,), scope=scope).passed


def test_the_catalogue_says_what_the_rules_are() -> None:
    """Given the catalogue, then codes, units, scopes and keys are these, and nobody overrides them."""
    assert card("R-20b") == ("DATA_UNREASONABLE", "bps", (("max_jump_bps", "bps"),), SCOPES, False, None, 1)
    assert card("R-20c") == ("DATA_UNREASONABLE", "px", (("deny_crossed", "flag"),), SCOPES, False, None, 1)
    assert card("R-20d") == ("DATA_UNREASONABLE", "flag", (("deny_gapped", "flag"),), SCOPES, False, None, 1)


@given(prices=st.lists(st.integers(1, 300), min_size=1, max_size=6), most=st.integers(0, 20_000))
def test_a_jump_is_exact(prices: list[int], most: int) -> None:
    """Given any prices, then the rule passes exactly when the exact fraction is within the limit, and shows it rounded up."""
    check = ask("R-20b", (most,), market=market(trades(*prices)))
    if len(prices) == 1:
        assert not check.passed
        return
    jump = Fraction(abs(prices[-1] - prices[-2]) * 10_000, prices[-2])
    assert check.passed == (jump <= most)
    assert check.observed - 1 < jump <= check.observed


@given(happens=st.lists(st.sampled_from(["tick", "gap", "gap of another", "gap of all"]), max_size=12))
def test_an_order_passes_exactly_when_a_price_came_after_every_gap(happens: list[str]) -> None:
    """Given any run of prices and gaps, then the rule passes exactly when no gap of the instrument stands after its last price."""
    gaps = {"gap": 0, "gap of another": 1, "gap of all": -1}
    b = gapped(*((gaps[what], seq) for seq, what in enumerate(happens, 1) if what != "tick"))
    last = max((seq for seq, what in enumerate(happens, 1) if what == "tick"), default=0)
    check = KNOWN["R-20d"].check(proposal(ref_seq=last), b)
    assert check.passed == (not {"gap", "gap of all"} & set(happens[last:]))
