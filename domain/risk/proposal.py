"""What a risk rule is handed: an order before the gates, with everything a rule may look at.

Invariants: filled anew for every order; a rule reads it and changes nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from domain.instrument import Instrument
from domain.terms import OrderType, Side, TradingState

if TYPE_CHECKING:
    from domain.market import Market
    from domain.order import Order
    from domain.risk.exposure import Standing
    from domain.state import State
    from domain.value import Contract

_MARKET: Final = OrderType.MARKET


class Proposal:
    """An order before the gates, with everything a rule may look at. One object is reused for every order.

    cl_ord_id, strategy, instrument, side, qty, order_type, limit_px, stop_px, reduce_only, intentional, locate: the order's terms; for a
    replacement `replaced` is the old order and `qty` the open part of the new. spec: the instrument; contract: what of it is read often. actor: who is to answer for it.
    position_qty: signed, filled, of the account. buy_leaves, sell_leaves: what our working and UNKNOWN orders in the instrument may still
    trade, unsigned, without the order being replaced. ref_px, ref_ns, ref_seq: the newer of the last trade and the quote's near side, its
    receive time and seq; 0 where there is none. feed_lost, venue_lost: known to be down. state: the strictest trading state of the order's
    scopes, own_state that of its strategy, shared_state of all others. now_ns: time of the current input. account, market: positions, orders,
    cash; last prices. shared_qty: by how much the leaves of the order's side count too much where only one order of an OCO is meant to trade;
    own_shared_qty: the same for groups of the order's strategy.

    What several rules work out alike: memo, by `Bound.place`, each for the order with its number (orders before the gates are numbered); place,
    standing: the last of these that was asked for; at_px, at_seq: what the instrument's exposure is valued at, -1 as long as nobody asked;
    equity_amt, once it is equity_known.
    """

    __slots__ = (
        "account", "actor", "at_px", "at_seq", "buy_leaves", "cl_ord_id", "contract", "equity_amt", "equity_known", "feed_lost", "instrument", "intentional", "limit_px", "locate", "market", "memo", "now_ns", "number",
        "order_type", "own_shared_qty", "own_state", "place", "position_qty", "qty", "reduce_only", "ref_ns", "ref_px", "ref_seq", "replaced",
        "sell_leaves", "shared_qty", "shared_state", "side", "spec", "standing", "state", "stop_px", "strategy", "venue_lost",
    )  # fmt: skip

    account: State
    actor: str
    at_px: int
    at_seq: int
    buy_leaves: int
    cl_ord_id: str
    contract: Contract
    equity_amt: int | None
    equity_known: bool
    feed_lost: bool
    instrument: int
    intentional: bool
    limit_px: int
    locate: str
    market: Market
    memo: dict[int, Standing]
    now_ns: int
    number: int
    order_type: OrderType
    own_shared_qty: int
    own_state: TradingState
    place: int
    position_qty: int
    qty: int
    reduce_only: bool
    ref_ns: int
    ref_px: int
    ref_seq: int
    replaced: Order | None
    sell_leaves: int
    shared_qty: int
    shared_state: TradingState
    side: Side
    spec: Instrument
    standing: Standing
    state: TradingState
    stop_px: int
    strategy: int
    venue_lost: bool

    @property
    def reducible_qty(self) -> int:
        """How much the order may trade without making the account's position larger or turning it: worst case, never below 0.

        At worst all that works is filled, but of the exits of one group only one: they are alternatives. Should two of them trade in a race,
        the position may turn by the smaller one; the group trades that back (`domain.groups`), and a position limit counts both in full.
        The replacement of a reduce-only order may always keep what it works for: to refuse that would only keep it from becoming smaller.
        """
        old = self.replaced
        least = old.worst_leaves if old is not None and self.reduce_only else 0
        if self.side > 0:
            return max(least, self.shared_qty - self.position_qty - self.buy_leaves)
        return max(least, self.shared_qty + self.position_qty - self.sell_leaves)

    @property
    def reduces(self) -> bool:
        """The order can only make the account's position smaller, whatever else is filled."""
        return 0 < self.qty <= self.reducible_qty

    @property
    def exits_at_market(self) -> bool:
        """A market order that only reduces: nothing prices it, so no rule about the data behind a price may stop it (features D, general rule 7)."""
        return self.order_type is _MARKET and self.reduces
