"""Contexts and completions made by hand, for tests of the policy that should not depend on the context step."""

from __future__ import annotations

import itertools

from plum_lsp.domain.suggestion import Block, Completion, Context, FimPrompt, Finish, HoleKind
from plum_lsp.domain.text import Span


def context_at(
    document: str,
    *,
    kind: HoleKind = HoleKind.BODY,
    indent: str = "    ",
    prefix: str | None = None,
    is_excerpt: bool = False,
) -> Context:
    """The context of a cursor marked `‸`; the whole document is the program."""
    before, after = document.split("‸")
    head = before[before.rfind("\n") + 1 :]
    return Context(
        function=None,
        block=Block(kind=kind, indent=indent, line_head=head),
        prefix=before if prefix is None else prefix,
        suffix=after,
        before=before,
        after=after,
        hole=Span(start=len(before), end=len(before)),
        is_excerpt=is_excerpt,
    )


def completion_of(text: str, *, index: int = 0, token_logprobs: tuple[float, ...] = ()) -> Completion:
    """A completion with this text."""
    return Completion(
        index=index,
        text=text,
        finish=Finish.STOP,
        temperature=0.2,
        seed=index,
        token_logprobs=token_logprobs,
        first_token_ms=1.0,
        ended_ms=2.0,
    )


def prompt_at(document: str, *, kind: HoleKind = HoleKind.BODY, indent: str = "    ") -> FimPrompt:
    """A plain prompt for a cursor marked `‸`: what is before it, to the end of the last whole line."""
    before, after = document.split("‸")
    head = before[before.rfind("\n") + 1 :]
    restored = head if not head.strip() else "".join(itertools.takewhile(str.isspace, reversed(head)))
    return FimPrompt(
        text=before[: len(before) - len(restored)],
        stop=(),
        restored=restored,
        block=Block(kind=kind, indent=indent, line_head=head),
        suffix=after,
    )
