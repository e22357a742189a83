"""The determinism contract holds twice: when a strategy is read and when it runs."""

from __future__ import annotations

import ast
import datetime as dt
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import ConfigInvalid, StrategyError
from reenact.guard import Guard
from reenact.lint import lint_file, lint_source
from tests.reenact.contract_cases import ALLOWED_CASES, SEEN_AT_RUN_TIME_ONLY, SEEN_BY_BOTH, SEEN_BY_LINT_ONLY, Case


def names(cases: list[Case]) -> list[Any]:
    return [pytest.param(c, id=c.name) for c in cases]


def guarded(text: str, **beside: str) -> Any:
    return Guard("mine.py", text, {name: (f"{name}.py", helper) for name, helper in beside.items()}).load()


def run(case: Case) -> Any:
    return guarded(case.text).go()


@pytest.mark.parametrize("case", names([*SEEN_BY_BOTH, *SEEN_BY_LINT_ONLY]))
def test_the_lint_names_the_line_and_the_kind(case: Case) -> None:
    assert [(f.line, f.code) for f in lint_source(case.text, "mine.py")] == case.places


@pytest.mark.parametrize("case", names([*SEEN_BY_BOTH, *SEEN_AT_RUN_TIME_ONLY]))
def test_the_guard_stops_at_the_line(case: Case) -> None:
    with pytest.raises(StrategyError) as e:
        run(case)
    assert [(e.value.file, e.value.line)] == [("mine.py", line) for line, _ in case.places]
    assert e.value.remedy


@pytest.mark.parametrize("case", names(ALLOWED_CASES))
def test_what_is_allowed_passes_both(case: Case) -> None:
    assert [str(f) for f in lint_source(case.text, "mine.py")] == []
    run(case)


@pytest.mark.parametrize("case", names([c for c in ALLOWED_CASES if "class " not in c.text]))
def test_what_is_allowed_gives_what_it_gives_unguarded(case: Case) -> None:
    plain: dict[str, Any] = {"__name__": "plain"}
    exec(compile(case.text, "plain.py", "exec", dont_inherit=True), plain)  # noqa: S102
    assert repr(run(case)) == repr(plain["go"]())


def test_a_finding_reads_as_place_code_sentence_and_remedy() -> None:
    found = lint_source("import time\n\nnow = time.time()\n", "my.py")
    assert [str(f) for f in found] == [
        "my.py:1:1: clock: time reads the clock. Use ctx.now_ns, or ctx.set_timer to be woken.",
        "my.py:3:7: clock: time.time reads the clock. Use ctx.now_ns, or ctx.set_timer to be woken.",
    ]


def test_a_refusal_reads_as_place_sentence_and_remedy() -> None:
    with pytest.raises(StrategyError) as e:
        guarded("from datetime import datetime\n\ndef go():\n    return datetime.now()\n").go()
    assert str(e.value) == "mine.py:4: datetime.datetime.now() reads the clock. Use ctx.now_ns, or ctx.set_timer to be woken."


def test_the_innermost_line_of_the_users_code_is_named_when_a_library_calls_it() -> None:
    with pytest.raises(StrategyError) as e:
        guarded("from functools import reduce\ndef f(a, b):\n    return id(a)\nreduce(f, [1, 2])\n")
    assert e.value.line == 3


def test_every_text_that_is_no_python_is_refused_with_its_line(tmp_path: Path) -> None:
    for read in (lambda t: lint_source(t, "mine.py"), guarded):
        with pytest.raises(StrategyError, match="no valid Python") as e:
            read("x = 1\nif x\n")
        assert (e.value.file, e.value.line) == ("mine.py", 2)


def test_helper_files_run_under_the_same_guard() -> None:
    with pytest.raises(StrategyError) as e:
        guarded("from tools import order\ndef go():\n    return order({'a', 'b'})\n", tools="def order(xs):\n    return list(xs)\n").go()
    assert (e.value.file, e.value.line) == ("tools.py", 2)


