"""Makes labelled groups of candidates from benchmark rows: the canonical solution, rewrites of it, and slips.

    python -m benchmarks.groups FOLDER -o GROUPS.jsonl [--seed N]

The script reads the rows of the development data in FOLDER whose tasks are not among its labelled ones
(`verifier.jsonl`). A fit to these groups can therefore be measured on the labelled ones. A rewrite counts as right if
it passes the row's own tests. A slip counts as wrong if it fails them. All of them run in the sandbox. Slips that pass
are left out, except for sources with few tests. There they are kept unlabelled (`"correct": null`), because other
programs can compare them with the canonical solution. If a row has a bug that a human wrote, it is used. The same seed
gives the same groups.
"""

from __future__ import annotations

import argparse
import ast
import asyncio
import copy
import json
import random
import re
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

from plum_lsp.domain.verification import Ending, Limits
from plum_lsp.evaluation.tasks import run_gold
from plum_lsp.python.mutants import mutants_of
from plum_lsp.sandbox.host import JailSandbox as Sandbox
from plum_lsp.sandbox.host import SandboxOptions
from plum_lsp.sandbox.opening import open_sandbox

Row = dict[str, Any]
SOURCES = ("humaneval_plus", "mbpp_plus", "quixbugs", "classeval", "exercism", "thealgorithms", "infill")
INFILL_MAX = 50
"""Rows of the infilling set repeat HumanEval's functions. More of them would outweigh the others."""
LIMITS = Limits(wall_seconds=2.0, cpu_seconds=2.0, memory_bytes=2**30)
THINLY_TESTED = frozenset({"quixbugs", "classeval", "exercism_concept", "exercism_practice", "thealgorithms"})
AT_ONCE = 6
_NAMES = ("acc", "cur", "item", "val", "tmp", "out", "elem", "pos", "buf", "left_part", "right_part", "node", "rest")
_CONSTANTS = ("None", "0", "[]", "True", "''", "1", "False")
_EXAMPLE = re.compile(r"=>|➞|->\s*[\[({'\"\d-]|^\s*(?:for )?examples?\b", re.IGNORECASE)


def rows_of(folder: Path, rng: random.Random) -> list[Row]:
    """The rows of every source that have no labelled group yet."""
    known = {row["group"] for row in _lines(folder / "verifier.jsonl")}
    found: list[Row] = []
    for source in SOURCES:
        rows = [row for row in _lines(folder / f"{source}.jsonl") if row["group"] not in known]
        if source == "infill":
            rng.shuffle(rows)
            rows = rows[:INFILL_MAX]
        found += rows
    bugs = {row["group"]: row["buggy"] for row in _lines(folder / "humanevalpack.jsonl")}
    return [{"buggy": bugs.get(row["group"]) if row["source"] == "humaneval_plus" else None, **row} for row in found]


def _lines(path: Path) -> list[Row]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


def without_examples(prompt: str) -> str:
    """The prompt without the lines that state examples."""
    kept, is_session = [], False
    for line in prompt.split("\n"):
        text = line.strip()
        if text.startswith(">>>"):
            is_session = True
        elif is_session and text and not text.startswith(('"""', "'''")):
            continue
        elif text.startswith("def ") or not _EXAMPLE.search(text):
            is_session = False
            kept.append(line)
    return "\n".join(kept)


class _Renamed(ast.NodeTransformer):
    def __init__(self, names: dict[str, str]) -> None:
        self._names = names

    def visit_Name(self, node: ast.Name) -> ast.AST:
        return ast.copy_location(ast.Name(id=self._names.get(node.id, node.id), ctx=node.ctx), node)


class _Mirrored(ast.NodeTransformer):
    _MIRROR: ClassVar = {
        ast.Lt: ast.Gt,
        ast.Gt: ast.Lt,
        ast.LtE: ast.GtE,
        ast.GtE: ast.LtE,
        ast.Eq: ast.Eq,
        ast.NotEq: ast.NotEq,
    }

    def visit_Compare(self, node: ast.Compare) -> ast.AST:
        self.generic_visit(node)
        mirror = self._MIRROR.get(type(node.ops[0])) if len(node.ops) == 1 else None
        return (
            node if mirror is None else ast.Compare(left=node.comparators[0], ops=[mirror()], comparators=[node.left])
        )


class _Inverted(ast.NodeTransformer):
    def visit_If(self, node: ast.If) -> ast.AST:
        self.generic_visit(node)
        if not node.orelse or isinstance(node.orelse[0], ast.If):
            return node
        return ast.If(test=ast.UnaryOp(op=ast.Not(), operand=node.test), body=node.orelse, orelse=node.body)


class _Named(ast.NodeTransformer):
    def visit_Return(self, node: ast.Return) -> Any:
        if node.value is None:
            return node
        name = ast.Name(id="result_value")
        return [ast.Assign(targets=[name], value=node.value), ast.Return(value=name)]


