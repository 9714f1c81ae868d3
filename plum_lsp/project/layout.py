"""Finds a project's folders of modules and tests from packaging and pytest configuration, or the usual layouts.

`setup.py` is read as a syntax tree and never executed.
"""

from __future__ import annotations

import ast
import fnmatch
from collections.abc import Iterator
from pathlib import Path

from plum_lsp.project.looking import Look, strings, table

SOURCE_FOLDERS = ("src", "lib", "python")
"""Folders of the src layout. The last two count only if they hold a package and are not packages themselves."""
INI_FILES = ("pytest.ini", ".pytest.ini", "tox.ini", "setup.cfg")


def import_roots(look: Look, root: Path) -> tuple[Path, ...]:
    """The folders below the root from which modules are imported. The root itself comes last."""
    stated = [*_from_pyproject(look, root), *_from_setup_cfg(look, root), *_from_setup_py(look, root)]
    stated += _pytest_paths(look, root, "pythonpath")
    folders = [root / place for place in stated] or [
        root / name for name in SOURCE_FOLDERS if _is_source(look, root, name)
    ]
    inside = [place.resolve() for place in folders if look.is_folder(place)]
    return tuple(dict.fromkeys([*(place for place in inside if place.is_relative_to(root)), root]))


def stated_tests(look: Look, root: Path) -> tuple[Path, ...]:
    """The files and folders that pytest's configuration names. The walk handles globs."""
    places = [root / place for place in _pytest_paths(look, root, "testpaths") if "*" not in place]
    found = [place.resolve() for place in places if look.is_folder(place) or look.is_file(place)]
    return tuple(place for place in found if place.is_relative_to(root))


def stated_test_names(look: Look, root: Path) -> tuple[str, ...]:
    """The patterns of pytest's `python_files`. One that matches every name is left out."""
    found = _pytest_paths(look, root, "python_files")
    return tuple(one for one in found if not fnmatch.fnmatchcase("any_module.py", one))


def project_name(look: Look, root: Path) -> str:
    """The name in `pyproject.toml`. Empty if there is none."""
    settings = look.toml(root / "pyproject.toml")
    names = (table(settings, "project").get("name"), table(settings, "tool", "poetry").get("name"))
    return next((name for name in names if isinstance(name, str)), "")


def _is_source(look: Look, root: Path, name: str) -> bool:
    folder = root / name
    if look.is_file(folder / "__init__.py"):
        return False
    entries = look.children(folder)
    if name == "src":
        return any(entry.is_dir() or entry.name.endswith(".py") for entry in entries)
    return any(look.is_file(folder / entry.name / "__init__.py") for entry in entries if entry.name.isidentifier())


def _from_pyproject(look: Look, root: Path) -> Iterator[str]:
    """The folders that the table of each build tool names."""
    tools = table(look.toml(root / "pyproject.toml"), "tool")
    setuptools = table(tools, "setuptools")
    yield from strings(table(setuptools, "package-dir").get(""))
    yield from strings(table(setuptools, "packages", "find").get("where"))
    packages = table(tools, "poetry").get("packages")
    for package in packages if isinstance(packages, list) else ():
        yield from strings(table(package).get("from"))
    hatch = table(tools, "hatch", "build")
    for target in (hatch, table(hatch, "targets", "wheel")):
        yield from strings(target.get("sources"))
        yield from strings(target.get("dev-mode-dirs"))
        yield from (str(Path(package).parent) for package in strings(target.get("packages")))
    yield from strings(table(tools, "pdm", "build").get("package-dir"))
    yield from strings(table(tools, "uv", "build-backend").get("module-root"))
    yield from strings(table(tools, "maturin").get("python-source"))
    for package in strings(table(tools, "scikit-build", "wheel").get("packages")):
        yield str(Path(package).parent)


def _from_setup_cfg(look: Look, root: Path) -> Iterator[str]:
    settings = look.ini(root / "setup.cfg")
    for line in settings.get("options", "package_dir", fallback="").splitlines():
        name, equals, place = line.partition("=")
        if equals and not name.strip():
            yield place.strip()
    where = settings.get("options.packages.find", "where", fallback="").strip()
    if where:
        yield where


def _from_setup_py(look: Look, root: Path) -> Iterator[str]:
    """The literals of `package_dir={"": …}` and `find_packages(…)`."""
    try:
        tree = ast.parse(look.text(root / "setup.py"))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.keyword) and node.arg == "package_dir" and isinstance(node.value, ast.Dict):
            for key, value in zip(node.value.keys, node.value.values, strict=True):
                if isinstance(key, ast.Constant) and key.value == "":
                    yield from _literal(value)
        elif isinstance(node, ast.Call) and _called(node) in {"find_packages", "find_namespace_packages"}:
            yield from (place for argument in node.args[:1] for place in _literal(argument))
            yield from (place for word in node.keywords if word.arg == "where" for place in _literal(word.value))


def _called(node: ast.Call) -> str:
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


def _literal(node: ast.expr) -> Iterator[str]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value


def _pytest_paths(look: Look, root: Path, key: str) -> tuple[str, ...]:
    """The paths under a key of pytest's configuration, from the first file that has any, in pytest's order."""
    for name in INI_FILES[:2]:
        if found := look.ini(root / name).get("pytest", key, fallback=""):
            return tuple(found.split())
    tools = table(look.toml(root / "pyproject.toml"), "tool", "pytest")
    stated = strings(table(tools, "ini_options").get(key) or tools.get(key))
    if stated:
        return tuple(part for one in stated for part in one.split())
    for name, section in zip(INI_FILES[2:], ("pytest", "tool:pytest"), strict=True):
        if found := look.ini(root / name).get(section, key, fallback=""):
            return tuple(found.split())
    return ()
