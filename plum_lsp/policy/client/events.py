"""Splits the bytes of an answer into the JSON values of its events (WHATWG HTML, 9.2). Does no I/O.

It reads what the standard says: any of the three line ends, comments, several `data` lines for one event, a byte order
mark. Servers of completions depart from the standard in these ways, which are read too:

- no empty line after an event: an event ends where its JSON ends
- one JSON document, or one in each line, instead of events
- an `error:` line, or an event of that name: the server failed
- words such as `ping` as data

- a character whose bytes are split between two events: its bytes stay as they are (PEP 383), for `writing` to join

`httpx-sse` 0.4.3 reads none of these. It also keeps a line without end and a byte order mark.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from plum_lsp.domain.errors import PolicyProtocolError
from plum_lsp.policy.client.refusals import NO_ENDPOINT, ErrorEvent, json_in, shown

LINE_BYTES_MAX = 1024 * 1024
"""A longer line is no event. The server does not speak this protocol."""
EVENT_CHARACTERS_MAX = 4 * 1024 * 1024
"""More data than this in one event is none. A whole answer with the log-probabilities of a group has 1 MB at most."""

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_GZIP = b"\x1f\x8b"
_LINE_END = re.compile(rb"[\r\n]")
_FIELD = re.compile(r"[A-Za-z][\w-]*(?::|$)")
_LAST = {"[DONE]", "DONE"}
_KEEP_ALIVE = {"ping", "keepalive", "keep-alive", "heartbeat"}


class EventReader:
    """The events of one answer, however it is chunked."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._searched = 0
        self._skips_feed = False
        self._has_begun = False
        self._has_read = False
        self._is_bare = False
        self._name = ""
        self._data: list[str] = []
        self._size = 0
        self.is_done = False

    def feed(self, chunk: bytes) -> Iterator[Any]:
        """The values of the events that are complete with this chunk.

        Raises:
            PolicyProtocolError: this is no stream of completions.
            PolicyError: the server reports an error in mid-stream.
        """
        self._buffer += chunk
        if not self._begins():
            return
        while found := _LINE_END.search(self._buffer, self._searched):
            line = bytes(self._buffer[: found.start()])
            is_return = found.group() == b"\r"
            is_second_half = self._skips_feed and not line and not is_return
            del self._buffer[: found.end()]
            self._searched, self._skips_feed = 0, is_return
            if not is_second_half:
                yield from self._read_line(line)
        self._searched = len(self._buffer)
        if len(self._buffer) > LINE_BYTES_MAX:
            raise PolicyProtocolError(f"the policy server sent a line of more than {LINE_BYTES_MAX:,} bytes")

    def close(self) -> Iterator[Any]:
        """The values of the events that are complete with the end of the answer. Raises what `feed` raises."""
        line = bytes(self._buffer)
        self._buffer.clear()
        if line:
            yield from self._read_line(line)
        yield from self._dispatch()

    def _begins(self) -> bool:
        """Remove a byte order mark. False while it may still be incomplete."""
        if not self._has_begun:
            if len(self._buffer) < len(_BYTE_ORDER_MARK) and _BYTE_ORDER_MARK.startswith(self._buffer):
                return False
            self._has_begun = True
            if self._buffer.startswith(_GZIP):
                raise PolicyProtocolError("the policy server sent compressed bytes without saying so")
            if self._buffer.startswith(_BYTE_ORDER_MARK):
                del self._buffer[: len(_BYTE_ORDER_MARK)]
        return True

    def _read_line(self, data: bytes) -> Iterator[Any]:
        line = data.decode("utf-8", "surrogateescape").strip()
        if self.is_done or line.startswith(":"):
            return
        if not line:
            if not self._is_bare:
                yield from self._dispatch()
            return
        name, _, value = line.partition(":")
        if name == "data":
            self._is_bare = False
            yield from self._add(value.strip())
        elif self._is_bare or line[0] in "{[":
            self._is_bare = True
            yield from self._add(line)
        elif name == "event":
            self._name = value.strip().lower()
        elif name == "error":
            raise ErrorEvent(_parsed(value) or value.strip())
        elif not self._has_read and not _FIELD.match(line):
            raise PolicyProtocolError(
                f"the policy server sent {shown(data)} where an event belongs", remedy=NO_ENDPOINT
            )

    def _add(self, data: str) -> Iterator[Any]:
        """Add data to the event. An object or list is complete where its JSON is."""
        if data.strip("\"'").upper() in _LAST:
            yield from self._dispatch()
            self.is_done = True
            return
        self._data.append(data)
        self._size += len(data)
        if self._size > EVENT_CHARACTERS_MAX:
            raise PolicyProtocolError(f"the policy server sent an event of more than {EVENT_CHARACTERS_MAX:,} bytes")
        is_likely_end = len(self._data) == 1 or data[:1] in ("}", "]")
        if is_likely_end and _parsed("\n".join(self._data)) is not None:
            yield from self._dispatch()

    def _dispatch(self) -> Iterator[Any]:
        """End the event and give its value, if it has one."""
        data, name = "\n".join(self._data).strip(), self._name
        self._data, self._name, self._size = [], "", 0
        if not data:
            return
        self._has_read = True
        value = _parsed(data)
        if name == "error":
            raise ErrorEvent(data if value is None else value)
        if value is not None:
            yield value
        elif not _is_silent(data) and name not in _KEEP_ALIVE:
            raise PolicyProtocolError(
                f"the policy server sent an event that is not JSON: {shown(data.encode('utf-8', 'replace'))}"
            )


def _parsed(data: str) -> Any:
    """An object or list. None for everything else."""
    value = json_in(data)
    return value if isinstance(value, dict | list) else None


def _is_silent(data: str) -> bool:
    """Whether data that is no object can be skipped: a number, null, or a word that keeps a connection alive."""
    if data.strip("[]\"'").lower() in _KEEP_ALIVE:
        return True
    return not isinstance(json_in(data, otherwise=data), str)
