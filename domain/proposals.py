"""Describes an order, a replacement or a cancel as the rules read it: its terms beside what the account holds and the market says.

Invariants: one description is filled anew for every request; the leaves of the order being replaced are not counted, those of every other
working or UNKNOWN order are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from domain.order import Order
from domain.risk import Book, Gate, Proposal
from domain.state import State
from domain.terms import OrderType, Side

if TYPE_CHECKING:
    from domain.groups.group import Group
    from domain.groups.room import Groups


class Proposals:
    """Fills the one `Proposal` of a session. `groups`: the order groups, once the engine has made them."""

    __slots__ = ("_market", "_p", "_risk", "_state", "groups")

    def __init__(self, state: State, risk: Book) -> None:
        self._state = state
        self._market = state.market
        self._risk = risk
        self.groups: Groups | None = None
        self._p = p = Proposal()
        p.memo = {}
        p.number = 0
        p.account = state
        p.market = state.market

    def order(
        self, gate: Gate, cl_ord_id: str, strategy: int, instrument: int, side: Side, order_type: OrderType, limit_px: int, stop_px: int,
        reduce_only: bool, group: Group | None, now_ns: int,
    ) -> Proposal:  # fmt: skip
        """A new order, but for its quantity and what is said of it alone. A strategy's order is its owner's, a person's is nobody's yet."""
        orders = self._state.orders
        p = self._fill(gate, strategy, instrument, side, order_type, limit_px, stop_px, reduce_only, None, group, now_ns)
        p.cl_ord_id = cl_ord_id
        p.buy_leaves = orders.buy_leaves[instrument]
        p.sell_leaves = orders.sell_leaves[instrument]
        return p

    def replacement(self, gate: Gate, order: Order, new_id: str, new_qty: int, terms: tuple[int, int, int], now_ns: int) -> Proposal:
        """The order with a new quantity and new terms (limit, stop and trailing price)."""
        orders = self._state.orders
        i = order.instrument
        buys, sells = orders.buy_leaves[i], orders.sell_leaves[i]
        if order.side > 0:
            buys -= order.worst_leaves
        else:
            sells -= order.worst_leaves
        # Until the venue answers, either the old terms or the new may trade: the open part is the larger of the two.
        # A quantity that is filled already leaves nothing to change: it goes to the rules as it is, and the lot rule denies it.
        left = new_qty - order.cum_qty
        p = self._fill(gate, order.strategy, i, order.side, order.order_type, terms[0], terms[1], order.reduce_only, order, None, now_ns)
        p.cl_ord_id = new_id
        p.qty = max(left, order.worst_leaves) if left > 0 else left
        p.intentional = order.intentional
        p.locate = order.locate
        p.buy_leaves = buys
        p.sell_leaves = sells
        return p

    def cancel(self, gate: Gate, order: Order, cancel_id: str, now_ns: int) -> Proposal:
        """The order to be canceled: with the open quantity, in the place of itself."""
        return self.replacement(gate, order, cancel_id, order.cum_qty + order.worst_leaves, (order.limit_px, order.stop_px, order.trail_px), now_ns)

    def _fill(
        self, gate: Gate, strategy: int, instrument: int, side: Side, order_type: OrderType, limit_px: int, stop_px: int, reduce_only: bool,
        replaced: Order | None, group: Group | None, now_ns: int,
    ) -> Proposal:  # fmt: skip
        """What a new order and a replacement have in common."""
        state, risk, p = self._state, self._risk, self._p
        spec = state.instruments[instrument]
        p.number += 1
        p.place = p.at_px = -1
        p.equity_known = False
        p.spec = spec
        p.contract = contract = state.contracts[instrument]
        p.strategy = strategy
        p.actor = risk.owners[strategy] if strategy >= 0 else ""
        p.instrument = instrument
        p.side = side
        p.order_type = order_type
        p.limit_px = limit_px
        p.stop_px = stop_px
        p.reduce_only = reduce_only
        p.now_ns = now_ns
        p.position_qty = state.positions[instrument].qty
        p.feed_lost = instrument in state.lost
        p.venue_lost = contract.venue in risk.lost_venues
        p.state = gate.state
        p.shared_state = gate.shared_state
        p.own_state = gate.own_state
        p.ref_px, p.ref_ns, p.ref_seq = self._market.reference(instrument, side)
        p.replaced = replaced
        p.shared_qty = p.own_shared_qty = 0
        groups = self.groups
        if groups is not None and groups.book.open:
            p.shared_qty, p.own_shared_qty = groups.book.shared(instrument, side, strategy, group, replaced)
        return p
