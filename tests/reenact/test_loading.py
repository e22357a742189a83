"""Which class a name means, and how parameters become a strategy."""

from __future__ import annotations

import sys
from hashlib import sha256
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest

from domain.errors import ConfigInvalid, ReenactError, StrategyError
from domain.events import StrategySpec
from domain.strategies import BUILT_IN, SmaCross
from domain.strategy import Strategy
from reenact import loading
from reenact.loading import Loaded, instantiate, resolve, resolve_recorded

ONE = "import reenact\n\n\nclass Mine(reenact.Strategy):\n    def __init__(self, size: int = 1, name: str = 'x') -> None:\n        self.size = size\n        self.name = name\n"
TWO = ONE + "\n\nclass Other(Mine):\n    pass\n"


def write(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        (folder / f"{name}.py").write_text(text)
    return folder


def spec_of(loaded: Loaded) -> StrategySpec:
    return StrategySpec("s", loaded.target, loaded.sha256, loaded.source, "{}", (0,))


@pytest.mark.parametrize("name", sorted(BUILT_IN))
def test_a_built_in_name_is_its_class(name: str) -> None:
    loaded = resolve(name)
    assert (loaded.cls, loaded.target, loaded.source) == (BUILT_IN[name], name, "")
    assert len(loaded.sha256) == 64


def test_a_file_with_one_strategy_needs_no_class_name(tmp_path: Path) -> None:
    loaded = resolve("mine.py", write(tmp_path, mine=ONE))
    assert loaded.target == "mine.py:Mine"
    assert loaded.source == ONE
    assert loaded.sha256 == sha256(ONE.encode()).hexdigest()
    assert issubclass(loaded.cls, Strategy)


def test_a_file_with_several_strategies_needs_one(tmp_path: Path) -> None:
    write(tmp_path, mine=TWO)
    assert resolve("mine.py:Other", tmp_path).cls.__name__ == "Other"
    with pytest.raises(ConfigInvalid, match=r"holds the strategies Mine, Other; say which, as mine\.py:Mine"):
        resolve("mine.py", tmp_path)


def test_a_file_is_found_by_its_whole_path_too(tmp_path: Path) -> None:
    write(tmp_path, mine=ONE)
    assert resolve(f"{tmp_path / 'mine.py'}:Mine").cls.__name__ == "Mine"


def test_a_class_of_an_installed_module_is_found() -> None:
    loaded = resolve("domain.strategies.sma:SmaCross")
    assert loaded.cls is SmaCross
    assert loaded.source == ""


def test_an_installed_entry_point_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    point = EntryPoint("trend", "domain.strategies.sma:SmaCross", "reenact.strategies")
    monkeypatch.setattr(loading, "entry_points", lambda **asked: [point] if asked.get("name", "trend") == "trend" else [])
    assert resolve("trend").cls is SmaCross


@pytest.mark.parametrize(
    ("use", "sentence"),
    [
        ("smma", 'there is no strategy "smma". Did you mean "sma"?'),
        ("nothing", "Known are hold, maker, momentum, sma, vwap"),
        ("none.py", "cannot be read: No such file"),
        ("mine.py:Missing", "no strategy class Missing in this file. It holds Mine."),
        ("empty.py", "holds no strategy; derive a class from reenact.Strategy"),
        ("no.such.module:X", "there is no module no; is its package installed?"),
        ("domain.strategies.sma:CrossTrack", "CrossTrack in domain.strategies.sma is no strategy class"),
    ],
)
def test_a_name_that_means_nothing_is_answered_in_a_sentence(use: str, sentence: str, tmp_path: Path) -> None:
    write(tmp_path, mine=ONE, empty="from reenact import Strategy\n")
    with pytest.raises(ConfigInvalid) as e:
        resolve(use, tmp_path)
    assert sentence in str(e.value)


@pytest.mark.parametrize(
    ("text", "line", "sentence"),
    [
        ("x = 1\nclass Mine(:\n", 2, "no valid Python"),
        ("x = 1\nimport time\n", 2, "time reads the clock"),
        ("x = 1\n\ny = undefined\n", 3, "NameError"),
        ("import reenact\n\n\nclass Mine(reenact.Strategy):\n    x = 1 / 0\n", 5, "ZeroDivisionError"),
        ("from math import nothing\n", 1, "ImportError"),
    ],
)
def test_what_fails_in_a_file_is_named_with_its_line(text: str, line: int, sentence: str, tmp_path: Path) -> None:
    write(tmp_path, mine=text)
    with pytest.raises(StrategyError, match=sentence) as e:
        resolve("mine.py", tmp_path)
    assert (e.value.file, e.value.line) == (str(tmp_path / "mine.py"), line)


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigInvalid, match="not UTF-8"):
        resolve("mine.py", tmp_path)


