"""Configuration files: what they mean, and how every mistake in them is told at once."""

from __future__ import annotations

import json
from decimal import Decimal
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from domain.errors import ConfigInvalid
from domain.limits import OFF, Limit
from domain.terms import Scope
from reenact.config import SessionConfig, canonical_json, from_mapping, load
from reenact.config_operator import About, build_commands
from reenact.config_units import build_balances, build_instruments, build_limits

SMALL = """
name = "t"
cash = { USD = 1000.50 }

[[instrument]]
symbol = "SPY"

[[feed]]
kind = "synthetic"
n = 10
seed = 1
"""


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "c.toml"
    path.write_text(text)
    return path


def problems(tmp_path: Path, text: str) -> dict[str, str]:
    with pytest.raises(ConfigInvalid) as caught:
        load(write(tmp_path, text))
    assert str(caught.value).startswith(str(tmp_path))
    return dict(caught.value.problems)


def small(**more: Any) -> dict[str, Any]:
    return {"name": "t", "instrument": [{"symbol": "SPY"}], "feed": [{"kind": "synthetic", "n": 10, "seed": 1}], **more}


def refused(**more: Any) -> dict[str, str]:
    with pytest.raises(ConfigInvalid) as caught:
        from_mapping(small(**more))
    return dict(caught.value.problems)


@pytest.mark.parametrize("name", ["demo.toml", "session.toml"])
def test_every_shipped_example_loads(name: str) -> None:
    config = load(Path(str(files("reenact.examples").joinpath(name))))
    assert build_limits(config, build_instruments(config))


@pytest.mark.parametrize("name", ["demo.toml", "session.toml"])
def test_the_canonical_text_means_the_same_configuration(name: str) -> None:
    config = load(Path(str(files("reenact.examples").joinpath(name))))
    again = from_mapping(json.loads(canonical_json(config)), base=config.base)
    assert again == config
    assert canonical_json(again) == canonical_json(config)


def test_defaults_and_exact_numbers(tmp_path: Path) -> None:
    config = load(write(tmp_path, SMALL))
    assert config.cash == {"USD": Decimal("1000.50")}
    assert (config.seed, config.on_bad_row, config.day_roll, config.log) == (0, "stop", "00:00", "sqlite://runs/reenact.db")
    assert build_balances(config, build_instruments(config))[0].amt == 100050


def test_two_spellings_of_one_number_are_one_configuration() -> None:
    limits = [{"max_order_qty": q, "max_age": a} for q, a in (("10", "60s"), (Decimal("10.0"), "1m"), (10, "60000ms"))]
    assert len({canonical_json(from_mapping(small(limits=x))) for x in limits}) == 1


def test_the_place_of_the_files_and_of_the_log_is_no_part_of_the_canonical_text(tmp_path: Path) -> None:
    feed = {"kind": "csv", "data": "trades", "path": "a.csv", "symbol": "SPY", "time": {"column": "t"}, "price": "p", "size": "s"}
    strategy = [{"name": "s", "use": "mine.py:Mine"}]
    one, two = (from_mapping(small(feed=[feed], strategy=strategy, log=f"sqlite://{n}.db"), base=tmp_path / n) for n in ("x", "y"))
    assert one.feeds[0].path == str(tmp_path / "x" / "a.csv")  # type: ignore[union-attr]
    assert one.strategies[0].use == f"{tmp_path}/x/mine.py:Mine"
    assert one.log == f"sqlite://{tmp_path}/x/x.db"
    assert canonical_json(one) == canonical_json(two)


def test_a_commit_table_that_says_what_is_usual_is_no_part_of_the_canonical_text() -> None:
    usual = {"release": "grouped", "ticks": 4096}
    strict = {"release": "after_commit", "span": "1s"}
    assert canonical_json(from_mapping(small(commit=usual))) == canonical_json(from_mapping(small()))
    kept = from_mapping(json.loads(canonical_json(from_mapping(small(commit=strict)))))
    assert (kept.commit.release, kept.commit.span) == ("after_commit", 10**9)


def test_limits_are_the_defaults_with_the_instruments_own_on_top() -> None:
    table = {"max_order_qty": "10", "max_long": "0", "collar_bps": 0, "QQQ": {"max_order_qty": "2.5", "max_order_value": "99.5"}}
    config = from_mapping(
        small(instrument=[{"symbol": "SPY"}, {"symbol": "QQQ", "qty_digits": 1}], limits=table | {"max_long": "20"}, max_data_age="5s")
    )
    bound = {(limit.rule, member): limit.values for limit in build_limits(config, build_instruments(config)) for member in limit.members}
    assert bound == {
        ("R-20", "SPY"): (5_000_000_000,), ("R-20", "QQQ"): (5_000_000_000,), ("R-01", "SPY"): (0,), ("R-01", "QQQ"): (0,),
        ("R-04", "SPY"): (10,), ("R-04", "QQQ"): (25,), ("R-03", "QQQ"): (99_500,), ("R-07", "SPY"): (20, OFF), ("R-07", "QQQ"): (200, OFF),
    }  # fmt: skip


