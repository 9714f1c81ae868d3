"""`.gitignore`: what it hides from the reader of other files is what git leaves out, compared with git itself."""

from __future__ import annotations

import os
import random
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from plum_lsp.config import gitignore
from plum_lsp.config.gitignore import GitPatterns
from plum_lsp.config.patterns import PARTS_MAX, PATTERN_CHARACTERS_MAX, PATTERNS_MAX
from plum_lsp.project import privacy
from plum_lsp.project.privacy import IGNORE_BYTES_MAX, is_ignored_by_git, private_paths

NAMES = ("a", "b", "ab", "a.py", "b.py", "a b", "a ", "src", "é.py", "a]", "[a]", "a-b", "!a", "#a", "a\\b", "a*", "A")
PIECES = (
    *("a", "b", "ab", "A", "src", "é", " ", ".py", "*.py", "*", "?", "**", "***", "-", "\\", "\\*", "\\a", "\\ "),
    *("[ab]", "[!a]", "[^b]", "[a-c]", "[]a]", "[[:alpha:]]", "[[:digit:]b]", "[a\\]]", "[\\]-a]", "[z-a]", "[a"),
    *("[[:foo:]]", "[:alpha:]", "[a-]", "[!]a]", "[a/b]", "[[a]", "[a-[:alpha:]]"),
)


def write(path: Path, content: str | bytes = b"") -> Path:
    """A file, with its folders."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def git(folder: Path, *words: str, stdin: bytes = b"") -> bytes:
    """What git prints in the folder, without the settings of a user or a machine."""
    environment = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    command = ["git", "-c", f"core.excludesFile={os.devnull}", *words]
    done = subprocess.run(command, cwd=folder, input=stdin, capture_output=True, env=environment, check=False)
    assert not done.stderr
    return done.stdout


def compared(root: Path, paths: Sequence[Path]) -> tuple[set[str], set[str]]:
    """The paths that we leave out, and those that git does."""
    names = [path.relative_to(root).as_posix() for path in paths]
    said = git(
        root, "check-ignore", "--no-index", "-z", "--stdin", stdin=b"".join(os.fsencode(n) + b"\0" for n in names)
    )
    ours = {name for name, path in zip(names, paths, strict=True) if is_ignored_by_git(path)}
    return ours, {os.fsdecode(name) for name in said.split(b"\0") if name}


def pattern(choose: random.Random) -> str:
    """A line of an ignore file, most of them with an odd part."""
    parts = [
        "**" if choose.random() < 0.2 else "".join(choose.choices(PIECES, k=choose.choice((1, 1, 1, 2, 2, 3))))
        for _ in range(choose.choice((1, 1, 1, 2, 2, 3)))
    ]
    start = choose.choice(("", "", "", "!", "!", "!/", "/"))
    return start + "/".join(parts) + choose.choice(("", "", "/")) + choose.choice(("", "", "", " ", "  ", "\t", "\r"))


def patterns(choose: random.Random) -> str:
    """An ignore file, each third an allow-list."""
    lines = [pattern(choose) for _ in range(choose.randint(1, 7))]
    return "\n".join(["/*"] * (choose.random() < 0.3) + lines)


def tree(root: Path, choose: random.Random) -> list[Path]:
    """Files below the root, and up to three ignore files among them."""
    for _ in range(14):
        place = root.joinpath(*choose.choices(NAMES, k=choose.choice((1, 2, 2, 3, 4))))
        if not place.exists() and not any(one.is_file() for one in place.parents):
            write(place)
    found = sorted(path for path in root.rglob("*") if path.is_file())
    for folder in {root, *(choose.choice(found).parent for _ in range(2))}:
        write(folder / ".gitignore", patterns(choose))
    return found


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(10))
def test_git_leaves_out_the_same_files(tmp_path: Path, seed: int) -> None:
    """In 33 generated trees for each seed: two are repositories, the others are folders of a third."""
    choose = random.Random(seed)
    for name in ("one", "two", "many"):
        git(tmp_path, "init", "--quiet", name)
        write(tmp_path / name / ".git" / "info" / "exclude", "\n".join(pattern(choose) for _ in range(2)))
    for name in ("one", "two"):
        ours, gits = compared(tmp_path / name, tree(tmp_path / name, choose))
        assert ours == gits
    many = tmp_path / "many"
    write(many / ".git" / "info" / "exclude", "ab\n/t1/a*\n")
    write(many / ".gitignore", "A\n/t2/**/b\n!/t3/\n[!a-z]/b\n")
    found = [path for number in range(31) for path in tree(many / f"t{number}", choose)]
    ours, gits = compared(many, found)
    assert ours == gits
    assert 20 < len(gits) < len(found) - 20


@pytest.mark.parametrize(
    ("lines", "name", "expected"),
    [
        ("/*\n!/src/\n", "src/a.py", False),
        ("/*\n!/src/\n", "other/a.py", True),
        ("/*\n!/src/\n", "a.py", True),
        ("*\n!*/\n!*.py\n", "deep/er/a.py", False),
        ("*\n!*/\n!*.py\n", "deep/er/a.txt", True),
        ("build\n!build/keep.py\n", "build/keep.py", True),
        ("build/*\n!build/keep.py\n", "build/keep.py", False),
        ("build/\n", "build", False),
        ("foo**/bar\n", "foobar", True),
        ("x/foo**/bar\n", "x/foo/y/bar", True),
        ("\ufeffa.py\r\n", "a.py", True),
        ("?.py\n", "é.py", False),
        ("a.PY\n", "a.py", False),
    ],
)
def test_an_ignore_file_means_what_it_means_to_git(tmp_path: Path, lines: str, name: str, expected: bool) -> None:
    """Negations, folders that stay closed, folders only, bytes instead of letters, and git's reading of `foo**/`."""
    git(tmp_path, "init", "--quiet")
    write(tmp_path / ".gitignore", lines)
    ours, gits = compared(tmp_path, [write(tmp_path / name)])
    assert bool(gits) is expected
    assert ours == gits


