"""The atomic unit of the log: a run of consecutive events, numbered, hashed and chained, in one canonical encoding.

Record = msgpack of `Commit` followed by its sha256. Ticks travel as one table per commit, every other event as itself;
`gaps[i]` is the number of ticks between event i and the one before it, so that each keeps its own seq.

Invariants: numbers and seqs are gapless; `prev` is the hash of the commit before; `decode(encode(c)) == c` and bytes that
`encode` would not have written are refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from hashlib import sha256
from typing import Annotated, Union

import msgspec

from domain.errors import LogCorrupt, LogGap
from domain.events import AnyDecision, AnyEvent, AnyInput, AnyRecorded, Event
from domain.ticks import Int64, PackedTicks, Ticks, fault, unpack

FORMAT = 2
GENESIS = bytes(32)
_HASH = 32
_Number = Annotated[int, msgspec.Meta(ge=1)]


class Commit(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One commit. `first_seq`..`first_seq + count - 1` are its events; `first_ns`, `last_ns` the time span of their inputs."""

    format: int
    session: str
    number: _Number
    first_seq: _Number
    count: _Number
    prev: Annotated[bytes, msgspec.Meta(min_length=_HASH, max_length=_HASH)]
    first_ns: Int64
    last_ns: Int64
    ticks: PackedTicks
    gaps: list[Annotated[int, msgspec.Meta(ge=0)]]
    events: list[AnyRecorded]

    @property
    def last_seq(self) -> int:
        return self.first_seq + self.count - 1

    def table(self) -> Ticks:
        """The commit's ticks."""
        return unpack(self.ticks)

    def recorded(self) -> Iterator[tuple[int, AnyRecorded]]:
        """Every event that is no tick, with its seq."""
        seq = self.first_seq - 1
        for gap, event in zip(self.gaps, self.events, strict=True):
            seq += gap + 1
            yield seq, event

    def segments(self, table: Ticks | None = None) -> Iterator[tuple[int, Ticks | AnyRecorded]]:
        """The commit in order: runs of ticks (as a table, with the first tick's seq) and single events (with theirs)."""
        ticks = self.table() if table is None else table
        at = 0
        seq = self.first_seq
        for gap, event in zip(self.gaps, self.events, strict=True):
            if gap:
                yield seq, ticks.slice(at, at + gap)
                at += gap
                seq += gap
            yield seq, event
            seq += 1
        if at < len(ticks):
            yield seq, ticks.slice(at, len(ticks))

    def items(self) -> Iterator[tuple[int, AnyEvent]]:
        """Every event one by one, ticks included, with its seq."""
        for seq, part in self.segments():
            if isinstance(part, Ticks):
                yield from enumerate(part.events(), start=seq)
            else:
                yield seq, part


_PASSED = tuple(
    msgspec.defstruct(c.__name__, [], bases=(Event,), frozen=True, array_like=True, gc=False, tag=c.__struct_config__.tag)
    for c in AnyDecision.__args__
)
"""Decisions of which only `ns` and `cause` are read."""


class Outline(Commit, frozen=True, array_like=True, gc=False):
    """A commit as who decides anew needs it: the inputs whole, the decisions in outline."""

    events: list[Union[AnyInput, *_PASSED]]  # type: ignore[valid-type]  # made of a tuple


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Commit)
_outliner = msgspec.msgpack.Decoder(Outline)
_format_decoder = msgspec.msgpack.Decoder(list[msgspec.Raw])


def encode(commit: Commit, like: bytes = b"") -> bytes:
    """The record: canonical bytes and their sha256. Bytes equal to those of `like`, a record whose hash is proven, are not hashed again."""
    body = _encoder.encode(commit)
    if len(body) == len(like) - _HASH and like.startswith(body):
        return like
    return body + sha256(body).digest()


def digest(record: bytes) -> bytes:
    """The hash that names a record and that the next one holds as `prev`."""
    return record[-_HASH:]


