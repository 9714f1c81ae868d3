"""An editor that drives the real server, in the words of somebody who uses one.

    async with Editor.running(policy_url=policy.url, folder=tmp_path) as editor:
        offer = await editor.suggest('def add(a, b):\n    \"\"\">>> add(1, 2)\n    3\"\"\"\n    ‸')
        assert offer.text == "return a + b" and offer.is_verified
        await editor.accept(offer)

`‸` marks the cursor. Leaving the editor fails the test if the server showed a message that the test did not read.
Speaks the protocol through pytest-lsp's client, which checks the server against the capabilities it announced.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lsprotocol import types
from pygls.io_ import run_async
from pygls.protocol import default_converter
from pytest_lsp import LanguageClient
from pytest_lsp.client import register_lsp_features

from support.caches import cache_in

CURSOR = "‸"
PLUM_LSP = str(Path(sys.executable).with_name("plum-lsp"))
PATIENCE_SECONDS = 90.0
"""For anything the server does by itself; a busy machine is slow, a lost message never comes."""


def capabilities(
    *,
    inline: bool = True,
    encodings: tuple[str, ...] = (),
    pull: bool = False,
    progress: bool = False,
    reports_shown: bool = False,
    shows_status: bool = True,
    hears_changes: bool = False,
) -> types.ClientCapabilities:
    """What an editor can do, on top of what every editor can."""
    completion = types.CompletionClientCapabilities(
        completion_item=types.ClientCompletionItemOptions(
            documentation_format=[types.MarkupKind.Markdown, types.MarkupKind.PlainText], label_details_support=True
        )
    )
    result = types.ClientCapabilities(
        text_document=types.TextDocumentClientCapabilities(completion=completion),
        window=types.WindowClientCapabilities(work_done_progress=progress),
        workspace=types.WorkspaceClientCapabilities(configuration=pull),
        general=types.GeneralClientCapabilities(
            position_encodings=[types.PositionEncodingKind(encoding) for encoding in encodings] or None
        ),
    )
    assert result.text_document is not None
    assert result.workspace is not None
    if inline:
        result.text_document.inline_completion = types.InlineCompletionClientCapabilities()
    if pull:
        result.workspace.did_change_configuration = types.DidChangeConfigurationClientCapabilities(
            dynamic_registration=True
        )
    says = {"reportsShown": reports_shown, "status": shows_status, "offerChanges": hears_changes}
    result.experimental = {"plum": says}
    return result


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggested:
    """An offer as the editor got it, and what `plum.explain` told of it."""

    item: types.InlineCompletionItem
    evidence: Mapping[str, Any]
    uri: str

    @property
    def text(self) -> str:
        """What would be inserted."""
        assert isinstance(self.item.insert_text, str)
        return self.item.insert_text

    @property
    def id(self) -> str:
        """The offer's id, from the item's command."""
        assert self.item.command is not None
        assert self.item.command.arguments is not None
        offer_id = self.item.command.arguments[0]
        assert isinstance(offer_id, str)
        return offer_id

    @property
    def tier(self) -> str:
        """How strong the evidence is."""
        return str(self.evidence["tier"])

    @property
    def is_verified(self) -> bool:
        """Whether it passed every example."""
        return self.tier == "verified"


@dataclass(slots=True, kw_only=True)
class _Buffer:
    text: str
    version: int
    cursor: int


@dataclass(slots=True)
class Editor:
    """One editor window. `text`, `type` and `suggest` are about the buffer opened last."""

    client: LanguageClient
    capabilities: types.ClientCapabilities
    statuses: list[dict[str, Any]] = field(default_factory=list)
    changes: list[dict[str, Any]] = field(default_factory=list)
    """What was told of offers after they were made."""
    log: list[str] = field(default_factory=list)
    buffers: dict[str, _Buffer] = field(default_factory=dict)
    folder: Path | None = None
    uri: str = ""
    answer: types.InitializeResult | None = None
    registrations: list[types.Registration] = field(default_factory=list)
    questions: list[str] = field(default_factory=list)
    reply: str = ""
    _news: asyncio.Event = field(default_factory=asyncio.Event)
    _opened: int = 0
    _messages_read: int = 0

    # Life

    @classmethod
    @contextlib.asynccontextmanager
    async def running(
        cls,
        *,
        folder: Path,
        policy_url: str = "",
        api_key: str = "scripted-key",
        settings: Mapping[str, Any] | None = None,
        environ: Mapping[str, str] | None = None,
        able: types.ClientCapabilities | None = None,
        command: tuple[str, ...] = (PLUM_LSP, "serve", "--stdio"),
        trusted: bool | None = None,
        reply: str = "",
    ) -> AsyncIterator[Editor]:
        """An editor with the real server process; the data stays in `folder`, the workspace is `folder/work`.

        `trusted` is what the editor says of its folders; `reply` is what its user answers to every question.
        """
        editor = cls(_client(), able or capabilities(), folder=folder, reply=reply)
        editor._listen()
        workspace = folder / "work"
        workspace.mkdir(exist_ok=True)
        await _start(editor, command, _environment(folder, policy_url, api_key, environ or {}))
        try:
            await editor.initialize(settings, workspace, trusted=trusted)
            yield editor
            await editor.leave()
        except BaseException:
            print("\n".join(editor.log), file=sys.stderr)
            raise
        finally:
            await editor.kill()

    @classmethod
    @contextlib.asynccontextmanager
    async def connected(
        cls,
        serve: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Any],
        *,
        settings: Mapping[str, Any] | None = None,
        able: types.ClientCapabilities | None = None,
        workspace: Path | None = None,
        trusted: bool | None = None,
        reply: str = "",
    ) -> AsyncIterator[Editor]:
        """An editor with a server in this process, over a real connection; see `running`."""
        editor = cls(_client(), able or capabilities(), reply=reply)
        editor._listen()
        ended: asyncio.Future[int] = asyncio.get_running_loop().create_future()

        async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            ended.set_result(await serve(reader, writer))
            writer.close()

        listener = await asyncio.start_server(accept, "127.0.0.1", 0)
        reader, writer = await asyncio.open_connection(*listener.sockets[0].getsockname()[:2])
        editor.client.protocol.set_writer(writer)
        protocol = editor.client.protocol
        loop = asyncio.create_task(run_async(editor.client._stop_event, reader, protocol))
        try:
            await editor.initialize(settings, workspace, trusted=trusted)
            yield editor
            await editor.leave()
        finally:
            writer.close()
            async with asyncio.timeout(PATIENCE_SECONDS):
                await ended
                await loop
                with contextlib.suppress(OSError):
                    await writer.wait_closed()
            listener.close()

    @classmethod
    @contextlib.asynccontextmanager
    async def over_tcp(
        cls, host: str, port: int, *, token: str, settings: Mapping[str, Any] | None = None
    ) -> AsyncIterator[Editor]:
        """An editor with a server that listens already."""
        editor = cls(_client(), capabilities())
        editor._listen()
        await editor.client.start_tcp(host, port)
        writer = editor.client.protocol.writer
        assert isinstance(writer, asyncio.StreamWriter)
        try:
            await editor.initialize(settings, None, token=token)
            yield editor
            await editor.leave()
            await editor.client.stop()
        finally:
            writer.close()  # the library leaves its end of the connection open
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def initialize(
        self,
        settings: Mapping[str, Any] | None,
        workspace: Path | None,
        *,
        token: str = "",
        trusted: bool | None = None,
    ) -> None:
        """Say hello."""
        options: dict[str, Any] = {"plum": dict(settings)} if settings else {}
        if token:
            options["token"] = token
        if trusted is not None:
            options["trusted"] = trusted
        folders = [types.WorkspaceFolder(workspace.as_uri(), "work")] if workspace else None
        self.answer = await self.client.initialize_session(
            types.InitializeParams(
                capabilities=self.capabilities,
                initialization_options=options or None,
                workspace_folders=folders,
            )
        )

    async def leave(self) -> None:
        """Close the window in the orderly way; every message of the server must have been read."""
        if self.client.stopped or (self.process and self.process.returncode is not None):
            return
        async with asyncio.timeout(PATIENCE_SECONDS):
            await self.client.shutdown_session()
        unread = self.messages[self._messages_read :]
        assert not unread, f"the server showed a message that the test did not read: {unread}"

    async def kill(self) -> None:
        """Make sure that nothing is left, however the test went."""
        if self.process is not None and self.process.returncode is None:
            self.process.kill()
        async with asyncio.timeout(PATIENCE_SECONDS):
            await self.client.stop()

    @property
    def process(self) -> asyncio.subprocess.Process | None:
        """The server process; None for a server in this process."""
        return self.client._server

    # Writing

    @property
    def text(self) -> str:
        """The buffer as it is."""
        return self.buffers[self.uri].text

    async def open(
        self, text: str, *, path: str = "", language: str = "python", uri: str = "", language_id: str = ""
    ) -> str:
        """Open a buffer; `‸` marks the cursor, which is at the end without one. Returns its URI."""
        self._opened += 1
        base = (self.folder or Path("/nowhere")) / "work"
        self.uri = uri or (base / (path or f"buffer_{self._opened}.py")).as_uri()
        cursor = text.index(CURSOR) if CURSOR in text else len(text)
        text = text.replace(CURSOR, "", 1)
        self.buffers[self.uri] = _Buffer(text=text, version=1, cursor=cursor)
        self.client.text_document_did_open(
            types.DidOpenTextDocumentParams(types.TextDocumentItem(self.uri, language_id or language, 1, text))
        )
        return self.uri

    async def type(self, text: str) -> None:
        """Insert at the cursor, as one change."""
        cursor = self.buffers[self.uri].cursor
        await self.replace(cursor, cursor, text)

    async def replace(self, start: int, end: int, text: str) -> None:
        """Replace what is between two offsets; the cursor goes to the end of what was inserted."""
        buffer = self.buffers[self.uri]
        where = types.Range(self.position(start), self.position(end))
        buffer.text = buffer.text[:start] + text + buffer.text[end:]
        buffer.version += 1
        buffer.cursor = start + len(text)
        self.client.text_document_did_change(
            types.DidChangeTextDocumentParams(
                types.VersionedTextDocumentIdentifier(buffer.version, self.uri),
                [types.TextDocumentContentChangePartial(range=where, text=text)],
            )
        )

    async def close(self) -> None:
        """Close the buffer."""
        identifier = types.TextDocumentIdentifier(self.uri)
        self.client.text_document_did_close(types.DidCloseTextDocumentParams(identifier))
        del self.buffers[self.uri]

    # Asking

    async def suggest(self, text: str | None = None, *, automatic: bool = False) -> Suggested | None:
        """What is offered at the cursor, of a new buffer if `text` is given; None if nothing is."""
        if text is not None:
            await self.open(text)
        uri = self.uri
        items = await self.ask(automatic=automatic)
        if not items:
            return None
        (item,) = items
        return Suggested(item=item, evidence=await self.explain(), uri=uri)

    async def ask(
        self, *, automatic: bool = False, selected: types.SelectedCompletionInfo | None = None
    ) -> list[types.InlineCompletionItem]:
        """The bare items for the cursor. `selected` is an entry of the menu that the user looks at."""
        kind = types.InlineCompletionTriggerKind
        params = types.InlineCompletionParams(
            context=types.InlineCompletionContext(kind.Automatic if automatic else kind.Invoked, selected),
            text_document=types.TextDocumentIdentifier(self.uri),
            position=self.position(self.buffers[self.uri].cursor),
        )
        async with asyncio.timeout(PATIENCE_SECONDS):
            result = await self.client.text_document_inline_completion_async(params)
        assert isinstance(result, types.InlineCompletionList)
        return list(result.items)

    async def complete(self) -> list[types.CompletionItem]:
        """The entries of the completion menu at the cursor."""
        params = types.CompletionParams(
            text_document=types.TextDocumentIdentifier(self.uri),
            position=self.position(self.buffers[self.uri].cursor),
        )
        async with asyncio.timeout(PATIENCE_SECONDS):
            result = await self.client.text_document_completion_async(params)
        assert isinstance(result, types.CompletionList)
        return list(result.items)

    # Answering

    async def insert(self, offer: Suggested) -> None:
        """Insert an offer as an editor does, without telling."""
        assert offer.item.range is not None
        self.uri = offer.uri
        where = offer.item.range
        await self.replace(self.offset(where.start), self.offset(where.end), offer.text)

    async def accept(self, offer: Suggested) -> Mapping[str, Any]:
        """Insert an offer and run its command, which says that it was accepted."""
        await self.insert(offer)
        assert offer.item.command is not None
        return await self.command(offer.item.command.command, *(offer.item.command.arguments or ()))

    async def reject(self, offer: Suggested, reason: str = "") -> Mapping[str, Any]:
        """Turn an offer down."""
        return await self.command("plum.reject", offer.id, *([reason] if reason else []))

    async def explain(self) -> Mapping[str, Any]:
        """Why the last suggestion was made, or was not."""
        return await self.command("plum.explain")

    async def command(self, name: str, *arguments: Any) -> Mapping[str, Any]:
        """Run a command of the server."""
        params = types.ExecuteCommandParams(command=name, arguments=list(arguments))
        async with asyncio.timeout(PATIENCE_SECONDS):
            result = await self.client.workspace_execute_command_async(params)
        return _plain(result)

    async def send(self, method: str, params: Any) -> Any:
        """Send a request as it is, however wrong."""
        protocol, answer = self.client.protocol, Future[Any]()
        protocol._request_futures[method] = answer
        protocol._send_data({"jsonrpc": "2.0", "id": method, "method": method, "params": params})
        async with asyncio.timeout(PATIENCE_SECONDS):
            return await asyncio.wrap_future(answer)

    def tell(self, method: str, params: Any) -> None:
        """Send a notification as it is, however wrong."""
        self.client.protocol._send_data({"jsonrpc": "2.0", "method": method, "params": params})

    def show(self, offer: Suggested, tier: str = "") -> None:
        """Say that an offer is drawn, or its new label."""
        params = {"item": _wire(offer.item), **({"tier": tier} if tier else {})}
        self.client.protocol.notify("textDocument/didShowCompletion", params)

    def accept_part(self, offer: Suggested, utf16_units: int) -> None:
        """Say that the beginning of an offer was taken."""
        params = {"item": _wire(offer.item), "acceptedLength": utf16_units}
        self.client.protocol.notify("textDocument/didPartiallyAcceptCompletion", params)

    def configure(self, settings: Mapping[str, Any] | None) -> None:
        """Push settings; None only says that they have changed."""
        pushed = {"plum": dict(settings)} if settings is not None else None
        self.client.workspace_did_change_configuration(types.DidChangeConfigurationParams(settings=pushed))

    # Reading

    @property
    def status(self) -> dict[str, Any]:
        """What the status bar says."""
        return self.statuses[-1]

    @property
    def messages(self) -> list[str]:
        """Every message that popped up."""
        return [message.message for message in self.client.messages]

    def read_messages(self) -> list[str]:
        """The messages since the last look."""
        unread = self.messages[self._messages_read :]
        self._messages_read += len(unread)
        return unread

    async def until(self, is_so: Callable[[], object]) -> None:
        """Wait until something the server tells makes this true."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not is_so():
                self._news.clear()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._news.wait(), 0.2)

    async def until_ready(self) -> None:
        """Wait until the services are there, or it is clear that they are not coming."""
        await self.until(lambda: self.statuses and not self.status["busy"])

    def logged(self, words: str) -> list[str]:
        """The lines of the server's log that hold `words`."""
        return [line for line in self.log if words in line]

    # Positions

    def position(self, offset: int) -> types.Position:
        """An offset of the buffer as LSP counts it."""
        before = re.split(r"\r\n|\n|\r", self.text[:offset])
        return types.Position(line=len(before) - 1, character=self._units(before[-1]))

    def offset(self, position: types.Position) -> int:
        """An LSP position as an offset of the buffer."""
        starts = [0, *(match.end() for match in re.finditer(r"\r\n|\n|\r", self.text))]
        start = starts[position.line]
        ends = range(start, len(self.text) + 1)
        return next(end for end in ends if self._units(self.text[start:end]) == position.character)

    def _units(self, text: str) -> int:
        assert self.answer is not None
        agreed = self.answer.capabilities.position_encoding or "utf-16"
        encoding = str(getattr(agreed, "value", agreed))
        width = {"utf-8": 1, "utf-16": 2, "utf-32": 4}[encoding]
        return len(text.encode(encoding if encoding == "utf-8" else f"{encoding}-le")) // width

    # Listening

    def _listen(self) -> None:
        @self.client.feature("didChangeStatus")
        def did_change_status(params: Any) -> None:
            self.statuses.append(_plain(params))
            self._news.set()

        @self.client.feature("plum/didChangeOffer")
        def did_change_offer(params: Any) -> None:
            self.changes.append(_plain(params))
            self._news.set()

        @self.client.feature(types.CLIENT_REGISTER_CAPABILITY)
        def register(params: types.RegistrationParams) -> None:
            self.registrations += params.registrations

        @self.client.feature(types.WINDOW_SHOW_MESSAGE_REQUEST)
        def show_message_request(params: types.ShowMessageRequestParams) -> types.MessageActionItem | None:
            self.questions.append(params.message)
            self._news.set()
            return next((action for action in params.actions or () if action.title == self.reply), None)

    async def read_log(self, stream: asyncio.StreamReader) -> None:
        """Keep what the server writes to standard error."""
        while line := await stream.readline():
            self.log.append(line.decode(errors="replace").rstrip("\n"))
            self._news.set()


