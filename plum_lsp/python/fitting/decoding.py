"""Reads a completion that its server did not decode: the alphabet of a tokenizer, escapes, other characters. Pure.

Such a text does not parse as it stands, so `variants` tries these readings last. A character that the document has
stays as it is. Only a value parses (JSON, a string): as a body it would have no use.

Sources: the byte alphabet of GPT-2's tokenizer (`bytes_to_unicode`), the blank and the byte tokens of SentencePiece.
"""

from __future__ import annotations

import ast
import html
import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from plum_lsp.python.fitting.controls import BLANK_OF_SENTENCE_PIECE

_BYTES = str.maketrans({"Ġ": " ", "Ċ": "\n", "ĉ": "\t", "č": ""})
_PLAIN_BYTES = (*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100))
_OTHER_BYTES = sorted({*range(256)} - {*_PLAIN_BYTES})
_BYTE_OF = {chr(byte): byte for byte in _PLAIN_BYTES} | {chr(256 + n): byte for n, byte in enumerate(_OTHER_BYTES)}
_BYTE_TOKEN = re.compile(r"<0x([0-9A-F]{2})>")
_BYTE_TOKENS = re.compile(rf"(?:{_BYTE_TOKEN.pattern})+")
_LINE_ENDS = re.compile("[\u0085\u2028\u2029]")
_SIGNS = str.maketrans({"\u2212": "-", "\u2013": "-", "\u201c": '"', "\u201d": '"', "\u2018": "'", "\u2019": "'"})
_WIDE = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {0x3000: " "}
"""The full-width forms of ASCII (Unicode, block FF00)."""
_WIDE_SIGN = re.compile("[\uff01-\uff5e\u3000]")
_BLANK = re.compile("[\u00a0\u2007\u202f]")
_NO_WIDTH = re.compile(r"(?<!\w)[\u200b-\u200d\u2060\ufeff\u00ad]+|[\u200b-\u200d\u2060\ufeff\u00ad]+(?!\w)")
"""Not within a name, which would become another name."""
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_MARKER = re.compile(r"\[/?(?:PREFIX|SUFFIX|MIDDLE|CURSOR)\]|\{\{\w{3,20}\}\}")
_CELL = re.compile(r"(?m)^[ \t]*(?:In \[\d*\]: ?|\.\.\.: ?)")
_QUOTED = re.compile(r"(?m)^[ \t]*>(?!>) ?")
_BLOCK = re.compile(r"\A\s*[\w\"]+:[ \t]*[|>][-+]?[ \t]*\n(?=[ \t])")
_ENTITY = re.compile(r"&(?:lt|gt|amp|quot|apos|#\d{1,5}|#x[0-9a-fA-F]{1,4});")
_ESCAPE = re.compile(r"\\([nt\"'\\])")
_ESCAPED: Mapping[str, str] = {"n": "\n", "t": "\t"}
_KEYS = ("code", "completion", "answer", "solution", "text", "content", "output", "response", "new_text")
_ARGUMENTS = ("arguments", "parameters", "input")
"""Where a call of a tool holds its arguments, as an object or as JSON in a string."""


def decoded(text: str, document: str) -> Iterator[str]:
    """Other readings of a completion, likeliest first."""
    for markers, read in _READERS:
        if markers.search(text) and not markers.search(document):
            other = read(text)
            if other.strip() and other != text:
                yield other


def code_in_value(text: str) -> str:
    """The code that a text holds as a value: JSON with a usual key, a list of lines, or one string. Else empty."""
    start = text.lstrip()[:1]
    if start in ("{", "["):
        try:
            return _code_of(json.loads(text))
        except (ValueError, RecursionError):
            return ""
    if start in ('"', "'"):
        try:
            value = ast.literal_eval(text.strip())
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            return ""
        return value if isinstance(value, str) else ""
    return ""


def _code_of(value: Any) -> str:
    """The code in a JSON value."""
    if isinstance(value, list):
        is_lines = bool(value) and all(isinstance(line, str) for line in value)
        return "\n".join(value) if is_lines else _code_of(value[0]) if value else ""
    if not isinstance(value, dict):
        return ""
    found = [value[key] for key in _KEYS if isinstance(value.get(key), str)]
    if found:
        return str(found[0])
    inner = next((value[key] for key in (*_ARGUMENTS, "function") if value.get(key)), None)
    return code_in_value(inner) if isinstance(inner, str) else _code_of(inner)


def _from_byte_tokens(text: str) -> str:
    """The text with the bytes that tokens such as `<0x0A>` name, in UTF-8."""

    def characters(found: re.Match[str]) -> str:
        return bytes.fromhex(_BYTE_TOKEN.sub(r"\1", found[0])).decode(errors="replace")

    return _BYTE_TOKENS.sub(characters, text)


def _from_alphabet(text: str) -> str:
    """The text with the bytes that the characters of GPT-2's alphabet stand for, or at least its blanks."""
    known = text.replace(" ", "Ġ").replace("\n", "Ċ").replace("\t", "ĉ")
    try:
        return bytes(_BYTE_OF[one] for one in known).decode().replace("\r", "")
    except (KeyError, UnicodeDecodeError):
        return text.translate(_BYTES)


def _unescaped(text: str) -> str:
    """A text in one line with the line ends that its escapes mean."""
    return _ESCAPE.sub(lambda found: _ESCAPED.get(found[1], found[1]), text)


_READERS: tuple[tuple[re.Pattern[str], Callable[[str], str]], ...] = (
    (_LINE_ENDS, lambda text: _LINE_ENDS.sub("\n", text)),
    (re.compile("[ĠĊ]"), _from_alphabet),
    (_BYTE_TOKEN, lambda text: _from_byte_tokens(text).replace(BLANK_OF_SENTENCE_PIECE, " ")),
    (re.compile(BLANK_OF_SENTENCE_PIECE), lambda text: text.replace(BLANK_OF_SENTENCE_PIECE, " ")),
    (re.compile(r"\A[^\n]*\\n[^\n]*\n?\Z"), _unescaped),
    (_ENTITY, html.unescape),
    (re.compile("[\u2212\u2013\u201c\u201d\u2018\u2019]"), lambda text: text.translate(_SIGNS)),
    (_WIDE_SIGN, lambda text: text.translate(_WIDE)),
    (_BLANK, lambda text: _BLANK.sub(" ", text)),
    (_NO_WIDTH, lambda text: _NO_WIDTH.sub("", text)),
    (_COLOUR, lambda text: _COLOUR.sub("", text)),
    (_MARKER, lambda text: _MARKER.sub("", text)),
    (_CELL, lambda text: _CELL.sub("", text)),
    (re.compile(r"\A\s*>(?!>)"), lambda text: _QUOTED.sub("", text)),
    (_BLOCK, lambda text: _BLOCK.sub("", text)),
)
