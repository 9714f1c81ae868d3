"""Decides whether a candidate is plain code. Only then is the result of a test in the same process believed.

A candidate that reaches the interpreter, frames, modules or the machinery of tests can make any test pass. So such
means (`means`) are refused, by their names and forms in the syntax tree, unless the file's own code outside of the
candidate uses the same. Forms that could hide the meaning of a name are refused too. The module runs no code.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence

from plum_lsp.python.reading.quiet import shared_nodes, shared_tree
from plum_lsp.python.screening.doors import ALWAYS, Doors
from plum_lsp.python.screening.handing import ALIAS_DEPTH_MAX, hidden_change
from plum_lsp.python.screening.means import (
    COPYING,
    DANGEROUS,
    DYNAMIC,
    EVALUATING,
    FRAMES,
    LIES,
    NAMED,
    OWN,
    READ,
    RECORDED,
    SAFE_IMPORTS,
    SETTERS,
    STORED,
    is_harmless,
    is_library,
    is_own_name,
    leads_elsewhere,
)
from plum_lsp.python.screening.names import Names, is_store, name_of, root_of

_TESTS = re.compile(r"(?:^|\.)(?:tests?|testing|conftest|test_\w+|\w+_tests?)(?:\.|$)")
_SPECIAL = re.compile(r"__\w+__")
_FORMATS = frozenset({"format", "format_map", "vformat", "get_field"})
"""Methods that read attributes which a text names. The text must be a literal, so that it can be read here."""
_CLASS_MAKERS = frozenset({
    "make_dataclass", "ABCMeta", "EnumMeta", "EnumType", "Enum", "IntEnum", "StrEnum", "Flag", "IntFlag", "new_class",
    "ReprEnum",
})  # fmt: skip
"""They make a class without a class statement, whose methods could answer for a test."""
_CONFIGURING = ("logging.config", "logging.handlers", "numpy.f2py", "numpy.ctypeslib", "numpy.lib", "numpy.distutils")
"""Modules that load what a text names, or reach memory."""
_NAMING = frozenset({"__name__", "__qualname__", "__module__", "__doc__"})
"""What is read of a class to tell its name."""


def refusal(source: str, *, first_line: int, last_line: int, is_class: bool = False) -> str:
    """Why a candidate is not plain. Empty if it is.

    Args:
        source: the whole program with the candidate in it. One that does not parse is refused.
        first_line: of the candidate, from 1.
        last_line: of the candidate.
        is_class: the candidate is the body of a class of the file. It may then define special methods.
    """
    if shared_tree(source) is None:
        return "it cannot be read"
    nodes = [node for node in shared_nodes(source) if hasattr(node, "lineno")]
    names = Names.of(nodes, first_line, last_line)
    own = [node for node in nodes if first_line <= node.lineno <= last_line]
    others = [node for node in nodes if not first_line <= node.lineno <= last_line]
    inside, outside = _Reader(names, is_class=is_class), _Reader(names, is_class=True, is_file=True)
    inside.read_all(own)
    if inside.found:
        outside.read_all(others)  # most candidates use nothing that the file's own code could allow
    new = [reason for key, reason in inside.found.items() if key in inside.always or key not in outside.found]
    return new[0] if new else hidden_change(own, others, names)


class _Reader:
    """Collects what a part of the file uses.

    `always` are means that are refused even if the file's own code uses them.
    """

    def __init__(self, names: Names, *, is_class: bool, is_file: bool = False) -> None:
        self._names, self._is_class = names, is_class
        self.found: dict[str, str] = {}
        self.always: set[str] = set()
        self._calls: set[int] = set()
        self._harmless: set[int] = set()
        self._asked: set[int] = set()
        self._stores = self._streams = self._sets = self._catches = False
        library = {name: module for name, module in names.modules.items() if is_library(module)}
        self._doors = Doors(modules=library, imported=names.imported, is_file=is_file)

    def read_all(self, nodes: Sequence[ast.AST]) -> None:
        """Note what the nodes do."""
        for node in nodes:
            self._read(node)

    def _read(self, node: ast.AST) -> None:
        """Note what a node does. Its parts are read separately."""
        for key, reason in self._uses(node):
            self.found.setdefault(key, reason)
        if self._stores and self._streams:
            self.found.setdefault("stream", "it may change a stream")
        if self._sets and self._catches:
            self.found.setdefault("caught", "it may change the class of an exception")

    def _uses(self, node: ast.AST) -> Iterator[tuple[str, str]]:
        for key, reason in self._doors.uses(node):
            self.always |= {key} if key in ALWAYS else set()
            yield key, reason
        if isinstance(node, ast.Call):
            yield from self._call(node)
        elif isinstance(node, ast.Attribute):
            yield from self._attribute(node)
        elif isinstance(node, ast.Name):
            yield from self._name(node)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            yield from self._imported(node)
        elif isinstance(node, ast.Global):
            yield from ((f"global {name}", f"it changes the global {name}") for name in node.names)
        elif isinstance(node, ast.ClassDef):
            yield from self._defined(node)
        elif isinstance(node, ast.Compare):
            self._harmless |= {id(side) for side in (node.left, *node.comparators)}
        elif isinstance(node, ast.FormattedValue):
            self._harmless.add(id(node.value))
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mod) and _is_text(node.left):
            self._harmless |= {id(one) for one in (node.right, *getattr(node.right, "elts", ()))}
        elif isinstance(node, ast.keyword) and node.arg in EVALUATING:
            yield from self._refused("evaluates", f"it uses {node.arg}")
        elif isinstance(node, ast.MatchClass):
            for name in node.kwd_attrs:
                if _reaches(name):
                    yield f"attribute {name}", f"it reads {name}"
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in self._asked:
            named = [one for one in _SPECIAL.findall(node.value) if not is_own_name(one)]
            hidden = [one for one in named if one not in READ or one in LIES]
            framed = [one for one in re.split(r"\W+", node.value) if one in FRAMES]
            if framed or (hidden and len(node.value) < 200):
                hidden = framed or hidden
                yield _key("text", hidden[0]), f"it names {hidden[0]} in a text"

    def _call(self, node: ast.Call) -> Iterator[tuple[str, str]]:
        function = node.func
        name = name_of(function)
        self._calls.add(id(function))
        if name in ("isinstance", "issubclass"):
            self._harmless |= {id(part) for one in node.args[1:] for part in ast.walk(one)}
        is_builtin = isinstance(function, ast.Name) and name not in self._names.bound | self._names.stores.keys()
        if (is_builtin and name in ("str", "repr")) or (
            name == "format" and _is_text(getattr(function, "value", None))
        ):
            self._harmless |= {id(one) for one in node.args}
        if is_builtin and name in ("hasattr", "getattr"):
            self._asked |= {id(one) for one in node.args[1:2]}  # They are read as the attributes that they name.
        self._sets |= name in SETTERS
        if name in NAMED:
            named = node.args[1:2] if name.endswith("attr") else node.args[:1] if name == "methodcaller" else node.args
            owner = node.args[0] if name.endswith("attr") and node.args else ast.Name(id="_", ctx=ast.Load())
            for one in named:
                if isinstance(one, ast.Constant) and isinstance(one.value, str):
                    for part in one.value.split("."):
                        yield from self._attribute(ast.Attribute(value=owner, attr=part, ctx=ast.Load()))
                else:
                    yield f"{name} dynamic", f"it calls {name} with a name that is computed"
            if name in ("setattr", "delattr") and node.args and self._is_shared(node.args[0]):
                yield "store", "it changes an attribute of something that others use"
        if name in COPYING and (len(node.args) != COPYING[name] or node.keywords):
            yield from self._refused("copies", f"it copies attributes with {name}")
        if isinstance(function, ast.Name) and name == "type":
            is_asked = len(node.args) == 1 and (id(node) in self._harmless or self._names.is_value(node.args[0]))
            if not is_asked:
                yield from self._refused("type()", "it makes a class")
        if name in ("open", "fdopen", "FileIO", "open_code") and node.args and not _may_be_path(node.args[0]):
            yield "open number", "it opens a descriptor"

    def _attribute(self, node: ast.Attribute) -> Iterator[tuple[str, str]]:
        attribute, is_stored = node.attr, not isinstance(node.ctx, ast.Load)
        is_special = _SPECIAL.fullmatch(attribute) is not None
        if _reaches(attribute):
            yield _key("attribute", attribute), f"it reads {attribute}"
        if attribute in _NAMING:
            self._harmless.add(id(node.value))
        self._sets |= is_stored or attribute in SETTERS
        self._catches |= attribute == "exc_info"
        if attribute == "__class__" and id(node) not in self._harmless and not self._names.is_value(node.value):
            yield from self._refused("class of", "it reaches the class of what may be a class")
        if attribute == "__dict__" and getattr(node.value, "id", "") not in self._names.given:
            yield from self._refused("names of", "it reaches the names of something that others use")
        if attribute in COPYING and id(node) not in self._calls:
            yield from self._refused("copies", f"it passes {attribute} on")
        if attribute in EVALUATING:
            yield from self._refused("evaluates", f"it uses {attribute}")
        if getattr(node.value, "id", "") == "type":
            yield from self._refused("part of type", "it uses a part of type")
        if is_stored and is_special and attribute not in STORED and not is_own_name(attribute):
            self.always.add(f"set {attribute}")
            yield f"set {attribute}", f"it sets {attribute}"
        if is_stored and self._is_shared(node.value):
            yield "store", "it changes an attribute of something that others use"
        if is_stored and not (isinstance(node.value, ast.Name) and node.value.id in OWN):
            self._stores = True
        if is_stored and isinstance(node.value, ast.Call) and getattr(node.value.func, "id", "") == "type":
            yield "store on type", "it changes a class"
        if (is_stored and attribute in RECORDED) or attribute.startswith("assert"):
            yield f"attribute {attribute}", f"it uses {attribute}, as tests do"
        if attribute in ("stdout", "stderr", "stdin") and getattr(node.value, "id", "") in self._names.modules:
            self._streams = True
        if attribute in _FORMATS and not (isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)):
            yield "computed format", "it formats with a text that is computed"
        if attribute in NAMED - {"hasattr"} and id(node) not in self._calls:
            yield f"name {attribute}", f"it passes {attribute} on"
        if attribute in _CLASS_MAKERS:
            yield from self._refused("class maker", f"it uses {attribute}")
        if attribute == "__class__" and isinstance(node.value, ast.Attribute) and node.value.attr == "__class__":
            yield "metaclass", "it reaches the class of a class"
        root = root_of(node)
        if isinstance(root, ast.Name):
            self._harmless.add(id(root))
            yield from self._of_module(node, root)

    def _of_module(self, node: ast.Attribute, root: ast.Name) -> Iterator[tuple[str, str]]:
        module = self._names.modules.get(root.id)
        if module is not None and leads_elsewhere(f"{module}.{ast.unparse(node).partition('.')[2]}"):
            yield from self._refused("module within", f"it reaches {node.attr} through a module")
        if module is None or not isinstance(node.value, ast.Name):
            if module is not None and (node.attr in DANGEROUS or node.attr.startswith("_")):
                yield f"use {module}.{node.attr}", f"it reaches {node.attr} through a module"
            return
        top = module.split(".")[0]
        is_read = isinstance(node.ctx, ast.Load)
        if top in DANGEROUS and not is_harmless(top, node.attr, is_read=is_read) and module not in ("os.path",):
            yield f"use {module}.{node.attr}", f"it uses {module}.{node.attr}"
        elif node.attr in DANGEROUS and f"{module}.{node.attr}" not in ("concurrent.futures",):
            yield f"use {module}.{node.attr}", f"it reaches {node.attr} through a module"
        elif node.attr.startswith("_") and not node.attr.startswith("__"):
            yield f"use {module}.{node.attr}", f"it uses {module}.{node.attr}"

    def _name(self, node: ast.Name) -> Iterator[tuple[str, str]]:
        if node.id in DYNAMIC - NAMED or (node.id in NAMED - {"hasattr"} and id(node) not in self._calls):
            if isinstance(node.ctx, ast.Load) and node.id not in self._names.local:
                yield f"name {node.id}", f"it uses {node.id}"
        elif node.id in _CLASS_MAKERS and node.id not in self._names.local:
            yield from self._refused("class maker", f"it uses {node.id}")
        elif node.id in EVALUATING and node.id not in self._names.local:
            yield from self._refused("evaluates", f"it uses {node.id}")
        elif node.id in COPYING and id(node) not in self._calls and node.id not in self._names.local:
            yield from self._refused("copies", f"it passes {node.id} on")
        elif node.id == "type" and id(node) not in self._calls | self._harmless:
            yield "bare type", "it passes type on"
        elif _SPECIAL.fullmatch(node.id) and node.id not in READ:
            yield f"name {node.id}", f"it uses {node.id}"
        elif node.id in self._names.modules and id(node) not in self._harmless and node.id not in self._names.local:
            yield f"bare {node.id}", f"it passes the module {node.id} on"

    def _imported(self, node: ast.Import | ast.ImportFrom) -> Iterator[tuple[str, str]]:
        modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or ""]
        is_relative = isinstance(node, ast.ImportFrom) and bool(node.level)
        for module in modules:
            top = module.split(".")[0]
            if _TESTS.search(module):
                yield f"import {module}", f"it imports {module}"
            elif not is_relative and top not in SAFE_IMPORTS:
                yield f"import {top}", f"it imports {module}"
            if isinstance(node, ast.ImportFrom) and not is_relative and top in DANGEROUS:
                for alias in node.names:
                    if not is_harmless(top, alias.name):
                        yield f"use {module}.{alias.name}", f"it uses {module}.{alias.name}"
            if module.startswith(_CONFIGURING) or (module == "logging" and _imports(node, "config")):
                yield from self._refused("evaluates", f"it imports {module}")
        if isinstance(node, ast.ImportFrom):
            self._catches |= any(alias.name == "exc_info" for alias in node.names)
            for alias in node.names:
                is_private = alias.name.startswith("_") and not is_relative
                means = NAMED | DYNAMIC | _CLASS_MAKERS | COPYING.keys() | EVALUATING
                is_hidden = alias.asname not in (None, alias.name) and alias.name in means
                is_module = not is_relative and leads_elsewhere(f"{node.module}.{alias.name}")
                is_dangerous = alias.name.lstrip("_") in DANGEROUS or is_private or is_hidden or is_module
                if is_dangerous or _TESTS.search(alias.name):
                    yield f"import {alias.name}", f"it imports {alias.name}"

    def _defined(self, node: ast.ClassDef) -> Iterator[tuple[str, str]]:
        if self._is_class and id(node) not in self._names.inner:
            return
        bound = {getattr(one, "name", "") for one in node.body}
        bound |= {getattr(target, "id", "") for one in node.body for target in ast.walk(one) if is_store(target)}
        lies = sorted(bound & LIES)
        if lies or node.keywords or len(node.bases) > 1:
            self.always.add("class")
            yield "class", f"it defines a class with {lies[0] if lies else 'a metaclass or several bases'}"
        yield "own class", "it defines a class"

    def _refused(self, key: str, reason: str) -> Iterator[tuple[str, str]]:
        """A use that is refused even if the file's own code has the same."""
        self.always.add(key)
        yield key, reason

    def _is_shared(self, node: ast.expr, depth: int = 0) -> bool:
        """Whether an object is a class, belongs to a module or is bound at the file's top.

        It is then not the candidate's own. A name is followed to what it was assigned.
        """
        if any(isinstance(one, ast.Attribute) and one.attr == "__class__" for one in ast.walk(node)):
            return True
        root = root_of(node)
        if _is_type_call(root):
            return True
        if isinstance(root, ast.Name) and root.id in self._names.local and depth < ALIAS_DEPTH_MAX:
            bound = self._names.aliases.get(root.id, [])
            values = [one for one in bound if isinstance(one, ast.Name | ast.Attribute) or _is_type_call(one)]
            if any(self._is_shared(one, depth + 1) for one in values):
                return True
        if not isinstance(root, ast.Name):
            return False
        return root.id not in self._names.local and root.id not in OWN


def _key(use: str, name: str) -> str:
    """What a use is compared by with the file's own code. For a project's own special name every use counts."""
    return f"own {name}" if _SPECIAL.fullmatch(name) and is_own_name(name) else f"{use} {name}"


def _reaches(attribute: str) -> bool:
    """Whether an attribute leads to what runs the program."""
    return attribute in FRAMES or (_SPECIAL.fullmatch(attribute) is not None and attribute not in READ)


def _is_type_call(node: ast.expr | None) -> bool:
    return isinstance(node, ast.Call) and getattr(node.func, "id", "") == "type"


def _imports(node: ast.Import | ast.ImportFrom, name: str) -> bool:
    return any(alias.name == name for alias in node.names)


def _is_text(node: ast.expr | None) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def _may_be_path(node: ast.expr) -> bool:
    """Whether the opened object is not a number, as far as its form shows."""
    if isinstance(node, ast.Constant):
        return isinstance(node.value, str | bytes)
    return not isinstance(node, ast.BinOp | ast.UnaryOp) or any(
        (isinstance(one, ast.Constant) and isinstance(one.value, str)) or isinstance(one, ast.Name | ast.Attribute)
        for one in ast.walk(node)
    )
