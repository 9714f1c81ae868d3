"""Reads the frames of LSP: headers, an empty line, a body of JSON. It does not know what a message means.

A frame that is malformed is skipped, and reading goes on at the next header. A body that was sent without a usable
length has no line end, so that header stands at the end of the body's last line.
"""

from __future__ import annotations

import logging
import re
from collections.abc import AsyncIterator

from plum_lsp.server.connection.door import MESSAGE_BYTES_MAX
from plum_lsp.server.connection.transport import Reader

logger = logging.getLogger(__name__)

_LENGTH = re.compile(rb"(?i)(?<![-\w])content-length[ \t]*:[ \t]*(\d{1,18})[ \t]*\r?\n")
"""The name of a header has no case (LSP 3.18, "Header Part", which refers to HTTP)."""


async def bodies(reader: Reader) -> AsyncIterator[bytes]:
    """The body of each message, until the editor ends the stream.

    Raises:
        asyncio.IncompleteReadError: the stream ended within a body.
    """
    while (length := await _length(reader)) is not None:
        body = await reader.readexactly(length)
        if len(body) < length:
            return
        yield body


async def _length(reader: Reader) -> int | None:
    """The length of the next body, in bytes. Headers other than `Content-Length` are ignored. None at the end."""
    length = 0
    is_blank = False
    while not (is_blank and length):
        try:
            line = await reader.readline()
        except ValueError:
            logger.warning("a header line without an end was skipped")
            continue
        if not line:
            return None
        is_blank = not line.strip()
        found = _LENGTH.search(line)
        if found is not None:
            length = int(found[1])
        if length > MESSAGE_BYTES_MAX:
            logger.warning("a message of more than %d bytes was skipped", MESSAGE_BYTES_MAX)
            length = 0
        elif is_blank and not length:
            logger.warning("a message without a usable Content-Length was skipped")
    return length
