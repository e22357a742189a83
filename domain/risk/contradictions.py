"""Decides which limits contradict themselves or each other: numbers that are none of their unit, limits under which no order could ever pass.

Invariants: pure; the same question for a configuration and for a command; limits that are `OFF` contradict nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from domain.instrument import Instrument
from domain.limits import OFF, Limit
from domain.risk.bound import MOST
from domain.risk.rule import WIDTH, Param, Rule
from domain.terms import OrderType, Scope, TradingState

_DAY_MINUTES = 24 * 60
_ALL_TYPES = sum(1 << kind for kind in OrderType)
_MOST_OF = {"flag": 1, "state": int(max(TradingState))}


def contradictions(limits: Iterable[Limit], instruments: Sequence[Instrument], rules: Iterable[Rule]) -> list[str]:
    """One sentence for each contradiction among the limits in force (later versions take the place of earlier ones), in a fixed order.

    Source: house rule; RTS 6 Art. 15 asks for limits that work, and one that stops everything is a halt in disguise.
    """
    params = {rule.id: rule.params for rule in rules}
    in_force = {(limit.rule, limit.scope, member): limit.values for limit in limits for member in limit.members or ("",)}
    found: dict[str, None] = {}
    for (rule, _, _), values in in_force.items():
        numbers_of = split(params[rule], values)
        there = {param.name for param, numbers in numbers_of if OFF not in numbers}
        for param, numbers in numbers_of:
            wrong = unfit(param, numbers) or idle(param, there)
            if wrong:
                found[wrong] = None
    for spec in instruments:
        found.update(dict.fromkeys(_of_instrument(spec, _binding(spec, in_force, params))))
    return list(found)


def split(params: Sequence[Param], values: Sequence[int]) -> list[tuple[Param, tuple[int, ...]]]:
    """A limit's numbers by parameter."""
    found, at = [], 0
    for param in params:
        width = WIDTH[param.unit]
        found.append((param, tuple(values[at : at + width])))
        at += width
    return found


def unfit(param: Param, numbers: tuple[int, ...]) -> str:
    """Why the numbers are none of the parameter's unit; empty when they are, or when they switch it off."""
    name, unit = param.name, param.unit
    if len(numbers) != WIDTH[unit]:
        return f"{name} takes {WIDTH[unit]} whole {'number' if WIDTH[unit] == 1 else 'numbers'}, not {len(numbers)}"
    if all(n == OFF for n in numbers):
        return ""
    if any(n < 0 for n in numbers):
        return f"{name} is -1 (off) or not negative, not {', '.join(map(str, numbers))}"
    if any(n > MOST for n in numbers):
        return f"{name} does not fit into 64 bits"
    if unit == "hours":
        return (
            "" if numbers[0] != numbers[1] and max(numbers) <= _DAY_MINUTES else f"{name} is two different minutes of the day, at most {_DAY_MINUTES}"
        )
    if unit == "rate" and not numbers[1]:
        return f"{name} needs a window that is longer than nothing"
    if unit == "types" and (not numbers[0] or numbers[0] & ~_ALL_TYPES):
        return f"{name} is a sum of 2^OrderType, at most {_ALL_TYPES} and not 0, which would let no order pass"
    most = _MOST_OF.get(unit, MOST)
    return "" if numbers[0] <= most else f"{name} is at most {most}, not {numbers[0]}"


def idle(param: Param, there: set[str]) -> str:
    """Why a parameter binds nothing beside those that are there; empty when it does, or when it is off itself."""
    missing = [name for name in param.needs if name not in there]
    return f"{param.name} binds nothing without {' and '.join(missing)}" if param.name in there and missing else ""


def _binding(spec: Instrument, in_force: dict[tuple[str, Scope, str], tuple[int, ...]], params: dict[str, tuple[Param, ...]]) -> dict[str, int]:
    """What binds every order in an instrument, whoever sends it: the least number of each parameter."""
    places = ((Scope.ACCOUNT, ""), (Scope.VENUE, spec.venue), (Scope.CLASS, spec.asset_class), (Scope.INSTRUMENT, spec.symbol))
    least: dict[str, int] = {}
    for (rule, scope, member), values in in_force.items():
        if (scope, member) in places:
            for param, numbers in split(params[rule], values):
                if numbers[0] != OFF:
                    least[param.name] = min(numbers[0], least.get(param.name, numbers[0]))
    return least


def _of_instrument(spec: Instrument, least: dict[str, int]) -> list[str]:
    found: list[str] = []
    qty = least.get("max_order_qty")
    if qty is not None:
        sides = [(key, least[key]) for key in ("max_long", "max_short") if key in least]
        span = sum(n for _, n in sides)
        if sides and qty > span:
            named = " and ".join(f"{key} {spec.qty_text(n)}" for key, n in sides)
            found.append(
                f"max_order_qty {spec.qty_text(qty)} contradicts {named} of {spec.symbol}: the position could never move by more than "
                f"{spec.qty_text(span)}; lower it, or raise or write both position limits"
            )
        if qty < spec.lot_qty:
            found.append(
                f"max_order_qty {spec.qty_text(qty)} is less than one lot ({spec.qty_text(spec.lot_qty)}) of {spec.symbol}: no order could pass"
            )
    amt = least.get("max_order_value")
    if amt is not None and amt < spec.min_notional_amt:
        found.append(
            f"max_order_value {spec.amt_text(amt)} is less than min_notional {spec.amt_text(spec.min_notional_amt)} of {spec.symbol}: "
            "no order could pass"
        )
    return found
