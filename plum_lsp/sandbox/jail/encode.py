"""Turns a candidate's values into inert tagged text, inside the candidate's process. It makes no decision.

The host decodes with `sandbox.values` and enforces every cap again. The caps here only keep honest programs cheap.
Methods of the base classes read values of subclasses, so an overridden `__iter__` or `__eq__` cannot change the result.
"""

from __future__ import annotations

import builtins
import collections
import types
from collections.abc import Callable
from json.encoder import encode_basestring_ascii as quote
from re import compile as _compile
from typing import Any

# The functions below keep working if a candidate patches builtins.
globals()["__builtins__"] = dict(vars(builtins))

DEPTH_MAX = 60
"""Nesting that a value may have. `sandbox.values` allows a little more."""
NODES_MAX = 150_000
"""Parts that a value may have. `sandbox.values` allows a little more."""
ITEMS_READ_MAX = 10_000
"""Items of a generator that are read."""
TEXT_MAX = 400
"""Characters of a representation kept with an opaque object."""

_name_of: Callable[[type], str] = type.__dict__["__qualname__"].__get__
_plain_name_of: Callable[[type], str] = type.__dict__["__name__"].__get__
_args_of: Callable[[BaseException], tuple[Any, ...]] = BaseException.__dict__["args"].__get__
_factory_of: Callable[[Any], Any] = collections.defaultdict.__dict__["default_factory"].__get__
_mro_of: Callable[[type], tuple[type, ...]] = type.__dict__["__mro__"].__get__
_Indexed = type("_Indexed", (), {"__getitem__": list.__getitem__})
_SAMPLES: tuple[Any, ...] = ([], (), {}, set(), "", range(0), range(1 << 64), b"", bytearray(), memoryview(b""))
_VIEWS: tuple[Any, ...] = ({}.values(), {}.items(), collections.deque(), _Indexed())
_TURNED: tuple[Any, ...] = ([], {}, {}.values(), {}.items(), range(0), range(1 << 64), collections.deque())
_ITERATORS: tuple[type, ...] = (
    *(type(iter(sample)) for sample in (*_SAMPLES, *_VIEWS)),
    *(type(reversed(sample)) for sample in _TURNED),
    *(map, filter, zip, enumerate, reversed, type(iter(int, 0))),
)


class TooBig(Exception):
    """A value is nested too deeply or has too many parts or bytes."""


class Encoder:
    """Encodes one value. `write` is called on each part."""

    def __init__(self, bytes_max: int) -> None:
        self.pieces: list[str] = []
        self.bytes_left = bytes_max
        self.nodes_left = NODES_MAX

    def emit(self, text: str) -> None:
        """Append text that is already JSON."""
        self.bytes_left -= len(text)
        if self.bytes_left < 0:
            raise TooBig("the value has too many bytes")
        self.pieces.append(text)

    def node(self, kind: str, type_name: str, text: str, items: Any, depth: int) -> None:
        """Append a container or object whose parts are `items`, in order."""
        self.emit('["n",' + quote(kind) + "," + quote(type_name) + "," + quote(text) + ",[")
        first = True
        for item in items:
            if not first:
                self.emit(",")
            first = False
            self.write(item, depth + 1)
        self.emit("]]")

    def write(self, value: Any, depth: int = 0) -> None:
        """Append one value."""
        self.nodes_left -= 1
        if depth > DEPTH_MAX:
            raise TooBig("the value is nested too deeply")
        if self.nodes_left < 0:
            raise TooBig("the value has too many parts")
        if value is None:
            self.emit("null")
        elif value is True:
            self.emit("true")
        elif value is False:
            self.emit("false")
        else:
            handler = _exact.get(type(value)) or _inherited(value)
            handler(self, value, depth)


