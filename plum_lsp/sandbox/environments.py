"""Describes the interpreter of an environment to the jail. It finds packages by path and runs no code of theirs.

For a virtual environment, only the Python that it was made from is started, without its site module. So no path file
and no `sitecustomize` of the environment runs outside the jail.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from plum_lsp.domain.errors import SandboxError
from plum_lsp.domain.project import Environment
from plum_lsp.sandbox.isolation import plans as isolation

_DESCRIBE_SECONDS = 20.0
_CHOOSE = "Correct sandbox.interpreter (PLUM_SANDBOX_INTERPRETER), or leave it empty."


def describe_environment(environment: Environment) -> isolation.Interpreter:
    """The interpreter of an environment, with the environment's packages on its path.

    Raises:
        SandboxError: its Python does not run or does not answer.
    """
    found = describe_interpreter(str(_plain_python(environment)), has_site=not environment.site_packages)
    sites = [str(site) for site in environment.site_packages if str(site) not in found.paths]
    return replace(found, roots=tuple(dict.fromkeys((*found.roots, *sites))), paths=(*found.paths, *sites))


def describe_interpreter(executable: str, *, has_site: bool = True) -> isolation.Interpreter:
    """Ask an interpreter that the user chose for its paths.

    Args:
        executable: its path or its name.
        has_site: whether it adds its own packages to its path, as its site module does.

    Raises:
        SandboxError: it does not run or does not answer.
    """
    options = [] if has_site else ["-S"]
    try:
        answer = subprocess.run(
            [executable, "-I", *options, "-c", isolation.DESCRIBE],
            capture_output=True,
            check=True,
            timeout=_DESCRIBE_SECONDS,
            env={},
        )
        found = json.loads(answer.stdout)
        return isolation.Interpreter(
            executable=found["executable"],
            version=found["version"],
            roots=tuple(found["roots"]),
            paths=tuple(path for path in found["paths"] if _is_inside(path, found["roots"])),
        )
    except OSError as error:
        raise SandboxError(f"{executable} cannot be run: {error.strerror}", remedy=_CHOOSE) from error
    except (subprocess.SubprocessError, ValueError, KeyError, TypeError) as error:
        raise SandboxError(f"{executable} does not answer as a Python does", remedy=_CHOOSE) from error


def _plain_python(environment: Environment) -> Path:
    """The Python that an environment was made from, or the environment's own Python if there is no other."""
    if environment.base == environment.prefix:
        return environment.executable
    names = (f"python{environment.version}", f"pypy{environment.version}", "python3", "python")
    places = [environment.base / "bin" / name for name in names]
    found = next((place for place in places if place.is_file()), None)
    if found is None:
        raise SandboxError(f"{environment.prefix} was made with a Python that is gone", remedy="Make it again.")
    return found


def _is_inside(path: str, roots: Sequence[str]) -> bool:
    """Whether a `sys.path` entry is part of the interpreter. Folders of editable installs are not."""
    return any(path == root or path.startswith(root.rstrip("/") + "/") for root in roots) or path.endswith(".zip")
