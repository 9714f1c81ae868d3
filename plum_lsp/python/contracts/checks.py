"""Judges whether a result breaks a contract. It reads the decoded, inert result and the literals of the call.

A contract is weaker than an example, but it also holds for inputs without an example. It is evidence and never
specification. The module runs no code.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from itertools import pairwise

from plum_lsp.domain.verification import Call, Ending, Node, Observation, Value
from plum_lsp.python.contracts import values
from plum_lsp.python.contracts.contract import Contract, Given, given_in
from plum_lsp.python.contracts.probes import breaks_probed
from plum_lsp.python.contracts.words import ContractKind
from plum_lsp.python.reading.sources import expression_or_none

BROKEN_BY_ALL, SCREENED_MIN = 0.8, 3
"""If this share of at least this many candidates breaks a contract, the contract was misread."""


def violations(contract: Contract, call: Call, observation: Observation) -> bool | None:
    """Whether the result of `call` breaks the contract. None if the contract does not apply to this call."""
    if contract.is_probed:
        return breaks_probed(contract, call, observation)
    given = given_in(call, contract)
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


def _breaks_condition(contract: Contract, given: Given, observation: Observation) -> bool | None:
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


def _whole(given: Given) -> list[Value] | None:
    """The items of the only argument with items. None if several arguments have items, or none has."""
    found = [items for value in given.arguments.values() if (items := values.items_of(value)) is not None]
    return found[0] if len(found) == 1 else None


def _all_items(given: Given) -> list[Value] | None:
    """The items of all arguments with items, except text. None if there are none."""
    found = [value for value in given.arguments.values() if values.items_of(value) is not None]
    if not found or any(isinstance(value, str) for value in found):
        return None
    return [item for value in found for item in values.items_of(value) or ()]


@lru_cache(maxsize=64)
def _annotation(source: str) -> ast.expr | None:
    """The tree of an annotation, to be read only. Cached, because all results of a function are checked against it."""
    return expression_or_none(source)


def _is_typed(contract: Contract, given: Given, value: Value) -> bool | None:
    annotation = _annotation(contract.detail)
    return None if annotation is None or given.is_wrapped else values.conforms(annotation, value)


def _is_ordered(contract: Contract, given: Given, value: Value) -> bool | None:
    if not values.is_sequence(value):
        return None
    items = values.items_of(value)
    is_descending = contract.kind is ContractKind.DESCENDING
    return values.in_order(items, is_descending=is_descending) if items is not None else None


def _is_rearranged(contract: Contract, given: Given, value: Value) -> bool | None:
    before, after = _whole(given), values.items_of(value)
    return values.are_same_items(before, after) if before is not None and after is not None else None


def _is_as_long(contract: Contract, given: Given, value: Value) -> bool | None:
    before, after = _whole(given), values.items_of(value)
    if before is None or after is None:
        return None
    return len(after) == len(before) if contract.kind is ContractKind.SAME_LENGTH else len(after) <= len(before)


def _is_not_negative(contract: Contract, given: Given, value: Value) -> bool | None:
    number = values.number_of(value)
    return None if number is None else number >= 0


def _is_unique(contract: Contract, given: Given, value: Value) -> bool | None:
    items = values.items_of(value) if values.is_sequence(value) else None
    if items is None:
        return None
    keys = sorted(map(values.key_of, items))
    return all(left != right for left, right in pairwise(keys))


def _is_subset(contract: Contract, given: Given, value: Value) -> bool | None:
    before, after = _all_items(given), values.items_of(value)
    return values.are_among(after, before) if before is not None and after is not None else None


def _is_member(contract: Contract, given: Given, value: Value) -> bool | None:
    before = _whole(given)
    if not before or isinstance(value, Node) or value is None:
        return None
    return values.are_among([value], before)


def _is_extreme(contract: Contract, given: Given, value: Value) -> bool | None:
    numbers = [number for item in _whole(given) or () if (number := values.number_of(item)) is not None]
    number = values.number_of(value)
    if not numbers or number is None:
        return None
    return number == (max(numbers) if contract.detail == "max" else min(numbers))


_CHECKS: dict[ContractKind, Callable[[Contract, Given, Value], bool | None]] = {
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
