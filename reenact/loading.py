"""Decides which class a strategy's name in a configuration means, and makes a strategy from it and its parameters.

A name is a built-in one ("sma"), a file with or without its class ("my.py", "my.py:Trend"), an installed entry point of the group
`reenact.strategies`, or "package.module:Class". Files run under the guard (`reenact.guard`); installed code runs as it was installed.

Invariants: a loaded file brings its source and that of its helper files, so that the log alone can run it again; every bad parameter is
named at once; nothing of a file runs before its text is known to be Python.
"""

from __future__ import annotations

import inspect
import sys
import traceback
from collections.abc import Mapping
from difflib import get_close_matches
from hashlib import sha256
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple, get_type_hints

import msgspec

from domain.errors import ConfigInvalid, ReenactError, StrategyError
from domain.events import StrategySpec
from domain.strategies import BUILT_IN
from domain.strategy import ScanningStrategy, Strategy
from reenact.guard import Guard, imports_of, parse

ENTRY_POINTS = "reenact.strategies"
HELPER = "# reenact: the file "
"""What precedes each helper file in the recorded source of a strategy that has some."""


class Loaded(NamedTuple):
    """A strategy's class. `target` names it completely; `source` is the text of a user's file (and helpers), empty for installed code.

    `sha256` is over `source`, or for installed code over the text of its module.
    """

    target: str
    cls: type[Strategy]
    source: str
    sha256: str


def resolve(use: str, base: Path = Path()) -> Loaded:
    """The strategy that `use` names; files are found from `base`. Raises ConfigInvalid or StrategyError in a sentence with its place."""
    file, name = file_and_name(use)
    if file:
        path = base / file
        return _from_text(file, name, read_source(path, use), str(path))
    if use in BUILT_IN:
        return _installed(use, BUILT_IN[use])
    if ":" in use:
        return _installed(use, _strategy_class(use))
    for point in entry_points(group=ENTRY_POINTS, name=use):
        return _installed(use, _strategy_class(point.value))
    known = sorted({*BUILT_IN, *(p.name for p in entry_points(group=ENTRY_POINTS))})
    near = get_close_matches(use, known, n=1)
    hint = f'Did you mean "{near[0]}"? ' if near else ""
    raise ConfigInvalid(
        [("use", f'there is no strategy "{use}". {hint}Known are {", ".join(known)}; your own is given as "file.py:Class" or "package.module:Class"')]
    )


def resolve_recorded(spec: StrategySpec, base: Path = Path(), *, recorded: bool = False) -> tuple[Loaded, str]:
    """The strategy of a recorded session as it is today, and a sentence saying where its code comes from.

    A user's file is looked for under `base`; where it is not there any more, or when `recorded` is asked for, the recorded source is run.
    """
    if not spec.source:
        loaded = resolve(spec.target, base)
        return loaded, f"{spec.target}, {'as recorded' if loaded.sha256 == spec.source_sha256 else 'changed since the recording'}"
    file, name = file_and_name(spec.target)
    path = base / file
    if not recorded and path.is_file():
        text = read_source(path, spec.target)
        return _from_text(
            file, name, text, str(path)
        ), f"{path}, {'as recorded' if digest_of(text) == spec.source_sha256 else 'changed since the recording'}"
    why = "as asked" if recorded else f"{path} is not here"
    return _from_text(file, name, spec.source, f"{file} (recorded)"), f"the recorded source of {file}, {why}"


def instantiate(loaded: Loaded, params: Mapping[str, object]) -> Strategy:
    """A strategy with its parameters. Raises ConfigInvalid naming every unknown, missing or ill-typed parameter and the accepted ones."""
    cls = loaded.cls
    arguments = _checked(cls, params)
    try:
        return cls(**arguments)
    except ReenactError:
        raise
    except ValueError as e:
        raise ConfigInvalid([("params", f"{e}. {_accepted(cls)}")], place=loaded.target) from e
    except Exception as e:
        raise failed(e, loaded.target) from e


