"""The strategies that Reenact runs here: what a user would write, and the same looking ahead."""

from __future__ import annotations

from benchmarks.workloads import EVERY, UNIT_QTY, Cross
from domain.strategies import SmaCross
from reenact import Context, QuoteUpdated, ScanningStrategy, Strategy, Ticks, TradePrinted


class Idle(Strategy):
    """Is called for every tick and does nothing: the cost of delivering one."""

    def __init__(self) -> None:
        self.ticks = 0

    def on_tick(self, ctx: Context, tick: TradePrinted | QuoteUpdated) -> None:
        self.ticks += 1


class PlainCross(Strategy):
    """The rule tick by tick, one per instrument, in plain Python."""

    def __init__(self) -> None:
        self.rules: list[Cross] = []

    def on_start(self, ctx: Context) -> None:
        self.rules = [Cross() for _ in ctx.instruments]

    def on_tick(self, ctx: Context, tick: TradePrinted | QuoteUpdated) -> None:
        if not isinstance(tick, TradePrinted):
            return
        signal = self.rules[tick.instrument].update(tick.px)
        if signal > 0:
            ctx.buy(tick.instrument, UNIT_QTY)
        elif signal < 0:
            ctx.sell(tick.instrument, UNIT_QTY)


class OrderEveryTen(Strategy):
    """A market order every ten ticks, buy and sell in turn."""

    def __init__(self) -> None:
        self.ticks = 0

    def on_tick(self, ctx: Context, tick: TradePrinted | QuoteUpdated) -> None:
        n = self.ticks = self.ticks + 1
        if n % EVERY == 0:
            if n // EVERY % 2:
                ctx.buy(tick.instrument, UNIT_QTY)
            else:
                ctx.sell(tick.instrument, UNIT_QTY)


class ScanningIdle(ScanningStrategy):
    """Wants no tick at all: the cost of moving and recording a block."""

    def scan(self, ctx: Context, ticks: Ticks, start: int, stop: int) -> int:
        return stop

    def skip(self, ctx: Context, ticks: Ticks, start: int, stop: int) -> None:
        pass


class ScanningEveryTen(OrderEveryTen, ScanningStrategy):
    """`OrderEveryTen`, which knows where its next tick is."""

    def scan(self, ctx: Context, ticks: Ticks, start: int, stop: int) -> int:
        return min(start + EVERY - 1 - self.ticks % EVERY, stop)

    def skip(self, ctx: Context, ticks: Ticks, start: int, stop: int) -> None:
        self.ticks += stop - start


def strategy_for(workload: str, form: str) -> Strategy:
    """A new strategy for a workload, in the form `plain` (called tick by tick) or `scan` (looks ahead; on w1 and w2 the built-in one)."""
    scans = form == "scan"
    if workload == "w0":
        return ScanningIdle() if scans else Idle()
    if workload == "w3":
        return ScanningEveryTen() if scans else OrderEveryTen()
    return SmaCross(fast=20, slow=50, qty=UNIT_QTY) if scans else PlainCross()