def test_a_strategy_that_reads_the_clock_fails_at_run_time_with_file_and_line(tmp_path: Path) -> None:
    text = "import reenact\nfrom datetime import datetime\n\n\nclass Mine(reenact.Strategy):\n    def on_tick(self, ctx, tick):\n        self.at = datetime.now()\n"
    strategy = instantiate(resolve("mine.py", write(tmp_path, mine=text)), {})
    nothing: Any = None
    with pytest.raises(StrategyError, match="reads the clock") as e:
        strategy.on_tick(nothing, nothing)
    assert (e.value.file, e.value.line) == (str(tmp_path / "mine.py"), 7)


MAIN = "import tools\nfrom reenact import Strategy\n\n\nclass Mine(Strategy):\n    n = tools.more.N\n"


def test_helper_files_belong_to_the_source_and_its_fingerprint(tmp_path: Path) -> None:
    write(tmp_path, mine=MAIN, tools="import more", more="N = 5\n", unused="N = 6\n")
    first = resolve("mine.py", tmp_path)
    assert first.cls.n == 5  # type: ignore[attr-defined]
    assert "N = 5" in first.source
    assert "N = 6" not in first.source
    write(tmp_path, more="N = 7\n")
    second = resolve("mine.py", tmp_path)
    assert second.cls.n == 7  # type: ignore[attr-defined]
    assert second.sha256 != first.sha256


def test_a_fault_in_a_helper_file_is_named_there(tmp_path: Path) -> None:
    write(tmp_path, mine=MAIN, tools="import more\n\nimport random\n", more="N = 5\n")
    with pytest.raises(StrategyError) as e:
        resolve("mine.py", tmp_path)
    assert (e.value.file, e.value.line) == (str(tmp_path / "tools.py"), 3)


def test_a_recorded_strategy_runs_as_it_is_today_or_from_the_log_alone(tmp_path: Path) -> None:
    write(tmp_path, mine=MAIN, tools="import more", more="N = 5")
    spec = spec_of(resolve("mine.py", tmp_path))
    again, where = resolve_recorded(spec, tmp_path)
    assert (again.cls.n, where) == (5, f"{tmp_path / 'mine.py'}, as recorded")  # type: ignore[attr-defined]
    write(tmp_path, more="N = 6")
    again, where = resolve_recorded(spec, tmp_path)
    assert (again.cls.n, where) == (6, f"{tmp_path / 'mine.py'}, changed since the recording")  # type: ignore[attr-defined]
    again, where = resolve_recorded(spec, tmp_path, recorded=True)
    assert (again.cls.n, where) == (5, "the recorded source of mine.py, as asked")  # type: ignore[attr-defined]
    again, where = resolve_recorded(spec, tmp_path / "elsewhere")
    assert (again.cls.n, where) == (5, f"the recorded source of mine.py, {tmp_path / 'elsewhere' / 'mine.py'} is not here")  # type: ignore[attr-defined]
    assert (again.sha256, again.source, again.target) == (spec.source_sha256, spec.source, spec.target)


