"""Counts the functions of installed packages beside which no tests would be run, and why: `refusal` of the screen.

    python -m benchmarks.plainness [--functions N] FOLDER …

Files are drawn by lot, and of each file four functions. Their bodies stand for candidates, and the rest of the file is
the file's own code.
"""

from __future__ import annotations

import argparse
import ast
import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from plum_lsp.python.screening.plain import refusal

OF_A_FILE = 4
FILE_LENGTH_MAX = 60_000


def main() -> None:
    """Print the share and the most frequent reasons."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", type=Path, nargs="+")
    parser.add_argument("--functions", type=int, default=2500)
    parser.add_argument("--seed", type=int, default=5)
    options = parser.parse_args()
    reasons: Counter[str] = Counter()
    count = 0
    for source, function in _functions(options.folders, random.Random(options.seed)):
        if count >= options.functions:
            break
        count += 1
        last = function.end_lineno or function.lineno
        reasons[refusal(source, first_line=function.body[0].lineno, last_line=last)] += 1
    refused = count - reasons.pop("", 0)
    print(f"{refused} of {count} functions are not plain ({refused / count:.1%})")
    for reason, times in reasons.most_common(20):
        print(f"  {times:4} {reason}")


def _functions(folders: list[Path], draw: random.Random) -> Iterator[tuple[str, ast.FunctionDef]]:
    files = sorted(file for folder in folders for file in folder.rglob("*.py") if "test" not in file.name)
    draw.shuffle(files)
    for file in files:
        try:
            source = file.read_text(encoding="utf-8")
            tree = ast.parse(source) if len(source) <= FILE_LENGTH_MAX else None
        except (OSError, ValueError, SyntaxError):
            continue
        found = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)] if tree else []
        for function in draw.sample(found, min(OF_A_FILE, len(found))):
            yield source, function


if __name__ == "__main__":
    main()
