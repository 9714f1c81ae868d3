"""A child from the warm process behaves as one of its own: its status, its output and its end are those of the fork."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from support.warm_children import command_of

pytestmark = pytest.mark.slow


def test_the_status_and_the_output_are_those_of_the_fork(warm: Path, tmp_path: Path) -> None:
    """A fit without a job fails with a traceback."""
    command = command_of(warm, "plum_trainer.fit.train", str(tmp_path / "job"), str(tmp_path / "result"))
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "Traceback" in done.stderr
    assert done.stdout == ""


def test_a_killed_child_takes_its_fork_along(warm: Path, tmp_path: Path) -> None:
    """The fork reads its job from a pipe that nobody closes. The pipe breaks when the fork is gone."""
    job = tmp_path / "job"
    os.mkfifo(job)
    command = command_of(warm, "plum_trainer.fit.train", str(job), str(tmp_path / "result"))
    with subprocess.Popen(command) as child, job.open("wb", buffering=0) as pipe:
        child.kill()
        child.wait()
        with pytest.raises(BrokenPipeError):
            while True:
                pipe.write(b" ")
