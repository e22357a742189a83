"""Decides which keys the `[limits]` of a configuration file have: the parameters of the rules themselves, built-in or the user's own.

Invariants: a new rule has its key, unit and validation with its `Param`; limits are written in people's units and without a sign; a key
left out is no limit of that kind.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, Literal

from pydantic import Field, SerializerFunctionWrapHandler, create_model, model_serializer, model_validator

from domain.risk import Param, Rule
from reenact.config_types import Table
from reenact.config_values import form
from reenact.presets import PRESETS

SCOPE_WORDS = ("account", "class", "instrument", "strategy", "venue")
"""The tables of `[limits]` that are a scope; any other is an instrument's symbol."""
HEADS = ("owner", "approver", "effective", "preset")
RESERVED = frozenset((*SCOPE_WORDS, *HEADS, "overrides", "symbol", "scope", "member", "reason"))
"""Words that no parameter may have as its name."""
Preset = Literal["equity", "crypto", "future", "fx"]


class LimitTable(Table):
    """Limits in people's units; a key left out is no limit of that kind. Source: RTS 6 Art. 15(1); SEC 15c3-5(c)(1)."""

    @model_serializer(mode="wrap")
    def _written(self, inner: SerializerFunctionWrapHandler) -> dict[str, Any]:
        # What is not written changes no meaning: a session's recorded configuration does not grow with every new rule.
        return {k: v for k, v in inner(self).items() if v not in (None, "", (), [], {})}

    def given(self) -> dict[str, Any]:
        """The parameters that were written, by name."""
        return {name: value for name in type(self).model_fields if name not in _OTHERS and (value := getattr(self, name)) is not None}


class PresetTable(LimitTable):
    """Limits that may start from a preset."""

    preset: Preset | None = None

    @property
    def preset_text(self) -> dict[str, Any]:
        """The preset's keys as a file would write them."""
        return PRESETS[self.preset] if self.preset is not None else {}


class LimitsConfig(PresetTable):
    """`[limits]` for every member of each rule's first scope; a table below for those that differ.

    `[limits.SYMBOL]` is short for `[limits.instrument.SYMBOL]`. `owner`, `approver`, `effective`: who answers for the limits, who approved
    them, and from when they hold.
    """

    owner: str = ""
    approver: str = ""
    effective: form("time") | None = None  # type: ignore[valid-type]
    account: LimitTable | None = None
    strategy: dict[str, LimitTable] = Field(default_factory=dict)
    of_class: dict[str, PresetTable] = Field(default_factory=dict, alias="class")
    venue: dict[str, LimitTable] = Field(default_factory=dict)
    instrument: dict[str, LimitTable] = Field(default_factory=dict)
    overrides: dict[str, LimitTable] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _split(cls, value: Any) -> Any:
        if not isinstance(value, Mapping) or "overrides" in value:
            return value
        for name, inner in value.items():
            if name not in SCOPE_WORDS and isinstance(inner, Mapping) and any(isinstance(v, Mapping) for v in inner.values()):
                raise ValueError(f"there is no scope {name!r}; the scopes are {', '.join(SCOPE_WORDS)}, or a table by an instrument's symbol")
        own = {k: v for k, v in value.items() if isinstance(v, Mapping) and k not in SCOPE_WORDS}
        return {k: v for k, v in value.items() if k not in own} | {"overrides": own}

    @model_serializer(mode="wrap")
    def _written(self, inner: SerializerFunctionWrapHandler) -> dict[str, Any]:
        table = super()._written(inner)
        table |= table.pop("overrides", {})
        return {"class" if k == "of_class" else k: v for k, v in table.items()}


_OTHERS = frozenset(LimitsConfig.model_fields)


@cache
def tables_of(params: tuple[Param, ...]) -> tuple[type[LimitTable], type[LimitsConfig]]:
    """The table of one member and the whole of `[limits]`, for rules with these parameters."""
    keys: dict[str, Any] = {p.name: (form(p.unit), Field(default=None, description=p.text)) for p in params}
    one = create_model("LimitTable", __base__=LimitTable, **keys)
    of_class = create_model("PresetTable", __base__=PresetTable, **keys)
    fields: dict[str, Any] = {
        **keys, "account": (one | None, None), "of_class": (dict[str, of_class], Field(default_factory=dict, alias="class")),  # type: ignore[valid-type]
        **{name: (dict[str, one], Field(default_factory=dict)) for name in ("strategy", "venue", "instrument", "overrides")},  # type: ignore[valid-type]
    }  # fmt: skip
    return one, create_model("LimitsConfig", __base__=LimitsConfig, **fields)


def params_of(rules: Sequence[Rule]) -> tuple[Param, ...]:
    """Every parameter of some rules, in their order."""
    return tuple(p for rule in rules for p in rule.params)
