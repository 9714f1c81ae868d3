"""Converts between LSP's values and the domain's: positions, triggers, items. Pure. It does not choose offers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from lsprotocol import types

from plum_lsp.domain.display import one_line
from plum_lsp.domain.suggestion import Offer, OfferId, Trigger
from plum_lsp.domain.text import Document, Position, PositionEncoding, Span
from plum_lsp.domain.unwanted import Selected
from plum_lsp.python.reading.import_lines import new_imports
from plum_lsp.report.evidence import documentation_markdown, documentation_text
from plum_lsp.report.marks import offer_label
from plum_lsp.server.connection.texts import NO_VERSION
from plum_lsp.server.documents import Change

ACCEPT = "plum.accept"
"""The command of an item. Editors run it after they insert the item, so it shows that the user accepted."""

_LINE_END = re.compile(r"\r\n|\n|\r")


def to_encoding(kind: types.PositionEncodingKind | str | None) -> PositionEncoding:
    """The agreed unit of positions. Without an agreement it is UTF-16, as LSP says."""
    return PositionEncoding(str(getattr(kind, "value", kind) or PositionEncoding.UTF16.value))


def to_position(position: types.Position) -> Position:
    """An LSP position as a `Position`. The units stay those of the document."""
    return Position(line=position.line, character=position.character)


def to_change(event: types.TextDocumentContentChangeEvent) -> Change:
    """One edit of a `didChange`."""
    if isinstance(event, types.TextDocumentContentChangePartial):
        return Change(text=event.text, start=to_position(event.range.start), end=to_position(event.range.end))
    return Change(text=event.text)


def to_version(version: int) -> int | None:
    """The version of a document. None if the editor does not count it."""
    return None if version == NO_VERSION else version


def to_trigger(kind: types.InlineCompletionTriggerKind) -> Trigger:
    """Whether the user asked, or the editor asked while the user typed."""
    return Trigger.INVOKED if kind is types.InlineCompletionTriggerKind.Invoked else Trigger.AUTOMATIC


def range_of(document: Document, span: Span) -> types.Range:
    """A span of the document as an LSP range in the document's units."""
    start, end = document.position_at(span.start), document.position_at(span.end)
    return types.Range(types.Position(start.line, start.character), types.Position(end.line, end.character))


def line_end_of(text: str) -> str:
    """The first line end of a text, or `\\n` if it has none."""
    match = _LINE_END.search(text)
    return match[0] if match else "\n"


def inserted_text(offer: Offer, document: Document) -> str:
    """The text that the editor inserts: the offer with the document's own line ends."""
    return _LINE_END.sub(line_end_of(document.text), offer.text)


def to_selected(info: types.SelectedCompletionInfo | None, document: Document | None) -> Selected | None:
    """The entry that is selected in the editor's menu, if there is one."""
    if info is None or document is None:
        return None
    start, end = (document.offset_at(to_position(place)) for place in (info.range.start, info.range.end))
    return Selected(span=Span(start=min(start, end), end=max(start, end)), text=info.text)


def inline_items(
    offers: Iterable[Offer], document: Document, selected: Selected | None
) -> list[types.InlineCompletionItem]:
    """The offers as ghost text. With a selected entry, only those that go on from its text, in its range.

    LSP 3.18 asks for this in `InlineCompletionContext`.
    """
    if selected is None:
        return [inline_item(offer, document) for offer in offers]
    found = []
    for offer in offers:
        whole = selected.extended(inserted_text(offer, document), document.text, offer.hole)
        if whole is not None:
            item = inline_item(offer, document)
            item.range, item.insert_text = range_of(document, selected.span), whole
            item.filter_text = document.text[selected.span.start : selected.span.end] + whole
            found.append(item)
    return found


def inline_item(offer: Offer, document: Document) -> types.InlineCompletionItem:
    """The offer as ghost text.

    The range must lie on one line (LSP 3.18), so only the first line of a longer hole is replaced. Editors hide an item
    unless its `filterText` starts with the text it replaces, so the `filterText` begins with that text.
    """
    text = inserted_text(offer, document)
    replaced = _first_line_of(document, offer.hole)
    return types.InlineCompletionItem(
        insert_text=text,
        filter_text=document.text[replaced.start : replaced.end] + text,
        range=range_of(document, replaced),
        command=_accept_command(offer),
    )


