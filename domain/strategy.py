"""What a strategy is: the protocol between a user's code and the engine.

Invariants: a strategy knows only its context and what it is handed; its state is a fold of the log; `scan` is equal to `on_tick`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from domain.context import Context
    from domain.events import BarClosed, OrderFilled, QuoteUpdated, TradePrinted
    from domain.ticks import Ticks


class Strategy:
    """Base of every strategy. Override what you need; parameters are the keyword arguments of `__init__`.

    All prices and quantities are integers in the units of `ctx.spec(instrument)`.
    """

    def on_start(self, ctx: Context) -> None:
        """Called once, when the session opens."""

    def on_tick(self, ctx: Context, tick: TradePrinted | QuoteUpdated) -> None:
        """Called for each trade or quote of the strategy's instruments."""

    def on_bar(self, ctx: Context, bar: BarClosed) -> None:
        """Called for each closed bar of the strategy's instruments: recorded ones, or those built from trades when the configuration asks for `bars`.

        A strategy with `bars` hears of bars only, not of the ticks they are made of.
        """

    def on_fill(self, ctx: Context, fill: OrderFilled) -> None:
        """Called for each new fill of the strategy's own orders."""

    def on_timer(self, ctx: Context, name: str) -> None:
        """Called when a timer the strategy set comes due."""

    def on_parameters(self, ctx: Context, params: dict[str, object]) -> None:
        """Called when an operator changes parameters. Raise ValueError to refuse; the default refuses all."""
        raise ValueError("this strategy's parameters cannot be changed while it runs")


class ScanningStrategy(Strategy):
    """A strategy that can look ahead over a table of ticks, so that quiet runs cost next to nothing.

    The engine calls `scan` for the first tick that needs `on_tick`, then `skip` for the quiet ticks before it, then `on_tick` for
    that tick (`on_bar`, where the row is a recorded bar). Between a scan and its tick only other strategies' business can happen: any
    callback on this strategy (`on_fill`, `on_timer`, `on_bar`, `on_parameters`) is followed by a new scan. An order of its own may end
    or change without a callback, so what `scan` answers must not rest on `ctx.open_orders`; what `on_tick` then does may.
    The engine may also call `on_tick` for a tick that no scan asked for, where another strategy must see it.
    """

    def scan(self, ctx: Context, ticks: Ticks, start: int, stop: int) -> int:
        """The first index in start..stop whose tick may make `on_tick` act (or `stop`). Changes nothing that decisions rest on.

        `ticks.cache` and the strategy's own memory of the table may hold what was computed. On every tick before the answer
        `on_tick` must do nothing but fold. Only ticks of `ctx.instruments` count.
        """
        return start

    def skip(self, ctx: Context, ticks: Ticks, start: int, stop: int) -> None:
        """Fold the quiet ticks start..stop as `on_tick` would have."""
        raise NotImplementedError
