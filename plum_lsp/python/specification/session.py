"""Finds the line of a docstring's interpreter session that lacks its result at the cursor, or room for an example.

It runs no code. The standard library's parser finds the examples (doctest, "How are Docstring Examples Recognized?").
The examples above become the setup.
"""

from __future__ import annotations

import ast
import doctest
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from plum_lsp.domain.text import Document, Span
from plum_lsp.python.reading.lines import Buffer, indent_of, read_buffer
from plum_lsp.python.reading.prose import docstring_at
from plum_lsp.python.reading.sources import module_or_none

LINES_MAX, CHARACTERS_MAX = 12, 400
"""The longest result that is offered. A longer one is no example for people."""
SHOWN = "(lambda _value: (_value is None, repr(_value)))({}\n)"
"""What an interpreter shows for a value, and whether it shows it at all."""
_ADDRESS = re.compile(r"\bat 0x[0-9A-Fa-f]+")
_BLANK = "<BLANKLINE>"
_CODE = re.compile(r"\s*(?:>>>|\.\.\.) (?=\s*\S)")
_PROMPTED = re.compile(r"\s*>>>(?:( )(.*))?\Z")
_PROMPT = ">>> "


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A session whose last line has no result yet, or is not written yet.

    `source` is the last example, or its beginning. `expression` is it, if it has a value. `setup` are the examples
    above it. `names` are the names in all of them. A result stands in the lines of `lead` and `indent`, and replaces
    `hole`. `escapes` says that the docstring reads a backslash as the start of an escape. `before` and `after` are the
    file around the cursor. `is_new` says that the file does not hold the last example yet: it is in `lead`.
    """

    source: str
    expression: str
    setup: str
    names: frozenset[str]
    lead: str
    indent: str
    quote: str
    escapes: bool
    hole: Span
    before: str
    after: str
    is_new: bool = False


def session_at(document: Document, offset: int) -> Session | None:
    """The session that ends at the cursor: behind its last line, or on the empty line below. None at other places."""
    buffer = read_buffer(document.text, offset)
    literal = docstring_at(buffer.text, buffer.cursor)
    if literal is None:
        return None
    start = buffer.text.rfind("\n", 0, buffer.cursor) + 1
    head, tail, below = _around(buffer, start)
    if tail.strip():
        return None
    above = buffer.text[literal.body : max(literal.body, start - 1)].rpartition("\n")[2]
    own = buffer.text[max(start, literal.body) : buffer.cursor]
    if _CODE.match(own) and not _is_result(below, literal.quote):
        last, lead, indent = own, "\n" + indent_of(head), indent_of(head)
    elif not own.strip() and start > literal.body and _CODE.match(above):
        indent = indent_of(above)
        if not indent.startswith(head):
            return None
        last, lead = above, indent[len(head) :]
    else:
        return None
    examples = _examples(buffer.text[literal.body : buffer.cursor])
    if not examples or not last.strip():
        return None
    return _session(buffer, examples, lead=lead, indent=indent, quote=literal.quote, escapes=not literal.is_raw)


def _session(
    buffer: Buffer, examples: list[doctest.Example], *, lead: str, indent: str, quote: str, escapes: bool
) -> Session | None:
    """The session of these examples, if its last one can be run."""
    *earlier, last = examples
    source, setup = last.source.strip("\n"), _setup(earlier)
    tree, before = module_or_none(source), module_or_none(setup)
    if tree is None or not tree.body or before is None or last.options.get(doctest.SKIP):
        return None
    is_value = len(tree.body) == 1 and isinstance(tree.body[0], ast.Expr)
    return _at(
        buffer,
        source=source,
        expression=source if is_value else "",
        setup=setup,
        lead=lead,
        indent=indent,
        quote=quote,
        escapes=escapes,
    )


def _at(
    buffer: Buffer, *, source: str, expression: str, setup: str, lead: str, indent: str, quote: str, escapes: bool
) -> Session:
    """The session that stands at the cursor. It replaces the rest of the line."""
    end = buffer.text.find("\n", buffer.cursor)
    end = len(buffer.text) if end < 0 else end
    return Session(
        source=source,
        expression=expression,
        setup=setup,
        names=_names(setup) | _names(source),
        lead=lead,
        indent=indent,
        quote=quote,
        escapes=escapes,
        hole=Span(start=buffer.original(buffer.cursor), end=buffer.original(end)),
        before=buffer.text[: buffer.cursor],
        after=buffer.text[end:],
    )


def beginning_at(document: Document, offset: int) -> Session | None:
    """The session that a new example can go on at the cursor: behind `>>> `, or on the empty line below a result.

    Its `source` is what the line already holds of the example. Its `lead` is what the line lacks before it.
    """
    buffer = read_buffer(document.text, offset)
    literal = docstring_at(buffer.text, buffer.cursor)
    if literal is None:
        return None
    head, tail, below = _around(buffer, buffer.text.rfind("\n", 0, buffer.cursor) + 1)
    above, _, own = buffer.text[literal.body : buffer.cursor].rpartition("\n")
    if tail.strip() or _is_result(below, literal.quote):
        return None
    examples, prompted = _parsed(above), _PROMPTED.match(own)
    if prompted is not None:
        lead, indent, source = "" if prompted[1] else " ", indent_of(head), prompted[2] or ""
    elif not own.strip() and examples and _ends_in(above, examples[-1].want):
        indent = " " * examples[-1].indent
        lead, source = indent[len(head) :] + _PROMPT, ""
        if not indent.startswith(head):
            return None
    else:
        return None
    return _at(
        buffer,
        source=source,
        expression="",
        setup=_setup(examples),
        lead=lead,
        indent=indent,
        quote=literal.quote,
        escapes=not literal.is_raw,
    )


def with_example(beginning: Session, source: str) -> Session | None:
    """The session whose last example is this expression. None if it does not go on with what the line already holds."""
    if not source.startswith(beginning.source) or beginning.quote in source or "\n" in source:
        return None
    rest = source[len(beginning.source) :]
    written = rest.replace("\\", "\\\\") if beginning.escapes else rest
    return replace(
        beginning,
        source=source,
        expression=source,
        names=beginning.names | _names(source),
        lead=f"{beginning.lead}{written}\n{beginning.indent}",
        is_new=True,
    )


def shown_text(session: Session, result: str) -> str:
    """The text to insert for a result: indented like the session, and written as the docstring reads it."""
    lines = [line.rstrip() or _BLANK for line in result.rstrip("\n").split("\n")]
    text = f"\n{session.indent}".join(lines)
    return session.lead + (text.replace("\\", "\\\\") if session.escapes else text)


def unfit(session: Session, result: str) -> str:
    """Why a result cannot stand in a docstring, in words. Empty if it can."""
    if not result.strip():
        return "it shows nothing"
    if result.count("\n") >= LINES_MAX or len(result) > CHARACTERS_MAX:
        return "its result is too long for an example"
    if _ADDRESS.search(result):
        return "its result holds an address, which is another one each time"
    if session.quote in result:
        return "its result holds the quotes that end the docstring"
    return ""


def _examples(text: str) -> list[doctest.Example]:
    """The examples of a docstring up to the cursor, if the last one has no result."""
    found = _parsed(text)
    return found if found and not found[-1].want and found[-1].exc_msg is None else []


def _parsed(text: str) -> list[doctest.Example]:
    try:
        return doctest.DocTestParser().get_examples(text.rstrip() + "\n")
    except ValueError:
        return []


def _setup(examples: Iterable[doctest.Example]) -> str:
    """The examples that run before the last one."""
    kept = (one for one in examples if one.exc_msg is None and not one.options.get(doctest.SKIP))
    return "\n".join(one.source.strip("\n") for one in kept)


def _names(source: str) -> frozenset[str]:
    """The names and attributes in a source. Empty if it does not parse."""
    tree = module_or_none(source)
    found = [getattr(node, "id", getattr(node, "attr", "")) for node in ast.walk(tree)] if tree is not None else []
    return frozenset(found) - {""}


def _ends_in(text: str, want: str) -> bool:
    """Whether the last line of a text is the last one of this result."""
    last = text.rpartition("\n")[2].strip()
    return bool(last) and want.rstrip().rpartition("\n")[2].strip() == last


def _around(buffer: Buffer, start: int) -> tuple[str, str, str]:
    """The cursor's line before and behind the cursor, and the line below."""
    end = buffer.text.find("\n", buffer.cursor)
    if end < 0:
        return buffer.text[start : buffer.cursor], buffer.text[buffer.cursor :], ""
    return (
        buffer.text[start : buffer.cursor],
        buffer.text[buffer.cursor : end],
        buffer.text[end + 1 :].partition("\n")[0],
    )


def _is_result(line: str, quote: str) -> bool:
    """Whether a line below an example is its result or goes on with it."""
    return bool(line.strip()) and not line.strip().startswith((quote, ">>>"))
