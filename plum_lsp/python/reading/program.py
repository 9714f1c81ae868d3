"""Composes the runnable program around a hole: the whole document if it parses, otherwise the parts that parse.

A statement that is too deep to be walked (`syntax`) counts as one that does not parse.

It also fills the hole, either with a candidate or with a placeholder that cannot pass a test. It runs no code.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass

from plum_lsp.domain.suggestion import Block, Context, FunctionSymbol, HoleKind
from plum_lsp.domain.text import Span
from plum_lsp.domain.verification import Program
from plum_lsp.python.reading.hole import Hole
from plum_lsp.python.reading.lines import Line, chunks, logical_lines, mask, parse, parses, width
from plum_lsp.python.reading.placeholder import PLACEHOLDER, UNFILLED
from plum_lsp.python.reading.syntax import is_rewritable

WHOLE_LINES_MAX = 20_000
"""Longer documents are cut to the statements that the hole's statement can reach. `ast.parse` takes about 10 µs a line
(measured: 50,000 lines in 0.5 s), and a candidate outside a project loads the whole document."""
EXCERPT_LINES_MAX = 2_000
"""The most lines of other statements that a cut document keeps, for the same reason."""
_NAMES = re.compile(r"[^\W\d]\w*")
_BINDS = re.compile(
    r"^(?:@|(?:async\s+)?def\s|class\s|import\s|from\s|[^\W\d][\w, ]*(?::[^=]+)?=(?!=)|try\s*:|if\s|with\s|type\s)"
)
_DEFINES = re.compile(r"^(?:async\s+def|def|class)\s+(\w+)", re.MULTILINE)
_HEADER = re.compile(r"(?:async\s+def|def)\s+(\w+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """The program on both sides of the hole. `is_excerpt` says that statements were left out."""

    before: str
    after: str
    is_excerpt: bool


def surroundings(text: str, masked: str, hole: Hole) -> Surroundings:
    """The code before and after a candidate that makes the result runnable. `before` ends exactly at the cursor.

    Where the cursor stands too deep for a statement, `before` ends at the depth that the block has.
    """
    region = hole.region
    head, tail = text[region.start : hole.span.start], text[hole.span.end : region.end]
    if hole.block.lead:
        head = head.rstrip(" \t\f") + hole.block.line_head
    above, below = text[: region.start], text[region.end :]
    is_excerpt = False
    if text.count("\n") > WHOLE_LINES_MAX or not _is_read(above + below):
        above, below = _excerpt(text, masked, region)
        is_excerpt = True
    is_large = text.count("\n", region.start, region.end) > WHOLE_LINES_MAX
    fillings = _fillings(hole.block, head, tail, hole.target)
    if is_large or not any(parses(head + filling + tail) for filling in fillings):
        pruned = _pruned(masked, text, hole, is_large=is_large)
        if pruned is not None:
            head, tail = pruned
            is_excerpt = True
    return Surroundings(before=above + head, after=tail + below, is_excerpt=is_excerpt)


def _excerpt(text: str, masked: str, region: Span) -> tuple[str, str]:
    """The other top-level statements that parse on their own and that bind something, above and below the region."""
    pieces = [chunk for chunk in chunks(masked) if chunk.end <= region.start or chunk.start >= region.end]
    pieces = [chunk for chunk in pieces if _BINDS.match(masked[chunk.start : chunk.start + 200])]
    if text.count("\n") > WHOLE_LINES_MAX:
        pieces = _reachable(pieces, text, masked, region)
    kept = [chunk for chunk in pieces if _is_read(text[chunk.start : chunk.end])]
    above = "".join(_ended(text[chunk.start : chunk.end]) for chunk in kept if chunk.end <= region.start)
    below = "".join(_ended(text[chunk.start : chunk.end]) for chunk in kept if chunk.start >= region.end)
    return above, below


def _is_read(source: str) -> bool:
    """Whether code parses and is not too deep for the steps that walk its tree, as each candidate's program must be."""
    tree = parse(source)
    return tree is not None and is_rewritable(tree, source)


def _ended(statement: str) -> str:
    return statement if statement.endswith("\n") else statement + "\n"


