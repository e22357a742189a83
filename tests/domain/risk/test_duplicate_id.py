"""R-15: a client order id is used once."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.context import Context
from domain.events import OrderCanceled, OrderCancelRequested, OrderReplaceRequested, OrderSubmitted
from domain.order import Order
from domain.orders import CLOSED_WINDOW
from domain.risk import KNOWN, Check
from domain.risk.duplicate_id import number_of
from domain.terms import Scope
from tests.domain.harness import World, trades
from tests.domain.risk.build import NOW, Acts, account, bound, card, denials, numbers, proposal, submitted


@pytest.mark.parametrize(
    ("cl_ord_id", "number"),
    [("abc-12", 12), ("abc-0", 0), ("a-b-7", 7), ("12", 12), ("abc", -1), ("abc-", -1), ("", -1), ("abc--3", 3), ("abc-1x", -1), ("abc-+1", -1)],
)
def test_an_id_ends_with_its_number(cl_ord_id: str, number: int) -> None:
    """Given an id, then its number is what follows the last hyphen, -1 for none."""
    assert number_of(cl_ord_id) == number


def ask_after(cl_ord_id: str, *before: Any, known: str = "") -> Check:
    """What the rule says of an id after requests of ours; `known`: an order that the account still knows."""
    b = bound("R-15")
    for seq, event in enumerate(before, 1):
        b.memory.evolve(event, Order(submitted()), seq)
    state = account(submitted(known)) if known else account()
    return KNOWN["R-15"].check(proposal(cl_ord_id=cl_ord_id, account=state), b)


@pytest.mark.parametrize(
    ("cl_ord_id", "before", "passed", "observed", "limit"),
    [
        ("t-1", (), True, 1, 0),
        ("t-0", (), False, 0, 0),
        ("t-6", (submitted("t-5"),), True, 6, 5),
        ("t-5", (submitted("t-5"),), False, 5, 5),
        ("t-4", (submitted("t-5"),), False, 4, 5),
        ("t-10", (submitted("t-9"),), True, 10, 9),
        ("t-6", (submitted("t-5"), OrderCancelRequested(NOW, 0, "t-6", "t-5", "")), False, 6, 6),
        ("t-6", (submitted("t-5"), OrderReplaceRequested(NOW, 0, "t-6", "t-5", 1, 1, 0, 0)), False, 6, 6),
        ("t-7", (submitted("t-5"), OrderReplaceRequested(NOW, 0, "t-6", "t-5", 1, 1, 0, 0)), True, 7, 6),
        ("t-6", (submitted("t-6"), submitted("t-3")), False, 6, 6),
        ("t-6", (submitted("t-5"), submitted("strange")), True, 6, 5),
        ("strange", (), False, -1, 0),
        ("", (), False, -1, 0),
    ],
)
def test_the_number_is_compared_with_the_last_one_used(cl_ord_id: str, before: tuple[Any, ...], passed: bool, observed: int, limit: int) -> None:
    """Given requests of ours, when an id comes whose number is not larger than each of theirs, or that has none, then the rule fails."""
    found = ask_after(cl_ord_id, *before)
    assert numbers(found) == (passed, observed, limit)
    assert found.seen == len(before)


def test_an_id_that_is_still_known_fails_whatever_its_number() -> None:
    """Given an order that the account knows, when its id comes again with a larger number than any of ours, then the rule fails."""
    assert numbers(ask_after("t-9", submitted("t-5"), known="t-9")) == (False, 9, 5)
    assert numbers(ask_after("t-9", submitted("t-5"), known="t-8")) == (True, 9, 5)


def test_an_id_whose_order_was_forgotten_is_not_used_again() -> None:
    """Given more closed orders than are remembered, when the counter of ids is set back, then every order is denied and nothing leaves."""
    world = World(Acts())
    desk = world.engine.desk
    ctx = world.engine.contexts[0]
    world.tick(trades(10_000))
    for _ in range(CLOSED_WINDOW + 2):
        cl_ord_id = ctx.buy(0, 10, limit_px=10_000)
        world.engine.step(OrderCanceled(desk.now_ns, 0, cl_ord_id, desk.now_ns, "", ""))
    assert desk.state.orders.find(f"{desk.code}-1") is None
    desk.order_n = 0
    ctx.buy(0, 10, limit_px=10_000)
    assert denials(world) == [("DUPLICATE_ID", ["R-15"])]
    assert len(world.sent) == CLOSED_WINDOW + 2


def test_every_request_of_a_session_has_an_id_of_its_own() -> None:
    """Given orders, replacements, cancels and denials, then no id stands on two requests and all approved orders passed the rule."""

    def act(ctx: Context) -> None:
        first = ctx.buy(0, 10, limit_px=10_000)
        ctx.replace(first, qty=20)
        ctx.buy(0, -1)
        second = ctx.sell(1, 10, limit_px=10_000)
        ctx.cancel(second)
        ctx.buy(0, 10)

    world = World(Acts(act, act)).tick(trades(10_000, 10_000))
    ids = [e.cl_ord_id for e in world.of(OrderSubmitted, OrderReplaceRequested, OrderCancelRequested)]  # type: ignore[union-attr]
    assert len(ids) == len(set(ids)) == 10
    assert denials(world) == [("INVALID_LOT", ["R-19c"])] * 2


def test_the_catalogue_says_what_the_rule_is() -> None:
    """Given the catalogue, then the rule always binds the account."""
    assert card("R-15") == ("DUPLICATE_ID", "count", (), (Scope.ACCOUNT,), False, None, 1)


@given(used=st.lists(st.integers(0, 30), max_size=10), n=st.integers(0, 31))
def test_an_id_passes_only_when_it_was_never_used(used: list[int], n: int) -> None:
    """Given any ids that were used in any order, when one passes, then it is none of them, nor smaller than any."""
    found = ask_after(f"t-{n}", *(submitted(f"t-{u}") for u in used))
    assert found.passed == (n > max(used, default=0))
    assert not (found.passed and n in used)
