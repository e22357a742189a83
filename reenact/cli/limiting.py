"""Decides how rules and limits are asked for on a command line."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from domain.errors import ReenactError
from reenact import limiting
from reenact.cli.asking import show_limits
from reenact.cli.frame import example, json_option, log_options
from reenact.cli.output import clean, note, show_json, show_rows, title
from reenact.cli.progress import Meter
from reenact.config import load
from reenact.logs import SessionLog, open_log
from reenact.presets import PRESETS

if TYPE_CHECKING:
    from reenact.limiting import Bound, RuleRow


@click.command(epilog=example("reenact rules", "reenact rules price_collar", "reenact rules --config session.toml --json"))
@click.argument("word", metavar="[WORD]", required=False)
@click.option("--config", "config", metavar="FILE", type=click.Path(path_type=Path), help="Also the rules that this configuration brings along.")
@json_option
def rules(word: str | None, config: Path | None, as_json: bool) -> None:
    """List the risk rules.

    Each with the reason code of its denials, its keys in [limits] with their units, whom it may bind, and its source. With a word, only the
    rules in whose id, code or keys it is found.
    """
    rows = limiting.rules(load(config) if config is not None else None)
    if word is not None:
        rows = [r for r in rows if any(word.lower() in text.lower() for text in (r.id, r.code, *(p.key for p in r.params)))]
        if not rows:
            raise ReenactError(f"no rule has {word!r} in its id, its code or its keys; `reenact rules` lists all.")
    if as_json:
        show_json(rows)
        return
    for row in rows:
        _show_rule(row)


def _show_rule(r: RuleRow) -> None:
    binds = f"binds by {', '.join(r.scopes)}" if r.scopes else "binds every order"
    more = [f"halts its scope: {r.halts}"] if r.halts else []
    more += ["two persons may let one order pass it"] if r.overridable else []
    more += [r.place] if r.place != "built in" else []
    title(f"{r.id}  {r.code}")
    click.echo(f"    {clean(r.says)}")
    click.echo(f"    {clean('; '.join([binds, *more]))}{f'. Source: {r.source}' if r.source else ''}.")
    for p in r.params:
        click.echo(f"    {p.key} = {p.example}  {clean(p.meaning)} ({p.unit})")


@click.command(epilog=example(
    "reenact limits session.toml", "reenact limits --session spy-sma-1 --at 48211", "reenact limits --diff spy-sma-1@1 spy-sma-1",
    "reenact limits --diff old.toml new.toml --json", "reenact limits --presets",
))  # fmt: skip
@click.argument("config", metavar="[CONFIG]", required=False, type=click.Path(path_type=Path))
@click.option("--at", "seq", metavar="SEQ", type=click.IntRange(min=1), help="As of this event of the session.")
@click.option(
    "--diff", "sides", metavar="A B", nargs=2,
    help="Hold two sets of limits against each other: each a configuration (FILE.toml), a session (NAME) or a session after an event (NAME@SEQ).",
)  # fmt: skip
@click.option("--presets", is_flag=True, help="The presets for asset classes, with their values.")
@log_options
def limits(config: Path | None, seq: int | None, sides: tuple[str, str] | None, presets: bool, log: str, session: str | None, as_json: bool) -> None:
    """Show the limits in force.

    Of a session (the latest if none is named), or those that a configuration would open a session with.

    Every limit is shown with its version, its owner and approver, and the time from which it holds.
    """
    asked = [
        w for w, given in (("a configuration", config), ("--diff", sides), ("--presets", presets), ("--session or --at", session or seq)) if given
    ]
    if len(asked) > 1:
        raise click.UsageError(f"{asked[0]} and {asked[1]} do not go together.")
    if presets:
        _show_presets(as_json)
    elif sides is not None:
        _show_difference(_side(sides[0], log), _side(sides[1], log), as_json)
    else:
        found = limiting.of_config(config) if config is not None else _of_session(log, session, seq)
        if as_json:
            show_json({"of": found.of, "limits": found.rows})
            return
        title(f"Limits of {found.of}")
        show_limits(found.rows)


def _of_session(log: str, session: str | None, seq: int | None) -> Bound:
    with open_log(log) as store, Meter("reading", "events") as meter:
        return limiting.of_session(SessionLog(store, session, meter.at), seq)


def _side(text: str, log: str) -> Bound:
    """What one side of --diff names."""
    if text.endswith(".toml"):
        return limiting.of_config(Path(text))
    name, at, seq = text.rpartition("@")
    if at and not (seq.isascii() and seq.isdecimal() and int(seq)):
        raise click.UsageError(f"{text!r}: what stands behind @ must be the number of an event.")
    return _of_session(log, (name if at else text) or None, int(seq) if at else None)


def _show_difference(before: Bound, after: Bound, as_json: bool) -> None:
    changes = limiting.differences(before, after)
    if as_json:
        show_json({"before": before.of, "after": after.of, "changes": changes})
        return
    title(f"{before.of} → {after.of}")
    columns = {
        "rule": "Rule",
        "code": "Denies as",
        "binds": "Binds",
        "key": "Key",
        "before": "Before",
        "after": "After",
        "version": "Version",
        "owner": "Owner",
    }
    show_rows(changes, empty="The limits are the same.", columns=columns)


def _show_presets(as_json: bool) -> None:
    if as_json:
        show_json(PRESETS)
        return
    keys = dict.fromkeys(key for preset in PRESETS.values() for key in preset)
    rows: list[dict[str, Any]] = [{"key": key} | {name: _written(preset.get(key, "")) for name, preset in PRESETS.items()} for key in keys]
    show_rows(rows, empty="", columns={"key": "Key"} | {name: name for name in PRESETS})
    note('Used by `preset = "equity"` in [limits] or [limits.class.NAME]; a key of your own takes the place of the preset\'s.')


def _written(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return ", ".join(value) if isinstance(value, list) else str(value)
