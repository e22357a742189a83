"""Decides how the published form of every event is described: a JSON Schema (2020-12) made from the event catalogue.

Invariants: every field of every event is described and no other is allowed; what `adapters.readable` makes of a field decides its type.
Source: JSON Schema 2020-12.
"""

from __future__ import annotations

import inspect
from enum import IntEnum
from typing import Any, get_args, get_origin

import msgspec

from adapters.publishing.records import FORMAT
from adapters.rules import SCOPES
from domain.events import CATALOGUE, Event, Leg
from domain.instrument import Instrument
from domain.limits import Check, Limit

Schema = dict[str, Any]

_AMOUNTS = frozenset({"amt", "fee_amt", "expected"})
_DIGITS = {"fee_amt": "fee_digits"}
_COMPARED = frozenset({"observed", "limit", "most"})
_NUMBER: Schema = {"anyOf": [{"$ref": "#/$defs/decimal"}, {"type": "integer"}], "description": "An integer only where the instrument is not known."}
_DURATIONS = frozenset({"interval_ns", "took_ns"})
_SHARED: Schema = {
    "time": {
        "type": "string", "pattern": r"^$|^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.(\d{3}|\d{6}|\d{9}))?Z$",
        "description": "ISO 8601 UTC with as many of milli-, micro- and nanoseconds as needed; empty where there is none.",
    },
    "duration": {"type": "string", "pattern": r"^-?\d+(ns|us|ms|s|m|h|d)$", "description": "A number and a unit: 250ms, 1m."},
    "decimal": {"type": "string", "pattern": r"^-?\d+(\.\d+)?$", "description": "An exact decimal as text, so that no reader makes a float of it."},
    "instrument": {"type": ["string", "integer"], "description": "The symbol; the index where the session has no such instrument (-1: none)."},
    "strategy": {"type": ["string", "integer"], "description": "The strategy's name; -1 for a person."},
    "limit": {
        "type": "object", "description": "A limit, its numbers by parameter as text; null where off.", "additionalProperties": False,
        "properties": {
            "id": {"type": "integer", "minimum": 1}, "rule": {"type": "string"}, "code": {"type": "string"}, "scope": {"enum": list(SCOPES.values())},
            "members": {"type": "array", "items": {"type": "string"}}, "values": {"type": "object", "additionalProperties": {"type": ["string", "null"]}},
            "version": {"type": "integer", "minimum": 1}, "owner": {"type": "string"}, "approver": {"type": "string"},
            "effective": {"$ref": "#/$defs/time"},
        },
        "required": ["id", "rule", "code", "scope", "members", "values", "version", "owner", "approver", "effective"],
    },
    "check": {
        "type": "object", "description": "One risk rule's answer, with the numbers compared in the rule's unit.", "additionalProperties": False,
        "properties": {
            "rule": {"type": "string"}, "code": {"type": "string"}, "passed": {"type": "boolean"}, "observed": {"type": "string"},
            "limit": {"type": "string"}, "unit": {"type": "string"}, "seen": {"type": "integer", "description": "Seq of the newest event looked at, or 0."},
            "limit_id": {"type": "integer", "description": "The limit asked about; 0: the rule needs none."}, "limit_version": {"type": "integer"},
            "scope": {"type": "string", "description": "Whom that limit binds."}, "rule_version": {"type": "integer"},
        },
        "required": ["rule", "code", "passed", "observed", "limit", "unit", "seen", "limit_id", "limit_version", "scope", "rule_version"],
    },
}  # fmt: skip


def event_schema() -> Schema:
    """The schema of one published record's value."""
    defs = {name: _SHARED[name] for name in sorted(_SHARED)} | {event.__name__: _event(event) for event in CATALOGUE}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:reenact:published-event:{FORMAT}",
        "title": "Published event",
        "description": (
            "One event of a session, as `reenact publish` writes it. Record key: the session. Headers (UTF-8 text): session, seq, type, commit, "
            f"format ({FORMAT}). Record timestamp: the event's time."
        ),
        "oneOf": [{"$ref": f"#/$defs/{event.__name__}"} for event in CATALOGUE],
        "$defs": defs,
    }


def _event(event: type[Event]) -> Schema:
    properties: Schema = {
        "session": {"type": "string", "minLength": 1},
        "seq": {"type": "integer", "minimum": 1, "description": "The event's number in its session, without a gap."},
        "type": {"const": event.__name__},
        "time": {"$ref": "#/$defs/time"},
        "ns": {"type": "integer", "description": "The same time in nanoseconds UTC."},
        "cause": {"type": "integer", "minimum": 0, "description": "Seq of the event that led to this one; 0: it came from outside."},
    }
    own = {f.name: _field(event, f.name, f.type) for f in msgspec.structs.fields(event) if f.name not in ("ns", "cause", "session")}
    required = [*properties, *own]
    if hasattr(event, "cl_ord_id") and "instrument" not in own:
        own["instrument"] = {"type": "string", "description": "The symbol of the order's instrument, where the order is known."}
    text = " ".join(inspect.cleandoc(event.__doc__ or "").split())
    return {"description": text, "type": "object", "properties": properties | own, "required": required, "additionalProperties": False}


def _field(event: type[Event], name: str, kind: Any) -> Schema:
    """What the readable form makes of a field: by its name first, then by its type."""
    if name in ("instrument", "strategy"):
        return {"$ref": f"#/$defs/{name}"}
    if kind is Limit:
        return {"$ref": "#/$defs/limit"}
    if name in _COMPARED:
        return {"type": "string", "description": "In the unit of the rule that compared it."}
    if name in _DURATIONS:
        return {"$ref": "#/$defs/duration"}
    if name.endswith("_ns"):
        return {"$ref": "#/$defs/time"}
    if name in _AMOUNTS and hasattr(event, _DIGITS.get(name, "digits")):
        return {"$ref": "#/$defs/decimal"}
    if name.endswith(("px", "qty", "amt")):
        return _NUMBER
    return _type(kind)


def _type(kind: Any) -> Schema:
    """A field that its name says nothing about."""
    if get_origin(kind) is tuple:
        return {"type": "array", "items": _element(get_args(kind)[0])}
    if isinstance(kind, type) and issubclass(kind, IntEnum):
        return {"enum": [member.name for member in kind]}
    return _JSON.get(kind) or _element(kind)


_JSON: dict[Any, Schema] = {int: {"type": "integer"}, str: {"type": "string"}, bool: {"type": "boolean"}}


def _element(kind: Any) -> Schema:
    if kind is int:
        return {"$ref": "#/$defs/instrument"}
    if kind in _JSON:
        return _JSON[kind]
    if kind in (Check, Limit):
        return {"$ref": f"#/$defs/{kind.__name__.lower()}"}
    own = {f.name: _plain(kind, f.name, f.type) for f in msgspec.structs.fields(kind)}
    return {"type": "object", "properties": own, "required": list(own), "additionalProperties": False}


def _plain(struct: type, name: str, kind: Any) -> Schema:
    """A field of a specification inside an event: whole, as integers in the instrument's digits, but for amounts and references."""
    if name == "amt" and struct is not Instrument:
        return {"$ref": "#/$defs/decimal"}
    if name == "instruments":
        return {"type": "array", "items": {"$ref": "#/$defs/instrument"}}
    if struct is Leg and (name == "qty" or name.endswith("_px")):
        return _NUMBER
    options = get_args(kind)
    if type(None) in options:
        return {"anyOf": [{"type": "null"}, *(_type(k) for k in options if k is not type(None))]}
    return _type(kind)
