"""Finds what a model thought aloud in a completion, and whether it wrote anything else. Pure.

Code within thoughts is a draft, and never a candidate. Thoughts stand between tags, between control strings
(`controls`), or in sentences. Thoughts between tags or control strings go on to the end of the text if they have no
end. Sentences are thoughts only if the text begins like one who thinks and was cut at the token limit before a fence
ended its code: a text that its model ended is an answer, whatever sentences it has.
"""

from __future__ import annotations

import re

from plum_lsp.domain.suggestion import Completion, Finish
from plum_lsp.python.fitting.controls import begins_with_thought, without_leading

OPENING = "<think>"
"""How a thought begins that a server sent apart from the text."""
_THOUGHTS = "seed:think|think|thinking|reasoning|thoughts?|scratchpad|analysis"
_OPEN = rf"<({_THOUGHTS})(?:\s[^<>\n]*)?>"
_WHOLE = re.compile(rf"{_OPEN}.*?</\1>[ \t]*\n?", re.DOTALL | re.IGNORECASE)
_BEGINS = re.compile(rf"\A\s*{_OPEN}", re.IGNORECASE)
_BEGINS_BELOW = re.compile(
    rf"(?m)\A[^\n]*[.:!?][ \t]*\n\s*^[ \t]*{_OPEN}|\A\s*(?:`{{3,}}|~{{3,}})\w*[ \t]*\n\s*{_OPEN}", re.IGNORECASE
)
"""A thought below one sentence, or in a fence."""
_ENDS = re.compile(rf"</(?:{_THOUGHTS})>[ \t]*\n?", re.IGNORECASE)
_ALOUD = re.compile(
    r"\A\s*(?:(?:okay|ok|alright|hmm+|so|right|well|now)\b[,.!]?\s*)*"
    r"(?:let me (?:think|see|analy|work|start|consider)|let's (?:think|see|analy|work|consider)"
    r"|(?:the|this) user\b|we (?:need|have|must|are)\b|i (?:need|have|should|must|am)\b|i'm\b|hmm"
    r"|the (?:task|problem|question|request)\b|thinking\b|first, (?:i|we|let)\b)",
    re.IGNORECASE,
)
"""How a model begins that thinks in sentences."""
_FENCED = re.compile(r"(?ms)^[ \t]*(`{3,}|~{3,})[^\n]*\n.*?\S.*?^[ \t]*\1")


def is_thinking(text: str) -> bool:
    """Whether a text begins with a thought between tags that has not ended."""
    return bool(_BEGINS.match(text)) and not _ENDS.search(text)


def begins_thought(line: str) -> bool:
    """Whether a line begins with a thought between tags."""
    return _BEGINS.match(line) is not None


def without_thoughts(text: str) -> str:
    """The text without what the model thought aloud. Empty if its thoughts have not ended."""
    shorter = _WHOLE.sub("", text)
    if _BEGINS.match(shorter) or _BEGINS_BELOW.match(shorter):
        return ""
    return _ENDS.split(shorter)[-1]


def has_only_thoughts(completion: Completion) -> bool:
    """Whether a completion consists of thoughts, so that no code of it is meant as its answer."""
    text = completion.text
    if _is_cut_aloud(completion):
        return True
    shorter = without_thoughts(without_leading(text))
    has_thought = begins_with_thought(text) or _ENDS.search(text) or _BEGINS.match(text) or _BEGINS_BELOW.match(text)
    return bool(has_thought) and not shorter.strip(" \t\n`")


def _is_cut_aloud(completion: Completion) -> bool:
    """Whether a completion thinks in sentences and was cut before a fence ended its code."""
    is_aloud = completion.finish is Finish.LENGTH and _ALOUD.match(completion.text) is not None
    return is_aloud and _FENCED.search(completion.text) is None
