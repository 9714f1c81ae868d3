"""Reads an environment from its files: version, base Python, site-packages. It starts no process.

It knows virtual environments (venv, virtualenv, uv), those of conda, and a Python that is its own environment.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from plum_lsp.domain.project import Environment
from plum_lsp.project.looking import Look

CONFIGURATION = "pyvenv.cfg"
"""The file that marks a virtual environment (docs.python.org/3/library/venv.html)."""
_PROGRAMS = ("python", "python3")
_LIBRARY = re.compile(r"(?:python|pypy)(\d+\.\d+)t?")


def environment_in(look: Look, prefix: Path, origin: str) -> Environment | None:
    """The environment in a folder. None if there is none, or if its Python is missing."""
    is_virtual = look.is_file(prefix / CONFIGURATION)
    if not _configuration(look, prefix).get("home") if is_virtual else not look.is_folder(prefix / "conda-meta"):
        return None
    executable = next((prefix / "bin" / name for name in _PROGRAMS if look.is_file(prefix / "bin" / name)), None)
    return _environment(look, executable, prefix, origin) if executable else None


def environment_of(look: Look, program: str, origin: str) -> Environment | None:
    """The environment of a chosen Python: a path, or a name on the PATH. None if there is no such file."""
    found = shutil.which(program) if "/" not in program else str(Path(program).expanduser())
    path = Path(found or "")
    if not path.is_absolute() or not look.is_file(path):
        return environment_in(look, path, origin) if path.is_absolute() else None
    prefix = path.parent.parent
    if look.is_file(prefix / CONFIGURATION) or look.is_folder(prefix / "conda-meta"):
        return _environment(look, path, prefix, origin)
    return _environment(look, path, path.resolve().parent.parent, origin)


def broken_environment(look: Look, prefix: Path) -> str:
    """Why the virtual environment in a folder cannot be used. Empty if it can be used, or if there is none."""
    if not look.is_file(prefix / CONFIGURATION) or environment_in(look, prefix, ""):
        return ""
    home = _configuration(look, prefix).get("home", "")
    return f"{prefix} was made with a Python that no longer exists ({home or 'unknown'}), so create it again"


def _environment(look: Look, executable: Path, prefix: Path, origin: str) -> Environment:
    """The environment with the Python `executable` and the packages below `prefix`."""
    said = _configuration(look, prefix)
    home = Path(said["home"]).expanduser() if said.get("home") else None
    base = home.parent if home and home.is_absolute() else prefix
    libraries = dict(_libraries(look, prefix))
    named = re.match(r"\d+\.\d+", said.get("version", said.get("version_info", "")))
    version = named[0] if named else _version_of(executable.resolve()) or max(libraries, key=_as_numbers, default="")
    sites = [libraries[version]] if version in libraries else []
    shares = said.get("include-system-site-packages", "").lower() == "true"
    if base == prefix or shares:
        sites += [site for site in _shared_sites(look, base, version) if site not in sites]
    return Environment(
        executable=executable,
        prefix=prefix,
        base=base,
        version=version,
        site_packages=tuple(sites),
        origin=origin,
    )


def _configuration(look: Look, prefix: Path) -> dict[str, str]:
    """The keys of `pyvenv.cfg`, in lower case."""
    pairs = (line.partition("=") for line in look.text(prefix / CONFIGURATION).splitlines())
    return {key.strip().lower(): value.strip() for key, equals, value in pairs if equals}


def _libraries(look: Look, prefix: Path) -> Iterator[tuple[str, Path]]:
    """The site-packages folders below a prefix, by Python version."""
    for name in ("lib64", "lib"):
        for entry in look.children(prefix / name):
            match = _LIBRARY.fullmatch(entry.name)
            if match and look.is_folder(site := prefix / name / entry.name / "site-packages"):
                yield match[1], site.resolve()


def _shared_sites(look: Look, base: Path, version: str) -> Iterator[Path]:
    """The package folders of a Python outside a virtual environment. Debian has its own folders."""
    places = (
        f"lib/python{version}/site-packages",
        f"local/lib/python{version}/dist-packages",
        "lib/python3/dist-packages",
    )
    for place in places:
        if version and look.is_folder(base / place):
            yield (base / place).resolve()


def _version_of(program: Path) -> str:
    match = re.search(r"(\d+\.\d+)t?$", program.name)
    return match[1] if match else ""


def _as_numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))
