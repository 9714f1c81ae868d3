"""Reads the enclosing function's header: name, parameters, signature, decorators, docstring.

tree-sitter reads the header, so an incomplete annotation does not lose the rest. `hole` finds the start and end of the
function. The rest of the buffer is not parsed.
"""

from __future__ import annotations

import ast
import inspect
import re
import unicodedata
import warnings

import tree_sitter_python
from tree_sitter import Language, Node, Parser

from plum_lsp.domain.suggestion import FunctionSymbol
from plum_lsp.domain.text import Span
from plum_lsp.python.reading.hole import DEFINITION, Hole
from plum_lsp.python.reading.lines import Line, indent_of, mask, width

_LANGUAGE = Language(tree_sitter_python.language())


def enclosing_function(text: str, masked: str, hole: Hole) -> FunctionSymbol | None:
    """The innermost function around the cursor. Its span (decorators to last line) counts in `text`."""
    scopes = list(hole.scopes)
    own = hole.own_line
    if own is not None and DEFINITION.match(own.code) and _is_past_header(text, own, hole.span.start):
        scopes.append(own)
    while scopes and not DEFINITION.match(scopes[-1].code):
        scopes.pop()
    if not scopes:
        return None
    header = scopes[-1]
    node = _definition(text[header.start + len(header.indent) : header.end])
    if node is None:
        return None
    start = _decorated_start(masked, header, hole.region)
    names = [_name(text[scope.start : scope.end].strip()) for scope in scopes]
    outer = scopes[:-1]
    in_class = bool(outer) and not DEFINITION.match(outer[-1].code)
    is_innermost = bool(hole.scopes) and hole.scopes[-1] is header
    literal = text[hole.docstring.start : hole.docstring.end] if hole.docstring and is_innermost else ""
    return FunctionSymbol(
        name=names[-1],
        qualified_name=".".join(names),
        class_name=".".join(names[:-1]) if in_class else None,
        signature=_signature(node),
        parameters=_parameters(node),
        decorators=_decorators(text[start : header.start]),
        docstring=_string(literal),
        is_async=header.code.startswith("async"),
        is_nested=any(DEFINITION.match(scope.code) for scope in outer),
        span=Span(start=start, end=_function_end(masked, header, hole)),
    )


def _parse(source: str) -> Node:
    return Parser(_LANGUAGE).parse(source.encode("utf-8", "replace")).root_node


def _definition(header: str) -> Node | None:
    """The function node of a header. A header without a body gets one."""
    pending = [_parse(header + ("\n    pass\n" if header.endswith(":") else "\n"))]
    while pending:
        node = pending.pop(0)
        if node.type == "function_definition":
            return node
        pending.extend(node.children)
    return None


def _is_past_header(text: str, own: Line, cursor: int) -> bool:
    """Whether the cursor is in the body of a one-line definition, not in its header."""
    start = own.start + len(own.indent)
    node = _definition(text[start:cursor] + "\N{LATIN SMALL LETTER A}" + text[cursor : own.end])
    body = node.child_by_field_name("body") if node is not None else None
    return body is not None and body.start_byte <= len(text[start:cursor].encode("utf-8", "replace"))


def _text(node: Node | None) -> str:
    return (node.text or b"").decode("utf-8", "replace") if node is not None else ""


def _name(header: str) -> str:
    words = header.removeprefix("async").split(None, 1)[1]
    return _as_python_reads(words.split("(")[0].split(":")[0].split("[")[0].strip())


def _as_python_reads(name: str) -> str:
    """A name in the form that syntax trees have it in (Python reference, 2.3: NFKC)."""
    return name if name.isascii() else unicodedata.normalize("NFKC", name)


def _signature(node: Node) -> str:
    """`def f(a: int) -> int`, as written, without the colon and without line breaks."""
    body = node.child_by_field_name("body")
    raw = _text(node)
    if body is not None:
        raw = raw.encode()[: body.start_byte - node.start_byte].decode("utf-8", "replace")
    visible = "".join(" " if shown == " " else kept for kept, shown in zip(raw, mask(raw), strict=True))
    return re.sub(r"\s*\n\s*", " ", visible.rstrip().removesuffix(":").rstrip())


def _parameters(node: Node) -> tuple[str, ...]:
    """Names in order. `*args` and `**kwargs` keep their stars. The bare markers `*` and `/` are left out."""
    names: list[str] = []
    listed = node.child_by_field_name("parameters")
    for child in listed.named_children if listed is not None else ():
        inner = child.child_by_field_name("name") or child
        if inner is child and child.type == "typed_parameter" and child.named_children:
            inner = child.named_children[0]
        if inner.type in {"identifier", "list_splat_pattern", "dictionary_splat_pattern"}:
            names.append(_as_python_reads(_text(inner)))
    return tuple(names)


def _decorated_start(masked: str, header: Line, region: Span) -> int:
    """The start of the decorators of a definition, or of the definition itself. Decorators with strings count too."""
    start = header.start
    while start > region.start:
        above = masked.rfind("\n", region.start, start - 1) + 1 or region.start
        line = masked[above : start - 1]
        indent = indent_of(line)
        if not line.strip() or width(indent) < width(header.indent):
            break
        if indent != header.indent or not line.strip().startswith("@"):
            if not line.strip().startswith((")", "]", "}")) and indent == header.indent:
                break
            opener = _opening_decorator(masked, above, header.indent, region.start)
            if opener is None:
                break
            above = opener
        start = above
    return start


def _opening_decorator(masked: str, below: int, indent: str, stop: int) -> int | None:
    """The start of the decorator whose brackets close on the line `below`, if there is one."""
    found = masked.rfind(f"\n{indent}@", stop, below)
    start = found + 1 if found >= 0 else (stop if masked.startswith(f"{indent}@", stop) else None)
    if start is None:
        return None
    end = masked.find("\n", below)
    code = masked[start : end if end >= 0 else len(masked)]
    is_balanced = all(code.count(left) == code.count(right) for left, right in ("()", "[]", "{}"))
    return start if is_balanced and "def " not in code else None


def _decorators(source: str) -> tuple[str, ...]:
    """The text of each decorator without its at sign."""
    if not source.strip():
        return ()
    indent = indent_of(source)
    flat = "\n".join(line.removeprefix(indent) for line in source.splitlines())
    root = _parse(flat + "\ndef f(): pass\n")
    nodes = [node for child in root.children for node in child.children if node.type == "decorator"]
    return tuple(_text(node).removeprefix("@").strip() for node in nodes)


def _string(literal: str) -> str:
    """The value of a docstring literal, without its indentation. Empty if there is none or it is broken."""
    if not literal:
        return ""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            value = ast.literal_eval(literal)
    except (SyntaxError, ValueError, MemoryError):
        return ""
    return inspect.cleandoc(value) if isinstance(value, str) else ""


def _function_end(masked: str, header: Line, hole: Hole) -> int:
    """The end of the function's last line, before the next line with the same or less indentation."""
    end = max(header.end, hole.span.end)
    position = masked.find("\n", end)
    while 0 <= position < hole.region.end:
        stop = masked.find("\n", position + 1)
        line = masked[position + 1 : stop if stop >= 0 else hole.region.end]
        if line.strip():
            if width(indent_of(line)) <= width(header.indent):
                break
            end = position + 1 + len(line)
        position = stop
    return end
