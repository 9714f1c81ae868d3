"""Where a page of the documentation lies in this installation: in the wheel, or in the checkout."""

from __future__ import annotations

from pathlib import Path

import plum_lsp

_PACKAGE = Path(plum_lsp.__file__).parent


def page(name: str) -> str:
    """The file of a page, for a message. A wheel that was built without the pages has its name alone."""
    places = (_PACKAGE / "docs" / name, _PACKAGE.parent / "docs" / name)
    return next((str(place) for place in places if place.is_file()), f"docs/{name}")
