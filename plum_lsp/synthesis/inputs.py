"""Makes calls to observe where nobody said what the result should be: edge values first, always the same ones.

Types come from annotations, from default values and from the arguments of examples, else they are guessed and tried:
an input on which most candidates raise is no evidence (see `agreement`). Runs nothing and expects nothing.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from itertools import chain
from typing import Any

from plum_lsp.domain.suggestion import Context, FunctionSymbol
from plum_lsp.domain.verification import Call, TestCase
from plum_lsp.synthesis.guesses import guessed_annotations
from plum_lsp.synthesis.mutations import neighbours
from plum_lsp.synthesis.sources import (
    Surface,
    expression_or_none,
    free_names,
    module_or_none,
    reachable_function,
    surface_of,
)

POOL_MAX = 24
"""The most values tried for one parameter."""
NEAR_MAX = 16
"""The most calls made out of one example."""
DEPTH_MAX = 3
"""How deep annotations are followed: `list[list[list[int]]]` is as far as inputs stay readable."""
_SCALARS: dict[str, tuple[str, ...]] = {
    "int": ("0", "1", "-1", "2", "7", "10", "3", "-5", "100", "12345"),
    "float": ("0.0", "1.0", "-1.0", "0.5", "2.5", "-3.75", "10.0", "1e6"),
    "complex": ("0j", "1+2j"),
    "bool": ("True", "False"),
    "str": ("''", "'a'", "'abc'", "'Hello World'", "'abba'", "'123'", "'  x  '", "'a,b;c'", "'ÄÖ'"),
    "bytes": ("b''", "b'a'", "b'abc'", "b'\\x00\\xff'"),
    "None": ("None",),
    "object": ("None", "0", "''", "[]", "1", "'a'"),
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
    "Any": "object",
    "Text": "str",
    "Number": "int",
}
_UNSIGNED = re.compile(r"\b(?:positive|natural|non-?negative)\b", re.IGNORECASE)
_SHAPES = ((), (0,), (1,), (1, 2), (3, 1, 2), (1, 1), (2, 1, 0), (5, 3, 5, 1))
"""Which values of the item pool make up a list: empty, single, ordered, unordered, repeated, falling, longer."""


def generated_calls(context: Context, tests: Sequence[TestCase], *, limit: int) -> tuple[Call, ...]:
    """At most `limit` distinct calls of the function at the hole; empty where it cannot be called or typed.

    First come its `tests` (those read from examples) with one argument changed, then calls of our own making. What an
    example already calls is not repeated.
    """
    function = reachable_function(context)
    if function is None or limit <= 0 or function.name.startswith("__"):
        return ()
    shown = [test.call for test in tests]
    known = {_key(call) for call in shown}
    found: dict[tuple[str, str], Call] = {}
    for call in chain(_near_examples(shown, function.name), _made_up(context, function, shown)):
        key = _key(call)
        if key not in known:
            found.setdefault(key, call)
        if len(found) == limit:
            break
    return tuple(found.values())


def _made_up(context: Context, function: FunctionSymbol, shown: list[Call]) -> list[Call]:
    """Calls with arguments from the pools of the parameters; none where one of them is of a type we cannot make."""
    surface = surface_of(context, function)
    parameters = _parameters(function, surface)
    target = _target(function, surface)
    if parameters is None or target is None:
        return []
    arguments = _shown_arguments([call.expression for call in shown], function)
    pools = [_pool(parameter, place, arguments, function.docstring) for place, parameter in enumerate(parameters)]
    if any(not pool for pool in pools):
        return []
    rows = _combinations(pools, parameters)
    return [Call(expression=f"{target}({', '.join(row)})") for row in rows]


def _target(function: FunctionSymbol, surface: Surface) -> str | None:
    """What is called: the function, or the method on a class or a new object; None for properties."""
    if any(name in {"property", "cached_property", "functools.cached_property"} for name in function.decorators):
        return None
    if any(name.endswith((".setter", ".deleter", "fixture")) for name in function.decorators):
        return None
    if function.class_name is None:
        return function.name
    receiver = surface.construct if surface.is_instance_method else function.class_name
    return f"{receiver}.{function.name}" if receiver is not None else None


def _parameters(function: FunctionSymbol, surface: Surface) -> list[tuple[ast.arg, ast.expr | None, bool]] | None:
    """Parameter, default, and whether it is keyword-only; without `self`, `*args` and `**kwargs`."""
    tree = module_or_none(f"{function.signature}: pass")
    if tree is None or not isinstance(tree.body[0], ast.FunctionDef | ast.AsyncFunctionDef):
        return None
    arguments = tree.body[0].args
    positional = [*arguments.posonlyargs, *arguments.args]
    padding: list[ast.expr | None] = [None] * (len(positional) - len(arguments.defaults))
    found = [(arg, default, False) for arg, default in zip(positional, [*padding, *arguments.defaults], strict=True)]
    found += [(arg, default, True) for arg, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)]
    is_bound = surface.is_instance_method or "classmethod" in function.decorators
    return found[1:] if is_bound else found


def _pool(
    parameter: tuple[ast.arg, ast.expr | None, bool], place: int, shown: list[dict[str, str]], docstring: str
) -> list[str]:
    """The values to try for a parameter, edge values first, those of the examples after them."""
    argument, default, _ = parameter
    sources = [call[key] for call in shown for key in (str(place), argument.arg) if key in call]
    values: list[str] = []
    if argument.annotation is not None:
        values.extend(_of_annotation(argument.annotation, 0))
    if default is not None:
        sources.append(ast.unparse(default))
    if argument.annotation is None:
        for annotation in dict.fromkeys(_type_of(source) for source in sources):
            tree = expression_or_none(annotation)
            values.extend(_of_annotation(tree, 0) if tree is not None else ())
    if default is not None and not values:
        values.append(ast.unparse(default))
    if argument.annotation is None and not values and not sources:
        guesses = (expression_or_none(guess) for guess in guessed_annotations(argument.arg, docstring))
        values.extend(_interleaved([_of_annotation(guess, 0) for guess in guesses if guess is not None]))
    if _is_unsigned(sources, docstring):
        values = [value for value in values if not value.startswith("-")]
    return list(dict.fromkeys([*values[:POOL_MAX], *sources]))[: 2 * POOL_MAX]


def _is_unsigned(sources: list[str], docstring: str) -> bool:
    """Whether nobody seems to have negative numbers in mind: the docstring says so, or the examples never do."""
    is_never_shown = len(sources) > 1 and not any("-" in source for source in sources)
    return is_never_shown or _UNSIGNED.search(docstring) is not None


def _of_annotation(tree: ast.expr, depth: int) -> list[str]:
    """Values of an annotated type as source; empty for types we cannot make."""
    if isinstance(tree, ast.Constant):
        inner = expression_or_none(tree.value) if isinstance(tree.value, str) else None
        return _of_annotation(inner, depth) if inner is not None else (["None"] if tree.value is None else [])
    if isinstance(tree, ast.BinOp) and isinstance(tree.op, ast.BitOr):
        return _interleaved([_of_annotation(tree.left, depth), _of_annotation(tree.right, depth)])
    if isinstance(tree, ast.Subscript):
        return _of_generic(_type_name(tree.value), _type_arguments(tree), depth)
    name = _type_name(tree)
    return list(_SCALARS.get(name, ())) or _of_generic(name, [], depth)


def _type_name(tree: ast.expr) -> str:
    name = tree.attr if isinstance(tree, ast.Attribute) else getattr(tree, "id", "")
    return _ALIASES.get(name, name)


def _type_arguments(tree: ast.Subscript) -> list[ast.expr]:
    return list(tree.slice.elts) if isinstance(tree.slice, ast.Tuple) else [tree.slice]


def _of_generic(name: str, arguments: list[ast.expr], depth: int) -> list[str]:
    if name == "Optional" and arguments:
        return ["None", *_of_annotation(arguments[0], depth)]
    if name == "Union":
        return _interleaved([_of_annotation(argument, depth) for argument in arguments])
    if name == "Literal":
        return [ast.unparse(argument) for argument in arguments]
    if depth >= DEPTH_MAX:
        return []
    items = [_of_annotation(argument, depth + 1) for argument in arguments] or [list(_SCALARS["int"])]
    if any(not item for item in items) and name != "tuple":
        return []
    if name == "dict":
        keys, values = (items[0], items[-1]) if arguments else (list(_SCALARS["str"]), items[0])
        return [_dict(keys, values, shape) for shape in _SHAPES[:6]]
    if name == "tuple" and arguments and not _is_open(arguments):
        return _fixed_tuples(items)
    marks = {"list": "[{}]", "set": "{{{}}}", "frozenset": "frozenset([{}])", "tuple": "({},)"}
    if name not in marks or not items[0]:
        return []
    empty = {"list": "[]", "set": "set()", "frozenset": "frozenset()", "tuple": "()"}[name]
    filled = [", ".join(items[0][place % len(items[0])] for place in shape) for shape in _SHAPES]
    return [marks[name].format(inner) if inner else empty for inner in filled]


def _is_open(arguments: list[ast.expr]) -> bool:
    last = arguments[-1]
    return isinstance(last, ast.Constant) and last.value is ...


def _fixed_tuples(items: list[list[str]]) -> list[str]:
    if any(not item for item in items):
        return []
    rows = [[item[(turn + place) % len(item)] for place, item in enumerate(items)] for turn in range(6)]
    return [f"({', '.join(row)},)" for row in rows]


def _dict(keys: list[str], values: list[str], shape: tuple[int, ...]) -> str:
    pairs = (f"{keys[place % len(keys)]}: {values[(place + 1) % len(values)]}" for place in dict.fromkeys(shape))
    return "{" + ", ".join(pairs) + "}"


def _interleaved(pools: list[list[str]]) -> list[str]:
    longest = max((len(pool) for pool in pools), default=0)
    return [pool[place] for place in range(longest) for pool in pools if place < len(pool)]


def _type_of(source: str) -> str:
    """The type of a literal as an annotation: `[1]` is `list[int]`; empty if it is none of ours."""
    tree = expression_or_none(source)
    try:
        return _type_source(ast.literal_eval(tree), 0) if tree is not None else ""
    except (ValueError, TypeError, RecursionError, MemoryError):
        return ""


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


def _shown_arguments(expressions: list[str], function: FunctionSymbol) -> list[dict[str, str]]:
    """The literal arguments of each example's call, by place ("0", "1", …) or keyword."""
    found: list[dict[str, str]] = []
    for expression in expressions:
        tree = expression_or_none(expression)
        for node in ast.walk(tree) if tree is not None else ():
            if isinstance(node, ast.Call) and _called(node) == function.name:
                named = {str(place): argument for place, argument in enumerate(node.args)}
                named |= {keyword.arg: keyword.value for keyword in node.keywords if keyword.arg}
                found.append({key: ast.unparse(value) for key, value in named.items() if not free_names(value)})
    return found


