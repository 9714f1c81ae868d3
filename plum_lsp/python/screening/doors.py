"""Finds the uses of the standard library and of numpy that evaluate texts, reach what is private or change its state.

A harmless module has such doors, too: a keyword whose name is computed, a format with attributes, a setting that other
code computes with. `plain` refuses them in a candidate, unless the file's own code does the same.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from plum_lsp.python.screening.means import OWN, words

_PRIVATE = re.compile(r"_[^_]\w*|__\w*[^_]_?")
_PUBLIC = frozenset({"_replace", "_asdict", "_fields", "_make", "_field_defaults"})
"""Of a named tuple."""
_EVALUATORS = frozenset({"eval", "exec", "globals", "locals", "breakpoint", "runstring", "rundocs", "evaluate"})
"""As attributes: what they are called in `builtins`, in `numpy.testing` and in `annotationlib`."""
_UNPACKING = frozenset({"inspect", "numpy", "logging", "typing", "types"})
"""Modules with keywords that evaluate, load or name something."""
_NUMPY = frozenset({"linalg", "random", "fft", "polynomial", "ma"})
"""Modules of numpy that a candidate may use."""
_NUMPY_MODULES = words("""
    lib core _core compat ctypeslib distutils testing f2py matrixlib matlib typing char rec emath _typing _utils
""")
_STYLED = {"Formatter": 3, "basicConfig": 1, "StrFormatStyle": 1}
"""What formats records of `logging`, and how many positional arguments give a style."""
_SETTINGS = words("""
    getcontext setcontext set_printoptions set_string_function seterr seterrcall setbufsize setlocale setfirstweekday
    tzset register_dialect unregister_dialect field_size_limit setLogRecordFactory setLoggerClass addLevelName
    captureWarnings disable reset_tzpath register_archive_format unregister_archive_format register_unpack_format
    unregister_unpack_format global_enum global_flag_repr global_enum_repr global_str copy_context register
""")
"""Functions of modules that change what other code computes, prints or is told, or that give the means for it."""
_MUTATORS = words("""
    update clear append extend insert pop popitem setdefault remove discard add sort reverse __setitem__ __delitem__
    move_to_end appendleft extendleft rotate
""")
_ITEM_SETTERS = frozenset({"setitem", "delitem", "iconcat", "iadd", "ior"})
_CALLED_WITH_NAMES = frozenset({"__setattr__", "__delattr__", "__getattr__"})
ALWAYS = frozenset({"unpacked keywords", "style", "dataclass", "numpy.load", "keyword", "attribute eval"})
"""What is refused even if the file's own code has the same."""


