"""Rebuilds a Python value from inert tagged text, in the process that evaluates a predicate. It trusts the host.

The module evaluates no text. It looks up names only in its tables and among the program's own classes, because the
value came from a candidate, which may name any class. Objects of the program's classes are filled without running their
constructors. An object of a class that the program does not have becomes a plain namespace with the same attributes.
"""

from __future__ import annotations

import builtins
import collections
import datetime
import decimal
import enum
import fractions
import ipaddress
import pathlib
import types
import uuid
import zoneinfo
from typing import Any

globals()["__builtins__"] = dict(vars(builtins))

_CONSTRUCTORS: dict[str, Any] = {
    "Decimal": decimal.Decimal,
    "Fraction": fractions.Fraction,
    "UUID": uuid.UUID,
    "zoneinfo.ZoneInfo": zoneinfo.ZoneInfo,
    **{"datetime." + name: getattr(datetime, name) for name in ("date", "time", "datetime", "timedelta", "timezone")},
    **{name: getattr(pathlib, name) for name in ("PosixPath", "PurePosixPath", "PureWindowsPath")},
    **{name: getattr(ipaddress, name) for name in ("IPv4Address", "IPv6Address", "IPv4Network", "IPv6Network")},
}


_MAPPINGS: dict[str, Any] = {
    "OrderedDict": collections.OrderedDict,
    "Counter": collections.Counter,
    "UserDict": collections.UserDict,
    "ChainMap": collections.ChainMap,
    "mappingproxy": types.MappingProxyType,
}
"""Standard classes of kind dict. All of them are made from a dict."""
_FACTORIES: dict[str, Any] = {cls.__name__: cls for cls in (int, float, str, bool, list, dict, set, tuple)}
"""What a defaultdict may make by itself."""
_STANDARD = frozenset({"array", "UserString"})
"""Standard classes of kind object."""


class CannotRebuild(Exception):
    """The value describes an object that must not be built."""


def rebuild(wire: Any, module: dict[str, Any]) -> Any:
    """The value that `wire` describes. Classes are looked up in `module`."""
    if not isinstance(wire, list):
        return wire
    tag = wire[0]
    if tag == "i":
        return int(wire[1], 16)
    if tag == "f":
        return float.fromhex(wire[1])
    if tag == "c":
        return complex(float.fromhex(wire[1]), float.fromhex(wire[2]))
    if tag == "b":
        return bytes.fromhex(wire[1])
    if tag == "s":
        return bytes.fromhex(wire[1]).decode("utf-8", "surrogatepass")
    _, kind, type_name, text, items = wire
    return _node(kind, type_name, text, [rebuild(item, module) for item in items], module)


def _node(kind: str, type_name: str, text: str, items: list[Any], module: dict[str, Any]) -> Any:
    """A container or object from its parts."""
    if kind in ("namedtuple", "object", "dataclass") and any(callable(item) for item in items):
        # A class, or an object with `__call__` in its class, could take the place of a method of plain data, as in
        # `_.startswith("a")`.
        raise CannotRebuild(type_name)
    if kind == "namedtuple":
        own = _own_class(type_name, module)
        if own is not None and issubclass(own, tuple) and getattr(own, "_fields", None) == tuple(text.split()):
            return tuple.__new__(own, items)
        return collections.namedtuple(type_name.split(".")[-1], text.split(), rename=True)(*items)
    if kind == "dict":
        pairs = dict(zip(items[::2], items[1::2]))
        if type_name == "defaultdict":
            return collections.defaultdict(_FACTORIES.get(text), pairs)
        return _MAPPINGS[type_name](pairs) if type_name in _MAPPINGS else pairs
    if kind == "list" and type_name == "UserList":
        return collections.UserList(items)
    if kind == "generator":
        return iter(items)
    if kind == "view":
        return _view(type_name, items)
    if kind == "range":
        return range(*items)
    if kind == "enum":
        return _member(type_name, items, module)
    if kind == "literal":
        return _literal(type_name, items, text.split())
    if kind == "exception":
        return _exception(type_name, items, module)
    if kind == "type":
        return _type(type_name, module)
    plain = {"tuple": tuple, "set": set, "frozenset": frozenset, "deque": collections.deque, "list": list}.get(kind)
    if plain is not None:
        return plain(items)
    if kind == "bytearray":
        return bytearray(items[0])
    if kind == "ndarray":
        import numpy

        return numpy.array(items, dtype=text)
    return _object(type_name, items, module)


