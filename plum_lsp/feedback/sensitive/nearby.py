"""Remembers which words of a statement speak of a login, and which of its literals have the shape of a password.

It finds what no name is tied to: `connect(password_of(user) or "…")`, rows of a table, arguments of a library. It also
finds keys that have the length of a digest, in statements that do not speak of digests.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator

from plum_lsp.feedback.sensitive.data import words
from plum_lsp.feedback.sensitive.frames import Literal
from plum_lsp.feedback.sensitive.names import speaks_of_digest, speaks_of_login
from plum_lsp.feedback.sensitive.quiet import Quiet
from plum_lsp.feedback.sensitive.values import has_sign, is_digest, is_name, is_random, is_strange, stands_out
from plum_lsp.feedback.starts import Starts

DISTANCE_MAX = 160
"""The most characters between a literal and a word that speaks of a login."""
SAID_LENGTH_MAX = 200
DIGESTS_MAX = 4
"""A statement with more numbers of the length of a digest is a table of them."""
_ACCOUNTS = words("accounts")


class Statement:
    """The words and literals of one statement."""

    def __init__(self) -> None:
        self._words: list[int] = []
        self._literals: list[Literal] = []
        self._digests: list[Literal] = []
        self._is_public = False

    def word(self, name: str, position: int) -> None:
        """Note a name, or the text of a literal."""
        if len(name) <= SAID_LENGTH_MAX and (speaks_of_login(name) or name.lower() in _ACCOUNTS):
            self._words.append(position)
        if len(name) <= SAID_LENGTH_MAX and speaks_of_digest(name):
            self._is_public = True

    def literal(self, literal: Literal) -> None:
        """Note a literal."""
        if stands_out(literal.value):
            self._literals.append(literal)
        elif is_digest(literal.value):
            self._digests.append(literal)
        else:
            self.word(literal.value, literal.start)

    def end(self) -> list[tuple[int, int]]:
        """The literals that are passwords. Then the next statement begins."""
        found = [(one.start, one.end) for one in self._literals if has_sign(one.value) or self._is_near(one)]
        if not self._is_public and len(self._digests) <= DIGESTS_MAX:
            found += [(one.start, one.end) for one in self._digests]
        self._words, self._literals, self._digests, self._is_public = [], [], [], False
        return found

    def _is_near(self, literal: Literal) -> bool:
        at = bisect_left(self._words, literal.start - DISTANCE_MAX)
        return at < len(self._words) and self._words[at] <= literal.end + DISTANCE_MAX


_SAYS = re.compile(
    r"(?i)passw|passphrase|passcode|secret(?!s?\.\w)|credential|"
    r"\bcreds?\b|\blog[ -]?in\b|sign[ -]?in|api[_ -]?key|\bauth\b"
)
_SAID = Starts(_SAYS, "passw passphrase passcode secret cred log sign api auth", is_caseless=True)
_SHAPED = re.compile(r"(?<![\w!#$%&*+=?@^~./\\-])[A-Za-z0-9!#$%&*+=?@^_~-]{8,64}+(?![\w(./\\\[])")
_LONG = re.compile(r"(?<![\w+/=.~$%&:@\\-])[A-Za-z0-9_-]{28,128}+(?![\w+/=.~(\[:@\\-])")
_SET = re.compile(
    r"(?m)^[ \t#-]*(?:export[ \t]+)?[A-Za-z_]\w{0,60}[ \t]?[:=][ \t]*(?P<value>[A-Za-z0-9_-]{24,128}+)[ \t]*$"
)
"""A line that sets a name."""
_SEGMENT = re.compile(r"(?<=[/=])(?P<value>[A-Za-z0-9_-]{22,128}+)(?![\w.%@])")
_STRANGE = re.compile(r"(?<=[\w-]=)(?P<value>[A-Za-z0-9_-]{28,128}+)(?![\w.=(\[])")
"""A value behind a name in a text that is not code."""
_ADDRESS = re.compile(r"://[^\s\"'`<>()\[\]{}\\]{1,400}")
LINES_MAX = 1
"""How many lines may lie between a word of a text that speaks of a login and a password."""


def passwords_near_words(text: str, quiet: Quiet) -> Iterator[tuple[int, int]]:
    """Words with the shape of a password near a word of a login, where the text is not code."""
    said = [found.start() for found in _SAID.matches(text)]
    for found in _SHAPED.finditer(text):
        is_formula = any(sign in found.group() for sign in "*+=")
        if not is_formula and has_sign(found.group()) and quiet.holds(found.start()) and stands_out(found.group()):
            yield found.span()
            continue
        at = bisect_left(said, found.start() - DISTANCE_MAX)
        if at == len(said) or said[at] > found.end() + DISTANCE_MAX // 2:
            continue
        if not quiet.holds(found.start()) or not stands_out(found.group()):
            continue
        while at < len(said) and said[at] <= found.end() + DISTANCE_MAX // 2:
            first, last = sorted((said[at], found.start()))
            if text.count("\n", first, last) <= LINES_MAX:
                yield found.span()
                break
            at += 1


def random_words(text: str, quiet: Quiet) -> Iterator[tuple[int, int]]:
    """Long words of random letters and digits in comments, strings and other texts, without a name."""
    for found in (*_LONG.finditer(text), *_SET.finditer(text)):
        if quiet.holds(found.start(found.lastgroup or 0)) and _is_mixed(found[found.lastgroup or 0]):
            yield found.span(found.lastgroup or 0)
    for found in _STRANGE.finditer(text):
        if quiet.holds(found.start()) and is_strange(found["value"]):
            yield found.span("value")
    for address in _ADDRESS.finditer(text) if "://" in text else ():
        for found in _SEGMENT.finditer(text, *address.span()):
            if _is_mixed(found["value"]) or (_has_all(found["value"]) and not is_name(found["value"])):
                yield found.span("value")


def _is_mixed(word: str) -> bool:
    """Whether a word has both cases, digits and a random order."""
    return _has_all(word) and (is_strange(word) or is_random(word))


def _has_all(word: str) -> bool:
    return word != word.lower() and word != word.upper() and any(character.isdigit() for character in word)
