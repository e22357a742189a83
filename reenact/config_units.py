"""Decides how a configuration becomes the domain's integers, and which configurations contradict themselves.

Invariants: what is off an instrument's grid is refused, never rounded; all instruments and cash of one currency share their digits.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from domain.errors import ConfigInvalid
from domain.events import Balance
from domain.instrument import Instrument, instrument
from domain.limits import Limit
from domain.money import to_int
from domain.risk.book import OPERATOR_NAME
from reenact import config_scopes
from reenact.config_file import nearest
from reenact.config_operator import About, ParamsRow, build_commands

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


def build_limits(config: SessionConfig, instruments: Sequence[Instrument]) -> tuple[Limit, ...]:
    """The session's limits in integers. Raises ConfigInvalid naming every one that does not fit these instruments."""
    limits, problems = config_scopes.build(config, instruments, config.risk_rules)
    if problems:
        raise ConfigInvalid(problems)
    return limits


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
        if s.name == OPERATOR_NAME:
            problems.append((f"strategy[{n}].name", f'"{OPERATOR_NAME}" stands for orders by hand; give the strategy another name.'))
    for n, feed in enumerate(config.feeds, start=1):
        problems += _unknown_symbols(f"feed[{n}]", _symbols_of(feed), symbols)
    built: list[Instrument] = []
    for n, c in enumerate(config.instruments, start=1):
        try:
            built.append(_instrument(c))
        except ValueError as e:
            problems.append((f"instrument[{n}]", f"{str(e).removeprefix(f'{c.symbol}: ')}."))
    if len(built) == len(config.instruments):
        problems += config_scopes.build(config, build_instruments(config), config.risk_rules)[1]
        problems += _sizing_problems(config, built)
    strategies = [s.name for s in config.strategies]
    for n, row in enumerate(config.operators, start=1):
        if isinstance(row, ParamsRow) and row.argument.strategy not in strategies:
            named = row.argument.strategy
            problems.append((f"operator[{n}].argument.strategy", f"no strategy has the name {named!r}.{nearest(named, strategies)}"))
        try:
            build_commands([row], About(built, strategies, config.risk_rules))
        except ValueError as e:
            problems.append((f"operator[{n}].argument", f"{e}."))
    if not problems:
        try:
            build_balances(config, build_instruments(config))
        except ValueError as e:
            problems.append(("cash", f"{e}."))
    return problems


def _sizing_problems(config: SessionConfig, built: Sequence[Instrument]) -> Problems:
    problems: Problems = []
    for n, s in enumerate(config.strategies, start=1):
        try:
            if s.sizing is not None:
                s.sizing.settings([i for i in built if not s.instruments or i.symbol in s.instruments])
        except ValueError as e:
            problems.append((f"strategy[{n}].sizing.max_qty", f"{e}."))
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
