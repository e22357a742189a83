"""Sessions run, cut off, resumed and proven through the command line."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from reenact.cli import main

CONFIG = """
name = "t"
seed = 3
cash = { USD = "100000" }

[[instrument]]
symbol = "ACME"

[[feed]]
kind = "synthetic"
data = "trades"
n = 4000
seed = 5
max_lots = 300

[[strategy]]
name = "trend"
use = "sma"
params = { fast = 5, slow = 20, qty = 100, side = "both" }

[limits]
max_order_qty = "200"
max_long = "100"
max_short = "100"
max_order_value = "20100"

[venue]
latency_out = "1ms"
taker_fee = "0.0001"

[[operator]]
at = "+30m"
actor = "ann"
command = "limits"
argument = { symbol = "ACME", max_order_qty = "100" }
"""
TRADES = "t,p,q\n" + "".join(f"{1_600_000_000_000 + i * 1000},{100 + i % 7}.25,{10 + i % 3}\n" for i in range(200))
CSV_FEED = """
[[feed]]
kind = "csv"
data = "trades"
path = "trades.csv"
symbol = "ACME"
time = { column = "t", unit = "ms" }
price = "p"
size = "q"
"""


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("c.toml").write_text(CONFIG)


def ask(*words: str) -> Result:
    return CliRunner().invoke(main, words)


def answer(*words: str, code: int = 0) -> Any:
    result = ask(*words, "--json")
    assert result.exit_code == code, (result.stdout, result.stderr)
    return json.loads(result.stdout)


def refused(*words: str) -> str:
    result = ask(*words)
    assert result.exit_code == 2, (result.stdout, result.stderr)
    assert result.stderr.count("\n") == 1
    return result.stderr


def with_csv(text: str = TRADES, more: str = "") -> None:
    Path("trades.csv").write_text(text)
    head, rest = CONFIG.split("[[feed]]")
    Path("c.toml").write_text(f"{more}\n{head}{CSV_FEED}[[strategy]]{rest.split('[[strategy]]')[1].split('[[operator]]')[0]}")


def sql(statement: str) -> None:
    with closing(sqlite3.connect("runs/reenact.db", isolation_level=None)) as c:
        c.execute(statement)


def test_a_run_ends_with_its_summary_and_is_proven() -> None:
    summary = answer("run", "c.toml")
    assert summary["session"] == "t-1"
    assert summary["ticks"] == 4000
    assert summary["orders"] > 10
    assert summary["denials"] > 0
    assert set(summary) >= {"fills", "realised", "equity", "head", "ticks_per_s"}
    (row,) = answer("sessions")
    assert (row["session"], row["state"], row["head"]) == ("t-1", "closed", summary["head"])
    verdict = answer("verify", "t-1")
    assert (verdict["ok"], verdict["closed"], verdict["head"]) == (True, True, summary["head"])
    pnl = answer("pnl")["currencies"][0]
    assert float(pnl["equity"]) == float(summary["equity"]["USD"])
    assert float(pnl["realised"]) == float(summary["realised"]["USD"])
    assert float(pnl["fees"]) == float(summary["fees"]["USD"])
    orders = answer("orders", "--limit", "0")["orders"]
    assert sum(o["status"] != "denied" for o in orders) == summary["orders"]
    assert sum(o["status"] == "denied" for o in orders) == summary["denials"]


def test_the_summary_is_also_told_to_people() -> None:
    text = ask("run", "c.toml", "--session", "mine", "--no-progress").stdout
    for word in ("Session", "mine", "Ticks", "Orders", "Fills", "Denials", "Realised USD", "Equity USD", "Head hash", "ticks/s"):
        assert word in text
    assert "OK      session mine" in ask("verify").stdout


def test_the_chain_of_an_order_ends_at_the_tick_that_its_rules_looked_at() -> None:
    answer("run", "c.toml")
    order = answer("orders", "--status", "filled", "--limit", "1")["orders"][0]
    chain = answer("why", order["cl_ord_id"])["chain"]
    assert [s["type"] for s in chain] == ["TradePrinted", "SignalRaised", "OrderApproved", "OrderSubmitted"]
    collar = next(c for c in chain[2]["checks"] if c["code"] == "MAX_ORDER_VALUE")
    assert collar["seen"] == chain[0]["seq"]
    assert collar["market"] == chain[0]["text"]


def test_runs_never_touch_older_sessions() -> None:
    first = answer("run", "c.toml")
    second = answer("run", "c.toml")
    assert [r["session"] for r in answer("sessions")] == ["t-1", "t-2"]
    assert first["head"] != second["head"]
    assert "the session exists already" in refused("run", "c.toml", "--session", "t-1")
    assert all(v["ok"] for v in answer("verify", "--all"))


def test_a_session_that_was_cut_off_is_a_valid_part_and_resumes_to_the_same_bytes() -> None:
    Path("c.toml").write_text(CONFIG.replace("n = 4000", "n = 40000"))
    whole = answer("run", "c.toml")
    assert whole["commits"] > 2
    sql("DELETE FROM stored_events WHERE originator_id = 't-1' AND originator_version > 2")
    part = answer("verify")
    assert (part["ok"], part["closed"], part["commits"]) == (True, False, 2)
    assert "not closed" in ask("verify").stdout
    assert answer("sessions")[0]["state"] == "open"
    assert answer("resume", "--no-progress")["head"] == whole["head"]
    assert answer("verify")["closed"]
    assert "no session in the log is waiting" in refused("resume")


def test_resuming_with_another_configuration_appends_nothing_and_says_what_differs() -> None:
    Path("c.toml").write_text(CONFIG.replace("n = 4000", "n = 40000"))
    answer("run", "c.toml")
    sql("DELETE FROM stored_events WHERE originator_id = 't-1' AND originator_version > 2")
    Path("changed.toml").write_text(Path("c.toml").read_text().replace('max_long = "100"', 'max_long = "300"'))
    said = refused("resume", "--config", "changed.toml", "--no-progress")
    assert "limits[R-07].values[0] is 100 in the log and 300 today" in said
    assert answer("sessions")[0]["commits"] == 2


def test_changed_limits_are_located_field_by_field_with_their_causes() -> None:
    answer("run", "c.toml")
    Path("changed.toml").write_text(CONFIG.replace('max_order_value = "20100"', 'max_order_value = "19000"'))
    verdict = answer("verify", "--config", "changed.toml", code=1)
    assert not verdict["ok"]
    assert verdict["differences"][0]["field"] == "checks[R-03].limit"
    assert (verdict["differences"][0]["recorded"], verdict["differences"][0]["today"]) == ("2010000", "1900000")
    assert verdict["expected"]["type"] == "OrderApproved"
    assert "ACME traded" in verdict["causes"][0]
    text = ask("verify", "--config", "changed.toml").stdout
    assert text.startswith("FAILED")
    assert "led to it" in text


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("UPDATE stored_events SET state = CAST(zeroblob(64) || state AS BLOB) WHERE originator_id = 't-1' AND originator_version = 1", "commit 1"),
        ("UPDATE stored_events SET originator_version = 9 WHERE originator_id = 't-1' AND originator_version = 1", "commit 1 is missing"),
    ],
)
def test_a_damaged_session_fails_its_verification_with_exit_code_1(statement: str, said: str) -> None:
    answer("run", "c.toml")
    sql(statement)
    verdict = answer("verify", "t-1", code=1)
    assert said in verdict["problem"]
    assert ask("verify", "t-1").stdout.startswith("FAILED")


def test_a_strategy_of_ones_own_is_found_beside_the_configuration() -> None:
    folder = Path("elsewhere")
    folder.mkdir()
    (folder / "mine.py").write_text(
        "import reenact\n\n\nclass Mine(reenact.Strategy):\n    def on_tick(self, ctx, tick):\n        if tick.px % 50 == 0:\n            ctx.buy(tick.instrument, 1)\n"
    )
    (folder / "c.toml").write_text(CONFIG.replace('use = "sma"', 'use = "mine.py:Mine"').replace("params =", "# params ="))
    result = ask("run", "elsewhere/c.toml", "--no-progress", "--json")
    assert result.exit_code == 0, result.stderr
    assert ask("lint", "elsewhere/mine.py").exit_code == 0
    assert Path("runs/reenact.db").exists()
    assert answer("verify")["ok"]


def test_a_strategy_that_reads_the_clock_is_named_by_file_and_line() -> None:
    Path("bad.py").write_text(
        "import time\n\nimport reenact\n\n\nclass Bad(reenact.Strategy):\n    def on_tick(self, ctx, tick):\n        time.time()\n"
    )
    result = ask("lint", "bad.py")
    assert result.exit_code == 1
    assert "bad.py:1" in result.stdout or "bad.py:8" in result.stdout
    Path("c.toml").write_text(CONFIG.replace('use = "sma"', 'use = "bad.py:Bad"').replace("params =", "# params ="))
    assert "bad.py:" in refused("run", "c.toml")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("path = ", 'path = "nothere.csv" #'), "nothere.csv"),
        (('price = "p"', 'price = "prize"'), "prize"),
    ],
)
def test_a_feed_that_cannot_be_read_is_one_sentence(change: tuple[str, str], said: str) -> None:
    with_csv()
    Path("c.toml").write_text(Path("c.toml").read_text().replace(*change))
    assert said in refused("run", "c.toml")


def test_a_bad_row_stops_the_session_and_is_in_the_log() -> None:
    with_csv(TRADES.replace("105.25,12", "NaN,12", 1))
    summary = answer("run", "c.toml", code=2)
    assert summary["refused"] == 1
    assert "trades.csv:" in summary["stopped"]
    row = json.loads(ask("events", "--type", "FrameRefused", "--json").stdout)
    assert "NaN" in row["raw"]
    assert answer("verify")["ok"]


def test_a_bad_row_is_passed_over_when_the_policy_says_so() -> None:
    with_csv(TRADES.replace("105.25,12", "NaN,12", 1), 'on_bad_row = "continue"')
    summary = answer("run", "c.toml")
    assert (summary["refused"], summary["ticks"], summary["stopped"]) == (1, 199, "")


def test_a_configuration_with_mistakes_writes_no_log() -> None:
    Path("c.toml").write_text(CONFIG.replace("max_long", "max_lon"))
    assert "limits.max_lon: is an unknown key. Did you mean 'max_long'?" in refused("run", "c.toml")
    assert not Path("runs").exists()


def test_progress_is_silent_where_it_is_switched_off() -> None:
    assert ask("run", "c.toml", "--no-progress").stderr == ""


def test_the_template_runs_as_it_is() -> None:
    ask("init", "-o", "session.toml")
    assert answer("run", "session.toml", "--log", "sqlite://own.db")["session"] == "my-session-1"
    assert answer("verify", "--log", "sqlite://own.db")["ok"]
