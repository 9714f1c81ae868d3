"""Finds the login in addresses: `scheme://user:password@host`."""

from __future__ import annotations

import re
from collections.abc import Iterator

from plum_lsp.feedback.sensitive.names import Meaning, is_label
from plum_lsp.feedback.sensitive.values import Binding, is_secret, looks_random

_HOST = re.compile(
    r"(?:[\w.-]{1,255}|\[[0-9a-fA-F:.]{2,45}\]|\{[\w.]{0,60}\}|%s|\$\{?\w{1,60}\}?)(?:[:/?#,\s\"'`)>\\]|$)"
)
_ADDRESS = re.compile(r"[^\s\"'`<>|]{1,512}")


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
        return len(user) >= 16 and looks_random(user) and "/" not in user
    port, slash, _ = password.partition("/")
    if (slash and port.isdigit()) or "/" in user or "?" in user:
        return False
    return (
        len(password) > 2
        and not is_label(password)
        and is_secret(password.ljust(4, "0"), Meaning.SECRET, Binding.DIRECT)
    )
