"""Finds the login in addresses: `scheme://user:password@host`. Undoes the escapes of an address in an address."""

from __future__ import annotations

import re
from collections.abc import Iterator

from plum_lsp.feedback.sensitive.names import Meaning, is_label
from plum_lsp.feedback.sensitive.values import Binding, is_secret, looks_random

_HOST = re.compile(
    r"(?:[\w.-]{1,255}|\[[0-9a-fA-F:.]{2,45}\]|\{[\w.]{0,60}\}|%s|\$\{?\w{1,60}\}?)(?:[:/?#,\s\"'`)>\\]|$)"
)
_DIGEST = re.compile(r"[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{64}")
_ADDRESS = re.compile(r"[^\s\"'`<>|]{1,512}")
_EQUALS = re.compile(r"%3[Dd](?=[\w%.~+-]{8})")
"""An escaped sign with a value behind it. `%3d` alone is also a format of numbers."""
_BEFORE = re.compile(r"[^\s\"'`<>]*\Z")
_BEHIND = re.compile(r"[^\s\"'`<>]{0,1024}")
_ESCAPE = re.compile(r"%([0-9A-Fa-f]{2})|\\+([\"'])")
_BEFORE_MAX, _NESTED_MAX = 256, 4096


def logins(text: str) -> Iterator[tuple[int, int]]:
    """The user and the password of addresses: `scheme://user:password@host`."""
    at = text.find("://")
    while at >= 0:
        start = at + 3
        found = _ADDRESS.match(text, start)
        at = text.find("://", start)
        if found is None:
            continue
        whole = found.group()
        for sign in (index for index in range(len(whole) - 1, 0, -1) if whole[index] == "@"):
            if _HOST.match(whole, sign + 1):
                if _is_login(whole[:sign]):
                    yield start, start + sign
                break


def _is_login(login: str) -> bool:
    user, colon, password = login.partition(":")
    if not colon:
        return bool(_DIGEST.fullmatch(user)) or (len(user) >= 16 and looks_random(user) and "/" not in user)
    port, slash, _ = password.partition("/")
    if (slash and port.isdigit()) or "/" in user or "?" in user:
        return False
    return (
        len(password) > 2
        and not is_label(password)
        and is_secret(password.ljust(4, "0"), Meaning.SECRET, Binding.DIRECT)
    )


def escaped_parts(text: str) -> Iterator[tuple[str, list[int]]]:
    """The parts that are escaped, as an address in an address or JSON in JSON. Each comes without its escapes.

    The list holds the place of each character, and the place of the end.
    """
    for start, end in (*_escaped_words(text), *_nested(text)):
        pieces: list[str] = []
        places: list[int] = []
        at = start
        for found in _ESCAPE.finditer(text, start, end):
            pieces += [text[at : found.start()], chr(int(found[1], 16)) if found[1] else found[2]]
            places += range(at, found.start() + 1)
            at = found.end()
        yield "".join([*pieces, text[at:end]]), [*places, *range(at, end), end]


def _escaped_words(text: str) -> Iterator[tuple[int, int]]:
    """The words that hold a percent-encoded `=`."""
    done = 0
    for found in _EQUALS.finditer(text):
        if found.start() < done:
            continue
        before = _BEFORE.search(text, max(done, found.start() - _BEFORE_MAX), found.start())
        behind = _BEHIND.match(text, found.end())
        done = behind.end() if behind else found.end()
        yield before.start() if before else found.start(), done


def _nested(text: str) -> Iterator[tuple[int, int]]:
    """The parts of lines between quotes that are escaped twice."""
    mark = '\\\\"'
    start = text.find(mark)
    while start >= 0:
        line = text.find("\n", start)
        end = text.rfind(mark, start, min(line if line >= 0 else len(text), start + _NESTED_MAX)) + len(mark)
        yield start, end
        start = text.find(mark, end)
