"""Decides how the read models are kept and asked from a command line."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import click

from adapters.times import time_text
from domain.errors import ReenactError
from reenact.cli.frame import MISTAKE, example, json_option
from reenact.cli.output import clean, note, show_json, show_rows
from reenact.cli.progress import Meter
from reenact.config import DEFAULT_LOG
from reenact.logs import SessionLog, open_log

if TYPE_CHECKING:
    from adapters.readmodels import Answer
    from reenact.projecting import Lag

_MODELS = "The read models: postgresql://user@host:port/db or sqlite://PATH."


@click.command(epilog=example(
    "reenact project --models postgresql://ada@db/trading", "reenact project --models sqlite://runs/models.db --once",
    "reenact project --models sqlite://runs/models.db --status",
))  # fmt: skip
@click.option("--models", required=True, metavar="URL", help=_MODELS)
@click.option("--rebuild", is_flag=True, help="Build all tables anew beside the ones that are read, then swap.")
@click.option("--once", is_flag=True, help="Stop when everything that the log holds now is applied.")
@click.option("--status", is_flag=True, help="Only say how far the read models are behind the log.")
@click.option("--no-progress", is_flag=True, help="Do not show progress.")
@click.option("--session", metavar="NAME", help="Only this session; all of the log if left out.")
@click.option("--log", "log", metavar="URL", default=DEFAULT_LOG, show_default=True, help="The log to follow.")
@json_option
def project(models: str, rebuild: bool, once: bool, status: bool, no_progress: bool, log: str, session: str | None, as_json: bool) -> None:
    """Keep tables for SQL in step with a log: all its sessions, also those that open later.

    Orders, positions, profit, equity, ledger, executions, risk decisions, events and ticks; see docs/read-models.md. It only reads the log,
    so it never slows a session. It may be stopped or killed at any time and goes on where the tables are. A second one waits for the first.

    Exit code 2: a session could not be applied to its end; the others were.
    """
    from reenact.projecting import lags
    from reenact.projecting import project as keep

    if status and (rebuild or once):
        raise click.UsageError("--status only asks; leave out --rebuild and --once.")
    with open_log(log) as store:
        if status:
            _show_lags(lags(store, models, only=session), as_json=as_json)
            return
        with Meter("projecting", "events", quiet=no_progress) as meter:
            done = keep(store, models, only=session, rebuild=rebuild, once=once, say=note, progress=meter.at)
    if as_json:
        show_json(done)
    else:
        rate = round(done.events / done.seconds) if done.seconds else 0
        click.echo(f"{done.sessions} sessions, {done.events:,} events applied in {done.seconds} s ({rate:,}/s); {models.split('?', maxsplit=1)[0]}")
    for problem in done.problems.values():
        note(problem)
    if done.problems:
        raise click.exceptions.Exit(MISTAKE)


def _show_lags(rows: list[Lag], *, as_json: bool) -> None:
    if as_json:
        show_json(rows)
        return
    shown = [
        {
            "session": r.session, "log": f"{r.log_seq:,}", "applied": f"{r.applied_seq:,}", "behind": f"{r.events_behind:,}",
            "at": time_text(r.applied_ns)[:19] + "Z" if r.applied_ns else "never", "age": "" if r.age_s is None else f"{r.age_s:,.1f} s", "problem": r.problem,
        }
        for r in rows
    ]  # fmt: skip
    columns = {"session": "Session", "log": "Log", "applied": "Applied", "behind": "Behind", "at": "Last applied", "age": "Ago"}
    if any(r.problem for r in rows):
        columns["problem"] = "Problem"
    show_rows(shown, empty="The log holds no session yet.", columns=columns)


@click.command(epilog=example(
    'reenact query "SELECT * FROM open_orders" --models sqlite://runs/models.db',
    'reenact query "SELECT * FROM current_positions" --models postgresql://ada@db/trading --wait end',
))  # fmt: skip
@click.argument("statement", metavar="SQL")
@click.option("--models", required=True, metavar="URL", help=_MODELS)
@click.option("--wait", metavar="SEQ|end", help="First wait until the tables hold this event of the session, or all that the log holds now.")
@click.option("--timeout", type=click.FloatRange(min=0), default=10.0, show_default=True, metavar="SECONDS", help="How long to wait.")
@click.option("--session", metavar="NAME", help="The session that --wait means; the latest one of the log if left out.")
@click.option(
    "--log", "log", metavar="URL", default=DEFAULT_LOG, show_default=True, help="The log that --wait asks for the latest session and its end."
)
@json_option
def query(statement: str, models: str, wait: str | None, timeout: float, session: str | None, log: str, as_json: bool) -> None:
    """Ask the read models in SQL; nothing can be changed.

    The tables and views are listed in docs/read-models.md.
    """
    from adapters.readmodels import ReadModels

    with ReadModels(models) as asked:
        if wait is not None:
            name, seq = _awaited(wait, session, log)
            if not asked.wait(name, seq, timeout):
                remedy = "Is `reenact project` running? `reenact project --status` says how far it is."
                raise ReenactError(f"event {seq} was not applied within {timeout:g} s", place=f"session {name}", remedy=remedy)
        answer = asked.query(statement)
    if as_json:
        show_json([{name: _json(value) for name, value in zip(answer.columns, row, strict=True)} for row in answer.rows])
    else:
        _show_answer(answer)


def _awaited(wait: str, session: str | None, log: str) -> tuple[str, int]:
    """The session and seq that --wait means."""
    if wait != "end" and not (wait.isascii() and wait.isdecimal()):
        raise click.UsageError(f"--wait takes the number of an event or end, not {wait!r}.")
    if wait != "end" and session is not None:
        return session, int(wait)
    with open_log(log) as store:
        one = SessionLog(store, session)
        return one.name, one.last()[0].last_seq if wait == "end" else int(wait)


def _show_answer(answer: Answer) -> None:
    rows = [{str(i): _text(value) for i, value in enumerate(row)} for row in answer.rows]
    show_rows(rows, empty="No rows.", columns={str(i): clean(name) for i, name in enumerate(answer.columns)})


def _text(value: Any) -> str:
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else f"{value:f}" if isinstance(value, Decimal) else str(value)


def _json(value: Any) -> Any:
    """Exact decimals and times as text; whole numbers stay numbers."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() and value.as_tuple().exponent == 0 else f"{value:f}"
    return value if value is None or isinstance(value, bool | int | float | str | list | dict) else _text(value)
