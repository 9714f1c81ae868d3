"""Finds secrets on lines of any language: `NAME=value`, flags, headers, addresses, connection strings, prose.

Each name that could mean a secret is checked once, with a bounded amount of text on both sides.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator

from plum_lsp.feedback.sensitive.addresses import logins
from plum_lsp.feedback.sensitive.data import words
from plum_lsp.feedback.sensitive.names import Meaning, meaning
from plum_lsp.feedback.sensitive.quiet import Quiet
from plum_lsp.feedback.sensitive.values import Binding, is_secret, looks_random
from plum_lsp.feedback.starts import Starts

NAME_MAX = 64
VALUE_MAX = 4096
_HINT = re.compile(
    r"(?i)pass|pwd|psw|pw\b|secret|token|key|cred|auth|cookie|session|dsn\b|salt|pepper|otp\b|jwt|hmac|licen[sc]e|sid\b"
    r"|\bp(?:in|uk)\b|pin_?code|seed|mnemonic|kennwort|senha|parol\b|contrase|clave(?: de acceso)?"
    r"|geheim|segre[dt]o|wachtwoord"
    r"|mot[_ ]?de[_ ]?passe|parola(?: d.ordine)?|has[lł]o|webhook|csrf|login|psk\b"
    r"|(?:recovery|backup|access|security|door|gate|unlock|2fa)[ \t]codes?\b|(?:seed|recovery)[ \t]phrase"
    r"|community\b|identified[ \t]+by|пароль|密码|パスワード"
)
_HINTS = Starts(
    _HINT,
    "pass pwd psw pw secret token key cred auth cookie session dsn salt pepper otp jwt hmac licen sid pin puk seed "
    "mnemonic kennwort senha contrase clave geheim segre wachtwoord mot parol has webhook csrf login psk recovery "
    "backup access security door gate unlock 2fa community identified",
    is_caseless=True,
)
_NAME_LEFT = re.compile(r"[\w.$-]*\Z")
_NAME_RIGHT = re.compile(r"[\w.-]*+")
_OPEN = re.compile(
    r"""
    \\?["'`]?[\])]{0,2}(?:\[\d{0,6}\])?(?P<value_of>["'\s,>]{0,40}["']?value["']?)?[ \t]*
    (?:\?|!)?(?P<sep>:[ \t]*[\w\[\], .|&<>*?']{1,40}[ \t]*=|<-|\(|=>|:=|===?|!==?|->|\+=|\|\||[=:,])?[ \t]*
    (?:[rbfuLN@$]{0,2})(?P<quote>\\?["'`])
    """,
    re.VERBOSE,
)
_BARE = re.compile(
    r"[ \t]*(?P<sep>=>|:=|===?|[=:：])[ \t]*(?P<value>(?:[^\s\"'`,;&|<>()\[\]{}]|&(?![\w.-]{1,40}=)){4,4096}+)"
)
_BARE_VALUE_OF = re.compile(r"\s{0,40}(?:value|default)[ \t]*[:=][ \t]*(?P<value>[^\s\"'`,;&|<>()\[\]{}]{4,4096}+)")
_BRACED = re.compile(r"=\{(?P<value>[^{}\s\"']{4,128}+)\}[ \t]*(?:[;\"'\n]|$)")
"""A value of ODBC."""
_SPACED = re.compile(
    r"[ \t]+(?P<verb>(?:is|was|ist|lautet|est|es|è|to|are|of|=|:)[ \t:]+)?"
    r"[\"'`]?(?P<value>[^\s\"'`,;<>()\[\]{}]{4,256}+)"
)
_NUMBERED = re.compile(r"[a-z]{4,12}\d{2,6}[.,!]?")
"""A word and a number, which no sentence has behind the name of a secret."""
_TAGGED = re.compile(
    r"(?:[\"'][^<>\n]{0,100})?>\s{0,20}(?:<!\[CDATA\[)?(?P<value>[^<>\n]{4,512}?)\s{0,20}(?:\]\]>)?</"
    r"|</[\w:.-]{1,40}>\s{0,40}<[\w:.-]{1,40}>\s{0,20}(?P<beside>[^<>\n]{4,512}+)</"
)
"""The text of an element: of one that has the name, or of the one behind an element that holds the name."""
_MARKED_UP = re.compile(
    r"(?:\}[ \t]{2,}|(?::[*_]{1,3}|[*_]{1,3}:)[ \t]+)[\"'`*_]{0,3}(?P<value>[^\s\"'`,;<>()\[\]{}|]{4,256}+)"
)
"""A name in bold type or in the braces of a test, and its value."""
_TAGGED_LINES = re.compile(r">[ \t]*\n(?P<lines>(?:[^<>\n]{0,200}\n){1,8})[ \t]*</")
_TOLD = re.compile(
    r"(?:[ \t]+[\w'/-]{1,24}){1,6}(?:[ \t]*[:=]|[ \t]+(?:is|was|ist|lautet|est|es|è))[ \t]*[\"'`]{0,2}"
    r"(?P<value>[^\s\"'`,;<>()\[\]{}]{4,128}+)"
    r"[\"'`]{0,2}(?P<end>[.!?)]{0,2}[ \t]*(?:\n|\\n|$)|[.,;:!?)]{1,2}[ \t])"
)
"""What a sentence says about a name: `the password for staging: …`."""
_WHOLE_LINE = re.compile(
    r"^[ \t]*(?:(?:export|set|setx|ENV|ARG|declare[ \t]+-x|-|local|readonly)[ \t]+|\$env:|[#;/]+[ \t]*)?$"
)
_REST = re.compile(r"[ \t]*(?P<sep>:=|=>|[=:])(?P<space>[ \t]*)(?P<value>[^\n]{4,1024}+)")
_DIRECTIVE = re.compile(r"[ \t]*(?:[#;/*]{1,3}[ \t]*)?(?:[#\w.-]{1,40}(?:[ \t]+|\()){0,2}[-:$]{0,2}")
"""What stands before a name that a value follows after a space: `#define`, `SetEnv`, `set(`, `proxy_set_header`."""
_LINE_END = re.compile(r"[\"'`]?[;)]{0,2}[ \t]*(?:\\n|\n|$|[\"'])")
_MARKED = re.compile(r"[^\n`]{0,60}?(?P<ticks>`{1,2})(?P<value>[^`\s]{4,128}+)(?P=ticks)")
"""A literal in Markdown or reStructuredText, after a name in prose."""
_LIST = re.compile(r":[ \t]*(?:[|>][-+]?\d?)?[ \t]*\n((?:[ \t]+(?:-[ \t]+)?[^\s:]{4,1024}[ \t]*(?:\n|$)){1,64})")
"""What YAML puts on the lines below a name: the items of a list, or one value."""
_ITEM = re.compile(r"[ \t]+(?:-[ \t]+)?[\"']?(?P<value>[^\s:\"']{4,1024}+)[\"']?[ \t]*(?:\n|$)")
_ENDED = re.compile(r"(?:\\[nrt]|[.:\\]){1,8}\Z")
"""What follows a value in a text and is no part of it, also the ends of lines in a string of JSON."""
_COMMENT_AT_END = re.compile(r"[ \t]+(?:#|//|;).*$")
_SCHEME = re.compile(
    r"(?i)\b(?P<scheme>bearer,?|basic|token|apikey|api-key|digest|ssws|splunk|negotiate|hmac)[ \t]+"
    r"(?P<value>[A-Za-z0-9+/=._~:-]{8,4096}+)"
)
_SCHEMES = Starts(_SCHEME, "bearer basic token apikey api-key digest ssws splunk negotiate hmac", is_caseless=True)
_USER_FLAG = re.compile(
    r"(?<=\s)(?:-u|--user|-U|--proxy-user|-a|--auth|--basic-auth|--creds|-E)[ =]{1,2}"
    r"\\?[\"']?[^\s:%,\"']{1,64}[:%,](?P<value>[^\s\"']{3,256}+)"
)
_USER_FLAGS = Starts(_USER_FLAG, "-u -U -a -E --user --proxy-user --auth --basic-auth --creds")
_COMMAND = re.compile(rf"(?<![\w-])(?:{'|'.join(sorted(words('commands'), key=len, reverse=True))})(?![\w-])")
_COMMANDS = Starts(_COMMAND, " ".join(words("commands")))
_SHORT_FLAG = re.compile(
    r"[ \t\"'](?:-p|-P|-a|-w|-pw|-pass|-passin[ \t]+pass:|-passout[ \t]+pass:|-k[ \t]+|/p:|-storepass|-keypass)"
    r"(?:[\"'],[ \t]*[\"']|[ =]?[\"']?)(?P<value>[^\s\"',|;()]{4,128}+)"
)
_HTPASSWD = re.compile(r"htpasswd[ \t]+-\w*b\w*[ \t]+\S{1,200}[ \t]+\S{1,64}[ \t]+(?P<value>\S{4,128}+)")
_PGPASS = re.compile(
    r"(?m)^[ \t#]*[\w.*-]{1,128}:(?:\d{2,5}|\*):[\w.*-]{1,64}:[\w.*-]{1,64}:(?P<value>[^\s:\"']{4,128}+)$"
)
_PROXY = re.compile(
    r"(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}:\d{2,5}:[A-Za-z][\w.-]{0,63}:(?P<value>[^\s:\"'@/]{4,128}+)(?![\w:.])"
)
_GO_DSN = re.compile(r"(?<![\w/])[\w.-]{1,64}:(?P<value>[^\s\"'@:/]{4,128}+)@(?:tcp|udp|unix|\()")
_ORACLE = re.compile(r"(?<![\w/.])[A-Za-z]\w{1,30}/(?P<value>[^\s\"'@/]{4,64}+)@(?://)?[\w.-]{1,128}[:/]\d?")
_KUBERNETES = re.compile(r"(?m)^[ \t]+[\w.-]{1,128}:[ \t]+[\"']?(?P<value>[A-Za-z0-9+/]{8,4096}+={0,2})[\"']?[ \t]*$")
_ARGUMENT = re.compile(r"[ \t]+`{0,2}[A-Za-z_]\w{0,60}=\w")
"""What follows the verb in "pass strict=True"."""
_NETRC = re.compile(
    r"\b(?:login|account|password)[ \t\n]+\S{1,64}[ \t\n]+(?:password|account)[ \t\n]+(?P<value>[^\s\"'`]{4,256}+)"
)
_IDENTIFIER = re.compile(r"[^\W\d]\w*")
_PASSWORD_WORDS = frozenset(
    {
        "password",
        "passwd",
        "pwd",
        "pass",
        "requirepass",
        "masterauth",
        "passphrase",
        "passcode",
        "secret",
        "pw",
        "token",
    }
)


def secrets_on_lines(text: str, quiet: Quiet) -> Iterator[tuple[int, int]]:
    """The spans of secrets, in no order. They may overlap."""
    yield from logins(text)
    yield from _named(text, quiet)
    yield from _schemes(text)
    yield from _commands(text)
    if "kind: Secret" in text or 'kind: "Secret"' in text:
        yield from (found.span("value") for found in _KUBERNETES.finditer(text) if not found["value"].isalpha())
    for pattern, marks in (
        (_PGPASS, (":",)),
        (_PROXY, (":",)),
        (_GO_DSN, ("@tcp", "@udp", "@unix", "@(")),
        (_NETRC, ("password", "account")),
    ):
        if any(mark in text for mark in marks):
            for found in pattern.finditer(text):
                if is_secret(found["value"], Meaning.SECRET, Binding.LOOSE):
                    yield found.span("value")
    if "racle" in text or "sqlplus" in text or "ORACLE" in text:
        yield from (
            found.span("value")
            for found in _ORACLE.finditer(text)
            if is_secret(found["value"], Meaning.SECRET, Binding.DIRECT)
        )


def _named(text: str, quiet: Quiet) -> Iterator[tuple[int, int]]:
    done = 0
    for hint in _HINTS.matches(text):
        if hint.start() < done:
            continue
        left = _NAME_LEFT.search(text, max(done, hint.start() - NAME_MAX), hint.start())
        start = left.start() if left else hint.start()
        if text[start - 1 : start] == "\\" and text[start] in "nrt" and start < hint.start():
            start += 1  # the end of a line in a string
        right = _NAME_RIGHT.match(text, hint.end(), hint.end() + NAME_MAX)
        end = right.end() if right else hint.end()
        done = end
        if text.startswith("::", start - 2):  # a type
            continue
        name = text[start:end].strip("-.$")
        if name.lower() == "pass" and _ARGUMENT.match(text, end):
            continue
        means = meaning("password" if name.lower().startswith("identified") else name)
        if means >= Meaning.KEY or (means is Meaning.DIGITS and quiet.holds(start)):
            yield from _after(text, start, end, means, quiet)


def _after(text: str, start: int, end: int, means: Meaning, quiet: Quiet) -> Iterator[tuple[int, int]]:
    """The value after a name, if it must be hidden."""
    is_quiet = quiet.holds(start)
    if is_quiet and (tagged := _TAGGED.match(text, end)) is not None:
        group = "value" if tagged["value"] else "beside"
        if is_secret(tagged[group], means, Binding.BARE):
            yield tagged.span(group)
        return
    opened = _OPEN.match(text, end)
    if opened is not None and not text.startswith("``", opened.end() - 1):
        span = _quoted(text, opened)
        separator = (opened["sep"] or "")[-1:]
        if separator == ",":
            is_named = text[end : end + 1] in {'"', "'"}
            binding = Binding.LOOSE
        else:
            name = text[start:end].lower()
            is_flag = text[start - 1 : start] == "-" or name[:1] == "-"
            is_named = bool(separator) or is_flag or name in _PASSWORD_WORDS or name.startswith("identified")
            is_named = is_named or (quiet.is_all and means is Meaning.SECRET)
            is_named = (is_named and (separator != "(" or is_quiet)) or (is_quiet and _is_directive(text, start, means))
            binding = Binding.LOOSE if separator == "(" else Binding.DIRECT if separator else Binding.BARE
        if span and is_named and is_secret(text[span[0] : span[1]], means, binding):
            yield span
        return
    line = text.rfind("\n", max(0, start - 200), start) + 1
    before = text[max(line, start - 200) : start]
    if _WHOLE_LINE.match(before):
        span = _rest_of_line(text, end, means, quiet, is_quiet=is_quiet)
        if span:
            yield span
            return
    if not is_quiet:
        return
    listed = _LIST.match(text, end)
    if listed is not None:
        for item in _ITEM.finditer(text, listed.start(1), listed.end()):
            if is_secret(item["value"], means, Binding.LOOSE):
                yield item.span("value")
        return
    if means is Meaning.SECRET:
        marked = _MARKED.match(text, end)
        if marked is not None and is_secret(marked["value"], means, Binding.BARE):
            yield marked.span("value")
            return
    yield from _bare(text, start, end, means)


def _is_directive(text: str, start: int, means: Meaning) -> bool:
    """Whether a name of a secret is one of the first words of its line."""
    line = text.rfind("\n", max(0, start - 100), start) + 1
    return means >= Meaning.KEY and bool(_DIRECTIVE.fullmatch(text, max(line, start - 100), start))


def _quoted(text: str, opened: re.Match[str]) -> tuple[int, int] | None:
    """The text between the quotes, on one line."""
    quote, start = opened["quote"], opened.end()
    stop = text.find(quote, start, start + VALUE_MAX)
    while stop > 0 and len(quote) == 1 and text[stop - 1] == "\\" and text[stop - 2 : stop - 1] != "\\":
        stop = text.find(quote, stop + 1, start + VALUE_MAX)
    if stop < 0 or text.find("\n", start, stop) >= 0:
        return None
    return start, stop


def _rest_of_line(text: str, end: int, means: Meaning, quiet: Quiet, *, is_quiet: bool) -> tuple[int, int] | None:
    """The value of a line with only a name and a value, as in env, ini and YAML files."""
    found = _REST.match(text, end)
    if found is None:
        return None
    value = _COMMENT_AT_END.sub("", found["value"]).strip().rstrip(";\\")
    if found["sep"] == "=" and not found["space"] and text[end - 1].isupper():
        value = value.split(" ", 1)[0]  # a shell variable before a command
    at = found.start("value") + found["value"].find(value)
    if value[:1] in {'"', "'"} or not value:
        return None
    if quiet.is_all:
        binding = Binding.DIRECT
    elif " " in value or any(character in value for character in "()[]{},\"'"):
        return None
    else:
        binding = Binding.LOOSE
        if not is_quiet and _IDENTIFIER.fullmatch(value) and (found["space"] or text.count(value) > 1):
            return None
    if is_secret(value, means, binding):
        return at, at + len(value)
    return None


def _bare(text: str, start: int, end: int, means: Meaning) -> Iterator[tuple[int, int]]:
    """A value without quotes: after a separator, after a flag, or as a separate word."""
    braced = _BRACED.match(text, end)
    if braced is not None:
        if not _IDENTIFIER.fullmatch(braced["value"]) and is_secret(braced["value"], means, Binding.BARE):
            yield braced.span("value")
        return
    for pattern in (_BARE, _BARE_VALUE_OF, _MARKED_UP):
        found = pattern.match(text, end)
        if found is not None:
            value = _ENDED.sub("", found["value"])
            if is_secret(value, means, Binding.BARE):
                yield found.start("value"), found.start("value") + len(value)
            return
    lines = _TAGGED_LINES.match(text, end)
    if lines is not None:
        for line in re.finditer(r"[^\s]+", lines["lines"]):
            if is_secret(line.group(), means, Binding.BARE):
                yield lines.start("lines") + line.start(), lines.start("lines") + line.end()
        return
    if means in {Meaning.SECRET, Meaning.DIGITS}:
        told = _TOLD.match(text, end)
        value = _ENDED.sub("", told["value"]).rstrip("!?") if told is not None else ""
        if told is not None and is_secret(value, means, Binding.BARE):
            yield told.start("value"), told.start("value") + len(value)
            return
    found = _SPACED.match(text, end)
    if found is None or found["value"].startswith(("-", "/", "$")):
        return
    is_flag = text[start - 1 : start] == "-" or text[start : start + 1] == "-"
    name = text[start:end].lower()
    is_word = bool(found["verb"]) or name in _PASSWORD_WORDS or name.startswith("identified")
    is_word = is_word or (means is Meaning.SECRET and bool(_NUMBERED.fullmatch(found["value"])))
    is_environment = text[max(0, start - 5) : start].lstrip() in {"ENV ", "setx ", "ARG "}
    value = _ENDED.sub("", found["value"]).rstrip("!?=")
    is_last = _is_directive(text, start, means) and bool(_LINE_END.match(text, found.end()))
    if (is_flag or is_word or is_environment or is_last) and is_secret(value, means, Binding.BARE):
        at = found.start("value")
        yield at, at + len(value)


def _schemes(text: str) -> Iterator[tuple[int, int]]:
    for found in _SCHEMES.matches(text):
        value = found["value"].rstrip(".:")
        if "=" in value.rstrip("="):
            continue
        if looks_random(value) or (found["scheme"].lower() == "basic" and _is_login_encoded(value)):
            yield found.start("value"), found.start("value") + len(value)


def _is_login_encoded(value: str) -> bool:
    """Whether a value is `user:password` in base64 (RFC 7617)."""
    try:
        return b":" in base64.b64decode(value[:512] + "=" * (-len(value[:512]) % 4), validate=True)
    except ValueError:
        return False


def _commands(text: str) -> Iterator[tuple[int, int]]:
    """Passwords after a short flag of a command."""
    if "-" not in text:
        return
    for found in _USER_FLAGS.matches(text):
        if not found["value"].isdigit() and is_secret(found["value"], Meaning.SECRET, Binding.DIRECT):
            yield found.span("value")
    for command in _COMMANDS.matches(text):
        stop = text.find("\n", command.end(), command.end() + 300)
        stop = stop if stop >= 0 else min(len(text), command.end() + 300)
        for pattern in (_SHORT_FLAG, _HTPASSWD):
            for found in pattern.finditer(text, command.start(), stop):
                if is_secret(found["value"], Meaning.SECRET, Binding.BARE):
                    yield found.span("value")
