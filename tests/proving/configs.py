"""Sessions to prove: small ones that limit one thing each, and one that limits everything at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from domain.events import Balance, ControlSettings, SessionOpened, Sizing, StrategySpec
from domain.instrument import Instrument, instrument
from domain.limits import Limit
from domain.risk import limits_of
from domain.terms import Scope
from reenact.proving.adversary import Adversary
from reenact.proving.setup import Setup

S = 10**9
T0 = 1_700_000_000 * S
DIGITS = 4
USD = 10**DIGITS
X = instrument("X", price_digits=2, amt_digits=DIGITS)
Y = instrument("Y", price_digits=2, amt_digits=DIGITS, venue="ALT", asset_class="future", multiplier="5", tick_size="0.05", lot_size="2")
Z = instrument("Z", price_digits=3, qty_digits=1, amt_digits=DIGITS, venue="ALT", min_notional="20", lot_size="0.5")
Table = tuple[Scope, Sequence[str], Mapping[str, int | tuple[int, ...]]]


def limits(*tables: Table) -> tuple[Limit, ...]:
    """Limits from tables of (scope, members, numbers)."""
    found: list[Limit] = []
    for scope, members, numbers in tables:
        found += limits_of(scope, members, {k: v if isinstance(v, tuple) else (v,) for k, v in numbers.items()}, first_id=len(found) + 1)
    return tuple(found)


def setup(
    *tables: Table, instruments: Sequence[Instrument] = (X, Y), control: ControlSettings | None = None, sizing: tuple[Sizing | None, Sizing | None] = (None, None)
) -> Setup:  # fmt: skip
    """A session of two strategies with these limits and 10,000.00 USD. `sizing`: the policy of each strategy."""
    everything = tuple(range(len(instruments)))
    opened = SessionOpened(
        T0, 0, "test", "simulated", "", "{}", 7, tuple(instruments), limits(*tables),
        tuple(StrategySpec(f"s{i}", "", "", "", "{}", everything, owner="ada", sizing=sizing[i]) for i in range(2)), (Balance("USD", 10_000 * USD, DIGITS),),
        control=control or ControlSettings(),
    )  # fmt: skip
    return Setup(opened, lambda: [Adversary(), Adversary()], px=(10_000, 2_000, 50_000)[: len(instruments)])


BOTH = ("X", "Y")
ORDERS = setup(
    (Scope.INSTRUMENT, BOTH, {"max_order_qty": 40, "max_long": 60, "max_short": 50}), (Scope.ACCOUNT, (), {"max_order_value": 3_000 * USD})
)
PRICES = setup((Scope.INSTRUMENT, BOTH, {"collar_bps": 300, "max_age": 5 * S}))
RATES = setup(
    (Scope.ACCOUNT, (), {"message_rate": (12, 10 * S), "submit_rate": (6, 5 * S), "replace_rate": (2, 5 * S), "duplicate_window": 2 * S, "self_trade": 1}),
    (Scope.STRATEGY, ("s0",), {"max_repeats": 6, "cancel_rate": (3, 5 * S)}), (Scope.INSTRUMENT, ("X",), {"max_open_orders": 3}),
)  # fmt: skip
MEMORY = setup((Scope.ACCOUNT, (), {"duplicate_window": 2 * S}), (Scope.STRATEGY, ("s0",), {"max_repeats": 4}))
CROSSING = setup((Scope.ACCOUNT, (), {"self_trade": 1}), (Scope.INSTRUMENT, ("X",), {"max_open_orders": 4}))
DRIFT = setup((Scope.INSTRUMENT, BOTH, {"collar_drift_bps": 200, "collar_drift_window": 20 * S}))
CANCELS = setup((Scope.ACCOUNT, (), {"cancel_rate": (1, 5 * S)}))
EXPOSURE = setup(
    (Scope.ACCOUNT, (), {"max_gross": 4_000 * USD, "max_net": 2_500 * USD, "max_positions": 1, "max_credit": 6_000 * USD}), (Scope.INSTRUMENT, ("X",), {"require_locate": 1})
)  # fmt: skip
LOSSES = setup((Scope.ACCOUNT, (), {"daily_loss": 30 * USD, "drawdown": 60 * USD}), (Scope.INSTRUMENT, BOTH, {"max_long": 40, "max_short": 40}))
STREAKS = setup((Scope.ACCOUNT, (), {"loss_streak": 2, "loss_window": 600 * S, "loss_cooldown": 60 * S}))
HOURS = setup(
    (Scope.CLASS, ("equity",), {"hours": (0, 1380)}), (Scope.INSTRUMENT, ("Y",), {"restricted_from": T0 + 3_600 * S, "restricted_until": T0 + 7_200 * S})
)  # fmt: skip
CONTROL = setup(
    (Scope.INSTRUMENT, BOTH, {"max_order_qty": 5}),
    control=ControlSettings(two_persons=("limits",), approvers=("bob", "cy"), order_ttl_ns=100 * S, disconnect_ns=30 * S),
)  # fmt: skip
BORROW = setup((Scope.INSTRUMENT, BOTH, {"borrow_qty": 30, "require_locate": 1, "max_volume_bps": 9_756, "average_volume": 41}))
OWNED = setup((Scope.INSTRUMENT, ("X",), {"exclusive": 1}), (Scope.INSTRUMENT, ("Y",), {"max_long": 30, "max_short": 30}))
WATCHED = setup(
    (Scope.ACCOUNT, (), {"spoof_share": 4_000, "spoof_life": S, "spoof_window": 60 * S, "spoof_orders": 2, "wash_window": S}),
    (Scope.STRATEGY, ("s0",), {"layering_orders": 1, "layering_window": 10 * S}), (Scope.STRATEGY, ("s1",), {"layering_orders": 2, "layering_window": 60 * S}),
)  # fmt: skip
SIZED = setup(
    (Scope.INSTRUMENT, BOTH, {"max_long": 400, "max_short": 400}),
    sizing=(Sizing(risk_bps=100, leverage=200, margin_bps=5_000), Sizing(margin_bps=10_000, max_qty=30, on_excess="refuse")),
)
EVERYTHING = setup(
    (Scope.INSTRUMENT, ("X", "Y", "Z"), {
        "max_order_qty": 40, "collar_bps": 300, "max_long": 60, "max_short": 50, "max_age": 5 * S, "collar_ticks": 900, "max_open_orders": 6,
        "deny_gapped": 1, "collar_drift_bps": 700, "collar_drift_window": 60 * S,
    }),
    (Scope.INSTRUMENT, ("Y",), {"max_jump_bps": 900, "deny_crossed": 1, "max_order_to_trade": 600, "otr_free": 10, "require_locate": 1, "borrow_qty": 30}),
    (Scope.INSTRUMENT, ("Z",), {"restricted_from": T0 + 3_600 * S, "restricted_until": T0 + 7_200 * S, "expires": T0 + 3 * 86_400 * S}),
    (Scope.ACCOUNT, (), {
        "max_order_value": 6_000 * USD, "self_trade": 2, "duplicate_window": 2 * S, "max_gross": 20_000 * USD, "max_net": 12_000 * USD,
        "max_credit": 40_000 * USD, "margin_bps": 2_000, "max_positions": 2, "message_rate": (12, 10 * S), "submit_rate": (10, 10 * S),
        "replace_rate": (3, 5 * S), "max_gross_pct": 300, "max_open_value": 15_000 * USD, "order_types": 62, "daily_loss": 500 * USD,
        "drawdown_bps": 800, "loss_streak": 3, "loss_window": 600 * S, "loss_cooldown": 300 * S, "require_owner": 1,
    }),
    (Scope.STRATEGY, ("s0",), {
        "max_repeats": 8, "repeat_window": 600 * S, "max_instruments": 2, "max_venues": 2, "max_strategy_orders": 30, "max_strategy_value": 9_000 * USD,
        "deny_short": 1, "cancel_rate": (3, 5 * S), "max_concentration": 9_000, "daily_realised_loss": 300 * USD,
    }),
    (Scope.CLASS, ("equity",), {"max_net": 5_000 * USD, "hours": (0, 1_430)}),
    instruments=(X, Y, Z),
    control=ControlSettings(two_persons=("limits",), approvers=("bob", "cy"), order_ttl_ns=100 * S, disconnect_ns=30 * S),
)  # fmt: skip


ALL = {
    "orders": ORDERS, "prices": PRICES, "rates": RATES, "memory": MEMORY, "crossing": CROSSING, "drift": DRIFT, "cancels": CANCELS, "exposure": EXPOSURE, "losses": LOSSES,
    "streaks": STREAKS, "hours": HOURS, "control": CONTROL, "borrow": BORROW, "owned": OWNED, "watched": WATCHED, "sized": SIZED, "everything": EVERYTHING,
}  # fmt: skip
