"""Decides how answers look: tables and sentences for people on a terminal, JSON for programs.

Invariants: JSON goes to standard output and nothing else does beside it; text from outside can neither colour nor move a terminal.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import click
import msgspec
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

_PIPE_WIDTH = 10_000
_NUMERIC = frozenset("0123456789.-+−,%")


def show_json(value: Any) -> None:
    """One JSON document, indented."""
    click.echo(msgspec.json.format(msgspec.json.encode(value), indent=2).decode())


def json_lines(rows: Iterable[Any]) -> None:
    """One JSON document a line, as they come."""
    for row in rows:
        click.echo(msgspec.json.encode(row).decode())


def clean(value: object) -> str:
    """Text without control characters: what is not printable is shown as its escape."""
    text = str(value)
    return text if text.isprintable() else "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def console() -> Console:
    """Standard output; as wide as it takes when nobody looks at it."""
    width = None if sys.stdout.isatty() else _PIPE_WIDTH
    return Console(file=sys.stdout, width=width, highlight=False, markup=False, emoji=False, soft_wrap=False)


def show_rows(rows: Sequence[Any], *, empty: str, columns: Mapping[str, str], tones: Mapping[str, Mapping[str, str]] | None = None) -> None:
    """A table. `columns` maps attribute to heading; columns of numbers stand on the right; `tones` colours a column's values."""
    if not rows:
        click.echo(empty)
        return
    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False, header_style="bold")
    cells = [[clean(_attribute(row, name)) for name in columns] for row in rows]
    for i, heading in enumerate(columns.values()):
        numeric = all(set(row[i]) <= _NUMERIC for row in cells) and any(row[i] for row in cells)
        table.add_column(heading, justify="right" if numeric else "left", overflow="fold")
    for row in cells:
        table.add_row(*(Text(cell, style=_tone(tones, name, cell)) for name, cell in zip(columns, row, strict=True)))
    console().print(table)


def _attribute(row: Any, name: str) -> Any:
    value = row.get(name, "") if isinstance(row, Mapping) else getattr(row, name)
    return "" if value is None else value


def _tone(tones: Mapping[str, Mapping[str, str]] | None, name: str, cell: str) -> str:
    return (tones or {}).get(name, {}).get(cell, "")


def show_pairs(pairs: Iterable[tuple[str, object]]) -> None:
    """Label and value, one a line."""
    shown = [(label, clean(value)) for label, value in pairs]
    width = max((len(label) for label, _ in shown), default=0)
    for label, value in shown:
        click.echo(f"{label:<{width}}  {value}")


def title(text: str) -> None:
    """A heading."""
    console().print(Text(clean(text), style="bold"))


def note(text: str) -> None:
    """A remark for people, on standard error."""
    click.echo(clean(text), err=True)
