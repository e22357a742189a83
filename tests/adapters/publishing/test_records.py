"""What a published record holds, and that the schema in docs/ describes every one of them."""

from __future__ import annotations

import json
import os
from collections import Counter
from enum import IntEnum
from io import BytesIO
from pathlib import Path
from typing import Any, get_args, get_origin

import msgspec
import pytest

from adapters.export import write_jsonl
from adapters.publishing import FORMAT, Position, Record, Recorder, event_schema
from adapters.readable import Reader
from domain.commit import Commit, checked, digest
from domain.events import CATALOGUE, Event, SessionOpened
from domain.instrument import Instrument, instrument
from domain.limits import OFF, Check, Limit
from domain.risk import RULES
from domain.terms import Scope
from reenact import compose, config
from reenact.logs import open_log
from tests.data import ROOT, data_root
from tests.golden.sessions import ALL
from tests.golden.worker import available

jsonschema = pytest.importorskip("jsonschema", reason="jsonschema checks published records against their schema: pip install jsonschema")
SOME = ("synthetic-mixed", "synthetic-operator", "synthetic-denials", "synthetic-inverse", "aig-latency-displayed", "eurusd-maker-crossed-dropped")
STEP = 1 if os.environ.get("HYPOTHESIS_PROFILE") == "nightly" else 40  # the validator takes a millisecond for each


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    """As it stands in docs/."""
    found: dict[str, Any] = json.loads((ROOT / "docs" / "published-events.schema.json").read_text())
    return found


@pytest.fixture(scope="module")
def validators(schema: dict[str, Any]) -> dict[str, Any]:
    """By type of event, which is faster than to let the schema's oneOf try each."""
    kinds = (event.__name__ for event in CATALOGUE)
    return {kind: jsonschema.Draft202012Validator({"$defs": schema["$defs"], "$ref": f"#/$defs/{kind}"}) for kind in kinds}


def sample(kind: Any, name: str) -> Any:
    """Some value that a field of this type can hold."""
    if get_origin(kind) is tuple:
        return (sample(get_args(kind)[0], name),)
    if kind is Instrument:
        return instrument("A", price_digits=2)
    if kind is Check:
        return Check(next(r.id for r in RULES if r.unit == "amt"), True, 5, OFF, 3)
    if kind is Limit:
        return Limit(1, "R-04", Scope.INSTRUMENT, ("A",), (5,))
    if type(None) in get_args(kind):
        return sample(get_args(kind)[0], name)
    if isinstance(kind, type) and issubclass(kind, IntEnum):
        return next(iter(kind))
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return kind(**{f.name: sample(f.type, f.name) for f in msgspec.structs.fields(kind)})
    if kind is int and name in ("instrument", "instruments", "strategy"):
        return 0
    return {int: 7, str: "x", bool: True}[kind]


def example(event: type[Event]) -> Any:
    return event(**{f.name: sample(f.type, f.name) for f in msgspec.structs.fields(event)})


def played(name: str, folder: Path) -> list[tuple[Commit, bytes]]:
    """A golden session's commits with their records; a loud skip without its data."""
    if name not in available():
        pytest.skip(f"recorded data for {name} not found: set REENACT_DATA")
    compose.run(config.from_mapping(ALL[name], base=data_root()), log=f"sqlite://{folder}/log.db", session="s-1")
    with open_log(f"sqlite://{folder}/log.db") as log:
        return list(checked("s-1", log.read("s-1")))


def test_the_schema_in_docs_is_a_valid_one_and_in_step_with_the_code(schema: dict[str, Any]) -> None:
    """Given docs/published-events.schema.json, then it is a schema of JSON Schema 2020-12, and what the code makes."""
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema == event_schema()


@pytest.mark.parametrize("event", CATALOGUE, ids=lambda e: e.__name__)
@pytest.mark.parametrize("known", [True, False], ids=["instrument known", "instrument unknown"])
def test_every_event_of_the_catalogue_is_described(schema: dict[str, Any], event: type[Event], *, known: bool) -> None:
    """Given an event of each type, then its published form is valid, and it is not when a field is missing or unknown."""
    reader = Reader()
    if known:
        reader.note(example(SessionOpened))
    row = json.loads(msgspec.json.encode({"session": "x"} | reader.row(1, example(event))))
    validator = jsonschema.Draft202012Validator(schema)
    validator.validate(row)
    assert not validator.is_valid(row | {"surprise": 1})
    assert not validator.is_valid({k: v for k, v in row.items() if k != "cause"})
    assert not validator.is_valid(row | {"type": "Nothing"})


@pytest.mark.parametrize("name", SOME)
def test_every_event_of_a_real_session_is_valid(validators: dict[str, Any], tmp_path: Path, name: str) -> None:
    """Given whole sessions, real and synthetic, then the published form is valid: of the first 200 of each type and of a sample (nightly: all)."""
    found = played(name, tmp_path)
    recorder = Recorder(Position("s-1", 0))
    rows = [json.loads(record.value) for commit, _ in found for record in recorder.records(commit)]
    seen = Counter[str]()
    for n, row in enumerate(rows):
        seen[row["type"]] += 1
        if seen[row["type"]] <= 200 or n % STEP == 0:
            validators[row["type"]].validate(row)


def test_a_record_is_the_line_that_an_export_writes_led_by_its_session_and_named_by_its_headers(tmp_path: Path) -> None:
    """Given a session, then values equal the lines of `reenact export`, and headers, key and time say which event it is."""
    found = played("synthetic-operator", tmp_path)
    out = BytesIO()
    write_jsonl((commit for commit, _ in found), out)
    lines = [json.loads(line) for line in out.getvalue().splitlines()]
    recorder = Recorder(Position("s-1", 0))
    seq = 0
    for commit, _ in found:
        for record in recorder.records(commit):
            seq += 1
            row = json.loads(record.value)
            assert list(row)[:6] == ["session", "seq", "type", "time", "ns", "cause"]
            assert row == {"session": "s-1"} | lines[seq - 1]
            assert [name for name, _ in record.headers] == ["session", "seq", "type", "commit", "format"]
            assert dict(record.headers) == {
                "session": b"s-1", "seq": b"%d" % seq, "type": row["type"].encode(), "commit": b"%d" % commit.number, "format": FORMAT.encode(),
            }  # fmt: skip
            assert record.ms == row["ns"] // 1_000_000
    assert seq == len(lines)


def test_a_recorder_that_passed_over_the_published_part_writes_the_same_rest(tmp_path: Path) -> None:
    """Given a session cut anywhere between two commits, then the rest is written as if nothing had been cut; positions say how far."""
    found = played("synthetic-mixed", tmp_path)
    whole = Recorder(Position("s-1", 2))
    expected: list[list[Record]] = [whole.records(commit) for commit, _ in found]
    for cut in range(1, len(found), max(1, len(found) // 3)):
        rest = Recorder(Position("s-1", 2))
        for commit, _ in found[:cut]:
            rest.pass_over(commit)
        assert [rest.records(commit) for commit, _ in found[cut:]] == expected[cut:]
    for commit, raw in found:
        last = commit.number == len(found)
        assert whole.position(commit, raw) == Position("s-1", 2, commit.number, commit.last_seq, digest(raw).hex(), last)
