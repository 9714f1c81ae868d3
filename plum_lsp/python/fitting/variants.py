"""Turns a completion into the text to insert: reads it in every likely way, and keeps the first that fits. Pure.

The steps are: the code in an answer (`unwrapping`), less what stands above the cursor (`repeats`), in the file's
indentation (`cutting`, `levels`), less what follows the cursor (`trimming`). A reading fits if the program parses with
it, its names are defined, and it is whole. What is run later is exactly the text that is inserted.

A reading is whole if the policy ended it, or if its block has ended: a `return` at the body's own depth, or text behind
it that is outside. Text that was cut for another reason (the token limit, a control string in the middle, a line that
may belong to the body), or that its model took back before the limit came, is a stump. It is read last, and
`candidates` refuses it. A list of values that was cut at the token limit is closed after its last whole value.
"""

from __future__ import annotations

import ast
import builtins
import keyword
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice

from plum_lsp.domain.place import Place
from plum_lsp.domain.suggestion import Completion, Context, Finish, HoleKind
from plum_lsp.python.fitting.cutting import Cutter
from plum_lsp.python.fitting.decoding import code_in_value, decoded
from plum_lsp.python.fitting.levels import Placed, in_unit, relative_readings
from plum_lsp.python.fitting.outside import finishes, is_finished, is_outside, is_own_header
from plum_lsp.python.fitting.repeats import without_repeats
from plum_lsp.python.fitting.scanning import Line, lines_of
from plum_lsp.python.fitting.static import inserted, parse, undefined_names
from plum_lsp.python.fitting.trimming import (
    endings,
    fitting_variants,
    place_at_cursor,
    whole_values,
    without_repeated_suffix,
)
from plum_lsp.python.fitting.unwrapping import is_withdrawn, unwrapped, visible
from plum_lsp.python.reading.lines import width

