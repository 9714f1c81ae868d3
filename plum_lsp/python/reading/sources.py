"""Collects the text that a person wrote about the function at the hole, and the names that its examples may use.

It reads text only: docstrings, comments, the names that a program binds. It does not interpret examples.
"""

from __future__ import annotations

import ast
import builtins
import copy
import inspect
import re
import warnings
from collections.abc import Mapping, Set
from dataclasses import dataclass, field, replace
from textwrap import dedent, indent

from plum_lsp.domain.suggestion import Context, FunctionSymbol
from plum_lsp.domain.text import Span
from plum_lsp.python.reading.lines import mask
from plum_lsp.python.reading.syntax import is_rewritable

_BINDING = re.compile(
    r"^(?:(?:async[ ]+)?def|class)[ ]+(\w+)|^(\w+)[ ]*(?::[^=\n]+)?=(?!=)|^(?:from[ ]+\S+[ ]+)?import[ ]+([^\n#]+)",
    re.MULTILINE,
)
_MEMBER = re.compile(r"^[ \t]+(?:(?:async[ ]+)?def[ ]+(\w+)|(\w+)[ \t]*[:=])|\bself\.(\w+)", re.MULTILINE)
_HEADER = re.compile(r"^[ \t]*(?:async[ ]+)?def[ ]+(\w+)", re.MULTILINE)
_WORD = re.compile(r"[A-Za-z_]\w*")
_TRIPLE = re.compile(r'[rRuU]?("""|\'\'\')(.*?)\1', re.DOTALL)
_ENDS = re.compile(r"[ \t]*(?:[#\n]|\Z)")
"""What follows a string that is a statement. Other strings are part of the program, and a candidate can read them."""
_ASSIGNED = re.compile(r"^[ \t]*>>>[ ]+(\w+)[ ]*=[ ]*([^=\s][^\n]*?)[ ]*$", re.MULTILINE)
"""An assignment in an example."""
_BUILTINS = frozenset(dir(builtins))
_COMMENT = re.compile(r"[ \t]*#+!?[ ]?(.*)")
DEPTHS_TRIED_MAX = 12
"""The most indentations that are tried for a candidate's first line. Each costs a parse."""
HEADER_CHARACTERS_MAX = 4_000
"""A longer list of parameters is not read."""
VALUE_CHARACTERS_MAX = 400
"""A longer value of an example stands for no name in another one."""
TEXT_CHARACTERS_MAX = 20_000
"""Only this many characters of a docstring or comment are read. Examples stand near the top, and the reader must be
fast."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Surface:
    """How a test can reach the function: by name, or through an object of its class.

    `names` are bound in the program or built in. `receivers` maps names that the docstrings use for an object of the
    class to the statement that makes one. `construct` is an expression that makes one, or None if the constructor needs
    unknown arguments. `members` are the names of methods and attributes of the program's classes. `dependents` are the
    names of functions and methods that use the function, directly or through others.
    """

    function: FunctionSymbol
    names: frozenset[str]
    receivers: dict[str, str] = field(hash=False)
    construct: str | None
    members: frozenset[str] = frozenset()
    dependents: frozenset[str] = frozenset()

    @property
    def is_instance_method(self) -> bool:
        """Whether a call needs an object."""
        decorators = set(self.function.decorators)
        return self.function.class_name is not None and not decorators & {"staticmethod", "classmethod"}


def reachable_function(context: Context) -> FunctionSymbol | None:
    """The function whose examples can exercise the hole: the enclosing one, or the outermost around a nested one.

    A nested function cannot be called from outside, but the text about the function around it still applies.
    """
    function = context.function
    if function is None or not function.is_nested:
        return function
    names = function.qualified_name.split(".")
    for depth, name in enumerate(names):
        headers = list(
            re.finditer(rf"^[ \t]*((?:async[ ]+)?def)[ ]+{re.escape(name)}[ ]*\(", context.before, re.MULTILINE)
        )
        if headers and _class_header(context.before, name) is None:
            return _outer(context.before, headers[-1], names[: depth + 1])
    return None


def enclosing_class(context: Context) -> FunctionSymbol | None:
    """The class whose body holds the hole outside any method, as the function that makes an object of it."""
    if context.function is not None or not context.block.indent or context.block.line_head.strip():
        return None
    above = context.before.rstrip(" \t")
    tree = module_or_none(f"{above}{context.block.indent}pass\n")
    names: list[str] = []
    body = tree.body if tree is not None else []
    docstring = ""
    while body and isinstance(owner := body[-1], ast.ClassDef):
        names.append(owner.name)
        body, docstring = owner.body, ast.get_docstring(owner) or ""
    if not names or not isinstance(body[-1], ast.Pass):
        return None
    return FunctionSymbol(
        name=names[-1],
        qualified_name=".".join(names),
        class_name=None,
        signature=f"class {names[-1]}",
        parameters=(),
        decorators=(),
        docstring=docstring,
        is_async=False,
        is_nested=False,
        span=Span(start=0, end=0),
    )


def _outer(before: str, header: re.Match[str], names: list[str]) -> FunctionSymbol | None:
    """The function with this header, with the fields that examples need."""
    ending = re.compile(r"[^\n]*?(?:\n[^\n]*?)*?\)[^:\n]*:[ \t]*(?:#[^\n]*)?\n").match(
        before, header.end(), header.end() + HEADER_CHARACTERS_MAX
    )
    if ending is None:
        return None
    signature = before[header.start(1) : ending.end()].split("#")[0].strip().removesuffix(":").rstrip()
    tree = module_or_none(f"{signature}: pass")
    if tree is None or not isinstance(tree.body[0], ast.FunctionDef | ast.AsyncFunctionDef):
        return None
    arguments = tree.body[0].args
    parameters = [argument.arg for argument in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)]
    literal = re.compile(r"\s*").match(before, ending.end())
    docstring = _string_at(before, literal.end()) if literal else None
    return FunctionSymbol(
        name=names[-1],
        qualified_name=".".join(names),
        class_name=".".join(names[:-1]) or None,
        signature=" ".join(signature.split()),
        parameters=tuple(parameters),
        decorators=(),
        docstring=inspect.cleandoc(docstring.group(2)) if docstring else "",
        is_async=header.group(1).startswith("async"),
        is_nested=False,
        span=Span(start=0, end=0),
    )


def surface_of(context: Context, function: FunctionSymbol) -> Surface:
    """The names that an example of `function` may use. Without the span, it stays equal while a user types a body."""
    program = f"{context.before}\n{context.after}"
    names = _BUILTINS | _bound(program) | {function.qualified_name.split(".")[0]}
    construct, receivers = None, dict[str, str]()
    if function.class_name is not None:
        body = class_body(program, function.class_name)
        construct = f"{function.class_name}()" if _needs_no_arguments(body) else None
        receivers = _receivers(program, function.class_name, names)
    return Surface(
        function=replace(function, span=Span(start=0, end=0)),
        names=names,
        receivers=receivers,
        construct=construct,
        members=frozenset(name for found in _MEMBER.findall(program) for name in found if name),
        dependents=_dependents(mask(program), function.name),
    )


def _dependents(program: str, name: str) -> frozenset[str]:
    """The functions and methods of a masked program that name the function, directly or through others."""
    headers = list(_HEADER.finditer(program))
    ends = [*(header.start() for header in headers), len(program)][1:]
    texts = [(header.group(1), program[header.end() : end]) for header, end in zip(headers, ends, strict=False)]
    words = [(one, frozenset(_WORD.findall(text))) for one, text in texts if one != name]
    found, grown = frozenset({name}), True
    while grown:
        more = found | {one for one, used in words if used & found}
        grown, found = more != found, more
    return found - {name}


def texts_of(context: Context, function: FunctionSymbol) -> list[str]:
    """The texts about the function, most specific first.

    These are its docstring, comments and strings in its body above the cursor, the comment directly above it, and the
    docstring of its class."""
    above, body = _split_at_header(context.before, function)
    texts = [function.docstring, *_strings(body, function.docstring), _comments(body, is_leading=True)]
    texts.append(_comments(above, is_leading=False))
    if function.class_name is not None:
        texts.append(_class_docstring(context.before, function.class_name))
    return [text[:TEXT_CHARACTERS_MAX] for text in texts if text.strip()]


def literal_or_none(source: str, names: Set[str]) -> ast.expr | None:
    """The expression `source` if it uses only `names` (and what it binds itself), else None."""
    tree = expression_or_none(source)
    return tree if tree is not None and free_names(tree) <= names else None


def expression_or_none(source: str) -> ast.expr | None:
    """The tree of `source` as one expression, or None."""
    tree = _quietly(source.strip(), "eval")
    return tree.body if isinstance(tree, ast.Expression) else None


def module_or_none(source: str) -> ast.Module | None:
    """The tree of `source` as statements, or None."""
    tree = _quietly(source, "exec")
    return tree if isinstance(tree, ast.Module) else None


def statements_or_none(text: str) -> ast.Module | None:
    """The tree of a candidate's statements as the body of one function, or None.

    A candidate begins at the cursor, so the buffer may already hold the indentation of its first line. The line is
    tried without indentation, then with that of each other line.
    """
    lines = text.split("\n")
    depths = {len(line) - len(line.lstrip()) for line in lines[1:] if line.strip()}
    for depth in (0, *sorted(depths, reverse=True)[:DEPTHS_TRIED_MAX]):
        tree = module_or_none("async def _():\n" + indent(dedent(" " * depth + text), " "))
        if tree is not None:
            return tree
    return None


def _quietly(source: str, mode: str) -> ast.AST | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(source, mode=mode)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    return tree if is_rewritable(tree, source) else None


def free_names(tree: ast.AST) -> set[str]:
    """The names that a tree reads and does not bind itself. What a function declares `global` lies outside of it."""
    nodes = [node for node in ast.walk(tree) if isinstance(node, ast.Name)]
    stored = {node.id for node in nodes if not isinstance(node.ctx, ast.Load)}
    arguments = {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
    outside = {name for node in ast.walk(tree) if isinstance(node, ast.Global) for name in node.names}
    return ({node.id for node in nodes} - stored - arguments) | outside


def bound_names(tree: ast.AST) -> set[str]:
    """The names that a statement binds."""
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.alias):
            names.add((node.asname or node.name).split(".")[0])
    return names


def _bound(program: str) -> frozenset[str]:
    names: set[str] = set()
    for defined, assigned, imported in _BINDING.findall(program):
        names.update(name for name in (defined, assigned) if name)
        for piece in imported.strip("() ").split(","):
            words = piece.split()
            if words:
                names.add(words[-1].split(".")[0])
    return frozenset(names)


def _split_at_header(before: str, function: FunctionSymbol) -> tuple[str, str]:
    """The program above the function's first line (decorators included) and its text below the header."""
    headers = list(re.finditer(rf"^[ \t]*(?:async[ ]+)?def[ ]+{re.escape(function.name)}\b", before, re.MULTILINE))
    if not headers:
        return "", ""
    start = headers[-1].start()
    body = before[headers[-1].end() :]
    lines = before[:start].split("\n")
    while len(lines) > 1 and lines[-2].strip().startswith("@"):
        del lines[-2]
    return "\n".join(lines), body


