"""Re-enactment: every decision is reached again, and whatever was changed is found at the event where it shows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import zip_longest

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.venues.settings import VenueSettings
from adapters.venues.simulated import SimulatedVenue
from domain.commit import Commit, checked, decode, digest, encode
from domain.errors import LogCorrupt, LogGap, ReplayDiverged
from domain.events import AnyEvent, OrderApproved, OrderDenied, SessionOpened
from domain.limits import Limit
from domain.replay import Replay
from domain.strategies.sma import SmaCross
from domain.strategy import Strategy
from domain.terms import TickKind
from domain.ticks import PX, Ticks, pack, table
from reenact.runtime import CommitPolicy, Runtime
from tests.domain.harness import SECOND, T0, bounds, opening
from tests.domain.test_engine import Every

NUMBERS = {"max_order_qty": 50, "max_long": 60, "max_short": 60, "collar_bps": 500, "max_age": 10 * SECOND}
LIMITS = bounds(**NUMBERS)
SMALL = CommitPolicy(ticks=40, events=30)
POLICIES = [
    CommitPolicy(1, 1),
    CommitPolicy(7, 5),
    CommitPolicy(10_000, 10_000),
    CommitPolicy(span_ns=9 * SECOND),
    CommitPolicy(before_release=True),
    CommitPolicy(11, 1_000, 4 * SECOND, before_release=True),
]


def market(n: int = 600, seed: int = 3) -> Ticks:
    """A random walk of two instruments."""
    draws = np.random.Generator(np.random.PCG64(seed))
    times = T0 + SECOND * np.arange(1, n + 1)
    return table(TickKind.TRADE, draws.integers(0, 2, n), times, times, 10_000 + np.cumsum(draws.integers(-9, 10, n)), 100, 1)


def strategies(opened: SessionOpened | None = None) -> Sequence[Strategy]:
    return [SmaCross(3, 8, 10), Every(17, 20)]


def played(
    ticks: Ticks,
    made: Callable[[], Sequence[Strategy]] = strategies,
    limits: tuple[Limit, ...] = LIMITS,
    policy: CommitPolicy = SMALL,
    latency_ns: int = 0,
) -> list[bytes]:
    """The records of a session over a market."""
    records: list[bytes] = []
    opened = opening(2, limits=limits)
    venue = SimulatedVenue(opened.instruments, VenueSettings(latency_out_ns=latency_ns, latency_back_ns=latency_ns), 1)
    Runtime(opened, made(), venue, lambda _, record: records.append(record), policy=policy).run(iter([ticks]))
    return records


def replayed(records: Sequence[bytes], build: Callable[[SessionOpened], Sequence[Strategy]] = strategies, **more: object) -> Replay:
    replay = Replay("test", build, **more)  # type: ignore[arg-type]
    for _ in replay.follow(records):
        pass
    return replay


def difference(records: Sequence[bytes]) -> ReplayDiverged | None:
    try:
        replayed(records)
    except ReplayDiverged as e:
        return e
    return None


def events(records: Sequence[bytes]) -> list[AnyEvent]:
    return [event for commit, _ in checked("test", records) for _, event in commit.items()]


def first_difference(a: Sequence[AnyEvent], b: Sequence[AnyEvent], after: int = 0) -> int:
    return next(seq for seq, (x, y) in enumerate(zip_longest(a, b), start=1) if x != y and seq > after)


def forged(records: Sequence[bytes], number: int, change: Callable[[Commit], Commit]) -> list[bytes]:
    """The log with one commit changed by somebody who hashes and chains again, so that only re-enactment can tell."""
    result = list(records[: number - 1])
    prev = digest(result[-1]) if result else bytes(32)
    for n, record in enumerate(records[number - 1 :], start=number):
        commit = decode(record)
        if n == number:
            commit = change(commit)
        result.append(encode(msgspec.structs.replace(commit, prev=prev)))
        prev = digest(result[-1])
    return result


RECORDS = played(market())


def test_a_session_is_reached_again_byte_for_byte_and_its_end_is_known() -> None:
    """Given an untouched log, then verification walks through all of it and says that it is closed."""
    at = replayed(RECORDS).progress
    assert (at.commits, at.events, at.closed) == (len(RECORDS), len(events(RECORDS)), True)
    assert at.head == digest(RECORDS[-1])
    assert at.ticks == 600


@pytest.mark.parametrize("n", range(1, len(RECORDS)))
def test_every_prefix_verifies_and_says_where_it_ends(n: int) -> None:
    """Given a log cut after any commit, then what is there is valid, and not closed."""
    at = replayed(RECORDS[:n]).progress
    assert (at.commits, at.closed, at.seq) == (n, False, decode(RECORDS[n - 1]).last_seq)


@pytest.mark.parametrize("policy", POLICIES)
def test_the_size_of_commits_changes_no_event(policy: CommitPolicy) -> None:
    """Given another commit size, then the events are the same, and the log verifies as well."""
    records = played(market(), policy=policy)
    assert events(records) == events(RECORDS)
    assert replayed(records).progress.closed


@given(st.data())
def test_a_changed_tick_is_found_at_the_first_decision_that_depends_on_it(data: st.DataObject) -> None:
    """Given one tick changed by a forger who chains anew, then the difference is named at the very event where a run over that tick differs."""
    number = data.draw(st.integers(1, len(RECORDS)))
    commit = decode(RECORDS[number - 1])
    if not commit.ticks.n:
        return
    at = data.draw(st.integers(0, commit.ticks.n - 1))
    move = data.draw(st.sampled_from([-400, -7, 5, 900]))

    def change(c: Commit) -> Commit:
        cols = c.table().cols.copy()
        cols[PX, at] += move
        return msgspec.structs.replace(c, ticks=pack(Ticks(cols)))

    records = forged(RECORDS, number, change)
    whole = market().cols.copy()
    whole[PX, sum(decode(r).ticks.n for r in RECORDS[: number - 1]) + at] += move
    honest, lie = events(played(Ticks(whole))), events(records)
    if honest == lie:
        assert replayed(records).progress.closed
        return
    seq = first_difference(lie, honest)
    found = difference(records)
    if found is None:
        # Fills come from the venue and are taken as they were recorded: a difference in them alone shows at our first decision after it.
        assert type(lie[seq - 1]).__name__ in {"OrderFilled", "OrderAccepted", "OrderTriggered"}
        return
    assert found.seq >= seq
    # A decision too many at the end of a commit has nothing beside it there.
    assert found.expected in (None, lie[found.seq - 1])
    assert found.expected != found.actual


@pytest.mark.parametrize("limits", [bounds(**NUMBERS | {"max_order_qty": 51}), bounds(**NUMBERS | {"max_long": 10})])
def test_a_changed_limit_is_found_at_the_first_order_it_was_compared_with(limits: tuple[Limit, ...]) -> None:
    """Given today's limits that differ from the recorded ones, then the first risk decision differs."""
    wanted = next(seq for seq, e in enumerate(events(RECORDS), start=1) if isinstance(e, (OrderApproved, OrderDenied)))
    with pytest.raises(ReplayDiverged) as caught:
        replayed(RECORDS, amend=lambda opened: msgspec.structs.replace(opened, limits=limits))
    assert caught.value.seq == wanted
    assert caught.value.expected != caught.value.actual


