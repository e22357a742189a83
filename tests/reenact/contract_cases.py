"""What a strategy may not do and what it may, as source texts. The offending line carries a `# !` and ends in the finding's code."""

from __future__ import annotations

from textwrap import dedent
from typing import NamedTuple


class Case(NamedTuple):
    """`body` goes into a function `go`; `top` before it."""

    name: str
    body: str
    top: str = ""

    @property
    def text(self) -> str:
        lines = "\n".join(f"    {line}" for line in dedent(self.body).strip("\n").splitlines())
        top = dedent(self.top).strip("\n")
        return f"{top}\n\n\ndef go():\n{lines}\n"

    @property
    def places(self) -> list[tuple[int, str]]:
        """(line, code) of every marked line."""
        return [(n, line.rpartition("# !")[2].strip()) for n, line in enumerate(self.text.splitlines(), start=1) if "# !" in line]


S = "s = {'a', 'b'}\n"

SEEN_BY_BOTH = [
    Case("time.time", "import time  # ! clock\n"),
    Case("an alias of time", "import time as t  # ! clock\n"),
    Case("a function of time", "from time import monotonic  # ! clock\n"),
    Case("the module time at the top", "pass", top="import time  # ! clock\n"),
    Case("datetime.now", "datetime.datetime.now()  # ! clock", top="import datetime"),
    Case("datetime.now by an alias", "dt.now()  # ! clock", top="from datetime import datetime as dt"),
    Case("datetime.utcnow", "dt.datetime.utcnow()  # ! clock", top="import datetime as dt"),
    Case("datetime.today", "datetime.today()  # ! clock", top="from datetime import datetime"),
    Case("date.today", "date.today()  # ! clock", top="from datetime import date"),
    Case("datetime.now by getattr", "getattr(datetime, 'now')()  # ! clock", top="from datetime import datetime"),
    Case("fromtimestamp without a zone", "datetime.fromtimestamp(0)  # ! environment", top="from datetime import datetime"),
    Case("random", "import random  # ! chance"),
    Case("secrets", "import secrets  # ! chance"),
    Case("uuid", "from uuid import uuid4  # ! chance"),
    Case("numpy.random", "np.random.default_rng()  # ! chance", top="import numpy as np"),
    Case("numpy.random imported", "from numpy import random  # ! chance"),
    Case("a function of numpy.random", "from numpy.random import default_rng  # ! chance"),
    Case("os", "import os  # ! environment"),
    Case("os.environ imported", "from os import environ  # ! environment"),
    Case("sys", "import sys  # ! environment"),
    Case("platform", "import platform  # ! environment"),
    Case("locale", "import locale  # ! environment"),
    Case("socket", "import socket  # ! network"),
    Case("urllib", "import urllib.request  # ! network"),
    Case("http", "from http import client  # ! network"),
    Case("requests", "import requests  # ! network"),
    Case("open", "open('x')  # ! disk"),
    Case("input", "input()  # ! disk"),
    Case("breakpoint", "breakpoint()  # ! disk"),
    Case("pathlib", "from pathlib import Path  # ! disk"),
    Case("tempfile", "import tempfile  # ! disk"),
    Case("shutil", "import shutil  # ! disk"),
    Case("glob", "import glob  # ! disk"),
    Case("logging", "import logging  # ! disk"),
    Case("numpy.load", "np.load('x')  # ! disk", top="import numpy as np"),
    Case("threading", "import threading  # ! threads"),
    Case("asyncio", "import asyncio  # ! threads"),
    Case("subprocess", "import subprocess  # ! threads"),
    Case("concurrent.futures", "import concurrent.futures  # ! threads"),
    Case("a module that is not listed", "import sqlglot  # ! import"),
    Case("the inside of reenact", "import reenact.loading  # ! import"),
    Case("the inside of reenact by name", "from reenact.compose import run  # ! import"),
    Case("eval", "eval('1')  # ! dynamic-code"),
    Case("exec", "exec('1')  # ! dynamic-code"),
    Case("compile", "compile('1', '', 'eval')  # ! dynamic-code"),
    Case("__import__", "__import__('math')  # ! dynamic-code"),
    Case("importlib", "import importlib  # ! dynamic-code"),
    Case("builtins", "import builtins  # ! dynamic-code"),
    Case("id", "id(object())  # ! identity"),
    Case("hash of text", "hash('a')  # ! identity"),
    Case("a finalizer", "pass", top="class A:\n    def __del__(self):  # ! finalizer\n        pass\n"),
    Case("for over a set literal", "for x in {'a', 'b'}:  # ! set-order\n    print(x)"),
    Case("for over a name", S + "for x in s:  # ! set-order\n    print(x)"),
    Case("for over set()", "for x in set('ab'):  # ! set-order\n    print(x)"),
    Case("for over frozenset()", "f = frozenset('ab')\nfor x in f:  # ! set-order\n    print(x)"),
    Case("for over a set comprehension", "for x in {c for c in 'ab'}:  # ! set-order\n    print(x)"),
    Case("for over a union", S + "for x in s | {'c'}:  # ! set-order\n    print(x)"),
    Case("for over a method's result", S + "for x in s.union('c'):  # ! set-order\n    print(x)"),
    Case("for over common keys", "d = {'a': 1}\nfor x in d.keys() & {'a'}:  # ! set-order\n    print(x)"),
    Case("a list comprehension", S + "[x for x in s]  # ! set-order"),
    Case("a dict comprehension", S + "{x: 1 for x in s}  # ! set-order"),
    Case("a generator", S + "list(x for x in s)  # ! set-order"),
    Case("list()", S + "list(s)  # ! set-order"),
    Case("tuple()", S + "tuple(s)  # ! set-order"),
    Case("iter()", S + "next(iter(s))  # ! set-order"),
    Case("enumerate()", S + "enumerate(s)  # ! set-order"),
    Case("zip()", S + "zip([1], s)  # ! set-order"),
    Case("map()", S + "map(str, s)  # ! set-order"),
    Case("filter()", S + "filter(None, s)  # ! set-order"),
    Case("star arguments", S + "print(*s)  # ! set-order"),
    Case("a starred list", S + "[*s]  # ! set-order"),
    Case("join", S + "','.join(s)  # ! set-order"),
    Case("extend", S + "[].extend(s)  # ! set-order"),
    Case("dict.fromkeys", S + "dict.fromkeys(s)  # ! set-order"),
    Case("deque", S + "deque(s)  # ! set-order", top="from collections import deque"),
    Case("itertools", S + "itertools.chain(s)  # ! set-order", top="import itertools"),
    Case("unpacking", S + "a, b = s  # ! set-order"),
    Case("slice assignment", S + "a = []\na[:] = s  # ! set-order"),
    Case("set.pop", S + "s.pop()  # ! set-order"),
    Case("a sum of floats", "sum({0.1, 0.2})  # ! set-order"),
    Case("sorted by a key", S + "sorted(s, key=len)  # ! set-order"),
    Case("max by a key", S + "max(s, key=len)  # ! set-order"),
    Case("yield from", "list(every())", top="def every():\n    yield from {'a'}  # ! set-order\n"),
    Case("an annotated parameter", "every({'a'})", top="def every(s: set[str]):\n    return [x for x in s]  # ! set-order\n"),
    Case("an annotated optional parameter", "every({'a'})", top="def every(s: 'set[str] | None'):\n    return [x for x in s]  # ! set-order\n"),
    Case(
        "an attribute", "A().every()",
        top="class A:\n    def __init__(self):\n        self.s = set('ab')\n    def every(self):\n        return list(self.s)  # ! set-order\n",
    ),
    Case("a class attribute", "A().every()", top="class A:\n    s = {1}\n    def every(self):\n        return list(self.s)  # ! set-order\n"),
    Case("a function that returns a set", "for x in make():  # ! set-order\n    print(x)", top="def make():\n    return {'a'}\n"),
    Case("a branch", "s = []\nif s == []:\n    s = {1}\nfor x in s:  # ! set-order\n    print(x)"),
]  # fmt: skip