def file_and_name(use: str) -> tuple[str, str]:
    """("my.py", "Trend") of "my.py:Trend", the class empty if none is named; ("", "") when no file is meant."""
    if use.endswith(".py"):
        return use, ""
    file, colon, name = use.rpartition(":")
    return (file, name) if colon and file.endswith(".py") else ("", "")


def read_source(path: Path, use: str, kind: str = "strategy") -> str:
    """The text of a user's file, followed by the files beside it that it imports, directly or through one another."""
    text = _text_of(path, use, kind)
    helpers: dict[str, str] = {}
    waiting = [(text, str(path))]
    while waiting:
        for name in imports_of(parse(*waiting.pop())):
            helper = path.parent / f"{name}.py"
            if name.isidentifier() and name not in helpers and helper != path and helper.is_file():
                helpers[name] = _text_of(helper, use, kind)
                waiting.append((helpers[name], str(helper)))
    if not helpers:
        return text
    parts = [text if text.endswith("\n") else f"{text}\n"]
    parts += [f"{HELPER}{name}.py\n{helpers[name]}" + ("" if helpers[name].endswith("\n") else "\n") for name in sorted(helpers)]
    return "".join(parts)


def _text_of(path: Path, use: str, kind: str) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as e:
        raise ConfigInvalid([("use", f'the file of the {kind} "{use}" cannot be read: {e.strerror}')], place=str(path)) from e
    except UnicodeDecodeError as e:
        raise ConfigInvalid([("use", "the file is not UTF-8 text")], place=str(path)) from e
    except ValueError as e:
        raise ConfigInvalid([("use", f"{use!r} is no file name: {e}")]) from e


def _split(source: str, label: str) -> tuple[str, dict[str, tuple[str, str]]]:
    """A recorded source as the strategy's text and its helpers, module name → (file, text)."""
    texts: list[list[str]] = [[]]
    names: list[str] = []
    for line in source.splitlines(keepends=True):
        if line.startswith(HELPER) and line.rstrip().endswith(".py"):
            names.append(line.removeprefix(HELPER).strip().removesuffix(".py"))
            texts.append([])
        else:
            texts[-1].append(line)
    parent = Path(label).parent
    return "".join(texts[0]), {name: (str(parent / f"{name}.py"), "".join(text)) for name, text in zip(names, texts[1:], strict=True)}


def run_text(source: str, label: str, kind: str = "strategy") -> ModuleType:
    """Run a file's text (with its helpers) under the guard; its module. Raises StrategyError naming file and line."""
    text, helpers = _split(source, label)
    guard = Guard(label, text, helpers)
    try:
        return guard.load()
    except ReenactError:
        raise
    except Exception as e:
        raise failed(e, label, guard.files, kind) from e


def _from_text(file: str, name: str, source: str, label: str) -> Loaded:
    """Run a file's text under the guard and find its class."""
    module = run_text(source, label)
    own = {n: c for n, c in vars(module).items() if isinstance(c, type) and issubclass(c, Strategy) and c.__module__ == module.__name__}
    if name:
        found = vars(module).get(name)
        if not (isinstance(found, type) and issubclass(found, Strategy)):
            listed = f"It holds {', '.join(own)}." if own else "It holds none."
            raise ConfigInvalid([("use", f"there is no strategy class {name} in this file. {listed}")], place=label)
        return Loaded(f"{file}:{name}", found, source, digest_of(source))
    if len(own) != 1:
        said = f"this file holds the strategies {', '.join(own)}; say which, as {file}:{next(iter(own))}" if own else (
            "this file holds no strategy; derive a class from reenact.Strategy"
        )  # fmt: skip
        raise ConfigInvalid([("use", said)], place=label)
    found_name, cls = next(iter(own.items()))
    return Loaded(f"{file}:{found_name}", cls, source, digest_of(source))


