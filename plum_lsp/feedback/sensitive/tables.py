"""Finds secrets in tables: Markdown, CSV, and the rows that SQL inserts. The head of a column says what is in it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from plum_lsp.feedback.sensitive.names import Meaning, meaning
from plum_lsp.feedback.sensitive.values import Binding, is_secret

COLUMNS_MAX = 64
LINE_LENGTH_MAX = 1024
_LINE = re.compile(r"[^\n]+")
_CELL = re.compile(r"[ \t]*[\"'`*]{0,3}(?P<value>[^|\n]*?)[\"'`*]{0,3}[ \t]*(?:\||$)")
_RULE = re.compile(r"[\s#|:+=-]+")
_HEAD = re.compile(r"[ \t#]*(\"?[A-Za-z][\w -]{0,40}\"?(?:[,;\t]\"?[A-Za-z][\w -]{0,40}\"?){1,63})\s*")
_FIELD = re.compile(r"\"?(?P<value>[^,;\t\"\n]*)\"?(?:[,;\t]|$)")
_INSERT = re.compile(
    r"(?i)\binto[ \t]+[\w.\"`\[\]]{1,128}\s{0,8}\((?P<columns>[^()]{1,1000}+)\)"
    r"\s{0,8}values\s{0,8}\((?P<cells>[^()]{1,2000}+)\)"
)
_SQL_CELL = re.compile(r"\s*+(?:[NEnxXbB]?\\?'(?P<value>(?:[^'\\]|'')*+)\\?'|[^,']*+)\s*+(?:,|$)")


def secrets_in_tables(text: str) -> Iterator[tuple[int, int]]:
    """The spans of secrets, in no order. They may overlap."""
    if "|" in text:
        yield from _markdown(text)
    if "," in text or ";" in text or "\t" in text:
        yield from _separated(text)
    if "values" in text or "VALUES" in text:
        yield from _inserted(text)


def _markdown(text: str) -> Iterator[tuple[int, int]]:
    """Under a head that means a secret, and in the cell after one that does."""
    secret: set[int] = set()
    last = -2
    for found in _lines_with(text, "|", least=2):
        if last + 1 < found.start():
            secret = set()
        last = found.end()
        line = found.group()
        if _RULE.fullmatch(line):
            continue
        cells = _cells(text, found.start() + line.index("|") + 1, found.end())
        names = [_means(text[start:end]) for start, end in cells]
        if not secret:
            secret = {index for index, is_name in enumerate(names) if is_name}
        for index, (start, end) in enumerate(cells):
            is_named = index in secret or (index > 0 and names[index - 1] and len(cells) <= 4)
            if is_named and not names[index] and is_secret(text[start:end], Meaning.SECRET, Binding.BARE):
                yield start, end


def _lines_with(text: str, sign: str, *, least: int) -> Iterator[re.Match[str]]:
    for found in _LINE.finditer(text):
        if found.end() - found.start() <= LINE_LENGTH_MAX and text.count(sign, found.start(), found.end()) >= least:
            yield found


def _cells(text: str, start: int, end: int) -> list[tuple[int, int]]:
    cells: list[tuple[int, int]] = []
    while start < end and len(cells) < COLUMNS_MAX:
        found = _CELL.match(text, start, end)
        if found is None:
            break
        cells.append(found.span("value"))
        start = found.end()
    return cells


def _means(name: str) -> bool:
    """Whether a cell is the name of a secret."""
    return 0 < len(name) <= 40 and name.count(" ") < 3 and meaning(name) is Meaning.SECRET


def _separated(text: str) -> Iterator[tuple[int, int]]:
    """CSV: a line of names, then lines of as many values."""
    columns, secret = 0, set[int]()
    for line in _LINE.finditer(text):
        if line.end() - line.start() > LINE_LENGTH_MAX:
            columns = 0
            continue
        if columns:
            fields = [found.span("value") for found in _FIELD.finditer(text, line.start(), line.end())][:-1]
            if len(fields) == columns:
                yield from _chosen(text, fields, secret)
                continue
        columns = 0
        head = _HEAD.fullmatch(line.group())
        if head:
            names = re.split(r"[,;\t]", head[1])
            secret = {index for index, name in enumerate(names) if _means(name.strip('" '))}
            columns = len(names) if secret else 0


def _inserted(text: str) -> Iterator[tuple[int, int]]:
    """`INSERT INTO users (name, password) VALUES ('bob', '…')`."""
    for found in _INSERT.finditer(text):
        names = found["columns"].split(",")
        secret = {index for index, name in enumerate(names) if _means(name.strip("\"'`[] \t\n"))}
        cells = [cell.span("value") for cell in _SQL_CELL.finditer(text, *found.span("cells"))]
        yield from _chosen(text, cells, secret)


def _chosen(text: str, cells: list[tuple[int, int]], secret: set[int]) -> Iterator[tuple[int, int]]:
    for index, (start, end) in enumerate(cells):
        if index in secret and start >= 0 and is_secret(text[start:end], Meaning.SECRET, Binding.BARE):
            yield start, end
