"""The document as the module it is: imported under its own name in its own package, but with a text from the host.

The text comes through an import hook. So siblings and tests import this text, and the copy on disk is never loaded. If
a document was imported ahead, `exchange` replaces the bodies of its functions with those of another text, without
importing it again.
"""

from __future__ import annotations

import ast
import gc
import importlib
import importlib.util
import os
import sys
import types
from collections.abc import Callable, Iterator
from importlib.machinery import ModuleSpec, SourceFileLoader
from typing import Any

from . import noting

_Function = (ast.FunctionDef, ast.AsyncFunctionDef)
_KIND_FLAGS = 0x20 | 0x80 | 0x200
"""Generator, coroutine, asynchronous generator: flags that decorators may read (inspect.CO_GENERATOR and so on)."""
_Place = tuple[str, int]
"""A function's name and the line at which its definition begins."""


class CannotExchange(Exception):
    """The text differs in more than function bodies that were never run. It has to be imported by itself."""


class _Loader(SourceFileLoader):
    """Gives the module the text from the host. Otherwise it works as for any file."""

    has_text = True

    def __init__(self, name: str, path: str, code: Callable[[], types.CodeType], source: str) -> None:
        super().__init__(name, path)
        self._code, self._source = code, source

    def get_code(self, fullname: str) -> types.CodeType:
        return self._code()

    def get_source(self, fullname: str) -> str:
        return self._source


class _Finder:
    """Answers for one module only, before any other finder."""

    def __init__(self, name: str, spec: Callable[[], ModuleSpec | None]) -> None:
        self._name, self._spec = name, spec

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        return self._spec() if fullname == self._name else None


def serve_mapped(mapped: list[list[str]]) -> None:
    """Let top-level modules be imported from folders with other names, as editable installs map them."""
    for name, path in mapped:
        sys.meta_path.insert(0, _Finder(name, lambda name=name, path=path: _mapped_spec(name, path)))  # type: ignore[misc]


def _mapped_spec(name: str, path: str) -> ModuleSpec | None:
    file = path if path.endswith(".py") else os.path.join(path, "__init__.py")
    if os.path.isfile(file):
        return importlib.util.spec_from_file_location(name, file)
    spec = ModuleSpec(name, None, is_package=True)
    spec.submodule_search_locations = [path]
    return spec


def load(module: dict[str, Any], source: str, code: types.CodeType | None = None) -> types.ModuleType:
    """Import the document with `source` as its text. Every later import gets this module."""
    name, path = module["name"], module["path"]
    if module["import_root"] not in sys.path:
        sys.path.insert(0, module["import_root"])
    remember_source(path, source)

    def compiled() -> types.CodeType:
        made: types.CodeType = code or compile(source, path, "exec", dont_inherit=True)
        return made

    def spec() -> ModuleSpec | None:
        folder = [os.path.dirname(path)] if module["is_package"] else None
        loader = _Loader(name, path, compiled, source)
        return importlib.util.spec_from_file_location(name, path, loader=loader, submodule_search_locations=folder)

    sys.meta_path.insert(0, _Finder(name, spec))
    return importlib.import_module(name)


def remember_source(filename: str, source: str) -> None:
    """Let `inspect.getsource` and tracebacks find the text."""
    import linecache

    linecache.cache[filename] = (len(source), None, source.splitlines(True), filename)


