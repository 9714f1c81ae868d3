"""The tiny model, made once."""

from __future__ import annotations

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
