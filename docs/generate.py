"""Writes what is generated in docs/ from the code; `--check` only says whether it is in step."""

from __future__ import annotations

import inspect
import json
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec

from adapters.publishing.schema import event_schema
from adapters.readmodels.tables import MODELS, TABLES, TRACKING, VERSION
from adapters.readmodels.views import FUNCTIONS, LATE_FUNCTIONS, VIEWS
from adapters.rules import SCOPES
from domain.events import CATALOGUE, DECISIONS, TICKS
from domain.risk import RULES, Rule
from reenact.limiting import EXAMPLES
from reenact.presets import PRESETS

FOLDER = Path(__file__).parent
FAMILIES = {
    "domain.events.session": "Session, time and operator",
    "domain.events.market": "Market and feeds",
    "domain.events.decisions": "Strategy and risk",
    "domain.events.control": "Limits, halts, approvals and overrides",
    "domain.events.groups": "Order groups",
    "domain.events.orders": "Orders",
    "domain.events.account": "Account",
}

INTRODUCTION = (
    "Every event has a gapless `seq` in its session and begins with `ns` (receive time of the input being handled, UTC nanoseconds) and "
    "`cause` (seq of an earlier event, 0 for none). Prices, quantities and amounts are integers in the units of their `Instrument`. "
    "An *input* came from outside, a *decision* was derived by the engine."
)

RULES_INTRODUCTION = (
    "All rules that bind an order answer it; the first failing one in this order gives the reason code. A rule with keys binds where a limit "
    "is written: `[limits]` means every member of the first scope named here, `[limits.SYMBOL]`, `[limits.strategy.NAME]`, "
    "`[limits.class.NAME]`, `[limits.venue.NAME]` and `[limits.account]` the others."
)
PRESETS_INTRODUCTION = (
    '`preset = "equity"` in `[limits]` or `[limits.class.NAME]` starts from these; a key of your own takes the place of a preset\'s.'
)


def page() -> str:
    """The whole page."""
    lines = [
        "# Events and risk rules",
        "",
        "Generated from the code by `make docs`; edit the docstrings instead.",
        "",
        INTRODUCTION,
        "",
    ]
    for module, family in FAMILIES.items():
        lines += [f"## {family}", "", "| event | tag | kind | fields | meaning |", "|---|---|---|---|---|"]
        for event in CATALOGUE:
            if event.__module__ != module:
                continue
            own = ", ".join(f"`{f.name}`" for f in msgspec.structs.fields(event) if f.name not in ("ns", "cause"))
            kind = "decision" if event in DECISIONS else "input, in columns" if event in TICKS else "input"
            lines.append(f"| `{event.__name__}` | `{event.__struct_config__.tag}` | {kind} | {own} | {text(event)} |")
        lines.append("")
    lines += ["## Risk rules", "", RULES_INTRODUCTION, ""]
    lines += ["| rule | reason code | unit | keys in `[limits]` | binds by | meaning |", "|---|---|---|---|---|---|"]
    lines += [f"| {r.id} | `{r.code}` | {r.unit} | {keys(r)} | {scopes(r)} | {text(r.check)} |" for r in RULES]
    lines += ["", "### Keys of `[limits]`", "", "| key | rule | unit | written | meaning |", "|---|---|---|---|---|"]
    lines += [f"| `{p.name}` | {r.id} | {p.unit} | `{EXAMPLES[p.unit]}` | {p.text} |" for r in RULES for p in r.params]
    lines += ["", "### Presets", "", PRESETS_INTRODUCTION, "", f"| key | {' | '.join(PRESETS)} |", f"|---|{'---|' * len(PRESETS)}"]
    for key in dict.fromkeys(key for preset in PRESETS.values() for key in preset):
        lines.append(f"| `{key}` | {' | '.join(json.dumps(preset.get(key)) for preset in PRESETS.values())} |")
    return "\n".join(lines) + "\n"