@dataclass(slots=True)
class Doors:
    """Reads nodes of one part of a file. Parents have to be read before their parts.

    `modules` maps names to modules, `imported` maps names to the modules that they were imported from. With
    `is_file` the part is the file's own code: what is private there, and defined or used on `self`, is the file's.
    """

    modules: Mapping[str, str]
    imported: Mapping[str, str]
    is_file: bool = False
    _decorators: set[int] = field(default_factory=set)
    _calls: set[int] = field(default_factory=set)
    _members: set[int] = field(default_factory=set)

    def uses(self, node: ast.AST) -> Iterator[tuple[str, str]]:
        """What a node opens: a key, by which it is compared with the file's own code, and the reason."""
        if self.is_file:
            yield from self._defined(node)
        if isinstance(node, ast.ClassDef):
            self._decorators |= {id(getattr(one, "func", one)) for one in node.decorator_list}
        elif isinstance(node, ast.Call):
            self._calls.add(id(node.func))
            yield from self._call(node)
        elif isinstance(node, ast.Attribute):
            yield from self._attribute(node)
        elif isinstance(node, ast.Name):
            yield from self._named(node, node.id, self.imported.get(node.id, ""))
        elif isinstance(node, ast.Subscript) and not isinstance(node.ctx, ast.Load) and self._is_library(node.value):
            yield "library", "it changes what a library holds"
        elif isinstance(node, ast.keyword) and node.arg and re.fullmatch(r"__\w+__", node.arg):
            yield "keyword", f"it passes {node.arg}"

    def _defined(self, node: ast.AST) -> Iterator[tuple[str, str]]:
        """The private functions of the file, and the private names that its classes bind."""
        if isinstance(node, ast.ClassDef):
            self._members |= {id(one) for one in node.body}
        names: list[str] = []
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            names = [node.name]
        elif isinstance(node, ast.Assign | ast.AnnAssign) and id(node) in self._members:
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names = [one.id for one in targets if isinstance(one, ast.Name)]
        for name in names:
            if _PRIVATE.fullmatch(name):
                yield f"private {name}", f"it defines the private {name}"

    def _call(self, node: ast.Call) -> Iterator[tuple[str, str]]:
        function = node.func
        name = getattr(function, "attr", getattr(function, "id", ""))
        module = self._module_of(function)
        if module in _UNPACKING and any(one.arg is None for one in node.keywords):
            yield "unpacked keywords", f"it passes keywords to {module} whose names are computed"
        if name in _STYLED and module == "logging" and not _is_plain_style(node, _STYLED[name]):
            yield "style", "it formats with a text that is computed"
        if name == "load" and module == "numpy" and len(node.args) != 1:
            yield "numpy.load", "it may load objects"
        if name in _MUTATORS and isinstance(function, ast.Attribute) and self._is_library(function.value):
            yield "library", "it changes what a library holds"
        if name in _ITEM_SETTERS and node.args and self._is_library(node.args[0]):
            yield "library", "it changes what a library holds"
        if name in _CALLED_WITH_NAMES and not any(
            isinstance(one, ast.Constant) and isinstance(one.value, str) for one in node.args[:2]
        ):
            yield f"{name} dynamic", f"it calls {name} with a name that is computed"

    def _attribute(self, node: ast.Attribute) -> Iterator[tuple[str, str]]:
        is_own = isinstance(node.value, ast.Name) and node.value.id in OWN
        is_foreign = self.is_file or not (is_own or _is_super(node.value))
        if _PRIVATE.fullmatch(node.attr) and node.attr not in _PUBLIC and is_foreign:
            yield f"private {node.attr}", f"it reaches the private {node.attr}"
        if node.attr in _EVALUATORS and not is_own:
            yield f"attribute {node.attr}", f"it reaches {node.attr}"
        module = self._module_of(node)
        if module == "numpy" and node.attr in _NUMPY_MODULES - _NUMPY:
            yield f"use numpy.{node.attr}", f"it reaches {node.attr} through a module"
        yield from self._named(node, node.attr, module)

    def _named(self, node: ast.expr, name: str, module: str) -> Iterator[tuple[str, str]]:
        if not module:
            return
        if name in _SETTINGS:
            yield f"setting {name}", f"it may change a setting of {module}"
        if name == "dataclass" and id(node) not in self._decorators:
            yield "dataclass", "it makes a dataclass of something that is no class statement"
        if name in _STYLED and module == "logging" and id(node) not in self._calls:
            yield "style", f"it passes {name} on"

    def _module_of(self, node: ast.expr) -> str:
        """The top-level module that an expression is taken from. Empty if it is from none."""
        while isinstance(node, ast.Attribute):
            node = node.value
        if not isinstance(node, ast.Name):
            return ""
        return self.modules.get(node.id, self.imported.get(node.id, "")).split(".")[0]

    def _is_library(self, node: ast.expr) -> bool:
        """Whether an object belongs to a module. The environment of the process is the program's own."""
        is_part = isinstance(node, ast.Attribute) or (isinstance(node, ast.Name) and node.id in self.imported)
        return is_part and bool(self._module_of(node)) and not ast.unparse(node).endswith("environ")


def _is_plain_style(node: ast.Call, positional: int) -> bool:
    """Whether the texts of a format are literals, or no style other than `%` is named."""
    names = {one.arg for one in node.keywords}
    has_style = "style" in names or None in names or len(node.args) >= positional
    return not has_style or all(isinstance(one, ast.Constant) for one in (*node.args, *_formats(node)))


def _formats(node: ast.Call) -> list[ast.expr]:
    return [one.value for one in node.keywords if one.arg in (None, "fmt", "format", "style")]


def _is_super(node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and getattr(node.func, "id", "") == "super"
