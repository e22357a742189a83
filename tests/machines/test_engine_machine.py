"""The engine under any sequence of ticks, wishes, commands, reports, waits and restarts: no event breaks an invariant.

The machine and the recount that it holds the engine against are `reenact.proving`, as users have them; here Hypothesis itself shrinks.
"""

from __future__ import annotations

from hypothesis import settings

from domain.terms import Scope
from reenact.testing import machine
from tests.proving.configs import BOTH, USD, S, setup

TestEngineMachine = machine(
    setup(
        (Scope.INSTRUMENT, BOTH, {"max_order_qty": 40, "collar_bps": 300, "max_long": 60, "max_short": 50, "max_age": 5 * S}),
        (Scope.ACCOUNT, (), {"max_order_value": 6_000 * USD}),
    )
)
TestEngineMachine.settings = settings(max_examples=60, stateful_step_count=40)  # type: ignore[attr-defined]