@pytest.mark.parametrize(
    "text", ["import tools\nx = tools.y", "from tools import y as x", "from . import tools\nx = tools.y", "from .tools import y as x"]
)
def test_helper_files_are_imported_in_every_form(text: str) -> None:
    assert guarded(text, tools="y = 5").x == 5


def test_helper_files_may_import_one_another() -> None:
    assert guarded("import a\nx = a.f()", a="import b\ny = 3\ndef f():\n    return b.g()", b="import a\ndef g():\n    return a.y").x == 3


def test_a_helper_file_that_does_not_exist_is_named() -> None:
    with pytest.raises(StrategyError, match="tools is not among the modules"):
        guarded("from .tools import y")


def test_a_helper_file_may_not_hide_a_library_module() -> None:
    with pytest.raises(StrategyError, match="name of the library module json"):
        guarded("import json", json="")


def test_a_refused_import_cannot_be_caught_as_a_missing_module() -> None:
    with pytest.raises(StrategyError):
        guarded("try:\n    import random\nexcept ImportError:\n    pass\n")


def test_a_module_that_is_allowed_but_not_there_is_pythons_own_error() -> None:
    with pytest.raises(ImportError):
        guarded("from math import nothing")


def test_hashes_of_numbers_are_the_same_in_every_run_and_pass_the_guard() -> None:
    assert guarded("def go():\n    return hash(5), hash((1, 2.5))\n").go() == (hash(5), hash((1, 2.5)))


def test_each_load_is_fresh() -> None:
    text = "seen = []\ndef go():\n    seen.append(1)\n    return len(seen)\n"
    assert [guarded(text).go(), guarded(text).go()] == [1, 1]


def test_guarding_leaves_the_real_modules_alone() -> None:
    guarded("import datetime\nclass D(datetime.datetime):\n    pass\n")
    assert dt.datetime.now(dt.UTC).year > 2000


def test_the_lines_of_a_rewritten_file_are_its_own() -> None:
    module = guarded("def go(xs):\n    out = [\n        x\n        for x in xs\n    ]\n    return 1 // len(out)\n")
    with pytest.raises(ZeroDivisionError) as e:
        module.go([])
    assert e.traceback[-1].lineno == 5


@given(st.lists(st.integers()), st.sampled_from([list, tuple, iter, lambda xs: dict.fromkeys(xs), lambda xs: (x for x in xs)]))
def test_everything_but_sets_is_iterated_as_before(xs: list[int], form: Any) -> None:
    go = guarded("def go(xs):\n    a = []\n    for x in xs:\n        a.append(x)\n    return a\n").go
    assert go(form(xs)) == list(form(xs))


@given(st.sets(st.integers() | st.text(), max_size=4), st.booleans())
def test_no_set_is_iterated(xs: set[Any], frozen: bool) -> None:
    with pytest.raises(StrategyError):
        guarded("def go(xs):\n    for x in xs:\n        pass\n").go(frozenset(xs) if frozen else xs)


def test_the_lint_reads_files_and_knows_what_stands_beside_them(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("import tools\nimport others\n")
    (tmp_path / "tools.py").write_text("")
    assert [f.sentence for f in lint_file(tmp_path / "mine.py")] == ["others is not among the modules a strategy may import."]


def test_the_lint_says_when_a_file_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(ConfigInvalid, match="cannot be read"):
        lint_file(tmp_path / "none.py")
    (tmp_path / "latin.py").write_bytes(b"x = '\xe9'")
    with pytest.raises(ConfigInvalid, match="not UTF-8"):
        lint_file(tmp_path / "latin.py")


def test_the_built_in_strategies_keep_the_contract() -> None:
    folder = Path(__file__).parents[2] / "domain" / "strategies"
    files = sorted(folder.glob("*.py"))
    assert len(files) > 5
    assert [str(f) for file in files for f in lint_file(file)] == []


def test_the_cases_are_python_and_marked() -> None:
    for case in [*SEEN_BY_BOTH, *SEEN_BY_LINT_ONLY, *SEEN_AT_RUN_TIME_ONLY]:
        ast.parse(case.text)
        assert len(case.places) == 1, case.name