def test_a_repository_within_another_is_its_own(tmp_path: Path) -> None:
    """The outer one's patterns do not reach into it."""
    for folder in (tmp_path, tmp_path / "inner"):
        folder.mkdir(exist_ok=True)
        git(folder, "init", "--quiet")
    write(tmp_path / ".gitignore", "*.py\n")
    assert not is_ignored_by_git(write(tmp_path / "inner" / "a.py"))
    assert is_ignored_by_git(write(tmp_path / "a.py"))


def test_a_working_tree_obeys_the_patterns_of_its_repository(tmp_path: Path) -> None:
    """`info/exclude` lies in the repository that the tree was made from."""
    git(tmp_path, "init", "--quiet", "main")
    main = tmp_path / "main"
    who = ("-c", "user.name=a", "-c", "user.email=a@example.org")
    git(main, *who, "commit", "--quiet", "--allow-empty", "--message", "first")
    git(main, "worktree", "add", "--quiet", "--detach", "../beside")
    write(main / ".git" / "info" / "exclude", "mine.py\n")
    ours, gits = compared(tmp_path / "beside", [write(tmp_path / "beside" / name) for name in ("mine.py", "a.py")])
    assert ours == gits == {"mine.py"}


def test_what_a_plumignore_hides_stays_hidden(tmp_path: Path) -> None:
    """A negation shows nothing that a `.plumignore` or the settings hide."""
    place = write(tmp_path / "src" / "a.py")
    write(tmp_path / ".gitignore", "/*\n!/src/\n")
    assert private_paths(()).may_read(place, tmp_path)
    assert not private_paths(("a.py",)).may_read(place, tmp_path)
    write(tmp_path / ".plumignore", "a.py\n!a.py\n")
    assert not private_paths(()).may_read(place, tmp_path)


