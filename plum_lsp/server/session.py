"""One editor's connection: its documents, its services, and the path from a request to an answer.

It decides whether a request is worth answering and whether an answer is too late. The pipeline decides what to offer.
The module does not know LSP types.
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial

from plum_lsp.domain.errors import told
from plum_lsp.domain.events import Ended, Event, Revised
from plum_lsp.domain.ports import Clock
from plum_lsp.domain.suggestion import Abstention, AbstentionReason, Offer, RequestId, SuggestionRequest, Trigger
from plum_lsp.domain.text import Document, Position, has_line, is_unicode
from plum_lsp.domain.unwanted import Selected, Unwanted
from plum_lsp.project.desk import ProjectDesk
from plum_lsp.project.privacy import refusal
from plum_lsp.server.documents import LANGUAGE, Change, OpenDocument, unserved
from plum_lsp.server.metrics import Metrics, end_of
from plum_lsp.server.outcomes import OutcomeDesk
from plum_lsp.server.services import ServiceKeeper, Trouble
from plum_lsp.server.settings import SettingsKeeper
from plum_lsp.server.standing import Answer, Revisions, StandingAnswers
from plum_lsp.server.status import PAUSED, READY, SLOW, STARTING, Kind, Status, StatusBar, ready_status
from plum_lsp.server.unwanted import UnwantedTexts
from plum_lsp.suggestion.debounce import Debounce
from plum_lsp.suggestion.pipeline import broken, error_name
from plum_lsp.suggestion.plan import SECONDS_MAX
from plum_lsp.suggestion.services import Services

logger = logging.getLogger(__name__)


class Session:
    """The state of one connection. All of its code runs on one event loop."""

    def __init__(
        self,
        *,
        clock: Clock,
        settings: SettingsKeeper,
        services: ServiceKeeper,
        outcomes: OutcomeDesk,
        status: StatusBar,
        projects: ProjectDesk,
        tell_revised: Callable[[Revised], None],
    ) -> None:
        self.clock = clock
        self.settings = settings
        self.services = services
        self.outcomes = outcomes
        self.status = status
        self.projects = projects
        self.metrics = Metrics()
        self.documents: dict[str, OpenDocument] = {}
        self.last_result: Offer | Abstention | None = None
        self.debounce = Debounce()
        self.editor_cycles = False
        """Whether a repeated request of the user at the same place asks for an alternative to the current offer."""
        self.editor_applies = False
        """Whether the editor applies edits that the server asks for."""
        self._standing = StandingAnswers(outcomes)
        self.unwanted = UnwantedTexts(clock.now)
        self.revisions = Revisions(outcomes, self._standing, self.unwanted, status, tell_revised)
        self._looking: set[asyncio.Task[None]] = set()
        self._stages_ms: dict[RequestId, dict[str, float]] = {}

    def record(self, event: Event) -> None:
        """Take one event of the pipeline. The services are opened with this recorder."""
        if isinstance(event, Ended):
            self._stages_ms[event.request_id] = event.stages_ms
        elif isinstance(event, Revised):
            self._revise(event)
        self.metrics.record(event)
        self.status.record(event)

    def _revise(self, event: Revised) -> None:
        opened = self.documents.get(self.outcomes.uri_of(event.offer.id))
        stands = self.revisions.take(event, opened.version if opened else None)
        if stands and self.last_result is not None and self.last_result.request_id == event.request_id:
            self.last_result = event.result

    def leave(self, uri: str) -> None:
        """The last offer for a document is no longer on the screen, or will not be for long."""
        if isinstance(state := self.services.now, Services):
            state.pipeline.leave(uri)

    # Documents

    def open(self, document: Document, *, language_id: str) -> None:
        """A document was opened. The first one that plum-lsp serves triggers the loading of the policy."""
        self.close(document.uri)
        self.documents[document.uri] = OpenDocument(document, language_id=language_id)
        if language_id == LANGUAGE:
            self.services.warm_up()
            self.look_at_project(document.uri)

    def look_at_project(self, uri: str) -> None:
        """Find a document's project, ask about trust if necessary, and open its sandbox in advance."""
        task = asyncio.create_task(self._look_at_project(uri))
        self._looking.add(task)
        task.add_done_callback(self._looking.discard)

    def projects_changed(self) -> None:
        """Find the projects of the open documents again, because their projects or their trust may have changed."""
        for uri, opened in self.documents.items():
            if opened.language_id == LANGUAGE:
                self.look_at_project(uri)

    async def finish(self) -> None:
        """Cancel the tasks that find projects."""
        for task in self._looking:
            task.cancel()
        await asyncio.gather(*self._looking, return_exceptions=True)

    async def _look_at_project(self, uri: str) -> None:
        said = self.status.last
        standing = await self.projects.consider(uri)
        state = await self.services.get()
        if self.status.last in (said, STARTING, READY):  # the end of a request that came meanwhile stays
            self.show_readiness(state)
        if standing is None or not isinstance(state, Services) or (project := standing.usable) is None:
            return
        logger.info(
            "a project is used: %d import roots, environment %s", len(project.import_roots), bool(project.environment)
        )
        problem, _ = await asyncio.gather(state.pipeline.sandboxes.prepare(project), state.read_ahead(project))
        if problem:
            self.status.show_idle(Status(busy=False, kind=Kind.WARNING, message=problem))

    def change(self, uri: str, changes: Iterable[Change], *, version: int | None) -> None:
        """A document changed. A change of a document that is not open is dropped."""
        opened = self.documents.get(uri)
        if opened is not None:
            self.leave(uri)
            was_lost, before = opened.is_lost, opened.snapshot
            opened.change(changes, version=version)
            self.unwanted.changed(before, opened.snapshot)
            self.documents[uri] = self.documents.pop(uri)  # keeps the order: last edited last
            if not opened.is_lost:
                self.outcomes.edited(opened.snapshot)
            elif not was_lost:
                self._forget(uri)

    def lose(self, uri: str | None) -> None:
        """A message about a document's text could not be read. None means that it may have been about any document."""
        for known, opened in self.documents.items():
            if uri in {None, known} and not opened.is_lost:
                opened.lose()
                self._forget(known)

    def _forget(self, uri: str) -> None:
        """The offers for a document were made for a text that the editor no longer has."""
        logger.warning("a document gets no suggestions until its full text comes, because a change was not readable")
        self._standing.forget(uri)
        self.outcomes.closed(uri)

    def focus(self, uri: str) -> None:
        """The user looks at a document."""
        opened = self.documents.get(uri)
        if opened is not None and opened.language_id == LANGUAGE:
            self.services.warm_up()

    def close(self, uri: str) -> None:
        """A document was closed, so its requests are no longer needed."""
        opened = self.documents.pop(uri, None)
        self.leave(uri)
        self.debounce.forget(uri)
        self._standing.forget(uri)
        self.unwanted.forget(uri)
        if opened is not None:
            opened.supersede()
            self.outcomes.closed(uri)

    def apply_settings(self) -> None:
        """Apply the current settings. Requests to services that are about to close are ended first."""
        self.projects.configure(self.settings.current)
        if self.services.want(self.settings.current):
            self.supersede_all()
        if self.settings.current.privacy.paused:
            self.supersede_all()
            self.status.show(PAUSED)
        else:
            self.show_readiness(self.services.now)

    def supersede_all(self) -> None:
        """End every request in flight."""
        for opened in self.documents.values():
            opened.supersede()

    def show_readiness(self, state: Services | Trouble | None) -> None:
        """Report whether the services are ready, and what to do if they are not."""
        if self.settings.current.privacy.paused:
            return
        if state is None:
            self.status.show_idle(STARTING)
        elif isinstance(state, Trouble):
            self.status.show_idle(Status(busy=False, kind=Kind.ERROR, message=told(state.error), reason=state.reason))
        elif state.problems:
            self.status.show_idle(Status(busy=False, kind=Kind.WARNING, message=" ".join(state.problems)))
        else:
            self.status.show_idle(ready_status(self.projects.last))

    # Requests

    async def ask(
        self,
        uri: str,
        position: Position,
        trigger: Trigger,
        *,
        adds_imports: bool | None = None,
        selected: Selected | None = None,
    ) -> Answer | None:
        """The answer to a request for the current document. None if there is none, or if it came too late.

        Args:
            adds_imports: whether the editor adds imports together with the answer. None: if it applies edits.
            selected: the entry of the editor's menu that the answer must go on from.

        Raises:
            asyncio.CancelledError: the editor cancelled the request.
        """
        opened = self.documents.get(uri)
        if opened is None or opened.language_id != LANGUAGE:
            self.last_result = unserved(opened)
            return None
        standing = self._repeated(opened.snapshot, position, trigger)
        request = self._request(opened.snapshot, position, trigger, standing)
        unwanted = replace(request.unwanted, selected=selected)
        adds_imports = self.editor_applies if adds_imports is None else adds_imports
        request = replace(request, adds_imports=adds_imports, unwanted=unwanted)
        if not has_line(request.document.text, position):
            self._beyond(request)
            return None
        kept = self._standing.typed_into(request) or self._standing.news(request)
        if kept is not None and await self._forbidden(request) is None:
            return self._answered_again(request, kept, opened)
        if trigger is Trigger.AUTOMATIC and self.outcomes.ends_accepted(request.document, request.offset):
            self.show_readiness(self.services.now)
            return None
        end = "cancelled"
        self.revisions.expect(request.id)
        try:
            result = await opened.run(partial(self._considered, request))
            is_stale = self.documents.get(uri) is not opened or opened.version != request.document.version
            result = self.revisions.latest(request.id, result)
            end = end_of(result, is_stale=is_stale)
        finally:
            self.revisions.latest(request.id, None)
            self._log(request, end)
        if result is None or is_stale:
            return None
        if isinstance(result, Abstention):
            self.last_result = standing.offers[-1] if standing else result
            return standing
        self.last_result = result
        self.outcomes.offered(result, request.document, is_alternative=standing is not None)
        offers = (*(standing.offers if standing else ()), result)
        answer = Answer(offers=offers, document=request.document, offset=request.offset)
        self._standing.keep(answer)
        return answer

    def _beyond(self, request: SuggestionRequest) -> None:
        """No answer, because the document does not have the line. The editor then has another text."""
        detail = "The cursor is on a line that this file does not have here. Close and open the file."
        self.last_result = _abstain(request, AbstentionReason.TEXT_UNKNOWN, detail)
        self.status.show_end(self.last_result)
        self._log(request, end_of(self.last_result, is_stale=False))

    def _answered_again(self, request: SuggestionRequest, kept: Answer, opened: OpenDocument) -> Answer | None:
        """The answer from offers that still stand, with the labels that they have now."""
        if opened.version != request.document.version:
            return None
        for offer in () if self.revisions.editor_hears else kept.offers:
            self.outcomes.labelled(offer.id, offer.chosen.tier)
        self._log(request, f"{'repeated' if kept.is_news else 'typed_through'} offer={kept.offers[-1].id}")
        return kept

    def _repeated(self, document: Document, position: Position, trigger: Trigger) -> Answer | None:
        """The offers for this same request, if the user repeats it to see an alternative."""
        if not self.editor_cycles or trigger is not Trigger.INVOKED:
            return None
        return self._standing.at(document, document.offset_at(position))

    def _request(
        self, document: Document, position: Position, trigger: Trigger, standing: Answer | None
    ) -> SuggestionRequest:
        return SuggestionRequest(
            id=RequestId(uuid.uuid4().hex),
            document=document,
            offset=document.offset_at(position),
            trigger=trigger,
            deadline=self.clock.now() + self.settings.current.offers.deadline_ms / 1000,
            recent_rejections=self.outcomes.recent_rejections(),
            open_documents=tuple(
                opened.snapshot
                for uri, opened in reversed(self.documents.items())
                if uri != document.uri and opened.language_id == LANGUAGE
            ),
            unwanted=Unwanted(
                seen=frozenset(offer.chosen.candidate.fingerprint for offer in (standing.offers if standing else ())),
                texts=self.unwanted.of(document.uri, trigger),
            ),
            folders=self.settings.folders,
        )

    async def _considered(self, request: SuggestionRequest) -> Offer | Abstention:
        """The answer to an allowed request, or why the request is refused."""
        return await self._refusal(request) or await self._answer(request)

    async def _forbidden(self, request: SuggestionRequest) -> Abstention | None:
        """The refusal by settings and ignore files, read in a thread because files may be long and folders slow."""
        return await asyncio.to_thread(refusal, request.id, request.document.uri, self.settings.current.privacy)

    async def _refusal(self, request: SuggestionRequest) -> Abstention | None:
        """Why a request is refused before it reaches the services."""
        document = request.document
        try:
            async with asyncio.timeout(max(0.0, request.deadline - self.clock.now())):
                result = await self._forbidden(request)
        except TimeoutError:
            result = _abstain(request, AbstentionReason.DEADLINE, "The folders of the file did not answer in time.")
        opened = self.documents.get(document.uri)
        if result is None and opened is not None and opened.is_lost:
            detail = "The last change of this file could not be read. Close and open it to have suggestions again."
            result = _abstain(request, AbstentionReason.TEXT_UNKNOWN, detail)
        if result is None and not (is_unicode(document.uri) and is_unicode(document.text)):
            detail = "The file contains an unpaired UTF-16 surrogate. Remove it."
            result = _abstain(request, AbstentionReason.NOTHING_TO_COMPLETE, detail)
        if result is not None:
            self.status.show_end(result)
        return result

    async def _answer(self, request: SuggestionRequest) -> Offer | Abstention:
        if request.trigger is Trigger.AUTOMATIC:
            await asyncio.sleep(self.debounce.pause_seconds(request.document.uri, self.clock.now()))
        started = self.clock.now()
        try:
            async with asyncio.timeout(max(0.0, request.deadline - self.clock.now())):
                state = await self.services.get()
        except TimeoutError:
            result = _abstain(request, AbstentionReason.DEADLINE, "plum-lsp was still starting.")
        else:
            if isinstance(state, Services):
                state.pipeline.make_way(request.document.uri)
                looked_up = asyncio.to_thread(state.assign, request)
                project, assignment = await asyncio.gather(self.projects.usable(request.document.uri), looked_up)
                suggested = await self._suggested(state, replace(request, project=project, assignment=assignment))
                self.debounce.answered(self.clock.now() - started)
                return suggested
            result = _abstain(request, state.reason, told(state.error))
        self.status.show_end(result)
        return result

    async def _suggested(self, services: Services, request: SuggestionRequest) -> Offer | Abstention:
        """The pipeline's answer. One that takes long says so.

        The pipeline must not raise. If it does, the user sees a message and the server goes on.
        """
        slow = asyncio.get_running_loop().call_later(SECONDS_MAX, self.status.show, SLOW)
        try:
            return await services.pipeline.suggest(request)
        except Exception as error:
            # The message and the traceback may quote source text.
            logger.error("request=%s broke: %s", request.id, error_name(error))
            logger.debug("request=%s broke", request.id, exc_info=error)
            result = broken(request, error)
            self.status.show_end(result)
            return result
        finally:
            slow.cancel()

    def _log(self, request: SuggestionRequest, end: str) -> None:
        """Write the log line of a request (stripe.com/blog/canonical-log-lines): ids and times, never text or paths."""
        stages = self._stages_ms.pop(request.id, {})
        self.metrics.request_ended(end.split(" ")[0], stages)
        started = request.deadline - self.settings.current.offers.deadline_ms / 1000
        total_ms = (self.clock.now() - started) * 1000
        logger.info(
            "request=%s version=%d trigger=%s end=%s total_ms=%.1f%s",
            request.id,
            request.document.version,
            request.trigger.value,
            end,
            total_ms,
            "".join(f" {stage}_ms={reached:.1f}" for stage, reached in stages.items()),
        )


def _abstain(request: SuggestionRequest, reason: AbstentionReason, detail: str) -> Abstention:
    return Abstention(request_id=request.id, reason=reason, detail=detail)
