"""Ticks in columns: packing is exact for every integer and canonical; a packing that `pack` would not write is found."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import InvariantBroken, LogCorrupt
from domain.terms import Side, TickKind
from domain.ticks import KIND, MOST, ROWS, PackedTicks, Tick, Ticks, concat, fault, make_tick, of_events, pack, table, unpack
from tests.strategies_events import INT64, NUMBERS, table_of, tables, tick_lists

LOW, HIGH = -(1 << 63), (1 << 63) - 1
NOW = 1_700_000_000_000_000_000


@given(tables())
def test_unpack_gives_back_the_packed_table(ticks: Ticks) -> None:
    packed = pack(ticks)
    assert unpack(packed) == ticks
    assert fault(packed) == ""


@given(tick_lists())
def test_a_table_gives_back_its_events_one_by_one_and_in_a_run(ticks: list[Tick]) -> None:
    columns = of_events(ticks)
    assert list(columns.events()) == ticks
    assert [columns.event(i) for i in range(len(columns))] == ticks


@given(tick_lists(min_size=1), st.data())
def test_a_slice_of_a_table_holds_the_slice_of_its_events(ticks: list[Tick], data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(ticks)))
    stop = data.draw(st.integers(start, len(ticks)))
    columns = of_events(ticks)
    assert list(columns.slice(start, stop).events()) == list(columns.events(start, stop)) == ticks[start:stop]
    assert concat([columns.slice(0, start), columns.slice(start, len(ticks))]) == columns


@given(tables())
def test_equal_tables_pack_to_equal_bytes_however_they_lie_in_memory(ticks: Ticks) -> None:
    other = Ticks(np.asfortranarray(ticks.cols))
    assert pack(other) == pack(ticks) == pack(Ticks(np.repeat(ticks.cols, 2, axis=1)[:, ::2]))


@pytest.mark.parametrize("low", [LOW, LOW + 1, -1, 0])
@pytest.mark.parametrize("high", [0, 1, HIGH - 1, HIGH])
def test_the_extremes_of_int64_survive_side_by_side(low: int, high: int) -> None:
    quotes = table(TickKind.QUOTE, 0, [low, high, low], [NOW, NOW, NOW + 1], [low, high, high], [high, low, low], [low] * 3, [high] * 3)
    assert unpack(pack(quotes)) == quotes


@pytest.mark.parametrize("span", [0, 1, 0xFF, 0x100, 0xFFFF, 0x10000, 0xFFFF_FFFF, 0x1_0000_0000, HIGH])
def test_a_column_takes_the_narrowest_width_that_holds_its_span(span: int) -> None:
    packed = pack(table(TickKind.TRADE, 0, NOW, [NOW, NOW], [0, span], 1, Side.BUY, 0))
    bits = span.bit_length()
    assert packed.widths[4] == (0 if not bits else 1 if bits <= 8 else 2 if bits <= 16 else 4 if bits <= 32 else 8)
    assert fault(packed) == ""


def test_no_ticks_pack_to_nothing() -> None:
    empty = concat([])
    assert pack(empty) == PackedTicks(0, 0, b"", (), b"")
    assert unpack(pack(empty)) == empty
    assert list(empty.events()) == []


def test_receive_times_that_leave_int64_are_a_fault() -> None:
    near = pack(table(TickKind.QUOTE, 0, HIGH, [HIGH - 1, HIGH], 1, 1, 1, 1))
    assert fault(near) == ""
    assert "receive times" in fault(msgspec.structs.replace(near, first_ns=HIGH))
    wide = pack(table(TickKind.QUOTE, 0, HIGH, [HIGH - (1 << 40), HIGH], 1, 1, 1, 1))
    assert fault(wide) == ""
    assert "receive times" in fault(msgspec.structs.replace(wide, first_ns=HIGH - 1))


@st.composite
def packings(draw: st.DrawFn) -> PackedTicks:
    """Packings with one thing changed, or made up altogether."""
    real = pack(draw(tables(min_size=1, max_size=5)))
    widths = st.lists(st.sampled_from([0, 1, 2, 3, 4, 8, 255]), min_size=9, max_size=11).map(bytes)
    match draw(st.sampled_from(["n", "first_ns", "widths", "base", "bases", "byte", "data", "made up"])):
        case "n":
            return msgspec.structs.replace(real, n=draw(st.integers(0, 10)))
        case "first_ns":
            return msgspec.structs.replace(real, first_ns=draw(NUMBERS))
        case "widths":
            return msgspec.structs.replace(real, widths=draw(widths))
        case "base":
            row = draw(st.integers(0, ROWS - 1))
            bases = list(real.bases)
            bases[row] = draw(st.sampled_from([max(LOW, bases[row] - 1), min(HIGH, bases[row] + 1), LOW, HIGH, 0]))
            return msgspec.structs.replace(real, bases=tuple(bases))
        case "bases":
            return msgspec.structs.replace(real, bases=draw(st.lists(INT64, max_size=11).map(tuple)))
        case "byte" if real.data:
            at = draw(st.integers(0, len(real.data) - 1))
            return msgspec.structs.replace(real, data=real.data[:at] + bytes([draw(st.integers(0, 255))]) + real.data[at + 1 :])
        case "data":
            return msgspec.structs.replace(real, data=real.data + draw(st.binary(max_size=2)))
    n = draw(st.integers(0, 3))
    made_widths = bytes(draw(st.lists(st.sampled_from([0, 1, 2, 8]), min_size=ROWS, max_size=ROWS)))
    size = n * sum(made_widths)
    bases_of = st.tuples(st.integers(0, 3), *[st.integers(-2, 2) | INT64] * (ROWS - 1))
    return PackedTicks(n, draw(NUMBERS), made_widths, draw(bases_of), draw(st.binary(min_size=size, max_size=size)))


def naive_fault(packed: PackedTicks) -> bool:
    """The slow oracle: unpack in plain integers, look at every tick, pack again and compare."""
    if packed.n == 0:
        return packed != PackedTicks(0, 0, b"", (), b"")
    if len(packed.widths) != ROWS or len(packed.bases) != ROWS or not set(packed.widths) <= {0, 1, 2, 4, 8}:
        return True
    if len(packed.data) != packed.n * sum(packed.widths):
        return True
    rows: list[list[int]] = []
    offset = 0
    for width, base in zip(packed.widths, packed.bases, strict=True):
        cells = [packed.data[offset + i * width : offset + (i + 1) * width] for i in range(packed.n)]
        rows.append([base + int.from_bytes(cell, "little") for cell in cells])
        offset += width * packed.n
    if any(not LOW <= value <= HIGH for row in rows for value in row) or rows[3][0] or min(rows[3]) < 0:
        return True
    recv = [packed.first_ns + sum(rows[3][: i + 1]) for i in range(packed.n)]
    rows[3] = recv
    rows[2] = [(distance + at + (1 << 63)) % (1 << 64) - (1 << 63) for distance, at in zip(rows[2], recv, strict=True)]
    if recv[-1] > HIGH or min(rows[1]) < 0:
        return True
    try:
        events = [make_tick(*column) for column in zip(*rows, strict=True)]
    except (ValueError, KeyError):
        return True
    again = of_events(events)
    return again != table_of(rows) or pack(again) != packed


@given(packings())
def test_fault_agrees_with_unpacking_every_tick_and_packing_again(packed: PackedTicks) -> None:
    assert bool(fault(packed)) == naive_fault(packed)


@given(packings())
def test_unpacking_anything_gives_a_table_or_a_clear_error(packed: PackedTicks) -> None:
    try:
        ticks = unpack(packed)
    except LogCorrupt:
        assert fault(packed)
    else:
        assert len(ticks) == packed.n


def strange(kind: int = 1, instrument: int = 0, recv: int = NOW, side: int = 1, surplus: int = 0) -> Ticks:
    """Two ticks, the second with something that no tick has."""
    return table_of([[2, kind], [0, instrument], [NOW, NOW], [NOW, recv], [5, 5], [1, 1], [9, side], [9, 0], [0, surplus], [0, 0]])


@pytest.mark.parametrize(
    ("ticks", "what"),
    [
        (strange(kind=0), "an unknown kind"),
        (strange(kind=4), "an unknown kind"),
        (strange(instrument=-1), "a negative instrument"),
        (strange(recv=NOW - 1), "receive times that decrease"),
        (strange(side=2), "an unknown side"),
        (strange(side=LOW), "an unknown side"),
        (strange(surplus=1), "values beyond those of the tick's kind"),
        (strange(kind=2, surplus=1), "values beyond those of the tick's kind"),
        (strange(side=-2).slice(1, 2), "an unknown side"),
        (strange(surplus=7).slice(1, 2), "values beyond those of the tick's kind"),
    ],
)
def test_a_table_that_is_no_table_of_ticks_is_not_packed(ticks: Ticks, what: str) -> None:
    with pytest.raises(InvariantBroken, match=what):
        pack(ticks)


def test_more_ticks_than_a_commit_may_hold_are_not_packed() -> None:
    recv = np.full(MOST + 1, NOW)
    cols = np.broadcast_to(np.array([[2], [0], [NOW], [NOW], [0], [0], [0], [0], [0], [0]]), (ROWS, len(recv)))
    with pytest.raises(InvariantBroken, match="at most"):
        pack(Ticks(cols))


def test_a_lone_tick_of_an_unknown_kind_is_no_event() -> None:
    with pytest.raises(ValueError, match="unknown tick kind 7"):
        make_tick(7, 0, 0, 0, 0, 0, 0, 0, 0, 0)
    assert KIND == 0
