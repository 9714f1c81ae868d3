"""Finds properties that words, names and annotations promise of a function, and checks whether a result breaks one.

A contract is weaker than an example, but it also holds for inputs without an example. It is evidence and never
specification. Words are read by pattern, and a promise that an example contradicts was misread and is dropped. The
module judges by the decoded, inert result and the literals of the call. It runs no code.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice, pairwise

from plum_lsp.domain.suggestion import Context, FunctionSymbol
from plum_lsp.domain.verification import Call, Ending, Equals, Node, Observation, Raises, TestCase, Value
from plum_lsp.python.contracts import values
from plum_lsp.python.contracts.words import ContractKind, Promise, promises_in
from plum_lsp.python.reading.sources import Surface, expression_or_none, module_or_none, reachable_function, surface_of
from plum_lsp.python.specification.doctests import without_sessions

CALL_CHARACTERS_MAX = 4_000
"""Longer calls are not read. Shorter calls show the same properties."""
PROBES_MAX = 6
"""The most probe calls for one contract."""
BROKEN_BY_ALL, SCREENED_MIN = 0.8, 3
"""If this share of at least this many candidates breaks a contract, the contract was misread."""
_PROBED = frozenset({ContractKind.IDEMPOTENT, ContractKind.INVERSE, ContractKind.UNCHANGED})
_WRAPPERS = frozenset({"list", "tuple"})
_PAIRS = (
    ("encode", "decode"),
    ("encrypt", "decrypt"),
    ("compress", "decompress"),
    ("serialize", "deserialize"),
    ("serialise", "deserialise"),
    ("escape", "unescape"),
    ("quote", "unquote"),
    ("pack", "unpack"),
    ("dumps", "loads"),
    ("flatten", "unflatten"),
    ("to", "from"),
)
"""Pairs of opposite verbs, as parts of names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    """One promise about the function. `quote` is the text that it was read from.

    `detail` depends on the kind: an annotation, a literal, an exception, "max" or "min", or the name of the inverse
    function. `subject` is the condition of the promise, if any, with the parameter of that condition.
    """

    kind: ContractKind
    quote: str
    function: str
    parameters: tuple[str, ...]
    detail: str = ""
    subject: str = ""

    @property
    def is_probed(self) -> bool:
        """Whether only a separate call (`probes_of`) shows if the contract holds."""
        return self.kind in _PROBED


@dataclass(frozen=True, slots=True, kw_only=True)
class _Given:
    """The function's call inside a call: its arguments by parameter, in order, and whether `list(...)` is around it."""

    tree: ast.Call
    arguments: dict[str, Value]
    is_wrapped: bool


def contracts_of(context: Context, tests: Sequence[TestCase] = ()) -> tuple[Contract, ...]:
    """The contracts of the function at the hole that no test contradicts, one for each kind and detail."""
    function = reachable_function(context)
    if function is None or function.name.startswith("__"):
        return ()
    parameters, annotation = _header(function, surface_of(context, function))
    text = without_sessions(function.docstring)
    promises = [*promises_in(text, function.name, parameters), *_inverses(function, context)]
    if annotation is not None:
        promises = [one for one in promises if one.kind is not ContractKind.TYPE]
        promises.append(Promise(kind=ContractKind.TYPE, quote=f"-> {annotation}", detail=annotation))
    found: dict[tuple[ContractKind, str, str], Contract] = {}
    for promise in promises:
        contract = Contract(
            kind=promise.kind,
            quote=promise.quote,
            function=function.name,
            parameters=parameters,
            detail=promise.detail,
            subject=promise.subject,
        )
        found.setdefault((promise.kind, promise.detail, promise.subject), contract)
    return tuple(one for one in found.values() if not _is_contradicted(one, tests))


def probes_of(contracts: Sequence[Contract], calls: Sequence[Call], *, limit: int = PROBES_MAX) -> tuple[Call, ...]:
    """Calls that check the contracts which need a separate call. They run in addition to `calls`.

    Each is made from one of `calls`: the function is applied twice, is inverted, or gets named arguments for
    inspection.
    """
    found: dict[Call, None] = {}
    for contract in contracts:
        made = (_probe(contract, call) for call in calls if contract.is_probed)
        found |= dict.fromkeys(islice((one for one in made if one is not None), limit))
    return tuple(found)


