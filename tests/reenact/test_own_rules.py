"""Rules of the user's own: loaded like strategies, recorded with their source, and refused with file and line when they cannot be."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from adapters.rules import session_rules
from domain.errors import ConfigInvalid, ReenactError, StrategyError
from domain.events import OrderApproved, OrderDenied, TradingHalted
from domain.terms import Scope
from reenact import compose, config, limiting
from reenact.cli import main
from reenact.config import from_mapping
from reenact.logs import SessionLog, open_log

RULE = '''"""A desk's own rule."""

from reenact import Bound, Check, Param, Proposal, Rule, Scope, answer


def check_round(p: Proposal, limit: Bound) -> Check:
    """The quantity is a multiple of round_lot. Source: desk rule."""
    return answer(limit, p.qty % limit.most == 0, p.qty, limit.most)


ROUND = Rule("U-01", "ROUND_LOT", "qty", check_round, (Param("round_lot", "qty", "quantities are multiples of it"),), (Scope.INSTRUMENT,))
'''


def session(folder: Path, text: str = RULE, use: str = "mine.py:ROUND", limits: dict[str, Any] | None = None, **more: Any) -> config.SessionConfig:
    (folder / "mine.py").write_text(text)
    return from_mapping(
        {
            "name": "own", "seed": 5, "cash": {"USD": "100000"}, "instrument": [{"symbol": "ACME"}], "rule": [{"use": use}],
            "feed": [{"kind": "synthetic", "data": "trades", "n": 2000, "seed": 5, "max_lots": 300}],
            "strategy": [{"name": "trend", "use": "sma", "params": {"fast": 5, "slow": 20, "qty": 150, "side": "both"}}],
            "limits": limits if limits is not None else {"round_lot": "100"}, "commit": {"ticks": 500}, **more,
        },
        base=folder,
    )  # fmt: skip


def played(folder: Path, **how: Any) -> tuple[str, compose.RunSummary]:
    url = f"sqlite://{folder}/log.db"
    return url, compose.run(session(folder, **how), log=url, session="own-1")


def test_a_rule_of_ones_own_is_asked_like_a_built_in_one(tmp_path: Path) -> None:
    """Given a rule in a file and its limit, when a session runs, then every order is checked by it, and a denial has its code and numbers."""
    url, summary = played(tmp_path)
    assert summary.denials
    with open_log(url) as log:
        one = SessionLog(log, "own-1")
        opened = one.opened()
        events = [event for commit in one.commits() for _, event in commit.recorded()]
    (spec,) = opened.rules
    assert (spec.target, spec.source, spec.id, spec.code, spec.unit, spec.params[0].name) == (
        "mine.py:ROUND", RULE, "U-01", "ROUND_LOT", "qty", "round_lot",
    )  # fmt: skip
    decided = [e for e in events if isinstance(e, (OrderApproved, OrderDenied))]
    assert all(e.checks[-1].rule == "U-01" for e in decided)
    denied = next(e for e in decided if isinstance(e, OrderDenied))
    assert (denied.reason, denied.checks[-1].observed, denied.checks[-1].limit) == ("ROUND_LOT", 150, 100)
    assert session_rules(opened.rules)["U-01"].own


def test_a_session_is_verified_with_the_rules_file_or_with_its_recorded_source(tmp_path: Path) -> None:
    """Given a recorded session, then it is reached again by the file, by its recorded source where the file is gone, and not by a changed file."""
    url, _ = played(tmp_path)
    with open_log(url) as log:
        assert compose.verify(log, "own-1", base=tmp_path).rules == {"U-01": f"{tmp_path / 'mine.py'}, as recorded"}
        (tmp_path / "mine.py").write_text(RULE.replace("== 0", "!= 1"))
        changed = compose.verify(log, "own-1", base=tmp_path)
        assert not changed.ok
        assert changed.rules == {"U-01": f"{tmp_path / 'mine.py'}, changed since the recording"}
        recorded = compose.verify(log, "own-1", base=tmp_path, recorded_code=True)
        assert (recorded.ok, recorded.rules) == (True, {"U-01": "the recorded source of mine.py, as asked"})
        (tmp_path / "mine.py").unlink()
        gone = compose.verify(log, "own-1", base=tmp_path)
        assert (gone.ok, gone.rules["U-01"].startswith("the recorded source of mine.py")) == (True, True)


def test_what_if_takes_todays_rules_and_their_limits(tmp_path: Path) -> None:
    """Given a recorded session, when it is re-enacted with another limit of the user's rule, then the first decision that differs is named."""
    url, _ = played(tmp_path)
    changed = session(tmp_path, limits={"round_lot": "150"})
    with open_log(url) as log:
        found = compose.verify(log, "own-1", config=changed)
    assert not found.ok
    assert isinstance(found.expected, OrderDenied)
    assert isinstance(found.actual, OrderApproved)


def test_a_session_with_own_rules_is_resumed(tmp_path: Path) -> None:
    """Given a session cut off, when it is resumed from its recorded configuration, then it ends in the same bytes."""
    import sqlite3

    url, summary = played(tmp_path)
    with sqlite3.connect(tmp_path / "log.db") as db:
        db.execute("DELETE FROM stored_events WHERE originator_version > 2")
    assert compose.resume(log=url, session="own-1", base=tmp_path).head == summary.head


def test_a_rule_that_raises_at_run_time_denies_the_order_and_halts_its_scope(tmp_path: Path) -> None:
    """Given a rule that raises, when an order comes, then it is denied, its instrument is halted, and the session is reached again."""
    text = RULE.replace("    return answer(", "    assert p.qty != 150, 'no'\n    return answer(")
    url, summary = played(tmp_path, text=text)
    assert summary.orders == 0
    with open_log(url) as log:
        events = [event for commit in SessionLog(log, "own-1").commits() for _, event in commit.recorded()]
        assert compose.verify(log, "own-1", base=tmp_path).ok
    halt = next(e for e in events if isinstance(e, TradingHalted))
    assert (halt.scope, halt.member, halt.rule, halt.reason) == (Scope.INSTRUMENT, "ACME", "U-01", "the rule U-01 raised AssertionError")


def refused(folder: Path, **how: Any) -> str:
    with pytest.raises(ReenactError) as caught:
        session(folder, **how)
    return str(caught.value).replace(str(folder), "")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("ROUND = Rule", "1 / 0\nROUND = Rule", "/mine.py:11: the rule failed with ZeroDivisionError: division by zero."),
        ("ROUND = Rule(", "ROUND = (", "/mine.py:11: use: ROUND in this file is no rule. It holds none"),
        ("ROUND = Rule(", "FLAT = Rule(", "/mine.py:1: use: there is no rule ROUND in this file. It holds FLAT."),
        ("def check", "def check check", "/mine.py:6: this is no valid Python: "),
        ("from reenact import", "import time\nfrom reenact import", "/mine.py:3: time reads the clock. Use ctx.now_ns"),
        ('"U-01"', '"R-04"', "/mine.py:11: the id R-04 is that of another rule (MAX_ORDER_QTY); choose one that nobody has."),
        ('"ROUND_LOT"', '"KILLED"', "/mine.py:11: the reason code KILLED is that of rule K-01; choose one that nobody has."),
        ('"round_lot"', '"max_long"', "/mine.py:11: the parameter 'max_long' is one of rule R-07; each key of [limits] belongs to one rule."),
        ('"round_lot"', '"class"', "/mine.py:11: rule U-01 cannot have a parameter 'class': it is to be a key of [limits], in small letters"),
        ('"round_lot"', '"given"', "/mine.py:11: rule U-01 cannot have a parameter 'given': it is to be a key of [limits], in small letters"),
        ('"round_lot", "qty"', '"round_lot", "lots"', "/mine.py:11: the unit of parameter round_lot of rule U-01 is 'lots'; the units are qty, amt, px"),
        ('"quantities are multiples of it"', '"multiples", ("lots",)', "/mine.py:11: parameter round_lot of rule U-01 needs 'lots', which is none of its parameters."),
        ('"ROUND_LOT", "qty"', '"ROUND_LOT", "lots"', "/mine.py:11: the unit of rule U-01 is 'lots'; the units are qty, amt, px"),
        ('"U-01"', '""', "/mine.py:11: a rule needs an id and a reason code in words, it has '' and 'ROUND_LOT'."),
        ("check_round, (", "7, (", "/mine.py:11: the check of rule U-01 is no function; it is 7."),
        ("(Scope.INSTRUMENT,)", "()", "/mine.py:11: the scopes of rule U-01 must be a tuple of reenact.Scope, they are ()."),
        ("(Scope.INSTRUMENT,)", '("account",)', "/mine.py:11: the scopes of rule U-01 must be a tuple of reenact.Scope, they are ('account',)."),
        ("(Scope.INSTRUMENT,)", "(Scope.INSTRUMENT,), memory=7", "/mine.py:11: the memory of rule U-01 is no function that makes one; it is 7."),
        ("(Scope.INSTRUMENT,)", "(Scope.INSTRUMENT,), halts=2", "/mine.py:11: what rule U-01 halts to must be a reenact.TradingState, it is 2."),
    ],
)  # fmt: skip
def test_a_rule_file_that_cannot_be_is_refused_by_file_and_line(tmp_path: Path, old: str, new: str, said: str) -> None:
    assert old in RULE
    assert refused(tmp_path, text=RULE.replace(old, new, 1)).startswith(said)


@pytest.mark.parametrize(
    ("use", "said"),
    [
        ("gone.py:ROUND", '/gone.py: use: the file of the rule "gone.py:ROUND" cannot be read: No such file or directory'),
        ("nothing", 'use: there is no rule "nothing". Your own is given as "file.py:RULE" or "package.module:RULE"'),
        ("json:dumps", "json:dumps: use: dumps in json is no rule"),
        ("no_such_module:X", "no_such_module:X: use: there is no module no_such_module; is its package installed?"),
    ],
)
def test_a_rule_that_is_not_there_is_refused(tmp_path: Path, use: str, said: str) -> None:
    assert refused(tmp_path, use=use).startswith(said)


def test_a_file_with_one_rule_needs_no_name_and_one_with_several_does(tmp_path: Path) -> None:
    assert session(tmp_path, use="mine.py").own_rules[0].spec.target == "mine.py:ROUND"
    two = RULE + 'FLAT = Rule("U-02", "FLAT", "qty", check_round)\n'
    assert refused(tmp_path, text=two, use="mine.py") == "/mine.py:1: use: this file holds the rules ROUND, FLAT; say which, as mine.py:ROUND"


def test_two_rules_of_the_user_do_not_share_a_name(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(RULE)
    with pytest.raises(StrategyError, match=r"mine\.py:11: the id U-01 is that of another rule"):
        session(tmp_path, rule=[{"use": "mine.py:ROUND"}, {"use": "mine.py:ROUND"}])


def test_a_key_of_a_users_rule_is_known_in_limits_and_commands_and_checked_like_any(tmp_path: Path) -> None:
    row = {"at": "+1m", "actor": "ann", "command": "limits", "argument": {"symbol": "ACME", "round_lot": "50"}}
    assert session(tmp_path, operator=[row]).operators
    with pytest.raises(ConfigInvalid) as caught:
        session(tmp_path, limits={"round_lt": "5", "ACME": {"round_lot": "x"}, "account": {"round_lot": 5}})
    found = dict(caught.value.problems)
    assert found["limits.round_lt"] == "is an unknown key. Did you mean 'round_lot'?"
    assert found["limits.ACME.round_lot"] == "must be a number, it is 'x'."


def test_readers_of_the_log_know_a_users_rule_without_its_file(tmp_path: Path) -> None:
    """Given a session with a user's rule whose file is gone, then limits, why and at tell its code, unit and numbers."""
    url, _ = played(tmp_path)
    (tmp_path / "mine.py").unlink()
    with open_log(url) as log:
        (row,) = limiting.of_session(SessionLog(log, "own-1")).rows
    assert (row.rule, row.code, row.values, row.members) == ("U-01", "ROUND_LOT", {"round_lot": "100"}, ["ACME"])
    runner = CliRunner()
    told = json.loads(runner.invoke(main, ["why-not", "--log", url, "--limit", "1", "--json"], standalone_mode=False).stdout)
    (missed,) = told["signals"]
    assert (missed["reason"], missed["observed"], missed["limit"], missed["unit"]) == ("ROUND_LOT", "150", "100", "qty")
