"""A view is the same however its events reach it."""

from __future__ import annotations

from copy import deepcopy

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.events import TradePrinted
from domain.terms import Side
from domain.ticks import of_events
from projections.market import Market
from projections.pnl import Pnl
from projections.rebuild import fold
from projections.sessions import Sessions
from tests.projections.builder import Session
from tests.projections.walks import VIEWS, answers, feed, sessions


@pytest.mark.parametrize("make", VIEWS)
@settings(max_examples=25)
@given(session=sessions())
def test_one_fold_commit_by_commit_and_item_by_item_give_the_same_answers(make: type, session: Session) -> None:
    commits = session.commits()
    whole, by_commit, by_item = make(), make(), make()
    last = fold(commits, [whole])
    for commit in commits:
        assert fold([commit], [by_commit]) == commit.last_seq
        answers(by_commit)  # asking must not change the answer
    for commit in commits:
        for seq, event in commit.items():
            feed(by_item, seq, event)
    assert last == commits[-1].last_seq
    assert answers(by_commit) == answers(whole)
    assert answers(by_item) == answers(whole)


@pytest.mark.parametrize("make", [Pnl, Market])
@settings(max_examples=25)
@given(session=sessions(), batch=st.integers(1, 7))
def test_the_size_of_batches_changes_nothing(make: type, session: Session, batch: int) -> None:
    commits = session.commits()
    whole, small = make(), make()
    fold(commits, [whole])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(f"{make.__module__}.BATCH", batch)
        fold(commits, [small])
        assert answers(small) == answers(whole)


@settings(max_examples=25)
@given(session=sessions(), data=st.data())
def test_until_a_seq_is_the_fold_of_the_session_that_ended_there(session: Session, data: st.DataObject) -> None:
    commits = session.commits()
    end = data.draw(st.integers(1, commits[-1].last_seq))
    short, by_item = Sessions(), Sessions()
    assert fold(commits, [short], until_seq=end) == end
    times = {}
    for commit in commits:
        for seq, event in commit.items():
            times[seq] = event.ns
            if seq <= end:
                feed(by_item, seq, event)
    assert short.rows() == by_item.rows()
    by_time = Sessions()
    reached = fold(commits, [by_time], until_ns=times[end])
    assert reached == max(seq for seq, ns in times.items() if ns <= times[end])


@given(session=sessions(max_size=15))
def test_a_copied_view_goes_on_alone(session: Session) -> None:
    commits = session.commits()
    view = Pnl()
    fold(commits, [view])
    before = answers(view)
    twin = deepcopy(view)
    twin.advance(commits[-1].last_seq + 1, of_events([TradePrinted(session.later(), 0, session.ns, 0, 9_999, 1, Side.BUY, 0)]))
    assert answers(view) == before


def test_an_empty_log_is_no_error() -> None:
    assert fold([], [Pnl()]) == 0
