"""Reads the text of Decimal, datetime and similar values into constructors and constants. A child rebuilds them.

The text comes from a candidate, so it is never evaluated. Only the calls listed here are read, with constants of the
right kind as arguments. The result is data again.
"""

from __future__ import annotations

import ast

from plum_lsp.domain.verification import Node, Value

SOURCE_MAX = 6_000
"""Longer texts are not read."""
_TEXT = frozenset({"PosixPath", "PurePosixPath", "PureWindowsPath", "Decimal", "UUID"}) | {
    f"IPv{version}{what}" for version in (4, 6) for what in ("Address", "Network")
}
_WHOLE = frozenset({"Fraction", *(f"datetime.{name}" for name in ("date", "time", "datetime", "timedelta"))})
_NAMED = frozenset({"tzinfo", "fold", "days", "seconds", "microseconds"})
_ZONES = frozenset({"datetime.timezone", "zoneinfo.ZoneInfo"})
_DEPTH_MAX = 4


class UnknownLiteral(ValueError):
    """The text is not one of the known calls."""


def constructed(node: Node) -> Node:
    """A literal node.

    `type_name` is the constructor, the items are its arguments, `text` holds the names of the last ones.

    Raises:
        UnknownLiteral: the text is not a known call.
    """
    source = node.items[0]
    if not isinstance(source, str) or len(source) > SOURCE_MAX:
        raise UnknownLiteral(node.type_name)
    try:
        made = _call(ast.parse(source, mode="eval").body, 0)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise UnknownLiteral(node.type_name) from None
    if not isinstance(made, Node) or node.type_name not in {made.type_name.rsplit(".", 1)[-1], made.type_name}:
        raise UnknownLiteral(node.type_name)
    return made


def _call(tree: ast.expr, depth: int) -> Value:
    """A known call, with its arguments checked."""
    if depth > _DEPTH_MAX:
        raise UnknownLiteral("too deep")
    match tree:
        case ast.Attribute(value=ast.Attribute(value=ast.Name(id="datetime"), attr="timezone"), attr="utc"):
            return _made("datetime.timezone", (_made("datetime.timedelta", ()),))
        case ast.Call(func=ast.Name(id=name), args=arguments, keywords=keywords):
            pass
        case ast.Call(func=ast.Attribute(value=ast.Name(id=module), attr=attr), args=arguments, keywords=keywords):
            name = f"{module}.{attr}"
        case _:
            raise UnknownLiteral("no call")
    positional = tuple([_argument(name, argument, depth) for argument in arguments])
    named = tuple([_argument(name, keyword.value, depth) for keyword in keywords])
    names = [keyword.arg or "" for keyword in keywords]
    if name == "zoneinfo.ZoneInfo" and names == ["key"] and not positional:
        return _made(name, named)
    if not _NAMED.issuperset(names):
        raise UnknownLiteral(name)
    return _made(name, positional + named, " ".join(names))


def _argument(name: str, tree: ast.expr, depth: int) -> Value:
    """A constant of the kind this constructor takes, or a time zone."""
    match tree:
        case ast.Constant(value=str() as text) if name in _TEXT or name in _ZONES:
            return text
        case ast.Constant(value=int() as number) if name in _WHOLE and not isinstance(number, bool):
            return number
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() as number)) if name in _WHOLE:
            return -number
        case ast.Call() | ast.Attribute() if name.startswith("datetime."):
            inner = _call(tree, depth + 1)
            if isinstance(inner, Node) and inner.type_name in {*_ZONES, "datetime.timedelta"}:
                return inner
    raise UnknownLiteral(name)


def _made(name: str, items: tuple[Value, ...], names: str = "") -> Node:
    return Node(kind="literal", type_name=name, items=items, text=names)
