"""Finds private keys in PEM and similar formats, even if the first or the last line was cut off."""

from __future__ import annotations

import re
from collections.abc import Iterator

from plum_lsp.feedback.sensitive.values import looks_random

_EDGE = re.compile(
    r"-----(?P<which>BEGIN|END) "
    r"(?P<kind>[A-Z0-9 ]{0,40}?(?:KEY|CERTIFICATE|MESSAGE|REQUEST|CRL|PARAMETERS)(?: BLOCK)?"
    r"|OpenVPN Static key V\d)-----"
)
_BREAK = re.compile(r"\r?\n|(?:\\r)?\\n|$")
_TRIM = " \t\"'`+\\,;#|>()[]*/-:"
"""Characters that code, a comment, a log or YAML puts around the lines of a key."""
_BODY = re.compile(r"[A-Za-z0-9+/]{1,200}={0,2}")
_FIELD = re.compile(
    r"(?:Proc-Type|DEK-Info|Version|Comment|Hash|Charset|Encryption|Private-Lines"
    r"|Public-Lines|Private-MAC|PuTTY-[\w-]+):.{0,120}"
)
_PUTTY = re.compile(r"Private-Lines:[ \t]*\d{1,4}[ \t]*(?:\r?\n|\\n)")
_PLAIN = re.compile(r"(?<![A-Za-z0-9+/=])(?:[A-Za-z0-9+/]{70}|[A-Za-z0-9+/]{64})(?![A-Za-z0-9+/=])")
LINES_MIN = 3
"""Least number of lines of a key without a frame. The lines have 64 characters in PEM (RFC 7468), 70 in OpenSSH."""
KEY_LENGTH_MAX = 20_000


def private_keys(text: str) -> Iterator[tuple[int, int]]:
    """The spans of private keys, including their frames."""
    edges = list(_EDGE.finditer(text)) if "-----" in text else []
    public = []
    for edge in edges:
        is_private = "PRIVATE" in edge["kind"] or "Static" in edge["kind"]
        begins = edge["which"] == "BEGIN"
        span = _down(text, edge.start(), edge.end()) if begins else (_up(text, edge.start()), edge.end())
        if not is_private:
            public.append(span)
        elif span[1] - span[0] > edge.end() - edge.start():
            yield span
    for found in _PUTTY.finditer(text) if "Private-Lines" in text else ():
        yield _down(text, found.end(), found.end())
    yield from _headless(text, public)


def _down(text: str, start: int, position: int) -> tuple[int, int]:
    """From the first line of a block to its last, or to the last line that could belong to it."""
    end = limit = position
    while limit - start < KEY_LENGTH_MAX and position < len(text):
        found = _BREAK.search(text, position, min(len(text), position + 400))
        stop, after = found.span() if found else (position, position)
        line = text[position:stop].strip(_TRIM)
        if line.startswith(("END ", "-----END")):
            closing = text.find("-----", text.find("END ", position, stop + 5), stop + 5)
            return start, (closing + 5 if closing >= 0 else stop)
        if line and not _BODY.fullmatch(line) and not _FIELD.fullmatch(line):
            break
        if line:
            end = after
        if after == position:
            break
        limit = position = after
    return start, end


def _up(text: str, position: int) -> int:
    """From the last line of a block to the first that could belong to it."""
    first, floor = position, max(0, position - KEY_LENGTH_MAX)
    while position > floor:
        stop = position
        position = max(text.rfind("\n", floor, stop), text.rfind("\\n", floor, stop))
        position = max(position, floor - 1)
        begin = position + (2 if text.startswith("\\n", position) else 1)
        line = text[begin:stop].strip(_TRIM)
        if line and not _BODY.fullmatch(line) and not _FIELD.fullmatch(line):
            break
        if line:
            first = begin
        if position < 0:
            break
    return first


def _headless(text: str, public: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Runs of lines with the width of a key and without a frame."""
    run: list[tuple[int, int]] = []
    for found in _PLAIN.finditer(text):
        span = found.span()
        between = text[run[-1][1] : span[0]] if run and span[0] - run[-1][1] < 80 else "no"
        if run and (between.strip(_TRIM + "\r\nn") or span[1] - span[0] != run[-1][1] - run[-1][0]):
            yield from _key(text, run, public)
            run = []
        run.append(span)
    yield from _key(text, run, public)


def _key(text: str, run: list[tuple[int, int]], public: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """The run and a shorter last line, if the run is long enough, random, and no part of public data."""
    if len(run) < LINES_MIN or any(start <= run[0][0] < end or start < run[-1][1] <= end for start, end in public):
        return
    lines = [text[start:end] for start, end in run]
    if len(set(lines)) < len(lines) or not all(looks_random(line) and not line.isdigit() for line in lines[:4]):
        return
    _, end = _down(text, run[0][0], run[-1][1])
    yield run[0][0], end
