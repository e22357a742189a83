"""Commits: one canonical encoding, a chain that names what was changed, and bookkeeping that equals a plain list of events."""

from __future__ import annotations

import dataclasses
import struct
from hashlib import sha256
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.commit import FORMAT, GENESIS, Commit, checked, decode, digest, encode
from domain.errors import InvariantBroken, LogCorrupt, LogError, LogGap
from domain.events import CATALOGUE, INPUTS, TICKS, AnyEvent, DayRolled, Event, FeedLost, OrderApproved, SessionClosed
from domain.events.decisions import Check
from domain.journal import Journal
from domain.terms import Side, TickKind
from domain.ticks import MOST, Ticks, of_events, table
from tests.strategies_events import BARS, QUOTES, RECORDED, TRADES, recorded

NOW = 1_700_000_000_000_000_000


def fill(journal: Journal, events: list[AnyEvent]) -> None:
    """Put events into the open commit the way the runtime does: ticks by tables, everything else one by one."""
    run: list[Any] = []
    for event in [*events, None]:
        if type(event) in TICKS:
            run.append(event)
            continue
        if run:
            block = of_events(run)
            journal.advance(len(run))
            journal.take(block, 0, len(run))
            run = []
        if event is not None:
            journal.emit(event)


def chain(*commits: list[AnyEvent], session: str = "s") -> list[bytes]:
    """The records of one session."""
    journal = Journal(session)
    records = []
    for events in commits:
        fill(journal, events)
        records.append(journal.close(events[-1].ns))
    return records


@st.composite
def streams(draw: st.DrawFn, max_size: int = 20) -> list[AnyEvent]:
    """Events of a session: ticks in order of time, between and beside other events."""
    steps = st.sampled_from([0, 1, 1000]) | st.integers(0, 1 << 55)
    events: list[AnyEvent] = []
    at = NOW
    for event, step in draw(st.lists(st.tuples(recorded() | TRADES | QUOTES | BARS, steps), min_size=1, max_size=max_size)):
        at += step
        events.append(msgspec.structs.replace(event, ns=at) if type(event) in TICKS else event)
    return events


@st.composite
def cuts(draw: st.DrawFn, events: list[AnyEvent]) -> list[list[AnyEvent]]:
    """The same events cut into commits."""
    commits: list[list[AnyEvent]] = []
    for event in events:
        if not commits or draw(st.booleans()):
            commits.append([])
        commits[-1].append(event)
    return commits


def sample() -> list[AnyEvent]:
    """A small commit with ticks before, between and after other events."""
    t = list(table(TickKind.TRADE, 0, NOW, [NOW, NOW + 5, NOW + 5], [100, 101, 99], 3, Side.BUY, 0).events())
    return [t[0], OrderApproved(NOW, 1, "ab-1", (Check("qty", passed=True, observed=3, limit=5),)), t[1], DayRolled(NOW + 5, 0, 20231114), t[2]]


@pytest.mark.parametrize("kind", [k for k in CATALOGUE if k not in TICKS], ids=lambda k: k.__name__)
@given(data=st.data())
def test_decode_gives_back_every_event_of_every_class(kind: type[Event], data: st.DataObject) -> None:
    events = data.draw(st.lists(RECORDED[kind], min_size=1, max_size=3))
    (record,) = chain(events)
    commit = decode(record)
    assert [event for _, event in commit.items()] == events
    assert encode(commit) == record


@given(streams(), st.data())
def test_commit_boundaries_do_not_change_the_events_nor_their_seqs(events: list[AnyEvent], data: st.DataObject) -> None:
    records = chain(*data.draw(cuts(events)))
    found = [item for commit, _ in checked("s", records) for item in commit.items()]
    assert found == list(enumerate(events, start=1))
    inputs = [event for event in events if type(event) in INPUTS and type(event) not in TICKS]
    assert [e for commit, _ in checked("s", records) for _, e in commit.recorded() if type(e) in INPUTS] == inputs


@given(streams(), st.data())
def test_segments_are_runs_of_ticks_and_single_events_with_gapless_seqs(events: list[AnyEvent], data: st.DataObject) -> None:
    seq = 1
    for commit, _ in checked("s", chain(*data.draw(cuts(events)))):
        assert commit.first_seq == seq
        for first, part in commit.segments():
            assert first == seq
            seq += len(part) if isinstance(part, Ticks) else 1
        assert commit.last_seq == seq - 1
        assert list(commit.segments(commit.table())) == list(commit.segments())
    assert seq == len(events) + 1


@dataclasses.dataclass
class NaiveJournal:
    """What a journal must know, kept as plain lists of events."""

    closed: list[list[AnyEvent]] = dataclasses.field(default_factory=list)
    open: list[AnyEvent] = dataclasses.field(default_factory=list)

    @property
    def seq(self) -> int:
        return len(self.open) + sum(map(len, self.closed))