READINGS_MAX = 32
"""The most readings of one completion that are tried."""
READINGS_IN_LARGE_MAX = 6
"""The same in a large document, whose program takes long to parse."""
SOURCES_MAX = 4
"""The most readings of an answer in which a value is looked for."""
_VALUE = re.compile(r"(?m)^\s*[\[{\"']")
_LINE_END = re.compile(r"\r\n?")
_WORD_END = re.compile(r"(?<![\w.])[a-z]+\Z")
_WORD_START = re.compile(r"\w+")
_BLANK_LINES = re.compile(r"\A(?:[ \t]*\n)+")
_ENDLESS_BLANK = re.compile(r"\A(?:[ \t]*\n)+(?=(?:[ \t]*\n){3})")
"""Blank lines before a text beyond three. They have no meaning, and thousands of them take long to read."""
LARGE_CHARACTERS = 100_000
"""A program of this size takes about 30 ms to parse."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fitted:
    """The text to insert, the tree of the program that it makes (or why there is none), and what is wrong with it.

    `ending` follows the text in its program, and is not inserted (`trimming`).
    """

    text: str
    tree: ast.Module | str
    undefined: tuple[str, ...] = ()
    is_whole: bool = True
    ending: str = ""

    @property
    def rank(self) -> tuple[bool, bool, bool]:
        """Sort key: a text that parses, then a whole one, then one whose names are defined."""
        return isinstance(self.tree, ast.Module), self.is_whole, not self.undefined

    @property
    def fits(self) -> bool:
        """Whether reading it shows no problem."""
        return all(self.rank)


def fit(completion: Completion, context: Context) -> Fitted:
    """The first reading of a completion that fits, also of one that its server did not decode. Else the best one."""
    completion = replace(completion, text=_ENDLESS_BLANK.sub("", completion.text))
    for code in _codes(completion.text, context):
        held = _fit(replace(completion, text=code), context)
        if held.fits:
            return held
    best = _fit(completion, context)
    if best.fits:
        return best
    for text in decoded(completion.text, context.before + context.after):
        other = _fit(replace(completion, text=text), context)
        if other.fits:
            return other
    return best


def _codes(text: str, context: Context) -> list[str]:
    """The code that a body holds as a value, also within a fence or a tag."""
    if context.block.kind is not HoleKind.BODY or not _VALUE.search(text):
        return []
    sources = (text, *islice(unwrapped(text, context.block), SOURCES_MAX))
    return list(dict.fromkeys(filter(None, map(code_in_value, sources))))


def _fit(completion: Completion, context: Context) -> Fitted:
    """The first reading of a completion as it stands that fits, or the best one if none does."""
    met = _meeting_the_rest(completion.text, context)
    if met is not None:
        return met
    is_large = len(context.before) + len(context.after) > LARGE_CHARACTERS
    readings = list(islice(_readings(completion, context), READINGS_IN_LARGE_MAX if is_large else READINGS_MAX))
    best = _best(readings, context)
    values = _values_of(completion, context) if not best.fits else None
    if values is not None and values.fits:
        return values
    if isinstance(best.tree, str) and best.text.strip():
        for ending in endings(context):
            ended = _best(readings, replace(context, after=ending + context.after))
            if isinstance(ended.tree, ast.Module):
                return replace(ended, ending=ending)
    return best


def _best(readings: list[tuple[str, bool]], context: Context) -> Fitted:
    """The first reading that fits at the cursor, or the best one if none does."""
    best: Fitted | None = None
    for reading, is_whole in readings:
        fitted = _placed(reading, context, is_whole=is_whole)
        if fitted.fits:
            return fitted
        if best is None or fitted.rank > best.rank:
            best = fitted
    return best or Fitted(text="", tree="line 1: no code is left")


def _values_of(completion: Completion, context: Context) -> Fitted | None:
    """The whole values of a list that the policy did not end. None at other places."""
    if completion.finish is not Finish.LENGTH or context.place is not Place.LITERAL:
        return None
    text = whole_values(place_at_cursor(completion.text, context.block), context.after, context.block)
    return _placed(text, context, is_whole=True) if text else None


def _meeting_the_rest(completion: str, context: Context) -> Fitted | None:
    """The completion as it is, if it has several lines and fills the gap between two halves of different lines."""
    is_gap = context.block.kind is HoleKind.LINE and context.after.partition("\n")[0].strip()
    if not is_gap or "\n" not in completion.strip() or "\r" in completion:
        return None
    tree = parse(context.before + completion + context.after)
    if not isinstance(tree, ast.Module):
        return None
    names = undefined_names(tree, inserted(context.before, completion), context)
    return None if names else Fitted(text=completion, tree=tree)


def _readings(completion: Completion, context: Context) -> Iterator[tuple[str, bool]]:
    """The readings of a completion in the file's indentation, likeliest first, each with whether it is whole."""
    cutter = Cutter(context.block)
    cutter.feed(visible(_LINE_END.sub("\n", completion.text)))
    text = cutter.close()
    is_cut = cutter.has_ended or completion.finish is Finish.CUT
    is_kept = is_cut or completion.finish is not Finish.LENGTH or not is_withdrawn(text)
    seen: set[tuple[str, bool]] = set()
    for source in unwrapped(text, context.block):
        for body in without_repeats(source, context):
            ends_early = body.rstrip()[-20:] != text.rstrip()[-20:]
            is_limited = completion.finish is Finish.LENGTH and not ends_early and not is_cut
            for placed in _in_columns(body, context):
                is_whole = is_kept and cutter.is_whole and _is_whole(placed, context, is_limited=is_limited)
                if (placed.text, is_whole) not in seen:
                    seen.add((placed.text, is_whole))
                    yield placed.text, is_whole


