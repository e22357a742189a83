"""Decides what the names in a strategy's source mean to the lint: an imported thing, a set, or something else.

Invariants: the latest binding on the way holds; after branches a name is a set if it is one in any of them; an attribute of self is a
set if any method of the class makes it one.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable

SET = "<set>"
OTHER = "<other>"
SET_MAKERS = frozenset({"set", "frozenset"})
SET_METHODS = frozenset({"copy", "difference", "intersection", "symmetric_difference", "union"})
SET_TYPES = frozenset({"set", "frozenset", "Set", "FrozenSet", "AbstractSet", "MutableSet"})
Scope = dict[str, str]


class Names:
    """Nested scopes of name → meaning: a dotted path of imports, SET or OTHER."""

    def __init__(self) -> None:
        self._scopes: list[Scope] = [{}]
        self._classes: list[frozenset[str]] = []
        self._makers: set[str] = set()

    def collect(self, tree: ast.Module) -> None:
        """Note the functions that say or show they return a set."""
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef):
                returns = [n.value for n in ast.walk(node) if isinstance(n, ast.Return) and n.value is not None]
                shown = bool(returns) and all(self.is_set(r) for r in returns)
                if shown or (node.returns is not None and self.says_set(node.returns)):
                    self._makers.add(node.name)

    def open(self, scope: Scope) -> None:
        """Enter a function or comprehension."""
        self._scopes.append(scope)

    def close(self) -> None:
        """Leave it."""
        self._scopes.pop()

    def open_class(self, node: ast.ClassDef) -> None:
        """Enter a class, whose set attributes are collected from all of its methods."""
        found: set[str] = set()
        self._classes.append(frozenset())
        for n in ast.walk(node):
            if isinstance(n, ast.Assign):
                found.update(a for t in n.targets if (a := _attribute(t)) and self.is_set(n.value))
            elif isinstance(n, ast.AnnAssign):
                attribute = _attribute(n.target) or (n.target.id if isinstance(n.target, ast.Name) and n in node.body else "")
                if attribute and (self.says_set(n.annotation) or (n.value is not None and self.is_set(n.value))):
                    found.add(attribute)
        found.update(t.id for n in node.body if isinstance(n, ast.Assign) and self.is_set(n.value) for t in n.targets if isinstance(t, ast.Name))
        self._classes[-1] = frozenset(found)
        self._scopes.append({})

    def close_class(self) -> None:
        """Leave it."""
        self._classes.pop()
        self._scopes.pop()

    def bind(self, name: str, meaning: str) -> None:
        """Give a name its latest meaning."""
        self._scopes[-1][name] = meaning

    def snapshot(self) -> Scope:
        """The innermost scope as it is now."""
        return dict(self._scopes[-1])

    def restore(self, scope: Scope) -> None:
        """Go back to a snapshot."""
        self._scopes[-1] = dict(scope)

    def merge(self, scopes: Iterable[Scope]) -> None:
        """Take what is true after any of several ways: a set wins, then an import."""
        merged: Scope = {}
        for scope in scopes:
            for name, meaning in scope.items():
                if merged.get(name, OTHER) == OTHER or meaning == SET:
                    merged[name] = meaning
        self._scopes[-1] = merged

    def known(self, name: str) -> bool:
        """Whether the source itself binds the name."""
        return self._find(name) is not None

    def imported(self, node: ast.expr) -> bool:
        """Whether the expression begins with an imported name."""
        while isinstance(node, ast.Attribute):
            node = node.value
        return isinstance(node, ast.Name) and self._find(node.id) not in (None, SET, OTHER)

    def dotted(self, node: ast.expr) -> str | None:
        """The dotted path an expression stands for, imports and their aliases resolved; None for what is not a plain path."""
        parts: list[str] = []
        while isinstance(node, ast.Attribute):
            parts.append(node.attr)
            node = node.value
        if not isinstance(node, ast.Name):
            return None
        meaning = self._find(node.id)
        if meaning in (SET, OTHER):
            meaning = node.id
        return ".".join([meaning or node.id, *reversed(parts)])

    def meaning(self, value: ast.expr) -> str:
        """What a name means that this value is assigned to."""
        if self.is_set(value):
            return SET
        return (self.dotted(value) or OTHER) if self.imported(value) else OTHER

    def says_set(self, annotation: ast.expr) -> bool:
        """Whether an annotation means a set (also as text, optional or in a union)."""
        if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):
            try:
                annotation = ast.parse(annotation.value, mode="eval").body
            except SyntaxError:
                return False
        if isinstance(annotation, ast.BinOp):
            return self.says_set(annotation.left) or self.says_set(annotation.right)
        if isinstance(annotation, ast.Subscript):
            name = (self.dotted(annotation.value) or "").rpartition(".")[2]
            return self.says_set(annotation.slice) if name in ("Optional", "Final", "ClassVar", "Annotated") else name in SET_TYPES
        return (self.dotted(annotation) or "").rpartition(".")[2] in SET_TYPES

    def is_set(self, node: ast.expr) -> bool:
        """Whether an expression is seen to be a set."""
        match node:
            case ast.Set() | ast.SetComp():
                return True
            case ast.Name(id=name):
                return self._find(name) == SET
            case ast.Attribute(value=ast.Name(id="self" | "cls"), attr=attribute):
                return bool(self._classes) and attribute in self._classes[-1]
            case ast.BinOp(left=left, op=ast.BitOr() | ast.BitAnd() | ast.Sub() | ast.BitXor(), right=right):
                return self.is_set(left) or self.is_set(right) or _is_keys(left) or _is_keys(right)
            case ast.IfExp(body=body, orelse=orelse):
                return self.is_set(body) or self.is_set(orelse)
            case ast.BoolOp(values=values):
                return any(self.is_set(v) for v in values)
            case ast.NamedExpr(value=value):
                return self.is_set(value)
            case ast.Call(func=func):
                return self._makes_set(func)
        return False

    def _makes_set(self, func: ast.expr) -> bool:
        if isinstance(func, ast.Name):
            if func.id in SET_MAKERS and not self.known(func.id):
                return True
            return func.id in self._makers
        if isinstance(func, ast.Attribute):
            if func.attr in SET_METHODS and self.is_set(func.value):
                return True
            return isinstance(func.value, ast.Name) and func.value.id in ("self", "cls") and func.attr in self._makers
        return False

    def _find(self, name: str) -> str | None:
        for scope in reversed(self._scopes):
            if name in scope:
                return scope[name]
        return None


def shadow(arguments: ast.arguments, names: Names) -> Scope:
    """The scope a function starts with: its parameters, sets where their annotation says so."""
    every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    scope = {a.arg: SET if a.annotation is not None and names.says_set(a.annotation) else OTHER for a in every}
    scope.update({a.arg: OTHER for a in (arguments.vararg, arguments.kwarg) if a is not None})
    return scope


def _attribute(target: ast.expr) -> str:
    """The name after `self.`, or nothing."""
    if isinstance(target, ast.Attribute) and isinstance(target.value, ast.Name) and target.value.id == "self":
        return target.attr
    return ""


def _is_keys(node: ast.expr) -> bool:
    """Whether an expression is a view of a dictionary's keys, which set operations turn into a set."""
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in ("keys", "items") and not node.args
