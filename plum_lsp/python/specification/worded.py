"""Reads examples that name the inputs instead of calling: `Input: … Output: …` and `For x = 5 the output should be 3`.

The call is built from the parameters. If inputs and parameters differ in number, there is no example.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from plum_lsp.domain.verification import Call, Equals, Expectation, Raises
from plum_lsp.python.reading.sources import Surface, expression_or_none, literal_or_none
from plum_lsp.python.specification.doctests import EXAMPLES_MAX, Example
from plum_lsp.python.specification.informal import call_of, value_at

_INPUT = re.compile(
    r"^[ \t]*(?:[-*•][ \t]*)?[`*]*(?:sample[ ]+)?inputs?(?:[ ]*\d+)?[`*]*[ \t]*[:=][ \t]*"
    r"(?P<inputs>(?:(?!^[ \t]*[`*]*(?:sample[ ]+)?(?:inputs?|outputs?|returns?|expected)\b)[^\n]*\n){1,12}?)"
    r"[ \t]*(?:[-*•][ \t]*)?[`*]*(?:sample[ ]+|expected[ ]+)?(?:outputs?|result|returns?|expected)"
    r"(?:[ ]*\d+)?[`*]*[ \t]*[:=]\s*",
    re.MULTILINE | re.IGNORECASE,
)
_INLINE = re.compile(
    r"\binput:[ \t]*(?P<inputs>[^\n]{0,200}?)[,;]?[ \t]{0,4}(?:output:|->|=>|→|➞)[ \t]*", re.IGNORECASE
)
_RESULT = re.compile(
    r"\b(?:output|result|answer|return\s{1,4}value|function|method|it)\s{1,4}"
    r"(?:(?:should|must|will|would)\s{1,4}(?:be|return|give|equal)|is|returns?|equals)[ ]?:?\s{1,40}",
    re.IGNORECASE,
)
_GIVEN = re.compile(r"\b(?:for|given|if|when|with)\s", re.IGNORECASE)
_LINK = re.compile(r"(?:[,;:]\s*)?(?:\s(?:then|the|your|expected|its)\b\s*|\s)*\Z", re.IGNORECASE)
_NAMED = re.compile(r"[`]?([A-Za-z_]\w*)[`]?\s*(?:=|:)\s*(?!=)")
GIVEN_CHARACTERS_MAX = 200
"""The most characters before "the result is" in which its inputs are searched. The bound keeps reading linear."""
_GIVEN_TRIES_MAX = 6


def worded_examples(text: str, surface: Surface) -> list[Example]:
    """Every example of these two forms, in order of the forms."""
    found: list[Example] = []
    text = text if text.endswith("\n") else text + "\n"
    for inputs, start, stop in _stated_inputs(text):
        call = _call(inputs, surface)
        if call is None or len(found) >= EXAMPLES_MAX:
            continue
        expectation, end = _expected(text, stop, surface)
        if expectation is not None:
            quote = " ".join(text[start:end].split())
            found.append(Example(call=call, expectation=expectation, quote=quote))
    return found


def _stated_inputs(text: str) -> Iterator[tuple[str, int, int]]:
    """Texts that may name inputs, with the start of the statement and the place of the result."""
    for pattern in (_INPUT, _INLINE):
        for match in pattern.finditer(text):
            yield match.group("inputs"), match.start(), match.end()
    for match in _RESULT.finditer(text):
        line_start = text.rfind("\n", 0, match.start()) + 1
        start = max(line_start, match.start() - GIVEN_CHARACTERS_MAX)
        head = _LINK.sub("", text[start : match.start()])
        openings = [opening for opening in _GIVEN.finditer(head) if "=" in head[opening.end() :]]
        for opening in openings[-_GIVEN_TRIES_MAX:]:
            yield head[opening.end() :], start + opening.start(), match.end()


def _expected(text: str, start: int, surface: Surface) -> tuple[Expectation | None, int]:
    raising = re.compile(r"(?:raises?\s+)?(?:an?\s+)?([A-Z]\w*(?:Error|Exception))\b").match(text, start)
    if raising:
        return Raises(type_name=raising.group(1)), raising.end()
    value, end = value_at(text, start, surface, is_prose=True)
    return (Equals(expected=value) if value is not None else None), end


def _call(inputs: str, surface: Surface) -> Call | None:
    """The call that the inputs describe: by parameter name if the names agree, else in the given order."""
    named = _named(inputs, surface)
    values = named if named is not None else _listed(inputs, surface)
    parameters = [name for name in surface.function.parameters if not name.startswith("*")]
    if surface.is_instance_method or "classmethod" in surface.function.decorators:
        parameters = parameters[1:]
    if values is None or not values or len(values) > len(parameters):
        return None
    required = _required(surface)
    if len(values) < required:
        return None
    names = [name for name, _ in values]
    if all(name in parameters for name in names):
        in_order = names == parameters[: len(names)]
        arguments = [value if in_order else f"{name}={value}" for name, value in values]
    elif len(values) == required or named is None:
        arguments = [value for _, value in values]
    else:
        return None
    return call_of(f"{surface.function.name}({', '.join(arguments)})", surface)


def _required(surface: Surface) -> int:
    """How many arguments a caller must give."""
    tree = expression_or_none(f"lambda {_parameter_list(surface.function.signature)}: 0")
    if not isinstance(tree, ast.Lambda):
        names = [name for name in surface.function.parameters if not name.startswith("*")]
        return len(names) - surface.is_instance_method
    positional = len(tree.args.posonlyargs) + len(tree.args.args) - len(tree.args.defaults)
    keyword = sum(default is None for default in tree.args.kw_defaults)
    bound = surface.is_instance_method or "classmethod" in surface.function.decorators
    return max(0, positional + keyword - bound)


def _parameter_list(signature: str) -> str:
    """The parameters of a signature without annotations, as a lambda takes them."""
    try:
        tree = ast.parse(f"{signature}: pass").body[0]
    except (SyntaxError, ValueError):
        return ""
    if not isinstance(tree, ast.FunctionDef | ast.AsyncFunctionDef):
        return ""
    for argument in ast.walk(tree.args):
        if isinstance(argument, ast.arg):
            argument.annotation = None
    return ast.unparse(tree.args)


def _named(inputs: str, surface: Surface) -> list[tuple[str, str]] | None:
    """`n = 5, s = "a"` or one `name : value` on each line. None if an input has no name."""
    found: list[tuple[str, str]] = []
    place = 0
    text = inputs.strip().rstrip(",;.")
    while place < len(text):
        name = _NAMED.match(text, place)
        if name is None:
            return None
        value, end = _first_value(text, name.end(), surface)
        if value is None:
            return None
        found.append((name.group(1), value))
        rest = re.compile(r"[`\s]*(?:,|;|\band\b|\n)?\s*(?:and\b\s*)?").match(text, end)
        place = rest.end() if rest else end
        if rest is not None and place == end and place < len(text):
            return None
    return found or None


def _first_value(text: str, start: int, surface: Surface) -> tuple[str | None, int]:
    """The shortest complete value at `start` that ends where a list of inputs can continue."""
    for stop in re.finditer(r",|;|\n|\s+and\s|\Z", text[start:]):
        source = text[start : start + stop.start()].strip(" `")
        if source and literal_or_none(source, surface.names) is not None:
            return source, start + stop.start()
    return None, start


def _listed(inputs: str, surface: Surface) -> list[tuple[str, str]] | None:
    """`[1, 2], 3`: values without names, split at the commas outside brackets."""
    source = " ".join(inputs.split()).rstrip(",;.").strip("`")
    tree = expression_or_none(f"({source},)") if source else None
    if not isinstance(tree, ast.Tuple) or literal_or_none(f"({source},)", surface.names) is None:
        return None
    wrapped = f"({source},)"
    parts = [ast.get_source_segment(wrapped, item) for item in tree.elts]
    if any(isinstance(item, ast.Name) for item in tree.elts):
        return None
    return [("", part) for part in parts if part]
