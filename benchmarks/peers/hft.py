"""hftbacktest on one workload, the strategy compiled by numba, through its public interface. Run by an interpreter that has hftbacktest.

It fills against a book, so the stream becomes one: the best bid stands at the trade's price, the best ask one step above. A buy
fills a cent above the trade, so the profit must be the same-tick reference less one cent per buy. Compiling is timed apart.
"""

from __future__ import annotations

import argparse
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from hftbacktest import (
    BUY_EVENT,
    DEPTH_EVENT,
    EXCH_EVENT,
    GTC,
    LOCAL_EVENT,
    MARKET,
    SELL_EVENT,
    TRADE_EVENT,
    BacktestAsset,
    HashMapMarketDepthBacktest,
    ROIVectorMarketDepthBacktest,
    event_dtype,
)
from numba import njit

from benchmarks import workloads
from benchmarks.result import Stopwatch, tell

STEP = 0.01
DEEP = 1_000.0
MODES = {"w0": 0, "w1": 1, "w2": 1, "w3": 2}
WARM_UP = 500


def book_events(records: workloads.Records) -> np.ndarray:
    """One instrument's ticks as depth and trade events: on a move the vacated level, the new bid and the new ask come before the trade."""
    px = records["px"]
    n = len(px)
    step = np.diff(px, prepend=px[0])
    moved = step != 0
    moved[0] = True
    rows = np.where(moved, 4, 1)
    ends = np.cumsum(rows)
    out = np.zeros(ends[-1] + 1, event_dtype)
    out["local_ts"][:-1] = out["exch_ts"][:-1] = np.repeat(records["ts"], rows)
    both = np.uint64(EXCH_EVENT | LOCAL_EVENT)
    depth_bid, depth_ask = both | np.uint64(DEPTH_EVENT | BUY_EVENT), both | np.uint64(DEPTH_EVENT | SELL_EVENT)

    at = ends[moved] - 4
    rising = step[moved] >= 0
    before = px[moved] - step[moved]
    out["ev"][at] = np.where(rising, depth_ask, depth_bid)
    out["px"][at] = (before + rising) / 100  # going up the old ask is bought away, going down the old bid is sold away
    out["ev"][at + 1], out["px"][at + 1], out["qty"][at + 1] = depth_bid, px[moved] / 100, DEEP
    out["ev"][at + 2], out["px"][at + 2], out["qty"][at + 2] = depth_ask, (px[moved] + 1) / 100, DEEP

    trade = ends - 1
    out["ev"][trade] = both | np.where(records["side"] > 0, np.uint64(TRADE_EVENT | BUY_EVENT), np.uint64(TRADE_EVENT | SELL_EVENT))
    out["px"][trade] = px / 100
    out["qty"][trade] = records["qty"] / 1000
    # The engine does not deliver the last event of its data: a repeated ask stands at the end.
    out[-1] = out[ends[-1] - 1]
    out["ev"][-1], out["px"][-1], out["qty"][-1] = depth_ask, (px[n - 1] + 1) / 100, DEEP
    out["exch_ts"][-1] = out["local_ts"][-1] = int(records["ts"][-1]) + 1
    return out


@njit
def crossed(px: float, k: int, ring: Any, at: Any, warm: Any, sums: Any, is_long: Any, tolerance: float) -> int:  # pragma: no cover
    """`workloads.Cross.update` on arrays, one row per instrument."""
    i = at[k]
    sums[k, 1] += px - ring[k, i]
    sums[k, 0] += px - ring[k, i - 20]
    ring[k, i] = px
    at[k] = i + 1 if i < 49 else 0
    if warm[k]:
        warm[k] -= 1
        return 0
    away = 5 * sums[k, 0] - 2 * sums[k, 1]
    if away > tolerance and not is_long[k]:
        is_long[k] = True
        return 1
    if away < -tolerance and is_long[k]:
        is_long[k] = False
        return -1
    return 0


@njit
def play(hbt: Any, instruments: int, mode: int, tolerance: float) -> tuple[int, int]:  # pragma: no cover
    """The strategy: ticks seen and orders sent."""
    ring = np.zeros((instruments, 50))
    at = np.zeros(instruments, np.int64)
    warm = np.full(instruments, 49)
    sums = np.zeros((instruments, 2))
    is_long = np.zeros(instruments, np.bool_)
    seen = sent = 0
    while hbt.wait_next_feed(False, 10_000_000_000_000) == 2:
        for k in range(instruments):
            trades = hbt.last_trades(k)
            if len(trades) == 0:
                continue
            for trade in trades:
                px = trade.px
                seen += 1
                signal = 0
                if mode == 1:
                    signal = crossed(px, k, ring, at, warm, sums, is_long, tolerance)
                elif mode == 2 and seen % 10 == 0:
                    signal = 1 if seen // 10 % 2 else -1
                if signal:
                    sent += 1
                    if signal > 0:
                        hbt.submit_buy_order(k, sent, px, 1.0, GTC, MARKET, False)
                    else:
                        hbt.submit_sell_order(k, sent, px, 1.0, GTC, MARKET, False)
                    hbt.clear_inactive_orders(k)
            hbt.clear_last_trades(k)
    return seen, sent


def backtest(events: list[np.ndarray], *, vector: bool) -> Any:
    """A venue without latency, fees or partial fills; `vector` keeps its book in an array over a price range instead of a hash map."""
    assets = []
    for data in events:
        asset = (
            BacktestAsset().data(data).linear_asset(1.0).constant_order_latency(0, 0).risk_adverse_queue_model().no_partial_fill_exchange()
            .trading_value_fee_model(0.0, 0.0).tick_size(STEP).lot_size(0.001).last_trades_capacity(16)
        )  # fmt: skip
        assets.append(asset.roi_lb(1.0).roi_ub(200.0) if vector else asset)
    return (ROIVectorMarketDepthBacktest if vector else HashMapMarketDepthBacktest)(assets)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("workload", choices=sorted(MODES))
    parser.add_argument("--ticks", type=Path, required=True)
    parser.add_argument("--n", type=int, default=0)
    parser.add_argument("--vector", action="store_true")
    args = parser.parse_args()
    records = workloads.load(args.ticks, args.n)
    instruments = workloads.instruments_of(args.workload)
    mine = [records[records["inst"] == i] for i in range(instruments)]
    mode = MODES[args.workload]
    with Stopwatch() as build:
        events = [book_events(m) for m in mine]
    with Stopwatch() as compiling:
        warm_up = backtest([book_events(m[:WARM_UP]) for m in mine], vector=args.vector)
        play(warm_up, instruments, mode, workloads.FLOAT_TOLERANCE)
        warm_up.close()
    venue = backtest(events, vector=args.vector)
    with Stopwatch() as run:
        seen, sent = play(venue, instruments, mode, workloads.FLOAT_TOLERANCE)
    fills = 0
    pnl = 0.0
    for k, m in enumerate(mine):
        state = venue.state_values(k)
        fills += int(state.num_trades)
        pnl += float(state.balance) + float(state.position) * float(m["px"][-1]) / 100
    tell(
        engine="hftbacktest", version=version("hftbacktest"), workload=args.workload, ticks=seen, orders=sent, run_s=run.wall_s, run_cpu_s=run.cpu_s,
        build_s=build.wall_s, compile_s=compiling.wall_s, fills=fills, pnl=round(pnl, 4),
    )  # fmt: skip


if __name__ == "__main__":
    main()
