"""Decides how a configuration becomes the domain's integers, and which configurations contradict themselves.

Invariants: what is off an instrument's grid is refused, never rounded; all instruments and cash of one currency share their digits.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from domain.events import Balance
from domain.instrument import Instrument, instrument
from domain.money import to_int
from domain.risk.limits import OFF, Limits
from reenact.config_file import nearest
from reenact.config_limits import in_units, limits_of
from reenact.config_operator import ParamsRow, build_commands

if TYPE_CHECKING:
    from reenact.config import InstrumentConfig, SessionConfig

Problems = list[tuple[str, str]]


def build_instruments(config: SessionConfig) -> tuple[Instrument, ...]:
    """The session's instruments in the file's order; those that settle in one currency count amounts in the same digits. Raises ValueError."""
    first = [_instrument(c) for c in config.instruments]
    digits: dict[str, int] = {}
    for built in first:
        digits[built.settle] = max(digits.get(built.settle, 0), built.amt_digits)
    return tuple(_instrument(c, digits[b.settle]) if b.amt_digits != digits[b.settle] else b for c, b in zip(config.instruments, first, strict=True))


def _instrument(c: InstrumentConfig, amt_digits: int | None = None) -> Instrument:
    return instrument(
        c.symbol, venue=c.venue, asset_class=c.asset_class, base=c.base, quote=c.quote, settle=c.settle, inverse=c.inverse,
        price_digits=c.price_digits, qty_digits=c.qty_digits, amt_digits=amt_digits, tick_size=c.tick_size, lot_size=c.lot_size,
        min_notional=c.min_notional, multiplier=c.multiplier, tradable=c.tradable,
    )  # fmt: skip


def build_limits(config: SessionConfig, instruments: Sequence[Instrument]) -> tuple[Limits, ...]:
    """Limits of each instrument in its integers. Raises ValueError for a number off the instrument's digits."""
    return tuple(limits_of(config.limits.of(i.symbol), i, config.max_data_age) for i in instruments)


def build_balances(config: SessionConfig, instruments: Sequence[Instrument]) -> tuple[Balance, ...]:
    """Opening cash by currency, in the digits of the instruments that settle in it (2 where none does). Raises ValueError."""
    digits = {i.settle: i.amt_digits for i in instruments}
    return tuple(Balance(c, to_int(amt, digits.get(c, 2)), digits.get(c, 2)) for c, amt in sorted(config.cash.items()))


def contradictions(config: SessionConfig) -> Problems:
    """What is wrong between the parts of a configuration whose parts are right each by itself, as (key path, sentence)."""
    symbols = [i.symbol for i in config.instruments]
    problems = _twice("instrument", "symbol", symbols) + _twice("strategy", "name", [s.name for s in config.strategies])
    for n, s in enumerate(config.strategies, start=1):
        problems += _unknown_symbols(f"strategy[{n}].instruments", s.instruments, symbols)
    for n, feed in enumerate(config.feeds, start=1):
        problems += _unknown_symbols(f"feed[{n}]", _symbols_of(feed), symbols)
    for symbol in config.limits.overrides:
        problems += _unknown_symbols(f"limits.{symbol}", [symbol], symbols)
    built: list[Instrument] = []
    for n, c in enumerate(config.instruments, start=1):
        try:
            built.append(_instrument(c))
        except ValueError as e:
            problems.append((f"instrument[{n}]", f"{str(e).removeprefix(f'{c.symbol}: ')}."))
    for i in built:
        problems += _limit_problems(config, i)
    strategies = [s.name for s in config.strategies]
    for n, row in enumerate(config.operators, start=1):
        if isinstance(row, ParamsRow) and row.argument.strategy not in strategies:
            named = row.argument.strategy
            problems.append((f"operator[{n}].argument.strategy", f"no strategy has the name {named!r}.{nearest(named, strategies)}"))
        try:
            build_commands([row], built, 0)
        except ValueError as e:
            problems.append((f"operator[{n}].argument", f"{e}."))
    if not problems:
        try:
            build_balances(config, build_instruments(config))
        except ValueError as e:
            problems.append(("cash", f"{e}."))
    return problems


def _twice(table: str, key: str, names: Iterable[str]) -> Problems:
    return [(table, f"{key} {name!r} is used {n} times; each {table} needs its own.") for name, n in Counter(names).items() if n > 1]


def _symbols_of(feed: Any) -> list[str]:
    """The symbols a feed table names, whatever its kind."""
    one, many = getattr(feed, "symbol", None), getattr(feed, "symbols", None)
    return ([one] if isinstance(one, str) else []) + [s for s in many or () if isinstance(s, str)]


def _unknown_symbols(place: str, named: Iterable[str], symbols: list[str]) -> Problems:
    return [
        (place, f"no instrument has the symbol {s!r}; the symbols are {', '.join(symbols)}.{nearest(s, symbols)}") for s in named if s not in symbols
    ]


def _limit_problems(config: SessionConfig, i: Instrument) -> Problems:
    """Limits that are off the instrument's grid, or under which no order could ever pass."""
    t = config.limits.of(i.symbol)
    problems: Problems = []
    for key, value, digits in (
        ("max_order_qty", t.max_order_qty, i.qty_digits), ("max_order_value", t.max_order_value, i.amt_digits),
        ("max_long", t.max_long, i.qty_digits), ("max_short", t.max_short, i.qty_digits),
    ):  # fmt: skip
        try:
            in_units(value, digits)
        except ValueError as e:
            problems.append((f"limits.{key}", f"for {i.symbol}: {e}."))
    if problems:
        return problems
    limits = limits_of(t, i, config.max_data_age)
    place = f"limits.{i.symbol}" if i.symbol in config.limits.overrides else "limits"
    if limits.max_order_qty != OFF:
        sides = [(key, n) for key, n in (("max_long", limits.max_long_qty), ("max_short", limits.max_short_qty)) if n != OFF]
        span = sum(n for _, n in sides)
        if sides and limits.max_order_qty > span:
            named = " and ".join(f"{key} {i.qty_text(n)}" for key, n in sides)
            sentence = (
                f"{t.max_order_qty} contradicts {named} of {i.symbol}: the position could never move by more than {i.qty_text(span)}; "
                "lower it, or raise or write both position limits."
            )
            problems.append((f"{place}.max_order_qty", sentence))
        if limits.max_order_qty < i.lot_qty:
            problems.append(
                (f"{place}.max_order_qty", f"{t.max_order_qty} is less than one lot ({i.qty_text(i.lot_qty)}) of {i.symbol}: no order could pass.")
            )
    if limits.max_order_amt != OFF and limits.max_order_amt < i.min_notional_amt:
        problems.append(
            (
                f"{place}.max_order_value",
                f"{t.max_order_value} is less than min_notional {i.amt_text(i.min_notional_amt)} of {i.symbol}: no order could pass.",
            )
        )
    return problems
