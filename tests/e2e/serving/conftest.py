"""Real engines for the tests of this folder, each started by the command a user starts it with, and real adapters."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import platformdirs
import pytest

from plum_lsp.config.folder import versions_folder
from plum_lsp.policy.hosting.serving import ServingState, read_state
from plum_lsp.policy.models.catalogue import find_entry
from plum_lsp.policy.models.conversion import converted_folder
from plum_lsp.policy.models.weights import BASE_MARK
from plum_lsp.policy.versions.folders import VersionStore

MODEL = "smollm2-135m-instruct"
START_SECONDS = 400.0


@dataclass(frozen=True)
class Served:
    """A `plum-lsp policy serve` that is ready."""

    engine: str
    data_dir: Path
    output: Path

    @property
    def state(self) -> ServingState:
        """Where it is; fails if it has gone."""
        state = read_state(self.data_dir)
        assert state is not None, self.output.read_text()
        return state

    @property
    def store(self) -> VersionStore:
        """Its versions."""
        return VersionStore(versions_folder(self.data_dir))


@pytest.fixture(scope="session")
def model_cache() -> Path:
    """The cache that `make test` fetched the models into."""
    return Path(os.environ.get("PLUM_CACHE_DIR") or platformdirs.user_cache_path("plum-lsp"))


@pytest.fixture(scope="session")
def base_folder(model_cache: Path) -> Path:
    """The small model as a Hugging Face folder."""
    return converted_folder(find_entry(MODEL), cache_dir=model_cache)


@pytest.fixture(scope="session")
def adapters(base_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`one` and `two` differ; `zero` is untrained, `large` has too great a rank; the rest are damaged.

    `foreign` says that it was trained on another base model.
    """
    folder = tmp_path_factory.mktemp("adapters")
    orders = [f"{folder}/{name}" for name in ("one:1:8:0.15", "two:2:8:0.15", "zero:3:8:0", "large:4:64:0.05")]
    tests = str(Path(__file__).parents[2])
    subprocess.run(
        [sys.executable, "-m", "support.make_adapters", str(base_folder), *orders],
        check=True,
        capture_output=True,
        env={**os.environ, "PYTHONPATH": tests, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"},
    )
    shutil.copytree(folder / "one", folder / "missing")
    (folder / "missing" / "adapter_model.safetensors").unlink()
    shutil.copytree(folder / "one", folder / "truncated")
    os.truncate(folder / "truncated" / "adapter_model.safetensors", 1_000_000)
    shutil.copytree(folder / "one", folder / "foreign")
    (folder / "foreign" / BASE_MARK).write_text(json.dumps({"sha256": "f" * 64}))
    return folder


@pytest.fixture(scope="session", params=["llamacpp", pytest.param("vllm", marks=pytest.mark.vllm)])
def served(
    request: pytest.FixtureRequest, model_cache: Path, base_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Served]:
    """Each engine behind `plum-lsp policy serve`, ended with SIGTERM."""
    with serving(request.param, tmp_path_factory.mktemp(request.param), model_cache, base_folder) as served:
        yield served


@contextmanager
def serving(engine: str, data_dir: Path, model_cache: Path, base_folder: Path, *more: str) -> Iterator[Served]:
    """The command, with some more arguments, until the block ends."""
    output = data_dir / "output.txt"
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    model = str(base_folder) if engine == "vllm" else MODEL
    command = [sys.executable, "-m", "plum_lsp", "policy", "serve", "--engine", engine, "--model", model, *more]
    command += ["--port", str(port), "--context-tokens", "1024", "--lora-rank", "16"]
    environment = {
        **os.environ,
        "PLUM_DATA_DIR": str(data_dir),
        "PLUM_CACHE_DIR": str(model_cache),
        "OMP_NUM_THREADS": "1",
        "VLLM_CPU_OMP_THREADS_BIND": "nobind",
    }
    with output.open("w") as out:
        process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT, env=environment)
    try:
        until = time.monotonic() + START_SECONDS
        while read_state(data_dir) is None:
            assert process.poll() is None, output.read_text()
            assert time.monotonic() < until, output.read_text()
            time.sleep(0.2)
        yield Served(engine, data_dir, output)
    finally:
        process.terminate()
        assert process.wait(60) == 0
    assert read_state(data_dir) is None
