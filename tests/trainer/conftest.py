"""The tiny model, made once, and a process with the training packages loaded."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def one_thread() -> None:
    """torch has one thread in this process, as in the trainer's children.

    With small tensors more threads mostly wait for each other, and they use a processor while they wait.
    """
    pytest.importorskip("torch", reason="the training packages are not installed (make setup-model)").set_num_threads(1)


@pytest.fixture(scope="session")
def tiny(one_thread: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a model that knows nothing yet."""
    pytest.importorskip("trl", reason="the training packages are not installed (make setup-model)")
    from support.tiny_model import make_tiny_model

    return make_tiny_model(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="session")
def warm() -> Iterator[Path]:
    """The socket of a process that has the training packages loaded."""
    pytest.importorskip("trl", reason="the training packages are not installed (make setup-model)")
    from support.warm_children import warm_process

    with tempfile.TemporaryDirectory(prefix="warm-", dir="/tmp") as folder, warm_process(Path(folder)) as path:
        yield path


@pytest.fixture
def warm_children(warm: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The trainer's children find the training packages loaded. `accelerate` starts its own as before."""
    from support.warm_children import command_of

    from plum_lsp.domain.children import python_module

    def command(module: str, *arguments: str) -> list[str]:
        is_own = module.startswith("plum_trainer.")
        return command_of(warm, module, *arguments) if is_own else python_module(module, *arguments)

    monkeypatch.setattr("plum_trainer.fit.children.python_module", command)
