"""Compares an expectation with an observation, by value, and gives a verdict. It reads inert data only.

Numbers are equal as in Python (`1 == 1.0`, and an expected `True` is met by 1). There is one exception: no bool meets
an expected number, because returning `True` is not counting to one. A float or complex expected value may be missed by
`tolerance` times itself, or by `tolerance` if it is zero. Any other number may be missed only if the test states a
tolerance. An observed complex number meets an expected real one exactly or not at all. Infinities must be the same, and
NaN equals NaN.

Sets and dicts match in any order. Their keys must be equal exactly, and their elements exactly or as numbers. Named
tuples equal tuples. Members of IntEnum and StrEnum equal their values. As with Python's `==`, generators, `map`, `zip`
and the values of a dict are equal to no value, and an array equals no list or tuple. Views of keys and items equal
sets. Objects are equal if class name and attributes are equal, in any order. An object without attributes is equal to
no object and is found in no set. Members of an enum are equal if class, name and value are equal. The value is not
compared if it has a part that is equal to no value. Two OrderedDicts must have the same order.

This module builds no set or dict from a candidate's numbers, because their hashes may all collide. Parts are matched by
digests.
"""

from __future__ import annotations

import decimal
import hashlib
import math
import os
from collections.abc import Sequence
from fractions import Fraction

from plum_lsp.domain.verification import (
    Ending,
    Equals,
    Holds,
    Node,
    Observation,
    Prints,
    Raises,
    Shows,
    Value,
    VerdictStatus,
)
from plum_lsp.sandbox import kinship

TOLERANCE = 1e-9
"""Relative tolerance for floats if a test states none. Correct programs differ in rounding, but not in results."""
_ZERO_TOLERANCE = 1e-12
"""Largest difference from an expected 0.0 if a test states no tolerance."""
_CONVERTED_BITS_MAX = 4096
"""Integers longer than this are not compared with decimals, because the conversion is quadratic."""

_SEQUENCES = {"list": "list", "tuple": "tuple", "namedtuple": "tuple", "deque": "deque", "bytearray": "bytearray"}
_OBJECTS = frozenset({"dataclass", "object"})
_SETS = frozenset({"set", "frozenset"})
_IDENTICAL = frozenset({"generator", "view"})
"""Kinds whose `==` requires the same object (except views that are compared as sets). No written value equals one."""
_SET_VIEWS = frozenset({"dict_keys", "dict_items"})
_ENDINGS = {
    Ending.RAISED: VerdictStatus.ERRORED,
    Ending.CRASHED: VerdictStatus.ERRORED,
    Ending.TIMED_OUT: VerdictStatus.TIMED_OUT,
    Ending.OVER_LIMIT: VerdictStatus.OVER_LIMIT,
}


def status_of(
    expectation: Equals | Raises | Prints | Shows | Holds,
    observation: Observation,
    *,
    expected: Value = None,
    shown: str = "",
    held: VerdictStatus = VerdictStatus.ERRORED,
    known: frozenset[kinship.Chain] = frozenset(),
) -> VerdictStatus:
    """The verdict on one call.

    Args:
        expectation: What the test asks.
        observation: What the candidate's child showed.
        expected: The value of `Equals.expected`, which another child or the host evaluated.
        shown: The representation the child sent, for `Shows`.
        held: What the predicate's child said, for `Holds` and for the pattern of a `Raises`.
        known: Exceptions of the program without the candidate, for `Raises`.
    """
    if isinstance(expectation, Raises):
        return _raising(expectation, observation, known, held)
    if observation.ending is not Ending.RETURNED:
        return _ENDINGS[observation.ending]
    match expectation:
        case Equals():
            is_met = equal(expected, observation.value, tolerance=expectation.tolerance)
        case Prints():
            is_met = _trimmed(expectation.text) == _trimmed(observation.printed)
        case Shows():
            is_met = matches(expectation.text.strip(), shown.strip())
        case Holds():
            return held
    return VerdictStatus.PASSED if is_met else VerdictStatus.FAILED