def _comments(text: str, *, is_leading: bool) -> str:
    """The comment block at the start (below a header) or at the very end of `text`, without its marks."""
    lines = text.split("\n")
    lines = lines[1:] if is_leading else lines[:-1][::-1]
    block: list[str] = []
    for line in lines:
        found = _COMMENT.match(line)
        if found:
            block.append(found.group(1))
        elif not is_leading or line.strip():
            if is_leading and not block and _is_prose(line):
                continue
            break
    return "\n".join(block if is_leading else block[::-1])


def _is_prose(line: str) -> bool:
    """Whether a line above the comments of a body may be a line of the docstring, not code."""
    return expression_or_none(line) is None or line.strip().startswith(('"', "'"))


def _strings(body: str, docstring: str) -> list[str]:
    """Triple-quoted strings of the body that would be its docstring without the lines above them."""
    body = body[:TEXT_CHARACTERS_MAX]
    found = [] if docstring else [match for match in _TRIPLE.finditer(body) if _is_statement(body, match)]
    return [match.group(2) for match in found[:1]]


def _string_at(text: str, position: int) -> re.Match[str] | None:
    """The string that is a statement at a position."""
    found = _TRIPLE.match(text, position)
    return found if found and _ENDS.match(text, found.end()) else None


def _is_statement(text: str, found: re.Match[str]) -> bool:
    line = text[: found.start()].rsplit("\n", 1)[-1]
    return not line.strip() and _ENDS.match(text, found.end()) is not None


