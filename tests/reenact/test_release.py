"""Law 1: with `CommitPolicy.before_release` nothing reaches the venue before the log has acknowledged the commit that holds it."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.venues.settings import VenueSettings
from adapters.venues.simulated import SimulatedVenue
from domain.commit import Commit, decode
from domain.desk import NEVER, Request
from domain.errors import LogUnavailable
from domain.events import OrderCancelRequested, OrderReplaceRequested, OrderSubmitted
from domain.risk.approval import Approved
from domain.ticks import Ticks
from reenact.pacing import paced
from reenact.runtime import CommitPolicy, Runtime
from tests.domain.harness import SECOND, opening
from tests.domain.test_replay import LIMITS, market, strategies

LEAVING = (OrderSubmitted, OrderCancelRequested, OrderReplaceRequested)


class _Watched(SimulatedVenue):
    """A venue that says which messages reached it while how many commits were in the log."""

    def watch(self, records: list[bytes]) -> _Watched:
        self.records = records
        self.seen: list[tuple[Request, int]] = []
        return self

    def submit(self, request: Request) -> None:
        self.seen.append((request.message if isinstance(request, Approved) else request, len(self.records)))
        super().submit(request)


class _Session:
    def __init__(self, policy: CommitPolicy, latency_ns: int = 0, fail_at: int = 0) -> None:
        self.records: list[bytes] = []
        self.fail_at = fail_at
        opened = opening(2, limits=LIMITS)
        settings = VenueSettings(latency_out_ns=latency_ns, latency_back_ns=latency_ns)
        self.venue = _Watched(opened.instruments, settings, 1).watch(self.records)
        self.runtime = Runtime(opened, strategies(), self.venue, self.put, policy=policy)

    def put(self, number: int, record: bytes) -> None:
        if number == self.fail_at:
            raise LogUnavailable("the log is away")
        self.records.append(record)

    def run(self, ticks: Ticks) -> _Session:
        self.runtime.run(iter([ticks]))
        return self

    def committed(self, upto: int) -> list[object]:
        return [event for record in self.records[:upto] for event in decode(record).events]


STRICT = st.builds(
    CommitPolicy,
    ticks=st.integers(1, 80),
    events=st.integers(1, 60),
    span_ns=st.sampled_from([NEVER, SECOND, 7 * SECOND]),
    before_release=st.just(value=True),
)


@given(policy=STRICT, latency_ns=st.sampled_from([0, SECOND // 2, 3 * SECOND]))
def test_whatever_reaches_the_venue_stands_in_an_acknowledged_commit(policy: CommitPolicy, latency_ns: int) -> None:
    session = _Session(policy, latency_ns).run(market(200))
    assert session.venue.seen
    acknowledged: dict[int, list[object]] = {}
    for message, commits in session.venue.seen:
        events = acknowledged.setdefault(commits, session.committed(commits))
        assert message in events


def test_grouped_commits_would_not_pass_the_test_above() -> None:
    session = _Session(CommitPolicy()).run(market(200))
    assert any(message not in session.committed(commits) for message, commits in session.venue.seen)


@pytest.mark.parametrize("fail_at", [1, 2, 5, 9])
def test_a_log_that_refuses_a_commit_keeps_its_orders_in_the_house(fail_at: int) -> None:
    """Given a log that fails at commit n, then every order that left stands in commits 1 .. n-1 and the session stops."""
    session = _Session(CommitPolicy(before_release=True), fail_at=fail_at)
    with pytest.raises(LogUnavailable):
        session.run(market(400))
    assert len(session.records) == fail_at - 1
    sent = [message for message, _ in session.venue.seen]
    assert sent == [event for event in session.committed(fail_at - 1) if isinstance(event, LEAVING)]


@given(span_s=st.integers(1, 40), strict=st.booleans())
def test_the_ticks_of_a_commit_lie_within_its_span(span_s: int, *, strict: bool) -> None:
    session = _Session(CommitPolicy(span_ns=span_s * SECOND, before_release=strict)).run(market(150))
    commits: list[Commit] = [decode(record) for record in session.records]
    with_ticks = [c.table().recv_ns for c in commits if c.ticks.n]
    assert all(int(ns[-1]) - int(ns[0]) < span_s * SECOND for ns in with_ticks)
    assert all(int(a[-1]) < int(b[0]) for a, b in pairwise(with_ticks))


def test_a_paced_feed_is_the_same_feed() -> None:
    """Given a feed of 200 s played 2,000 times as fast, then every tick comes once and in order, in more than one block."""
    ticks = market(200)
    blocks = list(paced(iter([ticks]), 2_000))
    assert len(blocks) > 1
    assert [event for block in blocks if isinstance(block, Ticks) for event in block.events()] == list(ticks.events())
