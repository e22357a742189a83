"""Decides what a scenario consists of, and how it becomes a configuration that runs like any other.

Of the user's configuration stay the instruments, the cash, the limits, the controls, the rules and the venue's fees. The scenario gives the feeds, the venue and
the operators. Its strategy takes the name, owner and sizing of the user's first one, so that what binds that name binds it; the user's other
strategies stay by name and do nothing.

Invariants: a scenario is its configuration: whatever runs, resumes, verifies or explains a session does the same with a scenario's.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from adapters.times import duration_text, time_text
from domain.money import to_text
from reenact.config import SessionConfig, canonical_json, from_mapping
from reenact.scenarios.scale import Line, Scale

Phases = Sequence[Mapping[str, Any]]
_ROGUES = "reenact.scenarios.rogues"
_SPREAD_BPS, _NOISE_BPS = 4, 3
_SHOWN = 10  # units at the best price
_VENUE: dict[str, Any] = {"latency_out": "2ms", "latency_back": "2ms", "faults": {}}


class Shape(msgspec.Struct, frozen=True):
    """What a scenario puts into a configuration: tables as a file would hold them. `rogue`: a class of `reenact.scenarios.rogues`."""

    feeds: tuple[Mapping[str, Any], ...]
    rogue: str
    params: Mapping[str, Any] = {}
    venue: Mapping[str, Any] = {}
    operators: tuple[Mapping[str, Any], ...] = ()


class Scenario(msgspec.Struct, frozen=True):
    """One scenario of the library. `story`: what happened or may happen, in our words; `source`: where the facts are from.

    most: how many instruments it trades at most.
    """

    name: str
    title: str
    story: str
    source: str
    shape: Callable[[Scale, int], Shape]
    most: int = 1


def feed(line: Line, start_ns: int, seed: int, every: str, phases: Phases) -> dict[str, Any]:
    """The market of one instrument: a scripted feed with a spread and noise in proportion to its price."""
    spec = line.spec
    return {
        "kind": "scripted", "name": f"script of {spec.symbol}", "seed": seed, "symbols": [spec.symbol], "start": time_text(start_ns), "every": every,
        "start_price": {spec.symbol: spec.px_text(line.px)}, "spread_ticks": 2 * line.ticks(_SPREAD_BPS // 2), "lots": _SHOWN * line.unit // spec.lot_qty,
        "phase": [{"noise_ticks": line.ticks(_NOISE_BPS), **phase} for phase in phases],
    }  # fmt: skip


def sizes(scale: Scale, units: int = 1, parts: int = 1) -> dict[str, int]:
    """So many units of each instrument, as rogues take them."""
    return {line.spec.symbol: line.qty(units, parts) for line in scale.lines}


def order(line: Line, at: str, side: str, qty: int, limit_px: int = 0) -> dict[str, Any]:
    """An order by hand."""
    argument = {"symbol": line.spec.symbol, "side": side, "qty": line.spec.qty_text(qty)}
    if limit_px:
        argument["limit"] = to_text(limit_px, line.spec.price_digits)
    return {"at": at, "actor": "trader", "command": "order", "argument": argument}


def command(at: str, word: str, reason: str) -> dict[str, Any]:
    """Something a person asks for."""
    return {"at": at, "actor": "risk desk", "command": word, "argument": {"reason": reason}}


def span(seconds: int) -> str:
    """A duration as a configuration writes it."""
    return duration_text(seconds * 10**9)


def configured(scenario: Scenario, config: SessionConfig, scale: Scale, seed: int) -> SessionConfig:
    """The user's configuration with the scenario in it."""
    shape = scenario.shape(scale, seed)
    table = json.loads(canonical_json(config))
    symbols = [line.spec.symbol for line in scale.lines]
    table |= {
        "name": f"scenario-{scenario.name}", "seed": seed, "feed": [dict(f) for f in shape.feeds], "operator": [dict(o) for o in shape.operators],
        "venue": {k: v for k, v in table["venue"].items() if "fee" in k} | _VENUE | dict(shape.venue), "on_bad_row": "stop",
        "strategy": _strategies(table.get("strategy") or [{"name": scenario.name}], shape, symbols),
    }  # fmt: skip
    return from_mapping(table, base=config.base, place=f"scenario {scenario.name}")


def _strategies(own: list[dict[str, Any]], shape: Shape, symbols: list[str]) -> list[dict[str, Any]]:
    kept = [{k: v for k, v in s.items() if k not in ("use", "params", "instruments", "bars", "bar_exclude")} for s in own]
    first = kept[0] | {"use": f"{_ROGUES}:{shape.rogue}", "params": dict(shape.params), "instruments": symbols}
    return [first, *(s | {"use": f"{_ROGUES}:Idle", "instruments": symbols} for s in kept[1:])]