def class_body(program: str, class_name: str) -> str:
    """The text of a class, from its header to the next line with the same or less indentation."""
    header = _class_header(program, class_name)
    if header is None:
        return ""
    indent = len(header.group(1))
    lines = program[header.end() :].split("\n")
    kept = [lines[0]]
    for line in lines[1:]:
        if line.strip() and len(line) - len(line.lstrip()) <= indent and not line.lstrip().startswith((")", "#", '"')):
            break
        kept.append(line)
    return header.group() + "\n".join(kept)


def _class_header(program: str, class_name: str) -> re.Match[str] | None:
    own = re.escape(class_name.rsplit(".", 1)[-1])
    return re.search(rf"^([ \t]*)class[ ]+{own}\b", program, re.MULTILINE)


def _class_docstring(program: str, class_name: str) -> str:
    header = _class_header(program, class_name)
    if header is None:
        return ""
    found = re.compile(r"[^\n]*:\s*").match(program, header.end())
    literal = _string_at(program, found.end()) if found else None
    return literal.group(2) if literal else ""


def _needs_no_arguments(class_body: str) -> bool:
    """Whether `Class()` makes an object:

    `__init__` has no required parameters, or there is neither `__init__` nor base class.
    """
    found = re.search(r"def[ ]+__init__[ ]*(\((?:[^()]|\((?:[^()]|\([^()]*\))*\))*\))", class_body)
    if found is None:
        header = class_body.split(":", 1)[0]
        is_plain = "(" not in header or re.search(r"\((?:object)?\)", header) is not None
        return (
            is_plain
            and "__new__" not in class_body
            and not re.search(r"^[ \t]+\w+[ \t]*:[ \t]*[\w\[\]., |]+$", class_body, re.M)
        )
    tree = module_or_none(f"def f{found.group(1)}: pass")
    if tree is None or not isinstance(tree.body[0], ast.FunctionDef):
        return False
    parameters = tree.body[0].args
    required = len(parameters.posonlyargs) + len(parameters.args) - len(parameters.defaults)
    return required <= 1 and all(default is not None for default in parameters.kw_defaults)


def _receivers(program: str, class_name: str, names: Set[str]) -> dict[str, str]:
    """Statements like `order = Order()` in the examples of the program, by the name they bind. The first one counts.

    Values that examples have given to names before stand in their place. Other names must be among `names`.
    """
    own, found = class_name.rsplit(".", 1)[-1], dict[str, str]()
    stated: dict[str, ast.expr] = {}
    for name, value in _ASSIGNED.findall(program):
        tree = expression_or_none(value)
        if tree is None:
            continue
        is_own = isinstance(tree, ast.Call) and getattr(tree.func, "id", "") == own
        if stated.keys() & free_names(tree):
            tree = _Filled(stated).visit(tree)
            value = ast.unparse(tree)
        if is_own and free_names(tree) <= names:
            found.setdefault(name, f"{name} = {value}")
        if len(value) <= VALUE_CHARACTERS_MAX:
            stated[name] = tree
    return found


class _Filled(ast.NodeTransformer):
    """Puts values in the place of names."""

    def __init__(self, values: Mapping[str, ast.expr]) -> None:
        self._values = values

    def visit_Name(self, node: ast.Name) -> ast.expr:
        """A copy of the value of a name, if it has one."""
        return copy.deepcopy(self._values.get(node.id, node))
