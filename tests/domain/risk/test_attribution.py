"""K-04: somebody answers for every order."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.context import Context
from domain.limits import OFF
from domain.risk import limits_of
from domain.terms import Scope
from tests.domain.harness import World, opening, trades
from tests.domain.risk.build import Acts, ask, card, denials, numbers
from tests.domain.test_engine import command


@pytest.mark.parametrize(("actor", "passed"), [("ann", True), ("a", True), ("", False), ("  ", False)])
def test_an_order_needs_a_name(actor: str, passed: bool) -> None:
    """Given an order with or without a person who answers for it, then the rule says which (1 is named)."""
    assert numbers(ask("K-04", (1,), actor=actor)) == (passed, int(passed), 1)


def test_without_the_duty_nothing_is_asked() -> None:
    """Given a flag that is 0, then nobody needs to answer."""
    assert numbers(ask("K-04", (0,), actor="")) == (True, 0, OFF)


def test_a_session_sends_what_an_owner_or_a_person_answers_for() -> None:
    """Given a strategy with an owner, one without, and a person, then only the orders of the second are denied."""

    def act(ctx: Context) -> None:
        ctx.replace(ctx.buy(0, 10, limit_px=10_000), qty=20)

    opened = opening(2)
    strategies = (msgspec.structs.replace(opened.strategies[0], owner="ann"), opened.strategies[1])
    limits = limits_of(Scope.ACCOUNT, (), {"require_owner": (1,)})
    world = World(Acts(act), Acts(act), limits=limits, strategies=strategies).tick(trades(10_000))
    world.step(command("order", symbol="X", side="buy", qty=10))
    assert denials(world) == [("UNATTRIBUTED", ["K-04"])]
    assert [o.strategy for o in world.sent] == [0, -1]
    assert len(world.engine.desk.outbox) == 3


def test_the_catalogue_says_what_the_rule_is() -> None:
    """Given the catalogue, then code, unit, scope and key are these, and nobody overrides it."""
    assert card("K-04") == ("UNATTRIBUTED", "flag", (("require_owner", "flag"),), (Scope.ACCOUNT,), False, None, 1)


@given(actor=st.text(max_size=5), duty=st.booleans())
def test_no_order_passes_without_a_name_where_one_is_asked_for(actor: str, duty: bool) -> None:
    """Given any text, then the rule passes exactly when it holds something to read, or nobody asks."""
    assert ask("K-04", (int(duty),), actor=actor).passed == (not duty or len(actor.split()) > 0)
