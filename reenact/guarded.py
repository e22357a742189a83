"""What a guarded strategy gets in place of Python's own: checked iteration, guarded modules, refusing built-ins.

Invariants: a refusal is a `StrategyError` that names file and line of the innermost line of the user's code; what is allowed behaves
as it does unguarded. The guard stops accidents, not sabotage: code that digs through the interpreter's internals gets past it.
"""

from __future__ import annotations

import builtins
import datetime as dt
import statistics
import sys
from collections.abc import Callable, Mapping
from decimal import Decimal
from fractions import Fraction
from importlib import import_module
from types import ModuleType
from typing import Any, NoReturn, SupportsIndex

from domain.errors import StrategyError
from reenact.contract import BUILTINS, CHANCE, CLOCK, ENVIRONMENT, IDENTITY, SET_ORDER, TIES, UNKNOWN_IMPORT, Rule, denied, module_rule, sentence

MARK = "__guarded_file__"
UNORDERED = (set, frozenset)
_NUMBERS = (int, float, Fraction, Decimal)
Import = Callable[..., Any]


def refuse(rule: Rule, name: str) -> NoReturn:
    """Raise StrategyError at the line of guarded code that is running."""
    said, remedy = sentence(rule, name)
    frame = sys._getframe(1)  # noqa: SLF001 (the line that offends is known to the interpreter only)
    at: Any = frame
    while at is not None and at.f_globals.get(MARK) != at.f_code.co_filename:
        at = at.f_back
    file, line = (at.f_code.co_filename, at.f_lineno) if at is not None else ("", 0)
    raise StrategyError(said, file=file, line=line, remedy=remedy)


def ordered(x: Any) -> Any:
    """`x`, unless it is a set that is about to be taken in its order."""
    if isinstance(x, UNORDERED):
        refuse(SET_ORDER, "iteration")
    return x


def untied(x: Any) -> Any:
    """`x`, unless it is a set whose equal elements (under a key) would come in its order."""
    if isinstance(x, UNORDERED):
        refuse(TIES, "sorting")
    return x


def summed(x: Any) -> Any:
    """`x`, unless it is a set of floats, whose sum depends on its order."""
    if isinstance(x, UNORDERED) and any(isinstance(v, float) for v in x):
        refuse(SET_ORDER, "sum() of floats")
    return x


def popped(x: Any) -> Any:
    """`x.pop()`, unless x is a set."""
    if isinstance(x, UNORDERED):
        refuse(SET_ORDER, "set.pop()")
    return x.pop()


def import_by_hand(*_args: Any, **_kwargs: Any) -> NoReturn:
    """What `__import__` means when it is called by its name."""
    refuse(BUILTINS["__import__"], "__import__()")


def _stable(x: Any) -> bool:
    return isinstance(x, _NUMBERS) or (type(x) is tuple and all(map(_stable, x)))


def guarded_hash(x: Any) -> int:
    """The hash of what hashes alike in every run, and of anything inside a `__hash__`, where it only finds things again."""
    if _stable(x) or sys._getframe(1).f_code.co_name == "__hash__":  # noqa: SLF001
        return hash(x)
    return refuse(IDENTITY, "hash() of what is no number")


def guarded_builtins(importer: Import) -> dict[str, Any]:
    """The built-in names for one guarded module."""
    names = dict(vars(builtins))
    for name, rule in BUILTINS.items():
        names[name] = _refusing(rule, f"{name}()")
    names.update(
        hash=guarded_hash, __import__=importer, __ordered__=ordered, __untied__=untied, __summed__=summed, __popped__=popped,
        __import_by_hand__=import_by_hand,
    )  # fmt: skip
    return names


def _refusing(rule: Rule, name: str) -> Callable[..., NoReturn]:
    def refused(*_args: Any, **_kwargs: Any) -> NoReturn:
        refuse(rule, name)

    return refused


class _Like(type):
    """A guarded class passes for the one it guards."""

    guards: type

    def __instancecheck__(cls, x: object) -> bool:
        return isinstance(x, cls.guards)

    def __subclasscheck__(cls, other: type) -> bool:
        return issubclass(other, cls.guards)


class Date(dt.date, metaclass=_Like):
    """A date that cannot be asked what day it is."""

    guards = dt.date

    def __repr__(self) -> str:
        return f"datetime.{super().__repr__()}"

    @classmethod
    def today(cls) -> NoReturn:
        refuse(CLOCK, "datetime.date.today()")

    @classmethod
    def fromtimestamp(cls, *_args: Any) -> NoReturn:
        refuse(ENVIRONMENT, "datetime.date.fromtimestamp()")


