"""The places where a pattern is tried: none of its matches is missed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plum_lsp.feedback.sensitive import idioms, lines, nearby
from plum_lsp.feedback.sensitive.formats import formats
from plum_lsp.feedback.starts import Starts

PATTERNS = {
    "hints": lines._HINTS,
    "schemes": lines._SCHEMES,
    "flags": lines._USER_FLAGS,
    "commands": lines._COMMANDS,
    "said": nearby._SAID,
    **{f"idiom {one.marks}": one.starts for one in idioms.IDIOMS if one.starts},
    **{f"format {one.service}": one.starts for one in formats() if one.starts},
}
PIECES = (
    *("\n", " ", " / ", ": ", "=", "_", "-", ".", "'", '"', "é", "ſ", "\u212a", "İ", "ł", "\u2028", "\r\n", "x"),
    *("a8Kd92kfLq", "pass", "word", "phrase", "code", "pin", "de", "mot", "de passe", "parola d'ordine", "has"),
    *("identified by", "token", "basic", "key", "login", "user", "root", "curl -u bob:pw12", "secret", "net user bob"),
    *("identify", "is", "ghp_", "sk-", "2fa", "ABCD EFGH IJKL MNOP", "pa\u017f\u017fword", "to\u212aen", "пароль"),
    *("密码", "recovery codes"),
)  # fmt: skip
PLANTED = sorted((Path(__file__).parents[2] / "benchmarks").glob("secrets_planted*.txt"))


def spans(found: object) -> list[tuple[int, int]]:
    """Where matches are."""
    return [one.span() for one in found]  # type: ignore[attr-defined]


@given(st.lists(st.sampled_from(PIECES) | st.text(max_size=4), max_size=12).map("".join))
def test_the_matches_are_those_of_the_pattern(text: str) -> None:
    """No match is missed, and none is added."""
    for name, starts in PATTERNS.items():
        assert spans(starts.matches(text)) == spans(starts.pattern.finditer(text)), name


@pytest.mark.slow
@pytest.mark.parametrize("path", PLANTED, ids=lambda one: one.name)
def test_the_matches_in_planted_secrets_are_those_of_the_pattern(path: Path) -> None:
    """Texts full of secrets have the same matches."""
    text = path.read_text(encoding="utf-8")
    for name, starts in PATTERNS.items():
        assert spans(starts.matches(text)) == spans(starts.pattern.finditer(text)), name


def test_a_letter_that_only_looks_foreign_is_found() -> None:
    """The long s and the sign of Kelvin match letters of ASCII."""
    starts = Starts(re.compile(r"(?i)pass|key"), "pass key", is_caseless=True)
    assert spans(starts.matches("\u212aey\npaſs\nPASS")) == [(0, 3), (4, 8), (9, 13)]


def test_matches_do_not_overlap() -> None:
    """A place within a match begins no other one."""
    assert spans(Starts(re.compile("aba"), "ab").matches("ababa aba")) == [(0, 3), (6, 9)]