def _raising(
    expectation: Raises, observation: Observation, known: frozenset[kinship.Chain], held: VerdictStatus
) -> VerdictStatus:
    """Whether the call itself raised what it should."""
    raised = observation.raised
    if raised is not None and not observation.detail and kinship.is_a(raised, expectation.type_name, known):
        message = expectation.message
        is_met = message is None or matches(message.strip(), raised.message.strip())
        is_met = is_met and (expectation.pattern is None or held is VerdictStatus.PASSED)
        return VerdictStatus.PASSED if is_met else VerdictStatus.FAILED
    if observation.ending is Ending.RETURNED:
        return VerdictStatus.FAILED
    return _ENDINGS[observation.ending]


def _trimmed(text: str) -> str:
    """Printed text without spaces at line ends and without the last line ends."""
    return "\n".join(line.rstrip() for line in text.rstrip().split("\n"))


def matches(pattern: str, text: str) -> bool:
    """Whether `text` is `pattern`, where `...` matches any text. The search is linear and leftmost, as in doctest."""
    pieces = pattern.split("...")
    if len(pieces) == 1:
        return pattern == text
    first, last = pieces[0], pieces[-1]
    if len(first) + len(last) > len(text) or not (text.startswith(first) and text.endswith(last)):
        return False
    at, end = len(first), len(text) - len(last)
    for piece in pieces[1:-1]:
        found = text.find(piece, at, end)
        if found < 0:
            return False
        at = found + len(piece)
    return True


def equal(expected: Value, observed: Value, *, tolerance: float | None = None) -> bool:
    """Whether two inert values are equal by the rules at the top of this module."""
    expected, observed = _plain(expected), _plain(observed)
    if isinstance(expected, Node) and expected.kind == "approx":
        near, within = expected.items
        return equal(near, observed, tolerance=within if isinstance(within, float) else tolerance)
    if isinstance(expected, Node) and isinstance(observed, Node):
        return _equal_nodes(expected, observed, tolerance)
    if isinstance(expected, Node) or isinstance(observed, Node):
        return _equal_mixed(expected, observed)
    if isinstance(observed, bool):
        return expected is observed
    if isinstance(expected, bool):
        return expected == observed
    if isinstance(expected, int | float | complex) and isinstance(observed, int | float | complex):
        return _equal_numbers(expected, observed, tolerance)
    return type(expected) is type(observed) and expected == observed


def _plain(value: Value) -> Value:
    """The value that a member of IntEnum, StrEnum and the like equals, or the text of a UserString."""
    while isinstance(value, Node) and value.kind == "enum" and value.items[2] is True:
        value = value.items[1]
    is_text = isinstance(value, Node) and value.type_name == "UserString" and value.items[:1] == ("data",)
    return value.items[1] if is_text and isinstance(value, Node) and isinstance(value.items[1], str) else value


def _equal_numbers(expected: int | float | complex, observed: int | float | complex, tolerance: float | None) -> bool:
    """Numbers within the tolerance that the expected one gives."""
    if isinstance(expected, complex):
        try:
            got = complex(observed)
        except OverflowError:
            return False
        return _equal_numbers(expected.real, got.real, tolerance) and _equal_numbers(expected.imag, got.imag, tolerance)
    if isinstance(observed, complex) or (isinstance(expected, int) and (tolerance is None or tolerance == 0)):
        return expected == observed
    try:
        wanted, got = float(expected), float(observed)
    except OverflowError:
        return expected == observed
    if math.isnan(wanted) or math.isnan(got):
        return math.isnan(wanted) and math.isnan(got)
    if math.isinf(wanted) or math.isinf(got) or wanted == got:
        return expected == observed if isinstance(expected, int) and isinstance(observed, int) else wanted == got
    relative = TOLERANCE if tolerance is None else tolerance
    at_zero = _ZERO_TOLERANCE if tolerance is None else tolerance
    return abs(got - wanted) <= (relative * abs(wanted) if wanted else at_zero)


