"""From an expectation and what was observed to a verdict, by value, on inert data only.

The rules. Numbers are equal as Python has it (`1 == 1.0`, and an expected `True` is met by 1), except that no bool
meets an expected number: returning `True` is not counting to one. A float expected value may be missed by `tolerance`
times itself (by `tolerance` if it is zero); infinities must be the same and NaN equals NaN. Sets and dicts match in
any order; their elements and keys exactly, or numerically with the tolerance. Named tuples equal tuples, members of
IntEnum and StrEnum equal their values, what a generator yields equals a list or tuple of it. Objects are equal if
class name and attributes are, in any order; an object without attributes equals nothing and is found in no set. Members
of an enum are equal if class, name and value are, the value aside if it could equal nothing. Two OrderedDicts have the
same order. Nothing here builds a set or dict from a candidate's numbers (their hashes may all collide): parts are
matched by digests.
"""

from __future__ import annotations

import builtins
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
    Raised,
    Raises,
    Shows,
    Value,
    VerdictStatus,
)

TOLERANCE = 1e-9
"""Relative tolerance for floats where a test states none: rounding differs between right programs, results do not."""
_ZERO_TOLERANCE = 1e-12
"""How far from an expected 0.0 a result may be where a test states no tolerance."""
_CONVERTED_BITS_MAX = 4096
"""Integers longer than this are not compared with decimals: the conversion is quadratic."""
_LEAVES_MAX = 2
"""Unrelated built-in exceptions one class may descend from before its claim is not believed."""

_SEQUENCES = {"list": "list", "tuple": "tuple", "namedtuple": "tuple", "deque": "deque", "bytearray": "bytearray"}
_OBJECTS = frozenset({"dataclass", "object"})
_SETS = frozenset({"set", "frozenset"})
_EXCEPTIONS = {
    name: cls for name, cls in vars(builtins).items() if isinstance(cls, type) and issubclass(cls, BaseException)
}
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
) -> VerdictStatus:
    """The verdict on one call.

    Args:
        expectation: What the test asks.
        observation: What the candidate's child showed.
        expected: The value of `Equals.expected`, which was evaluated elsewhere.
        shown: The representation the child sent, for `Shows`.
        held: What the predicate's child said, for `Holds`.
    """
    if isinstance(expectation, Raises):
        return _raising(expectation, observation)
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


def _raising(expectation: Raises, observation: Observation) -> VerdictStatus:
    """Whether the call itself raised what it should."""
    raised = observation.raised
    if raised is not None and not observation.detail and _is_a(raised, expectation.type_name):
        message = expectation.message
        is_met = message is None or matches(message.strip(), raised.message.strip())
        return VerdictStatus.PASSED if is_met else VerdictStatus.FAILED
    if observation.ending is Ending.RETURNED:
        return VerdictStatus.FAILED
    return _ENDINGS[observation.ending]


def _is_a(raised: Raised, type_name: str) -> bool:
    """Whether the chain holds the name, and holds no more built-in exceptions than one class can sensibly be."""
    claimed = [_EXCEPTIONS[name] for name in raised.type_names if name in _EXCEPTIONS]
    leaves = [cls for cls in claimed if not any(other is not cls and issubclass(other, cls) for other in claimed)]
    if len(leaves) > _LEAVES_MAX or BaseException not in claimed:
        return False
    if type_name.removeprefix("builtins.") in _EXCEPTIONS:
        return type_name.removeprefix("builtins.") in raised.type_names
    wanted = type_name.rsplit(".", 1)[-1]
    return any(name.rsplit(".", 1)[-1] == wanted for name in raised.type_names if name not in _EXCEPTIONS)


def _trimmed(text: str) -> str:
    """Printed text without spaces at line ends and without the last line ends."""
    return "\n".join(line.rstrip() for line in text.rstrip().split("\n"))


def matches(pattern: str, text: str) -> bool:
    """Whether `text` is `pattern`, where `...` stands for anything; linear, leftmost, as in doctest."""
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
    if isinstance(expected, int | float | complex) and isinstance(observed, int | float | complex):
        return _equal_numbers(expected, observed, tolerance)
    return type(expected) is type(observed) and expected == observed


def _plain(value: Value) -> Value:
    """The value that a member of IntEnum, StrEnum and the like equals."""
    while isinstance(value, Node) and value.kind == "enum" and value.items[2] is True:
        value = value.items[1]
    return value


