"""Text from elsewhere cannot become markup, a command or something unseen, wherever it is shown."""

from __future__ import annotations

import re
import unicodedata

from hypothesis import example, given
from hypothesis import strategies as st
from support.markup import AUTOMATIC_LINK, HOSTILE, PARSERS, prose, shapes

from plum_lsp.domain.display import (
    hidden_characters,
    markdown_block,
    markdown_span,
    markdown_text,
    message,
    one_line,
    visible,
)


@given(HOSTILE)
@example("```\n[run](command:x)\n```\n**verified**: passes 9 of 9 tests")
@example("~~~\n```\n~~~~")
def test_a_block_is_one_block(text: str) -> None:
    """No parser finds anything but one block of code, and its text is what was given."""
    source = markdown_block(text, "python")
    assert shapes(f"**ours**\n\n{source}\n\n**ours**") == [*OURS, "fence", *OURS]
    (fence,) = PARSERS[0].parse(source)
    assert fence.info == "python"
    assert fence.content == visible(text.replace("\r\n", "\n").replace("\r", "\n")) + "\n"


@given(HOSTILE)
def test_a_span_is_one_span(text: str) -> None:
    """No parser finds anything but one piece of inline code, wherever it stands in a line."""
    span = markdown_span(text)
    expected = ["paragraph_open", "inline", "text", "code_inline", "text", "paragraph_close"]
    if span:
        assert shapes(f"gave {span} then") == expected
        assert one_line(text) == PARSERS[0].parse(span)[1].children[0].content.strip()  # type: ignore[index]
    else:
        assert not text.split()


@given(HOSTILE)
@example("1. one")
@example("see https://e.example/ now")
@example("a www.e.example b")
def test_prose_is_words_and_inline_code(text: str) -> None:
    """At the start of a line, too: no list, heading, quotation, link, picture or emphasis comes out of it."""
    source = markdown_text(text)
    if source:
        assert set(shapes(source)) <= {"paragraph_open", "inline", "text", "code_inline", "paragraph_close"}
        assert not AUTOMATIC_LINK.search(prose(source))


def test_plain_words_stay_plain() -> None:
    """What is said in our own words reads as prose."""
    told = "passes 3 of 3 tests; about 97% likely to be right"
    assert markdown_text(told) == told
    assert markdown_text("fails f(1) == 2 here") == "fails `f(1) == 2` here"


OURS = ["paragraph_open", "inline", "text", "strong_open", "text", "strong_close", "text", "paragraph_close"]


@given(HOSTILE)
def test_a_message_holds_no_link_and_no_icon(text: str) -> None:
    """Neither `[text](command:…)` nor `$(icon)`, which some editors draw in messages and status lines."""
    told = message(text)
    assert not re.search(r"\]\s*\(|\$\(|\]\[|\]:", re.sub(r"\] +", "] ", told).replace("] (", "").replace("] [", ""))
    assert not re.search(r"\]\((?:https?://|command:|file:)", told)


@given(st.text())
def test_nothing_that_is_shown_is_hidden(text: str) -> None:
    """Whatever the terminal, no control or format character but a tab or a line feed is left."""
    shown = visible(text)
    left = {one for one in shown if unicodedata.category(one) in {"Cc", "Cf", "Cs", "Zl", "Zp"}}
    assert left <= {"\t", "\n"}
    assert not hidden_characters(shown)
    assert (shown == text) == (not hidden_characters(text))
    shown.encode()


def test_every_control_and_format_character_is_hidden() -> None:
    """All of Unicode's, not a list of those that were thought of."""
    every = map(chr, range(0x110000))
    wanted = {one for one in every if unicodedata.category(one) in {"Cc", "Cf", "Cs", "Zl", "Zp"}} - {"\t", "\n"}
    assert wanted <= hidden_characters("".join(map(chr, range(0x110000))))


def test_a_symbol_keeps_its_drawing() -> None:
    """A variation selector after a symbol is text; after a letter it hides something."""
    assert visible("⚠️") == "⚠️"
    assert visible("a\ufe0f") == "a\\ufe0f"
