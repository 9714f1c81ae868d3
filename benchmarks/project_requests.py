"""What a request in a project costs: the server's processor time, and the time to the offer.

    python -m benchmarks.project_requests FOLDER FILE::FUNCTION [--requests 6] [--ahead SECONDS] [--than CHECKOUT]

FOLDER is a repository of Python code, which is trusted for this run. FILE is a path below it. A server starts, opens
the file without the function's body, and answers requests there one after the other. A scripted policy gives the body
at once. `--ahead` is the time between opening the file and the first request. `--than` names a checkout of another
version, which answers the same requests in the same run. The figures are the first request and the median of the
others, and their ratios.
"""

from __future__ import annotations

import ast
import asyncio
import os
import shutil
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import click

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from support.editor import CURSOR, Editor  # noqa: E402
from support.scripted_policy import ScriptedPolicy  # noqa: E402

CANDIDATES = 5
ENVIRONMENTS = (".venv", "venv")
PAUSE_SECONDS = 1.5
"""Between requests. The work after an answer ends in it."""
TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A file without the body of a function, and the body."""

    path: Path
    text: str
    body: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """Of one request, in seconds."""

    wall: float
    processor: float


def place_of(path: Path, name: str) -> Place:
    """The place of a function's body below its docstring.

    Raises:
        click.ClickException: the file has no such function.
    """
    text = path.read_text(encoding="utf-8")
    found = [one for one in ast.walk(ast.parse(text)) if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef)]
    node = next((one for one in found if one.name == name), None)
    if node is None:
        raise click.ClickException(f"{path} has no function {name}")
    first = node.body[1 if ast.get_docstring(node) and len(node.body) > 1 else 0]
    lines = text.splitlines(keepends=True)
    body = "".join(lines[first.lineno - 1 : node.end_lineno])
    before, after = "".join(lines[: first.lineno - 1]), "".join(lines[node.end_lineno :])
    return Place(path=path, text=f"{before}{' ' * first.col_offset}{CURSOR}\n{after}", body=body)


def processor_seconds(process: int) -> float:
    """What a process has used. proc(5): `utime` and `stime` are the fields 14 and 15."""
    fields = Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_A_SECOND


def copied(folder: Path, target: Path) -> None:
    """Copy a repository to where the editor has its workspace. Its environment is linked."""
    shutil.copytree(folder, target, symlinks=True, ignore=shutil.ignore_patterns(".git", *ENVIRONMENTS))
    for name in ENVIRONMENTS:
        if (folder / name).is_dir():
            (target / name).symlink_to(folder / name)


async def costs(folder: Path, place: Place, code: Path, *, requests: int, ahead: float) -> list[Cost]:
    """The costs of requests to a server of the version in `code`."""
    with ScriptedPolicy() as policy, tempfile.TemporaryDirectory() as scratch:
        copied(folder, Path(scratch) / "work")
        running = Editor.running(
            folder=Path(scratch),
            policy_url=policy.url,
            settings={"sampling": {"candidates": CANDIDATES}},
            environ={"PYTHONPATH": str(code)},
            command=(sys.executable, "-P", "-m", "plum_lsp", "serve", "--stdio"),
            trusted=True,
        )
        async with running as editor:
            await editor.until_ready()
            await editor.open(place.text, path=place.path.relative_to(folder).as_posix())
            await asyncio.sleep(ahead)
            found: list[Cost] = []
            for _ in range(requests):
                policy.forget()
                for _ in range(CANDIDATES):
                    policy.will_complete(place.body)
                found.append(await cost_of(editor))
                await asyncio.sleep(PAUSE_SECONDS)
            return found


async def cost_of(editor: Editor) -> Cost:
    """The cost of one request.

    Raises:
        click.ClickException: nothing was offered.
    """
    process = editor.process.pid
    used, began = processor_seconds(process), time.monotonic()
    if not await editor.ask():
        raise click.ClickException("nothing was offered")
    return Cost(wall=time.monotonic() - began, processor=processor_seconds(process) - used)


@click.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, resolve_path=True, path_type=Path))
@click.argument("function")
@click.option("--requests", type=click.IntRange(min=2), default=6)
@click.option("--ahead", type=float, default=12.0)
@click.option("--than", type=click.Path(exists=True, file_okay=False, resolve_path=True, path_type=Path))
def main(folder: Path, function: str, requests: int, ahead: float, than: Path | None) -> None:
    """Print the costs of this version, of the other one, and their ratio."""
    file, _, name = function.partition("::")
    place = place_of(folder / file, name)
    figures: list[tuple[float, ...]] = []
    for code in (than, ROOT) if than is not None else (ROOT,):
        found = asyncio.run(costs(folder, place, code, requests=requests, ahead=ahead))
        later = found[1:]
        processor, wall = (statistics.median(getattr(one, kind) for one in later) for kind in ("processor", "wall"))
        figures.append((found[0].processor, found[0].wall, processor, wall))
        print(f"{code}\n{_line(figures[-1])}")
    if len(figures) > 1:
        print("this version / the other one\n" + _line(tuple(new / old for old, new in zip(*figures, strict=True))))


def _line(figures: tuple[float, ...]) -> str:
    return "  first: {:.2f} processor, {:.2f} wall; the others, p50: {:.2f} processor, {:.2f} wall".format(*figures)


if __name__ == "__main__":
    main()
