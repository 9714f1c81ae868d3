"""Between LSP's values and ours."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lsprotocol import types
from support.bench import Bench, make_offer

from plum_lsp.domain.suggestion import Abstention, AbstentionReason, RequestId, Tier
from plum_lsp.domain.text import Document, PositionEncoding, Span
from plum_lsp.report.evidence import documentation_markdown, evidence_data, evidence_text
from plum_lsp.server.completion import shows_markdown
from plum_lsp.server.convert import (
    code_points_of,
    completion_item,
    inline_item,
    offer_of,
    range_of,
    to_encoding,
    to_position,
)

PROTOCOL = (Path(__file__).parents[2] / "docs" / "protocol.md").read_text()
TEXT = st.text(alphabet="ab \t\r\n\f\v\x85\u2028é漢😀", max_size=40)


@given(TEXT, st.data(), st.sampled_from(PositionEncoding))
def test_positions_come_back(text: str, data: st.DataObject, encoding: PositionEncoding) -> None:
    """An offset sent to the editor and back is the same offset, unless it lay inside a line end."""
    document = Document(uri="file:///a.py", version=1, text=text, encoding=encoding)
    offset = data.draw(st.integers(0, len(text)))
    if text[offset - 1 : offset + 1] == "\r\n":
        return
    where = range_of(document, Span(start=offset, end=offset)).start
    assert document.offset_at(to_position(where)) == offset


def test_an_item_replaces_on_one_line_only() -> None:
    """A hole that reaches further is cut at its first line end."""
    document = Document(uri="file:///a.py", version=1, text="def f():\n      \n\nx = 1\n")
    item = inline_item(make_offer("return 1", hole=Span(start=13, end=16)), document)
    assert item.range == types.Range(types.Position(1, 4), types.Position(1, 6))
    assert item.filter_text == "  return 1"


def test_a_menu_entry_keeps_the_indentation() -> None:
    """Its edit starts behind the indentation, so that the editor filters by what is typed."""
    document = Document(uri="file:///a.py", version=1, text="def f():\n\tre")
    item = completion_item(make_offer("turn 1\n", hole=Span(start=12, end=12)), document, shows_markdown=True)
    assert isinstance(item.text_edit, types.TextEdit)
    assert item.text_edit.range.start == types.Position(1, 1)
    assert item.text_edit.new_text == "return 1\n"
    assert item.label == "return 1"


def test_a_menu_that_shows_markdown_as_it_is_written_gets_none() -> None:
    """Kate is such an editor; both forms say what would be inserted and why."""
    document = Document(uri="file:///a.py", version=1, text="def f():\n\t")
    offer = make_offer("return 1\n", hole=Span(start=10, end=10))
    for is_shown, kind in ((True, types.MarkupKind.Markdown), (False, types.MarkupKind.PlainText)):
        shown = completion_item(offer, document, shows_markdown=is_shown).documentation
        assert isinstance(shown, types.MarkupContent)
        assert shown.kind is kind
        assert "return 1" in shown.value
        assert offer.chosen.reason in shown.value
        assert ("```" in shown.value) is is_shown


def menu(*formats: types.MarkupKind) -> types.CompletionClientCapabilities:
    """A menu that lists these formats, or none."""
    item = types.ClientCompletionItemOptions(documentation_format=formats or None)
    return types.CompletionClientCapabilities(completion_item=item)


@pytest.mark.parametrize(
    ("completion", "is_shown"),
    [
        (None, False),
        (types.CompletionClientCapabilities(), False),
        (menu(), True),
        (menu(types.MarkupKind.Markdown, types.MarkupKind.PlainText), True),
        (menu(types.MarkupKind.PlainText), False),
    ],
)
def test_who_shows_markdown(completion: types.CompletionClientCapabilities | None, is_shown: bool) -> None:
    """Whoever lists it, and whoever has a menu and lists nothing: Helix and Eglot show Markdown, Kate names no menu."""
    document = types.TextDocumentClientCapabilities(completion=completion)
    assert shows_markdown(types.ClientCapabilities(text_document=document)) is is_shown
    assert not shows_markdown(types.ClientCapabilities())


def test_encodings_default_to_utf_16() -> None:
    """As LSP says."""
    assert to_encoding(None) is PositionEncoding.UTF16
    assert to_encoding(types.PositionEncodingKind.Utf8) is PositionEncoding.UTF8
    assert to_encoding("utf-32") is PositionEncoding.UTF32


def test_an_offer_is_found_in_what_an_editor_sends_back() -> None:
    """And nonsense holds none."""
    assert offer_of({"item": {"command": {"arguments": ["o"]}}}) == "o"
    for nonsense in (None, [], {}, {"item": 3}, {"item": {"command": None}}, {"item": {"command": {"arguments": []}}}):
        assert offer_of(nonsense) is None


def test_units_taken_become_code_points() -> None:
    """Surrogate pairs count two on the wire, and CRLF is one line end to us."""
    assert code_points_of("a😀b", 3) == 2
    assert code_points_of("a\r\nb", 4) == 3
    assert code_points_of("ab", 99) == 2


def test_evidence_survives_markdown() -> None:
    """Code that looks like Markdown stays code."""
    offer = make_offer('return """```"""')
    shown = documentation_markdown(offer)
    assert shown.startswith("````python\nreturn")
    assert "**verified**: passes 1 of 1 test" in shown
    assert "- ✓ `>>> add(1, 2) 3` gave `3` (doctest)" in shown
    assert "  ✓ >>> add(1, 2) 3 [doctest, gave 3]" in evidence_text(offer)


def test_evidence_is_plain_data() -> None:
    """It goes over the wire as it is, and its keys are documented."""
    abstention = Abstention(request_id=RequestId("r"), reason=AbstentionReason.DEADLINE, detail="late")
    for result in (make_offer(tier=Tier.CHECKED), abstention):
        data = evidence_data(result)
        assert json.loads(json.dumps(data)) == data
        assert all(f"`{key}`" in PROTOCOL for key in data)
    assert evidence_text(abstention) == "nothing offered: late"


def test_every_command_and_notification_is_documented() -> None:
    """docs/protocol.md names all that is registered, and nothing of ours that is not."""
    manager = Bench().make().protocol.fm
    registered = {*manager.commands, *(name for name in manager.features if name.startswith("textDocument/"))}
    ordinary = {types.TEXT_DOCUMENT_DID_OPEN, types.TEXT_DOCUMENT_DID_CHANGE, types.TEXT_DOCUMENT_DID_CLOSE}
    assert all(f"`{name}`" in PROTOCOL for name in registered - ordinary)
    named = set(re.findall(r"`(plum\.(?!md)\w+|textDocument/\w+)`", PROTOCOL)) - {types.TEXT_DOCUMENT_COMPLETION}
    assert named <= registered


def test_the_provider_of_commands_names_each() -> None:
    """The row `executeCommandProvider` lists what an editor may execute."""
    (row,) = re.findall(r"^\| `executeCommandProvider` \|.*$", PROTOCOL, re.MULTILINE)
    assert set(re.findall(r"`(plum\.\w+)`", row)) == set(Bench().make().protocol.fm.commands)
