"""What a real server tells Prometheus: a page in the text format on request, numbers and fixed words only."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from support.editor import PATIENCE_SECONDS, Editor
from support.scripted_policy import ScriptedPolicy

pytestmark = pytest.mark.slow

ADD = 'def add(a, b):\n    """Add.\n\n    >>> add(1, 2)\n    3\n    """\n    ‸\n'


def free_port() -> int:
    """A port nobody listens at."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


def samples(text: str) -> dict[tuple[str, tuple[str, ...]], float]:
    """The samples of a page by name and label values; a page that is not in the format raises."""
    return {
        (sample.name, tuple(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


async def page(port: int) -> httpx.Response:
    """What a scraper gets."""
    async with httpx.AsyncClient(trust_env=False) as client:
        return await client.get(f"http://127.0.0.1:{port}/metrics")


async def is_there(port: int) -> bool:
    """Whether the page is served at this port."""
    try:
        return (await page(port)).status_code == 200
    except httpx.TransportError:
        return False


async def test_page_counts_what_happened_and_names_nothing(policy: ScriptedPolicy, tmp_path: Path) -> None:
    """An offer, an abstention and the rungs are there; source, paths, model names and keys are not."""
    policy.will_complete("return a + b\n")
    port = free_port()
    settings = {"metrics": {"port": port}}
    async with Editor.running(
        folder=tmp_path, policy_url=policy.url, api_key=policy.api_key, settings=settings
    ) as editor:
        assert await editor.suggest(ADD) is not None
        assert await editor.suggest("x = 'a secret ‸'\n") is None
        answer = await page(port)
        found = samples(answer.text)
        with pytest.raises(OSError), socket.create_connection((_outward(), port), timeout=2):
            pass
    assert answer.headers["content-type"].startswith("text/plain; version=")
    assert found["plum_offers_total", ("verified",)] == 1
    assert found["plum_abstentions_total", ("nothing_to_complete",)] == 1
    assert found["plum_abstentions_total", ("deadline",)] == 0
    assert found["plum_requests_total", ("offer",)] == 1
    assert found["plum_cancellations_total", ()] == 0
    assert found["plum_policy_version", ()] == 0
    assert found["plum_rung_seconds_count", ("first_verified",)] == 1
    assert 0 < found["plum_rung_seconds_sum", ("first_verified",)] < 60
    assert found["process_resident_memory_bytes", ()] > 1e6
    for word in ("secret", "add", "return", str(tmp_path), "file:", policy.api_key, policy.url, "scripted"):
        assert word not in "".join(line for line in answer.text.splitlines() if not line.startswith("#"))
    with pytest.raises(httpx.ConnectError):
        await page(port)


def _outward() -> str:
    """An address of this machine that is not the loopback one; the loopback network's second where it has none."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # sends nothing; RFC 5737 reserves the address
        except OSError:
            return "127.0.0.2"
        return str(probe.getsockname()[0])


async def test_taken_port_is_told_and_nothing_else_suffers(policy: ScriptedPolicy, tmp_path: Path) -> None:
    """A second editor with the same settings gets its completions, and one message."""
    policy.will_complete("return a + b\n")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        settings = {"metrics": {"port": taken.getsockname()[1]}}
        async with Editor.running(
            folder=tmp_path, policy_url=policy.url, api_key=policy.api_key, settings=settings
        ) as editor:
            assert await editor.suggest(ADD) is not None
            (message,) = editor.read_messages()
    assert "metrics.port" in message


async def test_nobody_listens_unless_asked(editor: Editor) -> None:
    """By default there is no page; it opens when the setting comes, moves with it, and closes."""
    await editor.until_ready()
    first, second = free_port(), free_port()
    with pytest.raises(httpx.ConnectError):
        await page(first)
    for port, gone in ((first, second), (second, first)):
        editor.configure({"metrics": {"port": port}})
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not await is_there(port) or await is_there(gone):
                await asyncio.sleep(0.05)
