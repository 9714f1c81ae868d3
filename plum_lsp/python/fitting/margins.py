"""Removes what stands in the margin of an answer: line numbers, list marks, an ellipsis, an invisible first character.

Each function returns the text without it, or None if it is not there. `unwrapping` decides in which order they are
read.
"""

from __future__ import annotations

import re

_INVISIBLE = "\ufeff\u200b\u200c\u200d\u2060"
"""A byte order mark and characters without width. Before the text they are a habit of the server, and mean nothing."""
_HARD_BLANKS = re.compile(r"(?m)^[ \t\u00a0]*\u00a0[ \t\u00a0]*")
_NUMBER = re.compile(r"[ \t]*L?(?P<number>\d{1,5})(?:[ \t]*[.):|\u2502](?:[ \t]|$)|\t|[ ](?=\S|[ ]{2})|[ \t]*$)")
_BULLET = re.compile(r"[ \t]*(?:[*\u2022]|-)[ ]")
_ELLIPSIS = re.compile(r"\A\s*(?:\.\.\.|\u2026)[ \t]*(?:\r?\n|(?=\w))")
_ELIDED_FIRST = re.compile(r"\A(?:[ \t]*\n)*[ \t]*#[ \t]*(?:\.\.\.|\u2026)[^\n]*\n")
_CLOSING_FENCE = re.compile(r"(?<=[^\s`~])[ \t]*`{3,}[ \t]*\Z")
_QUOTES = re.compile(r"\A\s*(\"\"\"|''')[ \t]*\n")


def is_marked(line: str) -> bool:
    """Whether a line begins with a number or the mark of a list, and code that begins with a word comes after it."""
    found = _NUMBER.match(line) or _BULLET.match(line)
    return found is not None and line[found.end() :].lstrip()[:1].isidentifier()


def visible(text: str) -> str:
    """The text without invisible characters before it, and with plain blanks in its indentation."""
    text = text.lstrip(_INVISIBLE)
    if "\u00a0" not in text:
        return text
    return _HARD_BLANKS.sub(lambda found: found.group().replace("\u00a0", " "), text)


def without_numbers(text: str) -> str | None:
    """The text without the numbers of its lines: `12 |`, `1.`, `7:`, or a number and a tab. They are consecutive."""
    lines = text.rstrip().split("\n")
    found = [_NUMBER.match(line) for line in lines if line.strip()]
    numbers = [int(one["number"]) for one in found if one]
    if not numbers or len(numbers) < len(found) or numbers != list(range(numbers[0], numbers[0] + len(numbers))):
        return None
    return "\n".join(_NUMBER.sub("", line, count=1) for line in lines) + "\n"


def without_bullets(text: str) -> str | None:
    """The text without the mark of a list on each line. A single mark may be an operator."""
    lines = [line for line in text.rstrip().split("\n") if line.strip()]
    if len(lines) < 2 or not all(_BULLET.match(line) for line in lines):
        return None
    return "\n".join(_BULLET.sub("", line, count=1) for line in lines) + "\n"


def without_ellipsis(text: str) -> str | None:
    """The text without an ellipsis before its code, and without a comment such as `# ... existing code ...`."""
    shorter = _ELIDED_FIRST.sub("", _ELLIPSIS.sub("", text, count=1), count=1)
    return shorter if shorter != text and shorter.strip() else None


def without_quotes(text: str) -> str | None:
    """The text without the quotes that end the docstring above the cursor, if nothing in the text opens them."""
    found = _QUOTES.match(text)
    return text[found.end() :] if found and text.count(found[1]) % 2 else None


def with_own_fence_line(text: str) -> str:
    """The text with a closing fence on a line of its own, where an answer has it at the end of its last code line."""
    return _CLOSING_FENCE.sub("\n```", text) if re.search(r"(?m)^[ \t]*`{3,}\w*[ \t]*$", text) else text
