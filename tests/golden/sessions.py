"""The golden sessions: configurations over real and synthetic data that together go through every room of the engine."""

from __future__ import annotations

from typing import Any

US_TIME = {"column": "time_ms", "unit": "ms", "date": "2013-10-07", "timezone": "America/New_York"}
LIMITS = {"max_order_qty": 1_000, "max_order_value": "500000", "collar_bps": 200, "max_long": 5_000, "max_short": 5_000, "max_age": "10m"}


def us_trades(symbol: str) -> dict[str, Any]:
    """The trades of one US equity on 2013-10-07."""
    return {
        "kind": "csv", "data": "trades", "path": f"market/us_equity/{symbol}_20131007_trades.csv.zst", "symbol": symbol, "time": US_TIME,
        "price": {"column": "price_e4", "scale": 4}, "size": "size", "conditions": {"column": "sale_condition_hex", "base": 16},
    }  # fmt: skip


def equity(symbol: str) -> dict[str, Any]:
    """A US equity priced in 1/10,000."""
    return {"symbol": symbol, "price_digits": 4, "tick_size": "0.0001"}


EURUSD = {
    "kind": "csv", "data": "quotes", "path": "market/fx/EURUSD_fxcm_20140508_quotes.csv.zst", "symbol": "EURUSD",
    "time": {"column": "time_ms", "unit": "ms", "date": "2014-05-08"}, "bid": "bid", "ask": "ask",
    "bid_size": {"default": "1000000"}, "ask_size": {"default": "1000000"},
}  # fmt: skip
SPY_BARS = {
    "kind": "csv", "data": "bars", "path": "backtest/SPY_20131007-11_minute_trade_bars.csv.zst", "symbol": "SPY", "interval": "1m",
    "time": {"column": "time_ms", "unit": "ms", "date_column": "date", "timezone": "America/New_York"},
    **{n: {"column": f"{n}_e4", "scale": 4} for n in ("open", "high", "low", "close")}, "volume": "volume",
}  # fmt: skip
SPY_QUOTE_BARS = {
    "kind": "csv", "data": "quotes", "path": "backtest/SPY_20131007-11_minute_quote_bars.csv.zst", "symbol": "SPY", "interval": "1m",
    "time": {"column": "time_ms", "unit": "ms", "date_column": "date", "timezone": "America/New_York"},
    "bid": {"column": "bid_close_e4", "scale": 4}, "bid_size": "bid_size", "ask": {"column": "ask_close_e4", "scale": 4}, "ask_size": "ask_size",
}  # fmt: skip
CROSS = {"name": "cross", "use": "sma", "params": {"fast": 20, "slow": 50, "qty": 100}}


def synthetic(**changes: Any) -> dict[str, Any]:
    """A synthetic market of 20,000 ticks."""
    return {"kind": "synthetic", "n": 20_000, "seed": 11, **changes}


def session(
    name: str, instruments: list[dict[str, Any]], feeds: list[dict[str, Any]], strategies: list[dict[str, Any]], **more: Any
) -> dict[str, Any]:
    """A configuration with cash and limits."""
    return {
        "name": name, "seed": 5, "cash": {"USD": "1000000"}, "limits": LIMITS, "instrument": instruments, "feed": feeds, "strategy": strategies, **more,
    }  # fmt: skip


REAL: dict[str, dict[str, Any]] = {
    "spy-sma": session("spy-sma", [equity("SPY")], [us_trades("SPY")], [CROSS]),
    "aig-latency-displayed": session(
        "aig-latency-displayed", [equity("AIG")], [us_trades("AIG")], [CROSS],
        venue={"latency_out": "20ms", "latency_back": "15ms", "jitter_out": "5ms", "liquidity": "displayed", "fee_per_unit": "0.005", "fee_min": "1.00"},
    ),
    "four-equities": session(
        "four-equities", [equity(s) for s in ("SPY", "BAC", "AIG", "IBM")], [us_trades(s) for s in ("BAC", "AIG", "IBM")],
        [CROSS, {"name": "trend", "use": "momentum", "instruments": ["AIG", "IBM"], "params": {"lookback": 100, "threshold_ticks": 300, "qty": 10}}],
    ),
    "eurusd-quotes": session(
        "eurusd-quotes", [{"symbol": "EURUSD", "base": "EUR", "price_digits": 5, "asset_class": "fx"}], [EURUSD],
        [{"name": "cross", "use": "sma", "params": {"fast": 50, "slow": 200, "qty": 1000}}],
        limits=LIMITS | {"max_order_qty": 1000}, venue={"taker_fee": "0.00002", "slippage": "random", "slippage_ticks": 2},
    ),
    "eurusd-maker-crossed-dropped": session(
        "eurusd-maker-crossed-dropped", [{"symbol": "EURUSD", "base": "EUR", "price_digits": 5, "asset_class": "fx"}],
        [EURUSD | {"crossed": "drop", "locked": "drop"}], [{"name": "maker", "use": "maker", "params": {"size": 1000, "max_inventory": 5000, "requote_ticks": 20}}],
    ),
    "spy-minute-bars": session(
        "spy-minute-bars", [equity("SPY")], [SPY_BARS], [{"name": "cross", "use": "sma", "params": {"fast": 10, "slow": 30, "qty": 100, "side": "both"}}],
        venue={"fee_per_unit": "0.005", "fee_min": "1.00"}, limits=LIMITS | {"max_age": "3d"},
    ),
    "bac-bars-from-ticks": session(
        "bac-bars-from-ticks", [equity("BAC")], [us_trades("BAC")],
        [{"name": "cross", "use": "sma", "bars": "1m", "params": {"fast": 5, "slow": 20, "qty": 100}}],
    ),
    "lean-basic-template": {
        "name": "lean-basic-template", "cash": {"USD": "100000"},
        "instrument": [equity("SPY") | {"multiplier": "0.8646266"}], "feed": [
            SPY_QUOTE_BARS | {"between": {"time_ms": ["34200000", "57600000"]}}, SPY_BARS | {"between": {"time_ms": ["34200000", "57600000"]}},
        ],
        "strategy": [{"name": "hold", "use": "hold", "params": {"fraction_bps": 9975}}],
        "venue": {"fee_per_unit": "0.005", "fee_min": "1.00"},
    },
}  # fmt: skip