class DateTime(dt.datetime, metaclass=_Like):
    """A date and time that cannot be asked for the time, nor for the machine's time zone."""

    guards = dt.datetime

    def __repr__(self) -> str:
        return f"datetime.{super().__repr__()}"

    @classmethod
    def now(cls, *_args: Any, **_kwargs: Any) -> NoReturn:
        refuse(CLOCK, "datetime.datetime.now()")

    @classmethod
    def utcnow(cls) -> NoReturn:
        refuse(CLOCK, "datetime.datetime.utcnow()")

    @classmethod
    def today(cls) -> NoReturn:
        refuse(CLOCK, "datetime.datetime.today()")

    @classmethod
    def fromtimestamp(cls, timestamp: float, tz: dt.tzinfo | None = None) -> DateTime:
        if tz is None:
            refuse(ENVIRONMENT, "datetime.datetime.fromtimestamp() without a time zone")
        return super().fromtimestamp(timestamp, tz)

    def astimezone(self, tz: dt.tzinfo | None = None) -> DateTime:
        if tz is None or self.tzinfo is None:
            refuse(ENVIRONMENT, "astimezone() without a time zone")
        return super().astimezone(tz)

    def timestamp(self) -> float:
        if self.tzinfo is None:
            refuse(ENVIRONMENT, "timestamp() without a time zone")
        return super().timestamp()

    def date(self) -> Date:
        return Date(self.year, self.month, self.day)


class NormalDist(statistics.NormalDist):
    """A distribution that draws with a given seed only."""

    def samples(self, n: SupportsIndex, *, seed: Any = None) -> list[float]:
        if seed is None:
            refuse(CHANCE, "NormalDist.samples() without a seed")
        return super().samples(n, seed=seed)


for _cls, _name in ((Date, "date"), (DateTime, "datetime"), (NormalDist, "NormalDist")):
    _cls.__name__ = _cls.__qualname__ = _name

REPLACED: Mapping[str, Any] = {"datetime.datetime": DateTime, "datetime.date": Date, "statistics.NormalDist": NormalDist}


class GuardedModule(ModuleType):
    """An allowed module seen through the contract: refused parts raise when touched, modules inside it are guarded in turn."""

    def __getattr__(self, attribute: str) -> Any:
        name = f"{self.__name__}.{attribute}"
        rule = denied(name)
        if rule is not None:
            refuse(rule, name)
        real = sys.modules[self.__name__]
        if attribute == "__all__" and not hasattr(real, "__all__"):
            return [n for n, v in vars(real).items() if not n.startswith("_") and not isinstance(v, ModuleType)]
        value = REPLACED.get(name)
        if value is None:
            value = getattr(real, attribute)
        if isinstance(value, ModuleType):
            value = guarded_module(value.__name__)
        # Found without this method from now on.
        vars(self)[attribute] = value
        return value

    def __dir__(self) -> list[str]:
        return dir(sys.modules[self.__name__])


_modules: dict[str, GuardedModule] = {}


def guarded_module(name: str) -> GuardedModule:
    """A module by its full name, imported if need be. Raises StrategyError when the contract forbids it, ImportError as Python does."""
    rule = module_rule(name)
    if rule is not None:
        refuse(rule, name)
    found = _modules.get(name)
    if found is None:
        import_module(name)
        found = _modules[name] = GuardedModule(name)
        found.__doc__ = sys.modules[name].__doc__
    return found


def importer(beside: Callable[[str], ModuleType | None]) -> Import:
    """What an import statement does in a guarded module. `beside` gives the module of a file next to the strategy, or None."""

    def guarded_import(name: str, namespace: Any = None, local: Any = None, fromlist: Any = (), level: int = 0) -> Any:
        # Python's own C code, called from the user's, imports by this name too; it passes a list, an import statement never does.
        if type(fromlist) is list:
            return __import__(name, namespace, local, fromlist, level)
        if level > 1:
            refuse(UNKNOWN_IMPORT, "." * level + name)
        if level and not name:
            package = ModuleType("beside")
            for part in fromlist:
                setattr(package, part, _required(beside, f".{part}"))
            return package
        if level:
            return _required(beside, f".{name}")
        own = beside(name)
        if own is not None:
            return own
        module = guarded_module(name)
        if not fromlist:
            return guarded_module(name.partition(".")[0])
        for part in fromlist:
            if hasattr(sys.modules[name], "__path__") and not hasattr(sys.modules[name], part) and denied(f"{name}.{part}") is None:
                guarded_module(f"{name}.{part}")
        return module

    return guarded_import


def _required(beside: Callable[[str], ModuleType | None], name: str) -> ModuleType:
    found = beside(name.removeprefix("."))
    if found is None:
        refuse(UNKNOWN_IMPORT, name)
    return found
