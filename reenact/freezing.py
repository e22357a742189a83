"""Decides how a running session's objects become bytes and objects again: the whole graph, exact, in plain and in compiled Python.

What a session holds refers to itself everywhere (tables of handlers, queues that two rooms share), so the graph is pickled as one.

Invariants: what is shared stays shared; scratch space derived from a table of ticks is left out and made anew; a class of a user's file
is the one that this session has loaded; a strategy that keeps anything outside itself cannot be frozen.
"""

from __future__ import annotations

import io
import pickle
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from hashlib import sha256
from importlib import import_module
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import Any

from adapters.venues.tables import Table
from domain.engine import Engine
from domain.market import Market
from domain.strategy import Strategy
from domain.ticks import Columns, Ticks
from reenact.blanks import blanks
from reenact.compiled import MODULES
from reenact.guarded import MARK

Strategies = Sequence[Strategy]
_OURS = ("domain.", "adapters.", "reenact.", "builtins", "abc", "typing")


class Unfit(Exception):
    """The state cannot be kept; the sentence says why."""


def freeze(state: object, strategies: Strategies) -> bytes:
    """The graph of `state` as bytes. Raises Unfit where a strategy holds what cannot be written down (a generator, a lambda)."""
    out = io.BytesIO()
    try:
        _Pickler(out, strategies).dump(state)
    except (pickle.PicklingError, TypeError, AttributeError, ValueError, RecursionError) as e:
        raise Unfit(f"{e}") from e
    return out.getvalue()


def thaw(data: bytes, strategies: Strategies) -> Any:
    """The graph again; `strategies` are this session's own, of which only the classes count.

    Raises Unfit for what these bytes cannot have been. They must come from `freeze` on this machine: reading them runs them.
    """
    try:
        return _Unpickler(io.BytesIO(data), strategies).load()
    except (pickle.UnpicklingError, AttributeError, ImportError, IndexError, KeyError, TypeError, ValueError, EOFError) as e:
        raise Unfit(f"{e}") from e


def outside(strategies: Strategies) -> str:
    """A digest of what the strategies' modules and classes hold besides code: state there would be lost. Raises Unfit if it cannot be written down."""
    found = sha256()
    for name, value in _outside(strategies):
        found.update(name.encode() + b"\0")
        found.update(freeze(value, strategies))
    return found.hexdigest()


class _Pickler(pickle.Pickler):
    def __init__(self, out: io.BytesIO, strategies: Strategies) -> None:
        super().__init__(out, protocol=5)
        self._strategies = strategies
        self._rules: dict[type, Callable[[Any], Any]] = dict.fromkeys(_native(), _attributes)
        self._rules |= {Ticks: _ticks, Table: _table, Engine: _engine, Market: _market}

    def reducer_override(self, obj: Any) -> Any:
        rule = self._rules.get(type(obj))
        if rule is not None:
            return rule(obj)
        if isinstance(obj, type) and not obj.__module__.startswith(_OURS):
            return self._class(obj)
        return NotImplemented

    def _class(self, cls: type) -> Any:
        for i, strategy in enumerate(self._strategies):
            names = _names(type(strategy))
            if MARK in names and names.get(cls.__name__) is cls:
                return _class_of, (i, cls.__name__)
        return NotImplemented


class _Unpickler(pickle.Unpickler):
    def __init__(self, data: io.BytesIO, strategies: Strategies) -> None:
        super().__init__(data)
        self._strategies = strategies

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == (__name__, _class_of.__name__):
            return lambda i, cls: _names(type(self._strategies[i]))[cls]
        return super().find_class(module, name)


def _class_of(index: int, name: str) -> type:
    """Stands in the bytes for a class of the file of strategy `index`; `_Unpickler` knows which."""
    raise Unfit(f"the class {name} of strategy {index} is asked for outside a session")


def _native() -> Iterator[type]:
    """The compiled classes: pickle cannot see into them by itself. None in plain Python."""
    for path in MODULES:
        module = import_module(path.removesuffix(".py").removesuffix("/__init__").replace("/", "."))
        yield from (c for c in vars(module).values() if isinstance(c, type) and hasattr(c, "__mypyc_attrs__"))


def _attributes(obj: Any) -> Any:
    return _new, (type(obj),), _held(obj), None, None, _give


def _held(obj: Any) -> dict[str, Any]:
    """The attributes that an object has now, compiled or not."""
    names = getattr(type(obj), "__mypyc_attrs__", None) or getattr(type(obj), "__slots__", None)
    if names is None:
        return dict(vars(obj))
    return {name: getattr(obj, name) for name in names if name != "__dict__" and hasattr(obj, name)}


def _new(cls: Any) -> Any:
    """An object whose attributes are given next. A compiled class makes none without its constructor."""
    return blanks()[cls]() if hasattr(cls, "__mypyc_attrs__") else cls.__new__(cls)


def _give(obj: Any, held: dict[str, Any]) -> None:
    for name, value in held.items():
        setattr(obj, name, value)


def _ticks(ticks: Ticks) -> Any:
    return Ticks, (ticks.cols,)


def _table(table: Table) -> Any:
    return _table_of, (table._cols,)  # noqa: SLF001 (the one thing everything else in it follows from)


def _table_of(cols: Columns) -> Table:
    return Table(Ticks(cols))


def _engine(engine: Engine) -> Any:
    """Between two tables nobody reads on in the old one's stream of events."""
    return _new, (Engine,), _held(engine) | {"_stream": iter(()), "_stream_at": -1}, None, None, _give


def _market(market: Market) -> Any:
    """The rows are views of its table."""
    return _new, (Market,), _held(market) | {"rows": []}, None, None, _give_market


def _give_market(market: Market, held: dict[str, Any]) -> None:
    _give(market, held)
    if market.table is not None:
        market.rows = market.table.rows()


def _names(cls: type) -> dict[str, Any]:
    """The names of the module that a class was really made in: a file that two strategies use is loaded twice under one name."""
    for value in vars(cls).values():
        if isinstance(value, FunctionType) and value.__module__ == cls.__module__:
            return value.__globals__
    return vars(sys.modules[cls.__module__])


def _outside(strategies: Strategies) -> Iterator[tuple[str, Any]]:
    """What users' modules and classes hold besides code, by name."""
    seen: set[str] = set()
    for i, strategy in enumerate(strategies):
        for cls in type(strategy).__mro__:
            if not cls.__module__.startswith(_OURS):
                yield from _data(f"{i} {cls.__module__}", cls.__module__, _names(cls), seen)


def _data(place: str, module: str, names: Mapping[str, Any], seen: set[str]) -> Iterator[tuple[str, Any]]:
    if place in seen:
        return
    seen.add(place)
    for name, value in list(names.items()):
        if name.startswith("__") or name == "_abc_impl":
            continue
        if isinstance(value, type):
            if value.__module__ == module:
                yield from _data(f"{place}.{name}", module, vars(value), seen)
        elif isinstance(value, ModuleType):
            if MARK in vars(value):
                yield from _data(f"{place.partition('.')[0]}/{value.__name__}", value.__name__, vars(value), seen)
        elif not isinstance(value, FunctionType | BuiltinFunctionType | property | classmethod | staticmethod) and not hasattr(value, "__objclass__"):
            yield f"{place}.{name}", value
