"""Rules of the house that are executed: public names, documents in step, rooms of a readable size, no bypass of the risk room."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import click
import pytest

import reenact
from adapters.venues.simulated import Sendable
from domain.events import OrderCancelRequested
from domain.risk import Approved
from reenact.cli import main
from tests.data import ROOT

PACKAGES = ("domain", "projections", "adapters", "reenact")
MOST_LINES = 400
MOST_FUNCTION = 60


def sources() -> list[Path]:
    return [f for p in PACKAGES for f in sorted((ROOT / p).rglob("*.py"))]


def functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    return (n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef))


def commands() -> dict[str, click.Command]:
    assert isinstance(main, click.Group)
    return main.commands


def test_the_facade_exports_what_it_names_and_nothing_else() -> None:
    """Given `reenact.__all__`, then it is sorted, complete and importable."""
    public = {n for n in vars(reenact) if not n.startswith(("_", "@"))}  # pytest rewrites what holds a plugin, and leaves names with an @
    submodules = {f.stem for f in (ROOT / "reenact").glob("*.py")} | {f.name for f in (ROOT / "reenact").iterdir() if f.is_dir()}
    assert set(reenact.__all__) == public - submodules - {"annotations"} | (set(reenact.__all__) & submodules)
    assert len(set(reenact.__all__)) == len(reenact.__all__)


@pytest.mark.parametrize("file", sources(), ids=lambda f: str(f.relative_to(ROOT)))
def test_rooms_and_functions_have_a_readable_size_and_every_module_says_what_it_decides(file: Path) -> None:
    """Given any module, then it has at most 400 lines, functions of at most 60, and a docstring."""
    text = file.read_text()
    tree = ast.parse(text)
    assert text.count("\n") <= MOST_LINES
    assert [f.name for f in functions(tree) if (f.end_lineno or 0) - f.lineno > MOST_FUNCTION] == []
    assert not text.strip() or ast.get_docstring(tree)


def test_only_the_desk_makes_orders() -> None:
    """Given all source, then `OrderSubmitted` and `OrderReplaceRequested` are constructed by the desk alone, behind its checks.

    Snapshots make one blank, into which a remembered order is read back; it is never handed out.
    """
    makers = {
        str(file.relative_to(ROOT))
        for file in sources()
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("OrderSubmitted", "OrderReplaceRequested")
    }
    assert makers == {"domain/desk.py", "reenact/blanks.py"}


def test_no_path_to_a_venue_bypasses_risk() -> None:
    """Given all source, then only the risk room makes an approved order, of answers that only the gate collects, only the desk asks it to, and no venue takes anything else but cancels.

    Snapshots make one blank, into which an approved order is read back.
    """
    makers, judges, askers, takers = set[str](), set[str](), set[str](), dict[str, str]()
    for file in sources():
        name = str(file.relative_to(ROOT))
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                makers |= {name} if node.func.id == "Approved" else set()
                judges |= {name} if node.func.id == "Answers" else set()
                askers |= {name} if node.func.id == "approve" else set()
            elif isinstance(node, ast.FunctionDef) and node.name == "submit" and name.startswith("adapters/venues/"):
                takers[name] = ast.unparse(node.args.args[1].annotation or node.args)
    assert makers == {"domain/risk/approval.py"}
    assert judges == {"domain/risk/gate.py", "reenact/blanks.py"}
    assert askers == {"domain/desk.py", "reenact/blanks.py"}
    assert set(takers.values()) == {"Sendable"}
    assert get_args(Sendable) == (Approved, OrderCancelRequested)


def test_documents_are_in_step_with_the_code() -> None:
    """Given docs/events.md, then generating it again changes nothing."""
    done = subprocess.run(
        [sys.executable, "docs/generate.py", "--check"], cwd=ROOT, capture_output=True, text=True, check=False, env=os.environ | {"PYTHONPATH": "."}
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", sorted(commands()))
def test_every_command_is_in_the_readme(name: str) -> None:
    """Given a command, then the README names it."""
    assert re.search(rf"reenact {name}\b", (ROOT / "README.md").read_text())


def test_the_tour_of_the_readme_names_only_commands_that_exist() -> None:
    """Given the README, then every `reenact WORD` in a code line is a command."""
    used = set(re.findall(r"^\$ reenact ([a-z-]+)", (ROOT / "README.md").read_text(), flags=re.MULTILINE))
    assert used <= set(commands())
    assert used


def test_nothing_is_left_undone_in_the_code() -> None:
    """Given all source, then there is no leftover mark."""
    pattern = re.compile(r"\b(TODO|FIXME|XXX)\b")
    assert [str(f) for f in sources() if pattern.search(f.read_text())] == []
