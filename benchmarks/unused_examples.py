"""Counts the examples of docstrings that are read but not used, because they cannot be taken apart.

`python -m benchmarks.unused_examples FOLDER` reads the rows of `benchmarks.examples` and BigCodeBench in FOLDER. It
prints by source how many examples are read and how many are not used, and shows the latter. An example of a doctest
session is a line with a result below it. No code is executed.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.examples import SOURCES, rows_of
from plum_lsp.domain.text import Document
from plum_lsp.python.reading.sources import reachable_function, surface_of, texts_of
from plum_lsp.python.reading.window import read_context
from plum_lsp.python.specification import doctests
from plum_lsp.python.specification.doctests import without_sessions
from plum_lsp.python.specification.examples import TEXT_SOURCES, _apart


def main() -> None:
    """Print the table and the examples that are not used."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    shown, total = [], 0
    print("| source | read | not used |\n|---|---|---|")
    for source in (*SOURCES, "bigcodebench"):
        read, unused = 0, list[str]()
        for row in rows_of(folder / f"{source}.jsonl"):
            count, found = _measure(row)
            read, unused = read + count, [*unused, *found]
        print(f"| {source} | {read:,} | {len(unused)} |", flush=True)
        shown += [f"{source}: {quote}" for quote in unused]
        total += read
    print(f"| all | {total:,} | {len(shown)} |\n\n" + "\n\n".join(shown))


def _measure(row: dict[str, Any]) -> tuple[int, list[str]]:
    """How many examples of a row are read, and the text of those that are not used."""
    document = Document(uri="file:///row.py", version=1, text=row["prompt"] + row["suffix"])
    context = read_context(document, len(row["prompt"]), prefix_tokens=1500, suffix_tokens=500)
    function = reachable_function(context) if context is not None else None
    if context is None or function is None:
        return 0, []
    surface = surface_of(context, function)
    read, unused = 0, list[str]()
    for text in texts_of(context, function):
        for source in TEXT_SOURCES:
            with _lines_without_a_test() as lines:
                examples = source.read(text if source.reads_sessions else without_sessions(text), surface)
            lines = lines if text == function.docstring else []
            read += len(examples) + len(lines)
            unused += [*lines, *(one.quote for one in examples if not _apart([one], surface))]
    return read, unused


@contextmanager
def _lines_without_a_test() -> Iterator[list[str]]:
    """Collect the lines of sessions that have a result and become no test."""
    usual, lines = doctests._test, list[str]()

    def test(example: Any, *others: Any) -> Any:
        found = usual(example, *others)
        if found is None and (example.want or example.exc_msg):
            lines.append(f">>> {example.source}{example.want}".rstrip())
        return found

    vars(doctests)["_test"] = test
    try:
        yield lines
    finally:
        vars(doctests)["_test"] = usual


if __name__ == "__main__":
    main()
