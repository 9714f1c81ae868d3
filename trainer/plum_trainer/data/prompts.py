"""A prompt that judges policies and is never trained on: what is sampled, and the code that a sample is run in."""

from __future__ import annotations

from dataclasses import dataclass

from plum_lsp.domain.text import Document
from plum_lsp.evaluation.offline import PREFIX_TOKENS, SUFFIX_TOKENS
from plum_lsp.python.reading.window import read_context
from plum_lsp.store.learning import KnownProgram


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldOut:
    """A prompt that is never trained on, and the code around its hole."""

    id: str
    function: str
    """The function that it asks for, by the file's path in its project and its qualified name."""
    prompt: str
    before: str
    after: str
    kind: str
    indent: str
    line_head: str
    tests: str = ""
    """Tests of a benchmark row. Empty if the specification in its own code judges it."""


def held_out(program: KnownProgram, place: str) -> HeldOut | None:
    """The prompt as it is sampled and run. None if the code around it has no hole any more.

    `place` is the path of its file in its project.
    """
    document = Document(uri=program.document_uri, version=0, text=program.before + program.after)
    context = read_context(document, len(program.before), prefix_tokens=PREFIX_TOKENS, suffix_tokens=SUFFIX_TOKENS)
    if context is None:
        return None
    return HeldOut(
        id=program.prompt_hash,
        function=f"{place}::{context.function.qualified_name if context.function else ''}",
        prompt=program.prompt,
        before=program.before,
        after=program.after,
        kind=context.block.kind.value,
        indent=context.block.indent,
        line_head=context.block.line_head,
    )