def _equal_mixed(expected: Value, observed: Value) -> bool:
    """A node and a scalar: only decimals and fractions equal numbers, and a bytearray equals bytes."""
    node, other = (expected, observed) if isinstance(expected, Node) else (observed, expected)
    if not isinstance(node, Node) or isinstance(other, Node):
        return False
    if node.kind == "bytearray":
        return node.items[0] == other and isinstance(other, bytes)
    number = _exact_number(node)
    if number is None or isinstance(other, bool) or not isinstance(other, int | float):
        return False
    if isinstance(other, int) and other.bit_length() > _CONVERTED_BITS_MAX:
        return False
    return bool(number == other)


def _exact_number(node: Node) -> decimal.Decimal | Fraction | None:
    """The number that a literal node of Decimal or Fraction describes. None for NaN, because comparing it may raise."""
    if node.kind != "literal" or node.type_name not in {"Decimal", "Fraction"}:
        return None
    inside = str(node.items[0]).partition("(")[2].rstrip(")").strip("'")
    if len(inside) > _CONVERTED_BITS_MAX:
        return None
    try:
        if node.type_name == "Decimal":
            number = decimal.Decimal(inside)
            return None if number.is_nan() else number
        numerator, _, denominator = inside.partition(",")
        return Fraction(int(numerator), int(denominator))
    except (ValueError, ArithmeticError):
        return None


def _equal_nodes(expected: Node, observed: Node, tolerance: float | None) -> bool:
    """Two containers or objects."""
    if expected.kind == "dict":
        return observed.kind == "dict" and _equal_dicts(expected, observed, tolerance)
    if expected.kind in _SEQUENCES:
        is_same = _SEQUENCES.get(observed.kind) == _SEQUENCES[expected.kind]
        return is_same and _equal_items(expected.items, observed.items, tolerance)
    if _is_set_like(expected) and _is_set_like(observed):
        return _equal_sets(expected.items, observed.items, tolerance)
    if expected.kind != observed.kind:
        return False
    if expected.kind == "literal":
        return _equal_literals(expected, observed)
    if expected.kind == "range":
        return _range(expected) == _range(observed)
    if expected.kind in _IDENTICAL:
        return False
    if expected.kind == "ndarray":
        return _equal_items(expected.items, observed.items, tolerance)
    is_same = expected.type_name == observed.type_name
    if expected.kind in _OBJECTS:
        return is_same and _equal_objects(expected, observed, tolerance)
    if expected.kind == "enum":
        return is_same and _equal_members(expected, observed, tolerance)
    return is_same and _equal_items(expected.items, observed.items, tolerance)


def _is_set_like(node: Node) -> bool:
    """Whether `==` compares it as a set: a set, or the view of a dict's keys or items."""
    return node.kind in _SETS or (node.kind == "view" and node.type_name in _SET_VIEWS)


def _equal_objects(expected: Node, observed: Node, tolerance: float | None) -> bool:
    """Whether both have the same attributes, set in any order. An object that shows no attributes equals no object."""
    wanted = dict(zip(expected.items[::2], expected.items[1::2], strict=True))
    got = dict(zip(observed.items[::2], observed.items[1::2], strict=True))
    if not wanted and expected.kind == "object":
        return False
    return wanted.keys() == got.keys() and all(
        equal(part, got[name], tolerance=tolerance) for name, part in wanted.items()
    )


def _equal_members(expected: Node, observed: Node, tolerance: float | None) -> bool:
    """Whether name and value are the same. Values that show no contents are not compared."""
    (name, value, _), (other_name, other_value, _) = expected.items, observed.items
    return name == other_name and (equal(value, other_value, tolerance=tolerance) or (name != "" and _is_opaque(value)))


def _is_opaque(value: Value) -> bool:
    """Whether some part of it is equal to no value, as a function is."""
    return isinstance(value, Node) and (
        (value.kind == "object" and not value.items) or any(_is_opaque(item) for item in value.items)
    )


def _range(node: Node) -> range:
    start, stop, step = (part if isinstance(part, int) else 0 for part in node.items)
    return range(start, stop, step or 1)


def _equal_literals(expected: Node, observed: Node) -> bool:
    wanted, got = _exact_number(expected), _exact_number(observed)
    if wanted is not None and got is not None:
        is_mixed = isinstance(wanted, Fraction) != isinstance(got, Fraction)
        return not is_mixed and bool(wanted == got)
    return expected.type_name == observed.type_name and expected.items == observed.items


