"""Which packages a fit needs, looked for without loading them. They are heavy, so they are installed apart."""

from __future__ import annotations

import importlib.util

NEEDED = ("torch", "transformers", "peft", "accelerate")
"""TRL is used where it is installed (`fit.with_trl`)."""
INSTALL = "Install them: pip install 'plum-lsp[train]'"


def missing() -> tuple[str, ...]:
    """The needed packages that are not installed beside this command."""
    return tuple(name for name in NEEDED if importlib.util.find_spec(name) is None)