def test_a_limit_of_zero_forbids_a_side() -> None:
    config = from_mapping(small(limits={"max_short": 0}))
    (limit,) = build_limits(config, build_instruments(config))
    assert limit == Limit(1, "R-07", Scope.INSTRUMENT, ("SPY",), (OFF, 0))


def test_instruments_that_settle_in_one_currency_share_their_digits() -> None:
    config = from_mapping(small(instrument=[{"symbol": "A"}, {"symbol": "B", "qty_digits": 3}, {"symbol": "C", "quote": "EUR"}], cash={"USD": 1}))
    built = build_instruments(config)
    assert [i.amt_digits for i in built] == [5, 5, 2]
    assert build_balances(config, built)[0].amt == 100_000


def test_operators_commands_reach_the_engine_in_its_integers() -> None:
    rows = [
        {"at": "+1m30s", "actor": "ann", "command": "limits", "argument": {"symbol": "SPY", "max_order_value": "12.5", "max_age": "2s"}},
        {"at": "1970-01-01T00:00:01Z", "actor": "bob", "command": "order", "argument": {"symbol": "SPY", "side": "buy", "qty": 3, "limit": "99.5"}},
        {"at": "+5m", "actor": "ann", "command": "kill", "argument": {"reason": "drill"}},
    ]
    config = from_mapping(small(operator=rows))
    built = build_commands(config.operators, About(build_instruments(config), (), first_ns=10_000_000_000))
    assert [(c.ns, c.command) for c in built] == [(1_000_000_000, "order"), (100_000_000_000, "limits"), (310_000_000_000, "kill")]
    assert json.loads(built[0].argument) == {"symbol": "SPY", "side": "buy", "qty": 3, "limit_px": 9950}
    assert json.loads(built[1].argument) == {
        "scope": "instrument", "members": ["SPY"], "values": {"max_order_value": [1250], "max_age": [2_000_000_000]}, "effective_ns": 0, "reason": "",
    }  # fmt: skip


def test_every_problem_is_told_at_once(tmp_path: Path) -> None:
    text = SMALL.replace('name = "t"', 'nam = "t"') + '[venue]\nlatency_ou = "1ms"\n[limits]\nmax_order_qty = "lots"\ncolar_bps = 5\n'
    found = problems(tmp_path, text)
    assert set(found) == {"name", "nam", "venue.latency_ou", "limits.max_order_qty", "limits.colar_bps"}
    assert found["name"] == "is missing; add it."
    assert "Did you mean 'name'?" in found["nam"]
    assert "Did you mean 'latency_out'?" in found["venue.latency_ou"]
    assert "Did you mean 'collar_bps'?" in found["limits.colar_bps"]
    assert found["limits.max_order_qty"] == "must be a number, it is 'lots'."


@pytest.mark.parametrize(
    ("line", "place", "said"),
    [
        ('name = "u"', ":3", "is set twice; keep one of them"),
        ("seed = ", ":3", "this is no TOML"),
        ('x = "a', ":3", "this is no TOML"),
        ("cash.USD = 1", ":4", "set twice"),
    ],
)
def test_a_file_that_is_no_toml_is_named_by_line(line: str, place: str, said: str, tmp_path: Path) -> None:
    path = write(tmp_path, SMALL.replace('name = "t"', f'name = "t"\n{line}'))
    with pytest.raises(ConfigInvalid) as caught:
        load(path)
    assert caught.value.place == f"{path}{place}"
    assert said in str(caught.value)


def test_a_table_written_twice_is_named(tmp_path: Path) -> None:
    assert "written twice" in str(problems(tmp_path, SMALL + "[limits]\ncollar_bps = 1\n[limits]\ncollar_bps = 2\n"))


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "c.toml"
    path.write_bytes(b'name = "\xff"')
    with pytest.raises(ConfigInvalid, match="no UTF-8 text"):
        load(path)


