"""Decides how the usual questions are asked of the tables: views declared once, written for PostgreSQL and SQLite.

Invariants: views show exact decimals (PostgreSQL numeric, SQLite text) and times; nothing is computed here that a projection decides.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from adapters.readmodels.schema import View

_ORDER = """SELECT o.session, o.cl_ord_id, o.strategy, i.symbol, o.side, o.order_type, o.status, @dec(o.order_qty, i.qty_digits) AS qty,
  @dec(o.cum_qty, i.qty_digits) AS filled, @dec(o.leaves_qty, i.qty_digits) AS leaves, @dec(o.limit_px, i.price_digits) AS limit_px,
  @dec(o.stop_px, i.price_digits) AS stop_px, @dec(o.avg_px, o.avg_px_digits) AS avg_px, o.time_in_force, o.cancel_requested, o.replace_requested,
  @time(o.submitted_ns) AS submitted, @time(o.last_ns) AS last, o.reason, o.submitted_seq, o.last_seq, o.signal_seq
FROM orders o JOIN instruments i ON i.session = o.session AND i.instrument = o.instrument"""
_TICK = "SELECT t.session, t.seq, '{kind}' AS kind, i.symbol, @time(t.recv_ns) AS received, t.recv_ns, @time(t.event_ns) AS happened, {values} FROM {table} t JOIN instruments i ON i.session = t.session AND i.instrument = t.instrument"
_VALUES = ("px", "qty", "bid_px", "bid_qty", "ask_px", "ask_qty", "open_px", "high_px", "low_px", "close_px", "volume_qty")
_HELD = {"trades": ("px", "qty"), "quotes": _VALUES[2:6], "bars": _VALUES[6:]}


def _ticks() -> str:
    """All ticks in one shape; what a kind does not have is NULL."""
    parts = []
    for table, held in _HELD.items():
        values = ", ".join(
            (f"@dec(t.{v}, i.{'price' if v.endswith('px') else 'qty'}_digits)" if v in held else "@none()") + f" AS {v}" for v in _VALUES
        )
        parts.append(_TICK.format(kind=table[:-1], table=table, values=values))
    return "\nUNION ALL\n".join(parts)


VIEWS = (
    View("order_list", "Every order with symbol, decimals and times.", _ORDER),
    View("open_orders", "Orders that the venue still has to fill.", _ORDER + "\nWHERE o.leaves_qty > 0"),
    View("current_positions", "Open positions with symbol, average, mark and profit, as decimals.", """
SELECT p.session, i.symbol, i.venue, @dec(p.qty, i.qty_digits) AS qty, @dec(p.avg_px, p.avg_px_digits) AS avg_px,
  @dec(l.mark_px, l.mark_px_digits) AS mark_px, @dec(l.realised, l.digits) AS realised, @dec(l.unrealised, l.digits) AS unrealised, l.currency,
  p.fills, p.last_seq, @time(p.last_ns) AS last
FROM positions p JOIN instruments i ON i.session = p.session AND i.instrument = p.instrument
JOIN instrument_pnl l ON l.session = p.session AND l.instrument = p.instrument
WHERE p.qty <> 0"""),
    View("fills", "Every execution with symbol, decimals and times; those that stand have an empty state.", """
SELECT e.session, e.seq, @time(e.ns) AS received, e.cl_ord_id, e.strategy, i.symbol, e.side, @dec(e.last_qty, i.qty_digits) AS qty,
  @dec(e.last_px, i.price_digits) AS px, e.liquidity, @dec(e.fee_amt, e.fee_digits) AS fee, e.fee_currency, e.exec_id, e.state, e.changed_seq
FROM executions e JOIN instruments i ON i.session = e.session AND i.instrument = e.instrument"""),
    View("daily_pnl", "Realised profit, fees, funding and adjustments per session, UTC day and currency, from the ledger.", """
