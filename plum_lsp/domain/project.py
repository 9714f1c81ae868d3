"""What is read of a project beside the document itself. Values only."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class TestFile:
    """A file of tests. `path` is as a person would name it, relative to the project."""

    __test__ = False

    path: str
    text: str
