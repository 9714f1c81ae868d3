"""Makes calls without expected results, to observe candidates on them. Edge values come first. The output is
deterministic.

Types come from annotations, from default values and from the arguments of examples. Other types are guessed and tried:
an input on which most candidates raise does not count (see `verification.agreement`). A second round starts from the
calls that most candidates answered, and from the literals in the candidates. The module runs no code.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import chain

from plum_lsp.domain.suggestion import Context, FunctionSymbol
from plum_lsp.domain.verification import Call, TestCase
from plum_lsp.python.inputs.definitions import filled, is_outside, variables
from plum_lsp.python.inputs.guesses import guessed_annotations, likely_annotations
from plum_lsp.python.inputs.intended import Intended
from plum_lsp.python.inputs.pools import Pools, imports_for, interleaved, type_of
from plum_lsp.python.inputs.ranges import range_of
from plum_lsp.python.inputs.receivers import RECEIVERS_MAX, Receiver, class_of, made_with, receivers_of
from plum_lsp.python.inputs.sortedness import in_order
from plum_lsp.python.inputs.varied import near_calls, shown_arguments
from plum_lsp.python.inputs.vocabulary import words_of
from plum_lsp.python.reading.sources import (
    Surface,
    expression_or_none,
    module_or_none,
    reachable_function,
    surface_of,
)

POOL_MAX = 24
"""The most values tried for one parameter."""
LIKELY_MAX = 10
"""The most values of likely types, which come first in the pool of an unannotated parameter. They suffice to separate
candidates."""
FROM_ANSWERED_MAX = 12
"""The most answered calls that are varied for the second round. With more, each would get too few variants."""
_UNSIGNED = re.compile(r"\b(?:positive|natural|non-?negative)\b", re.IGNORECASE)
_LARGE_NUMBER = re.compile(r"(?<!\w)\d{4,}|\de\d")
_PROPERTIES = frozenset({"property", "cached_property", "functools.cached_property"})
_TYPICAL = 4
"""The place of the value of a guessed type that is tried first. An empty list would fit every list type."""
REMEMBERED_MAX = 8
"""The number of functions whose calls are remembered."""


def generated_calls(
    context: Context, tests: Sequence[TestCase], *, limit: int, shows_state: bool = True
) -> tuple[Call, ...]:
    """At most `limit` distinct calls of the function at the hole. Empty if it cannot be called or has unknown types.

    The calls of its `tests` (read from examples) with one argument changed come first, then generated calls. Calls of
    the examples themselves are not repeated. With `shows_state`, the result of a method also holds its object's.
    """
    maker = _Maker.of(context, shows_state=shows_state)
    return _generated(maker, tuple(test.call for test in tests), limit) if maker is not None else ()


@lru_cache(maxsize=REMEMBERED_MAX)
def _generated(maker: _Maker, shown: tuple[Call, ...], limit: int) -> tuple[Call, ...]:
    """The calls of `generated_calls`. They are remembered, because they stay the same while a user types in a body."""
    near = maker.within(near_calls(shown, maker.function.name), shown)
    return _distinct(chain(near[: limit // 2], maker.calls(shown), near[limit // 2 :]), shown, limit)


def further_calls(
    context: Context,
    made: Sequence[Call],
    answered: Sequence[Call],
    candidates: Iterable[str],
    *,
    limit: int,
    changes_arguments: bool = False,
) -> tuple[Call, ...]:
    """At most `limit` more calls that are not in `made`.

    They are near the calls that most candidates `answered`, have the types of these, and use the literals in the texts
    of the `candidates`. With `changes_arguments`, the result of a call also contains its arguments after the call.
    """
    texts = list(candidates)
    if is_outside(context):
        return _distinct(_calls_of_definitions(context, texts, limit), made, limit)
    maker = _Maker.of(context, texts)
    if maker is None or not answered:
        return ()
    near = maker.within(near_calls(answered[:FROM_ANSWERED_MAX], maker.function.name, each=6), answered)
    calls = maker.calls(answered, is_typed=True)
    mixed = interleaved([calls, near])
    if not changes_arguments:
        return _distinct(mixed, made, limit)
    everything = dict.fromkeys(_with_arguments(call) for call in chain(answered, mixed))
    return _distinct((call for call in everything if call is not None), made, limit)


def far_fetched(context: Context, calls: Sequence[Call]) -> frozenset[int]:
    """The places of the calls that give an unannotated parameter a value of an unlikely type.

    If calls with likelier types are answered, these calls would only show behaviour outside the contract, such as a
    text where a list is expected.
    """
    function = reachable_function(context)
    maker = _Maker.for_function(context, function, ()) if function is not None else None
    parameters = (maker._parameters() if maker is not None else None) or []
    likely = {
        str(place): families
        for place, (argument, _, _) in enumerate(parameters)
        if argument.annotation is None
        and function is not None
        and (families := {_family(kind) for kind in likely_annotations(argument.arg, function.docstring)})
    }
    if function is None or not likely:
        return frozenset()
    found = set()
    for place, call in enumerate(calls):
        for given in shown_arguments([call.expression], function):
            kinds = {key: _family(type_of(value)) for key, value in given.items() if key in likely}
            if any(kind and kind not in likely[key] for key, kind in kinds.items()):
                found.add(place)
    return frozenset(found)


def _family(annotation: str) -> str:
    """The outermost type. All numbers are one family."""
    outer = annotation.split("[")[0]
    return "number" if outer in {"int", "float", "bool", "complex"} else outer


def _calls_of_definitions(context: Context, candidates: Sequence[str], limit: int) -> list[Call]:
    """Calls of the functions that most candidates define, in turns, then a call for the values of their variables."""
    turns = []
    for around, function in filled(context, candidates):
        maker = _Maker.for_function(around, function, candidates, shows_state=False)
        calls = maker.calls(()) if maker is not None else []
        half = len(calls) // 2
        turns.append(interleaved([calls[:half], calls[half:]]))  # the second half pairs different values
    rows = [turn[place] for place in range(limit) for turn in turns if place < len(turn)]
    return [*variables(context, candidates), *rows]


def _with_arguments(call: Call) -> Call | None:
    """The same call, followed by its arguments after the call. None if the call is not a plain one of a function."""
    tree = expression_or_none(call.expression)
    if not isinstance(tree, ast.Call) or not isinstance(tree.func, ast.Name) or tree.keywords or call.setup:
        return None
    names = [f"given{place}" for place in range(len(tree.args))]
    setup = "\n".join(f"{name} = {ast.unparse(value)}" for name, value in zip(names, tree.args, strict=True))
    return Call(expression=f"[{tree.func.id}({', '.join(names)}), {', '.join(names)}]", setup=setup)


def _distinct(calls: Iterable[Call], known_calls: Sequence[Call], limit: int) -> tuple[Call, ...]:
    known = {_key(call) for call in known_calls}
    found: dict[tuple[str, str], Call] = {}
    for call in calls:
        if len(found) >= limit:
            break
        key = _key(call)
        if key not in known:
            found.setdefault(key, call)
    return tuple(sorted(found.values(), key=_is_large))


def _is_large(call: Call) -> bool:
    """Whether the call contains a big number.

    It may run very long, and the calls after it in the child are then lost.
    """
    return _LARGE_NUMBER.search(f"{call.setup}\n{call.expression}") is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Maker:
    """Makes calls of one function.

    `shows_state` adds an object's attributes to the result of a method. It is only set if the buffer, not the
    candidates, defines their names. `context` is only needed to make the object of a method."""

    context: Context | None = field(hash=False)
    function: FunctionSymbol
    surface: Surface
    pools: Pools
    shows_state: bool = True

    @classmethod
    def of(cls, context: Context, candidates: Iterable[str] = (), *, shows_state: bool = True) -> _Maker | None:
        """The maker for the function at the hole. None if it cannot be called."""
        function = reachable_function(context)
        if function is None:
            return None
        return cls.for_function(context, function, candidates, shows_state=shows_state)

    @classmethod
    def for_function(
        cls, context: Context, function: FunctionSymbol, candidates: Iterable[str], *, shows_state: bool = True
    ) -> _Maker | None:
        """The maker for a function of the context's program. None if it cannot be called."""
        if function.name.startswith("__"):
            return None
        if any(name.endswith((".setter", ".deleter", "fixture")) for name in function.decorators):
            return None
        words = words_of(context, function.docstring, candidates)
        pools = Pools(words=words, classes=_classes(context, words))
        surface = surface_of(context, function)
        return cls(
            context=context if surface.is_instance_method else None,
            function=surface.function,
            surface=surface,
            pools=pools,
            shows_state=shows_state,
        )

    def calls(self, shown: Sequence[Call], *, is_typed: bool = False) -> list[Call]:
        """Calls with arguments from the pools of the parameters. Empty if there are no values of some parameter's type.

        With `is_typed`, unannotated parameters only have the types in the `shown` calls.
        """
        parameters = self._parameters()
        if parameters is None:
            return []
        arguments = shown_arguments([call.expression for call in shown], self.function)
        pools = [
            self._pool(parameter, place, arguments, is_typed=is_typed) for place, parameter in enumerate(parameters)
        ]
        intended = Intended.of(self.function, [argument.arg for argument, _, _ in parameters], arguments)
        if intended.is_ordered:
            pools = [list(dict.fromkeys(map(in_order, pool))) for pool in pools]
        if any(not pool for pool in pools):
            return []
        rows = [", ".join(row) for row in _combinations(pools, parameters, intended)]
        if not self.surface.is_instance_method:
            target = ".".join(filter(None, (self.function.class_name, self.function.name)))
            return [Call(expression=f"{target}({row})", setup=imports_for(row)) for row in rows]
        return self._method_calls(rows)

    def within(self, calls: list[Call], shown: Sequence[Call]) -> list[Call]:
        """The `calls` whose arguments keep to the intended ones. `shown` are calls with intended arguments."""
        names = [argument.arg for argument, _, _ in self._parameters() or []]
        arguments = shown_arguments([call.expression for call in shown], self.function)
        intended = Intended.of(self.function, names, arguments)
        if intended.is_anything:
            return calls
        given = (shown_arguments([call.expression], self.function) for call in calls)
        return [call for call, found in zip(calls, given, strict=True) if all(map(intended.holds, found))]

    def _method_calls(self, rows: list[str]) -> list[Call]:
        """Calls of the method on several objects in turn, followed by the object's attributes if they are known."""
        assert self.context is not None, "a method's maker has a context"
        receivers = receivers_of(self.context, self.surface, self._values)
        turns = max(3, len(receivers) // max(1, len(rows))) if len(rows) < RECEIVERS_MAX else 1
        return [
            self._method_call(receivers[(turn + turn // len(receivers)) % len(receivers)], row)
            for turn, row in enumerate(rows * turns)
            if receivers
        ]

    def _method_call(self, receiver: Receiver, row: str) -> Call:
        is_property = not _PROPERTIES.isdisjoint(self.function.decorators)
        own = f"{receiver.name}.{self.function.name}" + ("" if is_property else f"({row})")
        setup = "\n".join(filter(None, (imports_for(receiver.setup + row), receiver.setup)))
        if self.function.is_async or is_property or not self.shows_state:
            return Call(expression=own, setup=setup)
        return Call(expression=f"[{own}, {receiver.name}.__dict__]", setup=setup)

    def _parameters(self) -> list[tuple[ast.arg, ast.expr | None, bool]] | None:
        """Each parameter, its default, and whether it is keyword-only. Without `self`, `*args` and `**kwargs`."""
        tree = module_or_none(f"{self.function.signature}: pass")
        if tree is None or not isinstance(tree.body[0], ast.FunctionDef | ast.AsyncFunctionDef):
            return None
        arguments = tree.body[0].args
        positional = [*arguments.posonlyargs, *arguments.args]
        padding: list[ast.expr | None] = [None] * (len(positional) - len(arguments.defaults))
        found = [
            (arg, default, False) for arg, default in zip(positional, [*padding, *arguments.defaults], strict=True)
        ]
        found += [
            (arg, default, True) for arg, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
        ]
        is_bound = self.surface.is_instance_method or "classmethod" in self.function.decorators
        return found[1:] if is_bound else found

    def _values(self, argument: ast.arg, default: ast.expr | None) -> list[str]:
        """A few values for a parameter of any function of the buffer."""
        if argument.annotation is not None:
            found = self.pools.of(argument.annotation)
        elif default is not None:
            typed = expression_or_none(type_of(ast.unparse(default)))
            found = self.pools.of(typed) if typed is not None else [ast.unparse(default)]
        else:
            guess = expression_or_none(guessed_annotations(argument.arg, self.function.docstring)[0])
            found = self.pools.of(guess) if guess is not None else []
        return found[1:6] or found

    def _pool(
        self,
        parameter: tuple[ast.arg, ast.expr | None, bool],
        place: int,
        shown: list[Mapping[str, str]],
        *,
        is_typed: bool,
    ) -> list[str]:
        """The values to try for a parameter: edge values first, then those of the examples."""
        argument, default, _ = parameter
        sources = [call[key] for call in shown for key in (str(place), argument.arg) if key in call]
        values: list[str] = []
        if argument.annotation is not None:
            values.extend(self.pools.of(argument.annotation))
        if default is not None and not is_typed:
            sources.append(ast.unparse(default))
        if argument.annotation is None or not values:
            values.extend(self._of_types(sources))
        if default is not None and not values:
            values.append(ast.unparse(default))
        if argument.annotation is None and not values and not sources:
            values.extend(self._guessed(argument.arg))
        if _is_unsigned(sources, self.function.docstring):
            values = [value for value in values if not value.startswith("-")]
        stated = range_of(argument.arg, self.function.docstring)
        return [value for value in dict.fromkeys([*values[:POOL_MAX], *sources[:POOL_MAX]]) if stated.holds(value)]

    def _of_types(self, sources: Sequence[str]) -> list[str]:
        """Values of the types of these literals, the most frequent type first."""
        counts: dict[str, int] = {}
        for source in sources:
            counts[type_of(source)] = counts.get(type_of(source), 0) + 1
        annotations = [expression_or_none(kind) for kind in sorted(counts, key=lambda kind: -counts[kind]) if kind]
        return interleaved([self.pools.of(annotation) for annotation in annotations if annotation is not None])

    def _guessed(self, name: str) -> list[str]:
        """Values of the types that the name and the docstring suggest, then of all other types."""
        docstring = self.function.docstring
        likely = self._typical(likely_annotations(name, docstring))
        return list(dict.fromkeys([*likely[:LIKELY_MAX], *self._typical(guessed_annotations(name, docstring))]))

    def _typical(self, annotations: Sequence[str]) -> list[str]:
        """Values of several types in turns, with a typical value of each type first."""
        guesses = (expression_or_none(guess) for guess in annotations)
        pools = [self.pools.of(guess) for guess in guesses if guess is not None]
        return interleaved([[*pool[_TYPICAL : _TYPICAL + 1], *pool] for pool in pools])


def _classes(context: Context, words: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """Expressions that make objects of the classes in the buffer: an enum's members, or calls of the constructor."""
    program = f"{context.before}pass{context.after}"
    plain = Pools(words=words)

    def values(argument: ast.arg, default: ast.expr | None) -> list[str]:
        guess = argument.annotation or expression_or_none(guessed_annotations(argument.arg, "")[0])
        return (plain.of(guess) if guess is not None else [])[:4] or ([ast.unparse(default)] if default else [])

    anything = plain.of(ast.parse("int | str", mode="eval").body)
    found = dict.fromkeys(re.findall(r"^(\w+)[ ]*=[ ]*(?:typing\.)?TypeVar\(", program, re.MULTILINE), anything)
    for name in re.findall(r"^class[ ]+(\w+)", program, re.MULTILINE)[:16]:
        body = class_of(program, name)
        if body is None:
            continue
        if any(ast.unparse(base).rsplit(".", 1)[-1] in {"Enum", "IntEnum", "StrEnum", "Flag"} for base in body.bases):
            members = [item.targets[0] for item in body.body if isinstance(item, ast.Assign)]
            found[name] = [f"{name}.{member.id}" for member in members if isinstance(member, ast.Name)]
        else:
            found[name] = [f"{name}({row})" for row in made_with(body, values)]
    return found


def _is_unsigned(sources: list[str], docstring: str) -> bool:
    """Whether negative numbers are probably not intended: the docstring says so, or no example has one."""
    is_never_shown = len(sources) > 1 and not any("-" in source for source in sources)
    return is_never_shown or _UNSIGNED.search(docstring) is not None


def _combinations(
    pools: list[list[str]],
    parameters: list[tuple[ast.arg, ast.expr | None, bool]],
    intended: Intended,
) -> list[list[str]]:
    """Rows of arguments. All pools advance together first, then with growing offsets against each other."""
    if not pools:
        return [[]]
    longest = max(len(pool) for pool in pools)
    rows = []
    for turn in range(longest * min(longest, 4)):
        shift = turn // longest
        row = intended.turned([pool[(turn + shift * place) % len(pool)] for place, pool in enumerate(pools)])
        rows.append(
            [
                f"{arg.arg}={value}" if is_keyword else value
                for value, (arg, _, is_keyword) in zip(row, parameters, strict=True)
            ]
        )
    return rows


def _key(call: Call) -> tuple[str, str]:
    """A key that is equal for calls that differ only in notation."""
    tree = expression_or_none(call.expression)
    return (ast.unparse(tree) if tree is not None else call.expression, call.setup)
