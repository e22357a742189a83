"""The command line over a recorded session: every command answers, in tables and in JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner, Result

from reenact.cli import main
from reenact.logs import open_log
from tests.domain.harness import World, trades
from tests.domain.loss_sessions import Ordered, fill, one_limit
from tests.reenact.recorded import session, write_log

COMMANDS = tuple(main.commands)


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> str:
    return write_log(tmp_path_factory.mktemp("cli") / "log.db", "s-1", "s-2")


def ask(*words: str) -> Result:
    return CliRunner().invoke(main, words)


def answer(*words: str) -> Any:
    result = ask(*words, "--json")
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_with_an_example_and_json(name: str) -> None:
    result = ask(name, "--help")
    assert result.exit_code == 0
    assert f"$ reenact {name}" in result.stdout
    assert "--json" in result.stdout or main.commands[name].list_commands(click.Context(main))  # type: ignore[attr-defined]


def test_the_commands_are_those_of_the_manual() -> None:
    assert set(COMMANDS) == {
        "run", "resume", "verify", "why", "why-not", "at", "events", "orders", "positions", "pnl", "report", "export", "sessions", "doctor", "lint", "init",
        "tail", "copy", "log", "project", "query", "publish", "rules", "limits", "scenario", "prove",
    }  # fmt: skip


def test_sessions_lists_name_state_and_head(log: str) -> None:
    rows = answer("sessions", "--log", log)
    assert [r["session"] for r in rows] == ["s-1", "s-2"]
    assert rows[0]["state"] == "closed"
    assert rows[0]["commits"] == 3
    assert rows[0]["head"] == session().records[-1][-32:].hex()
    assert "s-2" in ask("sessions", "--log", log).stdout


def test_the_latest_session_is_meant_when_none_is_named(log: str) -> None:
    assert answer("why", "T-1", "--log", log)["session"] == "s-2"
    assert answer("why", "T-1", "--log", log, "--session", "s-1")["session"] == "s-1"


def test_why_goes_from_the_tick_to_the_fill_with_the_numbers_of_each_rule(log: str) -> None:
    found = answer("why", "T-1", "--log", log)
    assert [s["type"] for s in found["chain"]] == ["QuoteUpdated", "SignalRaised", "OrderApproved", "OrderSubmitted"]
    assert [s["type"] for s in found["effects"]] == ["OrderAccepted", "OrderFilled"]
    checks = found["chain"][2]["checks"]
    assert [(c["code"], c["observed"], c["limit"], c["unit"]) for c in checks] == [
        ("MAX_ORDER_QTY", "5", "10", "qty"), ("MIN_NOTIONAL", "3.00", "1.00", "USD"),
    ]  # fmt: skip
    text = ask("why", "T-1", "--log", log).stdout
    assert "alpha wants BUY 5 SPY MARKET" in text
    assert "filled 5 at 167.42 as taker, fee 0.07 USD" in text


def test_why_takes_an_event_by_its_number(log: str) -> None:
    fill = next(e for e in events(log) if e["type"] == "OrderFilled")
    found = answer("why", str(fill["seq"]), "--log", log)
    assert found["chain"][-1]["seq"] == fill["seq"]
    assert found["chain"][0]["type"] == "QuoteUpdated"


def test_why_of_a_denied_order_shows_the_rule_that_stopped_it(log: str) -> None:
    found = answer("why", "T-2", "--log", log)
    assert found["chain"][-1]["type"] == "OrderDenied"
    assert [(c["passed"], c["observed"], c["limit"]) for c in found["chain"][-1]["checks"]] == [(False, "500", "10")]
    assert "FAILED  R-04   MAX_ORDER_QTY" in ask("why", "T-2", "--log", log).stdout


def test_why_not_names_the_gate_of_every_signal_without_an_order(log: str) -> None:
    found = answer("why-not", "--log", log)
    assert [(s["gate"], s["reason"], s["observed"], s["limit"]) for s in found["signals"]] == [
        ("denied", "MAX_ORDER_QTY", "500", "10"), ("held", "the spread is too wide", "", ""),
    ]  # fmt: skip
    assert answer("why-not", "--log", log, "--limit", "1")["total"] == 2
    assert answer("why-not", "--log", log, "--strategy", "beta")["signals"] == []


def events(log: str, *words: str) -> list[dict[str, Any]]:
    result = ask("events", "--log", log, "--limit", "0", "--json", *words)
    assert result.exit_code == 0, result.stderr
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_events_are_gapless_with_symbols_and_decimals(log: str) -> None:
    rows = events(log)
    assert [r["seq"] for r in rows] == list(range(1, len(rows) + 1))
    trade = next(r for r in rows if r["type"] == "TradePrinted")
    assert (trade["instrument"], trade["px"], trade["qty"], trade["side"]) == ("SPY", "167.41", "100", "BUY")
    quote = next(r for r in rows if r["type"] == "QuoteUpdated")
    assert (quote["instrument"], quote["bid_px"], quote["bid_qty"]) == ("QQQ", "80.00", "3.0")
    fill = next(r for r in rows if r["type"] == "OrderFilled")
    assert (fill["instrument"], fill["last_px"], fill["fee_amt"]) == ("SPY", "167.42", "0.07")


@pytest.mark.parametrize(
    ("words", "types"),
    [
        (("--type", "OrderFilled"), ["OrderFilled", "OrderFilled"]),
        (("--type", "fill", "--seq", ":10"), ["OrderFilled"]),
        (("--type", "trade", "--type", "quote"), ["TradePrinted", "QuoteUpdated", "TradePrinted"]),
        (("--instrument", "QQQ"), ["QuoteUpdated"]),
        (("--order", "T-2"), ["OrderDenied"]),
        (("--seq", "2:3"), ["TradePrinted", "QuoteUpdated"]),
        (("--seq", "1"), ["SessionOpened"]),
        (("--to", "2023-11-14T22:13:22Z"), ["SessionOpened", "TradePrinted", "QuoteUpdated", "SignalRaised", "OrderApproved", "OrderSubmitted"]),
        (("--from", "2023-11-14T22:13:21Z", "--to", "2023-11-14T22:13:21Z"), ["TradePrinted"]),
    ],
)
def test_events_are_filtered_by(log: str, words: tuple[str, ...], types: list[str]) -> None:
    assert [r["type"] for r in events(log, *words)] == types


def test_events_say_that_there_are_more(log: str) -> None:
    result = ask("events", "--log", log, "--limit", "2")
    assert len(result.stdout.splitlines()) == 2
    assert "--limit 0" in result.stderr


def test_text_from_outside_cannot_move_the_terminal(log: str) -> None:
    out = ask("events", "--log", log, "--type", "FrameRefused").stdout
    assert "\x1b" not in out
    assert "spy.csv:17" in out
    assert "\\x1b" in out


def test_orders_show_status_and_reason(log: str) -> None:
    rows = answer("orders", "--log", log)["orders"]
    assert [(o["cl_ord_id"], o["side"], o["status"], o["average"]) for o in rows] == [
        ("T-1", "BUY", "filled", "167.42"), ("T-2", "BUY", "denied", ""), ("T-3", "SELL", "filled", "167.90"), ("T-4", "BUY", "new", ""),
    ]  # fmt: skip
    assert [o["cl_ord_id"] for o in answer("orders", "--log", log, "--working")["orders"]] == ["T-4"]
    assert [o["cl_ord_id"] for o in answer("orders", "--log", log, "--status", "DENIED")["orders"]] == ["T-2"]
    assert "MAX_ORDER_QTY" in ask("orders", "--log", log).stdout


def test_positions_and_pnl_are_in_decimals(log: str) -> None:
    spy, qqq = answer("positions", "--log", log)
    assert (spy["instrument"], spy["qty"], spy["realised"], spy["fees"], spy["fills"]) == ("SPY", "0", "2.40", "0.07 USD", 2)
    assert qqq["fills"] == 0
    (own,) = answer("positions", "--by-strategy", "--log", log)
    assert own["strategy"] == "alpha"
    pnl = answer("pnl", "--log", log)
    (usd,) = pnl["currencies"]
    assert (usd["opening"], usd["realised"], usd["fees"], usd["equity"]) == ("100000.00", "2.40", "0.07", "100002.33")
    assert "100002.33" in ask("pnl", "--log", log).stdout


def test_at_is_the_state_of_everything_then(log: str) -> None:
    fill = events(log, "--type", "OrderFilled")[0]
    then = answer("at", str(fill["seq"]), "--log", log)
    assert (then["seq"], then["trading"], then["working"]) == (fill["seq"], "ACTIVE", [])
    assert then["positions"][0]["qty"] == "5"
    assert then["market"][0]["trade"] == "167.41 × 100"
    before = answer("at", str(fill["seq"] - 1), "--log", log)
    assert before["positions"][0]["qty"] == "0"
    assert [o["cl_ord_id"] for o in before["working"]] == ["T-1"]
    by_time = answer("at", fill["time"], "--log", log)
    assert by_time["seq"] == fill["seq"]
    last = answer("at", "2030-01-01", "--log", log)
    assert last["trading"] == "KILLED"
    assert "Working orders" in ask("at", "5", "--log", log).stdout


def test_at_tells_how_far_each_loss_limit_is_from_tripping(tmp_path: Path) -> None:
    """Given 10 held from 100.00 with a daily loss of 5.00, then the price that trips it is told, and after it that it has tripped."""
    url = f"sqlite://{tmp_path}/loss.db"
    world = World(Ordered(), limits=one_limit("L-01", 500)).tick(trades(10_000))
    fill(world, 0, 10, 10_000)
    held = world.journal.seq
    world.tick(trades(9_980, 9_949, start=2))
    with open_log(url, create=True) as store:
        store.append("test", 1, [world.record()])
    row = {"rule": "L-01", "key": "daily_loss", "place": "account", "limit": "5.00", "currency": "USD"}
    holds = {"latched": False, "instrument": "X", "trips_at": "99.49", "beyond": "below"}
    assert answer("at", str(held + 1), "--log", url)["losses"] == [row | holds | {"loss": "2.00"}]
    tripped = {"latched": True, "instrument": "", "trips_at": "", "beyond": ""}
    assert answer("at", "2030-01-01", "--log", url)["losses"] == [row | tripped | {"loss": "5.10"}]
    assert "X at 99.49 or below" in ask("at", str(held), "--log", url).stdout
    assert "tripped" in ask("at", "2030-01-01", "--log", url).stdout


def test_report_is_one_file_and_holds_the_orders(log: str, tmp_path: Path) -> None:
    said = answer("report", "--log", log, "-o", str(tmp_path / "r.html"))
    page = (tmp_path / "r.html").read_text()
    assert said["bytes"] == len(page.encode())
    assert "T-2" in page
    assert "100,002.33" in page
    assert [p.name for p in tmp_path.iterdir()] == ["r.html"]


def test_export_writes_every_event_as_json_lines(log: str, tmp_path: Path) -> None:
    said = answer("export", "--log", log, "-o", str(tmp_path / "e.jsonl"))
    lines = (tmp_path / "e.jsonl").read_text().splitlines()
    assert said["rows"] == {"events": len(lines)}
    assert [json.loads(line) for line in lines] == events(log)
    assert ask("export", "--log", log, "-o", "-").stdout.splitlines() == lines


def test_export_writes_parquet_tables(log: str, tmp_path: Path) -> None:
    said = answer("export", "--log", log, "--format", "parquet", "-o", str(tmp_path / "out"))
    assert said["rows"] == {"trades": 2, "quotes": 1, "events": len(events(log)) - 3}
    assert pq.read_table(tmp_path / "out" / "trades.parquet").column("px").to_pylist()[0].to_eng_string() == "167.41"


def test_init_prints_a_configuration_and_never_overwrites(tmp_path: Path) -> None:
    assert ask("init").stdout.startswith("# A Reenact session")
    target = tmp_path / "s.toml"
    assert ask("init", "-o", str(target)).exit_code == 0
    before = target.read_text()
    again = ask("init", "-o", str(target))
    assert again.exit_code == 2
    assert again.stderr.count("\n") == 1
    assert target.read_text() == before


def test_doctor_finds_this_machine_fit_and_leaves_nothing_behind(tmp_path: Path) -> None:
    result = ask("doctor", "--log", f"sqlite://{tmp_path}/runs/r.db", "--json")
    findings = json.loads(result.stdout)
    assert {f["check"] for f in findings} >= {"python", "our packages", "sqlite", "log folder", "disk", "clock", "installed strategies"}
    assert all(f["remedy"] for f in findings if f["verdict"] != "ok")
    assert next(f for f in findings if f["check"] == "log folder")["said"].split(": ")[1].startswith("wal")
    assert list(tmp_path.iterdir()) == []


def test_commands_are_listed_in_the_order_of_a_session() -> None:
    assert main.list_commands(click.Context(main))[:3] == ["run", "resume", "verify"]