SELECT session, day, currency, @dec(realised, digits) AS realised, @dec(fees, digits) AS fees, @dec(funding, digits) AS funding,
  @dec(adjusted, digits) AS adjusted, @dec(realised - fees - funding + adjusted, digits) AS net
FROM (
  SELECT p.session, @day(p.ns) AS day, p.currency, b.digits,
    @sum(CASE WHEN p.account LIKE 'realised:%' THEN -@lift(p.amt, b.digits - p.digits) ELSE 0 END) AS realised,
    @sum(CASE WHEN p.account LIKE 'fees:%' THEN @lift(p.amt, b.digits - p.digits) ELSE 0 END) AS fees,
    @sum(CASE WHEN p.account LIKE 'funding:%' THEN @lift(p.amt, b.digits - p.digits) ELSE 0 END) AS funding,
    @sum(CASE WHEN p.account LIKE 'adjustments:%' THEN -@lift(p.amt, b.digits - p.digits) ELSE 0 END) AS adjusted
  FROM postings p JOIN (SELECT session, currency, max(digits) AS digits FROM balances GROUP BY session, currency) b
    ON b.session = p.session AND b.currency = p.currency
  GROUP BY p.session, @day(p.ns), p.currency, b.digits
) AS sums"""),
    View("latest_equity", "Equity, its parts, its peak and its largest fall per session and currency, as decimals.", """
SELECT session, currency, @dec(equity, digits) AS equity, @dec(opening, digits) AS opening, @dec(realised, digits) AS realised,
  @dec(unrealised, digits) AS unrealised, @dec(fees, digits) AS fees, @dec(funding, digits) AS funding, @dec(adjusted, digits) AS adjusted,
  @dec(peak, digits) AS peak, @dec(drawdown, digits) AS drawdown, @time(trough_ns) AS trough
FROM pnl"""),
    View("account_balances", "The ledger's balances as decimals.", "SELECT session, account, currency, @dec(amt, digits) AS balance FROM balances"),
    View("denials", "Every denied order with the checks that failed; numbers as decimals where the rule's unit has digits.", """
SELECT d.session, d.seq, @time(d.ns) AS decided, d.cl_ord_id, o.strategy, i.symbol, o.side, @dec(o.order_qty, i.qty_digits) AS qty, d.reason, c.rule, c.code, c.limit_id, c.rule_version, c.unit,
  CASE c.unit WHEN 'px' THEN @dec(c.observed, i.price_digits) WHEN 'qty' THEN @dec(c.observed, i.qty_digits) WHEN 'amt' THEN @dec(c.observed, i.amt_digits)
    ELSE @dec(c.observed, 0) END AS observed,
  CASE c.unit WHEN 'px' THEN @dec(c.limit_value, i.price_digits) WHEN 'qty' THEN @dec(c.limit_value, i.qty_digits) WHEN 'amt' THEN @dec(c.limit_value, i.amt_digits)
    ELSE @dec(c.limit_value, 0) END AS limit_value
FROM risk_decisions d
JOIN risk_checks c ON c.session = d.session AND c.seq = d.seq AND NOT c.passed
LEFT JOIN orders o ON o.session = d.session AND o.submitted_seq = d.seq
LEFT JOIN instruments i ON i.session = o.session AND i.instrument = o.instrument
WHERE NOT d.approved"""),
    View("denials_by_rule", "How often each rule stopped an order or a replacement, and where last.", """
SELECT session, rule, code, count(*) AS denials, min(seq) AS first_seq, max(seq) AS last_seq FROM risk_checks WHERE NOT passed GROUP BY session, rule, code"""),
    View("limit_use", "How far each rule was used: observed / limit in basis points, the most among passed checks and the last. Rules that are off are left out.", """
