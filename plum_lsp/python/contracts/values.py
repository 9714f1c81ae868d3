"""Reads properties of a decoded value that contracts need: its type, its items, their order.

Pure, and safe on hostile values: it only makes text from them and never hashes them. Values that are too large are not
judged (None).
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from itertools import pairwise

from plum_lsp.domain.verification import Node, Value

ITEMS_MAX = 2_000
"""Longer results are not judged. Generated inputs are short."""
_SEQUENCES = frozenset({"list", "tuple", "namedtuple", "generator", "view", "deque", "ndarray"})
_SETS = frozenset({"set", "frozenset"})
_KEY_CHARACTERS_MAX = 10_000
_ONE_OF = {
    "list": frozenset({"list"}),
    "tuple": frozenset({"tuple", "namedtuple"}),
    "set": frozenset({"set"}),
    "frozenset": frozenset({"frozenset"}),
    "dict": frozenset({"dict"}),
}
_ALIASES = {
    "List": "list",
    "Tuple": "tuple",
    "Set": "set",
    "FrozenSet": "frozenset",
    "Dict": "dict",
    "Text": "str",
    "NoneType": "None",
}


def of_literal(tree: ast.expr) -> Value:
    """The value of a literal, in the form of decoded values.

    Raises:
        ValueError: the expression is not a literal.
    """
    if isinstance(tree, ast.Call):
        if isinstance(tree.func, ast.Name) and tree.func.id in _SETS and not tree.keywords and len(tree.args) < 2:
            inner = of_literal(tree.args[0]) if tree.args else Node(kind="list", type_name="list", items=())
            if isinstance(inner, Node):
                return Node(kind=tree.func.id, type_name=tree.func.id, items=inner.items)
        raise ValueError("no literal")
    try:
        return _of_python(ast.literal_eval(tree))
    except (TypeError, SyntaxError, MemoryError, RecursionError) as error:
        raise ValueError(str(error)) from None


def _of_python(value: object) -> Value:
    if value is None or isinstance(value, bool | int | float | complex | str | bytes):
        return value
    kind = type(value).__name__
    if isinstance(value, dict):
        items: list[object] = [part for pair in value.items() for part in pair]
    elif isinstance(value, list | tuple | set | frozenset):
        items = list(value)
    else:
        raise ValueError(kind)
    return Node(kind=kind, type_name=kind, items=tuple(_of_python(item) for item in items))


def items_of(value: Value) -> list[Value] | None:
    """The items of a sequence or set, or the characters of a text. None for other values and for too many items."""
    items: Sequence[Value]
    if isinstance(value, str):
        items = list(value) if len(value) <= ITEMS_MAX else [None] * (ITEMS_MAX + 1)
    elif isinstance(value, Node) and value.kind in _SEQUENCES | _SETS:
        items = value.items
    else:
        return None
    return list(items) if len(items) <= ITEMS_MAX else None


def is_sequence(value: Value) -> bool:
    """Whether the value has ordered items and is not text."""
    return isinstance(value, Node) and value.kind in _SEQUENCES


def size_of(value: Value) -> int | None:
    """The length of a text or container, else None."""
    if isinstance(value, str | bytes):
        return len(value)
    if isinstance(value, Node) and value.kind == "dict":
        return len(value.items) // 2
    items = items_of(value)
    return len(items) if items is not None else None


def number_of(value: Value) -> int | float | None:
    """The value if it is a real number that can be ordered, else None. Booleans do not count as numbers here."""
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value:
        return None
    return value


def key_of(value: Value) -> str:
    """Text that is equal for equal values. `1`, `1.0` and True are equal, as in Python. Values are never hashed."""
    pieces: list[str] = []
    _key(value, pieces, [_KEY_CHARACTERS_MAX])
    return "".join(pieces)


def _key(value: Value, pieces: list[str], room: list[int]) -> None:
    if isinstance(value, bool):
        text = str(int(value))
    elif isinstance(value, float):
        text = str(int(value)) if value.is_integer() else f"{value:.12g}"
    elif isinstance(value, int):
        text = str(value) if value.bit_length() < 4_000 else hex(value)
    elif not isinstance(value, Node):
        text = repr(value)
    else:
        _node_key(value, pieces, room)
        return
    pieces.append(text)
    room[0] -= len(text)


def _node_key(value: Node, pieces: list[str], room: list[int]) -> None:
    if value.kind in _SETS or value.kind == "dict":
        step = 2 if value.kind == "dict" else 1
        places = range(0, len(value.items), step)
        parts = sorted(":".join(key_of(item) for item in value.items[place : place + step]) for place in places)
        pieces.append(f"{'set' if step == 1 else 'dict'}{{{','.join(parts)}}}")
        room[0] -= sum(map(len, parts))
        return
    pieces.append(f"{'tuple' if value.kind == 'namedtuple' else value.kind}({'' if value.items else value.text}")
    for item in value.items:
        if room[0] <= 0:
            break
        _key(item, pieces, room)
        pieces.append(",")
    pieces.append(")")


def is_same(left: Value, right: Value) -> bool:
    """Whether two values are equal. A list equals a tuple of the same items, because wording seldom separates them."""
    if is_sequence(left) and is_sequence(right):
        one, other = items_of(left), items_of(right)
        return one is not None and other is not None and [key_of(i) for i in one] == [key_of(i) for i in other]
    return key_of(left) == key_of(right)


def in_order(items: Sequence[Value], *, is_descending: bool = False) -> bool | None:
    """Whether numbers or texts are in order. None if the items cannot be ordered here."""
    numbers = [number_of(item) for item in items]
    texts = [item for item in items if isinstance(item, str)]
    if len(texts) == len(items):
        pairs = [left <= right for left, right in pairwise(texts)]
        back = [left >= right for left, right in pairwise(texts)]
    elif None not in numbers:
        known = [number for number in numbers if number is not None]
        pairs = [left <= right for left, right in pairwise(known)]
        back = [left >= right for left, right in pairwise(known)]
    else:
        return None
    return all(back if is_descending else pairs)


def are_same_items(left: Sequence[Value], right: Sequence[Value]) -> bool:
    """Whether the two hold the same items equally often, in any order."""
    return len(left) == len(right) and sorted(map(key_of, left)) == sorted(map(key_of, right))


def are_among(left: Sequence[Value], right: Sequence[Value]) -> bool:
    """Whether every item of `left` occurs in `right`. Counts are ignored."""
    known = {key_of(item) for item in right}
    return all(key_of(item) in known for item in left)


def conforms(annotation: ast.expr, value: Value) -> bool | None:
    """Whether a value is of an annotated type. None for types that data does not show.

    An int is accepted where a float is declared (PEP 484). Protocols, classes and type variables give None.
    """
    match annotation:
        case ast.Constant(value=None) | ast.Name(id="None"):
            return value is None
        case ast.Constant(value=str() as quoted):
            try:
                return conforms(ast.parse(quoted, mode="eval").body, value)
            except (SyntaxError, ValueError):
                return None
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            return _any([conforms(left, value), conforms(right, value)])
        case ast.Subscript(value=base, slice=inside):
            arguments = list(inside.elts) if isinstance(inside, ast.Tuple) else [inside]
            return _generic(_name(base), arguments, value)
    return _plain(_name(annotation), value)


def _name(tree: ast.expr) -> str:
    name = tree.attr if isinstance(tree, ast.Attribute) else getattr(tree, "id", "")
    return _ALIASES.get(name, name)


def _any(found: Sequence[bool | None]) -> bool | None:
    if True in found:
        return True
    return None if None in found else False


def _all(found: Sequence[bool | None]) -> bool | None:
    if False in found:
        return False
    return None if None in found else True


def _plain(name: str, value: Value) -> bool | None:
    if isinstance(value, Node) and value.kind not in _SEQUENCES | _SETS | {"dict"}:
        return None
    match name:
        case "bool":
            return isinstance(value, bool)
        case "int":
            return isinstance(value, int)
        case "float":
            return isinstance(value, int | float)
        case "complex":
            return isinstance(value, int | float | complex)
        case "str" | "bytes":
            return type(value).__name__ == name
    if name in _ONE_OF:
        if isinstance(value, Node) and value.type_name.rsplit(".", 1)[-1] not in {value.kind, name}:
            return None  # another class may be a subclass
        return isinstance(value, Node) and value.kind in _ONE_OF[name]
    return None


def _generic(name: str, arguments: list[ast.expr], value: Value) -> bool | None:
    if name == "Optional":
        return True if value is None else conforms(arguments[0], value)
    if name == "Union":
        return _any([conforms(argument, value) for argument in arguments])
    outer = _plain(name, value)
    if not outer or not isinstance(value, Node) or len(value.items) > ITEMS_MAX:
        return outer
    if name == "dict" and len(arguments) == 2:
        return _all([conforms(arguments[place % 2], item) for place, item in enumerate(value.items)])
    if name == "tuple":
        if isinstance(arguments[-1], ast.Constant) and arguments[-1].value is ...:
            return _all([True, *(conforms(arguments[0], item) for item in value.items)])
        if len(arguments) != len(value.items):
            return False
        return _all([conforms(one, item) for one, item in zip(arguments, value.items, strict=True)])
    if name in {"list", "set", "frozenset"}:
        return _all([True, *(conforms(arguments[0], item) for item in value.items)])
    return outer
