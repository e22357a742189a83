"""NautilusTrader's backtest engine on one workload, through its public interface. Run by an interpreter that has nautilus_trader.

Every tick is given the same large size, so that one order is one fill. Its risk engine stays on; only its limit of 100 orders a
second is raised. Its book, driven by trades, has a spread, so its profit is its own; the fills must be the reference's.
"""

from __future__ import annotations

import argparse
import os
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import nautilus_trader
from nautilus_trader.backtest.config import BacktestEngineConfig
from nautilus_trader.backtest.engine import BacktestEngine
from nautilus_trader.config import LoggingConfig, RiskEngineConfig
from nautilus_trader.model.currencies import USD
from nautilus_trader.model.data import TradeTick
from nautilus_trader.model.enums import AccountType, AggressorSide, OmsType, OrderSide
from nautilus_trader.model.identifiers import InstrumentId, Symbol, TradeId, Venue
from nautilus_trader.model.instruments import CurrencyPair
from nautilus_trader.model.objects import Currency, Money, Price, Quantity
from nautilus_trader.trading.strategy import Strategy

from benchmarks import workloads
from benchmarks.result import Stopwatch, tell

VENUE = Venue("SIM")
CODES = ("BTC", "ETH", "LTC", "XRP", "ADA", "SOL", "DOT", "BNB")
UNLIMITED = "1000000/00:00:01"
CASH = 1_000_000_000
LARGE = 1_000


def pair(code: str) -> CurrencyPair:
    """An instrument with the streams' digits and no fees."""
    return CurrencyPair(
        instrument_id=InstrumentId(Symbol(f"{code}USD"), VENUE), raw_symbol=Symbol(f"{code}USD"), base_currency=Currency.from_str(code),
        quote_currency=USD, price_precision=2, size_precision=3, price_increment=Price.from_str("0.01"), size_increment=Quantity.from_str("0.001"),
        ts_event=0, ts_init=0, margin_init=Decimal(0), margin_maint=Decimal(0), maker_fee=Decimal(0), taker_fee=Decimal(0),
    )  # fmt: skip


class Rule(Strategy):
    """The workload's strategy; `mine` are its instruments."""

    def __init__(self, workload: str, mine: list[CurrencyPair]) -> None:
        super().__init__()
        self.mine = mine
        self.fills = self.seen = 0
        self.unit = Quantity.from_str("1.000")
        self.rules = {i.id: workloads.Cross(workloads.FLOAT_TOLERANCE) for i in mine}
        self.on_trade_tick = {"w0": self.idle, "w1": self.cross, "w2": self.cross, "w3": self.every_ten}[workload]

    def on_start(self) -> None:
        for instrument in self.mine:
            self.subscribe_trade_ticks(instrument.id)

    def on_order_filled(self, event: Any) -> None:
        self.fills += 1

    def order(self, instrument_id: InstrumentId, signal: int) -> None:
        self.submit_order(self.order_factory.market(instrument_id, OrderSide.BUY if signal > 0 else OrderSide.SELL, self.unit))

    def idle(self, tick: TradeTick) -> None:
        self.seen += 1

    def cross(self, tick: TradeTick) -> None:
        signal = self.rules[tick.instrument_id].update(tick.price.as_double())
        if signal:
            self.order(tick.instrument_id, signal)

    def every_ten(self, tick: TradeTick) -> None:
        n = self.seen = self.seen + 1
        if n % workloads.EVERY == 0:
            self.order(tick.instrument_id, 1 if n // workloads.EVERY % 2 else -1)


def trade_ticks(records: workloads.Records, mine: list[CurrencyPair]) -> list[TradeTick]:
    """The stream as the engine's own objects."""
    ids = [i.id for i in mine]
    size = Quantity(LARGE, 3)
    aggressor = {1: AggressorSide.BUYER, -1: AggressorSide.SELLER}
    return [
        TradeTick(ids[inst], Price(px / 100, 2), size, aggressor[side], TradeId(str(k)), ts, ts)
        for k, (ts, inst, px, _, side) in enumerate(records.tolist())
    ]


def engine_for(mine: list[CurrencyPair]) -> BacktestEngine:
    """An engine without logging, with its risk checks."""
    risk = RiskEngineConfig(max_order_submit_rate=UNLIMITED, max_order_modify_rate=UNLIMITED)
    engine = BacktestEngine(config=BacktestEngineConfig(logging=LoggingConfig(bypass_logging=True), risk_engine=risk, run_analysis=False))
    engine.add_venue(
        venue=VENUE, oms_type=OmsType.NETTING, account_type=AccountType.MARGIN, base_currency=USD, starting_balances=[Money(CASH, USD)],
        trade_execution=True,
    )  # fmt: skip
    for instrument in mine:
        engine.add_instrument(instrument)
    return engine


def recorder(engine: BacktestEngine, folder: Path) -> Any:
    """The library's own streaming writer on every message of the bus, as its `StreamingConfig` would set it up."""
    from nautilus_trader.persistence.writer import StreamingFeatherWriter

    folder.mkdir(parents=True, exist_ok=True)
    writer = StreamingFeatherWriter(path=str(folder), cache=engine.cache, clock=engine.kernel.clock)
    engine.kernel.msgbus.subscribe("*", writer.write)
    return writer


def profit(engine: BacktestEngine, mine: list[CurrencyPair], records: workloads.Records) -> float:
    """Account balance and open positions at the last prices, less the opening balance."""
    total = float(engine.cache.accounts()[0].balance_total(USD).as_double()) - CASH
    for i, instrument in enumerate(mine):
        own = records["px"][records["inst"] == i]
        for position in engine.cache.positions_open(instrument_id=instrument.id):
            total += (float(own[-1]) / 100 - position.avg_px_open) * float(position.signed_qty)
    return total


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("workload", choices=["w0", "w1", "w2", "w3"])
    parser.add_argument("--ticks", type=Path, required=True)
    parser.add_argument("--n", type=int, default=0)
    parser.add_argument("--record", type=Path, help="write everything to this folder")
    args = parser.parse_args()
    records = workloads.load(args.ticks, args.n)
    mine = [pair(code) for code in CODES[: workloads.instruments_of(args.workload)]]
    with Stopwatch() as build:
        ticks = trade_ticks(records, mine)
        engine = engine_for(mine)
        engine.add_data(ticks, validate=len(mine) == 1, sort=False)
    strategy = Rule(args.workload, mine)
    engine.add_strategy(strategy)
    writer = recorder(engine, args.record) if args.record else None
    with Stopwatch() as run:
        engine.run()
        if writer is not None:
            writer.close()
    written = sum(f.stat().st_size for f in args.record.rglob("*") if f.is_file()) if args.record else 0
    tell(
        engine="nautilus", version=nautilus_trader.__version__, workload=args.workload, ticks=len(records), run_s=run.wall_s, run_cpu_s=run.cpu_s,
        build_s=build.wall_s, fills=strategy.fills, pnl=round(profit(engine, mine, records), 4), log_mib=written / (1 << 20),
    )  # fmt: skip
    sys.stdout.flush()
    os._exit(0)  # the engine's threads may keep the process alive


if __name__ == "__main__":
    main()
