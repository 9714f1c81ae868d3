"""`textDocument/inlineCompletion`: the offer as ghost text. The path to an answer is `session`."""

from __future__ import annotations

from lsprotocol import types

from plum_lsp.server.convert import inline_items, to_position, to_selected, to_trigger
from plum_lsp.server.session import Session


class InlineCompletion:
    """Answers the request. An empty list means that there is no offer. The status says why."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def answer(self, params: types.InlineCompletionParams) -> types.InlineCompletionList:
        """The offer for the document as it is now, if there is one."""
        uri = params.text_document.uri
        opened = self._session.documents.get(uri)
        selected = to_selected(params.context.selected_completion_info, opened.snapshot if opened else None)
        answer = await self._session.ask(
            uri, to_position(params.position), to_trigger(params.context.trigger_kind), selected=selected
        )
        items = inline_items(answer.offers, answer.document, selected) if answer else []
        return types.InlineCompletionList(items=items)
