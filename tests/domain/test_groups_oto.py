"""Orders that another order triggers."""

from __future__ import annotations

import pytest

from domain.events import (
    Leg,
)
from domain.terms import FailurePolicy, Side
from tests.domain.grouped import ALERT, FLATTEN, RETRY, Grouped


def oto(w: Grouped, *then: Leg, on_failure: FailurePolicy = ALERT) -> Grouped:
    w.ctx.oto(
        0,
        Leg(Side.BUY, 10, limit_px=10_000),
        *(then or (Leg(Side.SELL, 10, limit_px=10_500), Leg(Side.BUY, 5, limit_px=9_000))),
        on_failure=on_failure,
    )
    return w


def test_a_whole_fill_triggers_the_others() -> None:
    """Given an entry that triggers two orders, when it is filled in part, then nothing; when it is filled whole, then both are sent, once."""
    w = oto(Grouped()).answer().trade("entry", 9)
    assert w.works == {"entry": 1}
    w.trade("entry", 1).answer()
    assert w.works == {"then 1": 10, "then 2": 5}
    w.trade("then 1", 10).answer()
    assert w.works == {"then 2": 5}
    w.trade("then 2", 5)
    assert w.closings == [(1, 0, "every order ended")]


@pytest.mark.parametrize(("qty", "reason"), [(0, "the entry ended unfilled"), (9, "the entry ended partly filled")])
def test_an_entry_that_ends_sooner_triggers_nothing(qty: int, reason: str) -> None:
    """Given an entry that triggers others, when it ends before it is filled whole, then they never leave and the group closes."""
    w = oto(Grouped()).answer()
    if qty:
        w.trade("entry", qty)
    w.end("entry")
    assert (w.works, w.closings) == ({}, [(1, 0, reason)])


@pytest.mark.parametrize(("policy", "works"), [(ALERT, {"then 2": 5}), (RETRY, {"then 1": 10, "then 2": 5}), (FLATTEN, {"flat": 10})])
def test_a_triggered_order_that_fails_follows_the_policy(policy: FailurePolicy, works: dict[str, int]) -> None:
    """Given triggered orders, when the venue rejects one, then it is left, sent again, or the position of the group is closed."""
    w = oto(Grouped(), on_failure=policy).answer().trade("entry", 10).answer().end("then 1", "rejected").answer().wait().answer()
    assert (w.failures, w.works) == ([("then 1", policy.name)], works)
