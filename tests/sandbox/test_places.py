"""Single files are left out of the places that a child may open, with what Python keeps of them, and nothing else."""

from __future__ import annotations

from pathlib import Path

from support.projects import tree

from plum_lsp.sandbox.jail.places import divided, without

READ, LIST = 1 << 2, 1 << 3


def written(folder: Path, *names: str) -> None:
    """Empty files."""
    tree(folder, dict.fromkeys(names, ""))


def test_a_folder_is_split_around_the_file(tmp_path: Path) -> None:
    """Each folder above the file is replaced by its entries and can still be listed."""
    written(tmp_path, "a/core.py", "a/util.py", "a/__pycache__/core.cpython-311.pyc", "a/__pycache__/util.pyc")
    written(tmp_path, "b/c.py")
    rules = without([(str(tmp_path), READ | LIST)], [str(tmp_path / "a/core.py")])
    named = {str(Path(path).relative_to(tmp_path)): rights for path, rights in rules}
    assert named == {
        ".": LIST,
        "a": LIST,
        "a/util.py": READ,
        "a/__pycache__": LIST,
        "a/__pycache__/util.pyc": READ,
        "b": READ | LIST,
    }


def test_the_file_itself_is_left_out(tmp_path: Path) -> None:
    """A rule for the file alone goes."""
    written(tmp_path, "core.py")
    assert without([(str(tmp_path / "core.py"), READ)], [str(tmp_path / "core.py")]) == []


def test_links_are_not_followed(tmp_path: Path) -> None:
    """A link out of the folder would show what the rule did not."""
    written(tmp_path, "a/core.py", "outside/secret.txt")
    (tmp_path / "a/link").symlink_to(tmp_path / "outside")
    rules = without([(str(tmp_path / "a"), READ | LIST)], [str(tmp_path / "a/core.py")])
    assert rules == [(str(tmp_path / "a"), LIST)]


def test_other_places_keep_their_descriptors(tmp_path: Path) -> None:
    """Only places that show the file are split. A place whose names may be listed shows none."""
    opened = [("/p/a", 5, READ | LIST), ("/p/b", 6, READ | LIST), ("/p", 7, LIST), ("/p/a/core.py", 8, READ)]
    split, whole = divided(opened, ["/p/a/core.py"])
    assert split == [("/p/a", READ | LIST), ("/p/a/core.py", READ)]
    assert whole == [(6, READ | LIST), (7, LIST)]
