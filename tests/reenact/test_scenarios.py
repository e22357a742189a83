"""The scenario library: each disaster is expensive without limits, is stopped by the limit that is meant for it, and is a session like any other."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from functools import cache
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner, Result

from adapters.logs.sqlite import SqliteLog
from domain.commit import decode
from domain.events import OrderAccepted, OrderFilled, OrderSubmitted, VenueConnected, VenueLost
from reenact import compose, config_units
from reenact.cli import main
from reenact.config import SessionConfig, from_mapping, load
from reenact.runtime import Counts
from reenact.scenarios import SCENARIOS
from reenact.scenarios.scale import START_NS, Scale, scale
from reenact.scenarios.shape import configured
from reenact.scenarios.study import RuleRow, Study, study
from reenact.scenarios.trial import ALL, NONE, Trial, run
from reenact.snapshots import Snapshots

EXPECTED = {
    "knight": "R-14",
    "flash-crash": "R-06",
    "fat-finger": "R-04",
    "stale-feed": "R-20",
    "crossed-market": "R-20c",
    "lying-venue": "R-13",
    "exchange-halt": "R-20",
    "clock-jump": "R-20b",
}
"""By which rule of the default configuration each scenario is stopped first."""
ALSO = {
    "knight": {"R-05", "R-06", "R-07", "R-09", "R-11", "L-01", "L-02"},
    "flash-crash": {"R-07", "R-10"},
    "fat-finger": {"R-01", "R-03", "R-07", "R-11"},
    "stale-feed": {"R-06", "R-07", "R-13"},
    "crossed-market": {"R-06", "R-07"},
    "lying-venue": {"R-06", "R-07", "R-09"},
    "exchange-halt": {"R-06", "R-07", "R-13"},
    "clock-jump": {"R-05", "R-06", "R-07", "R-14"},
}
"""Rules that stop something when they are the only ones."""
every_scenario = pytest.mark.parametrize("name", list(SCENARIOS))


@cache
def default() -> SessionConfig:
    with as_file(files("reenact.examples").joinpath("scenario.toml")) as file:
        return load(file)


def scaled(config: SessionConfig, most: int = 5) -> Scale:
    rules = {rule.id: rule for rule in config.risk_rules}
    return scale(config, most, rules, config_units.build_limits(config, config_units.build_instruments(config)))


def session_of(name: str, config: SessionConfig, seed: int = 1) -> SessionConfig:
    return configured(SCENARIOS[name], config, scaled(config, SCENARIOS[name].most), seed)


@cache
def trial(name: str, rules: str = ALL, without: str = "") -> Trial:
    return run(session_of(name, default()), rules, without=without)


@cache
def studied(name: str) -> Study:
    return study(SCENARIOS[name], default(), name="default")


def row(found: Study, rule: str) -> RuleRow:
    return next(r for r in found.rules if r.rule == rule)


def test_every_scenario_is_expected_to_be_stopped_by_something() -> None:
    """Given the library, when a scenario is added, then this table must say what stops it."""
    assert list(SCENARIOS) == list(EXPECTED) == list(ALSO)


@every_scenario
def test_without_limits_it_is_expensive_and_with_them_it_is_not(name: str) -> None:
    """Given the default limits, when a scenario runs with and without them, then they save at least three quarters of a large loss."""
    whole, bare = trial(name), trial(name, NONE)
    digits = 10**2
    assert bare.worst_loss > 50_000 * digits
    assert whole.worst_loss * 3 < bare.worst_loss
    assert whole.worst_exposure < bare.worst_exposure


@every_scenario
def test_it_is_stopped_first_by_the_rule_that_is_meant_for_it(name: str) -> None:
    """Given the default limits, when a scenario runs, then the first refusal is that rule's, and nothing was refused while all was well."""
    first = trial(name).first
    assert first is not None
    assert first.rule == EXPECTED[name]
    assert first.what == "denied"
    assert first.after_ns >= 30 * 10**9
    assert first.code
    assert first.observed
    assert first.limit


@every_scenario
def test_no_rule_but_those_that_always_bind_refuses_anything_without_limits(name: str) -> None:
    """Given no limits at all, when a scenario runs, then only a lost session and a person's own halt stop orders."""
    assert set(trial(name, NONE).failed) <= {"K-01", "K-02", "K-03"}


