"""Finds the contracts of a function: in its docstring, its annotations, and the names beside it.

Words are read by pattern. A promise that an example contradicts was misread and is dropped.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence

from plum_lsp.domain.suggestion import Context, FunctionSymbol
from plum_lsp.domain.verification import Ending, Equals, Observation, Raises, TestCase
from plum_lsp.python.contracts import values
from plum_lsp.python.contracts.checks import violations
from plum_lsp.python.contracts.contract import Contract
from plum_lsp.python.contracts.words import ContractKind, Promise, promises_in
from plum_lsp.python.reading.sources import Surface, expression_or_none, module_or_none, reachable_function, surface_of
from plum_lsp.python.specification.doctests import without_sessions

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
