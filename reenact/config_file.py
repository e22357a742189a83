"""Decides how a configuration file is read and how its mistakes are told: place, sentence, remedy, all at once.

Invariants: numbers stay exact decimals; every problem names a key path (or file and line where the file itself cannot be read).
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin

from pydantic import BaseModel, ValidationError

from domain.errors import ConfigInvalid

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

_AT = re.compile(r"^(?P<what>.*?)\s*\(at (?:line (?P<line>\d+), column (?P<column>\d+)|end of document)\)$", re.DOTALL)
_KEY = re.compile(r"""^\s*([A-Za-z0-9_."'-]+)\s*=""")
_CHOOSE = ("kind", "command")
_HIDDEN = frozenset({"overrides", "of_class"})  # levels of the model that the file does not have


def read_toml(path: Path) -> dict[str, Any]:
    """The file's tables, floats as Decimal. Raises ConfigInvalid naming file and line."""
    try:
        text = path.read_bytes().decode()
    except FileNotFoundError:
        raise ConfigInvalid([("", "there is no such file; `reenact init` writes a configuration to start from.")], place=str(path)) from None
    except IsADirectoryError:
        raise ConfigInvalid([("", "is a folder; name a configuration file.")], place=str(path)) from None
    except UnicodeDecodeError as e:
        raise ConfigInvalid([("", f"is no UTF-8 text (byte {e.start}); TOML files are.")], place=str(path)) from e
    except OSError as e:
        raise ConfigInvalid([("", f"cannot be read: {e.strerror}.")], place=str(path)) from e
    try:
        return tomllib.loads(text, parse_float=Decimal)
    except tomllib.TOMLDecodeError as e:
        line, sentence = _syntax(str(e), text)
        raise ConfigInvalid([("", sentence)], place=f"{path}:{line}") from e


def _syntax(message: str, text: str) -> tuple[int, str]:
    """Line and sentence of a TOML error."""
    lines = text.splitlines() or [""]
    found = _AT.match(message)
    what = found["what"] if found else message
    line = min(int(found["line"]), len(lines)) if found and found["line"] else len(lines)
    row = lines[line - 1]
    if "overwrite" in what:
        key = _KEY.match(row)
        return line, f"the key {key[1] if key else row.strip()!r} is set twice; keep one of them."
    if "declare" in what or "redefine" in what or "mutate" in what:
        return line, f"the table {row.strip()} is written twice; join them, or use [[…]] for a list."
    return line, f"this is no TOML: {what[:1].lower()}{what[1:]}; the line reads {row.strip()[:80]!r}."


def problems_of(error: ValidationError, model: type[BaseModel]) -> list[tuple[str, str]]:
    """Every complaint of pydantic as (key path, sentence)."""
    return [(_path(model, e["loc"]), _sentence(e, model)) for e in error.errors(include_url=False)]


def _path(model: type[BaseModel], loc: tuple[int | str, ...]) -> str:
    """`feed[0].path` of ("feed", 0, "csv", "path"): tags of unions and hidden levels are no keys of the file."""
    text = ""
    for part, is_key in _walk(model, loc):
        if isinstance(part, int):
            text += f"[{part + 1}]"
        elif is_key and part not in _HIDDEN:
            text += f".{part}" if text else part
    return text


def _walk(model: type[BaseModel], loc: tuple[int | str, ...]) -> Iterator[tuple[int | str, bool]]:
    """The parts of a location, each with whether the file has it as a key."""
    for i, part in enumerate(loc):
        if isinstance(part, int):
            yield part, True
        else:
            yield part, not (i and isinstance(loc[i - 1], int) and part in _tags(model, loc[:i]))


def _sentence(e: ErrorDetails, model: type[BaseModel]) -> str:
    kind, given = e["type"], e["input"]
    if kind == "missing":
        return "is missing; add it."
    if kind == "extra_forbidden":
        return _unknown(str(e["loc"][-1]), _keys(model, e["loc"][:-1]))
    if kind in ("union_tag_invalid", "union_tag_not_found"):
        words = sorted(_tags(model, e["loc"]))
        key = str(e.get("ctx", {}).get("discriminator", "kind")).strip("'")
        return _choice(key, given.get(key) if isinstance(given, Mapping) else None, words)
    if kind in ("literal_error", "enum"):
        return _choice("", given, sorted(re.findall(r"'([^']*)'", str(e.get("ctx", {}).get("expected", "")))))
    if kind == "value_error":
        return _ended(str(e["ctx"]["error"]))
    message = e["msg"].removeprefix("Value error, ").replace("Input should", "should")
    shown = "" if isinstance(given, (Mapping, list)) else f", it is {_shown(given)}"
    return _ended(f"{message[:1].lower()}{message[1:]}{shown}")


def _ended(text: str) -> str:
    return text if text.endswith((".", "?", "!")) else f"{text}."


def _shown(value: object) -> str:
    return str(value) if isinstance(value, (Decimal, int)) else repr(value)


def _choice(key: str, given: object, words: list[str]) -> str:
    subject = f"{key} " if key else ""
    if given is None:
        return f"{subject}is missing; it is one of {', '.join(words)}."
    near = nearest(str(given), words)
    return f"{subject}must be one of {', '.join(words)}, it is {_shown(given)}.{near}"


def _unknown(key: str, known: list[str]) -> str:
    near = nearest(key, known)
    return f"is an unknown key.{near}" if near else f"is an unknown key; the keys here are {', '.join(known)}."


def nearest(word: str, words: list[str]) -> str:
    """ " Did you mean x?" when something near exists, else nothing."""
    found = difflib.get_close_matches(word, words, n=1, cutoff=0.6)
    return f" Did you mean {found[0]!r}?" if found else ""


def _keys(model: type[BaseModel], loc: tuple[int | str, ...]) -> list[str]:
    """The keys that the file may have at a location."""
    found = _models_at(model, loc)
    return sorted({f.alias or name for m in found for name, f in m.model_fields.items()} - _HIDDEN)


def _tags(model: type[BaseModel], loc: tuple[int | str, ...]) -> set[str]:
    """The words that choose between the models of a location."""
    return {tag for m in _models_at(model, loc) for tag in _words(m)}


def _words(model: type[BaseModel]) -> tuple[str, ...]:
    """The values of a model's `kind` or `command`."""
    return tuple(tag for key in _CHOOSE if key in model.model_fields for tag in get_args(model.model_fields[key].annotation))


def _models_at(model: type[BaseModel], loc: tuple[int | str, ...]) -> list[type[BaseModel]]:
    """The models that may stand at a location; several in a union."""
    here = [model]
    for part in loc:
        if isinstance(part, int):
            continue
        tagged = [m for m in here if part in _words(m)]
        if tagged:
            here = tagged
            continue
        fields = [f for m in here for name, f in m.model_fields.items() if part in (name, f.alias)]
        if fields:
            here = [m for f in fields for m in _models_in(f.annotation)]
    return here


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    """Every model that an annotation mentions."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    if get_origin(annotation) is Literal:
        return []
    return [m for arg in get_args(annotation) for m in _models_in(arg)]