def _write_int(out: Encoder, value: int, depth: int) -> None:
    number = int.__add__(value, 0)
    if -(1 << 53) < number < 1 << 53:
        out.emit(int.__repr__(number))
    else:
        if number.bit_length() // 4 > out.bytes_left:
            raise TooBig("the value has too many bytes")
        out.emit('["i","' + hex(number) + '"]')


def _write_float(out: Encoder, value: float, depth: int) -> None:
    out.emit('["f","' + float.hex(value) + '"]')


def _write_complex(out: Encoder, value: complex, depth: int) -> None:
    real, imaginary = complex.real.__get__(value), complex.imag.__get__(value)
    out.emit('["c","' + float.hex(real) + '","' + float.hex(imaginary) + '"]')


def _write_str(out: Encoder, value: str, depth: int) -> None:
    if str.__len__(value) > out.bytes_left:
        raise TooBig("the value has too many bytes")
    text = str.__str__(value)
    if not str.isascii(text):
        try:
            str.encode(text, "utf-8")
        except UnicodeEncodeError:  # Surrogates: JSON would join two of them into one character.
            out.emit('["s","' + bytes.hex(str.encode(text, "utf-8", "surrogatepass")) + '"]')
            return
    out.emit(quote(text))


def _write_bytes(out: Encoder, value: bytes, depth: int) -> None:
    if bytes.__len__(value) > out.bytes_left:
        raise TooBig("the value has too many bytes")
    out.emit('["b","' + bytes.hex(value) + '"]')


def _write_bytearray(out: Encoder, value: bytearray, depth: int) -> None:
    out.node("bytearray", "bytearray", "", (bytes(value),), depth)


def _write_list(out: Encoder, value: list[Any], depth: int) -> None:
    out.node("list", _name_of(type(value)), "", list.__iter__(value), depth)


def _write_tuple(out: Encoder, value: tuple[Any, ...], depth: int) -> None:
    fields = getattr(type(value), "_fields", None)
    if type(fields) is tuple and fields and all(type(field) is str for field in fields):
        out.node("namedtuple", _name_of(type(value)), " ".join(fields)[:4096], tuple.__iter__(value), depth)
    else:
        out.node("tuple", _name_of(type(value)), "", tuple.__iter__(value), depth)


def _write_set(out: Encoder, value: Any, depth: int) -> None:
    base = frozenset if isinstance(value, frozenset) else set
    out.node(base.__name__, _name_of(type(value)), "", base.__iter__(value), depth)


def _write_dict(out: Encoder, value: dict[Any, Any], depth: int) -> None:
    _write_dict_as(out, value, _name_of(type(value)), depth)


def _write_default_dict(out: Encoder, value: Any, depth: int) -> None:
    factory = _factory_of(value)
    text = _name_of(factory) if isinstance(factory, type) else ""
    _write_dict_as(out, value, "defaultdict", depth, text=text)


def _write_user_list(out: Encoder, value: Any, depth: int) -> None:
    data = object.__getattribute__(value, "data")
    if type(data) is list:
        out.node("list", "UserList", "", list.__iter__(data), depth)
    else:
        _write_object(out, value, depth)


def _write_mapping(out: Encoder, value: Any, depth: int) -> None:
    _write_dict_as(out, dict(value.items()), type(value).__name__, depth)


def _write_dict_as(out: Encoder, value: dict[Any, Any], type_name: str, depth: int, text: str = "") -> None:
    out.node("dict", type_name, text, (part for pair in dict.items(value) for part in pair), depth)


def _write_iterator(out: Encoder, value: Any, depth: int) -> None:
    items: list[Any] = []
    for item in value:
        if len(items) == ITEMS_READ_MAX:
            raise TooBig("the iterator does not end")
        items.append(item)
    out.node("generator", _name_of(type(value)), "", items, depth)


def _write_range(out: Encoder, value: range, depth: int) -> None:
    out.node("range", "range", "", (value.start, value.stop, value.step), depth)


def _write_exception(out: Encoder, value: BaseException, depth: int) -> None:
    out.node("exception", _name_of(type(value)), "", _args_of(value), depth)