SYNTHETIC: dict[str, dict[str, Any]] = {
    "synthetic-trades": session("synthetic-trades", [{"symbol": "A"}], [synthetic(data="trades")], [CROSS]),
    "synthetic-mixed": session(
        "synthetic-mixed", [{"symbol": "A"}, {"symbol": "B"}], [synthetic(data="mixed")],
        [CROSS, {"name": "maker", "use": "maker", "instruments": ["B"], "params": {"size": 10, "max_inventory": 100, "requote_ticks": 5}}],
        venue={"latency_out": "3ms", "latency_back": "2ms", "resting": "touch", "maker_fee": "-0.0001", "taker_fee": "0.0004"},
    ),
    "synthetic-operator": session(
        "synthetic-operator", [{"symbol": "A"}], [synthetic(data="trades", mean_interval="1s")], [CROSS],
        operator=[
            {"at": "+10m", "actor": "ada", "command": "limits", "argument": {"symbol": "A", "max_order_qty": 50}},
            {"at": "+20m", "actor": "ada", "command": "limits", "argument": {"symbol": "A", "max_order_qty": 500}},
            {"at": "+30m", "actor": "bob", "command": "reduce_only", "argument": {"reason": "drill"}},
            {"at": "+40m", "actor": "bob", "command": "resume", "argument": {"reason": "drill over"}},
            {"at": "+2h", "actor": "eve", "command": "kill", "argument": {"reason": "enough"}},
        ],
    ),
    "synthetic-days": session(
        "synthetic-days", [{"symbol": "A"}], [synthetic(data="quotes", mean_interval="20s")],
        [{"name": "maker", "use": "maker", "params": {"size": 10, "max_inventory": 100, "requote_ticks": 5}}], limits={"max_long": 100, "max_short": 100},
    ),
    "synthetic-inverse": session(
        "synthetic-inverse", [{"symbol": "XBTUSD", "base": "BTC", "inverse": True, "price_digits": 1}],
        [synthetic(data="trades", start_price={"XBTUSD": "40000"}, step_ticks=50)], [CROSS], cash={"BTC": "10"}, limits={"max_order_qty": 1000},
        venue={"taker_fee": "0.0005"},
    ),
    "synthetic-controls": session(
        "synthetic-controls", [{"symbol": "A"}, {"symbol": "B"}], [synthetic(data="mixed", mean_interval="5s")],
        [CROSS | {"owner": "ann", "sizing": {"risk_bps": 0, "leverage": "2"}},
         {"name": "maker", "use": "maker", "owner": "bob", "params": {"size": 10, "max_inventory": 100, "requote_ticks": 5}}],
        limits={
            "preset": "equity", "owner": "ann", "max_order_value": "100000", "max_long": 300, "max_short": 300, "max_gross": "120000 USD",
            "max_net": "90000 USD", "max_credit": "400000 USD", "daily_loss": "60 USD", "drawdown": "90 USD", "loss_streak": 6, "loss_window": "1h",
            "loss_cooldown": "10m", "max_open_orders": 4, "self_trade": 2, "max_positions": 2, "max_order_to_trade": "50", "require_owner": True,
            "B": {"max_long": 80, "max_short": 80}, "strategy": {"maker": {"max_repeats": 400, "max_strategy_orders": 4000}},
        },
        control={"two_persons": ["limits"], "order_ttl": "30m", "cancel_on_disconnect": "5s"},
        venue={"latency_out": "3ms", "latency_back": "2ms", "taker_fee": "0.0001", "faults": {"duplicate": "0.02", "delay": "0.02", "drop": "0.001"}},
        operator=[
            {"at": "+1h", "actor": "ann", "command": "limits", "argument": {"symbol": "B", "max_long": 60}},
            {"at": "+2h", "actor": "bob", "command": "approve", "argument": {"number": 1}},
            {"at": "+3h", "actor": "bob", "command": "kill", "argument": {"scope": "strategy", "member": "maker", "reason": "drill"}},
            {"at": "+4h", "actor": "bob", "command": "resume", "argument": {"scope": "strategy", "member": "maker", "reason": "drill over"}},
            {"at": "+5h", "actor": "ann", "command": "approve", "argument": {"number": 2}},
        ],
    ),
    "synthetic-denials": session(
        "synthetic-denials", [{"symbol": "A"}], [synthetic(data="trades")], [CROSS], limits={"max_order_value": "9900"},
    ),
}  # fmt: skip

ALL = {**SYNTHETIC, **REAL}
