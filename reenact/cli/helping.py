"""Decides how a person is helped on the way: a configuration to start from, a check of the machine, a check of a strategy."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import click

from domain.errors import ReenactError
from reenact.cli.frame import example, json_option
from reenact.cli.output import clean, show_json
from reenact.config import DEFAULT_LOG
from reenact.doctor import examine

FAILED = 1
_TONE = {"ok": "green", "warn": "yellow", "fail": "red"}


@click.command(epilog=example("reenact doctor", "reenact doctor --log sqlite:///data/reenact.db --json"))
@click.option("--log", "log", metavar="URL", default=DEFAULT_LOG, show_default=True, help="The log that sessions would be written to.")
@json_option
def doctor(log: str, as_json: bool) -> None:
    """Check this machine and installation.

    Every warning comes with a remedy. Exit code 1 when something must be repaired.
    """
    findings = examine(log)
    if as_json:
        show_json(findings)
    else:
        for f in findings:
            click.echo(f"{click.style(f'{f.verdict:<4}', fg=_TONE[f.verdict])}  {f.check}: {clean(f.said)}{f' → {f.remedy}' if f.remedy else ''}")
    if any(f.verdict == "fail" for f in findings):
        raise click.exceptions.Exit(FAILED)


@click.command(epilog=example("reenact lint my_strategy.py"))
@click.argument("file", metavar="FILE", type=click.Path(path_type=Path))
@json_option
def lint(file: Path, as_json: bool) -> None:
    """Check a strategy file for determinism.

    It may use no clock, chance, environment, network or disk, and no order of a set.

    Exit code 1 when something breaks the contract; each place is named.
    """
    from reenact.lint import lint_file

    findings = lint_file(file)
    if as_json:
        show_json(findings)
    elif not findings:
        click.echo(f"{file}: keeps the determinism contract.")
    else:
        for finding in findings:
            click.echo(clean(str(finding)))
    if findings:
        raise click.exceptions.Exit(FAILED)


@click.command(epilog=example("reenact init", "reenact init > session.toml", "reenact init --demo -o demo.toml"))
@click.option(
    "-o",
    "--output",
    "output",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Write to this file, which must not exist, instead of standard output.",
)
@click.option("--demo", is_flag=True, help="The configuration of the demonstration.")
@json_option
def init(output: Path | None, demo: bool, as_json: bool) -> None:
    """Print a configuration to start from; it runs as it is."""
    name = "demo.toml" if demo else "session.toml"
    text = files("reenact.examples").joinpath(name).read_text(encoding="utf-8")
    if output is not None:
        _write_new(output, text)
    if as_json:
        show_json({"name": name, "file": str(output) if output is not None else "", "config": text})
    elif output is not None:
        click.echo(f"{output} written. Run it with: reenact run {output}")
    else:
        click.echo(text, nl=False)


def _write_new(path: Path, text: str) -> None:
    try:
        with path.open("x", encoding="utf-8") as out:
            out.write(text)
    except FileExistsError:
        raise ReenactError("exists already.", place=str(path), remedy="Choose another name; nothing was changed.") from None