def _write_type(out: Encoder, value: type, depth: int) -> None:
    out.node("type", _name_of(value), "", (), depth)


def _write_view(out: Encoder, value: Any, depth: int) -> None:
    out.node("view", _name_of(type(value)), "", list(value), depth)


def _write_by_text(out: Encoder, value: Any, depth: int) -> None:
    text = repr(value)
    out.node("literal", _name_of(type(value)), text[:TEXT_MAX], (text,), depth)


def _write_array(out: Encoder, value: Any, depth: int) -> None:
    plain = value.tolist()
    if isinstance(plain, list):
        out.node("ndarray", "ndarray", str(value.dtype), plain, depth)
    else:
        out.write(plain, depth)


def _write_frame(out: Encoder, value: Any, depth: int) -> None:
    name = _name_of(type(value))
    content = value.to_dict("list") if name == "DataFrame" else {"values": value.tolist()}
    parts = (
        [name] + [part for pair in content.items() for part in pair] + [list(value.index) if name != "Index" else []]
    )
    out.node("table", name, "", parts, depth)


def _write_memory(out: Encoder, value: memoryview, depth: int) -> None:
    if value.nbytes > out.bytes_left:
        raise TooBig("the value has too many bytes")
    out.write(value.tobytes(), depth)


def _write_pattern(out: Encoder, value: Any, depth: int) -> None:
    out.node("object", "Pattern", "", ("pattern", value.pattern, "flags", int(value.flags)), depth)


def _write_slice(out: Encoder, value: slice, depth: int) -> None:
    out.node("object", "slice", "", ("start", value.start, "stop", value.stop, "step", value.step), depth)


def _write_packed(out: Encoder, value: Any, depth: int) -> None:
    out.node("object", "array", "", ("typecode", value.typecode, "items", value.tolist()), depth)


def _write_enum(out: Encoder, value: Any, depth: int) -> None:
    name, plain = value._name_ or "", value._value_
    is_mixed = isinstance(value, (int, str, float, bytes, tuple))
    out.node("enum", _name_of(type(value)), "", (name, plain, is_mixed), depth)


def _write_object(out: Encoder, value: Any, depth: int) -> None:
    """Write a dataclass or any other object: its attributes, or its representation if it has none."""
    cls = type(value)
    fields = cls.__dict__.get("__dataclass_fields__") or getattr(cls, "__dataclass_fields__", None)
    if isinstance(fields, dict):
        kind, names = "dataclass", [name for name, field in fields.items() if _is_compared(field)]
    else:
        kind, names = "object", _attribute_names(value)
    parts: list[Any] = []
    for name in names:
        try:
            part = object.__getattribute__(value, name)
        except AttributeError:
            continue
        parts += (name, part)
    text = "" if parts else repr(value)[:TEXT_MAX]
    out.node(kind, _name_of(cls), text, parts, depth)


def _is_compared(field: Any) -> bool:
    """Whether it is a real field (no `ClassVar` or `InitVar`) that takes part in the comparison."""
    sort = getattr(getattr(field, "_field_type", None), "name", "_FIELD")
    return bool(getattr(field, "compare", True)) and sort == "_FIELD"


def _attribute_names(value: Any) -> list[str]:
    """Names of instance attributes, in `__dict__` and in slots."""
    names: list[str] = []
    for cls in _mro_of(type(value)):
        slots = cls.__dict__.get("__slots__", ())
        listed = [slots] if isinstance(slots, str) else [slot for slot in slots if isinstance(slot, str)]
        names += [_mangled(slot, cls) for slot in listed]
    own = getattr(value, "__dict__", None)
    if type(own) is dict:
        names += [name for name in own if type(name) is str]
    return [name for name in names if name not in ("__dict__", "__weakref__")]


