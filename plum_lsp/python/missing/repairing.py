"""Finds the import that a candidate lacks: from the standard library, the project's other files, or its packages.

A name is resolved only if one import fits. The program that is run has the import, and the offer brings it along. Code
of the project is not executed for this. Modules of the standard library are.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

from plum_lsp.domain.suggestion import Candidate, Context, HoleKind
from plum_lsp.python.fitting.candidates import UNDEFINED
from plum_lsp.python.fitting.static import inserted, names_without_definition, parse
from plum_lsp.python.fitting.weakness import weakness_of
from plum_lsp.python.missing.resolving import KnownImports, imports_of, may_know, uses_of
from plum_lsp.python.reading.import_lines import imported_by, new_imports

_WORD = re.compile(r"[^\W\d]\w*")
REMEMBERED_MAX = 4
"""The number of places whose undefined names are remembered."""
IMPORTS_MAX = 8
"""A candidate with more unknown names is not code for this file."""


def repaired(candidate: Candidate, context: Context, known: KnownImports, *, beside: bool) -> Candidate:
    """The candidate with the imports that it lacks. Unchanged if it lacks none, or if a name cannot be resolved.

    Args:
        beside: whether the editor can write imports at the top of the file. Else they go to the top of the body.
    """
    is_undefined = candidate.problem.startswith(UNDEFINED)
    if not is_undefined and (candidate.problem or not _may_lack(candidate.text, context, known)):
        return candidate
    tree = parse(context.before + candidate.text + candidate.ending + context.after)
    if isinstance(tree, str):
        return candidate
    place = inserted(context.before, candidate.text)
    names, elsewhere = names_without_definition(tree, place)
    found = {name: imports_of(name, uses_of(tree, name, place), known) for name in names}
    statements = tuple(dict.fromkeys(one for some in found.values() for one in some))
    is_complete = all(found[name] or name in elsewhere for name in names)
    if not statements or len(statements) > IMPORTS_MAX or (is_undefined and not is_complete):
        return candidate
    if is_undefined:
        candidate = replace(candidate, weakness=weakness_of(tree, candidate.text, place))
    if beside and new_imports(context.before, statements) is not None:
        return replace(candidate, imports=statements, problem="")
    text = with_imports_inside(candidate.text, statements, replace(context, after=candidate.ending + context.after))
    return candidate if text is None else replace(candidate, text=text, problem="")


def _may_lack(text: str, context: Context, known: KnownImports) -> bool:
    """Whether a text names something that could be imported and is not. The code around it may name it, too."""
    names = {name for name in _WORD.findall(text) if may_know(name, known)}
    if not names or not names - {name for name, _ in imported_by(context.before + context.after)}:
        return False
    return context.is_excerpt or not names.isdisjoint(_undefined_around(context.before, context.after))


@lru_cache(maxsize=REMEMBERED_MAX)
def _undefined_around(before: str, after: str) -> frozenset[str]:
    """The undefined names of the code around a hole. A candidate without a problem lacks no others."""
    tree = parse(f"{before}pass{after}")
    if isinstance(tree, str):
        return frozenset(_WORD.findall(before + after))
    names, elsewhere = names_without_definition(tree, inserted(before, "pass"))
    return frozenset({*names, *elsewhere})


def with_imports_inside(text: str, statements: Sequence[str], context: Context) -> str | None:
    """The text of whole lines with the imports above its first statement. None in the middle of a line."""
    if context.block.kind not in {HoleKind.BODY, HoleKind.BLOCK}:
        return None
    lead = text[: len(text) - len(text.lstrip())]
    lines = "".join(f"{statement}\n{context.block.indent}" for statement in statements)
    made = lead + lines + text[len(lead) :]
    return made if isinstance(parse(context.before + made + context.after), ast.Module) else None
