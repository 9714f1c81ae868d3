"""Keeps the secrets of the settings out of every log record, at every level and from every library.

Libraries log whole messages at `debug`, and an editor's settings arrive in such a message. So a value under the name of
a secret setting is hidden even before the settings are read. After that, the values are hidden wherever they occur.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import unquote, urlsplit

from plum_lsp.config import Settings, secret_keys

HIDDEN = "REDACTED"
VALUE_LENGTH_MIN = 4
"""No service accepts a shorter key, and a shorter text would be hidden inside ordinary words."""
_NAMED = re.compile(
    r"""
    (?P<name>api[_-]?key\\*["']?\s{0,8}(?:=>|[:=])\s{0,8})
    (?:
      b?(?P<quote>\\*["'])(?:\\.|(?!(?P=quote)).){0,4096}+(?P=quote)?
    | \[[^\]]{0,4096}+\]? | \{[^}]{0,4096}+\}? | [^\s,;)}\]]{1,4096}+
    )
    """,
    re.VERBOSE | re.IGNORECASE | re.DOTALL,
)
_LOGIN = re.compile(r"(?<=://)[^\s/@\"']{1,256}+@")
_known: set[str] = set()


def keep_out_of_logs(settings: Settings) -> None:
    """Hide the secrets of these settings from now on."""
    _known.update(value for value in _secrets(settings) if len(value) >= VALUE_LENGTH_MIN)


def discreet(text: str) -> str:
    """The text without secrets, for a log."""
    text = _NAMED.sub(lambda found: f"{found['name']}{HIDDEN}", text)
    text = _LOGIN.sub(f"{HIDDEN}@", text)
    for value in sorted(_known, key=len, reverse=True):
        text = text.replace(value, HIDDEN)
    return text


def _secrets(settings: Settings) -> Iterable[str]:
    """The secret settings, and the passwords in addresses."""
    for key in secret_keys():
        section, _, name = key.partition(".")
        yield str(getattr(getattr(settings, section), name))
    for address in (settings.policy.url, settings.policy.proxy):
        password = urlsplit(address).password if "@" in address else None
        yield from (password, unquote(password)) if password else ()
