"""The tables and views as SQL sees them: documented, exact, and answering the usual questions the same in both databases."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg

from adapters.logs.memory import MemoryLog
from adapters.readmodels import ReadModels
from adapters.readmodels.bodies import body
from adapters.readmodels.tables import MODELS, TABLES, TRACKING
from adapters.readmodels.views import VIEWS
from domain.events import Balance, OrderFilled, SessionClosed
from domain.instrument import instrument
from domain.money import to_text
from domain.terms import Side
from projections.causes import Causes
from projections.ledger import Ledger
from projections.positions import Positions
from projections.rebuild import fold
from reenact.projecting import project
from tests.adapters.readmodels.made import eventful, log_of
from tests.projections.builder import Session

FINE = instrument("FINE", price_digits=8, qty_digits=8)


def both(log: Any, postgres: Any, tmp_path: Path) -> tuple[ReadModels, ReadModels]:
    """The same log in both databases."""
    urls = (postgres.url, f"sqlite://{tmp_path / 'models.db'}")
    for url in urls:
        project(log, url, once=True)
    return ReadModels(urls[0]), ReadModels(urls[1])


def plain(value: Any) -> Any:
    """A cell in words that both databases use."""
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, list | dict):
        return json.dumps(value, sort_keys=True)
    if isinstance(value, str) and value[:1] in ("[", "{"):
        return json.dumps(json.loads(value), sort_keys=True)
    if isinstance(value, str):
        return value.replace("Z", "+00:00") if value[10:11] == "T" else value
    if hasattr(value, "isoformat"):
        return value.isoformat() if not hasattr(value, "hour") else value.isoformat(timespec="microseconds")
    return str(value) if isinstance(value, int) else value


def test_every_view_answers_the_same_in_both_databases(postgres: Any, tmp_path: Path) -> None:
    one, other = both(log_of(eventful("s-1", 1, 300), eventful("s-2", 2, closed=False)), postgres, tmp_path)
    with one, other:
        for view in VIEWS:
            columns = one.query(f"SELECT * FROM {view.name}").columns  # noqa: S608
            if view.name == "lag":
                columns.remove("applied")
            answers = [
                sorted(repr(tuple(map(plain, row))) for row in asked.query(f"SELECT {', '.join(columns)} FROM {view.name}").rows)  # noqa: S608
                for asked in (one, other)
            ]
            assert answers[0] == answers[1], view.name
            assert answers[0], view.name


def test_the_views_say_what_the_projections_say(models: str) -> None:
    session = eventful(moves=300)
    project(log_of(session), models, once=True)
    positions, ledger, causes = Positions(), Ledger(), Causes()
    fold(session.commits(), [positions, ledger, causes])
    with ReadModels(models) as asked:
        held = {symbol: plain(qty) for symbol, qty in asked.query("SELECT symbol, qty FROM current_positions").rows}
        assert held == {h.instrument.symbol: h.instrument.qty_text(h.qty) for h in positions.rows() if h.qty}
        balances = {
            (account, currency): plain(balance)
            for account, currency, balance in asked.query("SELECT account, currency, balance FROM account_balances").rows
        }
        assert balances == {(p.account, p.currency): to_text(p.amt, p.digits) for p in ledger.rows()}
        fill = asked.query("SELECT max(seq) FROM executions").rows[0][0]
        chain = asked.query(f"SELECT chain FROM cause_chains WHERE seq = {fill}").rows[0][0]  # noqa: S608
        assert (json.loads(chain) if isinstance(chain, str) else chain) == causes.chain(fill)
        days = asked.query("SELECT currency, realised, fees, adjusted FROM daily_pnl").rows
        for currency in ledger.currencies:
            for column, kind, sign in ((1, "realised:", -1), (2, "fees:", 1), (3, "adjustments:", -1)):
                total = sum(Decimal(row[column]) for row in days if row[0] == currency)
                assert total == sum(
                    sign * Decimal(to_text(p.amt, p.digits)) for p in ledger.rows() if p.currency == currency and p.account.startswith(kind)
                )


def test_amounts_beyond_64_bits_are_exact(models: str) -> None:
    session = Session((FINE,), balances=(Balance("USD", 10**18, 2),))
    session.trade(Side.BUY, 900_000_000_000_000_000, 900_000_000_000_000_000)
    session.emit(SessionClosed(session.later(), 0, "done"))
    project(log_of(session), models, once=True)
    with ReadModels(models) as asked:
        ((cost,),) = asked.query("SELECT cost FROM positions").rows
        assert int(cost) == 900_000_000_000_000_000**2
        ((equity,),) = asked.query("SELECT balance FROM account_balances WHERE account = 'position:FINE'").rows
        assert plain(equity) == to_text(900_000_000_000_000_000**2, 16)


def test_everything_is_documented_and_nothing_is_a_float_in_postgres(postgres: Any) -> None:
    project(log_of(eventful()), postgres.url, once=True)
    with psycopg.connect(postgres.url) as c:
        silent = c.execute(
            "SELECT c.relname, a.attname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0"
            " WHERE n.nspname = 'reenact' AND c.relkind = 'r' AND (col_description(c.oid, a.attnum) IS NULL OR obj_description(c.oid) IS NULL)"
        ).fetchall()
        assert silent == []
        views = c.execute(
            "SELECT relname FROM pg_class WHERE relnamespace = 'reenact'::regnamespace AND relkind = 'v' AND obj_description(oid) IS NOT NULL"
        ).fetchall()
        assert {v for (v,) in views} == {v.name for v in VIEWS}
        floats = c.execute(
            "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'reenact' AND data_type IN ('real', 'double precision')"
        ).fetchall()
        assert floats == []
        keys = c.execute(
            "SELECT count(*) FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid WHERE c.relnamespace = 'reenact'::regnamespace AND i.indisprimary"
        ).fetchone()
        assert keys == (len(TABLES) + 2,)


def test_nothing_is_a_float_in_sqlite(tmp_path: Path) -> None:
    project(log_of(eventful(moves=300)), f"sqlite://{tmp_path / 'models.db'}", once=True)
    with closing(sqlite3.connect(tmp_path / "models.db")) as c:
        for table in (*TABLES, TRACKING, MODELS):
            for name in table.names:
                assert ("real",) not in c.execute(f"SELECT DISTINCT typeof({name}) FROM {table.name}").fetchall()  # noqa: S608


def test_every_event_has_a_body_of_its_own_fields() -> None:
    for commit in eventful(moves=300).commits():
        for event in commit.events:
            name, cl_ord_id, text = body(event)
            fields = json.loads(text)
            assert list(fields) == [f for f in event.__struct_fields__ if f not in ("ns", "cause")]
            assert name == type(event).__name__
            assert cl_ord_id == getattr(event, "cl_ord_id", None)
            if isinstance(event, OrderFilled):
                assert (fields["last_px"], fields["liquidity"]) == (event.last_px, event.liquidity.name.lower())


def test_text_with_the_character_nul_is_kept_visible(models: str) -> None:
    project(log_of(eventful()), models, once=True)
    with ReadModels(models) as asked:
        ((text,),) = asked.query("SELECT body FROM events WHERE type = 'FrameRefused'").rows
    assert (json.loads(text) if isinstance(text, str) else text)["raw"] == 'raw ␀ "text" \\u0000 ∂'


def test_a_log_without_sessions_gives_empty_tables_that_can_be_asked(models: str) -> None:
    assert project(MemoryLog(), models, once=True).sessions == 0
    with ReadModels(models) as asked:
        for view in VIEWS:
            assert asked.query(f"SELECT * FROM {view.name}").rows == []  # noqa: S608
