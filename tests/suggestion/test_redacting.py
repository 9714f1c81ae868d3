"""With `privacy.redact_prompts`, no secret of the document is in a prompt; otherwise prompts are sent as they are."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import replace

import pytest
from support.facts import OPTIONS, VERSION, prompted

from plum_lsp.config import Settings
from plum_lsp.config.settings import PolicySettings
from plum_lsp.domain.suggestion import Completion, FimPrompt, PolicyVersion, SamplingOptions
from plum_lsp.domain.text import Document
from plum_lsp.policy.client.connection import sends_in_clear
from plum_lsp.suggestion.options import pipeline_options
from plum_lsp.suggestion.redacting import RedactingPolicy
from plum_lsp.wiring import in_clear

SECRET = "river-" + "47-stone!"
TEXT = f'import db\n\nPASSWORD = "{SECRET}"\n\n\ndef load(): ...\n'


class Listening:
    """A policy that keeps the prompts it is asked, and gives what it is told to."""

    def __init__(self) -> None:
        self.asked: list[FimPrompt] = []

    async def version(self, request_id: str = "") -> PolicyVersion:
        return VERSION

    async def sample(
        self, prompt: FimPrompt, options: SamplingOptions, *, deadline: float, version: PolicyVersion | None = None
    ) -> AsyncGenerator[Completion, None]:
        self.asked.append(prompt)
        yield Completion.written("pass")

    async def close(self) -> None: ...


@pytest.mark.parametrize("sent", [TEXT, f"# it is {SECRET}\n", f'x = "{SECRET}"\n'])
async def test_a_secret_of_the_document_is_not_sent(sent: str) -> None:
    """Where it is assigned, and wherever else a prompt of the request repeats it."""
    inner = Listening()
    policy = RedactingPolicy(inner, Document(uri="file:///p/a.py", version=1, text=TEXT))
    prompt = replace(prompted().prompt, text=sent)
    got = [completion.text async for completion in policy.sample(prompt, OPTIONS, deadline=1.0)]
    assert got == ["pass"]
    assert SECRET not in inner.asked[0].text
    assert "REDACTED" in inner.asked[0].text


def test_prompts_are_redacted_where_the_settings_say_so() -> None:
    """By default they are not."""
    settings = Settings()
    assert not pipeline_options(settings).redacts_prompts
    chosen = replace(settings, privacy=replace(settings.privacy, redact_prompts=True))
    assert pipeline_options(chosen).redacts_prompts


@pytest.mark.parametrize(
    ("url", "is_clear"),
    [
        ("http://gpu-box:8000/v1", True),
        ("HTTP://10.0.0.3/v1", True),
        ("https://gpu-box/v1", False),
        ("http://localhost:8000/v1", False),
        ("http://[::1]:8000/v1", False),
        ("", False),
    ],
)
def test_a_network_without_encryption_is_told(url: str, is_clear: bool) -> None:
    """Only `http://` to another machine is one."""
    assert sends_in_clear(url) is is_clear


def test_the_warning_holds_no_password() -> None:
    """It names the server without the login in its address."""
    settings = Settings(policy=PolicySettings(url="http://bob:pa55word@gpu-box/v1", api_key="x" * 8))
    assert "gpu-box" in in_clear(settings)
    assert "API key" in in_clear(settings)
    assert "pa55word" not in in_clear(settings)
