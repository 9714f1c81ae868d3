"""Runs `plum-lsp` as a person in a shell does, with a home and settings of their own."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from click.testing import CliRunner

from plum_lsp.cli import plum_lsp
from support.caches import cache_in
from support.scripted_policy import ScriptedPolicy

PLUM_LSP = str(Path(sys.executable).with_name("plum-lsp"))
SECONDS_MAX = 300
"""For one command. One that hangs never ends, and one that asks a model takes half a minute on a quick machine."""

ADD = '''\
def add(a: int, b: int) -> int:
    """Add two numbers.

    >>> add(1, 2)
    3
    >>> add(-1, 1)
    0
    """

'''
"""A function without a body; its body belongs into line 9."""
RIGHT, WRONG = "    return a + b\n", "    return a - b\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """How a command ended, and what it said."""

    code: int
    out: str
    err: str

    @property
    def said(self) -> str:
        """Everything that was said, in one line: how a terminal breaks lines does not matter."""
        return " ".join((self.out + " " + self.err).split())

    @property
    def report(self) -> Any:
        """Its output, read as JSON."""
        return json.loads(self.out)


@dataclass(slots=True, kw_only=True)
class CommandLine:
    """A user with a folder; `environ` is all there is in the environment."""

    folder: Path
    environ: dict[str, str] = field(default_factory=dict)

    @classmethod
    def asking(cls, policy: ScriptedPolicy, folder: Path) -> CommandLine:
        """A user whose policy is the scripted one."""
        environ = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "PYTHONWARNINGS": "error",
            "PLUM_DATA_DIR": str(folder / "data"),
            "PLUM_CACHE_DIR": cache_in(folder),
            "PLUM_POLICY_URL": policy.url,
            "PLUM_POLICY_API_KEY": policy.api_key,
        }
        return cls(folder=folder, environ=environ)

    def write(self, name: str, text: str | bytes) -> Path:
        """A file of the user's."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    def here(self, *arguments: str, environ: Mapping[str, str] | None = None) -> Ran:
        """Run a command in this process, which takes half the time; errors of ours are raised."""
        foreign: dict[str, str | None] = {name: None for name in os.environ if name.startswith(("PLUM_", "XDG_"))}
        with contextlib.chdir(self.folder):
            done = CliRunner().invoke(
                plum_lsp, arguments, env={**foreign, **self.environ, **(environ or {})}, catch_exceptions=False
            )
        return Ran(code=done.exit_code, out=done.stdout, err=done.stderr)

    def complete(self, name: str = "add.py", *options: str, line: int = 9, **environ: str) -> Ran:
        """`plum-lsp complete` at a line of a file, in this process, with some variables set."""
        return self.here("complete", name, "--line", str(line), *options, environ=environ)

    def run(
        self,
        *arguments: str,
        environ: Mapping[str, str] | None = None,
        under: tuple[str, ...] = (),
        stdout: int | IO[str] = subprocess.PIPE,
        typed: str = "",
    ) -> Ran:
        """Run a command as a process, `under` another program if one is named. A traceback is a failure of ours."""
        done = subprocess.run(
            [*under, sys.executable, PLUM_LSP, *arguments],
            cwd=self.folder,
            env={**self.environ, **(environ or {})},
            stdout=stdout,
            stderr=subprocess.PIPE,
            input=typed,
            encoding="utf-8",
            timeout=SECONDS_MAX,
            check=False,
        )
        ran = Ran(code=done.returncode, out=done.stdout or "", err=done.stderr)
        assert "Traceback" not in ran.said, ran.err
        assert "Exception ignored" not in ran.said, ran.err
        return ran

    @contextlib.contextmanager
    def started(self, *arguments: str, environ: Mapping[str, str] | None = None) -> Iterator[subprocess.Popen[str]]:
        """Start a command in a process group of its own, as a shell does; what is left of it at the end is killed.

        Where the tests run in a shell's background, Ctrl-C is ignored, and would be by every process they start.
        """
        signal.signal(signal.SIGINT, signal.default_int_handler)
        process = subprocess.Popen(
            [sys.executable, PLUM_LSP, *arguments],
            cwd=self.folder,
            env={**self.environ, **(environ or {})},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            encoding="utf-8",
            start_new_session=True,
        )
        with process:
            try:
                yield process
            finally:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
