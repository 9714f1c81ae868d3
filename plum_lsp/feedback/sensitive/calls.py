"""What a call says of the arguments that it takes without a name: `login("bob", …)`, `AES.new(…)`, `sendline(…)`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from plum_lsp.feedback.sensitive.data import words
from plum_lsp.feedback.sensitive.names import Meaning, meaning
from plum_lsp.feedback.sensitive.values import Binding, is_secret

_SIGN_IN = words("sign_in")
_CONNECTS = words("connects")
_CONNECT_WORDS = words("connect_words")
_UNLOCKS = words("unlocks")
_CIPHERS = words("ciphers")
_CIPHER_METHODS = words("cipher_methods")
_MAKERS = frozenset({"init", "initialize", "configure", "create", "set_api_key"})
"""Calls that make a client, as a constructor does. What looks like a key there is one."""
_PLACES = {
    "load_key_and_certificates": 1,
    "load_pkcs12": 1,
    "load_pem_private_key": 1,
    "load_der_private_key": 1,
    "load_ssh_private_key": 1,
    "pbkdf2_hmac": 1,
    "load_cert_chain": 2,
    "add_password": 3,
}
_METHOD_PLACES: dict[tuple[str, ...], int] = {("URL", "create"): 2, ("jwt", "encode"): 1, ("jwt", "decode"): 1}
"""The same for methods with a common name."""
"""Calls that take a password further behind."""
_LOGINS = frozenset({"auth", "basic_auth", "credentials", "login", "proxy_auth", "http_auth"})
_LOGIN_LISTS = words("login_lists")
_PARTS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z\d]+")
_PARAMETER = re.compile(r"([\w-]+)[=:] ?\Z")
_ASKS = words("asks")
_ANSWERS = words("answers")
_QUESTION = re.compile(r"(?i)ass ?word|passphrase|passcode|\bpin\b")
_ENCODES = frozenset({"b64encode", "standard_b64encode", "urlsafe_b64encode", "encodestring", "encodebytes"})
_LOGIN = re.compile(r"[\w.@+-]{1,64}:(?P<password>[^\s:/]{4,128})")


def argument_names(callee: tuple[str, ...], place: int, *, is_named: bool) -> Iterator[tuple[str, Binding]]:
    """The names of the argument at a place, as far as the call tells them."""
    called = callee[-1].lower()
    is_sign_in = called in _SIGN_IN and place == 1
    if is_sign_in or (_METHOD_PLACES.get(callee[-2:]) == place and not is_named):
        yield "password", Binding.DIRECT
    elif is_named:
        if called in _CONNECTS and place >= 1:
            yield called, Binding.LOOSE
    elif place == _PLACES.get(called, 0) and (called in _PLACES or _takes_key(callee)):
        yield "password", Binding.DIRECT
    elif _may_be_password(callee[-1], place):
        yield "password", Binding.LOOSE
        yield from (("pin", Binding.LOOSE),) if "unlock" in called else ()
    else:
        is_maker = callee[-1][:1].isupper() or called in _MAKERS
        if is_maker and meaning(called) is not Meaning.HASH:
            yield "key", Binding.BARE
        yield called, Binding.LOOSE
        yield ".".join(callee[-2:]), Binding.LOOSE


def _may_be_password(called: str, place: int) -> bool:
    """Whether the words of a call say that it takes a password at this place."""
    if place == 0:
        return not _UNLOCKS.isdisjoint(_parts(called))
    return called.lower() in _SIGN_IN | _CONNECTS or not _CONNECT_WORDS.isdisjoint(_parts(called))


def _takes_key(callee: tuple[str, ...]) -> bool:
    """Whether the first argument of a call is a key or a password."""
    of_cipher = len(callee) > 1 and callee[-2] in _CIPHERS and callee[-1] in _CIPHER_METHODS
    return callee[-1] in _CIPHERS or of_cipher


def _parts(name: str) -> list[str]:
    return [part.lower() for part in _PARTS.findall(name[-80:])]


def asks(callee: tuple[str, ...], value: str) -> bool:
    """Whether a call waits for a program to ask for a password."""
    return bool(callee) and callee[-1] in _ASKS and bool(_QUESTION.search(value[:200]))


def answers(callee: tuple[str, ...]) -> bool:
    """Whether a call types something into a program."""
    return bool(callee) and callee[-1] in _ANSWERS


def encoded_login(callee: tuple[str, ...], value: str) -> str | None:
    """The password of a `user:password` that a call turns into a header."""
    found = _LOGIN.fullmatch(value) if callee and callee[-1] in _ENCODES else None
    return found["password"] if found else None


def is_parameter(before: str, value: str) -> bool:
    """Whether a text ends in `name=`, and the value behind it is a secret."""
    found = _PARAMETER.search(before[-80:])
    return found is not None and is_secret(value, meaning(found[1]), Binding.DIRECT)


def pair_bindings(names: Iterable[str]) -> Iterator[Binding]:
    """How the second value of a pair is bound to a password, from the names of the pair or of its list."""
    for name in names:
        last = name.rpartition(".")[2].lower()
        if last in _LOGINS:
            yield Binding.DIRECT
        elif last in _LOGIN_LISTS:
            yield Binding.LOOSE


def is_head(names: list[str]) -> bool:
    """Whether the first row of a table names its columns, and one of them is a secret."""
    return len(names) > 1 and any(meaning(name) is Meaning.SECRET for name in names)
