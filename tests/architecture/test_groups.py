"""A file's tests stay in one process where processes share the tests, so that what they share is made once."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest
from support.documented import ROOT

FOLDERS = ("tests/files", "tests/domain")


@pytest.mark.slow
def test_a_file_stays_in_one_process() -> None:
    """As in `make test`. pytest-xdist forgets the groups in silence if pytest keeps names in another place."""
    options = ("-p", "no:cacheprovider", "-n", "2", "--dist", "loadgroup", "--no-loadscope-reorder", "-vv")
    command = [sys.executable, "-m", "pytest", *options, *FOLDERS]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=200)
    assert done.returncode == 0, done.stdout + done.stderr
    found = set(re.findall(r"\[(gw\d)\] \[ *\d+%\] PASSED (tests/\S+\.py)::", done.stdout))
    files = [file for _, file in found]
    assert len(files) >= 4
    assert sorted(files) == sorted(set(files))
