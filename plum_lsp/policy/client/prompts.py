"""A prompt for servers that cannot take it as it is: a shorter one, and one as a chat. Pure.

A prompt is one text. Its template says where the parts before and after the cursor are in it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from plum_lsp.domain.suggestion import FimPrompt, HoleKind

CURSOR = "<CURSOR>"
_TASK = f"You complete Python code. The message of the user is a file, and its cursor is marked {CURSOR}. "
INSERT = (
    f"{_TASK}Answer with the code that belongs at {CURSOR} and with nothing else: no explanation, no Markdown, "
    "no text that is in the file already."
)
REWRITE = (
    f"{_TASK}Answer with one Python code block: the function that the cursor is in, complete and with its "
    f"indentation, where {CURSOR} is replaced by the code that belongs there. No explanation."
)
"""Asks for the whole function. Small models for chat write that well, and rarely a part of it alone (seen with
Qwen2.5-Coder 0.5B). The step that fits a candidate takes the new part out."""
_REWRITTEN = {HoleKind.BODY, HoleKind.BLOCK}
_AFTER_SHARE = 4
"""A shortened prompt keeps one part in so many for the text after the cursor."""


@dataclass(frozen=True, slots=True)
class _Parts:
    """The text before and after the cursor, without control strings. `is_filled` says whether the prompt shows both."""

    before: str
    after: str
    is_filled: bool


def shortened(prompt: FimPrompt, characters_max: int | None) -> FimPrompt:
    """The prompt with at most so many characters, besides its control strings.

    Other files are left out first. Then whole lines are, those farthest from the cursor first.
    """
    if characters_max is None or len(prompt.text) <= characters_max:
        return prompt
    parts, template = _parts(prompt), prompt.template
    if not parts.is_filled or template is None:
        return replace(prompt, text=_end_of(parts.before, characters_max))
    after = _start_of(parts.after, characters_max // _AFTER_SHARE)
    before = _end_of(parts.before, characters_max - len(after))
    return replace(prompt, text=template.filled(before, after))


def messages(prompt: FimPrompt) -> list[dict[str, str]]:
    """The prompt as a chat: an instruction, and the file with its cursor marked."""
    before, after = around(prompt)
    if not before.rpartition("\n")[2].strip():
        before = before.rstrip(" \t")  # a plain prompt ends in a part of its indentation
    return [
        {"role": "system", "content": REWRITE if repeats(prompt) else INSERT},
        {"role": "user", "content": f"{before}{CURSOR}{after}"},
    ]


def joined(said: list[dict[str, str]]) -> list[dict[str, str]]:
    """A chat with one message of the user, for a template that knows no role for instructions (Gemma, Mistral 7B)."""
    return [{"role": "user", "content": "\n\n".join(one["content"] for one in said)}]


def repeats(prompt: FimPrompt) -> bool:
    """Whether a chat is asked to write the whole function, not only the part at the cursor."""
    return prompt.block.kind in _REWRITTEN


def around(prompt: FimPrompt) -> tuple[str, str]:
    """The text before the cursor and the text after it, without control strings."""
    parts = _parts(prompt)
    return parts.before, parts.after if parts.is_filled else prompt.suffix


def _parts(prompt: FimPrompt) -> _Parts:
    template, text = prompt.template, prompt.text
    if template is None or template.suffix not in text or template.prefix not in text:
        return _Parts(text, "", is_filled=False)
    if template.middle:
        text = text.removesuffix(template.middle)
    if template.is_suffix_first:
        after, _, before = text.partition(template.suffix)[2].partition(template.prefix)
    else:
        before, _, after = text.partition(template.prefix)[2].partition(template.suffix)
    return _Parts(before, after, is_filled=True)


def _end_of(text: str, characters: int) -> str:
    """The last whole lines of a text, or its last characters if one line is longer."""
    if len(text) <= characters:
        return text
    kept = text[len(text) - characters :] if characters > 0 else ""
    _, feed, lines = kept.partition("\n")
    return lines if feed and lines else kept


def _start_of(text: str, characters: int) -> str:
    """The first whole lines of a text. Empty if the first is longer."""
    if len(text) <= characters:
        return text
    return text[: text.rfind("\n", 0, characters) + 1]
