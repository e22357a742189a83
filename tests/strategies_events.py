"""Hypothesis strategies for every event of the catalogue, made from the annotations, and for tables of ticks."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from types import NoneType, UnionType
from typing import Any, get_args, get_origin, get_type_hints

import msgspec
import numpy as np
from hypothesis import strategies as st

from domain.events import CATALOGUE, TICKS, BarClosed, Event, QuoteUpdated, TradePrinted
from domain.terms import Side
from domain.ticks import Tick, Ticks, of_events

INT64 = st.integers(-(1 << 63), (1 << 63) - 1)
EDGES = st.sampled_from([0, 1, -1, 127, 128, 255, 256, 65535, 65536, (1 << 32) - 1, 1 << 32, (1 << 63) - 1, -(1 << 63)])
NUMBERS = INT64 | EDGES
TIMES = st.integers(0, 1 << 61)
TEXTS = st.text(max_size=20)


def of_type(kind: Any) -> st.SearchStrategy[Any]:
    """Values of an annotated type: the field types that events use, and no other."""
    if kind is int:
        return NUMBERS
    if kind is str:
        return TEXTS
    if kind is bool:
        return st.booleans()
    if get_origin(kind) is tuple:
        return st.lists(of_type(get_args(kind)[0]), max_size=3).map(tuple)
    if isinstance(kind, UnionType):
        return st.one_of(*(of_type(k) for k in get_args(kind)))
    if kind is NoneType:
        return st.none()
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return st.sampled_from(kind)
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return of_struct(kind)
    raise TypeError(f"no strategy for {kind!r}: teach tests/strategies_events.py the new field type")


def of_struct(kind: type[Any], **known: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Structs of one class; `known` replaces the strategies of single fields."""
    hints = get_type_hints(kind)
    return st.builds(kind, **{name: known[name] if name in known else of_type(hints[name]) for name in kind.__struct_fields__})


def of_event(kind: type[Event]) -> st.SearchStrategy[Any]:
    """Events of one class, with a receive time of the last two thousand years and a cause that is no negative number."""
    return st.deferred(lambda: of_struct(kind, ns=TIMES, cause=st.integers(0, 1 << 40)))


RECORDED = {kind: of_event(kind) for kind in CATALOGUE if kind not in TICKS}


def recorded() -> st.SearchStrategy[Any]:
    """Events of every class that is no tick, the smallest class first, which is what Hypothesis shrinks to."""
    return st.one_of(*(RECORDED[kind] for kind in sorted(RECORDED, key=lambda k: len(k.__struct_fields__))))


_COMMON = {"ns": st.just(0), "cause": st.just(0), "instrument": st.integers(0, 5)}
TRADES = of_struct(TradePrinted, **_COMMON, side=st.sampled_from(Side))
QUOTES = of_struct(QuoteUpdated, **_COMMON)
BARS = of_struct(BarClosed, **_COMMON)


@st.composite
def tick_lists(draw: st.DrawFn, min_size: int = 0, max_size: int = 12, start: int | None = None) -> list[Tick]:
    """Ticks in the order of their receive times; `start` is the earliest."""
    at = draw(st.integers(-(1 << 62), 1 << 61)) if start is None else start
    steps = draw(st.lists(st.sampled_from([0, 0, 1, 1000]) | st.integers(0, 1 << 55), min_size=min_size, max_size=max_size))
    kind = draw(st.sampled_from([TRADES, QUOTES, BARS, TRADES | QUOTES | BARS]))
    ticks: list[Tick] = []
    for step in steps:
        at += step
        ticks.append(msgspec.structs.replace(draw(kind), ns=at))
    return ticks


def tables(**sizes: int) -> st.SearchStrategy[Ticks]:
    """Tables of ticks with extreme values."""
    return tick_lists(**sizes).map(of_events)


def table_of(rows: Sequence[Sequence[int]]) -> Ticks:
    """A table from ten rows of integers, whatever they mean."""
    return Ticks(np.array(rows, dtype=np.int64))
