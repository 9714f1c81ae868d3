"""The table of engines, and that no other place names an engine."""

from __future__ import annotations

import ast
import importlib
import pkgutil
from collections.abc import Collection
from importlib.util import find_spec
from pathlib import Path

import pytest

import plum_lsp
import plum_trainer
from plum_lsp.domain.errors import ModelError, PolicyUnavailable
from plum_lsp.policy import hosting
from plum_lsp.policy.hosting.engines import ENGINES, engine_called, publication_engine
from plum_lsp.policy.hosting.facts import EngineFacts
from plum_lsp.policy.hosting.options import PolicyOptions
from plum_lsp.policy.hosting.sources import find_model

WORDS_MIN = 3
"""A list of at least this many strings, of which one is the name of an engine, is a list of other words."""
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


def described() -> dict[Path, str]:
    """The engine that each module of ours states the facts of."""
    found: dict[Path, str] = {}
    for info in pkgutil.walk_packages(hosting.__path__, f"{hosting.__name__}."):
        path = Path(str(getattr(info.module_finder, "path", ""))) / f"{info.name.rpartition('.')[2]}.py"
        if path.is_file() and "= EngineFacts(" in path.read_text(encoding="utf-8"):
            module = importlib.import_module(info.name)
            (found[path],) = [one.name for one in vars(module).values() if isinstance(one, EngineFacts)]
    return found


def test_every_engine_is_in_the_table() -> None:
    """An engine that states its facts can be chosen."""
    assert sorted(described().values()) == sorted(ENGINES)


def spelled(source: str, engines: Collection[str]) -> set[str]:
    """The engines that a module names. A word in a list of other words, such as folder names, names no engine."""
    tree = ast.parse(source)
    lists = [node.elts for node in ast.walk(tree) if isinstance(node, ast.Set | ast.List | ast.Tuple)]
    words = {
        id(one)
        for elements in lists
        if sum(_value(other) in engines for other in elements) == 1
        for one in elements
        if len(elements) >= WORDS_MIN
    }
    return {str(_value(node)) for node in ast.walk(tree) if _value(node) in engines and id(node) not in words}


def _value(node: ast.AST) -> str:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def test_a_word_that_happens_to_be_the_name_of_an_engine() -> None:
    """A list of folders is no list of engines. A comparison with the name is the use of an engine."""
    engines = {"demo", "other"}
    assert spelled('FOLDERS = {"docs", "example", "demo"}', engines) == set()
    assert spelled('is_it = engine == "demo"', engines) == {"demo"}
    assert spelled('KNOWN = ("demo", "other", "none")', engines) == engines


def test_the_name_of_an_engine_is_spelled_beside_its_child_only() -> None:
    """Everything else asks the table, so that a new engine changes no other file."""
    named = {
        (name, path.parent)
        for root in ROOTS
        for path in root.rglob("*.py")
        for name in spelled(path.read_text(encoding="utf-8"), ENGINES)
    }
    assert named == {(name, child_of(name).parent) for name in ENGINES}


@pytest.mark.parametrize("name", ENGINES)
def test_every_engine_is_documented(name: str) -> None:
    """docs/models.md says what it reads and how to choose it."""
    page = Path(__file__).parents[3] / "docs" / "models.md"
    assert f"`{name}`" in page.read_text(encoding="utf-8")


def test_an_unknown_engine_is_named() -> None:
    """A record that another release wrote is an error with a remedy."""
    with pytest.raises(PolicyUnavailable, match="no engine called 'unheard-of'") as caught:
        engine_called("unheard-of")
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
