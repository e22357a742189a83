"""The strategies that come with Reenact, by the name under which a configuration asks for them."""

from __future__ import annotations

from domain.strategies.hold import BuyAndHold
from domain.strategies.maker import Maker
from domain.strategies.momentum import Momentum
from domain.strategies.sma import SmaCross
from domain.strategies.vwap import Vwap
from domain.strategy import Strategy

BUILT_IN: dict[str, type[Strategy]] = {"sma": SmaCross, "momentum": Momentum, "vwap": Vwap, "maker": Maker, "hold": BuyAndHold}

__all__ = ["BUILT_IN", "BuyAndHold", "Maker", "Momentum", "SmaCross", "Vwap"]
