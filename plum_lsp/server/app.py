"""Assembles the server: routes each request to its part, and begins and ends a connection. It makes no decisions."""

from __future__ import annotations

import asyncio
import logging
import traceback
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

from lsprotocol import types
from pygls.exceptions import JsonRpcException, JsonRpcMethodNotFound
from pygls.lsp.server import LanguageServer
from pygls.uris import to_fs_path

from plum_lsp import __version__
from plum_lsp.domain import display
from plum_lsp.domain.errors import PlumError
from plum_lsp.domain.events import Event, Revised
from plum_lsp.domain.ports import Clock
from plum_lsp.domain.text import Document
from plum_lsp.project.desk import ProjectDesk, Reply, without_ours
from plum_lsp.report.installation import as_typed_here
from plum_lsp.server.commands import Commands
from plum_lsp.server.completion import Completion
from plum_lsp.server.connection.frames import bodies
from plum_lsp.server.connection.parent import Parent
from plum_lsp.server.connection.protocol import UNREADABLE, PlumProtocol, converter
from plum_lsp.server.connection.transport import Reader, Writer
from plum_lsp.server.convert import to_change, to_encoding, to_version, uri_of
from plum_lsp.server.inline_completion import InlineCompletion
from plum_lsp.server.metrics import MetricsPage
from plum_lsp.server.outcomes import OutcomeDesk
from plum_lsp.server.progress import shown_progress
from plum_lsp.server.services import OpenServices, ServiceKeeper, Trouble
from plum_lsp.server.session import Session
from plum_lsp.server.settings import SECTION, Load, SettingsKeeper
from plum_lsp.server.standing import CHANGED, as_params
from plum_lsp.server.status import METHOD, READY, Alarm, Kind, Status, StatusBar
from plum_lsp.server.status import as_params as status_params
from plum_lsp.store import Store
from plum_lsp.suggestion.services import Services

logger = logging.getLogger(__name__)

PULL_SECONDS_MAX = 2.0
"""An editor may claim that it can be asked for settings and then not answer. The services must still open."""
_TELLS_TEXT = (types.TEXT_DOCUMENT_DID_OPEN, types.TEXT_DOCUMENT_DID_CHANGE)
CAPABILITY = "plum"
"""Keys that an editor may set under `capabilities.experimental`. docs/protocol.md documents them."""


