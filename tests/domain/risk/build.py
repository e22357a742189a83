"""Given a proposal that passes everything, when one thing is changed, then one rule says so: what the tests of all rules are built from.

Three instruments: X (index 0, with a grid and a minimum notional) and Y (1) on the venue SIM in the class equity, XBT (2, inverse) on DERIV in
crypto. Two strategies, s0 and s1. The time is `NOW`; the only price is a trade of X at 100.00 a second ago, with seq 7.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from domain.context import Context
from domain.events import OrderDenied, OrderSubmitted
from domain.instrument import instrument
from domain.limits import OFF, Check, Limit
from domain.market import Market
from domain.order import Order
from domain.risk import KNOWN, RULES, Book, Bound, Proposal
from domain.state import State
from domain.strategy import Strategy
from domain.terms import OrderType, Scope, Side, TimeInForce, TradingState
from domain.ticks import Tick, Ticks
from domain.value import Contract
from tests.domain.harness import SECOND, T0, World, opening, trades

SPEC = instrument("X", price_digits=2, qty_digits=0, tick_size="0.05", lot_size="10", min_notional="100")
Y = instrument("Y", price_digits=2, qty_digits=0)
INVERSE = instrument("XBT", quote="USD", base="BTC", inverse=True, price_digits=1, qty_digits=0, venue="DERIV", asset_class="crypto")
INSTRUMENTS = (SPEC, Y, INVERSE)
NOW = T0 + 100 * SECOND
REF_SEQ = 7
_MEMBER = {Scope.ACCOUNT: "", Scope.VENUE: "SIM", Scope.CLASS: "equity", Scope.INSTRUMENT: "X", Scope.STRATEGY: "s0"}


def submitted(cl_ord_id: str = "w1", **changes: Any) -> OrderSubmitted:
    """The event of an order of ours that works: a buy of 10 X at 100.00 by strategy 0, sent `ns` = NOW, changed as asked."""
    fields: dict[str, Any] = {
        "ns": NOW, "cause": 0, "cl_ord_id": cl_ord_id, "strategy": 0, "instrument": 0, "side": Side.BUY, "order_qty": 10,
        "order_type": OrderType.LIMIT, "limit_px": 10_000, "stop_px": 0, "trail_px": 0, "time_in_force": TimeInForce.GTC, "expire_ns": 0,
        "post_only": False, "reduce_only": False,
    }  # fmt: skip
    return OrderSubmitted(**(fields | changes))


def account(*events: Any) -> State:
    """A real account with 1,000,000.00 USD after these events."""
    state = State(opening(2, INSTRUMENTS))
    for event in events:
        state.evolve(event)
    return state


def market(*tables: Ticks, seq: int = 1) -> Market:
    """A real market that has consumed these tables, the first tick with the seq after `seq`."""
    found = Market()
    for ticks in tables:
        found.enter(ticks)
        seq += len(ticks)
        found.move(0, len(ticks) - 1, seq)
    return found


def proposal(**changes: Any) -> Proposal:
    """A buy of 10 X at 100.00 that passes everything, changed as asked. What follows from `account` and `market` is taken from them."""
    p = Proposal()
    p.memo = {}
    p.number = 0
    p.place = p.at_px = -1
    p.equity_known = False
    fields: dict[str, Any] = {
        "account": account() if "account" not in changes else None,
        "market": market(trades(10_000, start=99), seq=REF_SEQ - 1) if "market" not in changes else None,
        "actor": "ann", "cl_ord_id": "test-1", "strategy": 0, "instrument": 0, "side": Side.BUY, "qty": 10, "order_type": OrderType.LIMIT,
        "limit_px": 10_000, "stop_px": 0, "reduce_only": False, "intentional": False, "locate": "", "now_ns": NOW, "replaced": None,
        "feed_lost": False, "venue_lost": False, "state": TradingState.ACTIVE,
        "shared_qty": 0, "own_shared_qty": 0,
    }  # fmt: skip
    fields |= changes
    fields = {"shared_state": fields["state"], "own_state": TradingState.ACTIVE} | fields
    i = fields["instrument"]
    state: State = fields["account"]
    ref = fields["market"].reference(i, fields["side"])
    replaced: Order | None = fields["replaced"]
    leaves = {Side.BUY: state.orders.buy_leaves[i], Side.SELL: state.orders.sell_leaves[i], Side.NONE: 0}
    if replaced is not None:
        leaves[replaced.side] -= replaced.worst_leaves
    derived = {
        "spec": state.instruments[i], "contract": state.contracts[i], "position_qty": state.positions[i].qty, "buy_leaves": leaves[Side.BUY], "sell_leaves": leaves[Side.SELL],
        "ref_px": ref[0], "ref_ns": ref[1], "ref_seq": ref[2],
    }  # fmt: skip
    if "spec" in fields:
        derived["contract"] = Contract(fields["spec"])
    for name, value in (derived | fields).items():
        setattr(p, name, value)
    return p


def bound(rule: str, *values: int, scope: Scope | None = None, member: str | None = None, state: State | None = None) -> Bound:
    """A limit in force, with its memory made over `state`. Values left out are off; scope: the rule's first, where the default proposal belongs."""
    known = KNOWN[rule]
    where = known.scopes[0] if scope is None else scope
    name = _MEMBER[where] if member is None else member
    limits = (Limit(1, rule, where, (name,) if name else (), (*values, *(OFF,) * (known.width - len(values)))),) if known.params else ()
    book = Book(opening(2, INSTRUMENTS, limits), state if state is not None else account(), RULES)
    found = book.bound(rule, where if known.params else Scope.ACCOUNT, name if known.params else "")
    assert found is not None
    return found


def ask(rule: str, values: tuple[int, ...] = (), *, scope: Scope | None = None, member: str | None = None, **changes: Any) -> Check:
    """What one rule says of the default proposal, changed as asked."""
    p = proposal(**changes)
    return KNOWN[rule].check(p, bound(rule, *values, scope=scope, member=member, state=p.account))


def numbers(check: Check) -> tuple[bool, int, int]:
    """Passed, observed, limit."""
    return check.passed, check.observed, check.limit


class Acts(Strategy):
    """A strategy that does the n-th thing it was given on its n-th tick."""

    def __init__(self, *acts: Callable[[Context], Any]) -> None:
        self.acts = acts
        self.n = 0

    def on_tick(self, ctx: Context, tick: Tick) -> None:
        self.n += 1
        if self.n <= len(self.acts):
            self.acts[self.n - 1](ctx)


def denials(world: World) -> list[tuple[str, list[str]]]:
    """Reason and failed rules of every denial."""
    return [(e.reason, [c.rule for c in e.checks if not c.passed]) for e in world.of(OrderDenied) if isinstance(e, OrderDenied)]


def card(rule: str) -> tuple[Any, ...]:
    """What the catalogue says of a rule: code, unit, parameters with units, scopes, whether it can be overridden, what it halts, its version."""
    r = KNOWN[rule]
    return r.code, r.unit, tuple((p.name, p.unit) for p in r.params), r.scopes, r.overridable, r.halts, r.version
