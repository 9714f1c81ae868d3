"""The context step: cuts the text around the cursor to a token budget. The entry point of this package.

It does not know any model's tokens (`suggestion.prompt` does) and runs no code. `after` is the code that follows the
cursor in its own block. A candidate is judged together with that code, and the policy sees it as its suffix.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import replace

from plum_lsp.domain.place import Place
from plum_lsp.domain.suggestion import Context
from plum_lsp.domain.text import Document, Span
from plum_lsp.python.reading.hole import Hole, find_hole
from plum_lsp.python.reading.lines import Buffer, chunks, mask, quiet_at, read_buffer
from plum_lsp.python.reading.place import place_of
from plum_lsp.python.reading.program import program_with, reference_program, surroundings
from plum_lsp.python.reading.prose import Prose, prose_at
from plum_lsp.python.reading.symbols import enclosing_function

__all__ = ["estimated_tokens", "program_with", "read_context", "reference_program"]

CHARACTERS_PER_TOKEN = 3.2
"""A low estimate for Python source in the BPE vocabularies of small code models (the project's working figure).
Indentation alone has many more characters per token. A value that is too low wastes some of the budget. A value that is
too high exceeds the model's limit."""
TOKENS_PER_FOREIGN_CHARACTER = 2.0
"""Characters outside ASCII are split into bytes if the vocabulary has no token for them."""
HEADER_SHARE = 0.4
"""At most this share of the prefix budget goes to code above the cut: imports, helpers, enclosing headers."""
STEP_SHARE = 0.2
"""The window moves in steps of this share of its budget. It then uses .9 of the budget on average, and moves seldom."""
_IMPORT = re.compile(r"(?:from|import)\s")
_DEFINITION = re.compile(r"(?:async\s+def|def|class)\s+(\w+)[^\n]*")
_NAMES = re.compile(r"[^\W\d]\w*")


def read_context(
    document: Document,
    offset: int,
    *,
    prefix_tokens: int,
    suffix_tokens: int,
    tokens_at: Callable[[Place], tuple[int, int]] | None = None,
    has_prose: bool = False,
) -> Context | None:
    """The context of the cursor at `offset` (code points), or None if the place cannot be completed.

    None means: inside a comment or a string, or in an empty document. With `has_prose`, the end of a line of a comment
    or a docstring has a context, too. `tokens_at` gives the budgets of prefix and suffix by the kind of place.
    Deterministic. 50,000 lines take well under half a second, because only the cursor's top-level statement is read in
    detail.
    """
    buffer = read_buffer(document.text, offset)
    if not buffer.text.strip():
        return None
    if quiet_at(buffer.text, buffer.cursor):
        prose = prose_at(buffer) if has_prose else None
        if prose is None:
            return None
        return _in_prose(buffer, prose, *(tokens_at(prose.place) if tokens_at else (prefix_tokens, suffix_tokens)))
    masked = mask(buffer.text)
    hole = find_hole(buffer, masked)
    function = enclosing_function(buffer.text, masked, hole)
    parts = surroundings(buffer.text, masked, hole)
    block = hole.block
    place = place_of(masked, hole, function)
    if tokens_at is not None:
        prefix_tokens, suffix_tokens = tokens_at(place)
    if function is not None:
        block = replace(block, function=function.name, names=function.parameters)
        span = Span(start=buffer.original(function.span.start), end=buffer.original(function.span.end))
        function = replace(function, span=span)
    return Context(
        function=function,
        block=block,
        prefix=_prefix(buffer, masked, hole, prefix_tokens),
        suffix=_suffix(buffer.text[hole.span.end :], suffix_tokens),
        before=parts.before,
        after=parts.after,
        hole=Span(start=buffer.original(hole.span.start), end=buffer.original(hole.span.end)),
        is_excerpt=parts.is_excerpt,
        place=place,
    )


def _in_prose(buffer: Buffer, prose: Prose, prefix_tokens: int, suffix_tokens: int) -> Context:
    """The context of a cursor in text. There is no program, because it does not run."""
    text = buffer.text[: prose.span.start]
    return Context(
        function=None,
        block=prose.block,
        prefix=text[_window_start(text, prefix_tokens) :],
        suffix=_suffix(buffer.text[prose.span.end :], suffix_tokens),
        before="",
        after="",
        hole=Span(start=buffer.original(prose.span.start), end=buffer.original(prose.span.end)),
        is_excerpt=False,
        place=prose.place,
        quote=prose.quote,
    )


def nothing_at(document: Document, offset: int) -> str:
    """Why no completion is possible at `offset`, as a sentence for people."""
    buffer = read_buffer(document.text, offset)
    if not buffer.text.strip():
        return "The file is empty."
    place = quiet_at(buffer.text, buffer.cursor) or "place without code"
    return f"The cursor is in a {place}: there are no suggestions in it."


def estimated_tokens(text: str) -> int:
    """An upper estimate of the tokens of `text`. Never negative."""
    foreign = 0 if text.isascii() else sum(1 for character in text if ord(character) > 127)
    plain = len(text) - foreign
    return math.ceil(plain / CHARACTERS_PER_TOKEN + foreign * TOKENS_PER_FOREIGN_CHARACTER)


def _suffix(text: str, tokens: int) -> str:
    """The start of `text` within the budget: whole lines, but at least the rest of the cursor's line."""
    kept, used = 0, 0.0
    end = text.find("\n")
    kept = len(text) if end < 0 else end + 1
    used = estimated_tokens(text[:kept])
    if used > tokens:
        return text[: min(kept, int(tokens * CHARACTERS_PER_TOKEN))]
    while kept < len(text):
        end = text.find("\n", kept)
        line = text[kept : len(text) if end < 0 else end + 1]
        used += estimated_tokens(line)
        if used > tokens:
            break
        kept += len(line)
    return text[:kept]


def _prefix(buffer: Buffer, masked: str, hole: Hole, tokens: int) -> str:
    """The text before the cursor within the budget: whole lines, below the code above the cut that they need."""
    text = buffer.text[: hole.span.start]
    if estimated_tokens(text) <= tokens:
        return text
    start = _window_start(text, tokens)
    header = _header(text, masked, hole, start, int(tokens * HEADER_SHARE))
    if not header:
        return text[start:]
    start = _window_start(text, tokens - estimated_tokens(header))
    return header + text[start:]


def _window_start(text: str, tokens: int) -> int:
    """The start of a tail of `text` with whole lines within the budget: the longest one, less up to a fifth.

    It begins at the first line of a block of `STEP_SHARE` of the budget, counted from the file's start. The start
    therefore stays the same from key to key and from line to line, and the engine's prompt cache stays valid. The
    cursor's own line is always kept. If it alone is too long, it is cut at its start.
    """
    least = _longest_start(text, tokens)
    step = max(1, int(tokens * STEP_SHARE * CHARACTERS_PER_TOKEN))
    block = text.find("\n", -(-least // step) * step - 1) + 1 if least else 0
    last = text.rfind("\n") + 1
    return block if least < block <= last and block - least <= 2 * step else least


def _longest_start(text: str, tokens: int) -> int:
    """The start of the longest tail of `text` with whole lines within the budget."""
    start = text.rfind("\n") + 1
    used = estimated_tokens(text[start:])
    if used > tokens:
        return max(start, len(text) - int(tokens * CHARACTERS_PER_TOKEN))
    while start > 0:
        above = text.rfind("\n", 0, start - 1) + 1
        used += estimated_tokens(text[above:start])
        if used > tokens:
            break
        start = above
    return start


def _header(text: str, masked: str, hole: Hole, start: int, tokens: int) -> str:
    """Imports, signatures of helpers in use, and headers of the enclosing scopes that lie above `start`.

    Enclosing headers come last, so that the result reads as one file. They are chosen first, because the code at the
    cursor is not clear without them. Helpers count as in use if the cursor's statement names them.
    """
    scopes = [text[scope.start : scope.end] for scope in hole.scopes if scope.start < start]
    line = text.rfind("\n") + 1  # the text that is being typed would change the header with each key
    said = masked[hole.region.start : max(line, hole.region.start)] + masked[hole.span.end : hole.region.end]
    names = set(_NAMES.findall(said))
    imports: list[str] = []
    helpers: list[str] = []
    for chunk in chunks(masked[:start]):
        if chunk.start >= hole.region.start:
            continue
        code = masked[chunk.start : chunk.start + 200]
        if _IMPORT.match(code):
            imports.append(text[chunk.start : chunk.end].rstrip())
        elif (found := _definition_in(masked, chunk)) and found.group(1) in names:
            helpers.append(text[found.start() : found.end()].rstrip() + " ...")
    kept = _within([*scopes, *imports, *reversed(helpers)], tokens)
    ordered = [*imports, *helpers, *scopes]
    return "".join(f"{piece}\n" for piece in ordered if piece in kept)


def _definition_in(masked: str, chunk: Span) -> re.Match[str] | None:
    """The header of the function or class that a chunk defines, below its decorators."""
    position = chunk.start
    while position < chunk.end and masked[position] == "@":
        position = masked.find("\n", position) + 1 or chunk.end
    return _DEFINITION.match(masked, position, chunk.end)


def _within(pieces: list[str], tokens: int) -> set[str]:
    """The first of `pieces` that fit the budget together. A piece that does not fit is skipped."""
    kept: set[str] = set()
    for piece in pieces:
        cost = estimated_tokens(piece + "\n")
        if cost <= tokens:
            tokens -= cost
            kept.add(piece)
    return kept