def _reachable(pieces: list[Span], text: str, masked: str, region: Span, *, is_member: bool = False) -> list[Span]:
    """The statements whose names the region uses, directly or through one another, nearest first up to the limit.

    A class also keeps its special methods and attributes, because they are used without being named.
    """
    binding: dict[str, list[Span]] = {}
    for chunk in pieces:
        code = masked[chunk.start : chunk.end]
        for name in _bound_names(textwrap.dedent(code) if is_member else code):
            binding.setdefault("*" if is_member and name.startswith("__") else name, []).append(chunk)
    wanted = list(binding.get("*", ()))
    pending = sorted(set(_NAMES.findall(text[region.start : region.end])))
    seen: set[str] = set(pending)
    chosen: dict[int, Span] = {chunk.start: chunk for chunk in wanted}
    lines = 0
    while pending:
        for chunk in binding.get(pending.pop(0), ()):
            if chunk.start in chosen or lines > EXCERPT_LINES_MAX:
                continue
            chosen[chunk.start] = chunk
            lines += text.count("\n", chunk.start, chunk.end)
            found = sorted(set(_NAMES.findall(masked[chunk.start : chunk.end])) - seen)
            seen.update(found)
            pending.extend(found)
    return [chosen[start] for start in sorted(chosen)]


def _bound_names(code: str) -> set[str]:
    """The names that a top-level statement binds. `*` if these are unknown, or if the statement must always run."""
    first = code.split("\n", 1)[0]
    if first.startswith(("from ", "import ")):
        if "*" in first or "__future__" in first:
            return {"*"}
        listed = re.sub(r"\b[\w.]+\s+as\s+", "", code.split("import", 1)[1])
        return {name.split(".")[0] for name in re.findall(r"[\w.]+", listed)}
    defined = _DEFINES.search(code)
    if defined and not first.startswith(("if", "try", "with")):
        return {defined.group(1)}
    return set(re.findall(r"^\s*([^\W\d]\w*)\s*(?::[^=\n]+)?=(?!=)", code, re.MULTILINE)) | set(
        re.findall(r"\b(?:import|def|class|as|,)\s*(\w+)", code)
    )


def _fillings(block: Block, head: str, tail: str, target: str) -> Iterator[str]:
    """Texts that might complete the hole syntactically without an answer. The first that parses is used."""
    is_function_part = block.kind not in {HoleKind.MODULE, HoleKind.CLASS}
    if block.kind is HoleKind.LINE:
        name = UNFILLED if is_function_part and _HEADER.search(head) else "None"
        yield ""
        yield from (name, f" {name}", f"{name} ", f"{name}:", ":", f"({name})", f", {name}", "pass", f"= {name}")
        closing = _closing(head, tail)
        if closing:
            yield from (closing, name + closing, closing + ":", f"{name}{closing}:")
        yield f" if {name} else {name}"
        return
    statement = PLACEHOLDER if is_function_part else "pass"
    depths = [target, block.indent, block.indent + "    ", target + "    "]
    for indent in dict.fromkeys(depths):
        if width(indent) >= width(block.line_head):
            lead = indent.removeprefix(block.line_head)
            yield lead + statement
            yield f"{lead}if {UNFILLED}:"
            yield f"{lead}else:"
            yield f"{lead}try: {PLACEHOLDER}\n{indent}finally:"


def _closing(head: str, tail: str) -> str:
    """The brackets that the cursor's statement leaves open."""
    line_end = tail.find("\n")
    code = mask(head.rsplit("\n", 1)[-1]) + mask(tail[: line_end if line_end >= 0 else len(tail)])
    pending: list[str] = []
    for character in code:
        if character in "([{":
            pending.append({"(": ")", "[": "]", "{": "}"}[character])
        elif pending and character == pending[-1]:
            pending.pop()
    return "".join(reversed(pending))


