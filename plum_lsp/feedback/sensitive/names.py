"""Decides from a name whether its value is a secret: `db_password` is, `password_field` is not. It reads names only."""

from __future__ import annotations

import enum
import re
from functools import lru_cache

from plum_lsp.feedback.sensitive.data import words
from plum_lsp.feedback.sensitive.formats import services

NAME_LENGTH_MAX = 80
"""The length of the end of a name that is read."""
WORDS_MAX = 10
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[^\W\dA-Z_]+")

_SECRETS = words("secrets")
_SECRET_ENDS = tuple(words("secret_ends"))
_SECRET_LAST = words("secret_last")
_SECRET_KEYS = words("secret_keys")
_TOKENS = words("tokens")
_PLAIN_KEYS = words("plain_keys")
_NEUTRAL = words("neutral")
_QUALIFIERS = words("qualifiers")
_HASHES = words("hashes")
_LABELS = (
    _SECRETS | _SECRET_LAST | _SECRET_KEYS | _TOKENS | _PLAIN_KEYS | _NEUTRAL | _QUALIFIERS | _HASHES | words("fillers")
)
_PASSES = words("passes")
_LOGIN_WORDS = words("login_words")
_PUBLIC = _HASHES | words("public")
_DIGESTS = re.compile(r"(?i)hash|digest|checksum|sha\d|md5|uuid|commit|revision|fingerprint")
_SHORT_ENDS = re.compile(
    r"(?:db|my|user|root|admin|bind|sasl|store|imap|smtp|mail|ftp|ssh|http|login|mysql|pg|redis|ldap|proxy|key|auth)(?:pass|pwd|pw)$"
)
_JOINED_SECRETS = (
    "apikey",
    "secretkey",
    "accesskey",
    "privatekey",
    "accesstoken",
    "authtoken",
    "connectionstring",
    "pincode",
    "motdepasse",
    "clavedeacceso",
    "recoverycode",
    "recoverycodes",
    "backupcode",
    "backupcodes",
    "recoveryphrase",
    "seedphrase",
    "privateexponent",
    "privatescalar",
    "privatenumber",
    "communitystring",
    "securityanswer",
    "secretanswer",
    "unlockcode",
    "zugangscode",
)
_JOINED_TOKENS = ("connstr", "authheader", "sessionid", "setcookie", "connectionuri", "connectionurl")


class Meaning(enum.IntEnum):
    """How surely a name means a secret, weakest first."""

    HASH = 0
    """A digest, a version, an identifier: random but public."""
    NONE = 1
    DIGITS = 2
    """`pin`: a secret if the value is a few digits."""
    KEY = 3
    """`key`, or the name of a service. A secret only if the value looks like one."""
    TOKEN = 4
    """`token`, `auth`, `cookie`: usually a secret."""
    SECRET = 5
    """`password`, `secret`, `api_key`: a secret with any value."""


@lru_cache(maxsize=8192)
def meaning(name: str) -> Meaning:
    """The meaning of a name. Dots, dashes, underscores and changes of case separate its words."""
    if "::" in name or "\\" in name or "\n" in name:  # a type, such as `AWS::IAM::AccessKey`, or a text
        return Meaning.NONE
    parts = _split(name)
    while len(parts) > 1 and (parts[-1] in _QUALIFIERS or (parts[-1] == "id" and parts[-2] in {"session", "secret"})):
        parts.pop()
    if not parts:
        return Meaning.NONE
    last, joined = parts[-1], "".join(parts)
    if last in _NEUTRAL and not joined.endswith((*_JOINED_SECRETS, *_JOINED_TOKENS)):
        return Meaning.HASH if last in _HASHES else Meaning.NONE
    if _is_secret(parts, last, joined):
        return Meaning.SECRET
    if last in {"pin", "puk", "otp", "cvv", "cvc", "pins"}:
        return Meaning.DIGITS
    if last in {"salt", "pepper"}:
        return Meaning.TOKEN
    if not _HASHES.isdisjoint(parts):
        return Meaning.HASH
    if "public" in joined:
        return Meaning.NONE
    if last in _TOKENS or last.endswith(("token", "cookie", "sessid")) or joined.endswith(_JOINED_TOKENS):
        return Meaning.TOKEN
    if last in {"key", "keys"} and not (len(parts) > 1 and parts[-2] in _PLAIN_KEYS):
        return Meaning.KEY
    return Meaning.KEY if any(service in joined for service in services()) else Meaning.NONE


def is_label(value: str) -> bool:
    """Whether a text consists of words that name things, like `client_secret` under `grant_type` or `Your password`."""
    if " " not in value and sum(map(str.isdigit, value)) > sum(map(str.isalpha, value)):
        return False
    parts = _split(value)
    return bool(parts) and all(word in _LABELS or word.endswith(_SECRET_ENDS) for word in parts)


def is_neutral(name: str) -> bool:
    """Whether a name says what something is for, as `user` and `host` do beside a password."""
    parts = _split(name)
    return bool(parts) and parts[-1] in _NEUTRAL


@lru_cache(maxsize=8192)
def speaks_of_digest(name: str) -> bool:
    """Whether a name or a text has a word of digests, versions or identifiers, which are random and public."""
    return not _PUBLIC.isdisjoint(_split(name)) or bool(_DIGESTS.search(name[-NAME_LENGTH_MAX:]))


@lru_cache(maxsize=4096)
def says_secret(text: str) -> bool:
    """Whether a word of a text names a secret, or begins a sentence about a secret."""
    return any(word in _SECRETS or word.endswith(_SECRET_ENDS) for word in _split(text))


@lru_cache(maxsize=4096)
def speaks_of_login(name: str) -> bool:
    """Whether a name has a word of signing in, of encryption or of a secret."""
    return meaning(name) is Meaning.SECRET or says_secret(name) or not _LOGIN_WORDS.isdisjoint(_split(name))


def _split(name: str) -> list[str]:
    return [word.lower() for word in _WORD.findall(name[-NAME_LENGTH_MAX:])][-WORDS_MAX:]


def _is_secret(parts: list[str], last: str, joined: str) -> bool:
    if any(word in _SECRETS or word.endswith(_SECRET_ENDS) for word in parts):
        return True
    if last in _SECRET_LAST or _SHORT_ENDS.search(last) or (last.endswith("pass") and last not in _PASSES):
        return True
    if last in {"key", "keys"} and len(parts) > 1 and parts[-2] in _SECRET_KEYS:
        return True
    return any(part in joined for part in _JOINED_SECRETS)