@pytest.mark.parametrize(
    ("more", "place", "said"),
    [
        ({"seed": -1}, "seed", "greater than or equal to 0"),
        ({"seed": "x"}, "seed", "valid integer"),
        ({"cash": {"USD": "nan"}}, "cash.USD", "must be a finite number"),
        ({"cash": {"USD": True}}, "cash.USD", "must be a number"),
        ({"cash": {"USD": "0.001"}}, "cash", "more than 2 decimal digits"),
        ({"max_data_age": 5}, "max_data_age", 'for example "5s"'),
        ({"max_data_age": "5 parsecs"}, "max_data_age", "is no duration"),
        ({"day_roll": "25:00"}, "day_roll", "pattern"),
        ({"on_bad_row": "ignore"}, "on_bad_row", "must be one of continue, stop"),
        ({"instrument": []}, "instrument", "at least 1"),
        ({"instrument": [{"symbol": "SPY"}, {"symbol": "SPY"}]}, "instrument", "'SPY' is used 2 times"),
        ({"instrument": [{"symbol": "SPY", "tick_size": "0.005"}]}, "instrument[1]", "more than 2 decimal digits"),
        ({"instrument": [{"symbol": "SPY", "multiplier": 0}]}, "instrument[1]", "multiplier must be positive"),
        ({"feed": [{"kind": "cvs"}]}, "feed[1]", "Did you mean 'csv'?"),
        ({"feed": [{"n": 1}]}, "feed[1]", "kind is missing"),
        ({"feed": [{"kind": "synthetic", "n": 1, "seed": 1, "symbols": ["SPX"]}]}, "feed[1]", "Did you mean 'SPY'?"),
        ({"strategy": [{"name": "a", "use": "sma", "instruments": ["QQQ"]}]}, "strategy[1].instruments", "no instrument has the symbol 'QQQ'"),
        ({"strategy": [{"name": "a", "use": "sma", "bars": "0s"}]}, "strategy[1].bars", "longer than 0"),
        ({"strategy": [{"name": "a", "use": "sma"}, {"name": "a", "use": "sma"}]}, "strategy", "used 2 times"),
        ({"limits": {"SPX": {"max_long": 1}}}, "limits.SPX", "Did you mean 'SPY'?"),
        ({"limits": {"SPY": {"max_lng": 1}}}, "limits.SPY.max_lng", "Did you mean 'max_long'?"),
        ({"limits": {"max_order_qty": -1}}, "limits.max_order_qty", "must not be negative, it is -1"),
        ({"limits": {"max_order_qty": 0}}, "limits.max_order_qty", "must be above 0"),
        ({"limits": {"max_long": -1}}, "limits.max_long", "must not be negative"),
        ({"limits": {"collar_bps": 10_001}}, "limits.collar_bps", "less than or equal to 10000"),
        ({"limits": {"max_order_qty": "0.5"}}, "limits.max_order_qty", "more than 0 decimal digits"),
        ({"limits": {"max_order_qty": 500, "max_long": 100}}, "limits.max_order_qty", "contradicts max_long 100"),
        ({"limits": {"max_order_qty": 500, "max_long": 100, "max_short": 100}}, "limits.max_order_qty", "by more than 200"),
        ({"limits": {"SPY": {"max_order_qty": 500}, "max_long": 100}}, "limits.SPY.max_order_qty", "contradicts"),
        ({"limits": {"max_order_value": 5}, "instrument": [{"symbol": "SPY", "min_notional": 10}]}, "limits.max_order_value", "less than min_notional"),
        ({"limits": {"max_order_qty": 5}, "instrument": [{"symbol": "SPY", "lot_size": 10}]}, "limits.max_order_qty", "less than one lot"),
        ({"operator": [{"at": "soon", "actor": "a", "command": "kill"}]}, "operator[1].at", "no ISO time"),
        ({"operator": [{"at": "+1m", "actor": "a", "command": "explode"}]}, "operator[1]", "must be one of"),
        ({"operator": [{"at": "+1m", "actor": "a", "command": "limits", "argument": {"symbol": "X"}}]}, "operator[1].argument", "no instrument"),
        ({"operator": [{"at": "+1m", "actor": "a", "command": "params", "argument": {"strategy": "b", "params": {}}}]}, "operator[1].argument.strategy", "'b'"),
        ({"operator": [{"at": "+1m", "actor": "a", "command": "kill", "argument": {"why": "x"}}]}, "operator[1].argument.why", "unknown key"),
    ],
)  # fmt: skip
def test_a_wrong_value_is_named_by_its_key(more: dict[str, Any], place: str, said: str) -> None:
    found = refused(**more)
    assert place in found, found
    assert said in found[place]
    assert found[place].endswith((".", "?"))


def test_an_order_may_turn_the_whole_position() -> None:
    config = from_mapping(small(limits={"max_order_qty": 200, "max_long": 100, "max_short": 100}))
    assert isinstance(config, SessionConfig)
