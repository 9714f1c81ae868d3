"""The trusted end of the inert codec: strict decoding with caps, and literals.

The module builds only scalars and `Node`s from a candidate's data, never a set, a dict or an object. So it computes no
hash of such a value and runs no method of it. The child's end is `jail.encode`. Kinds of `Node`: list, tuple,
namedtuple (`text` holds the field names), set, frozenset, dict, view (of a dict), deque, range, bytearray, generator,
enum (items: name, value, whether it equals its value), dataclass and object (items alternate names and values),
exception (items: arguments), type, literal (items: its source text, as of Decimal or datetime), ndarray, table.
Expected values may also hold approx (items: a value and its relative tolerance), which no child can send.
"""

from __future__ import annotations

import ast
import functools
import json
from collections.abc import Callable
from typing import Any

from plum_lsp.domain.verification import Node, Value
from plum_lsp.sandbox import literals

DEPTH_MAX = 70
"""Nesting that a decoded value may have. Deeper values make each pass over them slow, and cyclic ones never end."""
NODES_MAX = 200_000
"""Parts that a decoded value may have: about 20 MB of Python objects."""
LITERAL_SOURCE_MAX = 16 * 1024
"""Expected values longer than this are evaluated in a child."""
_CONTAINERS = {
    "list",
    "tuple",
    "namedtuple",
    "set",
    "frozenset",
    "dict",
    "deque",
    "range",
    "bytearray",
    "ndarray",
    "table",
}
KINDS = frozenset({*_CONTAINERS, "view", "generator", "enum", "dataclass", "object", "exception", "type", "literal"})
_APPROX = 1e-6
"""The relative tolerance of `pytest.approx` if it states none."""


class MalformedValue(ValueError):
    """The child sent data that is not in the codec, or that is too large."""


class NotLiteral(ValueError):
    """The source is an expression that has to be evaluated."""


def _refuse(token: str) -> Any:
    raise MalformedValue(f"{token[:20]!r} is not in the codec")


def parse(content: bytes) -> Any:
    """The parsed JSON of the codec's subset, which has no floats, no NaN and no duplicate names.

    Raises:
        MalformedValue: it is not in this subset.
    """
    try:
        return json.loads(content.decode("ascii"), parse_float=_refuse, parse_constant=_refuse)
    except (ValueError, RecursionError, MemoryError) as error:
        raise MalformedValue(f"not in the codec: {type(error).__name__}") from None


def decode(wire: Any) -> Value:
    """The value that parsed JSON describes.

    Raises:
        MalformedValue: unknown tags, wrong shapes, too deep or too many parts.
    """
    return _Decoder().value(wire, 0)


class _Decoder:
    """Counts parts while it decodes one value."""

    def __init__(self) -> None:
        self._nodes_left = NODES_MAX

    def value(self, wire: Any, depth: int) -> Value:
        self._nodes_left -= 1
        if depth > DEPTH_MAX or self._nodes_left < 0:
            raise MalformedValue("the value is nested too deeply or has too many parts")
        if wire is None or isinstance(wire, bool | int | str):
            return wire
        match wire:
            case ["i", str(digits)]:
                return _number(digits, lambda: int(digits, 16))
            case ["f", str(digits)]:
                return _number(digits, lambda: float.fromhex(digits))
            case ["c", str(real), str(imaginary)]:
                return _number(real, lambda: complex(float.fromhex(real), float.fromhex(imaginary)))
            case ["s", str(digits)]:
                return _number(digits, lambda: bytes.fromhex(digits).decode("utf-8", "surrogatepass"))
            case ["b", str(digits)]:
                return _number(digits, lambda: bytes.fromhex(digits))
            case ["n", str(kind), str(type_name), str(text), list(items)] if kind in KINDS:
                return self._node(kind, type_name, text, items, depth)
        raise MalformedValue("the value is not in the codec")

    def _node(self, kind: str, type_name: str, text: str, items: list[Any], depth: int) -> Node:
        parts = tuple([self.value(item, depth + 1) for item in items])
        if not _is_well_formed(kind, parts):
            raise MalformedValue(f"a {kind} has the wrong parts")
        return Node(kind=kind, type_name=type_name[:200], items=parts, text=text[:4096])


def _number(digits: str, convert: Callable[[], int | float | complex | bytes | str]) -> Value:
    try:
        return convert()
    except (ValueError, OverflowError):
        raise MalformedValue(f"{digits[:20]!r} is no number") from None


