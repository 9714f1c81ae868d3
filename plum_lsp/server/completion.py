"""`textDocument/completion`: the offer as an entry of the menu, for editors without inline completion."""

from __future__ import annotations

from lsprotocol import types

from plum_lsp.domain.suggestion import Trigger
from plum_lsp.server.convert import completion_item, to_position
from plum_lsp.server.session import Session


class Completion:
    """Answers the request with at most one entry. Menus mix it with the entries of other servers."""

    def __init__(self, session: Session, capabilities: types.ClientCapabilities) -> None:
        self._session = session
        self._shows_markdown = shows_markdown(capabilities)

    async def answer(self, params: types.CompletionParams) -> types.CompletionList:
        """The offer for the document as it is now, if there is one.

        The list is marked incomplete, so that the editor asks again as the user types and does not filter an old offer.
        """
        kind = params.context.trigger_kind if params.context else types.CompletionTriggerKind.Invoked
        trigger = Trigger.INVOKED if kind is types.CompletionTriggerKind.Invoked else Trigger.AUTOMATIC
        answer = await self._session.ask(
            params.text_document.uri, to_position(params.position), trigger, adds_imports=True
        )
        markdown = self._shows_markdown
        items = [completion_item(answer.offer, answer.document, shows_markdown=markdown)] if answer else []
        return types.CompletionList(is_incomplete=True, items=items)


def shows_markdown(capabilities: types.ClientCapabilities) -> bool:
    """Whether the menu shows Markdown.

    It does in an editor that lists no format (Helix, Eglot), but not in one that reports no menu capabilities (Kate).
    """
    document = capabilities.text_document
    completion = document.completion if document else None
    item = completion.completion_item if completion else None
    return item is not None and types.MarkupKind.Markdown in (item.documentation_format or [types.MarkupKind.Markdown])