def keys(rule: Rule) -> str:
    """A rule's parameters."""
    return ", ".join(f"`{p.name}`" for p in rule.params)


def scopes(rule: Rule) -> str:
    """Whom a rule may bind; the first is meant by `[limits]`."""
    return ", ".join(SCOPES[s] for s in rule.scopes) if rule.params else "every order"


def text(thing: object) -> str:
    """A docstring on one line, without the words that only say what the table says."""
    doc = " ".join(inspect.cleandoc(thing.__doc__ or "").split())
    return doc.removeprefix("Input. ").removeprefix("Decision. ").replace("|", "\\|")


def published() -> str:
    """The JSON Schema of what `reenact publish` writes."""
    return json.dumps(event_schema(), indent=1, ensure_ascii=False) + "\n"


READ_MODELS = """\
# Read models

Generated from the schema by `make docs`; edit `adapters/readmodels/` instead.

`reenact project --log URL --models URL` keeps these tables in step with a log: in PostgreSQL in the schema `reenact`, in SQLite in one file.
`reenact query "SELECT …" --models URL` asks them; so does any SQL tool. Rows and position change in one transaction.

- Prices, quantities and amounts are the log's exact integers; their digits stand beside them or in `instruments`. The views show them as exact
  decimals (PostgreSQL `numeric`, SQLite text). Nothing is a float. In SQLite an integer beyond 64 bits is kept as its digits in text; a sum
  over such amounts is NULL in the views, never rounded.
- Times are UTC nanoseconds (`…_ns`); views show them as `timestamptz` or ISO text, cut to microseconds.
- `seq` numbers the events of a session; a seq in one table is the same event in every other.
- `tracking` and the view `lag` say how far the rows are. `SELECT reenact.wait_for('session', seq)` waits until an event is in them (PostgreSQL,
  READ COMMITTED), `reenact query --wait SEQ|end` in both. PostgreSQL notifies channel `reenact_applied` with `{"session": …, "seq": …}`.
- The character NUL, which PostgreSQL cannot hold, is shown as ␀ in texts.
"""


def read_models() -> str:
    """The tables and views for SQL."""
    lines = [
        READ_MODELS,
        f"Schema version {VERSION}. PostgreSQL 14 or newer, SQLite 3.35 or newer.",
        "",
        "## Views",
        "",
        "| view | answers |",
        "|---|---|",
    ]
    lines += [f"| `{view.name}` | {view.doc} |" for view in VIEWS]
    lines += ["", "PostgreSQL also has functions:", "", "| function | answers |", "|---|---|"]
    lines += [f"| `{signature}` | {doc} |" for signature, doc, _ in (*FUNCTIONS, *LATE_FUNCTIONS)]
    lines += ["", "## Tables", ""]
    for table in (*TABLES, TRACKING, MODELS):
        extra = "".join(f", index ({i})" for i in (*table.indexes, *([table.rising] if table.rising else [])))
        lines += [f"### {table.name}", "", table.doc, "", f"Key ({', '.join(table.key)}){extra}.", "", "| column | type | meaning |", "|---|---|---|"]
        lines += [f"| `{c.name}` | {c.type.value} | {c.doc}{f' NULL: {c.null}.' if c.null else ''} |" for c in table.columns]
        lines.append("")
    return "\n".join(lines)


PAGES: dict[str, Callable[[], str]] = {"events.md": page, "read-models.md": read_models, "published-events.schema.json": published}


def main() -> int:
    """Write or check."""
    stale = []
    for name, make in PAGES.items():
        file, wanted = FOLDER / name, make()
        if not file.exists() or file.read_text() != wanted:
            stale.append(name)
            if "--check" not in sys.argv[1:]:
                file.write_text(wanted)
    if stale and "--check" in sys.argv[1:]:
        sys.stderr.write(f"{', '.join(stale)} not in step with the code: run `make docs`.\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
