"""Guesses the types of an unannotated parameter from its name and from the docstring's words beside the name.

A guess may be wrong. Every candidate then raises, and the input is dropped. The module returns annotations as source,
likeliest first, so that one generator handles annotated and guessed parameters.
"""

from __future__ import annotations

import re

_ANY = (
    "int",
    "str",
    "list[int]",
    "list[str]",
    "list[list[int]]",
    "list[tuple[int, int]]",
    "dict[str, int]",
    "float",
    "list[list[str]]",
    "tuple[int, ...]",
    "tuple[tuple[int, int], ...]",
)
"""These types are tried after all guesses, because a name can mislead."""
TEXT_CHARACTERS_MAX = 20_000
"""Only this many characters of a docstring are read, once for each parameter."""
_MANY = r"(?:list|array|sequence|iterable|collection)s? of (?:the )?"
_PHRASES: tuple[tuple[str, str], ...] = (
    (r"(?:list|array|sequence)s? of (?:list|array|sequence|row)s?|matrix|2d (?:list|array)|grid", "list[list[int]]"),
    (_MANY + r"(?:str(?:ing)?|word|name)s?", "list[str]"),
    (r"date and time|date-?time|timestamp", "datetime"),
    (_MANY + r"(?:float|real)s?", "list[float]"),
    (_MANY + r"(?:tuple|pair)s?", "list[tuple[int, int]]"),
    (_MANY + r"dict\w*", "list[dict[str, int]]"),
    (r"dict(?:ionary)?|mapping|hash ?map", "dict[str, int]"),
    (r"(?:list|array|vector|sequence|iterable)", "list[int]"),
    (r"tuple", "tuple[int, ...]"),
    (r"set", "set[int]"),
    (r"str(?:ing)?|text|sentence|word|substring|character", "str"),
    (r"int(?:eger)?|natural number|whole number", "int"),
    (r"float|real number|decimal", "float"),
    (r"bool(?:ean)?|flag", "bool"),
    (r"number", "int"),
)
_NAMES: tuple[tuple[str, tuple[str, ...]], ...] = (
    (r"matrix|mat|grid|board|rows|intervals", ("list[list[int]]",)),
    (r"graph|adjacency", ("dict[str, list[str]]", "dict[int, list[int]]")),
    (r"strs|strings|words|names|lines|tokens|\w+_(?:words|strings|names|strs)", ("list[str]",)),
    (r"tuples|pairs|list_of_tuples|tuple_?list|points", ("list[tuple[int, int]]",)),
    (r"(?:test_)?tup(?:le)?\d*", ("tuple[int, ...]", "tuple[str, ...]", "tuple[tuple[int, int], ...]")),
    (r"date_?time|timestamp|moment|now|when|dt", ("datetime", "date")),
    (r"(?:\w*_)?(?:date|day|birthday|deadline)", ("date", "str", "datetime")),
    (r"(?:\w*_)?(?:dict|dictionary|mapping|dic|d)\d*", ("dict[str, int]",)),
    (
        r"(?:\w*_)?(?:lst|list|arr|array|nums|numbers|values|items|seq|sequence|data|l|xs|ys|a|b)\d*",
        ("list[int]", "int"),
    ),
    (r"(?:\w*_)?(?:set|s\d+)", ("set[int]", "str")),
    (
        r"(?:\w*_)?(?:str|string|text|word|sentence|s|char|c|ch|name|message|msg|prefix|suffix|pattern|line|date)\d*",
        ("str",),
    ),
    (
        r"(?:\w*_)?(?:n|m|k|i|j|num|number|count|index|idx|size|length|width|height|limit|start|end|step|year|p|q|r)\d*",
        ("int",),
    ),
    (r"x|y|z|radius|rate|price|weight|angle|threshold", ("int", "float")),
    (r"is_\w+|has_\w+|\w*flag|reverse|strict|verbose", ("bool",)),
    (r"func|function|fn|f|callback|predicate|key", ("Callable", "str", "int")),
)


def guessed_annotations(name: str, text: str) -> tuple[str, ...]:
    """The types that parameter `name` may take, given the docstring `text`. Never empty."""
    return tuple(dict.fromkeys([*likely_annotations(name, text), *_ANY]))


def likely_annotations(name: str, text: str) -> tuple[str, ...]:
    """The types that the name or the docstring suggests. Empty if neither suggests any."""
    return tuple(dict.fromkeys([*_said(name, text), *_named(name)] or _mentioned(text)))


def _said(name: str, text: str) -> list[str]:
    """The words beside the name: `name (list of str)`, `name: an integer`, `@name integer`, `a string name`."""
    quoted, text = re.escape(name), text[:TEXT_CHARACTERS_MAX]
    windows = [
        match.group(1) for match in re.finditer(rf"[@:`'\"]?\b{quoted}\b[`'\"]?((?:[ \t:,(=-]|\w)+.{{0,40}})", text)
    ]
    windows = [re.split(r"[.\n;]", window)[0] for window in windows]
    before = [match.group(1) for match in re.finditer(rf"\b((?:\w{{1,40}}[ ]){{1,4}})[`'\"]?{quoted}\b", text)]
    return [found for window in [*before, *windows] for found in _phrase(window)[:1]]


def _mentioned(text: str) -> list[str]:
    return _phrase(text[:200])


def _phrase(window: str) -> list[str]:
    lowered = window.lower()
    return [annotation for pattern, annotation in _PHRASES if re.search(rf"\b(?:{pattern})s?\b", lowered)]


def _named(name: str) -> list[str]:
    lowered = name.lower()
    return [kind for pattern, kinds in _NAMES if re.fullmatch(pattern, lowered) for kind in kinds]
