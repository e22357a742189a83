"""What a strategy may see and do: its only window to the engine.

Invariants: nothing here reads a clock or chance of its own; every wish goes through the risk pipeline and is recorded first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from domain.chance import Chance
from domain.terms import OrderType, Side, TimeInForce

if TYPE_CHECKING:
    from domain.desk import Desk
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
        reason: str = "",
    ) -> str:  # fmt: skip
        """Want to buy: the signal is recorded, the risk rules run, and what passes is sent. Returns the client order id.

        No price: market. limit_px: limit. stop_px: stop, with limit_px stop-limit. trail_px: trailing stop at that distance.
        """
        return self._desk.submit(
            self.index, instrument, _BUY, qty, order_type(limit_px, stop_px, trail_px) if limit_px or stop_px or trail_px else _MARKET, limit_px, stop_px, trail_px, time_in_force,
            expire_ns, post_only, reduce_only, reason,
        )  # fmt: skip

    def sell(
        self, instrument: int, qty: int, *, limit_px: int = 0, stop_px: int = 0, trail_px: int = 0,
        time_in_force: TimeInForce = TimeInForce.GTC, expire_ns: int = 0, post_only: bool = False, reduce_only: bool = False,
        reason: str = "",
    ) -> str:  # fmt: skip
        """Want to sell; as `buy`."""
        return self._desk.submit(
            self.index, instrument, _SELL, qty, order_type(limit_px, stop_px, trail_px) if limit_px or stop_px or trail_px else _MARKET, limit_px, stop_px, trail_px, time_in_force,
            expire_ns, post_only, reduce_only, reason,
        )  # fmt: skip

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
