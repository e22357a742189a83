"""`reenact rules` and `reenact limits`, and what `at` and `why` say about limits and halts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from domain.risk import RULES
from reenact.cli import main
from reenact.presets import PRESETS

CONFIG = """
name = "t"
seed = 5
cash = { USD = "100000" }
[[instrument]]
symbol = "ACME"
[[instrument]]
symbol = "GLOBEX"
[[feed]]
kind = "synthetic"
data = "trades"
n = 2000
seed = 5
max_lots = 300
[[strategy]]
name = "trend"
use = "sma"
instruments = ["ACME"]
params = { fast = 5, slow = 20, qty = 100, side = "both" }
[limits]
owner = "risk desk"
approver = "bob"
max_order_qty = "300"
max_age = "5m"
[[operator]]
at = "+5m"
actor = "ann"
command = "limits"
argument = { symbol = "ACME", max_order_qty = "200", reason = "smaller" }
[[operator]]
at = "+10m"
actor = "ann"
command = "halt"
argument = { scope = "instrument", member = "GLOBEX", reason = "news" }
"""


def ask(*words: str) -> Result:
    return CliRunner().invoke(main, list(words))


def answer(*words: str) -> Any:
    result = ask(*words, "--json")
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("c.toml").write_text(CONFIG)


@pytest.fixture
def played() -> int:
    """A session; the seq at which its limits changed."""
    assert ask("run", "c.toml", "--no-progress").exit_code == 0
    return int(json.loads(ask("events", "--type", "LimitsChanged", "--json").stdout.splitlines()[0])["seq"])


def test_the_catalogue_lists_every_rule_with_its_source_and_keys() -> None:
    rows = answer("rules")
    assert [r["id"] for r in rows] == [rule.id for rule in RULES]
    assert all(r["source"] for r in rows), "every rule says where it comes from"
    assert all(r["says"] for r in rows)
    (collar,) = answer("rules", "collar_bps")
    assert (collar["id"], collar["params"][0]["unit"], collar["scopes"][0], collar["overridable"]) == ("R-01", "bps", "instrument", True)
    text = ask("rules", "collar_bps").stdout
    assert "collar_bps = 300" in text
    assert "Source: RTS 6 Art. 15(1)(a)" in text
    assert "no rule has 'nothing'" in ask("rules", "nothing").stderr


def test_the_limits_of_a_configuration_are_those_it_would_open_a_session_with() -> None:
    found = answer("limits", "c.toml")
    assert [(r["rule"], r["members"], r["values"], r["version"], r["owner"], r["approver"]) for r in found["limits"]] == [
        ("R-20", ["ACME", "GLOBEX"], {"max_age": "5m"}, 1, "risk desk", "bob"), ("R-04", ["ACME", "GLOBEX"], {"max_order_qty": "300"}, 1, "risk desk", "bob"),
    ]  # fmt: skip
    assert "max_order_qty = 300" in ask("limits", "c.toml").stdout


def test_the_limits_of_a_session_are_those_in_force_at_an_event_or_its_end(played: int) -> None:
    """Given limits that changed during a session, then each version is shown at its time, and the old one for the members it still binds."""
    before = answer("limits", "--at", str(played - 1))["limits"]
    assert [(r["id"], r["members"], r["values"]) for r in before if r["rule"] == "R-04"] == [(2, ["ACME", "GLOBEX"], {"max_order_qty": "300"})]
    after = answer("limits")["limits"]
    assert [(r["id"], r["members"], r["values"], r["version"], r["owner"], r["since"]) for r in after if r["rule"] == "R-04"] == [
        (2, ["GLOBEX"], {"max_order_qty": "300"}, 1, "risk desk", 1), (3, ["ACME"], {"max_order_qty": "200"}, 2, "ann", played),
    ]  # fmt: skip


def test_two_sets_of_limits_are_held_against_each_other(played: int) -> None:
    found = answer("limits", "--diff", f"t-1@{played - 1}", "t-1")
    assert [(c["binds"], c["key"], c["before"], c["after"], c["version"], c["owner"]) for c in found["changes"]] == [
        ("instrument ACME", "max_order_qty", "300", "200", "1 → 2", "ann")
    ]
    Path("d.toml").write_text(CONFIG.replace('max_age = "5m"', "collar_bps = 9"))
    changes = answer("limits", "--diff", "c.toml", "d.toml")["changes"]
    assert {(c["binds"], c["key"], c["before"], c["after"]) for c in changes} == {
        ("instrument ACME", "max_age", "5m", ""), ("instrument GLOBEX", "max_age", "5m", ""),
        ("instrument ACME", "collar_bps", "", "9"), ("instrument GLOBEX", "collar_bps", "", "9"),
    }  # fmt: skip
    assert "The limits are the same." in ask("limits", "--diff", "c.toml", "c.toml").stdout


def test_presets_are_listed_with_their_values() -> None:
    assert answer("limits", "--presets") == json.loads(json.dumps(PRESETS))
    assert "collar_bps" in ask("limits", "--presets").stdout


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("limits", "c.toml", "--presets"), "a configuration and --presets do not go together."),
        (("limits", "c.toml", "--at", "5"), "a configuration and --session or --at do not go together."),
        (("limits", "--diff", "c.toml"), "Option '--diff' requires 2 arguments."),
        (("limits", "--diff", "c.toml", "t-1@x"), "'t-1@x': what stands behind @ must be the number of an event."),
        (("limits", "gone.toml"), "gone.toml: there is no such file; `reenact init` writes a configuration to start from."),
        (("limits", "--at", "999999"), "session t-1: there is no event 999999; the session's events are 1 to "),
        (("limits", "--session", "t-9"), "t-9"),
    ],
)
def test_what_cannot_be_asked_is_one_sentence(played: int, words: tuple[str, ...], said: str) -> None:
    result = ask(*words)
    assert result.exit_code == 2
    assert said in result.stderr
    assert "Traceback" not in result.stderr


def test_the_state_at_a_moment_shows_halts_by_scope_and_the_limits_in_force(played: int) -> None:
    end = answer("at", str(answer("sessions")[0]["events"]))
    (halt,) = end["halts"]
    assert (halt["place"], halt["state"], halt["rule"], halt["reason"]) == ("instrument GLOBEX", "HALTED", "", "news")
    assert (end["trading"], [r["id"] for r in end["limits"]]) == ("ACTIVE", [1, 2, 3])
    assert answer("at", str(played - 1))["halts"] == []
    text = ask("at", str(answer("sessions")[0]["events"])).stdout
    assert "instrument GLOBEX" in text
    assert "max_order_qty = 200" in text


def test_why_shows_which_version_of_which_limit_each_check_used(played: int) -> None:
    first, last = answer("why", "first"), answer("why", "last")

    def used(found: Any) -> tuple[int, int, str]:
        (check,) = (c for step in found["chain"] for c in step["checks"] if c["rule"] == "R-04")
        return check["limit_id"], check["limit_version"], check["scope"]

    assert (used(first), used(last)) == ((2, 1, "instrument ACME"), (3, 2, "instrument ACME"))
    assert "[limit 3, version 2, instrument ACME]" in ask("why", "last").stdout