@every_scenario
def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(name: str) -> None:
    """Given a scenario, when it runs again, then its last hash is the same; with another seed it is not."""
    assert run(session_of(name, default())) == trial(name)
    assert run(session_of(name, default(), 2)).head != trial(name).head


@every_scenario
def test_the_table_says_what_each_rule_is_worth(name: str) -> None:
    """Given a study, when its rows are read, then every configured rule has one, the expected one stopped orders, and others would have alone."""
    found = studied(name)
    limits = config_units.build_limits(default(), config_units.build_instruments(default()))
    assert [r.rule for r in found.rules] == list(dict.fromkeys(limit.rule for limit in limits))
    assert [r.rules for r in found.runs] == [ALL, NONE]
    meant = row(found, EXPECTED[name])
    assert meant.denied or meant.halted
    assert Decimal(meant.saved_alone) > 0
    assert ALSO[name] <= {r.rule for r in found.rules if r.after_alone_ns >= 0}
    whole, bare = (Decimal(r.worst_loss) for r in found.runs)
    for r in found.rules:
        assert Decimal(r.loss_without) - whole == Decimal(r.more_lost)
        assert bare - Decimal(r.loss_alone) == Decimal(r.saved_alone)
    assert found.head == trial(name).head
    assert found.first == trial(name).first


def test_a_rule_that_had_no_part_changes_nothing_by_its_absence() -> None:
    """Given rules that failed nothing, when one of them is left out, then the run is the same but for its own answers."""
    whole = trial("lying-venue")
    for rule in ("R-01", "R-05", "L-01", "L-04"):
        assert rule not in whole.failed
        less = trial("lying-venue", ALL, rule)
        assert (less.orders, less.denials, less.worst_loss, less.first and less.first.ns) == (
            whole.orders, whole.denials, whole.worst_loss, whole.first and whole.first.ns,
        )  # fmt: skip


def test_leaving_out_the_rule_that_stopped_it_makes_it_worse() -> None:
    """Given the repeat throttle as what stops the crash, when it is left out, then others stop it later and at a higher loss."""
    less = trial("flash-crash", ALL, "R-06")
    assert "R-06" not in less.failed
    assert less.first is not None
    assert less.orders > trial("flash-crash").orders


@pytest.mark.parametrize("name", ["lying-venue", "exchange-halt"])
def test_what_the_venue_never_told_is_counted(name: str) -> None:
    """Given a venue whose reports go missing, when a scenario ends, then the difference is named and the loss is the true one."""
    assert trial(name, NONE).untold_qty.keys() == {"ACME"}
    assert Decimal(trial(name, NONE).untold_qty["ACME"]) > 0


@every_scenario
def test_a_kept_session_verifies_from_its_log_alone(name: str, tmp_path: Path) -> None:
    """Given a scenario kept in a log, when it is verified, then every decision is reached again and the bytes are those of the study."""
    config = session_of(name, default())
    summary = compose.run(config, log=f"sqlite://{tmp_path / 'log.db'}")
    with SqliteLog(tmp_path / "log.db") as store:
        result = compose.verify(store, summary.session, base=tmp_path)
    assert result.ok
    assert result.closed
    assert result.head == trial(name).head
    assert result.strategies["trend"].endswith("as recorded")


