"""A real HTTP server for files: Range, a package index for pip, and the mishaps of a bad line. Knows no models."""

from __future__ import annotations

import hashlib
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType


@dataclass(slots=True, kw_only=True)
class SeenGet:
    """One request: its path and the Range it asked for (empty if none)."""

    path: str
    range: str


@dataclass(slots=True)
class FileServer:
    """Serves `files` by path. `break_after` drops each connection after that many bytes, `breaks` times in all."""

    files: dict[str, bytes] = field(default_factory=dict)
    seen: list[SeenGet] = field(default_factory=list)
    break_after: int = 0
    breaks: int = 0
    ignores_range: bool = False
    failures: list[int] = field(default_factory=list)
    _server: ThreadingHTTPServer | None = None

    @property
    def url(self) -> str:
        """The server's address."""
        assert self._server is not None
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def add_wheel(self, name: str, version: str, content: bytes) -> None:
        """Publish a wheel in the index at `/simple/`, where pip finds it."""
        file = f"{name.replace('-', '_')}-{version}-py3-none-any.whl"
        self.files[f"/wheels/{file}"] = content
        sha256 = hashlib.sha256(content).hexdigest()
        link = f'<a href="/wheels/{file}#sha256={sha256}" data-core-metadata="true">{file}</a>'
        page = f"<!DOCTYPE html><html><body>{link}</body></html>"
        metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
        self.files[f"/wheels/{file}.metadata"] = metadata.encode()
        self.files[f"/simple/{name}/"] = page.encode()

    def gets(self, path: str) -> list[SeenGet]:
        """The requests for one path."""
        return [get for get in self.seen if get.path == path]

    def __enter__(self) -> FileServer:
        served = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, format: str, *args: object) -> None:
                pass

            def do_GET(self) -> None:
                _answer(self, served)

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._server.handle_error = lambda request, address: None  # type: ignore[method-assign]
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.shutdown()
        self._server.server_close()


def _answer(handler: BaseHTTPRequestHandler, served: FileServer) -> None:
    asked = handler.headers.get("Range", "")
    served.seen.append(SeenGet(path=handler.path, range=asked))
    body, status, headers = served.files.get(handler.path), 200, {"Content-Type": "text/html"}
    if served.failures:
        body, status = b"", served.failures.pop(0)
    elif body is None:
        body, status = b"no such file", 404
    elif asked and not served.ignores_range:
        first, size = int(asked.removeprefix("bytes=").rstrip("-")), len(body)
        if first >= size:
            body, status, headers["Content-Range"] = b"", 416, f"bytes */{size}"
        else:
            body, status, headers["Content-Range"] = body[first:], 206, f"bytes {first}-{size - 1}/{size}"
    handler.send_response(status)
    for name, value in {**headers, "Content-Length": str(len(body))}.items():
        handler.send_header(name, value)
    handler.end_headers()
    if served.breaks and served.break_after and len(body) > served.break_after and handler.path.endswith(".whl"):
        served.breaks -= 1
        handler.wfile.write(body[: served.break_after])
        handler.close_connection = True
        handler.connection.close()
        return
    handler.wfile.write(body)
