"""What a strategy may see and do: its only window to the engine.

Invariants: nothing here reads a clock or chance of its own; every wish goes through the risk pipeline and is recorded first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from domain.chance import Chance
from domain.errors import InvariantBroken
from domain.groups.group import bracket_legs, oco_legs, oto_legs
from domain.terms import FailurePolicy, GroupKind, OrderType, Side, TimeInForce

if TYPE_CHECKING:
    from domain.desk import Desk
    from domain.events import Leg
    from domain.groups.room import Groups
    from domain.instrument import Instrument
    from domain.market import Print, Quote
    from domain.order import Order

_BUY: Final = Side.BUY
_SELL: Final = Side.SELL
_MARKET: Final = OrderType.MARKET


class Context:
    """The engine as one strategy sees it. Instruments are indexes; prices and quantities are integers in their units."""

    __slots__ = ("_desk", "chance", "index", "instruments", "name")

    def __init__(self, desk: Desk, index: int, name: str, instruments: tuple[int, ...], chance: Chance) -> None:
        self._desk = desk
        self.index = index
        self.name = name
        self.instruments = instruments
        self.chance = chance

    @property
    def now_ns(self) -> int:
        """Receive time of the current input, UTC nanoseconds."""
        return self._desk.clock_ns()

    def spec(self, instrument: int) -> Instrument:
        """The instrument's specification."""
        return self._desk.state.instruments[instrument]

    def position(self, instrument: int) -> int:
        """This strategy's own filled position, signed."""
        return self._desk.state.owned[self.index][instrument]

    def open_orders(self, instrument: int | None = None) -> list[Order]:
        """This strategy's orders that may still trade, in the order they were sent."""
        return list(self._desk.state.orders.working(instrument, self.index))

    def last_px(self, instrument: int) -> int:
        """Price of the last trade or bar close, 0 when there is none."""
        last = self.last_print(instrument)
        return last.px if last is not None else 0

    def last_print(self, instrument: int) -> Print | None:
        """The last trade or bar close with its time."""
        self._desk.sync()
        return self._desk.market.last_print(instrument)

    def quote(self, instrument: int) -> Quote | None:
        """The best bid and offer."""
        self._desk.sync()
        return self._desk.market.last_quote(instrument)

    def cash(self, currency: str) -> int:
        """Cash of the account, in the currency's amount digits (`Instrument.amt_digits` of what settles in it)."""
        return self._desk.state.cash.get(currency, 0)

    def equity(self, currency: str) -> int:
        """Cash and the value of every position that settles in `currency`, at the last price."""
        self._desk.sync()
        return self._desk.equity(currency)

    def buy(
        self, instrument: int, qty: int, *, limit_px: int = 0, stop_px: int = 0, trail_px: int = 0,
        time_in_force: TimeInForce = TimeInForce.GTC, expire_ns: int = 0, post_only: bool = False, reduce_only: bool = False,
        reason: str = "", intentional: bool = False, locate: str = "", protect_px: int = 0,
    ) -> str:  # fmt: skip
        """Want to buy: the signal is recorded, the risk rules run, and what passes is sent. Returns the client order id.

        No price: market. limit_px: limit. stop_px: stop, with limit_px stop-limit. trail_px: trailing stop at that distance.
        intentional: meant to repeat an earlier order (R-14). locate: where shares borrowed for a short sale come from (R-21).
        protect_px: where the loss is to be stopped, for a strategy whose quantities are sized (`domain.sizing`); 0 as qty: as much as is allowed.
        """
        return self._desk.submit(
            self.index, instrument, _BUY, qty, order_type(limit_px, stop_px, trail_px) if limit_px or stop_px or trail_px else _MARKET, limit_px, stop_px, trail_px, time_in_force,
            expire_ns, post_only, reduce_only, reason, intentional, locate, "", None, protect_px,
        )  # fmt: skip

    def sell(
        self, instrument: int, qty: int, *, limit_px: int = 0, stop_px: int = 0, trail_px: int = 0,
        time_in_force: TimeInForce = TimeInForce.GTC, expire_ns: int = 0, post_only: bool = False, reduce_only: bool = False,
        reason: str = "", intentional: bool = False, locate: str = "", protect_px: int = 0,
    ) -> str:  # fmt: skip
        """Want to sell; as `buy`."""
        return self._desk.submit(
            self.index, instrument, _SELL, qty, order_type(limit_px, stop_px, trail_px) if limit_px or stop_px or trail_px else _MARKET, limit_px, stop_px, trail_px, time_in_force,
            expire_ns, post_only, reduce_only, reason, intentional, locate, "", None, protect_px,
        )  # fmt: skip

    def bracket(
        self, instrument: int, side: Side, qty: int, *, stop_px: int, target_px: int, limit_px: int = 0,
        on_failure: FailurePolicy = FailurePolicy.FLATTEN, reason: str = "",
    ) -> int:  # fmt: skip
        """Enter, and protect every filled unit by a stop and a target, of which one cancels the other. Returns the group's number.

        limit_px: of the entry, 0 at the market. stop_px, target_px: where the stop triggers and where the target rests; 0 leaves one of them out.
        on_failure: what happens when one of them cannot be placed. The quantities of both follow the fills; their prices may be moved by
        `replace`, their orders are found in `open_orders`. Raises StrategyError for prices that protect nothing.
        """
        return self._groups().start(
            self.index, instrument, GroupKind.BRACKET, bracket_legs(side, qty, limit_px, stop_px, target_px), on_failure, reason, stop_px
        )

    def oco(self, instrument: int, *legs: Leg, on_failure: FailurePolicy = FailurePolicy.ALERT, reason: str = "") -> int:
        """Send orders of which the first to trade, or to end, cancels the others. Returns the group's number. Raises StrategyError below two legs."""
        return self._groups().start(self.index, instrument, GroupKind.OCO, oco_legs(legs), on_failure, reason)

    def oto(self, instrument: int, entry: Leg, *then: Leg, on_failure: FailurePolicy = FailurePolicy.ALERT, reason: str = "") -> int:
        """Send an order that sends the others once it is filled whole; should it end sooner, they never leave. Returns the group's number."""
        return self._groups().start(self.index, instrument, GroupKind.OTO, oto_legs(entry, then), on_failure, reason)

    def cancel_group(self, number: int, reason: str = "") -> None:
        """Cancel every order of a group; the position that its fills built stays as it is, and is no longer protected."""
        self._groups().cancel(self.index, number, reason)

    def _groups(self) -> Groups:
        groups = self._desk.proposals.groups
        if groups is None:
            raise InvariantBroken("broken invariant: a context acts within an engine")
        return groups

    def hold(self, instrument: int, reason: str) -> None:
        """Say why nothing is wanted; recorded, so that `reenact why-not` can answer."""
        self._desk.hold(self.index, instrument, reason)

    def cancel(self, cl_ord_id: str, reason: str = "") -> None:
        """Ask for a cancel. Nothing happens when the order is already gone or a cancel is on its way."""
        self._desk.cancel(cl_ord_id, reason)

    def replace(self, cl_ord_id: str, *, qty: int = 0, limit_px: int = 0, stop_px: int = 0, trail_px: int = 0, reason: str = "") -> str:
        """Ask for new terms (0 keeps the old one), through the risk rules like a new order. Returns the new client order id, "" when the order is gone."""
        return self._desk.replace(cl_ord_id, qty, limit_px, stop_px, trail_px, reason)

    def set_timer(self, name: str, due_ns: int) -> None:
        """Be woken by `on_timer(name)` at `due_ns`; setting the same name again moves it."""
        self._desk.set_timer(self.index, name, due_ns)


def order_type(limit_px: int, stop_px: int, trail_px: int) -> OrderType:
    """The order type that a set of prices means."""
    if trail_px:
        return OrderType.TRAILING_STOP
    if stop_px:
        return OrderType.STOP_LIMIT if limit_px else OrderType.STOP
    return OrderType.LIMIT if limit_px else OrderType.MARKET
