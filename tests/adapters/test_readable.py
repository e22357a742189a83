"""Every event of the catalogue can be written for people."""

from __future__ import annotations

from enum import IntEnum
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.readable import Reader
from adapters.rules import check_row
from adapters.sentences import sentence
from domain.events import CATALOGUE, Event, OrderSubmitted
from domain.limits import Limit
from domain.risk import RULES, WIDTH, Check
from domain.terms import OrderType, Scope, Side, TimeInForce
from tests.projections.builder import SPY, Session

OPENED = Session().opened


def reader() -> Reader:
    found = Reader()
    found.note(OPENED)
    found.note(OrderSubmitted(1, 0, "T-1", 0, 0, Side.BUY, 5, OrderType.MARKET, 0, 0, 0, TimeInForce.GTC, 0, False, False))
    return found


def filled(kind: type[Event]) -> Any:
    """One event of a type with something in every field."""
    return OPENED if kind is type(OPENED) else kind(*(_value(f) for f in msgspec.structs.fields(kind)))


def _value(field: msgspec.structs.FieldInfo) -> Any:
    kind = field.type
    if isinstance(kind, type) and issubclass(kind, IntEnum):
        return next(iter(kind))
    if kind is Limit:
        return Limit(1, "R-04", Scope.INSTRUMENT, ("SPY",), (5,))
    simple: dict[Any, Any] = {int: 0, str: "x", bool: True}
    if field.name == "checks":
        return (Check("R-04", True, 5, 10),)
    return simple.get(kind, ("x",) if kind == tuple[str, ...] else (0,))


@pytest.mark.parametrize("kind", CATALOGUE, ids=lambda k: k.__name__)
def test_every_event_has_a_row_and_a_sentence(kind: type[Event]) -> None:
    row = reader().row(7, filled(kind))
    assert (row["seq"], row["type"]) == (7, kind.__name__)
    assert msgspec.json.encode(row)
    assert sentence(row)


@pytest.mark.parametrize(
    ("unit", "observed", "limit", "shown"),
    [
        ("qty", 5, 10, ("5", "10", "qty")),
        ("px", 16_742, 1, ("167.42", "0.01", "USD")),
        ("amt", 83_710, 100_000, ("837.10", "1000.00", "USD")),
        ("bps", 12, 300, ("12", "300", "bps")),
        ("ns", 250_000_000, 5_000_000_000, ("250ms", "5s", "")),
        ("ns", -1, 5_000_000_000, ("none", "5s", "")),
        ("state", 3, 0, ("KILLED", "ACTIVE", "")),
        ("flag", 0, 1, ("no", "yes", "")),
        ("qty", 5, -1, ("5", "off", "qty")),
    ],
)
def test_a_rules_numbers_are_shown_in_its_unit(unit: str, observed: int, limit: int, shown: tuple[str, str, str]) -> None:
    rule = next(r for r in RULES if r.unit == unit)
    row = check_row(Check(rule.id, True, observed, limit), SPY)
    assert (row["observed"], row["limit"], row["unit"]) == shown


def test_every_rule_of_the_pipeline_has_a_known_unit() -> None:
    assert {r.unit for r in RULES} | {p.unit for r in RULES for p in r.params} <= WIDTH.keys()


@given(st.integers(-(2**62), 2**62))
def test_no_digit_of_a_price_is_lost(px: int) -> None:
    assert check_row(Check("R-19b", True, px, 1), SPY)["observed"] == SPY.px_text(px)
