"""Decides which tables the read models have: the one declaration that both databases, the documents and the rows follow.

Invariants: `VERSION` rises with every change of a table, a view or of what a row says; numbers are those of the log, with their digits
beside them or in `instruments`.
"""

from __future__ import annotations

from adapters.readmodels.schema import Column, Table, Type, big, count, flag, json, text, wide

VERSION = 2
AVERAGE_MORE = 8
"""Digits that an average price has beyond those of the instrument's prices; half-even."""

_SESSION = text("session", "The session.")
_SEQ = big("seq", "The event's number in its session.")
_NS = big("ns", "Receive time of the input being handled, UTC nanoseconds.")
_INSTRUMENT = count("instrument", "Index of the instrument in its session, see instruments.")
_STRATEGY = text("strategy", "Name of the strategy; empty for orders by hand and trades from elsewhere.")
_SIDE = text("side", "buy or sell.")
_DIGITS = big("digits", "The amounts of this row are in 10^-digits of the currency.")
_CURRENCY = text("currency", "Settlement currency.")

SESSIONS = Table(
    "sessions", "One row per session, as of its last event.",
    (
        _SESSION, text("mode", "simulated, paper or live."), text("code", "Version and fingerprint of the Reenact that opened it."),
        text("state", "closed, or open: running or cut off."), big("opened_ns", "Time of opening, UTC nanoseconds."),
        big("closed_ns", "Time of closing.", "not closed"), big("last_ns", "Time of the last event or tick."), big("last_seq", "The last event."),
        big("ticks", "Number of ticks."), json("events", "Number of the other events, by tag."), big("orders", "Orders sent."),
        big("fills", "Fills that counted; busts and corrections are not taken off."), big("denials", "Orders that our own rules stopped."),
        json("realised", "Realised profit before fees, as a list of [currency, amount, digits]."),
    ),
    ("session",),
)  # fmt: skip
INSTRUMENTS = Table(
    "instruments", "What each session trades, and the digits of its numbers.",
    (
        _SESSION, _INSTRUMENT, text("symbol", "The venue's symbol."), text("venue", "The venue, ISO 10383 where it has one."), text("asset_class", "Asset class."),
        text("base", "Base currency, empty where there is none."), text("quote", "Currency of prices."), text("settle", "Currency of amounts."),
        flag("inverse", "Quoted in quote, settled in settle as quantity / price."), count("price_digits", "Prices are in 10^-price_digits of quote."),
        count("qty_digits", "Quantities are in 10^-qty_digits."), count("amt_digits", "Amounts are in 10^-amt_digits of settle."),
        wide("tick_px", "Price step."), wide("lot_qty", "Quantity step."), wide("min_notional_amt", "Smallest order value."),
        wide("multiplier", "Contract multiplier in 10^-multiplier_digits."), count("multiplier_digits", "Digits of the multiplier."),
        flag("tradable", "Orders are allowed."),
    ),
    ("session", "instrument"), indexes=("symbol",),
)  # fmt: skip
STRATEGIES = Table(
    "strategies", "The strategies of each session as it was opened.",
    (
        _SESSION, count("strategy", "Index of the strategy in its session."), text("name", "Its name, as the other tables write it."), text("target", "Where its code is."),
        text("source_sha256", "Hash of its code, empty for installed code."), json("params", "Parameters at the opening."),
        json("instruments", "Indexes of its instruments."), big("bar_ns", "Length of the bars built for it, 0 for none."),
    ),
    ("session", "strategy"),
)  # fmt: skip
ORDERS = Table(
    "orders", "One row per order, sent or denied, as of the last event about it. A replaced order is one row under its newest id.",
    (
        _SESSION, big("submitted_seq", "The decision to send, or to deny; names the order."), text("cl_ord_id", "The id it lives under now (FIX 11)."),
        text("venue_ord_id", "The venue's id (FIX 37), empty before it is known."), _STRATEGY, _INSTRUMENT, _SIDE,
        text("order_type", "FIX 40 in lower case."), wide("order_qty", "Quantity (FIX 38)."), wide("limit_px", "Limit price, 0 for none."),
        wide("stop_px", "Stop price, 0 for none."), wide("trail_px", "Trailing distance, 0 for none."), text("time_in_force", "FIX 59 in lower case."),
        big("expire_ns", "End of a GTD order, else 0."), flag("post_only", "Must not take."), flag("reduce_only", "Must not open."),
        text("status", "FIX 39 in lower case, unknown, or denied."), wide("cum_qty", "Filled so far (FIX 14)."), wide("leaves_qty", "Still open (FIX 151)."),
        wide("avg_px", "Average price of the standing fills in 10^-avg_px_digits, half-even.", "no fill stands"), count("avg_px_digits", "Digits of avg_px."),
        flag("cancel_requested", "A cancel request has no answer yet."), flag("replace_requested", "A replace request has no answer yet."),
        flag("overfilled", "The venue filled more than the order asks for."), big("submitted_ns", "Time of the decision."), big("last_ns", "Time of the last event about it."),
        big("last_seq", "The last event about it."), big("approval_seq", "Its approval, 0 when denied."), big("signal_seq", "The signal behind it, 0 when a person asked."),
        text("reason", "Why it was denied, rejected, canceled, expired or is unknown, as last reported."),
    ),
    ("session", "submitted_seq"), indexes=("session, cl_ord_id", "session, status"),
)  # fmt: skip
ORDER_IDS = Table(
    "order_ids", "Every id an order was ever asked or reported under.",
    (_SESSION, text("cl_ord_id", "An id (FIX 11)."), big("submitted_seq", "The order, see orders.")), ("session", "cl_ord_id", "submitted_seq"),
    indexes=("session, submitted_seq",),
)  # fmt: skip
_HELD = (
    wide("qty", "Signed quantity."), wide("avg_px", "Average price in 10^-avg_px_digits, half-even.", "flat"), count("avg_px_digits", "Digits of avg_px."),
    wide("cost", "Value of the open part when it was opened, half-even."), wide("realised", "Realised profit before fees, half-even."),
    _DIGITS, _CURRENCY, json("fees", "Fees of its fills, as a list of [currency, amount, digits]; positive when paid."), big("fills", "Fills that counted."),
    big("last_seq", "The last event that changed it, 0 for none."), big("last_ns", "Its time."),
)  # fmt: skip
POSITIONS = Table("positions", "The account's position in every instrument.", (_SESSION, _INSTRUMENT, *_HELD), ("session", "instrument"))
STRATEGY_POSITIONS = Table(
    "strategy_positions", "Each strategy's own position in every instrument it traded.", (_SESSION, _STRATEGY, _INSTRUMENT, *_HELD),
    ("session", "strategy", "instrument"),
)  # fmt: skip
PNL = Table(
    "pnl", "Profit and equity per settlement currency: equity = opening + adjusted + realised + unrealised - fees - funding.",
    (
        _SESSION, _CURRENCY, _DIGITS, wide("opening", "Balance at the opening."), wide("adjusted", "Adjustments by hand."), wide("realised", "Realised profit before fees."),
        wide("unrealised", "Open profit at the last mark."), wide("fees", "Fees, positive when paid."), wide("funding", "Funding, positive when paid."),
        wide("equity", "Equity."), wide("peak", "Highest equity."), wide("drawdown", "Largest fall from a peak."), wide("drawdown_peak", "The peak it fell from."),
        big("trough_seq", "Where the largest fall ended."), big("trough_ns", "Its time."),
        wide("relative_fall", "The largest fall relative to its peak: the fall.", "no peak was positive"), wide("relative_peak", "Its peak.", "no peak was positive"),
    ),
    ("session", "currency"),
)  # fmt: skip
INSTRUMENT_PNL = Table(
    "instrument_pnl", "Profit per instrument, before fees.",
    (
        _SESSION, _INSTRUMENT, wide("qty", "Signed quantity."), wide("mark_px", "Price it is valued at, in 10^-mark_px_digits.", "no price was seen"),
        count("mark_px_digits", "Digits of mark_px."), _CURRENCY, _DIGITS, wide("realised", "Realised profit."), wide("unrealised", "Open profit."),
    ),
    ("session", "instrument"),
)  # fmt: skip
EQUITY = Table(
    "equity", "Equity over time: every event that moved money, and a bounded number of marks between.",
    (_SESSION, _CURRENCY, _SEQ, _NS, wide("equity", "Equity after the event or tick; it holds until the next row."), _DIGITS), ("session", "currency", "seq"),
)  # fmt: skip
BALANCES = Table(
    "balances", "The ledger: the balance of every account, debit positive; the balances of a currency add up to zero.",
    (_SESSION, text("account", "cash:USD, position:SPY, realised:SPY, fees:USD, funding:USD, adjustments:USD, equity:opening:USD."), _CURRENCY, wide("amt", "Balance."), _DIGITS),
    ("session", "account", "currency"),
)  # fmt: skip
POSTINGS = Table(
    "postings", "The ledger: every line of every booking, debit positive; the lines of an event add up to zero in every currency.",
    (_SESSION, _SEQ, count("line", "Number of the line in its event, from 1."), _NS, text("account", "See balances."), _CURRENCY, wide("amt", "Amount."), _DIGITS),
    ("session", "seq", "line"), appended=True, indexes=("session, account, seq",),
)  # fmt: skip
EXECUTIONS = Table(
    "executions", "The blotter: one row per fill that ever counted, with what became of it. Rows with an empty state add up to the position.",
    (
        _SESSION, _SEQ, _NS, big("event_ns", "Time of the venue."), text("exec_id", "FIX 17."), text("cl_ord_id", "The order's id as reported, empty for a trade from elsewhere."),
        _STRATEGY, _INSTRUMENT, _SIDE, wide("last_px", "Price (FIX 31)."), wide("last_qty", "Quantity (FIX 32)."), text("liquidity", "maker or taker.", "the venue did not say"),
        wide("fee_amt", "Fee in 10^-fee_digits of fee_currency, positive when paid."), text("fee_currency", "Currency of the fee, empty without one."),
        big("fee_digits", "Digits of the fee."), text("state", "Empty while it stands, else busted or corrected."), big("changed_seq", "The event that did that, else 0."),
        text("corrects", "The exec_id this row corrects, else empty."), text("reason", "Why a trade from elsewhere was taken in."),
    ),
    ("session", "seq"), indexes=("session, cl_ord_id",),
)  # fmt: skip
RISK_DECISIONS = Table(
    "risk_decisions", "One row per order before the gates: approved or denied.",
    (
        _SESSION, _SEQ, _NS, text("cl_ord_id", "The order or replace request."), flag("approved", "Every rule passed."),
        text("reason", "Code of the first rule that failed, empty when approved."), big("signal_seq", "The signal behind it, 0 when a person asked."),
    ),
    ("session", "seq"), appended=True, indexes=("session, cl_ord_id", "session, reason"),
)  # fmt: skip
RISK_CHECKS = Table(
    "risk_checks", "Every check of every risk decision with the numbers compared.",
    (
        _SESSION, big("seq", "The decision, see risk_decisions."), count("line", "Number of the check in its decision, from 1."), text("rule", "Rule id."),
        text("code", "Its reason code."), text("unit", "Unit of its numbers: px, qty and amt are the instrument's."), flag("passed", "It passed."),
        big("observed", "What was found."), big("limit_value", "What it was compared with; -1: off."), big("seen", "The newest event looked at, or 0."),
        big("limit_id", "The limit asked about, see limits; 0: the rule needs none."), big("rule_version", "Version of the rule."),
    ),
    ("session", "seq", "line"), appended=True, indexes=("session, rule, passed",),
)  # fmt: skip
LIMITS = Table(
    "limits", "Every limit for every member of its scope, from when to when it bound. In force: until_seq IS NULL.",
    (
        _SESSION, big("limit_id", "Its place in the session's book, from 1."), text("member", "Symbol, strategy, class or venue; empty for the account."),
        text("rule", "Rule id."), text("code", "The rule's reason code."), text("scope", "account, venue, class, instrument or strategy."),
        json("numbers", "The rule's parameters as integers, in its order; -1: off."),
        json("shown", "The same by name, as a configuration writes them; null: off."), big("version", "Version of the limit."),
        text("owner", "Who answers for it."), text("approver", "Who approved it, empty where one person may decide."),
        big("effective_ns", "From when it holds, UTC nanoseconds, 0: from the opening."), big("from_seq", "The event that brought it."),
        big("until_seq", "The event that took its place.", "in force"),
    ),
    ("session", "limit_id", "member"), indexes=("session, rule, member",),
)  # fmt: skip
HALTS = Table(
    "halts", "Every halt and kill, by scope. In force: ended_seq IS NULL.",
    (
        _SESSION, _SEQ, _NS, text("scope", "account, venue, class, instrument or strategy."), text("member", "Which one; empty for the account."),
        text("state", "reduce_only, halted or killed."), text("rule", "The rule that asked for it, empty for a person, K-01 for a kill."), text("reason", "Why."),
        big("until_ns", "When it ends by itself, 0: never."), big("observed", "The rule's number."), big("limit_value", "What it was compared with."),
        text("actor", "Who engaged the kill switch."), big("working", "Orders that worked at the kill."), json("unknown", "Their ids whose fate was not proven."),
        big("canceled", "How many of them were canceled."), big("filled", "How many were filled before."),
        big("took_ns", "From the kill to the last order proven dead.", "not yet, or no kill"), big("ended_seq", "The event that ended it.", "in force"),
        big("ended_ns", "Its time.", "in force"), text("requester", "Who asked to resume."), text("approver", "Who approved that."),
    ),
    ("session", "seq"),
)  # fmt: skip
APPROVALS = Table(
    "approvals", "Every command that needed a second person. Waiting: outcome is empty.",
    (
        _SESSION, big("number", "Number of the request."), _SEQ, text("requester", "Who asked."), text("command", "What for."), json("argument", "Its argument."),
        big("expires_ns", "Until when it waits, UTC nanoseconds."), text("outcome", "granted, declined, withdrawn or expired; empty while it waits."),
        text("actor", "Who decided."), text("reason", "Why."), big("closed_seq", "The event that closed it.", "it waits"),
    ),
    ("session", "number"),
)  # fmt: skip
OVERRIDES = Table(
    "overrides", "Every order that two persons let pass a rule once.",
    (
        _SESSION, big("number", "Number of the override."), _SEQ, text("rule", "The rule that may be passed."), big("limit_id", "Its limit."),
        big("most", "The largest observed number that passes."), _STRATEGY, _INSTRUMENT, big("expires_ns", "Until when it may be used, UTC nanoseconds."),
        text("requester", "Who asked."), text("verifier", "Who verified."), text("reason", "Why."), text("cl_ord_id", "The order that used it, empty for none."),
        big("closed_seq", "The event that used or ended it.", "it may be used"),
    ),
    ("session", "number"),
)  # fmt: skip
ORDER_GROUPS = Table(
    "order_groups", "Brackets, OCO and OTO: orders that belong together.",
    (
        _SESSION, big("number", "Number of the group."), _SEQ, text("kind", "oco, oto or bracket."), _STRATEGY, _INSTRUMENT,
        text("on_failure", "flatten, retry or alert."),
        json("legs", "Its orders as they were sent, as a list of [role, cl_ord_id]."), json("failed", "Legs that failed, as a list of [role, cl_ord_id, reason]."),
        big("closed_seq", "The event that closed it.", "open"), wide("open_qty", "What its fills left open and unprotected, signed, once it is closed."),
        text("reason", "Why it was opened, closed or looked after again, as last said."),
    ),
    ("session", "number"),
)  # fmt: skip
EVENTS = Table(
    "events", "Every event that is no tick.",
    (
        _SESSION, _SEQ, text("type", "Name of the event, see docs/events.md."), _NS, Column("time", Type.TIME, "ns, cut to microseconds."),
        big("cause", "Seq of the recorded cause, 0 for none."), big("parent", "Seq of what led to it, reports of the venue hung on the request they answer; 0 for none."),
        count("instrument", "Index of the instrument it is about.", "it is about none"), text("cl_ord_id", "The order it is about.", "it is about none"),
        json("body", "Its own fields as recorded, words of closed lists by name; a check is [rule, passed, observed, limit, seen, limit_id, version], as in risk_checks."),
    ),
    ("session", "seq"), appended=True, indexes=("session, cl_ord_id", "session, type, seq", "session, parent"), rising="time",
)  # fmt: skip
_TICK = (_SESSION, _SEQ, _INSTRUMENT, big("event_ns", "Time of the venue, UTC nanoseconds."), big("recv_ns", "Time of receipt, UTC nanoseconds."))
TRADES = Table(
    "trades", "Ticks: trades on the tape.",
    (*_TICK, big("px", "Price."), big("qty", "Quantity."), count("side", "Aggressor: 1 buy, -1 sell, 0 unknown."), big("conditions", "Sale-condition bits.")),
    ("session", "seq"), appended=True, rising="recv_ns",
)  # fmt: skip
QUOTES = Table(
    "quotes", "Ticks: the best bid and offer. A quantity of 0 means the side is empty.",
    (*_TICK, big("bid_px", "Bid."), big("bid_qty", "Quantity bid."), big("ask_px", "Offer."), big("ask_qty", "Quantity offered.")),
    ("session", "seq"), appended=True, rising="recv_ns",
)  # fmt: skip
BARS = Table(
    "bars", "Ticks: bars that ended at event_ns.",
    (
        *_TICK, big("open_px", "Open."), big("high_px", "High."), big("low_px", "Low."), big("close_px", "Close."), big("volume_qty", "Volume."),
        big("interval_ns", "Length, nanoseconds."),
    ),
    ("session", "seq"), appended=True, rising="recv_ns",
)  # fmt: skip
TABLES = (
    SESSIONS, INSTRUMENTS, STRATEGIES, ORDERS, ORDER_IDS, POSITIONS, STRATEGY_POSITIONS, PNL, INSTRUMENT_PNL, EQUITY, BALANCES, POSTINGS,
    EXECUTIONS, RISK_DECISIONS, RISK_CHECKS, LIMITS, HALTS, APPROVALS, OVERRIDES, ORDER_GROUPS, EVENTS, TRADES, QUOTES, BARS,
)  # fmt: skip
BY_NAME = {table.name: table for table in TABLES}

TRACKING = Table(
    "tracking", "How far each session's rows have come; written in the same transaction as the rows.",
    (
        _SESSION, big("number", "The last commit applied."), big("seq", "The last event applied."), text("head", "Hash of that commit, hexadecimal."),
        big("event_ns", "Time of its last event, UTC nanoseconds."), big("applied_ns", "When it was applied, by the projector's clock."),
        big("log_number", "The last commit the log was seen to hold then."), big("log_seq", "Its last event."),
        flag("settled", "The tables of orders, positions and so on are at this position too; false only while a rebuild goes on."),
        text("problem", "Why the session is applied no further, empty when all is well."),
    ),
    ("session",),
)  # fmt: skip
MODELS = Table(
    "models", "What these read models are: one row.",
    (count("version", "Version of the schema."), text("state", "building or ready."), big("made_ns", "When they were made.")), ("version",),
)  # fmt: skip
