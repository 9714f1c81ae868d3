"""Decides which classes a raised exception belongs to. It checks the claim of the candidate's process.

A claim is the names of the classes from the exception's own to `BaseException`. A candidate can derive a class from all
exceptions that it knows, and then `raises` of each would hold. So the claim must contain the true chain of one class
that is known outside the candidate. Such a class is built in, or belongs to the program without the candidate or to a
module that this program imports. Classes that only the candidate has may stand before it. Of these, only the name of
the raised class counts.
"""

from __future__ import annotations

import builtins
from collections.abc import Iterable, Sequence

from plum_lsp.domain.verification import Call, Ending, Node, Observation, Raised, Value

Chain = tuple[str, ...]
"""Names of classes as `_plain_name` gives them, from one class to `BaseException`."""

_EXCEPTIONS = {
    name: cls for name, cls in vars(builtins).items() if isinstance(cls, type) and issubclass(cls, BaseException)
}
_BUILT_IN = {name: tuple(base.__name__ for base in cls.__mro__[:-1]) for name, cls in _EXCEPTIONS.items()}
_FIND = """
def _chains(names):
    import builtins
    found, pending, seen = [], [BaseException], set()
    while pending:
        cls = pending.pop()
        if id(cls) in seen:
            continue
        seen.add(id(cls))
        pending += type.__subclasses__(cls)
        if cls.__module__ != "builtins" and cls.__name__ in names:
            found.append([("" if base.__module__ == "builtins" else ".") + base.__name__ for base in cls.__mro__[:-1]])
    return found
"""


def names_to_ask(raised: Raised, type_name: str) -> frozenset[str]:
    """The names, without modules, of the classes to look up in the program without the candidate."""
    names = (_plain_name(name) for name in (*raised.type_names, type_name))
    return frozenset(name.removeprefix(".") for name in names if name.startswith("."))


def lookup(names: Iterable[str]) -> Call:
    """The call that asks the program without the candidate about these names."""
    return Call(setup=_FIND, expression=f"_chains({sorted(names)!r})")


def chains_in(answer: Observation) -> frozenset[Chain]:
    """The answer to `lookup`: the chains of all classes with one of the names. Empty if the program does not load."""
    if answer.ending is not Ending.RETURNED:
        return frozenset()
    return frozenset(tuple(str(name) for name in _items(chain)) for chain in _items(answer.value))


def _items(value: Value) -> tuple[Value, ...]:
    return value.items if isinstance(value, Node) else ()


def is_a(raised: Raised, type_name: str, known: frozenset[Chain]) -> bool:
    """Whether the exception counts as one of `type_name`.

    `known` are the chains that are known outside the candidate.
    """
    claimed = tuple(_plain_name(name) for name in raised.type_names)
    wanted = _plain_name(type_name)
    own: Sequence[str] = ()
    for place, name in enumerate(claimed):
        true = [_BUILT_IN[name]] if name in _BUILT_IN else [chain for chain in known if chain[0] == name]
        if true:
            own, true_chain = claimed[:place], claimed[place:]
            return true_chain in true and (wanted in true_chain or own[:1] == (wanted,))
    return False


def _plain_name(name: str) -> str:
    """The name of a built-in exception. The name of any other class follows a dot, without module and owner."""
    name = name.removeprefix("builtins.")
    return _EXCEPTIONS[name].__name__ if name in _EXCEPTIONS else "." + name.rsplit(".", 1)[-1]