def decode(record: bytes, *, session: str = "", number: int = 0, canonical: bool = True) -> Commit:
    """The commit of a record. Raises LogCorrupt (damaged, foreign, newer or non-canonical bytes); `session`, `number` name the place.

    `canonical=False` gives an `Outline` and leaves out the proof of canonical encoding, for who compares the bytes with a commit made anew.
    """
    body, found = record[:-_HASH], record[-_HASH:]
    if len(record) <= _HASH or sha256(body).digest() != found:
        raise LogCorrupt("the bytes do not match their hash: the commit was damaged or altered", session=session, commit=number)
    try:
        commit = (_decoder if canonical else _outliner).decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as e:
        newer = _newer_format(body)
        if newer:
            raise LogCorrupt(
                f"the log has format {newer}, this version of Reenact reads up to {FORMAT}", session=session, commit=number,
                remedy="Read it with a newer Reenact.",
            ) from e  # fmt: skip
        raise LogCorrupt(f"the commit cannot be read: {e}", session=session, commit=number) from e
    if commit.format != FORMAT:
        raise LogCorrupt(
            f"the log has format {commit.format}, this version of Reenact reads {FORMAT}", session=session, commit=number,
            remedy="Read it with the Reenact that wrote it, or a newer one.",
        )  # fmt: skip
    broken = fault(commit.ticks)
    if broken:
        raise LogCorrupt(broken, session=session, commit=number)
    if canonical and _encoder.encode(commit) != body:
        raise LogCorrupt("the commit is not in canonical encoding", session=session, commit=number)
    if commit.count != commit.ticks.n + len(commit.events) or len(commit.gaps) != len(commit.events) or sum(commit.gaps) > commit.ticks.n:
        raise LogCorrupt("the commit's counts do not add up", session=session, commit=number)
    if commit.first_ns != first_ns(commit.events, commit.ticks):
        raise LogCorrupt("the commit does not start at the time of its first event", session=session, commit=number)
    return commit


def salvage(record: bytes) -> Commit | None:
    """What can still be read of a damaged record, proven by nothing; None when it cannot be read at all."""
    try:
        commit = _decoder.decode(record[:-_HASH])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    fits = not fault(commit.ticks) and len(commit.gaps) == len(commit.events) and sum(commit.gaps) <= commit.ticks.n
    return commit if fits else None


def first_ns(events: list[AnyRecorded], ticks: PackedTicks) -> int:
    """The time at which a commit starts; it must hold something."""
    return min(([events[0].ns] if events else []) + ([ticks.first_ns] if ticks.n else []))


def _newer_format(body: bytes) -> int:
    """The format number of an unreadable body when it is above ours, else 0."""
    try:
        number = msgspec.msgpack.decode(_format_decoder.decode(body)[0], type=int)
    except (msgspec.DecodeError, IndexError, RecursionError):
        return 0
    return number if number > FORMAT else 0


def checked(
    session: str, records: Iterable[bytes], after: tuple[int, int, bytes] = (0, 0, GENESIS), *, canonical: bool = True
) -> Iterator[tuple[Commit, bytes]]:
    """Commits with their record, each proven to follow the one before. `after` is (number, last seq, hash) of the commit already known.

    `canonical` as in `decode`.

    Raises LogCorrupt or LogGap naming the first commit that does not follow.
    """
    number, seq, prev = after
    for record in records:
        number += 1
        commit = decode(record, session=session, number=number, canonical=canonical)
        if commit.session != session:
            raise LogCorrupt(f"the commit belongs to session {commit.session}", session=session, commit=number)
        if commit.number != number:
            raise LogGap(f"commit {number} was expected, commit {commit.number} was found", session=session, commit=number)
        if commit.prev != prev:
            raise LogCorrupt("the commit does not follow the one before it: the chain is broken here", session=session, commit=number)
        if commit.first_seq != seq + 1:
            raise LogGap(f"seq {seq + 1} was expected, the commit starts at {commit.first_seq}", session=session, commit=number)
        seq = commit.last_seq
        prev = digest(record)
        yield commit, record