def _client() -> LanguageClient:
    client = LanguageClient(converter_factory=default_converter)
    register_lsp_features(client)
    return client


async def _start(editor: Editor, command: tuple[str, ...], environ: Mapping[str, str]) -> None:
    from pygls.lsp.client import LanguageClient as PlainClient

    await PlainClient.start_io(editor.client, *command, env=dict(environ))
    assert editor.process is not None
    assert editor.process.stderr is not None
    editor.client._async_tasks.append(asyncio.create_task(editor.read_log(editor.process.stderr)))


def _environment(folder: Path, policy_url: str, api_key: str, more: Mapping[str, str]) -> dict[str, str]:
    """The server's environment: the user's own settings and data stay out of it."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("PLUM_")}
    config = folder / "config.toml"
    config.touch()
    return {
        **environ,
        "PLUM_CONFIG_FILE": str(config),
        "PLUM_DATA_DIR": str(folder / "data"),
        "PLUM_CACHE_DIR": cache_in(folder),
        **({"PLUM_POLICY_URL": policy_url, "PLUM_POLICY_API_KEY": api_key} if policy_url else {}),
        **more,
    }


def _plain(value: Any) -> Any:
    """What pygls made of JSON it knows no type for, as plain data again."""
    if hasattr(value, "_asdict"):
        return {name: _plain(inner) for name, inner in value._asdict().items()}
    if isinstance(value, dict):
        return {name: _plain(inner) for name, inner in value.items()}
    return [_plain(inner) for inner in value] if isinstance(value, list | tuple) else value


def _wire(item: types.InlineCompletionItem) -> Any:
    """An item as it went over the wire."""
    return default_converter().unstructure(item)
