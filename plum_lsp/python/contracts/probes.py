"""Makes separate calls for contracts that no ordinary result shows, such as "twice gives the same as once".

It also judges the results of these calls. It runs no code.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from itertools import islice

from plum_lsp.domain.verification import Call, Ending, Node, Observation
from plum_lsp.python.contracts import values
from plum_lsp.python.contracts.contract import Contract, given_in
from plum_lsp.python.contracts.words import ContractKind

PROBES_MAX = 6
"""The most probe calls for one contract."""


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


def _probe(contract: Contract, call: Call) -> Call | None:
    """The call that checks `contract` on the input of `call`. None if it cannot be checked there."""
    given = given_in(call, contract)
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


_PROBES = {
    ContractKind.UNCHANGED: "[{function}(_argument_0",
    ContractKind.INVERSE: "[[_once, {function}({detail}(_once)",
    ContractKind.IDEMPOTENT: "[[_once, {function}(_once",
}
"""The start of the probe expression for each kind of contract."""


def breaks_probed(contract: Contract, call: Call, observation: Observation) -> bool | None:
    """Whether the two values in the result of a probe differ."""
    beginning = _PROBES[contract.kind].format(function=contract.function, detail=contract.detail)
    if not call.expression.startswith(beginning):
        return None
    shown = observation.value
    if observation.ending is not Ending.RETURNED or not isinstance(shown, Node) or len(shown.items) != 2:
        return None
    return not values.is_same(*shown.items)
