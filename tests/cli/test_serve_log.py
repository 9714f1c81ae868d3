"""What `plum-lsp serve` logs of errors that no task owned up to."""

from __future__ import annotations

import asyncio
import gc
import logging

import pytest

from plum_lsp.cli.serve import _log_stray


async def test_a_stray_error_is_logged_without_its_message(caplog: pytest.LogCaptureFixture) -> None:
    """The message may quote source text, so only the kind is told above DEBUG."""

    async def fails() -> None:
        raise ValueError("def secret_source(): ...")

    asyncio.get_running_loop().set_exception_handler(_log_stray)
    task = asyncio.create_task(fails())
    await asyncio.wait([task])
    with caplog.at_level(logging.INFO):
        del task
        gc.collect()

    assert "ValueError" in caplog.text
    assert "secret_source" not in caplog.text
