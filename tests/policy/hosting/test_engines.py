"""The table of engines, and that no other place names an engine."""

from __future__ import annotations

import ast
from importlib.util import find_spec
from pathlib import Path

import pytest

import plum_lsp
import plum_trainer
from plum_lsp.domain.errors import ModelError, PolicyUnavailable
from plum_lsp.policy.hosting.engines import ENGINES, engine_called, publication_engine
from plum_lsp.policy.hosting.options import PolicyOptions
from plum_lsp.policy.hosting.sources import find_model

ROOTS = [Path(str(package.__file__)).parent for package in (plum_lsp, plum_trainer)]


def child_of(name: str) -> Path:
    """The file of the module that runs an engine."""
    found = find_spec(ENGINES[name].facts.child)
    assert found is not None and found.origin is not None
    return Path(found.origin)


@pytest.mark.parametrize("name", ENGINES)
def test_a_line_of_the_table_can_be_launched(name: str) -> None:
    """Its child is a module of ours that starts itself when it is run."""
    assert "run_child(start" in child_of(name).read_text(encoding="utf-8")


def test_the_name_of_an_engine_is_spelled_beside_its_child_only() -> None:
    """Everything else asks the table, so that a new engine changes no other file."""
    named = {
        (node.value, path.parent)
        for root in ROOTS
        for path in root.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and node.value in ENGINES
    }
    assert named == {(name, child_of(name).parent) for name in ENGINES}


def test_an_unknown_engine_is_named() -> None:
    """A record that another release wrote is an error with a remedy."""
    with pytest.raises(PolicyUnavailable, match="no engine called 'sglang'") as caught:
        engine_called("sglang")
    assert "vllm" in caught.value.remedy


def test_a_model_of_the_wrong_form_is_refused(tmp_path: Path) -> None:
    """The message says what the engine reads."""
    path = tmp_path / "model.gguf"
    path.write_bytes(b"GGUF")
    with pytest.raises(ModelError, match="is a file; vLLM is given a Hugging Face folder"):
        find_model(str(path), cache_dir=tmp_path, engine="vllm")


async def test_without_a_server_and_a_file_nothing_proves_a_publication(tmp_path: Path) -> None:
    """A folder of the user's that nothing serves has no engine."""
    options = PolicyOptions(cache_dir=tmp_path)
    async with publication_engine(None, None, options, name="base") as (engine, rank_max):
        assert engine is None
        assert rank_max > 0
