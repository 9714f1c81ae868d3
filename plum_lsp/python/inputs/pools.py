"""Makes values of a type, as source. Edge values come first. The output is deterministic.

Types are annotations, written by a person or guessed. Literals of the buffer (`vocabulary`) are added to the pools of
their type. Pure.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from plum_lsp.python.reading.sources import expression_or_none

_Item = TypeVar("_Item")
DEPTH_MAX = 3
"""The depth to which annotations are followed. Inputs deeper than `list[list[list[int]]]` are not readable."""
LITERAL_CHARACTERS_MAX = 200
"""Longer members of a `Literal` are left out, because containers repeat each many times."""
_SCALARS: dict[str, tuple[str, ...]] = {
    "int": ("0", "1", "-1", "2", "7", "10", "3", "-5", "100", "12345"),
    "float": ("0.0", "1.0", "-1.0", "0.5", "2.5", "-3.75", "10.0", "1e6"),
    "complex": ("0j", "1+2j"),
    "bool": ("True", "False"),
    "str": ("''", "'a'", "'abc'", "'Hello World'", "'abba'", "'123'", "'  x  '", "'a,b;c'", "'Zebra-9'"),
    "bytes": ("b''", "b'a'", "b'abc'", "b'\\x00\\xff'"),
    "None": ("None",),
    "object": ("None", "0", "''", "[]", "1", "'a'"),
    "datetime": (
        "datetime.datetime(2015, 1, 24, 22, 0)",
        "datetime.datetime(1999, 12, 31, 23, 59, 59)",
        "datetime.datetime(2024, 2, 29)",
        "datetime.datetime(1970, 1, 1)",
    ),
    "date": ("datetime.date(2024, 2, 29)", "datetime.date(1999, 12, 31)", "datetime.date(2023, 7, 1)"),
    "time": ("datetime.time(0, 0)", "datetime.time(23, 59, 59)", "datetime.time(12, 30)"),
    "timedelta": ("datetime.timedelta(0)", "datetime.timedelta(days=1, hours=2)", "datetime.timedelta(seconds=-90)"),
    "Decimal": ("decimal.Decimal('0')", "decimal.Decimal('1.10')", "decimal.Decimal('-2.5')"),
    "Fraction": ("fractions.Fraction(0)", "fractions.Fraction(1, 3)", "fractions.Fraction(-7, 2)"),
    "Path": ("pathlib.PurePosixPath('a/b.txt')", "pathlib.PurePosixPath('.')", "pathlib.PurePosixPath('/x/y.tar.gz')"),
    "Counter": ("collections.Counter('abca')", "collections.Counter()", "collections.Counter([1, 2, 2])"),
    "deque": ("collections.deque()", "collections.deque([1, 2, 3])", "collections.deque([3, 3])"),
    "Callable": ("lambda *a: a[0] if a else None", "lambda *a: bool(a and a[0])", "lambda *a: sum(a) if a else 0"),
}
_ALIASES = {
    "List": "list",
    "Sequence": "list",
    "MutableSequence": "list",
    "Iterable": "list",
    "Collection": "list",
    "Iterator": "list",
    "Tuple": "tuple",
    "Set": "set",
    "AbstractSet": "set",
    "FrozenSet": "frozenset",
    "Dict": "dict",
    "Mapping": "dict",
    "MutableMapping": "dict",
    "DefaultDict": "dict",
    "Any": "object",
    "Text": "str",
    "Number": "int",
    "Real": "float",
    "PurePath": "Path",
    "Function": "Callable",
}
_MODULES = ("datetime", "decimal", "fractions", "pathlib", "collections")
"""Modules that the values above name. A call that uses one imports it in its setup."""
_SHAPES = (
    (),
    (0,),
    (1,),
    (1, 2),
    (3, 1, 2),
    (1, 1),
    (2, 1, 0),
    (5, 3, 5, 1),
    (4, 6, 1, 8, 2),
    (7, 2, 9, 4, 3, 6, 5),
    (6, 6, 2, 2, 6),
    (1, 3, 5, 7, 9, 8),
)
"""Places in the item pool for each list: empty, single, ordered, unordered, repeated, falling, longer."""


@dataclass(frozen=True, slots=True)
class Pools:
    """Makes values.

    `words` are the literals of the buffer by type name. `classes` maps the classes of the buffer to expressions that
    make an object."""

    words: Mapping[str, Sequence[str]] = field(default_factory=dict, hash=False)
    classes: Mapping[str, Sequence[str]] = field(default_factory=dict, hash=False)

    def of(self, tree: ast.expr, depth: int = 0) -> list[str]:
        """Values of an annotated type as source. Empty for unknown types."""
        if isinstance(tree, ast.Constant):
            inner = expression_or_none(tree.value) if isinstance(tree.value, str) else None
            return self.of(inner, depth) if inner is not None else (["None"] if tree.value is None else [])
        if isinstance(tree, ast.BinOp) and isinstance(tree.op, ast.BitOr):
            return interleaved([self.of(tree.left, depth), self.of(tree.right, depth)])
        if isinstance(tree, ast.Subscript):
            return self._generic(_type_name(tree.value), _type_arguments(tree), depth)
        name = _type_name(tree)
        if name in self.classes:
            return list(self.classes[name])
        return self._scalars(name) or self._generic(name, [], depth)

    def _scalars(self, name: str) -> list[str]:
        known = list(_SCALARS.get(name, ()))
        said = list(self.words.get(name, ()))
        return list(dict.fromkeys([*known[:4], *interleaved([said, known[4:]])])) if known else []

    def _items(self, tree: ast.expr, depth: int) -> list[str]:
        """Values for the items of a container.

        Literals of the buffer come first, because items are seldom edge values.
        """
        found = self.of(tree, depth)
        said = [value for value in self.words.get(_type_name(tree), ()) if value in found]
        return list(dict.fromkeys([*found[:2], *said, *found])) if depth == 1 else found

    def _generic(self, name: str, arguments: list[ast.expr], depth: int) -> list[str]:
        if name == "Optional" and arguments:
            return ["None", *self.of(arguments[0], depth)]
        if name == "Union":
            return interleaved([self.of(argument, depth) for argument in arguments])
        if name == "Literal":
            sources = [ast.unparse(argument) for argument in arguments]
            return [source for source in sources if len(source) <= LITERAL_CHARACTERS_MAX]
        if name == "Callable":
            return list(_SCALARS["Callable"])
        if depth >= DEPTH_MAX:
            return []
        items = [self._items(argument, depth + 1) for argument in arguments] or [self._scalars("int")]
        if any(not item for item in items) and name != "tuple":
            return []
        if name == "dict":
            keys, values = (items[0], items[-1]) if arguments else (self._scalars("str"), items[0])
            return [_dict(keys, values, shape) for shape in _SHAPES[:9]]
        if name == "tuple" and arguments and not _is_open(arguments):
            return _fixed_tuples(items)
        return _filled(name, items[0]) if items[0] else []


def _filled(name: str, items: list[str]) -> list[str]:
    """Containers of the kind `name` with items in all shapes."""
    marks = {"list": "[{}]", "set": "{{{}}}", "frozenset": "frozenset([{}])", "tuple": "({},)"}
    if name not in marks:
        return []
    empty = {"list": "[]", "set": "set()", "frozenset": "frozenset()", "tuple": "()"}[name]
    filled = [", ".join(items[place % len(items)] for place in shape) for shape in _SHAPES]
    return list(dict.fromkeys(marks[name].format(inner) if inner else empty for inner in filled))


def imports_for(source: str) -> str:
    """The statements that import the modules which a generated value names."""
    return "".join(f"import {module}\n" for module in _MODULES if f"{module}." in source).rstrip()


def type_of(source: str) -> str:
    """The type of a literal as an annotation: `[1]` is `list[int]`. Empty for unknown types."""
    tree = expression_or_none(source)
    try:
        return _type_source(ast.literal_eval(tree), 0) if tree is not None else ""
    except (ValueError, TypeError, RecursionError, MemoryError):
        return ""


def interleaved(pools: Sequence[Sequence[_Item]]) -> list[_Item]:
    """The first of each pool, then the second of each, and so on."""
    longest = max((len(pool) for pool in pools), default=0)
    return [pool[place] for place in range(longest) for pool in pools if place < len(pool)]


def _type_name(tree: ast.expr) -> str:
    name = tree.attr if isinstance(tree, ast.Attribute) else getattr(tree, "id", "")
    return _ALIASES.get(name, name)


def _type_arguments(tree: ast.Subscript) -> list[ast.expr]:
    return list(tree.slice.elts) if isinstance(tree.slice, ast.Tuple) else [tree.slice]


def _is_open(arguments: list[ast.expr]) -> bool:
    last = arguments[-1]
    return isinstance(last, ast.Constant) and last.value is ...


def _fixed_tuples(items: list[list[str]]) -> list[str]:
    if any(not item for item in items):
        return []
    rows = [[item[(turn + 2 * place) % len(item)] for place, item in enumerate(items)] for turn in range(8)]
    return list(dict.fromkeys(f"({', '.join(row)},)" for row in rows))


def _dict(keys: list[str], values: list[str], shape: tuple[int, ...]) -> str:
    pairs = (f"{keys[place % len(keys)]}: {values[(place + 1) % len(values)]}" for place in dict.fromkeys(shape))
    return "{" + ", ".join(pairs) + "}"


def _type_source(value: object, depth: int) -> str:
    if value is None or isinstance(value, bool | int | float | complex | str | bytes):
        return "None" if value is None else type(value).__name__
    if depth >= DEPTH_MAX or not isinstance(value, list | set | tuple | dict):
        return ""
    parts = [list(value), list(value.values())] if isinstance(value, dict) else [list(value)]
    types = [list(dict.fromkeys(_type_source(item, depth + 1) for item in part)) for part in parts]
    if any("" in found for found in types):
        return ""
    if isinstance(value, tuple):
        return f"tuple[{', '.join(_type_source(item, depth + 1) for item in value)}]" if value else "tuple"
    inner = [" | ".join(found) for found in types if found]
    return f"{type(value).__name__}[{', '.join(inner)}]" if len(inner) == len(parts) else type(value).__name__
