"""The licence of each locked package: none may ask more of a user than to keep its text and its own changes open."""

from __future__ import annotations

import re
from importlib import metadata
from pathlib import Path

import pytest

LOCK = (Path(__file__).resolve().parents[2] / "requirements.lock").read_text(encoding="utf-8")
PACKAGES = sorted({name.lower() for name in re.findall(r"^([\w.-]+)==", LOCK, re.MULTILINE)})
ACCEPTED = re.compile(
    r"MIT|BSD|Apache|ISC|PSF|Python Software Foundation|Public Domain|Unlicense|Zlib|MPL|Mozilla Public License"
    r"|LGPL|Lesser General Public",
    re.IGNORECASE,
)
"""Licences of packages that plum-lsp uses without changing them. The LGPL's and MPL's terms end at the package."""
REFUSED = re.compile(r"\bA?GPL|(?<!Lesser )General Public License|SSPL|BUSL", re.IGNORECASE)


def licence_of(package: str) -> str:
    """What a package says of its licence: the expression, the classifiers, or else the text field."""
    found = metadata.metadata(package)
    classifiers = [one for one in found.get_all("Classifier") or [] if one.startswith("License ::")]
    return found.get("License-Expression") or "; ".join(classifiers) or str(found.get("License") or "")


@pytest.mark.parametrize("package", PACKAGES)
def test_the_licence_of_a_package_is_accepted(package: str) -> None:
    """Packages for other systems or Python versions are not installed, and are checked there."""
    try:
        licence = licence_of(package)
    except metadata.PackageNotFoundError:
        pytest.skip("not installed on this system")
    assert ACCEPTED.search(licence), f"{package}: {licence or 'says nothing'}"
    assert not REFUSED.search(licence), f"{package}: {licence}"


@pytest.mark.parametrize("licence", ["GPL-3.0-only", "AGPL-3.0", "GNU General Public License v3 (GPLv3)", "SSPL-1.0"])
def test_a_licence_that_binds_its_users_is_refused(licence: str) -> None:
    """The rule itself."""
    assert REFUSED.search(licence)
