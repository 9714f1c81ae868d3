"""Makes new examples for a docstring: calls of the documented function, written as an interpreter session.

The calls are those that the verifier would try. Their results are computed elsewhere. It runs no code.
"""

from __future__ import annotations

import ast
import re

from plum_lsp.domain.suggestion import Context
from plum_lsp.domain.text import Document
from plum_lsp.domain.verification import Call
from plum_lsp.python.inputs.calls import far_fetched, generated_calls
from plum_lsp.python.reading.prose import docstring_at
from plum_lsp.python.reading.sources import module_or_none
from plum_lsp.python.reading.window import read_context
from plum_lsp.python.specification.examples import examples_of
from plum_lsp.python.specification.session import Session, beginning_at, with_example

CALLS_MAX = 24
"""The most calls that are looked at. Many of them repeat an example, or need statements before them."""
EXAMPLES_MAX = 8
"""The most examples whose results are computed. Each costs two children, and one of them is shown."""
EDGES = 3
"""The generated calls begin with edge values. A first example for people has an ordinary one."""
CHARACTERS_MAX = 60
"""A longer example does not fit into a line."""
_PROMPT_TOKENS = 64
"""The prompt around the place is not read."""


def new_examples(document: Document, offset: int) -> tuple[Session, ...]:
    """Sessions that end in a new example at the cursor, the best first. Empty where no example can be written."""
    beginning = beginning_at(document, offset)
    context = _context_below(beginning) if beginning is not None else None
    if beginning is None or context is None:
        return ()
    tests = examples_of(context)
    calls = generated_calls(context, tests, limit=CALLS_MAX, shows_state=False)
    calls = calls if tests else calls[EDGES:] + calls[:EDGES]
    far = far_fetched(context, calls)
    earlier = _statements(beginning.setup)
    sources = dict.fromkeys(_alone(call, earlier) for place, call in enumerate(calls) if place not in far)
    new = (source for source in sources if source not in earlier and 0 < len(source) <= CHARACTERS_MAX)
    found = [session for source in new if (session := with_example(beginning, source)) is not None]
    return tuple(found[:EXAMPLES_MAX])


def _context_below(beginning: Session) -> Context | None:
    """The context of a line below the docstring. None if the docstring is not that of a function."""
    text = beginning.before + beginning.after
    literal = docstring_at(text, len(beginning.before))
    if literal is None:
        return None
    above, below = f"{text[: literal.end]}\n{beginning.indent}", text[literal.end :]
    document = Document(uri="", version=0, text=above + below)
    context = read_context(document, len(above), prefix_tokens=_PROMPT_TOKENS, suffix_tokens=_PROMPT_TOKENS)
    function = context.function if context is not None else None
    return context if function is not None and not function.is_nested else None


def _alone(call: Call, earlier: frozenset[str]) -> str:
    """The expression of a call that needs only the `earlier` statements. Empty if it needs others.

    The call of a method on an object that it makes is written as one expression.
    """
    tree = module_or_none(call.setup)
    missing = [one for one in tree.body if ast.unparse(one) not in earlier] if tree is not None else [ast.Pass()]
    match missing:
        case []:
            return call.expression
        case [ast.Assign(targets=[ast.Name(id=name)], value=made)]:
            uses = re.findall(rf"\b{name}\b", call.expression)
            is_bare = len(uses) == 1 and call.expression.startswith(f"{name}.")
            return ast.unparse(made) + call.expression[len(name) :] if is_bare else ""
    return ""


def _statements(setup: str) -> frozenset[str]:
    """The statements of a session as they are written without their layout."""
    tree = module_or_none(setup)
    return frozenset(ast.unparse(one) for one in tree.body) if tree is not None else frozenset()
