"""Decides how a session is handed out: a report for people, exports for other tools.

Invariants: a file has its name only once it is complete; an existing file is replaced only when it is asked for by name.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import click

from domain.errors import ReenactError
from reenact.cli.asking import reading
from reenact.cli.frame import example, log_options
from reenact.cli.output import show_json


@contextmanager
def whole_file(path: Path) -> Iterator[BinaryIO]:
    """A file that replaces `path` when everything went well, and leaves nothing behind when it did not. Devices and pipes are written to as they are."""
    target = path.resolve()
    part = target.with_name(f"{target.name}.partial") if target.is_file() or not target.exists() else target
    try:
        with part.open("wb") as out:
            yield out
        if part is not target:
            part.replace(target)
    except OSError as e:
        raise ReenactError(f"cannot be written: {e.strerror}.", place=str(path), remedy="Free some space or choose another place.") from e
    finally:
        if part is not target:
            part.unlink(missing_ok=True)


def check_folder(path: Path) -> None:
    """Refuse a file in a folder that is not there before work begins."""
    if not path.parent.is_dir():
        raise ReenactError(f"the folder {path.parent} does not exist.", place=str(path), remedy="Make it, or choose another place.")
    if path.is_dir():
        raise ReenactError("is a folder.", place=str(path), remedy="Name a file.")


@click.command(epilog=example("reenact report -o report.html", "reenact report --session spy-sma-1 -o spy.html"))
@click.option(
    "-o",
    "--output",
    "output",
    metavar="FILE",
    type=click.Path(path_type=Path),
    default=Path("report.html"),
    show_default=True,
    help="The file to write.",
)
@log_options
def report(output: Path, log: str, session: str | None, as_json: bool) -> None:
    """Write a report as one self-contained HTML page.

    Charts of price, orders, fills, equity and drawdown, and tables; nothing is loaded from anywhere.
    """
    from adapters.reports import render
    from reenact.reporting import report as build_report

    check_folder(output)
    with reading(log, session) as one:
        page = render(build_report(one)).encode()
        name = one.name
    with whole_file(output) as out:
        out.write(page)
    if as_json:
        show_json({"session": name, "file": str(output), "bytes": len(page)})
    else:
        click.echo(f"{output}: report of session {name}, {len(page):,} bytes.")


@click.command(epilog=example("reenact export --format jsonl -o events.jsonl", "reenact export --format parquet -o export/"))
@click.option(
    "--format", "kind", type=click.Choice(["jsonl", "parquet"]), default="jsonl", show_default=True, help="JSON lines, or Parquet files in a folder."
)
@click.option(
    "-o",
    "--output",
    "output",
    metavar="PATH",
    type=click.Path(path_type=Path),
    required=True,
    help="The file (jsonl, - for standard output) or folder (parquet).",
)
@log_options
def export(kind: str, output: Path, log: str, session: str | None, as_json: bool) -> None:
    """Write every event as JSON lines or Parquet.

    Ticks stand one by one, with symbols, names and exact decimals.
    """
    to_screen = str(output) == "-"
    if to_screen and kind == "parquet":
        raise ReenactError("Parquet goes into a folder.", remedy="Name it with -o FOLDER.")
    if to_screen and as_json:
        raise ReenactError("the events already go to standard output.", remedy="Leave --json out.")
    rows = _jsonl(output, log, session) if kind == "jsonl" else _parquet(output, log, session)
    if to_screen:
        return
    if as_json:
        show_json({"output": str(output), "format": kind, "rows": rows})
    else:
        click.echo(f"{output}: " + ", ".join(f"{n:,} {name}" for name, n in rows.items()) + ".")


def _jsonl(output: Path, log: str, session: str | None) -> dict[str, int]:
    from adapters.export import write_jsonl

    if str(output) == "-":
        with reading(log, session) as one:
            return {"events": write_jsonl(one.commits(), sys.stdout.buffer)}
    check_folder(output)
    with reading(log, session) as one, whole_file(output) as out:
        return {"events": write_jsonl(one.commits(), out)}


def _parquet(output: Path, log: str, session: str | None) -> dict[str, int]:
    from adapters.export import write_parquet

    if output.exists() and not output.is_dir():
        raise ReenactError("is a file.", place=str(output), remedy="Parquet goes into a folder; name one.")
    with reading(log, session) as one:
        return write_parquet(one.commits(), output)