def _equal_items(expected: Sequence[Value], observed: Sequence[Value], tolerance: float | None) -> bool:
    return len(expected) == len(observed) and all(
        equal(wanted, got, tolerance=tolerance) for wanted, got in zip(expected, observed, strict=True)
    )


def _equal_sets(expected: Sequence[Value], observed: Sequence[Value], tolerance: float | None) -> bool:
    """Whether the elements are the same, in any order and listed any number of times."""
    wanted = {digest(item): item for item in expected}
    got = {digest(item): item for item in observed}
    if wanted.keys() == got.keys():
        return True
    if len(wanted) != len(got):
        return False
    left, right = _sorted_numbers(list(wanted.values())), _sorted_numbers(list(got.values()))
    return left is not None and right is not None and _equal_items(left, right, tolerance)


def _sorted_numbers(items: list[Value]) -> list[Value] | None:
    """The items in order if all are real numbers, else None."""
    numbers = [item for item in items if isinstance(item, int | float) and not isinstance(item, bool) and item == item]
    return sorted(numbers) if len(numbers) == len(items) else None  # type: ignore[return-value]


def _equal_dicts(expected: Node, observed: Node, tolerance: float | None) -> bool:
    """The same keys, and equal values at each."""
    wanted = _by_key(expected)
    got = _by_key(observed)
    if expected.type_name == observed.type_name == "OrderedDict" and list(wanted) != list(got):
        return False
    if wanted.keys() == got.keys():
        return all(equal(value, got[key], tolerance=tolerance) for key, value in wanted.items())
    return False


def _by_key(node: Node) -> dict[bytes, Value]:
    return dict(zip((digest(key) for key in node.items[::2]), node.items[1::2], strict=True))


def digest(value: Value) -> bytes:
    """Sixteen bytes that are the same for equal values (floats exactly) and differ for others.

    Each kind of value has its own tag. The bytes after it have a fixed size or end the text, so no two different values
    have the same bytes. An object that equals no object gets a new digest each time. Each part is digested once, so
    nested sets cost no more than their size.
    """
    value = _plain(value)
    match value:
        case Node():
            return _digest_node(value)
        case None:
            return _hashed(b"n")
        case bool():
            return _hashed(b"t" if value else b"u")
        case int():
            return _hashed(b"i" + value.to_bytes(value.bit_length() // 8 + 1, "big", signed=True))
        case float():
            return digest(int(value)) if value.is_integer() else _hashed(b"f" + value.hex().encode())
        case complex():
            return digest(value.real) if value.imag == 0 else _hashed(b"c" + digest(value.real) + digest(value.imag))
        case str():
            return _hashed(b"s" + value.encode("utf-8", "surrogatepass"))
        case bytes():
            return _hashed(b"b" + value)


def _digest_node(node: Node) -> bytes:
    if node.kind == "object" and not node.items:
        return os.urandom(16)
    kind, name = digest(node.kind), digest(node.type_name)
    if node.kind == "enum" and node.items[0] != "" and _is_opaque(node.items[1]):
        return _hashed(b"E" + name + digest(node.items[0]))
    parts: list[bytes] = [digest(item) for item in node.items]
    if node.kind in _OBJECTS:
        pairs = sorted(key + part for key, part in zip(parts[::2], parts[1::2], strict=True))
        return _hashed(b"A" + kind + name + b"".join(pairs))
    if _is_set_like(node):
        return _hashed(b"S" + b"".join(sorted(set(parts))))
    if node.kind == "dict":
        return _hashed(b"D" + b"".join(sorted(key + value for key, value in zip(parts[::2], parts[1::2], strict=True))))
    if node.kind in _SEQUENCES:
        return _hashed(b"Q" + digest(_SEQUENCES[node.kind]) + b"".join(parts))
    return _hashed(b"O" + kind + name + b"".join(parts))


def _hashed(content: bytes) -> bytes:
    return hashlib.blake2b(content, digest_size=16).digest()