def _mangled(slot: str, cls: type) -> str:
    """The name of the attribute that a slot makes. A private name includes its class."""
    if not slot.startswith("__") or slot.endswith("__"):
        return slot
    owner = _plain_name_of(cls).lstrip("_")
    return "_" + owner + slot if owner else slot


_exact: dict[type, Callable[[Encoder, Any, int], None]] = {
    int: _write_int,
    float: _write_float,
    complex: _write_complex,
    str: _write_str,
    bytes: _write_bytes,
    bytearray: _write_bytearray,
    list: _write_list,
    tuple: _write_tuple,
    set: _write_set,
    frozenset: _write_set,
    dict: _write_dict,
    range: _write_range,
    type: _write_type,
    types.GeneratorType: _write_iterator,
    type({}.keys()): _write_view,
    type({}.values()): _write_view,
    type({}.items()): _write_view,
    collections.defaultdict: _write_default_dict,
    collections.UserList: _write_user_list,
    collections.UserDict: _write_mapping,
    collections.ChainMap: _write_mapping,
    types.MappingProxyType: _write_mapping,
    memoryview: _write_memory,
    slice: _write_slice,
    type(...): _write_by_text,
    type(NotImplemented): _write_by_text,
    type(_compile("")): _write_pattern,
}
_exact.update((cls, _write_iterator) for cls in _ITERATORS)
_BASES: tuple[tuple[type, Callable[[Encoder, Any, int], None]], ...] = (
    (BaseException, _write_exception),
    (type, _write_type),
    (int, _write_int),
    (float, _write_float),
    (complex, _write_complex),
    (str, _write_str),
    (bytes, _write_bytes),
    (list, _write_list),
    (tuple, _write_tuple),
    (set, _write_set),
    (frozenset, _write_set),
    (dict, _write_dict),
)
_BY_TEXT = ("datetime", "decimal", "fractions", "uuid", "pathlib", "zoneinfo", "ipaddress")


def _inherited(value: Any) -> Callable[[Encoder, Any, int], None]:
    """The handler of a value with a class that is not one of the plain ones."""
    cls = type(value)
    mro = _mro_of(cls)
    module = str(getattr(cls, "__module__", "")).split(".")[0]
    if module == "numpy" and hasattr(cls, "tolist"):
        return _write_array
    if any(_name_of(base) == "Enum" and base.__module__ == "enum" for base in mro):
        return _write_enum
    for base, handler in _BASES:
        if base in mro:
            return handler
    if any(base.__module__ == "collections" and _name_of(base) == "deque" for base in mro):
        return _write_deque
    if module == "array" and _name_of(cls) == "array":
        return _write_packed
    if module == "itertools" and hasattr(cls, "__next__"):
        return _write_iterator
    if module in _BY_TEXT:
        return _write_by_text
    if module == "pandas" and _name_of(cls) in ("DataFrame", "Series", "Index"):
        return _write_frame
    return _write_object


def _write_deque(out: Encoder, value: Any, depth: int) -> None:
    out.node("deque", "deque", "", list(value), depth)


def encode(value: Any, bytes_max: int) -> str:
    """One value as JSON text.

    Raises:
        TooBig: it has too many parts or bytes, or is nested too deeply (which every cyclic value is).
    """
    out = Encoder(bytes_max)
    out.write(value)
    return "".join(out.pieces)


def exception_names(error: BaseException) -> list[str]:
    """Class names from the exception's own to `BaseException`.

    A class that only shares a built-in's name is qualified.
    """
    names = []
    for cls in _mro_of(type(error)):
        if cls is object:
            continue
        name = _name_of(cls)
        same_named: Any | None = vars(builtins).get(name)
        is_impostor = cls.__module__ != "builtins" and name in _BUILTIN_NAMES
        names.append(str(cls.__module__) + "." + name if is_impostor or (same_named is None and "." in name) else name)
    return names[:32]


_BUILTIN_NAMES = frozenset(
    name for name, cls in vars(builtins).items() if isinstance(cls, type) and issubclass(cls, BaseException)
)
