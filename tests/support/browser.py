"""Takes pictures of pages with a real browser. Holds no tests."""

from __future__ import annotations

import subprocess
from pathlib import Path

from support.editor_parts import chromium


def take_picture(page: Path, picture: Path, *, profile: Path, width: int, height: int) -> Path:
    """Draw a page without a network in a window of this size in pixels."""
    picture.parent.mkdir(parents=True, exist_ok=True)
    browser = [str(chromium()), "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    flags = [f"--user-data-dir={profile}", "--hide-scrollbars", f"--window-size={width},{height}"]
    command = [*browser, *flags, f"--screenshot={picture}", page.as_uri()]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    return picture
