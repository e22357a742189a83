"""Decides how a person runs a disaster of the library against their own limits."""

from __future__ import annotations

from importlib.resources import as_file, files
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.text import Text

from adapters.times import duration_text, time_text
from reenact.cli.frame import example, json_option
from reenact.cli.output import clean, console, show_json, show_pairs, show_rows, title
from reenact.cli.progress import Meter
from reenact.config import SessionConfig, load
from reenact.config_file import nearest
from reenact.logs import FORMS
from reenact.scenarios import SCENARIOS

if TYPE_CHECKING:
    from reenact.scenarios.study import RuleRow, Run, Study
    from reenact.scenarios.trial import Stop

_DEFAULT = "scenario.toml"


@click.command(
    epilog=example("reenact scenario", "reenact scenario knight", "reenact scenario knight --config mine.toml --log sqlite://runs/knight.db")
)
@click.argument("name", metavar="[NAME]", required=False)
@click.option("--config", "config", metavar="FILE", type=click.Path(path_type=Path), help="Your configuration; else one with every kind of limit.")
@click.option("--seed", "seed", type=click.IntRange(min=0), default=1, show_default=True, metavar="N", help="Where all chance comes from.")
@click.option("--log", "log", metavar="URL", default="", help=f"Keep the session with all rules there: {FORMS}.")
@json_option
@click.option("--no-progress", is_flag=True, help="Show no progress.")
def scenario(name: str | None, config: Path | None, seed: int, log: str, as_json: bool, no_progress: bool) -> None:
    """Run a known disaster against your limits.

    Shows what would have been stopped, when, by which limit, and what would have been lost with all of your rules, with none, without
    each and with each alone. Instruments, cash, limits, controls and rules are the configuration's; market and mistakes are the scenario's, in its scale.

    Without a name, the library.
    """
    if name is None:
        _show_library(as_json)
        return
    if name not in SCENARIOS:
        raise click.UsageError(f"there is no scenario {name!r}; there are {', '.join(SCENARIOS)}.{nearest(name, list(SCENARIOS))}")
    from reenact.scenarios.study import study

    loaded = _default() if config is None else load(config)
    with Meter(f"scenario {name}", "runs", quiet=no_progress) as meter:
        found = study(
            SCENARIOS[name], loaded, name=str(config) if config is not None else _DEFAULT, seed=seed, log=log,
            progress=lambda done, _: meter.at(done),
        )  # fmt: skip
    if as_json:
        show_json(found)
    else:
        _show(found)


def _default() -> SessionConfig:
    with as_file(files("reenact.examples").joinpath(_DEFAULT)) as file:
        return load(file)


def _show_library(as_json: bool) -> None:
    rows = [{"name": s.name, "title": s.title, "story": s.story, "source": s.source} for s in SCENARIOS.values()]
    if as_json:
        show_json(rows)
        return
    show_rows(rows, empty="", columns={"name": "Scenario", "title": "What happens"})
    click.echo("\nRun one with `reenact scenario NAME`, against your own limits with --config FILE.")


def _show(s: Study) -> None:
    title(s.title)
    console().print(Text(f"{s.story}\nSource: {s.source}.\n"))
    whole, bare = s.runs
    show_pairs(
        [
            ("Configuration", s.config),
            *(("Scale" if n == 0 else "", text) for n, text in enumerate(s.scale)),
            ("Stopped first", stop_text(s.first) if s.first is not None else "nothing: no rule of this configuration objects"),
            *([("Denied", ", ".join(f"{rule} {n:,}" for rule, n in whole.reasons.items()))] if whole.reasons else []),
            ("Worst loss", f"{_money(whole.worst_loss)} {s.currency} with your rules, {_money(bare.worst_loss)} without any"),
            ("Worst exposure", f"{_money(whole.worst_exposure)} {s.currency} with your rules, {_money(bare.worst_exposure)} without any"),
            *(("Never told", f"{qty} {symbol} that the venue traded") for symbol, qty in s.untold.items()),
        ]
    )
    click.echo()
    show_rows([_run_cells(run) for run in s.runs], empty="", columns=_RUNS)
    click.echo()
    show_rows(
        [_rule_cells(row) for row in s.rules if _had_part(row)], empty="No rule of this configuration would have changed anything.", columns=_RULES
    )
    idle = [row.rule for row in s.rules if not _had_part(row)]
    if idle:
        click.echo(f"\nHad no part in it: {', '.join(idle)}.")
    if s.session:
        click.echo(
            f"\nKept as session {clean(s.session)}: `reenact verify {clean(s.session)} --log {clean(s.log)}`, and `why`, `report` as for any other."
        )


def _had_part(row: RuleRow) -> bool:
    return bool(row.denied or row.halted or row.after_alone_ns >= 0)


def stop_text(stop: Stop) -> str:
    """What was stopped first, in a sentence."""
    after = duration_text(stop.after_ns // 10**6 * 10**6)
    compared = f"{stop.observed} against {stop.limit}{f' {stop.unit}' if stop.unit else ''}"
    what = "an order was denied" if stop.what == "denied" else f"trading became {stop.what}"
    return f"after {after} ({time_text(stop.ns)}, event {stop.seq:,}) {what} by {stop.rule} {stop.code}: {compared}, {stop.whom}"


_RUNS = {
    "rules": "Rules", "orders": "Orders", "fills": "Fills", "denied": "Denied", "worst_loss": "Worst loss", "end_loss": "Loss at the end",
    "worst_exposure": "Worst exposure",
}  # fmt: skip
_RULES = {
    "rule": "Rule", "code": "Reason", "denied": "Denied", "halted": "Halted", "loss_without": "Loss without it", "more_lost": "More lost",
    "loss_alone": "Loss with it alone", "saved_alone": "Saved alone", "after_alone": "First stop alone",
}  # fmt: skip


def _run_cells(run: Run) -> dict[str, object]:
    counts = {name: f"{getattr(run, name):,}" for name in ("orders", "fills", "denied")}
    return {"rules": run.rules, **counts, **{name: _money(getattr(run, name)) for name in ("worst_loss", "end_loss", "worst_exposure")}}


def _rule_cells(row: RuleRow) -> dict[str, object]:
    money = {name: _money(getattr(row, name)) for name in ("loss_without", "more_lost", "loss_alone", "saved_alone")}
    counts = {"denied": f"{row.denied:,}", "halted": f"{row.halted:,}"}
    after = duration_text(row.after_alone_ns // 10**6 * 10**6) if row.after_alone_ns >= 0 else "never"
    return {"rule": row.rule, "code": row.code, **counts, **money, "after_alone": after}


def _money(text: str) -> str:
    """Decimal text with thousands apart."""
    sign, rest = ("-", text[1:]) if text.startswith("-") else ("", text)
    whole, dot, part = rest.partition(".")
    return f"{sign}{int(whole):,}{dot}{part}"
