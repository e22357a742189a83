"""Decides in which words an event is told, from its readable row.

Invariants: every event of the catalogue has a sentence; a sentence says nothing that the row does not hold.
"""

from __future__ import annotations

from collections.abc import Callable

from adapters.rules import Row


def sentence(row: Row) -> str:
    """What happened, in a line. `row` comes from `adapters.readable.Reader.row`."""
    tell = _TELL.get(row["type"])
    return tell(row) if tell is not None else _plain(row)


def _plain(r: Row) -> str:
    shown = [f"{k} {v}" for k, v in r.items() if k not in ("seq", "type", "time", "ns", "cause") and isinstance(v, (str, int)) and v != ""]
    return ", ".join(shown) or "no details"


def _terms(r: Row) -> str:
    """Side, quantity, type, prices and what else makes an order."""
    parts = [r["side"], r.get("order_qty", r.get("qty", "")), r["instrument"], r["order_type"]]
    if _set(r["limit_px"]):
        parts.append(f"at {r['limit_px']}")
    if _set(r["stop_px"]):
        parts.append(f"stop {r['stop_px']}")
    if _set(r["trail_px"]):
        parts.append(f"trailing by {r['trail_px']}")
    parts.append(r["time_in_force"])
    if r["expire_ns"]:
        parts.append(f"until {r['expire_ns']}")
    parts += [word for word, flag in (("post-only", r["post_only"]), ("reduce-only", r["reduce_only"])) if flag]
    return " ".join(str(p) for p in parts)


def _set(px: object) -> bool:
    return bool(str(px).strip("-0."))


def _signal(r: Row) -> str:
    why = f": {r['reason']}" if r["reason"] else ""
    if r["side"] == "NONE":
        return f"{r['strategy']} holds {r['instrument']}{why}"
    return f"{r['strategy']} wants {_terms(r)}{why}"


def _trade(r: Row) -> str:
    side = "" if r["side"] == "NONE" else f", aggressor {r['side']}"
    return f"{r['instrument']} traded {r['qty']} at {r['px']}{side}"


def _bar(r: Row) -> str:
    return (
        f"{r['instrument']} bar of {r['interval_ns']}: open {r['open_px']}, high {r['high_px']}, low {r['low_px']}, close {r['close_px']}, "
        f"volume {r['volume_qty']}"
    )


def _denied(r: Row) -> str:
    failed = [c for c in r["checks"] if not c["passed"]]
    numbers = "; ".join(f"{c['code'] or c['rule']}: {c['observed']} against {c['limit']} {c['unit']}".rstrip() for c in failed)
    return f"order {r['cl_ord_id']} denied, {r['reason']} ({numbers})"


def _filled(r: Row) -> str:
    fee = f", fee {r['fee_amt']} {r['fee_currency']}" if _set(r["fee_amt"]) else ""
    return f"order {r['cl_ord_id']} filled {r['last_qty']} at {r['last_px']} as {r['liquidity'].lower()}{fee}"


def _because(r: Row) -> str:
    return f": {r['reason']}" if r.get("reason") else ""


def _opened(r: Row) -> str:
    names = ", ".join(s["name"] for s in r["strategies"])
    return f"session {r['session']} opened, {r['mode']}, seed {r['seed']}, strategies: {names or 'none'}"


def _place(r: Row) -> str:
    """The scope of a halt or a kill."""
    return f"{r['scope'].lower()} {r['member']}".rstrip()


def _by(*people: str) -> str:
    named = [p for p in people if p]
    return f", by {' and '.join(named)}" if named else ""


def _limit(r: Row) -> str:
    limit = r["limit"]
    values = ", ".join(f"{k} {'off' if v is None else v}" for k, v in limit["values"].items())
    of = f"{limit['scope']} {', '.join(limit['members'])}".rstrip()
    return f"limit {limit['id']} ({limit['rule']}) binds {of}, version {limit['version']}: {values}{_by(limit['owner'], limit['approver'])}"


def _halted(r: Row) -> str:
    asked = f" by {r['rule']}" if r["rule"] else ""
    until = f", until {r['until_ns']}" if r["until_ns"] else ""
    return f"trading of {_place(r)} fell to {r['state']}{asked}{until}{_because(r)}"


def _killed(r: Row) -> str:
    unknown = f", unknown are {', '.join(r['unknown'])}" if r["unknown"] else ""
    return f"{r['actor']} engaged the kill switch of {_place(r)}, {r['working']} orders were working{unknown}{_because(r)}"


def _ungrouped(r: Row) -> str:
    left = f", {r['open_qty']} left open" if _set(r["open_qty"]) else ""
    return f"group {r['number']} closed{left}{_because(r)}"


def _command(r: Row) -> str:
    return f"{r['command']} {r['argument'] if r['argument'] != '{}' else ''}".rstrip()


def _sized(r: Row) -> str:
    return f"{r['strategy']} asked for {r['asked_qty']} {r['instrument']}: {r['verdict']}, {r['qty']}{_because(r)}"