@given(st.lists(st.sampled_from(["tick", "event", "close"]), max_size=30))
def test_the_journal_counts_like_a_plain_list_of_events(steps: list[str]) -> None:
    block = table(TickKind.TRADE, 0, NOW, [NOW + i for i in range(30)], 100, 1, Side.SELL, 0)
    ticks = list(block.events())
    journal, naive, records = Journal("s"), NaiveJournal(), []
    taken = at = 0
    for step in steps:
        match step:
            case "tick":
                journal.advance(1)
                naive.open.append(ticks[at])
                at += 1
            case "event":
                event = DayRolled(NOW + at, 0, at)
                naive.open.append(event)
                assert journal.emit(event) == naive.seq
            case "close" if naive.open:
                journal.take(block, taken, at)
                taken = at
                assert not journal.empty
                assert journal.ticks_n == sum(type(e) in TICKS for e in naive.open)
                records.append(journal.close(naive.open[-1].ns))
                naive.closed.append(naive.open)
                naive.open = []
                assert journal.empty
        assert journal.seq == naive.seq
        assert journal.number == len(naive.closed)
    commits = [commit for commit, _ in checked("s", records)]
    assert [[event for _, event in c.items()] for c in commits] == naive.closed
    assert [(c.first_ns, c.last_ns) for c in commits] == [(events[0].ns, events[-1].ns) for events in naive.closed]


def test_a_journal_goes_on_from_the_last_commit_of_its_session() -> None:
    first = chain(sample())
    last = decode(first[-1])
    journal = Journal("s", last.number, last.last_seq, digest(first[-1]))
    fill(journal, sample())
    assert [c.number for c, _ in checked("s", [*first, journal.close(NOW + 5)])] == [1, 2]


def test_a_commit_without_events_and_ticks_that_were_counted_but_not_taken_stop_the_journal() -> None:
    journal = Journal("s")
    with pytest.raises(InvariantBroken, match="at least one event"):
        journal.close(NOW)
    journal.emit(SessionClosed(NOW, 0, "end"))
    journal.advance(2)
    with pytest.raises(InvariantBroken, match="taken into the commit"):
        journal.close(NOW)


# The encoding


def resealed(body: bytes) -> bytes:
    """The record of a body that someone altered, with a hash that fits."""
    return body + sha256(body).digest()


def test_every_single_flipped_bit_is_refused() -> None:
    (record,) = chain(sample())
    for at in range(len(record)):
        for bit in range(8):
            damaged = bytearray(record)
            damaged[at] ^= 1 << bit
            with pytest.raises(LogCorrupt, match="do not match their hash"):
                decode(bytes(damaged))


def test_every_altered_byte_under_a_fitting_hash_is_refused_or_is_another_canonical_commit() -> None:
    (record,) = chain(sample())
    body = record[:-32]
    for at in range(len(body)):
        for value in (0, 1, 0x7F, 0x80, 0xC0, 0xCC, 0xCF, 0xD0, 0xDD, 0xFF, body[at] ^ 1, (body[at] + 1) & 0xFF):
            altered = resealed(body[:at] + bytes([value]) + body[at + 1 :])
            try:
                commit = decode(altered)
            except LogCorrupt:
                continue
            assert encode(commit) == altered
            assert len(list(commit.items())) == commit.count


@given(st.data())
def test_altered_bytes_under_a_fitting_hash_never_give_anything_but_a_canonical_commit_or_log_corrupt(data: st.DataObject) -> None:
    (record,) = chain(data.draw(streams(max_size=6)))
    body = bytearray(record[:-32])
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(body)))
        body[at : at + data.draw(st.integers(0, 4))] = data.draw(st.binary(max_size=6))
    altered = resealed(bytes(body))
    try:
        commit = decode(altered, session="s", number=4)
    except LogCorrupt as e:
        assert (e.session, e.commit) == ("s", 4)  # noqa: PT017  both outcomes are right, each has its own proof
    else:
        assert encode(commit) == altered
        assert len(list(commit.items())) == commit.count


def wider(number: int) -> bytes:
    """A small number as a 64-bit msgpack integer."""
    return b"\xcf" + struct.pack(">Q", number)


def parts(record: bytes) -> list[bytes]:
    """The fields of a commit as raw msgpack."""
    return [bytes(raw) for raw in msgspec.msgpack.decode(record[:-32], type=list[msgspec.Raw])]


def altered(field: int, value: bytes) -> bytes:
    """The sample's record with one field of the commit replaced by raw msgpack."""
    fields = parts(chain(sample())[0])
    fields[field] = value
    return resealed(bytes([0x90 | len(fields)]) + b"".join(fields))