def rewrites(body: ast.Module, rng: random.Random) -> Iterator[tuple[str, ast.Module]]:
    """Other ways to write the same statements."""
    stored = {node.id for node in ast.walk(body) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    names = sorted(stored)
    fresh = rng.sample(_NAMES, len(_NAMES))
    if 0 < len(names) <= len(fresh):
        renaming = dict(zip(names, fresh, strict=False))
        yield "rewrite_rename", _Renamed(renaming).visit(copy.deepcopy(body))
    for transformer in (_Mirrored(), _Inverted(), _Named()):
        yield "rewrite_restructure", transformer.visit(copy.deepcopy(body))


def body_of(row: Row) -> tuple[ast.Module, str] | None:
    """The canonical text as the body of one function, and its indentation. None if it is not whole statements."""
    text = row["canonical"]
    indent = re.match(r"\n*([ \t]*)", text).group(1)  # type: ignore[union-attr]
    try:
        return ast.parse("async def _():\n" + textwrap.indent(textwrap.dedent(text), " ")), indent
    except SyntaxError:
        return None


def text_of(body: ast.Module, indent: str) -> str:
    """The statements of the function as text at `indent`."""
    function = body.body[0]
    assert isinstance(function, ast.AsyncFunctionDef)
    lines = "\n".join(ast.unparse(ast.fix_missing_locations(statement)) for statement in function.body)
    return textwrap.indent(lines, indent) + "\n"


def slips(row: Row, body: ast.Module, indent: str, rng: random.Random) -> list[tuple[str, str]]:
    """Wrong versions, in random order: mutants, a constant, a bug that a human wrote."""
    source = ast.unparse(body)
    found = [
        (f"mut_{mutant.operator}", text_of(ast.parse(mutant.source), indent))
        for mutant in mutants_of(source, first_line=2, last_line=source.count("\n") + 1, limit=60)
    ]
    rng.shuffle(found)
    found = found[:14]
    if rng.random() < 0.6:
        found.insert(rng.randint(0, min(3, len(found))), ("constant", f"{indent}return {rng.choice(_CONSTANTS)}\n"))
    if row.get("buggy"):
        found.insert(0, ("real_bug", row["buggy"]))
    return found


async def group_of(row: Row, prompt: str, sandbox: Sandbox, rng: random.Random) -> list[dict[str, Any]]:
    """The labelled candidates of a row. Empty if its own tests cannot separate right from wrong here."""
    parsed = body_of(row)
    if parsed is None or not await _passes(row, row["canonical"], sandbox):
        return []
    body, indent = parsed
    found: dict[str, tuple[str, str, bool | None]] = {row["canonical"].strip(): ("canonical", row["canonical"], True)}
    others = [(kind, text_of(tree, indent)) for kind, tree in rewrites(body, rng)]
    rng.shuffle(others)
    wanted = rng.choice([0, 1, 2, 2, 2, 3]) + 1
    for kind, text in others:
        if len(found) < wanted and text.strip() not in found and await _passes(row, text, sandbox):
            found[text.strip()] = (kind, text, True)
    rights, wrongs = len(found), rng.randint(4, 9)
    for kind, text in slips(row, body, indent, rng):
        if len(found) >= rights + wrongs or text.strip() in found:
            continue
        ending = await _ending(row, text, sandbox)
        if ending in {Ending.RAISED, Ending.CRASHED}:
            found[text.strip()] = (kind, text, False)
        elif ending is Ending.RETURNED and row["source"] in THINLY_TESTED:
            found[text.strip()] = (kind, text, None)
    if len(found) == rights:
        return []
    made = [{"kind": kind, "text": text, "correct": correct} for kind, text, correct in found.values()]
    rng.shuffle(made)
    return made


async def _passes(row: Row, text: str, sandbox: Sandbox) -> bool:
    return await _ending(row, text, sandbox) is Ending.RETURNED


async def _ending(row: Row, text: str, sandbox: Sandbox) -> Ending:
    seen = await run_gold(f"{row['prompt']}{text}{row['suffix']}", row["tests"], sandbox, LIMITS)
    return seen.ending


async def groups(folder: Path, seed: int, interpreter: str) -> list[Row]:
    """All groups. A group with examples also occurs without them."""
    rng = random.Random(seed)
    wanted = [(row, row["prompt"], "") for row in rows_of(folder, rng)]
    wanted += [
        (row, bare, "#noex")
        for row, prompt, _ in list(wanted)
        if row["source"] in {"humaneval_plus", "quixbugs"} and (bare := without_examples(prompt)) != prompt
    ]
    sandbox = await open_sandbox(SandboxOptions(interpreter=interpreter, jobs=3))
    slots = asyncio.Semaphore(AT_ONCE)

    async def one(row: Row, prompt: str, mark: str) -> Row | None:
        async with slots:
            made = await group_of(row, prompt, sandbox, random.Random(f"{seed} {row['task_id']}{mark}"))
        has_examples = bool(row.get("examples")) and not mark
        kept = {key: row[key] for key in ("source", "group", "suffix")}
        task = {"task_id": row["task_id"] + mark, "prompt": prompt, "has_examples": has_examples, **kept}
        return {**task, "candidates": made} if made else None

    found = await asyncio.gather(*(one(*each) for each in wanted))
    await sandbox.close()
    return [row for row in found if row is not None]


def main() -> None:
    """Make the groups and write them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--interpreter", default="", help="a Python with numpy, which some rows' tests use")
    arguments = parser.parse_args()
    made = asyncio.run(groups(arguments.folder, arguments.seed, arguments.interpreter))
    arguments.output.write_text("".join(json.dumps(row) + "\n" for row in made), encoding="utf-8")
    labels = [candidate["correct"] for row in made for candidate in row["candidates"]]
    print(f"{len(made)} groups, {len(labels)} candidates, {labels.count(True)} of them right")


if __name__ == "__main__":
    main()
