"""The wheel and the sdist: complete, and usable on each Python that this machine has."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
VERSIONS = ("3.11", "3.12", "3.13", "3.14")
PROGRAM = '''def clamp(value: int, low: int, high: int) -> int:
    """
    >>> clamp(5, 0, 3)
    3
    >>> clamp(-1, 0, 3)
    0
    """
    raise NotImplementedError
'''


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel and the sdist of this source."""
    folder = tmp_path_factory.mktemp("dist")
    subprocess.run([sys.executable, "-m", "hatchling", "build", "-d", str(folder)], cwd=ROOT, check=True)
    return folder


def only(folder: Path, pattern: str) -> Path:
    """The one file of this form."""
    (found,) = folder.glob(pattern)
    return found


@pytest.mark.slow
def test_the_sdist_has_the_sources_the_tests_and_the_documentation(built: Path) -> None:
    """With it a packager can build, check and document plum-lsp."""
    with tarfile.open(only(built, "*.tar.gz")) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    needed = {
        "pyproject.toml", "requirements.lock", "Makefile", "LICENSE", "README.md", "CHANGELOG.md", "SECURITY.md",
        "CONTRIBUTING.md", "mkdocs.yml", "docs/index.md", "tests/packaging/test_distribution.py",
        "trainer/plum_trainer/cli.py",
        "editor-clients/neovim/README.md", "editor-clients/vscode/package.json", "examples/durations.py",
    }  # fmt: skip
    assert needed <= names
    assert not any("node_modules" in name or name.endswith((".vsix", ".pyc")) for name in names)


@pytest.mark.slow
def test_the_wheel_has_the_programs_and_their_data(built: Path) -> None:
    """Data files lie beside the modules that read them, and no test is installed."""
    with zipfile.ZipFile(only(built, "*.whl")) as archive:
        names = set(archive.namelist())
    data = [
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "plum_lsp").rglob("*")
        if path.suffix in {".toml", ".json", ".typed"} and "__pycache__" not in path.parts
    ]
    assert set(data) <= names
    assert {f"plum_lsp/docs/{path.name}" for path in (ROOT / "docs").glob("*.md")} <= names
    assert "plum_trainer/__init__.py" in names
    assert not any(name.startswith(("tests/", "benchmarks/", "docs/")) for name in names)


@pytest.mark.slow
@pytest.mark.parametrize("address", ["", "https://git.example/plum-lsp"])
def test_the_readme_has_no_dead_link_on_an_index(address: str) -> None:
    """Each link leads to a file of the repository. Without an address there is none, and the words remain."""
    environ = {**os.environ, "REPOSITORY_URL": address}
    command = [sys.executable, "-m", "hatchling", "metadata"]
    done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=True)
    metadata = json.loads(done.stdout)
    text = metadata["readme"]["text"]
    links = re.findall(r"\]\(([^)]+)\)", text)
    placed = [re.fullmatch(rf"{address}/(?:raw|blob)/v{metadata['version']}/([^#]+)(?:#.+)?", link) for link in links]
    assert all(found and (ROOT / found[1]).is_file() for found in placed), links
    assert bool(links) == bool(address) == bool(metadata.get("urls"))
    assert "troubleshooting" in text


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("version", VERSIONS)
def test_the_wheel_works_in_an_empty_environment(built: Path, tmp_path: Path, version: str) -> None:
    """Installed with its dependencies only, it judges a right and a wrong body in the sandbox."""
    python = python_of(version)
    if python is None:
        pytest.skip(f"this machine has no Python {version}")
    home = tmp_path / "home"
    home.mkdir()
    subprocess.run([python, "-m", "venv", str(tmp_path / "venv")], check=True)
    scripts = tmp_path / "venv" / "bin"
    wheel = only(built, "*.whl")
    subprocess.run([scripts / "pip", "install", "--quiet", "--retries", "8", str(wheel)], check=True)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PLUM_", "XDG_", "PYTHON"))}
    program, right, wrong = (tmp_path / name for name in ("program.py", "right.py", "wrong.py"))
    program.write_text(PROGRAM)
    right.write_text("    return max(low, min(value, high))\n")
    wrong.write_text("    return value\n")
    done = [
        subprocess.run(
            [scripts / "plum-lsp", "verify", f"{program}::clamp", "--body", str(body)],
            env={**kept, "HOME": str(home)},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        for body in (right, wrong)
    ]
    assert [one.returncode for one in done] == [0, 1], done
    assert "verified" in done[0].stdout


def python_of(version: str) -> str | None:
    """A Python of this version that can make an environment: this one, one from pyenv, or one on the path."""
    if sys.version_info[:2] == tuple(map(int, version.split("."))):
        return sys.executable
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    found = [*map(str, sorted(pyenv.glob(f"{version}.*/bin/python"))), shutil.which(f"python{version}")]
    return next((python for python in reversed(found) if python and makes_environments(python)), None)


def makes_environments(python: str) -> bool:
    """Whether a Python starts (a name on the path may be a wrapper for nothing) and has the parts for `venv`."""
    return subprocess.run([python, "-c", "import ensurepip, venv"], capture_output=True, check=False).returncode == 0
