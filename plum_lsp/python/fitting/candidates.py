"""Making a completion a candidate: cut to its block, trimmed to fit, parsed, fingerprinted, read for problems.

Pure: it decides on values and runs no code. `variants` chooses the text, and this module says what is wrong with it. It
never adds code of its own. A completion of thoughts alone has no text (`thoughts`). A text with U+FFFD, which stands
for a character that the server lost, is refused unless the document has such.
"""

from __future__ import annotations

import ast
import hashlib
import uuid
from dataclasses import replace

from plum_lsp.domain.display import hidden_characters
from plum_lsp.domain.suggestion import (
    Candidate,
    CandidateId,
    Completion,
    Context,
    PolicyVersion,
)
from plum_lsp.python.fitting.static import Inserted, inserted
from plum_lsp.python.fitting.thoughts import has_only_thoughts
from plum_lsp.python.fitting.variants import Fitted, fit
from plum_lsp.python.fitting.weakness import is_empty, weakness_of
from plum_lsp.python.reading.newer import newer_syntax

_HIDDEN_NAMED_MAX = 4
ONLY_THOUGHTS = "the model wrote only its thoughts and no code. Switch its thinking off, or raise sampling.max_tokens"
"""The problem of a completion whose tokens were spent on thoughts."""
FILTERED = "the model server's content filter withheld the rest of it"
"""The problem of a completion that a content filter ended, and that cannot be offered."""
UNDECODED = "the server lost a character of it (U+FFFD)"
"""The problem of a completion with a character whose bytes came in parts, and were not joined."""
_REPLACED = "\ufffd"
UNDEFINED = "undefined name: "
"""How the problem of a candidate begins that uses names without a definition."""


def make_candidate(completion: Completion, context: Context, version: PolicyVersion) -> Candidate:
    """The candidate that a completion makes at this cursor. `problem` says why it cannot be offered."""
    if context.place.is_prose:
        return _prose(completion, context, version)
    is_thoughts = has_only_thoughts(completion)
    fitted = Fitted(text="", tree=ONLY_THOUGHTS) if is_thoughts else fit(completion, context)
    text, tree = fitted.text, fitted.tree
    place = inserted(context.before, text)
    problem = ONLY_THOUGHTS if is_thoughts else _problem(fitted, place, context)
    if completion.is_filtered and problem:
        problem = FILTERED
    return Candidate(
        id=CandidateId(uuid.uuid4().hex),
        completion=completion,
        text=text,
        fingerprint=_fingerprint(tree, place, text),
        problem=problem,
        mean_logprob=_mean_logprob(completion),
        policy_version=version,
        ending=fitted.ending,
        weakness=None if problem or fitted.ending or isinstance(tree, str) else weakness_of(tree, text, place),
    )


def written_again(candidate: Candidate, completion: Completion) -> Candidate:
    """The candidate that another completion makes, with the text and the end of this one's, at the same cursor."""
    logprob = _mean_logprob(completion)
    return replace(candidate, id=CandidateId(uuid.uuid4().hex), completion=completion, mean_logprob=logprob)


def _mean_logprob(completion: Completion) -> float | None:
    logprobs = completion.token_logprobs
    return sum(logprobs) / len(logprobs) if logprobs else None


def _prose(completion: Completion, context: Context, version: PolicyVersion) -> Candidate:
    """The candidate that continues a line of text. A docstring's closing quotes end it."""
    line = completion.text.split("\n")[0]
    if context.quote:
        line = line.partition(context.quote)[0].rstrip(context.quote[0])
    line = line.rstrip()
    text = line.lstrip() if context.prefix[-1:].isspace() else line
    problem = "" if text.strip() else "the model ends the text here"
    if _is_undecoded(text, context):
        problem = UNDECODED
    elif text and (hidden := _hidden(text, context)):
        problem = f"invisible or direction-changing characters: {', '.join(hidden)}"
    return Candidate(
        id=CandidateId(uuid.uuid4().hex),
        completion=completion,
        text=text,
        fingerprint="text:" + _digest(text),
        problem=problem,
        mean_logprob=_mean_logprob(completion),
        policy_version=version,
    )


def _problem(fitted: Fitted, place: Inserted, context: Context) -> str:
    """Why the candidate cannot be offered. Empty if reading it shows no problem."""
    text, tree = fitted.text, fitted.tree
    if not text.strip():
        return "empty completion"
    if isinstance(tree, str):
        return f"does not parse: {_relative(tree, place)}{newer_syntax(context.before + context.after)}"
    if not fitted.is_whole:
        return "not whole: the text was cut before its block ended"
    if is_empty(text, context):
        return "empty body"
    if _is_undecoded(text, context):
        return UNDECODED
    if hidden := _hidden(text, context):
        return f"invisible or direction-changing characters: {', '.join(hidden)}"
    return f"{UNDEFINED}{', '.join(fitted.undefined)}" if fitted.undefined else ""


def _is_undecoded(text: str, context: Context) -> bool:
    """Whether the candidate holds U+FFFD, which stands for a lost character, and the document does not."""
    document = (context.before, context.after, context.prefix, context.suffix)
    return _REPLACED in text and not any(_REPLACED in part for part in document)


def _hidden(text: str, context: Context) -> list[str]:
    """The invisible characters of the candidate that the document does not contain, as `U+202E`."""
    own = hidden_characters(text)
    if own:
        own -= hidden_characters(context.before + context.after + context.prefix + context.suffix)
    return [f"U+{ord(character):04X}" for character in sorted(own)][:_HIDDEN_NAMED_MAX]


def _relative(reason: str, place: Inserted) -> str:
    """A parser's reason with its line counted from the candidate's first."""
    line, _, message = reason.removeprefix("line ").partition(": ")
    if not place.first_line <= int(line) <= place.last_line:
        return f"with the code around it: {message}"
    return f"line {int(line) - place.first_line + 1}: {message}"


def _fingerprint(tree: ast.Module | str, place: Inserted, text: str) -> str:
    """A hash of the statements the candidate is part of, without layout, comments and docstrings."""
    if isinstance(tree, str):
        lines = (line.rstrip() for line in text.split("\n"))
        return "text:" + _digest("\n".join(line for line in lines if line))
    touched = [node for node in tree.body if place.touches(node)]
    return "ast:" + _digest("\n".join(ast.dump(_undocumented(node)) for node in touched))


def _undocumented(root: ast.stmt) -> ast.stmt:
    """The statement with the docstrings of its functions and classes taken out, in place."""
    for node in ast.walk(root):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            first = node.body[0] if node.body else None
            if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
                node.body = node.body[1:] if isinstance(first.value.value, str) else node.body
    return root


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]