def _pruned(masked: str, text: str, hole: Hole, *, is_large: bool) -> tuple[str, str] | None:
    """The class around the hole without the members that do not parse. None outside a class.

    In a very large class, only the members that the cursor's member uses, directly or through others, are considered.
    """
    if not hole.scopes or not hole.scopes[0].code.startswith("class"):
        return None
    members = [line for line in hole.lines if line.start > hole.scopes[0].start]
    if not members:
        return None
    depth = width(members[0].indent)
    starts = _member_starts([line for line in members if width(line.indent) <= depth])
    spans = [Span(start=start, end=end) for start, end in zip(starts, [*starts[1:], hole.region.end], strict=True)]
    place = next((span for span in reversed(spans) if span.start <= hole.span.start), spans[0])
    kept = _reachable(spans, text, masked, place, is_member=True) if is_large else spans
    kept = [span for span in kept if span != place and parses("if 1:\n" + text[span.start : span.end])]
    head = text[hole.region.start : starts[0]]
    head += "".join(text[span.start : span.end] for span in kept if span.start < place.start)
    tail = text[hole.span.end : place.end]
    tail += "".join(text[span.start : span.end] for span in kept if span.start > place.start)
    own = text[place.start : hole.span.start]
    return head + (own.rstrip(" \t\f") + hole.block.line_head if hole.block.lead else own), tail


def _member_starts(members: list[Line]) -> list[int]:
    """Where the members of a class begin, decorators included."""
    starts: list[int] = []
    is_decorated = False
    for line in members:
        if not is_decorated:
            starts.append(line.start)
        is_decorated = line.code.startswith("@")
    return starts


def program_with(context: Context, text: str) -> Program:
    """The program with `text` in the hole, inserted literally."""
    return Program(source=context.before + text + context.after)


def reference_program(context: Context) -> Program:
    """The program without a candidate. It parses, and a call that reaches the hole raises.

    If the line at the hole is complete, it stays unchanged. If no placeholder fits into the hole, the enclosing
    function raises instead, or its top-level statement is left out.
    """
    block = context.block
    target = _target(context)
    for filling in _fillings(block, context.before, context.after, target):
        source = context.before + filling + context.after
        if parses(source):
            return Program(source=source)
    return Program(source=_stubbed(context))


def idle_program(context: Context) -> Program | None:
    """The program whose function at the hole does nothing. None if the hole is not the whole body of a function."""
    program, start = reference_program(context), len(context.before)
    filling = program.source[start : len(program.source) - len(context.after)]
    is_filled = program.source == context.before + filling + context.after
    if context.block.kind is not HoleKind.BODY or not is_filled or PLACEHOLDER not in filling:
        return None
    return Program(source=context.before + filling.replace(PLACEHOLDER, "return") + context.after)


def _target(context: Context) -> str:
    """The indentation of the statement at the hole, read from the context."""
    lines = logical_lines(mask(context.before), Span(start=0, end=len(context.before)))
    written = [line for line in lines if line.code]
    if context.block.kind in {HoleKind.BODY, HoleKind.CLASS} or not written:
        return context.block.indent
    last = written[-1]
    deeper = last.indent + "    " if last.opens else last.indent
    return context.block.line_head or max(deeper, context.block.indent, key=width)


def _stubbed(context: Context) -> str:
    """The program with the enclosing function's body replaced by a raise, or without the statement at the hole."""
    whole, place = context.before + context.after, len(context.before)
    masked = mask(whole)
    spans = chunks(masked)
    if context.function is not None:
        stub = _with_stub(whole, masked, place, context.function)
        if parses(stub):
            return stub
    region = next((span for span in reversed(spans) if span.start <= max(0, place - 1)), Span(start=0, end=len(whole)))
    rest = whole[: region.start] + whole[region.end :]
    return rest if parses(rest) else ""


def _with_stub(whole: str, masked: str, place: int, function: FunctionSymbol) -> str:
    """`whole` with a raise for everything from the function's header to the end of its body.

    The line at the hole is removed too, with any indentation. It may be the end of a line that the hole begins.
    """
    lines = logical_lines(masked, Span(start=0, end=len(whole)))
    headers = [line for line in lines if line.start <= place and _is_header(line, function.name)]
    if not headers:
        return whole
    header = headers[-1]
    rest = (line for line in lines if line.start > place and width(line.indent) <= width(header.indent))
    end = next((line.start for line in rest), len(whole))
    stub = f"{header.indent}{function.signature}:\n{header.indent}    {PLACEHOLDER}\n"
    return whole[: header.start] + stub + whole[end:]


def _is_header(line: Line, name: str) -> bool:
    header = _HEADER.match(line.code)
    return header is not None and header.group(1) == name
