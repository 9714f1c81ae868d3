"""Installs the plug-in as a package of Neovim's own kind (`:help packages`), which needs no plug-in manager."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from pathlib import Path

from plum_lsp.cli.editor.clients import NoClient, Plan, neovim_plugin, user_data
from plum_lsp.report.installation import argv_here

PARTS = ("doc/plum.txt", "lua", "plugin")
INSTALLED = "lua/plum/installed.lua"
"""The module that the plug-in sets itself up with. A clone has none."""
_RECEIPT = ".plum-lsp.json"
"""The hashes of what was installed, so that the user's own changes are seen."""
_TAG = re.compile(r"(?:^|(?<=\s))\*([^*\s|]+)\*(?=\s|$)", re.MULTILINE)


def programs() -> tuple[str, ...]:
    """The Neovim on the PATH."""
    found = shutil.which("nvim")
    return (found,) if found else ()


def target() -> Path:
    """Where the package belongs (`:help standard-path`, `NVIM_APPNAME`)."""
    return user_data() / os.environ.get("NVIM_APPNAME", "nvim") / "site" / "pack" / "plum-lsp" / "start" / "plum"


def is_installed() -> bool:
    """Whether the package is there."""
    return (target() / "plugin" / "plum.lua").is_file()


def plan() -> Plan:
    """The steps for this user.

    Raises:
        NoClient: there is no plug-in in this installation.
    """
    source, place = neovim_plugin(), target()
    files = {**_files(source), INSTALLED: _options(argv_here()).encode()}
    return Plan(
        told=(
            f"Copies the plug-in ({len(files)} files) to {place}",
            "Neovim then starts plum for Python files, and Tab accepts a suggestion if there is one",
        ),
        overwrites=_overwritten(place),
        act=lambda: _copy(files, place),
        next="Open a Python file in Neovim. `:help plum-options` has what you can change in your init.lua.\n"
        "lazy.nvim loads no packages of Neovim's own kind. If you use it, add this to your plug-ins:\n\n"
        f"  {{ dir = {_quoted(str(place))}, ft = 'python' }}",
    )


def _options(command: tuple[str, ...]) -> str:
    """What the plug-in is set up with if the user's configuration does not do it."""
    words = ", ".join(_quoted(word) for word in command)
    return f"-- Written when this plug-in was installed.\nreturn {{ tab = true, cmd = {{ {words} }} }}\n"


def _quoted(text: str) -> str:
    """A text as Lua writes it, which is as JSON does but for characters outside of ASCII."""
    return json.dumps(text, ensure_ascii=False)


def _files(source: Path) -> dict[str, bytes]:
    """The files of the plug-in."""
    found = [
        file for part in PARTS for file in ((source / part).rglob("*") if (source / part).is_dir() else [source / part])
    ]
    return {file.relative_to(source).as_posix(): file.read_bytes() for file in sorted(found) if file.is_file()}


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _overwritten(place: Path) -> str:
    """What of the user's own would be lost. Empty if it keeps all."""
    if place.is_symlink() or (place.exists() and not (place / _RECEIPT).is_file()):
        return f"{place}, which plum-lsp did not make"
    if not place.exists():
        return ""
    try:
        known = dict(json.loads((place / _RECEIPT).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return f"{place}, whose list of files cannot be read"
    present = {file.relative_to(place).as_posix(): file for file in place.rglob("*") if file.is_file()}
    own = sorted(
        name
        for name, file in present.items()
        if name not in {_RECEIPT, "doc/tags"} and known.get(name) != _hash(file.read_bytes())
    )
    return f"what you changed in {place} ({', '.join(own)})" if own else ""


def _copy(files: dict[str, bytes], place: Path) -> None:
    """Make the package beside its place, then exchange the folders, so that no half of it is ever loaded."""
    beside, old = place.with_name(f"{place.name}.new"), place.with_name(f"{place.name}.old")
    try:
        for stale in (beside, old):
            shutil.rmtree(stale, ignore_errors=True)
        for name, content in files.items():
            (beside / name).parent.mkdir(parents=True, exist_ok=True)
            (beside / name).write_bytes(content)
        (beside / "doc" / "tags").write_text(_tags(beside / "doc" / "plum.txt"), encoding="utf-8")
        (beside / _RECEIPT).write_text(json.dumps({name: _hash(content) for name, content in files.items()}))
        if place.is_symlink():
            place.unlink()
        elif place.exists():
            place.rename(old)
        beside.rename(place)
        shutil.rmtree(old, ignore_errors=True)
    except OSError as error:
        remedy = "Make the folder writable, or set XDG_DATA_HOME."
        raise NoClient(f"{place} cannot be written: {error.strerror}", remedy=remedy) from error


def _tags(page: Path) -> str:
    """The index of a help page, as `:helptags` writes it."""
    names = sorted(set(_TAG.findall(page.read_text(encoding="utf-8"))))
    return "".join(f"{name}\t{page.name}\t/*{name}*\n" for name in names)
