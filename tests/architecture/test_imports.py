"""What importing plum-lsp costs: nothing of the heavy packages, whichever door one comes in by."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

HEAVY = ("torch", "transformers", "vllm", "xllamacpp", "trl", "peft")
DOORS = (
    "plum_lsp",
    "plum_lsp.cli",
    "plum_lsp.suggestion.pipeline",
    "plum_lsp.wiring",
    "plum_lsp.server.app",
    "plum_trainer.cli",
)

PROGRAM = """
import importlib, json, sys
importlib.import_module(sys.argv[1])
print(json.dumps(sorted({name.partition(".")[0] for name in sys.modules})))
"""


@pytest.mark.slow
@pytest.mark.parametrize("door", DOORS)
def test_importing_loads_nothing_heavy(door: str) -> None:
    """A model is loaded in a process of its own, so the server's and the trainer's stay small."""
    done = subprocess.run([sys.executable, "-c", PROGRAM, door], capture_output=True, text=True, check=True)
    assert set(json.loads(done.stdout)) & set(HEAVY) == set()
