"""Launching vLLM for a Hugging Face folder, with a stand-in that takes its arguments and speaks its protocol."""

from __future__ import annotations

import os
import signal
import textwrap
import time
from contextlib import aclosing
from pathlib import Path

import pytest
from support.contexts import prompt_at
from support.processes import is_alive, until_gone

from plum_lsp.domain.errors import PolicyOutOfMemory, PolicyUnavailable
from plum_lsp.domain.suggestion import SamplingOptions
from plum_lsp.policy.hosting.embedded_policy import EmbeddedPolicy
from plum_lsp.policy.hosting.options import PolicyOptions

pytestmark = pytest.mark.slow

SERVER = """
    import argparse, os, pathlib, sys, time
    from support.scripted_policy import ScriptedPolicy
    parser = argparse.ArgumentParser()
    for name in ("--model", "--served-model-name", "--host", "--max-model-len"):
        parser.add_argument(name, required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--enable-prefix-caching", action="store_true")
    options = parser.parse_args()
    if (pathlib.Path(options.model) / "broken").exists():
        sys.exit("ValueError: these weights are broken")
    if (pathlib.Path(options.model) / "large").exists():
        sys.exit("torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 9 GiB")
    if (pathlib.Path(options.model) / "huge").exists():
        os.kill(os.getpid(), 9)
    (pathlib.Path(options.model) / "pid").write_text(str(os.getpid()))
    policy = ScriptedPolicy(model=options.served_model_name, api_key=os.environ["VLLM_API_KEY"], port=options.port)
    policy.will_complete("    return a + b\\n")
    policy.start()
    time.sleep(600)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A Hugging Face folder."""
    made = tmp_path / "my-model"
    made.mkdir()
    (made / "config.json").write_text("{}")
    return made


@pytest.fixture
def vllm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stand-in for the vllm package."""
    package = tmp_path / "packages" / "vllm" / "entrypoints" / "openai"
    package.mkdir(parents=True)
    for level in (package, package.parent, package.parent.parent):
        (level / "__init__.py").touch()
    (package / "api_server.py").write_text(textwrap.dedent(SERVER))
    tests = str(Path(__file__).parents[3])
    monkeypatch.syspath_prepend(str(tmp_path / "packages"))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join((str(tmp_path / "packages"), tests)))


def _options(folder: Path) -> PolicyOptions:
    return PolicyOptions(cache_dir=folder.parent / "cache", model=str(folder), context_tokens=1024)


@pytest.mark.usefixtures("vllm")
async def test_folder_is_served_by_vllm_and_ends_with_us(folder: Path) -> None:
    """vLLM is started with a key, a port and the folder, answers like any other server, and is gone after closing."""
    policy = EmbeddedPolicy(_options(folder))
    sampling = SamplingOptions(temperatures=(0.2, 0.4), top_p=0.9, max_tokens=50, seed=0)
    prompt = prompt_at("def add(a, b):\n    ‸\n")
    async with aclosing(policy.sample(prompt, sampling, deadline=time.monotonic() + 30)) as stream:
        texts = [completion.text async for completion in stream]
    assert texts == ["    return a + b\n"] * 2
    assert (await policy.version()).model == "my-model"
    pid = int((folder / "pid").read_text())
    assert is_alive(pid)
    await policy.close()
    assert not is_alive(pid)


@pytest.mark.usefixtures("vllm")
async def test_vllm_ends_with_the_child_that_watches_it(folder: Path) -> None:
    """Ending the watching child takes vLLM with it."""
    policy = EmbeddedPolicy(_options(folder))
    await policy.version()
    pid = int((folder / "pid").read_text())
    assert policy.process is not None
    os.kill(policy.process.pid, signal.SIGTERM)
    assert not await until_gone({pid})
    await policy.close()


@pytest.mark.usefixtures("vllm")
async def test_vllm_that_does_not_start_is_told(folder: Path) -> None:
    """A server that ends while starting is an error, with its status."""
    (folder / "broken").touch()
    policy = EmbeddedPolicy(_options(folder))
    with pytest.raises(PolicyUnavailable, match="vLLM ended with status 1: ValueError: these weights are broken"):
        await policy.version()
    await policy.close()


@pytest.mark.usefixtures("vllm")
@pytest.mark.parametrize(("size", "said"), [("large", "CUDA out of memory"), ("huge", "killed, as the kernel does")])
async def test_model_that_does_not_fit_is_told_so(folder: Path, size: str, said: str) -> None:
    """By its own words, or because the kernel ended it: either way the remedy is about memory."""
    (folder / size).touch()
    policy = EmbeddedPolicy(_options(folder))
    with pytest.raises(PolicyOutOfMemory, match=said) as caught:
        await policy.version()
    assert "smaller model" in caught.value.remedy
    await policy.close()


async def test_without_vllm_the_remedy_says_what_to_install(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A Hugging Face folder without vLLM installed is unavailable, with the extra to install."""
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    policy = EmbeddedPolicy(_options(folder))
    with pytest.raises(PolicyUnavailable) as caught:
        await policy.version()
    assert "plum-lsp[serve]" in caught.value.remedy
    await policy.close()