_TELL: dict[str, Callable[[Row], str]] = {
    "TradePrinted": _trade,
    "QuoteUpdated": lambda r: f"{r['instrument']} bid {r['bid_qty']} at {r['bid_px']}, ask {r['ask_qty']} at {r['ask_px']}",
    "BarClosed": _bar,
    "SessionOpened": _opened,
    "SessionResumed": lambda r: f"session resumed{_because(r)}",
    "SessionClosed": lambda r: f"session closed{_because(r)}",
    "DayRolled": lambda r: f"the day became {r['day']}",
    "OperatorCommandReceived": lambda r: f"{r['actor']} asked: {_command(r)}",
    "OperatorCommandRefused": lambda r: f"the command was refused{_because(r)}",
    "FeedConnected": lambda r: f"feed {r['feed']} delivers",
    "FeedLost": lambda r: f"feed {r['feed']} is lost{_because(r)}",
    "FeedGap": lambda r: f"feed {r['feed']} has a gap{_because(r)}",
    "FrameRefused": lambda r: f"feed {r['feed']} refused {r['place']}{_because(r)}",
    "SignalRaised": _signal,
    "OrderApproved": lambda r: f"order {r['cl_ord_id']} approved, {len(r['checks'])} rules passed",
    "OrderDenied": _denied,
    "OrderSubmitted": lambda r: f"order {r['cl_ord_id']} sent: {_terms(r)}",
    "OrderPended": lambda r: f"order {r['cl_ord_id']} is {r['status']}",
    "OrderAccepted": lambda r: f"order {r['cl_ord_id']} accepted by the venue as {r['venue_ord_id']}",
    "OrderRejected": lambda r: f"order {r['cl_ord_id']} rejected by the venue{_because(r)}",
    "OrderTriggered": lambda r: f"order {r['cl_ord_id']} triggered",
    "OrderFilled": _filled,
    "OrderCancelRequested": lambda r: f"cancel of order {r['orig_cl_ord_id']} requested{_because(r)}",
    "OrderCanceled": lambda r: f"order {r['orig_cl_ord_id'] or r['cl_ord_id']} canceled{_because(r)}",
    "OrderCancelRejected": lambda r: f"request {r['cl_ord_id']} on order {r['orig_cl_ord_id']} refused by the venue{_because(r)}",
    "OrderReplaceRequested": lambda r: f"replace of order {r['orig_cl_ord_id']} by {r['cl_ord_id']} requested: {r['order_qty']} at {r['limit_px']}",
    "OrderReplaced": lambda r: f"order {r['orig_cl_ord_id']} replaced by {r['cl_ord_id']}: {r['order_qty']} at {r['limit_px']}",
    "OrderExpired": lambda r: f"order {r['cl_ord_id']} expired{_because(r)}",
    "OrderUnknown": lambda r: f"the fate of order {r['cl_ord_id']} is unknown{_because(r)}",
    "LimitsChanged": _limit,
    "TradingHalted": _halted,
    "TradingResumed": lambda r: f"trading of {_place(r)} resumed{_because(r)}{_by(r['requester'], r['approver'])}",
    "KillSwitchEngaged": _killed,
    "KillCompleted": lambda r: (
        f"the kill of {_place(r)} is complete after {r['took_ns']}: {r['canceled']} orders canceled, {r['filled']} filled before"
    ),
    "ApprovalRequested": lambda r: f"request {r['number']} of {r['requester']} waits for a second person until {r['expires_ns']}: {_command(r)}",
    "ApprovalClosed": lambda r: f"request {r['number']} {r['outcome']}{_by(r['actor'])}{_because(r)}",
    "OverrideGranted": lambda r: (
        f"override {r['number']}: one order of {r['strategy'] if r['strategy'] != -1 else 'a person'} in {r['instrument']} may pass {r['rule']} "
        f"up to {r['most']}, until {r['expires_ns']}{_by(r['requester'], r['verifier'])}{_because(r)}"
    ),
    "OverrideClosed": lambda r: (
        f"override {r['number']} was used by order {r['cl_ord_id']}" if r["cl_ord_id"] else f"override {r['number']} expired unused"
    ),
    "SurveillanceAlerted": lambda r: f"alert {r['code']} on {r['instrument']}: {r['observed']} against {r['limit']}{_because(r)}",
    "OrderSized": _sized,
    "GroupOpened": lambda r: (
        f"group {r['number']} ({r['kind']}) of {r['strategy']} in {r['instrument']} opened with {len(r['legs'])} orders, on failure {r['on_failure']}"
    ),
    "GroupLegged": lambda r: f"order {r['cl_ord_id']} is the {r['role']} of group {r['number']}",
    "GroupLegFailed": lambda r: f"the {r['role']} of group {r['number']} failed ({r['on_failure']} follows){_because(r)}",
    "GroupReleased": lambda r: f"group {r['number']} is given up by its strategy{_because(r)}",
    "GroupClosed": _ungrouped,
    "GroupReopened": lambda r: f"group {r['number']} is looked after again{_because(r)}",
    "OutcomeRecorded": lambda r: f"a round trip in {r['instrument']} brought {r['amt']}{_by(r['actor'])}{_because(r)}",
    "ParametersChanged": lambda r: f"{r['strategy']} goes on with parameters {r['params']}",
    "VenueLost": lambda r: f"the session with venue {r['venue']} is lost{_because(r)}",
    "VenueConnected": lambda r: f"the session with venue {r['venue']} stands",
    "TimerSet": lambda r: f"{r['strategy']} set timer {r['name']} for {r['due_ns']}",
    "TimerFired": lambda r: f"timer {r['name']} of {r['strategy']} fired",
}
