"""Measures how often a true body is kept in a file that lacks the imports which the body uses.

    python -m benchmarks.stripped_imports FOLDER [--each N] [--seed N]

FOLDER holds repositories of Python projects. They are trusted for this run. From each, functions are drawn whose body
uses a name that their file imports at its top. The function's own body is judged twice: in the file as it is, and in
the file without the imports of these names. It is kept if it would be offered in some tier. The result is the share of
those kept with the imports that are also kept without them.
"""

from __future__ import annotations

import ast
import asyncio
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import click

from plum_lsp.domain.errors import PlumError
from plum_lsp.domain.ports import Sandbox
from plum_lsp.domain.project import Project
from plum_lsp.domain.suggestion import Tier
from plum_lsp.domain.text import Document
from plum_lsp.evaluation.body import judged_body, place_of
from plum_lsp.project.around.importing import ImportFinder
from plum_lsp.project.finding import ProjectFinder
from plum_lsp.sandbox.by_project import ProjectSandboxes
from plum_lsp.sandbox.opening import open_sandbox
from plum_lsp.suggestion.options import pipeline_options
from plum_lsp.verification.options import sandbox_options
from plum_lsp.wiring import known_tests, load_for_command

STATEMENTS_MIN = 2
"""Shorter bodies are mostly calls of something else."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """A function and the names of its file's imports that its body uses."""

    path: Path
    name: str
    text: str
    used: frozenset[str]


def tasks_of(path: Path) -> Iterator[Task]:
    """The functions of a file whose bodies use names that the file imports and does not need to load."""
    text = path.read_text(encoding="utf-8")
    tree = ast.parse(text)
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    rest = [node for node in tree.body if not isinstance(node, ast.FunctionDef | ast.Import | ast.ImportFrom)]
    heads = [part for node in functions for part in (*node.decorator_list, node.args, *filter(None, [node.returns]))]
    needed = _names([*rest, *heads])
    for node in functions:
        used = _names(node.body) & set(_imported(tree)) - needed
        if used and len(node.body) >= STATEMENTS_MIN:
            yield Task(path=path, name=node.name, text=text, used=frozenset(used))


def _names(nodes: list[ast.stmt] | list[ast.AST]) -> set[str]:
    return {one.id for node in nodes for one in ast.walk(node) if isinstance(one, ast.Name)}


def _imported(tree: ast.Module) -> Iterator[str]:
    for node in tree.body:
        if isinstance(node, ast.Import | ast.ImportFrom) and getattr(node, "module", "") != "__future__":
            yield from (alias.asname or alias.name.split(".")[0] for alias in node.names)


def stripped(task: Task) -> str:
    """The file without the imports of the names that the body uses."""
    lines = task.text.split("\n")
    for node in reversed(ast.parse(task.text).body):
        if not isinstance(node, ast.Import | ast.ImportFrom):
            continue
        kept = [alias for alias in node.names if (alias.asname or alias.name.split(".")[0]) not in task.used]
        if len(kept) < len(node.names):
            node.names = kept
            lines[node.lineno - 1 : node.end_lineno] = [ast.unparse(node)] if kept else []
    return "\n".join(lines)


def _tasks_in(root: Path, project: Project) -> list[Task]:
    """The functions of a repository's own modules, without its tests and environments."""
    places = [path for path in sorted(root.rglob("*.py")) if not _is_foreign(path.relative_to(root))]
    return [task for path in places if project.place_of(path) is not None for task in tasks_of(path)]


def _is_foreign(path: Path) -> bool:
    return any(part.startswith((".", "venv", "docs")) or "test" in part for part in path.parts)


async def _is_kept(task: Task, text: str, project: Project, sandbox: Sandbox) -> bool:
    """Whether the function's own body would be offered in this text."""
    settings = load_for_command({})
    place = place_of(text, task.name)
    known = await asyncio.to_thread(known_tests, settings, project)
    found = await judged_body(
        place,
        place.body,
        task.path,
        sandbox,
        pipeline_options(settings).limits,
        project_tests=lambda context: (),
        whole_tests=lambda context: known.tests_of(project, task.path, context) if known else (),
        imports=ImportFinder(exclude=()).imports(Document(uri=task.path.as_uri(), version=0, text=text), project),
    )
    judged = found.judged
    print(f"    {judged.tier.value}: {judged.reason}"[:150])
    return judged.tier is not Tier.UNVERIFIED and not judged.is_refuted


async def _measure(folder: Path, each: int, seed: int) -> tuple[int, int]:
    """How many bodies are kept with the imports, and how many of these without."""
    options = sandbox_options(load_for_command({}))
    default = await open_sandbox(options)
    sandboxes = ProjectSandboxes(options, default)
    whole = bare = 0
    try:
        for root in await asyncio.to_thread(lambda: sorted(one for one in folder.iterdir() if one.is_dir())):
            project = ProjectFinder(folders=[root]).project_at(root)
            sandbox = await sandboxes.of(project)
            tasks = await asyncio.to_thread(_tasks_in, root, project)
            for task in random.Random(seed).sample(tasks, min(each, len(tasks))):
                print(f"{root.name} {task.path.name}::{task.name} {sorted(task.used)}")
                try:
                    if await _is_kept(task, task.text, project, sandbox):
                        whole += 1
                        bare += await _is_kept(task, stripped(task), project, sandbox)
                except PlumError as error:
                    print(f"    left out: {error}")
    finally:
        await sandboxes.close()
        await default.close()
    return whole, bare


@click.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--each", default=8, show_default=True, help="Functions of each repository.")
@click.option("--seed", default=0, show_default=True)
def main(folder: Path, each: int, seed: int) -> None:
    """Judge the bodies and print the ratio."""
    whole, bare = asyncio.run(_measure(folder.resolve(), each, seed))
    print(f"kept with imports {whole}, of these without {bare}: {bare / max(1, whole):.1%}")


if __name__ == "__main__":
    main()