def retick(**changes: Any) -> bytes:
    """The sample's record with its packed ticks changed."""
    commit = decode(chain(sample())[0])
    return encode(msgspec.structs.replace(commit, ticks=msgspec.structs.replace(commit.ticks, **changes)))


def same(**changes: Any) -> bytes:
    """The sample's record with fields of the commit changed."""
    return encode(msgspec.structs.replace(decode(chain(sample())[0]), **changes))


def packed_sample() -> Any:
    return decode(chain(sample())[0]).ticks


def at_row(values: tuple[int, ...], row: int, value: int) -> tuple[int, ...]:
    return (*values[:row], value, *values[row + 1 :])


NON_CANONICAL = {
    "a wider integer for the number": lambda: altered(2, wider(1)),
    "a wider integer for the format": lambda: altered(0, wider(FORMAT)),
    "a wider string": lambda: altered(1, b"\xd9\x01s"),
    "wider bytes": lambda: altered(5, b"\xc5\x00\x20" + GENESIS),
    "a wider array": lambda: altered(9, b"\xdc\x00\x02\x01\x01"),
    "an integer for a truth value": lambda: resealed(chain(sample())[0][:-32].replace(b"qty\xc3", b"qty\x01")),
    "a field left to its default": lambda: resealed(
        chain(sample())[0][:-32].replace(b"\x95\xa3qty", b"\x94\xa3qty").replace(b"\x03\x05\x00", b"\x03\x05")
    ),
    "trailing bytes": lambda: resealed(chain(sample())[0][:-32] + b"\x00"),
    "a field too many": lambda: resealed(b"\x9c" + chain(sample())[0][1:-32] + b"\x00"),
    "a field too few": lambda: resealed(b"\x9a" + b"".join(parts(chain(sample())[0])[:-1])),
    "fields in another order": lambda: resealed(b"\x9b" + b"".join([(p := parts(chain(sample())[0]))[0], p[1], p[3], p[4], p[2], *p[5:]])),
    "another count": lambda: same(count=6),
    "no events counted": lambda: same(count=0),
    "a gap too few": lambda: same(gaps=[1]),
    "a gap too large": lambda: same(gaps=[1, 3]),
    "a negative gap": lambda: same(gaps=[-1, 2]),
    "number zero": lambda: same(number=0),
    "seq zero": lambda: same(first_seq=0),
    "a short previous hash": lambda: same(prev=b"\x00" * 31),
    "another first time": lambda: same(first_ns=NOW - 1),
    "one tick too many": lambda: retick(n=4),
    "a negative number of ticks": lambda: retick(n=-1),
    "more ticks than fit into memory": lambda: retick(n=1 << 40, widths=bytes(10), data=b""),
    "no ticks with data": lambda: retick(n=0),
    "a column of width 3": lambda: retick(widths=b"\x03" + packed_sample().widths[1:], data=packed_sample().data + bytes(9)),
    "a wider column": lambda: retick(widths=b"\x01" + packed_sample().widths[1:], data=bytes(3) + packed_sample().data),
    "a lower base": lambda: retick(bases=at_row(packed_sample().bases, 4, 98), data=packed_sample().data[:6] + bytes([2, 3, 1])),
    "a base beyond int64": lambda: retick(bases=at_row(packed_sample().bases, 5, 1 << 63)),
    "a column that overflows": lambda: retick(bases=at_row(packed_sample().bases, 4, (1 << 63) - 1)),
    "a first time beyond int64": lambda: retick(first_ns=1 << 63),
    "a kind of tick that does not exist": lambda: retick(bases=at_row(packed_sample().bases, 0, 9)),
    "a side that does not exist": lambda: retick(bases=at_row(packed_sample().bases, 6, 5)),
    "a trade with the values of a bar": lambda: retick(bases=at_row(packed_sample().bases, 9, 5)),
    "a tick among the events": lambda: same(events=[sample()[0], sample()[3]]),
    "an unknown event": lambda: altered(10, b"\x92\xa3???\xc0"),
    "an array longer than memory": lambda: altered(10, b"\xdd\xff\xff\xff\xff"),
    "a deep nest": lambda: altered(10, b"\x91" * 100_000 + b"\xc0"),
    "a deep nest after the fields": lambda: resealed(b"\x9c" + chain(sample())[0][1:-32] + b"\x91" * 100_000 + b"\xc0"),
    "text that is no UTF-8": lambda: altered(1, b"\xa2\xff\xfe"),
    "nothing at all": lambda: resealed(b""),
    "no msgpack": lambda: resealed(b"\xc1"),
}


@pytest.mark.parametrize("make", NON_CANONICAL.values(), ids=NON_CANONICAL)
def test_bytes_that_no_journal_writes_are_refused_although_their_hash_fits(make: Any) -> None:
    with pytest.raises(LogCorrupt) as e:
        decode(make(), session="s", number=1)
    assert (e.value.session, e.value.commit) == ("s", 1)


