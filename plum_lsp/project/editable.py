"""Reads the targets of editable installs: path files as text, finder hooks as syntax trees. It executes neither.

Each build tool writes its own form:

- path files with folders (hatchling, flit, poetry-core, pdm-backend, uv, maturin, setuptools for simple layouts),
- a module with a table `MAPPING` of names (setuptools),
- a module that calls `map_module` (the `editables` package, which hatchling and pdm-backend use),
- a module that calls `install` with a table of modules (scikit-build-core).
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from plum_lsp.domain.project import MappedModule
from plum_lsp.project.looking import Look

PATH_FILES_MAX = 200
"""The most path files that are read. A site-packages folder has only a few."""
LINES_MAX = 500
"""The most lines of a path file that are read."""
_HOOK = re.compile(r"import[ \t]+([A-Za-z_]\w*)")
_CODE = ("import ", "import\t")
"""The start of a line in a path file that `site` would execute (docs.python.org/3/library/site.html)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Editable:
    """The imports that editable installs add to a Python, in the order of its path files."""

    roots: tuple[Path, ...]
    mapped: tuple[MappedModule, ...]


def editable_installs(look: Look, sites: Iterable[Path]) -> Editable:
    """The editable installs that the path files of these site-packages folders name."""
    roots: dict[Path, None] = {}
    mapped: dict[str, MappedModule] = {}
    for site in sites:
        names = [entry.name for entry in look.children(site) if entry.name.endswith(".pth")]
        for name in names[:PATH_FILES_MAX]:
            for line in look.text(site / name).splitlines()[:LINES_MAX]:
                if line.startswith(_CODE):
                    found = [one for hook in _HOOK.findall(line) for one in _hooked(look, site / f"{hook}.py")]
                    _sort(found, roots, mapped)
                elif line.strip() and not line.startswith("#"):
                    roots |= dict.fromkeys(_folders(look, site, line.strip()))
    return Editable(roots=tuple(roots), mapped=tuple(mapped.values()))


def _folders(look: Look, site: Path, line: str) -> Iterator[Path]:
    """The folder that a line of a path file names, if it exists and lies outside the site-packages folder."""
    if "\0" in line:
        return
    folder = site / line
    if look.is_folder(folder) and not (resolved := folder.resolve()).is_relative_to(site):
        yield resolved


def _sort(found: Iterable[tuple[str, Path]], roots: dict[Path, None], mapped: dict[str, MappedModule]) -> None:
    """Sort the modules. If a folder on the path explains a module's place, keep the folder, otherwise the name."""
    for name, place in found:
        parts = name.split(".")
        named = (*place.parent.parts, place.stem)[-len(parts) :]
        if list(named) == parts:
            roots[place.parents[len(parts) - 1]] = None
        else:
            mapped.setdefault(name, MappedModule(name=name, path=place))


def _hooked(look: Look, file: Path) -> Iterator[tuple[str, Path]]:
    """The top-level modules, and modules of namespaces, that a hook maps to existing places."""
    try:
        tree = ast.parse(look.text(file))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return
    seen: set[str] = set()
    for name, path in sorted(_pairs(tree), key=lambda pair: pair[0].count(".")):
        place = Path(path)
        if not place.is_absolute() or "\0" in path or any(name.startswith(f"{known}.") for known in seen):
            continue
        place = place.parent if place.name == "__init__.py" else place
        if not place.exists() and place.with_suffix(".py").exists():  # setuptools omits the suffix of a module
            place = place.with_suffix(".py")
        if look.is_folder(place) or look.is_file(place):
            seen.add(name)
            yield name, place.resolve()


def _pairs(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """The pairs of a module's name and a path in a hook's literals."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign | ast.AnnAssign) and _assigns(node, "MAPPING"):
            yield from _literal_pairs(node.value)
        elif isinstance(node, ast.Call):
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if called == "map_module" and len(node.args) == 2:
                yield from _literal_pairs(ast.Dict(keys=[node.args[0]], values=[node.args[1]]))
            elif called == "install" and node.args:
                yield from _literal_pairs(node.args[0])


def _assigns(node: ast.Assign | ast.AnnAssign, name: str) -> bool:
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    return any(isinstance(target, ast.Name) and target.id == name for target in targets)


def _literal_pairs(node: ast.expr | None) -> Iterator[tuple[str, str]]:
    if not isinstance(node, ast.Dict):
        return
    for key, value in zip(node.keys, node.values, strict=True):
        pair = getattr(key, "value", None), getattr(value, "value", None)
        if isinstance(pair[0], str) and isinstance(pair[1], str):
            yield pair[0], pair[1]
