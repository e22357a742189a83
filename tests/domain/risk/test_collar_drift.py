"""R-02: own prices do not wander off within a window."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.context import Context
from domain.events import OrderDenied, OrderReplaceRequested
from domain.limits import OFF
from domain.order import Order
from domain.risk import KNOWN, Bound, Check
from domain.risk.collar_drift import MOST
from domain.terms import OrderType, Scope, Side
from tests.domain.harness import SECOND, World, bounds, trades
from tests.domain.risk.build import NOW, Acts, ask, bound, card, denials, numbers, proposal, submitted

WINDOW = 10 * SECOND


def send(b: Bound, px: int, ns: int = NOW, seq: int = 1, **changes: Any) -> None:
    """An order of ours at a price was sent."""
    event = submitted(f"o-{seq}", limit_px=px, ns=ns, **changes)
    b.memory.evolve(event, Order(event), seq)


def drift(b: Bound, px: int, ns: int = NOW, **changes: Any) -> Check:
    """What the rule says of an order at a price."""
    return KNOWN["R-02"].check(proposal(limit_px=px, now_ns=ns, **changes), b)


@pytest.mark.parametrize(
    ("before", "px", "passed", "observed", "seen"),
    [
        ((), 10_000, True, 0, 0),
        ((10_000,), 10_100, True, 100, 1),
        ((10_000,), 10_101, False, 101, 1),
        ((10_100,), 10_000, True, 100, 1),
        ((10_101,), 10_000, False, 101, 1),
        ((10_000, 10_050), 10_025, True, 50, 2),
        ((10_050, 10_000), 10_025, True, 50, 2),
        ((10_000, 10_060, 10_050), 10_100, True, 100, 1),
        ((10_000, 10_101), 10_050, False, 101, 2),
        ((10_000,), 10_000, True, 0, 0),
        ((10_000, 10_000), 10_001, True, 1, 2),
        ((10_000, 10_000), 9_999, True, 2, 2),
        ((1,), 2, False, 10_000, 1),
        ((2,), 1, False, 10_000, 1),
    ],
)
def test_the_band_of_own_prices_is_compared_at_the_limit_and_beyond(before: tuple[int, ...], px: int, passed: bool, observed: int, seen: int) -> None:
    """Given prices that were sent, when another comes, then highest and lowest are compared, and shown with the newer of the two that made them."""
    b = bound("R-02", 100, WINDOW)
    for n, earlier in enumerate(before, 1):
        send(b, earlier, seq=n)
    check = drift(b, px)
    assert numbers(check) == (passed, observed, 100)
    assert check.seen == seen


def test_a_price_counts_for_the_length_of_the_window_and_no_longer() -> None:
    """Given a price, when another comes just before the window has passed, then both count; at its end only the new one."""
    b = bound("R-02", 100, WINDOW)
    send(b, 10_000, NOW - WINDOW + 1, 1)
    send(b, 9_950, NOW - WINDOW + 1, 2)
    send(b, 9_960, NOW, 3)
    assert numbers(drift(b, 10_051)) == (False, 102, 100)
    assert numbers(drift(b, 10_051, NOW + 1)) == (True, 92, 100)
    assert numbers(drift(b, 9_000, NOW + 1)) == (False, 1067, 100)
    assert numbers(drift(b, 9_000, NOW + WINDOW)) == (True, 0, 100)


def test_what_the_window_has_left_behind_is_forgotten() -> None:
    """Given a price at the very end of the window, when another is sent, then nothing of the first is kept."""
    b = bound("R-02", 100, WINDOW)
    send(b, 10_000, NOW - WINDOW)
    send(b, 9_999, NOW, 2)
    assert list(b.memory.bands[0].highs.items) == [(9_999, NOW, 2)]
    assert list(b.memory.bands[0].lows.items) == [(-9_999, NOW, 2)]


def test_the_next_extreme_counts_when_the_first_has_left_the_window() -> None:
    """Given a high price, a low and a middling one, when the high one has left the window, then the middling one is the highest."""
    b = bound("R-02", 30, WINDOW)
    send(b, 10_060, NOW, 1)
    send(b, 10_000, NOW + 1, 2)
    send(b, 10_050, NOW + 2, 3)
    check = drift(b, 10_010, NOW + WINDOW)
    assert (*numbers(check), check.seen) == (False, 50, 30, 3)


def test_only_candidates_for_an_extreme_are_kept_and_of_those_a_bounded_number() -> None:
    """Given ever lower prices, when more were sent than are kept, then the highest counts as long as the one sent after it."""
    b = bound("R-02", 0, WINDOW)
    send(b, 20_000, NOW, 1)
    send(b, 20_000, NOW, 2)
    assert list(b.memory.bands[0].highs.items) == [(20_000, NOW, 2)]
    for n in range(3, MOST + 3):
        send(b, 20_002 - n, NOW + n, n)
    highs = b.memory.bands[0].highs
    assert len(highs.items) == MOST == 1024
    assert highs.items[0] == (20_000, NOW + 3, 2)
    assert highs.items[1] == (19_998, NOW + 4, 4)
    assert len(b.memory.bands[0].lows.items) == 1
    assert numbers(drift(b, 20_000, NOW + WINDOW + 2)) == (False, 540, 0)


def test_a_market_order_has_no_price_and_a_replacement_has_one() -> None:
    """Given a market order, then it neither fails nor counts; given a replacement or a stop, then its price counts."""
    b = bound("R-02", 100, WINDOW)
    send(b, 0, order_type=OrderType.MARKET)
    assert b.memory.bands == {}
    order = Order(submitted())
    b.memory.evolve(OrderReplaceRequested(NOW, 0, "n", "w1", 10, 10_101, 0, 0), order, 4)
    assert numbers(drift(b, 10_000)) == (False, 101, 100)
    assert numbers(drift(b, 0, order_type=OrderType.MARKET)) == (True, 0, 100)
    assert numbers(drift(b, 0, stop_px=10_101, order_type=OrderType.STOP)) == (True, 0, 100)
    assert numbers(drift(b, 0, stop_px=10_000, order_type=OrderType.STOP)) == (False, 101, 100)
    send(b, 0, stop_px=9_000, order_type=OrderType.STOP)
    assert numbers(drift(b, 10_101)) == (False, 1224, 100)


def test_instruments_are_measured_apart() -> None:
    """Given a price in another instrument, then it does not count."""
    b = bound("R-02", 100, WINDOW, scope=Scope.STRATEGY)
    send(b, 5_000, instrument=1)
    assert numbers(drift(b, 10_000)) == (True, 0, 100)
    assert numbers(drift(b, 10_000, instrument=1)) == (False, 10_000, 100)


@pytest.mark.parametrize("values", [(100, OFF), (OFF, WINDOW)])
def test_with_one_of_the_numbers_off_nothing_is_bounded(values: tuple[int, int]) -> None:
    """Given only a band or only a window, then every price passes and the record says that nothing bounds it."""
    b = bound("R-02", *values)
    send(b, 1)
    assert numbers(drift(b, 10_000)) == (True, 0, OFF)


@pytest.mark.parametrize("window", [0, 1])
def test_the_shortest_windows(window: int) -> None:
    """Given a window of nothing, then no price counts; given one of a nanosecond, then those of the same moment."""
    b = bound("R-02", 0, window)
    send(b, 10_000)
    assert drift(b, 10_001).passed == (window == 0)
    assert drift(b, 10_001, NOW + 1).passed


def test_a_price_that_is_none_fails() -> None:
    """Given a negative price, then the rule fails, whatever was sent before."""
    b = bound("R-02", 100, WINDOW)
    assert numbers(drift(b, -10_000)) == (False, -1, 100)
    send(b, 10_000)
    assert numbers(drift(b, -1)) == (False, -1, 100)
    assert numbers(drift(b, 1)) == (False, 99_990_000, 100)
    b.memory.bands[0].lows.push(0, NOW, 2, NOW - 1)
    assert numbers(drift(b, 1)) == (False, -1, 100)
    assert numbers(ask("R-02", (100, WINDOW), limit_px=1)) == (True, 0, 100)


def nothing(ctx: Context) -> None:
    """Let a tick pass."""


def test_orders_and_replacements_of_a_session_are_held_to_the_band() -> None:
    """Given a band of 1 % over 10 s, when prices creep up each near the last, then the one beyond the band is denied until the window has passed."""
    prices = [10_000, 10_060, 10_100, 10_101]
    first: list[str] = []

    def at(px: int) -> Any:
        return lambda ctx: first.append(ctx.buy(0, 10, limit_px=px))

    def replaced(ctx: Context) -> None:
        ctx.replace(first[0], limit_px=10_102)

    acts = Acts(*(at(px) for px in prices), replaced, *[nothing] * 5, at(10_101))
    world = World(acts, limits=bounds(collar_drift_bps=100, collar_drift_window=WINDOW)).tick(trades(*[10_000] * 11))
    assert denials(world) == [("PRICE_COLLAR_WINDOW", ["R-02"])] * 2
    assert [e.ns for e in world.of(OrderDenied)] == [e.ns + 3 * SECOND + n * SECOND for e in world.sent[:1] for n in (0, 1)]
    assert [o.limit_px for o in world.sent] == [10_000, 10_060, 10_100, 10_101]


def test_the_catalogue_says_what_the_rule_is() -> None:
    """Given the catalogue, then code, units, scopes and keys are these."""
    scopes = (Scope.INSTRUMENT, Scope.STRATEGY, Scope.CLASS, Scope.VENUE, Scope.ACCOUNT)
    params = (("collar_drift_bps", "bps"), ("collar_drift_window", "ns"))
    assert card("R-02") == ("PRICE_COLLAR_WINDOW", "bps", params, scopes, True, None, 1)


@given(
    sends=st.lists(st.tuples(st.integers(0, 5), st.integers(1, 50), st.sampled_from([0, 1])), max_size=30),
    most=st.integers(0, 20_000), window=st.integers(1, 12),
)  # fmt: skip
def test_own_prices_in_any_window_stay_in_the_band(sends: list[tuple[int, int, int]], most: int, window: int) -> None:
    """Given any prices in any rhythm, when those that pass are sent, then the rule answers as the naive formula over all that was sent."""
    b = bound("R-02", most, window, scope=Scope.ACCOUNT)
    sent: list[tuple[int, int, int]] = []
    now = NOW
    for n, (wait, px, instrument) in enumerate(sends, 1):
        now += wait
        prices = [p for ns, p, i in sent if i == instrument and ns > now - window] + [px]
        spread = Fraction((max(prices) - min(prices)) * 10_000, min(prices))
        check = drift(b, px, now, instrument=instrument, side=Side.BUY)
        assert check.passed == (spread <= most)
        assert check.observed - 1 < spread <= check.observed
        if check.passed:
            send(b, px, now, n, instrument=instrument)
            sent.append((now, px, instrument))