SEEN_BY_LINT_ONLY = [
    Case("global", "global n  # ! global-state\nn = 1"),
    Case("numpy's clock", "np.datetime64('now')  # ! clock", top="import numpy as np"),
    Case("a set added to a list", "a = []\na += {'a'}  # ! set-order"),
]

SEEN_AT_RUN_TIME_ONLY = [
    Case("a built name of the clock", "getattr(datetime, 'no' + 'w')()  # ! clock", top="from datetime import datetime"),
    Case("a class handed on", "ask(datetime)", top="from datetime import datetime\ndef ask(c):\n    return c.now()  # ! clock\n"),
    Case("what a parser returns", "datetime.fromisoformat('2024-01-01').now()  # ! clock", top="from datetime import datetime"),
    Case("the date of a datetime", "datetime(2024, 1, 1).date().today()  # ! clock", top="from datetime import datetime"),
    Case("local time", "datetime(2024, 1, 1).timestamp()  # ! environment", top="from datetime import datetime"),
    Case("the local zone", "datetime(2024, 1, 1).astimezone()  # ! environment", top="from datetime import datetime"),
    Case("a function handed on", "f = [open][0]\nf('x')  # ! disk", top=""),
    Case("a module inside a module", "collections._sys  # ! environment", top="import collections"),
    Case("a built name of a module's part", "getattr(np, 'ran' + 'dom')  # ! chance", top="import numpy as np"),
    Case("samples", "NormalDist().samples(3)  # ! chance", top="from statistics import NormalDist"),
    Case("a set from a dictionary", "d = {'k': set('ab')}\nfor x in d['k']:  # ! set-order\n    print(x)"),
    Case("a helper that iterates", "every({'a', 'b'})", top="def every(xs):\n    return [x for x in xs]  # ! set-order\n"),
    Case("a helper that pops", "take({'a', 'b'})", top="def take(xs):\n    return xs.pop()  # ! set-order\n"),
    Case("a helper that joins", "text({'a', 'b'})", top="def text(xs):\n    return ','.join(xs)  # ! set-order\n"),
    Case("a helper that unpacks", "two({'a', 'b'})", top="def two(xs):\n    a, b = xs  # ! set-order\n    return a\n"),
    Case("a helper that sorts by a key", "by({'a', 'b'})", top="def by(xs):\n    return sorted(xs, key=len)  # ! set-order\n"),
    Case("the hash of a pair", "h = hash\nh(('a', 1))  # ! identity"),
]