def violations(contract: Contract, call: Call, observation: Observation) -> bool | None:
    """Whether the result of `call` breaks the contract. None if the contract does not apply to this call."""
    if contract.is_probed:
        return _breaks_probed(contract, call, observation)
    given = _given(call, contract)
    if given is None:
        return None
    if contract.kind is ContractKind.RAISES or contract.kind is ContractKind.EMPTY_GIVES:
        return _breaks_condition(contract, given, observation)
    if observation.ending is not Ending.RETURNED:
        return None
    keeps = _CHECKS[contract.kind](contract, given, observation.value)
    return None if keeps is None else not keeps


def breaches(
    contracts: Sequence[Contract], calls: Sequence[Call], observed: Mapping[int, Sequence[Observation]]
) -> dict[int, tuple[tuple[Contract, int], ...]]:
    """The broken contracts of each candidate, by candidate index, with the places of the calls that show it.

    `observed` follows `calls`.

    If nearly all candidates break a contract on one input, the input is outside of the contract, or the contract was
    misread.
    """
    broken: dict[int, list[tuple[Contract, int]]] = {index: [] for index in observed}
    for contract in contracts:
        for place, call in enumerate(calls):
            judged = {index: violations(contract, call, seen[place]) for index, seen in observed.items()}
            known = [verdict for verdict in judged.values() if verdict is not None]
            if len(known) >= SCREENED_MIN and sum(known) >= BROKEN_BY_ALL * len(known):
                continue
            for index, verdict in judged.items():
                if verdict:
                    broken[index].append((contract, place))
    return {index: tuple(found) for index, found in broken.items()}


def _probe(contract: Contract, call: Call) -> Call | None:
    """The call that checks `contract` on the input of `call`. None if it cannot be checked there."""
    given = _given(call, contract)
    if given is None or given.is_wrapped or not given.tree.args or given.tree.keywords:
        return None
    if not isinstance(given.tree.func, ast.Name):
        return None  # an object may change between two calls
    target = contract.function
    arguments = [ast.unparse(argument) for argument in given.tree.args]
    if contract.kind is ContractKind.UNCHANGED:
        names = [f"_argument_{place}" for place in range(len(arguments))]
        setup = "\n".join(f"{name} = {argument}" for name, argument in zip(names, arguments, strict=True))
        shown = f"[{target}({', '.join(names)}) and None, [{', '.join(names)}], [{', '.join(arguments)}]][1:]"
        return Call(expression=shown, setup=f"{call.setup}\n{setup}".strip())
    rest = "".join(f", {argument}" for argument in arguments[1:])
    again = f"{contract.detail}(_once)" if contract.kind is ContractKind.INVERSE else "_once"
    shown = f"[[_once, {target}({again}{rest})] for _once in [{target}({', '.join(arguments)})]][0]"
    return Call(expression=shown, setup=call.setup)


def _header(function: FunctionSymbol, surface: Surface) -> tuple[tuple[str, ...], str | None]:
    """The names of the positional parameters without `self`, and the annotation of the result or None."""
    tree = module_or_none(f"{function.signature}: pass")
    if tree is None or not isinstance(tree.body[0], ast.FunctionDef | ast.AsyncFunctionDef):
        return function.parameters, None
    definition = tree.body[0]
    names = [argument.arg for argument in (*definition.args.posonlyargs, *definition.args.args)]
    if surface.is_instance_method or "classmethod" in function.decorators:
        names = names[1:]
    return tuple(names), ast.unparse(definition.returns) if definition.returns is not None else None