def _in_columns(body: str, context: Context) -> Iterator[Placed]:
    """A body as it is written in the columns of the file, and with other columns."""
    block = context.block
    if not block.line_head.strip():
        body = _BLANK_LINES.sub("", body)
    cutter = Cutter(block, is_strict=True)
    cutter.feed(body)
    cutter.close()
    absolute = Placed(text=cutter.block_text, rest=cutter.rest)
    relative = list(relative_readings(body, block))
    if not _has_own_columns(body, context):
        yield from (in_unit(absolute, block), absolute)
        relative = [one for one in relative if one.text.strip() != absolute.text.strip()]
        yield from relative
    else:
        yield from (*relative, absolute)


def _has_own_columns(body: str, context: Context) -> bool:
    """Whether the columns of a body are surely not the file's: it mixes tabs with blanks, or begins too deep."""
    block = context.block
    if block.kind not in {HoleKind.BODY, HoleKind.CLASS, HoleKind.BLOCK}:
        return False
    lines = [line for line in lines_of(body) if line.is_statement]
    indents = "".join(line.indent for line in lines)
    own = block.indent or block.unit
    is_mixed = ("\t" in indents and "\t" not in own) or (" " in indents and "\t" in own and len(lines) > 1)
    is_deep = block.kind is not HoleKind.BLOCK and bool(lines) and lines[0].columns > width(block.indent)
    return is_mixed or is_deep


def _is_whole(placed: Placed, context: Context, *, is_limited: bool) -> bool:
    """Whether a reading ends where its block does."""
    block, kept = context.block, [line for line in lines_of(placed.text, context.block.line_head) if line.code]
    if not kept:
        return True
    is_line = block.kind is HoleKind.LINE
    following, blank_lines = _first_statement(placed.rest)
    if following is not None and is_own_header(following.code, block) and not is_finished(kept):
        return False  # what stands above the function's own header is no body of it
    if following is not None:
        is_free = is_line or block.kind is HoleKind.MODULE or is_finished(kept)
        return is_free or is_outside(following, kept, block, blank_lines=blank_lines)
    if not is_limited or placed.rest.strip():
        return True
    is_ended = placed.text.endswith("\n") and (is_finished(kept) or finishes(placed.text, block))
    return is_ended or (is_line and placed.text.endswith("\n") and not kept[-1].opens and len(kept) == 1)


def _first_statement(rest: str) -> tuple[Line | None, int]:
    """The first statement of a text, and the number of blank lines above it."""
    blank_lines = 0
    for line in lines_of(rest):
        if line.is_statement:
            return line, blank_lines
        blank_lines += not line.code
    return None, blank_lines


def _after_keyword(reading: str, context: Context) -> str:
    """A reading with a blank before it, where it would make a keyword at the cursor to a word that is not known."""
    head = _WORD_END.search(context.block.line_head)
    first = _WORD_START.match(reading)
    if head is None or first is None or not keyword.iskeyword(head.group()):
        return reading
    word = head.group() + first.group()
    is_known = keyword.iskeyword(word) or hasattr(builtins, word)
    is_known = is_known or re.search(rf"\b{re.escape(word)}\b", context.before + context.after) is not None
    return reading if is_known else f" {reading}"


def _placed(reading: str, context: Context, *, is_whole: bool) -> Fitted:
    """A reading at the cursor, without what follows there already: the first variant that parses."""
    block = context.block
    text = place_at_cursor(_after_keyword(reading, context), block)
    text = without_repeated_suffix(text, context.after, block)
    first: Fitted | None = None
    for variant in fitting_variants(text, context.after, block):
        if not variant.strip() and first is not None:
            continue
        variant = block.lead + variant
        tree = parse(context.before + variant + context.after)
        if isinstance(tree, ast.Module):
            names = undefined_names(tree, inserted(context.before, variant), context) if variant.strip() else ()
            return Fitted(text=variant, tree=tree, undefined=names, is_whole=is_whole)
        first = first or Fitted(text=variant, tree=tree, is_whole=is_whole)
    assert first is not None
    return first