def test_a_recorded_built_in_strategy_says_whether_its_code_changed() -> None:
    spec = spec_of(resolve("sma"))
    assert resolve_recorded(spec) == (resolve("sma"), "sma, as recorded")
    older = StrategySpec("s", "sma", "0" * 64, "", "{}", (0,))
    assert resolve_recorded(older)[1] == "sma, changed since the recording"


@pytest.mark.parametrize("params", [{}, {"fast": 5}, {"fast": 5, "slow": 9, "qty": 3, "side": "both", "source": "bar"}, {"fast": "5"}])
def test_parameters_become_arguments(params: dict[str, object]) -> None:
    assert isinstance(instantiate(resolve("sma"), params), SmaCross)


def test_lists_become_tuples_where_one_is_asked_for() -> None:
    instantiate(resolve("vwap"), {"qty": 5, "end_ns": 10, "profile": [1, 2]})


@pytest.mark.parametrize(
    ("use", "params", "sentences"),
    [
        ("sma", {"fats": 5}, ["params.fats: there is no such parameter; did you mean fast?", "Accepted are: fast = 20, slow = 50, qty = 1"]),
        ("sma", {"fast": 1.5, "qty": True}, ["params.fast: expected int, got float; it is 1.5", "params.qty: expected int, got bool; it is True"]),
        ("sma", {"fast": "many"}, ["params.fast: expected int, got str; it is 'many'"]),
        ("sma", {"side": "short"}, ["params.side: invalid enum value 'short'"]),
        ("vwap", {}, ["params.qty: is missing", "params.end_ns: is missing. Accepted are: qty, end_ns, side = 'buy'"]),
        ("sma", {"fast": 60}, ["fast must be at least 1 and less than slow; they are 60 and 50. Accepted are: fast = 20"]),
    ],
)
def test_bad_parameters_are_all_named_with_the_accepted_ones(use: str, params: dict[str, object], sentences: list[str]) -> None:
    with pytest.raises(ConfigInvalid) as e:
        instantiate(resolve(use), params)
    for sentence in sentences:
        assert sentence in str(e.value)


def test_a_strategy_without_parameters_says_so(tmp_path: Path) -> None:
    loaded = resolve("mine.py", write(tmp_path, mine="import reenact\n\n\nclass Mine(reenact.Strategy):\n    pass\n"))
    assert isinstance(instantiate(loaded, {}), Strategy)
    with pytest.raises(ConfigInvalid, match="It takes no parameters"):
        instantiate(loaded, {"x": 1})


def test_parameters_without_annotation_or_with_any_name_are_taken_as_they_are(tmp_path: Path) -> None:
    text = "import reenact\n\n\nclass Mine(reenact.Strategy):\n    def __init__(self, a, **more):\n        self.got = a, more\n"
    strategy: Any = instantiate(resolve("mine.py", write(tmp_path, mine=text)), {"a": [1], "b": "2"})
    assert strategy.got == ([1], {"b": "2"})


def test_a_constructor_that_fails_is_named_with_its_line(tmp_path: Path) -> None:
    text = "import reenact\n\n\nclass Mine(reenact.Strategy):\n    def __init__(self):\n        self.x = {}['a']\n"
    loaded = resolve("mine.py", write(tmp_path, mine=text))
    with pytest.raises(StrategyError, match="KeyError") as e:
        instantiate(loaded, {})
    assert (e.value.file, e.value.line) == (str(tmp_path / "mine.py"), 6)


def test_loading_leaves_the_search_path_alone(tmp_path: Path) -> None:
    before = list(sys.path)
    resolve("mine.py", write(tmp_path, mine=MAIN, tools="import more", more="N = 5"))
    assert sys.path == before
    assert "tools" not in sys.modules


@pytest.mark.parametrize("use", ["", ":", ".py", "a:b:c", "../x.py:Y", "x.py:", "\0.py"])
def test_strange_names_are_refused_in_a_sentence(use: str, tmp_path: Path) -> None:
    with pytest.raises(ReenactError):
        resolve(use, tmp_path)