def test_a_changed_strategy_is_found_at_the_first_event_in_which_it_acts_otherwise() -> None:
    """Given one number of a strategy changed, then the difference is where a session with that strategy first differs."""

    def other(opened: SessionOpened | None = None) -> Sequence[Strategy]:
        return [SmaCross(3, 9, 10), Every(17, 20)]

    wanted = first_difference(events(RECORDS), events(played(market(), other)))
    with pytest.raises(ReplayDiverged) as caught:
        replayed(RECORDS, other)
    assert caught.value.seq == wanted


@pytest.mark.parametrize("number", range(1, len(RECORDS) + 1))
def test_dropped_inserted_and_swapped_commits_are_named(number: int) -> None:
    """Given a log without, with one too many, or with two commits exchanged, then the error names the first commit that does not follow."""
    spliced = [RECORDS[: number - 1] + RECORDS[number:], RECORDS[:number] + RECORDS[number - 1 :]]
    if number < len(RECORDS):
        spliced.append([*RECORDS[: number - 1], RECORDS[number], RECORDS[number - 1], *RECORDS[number + 1 :]])
    for records in spliced:
        if records == RECORDS[: number - 1]:
            assert not replayed(records).progress.closed  # the last commit is missing: a valid prefix
            continue
        with pytest.raises((LogGap, LogCorrupt)) as caught:
            replayed(records)
        assert caught.value.commit in (number, number + 1)


@given(st.integers(1, len(RECORDS)), st.integers(0, 10**9), st.integers(1, 255))
def test_a_flipped_byte_is_named_by_its_commit_and_where_it_shows_by_its_event(number: int, place: int, mask: int) -> None:
    """Given any byte flipped, then the commit is named; if a decision was hit, its seq is, too."""
    record = bytearray(RECORDS[number - 1])
    record[place % len(record)] ^= mask
    with pytest.raises(LogCorrupt) as caught:
        replayed([*RECORDS[: number - 1], bytes(record), *RECORDS[number:]])
    commit = decode(RECORDS[number - 1])
    assert caught.value.commit == number
    assert caught.value.seq == 0 or commit.first_seq <= caught.value.seq <= commit.last_seq


def test_a_flipped_byte_inside_a_decision_is_named_by_its_seq() -> None:
    """Given the digits of an approval's numbers changed in place, then the error names that approval."""
    number, seq, approval = next((c.number, s, e) for c, _ in checked("test", RECORDS) for s, e in c.recorded() if isinstance(e, OrderApproved))
    encoded = msgspec.msgpack.encode(approval)
    record = bytearray(RECORDS[number - 1])
    at = record.find(encoded) + encoded.find(b"R-04") + 5
    assert record[at - 5 : at - 1] == b"R-04"
    record[at] ^= 1  # msgpack true becomes false
    with pytest.raises(LogCorrupt) as caught:
        replayed([*RECORDS[: number - 1], bytes(record), *RECORDS[number:]])
    assert (caught.value.commit, caught.value.seq) == (number, seq)


@pytest.mark.parametrize("latency_ns", [0, 1, 3 * SECOND // 2])
def test_sessions_with_latency_verify_without_asking_the_venue(latency_ns: int) -> None:
    """Given answers that come later, then they are inputs like any other."""
    assert replayed(played(market(), latency_ns=latency_ns)).progress.closed


def test_a_log_that_does_not_begin_with_an_opening_is_refused() -> None:
    """Given a first commit without SessionOpened, then the error says so."""

    def beheaded(c: Commit) -> Commit:
        return msgspec.structs.replace(c, events=c.events[1:], gaps=c.gaps[1:], count=c.count - 1, first_ns=c.table().recv_ns[0].item())

    record = forged(RECORDS[:1], 1, beheaded)
    with pytest.raises(LogCorrupt, match="begin with its opening"):
        replayed(record)
