"""Makes projects and environments on disk, without running anything."""

from __future__ import annotations

import shutil
import sys
from importlib import metadata
from pathlib import Path

VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"


def tree(root: Path, files: dict[str, str]) -> Path:
    """Write files by their paths below the root; returns the root."""
    for name, text in files.items():
        place = root / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
    return root


def environment(prefix: Path, *, version: str = VERSION, home: str = "") -> Path:
    """What a virtual environment looks like, on our own Python; returns its site-packages."""
    base = home or str(Path(sys.base_prefix) / "bin")
    tree(prefix, {"pyvenv.cfg": f"home = {base}\ninclude-system-site-packages = false\nversion = {version}.7\n"})
    (prefix / "bin").mkdir()
    (prefix / "bin" / "python").symlink_to(Path(base) / f"python{version}")
    site = prefix / "lib" / f"python{version}" / "site-packages"
    site.mkdir(parents=True)
    return site


def install(site: Path, *names: str) -> None:
    """Copy distributions of our own Python into another's site-packages."""
    for name in names:
        for file in metadata.distribution(name).files or ():
            if ".." not in file.parts and "__pycache__" not in file.parts:
                place = site / file
                place.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(str(file.locate()), place)
