"""Makes projects and environments on disk, without running anything."""

from __future__ import annotations

import sys
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
