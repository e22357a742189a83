"""Writes docs/events.md from the code; `--check` only says whether it is in step."""

from __future__ import annotations

import inspect
import sys
from pathlib import Path

import msgspec

from domain.events import CATALOGUE, DECISIONS, TICKS
from domain.risk import RULES

PAGE = Path(__file__).parent / "events.md"
FAMILIES = {
    "domain.events.session": "Session, time and operator",
    "domain.events.market": "Market and feeds",
    "domain.events.decisions": "Strategy and risk",
    "domain.events.orders": "Orders",
    "domain.events.account": "Account",
}

INTRODUCTION = (
    "Every event has a gapless `seq` in its session and begins with `ns` (receive time of the input being handled, UTC nanoseconds) and "
    "`cause` (seq of an earlier event, 0 for none). Prices, quantities and amounts are integers in the units of their `Instrument`. "
    "An *input* came from outside, a *decision* was derived by the engine."
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
    lines += ["## Risk rules", "", "All rules run on every order; the first failing one gives the reason code.", ""]
    lines += ["| rule | reason code | unit | meaning |", "|---|---|---|---|"]
    lines += [f"| {r.id} | `{r.code}` | {r.unit} | {text(r.check)} |" for r in RULES]
    return "\n".join(lines) + "\n"


def text(thing: object) -> str:
    """A docstring on one line, without the words that only say what the table says."""
    doc = " ".join(inspect.cleandoc(thing.__doc__ or "").split())
    return doc.removeprefix("Input. ").removeprefix("Decision. ").replace("|", "\\|")


def main() -> int:
    """Write or check."""
    wanted = page()
    if "--check" in sys.argv[1:]:
        if not PAGE.exists() or PAGE.read_text() != wanted:
            sys.stderr.write(f"{PAGE.name} is not in step with the code: run `make docs`.\n")
            return 1
        return 0
    PAGE.write_text(wanted)
    return 0


if __name__ == "__main__":
    sys.exit(main())
