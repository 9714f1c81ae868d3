"""What is read of a project beside the document itself. Values only."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class TestFile:
    """A file of tests. `path` is as a person would name it, relative to the project."""

    __test__ = False

    path: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """A top-level definition of a module, cut to what a caller has to know: header and docstring, of a class also its
    fields and the headers of its methods. `mentions` holds the names in it; `offset` is its place in the module.
    """

    name: str
    text: str
    offset: int
    mentions: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbour:
    """Another module of the project. `path` is as a person would name it, relative to the project.

    `imported` holds the names that the document imports from it; "*" stands for all of them.
    """

    path: str
    definitions: tuple[Definition, ...]
    imported: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbourhood:
    """What of a project is near a document: `path` is the document's own.

    Modules are in the order in which the document imports them, then those the editor has open, last edited first.
    """

    path: str = ""
    modules: tuple[Neighbour, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Excerpt:
    """A part of another file that the policy is shown."""

    path: str
    text: str
