"""However the log comes into the tables, they hold the same rows: live or rebuilt, in any batches, in either database."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.logs.memory import MemoryLog
from adapters.readmodels import SessionRows
from adapters.readmodels.rows import Row
from adapters.readmodels.tables import BY_NAME, TABLES
from domain.commit import Commit
from reenact import compose, config, projecting
from reenact.logs import open_log
from reenact.projecting import project
from tests.adapters.readmodels.dumps import differences, dump, positions
from tests.adapters.readmodels.made import built, eventful, followed, log_of
from tests.golden.sessions import SYNTHETIC
from tests.projections.builder import Session
from tests.projections.walks import sessions


def test_following_commit_by_commit_gives_the_rows_of_a_rebuild(models: str, tmp_path: Path) -> None:
    made = [eventful("s-1", 1), eventful("s-2", 2, closed=False), eventful("s-3", 3)]
    built(models)
    log = MemoryLog()
    for session in made:
        third = len(session.records) // 3
        log.append(session.journal.session, 1, session.records[:third])
        followed(log, models)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(projecting, "BATCH", 1)
            for number, record in enumerate(session.records[third:], start=third + 1):
                log.append(session.journal.session, number, [record])
                if number % 5 == 0:
                    followed(log, models)
            followed(log, models)
    live, at = dump(models), positions(models)
    done = project(log, models, rebuild=True, once=True)
    assert done.problems == {}
    assert differences(live, dump(models)) == []
    assert positions(models) == at
    beside = f"sqlite://{tmp_path / 'beside.db'}"
    project(log_of(*made), beside, once=True)
    assert differences(live, dump(beside)) == []
    assert all(live[t.name] for t in TABLES)


def test_one_projector_that_keeps_its_views_gives_the_rows_of_a_rebuild(models: str) -> None:
    session = eventful(seed=5, moves=300)
    built(models)
    log = MemoryLog()
    store = projecting.open_models(models, now_ns=0)
    projector = projecting.Projector(log)
    for first, last in pairwise([0, *range(1, len(session.records), 2), len(session.records)]):
        log.append("s-1", first + 1, session.records[first:last])
        projector.start(store)
        projector.catch_up(store)
    store.close()
    live = dump(models)
    project(log, models, rebuild=True, once=True)
    assert differences(live, dump(models)) == []


def test_golden_sessions_are_the_same_in_both_databases_and_rebuilt(models: str, tmp_path: Path) -> None:
    url = f"sqlite://{tmp_path / 'log.db'}"
    for name in ("synthetic-operator", "synthetic-denials", "synthetic-inverse"):
        compose.run(config.from_mapping(SYNTHETIC[name]), log=url)
    built(models)
    with open_log(url) as log:
        followed(log, models)
        live = dump(models)
        project(log, models, rebuild=True, once=True)
        assert differences(live, dump(models)) == []
        beside = f"sqlite://{tmp_path / 'beside.db'}"
        project(log, beside, once=True)
    assert differences(live, dump(beside)) == []


Tables = dict[str, dict[Row, Row]]


def applied(session: Session, cuts: list[int], refold: set[int]) -> Tables:
    """What a database would hold after batches that end at `cuts`; before some, the views are folded anew from what was applied."""
    commits = session.commits()
    rows, tables = SessionRows("s-1"), {t.name: {} for t in TABLES}
    for first, last in pairwise([0, *cuts, len(commits)]):
        if first in refold and first:
            rows = SessionRows("s-1")
            rows.fold(commits[:first], keep=False)
            rows.changes()
        _apply(rows, commits[first:last], tables)
    return tables


def _apply(rows: SessionRows, commits: list[Commit], tables: Tables) -> None:
    rows.fold(commits)
    added, changes = rows.added(), rows.changes()
    for name, found in added.rows.items():
        for row in found:
            key = _key(name, row)
            assert key not in tables[name], "an appended row comes once"
            tables[name][key] = row
    for name, keys in changes.gone.items():
        for key in keys:
            del tables[name][key]
    for name, found in changes.rows.items():
        tables[name] |= {_key(name, row): row for row in found}


def _key(name: str, row: Row) -> Row:
    names = BY_NAME[name].names
    assert len(row) == len(names)
    return tuple(row[names.index(k)] for k in BY_NAME[name].key)


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(session=sessions(), data=st.data())
def test_batches_of_any_size_and_restarts_at_any_place_give_the_same_rows(session: Session, data: st.DataObject) -> None:
    n = len(session.commits())
    places: Any = st.sets(st.integers(1, n - 1)) if n > 1 else st.just(set())
    cuts, refold = sorted(data.draw(places)), data.draw(places)
    assert applied(session, cuts, refold) == applied(session, [], set())


def test_a_rebuild_leaves_nothing_of_what_was_there(models: str) -> None:
    project(log_of(eventful("old", 7)), models, once=True)
    project(log_of(eventful("new", 8)), models, rebuild=True, once=True)
    assert {row[0] for row in dump(models)["sessions"]} == {"new"}
    assert [p[0] for p in positions(models)] == ["new"]
