"""Making a completion a candidate: cut to its block, trimmed to fit, parsed, fingerprinted, read for problems.

Pure: it decides on values and runs no code. It reports a problem and never repairs it with code of its own.
"""

from __future__ import annotations

import ast
import hashlib
import uuid
from collections.abc import Sequence

from plum_lsp.domain.display import hidden_characters
from plum_lsp.domain.suggestion import (
    Candidate,
    CandidateId,
    Completion,
    Context,
    HoleKind,
    PolicyVersion,
)
from plum_lsp.python.fitting.cutting import Cutter, cut
from plum_lsp.python.fitting.static import Inserted, inserted, parse, undefined_names
from plum_lsp.python.fitting.trimming import fitting_variants, place_at_cursor, without_repeated_suffix

_HIDDEN_NAMED_MAX = 4

__all__ = ["Cutter", "cut", "make_candidate"]


def make_candidate(completion: Completion, context: Context, version: PolicyVersion) -> Candidate:
    """The candidate that a completion makes at this cursor. `problem` says why it cannot be offered."""
    text, tree = _fit(completion.text, context)
    place = inserted(context.before, text)
    problem = _problem(text, tree, place, context)
    logprobs = completion.token_logprobs
    return Candidate(
        id=CandidateId(uuid.uuid4().hex),
        completion=completion,
        text=text,
        fingerprint=_fingerprint(tree, place, text),
        problem=problem,
        mean_logprob=sum(logprobs) / len(logprobs) if logprobs else None,
        policy_version=version,
    )


def _fit(completion: str, context: Context) -> tuple[str, ast.Module | str]:
    """The text to insert and the tree of the program it makes, or why there is none.

    There are several ways to remove text that the line already has. The first way that parses is used. If none parses,
    the text stays unchanged. A completion of several lines that ends exactly at the rest of the cursor's line needs no
    trimming.
    """
    whole = _meeting_the_rest(completion, context)
    if whole is not None:
        return completion, whole
    text, _ = cut(completion.replace("\r\n", "\n"), context.block)
    text = place_at_cursor(text, context.block)
    text = without_repeated_suffix(text, context.after, context.block)
    variants = list(fitting_variants(text, context.after, context.block))
    reasons: list[str] = []
    for variant in variants:
        if not variant.strip() and reasons:
            continue
        tree = parse(context.before + variant + context.after)
        if isinstance(tree, ast.Module):
            return variant, tree
        reasons.append(tree)
    return variants[0], reasons[0]


def _meeting_the_rest(completion: str, context: Context) -> ast.Module | None:
    """The program with the completion as it is, if that fills the gap between two halves of different lines."""
    is_gap = context.block.kind is HoleKind.LINE and context.after.partition("\n")[0].strip()
    if not is_gap or "\n" not in completion.strip() or "\r" in completion:
        return None
    tree = parse(context.before + completion + context.after)
    return tree if isinstance(tree, ast.Module) else None


def _problem(text: str, tree: ast.Module | str, place: Inserted, context: Context) -> str:
    """Why the candidate cannot be offered. Empty if reading it shows no problem."""
    if not text.strip():
        return "empty completion"
    if isinstance(tree, str):
        return f"does not parse: {_relative(tree, place)}"
    if _is_hollow(text, context):
        return "empty body"
    if hidden := _hidden(text, context):
        return f"invisible or direction-changing characters: {', '.join(hidden)}"
    names = undefined_names(tree, place, context)
    return f"undefined name: {', '.join(names)}" if names else ""


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


def _is_hollow(text: str, context: Context) -> bool:
    """Whether the statements are placeholders only: pass, `...`, a docstring, NotImplementedError."""
    if context.block.kind is HoleKind.LINE:
        return False
    head = context.block.line_head
    source = f"{head}{text}\n"
    tree = parse(f"if 1:\n{source}" if source[:1].isspace() else source)
    if isinstance(tree, str) or not tree.body:
        return False
    outer = tree.body[0]
    statements: Sequence[ast.stmt] = outer.body if source[:1].isspace() and isinstance(outer, ast.If) else tree.body
    return len(statements) > 0 and all(_does_nothing(statement) for statement in statements)


def _does_nothing(statement: ast.stmt) -> bool:
    match statement:
        case ast.Pass() | ast.Expr(value=ast.Constant()):
            return True
        case ast.Raise(exc=ast.Name(id="NotImplementedError") | ast.Call(func=ast.Name(id="NotImplementedError"))):
            return True
        case _:
            return False


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
