"""Four rates that tell plain prose from clipped prose.

    python -m benchmarks.prose [--root DIR] [--worst N]

The script reads documents, docstrings with comments, and messages. For each kind it prints four rates: indefinite
pronouns (`INDEFINITE`), semicolons and the word "you" per 1,000 words, and the mean number of words in a sentence.
`--root` names another checkout, so that one run can compare two versions.
`--worst` lists the files with the highest rate of the first two. It measures words only: a reader decides whether a
sentence is clear.

The ranges to compare with were counted on the pages of well-kept projects of the field: 0.2 to 0.4 for the first rate,
0.3 to 5.6 semicolons, 6 to 41 times "you" in documents for users.
"""

from __future__ import annotations

import argparse
import ast
import io
import re
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOMS = ("plum_lsp", "trainer/plum_trainer", "benchmarks")
WORD = re.compile(r"[A-Za-z][A-Za-z'-]*")
INDEFINITE = re.compile(r"\b(?:nobody|whoever|nothing|who)\b", re.IGNORECASE)
YOU = re.compile(r"\byou(?:r|rs|rself)?\b", re.IGNORECASE)
SENTENCE_END = re.compile(r"[.!?:](?=\s|$)|\n\s*\n")
SQL = re.compile(r"\b(?:SELECT|INSERT|UPDATE|DELETE|CREATE|ALTER|DROP|CONFLICT)\b")
STYLE = re.compile(r"\{[^{}]*:[^{}]*;[^{}]*\}")
"""A rule of a style sheet."""
MESSAGE_WORDS_MIN = 4
"""A string of fewer words is a key, a name or a format, not a sentence for a person."""

_NOT_PROSE = (
    re.compile(r"```.*?```", re.DOTALL),
    re.compile(r"`[^`\n]*`"),
    re.compile(r"\]\([^)]*\)"),
    re.compile(r"https?://\S+"),
    re.compile(r"<[^>\n]*>"),
    re.compile(r"&[a-z]+;"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """Counts of one body of prose. The rates are per 1,000 words."""

    words: int
    indefinite: int
    semicolons: int
    you: int
    sentences: int

    def __add__(self, other: Rates) -> Rates:
        return Rates(
            words=self.words + other.words,
            indefinite=self.indefinite + other.indefinite,
            semicolons=self.semicolons + other.semicolons,
            you=self.you + other.you,
            sentences=self.sentences + other.sentences,
        )

    def line(self) -> str:
        """The four rates in columns."""
        share = 1000 / max(self.words, 1)
        return (
            f"{self.words:8,d} {self.indefinite * share:8.1f} {self.semicolons * share:8.1f} {self.you * share:8.1f}"
            f" {self.words / max(self.sentences, 1):8.1f}"
        )


EMPTY = Rates(words=0, indefinite=0, semicolons=0, you=0, sentences=0)


def measured(text: str) -> Rates:
    """The counts of one text, without code, addresses and markup."""
    for pattern in _NOT_PROSE:
        text = pattern.sub(" ", text)
    return Rates(
        words=len(WORD.findall(text)),
        indefinite=len(INDEFINITE.findall(text)),
        semicolons=text.count(";"),
        you=len(YOU.findall(text)),
        sentences=len(SENTENCE_END.findall(text)),
    )


def comments(source: str) -> Iterator[str]:
    """Docstrings, the strings beneath constants, and comments of a module."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            yield node.value.value
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT and not token.string.startswith(("# type:", "# noqa", "#!")):
            yield token.string.lstrip("# ")


def messages(source: str) -> Iterator[str]:
    """Strings of a module that a user may read: strings of several words that are not docstrings, code or patterns."""
    tree = ast.parse(source)
    silent = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if not isinstance(node, ast.Constant) or not isinstance(node.value, str) or id(node) in silent:
            continue
        if len(WORD.findall(node.value)) >= MESSAGE_WORDS_MIN and not _is_code(node.value):
            yield node.value


def _is_code(text: str) -> bool:
    """Whether a string is a query, a style sheet, a pattern or a program. Their semicolons are no punctuation."""
    if SQL.search(text) or STYLE.search(text) or "(?" in text or "\\" in text:
        return True
    try:
        ast.parse(text)
    except (SyntaxError, ValueError):
        return False
    return True


def documents(root: Path) -> list[Path]:
    """The pages for readers: those of the root, the documents and the editor clients."""
    pages = [*root.glob("*.md"), *root.glob("docs/**/*.md"), *root.glob("editor-clients/*/*.md")]
    return sorted(pages)


def modules(root: Path) -> list[Path]:
    """The Python modules whose prose counts."""
    return sorted(path for room in ROOMS for path in root.joinpath(room).rglob("*.py"))


def survey(root: Path) -> dict[str, dict[Path, Rates]]:
    """The counts of each kind of prose, by file."""
    kinds: dict[str, dict[Path, Rates]] = {"documents": {}, "docstrings and comments": {}, "messages": {}}
    for page in documents(root):
        kinds["documents"][page.relative_to(root)] = measured(page.read_text(encoding="utf-8"))
    for module in modules(root):
        source, name = module.read_text(encoding="utf-8"), module.relative_to(root)
        for kind, read in (("docstrings and comments", comments), ("messages", messages)):
            kinds[kind][name] = sum((measured(text + "\n\n") for text in read(source)), EMPTY)
    return kinds


def main() -> None:
    """Print the rates of each kind of prose, and the files with the highest rates."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=Path, default=Path(__file__).parents[1])
    parser.add_argument("--worst", type=int, default=0)
    options = parser.parse_args()
    print(f"{'':24}    words indef./k   semi./k    you/k  words/sentence")
    for kind, files in survey(options.root).items():
        print(f"{kind:24} {sum(files.values(), EMPTY).line()}")
        furthest = sorted(files, key=lambda name: -(files[name].indefinite * 4 + files[name].semicolons))
        for name in furthest[: options.worst]:
            print(f"  {name!s:60} {files[name].line()}")


if __name__ == "__main__":
    main()
