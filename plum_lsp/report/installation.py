"""How this installation of plum-lsp is started and extended. Remedies name commands as they work here.

The rest of the code writes `plum-lsp trust`, `plum-trainer resume`, `pip install 'plum-lsp[local]'` and
`pip install --upgrade plum-lsp`. `as_typed_here` puts in what the user has to type: the command may not be on the PATH,
and each installer adds packages in its own way. What is printed (`printing`) and what an editor is told (`server`) goes
through it. It runs no program.
"""

from __future__ import annotations

import json
import re
import shlex
import shutil
import sys
import sysconfig
from functools import cache
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import unquote, urlsplit

from plum_lsp.domain.children import python_module

NAME = "plum-lsp"
COMMANDS = (
    *("setup", "serve", "complete", "explain", "report", "pilot", "verify", "eval", "doctor", "model", "trust"),
    *("pairs", "forget", "sandbox", "policy", "editor", "share"),
)
"""The commands of `plum-lsp`. The other words after its name are prose."""
TRAINER = "plum-trainer"
TRAINER_COMMANDS = (
    *("run", "once", "status", "history", "rollback", "bench", "bench-report", "pause", "resume", "install-service"),
    "uninstall-service",
)
_MODULES = {NAME: "plum_lsp", TRAINER: "plum_trainer"}
_COMMAND = re.compile(
    rf"(?<![\w./-])(?:({NAME}) (?=(?:{'|'.join(COMMANDS)})\b)|({TRAINER}) (?=(?:{'|'.join(TRAINER_COMMANDS)})\b))"
)
_EXTRA = re.compile(rf"pip install '{NAME}\[(\w+)\]'")
_UPGRADE = f"pip install --upgrade {NAME}"
_OF_EXTRA = re.compile(r"""([\w.-]+).*\bextra == ["'](\w+)["']""")
"""A requirement of an extra: the package, then the extra."""
_NEWER = "file:///path/to/the/newer.whl"
_CHECKOUT_TARGETS = {"local": "setup", "train": "setup-model", "serve": "setup-model", "ray": "setup-model"}


def as_typed_here(text: str) -> str:
    """The text with each command as it works in this installation."""
    text = _COMMAND.sub(lambda found: f"{command_here(found[1] or found[2])} ", text)
    text = _EXTRA.sub(lambda found: to_install(found[1]), text)
    return text.replace(_UPGRADE, to_upgrade()) if _UPGRADE in text else text


@cache
def command_here(name: str = NAME) -> str:
    """What a shell needs to start this program: its name if the PATH leads to it, else its path or its module."""
    own = Path(sysconfig.get_path("scripts")) / name
    found = shutil.which(name)
    if found and own.is_file() and Path(found).resolve() == own.resolve():
        return name
    return shlex.join(argv_here(name))


def argv_here(name: str = NAME) -> tuple[str, ...]:
    """The program and first arguments that start this program from anywhere, for an editor's configuration."""
    own = Path(sysconfig.get_path("scripts")) / name
    return (str(own),) if own.is_file() else tuple(python_module(_MODULES[name]))


def to_install(extra: str) -> str:
    """The command that adds the packages of an extra to this installation."""
    origin, is_editable = _origin()
    if is_editable and extra in _CHECKOUT_TARGETS and (Path(origin) / "Makefile").is_file():
        return f"make -C {shlex.quote(origin)} {_CHECKOUT_TARGETS[extra]}"
    if is_editable:
        return f"{_installer()} --editable {shlex.quote(f'{origin}[{extra}]')}"
    extras = ",".join(sorted({extra, *_extras()} if installed_by() != "pip" else {extra}))
    return f"{_installer()} '{NAME}[{extras}]" + (f" @ {origin}'" if origin else "'")


def to_upgrade() -> str:
    """The command that replaces this installation by a newer one. One from a file needs the file of the newer one."""
    origin, is_editable = _origin()
    if is_editable:
        place = shlex.quote(origin)
        again = f"make -C {place} setup" if (Path(origin) / "Makefile").is_file() else f"{_pip()} --editable {place}"
        return f"git -C {place} pull && {again}"
    made_by, extras = installed_by(), ",".join(sorted(_extras()))
    wanted = f"{NAME}[{extras}]" if extras else NAME
    if origin and "+" not in urlsplit(origin).scheme:
        return f"{_installer()} '{wanted} @ {_NEWER}'"
    if made_by != "pip":
        return f"{made_by} upgrade {NAME}"
    return f"{_pip()} --upgrade '{wanted}" + (f" @ {origin}'" if origin else "'")


def to_add(package: str) -> str:
    """The command that adds one package to the environment of this installation."""
    return f"{_pip()} {package}"


def installed_by() -> str:
    """The program that made this environment: uv's or pipx's tool command, or pip."""
    if (Path(sys.prefix) / "uv-receipt.toml").is_file():
        return "uv tool"
    return "pipx" if (Path(sys.prefix) / "pipx_metadata.json").is_file() else "pip"


def _installer() -> str:
    made_by = installed_by()
    if made_by == "uv tool":
        return "uv tool install"
    if made_by == "pipx":
        return "pipx install --force"
    return _pip()


def _pip() -> str:
    python = shlex.quote(sys.executable)
    return f"{python} -m pip install" if find_spec("pip") else f"uv pip install --python {python}"


def _extras() -> set[str]:
    """The extras that are here with all their packages. uv removes those of an extra that its command does not name."""
    try:
        needed = [found for line in metadata.requires(NAME) or () if (found := _OF_EXTRA.match(line))]
    except metadata.PackageNotFoundError:
        return set()
    return {one[2] for one in needed} - {one[2] for one in needed if not _has(one[1])}


def _has(package: str) -> bool:
    try:
        metadata.distribution(package)
    except metadata.PackageNotFoundError:
        return False
    return True


@cache
def _origin() -> tuple[str, bool]:
    """Where plum-lsp was installed from if not from an index (PEP 610), and whether it is a checkout in use.

    A repository has its kind before the address (`git+https://…`), as installers want it.
    """
    try:
        found = json.loads(metadata.distribution(NAME).read_text("direct_url.json") or "{}")
    except (metadata.PackageNotFoundError, ValueError):
        return "", False
    url = str(found.get("url", ""))
    if found.get("dir_info", {}).get("editable"):
        return unquote(urlsplit(url).path), True
    kind = found.get("vcs_info", {}).get("vcs")
    return f"{kind}+{url}" if kind else url, False