def test_many_files_are_judged_as_each_alone(tmp_path: Path) -> None:
    """Links, hidden folders, ignore files, excluded and missing files are judged as if only one file was read."""
    root = tmp_path / "shop"
    names = ("a.py", "git.py", "plum.py", "set.py", ".b.py", "deep/a.py", "deep/own.py", ".c/a.py", "out/a.py")
    places = [write(root / name) for name in names]
    write(root / ".gitignore", "git.py\nout/\n")
    write(root / "deep" / ".gitignore", "own.py\n")
    write(root / ".plumignore", "plum.py\n")
    for name, target in {
        "link.py": root / "git.py",
        "away.py": write(tmp_path / "x.py"),
        "linked": root / "out",
    }.items():
        (root / name).symlink_to(target)
        places.append(root / name / "a.py" if name == "linked" else root / name)
    private = private_paths(("set.py",))
    readable = private.readable(root)
    judged = [readable.may_read(one) for one in (*places, root / "no.py", root / "no" / "a.py", tmp_path / "x.py")]
    alone = [private.may_read(one, root) for one in (*places, root / "no.py", root / "no" / "a.py", tmp_path / "x.py")]
    assert judged == alone
    assert [name for name, is_read in zip(names, judged, strict=False) if is_read] == ["a.py", "deep/a.py"]


def test_the_ignore_files_of_a_folder_are_looked_for_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second file of the same folder costs no further look at the folders above."""
    looked: list[Path] = []
    patterns = privacy._git_files.patterns
    monkeypatch.setattr(privacy._git_files, "patterns", lambda file: (looked.append(file), patterns(file))[1])
    readable = private_paths(()).readable(tmp_path)
    assert readable.may_read(write(tmp_path / "a.py"))
    count = len(looked)
    assert readable.may_read(write(tmp_path / "b.py"))
    assert len(looked) == count


@pytest.mark.parametrize(
    "content",
    [
        b"x\n" * (PATTERNS_MAX + 1) + b"!a.py\n",
        b"!" * (PATTERN_CHARACTERS_MAX + 1),
        b"#" * (IGNORE_BYTES_MAX + 1),
    ],
)
def test_too_many_and_too_long_patterns_hide_everything(tmp_path: Path, content: bytes) -> None:
    """A file from a stranger must not cost time, and a slip must hide too much, not too little."""
    write(tmp_path / ".gitignore", content)
    assert is_ignored_by_git(write(tmp_path / "a.py"))


def test_what_lies_too_deep_is_hidden(tmp_path: Path) -> None:
    """A path of a repository has a bounded number of folders, each with an ignore file of its own."""
    git(tmp_path, "init", "--quiet")
    assert not is_ignored_by_git(tmp_path.joinpath(*"x" * (PARTS_MAX - 1), "a.py"))
    assert is_ignored_by_git(tmp_path.joinpath(*"x" * PARTS_MAX, "a.py"))


@pytest.mark.parametrize("line", ["*a" * 400 + "b", "**/a/" * 150 + "b", "*?" * 400 + "b", "[!b]*" * 150 + "b"])
def test_no_pattern_backtracks(line: str) -> None:
    """With backtracking each of these takes longer than the test's time limit."""
    path = "/".join(["a" * 250] * 8 + ["a"] * 40)
    assert GitPatterns(line.encode()).says(path, is_folder=False) is None
    assert GitPatterns(line.encode()).says("a" * 250, is_folder=False) is None


def test_a_file_is_read_once_for_each_content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However often its folder is asked about; a new content is seen at once."""
    read: list[bytes] = []
    kept = privacy._IgnoreFiles(lambda content: read.append(content) or GitPatterns(content))
    monkeypatch.setattr(privacy, "_git_files", kept)
    for content in (b"one.py\n", b"two.py\n"):
        write(tmp_path / ".gitignore", content)
        for name in ("one.py", "two.py", "deep/one.py"):
            assert is_ignored_by_git(tmp_path / name) is (Path(name).name.encode() in content)
    assert read == [b"one.py\n", b"two.py\n"]


def test_answers_are_kept_and_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """The second question about a path compares nothing, and old answers make room."""
    found = GitPatterns(b"*.pyc\n")
    assert found.says("a.pyc", is_folder=False)
    monkeypatch.setattr(gitignore, "_match", lambda wanted, names: pytest.fail("compared again"))
    assert found.says("a.pyc", is_folder=False)
    monkeypatch.undo()
    for number in range(2 * gitignore._REMEMBERED_MAX):
        found.says(f"{number}.py", is_folder=False)
    assert len(found._answers) <= gitignore._REMEMBERED_MAX