def _is_well_formed(kind: str, parts: tuple[Value, ...]) -> bool:
    """Whether the parts fit this kind."""
    match kind:
        case "dict":
            return len(parts) % 2 == 0
        case "dataclass" | "object":
            return len(parts) % 2 == 0 and all(isinstance(name, str) for name in parts[::2])
        case "enum":
            return len(parts) == 3 and isinstance(parts[0], str) and isinstance(parts[2], bool)
        case "range":
            return len(parts) == 3 and all(isinstance(part, int) for part in parts)
        case "literal":
            return len(parts) == 1 and isinstance(parts[0], str)
        case "bytearray":
            return len(parts) == 1 and isinstance(parts[0], bytes)
        case _:
            return True


def encode(value: Value) -> Any:
    """The inverse of `decode`, for the child that evaluates a predicate. Literals become constructors and constants.

    Raises:
        literals.UnknownLiteral: the value holds a literal that cannot be read.
    """
    match value:
        case float():
            return ["f", value.hex()]
        case complex():
            return ["c", value.real.hex(), value.imag.hex()]
        case bytes():
            return ["b", value.hex()]
        case str() if not _is_encodable(value):
            return ["s", value.encode("utf-8", "surrogatepass").hex()]
        case int() if not -(1 << 53) < value < 1 << 53:
            return ["i", hex(value)]
        case Node(kind="literal"):
            return _encode_node(literals.constructed(value))
        case Node():
            return _encode_node(value)
        case _:
            return value


def _is_encodable(text: str) -> bool:
    """Whether the text has no surrogates. JSON would join two of them."""
    try:
        return text.isascii() or bool(text.encode())
    except UnicodeEncodeError:
        return False


def _encode_node(value: Node) -> Any:
    """Encode a node. Its own literal has been read before, with those among the arguments."""
    is_read = value.kind == "literal"
    items = [_encode_node(item) if is_read and isinstance(item, Node) else encode(item) for item in value.items]
    return ["n", value.kind, value.type_name, value.text, items]


@functools.lru_cache(maxsize=512)
def literal(source: str) -> Value:
    """The value of a Python literal, read without building the described object. The candidates of a group share it.

    Raises:
        NotLiteral: it is not a literal, or too long or deep to be read here.
    """
    if len(source) > LITERAL_SOURCE_MAX:
        raise NotLiteral("too long")
    try:
        return _literal(ast.parse(source.strip(), mode="eval").body, 0)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise NotLiteral(str(error)) from None


def _literal(node: ast.expr, depth: int) -> Value:
    if depth > DEPTH_MAX:
        raise NotLiteral("too deep")
    match node:
        case ast.Constant(value=value) if value is not Ellipsis:
            return value
        case ast.List(elts=parts) | ast.Tuple(elts=parts) | ast.Set(elts=parts):
            kind = type(node).__name__.lower()
            return Node(kind=kind, type_name=kind, items=tuple([_literal(part, depth + 1) for part in parts]))
        case ast.Dict(keys=keys, values=values):
            pairs = [part for pair in zip(keys, values, strict=True) for part in pair]
            items = [_literal(part, depth + 1) for part in pairs if part is not None]
            if len(items) != len(pairs):
                raise NotLiteral("unpacks a mapping")
            return Node(kind="dict", type_name="dict", items=tuple(items))
        case ast.UnaryOp(op=ast.USub() | ast.UAdd() as sign, operand=operand):
            number = _literal(operand, depth + 1)
            if type(number) in {int, float, complex}:
                return -number if isinstance(sign, ast.USub) else number  # type: ignore[operator]
        case ast.BinOp(left=left, op=ast.Add() | ast.Sub() as sign, right=right):
            return _complex_literal(_literal(left, depth + 1), sign, _literal(right, depth + 1))
        case ast.Call(func=ast.Name(id="set" | "frozenset" as name), args=[], keywords=[]):
            return Node(kind=name, type_name=name, items=())
        case ast.Call(func=ast.Name(id="approx") | ast.Attribute(attr="approx"), args=[near, *rest], keywords=[]):
            tolerance = _literal(rest[0], depth + 1) if len(rest) == 1 else _APPROX if not rest else None
            if isinstance(tolerance, int | float) and not isinstance(tolerance, bool):
                return Node(kind="approx", type_name="approx", items=(_literal(near, depth + 1), float(tolerance)))
    raise NotLiteral("not a literal")


def _complex_literal(real: Value, sign: ast.operator, imaginary: Value) -> Value:
    if type(real) in {int, float} and type(imaginary) is complex:
        return real + imaginary if isinstance(sign, ast.Add) else real - imaginary  # type: ignore[operator]
    raise NotLiteral("not a literal")
