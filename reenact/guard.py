"""Decides how a user's strategy file runs: rewritten and fenced so that what the lint cannot see is refused when it happens.

Invariants: the code object's lines are the file's lines; each load makes fresh modules, so that nothing survives from one session to the
next; helper files beside the strategy run under the same guard and are read before the session, never during it.
Source: house rule (law 4); the restricted execution of Temporal's Python workflow sandbox is the example studied.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Mapping
from hashlib import sha256
from types import ModuleType

from domain.errors import StrategyError
from reenact.contract import ALLOWED, CONSUMERS, CONSUMING_METHODS, FINALIZER, ORDERLESS, sentence
from reenact.guarded import MARK, guarded_builtins, importer

BUILTIN_CONSUMERS = frozenset(name for name in CONSUMERS if "." not in name)
LIBRARY_CONSUMERS = frozenset(name.rpartition(".")[2] for name in CONSUMERS if "." in name)
ORDERED_ALREADY = frozenset({"range", "enumerate", "zip", "map", "filter", "sorted", "reversed"})


def parse(text: str, file: str) -> ast.Module:
    """The syntax tree of a source text. Raises StrategyError with file and line when it is no Python."""
    try:
        return ast.parse(text, file)
    except SyntaxError as e:
        raise StrategyError(f"this is no valid Python: {e.msg}.", file=file, line=e.lineno or 0) from e
    except ValueError as e:
        raise StrategyError(f"this is no valid Python: {e}.", file=file) from e


def imports_of(tree: ast.Module) -> list[str]:
    """The top-level names of everything a module may import, in the order of the text."""
    found: list[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [alias.name.partition(".")[0] for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            found += [node.module.partition(".")[0]] if node.module else [alias.name for alias in node.names]
    return list(dict.fromkeys(found))


class Guard:
    """Runs one strategy file and the helper files beside it. `beside`: module name → (file, text)."""

    def __init__(self, file: str, text: str, beside: Mapping[str, tuple[str, str]]) -> None:
        self.files = frozenset({file, *(f for f, _ in beside.values())})
        self._file, self._text, self._beside = file, text, dict(beside)
        self._modules: dict[str, ModuleType] = {}
        digest = sha256("\0".join([text, *(t for _, t in beside.values())]).encode()).hexdigest()
        self._prefix = f"reenact_user_{digest[:12]}"
        for name, (helper, _) in beside.items():
            if name in ALLOWED or name in sys.stdlib_module_names:
                raise StrategyError(
                    f"a file beside the strategy has the name of the library module {name}.", file=helper, remedy="Give it another name."
                )

    def load(self) -> ModuleType:
        """Run the file; its module. Raises StrategyError for what the contract forbids, and whatever the file's own code raises."""
        return self._run("strategy", self._file, self._text)

    def _helper(self, name: str) -> ModuleType | None:
        """The module of a helper file, run at its first import."""
        module = self._modules.get(name)
        if module is None and name in self._beside:
            module = self._run(name, *self._beside[name])
        return module

    def _run(self, name: str, file: str, text: str) -> ModuleType:
        tree = parse(text, file)
        tree = ast.fix_missing_locations(_Rewriter(file, _imported(tree)).visit(tree))
        code = compile(tree, file, "exec", dont_inherit=True)
        module = ModuleType(f"{self._prefix}_{name}")
        module.__file__ = file
        vars(module).update({MARK: file, "__builtins__": guarded_builtins(importer(self._helper))})
        # Dataclasses and message types look their module up by name.
        sys.modules[module.__name__] = module
        self._modules[name] = module
        exec(code, vars(module))  # noqa: S102 (running the user's strategy is the purpose)
        return module


