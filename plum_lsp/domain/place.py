"""The kinds of place where somebody types. `python.reading.place` finds the kind, and `suggestion.plan` uses it."""

from __future__ import annotations

import enum


class Place(enum.Enum):
    """What the cursor stands in. It decides how much is asked of the policy and which evidence can come."""

    REST = "rest of a line"
    ARGUMENT = "call argument"
    LITERAL = "list, dict or tuple"
    IMPORT = "import"
    DECORATOR = "decorator"
    LINE = "line between lines"
    BLOCK = "line in a function"
    BODY = "function body"
    TEST = "test function"
    CLASS = "class body"
    MODULE = "module level"
    COMMENT = "comment"
    DOCSTRING = "docstring"

    @property
    def is_prose(self) -> bool:
        """Whether the place holds text for people, which cannot be run or checked."""
        return self in {Place.COMMENT, Place.DOCSTRING}
