"""`plum-lsp verify`: judges existing candidates, without a policy. They are a body of a function or a file of tasks."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from plum_lsp.cli.bulk import batch_option, ray_option
from plum_lsp.cli.verify.body import judge_body
from plum_lsp.cli.verify.bulk import judge_in_bulk
from plum_lsp.cli.verify.tasks import judge_file


@click.command()
@click.argument("target", metavar="FILE::QUALNAME | INPUTS.jsonl")
@click.option(
    "--body",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A file with the statements of another body. Default: the body in FILE.",
)
@click.option(
    "--project",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="The folder of the project. Default: the nearest above FILE.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="Default: standard output.")
@click.option("--explain", "explained", metavar="TASK_ID", help="Show the tests and results of one task instead.")
@click.option(
    "--rows",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Keep the results in this SQLite file, and judge only what is not in it yet.",
)
@ray_option("Judge")
@batch_option("Lines")
def verify(
    target: str,
    *,
    body: Path | None,
    project: Path | None,
    as_json: bool,
    output: Path | None,
    explained: str | None,
    rows: Path | None,
    ray: str | None,
    batch: int,
) -> None:
    """Judge a body of a function in FILE by the project's tests, or the candidates of a file of tasks.

    FILE::QUALNAME: shows the tests that were run and why each was chosen. QUALNAME is Class.method or function. Exits
    with 0 if the body is verified, 1 if a test refutes it, and 3 if neither is known (the message says why).

    INPUTS.jsonl: writes one prediction per line for each candidate. A row has `task_id`, `prompt`, `suffix` and
    `candidates` (objects with a `text`). Exits with 1 if a line is not such a row or the sandbox broke on it.
    With --rows a row may also have a `version` and a `seed`, and the command goes on where it was stopped.
    """
    file, _, qualname = target.partition("::")
    path = Path(file)
    if not path.is_file():
        raise click.BadParameter(f"there is no file {file}", param_hint="TARGET")
    if not qualname:
        if body or project or as_json:
            raise click.UsageError("--body, --project and --json need FILE::QUALNAME.")
        if rows is None and ray is not None:
            raise click.UsageError("--ray needs --rows.")
        if rows is not None:
            if explained:
                raise click.UsageError("--explain does not go with --rows.")
            sys.exit(0 if judge_in_bulk(path, rows, output, ray=ray, size=batch) else 1)
        sys.exit(0 if judge_file(path, output, explained) else 1)
    if output or explained or rows or ray:
        raise click.UsageError("-o, --explain, --rows and --ray belong to a file of tasks.")
    sys.exit(judge_body(path, qualname, body, project, as_json=as_json))
