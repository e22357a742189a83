"""Decides what a session's configuration file may say.

Invariants: an unknown key is refused; numbers are exact decimals; a relative path means "beside the file"; the environment is
never read; `from_mapping(json.loads(canonical_json(c)), base=c.base)` equals `c` but for the log's address.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import cache, partial
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, PrivateAttr, ValidationError, create_model

from adapters.feeds import CsvFeed, ParquetFeed, ScriptedFeed, SyntheticFeed
from adapters.venues.config import SimulatedVenueConfig
from domain.errors import ConfigInvalid
from domain.risk import RULES, Param, Rule
from reenact import config_units
from reenact.config_control import ControlConfig, SizingConfig
from reenact.config_file import problems_of, read_toml
from reenact.config_limits import LimitsConfig, params_of, tables_of
from reenact.config_operator import AnyRow, operator_of
from reenact.config_types import Duration, Number, Params, SomeTime, Table
from reenact.loading import file_and_name
from reenact.loading_rules import LoadedRule, resolve_rules

_SQLITE = "sqlite://"
DEFAULT_LOG = "sqlite://runs/reenact.db"


Feed = Annotated[CsvFeed | ParquetFeed | SyntheticFeed | ScriptedFeed, Field(discriminator="kind")]


class InstrumentConfig(Table):
    """One tradable thing; sizes and notional are decimals of the instrument's own units."""

    symbol: str = Field(min_length=1)
    venue: str = "SIM"
    asset_class: str = "equity"
    base: str = ""
    quote: str = "USD"
    settle: str = ""
    price_digits: int = Field(default=2, ge=0, le=12)
    qty_digits: int = Field(default=0, ge=0, le=12)
    tick_size: Number | None = None
    lot_size: Number | None = None
    min_notional: Number = Decimal(0)
    multiplier: Number = Decimal(1)
    inverse: bool = False
    tradable: bool = True


class StrategyConfig(Table):
    """One strategy: where its code is (`use`: built-in name, `file.py:Class` or installed entry point) and its parameters.

    `bars`: the length of the bars that are built from trades for it; trades with a condition bit of `bar_exclude` count for their volume only.
    `owner`: the person who answers for it. `sizing`: how its quantities are sized; left out, they are taken as asked.
    """

    name: str = Field(min_length=1)
    use: str = Field(min_length=1)
    instruments: tuple[str, ...] = ()
    bars: SomeTime | None = None
    bar_exclude: int = Field(default=0, ge=0)
    params: Params = Field(default_factory=dict)
    owner: str = ""
    sizing: SizingConfig | None = None


class RuleConfig(Table):
    """One risk rule of the user's own: where it is (`use`: `file.py:RULE`, `package.module:RULE` or an installed entry point)."""

    use: str = Field(min_length=1)


class CommitConfig(Table):
    """When commits are closed (see `reenact.runtime.CommitPolicy`). `release`: whether orders wait until the log has acknowledged them."""

    release: Literal["grouped", "after_commit"] = "grouped"
    ticks: int = Field(default=4_096, ge=1, le=65_536)
    events: int = Field(default=512, ge=1, le=65_536)
    span: SomeTime | None = None


