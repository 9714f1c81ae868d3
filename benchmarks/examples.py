"""Measures how many examples in docstrings become tests: recall and precision, by source and style.

`python -m benchmarks.examples FOLDER [--misses]` reads the benchmark rows of the development data and prints a table.
The `examples` fields say what a docstring states. No code is executed. An entry without a result is a line of setup and
is not counted. `extra` are tests that the data does not list. They may still be right (the data lists no inputs in
words, for instance), so precision is a lower bound. `--misses` shows them.
"""

from __future__ import annotations

import argparse
import ast
import json
import warnings
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from plum_lsp.domain.text import Document
from plum_lsp.domain.verification import Equals, Raises, TestCase
from plum_lsp.python.reading.window import read_context
from plum_lsp.python.specification.examples import examples_of

SOURCES = ("humaneval", "infill", "classeval", "mbpp", "thealgorithms", "exercism", "quixbugs")


def main() -> None:
    """Print the table, and with `--misses` each difference."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--misses", action="store_true")
    options = parser.parse_args()
    if not options.folder.is_dir():
        parser.error(f"no such folder: {options.folder}")
    figures: dict[tuple[str, str], Counter[str]] = {}
    for source in SOURCES:
        for row in rows_of(options.folder / f"{source}.jsonl"):
            for line in _measure(row, source, figures):
                if options.misses:
                    print(line)
    print(_table(figures))


def rows_of(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


def _measure(row: dict[str, Any], source: str, figures: dict[tuple[str, str], Counter[str]]) -> list[str]:
    """Count one row. Returns its differences as readable lines."""
    document = Document(uri="file:///row.py", version=1, text=row["prompt"] + row["suffix"])
    context = read_context(document, len(row["prompt"]), prefix_tokens=1500, suffix_tokens=500)
    tests = list(examples_of(context)) if context is not None else []
    unmatched = list(tests)
    lines = []
    seen: set[tuple[str, str]] = set()
    for example in row["examples"] or []:
        key = (example["expr"], example["expected"])
        if not example["expected"] or key in seen:
            continue
        seen.add(key)
        count = figures.setdefault((source, example["style"]), Counter())
        count["stated"] += 1
        found = next((test for test in unmatched if _is_same(test, example)), None)
        if found is None:
            lines.append(f"MISS {row['task_id']}: {example['expr']!r} gives {example['expected']!r}")
        else:
            unmatched.remove(found)
            count["found"] += 1
    for test in unmatched:
        style = "doctest" if test.origin.value == "doctest" else "informal"
        figures.setdefault((source, style), Counter())["extra"] += 1
        lines.append(
            f"EXTRA {row['task_id']}: {test.call.expression!r} gives {test.expectation!r} [{test.call.setup!r}]"
        )
    return lines


def _is_same(test: TestCase, example: dict[str, Any]) -> bool:
    """Whether a test matches the data: the same call and, for a value, an equal result.

    A condition that is shown as true or false is tested through the values of its calls, so its quote is compared.
    """
    if not _is_same_call(test, example["expr"]):
        return False
    stated = example["expected"].strip()
    if stated in {"True", "False"} and test.quote == f">>> {example['expr']}\n{stated}":
        return True
    if isinstance(test.expectation, Raises):
        return stated.startswith("Traceback") and test.expectation.type_name in stated
    if isinstance(test.expectation, Equals):
        return _value(test.expectation.expected) == _value(stated)
    return " ".join(getattr(test.expectation, "text", "").split()) == " ".join(
        stated.replace("<BLANKLINE>", "").split()
    )


def _is_same_call(test: TestCase, stated: str) -> bool:
    if test.quote.startswith(f">>> {stated}"):
        return True
    whole = "\n".join(part for part in (test.call.setup, test.call.expression) if part)
    return _normal(test.call.expression) == _normal(stated) or _normal(whole).endswith(_normal(stated))


def _parsed(source: str) -> ast.AST | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(source.strip())
    except (SyntaxError, ValueError):
        return None


def _normal(source: str) -> str:
    tree = _parsed(source)
    return ast.unparse(tree) if tree is not None else " ".join(source.split())


def _value(source: str) -> object:
    tree = _parsed(source)
    try:
        return ast.literal_eval(source.strip())
    except (SyntaxError, ValueError):
        return ast.dump(tree) if tree is not None else source


def _table(figures: dict[tuple[str, str], Counter[str]]) -> str:
    lines = ["| source | style | stated | found | recall | extra | precision |", "|---|---|---|---|---|---|---|"]
    total: Counter[str] = Counter()
    for (source, style), count in sorted(figures.items()):
        total.update(count)
        lines.append(_table_row(source, style, count))
    lines.append(_table_row("all", "", total))
    return "\n".join(lines)


def _table_row(source: str, style: str, count: Counter[str]) -> str:
    recall = count["found"] / count["stated"] if count["stated"] else float("nan")
    tests = count["found"] + count["extra"]
    precision = count["found"] / tests if tests else float("nan")
    figures = f"{count['stated']} | {count['found']} | {recall:.3f} | {count['extra']} | {precision:.3f}"
    return f"| {source} | {style} | {figures} |"


if __name__ == "__main__":
    main()
