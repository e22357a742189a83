"""Decides what a strategy's code may import and use: the determinism contract as tables, shared by the lint and the run-time guard.

Invariants: what is not listed as allowed cannot be imported; every refusal has a code, a sentence and a remedy.
Source: house rule (law 4).
"""

from __future__ import annotations

from typing import NamedTuple


def _words(text: str) -> list[str]:
    return text.split()


ALLOWED = frozenset(
    _words("""
    __future__ abc array bisect collections copy dataclasses datetime decimal domain enum fractions functools heapq itertools json math
    msgspec numbers numpy operator re reenact statistics string struct textwrap types typing typing_extensions
    """)
)
"""Top-level modules whose answers depend on their arguments only, but for what is listed in `DENIED`."""


class Rule(NamedTuple):
    """Why something is refused. `sentence` has a place for the name; `remedy` says what to do instead."""

    code: str
    sentence: str
    remedy: str


CLOCK = Rule("clock", "{} reads the clock", "Use ctx.now_ns, or ctx.set_timer to be woken.")
CHANCE = Rule("chance", "{} is chance that the log does not hold", "Use ctx.chance, which is seeded from the session.")
ENVIRONMENT = Rule("environment", "{} depends on the machine", "Take it as a parameter of the strategy.")
NETWORK = Rule("network", "{} reaches the network", "Outside data must come as inputs of the session.")
DISK = Rule("disk", "{} reaches the disk or a terminal", "Take it as a parameter of the strategy, or print.")
THREADS = Rule("threads", "{} runs things at times that the log does not hold", "Use ctx.set_timer to do something later.")
SET_ORDER = Rule("set-order", "{} takes a set in an order that changes from run to run", "Sort it first: sorted(...).")
TIES = Rule("set-order", "{} with a key takes a set's equal elements in an order that changes from run to run", "Sort it without a key first.")
IDENTITY = Rule("identity", "{} changes from run to run", "Compare or number the things themselves.")
FINALIZER = Rule("finalizer", "{} runs when the interpreter pleases", "Do it in a callback of the strategy.")
GLOBAL_STATE = Rule("global-state", "{} changes state outside the strategy", "Keep it in an attribute of self.")
DYNAMIC = Rule("dynamic-code", "{} runs code that nobody can check", "Write the code itself.")
UNKNOWN_IMPORT = Rule("import", "{} is not among the modules a strategy may import", "Allowed are: {allowed}, and files beside the strategy.")

MODULES: dict[str, Rule] = {
    name: rule
    for rule, names in (
        (CLOCK, "time timeit sched calendar zoneinfo"),
        (CHANCE, "random secrets uuid"),
        (ENVIRONMENT, "os sys platform locale getpass pwd sysconfig site gc weakref inspect traceback resource"),
        (NETWORK, "socket ssl requests urllib urllib3 http httpx aiohttp websockets websocket ftplib smtplib socketserver select xmlrpc"),
        (DISK, "io pathlib shutil glob tempfile fileinput sqlite3 dbm shelve pickle csv mmap zipfile tarfile gzip logging"),
        (THREADS, "threading multiprocessing asyncio concurrent subprocess signal queue _thread contextvars"),
        (DYNAMIC, "importlib builtins ctypes cffi runpy code codeop marshal"),
    )
    for name in _words(names)
}

DENIED: dict[str, Rule] = {
    "datetime.datetime.now": CLOCK,
    "datetime.datetime.utcnow": CLOCK,
    "datetime.datetime.today": CLOCK,
    "datetime.date.today": CLOCK,
    "numpy.random": CHANCE,
    "statistics.NormalDist.samples": CHANCE,
    **{f"numpy.{name}": DISK for name in _words("load loadtxt genfromtxt fromfile fromregex save savez savez_compressed savetxt memmap DataSource")},
    **{f"numpy.{name}": ENVIRONMENT for name in _words("show_config show_runtime get_include testing ctypeslib f2py distutils")},
}
"""What is refused inside allowed modules, by dotted name."""

BUILTINS: dict[str, Rule] = {
    "open": DISK,
    "input": DISK,
    "breakpoint": DISK,
    "help": DISK,
    "exit": GLOBAL_STATE,
    "quit": GLOBAL_STATE,
    "id": IDENTITY,
    "hash": IDENTITY,
    "eval": DYNAMIC,
    "exec": DYNAMIC,
    "compile": DYNAMIC,
    "__import__": DYNAMIC,
}
"""Built-in functions that are refused when used; `hash` only of what is not a number."""

DAYS = ("now", "today")
"""Texts from which numpy.datetime64 reads the clock."""

CONSUMERS = frozenset(
    _words("""
    list tuple iter next enumerate zip map filter reversed dict.fromkeys
    collections.deque collections.OrderedDict collections.Counter functools.reduce heapq.merge heapq.nlargest heapq.nsmallest
    itertools.accumulate itertools.chain itertools.chain.from_iterable itertools.combinations itertools.compress itertools.cycle
    itertools.dropwhile itertools.filterfalse itertools.groupby itertools.islice itertools.pairwise itertools.permutations itertools.product
    itertools.starmap itertools.takewhile itertools.tee itertools.zip_longest numpy.array numpy.asarray numpy.fromiter
    """)
)
"""Functions whose result shows the order of their iterable arguments."""

CONSUMING_METHODS = frozenset({"extend", "extendleft", "fromkeys", "from_iterable", "join"})
"""Methods whose result shows the order of their iterable argument."""

ORDERLESS = frozenset({"sorted", "set", "frozenset", "any", "all", "min", "max", "len"})
"""Built-in functions whose result does not, given no key."""


def module_rule(name: str) -> Rule | None:
    """Why a module may not be imported, None when it may (or may in part)."""
    root = name.partition(".")[0]
    if root in MODULES:
        return MODULES[root]
    if root not in ALLOWED or (root == "reenact" and name != root):
        return UNKNOWN_IMPORT
    return denied(name)


def denied(dotted: str) -> Rule | None:
    """The rule against a dotted name inside an allowed module, or against one it is a part of."""
    while dotted:
        if dotted in DENIED:
            return DENIED[dotted]
        dotted = dotted.rpartition(".")[0]
    return None


def sentence(rule: Rule, name: str) -> tuple[str, str]:
    """The rule's sentence about `name` and its remedy."""
    return rule.sentence.format(name) + ".", rule.remedy.format(allowed=", ".join(sorted(ALLOWED - {"__future__", "typing_extensions"})))
