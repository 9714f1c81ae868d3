"""Decides whether a value under a secret's name can be a secret: no placeholder, label, path or sentence."""

from __future__ import annotations

import enum
import math
import re
from collections import Counter

from plum_lsp.feedback.sensitive.data import words
from plum_lsp.feedback.sensitive.letters import is_like_words, is_unlike_words
from plum_lsp.feedback.sensitive.names import Meaning, is_label, says_secret

VALUE_LENGTH_MAX = 16_384
"""Longer values are data. Keys in PEM may be longer, but they are found by their frames."""
ENTROPY_BITS_MIN = 3.5
"""Bits per character from which a word of 24 or more characters counts as random. English words have under 3."""
DIGEST_BITS_MIN = 3.0
"""The same for digests of 32 or more digits. Random ones have 3.6 on average, and none of 10,000 has under 3.0."""
RANDOM_LENGTH_MIN = 24
"""Least length of a key in quotes without a name. The shortest keys in use have 20 to 24 characters."""
NAMELESS_PIECE_MAX, NAMED_PIECE_MAX = 2.5, 3.2
"""The greatest average length of a run of one kind (a capitalised word, a number) in a random text, without and with
the name of a secret. Random letters and digits have 1.8, words over 4."""

SHORT_KEY_LENGTH_MIN, SHORT_PIECE_MAX = 20, 2.2
"""The same for a shorter key in quotes without a name. It has letters of both cases and digits, and no sign."""

LONG_NUMBER_MIN = 30
"""The least number of digits of a key that is written as a number."""

UNLIKE_LENGTH_MIN = 16
"""Least length of a text under the name of a secret that is judged by its pairs of letters."""
NAMELESS_RARITY_MIN, NAMELESS_PAIRS_MIN = 1.0, 12
"""The same as in `letters`, for a text in quotes without a name. Few random texts and no names reach it."""
LETTERS_LENGTH_MIN, LETTERS_PAIRS_MIN = 10, 7
"""The least length of a password of letters that has no quotes, and how many of its pairs are known."""
RECURRING_PARTS_MIN, RECURRENCE_MIN, MEDIAN_RECURRENCE_MIN = 2, 2, 4
"""How many parts a word of a table has at least, and in how many words of the text each of them, and most, are."""
NAMED_SHARE_MIN = 0.6
"""The least share of the characters of a name of code that are in words of three letters or more. One of 1,000 random
texts of 16 characters has this share and pairs of letters as in words."""
DOTTED_LENGTH_MAX = 30
"""Longer texts of letters with dots may be signed values, such as the cookie of a session."""
NUMBER_LENGTH_MIN = 15
"""The least number of digits of a session's number. Shorter ones are mostly identifiers and times."""
_PARTS = re.compile(r"[A-Za-z0-9]++")
_JOINED = re.compile(r"[\w./:#+-]++")
_JOINED_LOGIN = re.compile(r"[\w.@+-]{0,32}:(?P<password>[^\s:/]{6,64})")
_HELD = re.compile(r"[A-Za-z0-9_-]+")

