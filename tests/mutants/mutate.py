"""Makes the mutants of a module: its source with one small mistake each, of the sort that a tired person makes."""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

_COMPARE: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
_ARITHMETIC: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Add,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
}
_SWAPPED = {"min": "max", "max": "min"}


class Mutant(NamedTuple):
    """One mistake: where (file, function, line), the statement before and after, and the whole source with it."""

    file: str
    function: str
    line: int
    before: str
    after: str
    source: str

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What names a mutant for as long as its statement stays as it is."""
        return self.file, self.function, self.before, self.after


def mutants(path: Path, root: Path) -> Iterator[Mutant]:
    """Every mutant of the functions in a file: comparisons, arithmetic, and/or, not, signs, whole numbers, flags, branches, min and max."""
    tree = ast.parse(path.read_text())
    name = path.relative_to(root).as_posix()
    for function, statement, node in _places(tree):
        for change in _changes(node):
            kept = {field: getattr(node, field) for field in change}
            before = _text(statement)
            for field, value in change.items():
                setattr(node, field, value)
            after = _text(statement)
            if after != before:
                yield Mutant(name, function, getattr(node, "lineno", statement.lineno), before, after, ast.unparse(ast.fix_missing_locations(tree)))
            for field, value in kept.items():
                setattr(node, field, value)


def _places(tree: ast.Module) -> Iterator[tuple[str, ast.stmt, ast.AST]]:
    """Every node of every function's body, with the statement it stands in; documentation and annotations are no code."""
    for function in (n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef)):
        for statement in (n for part in function.body for n in ast.walk(part) if isinstance(n, ast.stmt)):
            yield from ((function.name, statement, node) for node in _own(statement))


def _own(statement: ast.stmt) -> Iterator[ast.AST]:
    """The nodes of a statement without those of the statements inside it."""
    if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
        return
    waiting: list[ast.AST] = [statement]
    while waiting:
        node = waiting.pop(0)
        yield node
        for field, value in ast.iter_fields(node):
            if field in ("annotation", "returns", "msg", "exc", "cause"):
                continue
            waiting += [v for v in (value if isinstance(value, list) else [value]) if isinstance(v, ast.AST) and not isinstance(v, ast.stmt)]


def _changes(node: ast.AST) -> Iterator[dict[str, object]]:
    match node:
        case ast.Compare():
            for i, op in enumerate(node.ops):
                for other in _COMPARE.get(type(op), ()):
                    yield {"ops": [*node.ops[:i], other(), *node.ops[i + 1 :]]}
        case ast.BinOp() | ast.AugAssign():
            if type(node.op) in _ARITHMETIC:
                yield {"op": _ARITHMETIC[type(node.op)]()}
        case ast.BoolOp():
            yield {"op": ast.Or() if isinstance(node.op, ast.And) else ast.And()}
        case ast.If() | ast.IfExp() | ast.While():
            if not isinstance(node.test, ast.Compare):
                yield {"test": ast.UnaryOp(ast.Not(), copy.deepcopy(node.test))}
        case ast.UnaryOp(op=ast.USub()):
            yield {"op": ast.UAdd()}
        case ast.Constant(value=bool() as flag):
            yield {"value": not flag}
        case ast.Constant(value=int() as number):
            yield {"value": number + 1}
        case ast.Call(func=ast.Name(id=name)) if name in _SWAPPED:
            yield {"func": ast.Name(_SWAPPED[name], ast.Load())}


def _text(statement: ast.stmt) -> str:
    """A statement as people read it; of a block only its head."""
    text = ast.unparse(statement)
    return text.splitlines()[0] if hasattr(statement, "body") else text
