"""Decides how a report becomes one HTML file.

Invariants: no text reaches the page unescaped; the content policy forbids every request; charts past their bounds are thinned and say so.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from importlib.resources import files
from typing import Any

import msgspec

from adapters.reports.model import MOST_MARKS, Kind, Panel, Report, Table, spread, thinned
from domain.money import to_text

_HEAD = (
    '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'\">"
    '<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="light dark">'
)


def render(report: Report) -> str:
    """The page. The same report gives the same text."""
    here = files("adapters.reports")
    charts = [_chart(p) for p in report.panels]
    data = msgspec.json.encode(charts).decode().replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
    parts = [
        _HEAD, f"<title>{escape(report.title)}</title><style>", here.joinpath("report.css").read_text(encoding="utf-8"), "</style></head><body>",
        '<a class="skip" href="#tables">Skip to the tables</a>',
        f"<header><h1>{escape(report.title)}</h1><p>{escape(report.subtitle)}</p></header><main>", _figures(report), _panels(report.panels),
        '<div id="tables">', *(_table(t) for t in report.tables), "</div>", _facts(report), "</main>",
        f'<script type="application/json" id="charts">{data}</script>',
        "<script>", here.joinpath("report.js").read_text(encoding="utf-8"), "</script></body></html>\n",
    ]  # fmt: skip
    return "".join(parts)


def _figures(report: Report) -> str:
    cards = "".join(
        f'<div class="card"><dt>{escape(f.label)}</dt><dd class="{f.tone}">{escape(f.value)}</dd>{f"<p>{escape(f.note)}</p>" if f.note else ""}</div>'
        for f in report.figures
    )
    return f'<section aria-label="Summary"><dl class="cards">{cards}</dl></section>'


def _panels(panels: Sequence[Panel]) -> str:
    if not panels:
        return ""
    tools = (
        '<div class="tools" role="toolbar" aria-label="Charts">'
        '<button type="button" data-do="in" title="Zoom in (+)">+</button><button type="button" data-do="out" title="Zoom out (−)">−</button>'
        '<button type="button" data-do="all" title="Whole session (0)">Whole session</button>'
        '<span class="keys" id="keys">Wheel or + − zooms, drag pans, arrow keys move the cursor, Shift with arrows pans, 0 shows everything. '
        "All charts move together.</span></div>"
    )
    body = "".join(_panel(i, p) for i, p in enumerate(panels))
    return f'<section aria-label="Charts">{tools}<noscript><p class="note">The charts need JavaScript; the tables below do not.</p></noscript>{body}</section>'


def _panel(i: int, panel: Panel) -> str:
    shown = [(kind, panel.totals[kind]) for kind in _NAMES if panel.totals.get(kind)]
    boxes = "".join(
        f'<label class="key {kind}"><input type="checkbox" data-kind="{kind}" data-chart="{i}"{"" if kind == "signal" else " checked"}>'
        f"{_NAMES[kind]} <small>{n:,}</small></label>"
        for kind, n in shown
    )
    cut = "".join(f" {_NAMES[kind]}: {MOST_MARKS:,} of {n:,} drawn, evenly spread." for kind, n in shown if n > MOST_MARKS)
    note = f'<p class="note">{escape(cut.strip())}</p>' if cut else ""
    unit = f" <small>{escape(panel.unit)}</small>" if panel.unit else ""
    return (
        f'<figure class="panel {panel.tone}"><figcaption><h2>{escape(panel.title)}{unit}</h2><span class="legend">{boxes}</span></figcaption>'
        f'<div class="plot" data-chart="{i}" tabindex="0" role="img" aria-describedby="keys" aria-label="{escape(_described(panel))}"></div>'
        f'<output class="said" data-chart="{i}" aria-live="polite"></output>{note}</figure>'
    )


_NAMES: dict[Kind, str] = {"signal": "Signals", "order": "Orders", "fill": "Fills", "denied": "Denied"}


def _described(panel: Panel) -> str:
    """What somebody who cannot see the chart should know."""
    if not panel.line.values:
        return f"{panel.title}: no data"
    scale = panel.line.digits
    low, high, last = (to_text(n, scale) for n in (min(panel.line.values), max(panel.line.values), panel.line.values[-1]))
    return f"{panel.title}: lowest {low}, highest {high}, last {last} {panel.unit}".rstrip()


def _chart(panel: Panel) -> dict[str, Any]:
    """What the script draws; times in µs, which a browser's numbers hold exactly."""
    line = thinned(panel.line)
    marks = [m for kind in _NAMES for m in spread([m for m in panel.marks if m.kind == kind], MOST_MARKS)]
    return {
        "title": panel.title, "unit": panel.unit, "tone": panel.tone, "step": panel.step, "digits": line.digits,
        "t": [t // 1000 for t in line.times_ns], "v": list(line.values),
        "marks": [[m.kind, m.side, m.time_ns // 1000, m.px, m.text] for m in sorted(marks, key=lambda m: m.time_ns)],
    }  # fmt: skip


def _table(table: Table) -> str:
    title = f"<h2>{escape(table.title)} <small>{table.total:,}</small></h2>"
    if not table.rows:
        return f'<section>{title}<p class="note">{escape(table.empty)}</p></section>'
    head = "".join(f'<th scope="col"{_right(c.number)}><button type="button">{escape(c.name)}</button></th>' for c in table.columns)
    body = "".join(
        "<tr>" + "".join(f"<td{_right(c.number)}>{escape(v)}</td>" for c, v in zip(table.columns, row, strict=True)) + "</tr>" for row in table.rows
    )
    cut = (
        f'<p class="note">The last {len(table.rows):,} of {table.total:,} are shown; `reenact export` gives all.</p>'
        if len(table.rows) < table.total
        else ""
    )
    find = '<input type="search" class="find" placeholder="Filter" aria-label="Filter rows">' if len(table.rows) > 10 else ""
    return (
        f'<section><div class="bar">{title}{find}</div><div class="scroll" tabindex="0" role="region" aria-label="{escape(table.title)}">'
        f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>{cut}</section>"
    )


def _right(number: bool) -> str:
    return ' class="num"' if number else ""


def _facts(report: Report) -> str:
    rows = "".join(f"<div><dt>{escape(k)}</dt><dd>{escape(v)}</dd></div>" for k, v in report.facts)
    more = "".join(f"<details><summary>{escape(title)}</summary><pre>{escape(text)}</pre></details>" for title, text in report.appendix)
    return f'<section><h2>About this session</h2><dl class="facts">{rows}</dl>{more}</section>'