class PlumServer(LanguageServer):
    """The language server of one connection."""

    protocol: PlumProtocol

    def __init__(
        self, *, load: Load, open_services: OpenServices, clock: Clock, is_remote: bool, is_child: bool
    ) -> None:
        super().__init__(
            "plum-lsp",
            __version__,
            text_document_sync_kind=types.TextDocumentSyncKind.Incremental,
            protocol_cls=PlumProtocol,
            converter_factory=converter,
            max_workers=1,
        )
        self._complained: set[str] = set()
        self._alarm = Alarm(partial(self._show, types.MessageType.Error))
        self.editor_shows_status = False
        self.settings_turn = 0
        self.parent = Parent() if is_child else None
        services = ServiceKeeper(open_services, self, working=self._working)
        self.session = Session(
            clock=clock,
            settings=SettingsKeeper(load, self.complain),
            services=services,
            outcomes=OutcomeDesk(lambda: _store_of(services.now)),
            status=StatusBar(self._tell, hear=self._hear),
            tell_revised=self._tell_revised,
            projects=ProjectDesk(self._ask_for_trust, self.complain, is_remote=is_remote),
        )
        self.metrics_page = MetricsPage(self.session.metrics, self.complain)

    async def serve(self, reader: Reader, writer: Writer) -> int:
        """Serve one connection until it ends for any reason. Returns the exit status.

        When this returns, every process that was started for the connection has ended.
        """
        self.protocol.set_writer(writer)
        session = self.session
        keeper = asyncio.create_task(session.services.run(session.show_readiness))
        try:
            await self._attend(reader)
        except (asyncio.IncompleteReadError, ConnectionError):
            logger.info("the editor left in the middle of a message")
        except asyncio.CancelledError:
            logger.info("asked to end by a signal")
        finally:
            self.protocol.close_writer()
            self.metrics_page.close()
            session.supersede_all()
            await session.finish()
            await session.outcomes.finish()
            keeper.cancel()
            await asyncio.wait([keeper])
        return self.protocol.exit_code

    async def _attend(self, reader: Reader) -> None:
        """Handle messages until the editor sends `exit`, closes the stream, or has ended itself."""
        reading = asyncio.create_task(self._read(reader))
        waits = [reading, *([asyncio.create_task(self.parent.gone())] if self.parent else [])]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            if reading.done():
                reading.result()
            else:
                logger.warning("the process that initialize names as the editor's has ended")
        finally:
            for wait in waits:
                wait.cancel()
            await asyncio.gather(*waits, return_exceptions=True)

    async def _read(self, reader: Reader) -> None:
        async for body in bodies(reader):
            try:
                self.protocol.take(body)
            except Exception as error:  # noqa: BLE001 (the boundary of a message, which the next line logs)
                self.report_server_error(error, JsonRpcException)
            if self.protocol.stopping.is_set():
                return

    def record(self, event: Event) -> None:
        """Take one event of the pipeline."""
        self.session.record(event)

    def complain(self, problem: str) -> None:
        """Show a problem to the user. A repeated problem is shown once."""
        if problem not in self._complained:
            self._complained.add(problem)
            self._show(types.MessageType.Warning, problem)

    def report_server_error(self, error: Exception, source: object) -> None:
        """Log an error that reached the boundary. pygls would show a pop-up for each.

        The message of an error outside `PlumError` may quote source text, so only its kind and place are logged.
        """
        if isinstance(error, JsonRpcMethodNotFound):
            logger.debug("unknown method")
            return
        cause = error.__cause__ or error
        frames = traceback.extract_tb(cause.__traceback__)
        place = f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else "unknown place"
        message = str(cause) if isinstance(cause, PlumError) else type(cause).__name__
        logger.error("a message could not be handled: %s (%s)", message, place)
        logger.debug("the same with its message", exc_info=cause)

    def _show(self, kind: types.MessageType, message: str) -> None:
        self.window_show_message(types.ShowMessageParams(kind, f"plum-lsp: {display.message(as_typed_here(message))}"))

    def _hear(self, status: Status) -> None:
        if not self.editor_shows_status:
            self._alarm.hear(status)

    def _tell(self, status: Status) -> None:
        if self.editor_shows_status:
            self.protocol.notify(METHOD, status_params(status))

    def _tell_revised(self, event: Revised) -> None:
        """Tell that an offer has changed. An answer with the offer that is about to be sent goes before it."""
        asyncio.get_running_loop().call_soon(self.protocol.notify, CHANGED, as_params(event))

    async def _ask_for_trust(self, folder: Path) -> Reply:
        """Ask the user whether a folder's code may be executed. Without an answer, the reply is `later`."""
        message = (
            f"plum-lsp: do you trust {display.message(str(folder))}? If you do, suggestions are tested in the sandbox "
            "with its packages, modules and tests. Until you do, none of that is executed."
        )
        actions = [types.MessageActionItem(reply.value) for reply in Reply]
        params = types.ShowMessageRequestParams(types.MessageType.Info, message, actions)
        try:
            answer = await self.window_show_message_request_async(params)
        except JsonRpcException as error:
            logger.warning("the editor did not ask whether a folder is trusted: %s", type(error).__name__)
            return Reply.LATER
        return next((reply for reply in Reply if answer is not None and reply.value == answer.title), Reply.LATER)

    @asynccontextmanager
    async def _working(self, title: str) -> AsyncIterator[None]:
        """Show that work is going on. Afterwards the earlier status returns, unless a newer one was shown meanwhile."""
        status, shown = self.session.status, Status(busy=True, kind=Kind.NORMAL, message=title)
        before = status.last
        status.show_idle(shown)
        try:
            async with shown_progress(self, title):
                yield
        finally:
            if status.last == shown:
                status.show(before or READY)


def create_server(
    *,
    load: Load,
    open_services: OpenServices,
    clock: Clock,
    is_remote: bool = False,
    is_child: bool = False,
) -> PlumServer:
    """A server that is ready to serve one connection.

    Args:
        load: merges the editor's layer of the settings over the layers below it. It must not raise for bad settings.
        open_services: opens the services that answer requests. It is called again when settings change. A `PlumError`
            becomes a status.
        clock: the clock of the deadlines, the same as the pipeline's.
        is_remote: whether the editor comes over TCP, and so names no program.
        is_child: whether the editor started this process. The process that it names is then on this machine.
    """
    server = PlumServer(load=load, open_services=open_services, clock=clock, is_remote=is_remote, is_child=is_child)
    Commands(server.session).register(server)
    _register_start(server)
    _register_documents(server)
    _register_suggestions(server)
    return server