def test_the_unaltered_sample_is_accepted_by_the_same_builders() -> None:
    (record,) = chain(sample())
    assert same() == retick() == altered(0, bytes([FORMAT])) == resealed(record[:-32]) == record
    assert [e for _, e in decode(record).items()] == sample()


@pytest.mark.parametrize("fields", [11, 12, 3, 1])
def test_a_newer_format_gets_a_clear_sentence_whatever_its_shape(fields: int) -> None:
    other_shape = resealed(msgspec.msgpack.encode([FORMAT + 1, *["?"] * (fields - 1)]))
    for record in (other_shape, same(format=FORMAT + 1)):
        with pytest.raises(LogCorrupt, match=f"format {FORMAT + 1}") as e:
            decode(record, session="s", number=3)
        assert "newer" in e.value.remedy


def test_an_older_format_gets_a_clear_sentence() -> None:
    with pytest.raises(LogCorrupt, match=r"the log has format 0, this version of Reenact reads 2"):
        decode(same(format=0))


@pytest.mark.parametrize("record", [b"", b"x", bytes(32), bytes(33)])
def test_too_few_bytes_for_a_record_are_refused(record: bytes) -> None:
    with pytest.raises(LogCorrupt):
        decode(record)


def test_a_commit_may_hold_as_many_ticks_as_the_limit_says_and_decoding_it_makes_no_table() -> None:
    journal = Journal("s")
    journal.emit(SessionClosed(NOW, 0, "end"))
    commit = decode(journal.close(NOW))
    ticks = msgspec.structs.replace(packed_sample(), n=MOST, widths=bytes(10), bases=(1, 0, 0, 0, 5, 5, 1, 0, 0, 0), data=b"")
    big = msgspec.structs.replace(commit, ticks=ticks, count=MOST + 1, first_ns=min(NOW, ticks.first_ns))
    assert decode(encode(big)).last_seq == MOST + 1


# The chain


def other_session() -> bytes:
    return chain([SessionClosed(NOW, 0, "end")], [DayRolled(NOW, 0, 1)], session="other")[1]


@st.composite
def damages(draw: st.DrawFn) -> tuple[list[bytes], int]:
    """A damaged session of several commits, and the number at which the damage must be found."""
    records = chain(*[[DayRolled(NOW + i, 0, i), FeedLost(NOW + i, 0, "f", "r", (i,))] for i in range(draw(st.integers(3, 6)))])
    at = draw(st.integers(1, len(records) - 1))
    match draw(st.sampled_from(["drop", "insert", "swap", "alter", "rewrite", "foreign", "flip"])):
        case "drop":
            return records[: at - 1] + records[at:], at
        case "insert":
            return records[:at] + records[at - 1 :], at + 1
        case "swap":
            return [*records[: at - 1], records[at], records[at - 1], *records[at + 1 :]], at
        case "alter":
            return [*records[: at - 1], resealed(records[at - 1][:-32].replace(b"\xa1r", b"\xa1R")), *records[at:]], at + 1
        case "rewrite":
            changed = msgspec.structs.replace(decode(records[at - 1]), first_seq=99)
            return [*records[: at - 1], encode(changed), *records[at:]], at
        case "foreign":
            return [*records[:1], other_session(), *records[2:]], 2
    damaged = bytearray(records[at - 1])
    damaged[draw(st.integers(0, len(damaged) - 1))] ^= draw(st.integers(1, 255))
    return [*records[: at - 1], bytes(damaged), *records[at:]], at


@given(damages())
def test_what_was_dropped_inserted_swapped_or_altered_is_found_at_its_commit(damage: tuple[list[bytes], int]) -> None:
    records, number = damage
    found: list[Commit] = []
    with pytest.raises(LogError) as e:
        found.extend(commit for commit, _ in checked("s", records))
    assert (e.value.session, e.value.commit) == ("s", number)
    assert [c.number for c in found] == list(range(1, number))


def test_a_chain_may_be_checked_from_its_middle() -> None:
    records = chain(sample(), sample(), sample())
    first = decode(records[0])
    assert [c.number for c, _ in checked("s", records[1:], (1, first.last_seq, digest(records[0])))] == [2, 3]
    with pytest.raises(LogCorrupt, match="the chain is broken here"):
        list(checked("s", records[1:], (1, first.last_seq, GENESIS)))
    with pytest.raises(LogGap, match="seq 1 was expected"):
        list(checked("s", records[1:], (1, 0, digest(records[0]))))


def test_a_commit_of_another_session_is_named() -> None:
    with pytest.raises(LogCorrupt, match="belongs to session other"):
        list(checked("s", chain(sample(), session="other")))
