"""What a database of read models promises: each batch once, one projector at a time, no foreign tables, plain sentences."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import psycopg
import pytest

from adapters.readmodels import (
    Batch,
    ModelsBusy,
    ModelsMoved,
    ModelsRefused,
    ModelStore,
    ModelsUnavailable,
    Position,
    ReadModels,
    RowsRefused,
    SessionRows,
    open_models,
)
from adapters.readmodels import tables as declared
from domain.commit import digest
from domain.errors import ConfigInvalid, ReenactError
from reenact.projecting import project
from tests.adapters.readmodels.dumps import differences, dump, positions
from tests.adapters.readmodels.made import built, eventful, log_of, store_of
from tests.projections.builder import Session


def batch(session: Session, first: int = 0, last: int | None = None, before: Position | None = None) -> Batch:
    """The commits of a session as one batch, after those before `first`."""
    commits = session.commits()
    rows = SessionRows("s-1")
    rows.fold(commits[:first], keep=False)
    rows.changes()
    part = commits[first:last]
    rows.fold(part)
    end = part[-1]
    after = Position(end.number, end.last_seq, digest(session.records[end.number - 1]).hex(), end.last_ns)
    return Batch("s-1", before, after, rows.added(), SessionRows.changes(rows), end.number, end.last_seq, 1)


def test_a_batch_is_applied_once_and_only_where_it_starts(models: str) -> None:
    session = eventful()
    built(models)
    with closing(store_of(models)) as store:
        first = batch(session, 0, 3)
        store.apply(first)
        rows, at = dump(models), positions(models)
        for wrong in (first, batch(session, 3, 5), batch(session, 3, 5, msgspec.structs.replace(first.after, head="ff")), batch(session, 5, 7, None)):
            with pytest.raises(ModelsMoved, match="another projector or a rebuild"):
                store.apply(wrong)
        assert differences(rows, dump(models)) == []
        assert positions(models) == at
        store.apply(batch(session, 3, 5, first.after))
    assert positions(models)[0][1] == 5


def test_one_projector_at_a_time_follows_and_one_rebuilds(models: str) -> None:
    built(models)
    with closing(store_of(models)) as following:
        with pytest.raises(ModelsBusy, match="another projector keeps the read models"):
            store_of(models)
        with closing(store_of(models, rebuild=True)) as rebuilding:
            assert (following.building, rebuilding.building) == (False, True)
            with pytest.raises(ModelsBusy):
                store_of(models, rebuild=True)
    with closing(store_of(models)) as next_one:
        assert next_one.building, "an unfinished rebuild goes on"


def test_a_rebuild_beside_a_follower_makes_it_start_from_the_new_rows(models: str) -> None:
    session = eventful()
    built(models)
    with closing(store_of(models)) as following:
        first = batch(session, 0, 3)
        following.apply(first)
        project_beside(log_of(session), models)
        with pytest.raises(ModelsMoved):
            following.apply(batch(session, 3, 5, first.after))
        assert following.tracked()["s-1"].number == len(session.records)
    whole = dump(models)
    assert len(whole["sessions"]) == 1


def project_beside(log: Any, models: str) -> None:
    """A rebuild, up to and with the swap, while another projector follows."""
    from reenact.projecting import Projector

    with closing(store_of(models, rebuild=True)) as store:
        projector = Projector(log)
        projector.start(store)
        projector.build(store)
        store.finish()


def test_readers_of_the_old_tables_have_tables_at_every_moment_of_a_swap(models: str) -> None:
    log = log_of(eventful())
    project(log, models, once=True)
    with ReadModels(models) as reader, closing(store_of(models, rebuild=True)) as store:
        count = "SELECT count(*) FROM events"
        before = reader.query(count)
        assert before.rows[0][0] > 100
        assert reader.query(count) == before, "a rebuild has begun"
        store.finish()
        assert reader.query(count).rows == [(0,)], "the new ones, built of nothing"


def test_an_open_transaction_on_the_old_tables_does_not_stop_a_swap(postgres: Any) -> None:
    project(log_of(eventful()), postgres.url, once=True)
    with psycopg.connect(postgres.url) as reader:
        seen = reader.execute("SELECT count(*) FROM reenact.events").fetchone()
        for _ in range(2):
            assert project(log_of(eventful("s-2", 2)), postgres.url, rebuild=True, once=True).problems == {}
        reader.rollback()
        assert reader.execute("SELECT count(*) FROM reenact.events WHERE session = 's-1'").fetchone() == (0,) != seen
    project(log_of(eventful()), postgres.url, rebuild=True, once=True)
    with psycopg.connect(postgres.url) as c:
        assert c.execute("SELECT nspname FROM pg_namespace WHERE nspname LIKE 'reenact%'").fetchall() == [("reenact",)]


def test_readers_keep_their_rights_over_a_rebuild(postgres: Any) -> None:
    log = log_of(eventful())
    project(log, postgres.url, once=True)
    name = f'Reader "{os.getpid()}"'
    role = '"' + name.replace('"', '""') + '"'
    with psycopg.connect(postgres.url, autocommit=True) as c:
        c.execute(f"CREATE ROLE {role}")
        try:
            c.execute(
                f"GRANT USAGE ON SCHEMA reenact TO {role}; GRANT SELECT ON reenact.orders, reenact.open_orders TO {role}; GRANT SELECT ON reenact.lag TO PUBLIC"
            )
            project(log, postgres.url, rebuild=True, once=True)
            c.execute(f"SET ROLE {role}")
            assert c.execute("SELECT count(*) FROM reenact.orders").fetchone() != (0,)
            c.execute("SELECT * FROM reenact.open_orders, reenact.lag")
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                c.execute("SELECT * FROM reenact.events")
        finally:
            c.execute("RESET ROLE")
            c.execute(f"DROP OWNED BY {role}; DROP ROLE {role}")


@pytest.mark.parametrize(("version", "word", "remedy"), [(0, "older", "--rebuild"), (99, "newer", "newer Reenact")])
def test_models_of_another_version_are_refused_with_what_to_do(models: str, version: int, word: str, remedy: str) -> None:
    log = log_of(eventful())
    project(log, models, once=True)
    statement = f"UPDATE models SET version = {version}"  # noqa: S608
    if models.startswith("sqlite"):
        with closing(sqlite3.connect(models.removeprefix("sqlite://"))) as c:
            c.execute(statement)
            c.commit()
    else:
        with psycopg.connect(models, autocommit=True) as p:
            p.execute(statement.replace("models", "reenact.models"))
    for refused in (lambda: store_of(models), lambda: ReadModels(models)):
        with pytest.raises(ModelsRefused, match=word) as caught:
            refused()
        assert remedy in str(caught.value)
    if word == "older":
        project(log, models, rebuild=True, once=True)
        assert dump(models)["sessions"]
    else:
        with pytest.raises(ModelsRefused, match=word):
            store_of(models, rebuild=True)


def test_a_follower_does_not_write_into_tables_of_another_version(models: str, monkeypatch: pytest.MonkeyPatch) -> None:
    built(models)
    store = store_of(models)
    for module in ("postgres", "sqlite"):
        monkeypatch.setattr(f"adapters.readmodels.{module}.VERSION", declared.VERSION + 1)
    with closing(store), pytest.raises(ModelsMoved):
        store.apply(batch(eventful(), 0, 1))


def test_what_is_no_read_models_is_refused_and_left_as_it_was(tmp_path: Path, postgres: Any) -> None:
    text = tmp_path / "notes.txt"
    text.write_text("a shopping list, which is longer than a header of a database would be: " * 20)
    other = tmp_path / "other.db"
    with closing(sqlite3.connect(other)) as c:
        c.execute("CREATE TABLE mine (x)")
        c.commit()
    with psycopg.connect(postgres.url, autocommit=True) as p:
        p.execute("CREATE SCHEMA reenact; CREATE TABLE reenact.mine (x int)")
    before = text.read_bytes(), other.read_bytes()
    for url in (f"sqlite://{text}", f"sqlite://{other}", postgres.url):
        for rebuild in (False, True):
            with pytest.raises(ModelsRefused, match=r"no read models|not made by Reenact"):
                store_of(url, rebuild=rebuild)
        with pytest.raises(ModelsRefused):
            ReadModels(url)
    assert (text.read_bytes(), other.read_bytes()) == before
    assert sorted(f.name for f in tmp_path.iterdir()) == ["notes.txt", "other.db"]


@pytest.mark.parametrize(
    ("url", "error", "word"),
    [
        ("postgresql://reenact@127.0.0.1:1/db", ModelsUnavailable, "cannot be reached"),
        ("postgresql://reenact@nowhere.invalid/db", ModelsUnavailable, "cannot be reached"),
        ("postgresql://reenact:secret@127.0.0.1/db", ConfigInvalid, "PGPASSWORD"),
        ("postgresql://127.0.0.1/db?password=secret", ConfigInvalid, "PGPASSWORD"),
        ("postgresql://127.0.0.1/db?nonsense=secret", ConfigInvalid, "cannot be read"),
        ("mysql://a:secret@127.0.0.1/db", ConfigInvalid, "is no address"),
        ("sqlite://", ConfigInvalid, "is no address"),
        ("sqlite:///no/such/folder/models.db", ModelsUnavailable, "does not exist"),
    ],
)
def test_an_address_that_does_not_work_is_one_sentence_without_secrets(url: str, error: type[ReenactError], word: str) -> None:
    with pytest.raises(error, match=word) as caught:
        store_of(url)
    assert "secret" not in str(caught.value)


def test_reading_what_is_not_there_says_so(models: str) -> None:
    with pytest.raises(ModelsUnavailable, match=r"there are no read models.*reenact project"):
        ReadModels(models)


def test_a_database_that_does_not_exist_and_a_user_without_rights_are_told(postgres: Any) -> None:
    with pytest.raises(ModelsRefused, match=r"is not there.*createdb"):
        store_of(postgres.url + "_no")
    role = f"nobody_{os.getpid()}"
    with psycopg.connect(postgres.url, autocommit=True) as c:
        c.execute(f"CREATE ROLE {role} LOGIN")
        try:
            with pytest.raises(ModelsRefused, match=r"may not do this.*GRANT CREATE ON DATABASE"):
                store_of(_as(postgres.url, role))
        finally:
            c.execute(f"DROP ROLE {role}")


def _as(url: str, user: str) -> str:
    return f"postgresql://{user}@{url.partition('@')[2]}"


def test_a_wrong_password_is_told(start_postgres: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    server = start_postgres(password="right")  # noqa: S106
    monkeypatch.setenv("PGPASSWORD", "wrong-word")
    with pytest.raises(ModelsRefused, match=r"refuses the login.*PGPASSWORD") as caught:
        store_of(server.url)
    assert "wrong-word" not in str(caught.value)
    monkeypatch.setenv("PGPASSWORD", "right")
    store_of(server.url).close()


def test_a_number_that_no_column_holds_is_refused_and_nothing_is_changed(models: str) -> None:
    built(models)
    good = batch(eventful(), 0, 1)
    with closing(store_of(models)) as store:
        wrong = msgspec.structs.replace(good, after=msgspec.structs.replace(good.after, event_ns=1 << 70))
        with pytest.raises(RowsRefused):
            store.apply(wrong)
        assert store.tracked() == {}
        store.apply(good)


def test_a_full_disk_stops_with_a_sentence_and_loses_nothing(tmp_path: Path) -> None:
    models = f"sqlite://{tmp_path / 'models.db'}"
    session = eventful()
    built(models)
    with closing(store_of(models)) as store:
        first = batch(session, 0, 3)
        store.apply(first)
        _limit(store, pages=True)
        with pytest.raises(ModelsUnavailable, match=r"nothing more can be written.*Free some space"):
            store.apply(batch(session, 3, None, first.after))
        _limit(store, pages=False)
        store.apply(batch(session, 3, None, first.after))
    assert positions(models)[0][1] == len(session.records)


def _limit(store: ModelStore, *, pages: bool) -> None:
    db = store._db  # type: ignore[attr-defined]
    (count,) = db.execute("PRAGMA page_count").fetchone()
    db.execute(f"PRAGMA max_page_count={count if pages else 1 << 30}")


def test_a_stale_write_ahead_log_beside_a_deleted_file_does_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "models.db"
    log = log_of(eventful())
    project(log, f"sqlite://{path}", once=True)
    (tmp_path / "models.db-wal").write_bytes(os.urandom(50_000))
    path.unlink()
    project(log, f"sqlite://{path}", once=True)
    with closing(sqlite3.connect(path)) as c:
        assert c.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def test_a_building_cut_off_while_it_was_made_is_begun_anew(tmp_path: Path) -> None:
    (tmp_path / "models.db.building").write_bytes(b"SQLite format 3\x00 and no more")
    project(log_of(eventful()), f"sqlite://{tmp_path / 'models.db'}", once=True)
    assert dump(f"sqlite://{tmp_path / 'models.db'}")["sessions"]


def test_open_models_of_a_locked_file_says_who_is_to_blame(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("adapters.readmodels.sqlite._BUSY_S", 0.05)
    path = tmp_path / "models.db"
    built(f"sqlite://{path}")
    with closing(open_models(f"sqlite://{path}", now_ns=0)) as store, closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(ModelsUnavailable, match="locked by another program"):
            store.apply(batch(eventful(), 0, 1))