class SessionConfig(Table):
    """A whole session. Times of day and dates are UTC. `from_mapping` reads it, with the keys that the session's rules have."""

    name: str = Field(min_length=1, pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")
    seed: int = Field(default=0, ge=0, lt=1 << 63)
    log: str = DEFAULT_LOG
    cash: dict[str, Number] = Field(default_factory=dict)
    max_data_age: Duration | None = None
    on_bad_row: Literal["stop", "continue"] = "stop"
    day_roll: str = Field(default="00:00", pattern=r"^([01]\d|2[0-3]):[0-5]\d$")
    instruments: tuple[InstrumentConfig, ...] = Field(alias="instrument", min_length=1)
    feeds: tuple[Feed, ...] = Field(alias="feed", min_length=1)
    strategies: tuple[StrategyConfig, ...] = Field(alias="strategy", default=())
    rules: tuple[RuleConfig, ...] = Field(alias="rule", default=())
    limits: LimitsConfig = LimitsConfig()
    control: ControlConfig = ControlConfig()
    venue: SimulatedVenueConfig = SimulatedVenueConfig()
    commit: CommitConfig = CommitConfig()
    operators: tuple[AnyRow, ...] = Field(alias="operator", default=())
    _base: Path = PrivateAttr(default_factory=Path)
    _own_rules: tuple[LoadedRule, ...] = PrivateAttr(default=())

    @property
    def base(self) -> Path:
        """The folder that relative paths of the file start from."""
        return self._base

    @property
    def own_rules(self) -> tuple[LoadedRule, ...]:
        """The user's own rules, as they were when the file was read."""
        return self._own_rules

    @property
    def risk_rules(self) -> tuple[Rule, ...]:
        """Every rule of the session, the user's own behind the built-in ones."""
        return (*RULES, *(own.rule for own in self._own_rules))


def load(path: str | Path) -> SessionConfig:
    """The configuration in a TOML file. Raises ConfigInvalid with every problem found."""
    file = Path(path)
    raw = read_toml(file)
    return from_mapping(raw, base=file.resolve().parent, place=str(file))


def from_mapping(raw: Mapping[str, Any], *, base: Path | None = None, place: str = "") -> SessionConfig:
    """The configuration in a mapping shaped like the file; relative paths start at `base` (default: as they stand). Raises ConfigInvalid."""
    folder = base if base is not None else Path()
    own = _own_rules(raw, folder, place)
    model = _session_of((*params_of(RULES), *params_of([loaded.rule for loaded in own])))
    try:
        config = model.model_validate(_moved(raw, partial(_absolute, folder)))
    except ValidationError as e:
        raise ConfigInvalid(problems_of(e, model), place=place) from e
    config._base, config._own_rules = folder, own  # noqa: SLF001 (this module's own)
    problems = config_units.contradictions(config)
    if problems:
        raise ConfigInvalid(problems, place=place)
    return config


def _own_rules(raw: Mapping[str, Any], folder: Path, place: str) -> tuple[LoadedRule, ...]:
    """The user's rules, which are needed before the rest can be read: their parameters are keys of it. Raises ConfigInvalid, StrategyError."""
    rows = raw.get("rule")
    if not rows:
        return ()
    try:
        uses = [RuleConfig.model_validate(row).use for row in (rows if isinstance(rows, (list, tuple)) else [rows])]
    except ValidationError as e:
        raise ConfigInvalid([(f"rule.{path}", said) for path, said in problems_of(e, RuleConfig)], place=place) from e
    return resolve_rules(uses, folder)


@cache
def _session_of(params: tuple[Param, ...]) -> type[SessionConfig]:
    """The model of a session whose rules have these parameters: they are the keys of `[limits]` and of the command that changes them."""
    _, limits = tables_of(params)
    operators: Any = tuple[operator_of(params), ...]  # type: ignore[misc]
    fields: dict[str, Any] = {"limits": (limits, limits()), "operators": (operators, Field(alias="operator", default=()))}
    return create_model("SessionConfig", __base__=SessionConfig, **fields)


def canonical_json(config: SessionConfig) -> str:
    """One text per meaning: sorted keys, exact decimals as text, paths relative to the file. The log's address is no part of it, nor is a
    `commit` table that says what is usual: neither changes an event. A `control` table that does so is left out too.
    """
    usual = {"commit"} if config.commit == CommitConfig() else set()
    usual |= {"control"} if config.control == ControlConfig() else set()
    usual |= {"rules"} if not config.rules else set()
    table = config.model_dump(mode="json", by_alias=True, exclude={"log", *usual})
    return json.dumps(_moved(table, partial(_relative, config.base)), sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _absolute(base: Path, path: str) -> str:
    return str(base / path)


def _relative(base: Path, path: str) -> str:
    found = Path(path)
    return found.relative_to(base).as_posix() if found.is_relative_to(base) else found.as_posix()


def _moved(raw: Mapping[str, Any], move: Callable[[str], str]) -> dict[str, Any]:
    """The tables with every path of a feed or a strategy file put through `move`."""
    table = dict(raw)
    feeds, log = table.get("feed"), table.get("log")
    if isinstance(feeds, (list, tuple)):
        table["feed"] = [f | {"path": _moved_paths(f["path"], move)} if isinstance(f, dict) and "path" in f else f for f in feeds]
    for name in ("strategy", "rule"):
        rows = table.get(name)
        if isinstance(rows, (list, tuple)):
            table[name] = [r | {"use": _moved_use(r["use"], move)} if isinstance(r, dict) and isinstance(r.get("use"), str) else r for r in rows]
    if isinstance(log, str) and log.startswith(_SQLITE) and log != DEFAULT_LOG:
        table["log"] = _SQLITE + move(log.removeprefix(_SQLITE))
    return table


def _moved_paths(path: Any, move: Callable[[str], str]) -> Any:
    if isinstance(path, str):
        return move(path)
    return [move(p) if isinstance(p, str) else p for p in path] if isinstance(path, (list, tuple)) else path


def _moved_use(use: str, move: Callable[[str], str]) -> str:
    file, name = file_and_name(use)
    return f"{move(file)}:{name}" if name else move(file) if file else use