def _inverses(function: FunctionSymbol, context: Context) -> Iterator[Promise]:
    """The functions of the buffer whose name is this one's with the opposite verb."""
    if function.class_name is not None:
        return
    program = f"{context.before}\n{context.after}"
    known = set(re.findall(r"^def[ ]+(\w+)[ ]*\(", program, re.MULTILINE)) - {function.name}
    words = function.name.split("_")
    for pair in _PAIRS:
        for verb, other in (pair, pair[::-1]):
            turned = "_".join(other if word == verb else word for word in words)
            if verb in words and turned in known:
                yield Promise(kind=ContractKind.INVERSE, quote=f"{function.name} and {turned}", detail=turned)
    if len(words) == 3 and words[1] in {"to", "2"} and f"{words[2]}_{words[1]}_{words[0]}" in known:
        turned = f"{words[2]}_{words[1]}_{words[0]}"
        yield Promise(kind=ContractKind.INVERSE, quote=f"{function.name} and {turned}", detail=turned)


def _is_contradicted(contract: Contract, tests: Sequence[TestCase]) -> bool:
    """Whether an example contradicts the contract, so that the contract was misread."""
    if contract.is_probed:
        return False
    for test in tests:
        match test.expectation:
            case Equals(expected=expected):
                tree = expression_or_none(expected)
                try:
                    value = values.of_literal(tree) if tree is not None else None
                except ValueError:
                    continue
                seen = Observation(ending=Ending.RETURNED, value=value)
            case Raises():
                continue
            case _:
                continue
        if violations(contract, test.call, seen):
            return True
    return False


def _given(call: Call, contract: Contract) -> _Given | None:
    """The function's call, if the expression holds only it (and perhaps `list(...)`) and its arguments are literals."""
    if len(call.expression) > CALL_CHARACTERS_MAX:
        return None
    return _read_call(call.expression, contract.function, contract.parameters)


@lru_cache(maxsize=512)
def _read_call(expression: str, function: str, parameters: tuple[str, ...]) -> _Given | None:
    """Read one call. Cached, because all candidates of a group are judged on the same calls."""
    tree = expression_or_none(expression)
    is_wrapped = isinstance(tree, ast.Call) and isinstance(tree.func, ast.Name) and tree.func.id in _WRAPPERS
    if is_wrapped and isinstance(tree, ast.Call) and len(tree.args) == 1 and tree.func.id != function:  # type: ignore[attr-defined]
        tree = tree.args[0]
    else:
        is_wrapped = False
    if not isinstance(tree, ast.Call) or _name_of(tree) != function:
        return None
    named = [(keyword.arg or "", keyword.value) for keyword in tree.keywords]
    positional = [
        (parameters[place] if place < len(parameters) else str(place), argument)
        for place, argument in enumerate(tree.args)
    ]
    try:
        arguments = {name: values.of_literal(argument) for name, argument in (*positional, *named)}
    except ValueError:
        return None
    return _Given(tree=tree, arguments=arguments, is_wrapped=is_wrapped)


