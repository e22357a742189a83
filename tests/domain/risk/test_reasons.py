"""The reason of a denial is the first failing rule, and all rules answer."""

from __future__ import annotations

from domain.context import Context
from domain.events import OrderDenied
from domain.risk import RULES
from tests.domain.harness import World, bounds, trades
from tests.domain.risk.build import SPEC, Acts, Y, denials


def test_every_rule_answers_even_when_the_first_fails() -> None:
    """Given an order that breaks many rules, then all answers are recorded in the order of the rules and the first failing one gives the reason."""

    def act(ctx: Context) -> None:
        ctx.buy(0, 11, limit_px=20_001)

    limits = bounds(
        max_order_qty=1, max_order_value=1, collar_bps=1, max_long=1, max_age=0, restricted_from=1, expires=1, hours=(0, 0), max_jump_bps=1
    )
    world = World(Acts(act), instruments=(SPEC, Y), limits=limits).tick(trades(10_000))
    assert denials(world) == [
        ("RESTRICTED", ["R-17", "R-19e", "R-22", "R-19b", "R-19c", "R-20b", "R-01", "R-04", "R-03", "R-07"]),
    ]  # fmt: skip
    (denied,) = world.of(OrderDenied)
    assert isinstance(denied, OrderDenied)
    order = [r.id for r in RULES]
    answered = [c.rule for c in denied.checks]
    assert answered == sorted(answered, key=order.index)
    assert {r.id for r in RULES if not r.params and not r.on_cancel} <= set(answered)
