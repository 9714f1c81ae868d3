"""Makes untrusted text harmless for the place where it is shown: a terminal, a message, a Markdown page.

Candidates, tests, file names, settings and errors of other programs are untrusted text. Every place that shows such
text uses these functions. They do not decide what is shown.
"""

from __future__ import annotations

import re
import unicodedata

_HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u034f\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u115f\u1160\u17b4\u17b5"
    "\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u2800\u3164\ud800-\udfff\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb"
    "\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
"""Characters that control a terminal, that change the direction of text (trojansource.codes), or that are invisible:
the categories Cc, Cf, Cs, Zl and Zp and the property Default_Ignorable_Code_Point of Unicode 16, and blank Braille. A
tab and a line feed are text."""
_PRESENTATION = "\ufe0e\ufe0f"
"""The variation selectors that choose between a symbol's two drawings. After any other character they are invisible."""
_QUOTES = re.compile("`+")
_LINE_ENDS = re.compile(r"\r\n?")
_PLAIN = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*[,;:.!?]?|\d{1,15}%?[,;]?|[–—…]")
"""A word that every dialect of Markdown reads as a plain word: no digit before a full stop (a list), no address."""
_LINK = re.compile(r"\](?=\s*[(\[:])")
_ICON = re.compile(r"\$(?=\()")


def visible(text: str) -> str:
    """`text` with every control, invisible and direction-changing character written as a Python escape."""
    return _HIDDEN.sub(_escape, text)


def hidden_characters(text: str) -> frozenset[str]:
    """The control, invisible and direction-changing characters that `visible` would write as escapes."""
    return frozenset(found[0] for found in _HIDDEN.finditer(text) if not _is_presentation(found))


def visible_name(name: object) -> str:
    """A file's, model's or version's name on one line. Tabs and line feeds are escapes, too, so that it stays exact."""
    return visible(str(name)).replace("\t", "\\t").replace("\n", "\\n")


def one_line(text: str) -> str:
    """`text` on one line, visible, each run of white space one space."""
    return visible(" ".join(text.split()))


def message(text: str) -> str:
    """`text` for a message or status line of an editor.

    Some editors draw `[text](address)` in a message as a link, even for `command:` addresses, and `$(name)` as an icon.
    """
    return _ICON.sub("$ ", _LINK.sub("] ", visible(_LINE_ENDS.sub("\n", text))))


def markdown_block(text: str, language: str = "") -> str:
    """`text` as a block of code, in a fence longer than any run of back-quotes in it (CommonMark 0.31, 4.5)."""
    body = visible(_LINE_ENDS.sub("\n", text))
    fence = "`" * max(3, _longest_quotes(body) + 1)
    return f"{fence}{language}\n{body}\n{fence}"


def markdown_span(text: str) -> str:
    """`text` as one line of inline code.

    Back-quotes in it are safe (CommonMark 0.31, 6.1). Empty if `text` is blank.
    """
    line = one_line(text)
    if not line:
        return ""
    longest = _longest_quotes(line)
    quotes = "`" * (longest + 1)
    return f"{quotes} {line} {quotes}" if longest else f"{quotes}{line}{quotes}"


def markdown_text(text: str) -> str:
    """`text` as one line of prose. Ordinary words stay as they are, and everything else becomes inline code.

    Escapes are not enough, because many editors turn addresses into links after they have removed the escapes.
    """
    parts: list[str] = []
    other: list[str] = []
    for word in text.split():
        if _PLAIN.fullmatch(word) and not (other and word[0].isdigit()):
            parts += [*_span_of(other), word]
            other = []
        else:
            other.append(word)
    return " ".join([*parts, *_span_of(other)])


def _span_of(words: list[str]) -> list[str]:
    return [markdown_span(" ".join(words))] if words else []


def _longest_quotes(text: str) -> int:
    return max((len(found) for found in _QUOTES.findall(text)), default=0)


def _escape(found: re.Match[str]) -> str:
    return found[0] if _is_presentation(found) else ascii(found[0])[1:-1]


def _is_presentation(found: re.Match[str]) -> bool:
    """Whether a variation selector stands after a symbol, where it belongs."""
    before = found.string[found.start() - 1 : found.start()]
    return found[0] in _PRESENTATION and bool(before) and unicodedata.category(before) in {"So", "Sm"}