SELECT c.session, c.rule, c.code, c.unit, u.checks, u.denied, u.most_use_bps, c.observed AS last_observed, c.limit_value AS last_limit, c.seq AS last_seq
FROM risk_checks c JOIN (
  SELECT session, rule, count(*) AS checks, sum(CASE WHEN passed THEN 0 ELSE 1 END) AS denied, max(seq) AS seq,
    max(CASE WHEN passed THEN @bps(observed, limit_value) END) AS most_use_bps
  FROM risk_checks WHERE limit_value > 0 GROUP BY session, rule
) u ON u.session = c.session AND u.rule = c.rule AND u.seq = c.seq
WHERE c.limit_value > 0"""),
    View("limits_in_force", "What binds now: every limit for every member of its scope, with its numbers as a configuration writes them.", """
SELECT session, limit_id, rule, code, scope, member, shown, version, owner, approver, @time(effective_ns) AS effective, from_seq
FROM limits WHERE until_seq IS NULL"""),
    View("halts_in_force", "What is not free to trade now, why, and since when.", """
SELECT session, seq, @time(ns) AS since, scope, member, state, rule, reason, actor, until_ns FROM halts WHERE ended_seq IS NULL"""),
    View("order_life", "What happened to each order, event by event, under every id it had.", """
SELECT i.session, i.submitted_seq, o.cl_ord_id AS current_id, e.seq, e.time, e.type, e.cl_ord_id, e.parent, e.body
FROM order_ids i JOIN orders o ON o.session = i.session AND o.submitted_seq = i.submitted_seq
JOIN events e ON e.session = i.session AND e.cl_ord_id = i.cl_ord_id"""),
    View("cause_chains", "For each event the seqs that led to it, from itself back to the tick or command it began with. Ask for single events.", """
SELECT e.session, e.seq, e.type, (
  WITH RECURSIVE up(seq) AS (
    SELECT e.seq UNION ALL SELECT p.parent FROM up JOIN events p ON p.session = e.session AND p.seq = up.seq WHERE p.parent > 0
  ) SELECT @list(seq) FROM up) AS chain
FROM events e"""),
    View("ticks", "All ticks in one shape, with symbol, decimals and times.", _ticks()),
    View("lag", "How far each session's rows are behind the log, as the projector last saw it.", """
