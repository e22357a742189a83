"""Decides what a session's report says: figures, charts and tables out of the views.

Invariants: every number is a view's; charts come thinned from the views, so the report stays small however long the session was.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from itertools import accumulate
from typing import Any

from adapters.reports import Column, Figure, Line, Mark, Panel, Report, Table, spread, thinned
from adapters.reports.model import MOST_MARKS, MOST_ROWS, Kind, Tone
from adapters.rules import check_row, limit_row, session_rules
from adapters.times import time_text
from domain.events import SessionOpened
from domain.instrument import Instrument
from domain.money import div_half_even, to_text
from projections.decisions import Decisions, Gate, SignalFate
from projections.executions import Execution, Executions
from projections.market import Chart, Market
from projections.orders import DENIED, OrderRow, Orders
from projections.pnl import CurrencyPnl, Pnl
from projections.positions import Positions
from projections.rebuild import fold
from projections.sessions import Sessions, SessionSummary
from reenact.logs import SessionLog
from reenact.queries import PnlRow, PositionRow, fill_lines, money, order_lines, pnl_rows, position_rows


def report(session: SessionLog) -> Report:
    """The report of a session, from its log alone."""
    market, orders, positions, pnl = Market(), Orders(), Positions(), Pnl()
    executions, decisions, summaries = Executions(), Decisions(), Sessions()
    fold(session.commits(), [market, orders, positions, pnl, executions, decisions, summaries])
    opened = session.opened()
    summary = summaries.rows()[-1]
    accounts = pnl.rows()
    panels = _price_panels(opened, market, orders, executions, decisions)
    for account in accounts:
        panels += _equity_panels(account, pnl)
    order_rows = order_lines(orders.rows())
    tables = [
        _positions(position_rows(positions), "Positions"),
        _positions(position_rows(positions, by_strategy=True), "Positions by strategy", strategy=True),
        _accounts(pnl_rows(pnl)[0]),
        _rules(decisions, opened),
        _limits(opened),
        _denials(decisions, opened),
        _rows("Orders", order_rows, _ORDER_COLUMNS, "No order was sent."),
        _rows("Fills", fill_lines(executions), _FILL_COLUMNS, "Nothing was filled."),
    ]
    symbols = ", ".join(i.symbol for i in opened.instruments)
    return Report(
        f"Session {session.name}", f"{summary.mode} · {symbols} · {time_text(summary.opened_ns)} to {time_text(summary.last_ns)}",
        _figures(summary, accounts, decisions), panels, tables, _facts(session, opened, summary), _appendix(opened),
    )  # fmt: skip


def _figures(summary: SessionSummary, accounts: list[CurrencyPnl], decisions: Decisions) -> list[Figure]:
    figures = []
    for a in accounts:
        if not (a.opening or a.realised or a.unrealised or a.fees):
            continue
        net = a.realised + a.unrealised - a.fees - a.funding
        tone: Tone = "good" if net > 0 else "bad" if net < 0 else ""
        figures += [
            Figure(f"Net result, {a.currency}", _signed(net, a.digits), "realised + open − fees − funding", tone),
            Figure(f"Realised PnL, {a.currency}", _signed(a.realised, a.digits), "before fees"),
            Figure(f"Equity, {a.currency}", _grouped(money(a.equity, a.digits)), f"opened with {_grouped(money(a.opening, a.digits))}"),
            Figure(f"Largest drawdown, {a.currency}", _grouped(money(a.drawdown.amt, a.digits)), _share(a)),
            Figure(f"Fees, {a.currency}", _grouped(money(a.fees, a.digits))),
        ]
    causes: dict[str, int] = {}
    for row in decisions.rows():
        if not row.approved:
            causes[row.reason] = causes.get(row.reason, 0) + 1
    most = sorted(causes.items(), key=lambda c: -c[1])[:3]
    return [
        *figures, Figure("Orders sent", f"{summary.orders:,}"), Figure("Fills", f"{summary.fills:,}"),
        Figure("Denied by risk rules", f"{summary.denials:,}", " · ".join(f"{code} {n:,}" for code, n in most)), Figure("Ticks", f"{summary.ticks:,}"),
    ]  # fmt: skip


def _share(a: CurrencyPnl) -> str:
    """The largest relative fall in percent, to hundredths."""
    if a.drawdown.relative is None or not a.drawdown.amt:
        return ""
    fall, peak = a.drawdown.relative
    return f"{to_text(div_half_even(fall * 10_000, peak), 2)} % of its peak"


def _grouped(text: str) -> str:
    """Thousands set apart."""
    sign, digits = ("-", text[1:]) if text.startswith("-") else ("", text)
    whole, dot, part = digits.partition(".")
    return f"{sign}{int(whole):,}{dot}{part}"


def _signed(n: int, digits: int) -> str:
    return ("+" if n > 0 else "") + _grouped(money(n, digits))


def _price_panels(opened: SessionOpened, market: Market, orders: Orders, executions: Executions, decisions: Decisions) -> list[Panel]:
    by: dict[int, dict[Kind, list[Any]]] = {i: {"signal": [], "order": [], "fill": [], "denied": []} for i in range(len(opened.instruments))}
    for s in decisions.signals():
        by[s.instrument]["signal"].append(s)
    for o in orders.rows():
        if o.index >= 0:
            by[o.index]["denied" if o.status == DENIED else "order"].append(o)
    for e in executions.rows():
        by[e.index]["fill"].append(e)
    panels = []
    for i, spec in enumerate(opened.instruments):
        chart = market.chart(i)
        scale = 10 ** (chart.price_digits - spec.price_digits)
        make: dict[Kind, Callable[[Any, Instrument, int], Mark]] = {
            "signal": _signal_mark,
            "order": _order_mark,
            "denied": _order_mark,
            "fill": _fill_mark,
        }
        marks = [make[kind](row, spec, scale) for kind, rows in by[i].items() for row in spread(rows, MOST_MARKS)]
        totals = {kind: len(rows) for kind, rows in by[i].items()}
        panels.append(Panel(spec.symbol, _price_line(chart), marks, totals, spec.quote))
    return panels


def _price_line(chart: Chart) -> Line:
    """The candles as a line through open, the extremes in the order that makes the shorter way, and close, spread over each candle's time."""
    times: list[int] = []
    values: list[int] = []
    step = chart.interval_ns
    for b in chart.buckets:
        first, second = (b.low_px, b.high_px) if b.open_px <= b.close_px else (b.high_px, b.low_px)
        times += [b.start_ns, b.start_ns + step // 3, b.start_ns + 2 * step // 3, b.start_ns + step - 1]
        values += [b.open_px, first, second, b.close_px]
    return Line("price", chart.price_digits, times, values)


def _signal_mark(s: SignalFate, spec: Instrument, _scale: int) -> Mark:
    wants = "hold" if not s.side else f"{s.side.name} {spec.qty_text(s.qty)}"
    return Mark("signal", int(s.side), s.ns, 0, f"signal of {s.strategy}: {wants} ({s.gate.value}) {s.reason}".rstrip())


def _order_mark(o: OrderRow, spec: Instrument, scale: int) -> Mark:
    px = o.limit_px or o.stop_px
    at = f" at {spec.px_text(px)}" if px else ""
    kind = o.order_type.name if o.order_type is not None else ""
    text = f"order {o.cl_ord_id}: {o.side.name} {spec.qty_text(o.order_qty)} {kind}{at}, {o.status} {o.reason}".rstrip()
    return Mark("denied" if o.status == DENIED else "order", int(o.side), o.submitted_ns, px * scale, text)


def _fill_mark(e: Execution, spec: Instrument, scale: int) -> Mark:
    text = f"fill of {e.cl_ord_id or e.reason}: {e.side.name} {spec.qty_text(e.last_qty)} at {spec.px_text(e.last_px)} {e.state}".rstrip()
    return Mark("fill", int(e.side), e.ns, e.last_px * scale, text)


def _equity_panels(account: CurrencyPnl, pnl: Pnl) -> list[Panel]:
    """Equity and the distance from its peak."""
    points = pnl.curve(account.currency)
    if len(points) < 2:
        return []
    times, values = [p.ns for p in points], [p.equity for p in points]
    equity = thinned(Line("equity", account.digits, times, values))
    peaks = accumulate(values, max)
    falls = thinned(Line("drawdown", account.digits, times, [v - p for v, p in zip(values, peaks, strict=True)]))
    unit = account.currency
    return [Panel("Equity", equity, unit=unit, tone="gain", step=True), Panel("Drawdown", falls, unit=unit, tone="loss", step=True)]


def _positions(rows: list[PositionRow], title: str, *, strategy: bool = False) -> Table:
    columns = [Column("Instrument"), *([Column("Strategy")] if strategy else []), Column("Quantity", number=True), Column("Average price", number=True),
               Column("Realised", number=True), Column("Currency"), Column("Fees", number=True), Column("Fills", number=True)]  # fmt: skip
    body = [
        [r.instrument, *([r.strategy or "(none)"] if strategy else []), r.qty, r.average, _grouped(r.realised), r.currency, r.fees, f"{r.fills:,}"]
        for r in rows
    ]
    return Table(title, columns, body, len(body), "No position was ever held.")


def _accounts(rows: list[PnlRow]) -> Table:
    names = ("opening", "realised", "unrealised", "fees", "funding", "adjusted", "equity", "peak", "max_drawdown")
    body = [[r.currency, *(_grouped(getattr(r, name)) for name in names), r.drawdown_at] for r in rows]
    columns = [Column("Currency"), *(Column(n.replace("_", " ").capitalize(), number=True) for n in names), Column("Lowest point")]
    return Table("Profit and loss", columns, body, len(body))


def _rules(decisions: Decisions, opened: SessionOpened) -> Table:
    """How often each rule answered, and how near a passed order came to its limit."""
    rules = session_rules(opened.rules)
    spec_of = {f.decision_seq: opened.instruments[f.instrument] for f in decisions.signals()}
    body = []
    for t in decisions.rules():
        rule = rules.get(t.rule)
        near = check_row(t.closest, spec_of.get(t.closest_seq), rules) if t.closest is not None and t.rule not in _ON_A_GRID else None
        shown = f"{near['observed']} of {near['limit']} {near['unit']}".rstrip() if near else ""
        body.append([rule.code if rule else t.rule, t.rule, f"{t.passed:,}", f"{t.denied:,}", shown, str(t.closest_seq) if near else ""])
    columns = [Column("Denies as"), Column("Rule"), Column("Passed", number=True), Column("Denied", number=True), Column("Nearest to its limit"),
               Column("At event", number=True)]  # fmt: skip
    return Table("Risk rules", columns, body, len(body), "No order came before the risk rules.")


def _limits(opened: SessionOpened) -> Table:
    rules = session_rules(opened.rules)
    body = []
    for limit in opened.limits:
        row = limit_row(limit, rules, opened.instruments)
        values = ", ".join(f"{name} {'off' if value is None else value}" for name, value in row["values"].items())
        body.append(
            [str(limit.id), row["code"], limit.rule, f"{row['scope']} {', '.join(limit.members)}".rstrip(), values, limit.owner, limit.approver]
        )
    columns = [Column("Limit", number=True), *(Column(c) for c in ("Denies as", "Rule", "Binds", "Numbers", "Owner", "Approver"))]
    return Table("Limits at the opening", columns, body, len(body), "The session was opened without limits.")


def _denials(decisions: Decisions, opened: SessionOpened) -> Table:
    rules = session_rules(opened.rules)
    missed = [f for f in decisions.signals(without_order=True) if f.gate == Gate.DENIED]
    body = []
    for f in missed[-MOST_ROWS:]:
        spec = opened.instruments[f.instrument]
        c = check_row(f.check, spec, rules) if f.check is not None else None
        numbers = f"{c['observed']} against {c['limit']} {c['unit']}".rstrip() if c else ""
        body.append(
            [time_text(f.ns), f.cl_ord_id, f.strategy, spec.symbol, f.side.name, spec.qty_text(f.qty), f.reason, numbers, str(f.decision_seq)]
        )
    columns = [Column("Time"), Column("Order"), Column("Strategy"), Column("Instrument"), Column("Side"), Column("Quantity", number=True),
               Column("Reason"), Column("Observed against limit"), Column("Event", number=True)]  # fmt: skip
    return Table("Denied orders", columns, body, len(missed), "No order was denied.")


_ON_A_GRID = frozenset({"R-19a", "R-19b", "R-19c", "R-19d"})
"""Rules for which being near the limit means nothing."""
_ORDER_COLUMNS = {
    "time": "Time", "cl_ord_id": "Order", "strategy": "Strategy", "instrument": "Instrument", "side": "Side", "type": "Type", "qty": "Quantity",
    "limit": "Limit", "stop": "Stop", "time_in_force": "TIF", "status": "Status", "filled": "Filled", "average": "Average", "reason": "Reason", "seq": "Event",
}  # fmt: skip
_FILL_COLUMNS = {
    "time": "Time", "cl_ord_id": "Order", "strategy": "Strategy", "instrument": "Instrument", "side": "Side", "qty": "Quantity", "price": "Price",
    "liquidity": "Liquidity", "fee": "Fee", "state": "State", "seq": "Event",
}  # fmt: skip
_NUMBERS = frozenset({"qty", "limit", "stop", "filled", "average", "price", "fee", "seq"})


def _rows(title: str, rows: Sequence[Any], columns: dict[str, str], empty: str) -> Table:
    body = [[str(getattr(r, name)) for name in columns] for r in rows[-MOST_ROWS:]]
    return Table(title, [Column(text, number=name in _NUMBERS) for name, text in columns.items()], body, len(rows), empty)


def _facts(session: SessionLog, opened: SessionOpened, summary: SessionSummary) -> list[tuple[str, str]]:
    last, head = session.last()
    return [
        ("Session", session.name), ("Mode", opened.mode), ("Opened", time_text(opened.ns)),
        ("Closed", time_text(summary.closed_ns) if summary.closed_ns is not None else "not closed"), ("Events", f"{last.last_seq:,}"),
        ("Commits", f"{last.number:,}"), ("Head hash", head.hex()), ("Code", opened.code), ("Seed", str(opened.seed)),
        *((f"Strategy {s.name}", f"{s.target} {s.params} {s.source_sha256[:16]}".rstrip()) for s in opened.strategies),
    ]  # fmt: skip


def _appendix(opened: SessionOpened) -> list[tuple[str, str]]:
    """The configuration, and the source of every strategy that came from a file."""
    try:
        config = json.dumps(json.loads(opened.config), indent=2, ensure_ascii=False)
    except ValueError:
        config = opened.config
    return [("Configuration", config), *((f"Source of strategy {s.name}", s.source) for s in opened.strategies if s.source)]