_PIECES = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+")
_HOLES = re.compile(
    r"[*x•.\-_#?X=+~/ ]*"
    r"|<[^<>]*>|\$\{[^{}]*\}|\$\([^()]*\)|\$[A-Za-z_]\w*|\$\d|\{[^{}]*\}|\{\{[^{}]*\}\}|\$\{\{[^{}]*\}\}"
    r"|%(?:\(\w*\))?[-#0 +]*[\d*]*(?:\.[\d*]*)?[diouxXeEfFgGcrsa]|%[A-Za-z_]+%|@[A-Za-z_]+@|\[[\w -]*\]|\(.*\)"
    r"|REDACTED|[A-Z_]*REDACTED[A-Z_]*"
    r"|(?i:your[-_ ].*|.*[-_ ]here|change[-_ ]?(?:me|it).*|replace[-_ ]?me.*|insert[-_ ].*|enter[-_ ].*)"
    r"|(?i:.*(?:example|placeholder|redacted|dummy).*)"
)
"""Placeholders for a secret that will be filled in or was removed."""
_PATH = re.compile(
    r"(?:[A-Za-z]:\\|~?/|\.{1,2}/|[a-z][a-z0-9+.-]*://)[\w./~ :{}$<>%?&=@,\\#+-]*"
    rf"|[\w./ {{}}-]*\.(?:{'|'.join(words('suffixes'))})"
)
_CODE = re.compile(
    r"\\[dwsSDWAZ]|\(\?|\[\^|\.\*|\{\d+,|^\^|\$$|</?[a-z]+|\)\s*$|\w\(|\[[a-z]-z|=>|%\(|%[sdr]|\{\w*\}|\\x1b"
)
_DOTTED = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+|[A-Za-z][A-Za-z]*(?:[_\-/:. ][A-Za-z]+)+")
_ALGORITHM = re.compile(
    r"(?i)(?:[a-z]{0,8}[-_])?(?:utf|ucs|latin|iso|cp|koi|sha|md|hs|rs|es|ps|aes|des|rsa|hmac|base|blake|pbkdf|ripemd|ed"
    r"|oauth|http|tls|ssl|ipv|uint|int|float|argon|secp|curve|krb|apache|mit|bsd|l?gpl)"
    r"[-_ ]?\d{1,5}(?:[-_.][a-z\d]{1,8}){0,3}"
    r"|(?i:x|v|p|crc|r)\d{1,4}(?:[._-]\d{1,4}){0,3}"
)
"""Encodings, algorithms, versions and types, which often occur beside keys."""
_STOPS = re.compile(rf"(?i)\b(?:{'|'.join(words('stops'))})\b")
_CLUSTER = re.compile(r"(?i)[bcdfghjklmnpqrstvwxz]{5}|^[b-df-hj-np-tv-xz]{4}")
"""Consonants that no word has: five in a row, or four at its start."""
_WORD = re.compile(r"[A-Za-z0-9+/_=.~-]+")
_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_HEX = re.compile(r"(?:0x)?[0-9a-fA-F]+")
_HEX_DIGESTS = frozenset({32, 40, 56, 64, 96, 128})
_DIGEST = re.compile(
    r"(?=.{0,40}[a-fA-F])(?=.{0,40}\d)(?:[0-9a-f]{32}|[0-9A-F]{32}|(?:[0-9a-f]{8}){5}|(?:0x)?[0-9a-f]{64})"
)
_NAME = re.compile(r"[A-Za-z][\w.-]*")
_EMAIL = re.compile(r"[a-z][\w.+-]{0,63}@[\w-]{1,64}(?:\.[\w-]{1,64}){0,4}\.[a-z]{2,10}")
_SHAPE = re.compile(r"(?=[!-~]*[a-z])(?=[!-~]*[A-Z])(?=[!-~]*\d)[A-Za-z0-9!#$%&*+=?@^_~-]{8,64}")
_QUERY = re.compile(r"(?:^|[&?;-])[a-z_]\w*=")
_WORD_AND_NUMBER = re.compile(r"[A-Za-z]{3,}[_-]\d{2,}[A-Za-z]{0,2}|[A-Za-z]{2,}\d{2,}[_-][A-Za-z\d]{2,}")
_SHORT_KEY = re.compile(r"(?=\w*[a-z])(?=\w*[A-Z])(?=\w*\d)[A-Za-z0-9]{16,23}")
_PHRASE = re.compile(r"[a-z]{3,12}(?:[ -][a-z]{3,12}){3,23}")
"""Words that make a passphrase."""
_PRINTABLE_RUN = re.compile(r"(?:abcdef|ABCDEF|012345|123456789|qwerty|aaaaa|AAAAAAAA|00000)")


class Binding(enum.IntEnum):
    """How a value is tied to its name, loosest first."""

    BARE = 0
    """The value has no quotes and is on a line that may be code."""
    LOOSE = 1
    """The value is inside a call or a list under the name, or after the name in a list."""
    DIRECT = 2
    """The value is assigned to the name, compared with it, keyed by it or passed as it."""