def _called(node: ast.Call) -> str:
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


def _combinations(pools: list[list[str]], parameters: list[tuple[ast.arg, ast.expr | None, bool]]) -> list[list[str]]:
    """Rows of arguments: all pools walked together, then against one another with growing offsets."""
    if not pools:
        return [[]]
    longest = max(len(pool) for pool in pools)
    rows = []
    for turn in range(longest * min(longest, 4)):
        shift = turn // longest
        row = [pool[(turn + shift * place) % len(pool)] for place, pool in enumerate(pools)]
        rows.append(
            [
                f"{arg.arg}={value}" if is_keyword else value
                for value, (arg, _, is_keyword) in zip(row, parameters, strict=True)
            ]
        )
    return rows


def _near_examples(shown: list[Call], name: str) -> list[Call]:
    """The calls of the examples with one argument changed; the examples take turns."""
    turns = [_changed(call, name) for call in shown]
    return [turn[place] for place in range(NEAR_MAX) for turn in turns if place < len(turn)]


def _changed(call: Call, name: str) -> list[Call]:
    """`call` with one literal argument changed, of the function `name` first, then of the calls in its setup."""
    expression, setup = expression_or_none(call.expression), module_or_none(call.setup)
    if expression is None or setup is None:
        return []
    own = [_swapped(node, expression) for node in _calls_in(expression) if _called(node) == name]
    before = [_swapped(node, setup) for node in _calls_in(setup)]
    return [
        *(Call(expression=text, setup=call.setup) for text in _interleaved(own)),
        *(Call(expression=call.expression, setup=text) for text in _interleaved(before)),
    ]


def _calls_in(tree: ast.AST) -> list[ast.Call]:
    return [node for node in ast.walk(tree) if isinstance(node, ast.Call)]


def _swapped(node: ast.Call, tree: ast.AST) -> list[str]:
    """The source of `tree` with each literal argument of `node` exchanged for each of its neighbours, in turns."""
    spots: list[tuple[Any, int | str]] = [(node.args, place) for place in range(len(node.args))]
    spots += [(vars(keyword), "value") for keyword in node.keywords]
    return _interleaved([_unparsed_with(tree, holder, place) for holder, place in spots])


def _unparsed_with(tree: ast.AST, holder: Any, place: int | str) -> list[str]:
    """The source of `tree` with each neighbour of `holder[place]`, a node of it; the tree is left as it was."""
    argument, found = holder[place], []
    for near in neighbours(ast.unparse(argument)):
        holder[place] = ast.parse(near, mode="eval").body
        found.append(ast.unparse(tree))
    holder[place] = argument
    return found


def _key(call: Call) -> tuple[str, str]:
    """What makes two calls the same, however they are written."""
    return _normal(call.expression), call.setup


def _normal(expression: str) -> str:
    tree = expression_or_none(expression)
    return ast.unparse(tree) if tree is not None else expression