SELECT session, seq AS applied_seq, log_seq, log_seq - seq AS events_behind, log_number - number AS commits_behind, @time(event_ns) AS event_time,
  @time(applied_ns) AS applied, problem FROM tracking"""),
)  # fmt: skip
_ZEROS = "'" + "0" * 60 + "'"


def _sqlite_decimal(n: str, digits: str) -> str:
    """Decimal text of an integer or of digits as text, exact."""
    figures = f"ltrim(CAST({n} AS TEXT), '-')"
    padded = f"(substr({_ZEROS}, 1, max(0, ({digits}) + 1 - length({figures}))) || {figures})"
    sign = f"CASE WHEN CAST({n} AS TEXT) LIKE '-%' THEN '-' ELSE '' END"
    shown = f"substr({padded}, 1, length({padded}) - ({digits})) || CASE WHEN ({digits}) > 0 THEN '.' || substr({padded}, -({digits})) ELSE '' END"
    return f"({sign} || {shown})"


_SQLITE: dict[str, Callable[..., str]] = {
    "dec": _sqlite_decimal,
    "time": lambda ns: f"(strftime('%Y-%m-%dT%H:%M:%S', {ns} / 1000000000, 'unixepoch') || printf('.%06dZ', ({ns} / 1000) % 1000000))",
    "day": lambda ns: f"date({ns} / 1000000000, 'unixepoch')",
    "lift": lambda n, by: f"({n} * CAST('1' || substr({_ZEROS}, 1, {by}) AS INTEGER))",
    "sum": lambda n: f"CASE WHEN max(typeof({n}) <> 'integer') THEN NULL ELSE sum({n}) END",
    "bps": lambda n, of: f"CASE WHEN abs({n}) < 900000000000000 THEN {n} * 10000 / {of} ELSE {n} / ({of} / 10000) END",
    "list": lambda n: f"json_group_array({n})",
    "none": lambda: "NULL",
}
_POSTGRES: dict[str, Callable[..., str]] = {
    "dec": lambda n, digits: f"decimal_of({n}, {digits})",
    "time": lambda ns: f"time_of({ns})",
    "day": lambda ns: f"(time_of({ns}) AT TIME ZONE 'UTC')::date",
    "lift": lambda n, by: f"decimal_of({n}, -({by}))",
    "sum": lambda n: f"sum({n})",
    "bps": lambda n, of: f"div({n}::numeric * 10000, {of})",
    "list": lambda n: f"json_agg({n})",
    "none": lambda: "NULL::numeric",
}
_CALL = re.compile(r"@(\w+)\(")


def sql_of(view: View, *, sqlite: bool) -> str:
    """The CREATE VIEW statement."""
    return f"CREATE VIEW {view.name} AS\n{_written(view.sql.strip(), sqlite=sqlite)}"


def _written(sql: str, *, sqlite: bool) -> str:
    """The calls that begin with @ in the words of a dialect, outermost first."""
    found = _CALL.search(sql)
    if found is None:
        return sql
    depth, start, parts = 1, found.end(), []
    for at in range(found.end(), len(sql)):
        depth += {"(": 1, ")": -1}.get(sql[at], 0)
        if (sql[at] == "," and depth == 1) or depth == 0:
            parts.append(_written(sql[start:at].strip(), sqlite=sqlite))
            start = at + 1
        if depth == 0:
            break
    call = (_SQLITE if sqlite else _POSTGRES)[found[1]]
    return f"{sql[: found.start()]}{call(*filter(None, parts))}{_written(sql[start:], sqlite=sqlite)}"


FUNCTIONS = (
    (
        "decimal_of(n numeric, digits bigint) RETURNS numeric", "An integer in 10^-digits as an exact decimal.",
        "LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN (n::text || 'e' || (-digits)::text)::numeric",
    ),
    (
        "time_of(ns bigint) RETURNS timestamptz", "UTC nanoseconds as a time, cut to microseconds.",
        "LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN 'epoch'::timestamptz + floor(ns / 1000::numeric)::bigint * interval '1 microsecond'",
    ),
)  # fmt: skip
"""PostgreSQL functions that the views use: signature, meaning, definition."""
LATE_FUNCTIONS = (
    (
        "cause_chain(of_session text, of_seq bigint) RETURNS TABLE(depth integer, seq bigint, type text, at timestamptz, cl_ord_id text, body jsonb)",
        "What led to an event, from itself back to the tick or command it began with.",
        """LANGUAGE sql STABLE BEGIN ATOMIC
  WITH RECURSIVE up(depth, seq) AS (
    SELECT 0, of_seq UNION ALL SELECT up.depth + 1, p.parent FROM up JOIN events p ON p.session = of_session AND p.seq = up.seq WHERE p.parent > 0
  ) SELECT up.depth, up.seq, coalesce(e.type, 'tick'), e.time, e.cl_ord_id, e.body
  FROM up LEFT JOIN events e ON e.session = of_session AND e.seq = up.seq ORDER BY up.depth; END""",
    ),
    (
        "wait_for(of_session text, of_seq bigint, timeout interval DEFAULT '10 seconds') RETURNS boolean",
        "Waits until the rows hold this event; false when the time is over first. Call it as a statement of its own, in READ COMMITTED.",
        """LANGUAGE plpgsql VOLATILE AS $$
DECLARE ends timestamptz := clock_timestamp() + timeout;
BEGIN
  LOOP
    IF EXISTS (SELECT FROM reenact.tracking t WHERE t.session = of_session AND t.seq >= of_seq) THEN RETURN true; END IF;
    IF clock_timestamp() >= ends THEN RETURN false; END IF;
    PERFORM pg_sleep(0.01);
  END LOOP;
END $$""",
    ),
)
"""PostgreSQL functions over the tables, for programs that ask them."""