def test_resuming_a_scenario_that_was_cut_off_ends_in_the_same_bytes(tmp_path: Path) -> None:
    """Given a session with lost reports that stopped halfway, when it is resumed from its log, then it ends as the whole one did."""
    config = from_mapping(json.loads(config_json("lying-venue")) | {"commit": {"events": 64, "ticks": 100}})
    whole = compose.run(config, log=f"sqlite://{tmp_path / 'whole.db'}", session="s")
    with SqliteLog(tmp_path / "whole.db") as full, SqliteLog(tmp_path / "half.db", create=True) as half:
        for number, record in enumerate(full.read("s", 0, whole.commits // 2), start=1):
            half.append("s", number, [record])
    assert compose.resume(log=f"sqlite://{tmp_path / 'half.db'}", session="s").head == whole.head


def test_a_venue_that_lies_goes_on_from_a_snapshot_as_if_nothing_had_happened(tmp_path: Path) -> None:
    """Given snapshots of a session with lost reports, when it is interrupted and resumed from one, then it ends as the whole one did."""
    faults = {"drop": "0.1", "delay": "0.3", "delay_by": "20m", "reorder": "0.2", "twice": "0.05", "lose": "0.01", "lost_for": "10m"}
    config = from_mapping(
        {
            "name": "s", "instrument": [{"symbol": "X"}], "venue": {"faults": faults}, "commit": {"events": 64},
            "feed": [{"kind": "synthetic", "data": "trades", "n": 60_000, "seed": 5}],
            "strategy": [{"name": "m", "use": "momentum", "params": {"lookback": 20, "threshold_ticks": 8, "hold": 30, "qty": 5, "side": "both"}}],
        }
    )  # fmt: skip
    whole = compose.run(config, log=f"sqlite://{tmp_path / 'whole.db'}", session="s")
    said: list[str] = []
    snapshots = Snapshots(tmp_path / "states", 1, note=said.append)

    def interrupt(counts: Counts, ns: int) -> None:
        if counts.ticks > 40_000:
            raise KeyboardInterrupt

    log = f"sqlite://{tmp_path / 'half.db'}"
    with pytest.raises(KeyboardInterrupt):
        compose.run(config, log=log, session="s", progress=interrupt, snapshots=snapshots)
    assert list((tmp_path / "states").glob("*.snapshot"))
    assert compose.resume(config, log=log, session="s", snapshots=snapshots).head == whole.head
    assert not said


def config_json(name: str) -> str:
    from reenact.config import canonical_json

    return canonical_json(session_of(name, default()))


# ---- the user's configuration

CRYPTO: dict[str, Any] = {
    "name": "mine",
    "cash": {"USDT": "50000", "USD": "1"},
    "instrument": [
        {"symbol": "BTCUSDT", "quote": "USDT", "asset_class": "crypto", "price_digits": 2, "qty_digits": 5, "tick_size": "0.10", "lot_size": "0.00010", "min_notional": "5"},
        {"symbol": "SHARE", "quote": "USD"},
        {"symbol": "ETHUSDT", "quote": "USDT", "asset_class": "crypto", "price_digits": 2, "qty_digits": 4, "lot_size": "0.0010", "min_notional": "5"},
    ],
    "feed": [{"kind": "synthetic", "data": "quotes", "n": 500, "seed": 3, "symbols": ["BTCUSDT"], "start": "2024-03-01T08:00:00Z", "start_price": {"BTCUSDT": "60000"}}],
    "strategy": [{"name": "first", "use": "sma"}, {"name": "second", "use": "momentum"}],
}  # fmt: skip


def crypto(**tables: Any) -> SessionConfig:
    return from_mapping(CRYPTO | tables)


def test_the_scale_is_that_of_the_users_instruments_prices_and_limits() -> None:
    """Given a configuration, when it is scaled, then instruments of one currency are taken, with their own prices, grid and half the tightest limit."""
    found = scaled(crypto(limits={"max_order_value": "3000", "max_long": "10"}))
    btc, eth = found.lines
    assert (btc.spec.symbol, eth.spec.symbol) == ("BTCUSDT", "ETHUSDT")
    assert abs(btc.px - 6_000_000) < 60_000
    assert btc.px % 10 == 0
    assert btc.px_from == "the first of its feed"
    assert 2_450 <= btc.unit <= 2_550
    assert btc.unit % 10 == 0
    assert btc.unit_from == "half of max_order_value"
    assert (eth.px, eth.px_from) == (10_000, "10,000 ticks")
    assert (eth.unit, eth.unit_from) == (50_000, "half of max_long")
    assert 0 < found.start_ns - 1_709_280_000 * 10**9 < 10 * 10**9


@pytest.mark.parametrize(
    ("tables", "expected"),
    [
        ({}, "one hundredth of the cash"),
        ({"cash": {}}, "100 lots"),
        ({"cash": {"USDT": "1"}}, "eight times the minimum notional"),
        ({"limits": {"max_short": "1"}}, "half of max_short"),
        ({"limits": {"BTCUSDT": {"max_order_qty": "0.4"}}}, "half of max_order_qty"),
        ({"limits": {"SHARE": {"max_order_qty": "4"}}}, "one hundredth of the cash"),
    ],
)  # fmt: skip
def test_the_unit_comes_from_the_tightest_number_there_is(tables: dict[str, Any], expected: str) -> None:
    """Given less and less in a configuration, when it is scaled, then the unit says where it comes from."""
    assert scaled(crypto(**tables)).lines[0].unit_from == expected


def test_data_that_is_not_there_does_not_stop_a_scenario(tmp_path: Path) -> None:
    """Given a feed whose file is missing, when it is scaled, then the price is a round number of ticks and the time is a fixed one."""
    feed = {
        "kind": "csv",
        "data": "trades",
        "path": str(tmp_path / "none.csv"),
        "symbol": "BTCUSDT",
        "time": {"column": "t", "unit": "ms"},
        "price": "p",
        "size": "q",
    }
    found = scaled(crypto(feed=[feed]))
    assert (found.lines[0].px, found.start_ns) == (100_000, START_NS)


def test_the_users_names_fees_and_controls_stay_and_the_rest_is_the_scenarios() -> None:
    """Given strategies with limits of their own, when a scenario is put in, then the first is its rogue and the others do nothing under their names."""
    mine = crypto(
        venue={"taker_fee": "0.001", "latency_out": "5s", "slippage": "fixed", "slippage_ticks": 9}, operator=[{"at": "+1s", "actor": "me", "command": "halt"}],
        limits={"strategy": {"second": {"max_repeats": 4}, "first": {"max_repeats": 2}}}, control={"order_ttl": "1h"},
    )  # fmt: skip
    made = session_of("flash-crash", mine)
    assert [(s.name, s.use.rpartition(":")[2]) for s in made.strategies] == [("first", "Panic"), ("second", "Idle")]
    assert made.control == mine.control
    assert (str(made.venue.taker_fee), made.venue.latency_out, made.venue.slippage, made.operators) == ("0.001", 2_000_000, "none", ())
    found = run(made)
    assert found.denials["R-06"] == 1
    assert found.orders == 2


def test_a_rule_of_the_users_own_is_left_out_like_any_other(tmp_path: Path) -> None:
    """Given a rule file, when the study is made, then the rule has its row, alone and left out."""
    (tmp_path / "mine.py").write_text(
        "from reenact import Bound, Check, Proposal, Rule, answer\n\n\n"
        "def check_small(p: Proposal, limit: Bound) -> Check:\n"
        '    """Never more than a little."""\n'
        "    return answer(limit, abs(p.position_qty) < 20000, p.position_qty, 20000)\n\n\n"
        'RULE = Rule("U-01", "TOO_MUCH", "qty", check_small)\n'
    )
    mine = from_mapping(CRYPTO | {"rule": [{"use": "mine.py:RULE"}]}, base=tmp_path)
    found = study(SCENARIOS["flash-crash"], mine, name="mine")
    own = row(found, "U-01")
    assert own.denied > 0
    assert Decimal(own.more_lost) > 0
    assert found.first is not None
    assert found.first.code == "TOO_MUCH"


@every_scenario
def test_any_scale_will_do(name: str) -> None:
    """Given an inverse contract, prices of a few ticks, or no strategy and no cash, when a scenario runs, then it runs."""
    inverse = {"symbol": "XBTUSD", "base": "BTC", "settle": "BTC", "inverse": True, "price_digits": 1, "tick_size": "0.5"}
    coarse = {"symbol": "CENT", "price_digits": 0, "tick_size": "1"}
    for spec, px in ((inverse, "50000"), (coarse, "3")):
        feed = {"kind": "synthetic", "data": "trades", "n": 10, "seed": 1, "start_price": {spec["symbol"]: px}}
        assert run(session_of(name, from_mapping({"name": "x", "instrument": [spec], "feed": [feed]}))).orders >= 0


# ---- the command line

Cli = Callable[..., Result]


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cli:
    monkeypatch.chdir(tmp_path)
    return lambda *words: CliRunner().invoke(main, ["scenario", *words])


def test_without_a_name_the_library_is_listed(cli: Cli) -> None:
    """Given no name, when the command is asked, then every scenario is named, with its story in JSON."""
    shown = cli()
    assert shown.exit_code == 0
    assert all(name in shown.output for name in SCENARIOS)
    assert [s["name"] for s in json.loads(cli("--json").stdout)] == list(SCENARIOS)


def test_a_name_that_is_not_there_is_answered_with_those_that_are(cli: Cli) -> None:
    """Given a misspelt name, when the command is asked, then it names the one that was meant and the exit code is 2."""
    failed = cli("kight")
    assert failed.exit_code == 2
    assert "Did you mean 'knight'?" in failed.stderr
    assert "Traceback" not in failed.stderr


def test_the_answer_is_told_and_the_session_kept(cli: Cli, tmp_path: Path) -> None:
    """Given a scenario with a log, when it has run, then what was stopped is told with numbers and the session can be verified and explained."""
    shown = cli("fat-finger", "--log", "sqlite://kept.db", "--no-progress")
    assert shown.exit_code == 0, shown.output
    assert "an order was denied by R-04 MAX_ORDER_QTY: 50000 against 5000 qty, instrument ACME" in shown.output
    assert "with your rules" in shown.output
    assert "Kept as session scenario-fat-finger-1" in shown.output
    for words in (["verify"], ["why", "last"], ["orders"], ["report", "-o", "report.html"]):
        result = CliRunner().invoke(main, [*words, "--log", "sqlite://kept.db"])
        assert result.exit_code == 0, result.output


def test_json_holds_the_whole_study(cli: Cli) -> None:
    """Given JSON, when a scenario has run, then standard output is the study and nothing else."""
    found = msgspec.json.decode(cli("crossed-market", "--json", "--no-progress").stdout, type=Study)
    assert found == msgspec.structs.replace(studied("crossed-market"), config="scenario.toml")


def test_a_bad_configuration_is_one_sentence(cli: Cli, tmp_path: Path) -> None:
    """Given limits that contradict each other, when a scenario is asked for, then it is one sentence and the exit code is 2."""
    (tmp_path / "bad.toml").write_text(
        'name = "x"\n[[instrument]]\nsymbol = "X"\n[[feed]]\nkind = "synthetic"\nn = 1\nseed = 1\n[limits]\nmax_order_qty = "-5"\n'
    )
    failed = cli("knight", "--config", "bad.toml")
    assert failed.exit_code == 2
    assert "max_order_qty" in failed.stderr
    assert "Traceback" not in failed.stderr


# ---- a lying venue and a broken session in any session

DOWN = {
    "name": "down", "instrument": [{"symbol": "X"}], "venue": {"faults": {}},
    "feed": [{"kind": "scripted", "phase": [{"lasts": "60s"}, {"lasts": "60s", "session": "down"}, {"lasts": "60s"}]}],
    "operator": [{"at": f"+{s}s", "actor": "me", "command": "order", "argument": {"symbol": "X", "side": "buy", "qty": "1"}} for s in (30, 90, 150)],
}  # fmt: skip


def events_of(config: SessionConfig) -> list[Any]:
    records: list[bytes] = []
    ready = compose.prepare(config, "s", "", lambda _, record: records.append(record))
    ready.runtime.run(ready.feed)
    return [e for record in records for _, e in decode(record).recorded()]


def test_a_session_that_a_script_breaks_answers_nothing_meanwhile() -> None:
    """Given a feed that says the session is down, when orders are sent before, during and after, then only the other two are answered."""
    events = events_of(from_mapping(DOWN))
    kinds = [type(e) for e in events]
    assert kinds.count(VenueLost) == kinds.count(VenueConnected) == 1
    sent = [e.cl_ord_id for e in events if isinstance(e, OrderSubmitted)]
    answered = [e.cl_ord_id for e in events if isinstance(e, OrderAccepted)]
    assert len(answered) == 2
    assert [e.cl_ord_id for e in events if isinstance(e, OrderFilled)] == answered
    lost = next(e.ns for e in events if isinstance(e, VenueLost))
    assert all(not lost <= e.ns < lost + 60 * 10**9 for e in events if isinstance(e, OrderAccepted))
    assert set(answered) <= set(sent)


def test_any_session_may_run_against_a_venue_that_lies(tmp_path: Path) -> None:
    """Given faults in a configuration, when the session runs, then the venue has lied, and the session verifies and is the same again."""
    table = json.loads(config_json("flash-crash"))
    faults = dict.fromkeys(("wrong_qty", "wrong_px", "overfill", "phantom", "twice", "late_reject", "drop", "delay", "duplicate", "reorder"), "0.05")
    config = from_mapping(table | {"limits": {}, "venue": {"faults": faults | {"lose": "0.01", "lost_for": "10s"}}})
    first = compose.run(config, log=f"sqlite://{tmp_path / 'a.db'}", session="s")
    again = compose.run(config, log=f"sqlite://{tmp_path / 'b.db'}", session="s")
    assert first.head == again.head
    honest = compose.run(from_mapping(table | {"limits": {}}), log=f"sqlite://{tmp_path / 'c.db'}", session="s")
    assert first.head != honest.head
    with SqliteLog(tmp_path / "a.db") as store:
        assert compose.verify(store, "s").ok