class Recurring:
    """Knows of which parts the words of a text are made. The text is read once, when a word is first asked about."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._words_with: Counter[str] | None = None

    def is_made_of_words(self, value: str) -> bool:
        """Whether each part between signs is also in another word of the text, as in a table. Random ones never are."""
        parts = set(_PARTS.findall(value))
        if len(parts) < RECURRING_PARTS_MIN:
            return False
        if self._words_with is None:
            words_of_text = set(_JOINED.findall(self._text))
            self._words_with = Counter(part for word in words_of_text for part in set(_PARTS.findall(word)))
        counts = sorted(self._words_with[part] for part in parts)
        return counts[0] >= RECURRENCE_MIN and counts[len(counts) // 2] >= MEDIAN_RECURRENCE_MIN


def is_secret(value: str, means: Meaning, binding: Binding) -> bool:
    """Whether a value under a name of this meaning must be hidden."""
    if not 3 < len(value) <= VALUE_LENGTH_MAX or means in {Meaning.NONE, Meaning.HASH}:
        return False
    if _HOLES.fullmatch(value) or _is_ordinary(value):
        return False
    if means is Meaning.DIGITS:
        return value.isdigit() and len(value) <= 10
    if means in {Meaning.KEY, Meaning.TOKEN} and (login := _JOINED_LOGIN.fullmatch(value)):
        password = login["password"]
        return (
            stands_out(password)
            or looks_random(value)
            or looks_random(password)
            or _is_long_number(password)
            or _is_word_and_number(password)
        )
    if binding is Binding.BARE and means is not Meaning.SECRET and not _WORD.fullmatch(value):
        return False
    if means is Meaning.TOKEN and binding is Binding.DIRECT and _is_long_number(value):
        return True
    if means in {Meaning.KEY, Meaning.TOKEN} and binding is not Binding.DIRECT and is_name(value):
        return False
    if means is Meaning.KEY:
        return len(value) >= 12 and looks_random(value) and not _CODE.search(value)
    if means is Meaning.TOKEN:
        return (
            len(value) >= (8 if binding is Binding.DIRECT else 16) and looks_random(value) and not _CODE.search(value)
        )
    return _is_password(value, binding)


def is_secret_number(digits: str, means: Meaning) -> bool:
    """Whether a number that is bound to a name is a key or a PIN."""
    if _HEX.fullmatch(digits) and means >= Meaning.KEY and len(digits) >= LONG_NUMBER_MIN:
        return len(set(digits)) >= 8
    return (
        means in {Meaning.SECRET, Meaning.DIGITS}
        and digits.isdigit()
        and 4 <= len(digits) <= 12
        and len(set(digits)) > 1
    )


def is_name(value: str) -> bool:
    """Whether a text is a name of code, such as `set_fapl_sec2`: most of it is words, and they look like words."""
    plain = sum(1 for character in value if character.isalnum())
    lettered = sum(len(piece) for piece in _PIECES.findall(value) if len(piece) > 2 and piece.isalpha())
    return bool(_NAME.fullmatch(value)) and lettered >= NAMED_SHARE_MIN * plain and is_like_words(value)


def is_digest(value: str) -> bool:
    """Whether a text is a number in hexadecimal with the length of a digest or of a key, and no pattern."""
    found = _DIGEST.fullmatch(value)
    return found is not None and _entropy(value) >= DIGEST_BITS_MIN and not _PRINTABLE_RUN.search(value)


def _is_word_and_number(value: str) -> bool:
    return not value.isalpha() and not value.isdigit() and value.isalnum() and not _ALGORITHM.fullmatch(value)


def _is_long_number(value: str) -> bool:
    return value.isdigit() and len(value) >= NUMBER_LENGTH_MIN and len(set(value)) > 4


def stands_out(value: str) -> bool:
    """Whether a word has the shape of a password or a short key: both cases, digits, and signs or a random order."""
    if not _SHAPE.fullmatch(value) or _HOLES.fullmatch(value) or _is_ordinary(value) or _CODE.search(value):
        return False
    if _EMAIL.fullmatch(value) or _PRINTABLE_RUN.search(value):
        return False
    if _QUERY.search(value) or value.startswith(("-", "%", "&", "@")):
        return False
    if value.replace("_", "").replace("-", "").isalnum():
        return _is_short_key(value) or bool(_WORD_AND_NUMBER.fullmatch(value))
    return True


def has_sign(value: str) -> bool:
    """Whether a word has a sign of passwords, which names and numbers do not have."""
    return any(sign in value for sign in "!#$%&*+=?@^~") and not value.endswith("=")


def _is_short_key(value: str) -> bool:
    """Whether letters of both cases and digits alternate almost at every place."""
    pieces = _PIECES.findall(value)
    return bool(_SHORT_KEY.fullmatch(value)) and len(value) / len(pieces) < SHORT_PIECE_MAX and _entropy(value) >= 3.2


def is_random(value: str) -> bool:
    """Whether a quoted word without a name is a key: long, with many distinct characters, no digest and no path."""
    if value.count(":") == 1 and not _ALGORITHM.match(value):
        return any(is_random(part) for part in value.split(":"))
    if len(value) < RANDOM_LENGTH_MIN and value.isalnum():
        return len(value) >= SHORT_KEY_LENGTH_MIN and _is_short_key(value) and not _PRINTABLE_RUN.search(value)
    if is_strange(value):
        return True
    if not RANDOM_LENGTH_MIN <= len(value) <= 512 or not _WORD.fullmatch(value) or not any(c.isdigit() for c in value):
        return False
    if (
        _UUID.fullmatch(value)
        or value.count("/") > 1 + len(value) / 24
        or value.count(".") > 1
        or _PRINTABLE_RUN.search(value)
    ):
        return False
    if _HEX.fullmatch(value):
        return len(value) not in _HEX_DIGESTS and len(value) <= 256 and _entropy(value) >= 3.2 and value[0] != "0"
    plain = sum(1 for character in value if character.isalnum())
    if sum(1 for character in value if character.isalpha()) < 4:
        return False
    is_mixed = looks_random(value) and plain / len(_PIECES.findall(value)) < NAMELESS_PIECE_MAX
    return is_mixed and _entropy(value) >= ENTROPY_BITS_MIN


def is_strange(value: str) -> bool:
    """Whether a long word is no word by its pairs of letters. It has digits or both cases, and is no number."""
    if not RANDOM_LENGTH_MIN <= len(value) <= 128 or not _HELD.fullmatch(value) or _PRINTABLE_RUN.search(value):
        return False
    if _HEX.fullmatch(value) or (value.isalpha() and value in {value.lower(), value.upper()}) or len(set(value)) < 14:
        return False
    return is_unlike_words(value, rarity_min=NAMELESS_RARITY_MIN, pairs_min=NAMELESS_PAIRS_MIN)


def looks_random(value: str) -> bool:
    """Whether letters, cases and digits alternate as in random text: in runs of under three characters on average."""
    letters = sum(1 for c in value if c.isalpha())
    plain = sum(1 for c in value if c.isalnum())
    if not letters or plain < 6 or (letters == plain and len(value) < 16):
        return False
    if _UUID.fullmatch(value) or is_digest(value) or _is_unlike_words(value):
        return True
    pieces = _PIECES.findall(value)
    count = len(pieces) + 2 * sum(1 for piece in pieces if _CLUSTER.search(piece))
    return plain / max(count, 1) < (NAMED_PIECE_MAX if letters < plain else 2.6)


def _is_unlike_words(value: str) -> bool:
    """Whether letters follow each other as in no word."""
    if len(value) < UNLIKE_LENGTH_MIN or len(set(value.lower())) < 10 or _PRINTABLE_RUN.search(value.lower()):
        return False
    return bool(_HELD.fullmatch(value)) and is_unlike_words(value)


def _is_ordinary(value: str) -> bool:
    """Whether a text is a label, a path, an expression or a sentence."""
    if not any(c.isalnum() for c in value) or is_label(value) or _ALGORITHM.fullmatch(value):
        return True
    if _PATH.fullmatch(value) and "@" not in value:
        return not looks_random(value) or "://" in value or value[0] in ".~"
    if _DOTTED.fullmatch(value):
        is_short = len(re.split(r"[_\-/:. ]", value)) < 4
        if is_short and len(value) > DOTTED_LENGTH_MAX and " " not in value and not is_like_words(value):
            return False
        return is_short or says_secret(value) or bool(_STOPS.search(value))
    if " " in value.strip():
        return bool(_STOPS.search(value)) or says_secret(value) or value.count(" ") > 30
    return False


def _is_password(value: str, binding: Binding) -> bool:
    """Whether a value under a sure name is not only a word of code."""
    if _CODE.search(value) and not looks_random(value):
        return False
    if _EMAIL.fullmatch(value):
        return False
    if value.isdigit():
        return binding is not Binding.LOOSE
    if value.isalpha():
        return (binding is Binding.DIRECT and len(value) >= 6) or looks_random(value) or _is_strange_word(value)
    if binding is Binding.DIRECT or _PHRASE.fullmatch(value):
        return True
    has_digit = any(c.isdigit() for c in value)
    has_letter = any(c.isalpha() for c in value)
    return has_letter and len(value) >= 6 and (has_digit or any(c in "!@#$%^&*?~+=" for c in value))


def _is_strange_word(value: str) -> bool:
    """Whether letters of both cases follow each other as in no word and in no name of code."""
    is_mixed = len(value) >= LETTERS_LENGTH_MIN and not (value.islower() or value.isupper())
    return is_mixed and is_unlike_words(value, pairs_min=LETTERS_PAIRS_MIN)


def _entropy(word: str) -> float:
    shares = [word.count(character) / len(word) for character in set(word)]
    return -sum(share * math.log2(share) for share in shares)