def _equal_numbers(expected: int | float | complex, observed: int | float | complex, tolerance: float | None) -> bool:
    """Numbers within the tolerance that the expected one gives."""
    if isinstance(expected, complex) or isinstance(observed, complex):
        try:
            wanted, got = complex(expected), complex(observed)
        except OverflowError:
            return expected == observed
        return _equal_numbers(wanted.real, got.real, tolerance) and _equal_numbers(wanted.imag, got.imag, tolerance)
    if isinstance(expected, int) and (tolerance is None or tolerance == 0):
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
    """The number a literal node of Decimal or Fraction describes; None for NaN, whose comparison may raise."""
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
    if expected.kind in _SETS:
        return observed.kind in _SETS and _equal_sets(expected.items, observed.items, tolerance)
    if expected.kind == "dict":
        return observed.kind == "dict" and _equal_dicts(expected, observed, tolerance)
    if expected.kind in _SEQUENCES:
        kind = _SEQUENCES.get(observed.kind)
        is_same = kind == _SEQUENCES[expected.kind] or (
            observed.kind in {"generator", "ndarray"} and expected.kind in {"list", "tuple"}
        )
        return is_same and _equal_items(expected.items, observed.items, tolerance)
    if expected.kind != observed.kind:
        return False
    if expected.kind == "literal":
        return _equal_literals(expected, observed)
    if expected.kind == "range":
        return _range(expected) == _range(observed)
    if expected.kind in {"ndarray", "generator"}:
        return _equal_items(expected.items, observed.items, tolerance)
    is_same = expected.type_name == observed.type_name
    if expected.kind in _OBJECTS:
        return is_same and _equal_objects(expected, observed, tolerance)
    if expected.kind == "enum":
        return is_same and _equal_members(expected, observed, tolerance)
    return is_same and _equal_items(expected.items, observed.items, tolerance)


def _equal_objects(expected: Node, observed: Node, tolerance: float | None) -> bool:
    """The same attributes, in whatever order they were set; an object that shows none equals nothing."""
    wanted = dict(zip(expected.items[::2], expected.items[1::2], strict=True))
    got = dict(zip(observed.items[::2], observed.items[1::2], strict=True))
    if not wanted and expected.kind == "object":
        return False
    return wanted.keys() == got.keys() and all(
        equal(part, got[name], tolerance=tolerance) for name, part in wanted.items()
    )


def _equal_members(expected: Node, observed: Node, tolerance: float | None) -> bool:
    """The same name and value; members whose values show nothing to compare go by a name."""
    (name, value, _), (other_name, other_value, _) = expected.items, observed.items
    return name == other_name and (equal(value, other_value, tolerance=tolerance) or (name != "" and _is_opaque(value)))


def _is_opaque(value: Value) -> bool:
    """Whether some part of it equals nothing, as a function does."""
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
    """The same elements, whatever the order and however often listed."""
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

    Those of an object that equals nothing are new each time.
    Each part is digested once, so nested sets cost no more than their size.
    """
    value = _plain(value)
    if isinstance(value, Node):
        return _digest_node(value)
    if isinstance(value, bool):
        return _hashed(b"t" if value else b"u")
    if isinstance(value, int | float):
        return _hashed(b"r" + _number_bytes(value))
    if isinstance(value, complex):
        if value.imag == 0:
            return digest(value.real)
        return _hashed(b"c" + _number_bytes(value.real) + b"," + _number_bytes(value.imag))
    if isinstance(value, str):
        return _hashed(b"s" + value.encode("utf-8", "surrogatepass"))
    return _hashed(b"b" + value) if isinstance(value, bytes) else _hashed(b"n")


def _number_bytes(value: int | float) -> bytes:
    """A whole float as the integer it equals."""
    if isinstance(value, float):
        if not value.is_integer():
            return value.hex().encode()
        value = int(value)
    return value.to_bytes(value.bit_length() // 8 + 1, "big", signed=True)


def _digest_node(node: Node) -> bytes:
    if node.kind == "object" and not node.items:
        return os.urandom(16)
    name = node.type_name.encode("utf-8", "surrogatepass")
    if node.kind == "enum" and node.items[0] != "" and _is_opaque(node.items[1]):
        return _hashed(b"E" + name + b"\0" + digest(node.items[0]))
    parts: list[bytes] = [digest(item) for item in node.items]
    if node.kind in _OBJECTS:
        pairs = sorted(key + part for key, part in zip(parts[::2], parts[1::2], strict=True))
        return _hashed(b"A" + node.kind.encode() + b"\0" + name + b"\0" + b"".join(pairs))
    if node.kind in _SETS:
        return _hashed(b"S" + b"".join(sorted(set(parts))))
    if node.kind == "dict":
        return _hashed(b"D" + b"".join(sorted(key + value for key, value in zip(parts[::2], parts[1::2], strict=True))))
    if node.kind in _SEQUENCES:
        return _hashed(b"Q" + _SEQUENCES[node.kind].encode() + b"".join(parts))
    return _hashed(b"O" + node.kind.encode() + b"\0" + name + b"\0" + b"".join(parts))


def _hashed(content: bytes) -> bytes:
    return hashlib.blake2b(content, digest_size=16).digest()
