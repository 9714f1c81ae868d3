"""What all tests share: generated examples have no time limit, and a file stays in one process."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

TESTS = Path(__file__).parent

settings.register_profile("busy", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("busy")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: Sequence[pytest.Item]) -> None:
    """Let one process run a whole file (`--dist loadgroup`), and one all files with vLLM, which takes every core.

    It comes first, because pytest-xdist reads the groups in the same hook.
    """
    with_vllm = {item.path for item in items if item.get_closest_marker("vllm")}
    for item in items:
        if not item.get_closest_marker("editors"):
            group = "vllm" if item.path in with_vllm else str(item.path.relative_to(TESTS))
            item.add_marker(pytest.mark.xdist_group(group))
