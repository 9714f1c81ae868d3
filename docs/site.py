"""Brings the documents outside `docs/` into the site, and their links with them. MkDocs calls these functions."""

from __future__ import annotations

import posixpath
import re
from pathlib import Path, PurePosixPath

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parent.parent
OUTSIDE = {
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "reporting.md",
    "editor-clients/neovim/README.md": "neovim.md",
    "editor-clients/vscode/README.md": "vscode.md",
}
"""The documents outside `docs/`, each with the page that it becomes."""
_LINK = re.compile(r"(!?)\[((?:[^\[\]]|\[[^\]]*\])*)\]\((?!https?:|#|mailto:)([^)#\s]+)(#[^)\s]*)?\)")


def on_files(files: Files, *, config: MkDocsConfig) -> Files:
    """Add the outside documents, and the pictures in them, to the site."""
    for source, page in OUTSIDE.items():
        files.append(File.generated(config, page, content=(ROOT / source).read_text(encoding="utf-8")))
    for picture in sorted((ROOT / "editor-clients" / "vscode" / "pictures").glob("*.png")):
        files.append(File.generated(config, f"pictures/{picture.name}", abs_src_path=str(picture)))
    return files


def on_page_markdown(markdown: str, *, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Point the links of a page to pages of the site. A link to a file that is no page becomes its text."""
    own = page.file.src_uri
    source = next((path for path, name in OUTSIDE.items() if name == own), f"docs/{own}")

    def placed(found: re.Match[str]) -> str:
        mark, text, target, anchor = found[1], found[2], found[3], found[4] or ""
        path = posixpath.normpath(posixpath.join(posixpath.dirname(source), target))
        name = OUTSIDE.get(path) or _within(path, mark)
        if not name:
            return text
        return f"{mark}[{text}]({posixpath.relpath(name, posixpath.dirname(own) or '.')}{anchor})"

    return _LINK.sub(placed, markdown)


def _within(path: str, mark: str) -> str:
    """The place in the site of a file of the repository. Empty if it is none of the site's."""
    if path.startswith("docs/"):
        return path.removeprefix("docs/")
    return f"pictures/{PurePosixPath(path).name}" if mark else ""
