"""`plum-lsp verify`: judges existing candidates, without a policy. They are a body of a function or a file of tasks."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from plum_lsp.cli.verify.body import judge_body
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
def verify(
    target: str,
    *,
    body: Path | None,
    project: Path | None,
    as_json: bool,
    output: Path | None,
    explained: str | None,
) -> None:
    """Judge a body of a function in FILE by the project's tests, or the candidates of a file of tasks.

    FILE::QUALNAME: shows the tests that were run and why each was chosen. QUALNAME is Class.method or function. Exits
    with 0 if the body is verified, 1 if a test refutes it, and 3 if neither is known (the message says why).

    INPUTS.jsonl: writes one prediction per line for each candidate. A row has `task_id`, `prompt`, `suffix` and
    `candidates` (objects with a `text`). Exits with 1 if a line is not such a row or the sandbox broke on it.
    """
    file, _, qualname = target.partition("::")
    path = Path(file)
    if not path.is_file():
        raise click.BadParameter(f"there is no file {file}", param_hint="TARGET")
    if not qualname:
        if body or project or as_json:
            raise click.UsageError("--body, --project and --json need FILE::QUALNAME.")
        sys.exit(0 if judge_file(path, output, explained) else 1)
    if output or explained:
        raise click.UsageError("-o and --explain belong to a file of tasks.")
    sys.exit(judge_body(path, qualname, body, project, as_json=as_json))
