"""Reads what an environment is from its files: version, base Python, site-packages. Starts nothing.

Knows virtual environments (venv, virtualenv, uv), conda's, and a Python that is its own environment.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from plum_lsp.domain.project import Environment
from plum_lsp.project.looking import Look

CONFIGURATION = "pyvenv.cfg"
"""What a virtual environment holds (docs.python.org/3/library/venv.html)."""
_PROGRAMS = ("python", "python3")
_LIBRARY = re.compile(r"(?:python|pypy)(\d+\.\d+)t?")


def environment_in(look: Look, prefix: Path, origin: str) -> Environment | None:
    """The environment in a folder; None if there is none, or one whose Python is gone."""
    is_virtual = look.is_file(prefix / CONFIGURATION)
    if not _configuration(look, prefix).get("home") if is_virtual else not look.is_folder(prefix / "conda-meta"):
        return None
    executable = next((prefix / "bin" / name for name in _PROGRAMS if look.is_file(prefix / "bin" / name)), None)
    return _environment(look, executable, prefix, origin) if executable else None


def environment_of(look: Look, program: str, origin: str) -> Environment | None:
    """The environment of a Python that somebody chose: a path, or a name on the PATH. None if there is no such file."""
    found = shutil.which(program) if "/" not in program else str(Path(program).expanduser())
    path = Path(found or "")
    if not path.is_absolute() or not look.is_file(path):
        return environment_in(look, path, origin) if path.is_absolute() else None
    prefix = path.parent.parent
    if look.is_file(prefix / CONFIGURATION) or look.is_folder(prefix / "conda-meta"):
        return _environment(look, path, prefix, origin)
    return _environment(look, path, path.resolve().parent.parent, origin)


def broken_environment(look: Look, prefix: Path) -> str:
    """Why there is a virtual environment in a folder that cannot be used; empty if there is none or it can be."""
    if not look.is_file(prefix / CONFIGURATION) or environment_in(look, prefix, ""):
        return ""
    home = _configuration(look, prefix).get("home", "")
    return f"{prefix} was made with a Python that is gone ({home or 'unknown'}); make it again"


def _environment(look: Look, executable: Path, prefix: Path, origin: str) -> Environment:
    """The environment whose Python is `executable` and whose packages lie below `prefix`."""
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
    """The site-packages below a prefix, by the version they are for."""
    for name in ("lib64", "lib"):
        for entry in look.children(prefix / name):
            match = _LIBRARY.fullmatch(entry.name)
            if match and look.is_folder(site := prefix / name / entry.name / "site-packages"):
                yield match[1], site.resolve()


def _shared_sites(look: Look, base: Path, version: str) -> Iterator[Path]:
    """Where a Python that is no virtual environment keeps packages; Debian has folders of its own."""
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
