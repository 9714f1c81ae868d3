"""`python -m support.counted_batches FILE ARGUMENTS...`: plum-lsp whose workers on Ray note each line that they begin.

The names of a batch's tasks are appended to FILE when a worker begins the batch. So lines count that were lost with
their worker, and those that were repeated. All workers must see FILE at the same path.
"""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

from plum_lsp.cli import plum_lsp
from plum_lsp.evaluation.bulk import on_ray
from plum_lsp.evaluation.bulk.work import Answer, Batch, judge_batch


def begun(file: Path) -> Counter[str]:
    """How often each task was begun."""
    return Counter(file.read_text(encoding="utf-8").splitlines())


def main(file: str, *arguments: str) -> None:
    """Run the command."""

    noted = Path(file).absolute()

    def counted(batch: Batch) -> Answer:  # a local function: Ray sends it by value, so a worker need not import this
        with noted.open("a", encoding="utf-8") as out:
            out.write("".join(f"{line.key.task}\n" for line in batch.lines))
        return judge_batch(batch)

    on_ray.judge_batch = counted
    plum_lsp(arguments, prog_name="plum-lsp")


if __name__ == "__main__":
    main(*sys.argv[1:])
