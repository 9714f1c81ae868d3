"""What the text below a doctest example states: a value, printed output, how a value is shown, or an exception.

Results are compared as values where possible, otherwise as text. The module runs no code.
"""

from __future__ import annotations

import ast
import doctest
import re

from plum_lsp.domain.verification import Equals, Expectation, Prints, Raises, Shows
from plum_lsp.python.reading.sources import Surface, bound_names, expression_or_none, free_names, module_or_none

_MESSAGE = re.compile(r"\A([\w.]+)(?::\s?(.*))?\Z", re.DOTALL)
_ADDRESS = re.compile(r"0x[0-9a-fA-F]{4,}")
_OUTPUT = re.compile(r"\b(?:print|output|display|show|write|echo)")


def expectation_of(
    example: doctest.Example, want: str, expression: str, setup: str, surface: Surface
) -> Expectation | None:
    """The expectation of an example. None if the text can be neither a value nor output."""
    if example.exc_msg is not None:
        return _raises(example)
    text = want.rstrip("\n").replace("<BLANKLINE>", "")
    tree = expression_or_none(expression) if expression else None
    if tree is None or is_print(tree):
        return None if _ADDRESS.search(text) else Prints(text=text)
    value = expression_or_none(text)
    if value is not None and not _has_ellipsis(value) and is_known(value, setup, surface):
        is_silent = surface.function.signature.endswith("-> None") and _is_own_call(tree, surface)
        return Prints(text=text) if is_silent else Equals(expected=text.strip())
    if text.lstrip().startswith("<") or "..." in text or isinstance(value, ast.Call):
        return Shows(text=_ADDRESS.sub("...", text.strip()))
    return _output(text, value, surface)


def _output(text: str, value: ast.expr | None, surface: Surface) -> Expectation | None:
    """The expectation for text that is not a value: printed output, or a mistake of the author, which makes no test.

    Mistakes are a broken literal, a value with unbound names, and words although the docstring describes a returned
    value and no output. Printed lines above a quoted string belong to a function that returns the string.
    """
    last = text.strip().rsplit("\n", 1)[-1]
    if "\n" in text.strip() and last[:1] in {"'", '"'} and expression_or_none(last) is not None:
        return Equals(expected=last)
    if text.lstrip()[:1] in {"[", "{", "("} and value is None and "\n" not in text:
        return None
    if value is not None and not isinstance(value, ast.Name):
        return None
    docstring = surface.function.docstring.split(">>>")[0].lower()
    says_return = "return" in docstring or re.search(r"->(?!\s*None)", surface.function.signature) is not None
    return None if says_return and not _OUTPUT.search(docstring) else Prints(text=text)


def is_print(tree: ast.expr) -> bool:
    """Whether an expression prints its arguments."""
    name = _called(tree) if isinstance(tree, ast.Call) else ""
    return name in {"print", "pprint"}


def is_representation(expression: str, want: str) -> bool:
    """Whether a session shows an object by the text of its `__repr__`, of which no part is left out."""
    tree = expression_or_none(expression) if expression else None
    if tree is None or is_print(tree) or "..." in want or _ADDRESS.search(want):
        return False
    try:
        ast.literal_eval(want.strip())
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return True
    return False


def _called(tree: ast.Call) -> str:
    return tree.func.attr if isinstance(tree.func, ast.Attribute) else getattr(tree.func, "id", "")


def _raises(example: doctest.Example) -> Raises:
    found = _MESSAGE.match((example.exc_msg or "").strip())
    if found is None:
        return Raises(type_name=(example.exc_msg or "Exception").split(":")[0].strip())
    ignores = example.options.get(doctest.IGNORE_EXCEPTION_DETAIL)
    return Raises(type_name=found.group(1), message=None if ignores else (found.group(2) or None))


def _has_ellipsis(tree: ast.expr) -> bool:
    return any(isinstance(node, ast.Constant) and node.value is ... for node in ast.walk(tree))


def is_known(tree: ast.expr, setup: str, surface: Surface) -> bool:
    """Whether the file or the setup binds every name of an expression."""
    session = module_or_none(setup)
    return free_names(tree) <= surface.names | (bound_names(session) if session is not None else set())


def _is_own_call(tree: ast.expr, surface: Surface) -> bool:
    return isinstance(tree, ast.Call) and _called(tree) == surface.function.name
