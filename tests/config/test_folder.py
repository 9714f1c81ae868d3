"""The paths in the data folder: each is known to one module."""

from __future__ import annotations

import ast
from pathlib import Path

import plum_lsp
import plum_trainer
from plum_lsp.config import folder

ROOTS = [Path(str(package.__file__)).parent for package in (plum_lsp, plum_trainer)]
NAMES = {
    function(Path("data")).name
    for function in (
        folder.store_file,
        folder.versions_folder,
        folder.gguf_folder,
        folder.serving_file,
        folder.policy_log,
        folder.tcp_token_file,
        folder.trusted_file,
        folder.training_folder,
        folder.exploration_file,
    )
}


def test_no_other_module_names_a_file_of_the_data_folder() -> None:
    """A file that moves moves for its writer and its readers."""
    named = {
        f"{path.name}: {node.right.value}"
        for root in ROOTS
        for path in root.rglob("*.py")
        if path.name != "folder.py"
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div) and isinstance(node.right, ast.Constant)
        if node.right.value in NAMES
    }
    assert named == set()


def test_rounds_are_found_again(tmp_path: Path) -> None:
    """By the folders that were made for them; a stray one has no number."""
    for number in (2, 10):
        folder.round_folder(tmp_path, number).mkdir(parents=True)
    folder.round_folder(tmp_path, 2).with_name("round-old").mkdir()
    assert sorted(filter(None, map(folder.round_number, folder.round_folders(tmp_path)))) == [2, 10]
    assert len(folder.round_folders(tmp_path)) == 3
