"""What the server's tests share."""

from __future__ import annotations

import pytest
from support.bench import Bench


@pytest.fixture
def bench() -> Bench:
    """A server in this process."""
    return Bench()
