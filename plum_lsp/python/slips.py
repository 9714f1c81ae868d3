"""Finds the ends of a call on a generated input that are mistakes, where other exceptions count as answers. Pure.

These are names that do not exist, crashes and endless runs, and attributes that values cannot have, such as
`row.amount` of a tuple, if the annotations say of which types all inputs are.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence

from plum_lsp.domain.suggestion import Context
from plum_lsp.domain.verification import Ending, Observation
from plum_lsp.python.reading.sources import expression_or_none, module_or_none, reachable_function

_SURPRISES = frozenset({"NameError", "UnboundLocalError", "ImportError"})
"""Exceptions that no specification asks for."""
_MISSING = re.compile(r"'(\w+)' object has no attribute '(\w+)'")
_NUMBERS: tuple[type, ...] = (int, float, complex)
"""A parameter of one of these types may be given another one (PEP 484, the numeric tower)."""
_ITSELF: tuple[type, ...] = (tuple, list, dict, set, frozenset, str, bytes)
_PLAIN: dict[str, tuple[type, ...]] = {one.__name__: (one,) for one in _ITSELF}
_PLAIN |= {one.__name__: _NUMBERS for one in (*_NUMBERS, bool)}
"""By the name that an exception gives: the types that a value may have in the place of such a one."""
_SCALARS = frozenset({"int", "float", "complex", "bool", "str", "bytes", "None"})
_CONTAINERS = frozenset(
    {"list", "List", "tuple", "Tuple", "set", "Set", "frozenset", "FrozenSet", "dict", "Dict", "Sequence", "Iterable"}
    | {"Collection", "Mapping", "MutableMapping", "MutableSequence", "Optional", "Union"}
)
"""Types that say of what they are made. The inputs for the abstract ones are lists and dicts."""
_NEXT_AT_MARGIN = re.compile(r"^(?=\S)", re.MULTILINE)


def surprise_in(seen: Sequence[Observation]) -> Observation | None:
    """The first observation that no input should cause: a mistake, a crash or an endless run. None if there is none."""
    return seen[0] if seen and all(observation.is_cut_off for observation in seen) else first_slip(seen)


def first_slip(seen: Sequence[Observation]) -> Observation | None:
    """The first observation that is a mistake or a crash. None if there is none."""
    return next(filter(_is_slip, seen), None)


def _is_slip(observation: Observation) -> bool:
    if observation.raised is not None:
        return not _SURPRISES.isdisjoint(observation.raised.type_names)
    return observation.ending is Ending.CRASHED


def missing_attribute(seen: Sequence[Observation], candidate: str, context: Context) -> Observation | None:
    """The first observation that ended because the candidate's text asks a plain value for what none of its type has.

    None if an input may have another type than the user means, or if the function itself asks for this attribute.
    """
    if not has_known_inputs(context):
        return None
    own = _own_text(context)
    for one in seen:
        found = _MISSING.fullmatch(one.raised.message) if one.raised is not None else None
        if found is None or one.raised is None or one.raised.type_names[0] != "AttributeError":
            continue
        kinds, name = _PLAIN.get(found[1], ()), rf"\.\s*{found[2]}\b"
        is_absent = bool(kinds) and not any(hasattr(kind, found[2]) for kind in kinds)
        if is_absent and re.search(name, candidate) and not re.search(name, own):
            return one
    return None


def has_known_inputs(context: Context) -> bool:
    """Whether annotations say of which built-in types all inputs of the function are, down to their items."""
    function = reachable_function(context)
    if function is None or function.class_name is not None:
        return False
    tree = module_or_none(f"{function.signature}: pass")
    if tree is None or not isinstance(tree.body[0], ast.FunctionDef | ast.AsyncFunctionDef):
        return False
    taken = tree.body[0].args
    every = [*taken.posonlyargs, *taken.args, *taken.kwonlyargs, taken.vararg, taken.kwarg]
    return all(one is None or (one.annotation is not None and _is_known(one.annotation)) for one in every)


def _is_known(annotation: ast.expr) -> bool:
    """Whether a type is built in, and so are those of its items."""
    match annotation:
        case ast.Constant(value=str(text)):
            inner = expression_or_none(text)
            return inner is not None and _is_known(inner)
        case ast.Constant(value=value):
            return value is None or value is ...
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            return _is_known(left) and _is_known(right)
        case ast.Subscript(value=ast.Name(id=name) | ast.Attribute(attr=name), slice=items) if name in _CONTAINERS:
            return all(_is_known(one) for one in (items.elts if isinstance(items, ast.Tuple) else [items]))
        case ast.Name(id=name):
            return name in _SCALARS
    return False


def _own_text(context: Context) -> str:
    """The text of the function around the hole."""
    name = context.function.name if context.function is not None else ""
    above = context.before[max(0, context.before.rfind(f"def {name}")) :]
    return above + _NEXT_AT_MARGIN.split(context.after, maxsplit=1)[0]