def _name_of(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


_PROBES = {
    ContractKind.UNCHANGED: "[{function}(_argument_0",
    ContractKind.INVERSE: "[[_once, {function}({detail}(_once)",
    ContractKind.IDEMPOTENT: "[[_once, {function}(_once",
}
"""The start of the probe expression for each kind of contract."""


def _breaks_probed(contract: Contract, call: Call, observation: Observation) -> bool | None:
    """Whether the two values in the result of a probe differ."""
    beginning = _PROBES[contract.kind].format(function=contract.function, detail=contract.detail)
    if not call.expression.startswith(beginning):
        return None
    shown = observation.value
    if observation.ending is not Ending.RETURNED or not isinstance(shown, Node) or len(shown.items) != 2:
        return None
    return not values.is_same(*shown.items)


def _breaks_condition(contract: Contract, given: _Given, observation: Observation) -> bool | None:
    """Whether a call under the contract's condition ended differently from the promise."""
    if not _is_met(contract.subject, given.arguments) or given.is_wrapped:
        return None
    if observation.is_cut_off or observation.ending is Ending.CRASHED:
        return None
    if contract.kind is ContractKind.RAISES:
        raised = observation.raised.type_names if observation.raised is not None else ()
        return contract.detail not in {name.rsplit(".", 1)[-1] for name in raised}
    tree = expression_or_none(contract.detail)
    if tree is None or observation.ending is not Ending.RETURNED:
        return observation.ending is Ending.RAISED
    expected = values.of_literal(tree)
    if values.size_of(expected) == 0 and values.size_of(observation.value) == 0:
        return False
    return not values.is_same(expected, observation.value)


def _is_met(subject: str, arguments: Mapping[str, Value]) -> bool:
    """Whether the only argument that can match the condition is empty, negative or zero."""
    condition, _, named = subject.partition(" ")
    about = {named: arguments[named]} if named in arguments else arguments
    if condition == "empty":
        sizes = [size for value in about.values() if (size := values.size_of(value)) is not None]
        return sizes == [0]
    numbers = [number for value in about.values() if (number := values.number_of(value)) is not None]
    if len(numbers) != 1:
        return False
    return numbers[0] < 0 if condition == "negative" else numbers[0] == 0


def _whole(given: _Given) -> list[Value] | None:
    """The items of the only argument with items. None if several arguments have items, or none has."""
    found = [items for value in given.arguments.values() if (items := values.items_of(value)) is not None]
    return found[0] if len(found) == 1 else None


def _all_items(given: _Given) -> list[Value] | None:
    """The items of all arguments with items, except text. None if there are none."""
    found = [value for value in given.arguments.values() if values.items_of(value) is not None]
    if not found or any(isinstance(value, str) for value in found):
        return None
    return [item for value in found for item in values.items_of(value) or ()]


def _is_typed(contract: Contract, given: _Given, value: Value) -> bool | None:
    annotation = expression_or_none(contract.detail)
    return None if annotation is None or given.is_wrapped else values.conforms(annotation, value)


def _is_ordered(contract: Contract, given: _Given, value: Value) -> bool | None:
    if not values.is_sequence(value):
        return None
    items = values.items_of(value)
    is_descending = contract.kind is ContractKind.DESCENDING
    return values.in_order(items, is_descending=is_descending) if items is not None else None


def _is_rearranged(contract: Contract, given: _Given, value: Value) -> bool | None:
    before, after = _whole(given), values.items_of(value)
    return values.are_same_items(before, after) if before is not None and after is not None else None


def _is_as_long(contract: Contract, given: _Given, value: Value) -> bool | None:
    before, after = _whole(given), values.items_of(value)
    if before is None or after is None:
        return None
    return len(after) == len(before) if contract.kind is ContractKind.SAME_LENGTH else len(after) <= len(before)


def _is_not_negative(contract: Contract, given: _Given, value: Value) -> bool | None:
    number = values.number_of(value)
    return None if number is None else number >= 0


def _is_unique(contract: Contract, given: _Given, value: Value) -> bool | None:
    items = values.items_of(value) if values.is_sequence(value) else None
    if items is None:
        return None
    keys = sorted(map(values.key_of, items))
    return all(left != right for left, right in pairwise(keys))


def _is_subset(contract: Contract, given: _Given, value: Value) -> bool | None:
    before, after = _all_items(given), values.items_of(value)
    return values.are_among(after, before) if before is not None and after is not None else None


def _is_member(contract: Contract, given: _Given, value: Value) -> bool | None:
    before = _whole(given)
    if not before or isinstance(value, Node) or value is None:
        return None
    return values.are_among([value], before)


def _is_extreme(contract: Contract, given: _Given, value: Value) -> bool | None:
    numbers = [number for item in _whole(given) or () if (number := values.number_of(item)) is not None]
    number = values.number_of(value)
    if not numbers or number is None:
        return None
    return number == (max(numbers) if contract.detail == "max" else min(numbers))


_CHECKS: dict[ContractKind, Callable[[Contract, _Given, Value], bool | None]] = {
    ContractKind.TYPE: _is_typed,
    ContractKind.ASCENDING: _is_ordered,
    ContractKind.DESCENDING: _is_ordered,
    ContractKind.PERMUTATION: _is_rearranged,
    ContractKind.SAME_LENGTH: _is_as_long,
    ContractKind.NOT_LONGER: _is_as_long,
    ContractKind.NEVER_NEGATIVE: _is_not_negative,
    ContractKind.UNIQUE: _is_unique,
    ContractKind.SUBSET: _is_subset,
    ContractKind.MEMBER: _is_member,
    ContractKind.EXTREME: _is_extreme,
}
