"""Nothing reaches a terminal but through `report.printing`, which makes everything visible."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PRODUCT = sorted([*(ROOT / "plum_lsp").rglob("*.py"), *(ROOT / "trainer").rglob("*.py")])

PRINTING = "plum_lsp/report/printing.py"
STREAMS = {
    PRINTING: "the one way to a terminal",
    "plum_lsp/sandbox/isolation/keeper.py": "a child of the host: its standard error is a file that the host reads",
    "plum_lsp/server/connection/transport.py": "standard output carries LSP, all else goes to standard error",
    "trainer/plum_trainer/fit/train.py": "a child of the trainer: its standard error is a pipe to the trainer",
    "trainer/plum_trainer/fit/generate.py": "a child of the trainer: its standard error is a pipe to the trainer",
}
"""Modules that may touch a standard stream, and why. `jail/` runs inside the sandbox, where streams are memory."""
WORDS = {"echo", "secho", "echo_via_pager", "prompt", "confirm", "pause", "progressbar", "clear", "edit", "launch"}
"""What click has to speak to a terminal with."""
STANDARD = {"stdout", "stderr", "__stdout__", "__stderr__"}


def ways_to_print(tree: ast.AST) -> Iterator[str]:
    """Every way in a module to reach a terminal, by name."""
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    of_rich = {one.name for node in imports if (node.module or "").startswith("rich") for one in node.names}
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Name(id="print" | "pprint" | "input" | "breakpoint" as name)):
                yield name
            case ast.Attribute(value=ast.Name(id="click"), attr=name) if name in WORDS:
                yield f"click.{name}"
            case ast.Attribute(value=ast.Name(id="sys"), attr=name) if name in STANDARD:
                yield f"sys.{name}"
            case ast.ImportFrom(module=module, names=names):
                yield from (f"{module}.{one.name}" for one in names if is_way(module or "", one.name))
            case ast.Call(func=ast.Attribute(attr="StreamHandler" | "basicConfig" | "print_exc" as name)):
                yield name
            case ast.Call(func=ast.Name(id="Console")):
                yield "Console"
            case ast.Call(func=ast.Attribute(value=ast.Name(id="os"), attr="write"), args=[ast.Constant(), *_]):
                yield "os.write"
            case ast.Call(func=ast.Name(id="Progress" | "Live" | "Status" as name), keywords=given):
                if name in of_rich and "console" not in {one.arg for one in given}:
                    yield name


def is_way(module: str, name: str) -> bool:
    """Whether an import brings a way to print that the other cases would not see."""
    if module == "click":
        return name in WORDS
    if module == "sys":
        return name in STANDARD
    return (module, name) in {("rich", "print"), ("rich", "get_console"), ("pprint", "pprint"), ("builtins", "print")}


@pytest.mark.parametrize("path", PRODUCT, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_there_is_one_way_to_print(path: Path) -> None:
    """Every other module prints with `say`, draws on `console()` and writes rows to `standard_output()`."""
    name = path.relative_to(ROOT).as_posix()
    if "/jail/" in name or name == PRINTING:
        return
    found = set(ways_to_print(ast.parse(path.read_text(encoding="utf-8"))))
    assert found == set() or name in STREAMS


@pytest.mark.parametrize(
    "source",
    [
        "print(1)",
        "click.echo(1)",
        "from click import echo",
        "sys.stdout.write('')",
        "from sys import stderr",
        "Console().print(1)",
        "from rich import print",
        "logging.StreamHandler()",
        "traceback.print_exc()",
        "os.write(2, b'')",
        "from rich.progress import Progress\nProgress()",
    ],
)
def test_each_way_to_print_is_known(source: str) -> None:
    """The test above can fail."""
    assert list(ways_to_print(ast.parse(source)))


def test_every_exception_is_needed() -> None:
    """A module that touches no stream any more leaves the list."""
    for name in STREAMS:
        assert list(ways_to_print(ast.parse((ROOT / name).read_text(encoding="utf-8")))), name
