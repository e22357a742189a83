"""vnpy's CTA backtesting engine in tick mode on one workload, through its public interface. Run by an interpreter that has vnpy.

It knows one instrument and limit orders; a limit far through the market stands in for a market order and fills at the next tick.
It records nothing and checks no risk.
"""

from __future__ import annotations

import argparse
from datetime import datetime, timedelta
from importlib.metadata import version
from pathlib import Path

from vnpy.trader.constant import Direction, Exchange, Interval
from vnpy.trader.object import TickData, TradeData
from vnpy_ctastrategy import CtaTemplate
from vnpy_ctastrategy.backtesting import BacktestingEngine, BacktestingMode

from benchmarks import workloads
from benchmarks.result import Stopwatch, tell

THROUGH = 10.0


class Idle(CtaTemplate):
    """Counts ticks; the others build on it. Cash follows the trades."""

    def on_init(self) -> None:
        self.seen = self.fills = 0
        self.cash = 0.0
        self.rule = workloads.Cross(workloads.FLOAT_TOLERANCE)

    def on_trade(self, trade: TradeData) -> None:
        self.fills += 1
        self.cash += trade.price * trade.volume * (-1 if trade.direction == Direction.LONG else 1)

    def on_tick(self, tick: TickData) -> None:
        self.seen += 1


class Crossing(Idle):
    def on_tick(self, tick: TickData) -> None:
        px = tick.last_price
        signal = self.rule.update(px)
        if signal > 0:
            self.buy(px + THROUGH, 1)
        elif signal < 0:
            self.sell(px - THROUGH, 1)


class EveryTen(Idle):
    def on_tick(self, tick: TickData) -> None:
        n = self.seen = self.seen + 1
        if n % workloads.EVERY == 0:
            if n // workloads.EVERY % 2:
                self.buy(tick.last_price + THROUGH, 1)
            else:
                self.sell(tick.last_price - THROUGH, 1)


STRATEGIES: dict[str, type[Idle]] = {"w0": Idle, "w1": Crossing, "w3": EveryTen}


def tick_objects(records: workloads.Records) -> list[TickData]:
    """The stream as the engine's own objects; the price is also bid and ask."""
    epoch = datetime(1970, 1, 1)
    made = []
    for ts, _, cents, qty, _ in records.tolist():
        px = cents / 100
        made.append(
            TickData(
                gateway_name="SIM", symbol="X", exchange=Exchange.LOCAL, datetime=epoch + timedelta(microseconds=ts // 1000), last_price=px,
                last_volume=qty / 1000, bid_price_1=px, ask_price_1=px,
            )
        )  # fmt: skip
    return made


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("workload", choices=sorted(STRATEGIES))
    parser.add_argument("--ticks", type=Path, required=True)
    parser.add_argument("--n", type=int, default=0)
    args = parser.parse_args()
    records = workloads.load(args.ticks, args.n)
    engine = BacktestingEngine()
    engine.output = lambda _: None
    engine.set_parameters(
        vt_symbol="X.LOCAL", interval=Interval.TICK, start=datetime(2023, 1, 1), rate=0, slippage=0, size=1, pricetick=0.01, capital=1_000_000,
        mode=BacktestingMode.TICK,
    )  # fmt: skip
    engine.add_strategy(STRATEGIES[args.workload], {})
    with Stopwatch() as build:
        engine.history_data = tick_objects(records)
    with Stopwatch() as run:
        engine.run_backtesting()
    strategy = engine.strategy
    tell(
        engine="vnpy", version=version("vnpy_ctastrategy"), workload=args.workload, ticks=len(records), run_s=run.wall_s, run_cpu_s=run.cpu_s,
        build_s=build.wall_s, fills=strategy.fills, pnl=round(strategy.cash + strategy.pos * float(records["px"][-1]) / 100, 4),
    )  # fmt: skip


if __name__ == "__main__":
    main()