def _register_start(server: PlumServer) -> None:
    session = server.session

    @server.feature(types.INITIALIZE)
    def initialize(params: types.InitializeParams) -> None:
        if server.parent is not None:
            server.parent.tell(params.process_id)
        server.editor_shows_status = _says(params, "status")
        uris = [folder.uri for folder in params.workspace_folders or ()] or [params.root_uri or ""]
        session.projects.start(params.initialization_options, _paths(uris))
        session.settings.start(without_ours(params.initialization_options), _paths(uris))
        session.outcomes.editor_tells_shown = _says(params, "reportsShown")
        session.revisions.editor_hears = _says(params, "offerChanges")
        session.editor_cycles = _says(params, "cycles")
        workspace = params.capabilities.workspace
        session.editor_applies = workspace is not None and workspace.apply_edit is True
        if not _has_inline_completion(params) or _says(params, "completionItems"):
            options = types.CompletionOptions(trigger_characters=["\n", ":", " "])
            server.feature(types.TEXT_DOCUMENT_COMPLETION, options)(
                partial(Completion(session, params.capabilities).answer)
            )

    @server.feature(types.INITIALIZED)
    async def initialized(_: types.InitializedParams) -> None:
        await _register_for_settings(server)
        await _take_settings(server, None)

    @server.feature(types.WORKSPACE_DID_CHANGE_CONFIGURATION)
    async def did_change_configuration(params: types.DidChangeConfigurationParams) -> None:
        await _take_settings(server, params.settings)

    @server.feature(types.WORKSPACE_DID_CHANGE_WORKSPACE_FOLDERS)
    def did_change_workspace_folders(_: types.DidChangeWorkspaceFoldersParams) -> None:
        session.projects.move(_paths(server.workspace.folders))
        session.settings.move(_paths(server.workspace.folders))
        session.apply_settings()

    @server.feature(types.SHUTDOWN)
    def shutdown(_: None) -> None:
        session.supersede_all()


def _register_documents(server: PlumServer) -> None:
    session = server.session

    @server.feature(types.TEXT_DOCUMENT_DID_OPEN)
    def did_open(params: types.DidOpenTextDocumentParams) -> None:
        item = params.text_document
        encoding = to_encoding(server.server_capabilities.position_encoding)
        version = to_version(item.version) or 0
        document = Document(uri=item.uri, version=version, text=item.text, encoding=encoding)
        session.open(document, language_id=item.language_id)

    @server.feature(types.TEXT_DOCUMENT_DID_CHANGE)
    def did_change(params: types.DidChangeTextDocumentParams) -> None:
        target = params.text_document
        session.change(target.uri, map(to_change, params.content_changes), version=to_version(target.version))

    @server.feature(types.TEXT_DOCUMENT_DID_CLOSE)
    def did_close(params: types.DidCloseTextDocumentParams) -> None:
        session.close(params.text_document.uri)

    @server.feature(UNREADABLE)
    def unreadable(params: Mapping[str, Any]) -> None:
        if params["method"] in _TELLS_TEXT:
            session.lose(uri_of(params["params"]))


def _register_suggestions(server: PlumServer) -> None:
    inline = InlineCompletion(server.session)
    server.feature(types.TEXT_DOCUMENT_INLINE_COMPLETION, types.InlineCompletionOptions())(partial(inline.answer))


async def _register_for_settings(server: PlumServer) -> None:
    """Register for changes of settings, if the editor supports it (LSP 3.18, "DidChangeConfiguration")."""
    workspace = server.client_capabilities.workspace
    told = workspace.did_change_configuration if workspace else None
    if told is None or not told.dynamic_registration:
        return
    method = types.WORKSPACE_DID_CHANGE_CONFIGURATION
    registration = types.Registration(id=f"plum-{method}", method=method, register_options={"section": SECTION})
    await _answered(server.client_register_capability_async(types.RegistrationParams([registration])))


async def _take_settings(server: PlumServer, pushed: object) -> None:
    """Take settings that the editor pushed, or else pull them if the editor supports that.

    A pulled answer is dropped if newer settings were taken while it was on its way.
    """
    server.settings_turn += 1
    turn = server.settings_turn
    workspace = server.client_capabilities.workspace
    if pushed is None and workspace is not None and workspace.configuration:
        item = types.ConfigurationItem(section=SECTION)
        answer = await _answered(server.workspace_configuration_async(types.ConfigurationParams([item])))
        if turn != server.settings_turn:
            return
        pushed = answer[0] if answer else None
    server.session.settings.take(pushed)
    server.session.apply_settings()
    server.metrics_page.serve_at(server.session.settings.current.metrics.port)


async def _answered(question: Any) -> Any:
    """The editor's response. None if there is no response, or if it is an error."""
    try:
        async with asyncio.timeout(PULL_SECONDS_MAX):
            return await question
    except (TimeoutError, JsonRpcException) as error:
        logger.warning("the editor did not answer a question: %s", type(error).__name__)
        return None


def _paths(uris: Iterable[str]) -> list[Path]:
    """The folders of a workspace that are on this machine."""
    return [Path(path) for uri in uris if uri and (path := to_fs_path(uri))]


def _has_inline_completion(params: types.InitializeParams) -> bool:
    document = params.capabilities.text_document
    return document is not None and document.inline_completion is not None


def _says(params: types.InitializeParams, name: str) -> bool:
    """Whether the editor sets a key under `experimental.plum`."""
    experimental: Any = params.capabilities.experimental
    ours = experimental.get(CAPABILITY) if isinstance(experimental, dict) else None
    return isinstance(ours, dict) and ours.get(name) is True


def _store_of(state: Services | Trouble | None) -> Store | None:
    return state.store if isinstance(state, Services) else None
