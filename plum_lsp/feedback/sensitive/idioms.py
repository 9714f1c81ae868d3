"""Finds secrets that stand at a fixed place of a phrase: of a command, a statement, a configuration file, a sentence.

Each phrase is looked for only in a text that holds one of its marks, and reaches a bounded way.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from plum_lsp.feedback.sensitive.names import Meaning, meaning
from plum_lsp.feedback.sensitive.values import Binding, is_secret, looks_random
from plum_lsp.feedback.starts import Starts

_VALUE = r"(?P<value>[^\s\"'`|<>,;()\[\]{}]{4,256}+)"
_QUOTED = r"[\"'](?P<value>[^\"'\n]{4,256}+)[\"']"
_EITHER = r"\\?[\"']?(?P<value>[^\s\"'`|<>,;()\[\]{}\\]{4,256}+)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Idiom:
    """A phrase. A group `name` of its pattern says what the value means. Without one, it is a password."""

    marks: tuple[str, ...]
    pattern: re.Pattern[str]
    binding: Binding = Binding.BARE
    is_random: bool = False
    """Whether the value must look random: what is sent in such a place is not always a secret."""
    starts: Starts | None = None
    """The same pattern, if its matches begin with one of a few texts."""

    def matches(self, text: str) -> Iterator[re.Match[str]]:
        """Where the phrase stands in a text."""
        return self.starts.matches(text) if self.starts else self.pattern.finditer(text)


def _idiom(
    marks: str, pattern: str, binding: Binding = Binding.BARE, *, is_random: bool = False, starts: str = ""
) -> Idiom:
    """`starts` are in lower case, and stand in any case."""
    compiled = re.compile(pattern)
    return Idiom(
        marks=tuple(marks.split()),
        pattern=compiled,
        binding=binding,
        is_random=is_random,
        starts=Starts(compiled, starts, is_caseless=True) if starts else None,
    )


IDIOMS = (
    # commands
    _idiom("sudo", rf"\b(?:echo|printf)[ \t]+(?:-\w+[ \t]+)?{_EITHER}\\?[\"']?[ \t]*\|[ \t]*sudo\b"),
    _idiom("--stdin -stdin", rf"\b(?:echo|printf)[ \t]+(?:-\w+[ \t]+)?{_EITHER}\\?[\"']?[ \t]*\|[^\n]{{1,100}}-stdin"),
    _idiom("echo printf", rf"\b(?:echo|printf)[ \t]+(?:-\w+[ \t]+)?{_EITHER}\\?[\"']?[ \t]*\|[^\n]{{0,60}}"
        r"(?:secrets?|login|luks\w*|passw\w*|unlock|vault|credential\w*)\b"),
    _idiom("chpasswd", r"[\"']?[\w.-]{1,64}:(?P<value>[^\s\"':|]{4,128}+)[\"']?[ \t]*\|[ \t]*(?:sudo[ \t]+)?chpasswd"),
    _idiom("openssl", r"[ \t]-K[ \t]+[\"']?(?P<value>[0-9A-Fa-f]{16,128}+)(?![\w-])"),
    _idiom("chpasswd:", r"(?m)^[ \t]+(?:-[ \t]+)?[a-z_][\w-]{0,31}:(?P<value>[^\s\"':]{4,128}+)[ \t]*$"),
    _idiom("user", rf"\b[Nn]et1?(?:\.exe)?[ \t]+user[ \t]+[\w.-]{{1,64}}[ \t]+{_EITHER}", starts="net"),
    _idiom("configure config", rf"\bconfig(?:ure)?[ \t]+set[ \t]+(?P<name>[\w.:/-]{{1,100}})[ \t=]+{_EITHER}"),
    _idiom(
        "secret variable",
        rf"\b(?:secrets?|variable)[ \t]+(?:set|put|create|add)[ \t]+(?P<name>[\w.-]{{1,64}})"
        rf"[^\n]{{0,60}}[ \t](?:--body|-b|--value|-v|--data|--secret-string)[ =]{_EITHER}",
    ),
    _idiom(
        "SecureString",
        rf"SecureString[ \t]+(?:-String[ \t]+)?{_QUOTED}"
        r"|SecureString[^\n]{0,40}-String[ \t]+[\"'](?P<other>[^\"'\n]{4,256})",
        Binding.DIRECT,
    ),
    _idiom("expect", r"\bexpect\b[^\n]{0,100}(?:assword|assphrase|PIN)[^\n]{0,40}\n[ \t]*send\b[^\n\"']{0,20}"
        r"[\"'](?P<value>[^\"'\n\\]{4,128}+)", Binding.DIRECT),
    # statements
    _idiom(
        "variable",
        r"\bvariable[ \t]+\"?(?P<name>[\w-]{1,64})\"?[ \t]*\{[^{}]{0,400}?\bdefault[ \t]*=[ \t]*"
        r"\\?\"(?P<value>[^\"\n\\]{4,512}+)",
        Binding.DIRECT,
    ),
    _idiom("IDENTIFIED identified", rf"(?i:\bidentified[ \t]+with[ \t]+[\w.'\"]{{1,64}}[ \t]+(?:by|as))"
        rf"[ \t]+{_QUOTED}", Binding.DIRECT),
    _idiom("PASSWORD password", rf"(?i:\bpassword)[ \t]*\([ \t]*{_QUOTED}[ \t]*\)", Binding.DIRECT),
    # configuration files
    _idiom("auth-pass", rf"\bauth-pass[ \t]+[\w.-]{{1,64}}[ \t]+{_EITHER}"),
    _idiom("createUser", rf"\bcreateUser[ \t]+[^\s]{{1,64}}[ \t]+(?:MD5|SHA\S{{0,4}})[ \t]+{_EITHER}"),
    _idiom("PSK XAUTH EAP", rf":[ \t]+(?:PSK|XAUTH|EAP)[ \t]+{_EITHER}"),
    _idiom("*", r"(?m)^[ \t]*[\"']?[\w.@-]{1,64}[\"']?[ \t]+\*[ \t]+[\"']?"
        r"(?P<value>[^\s\"'=(),]{4,128}+)[\"']?[ \t]+\*[ \t]*$"),
    _idiom('" "', r"(?m)^[ \t]*\"[\w.-]{1,64}\"[ \t]+\"(?P<value>[^\s\"]{4,128}+)\"[ \t]*$"),
    _idiom("]: @", r"(?m)^[ \t#]*\[?[\w.-]{1,128}\]?(?::\d{2,5})?[ \t]+[\w.+-]{1,64}(?:@[\w.-]{1,128})?:"
        r"(?P<value>[^\s:\"'/]{4,128}+)[ \t]*$"),
    _idiom("stringData", r"(?m)^[ \t]+[\w.-]{1,128}:[ \t]+[\"']?(?P<value>[^\s\"':]{4,512}+)[\"']?[ \t]*$"),
    _idiom("community", rf"\br[ow]community6?[ \t]+{_VALUE}"
        r"|\bcommunity[ \t]+(?P<other>[^\s\"']{4,64}+)[ \t]+(?:R[OW]|r[ow])\b"),
    _idiom("secret password", r"(?m)^[ \t]*[\w -]{0,64}\b(?:secret|password)[ \t]+\d[ \t]+"
        r"(?P<value>[^\s\"']{4,256}+)[ \t]*$"),
    _idiom("auth", rf"(?m)^[ \t]*stats[ \t]+auth[ \t]+[\w.-]{{1,64}}:{_VALUE}"),
    _idiom("IDENTIFY identify", rf"(?i:\bidentify)[ \t]+(?:\w{{1,32}}[ \t]+)?{_VALUE}", starts="identify"),
    # addresses
    _idiom("?appid= &appid= ?key= &key=", r"[?&](?:appid|key)=(?P<value>[\w-]{16,256}+)", is_random=True),
    _idiom("/v2/ /v3/", r"://[\w.-]{1,128}/v[23]/(?P<value>[A-Za-z0-9_-]{32}(?![\w/-]))", is_random=True),
    _idiom("?code= &code=", r"[?&]code=(?P<value>[\w./~%-]{16,512}+)", is_random=True),
    # tests and notes
    _idiom("::test", r"::\w{0,80}(?:login|auth|passw|secret|token|cred)\w{0,80}\[(?:[^\]\s]{0,100}-)?"
        r"(?P<value>[^\]\s-]{8,128}+)\]"),
    _idiom("seed key secret Seed Key Secret", r"(?i)\b(?:2fa|mfa|t?otp|authenticator)[\w ]{0,20}[:=][ \t]*"
        r"(?P<value>[A-Z0-9]{4}(?:[ -][A-Z0-9]{4}){3,15})\b", starts="2fa mfa totp otp authenticator"),
    _idiom("codes Codes CODES", r"(?i)\b(?:recovery|backup|rescue)[ -]codes?\b[^\n\w]{0,4}\n"
        r"(?P<value>(?:[ \t]*(?:[-*\d][.)]?[ \t]+)?[a-z\d]{4,8}(?:[- ][a-z\d]{4,8}){1,3}[ \t]*(?:\n|\Z)){1,16})"),
    # sentences
    _idiom("pass Pass", r"(?i)\bpass(?:word|phrase|code)\b[ \w]{0,40}[ \t](?:is|was|=|:)[ \t]*"
        r"[\"'“](?P<value>[^\"'”\n]{4,128}+)[\"'”]", starts="pass"),
    _idiom(
        "/ :",
        r"(?i)\b(?:log[ -]?in|sign[ -]?in|creds?|credentials?|account|use|using|user|admin)"
        r"(?:[ \t]+(?:as|with|is|are|use))?"
        r"[ \t]*[:=]?[ \t]+[\"'`]{0,2}[a-z][\w.@-]{0,63}[\"'`]{0,2}(?:[ \t]+/[ \t]+|:)[\"'`]{0,2}"
        r"(?P<value>[^\s\"'`,;:/()\[\]{}]{4,128}+)",
        starts="log sign cred account us admin",
    ),
    _idiom(
        "/",
        r"(?i:\b(?:admin|administrator|root|postgres|superuser|guest|sa))[ \t]+/[ \t]+[\"'`]?"
        r"(?P<value>(?=[^\s\"'`]{0,60}\d)(?=[^\s\"'`]{0,60}[A-Z!#$%&*+=?@^~_-])[^\s\"'`,;:/()\[\]{}]{6,128}+)",
        starts="admin root postgres superuser guest sa",
    ),
)  # fmt: skip


def secrets_in_idioms(text: str) -> Iterator[tuple[int, int]]:
    """The spans of secrets, in no order. They may overlap."""
    for idiom in IDIOMS:
        if not any(mark in text for mark in idiom.marks):
            continue
        if idiom.marks == ("stringData",) and "kind: Secret" not in text:
            continue
        for found in idiom.matches(text):
            groups = found.groupdict()
            group = "value" if groups["value"] else "other"
            value = groups[group].rstrip(".:!?\\") if groups[group] else ""
            means = meaning(groups["name"]) if "name" in groups else Meaning.SECRET
            if (looks_random(value) or not idiom.is_random) and is_secret(value, means, idiom.binding):
                yield found.start(group), found.start(group) + len(value)
