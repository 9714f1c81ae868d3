"""Imports as statements: what each name of a module is imported by, and where a further one is written. Pure."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from plum_lsp.domain.suggestion import Candidate, Context
from plum_lsp.python.reading.lines import chunks, mask, parse

_IMPORT = re.compile(r"^(?:import|from)[ \t][^\n(;]*(?:\([^()]*\))?", re.MULTILINE)
_STRING = re.compile(r"[rRuUbBfF]{0,2}s+\s*")
_HEAD = re.compile(r"(?:#![^\n]*\n)?(?:#[^\n]*\n)*\n|#![^\n]*\n|")
"""A comment that is set apart at the start of a file, or a shebang."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewImports:
    """Where further imports are written, as an offset, and the text with them."""

    offset: int
    text: str


def imported_by(source: str) -> Iterator[tuple[str, str]]:
    """Each name that a module imports at its top level, with the statement that imports it alone."""
    for found in _IMPORT.finditer(mask(source)):
        tree = parse(found[0])
        for node in tree.body if tree is not None else []:
            if not isinstance(node, ast.Import | ast.ImportFrom):
                continue
            for alias in node.names:
                name = alias.asname or alias.name.split(".")[0]
                one = [ast.alias(name=alias.name, asname=alias.asname)]
                alone = (
                    ast.Import(one) if isinstance(node, ast.Import) else ast.ImportFrom(node.module, one, node.level)
                )
                if alias.name != "*":
                    yield name, ast.unparse(alone)


def new_imports(text: str, statements: Sequence[str]) -> NewImports | None:
    """Where the statements are written in a text: below its first imports, else below its docstring, else at the start.

    None if the last line of the text would have to be ended for that.
    """
    masked, place, is_docstring = mask(text), -1, False
    for number, chunk in enumerate(chunks(masked)):
        code = masked[chunk.start : chunk.end].rstrip()
        is_import = code.startswith(("import ", "from "))
        is_docstring = number == 0 and _STRING.fullmatch(code) is not None
        if not is_import and not is_docstring:
            break
        place = masked.find("\n", chunk.start + len(code)) + 1
        if not place:
            return None
        is_docstring = not is_import
    lines = "".join(f"{statement}\n" for statement in statements)
    if place < 0:
        head = _HEAD.match(text)
        return NewImports(offset=head.end() if head else 0, text=f"{lines}\n\n")
    return NewImports(offset=place, text=f"\n{lines}" if text[:place].rstrip().endswith(('"""', "'''")) else lines)


def with_imports(context: Context, statements: Sequence[str]) -> Context:
    """The context with further imports in its program. Those that stand there as they are are not added again."""
    lines = set(context.before.split("\n")) if statements else set()
    missing = [one for one in statements if one not in lines]
    made = new_imports(context.before, missing) if missing else None
    if made is None:
        return context
    return replace(context, before=context.before[: made.offset] + made.text + context.before[made.offset :])


def program_around(context: Context, candidate: Candidate) -> Context:
    """The context with the imports of a candidate above it, and with what ends its program below it."""
    return with_imports(replace(context, after=candidate.ending + context.after), candidate.imports)
