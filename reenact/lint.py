"""Decides which lines of a strategy's source break the determinism contract, without running it.

Invariants: nothing is imported or executed; one finding per place and code, in the order of the lines; a name that the source itself
gives another meaning to (a parameter called `time`) is not a finding; what is sorted, counted or tested for membership is not either.
What no reading can see (a set that comes back from a function without annotation) is the run-time guard's part.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Collection
from pathlib import Path

import msgspec

from domain.errors import ConfigInvalid
from reenact.contract import (
    ALLOWED,
    BUILTINS,
    CLOCK,
    CONSUMERS,
    CONSUMING_METHODS,
    DAYS,
    ENVIRONMENT,
    FINALIZER,
    GLOBAL_STATE,
    ORDERLESS,
    SET_ORDER,
    TIES,
    UNKNOWN_IMPORT,
    Rule,
    module_rule,
    sentence,
)
from reenact.contract import denied as denied_inside
from reenact.guard import parse
from reenact.names import OTHER, SET, Names, shadow


class Finding(msgspec.Struct, frozen=True):
    """One place that breaks the contract. `line` and `column` count from 1."""

    file: str
    line: int
    column: int
    code: str
    sentence: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}: {self.code}: {self.sentence} {self.remedy}"


def lint_file(path: Path) -> list[Finding]:
    """The findings in a file; files beside it may be imported. Raises ConfigInvalid when it cannot be read, StrategyError when it is no Python."""
    try:
        text = path.read_text(encoding="utf-8")
        beside = {p.stem for p in path.parent.glob("*.py")} - ALLOWED - sys.stdlib_module_names
    except (OSError, UnicodeDecodeError) as e:
        raise ConfigInvalid(
            [("", f"the file cannot be read: {e.strerror if isinstance(e, OSError) else 'it is not UTF-8 text'}")], place=str(path)
        ) from e
    return lint_source(text, str(path), beside)


def lint_source(text: str, file: str, beside: Collection[str] = ()) -> list[Finding]:
    """The findings in a source text. `beside`: names of the modules next to it. Raises StrategyError when it is no Python."""
    tree = parse(text, file)
    reader = _Reader(file, frozenset(beside))
    reader.names.collect(tree)
    reader.block(tree.body)
    return sorted(reader.findings.values(), key=lambda f: (f.line, f.column, f.code))


class _Reader(ast.NodeVisitor):
    """Walks a module in the order of its execution, so that the latest meaning of a name holds."""

    def __init__(self, file: str, beside: frozenset[str]) -> None:
        self.file = file
        self.beside = beside
        self.names = Names()
        self.findings: dict[tuple[int, int, str], Finding] = {}
        self.functions: list[str] = []

    def find(self, node: ast.AST, rule: Rule, name: str) -> None:
        line, column = getattr(node, "lineno", 1), getattr(node, "col_offset", 0) + 1
        self.findings.setdefault((line, column, rule.code), Finding(self.file, line, column, rule.code, *sentence(rule, name)))

    def block(self, body: list[ast.stmt]) -> None:
        for statement in body:
            self.visit(statement)

    # Imports

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            self._import(node, alias.name)
            name = alias.asname or alias.name.partition(".")[0]
            self.names.bind(name, alias.name if alias.asname else name)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        module = node.module or ""
        own = node.level > 0 or module.partition(".")[0] in self.beside
        refused = not own and self._import(node, module)
        for alias in node.names:
            dotted = f"{module}.{alias.name}"
            rule = None if own or refused else denied_inside(dotted)
            if rule is not None:
                self.find(node, rule, dotted)
            self.names.bind(alias.asname or alias.name, OTHER if own else dotted)

    def _import(self, node: ast.AST, module: str) -> bool:
        rule = None if module.partition(".")[0] in self.beside else module_rule(module)
        if rule is not None:
            self.find(node, rule, module)
        return rule is not None

    # Names and attributes

    def visit_Name(self, node: ast.Name) -> None:
        if isinstance(node.ctx, ast.Load):
            self._used(node)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        if not self._used(node):
            self.visit(node.value)

    def _used(self, node: ast.expr) -> bool:
        """Report a use of something refused; True when it was."""
        dotted = self.names.dotted(node)
        if dotted is None:
            return False
        root = dotted.partition(".")[0]
        rule = BUILTINS.get(dotted) if isinstance(node, ast.Name) and not self.names.known(dotted) else None
        if dotted in ("hash", "id") and self.functions and self.functions[-1] == "__hash__":
            rule = rule if dotted == "id" else None
        if rule is None and self.names.imported(node):
            rule = None if root in self.beside else module_rule(root) or denied_inside(dotted)
            rule = None if rule is UNKNOWN_IMPORT else rule
        if rule is not None:
            self.find(node, rule, dotted if rule is not BUILTINS.get(dotted) else f"{dotted}()")
        return rule is not None

    # Scopes

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        for part in (*node.decorator_list, *node.bases, *(k.value for k in node.keywords)):
            self.visit(part)
        self.names.bind(node.name, OTHER)
        self.names.open_class(node)
        self.block(node.body)
        self.names.close_class()

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self._function(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> None:
        self._function(node)

    def _function(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        if node.name == "__del__":
            self.find(node, FINALIZER, "__del__")
        for part in (*node.decorator_list, *node.args.defaults, *(d for d in node.args.kw_defaults if d is not None)):
            self.visit(part)
        self.names.bind(node.name, OTHER)
        self.names.open(shadow(node.args, self.names))
        self.functions.append(node.name)
        self.block(node.body)
        self.functions.pop()
        self.names.close()

    def visit_Lambda(self, node: ast.Lambda) -> None:
        for part in (*node.args.defaults, *(d for d in node.args.kw_defaults if d is not None)):
            self.visit(part)
        self.names.open(shadow(node.args, self.names))
        self.visit(node.body)
        self.names.close()

    def visit_Global(self, node: ast.Global) -> None:
        self.find(node, GLOBAL_STATE, f"global {', '.join(node.names)}")

    # Assignments

    def visit_Assign(self, node: ast.Assign) -> None:
        self.visit(node.value)
        for target in node.targets:
            if isinstance(target, ast.Tuple | ast.List) or (isinstance(target, ast.Subscript) and isinstance(target.slice, ast.Slice)):
                self._ordered(node.value, "unpacking")
            self._assign(target, node.value)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        if node.value is not None:
            self.visit(node.value)
        if isinstance(node.target, ast.Name):
            self.names.bind(node.target.id, SET if self.names.says_set(node.annotation) or (node.value and self.names.is_set(node.value)) else OTHER)
        else:
            self.visit(node.target)

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        self.visit(node.value)
        if isinstance(node.op, ast.Add):
            self._ordered(node.value, "+=")
        if not isinstance(node.target, ast.Name):
            self.visit(node.target)

    def visit_NamedExpr(self, node: ast.NamedExpr) -> None:
        self.visit(node.value)
        self._assign(node.target, node.value)

    def _assign(self, target: ast.expr, value: ast.expr | None) -> None:
        if isinstance(target, ast.Name):
            self.names.bind(target.id, self.names.meaning(value) if value is not None else OTHER)
        elif isinstance(target, ast.Tuple | ast.List):
            values = value.elts if isinstance(value, ast.Tuple | ast.List) and len(value.elts) == len(target.elts) else [None] * len(target.elts)
            for t, v in zip(target.elts, values, strict=True):
                self._assign(t.value if isinstance(t, ast.Starred) else t, v)
        else:
            self.visit(target)

    # Branches: what may be a set after either is one

    def visit_If(self, node: ast.If) -> None:
        self.visit(node.test)
        self._either(node.body, node.orelse)

    def visit_Try(self, node: ast.Try) -> None:
        self.block(node.body)
        self._either(*([h] for h in node.handlers), node.orelse)
        self.block(node.finalbody)

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> None:
        if node.type is not None:
            self.visit(node.type)
        if node.name:
            self.names.bind(node.name, OTHER)
        self.block(node.body)

    def visit_Match(self, node: ast.Match) -> None:
        self.visit(node.subject)
        self._either(*(case.body for case in node.cases))
        for case in node.cases:
            if case.guard is not None:
                self.visit(case.guard)

    def visit_While(self, node: ast.While) -> None:
        self.visit(node.test)
        self._either(node.body, [])
        self.block(node.orelse)

    def _either(self, *branches: list[ast.stmt] | list[ast.ExceptHandler]) -> None:
        before = self.names.snapshot()
        after = []
        for branch in branches:
            self.names.restore(before)
            for statement in branch:
                self.visit(statement)
            after.append(self.names.snapshot())
        self.names.merge(after)

    # Iteration

    def visit_For(self, node: ast.For) -> None:
        self._for(node)

    def visit_AsyncFor(self, node: ast.AsyncFor) -> None:
        self._for(node)

    def _for(self, node: ast.For | ast.AsyncFor) -> None:
        self._ordered(node.iter, "for")
        self.visit(node.iter)
        self._assign(node.target, None)
        self._either(node.body, [])
        self.block(node.orelse)

    def visit_ListComp(self, node: ast.ListComp) -> None:
        self._comprehension(node, [node.elt], free=False)

    def visit_GeneratorExp(self, node: ast.GeneratorExp, *, free: bool = False) -> None:
        self._comprehension(node, [node.elt], free=free)

    def visit_SetComp(self, node: ast.SetComp) -> None:
        self._comprehension(node, [node.elt], free=True)

    def visit_DictComp(self, node: ast.DictComp) -> None:
        self._comprehension(node, [node.key, node.value], free=False)

    def _comprehension(self, node: ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp, results: list[ast.expr], *, free: bool) -> None:
        """`free`: the order of what comes out does not show."""
        self.names.open({})
        for part in node.generators:
            if not free:
                self._ordered(part.iter, "a comprehension")
            self.visit(part.iter)
            self._assign(part.target, None)
            for test in part.ifs:
                self.visit(test)
        for result in results:
            self.visit(result)
        self.names.close()

    def visit_Starred(self, node: ast.Starred) -> None:
        if isinstance(node.ctx, ast.Load):
            self._ordered(node.value, "*")
        self.visit(node.value)

    def visit_Set(self, node: ast.Set) -> None:
        for element in node.elts:
            self.visit(element.value if isinstance(element, ast.Starred) else element)

    def visit_YieldFrom(self, node: ast.YieldFrom) -> None:
        self._ordered(node.value, "yield from")
        self.visit(node.value)

    def _ordered(self, iterable: ast.expr, who: str) -> None:
        if self.names.is_set(iterable):
            self.find(iterable, SET_ORDER, who)

    # Calls

    def visit_Call(self, node: ast.Call) -> None:
        name = self.names.dotted(node.func) or ""
        if isinstance(node.func, ast.Name) and self.names.known(name) and not self.names.imported(node.func):
            name = ""
        self._special(node, name)
        self.visit(node.func)
        keyed = any(k.arg == "key" for k in node.keywords)
        orderless = name in ORDERLESS and not keyed
        for n, argument in enumerate(node.args):
            if isinstance(argument, ast.GeneratorExp):
                self.visit_GeneratorExp(argument, free=orderless)
                continue
            if name in CONSUMERS or (isinstance(node.func, ast.Attribute) and node.func.attr in CONSUMING_METHODS and name not in CONSUMERS):
                self._ordered(argument, f"{name or ast.unparse(node.func)}()")
            elif keyed and n == 0 and name in ("sorted", "min", "max") and self.names.is_set(argument):
                self.find(argument, TIES, f"{name}()")
            elif name == "sum" and n == 0 and self.names.is_set(argument) and _has_float(argument):
                self.find(argument, SET_ORDER, "sum() of floats")
            self.visit(argument)
        for keyword in node.keywords:
            self.visit(keyword.value)

    def _special(self, node: ast.Call, name: str) -> None:
        """Calls that are refused for their arguments."""
        func = node.func
        if isinstance(func, ast.Attribute) and func.attr == "pop" and not node.args and self.names.is_set(func.value):
            self.find(node, SET_ORDER, "set.pop()")
        if name in ("getattr", "hasattr") and len(node.args) > 1 and isinstance(node.args[1], ast.Constant):
            inner = ast.copy_location(ast.Attribute(node.args[0], str(node.args[1].value), ast.Load()), node)
            self._used(inner)
        first = node.args[0] if node.args else None
        if name == "numpy.datetime64" and isinstance(first, ast.Constant) and first.value in DAYS:
            self.find(node, CLOCK, f'numpy.datetime64("{first.value}")')
        if name == "datetime.date.fromtimestamp" or (name == "datetime.datetime.fromtimestamp" and len(node.args) + len(node.keywords) < 2):
            self.find(node, ENVIRONMENT, f"{name} without a time zone")


def _has_float(node: ast.expr) -> bool:
    return any(isinstance(n, ast.Constant) and isinstance(n.value, float) for n in ast.walk(node))
