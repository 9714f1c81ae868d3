"""Changes the behaviour of pygls 2.1: every request gets an answer, and errors never become pop-ups.

`app` registers the features.
"""

from __future__ import annotations

import asyncio
import enum
import json
import logging
import threading
from collections.abc import Generator, Mapping
from functools import partial
from typing import Any

import cattrs
from lsprotocol import types
from pygls.exceptions import JsonRpcException, JsonRpcInvalidParams
from pygls.protocol import JsonRPCNotification, LanguageServerProtocol, default_converter, lsp_method

from plum_lsp.server.connection.lifecycle import Phase, out_of_order
from plum_lsp.server.connection.texts import in_usual_form, is_readable

logger = logging.getLogger(__name__)

UNREADABLE = "$/unreadable"
"""The name within this server for a message that cannot be read. Its parameters are the method and the raw message."""


class PlumProtocol(LanguageServerProtocol):
    """The LSP protocol, with the documents of plum-lsp and an orderly end."""

    def __init__(self, *args: Any, **keywords: Any) -> None:
        super().__init__(*args, **keywords)
        self.stopping = threading.Event()

    def take(self, body: bytes) -> None:
        """Handle one message, or answer why it is not handled."""
        try:
            data = json.loads(body)
        except (ValueError, RecursionError):
            self._refuse(None, types.ErrorCodes.ParseError, "The message is no JSON.")
            return
        if not isinstance(data, dict) or data.get("jsonrpc") != self.VERSION:
            message_id = data.get("id") if isinstance(data, dict) else None
            self._refuse(message_id, types.ErrorCodes.InvalidRequest, "The message is not JSON-RPC 2.0.")
            return
        method = data.get("method")
        if "method" in data and not isinstance(method, str):
            self._refuse(data.get("id"), types.ErrorCodes.InvalidRequest, "The name of a method is a string.")
            return
        if method is not None and (problem := out_of_order(self._phase, method)) is not None:
            logger.warning("a message came out of order: %s", problem.message)
            if "id" in data:
                self._refuse(data["id"], problem.code, problem.message)
            return
        if method is not None:
            data.setdefault("params", None)  # pygls cannot handle an unknown request without them
        self.handle_message(self.structure_message(data))

    @property
    def _phase(self) -> Phase:
        if self._shutdown:
            return Phase.SHUT_DOWN
        return Phase.NEW if self._workspace is None else Phase.RUNNING

    def _refuse(self, message_id: object, code: int, message: str) -> None:
        """Answer with an error. The id is null if the message has none that can be read (JSON-RPC 2.0, section 5)."""
        known = message_id if isinstance(message_id, int | str) else None
        self._send_data({"jsonrpc": self.VERSION, "id": known, "error": {"code": int(code), "message": message}})

    @property
    def exit_code(self) -> int:
        """0 after an orderly `shutdown`, 1 otherwise (LSP 3.18, "Exit Notification")."""
        return 0 if self._shutdown else 1

    def close_writer(self) -> None:
        """Send no more messages, because the connection has ended."""
        self.writer = None

    def _send_data(self, data: Any) -> None:
        """Send one message, unless the connection has ended."""
        if self.writer is not None:
            super()._send_data(data)

    def structure_message(self, data: dict[str, Any]) -> Any:
        """Read one message. A request that cannot be read gets an error. pygls would leave it without an answer."""
        try:
            if "method" in data:
                data["params"] = in_usual_form(data["method"], data.get("params"))
            if not is_readable(data.get("method", ""), data.get("params")):
                raise JsonRpcInvalidParams
            return super().structure_message(data)
        except JsonRpcException as error:
            if "id" in data and "method" in data:
                self._send_response(data["id"], error=error.to_response_error())
            logger.warning("a message could not be read: %s", str(data.get("method", "a response"))[:80])
            params = {"method": data.get("method"), "params": data.get("params")}
            return JsonRPCNotification(method=UNREADABLE, jsonrpc=self.VERSION, params=params)

    def _execute_handler(self, msg_id: Any, *args: Any, **keywords: Any) -> None:
        """Run a handler, and forget it when it has ended. pygls would keep the handler of every notification.

        It is forgotten in a later turn of the event loop, because a shutdown iterates over the handlers and cancels
        them.
        """
        super()._execute_handler(msg_id, *args, **keywords)
        future, loop = self._request_futures.get(msg_id), asyncio.get_running_loop()
        if future is not None:
            forget = partial(self._request_futures.pop, msg_id, None)
            future.add_done_callback(lambda _: loop.call_soon_threadsafe(forget))

    @lsp_method(types.EXIT)
    def lsp_exit(self, *_: Any) -> Generator[Any, Any, None]:
        """Let the main loop end by itself. pygls would raise `SystemExit` inside it."""
        self.stopping.set()
        yield from ()

    @lsp_method(types.TEXT_DOCUMENT_DID_CHANGE)
    def lsp_text_document__did_change(self, params: types.DidChangeTextDocumentParams) -> Generator[Any, Any, None]:
        """Leave the edits to the handler in `app`, because pygls counts lines differently (see `documents`)."""
        handler = self.fm.features.get(types.TEXT_DOCUMENT_DID_CHANGE)
        if handler is not None:
            yield handler, (params,), None

    @lsp_method(types.TEXT_DOCUMENT_DID_OPEN)
    def lsp_text_document__did_open(self, params: types.DidOpenTextDocumentParams) -> Generator[Any, Any, None]:
        """Keep no second copy of the text."""
        handler = self.fm.features.get(types.TEXT_DOCUMENT_DID_OPEN)
        if handler is not None:
            yield handler, (params,), None

    @lsp_method(types.TEXT_DOCUMENT_DID_CLOSE)
    def lsp_text_document__did_close(self, params: types.DidCloseTextDocumentParams) -> Generator[Any, Any, None]:
        """There is no second copy to remove."""
        handler = self.fm.features.get(types.TEXT_DOCUMENT_DID_CLOSE)
        if handler is not None:
            yield handler, (params,), None


def converter() -> cattrs.Converter:
    """pygls's converter. The parameters of unknown notifications stay plain data, and so do unknown words and kinds.

    A newer editor names kinds that lsprotocol does not know. Without this, `initialize` fails for each of them.
    """
    result: cattrs.Converter = default_converter()  # type: ignore[no-untyped-call]
    for kind in vars(types).values():
        if isinstance(kind, type) and issubclass(kind, enum.Enum):
            result.register_structure_hook(kind, _known_or_plain)
    result.register_structure_hook(JsonRPCNotification, lambda data, _: _plain_notification(data))
    result.register_structure_hook(types.InlineCompletionTriggerKind, lambda data, _: _trigger_kind(data))
    return result


def _plain_notification(data: Mapping[str, Any]) -> JsonRPCNotification:
    return JsonRPCNotification(method=data["method"], jsonrpc=data["jsonrpc"], params=data.get("params"))


def _known_or_plain(value: Any, kind: type[enum.Enum]) -> Any:
    try:
        return kind(value)
    except ValueError:
        return value


def _trigger_kind(value: int) -> types.InlineCompletionTriggerKind:
    """vscode-languageclient 9 sends 0 for an explicit request of the user. LSP 3.18 has 1."""
    return types.InlineCompletionTriggerKind.Invoked if value == 0 else types.InlineCompletionTriggerKind(value)
