"""How a command's modules are loaded."""

from __future__ import annotations

import gc
import importlib
from types import SimpleNamespace

import click
import pytest

from plum_lsp.cli import plum_lsp


@pytest.mark.parametrize("is_whole", [True, False])
def test_garbage_is_not_collected_while_a_command_loads(monkeypatch: pytest.MonkeyPatch, is_whole: bool) -> None:
    """It is again afterwards, also if a module cannot be loaded."""
    seen: list[bool] = []

    def load(name: str) -> SimpleNamespace:
        seen.append(gc.isenabled())
        if not is_whole:
            raise ImportError(name)
        return SimpleNamespace(serve=click.Command("serve"))

    monkeypatch.setattr(importlib, "import_module", load)
    context = click.Context(plum_lsp)
    if is_whole:
        assert plum_lsp.get_command(context, "serve") is not None
    else:
        with pytest.raises(ImportError):
            plum_lsp.get_command(context, "serve")
    assert seen == [False]
    assert gc.isenabled()
