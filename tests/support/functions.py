"""Functions with examples, and right and wrong completions for them: the files of `e2e/functions`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parents[1] / "e2e" / "functions"


def every_case() -> list[Path]:
    """The files, by name."""
    return sorted(FOLDER.glob("*.case"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A buffer with its right and wrong completions."""

    text: str
    right: str
    wrong: tuple[str, ...]

    @classmethod
    def named(cls, name: str) -> Case:
        """The case of a name."""
        return cls.read(FOLDER / f"{name}.case")

    @classmethod
    def read(cls, path: Path) -> Case:
        """Sections are headed by `=== right` and `=== wrong`; `=== crlf` at the top sets the line ends."""
        head, *sections = path.read_text().removeprefix("=== crlf\n").split("\n=== ")
        parts = [section.split("\n", 1) for section in sections]
        (right,) = (body.removesuffix("\n") for name, body in parts if name == "right")
        wrong = tuple(body.removesuffix("\n") for name, body in parts if name == "wrong")
        if path.read_text().startswith("=== crlf\n"):
            head, right = head.replace("\n", "\r\n"), right.replace("\n", "\r\n")
        return cls(text=head, right=right, wrong=wrong)