class Loaded:
    """A document that was imported ahead, with the data for giving its functions other bodies."""

    def __init__(self, module: dict[str, Any], source: str, hole_line: int, *, yields: bool) -> None:
        self.name, self.path, self.source = module["name"], module["path"], source
        self.functions: dict[_Place, list[types.FunctionType]] = {}
        self.hole: _Place | None = None
        """The function around the hole, at its current place."""
        self._called: set[_Place] = set()
        tree = ast.parse(source)
        self._spans = [(_first_line(node), node.end_lineno or node.lineno) for node in tree.body]
        self._flags = _future_flags(tree)
        self._places = [(node.name, _first_line(node), node.end_lineno or 0) for node in _outermost(tree.body)]
        self._find_hole(hole_line)
        _keep_class_cell(tree, hole_line)
        if yields and (function := function_at(tree, hole_line)) is not None:
            _add_dead(function, ast.Yield())
        with CallsNoted(self.path, self._called):
            self.module = load(module, source, compile(tree, self.path, "exec", dont_inherit=True))

    def noting_calls(self) -> Any:
        """A context that notes which of the document's functions are called. Their bodies cannot be exchanged."""
        return CallsNoted(self.path, self._called)

    def trip(self, source: str, hole_line: int) -> list[Any]:
        """Make the function at the hole note each call, before its other code runs.

        Returns the list of the notes. It is for a program without a candidate only.
        """
        noted: list[Any] = []
        tree = ast.parse(source)
        node = function_at(tree, hole_line)
        functions = [
            function
            for found in self.functions.values()
            for function in found
            if (function.__code__.co_name, function.__code__.co_firstlineno) == self.hole
        ]
        if node is None or not functions:
            return noted
        call = ast.parse("__plum_reached__.append(1)").body[0]
        node.body.insert(0, ast.fix_missing_locations(ast.copy_location(call, node.body[0])))
        if any("__class__" in function.__code__.co_freevars for function in functions):
            _name_class(node)
        place = (node.name, _first_line(node))
        code = compile(tree, self.path, "exec", dont_inherit=True)
        made = [one for one in _function_codes(code) if (one.co_name, one.co_firstlineno) == place]
        vars(self.module)["__plum_reached__"] = noted
        for function in functions:
            if made and function.__code__.co_freevars == made[0].co_freevars:
                function.__code__ = made[0]
        return noted

    def gather(self) -> None:
        """Find every function object that was made from the document, also those that another zygote has frozen."""
        self.functions.clear()
        gc.unfreeze()
        for thing in gc.get_objects():
            if type(thing) is types.FunctionType and thing.__code__.co_filename == self.path:
                code = thing.__code__
                self.functions.setdefault((code.co_name, code.co_firstlineno), []).append(thing)

    def exchange(self, source: str, hole_line: int) -> None:
        """Give the functions the bodies that they have in `source`. Its hole is at `hole_line`.

        Raises:
            CannotExchange: `source` differs in other parts, or a function that differs has been run already.
            SyntaxError: it does not parse.
        """
        before = self.source.splitlines(True)
        first, _ = _differing(before, source.splitlines(True))
        longer = source.count("\n") - self.source.count("\n")
        self._find_hole(hole_line if hole_line <= first else hole_line - longer)
        changed = [(self._functions_at(place, code), code) for place, code in self._changes(source, hole_line)]
        for functions, code in changed:
            if any((one.__code__.co_name, one.__code__.co_firstlineno) == self.hole for one in functions):
                self.hole = (code.co_name, code.co_firstlineno)
        for functions, code in changed:
            for function in functions:
                function.__code__ = code
        remember_source(self.path, source)

    def _find_hole(self, line: int) -> None:
        """Find the function at a line of the text that was imported."""
        found = [(name, first) for name, first, last in self._places if first <= line <= last]
        self.hole = found[0] if found else None

    def _functions_at(self, place: _Place, code: types.CodeType) -> list[types.FunctionType]:
        if place in self._called:
            raise CannotExchange(place[0] + " is called while the module is imported")
        found = self.functions.get(place, [])
        if not found:
            raise CannotExchange(place[0] + " cannot be found")
        for function in found:
            if function.__code__.co_freevars != code.co_freevars:
                raise CannotExchange(place[0] + " uses other variables of the scopes around it")
        return found

    def _changes(self, source: str, hole_line: int) -> Iterator[tuple[_Place, types.CodeType]]:
        """The functions that differ: the place of each in the text that was imported, and its code in `source`."""
        old_lines, new_lines = self.source.splitlines(True), source.splitlines(True)
        first, last = _differing(old_lines, new_lines)
        if first > last and len(old_lines) == len(new_lines):
            return
        spans = [span for span in self._spans if span[0] <= last + 1 and span[1] >= first - 1]
        first = min([first, *(start for start, _ in spans)])
        last = max([last, *(end for _, end in spans)])
        old = ast.parse("".join(old_lines[first - 1 : last]))
        region = "\n" * (first - 1) + "".join(new_lines[first - 1 : last + len(new_lines) - len(old_lines)])
        new = ast.parse(region)
        olds, news = list(_outermost(old.body)), list(_outermost(new.body))
        for one, other in zip(olds, news):
            if _first_line(other) <= hole_line <= (other.end_lineno or 0):
                self.hole = (one.name, _first_line(one) + first - 1)
        pairs = [(one, other) for one, other in zip(olds, news) if _dumped(one.body) != _dumped(other.body)]
        if len(olds) != len(news) or _skeleton(old) != _skeleton(new):
            raise CannotExchange("it differs in more than the bodies of functions")
        if any(ast.get_docstring(one) != ast.get_docstring(other) for one, other in pairs):
            raise CannotExchange("a docstring differs")
        if not pairs:
            return
        places = [(node.name, _first_line(node) + first - 1) for node, _ in pairs]
        wanted = {(other.name, _first_line(other)): place for place, (_, other) in zip(places, pairs)}
        self._pad(pairs, places)
        code = compile(new, self.path, "exec", flags=self._flags, dont_inherit=True)
        found = {place: one for one in _function_codes(code) if (place := (one.co_name, one.co_firstlineno)) in wanted}
        if len(found) != len(pairs):
            raise CannotExchange("its functions cannot be told apart")
        for (one, other), place in zip(pairs, places):
            made = found[(other.name, _first_line(other))]
            before = [function.__code__.co_flags & _KIND_FLAGS for function in self.functions.get(place, [])]
            if one.decorator_list and any(kind != made.co_flags & _KIND_FLAGS for kind in before):
                raise CannotExchange(one.name + " is decorated and becomes a function of another kind")
            yield place, made

    def _pad(self, pairs: list[tuple[Any, Any]], places: list[_Place]) -> None:
        """Let a function that had the cell of its class keep it, also if its new body does not name it."""
        for (_, other), place in zip(pairs, places):
            if any("__class__" in one.__code__.co_freevars for one in self.functions.get(place, [])):
                _name_class(other)