class _Rewriter(ast.NodeTransformer):
    """Puts a check before every place that takes an iterable in its order."""

    def __init__(self, file: str, imported: frozenset[str]) -> None:
        self.file = file
        self.imported = imported

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        if node.name == "__del__":
            said, remedy = sentence(FINALIZER, "__del__")
            raise StrategyError(said, file=self.file, line=node.lineno, remedy=remedy)
        return self.generic_visit(node)

    def visit_Name(self, node: ast.Name) -> ast.Name:
        if node.id == "__import__" and isinstance(node.ctx, ast.Load):
            return _name("__import_by_hand__", node)
        return node

    def visit_For(self, node: ast.For) -> ast.AST:
        self.generic_visit(node)
        node.iter = _checked(node.iter)
        return node

    def visit_ListComp(self, node: ast.ListComp) -> ast.AST:
        return self._comprehension(node)

    def visit_DictComp(self, node: ast.DictComp) -> ast.AST:
        return self._comprehension(node)

    def visit_GeneratorExp(self, node: ast.GeneratorExp) -> ast.AST:
        return self._comprehension(node)

    def _comprehension(self, node: ast.ListComp | ast.DictComp | ast.GeneratorExp) -> ast.AST:
        self.generic_visit(node)
        for part in node.generators:
            part.iter = _checked(part.iter)
        return node

    def visit_Starred(self, node: ast.Starred) -> ast.AST:
        self.generic_visit(node)
        if isinstance(node.ctx, ast.Load):
            node.value = _checked(node.value)
        return node

    def visit_Set(self, node: ast.Set) -> ast.AST:
        node.elts = [
            ast.copy_location(ast.Starred(self.visit(e.value), ast.Load()), e) if isinstance(e, ast.Starred) else self.visit(e) for e in node.elts
        ]
        return node

    def visit_YieldFrom(self, node: ast.YieldFrom) -> ast.AST:
        self.generic_visit(node)
        node.value = _checked(node.value)
        return node

    def visit_Assign(self, node: ast.Assign) -> ast.AST:
        self.generic_visit(node)
        if any(isinstance(t, ast.Tuple | ast.List) or (isinstance(t, ast.Subscript) and isinstance(t.slice, ast.Slice)) for t in node.targets):
            node.value = _checked(node.value)
        return node

    def visit_Call(self, node: ast.Call) -> ast.AST:
        func = node.func
        name = func.id if isinstance(func, ast.Name) else ""
        if name in ORDERLESS and len(node.args) == 1 and isinstance(node.args[0], ast.GeneratorExp) and not node.keywords:
            # The order of what is generated does not show in the result.
            self.generic_visit(node.args[0])
            return node
        self.generic_visit(node)
        if isinstance(func, ast.Attribute) and func.attr == "pop" and not node.args and not node.keywords:
            return _call("__popped__", node.func.value, node)  # type: ignore[attr-defined]
        if name in ("sorted", "min", "max") and len(node.args) == 1 and any(k.arg == "key" for k in node.keywords):
            node.args[0] = _call("__untied__", node.args[0], node.args[0])
        elif name == "sum" and node.args:
            node.args[0] = _call("__summed__", node.args[0], node.args[0])
        elif self._consumes(func):
            node.args = [a if isinstance(a, ast.Starred) else _checked(a) for a in node.args]
        return node

    def _consumes(self, func: ast.expr) -> bool:
        if isinstance(func, ast.Name):
            return func.id in BUILTIN_CONSUMERS or (func.id in self.imported and func.id in LIBRARY_CONSUMERS)
        if not isinstance(func, ast.Attribute):
            return False
        if func.attr in CONSUMING_METHODS:
            return True
        root = func.value
        while isinstance(root, ast.Attribute):
            root = root.value
        return func.attr in LIBRARY_CONSUMERS and isinstance(root, ast.Name) and root.id in self.imported


def _imported(tree: ast.Module) -> frozenset[str]:
    """The names that import statements bind."""
    statements = (n for n in ast.walk(tree) if isinstance(n, ast.Import | ast.ImportFrom))
    return frozenset(alias.asname or alias.name.partition(".")[0] for statement in statements for alias in statement.names)


def _checked(node: ast.expr) -> ast.expr:
    """The expression behind a check, unless its form shows that it has an order."""
    if isinstance(node, ast.List | ast.Tuple | ast.Dict | ast.Constant | ast.ListComp | ast.GeneratorExp | ast.Lambda | ast.JoinedStr):
        return node
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ORDERED_ALREADY:
        return node
    return _call("__ordered__", node, node)


def _call(function: str, argument: ast.expr, at: ast.expr) -> ast.Call:
    return ast.copy_location(ast.Call(_name(function, at), [argument], []), at)


def _name(name: str, at: ast.expr) -> ast.Name:
    return ast.copy_location(ast.Name(name, ast.Load()), at)