def imported(target: str, kind: str = "strategy") -> Any:
    """What "package.module:Name" names, None when its module holds no such thing. Raises ConfigInvalid, or what the module's own code breaks."""
    module_name, _, name = target.partition(":")
    if not module_name or not name:
        raise ConfigInvalid([("use", f'"{target}" names no {"class" if kind == "strategy" else kind}; give package.module:{kind.capitalize()}')])
    try:
        module = import_module(module_name)
    except ModuleNotFoundError as e:
        raise ConfigInvalid([("use", f"there is no module {e.name}; is its package installed?")], place=target) from e
    except ReenactError:
        raise
    except Exception as e:
        raise failed(e, target, kind=kind) from e
    return getattr(module, name, None)


def _strategy_class(target: str) -> type[Strategy]:
    """The class that "package.module:Class" names."""
    found = imported(target)
    if not (isinstance(found, type) and issubclass(found, Strategy)):
        module_name, _, name = target.partition(":")
        raise ConfigInvalid([("use", f"{name} in {module_name} is no strategy class")], place=target)
    return found


def _installed(target: str, cls: type[Strategy]) -> Loaded:
    try:
        text = inspect.getsource(sys.modules[cls.__module__])
    except (OSError, TypeError):
        text = ""
    return Loaded(target, cls, "", digest_of(text))


def digest_of(text: str) -> str:
    return sha256(text.encode()).hexdigest()


def failed(e: Exception, place: str, files: frozenset[str] = frozenset(), kind: str = "strategy") -> StrategyError:
    """The error of a user's own code, at the innermost line of its files (or at all)."""
    frames = traceback.extract_tb(e.__traceback__)
    own = [f for f in frames if f.filename in files] or [f for f in frames if f.filename != __file__]
    file, line = (own[-1].filename, own[-1].lineno or 0) if own else (place, 0)
    return StrategyError(f"the {kind} failed with {type(e).__name__}: {e}.", file=file, line=line)


def _parameters(cls: type[Strategy]) -> dict[str, inspect.Parameter]:
    if cls.__init__ in (object.__init__, Strategy.__init__, ScanningStrategy.__init__):
        return {}
    return dict(inspect.signature(cls).parameters)


def _accepted(cls: type[Strategy]) -> str:
    named = [
        f"{p.name}{'' if p.default is p.empty else f' = {p.default!r}'}"
        for p in _parameters(cls).values()
        if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)
    ]
    return f"Accepted are: {', '.join(named)}" if named else "It takes no parameters"


def _checked(cls: type[Strategy], params: Mapping[str, object]) -> dict[str, Any]:
    """The parameters in the types their annotations ask for."""
    accepted = _parameters(cls)
    open_ended = any(p.kind is p.VAR_KEYWORD for p in accepted.values())
    named = {n: p for n, p in accepted.items() if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)}
    try:
        hints = get_type_hints(cls.__init__)
    except Exception:  # noqa: BLE001 (a user's annotation may name anything; without it the parameter is taken as it is)
        hints = {}
    arguments: dict[str, Any] = {}
    problems: list[tuple[str, str]] = []
    for name, value in params.items():
        if name not in named and not open_ended:
            near = get_close_matches(name, named, n=1)
            problems.append((f"params.{name}", f"there is no such parameter{f'; did you mean {near[0]}?' if near else ''}"))
            continue
        try:
            arguments[name] = _converted(value, hints.get(name, Any))
        except msgspec.ValidationError as e:
            problems.append((f"params.{name}", f"{str(e).replace('`', '')[:1].lower()}{str(e).replace('`', '')[1:]}; it is {value!r}"))
    problems += [(f"params.{n}", "is missing") for n, p in named.items() if p.default is p.empty and n not in params]
    if problems:
        last_place, last = problems[-1]
        raise ConfigInvalid([*problems[:-1], (last_place, f"{last}. {_accepted(cls)}")])
    return arguments


def _converted(value: object, hint: Any) -> Any:
    """The value as its annotation asks; text is read as a number where one is wanted."""
    try:
        return msgspec.convert(value, hint, strict=not isinstance(value, str))
    except msgspec.ValidationError:
        raise
    except TypeError:
        return value
