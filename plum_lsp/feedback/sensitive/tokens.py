"""The tokens of Python as far as a reader of unfinished code needs them: strings, names, comments and signs."""

from __future__ import annotations

import re

TOKEN = re.compile(
    r"""
      (?P<string>[rRbBuUfFtT]{0,2}(?:'''|\"\"\"|'|"))
    | (?P<name>[^\W\d]\w*+)
    | (?P<number>\d[\w.]*+)
    | (?P<comment>\#[^\n]*+)
    | (?P<newline>\n)
    | (?P<op>:=|==|!=|<=|>=|->|\*\*|//|[^\s\w\\])
    """,
    re.VERBOSE,
)
ENDS = {
    "'": re.compile(r"(?:[^'\\\n]|\\.)*+", re.DOTALL),
    '"': re.compile(r'(?:[^"\\\n]|\\.)*+', re.DOTALL),
    "'''": re.compile(r"(?:[^'\\]|\\.|'(?!''))*+", re.DOTALL),
    '"""': re.compile(r'(?:[^"\\]|\\.|"(?!""))*+', re.DOTALL),
}
STATEMENT = re.compile(r"[ \t]*(?:async[ \t]+def|def|class|import|return|@\w|from[ \t]+\S+[ \t]+import)\b")
"""No line inside brackets starts like this. If one does, a bracket above it was not closed."""