def _view(type_name: str, items: list[Any]) -> Any:
    """A view of a new dict with the same contents."""
    if type_name == "dict_keys":
        return dict.fromkeys(items).keys()
    return dict(items).items() if type_name == "dict_items" else dict(enumerate(items)).values()


def _literal(constructor: str, items: list[Any], names: list[str]) -> Any:
    """The result of a known constructor with constants. The last ones are named arguments."""
    make = _CONSTRUCTORS.get(constructor)
    if make is None:
        raise CannotRebuild(constructor)
    count = len(items) - len(names)
    return make(*items[:count], **dict(zip(names, items[count:])))


def _own_class(type_name: str, module: dict[str, Any]) -> Any:
    """The class that the program defines under that qualified name, or None. It looks only into classes."""
    scope: Any = module
    found: Any = None
    for name in type_name.split("."):
        found = scope.get(name)
        if not isinstance(found, type) or found.__module__ != module.get("__name__"):
            return None
        scope = vars(found)
    return found if found is not None and found.__qualname__ == type_name else None


def _type(type_name: str, module: dict[str, Any]) -> Any:
    """A class of the program or a built-in one."""
    found = _own_class(type_name, module) or vars(builtins).get(type_name)
    if not isinstance(found, type):
        raise CannotRebuild(type_name)
    return found


def _exception(type_name: str, items: list[Any], module: dict[str, Any]) -> BaseException:
    """An exception of a class of the program or a built-in one, made without the program's constructor."""
    own = _own_class(type_name, module)
    if own is not None and issubclass(own, BaseException):
        try:
            error: BaseException = BaseException.__new__(own, *items)
            return error
        except TypeError:
            raise CannotRebuild(type_name) from None
    cls: Any = vars(builtins).get(type_name)
    is_known = isinstance(cls, type) and issubclass(cls, BaseException)
    made: BaseException = cls(*items) if is_known else Exception(*items)
    return made


def _member(type_name: str, items: list[Any], module: dict[str, Any]) -> Any:
    """An enum member by name (a flag without one by value), or its plain value."""
    found = _own_class(type_name, module)
    if not isinstance(found, enum.EnumMeta):
        return items[1]
    if items[0] in found.__members__:
        return found.__members__[items[0]]
    return found(items[1]) if issubclass(found, enum.Flag) else items[1]


def _object(type_name: str, items: list[Any], module: dict[str, Any]) -> Any:
    """An instance with these attributes, made without its constructor."""
    cls = _own_class(type_name, module)
    names = dict(zip(items[::2], items[1::2]))
    if cls is None and type_name in _STANDARD:
        return _standard(type_name, names)
    if "__class__" in names or "__dict__" in names:
        raise CannotRebuild(type_name)
    if cls is None:
        return types.SimpleNamespace(**{str(name): part for name, part in names.items()})
    if any(_is_behaviour(cls, name) for name in names):
        raise CannotRebuild(type_name)
    try:
        instance: Any = object.__new__(cls)
        for name, part in names.items():
            object.__setattr__(instance, name, part)
    except (TypeError, AttributeError):
        raise CannotRebuild(type_name) from None
    return instance


def _standard(type_name: str, names: dict[str, Any]) -> Any:
    """An object of a standard class that is sent by its attributes."""
    try:
        if type_name == "array":
            import array

            return array.array(names["typecode"], names["items"])
        return collections.UserString(names["data"])
    except (LookupError, TypeError, ValueError, OverflowError):
        raise CannotRebuild(type_name) from None


def _is_behaviour(cls: type, name: str) -> bool:
    """Whether the class itself defines the name as a method or property. No attribute may replace it."""
    for base in cls.__mro__:
        if name in vars(base):
            found = vars(base)[name]
            is_slot = isinstance(found, (types.MemberDescriptorType, types.GetSetDescriptorType))
            return not is_slot and (callable(found) or hasattr(type(found), "__get__"))
    return False
