"""Settings that the editor pushes while an earlier answer about them is on its way."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

from plum_lsp.server.app import _take_settings


def server_that_pulls(answer: asyncio.Future[Any], taken: list[object]) -> Any:
    """The parts of a server that taking settings needs; the editor gives `answer` when it is asked."""
    settings = SimpleNamespace(take=taken.append, current=SimpleNamespace(metrics=SimpleNamespace(port=0)))
    return SimpleNamespace(
        settings_turn=0,
        client_capabilities=SimpleNamespace(workspace=SimpleNamespace(configuration=True)),
        workspace_configuration_async=lambda _: answer,
        session=SimpleNamespace(settings=settings, apply_settings=lambda: None),
        metrics_page=SimpleNamespace(serve_at=lambda _: None),
    )


async def test_an_older_answer_does_not_undo_a_push() -> None:
    """The user pauses while the server still waits for the settings from the start: it stays paused."""
    answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
    taken: list[object] = []
    server = server_that_pulls(answer, taken)
    pulling = asyncio.create_task(_take_settings(server, None))
    await asyncio.sleep(0)
    await _take_settings(server, {"plum": {"privacy": {"paused": True}}})
    answer.set_result([{"privacy": {"paused": False}}])
    await pulling
    assert taken == [{"plum": {"privacy": {"paused": True}}}]


async def test_an_answer_is_taken_if_nothing_newer_came() -> None:
    """The settings from the start."""
    answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
    answer.set_result([{"privacy": {"paused": False}}])
    taken: list[object] = []
    await _take_settings(server_that_pulls(answer, taken), None)
    assert taken == [{"privacy": {"paused": False}}]