def place_at(source: str, line: int) -> _Place | None:
    """The function around a line of a text. None if there is none."""
    node = function_at(ast.parse(source), line)
    return (node.name, _first_line(node)) if node is not None else None


def function_at(tree: ast.Module, line: int) -> Any:
    """The definition around a line that is in no other function. None if there is none."""
    around = (one for one in _outermost(tree.body) if _first_line(one) <= line <= (one.end_lineno or 0))
    return next(around, None)


def code_at(source: str, line: int) -> set[_Place]:
    """The code of the function around a line of a text, with that of the functions in it. Empty if there is none."""
    place = place_at(source, line)
    found: set[_Place] = set()
    waiting = [
        code
        for code in _function_codes(compile(source, "", "exec", dont_inherit=True))
        if (code.co_name, code.co_firstlineno) == place
    ]
    while waiting:
        code = waiting.pop()
        found.add((code.co_name, code.co_firstlineno))
        waiting += [one for one in code.co_consts if isinstance(one, types.CodeType)]
    return found


def _first_line(node: Any) -> int:
    line: int = min([node.lineno, *(one.lineno for one in getattr(node, "decorator_list", []))])
    return line


def _differing(old: list[str], new: list[str]) -> tuple[int, int]:
    """The first and last line of `old`, counted from 1, without the lines that both share at start and end."""
    limit = min(len(old), len(new))
    head = next((at for at in range(limit) if old[at] != new[at]), limit)
    tail = next((at for at in range(limit - head) if old[-1 - at] != new[-1 - at]), limit - head)
    return head + 1, len(old) - tail


def _future_flags(tree: ast.Module) -> int:
    names = [
        alias.name
        for node in tree.body
        if isinstance(node, ast.ImportFrom) and node.module == "__future__"
        for alias in node.names
    ]
    return sum(_flag_of(name) for name in dict.fromkeys(names))


def _flag_of(name: str) -> int:
    import __future__

    flag: int = getattr(__future__, name).compiler_flag
    return flag


def _outermost(body: list[Any]) -> Iterator[Any]:
    """The functions of a module and of its classes, in order. Functions within functions are left out."""
    for node in body:
        if isinstance(node, _Function):
            yield node
        else:
            for field in ("body", "orelse", "handlers", "finalbody", "cases"):
                inner = getattr(node, field, None)
                if isinstance(inner, list):
                    yield from _outermost(inner)


def _dumped(body: list[ast.stmt]) -> str:
    return ast.dump(ast.Module(body=body, type_ignores=[]))


def _skeleton(tree: ast.Module) -> str:
    """The text without the bodies of its functions, for a comparison."""
    kept = [(node, node.body) for node in _outermost(tree.body)]
    for node, _ in kept:
        node.body = []
    text = ast.dump(tree)
    for node, body in kept:
        node.body = body
    return text


def _function_codes(code: types.CodeType) -> Iterator[types.CodeType]:
    """The code objects of functions at the top level and in classes."""
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            if constant.co_flags & 0x2:  # CO_NEWLOCALS: a function, not a class
                yield constant
            else:
                yield from _function_codes(constant)


def _name_class(function: Any) -> None:
    """Make a method hold the cell of its class, like one that says `super()`. No part of it is run."""
    _add_dead(function, ast.Name(id="__class__", ctx=ast.Load()))


def _add_dead(function: Any, value: ast.expr) -> None:
    """Add an expression that is compiled and never evaluated."""
    dead = ast.If(test=ast.Constant(value=False), body=[ast.Expr(value=value)], orelse=[])
    function.body.append(ast.copy_location(dead, function.body[-1]))
    ast.fix_missing_locations(function)


def _keep_class_cell(tree: ast.Module, line: int) -> None:
    """Let the method at `line` have any body, including one that says `super()`."""

    def visit(body: list[Any], in_class: bool) -> None:
        for node in body:
            if isinstance(node, _Function):
                if in_class and node.lineno <= line <= (node.end_lineno or 0):
                    _name_class(node)
            else:
                for field in ("body", "orelse", "handlers", "finalbody"):
                    inner = getattr(node, field, None)
                    if isinstance(inner, list):
                        visit(inner, in_class or isinstance(node, ast.ClassDef))

    visit(tree.body, False)


class CallsNoted(noting.StartsNoted):
    """Notes the functions of one file that are called, by name and first line."""

    def __init__(self, path: str, called: set[_Place]) -> None:
        super().__init__(self._called)
        self._path, self.called = path, called

    def _called(self, code: Any) -> None:
        if getattr(code, "co_filename", None) == self._path:
            self.called.add((code.co_name, code.co_firstlineno))
