"""Reads a completion that its server did not decode: the alphabet of a tokenizer, escapes, other characters. Pure.

Such a text does not parse as it stands, so `variants` tries these readings last. A character that the document has
stays as it is. Only a JSON object parses: as a body it would be a value without a use.

Sources: the byte alphabet of GPT-2's tokenizer (`bytes_to_unicode`), the blank and the byte tokens of SentencePiece.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable, Iterator, Mapping

from plum_lsp.python.fitting.controls import BLANK_OF_SENTENCE_PIECE

_BYTES = str.maketrans({"Ġ": " ", "Ċ": "\n", "ĉ": "\t", "č": ""})
_BYTE_TOKEN = re.compile(r"<0x([0-9A-F]{2})>")
_BYTE_TOKENS = re.compile(rf"(?:{_BYTE_TOKEN.pattern})+")
_LINE_ENDS = re.compile("[\u0085\u2028\u2029]")
_SIGNS = str.maketrans({"\u2212": "-", "\u2013": "-", "\u201c": '"', "\u201d": '"', "\u2018": "'", "\u2019": "'"})
_ENTITY = re.compile(r"&(?:lt|gt|amp|quot|apos|#\d{1,5}|#x[0-9a-fA-F]{1,4});")
_ESCAPE = re.compile(r"\\([nt\"'\\])")
_ESCAPED: Mapping[str, str] = {"n": "\n", "t": "\t"}
_KEYS = ("code", "completion", "answer", "solution", "text", "content", "output", "response")


def decoded(text: str, document: str) -> Iterator[str]:
    """Other readings of a completion, likeliest first."""
    for markers, read in _READERS:
        if markers.search(text) and not markers.search(document):
            other = read(text)
            if other.strip() and other != text:
                yield other


def code_in_json(text: str) -> str:
    """The code that a JSON object holds under a usual key. Empty if the text is none."""
    if not text.lstrip().startswith("{"):
        return ""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return ""
    found = [value[key] for key in _KEYS if isinstance(value, dict) and isinstance(value.get(key), str)]
    return str(found[0]) if found else ""


def _from_byte_tokens(text: str) -> str:
    """The text with the bytes that tokens such as `<0x0A>` name, in UTF-8."""

    def characters(found: re.Match[str]) -> str:
        return bytes.fromhex(_BYTE_TOKEN.sub(r"\1", found[0])).decode(errors="replace")

    return _BYTE_TOKENS.sub(characters, text)


def _unescaped(text: str) -> str:
    """A text in one line with the line ends that its escapes mean."""
    return _ESCAPE.sub(lambda found: _ESCAPED.get(found[1], found[1]), text)


_READERS: tuple[tuple[re.Pattern[str], Callable[[str], str]], ...] = (
    (_LINE_ENDS, lambda text: _LINE_ENDS.sub("\n", text)),
    (re.compile("[ĠĊ]"), lambda text: text.translate(_BYTES)),
    (_BYTE_TOKEN, lambda text: _from_byte_tokens(text).replace(BLANK_OF_SENTENCE_PIECE, " ")),
    (re.compile(BLANK_OF_SENTENCE_PIECE), lambda text: text.replace(BLANK_OF_SENTENCE_PIECE, " ")),
    (re.compile(r"\A[^\n]*\\n[^\n]*\n?\Z"), _unescaped),
    (_ENTITY, html.unescape),
    (re.compile("[\u2212\u2013\u201c\u201d\u2018\u2019]"), lambda text: text.translate(_SIGNS)),
)
