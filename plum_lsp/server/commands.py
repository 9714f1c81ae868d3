"""Handles the commands and the notifications of Copilot's language server: user actions and explanations.

A command answers with plain data. It never answers with an error that the user did not cause.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial
from typing import Any

from lsprotocol import types
from pygls.lsp.server import LanguageServer

from plum_lsp.domain.suggestion import OfferId, Tier
from plum_lsp.feedback.outcomes import UnlistedTransition
from plum_lsp.report.evidence import explanation
from plum_lsp.server.convert import ACCEPT, import_edits, offer_of, uri_of
from plum_lsp.server.session import Session
from plum_lsp.server.status import EXPLAIN, TRUST, ended_status, ready_status

logger = logging.getLogger(__name__)

REJECT = "plum.reject"
CLOSE = "plum.close"
SELECTED = "plum/didSelectInterpreters"
DID_SHOW = "textDocument/didShowCompletion"
DID_ACCEPT_PART = "textDocument/didPartiallyAcceptCompletion"
DID_FOCUS = "textDocument/didFocus"
REASON_SHOWN_MAX = 80
"""The greatest length of a user's reason in the log, which keeps its lines short."""


class Commands:
    """Answers `workspace/executeCommand` and takes the notifications."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._apply: Callable[[types.ApplyWorkspaceEditParams], object] | None = None

    def register(self, server: LanguageServer) -> None:
        """Register the handlers. They are partials, because pygls sets attributes and a method does not allow that."""
        self._apply = server.workspace_apply_edit
        server.command(ACCEPT)(partial(self.accept))
        server.command(REJECT)(partial(self.reject))
        server.command(CLOSE)(partial(self.close))
        server.command(EXPLAIN)(partial(self.explain))
        server.command(TRUST)(partial(self.trust))
        server.feature(SELECTED)(partial(self.did_select_interpreters))
        server.feature(DID_SHOW)(partial(self.did_show))
        server.feature(DID_ACCEPT_PART)(partial(self.did_accept_part))
        server.feature(DID_FOCUS)(partial(self.did_focus))

    async def accept(self, *arguments: Any) -> dict[str, Any]:
        """`plum.accept [offer]`: the editor inserted the offer. Replies once the outcome is on disk."""
        offer_id = _offer_id(arguments)
        if offer_id is None:
            return _recorded("which offer?")
        problem = await self._session.outcomes.accepted(offer_id)
        self._bring_imports(offer_id)
        return _recorded(problem)

    def _bring_imports(self, offer_id: OfferId) -> None:
        """Let the editor add the imports of an accepted offer. The answer is not waited for."""
        uri, offer = self._session.outcomes.uri_of(offer_id), self._session.outcomes.offer(offer_id)
        opened = self._session.documents.get(uri)
        edits = import_edits(offer, opened.snapshot) if offer is not None and opened is not None else []
        if edits and self._session.editor_applies and self._apply is not None:
            self._apply(types.ApplyWorkspaceEditParams(types.WorkspaceEdit(changes={uri: edits}), "plum: import"))

    async def reject(self, *arguments: Any) -> dict[str, Any]:
        """`plum.reject [offer, reason]`: the user rejected the offer. Without an argument, it means the last offer."""
        if _names_no_offer(arguments):
            return _recorded("which offer?")
        offer_id = _offer_id(arguments) or self._session.outcomes.last
        if offer_id is None:
            return _recorded("there has been no suggestion yet")
        outcomes, unwanted = self._session.outcomes, self._session.unwanted
        unwanted.rejected(outcomes.uri_of(offer_id), outcomes.with_alternatives(offer_id))
        problem = await outcomes.rejected(offer_id)
        self._clear_status(offer_id)
        if len(arguments) > 1 and isinstance(arguments[1], str):
            logger.info("offer=%s rejected because %r", offer_id, arguments[1][:REASON_SHOWN_MAX])
        return _recorded(problem)

    async def close(self, *arguments: Any) -> dict[str, Any]:
        """`plum.close [offer]`: the user closed the offer, by default the last one. This is no judgement."""
        if _names_no_offer(arguments):
            return _recorded("which offer?")
        offer_id = _offer_id(arguments) or self._session.outcomes.last
        if offer_id is None:
            return _recorded("there has been no suggestion yet")
        outcomes, unwanted = self._session.outcomes, self._session.unwanted
        unwanted.closed(outcomes.uri_of(offer_id), outcomes.with_alternatives(offer_id))
        problem = await outcomes.dismissed(offer_id)
        self._clear_status(offer_id)
        return _recorded(problem)

    def _clear_status(self, offer_id: OfferId) -> None:
        """Let the status be ready again, if it still is about an offer that left the screen."""
        self._session.leave(self._session.outcomes.uri_of(offer_id))
        offer = self._session.outcomes.offer(offer_id)
        if offer is not None and self._session.status.last == ended_status(offer):
            self._session.status.show_idle(ready_status(self._session.projects.last))

    def explain(self, *arguments: Any) -> dict[str, Any]:
        """`plum.explain [offer]`: the evidence for that offer, or by default the result of the last request and why."""
        offer_id = _offer_id(arguments)
        result = self._session.outcomes.offer(offer_id) if offer_id else self._session.last_result
        return explanation(result)

    async def trust(self, *arguments: Any) -> dict[str, Any]:
        """`plum.trust [uri]`: the user trusts that document's project, or by default that of the last document."""
        uri = arguments[0] if arguments and arguments[0] is not None else ""
        if not isinstance(uri, str):
            return {"trusted": "", "problem": "the argument is no document URI"}
        folder, problem = await self._session.projects.trust(uri)
        if not problem:
            self._session.projects_changed()
        return {"trusted": folder, "problem": problem}

    def did_select_interpreters(self, params: Any) -> None:
        """The user selected another Python for folders of the workspace."""
        self._session.projects.select(params.get("interpreters") if isinstance(params, dict) else None)
        self._session.projects_changed()

    def did_show(self, params: Any) -> None:
        """The editor drew the offer of `item`, or its new label `tier`."""
        offer_id = offer_of(params)
        if offer_id is not None:
            self._tolerated(self._session.outcomes.shown, offer_id)
            tier = next((one for one in Tier if one.value == params.get("tier")), None)
            if tier is not None:
                self._session.outcomes.labelled(offer_id, tier)

    def did_accept_part(self, params: Any) -> None:
        """The user took `acceptedLength` UTF-16 units of the offer of `item`, counted from its start."""
        offer_id = offer_of(params)
        length = params.get("acceptedLength") if isinstance(params, dict) else None
        if offer_id is not None and isinstance(length, int) and length > 0:
            self._tolerated(self._session.outcomes.partly_accepted, offer_id, length)

    def did_focus(self, params: Any) -> None:
        """The user looks at a document, so the policy is made ready."""
        uri = uri_of(params)
        if uri is not None:
            self._session.focus(uri)

    def _tolerated(self, take: Any, *arguments: Any) -> None:
        """Ignore events that an editor reports in an impossible order."""
        try:
            take(*arguments)
        except UnlistedTransition as error:
            logger.warning("ignored: %s", error)


def _offer_id(arguments: tuple[Any, ...]) -> OfferId | None:
    """The offer that a command names in its first argument, by itself or as `{"offer": id}`."""
    first = arguments[0] if arguments else None
    if isinstance(first, dict):
        first = first.get("offer")
    return OfferId(first) if isinstance(first, str) and first else None


def _names_no_offer(arguments: tuple[Any, ...]) -> bool:
    """Whether the first argument can name no offer. It then does not mean the last offer either."""
    return bool(arguments) and not isinstance(arguments[0], str | dict | None)


def _recorded(problem: str) -> dict[str, Any]:
    return {"recorded": not problem, "problem": problem}