ALLOWED_CASES = [
    Case("sorted", S + "return sorted(s)"),
    Case("counted and tested", S + "return len(s), 'a' in s, bool(s), s == {'a'}, s <= {'a', 'b'}"),
    Case("least and most", S + "return min(s), max(s)"),
    Case("a set of a set", S + "return sorted({x + '!' for x in s} | frozenset(s))"),
    Case("any and all", S + "return any(x == 'a' for x in s), all(x for x in s), sorted(x for x in s)"),
    Case("sets change", S + "s.add('c')\ns.discard('a')\ns.update(['d'])\ns |= {'e'}\nreturn sorted(s)"),
    Case("an integer sum", "return sum({1, 2})"),
    Case("a name that was a set", S + "s = sorted(s)\nreturn [x for x in s]"),
    Case("dictionaries", "d = {'a': 1}\nfor k, v in d.items():\n    print(k, v)\nreturn list(d), [*d.values()], d.pop('a')"),
    Case("lists", "a = [3, 1]\na.pop()\na.extend([2])\nb, c = a\nreturn list(zip(a, a)), ','.join(['a']), [*a], b, c"),
    Case("a parameter named like a module", "return f(5)", top="def f(time):\n    return time + 1\n"),
    Case("a variable named like a built-in one", "id = 5\nopen = id + 1\nreturn open"),
    Case("dates by hand", "d = datetime(2024, 1, 2, tzinfo=timezone.utc)\nreturn isinstance(d, datetime), d + timedelta(days=1), d.timestamp(), "
         "datetime.strptime('2024', '%Y'), d.strftime('%Y'), datetime.fromtimestamp(5, timezone.utc), date(2024, 1, 2).isoformat()",
         top="from datetime import date, datetime, timedelta, timezone"),
    Case("numpy", "a = np.arange(5)\nreturn int(np.linalg.norm(a)), a.sum(), np.sort(np.array([3, 1])), norm(a)",
         top="import numpy as np\nfrom numpy.linalg import norm"),
    Case("a type of numpy", "x: npt.NDArray[np.int64] = np.zeros(1, dtype=np.int64)\nreturn x", top="import numpy as np\nimport numpy.typing as npt"),
    Case("library modules",
         "return math.isqrt(9), Decimal('1.5'), Fraction(1, 2), deque([1]), json.dumps({'a': 1}), re.sub('a', 'b', 'a'), bisect.bisect([1], 1)",
         top="import bisect, json, math, re\nfrom collections import deque\nfrom decimal import Decimal\nfrom fractions import Fraction"),
    Case("a dataclass", "return D(1).x", top="from __future__ import annotations\nfrom dataclasses import dataclass, field\n\n@dataclass(frozen=True, slots=True)\n"
         "class D:\n    x: int\n    y: list[int] = field(default_factory=list)"),
    Case("a message type", "return msgspec.json.decode(msgspec.json.encode(M(1)), type=M)",
         top="from __future__ import annotations\nimport msgspec\n\nclass M(msgspec.Struct):\n    x: int"),
    Case("an enum and a named tuple", "return E.A, P(1, 2)",
         top="import enum\nfrom typing import NamedTuple\n\nclass E(enum.IntEnum):\n    A = 1\n\nclass P(NamedTuple):\n    x: int\n    y: int"),
    Case("a hash of its own", "return len({K('a'), K('a')})",
         top="class K:\n    def __init__(self, s):\n        self.s = s\n    def __eq__(self, o):\n        return self.s == o.s\n"
             "    def __hash__(self):\n        return hash((self.s, 1))"),
    Case("the public names", "return Strategy, reenact.Side.BUY, domain.terms.Side", top="import domain.terms\nimport reenact\nfrom reenact import Strategy"),
    Case("everything of a module", "return isqrt(9)", top="from math import *"),
    Case("printing", "print('hello')"),
]  # fmt: skip