def completion_item(offer: Offer, document: Document, *, shows_markdown: bool) -> types.CompletionItem:
    """The offer as an entry of the completion menu, for editors without inline completion.

    Its text edit starts at the first character of the cursor's line, because menus filter by the text there.
    """
    text = inserted_text(offer, document)
    hole = _first_line_of(document, offer.hole)
    head = Span(start=_line_start(document.text, hole.start), end=hole.start)
    written = document.text[head.start : head.end]
    typed = written.lstrip()
    edited = Span(start=head.end - len(typed), end=hole.end)
    first, *rest = _LINE_END.split(text.strip("\r\n"))
    return types.CompletionItem(
        label=one_line(typed + first) + (" …" if rest else ""),
        label_details=types.CompletionItemLabelDetails(description=offer_label(offer)),
        detail=f"{offer_label(offer)}: {one_line(offer.chosen.reason)}",
        documentation=_documentation(offer, shows_markdown=shows_markdown),
        kind=types.CompletionItemKind.Snippet if rest else types.CompletionItemKind.Text,
        preselect=True,
        sort_text="\x20",
        filter_text=typed + text,
        insert_text_format=types.InsertTextFormat.PlainText,
        insert_text_mode=types.InsertTextMode.AsIs,
        text_edit=types.TextEdit(range=range_of(document, edited), new_text=typed + text),
        additional_text_edits=import_edits(offer, document) or None,
        command=_accept_command(offer),
        data={"offer": offer.id},
    )


def import_edits(offer: Offer, document: Document) -> list[types.TextEdit]:
    """The edit that adds the imports of an offer to a document, unless they are there already."""
    lines = set(_LINE_END.split(document.text))
    missing = [statement for statement in offer.chosen.candidate.imports if statement not in lines]
    made = new_imports(document.text, missing) if missing else None
    if made is None:
        return []
    text = _LINE_END.sub(line_end_of(document.text), made.text)
    return [types.TextEdit(range=range_of(document, Span(start=made.offset, end=made.offset)), new_text=text)]


def offer_of(params: object) -> OfferId | None:
    """The offer that a notification names. The command of its `item` carries the id."""
    item = params.get("item") if isinstance(params, Mapping) else None
    command = item.get("command") if isinstance(item, Mapping) else None
    arguments = command.get("arguments") if isinstance(command, Mapping) else None
    if isinstance(arguments, list) and arguments and isinstance(arguments[0], str):
        return OfferId(arguments[0])
    return None


def uri_of(params: object) -> str | None:
    """The document that unread parameters name. None if they name none."""
    target = params.get("textDocument") if isinstance(params, Mapping) else None
    uri = target.get("uri") if isinstance(target, Mapping) else None
    return uri if isinstance(uri, str) else None


def code_points_of(text: str, utf16_units: int) -> int:
    """How many code points of `text`, each line end counted once, its first `utf16_units` UTF-16 units hold."""
    counted = 0
    for index, character in enumerate(text):
        counted += 2 if ord(character) > 0xFFFF else 1
        if counted > utf16_units:
            return len(_LINE_END.sub("\n", text[:index]))
    return len(_LINE_END.sub("\n", text))


def _documentation(offer: Offer, *, shows_markdown: bool) -> types.MarkupContent:
    if shows_markdown:
        return types.MarkupContent(types.MarkupKind.Markdown, documentation_markdown(offer))
    return types.MarkupContent(types.MarkupKind.PlainText, documentation_text(offer))


def _accept_command(offer: Offer) -> types.Command:
    return types.Command(title="plum: accepted", command=ACCEPT, arguments=[offer.id])


def _first_line_of(document: Document, span: Span) -> Span:
    """`span` up to the first line end within it."""
    match = _LINE_END.search(document.text, span.start, span.end)
    return Span(start=span.start, end=match.start()) if match else span


def _line_start(text: str, offset: int) -> int:
    """The offset of the first character of the line that `offset` is on."""
    return max(text.rfind("\n", 0, offset), text.rfind("\r", 0, offset)) + 1
