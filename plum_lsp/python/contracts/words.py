"""Reads promises about a function's result out of its docstring and name: "returns a sorted copy", "never negative".

It reads by pattern and prefers to miss a promise. A word counts only if it describes the result, not the arguments. A
sentence with a condition ("sorted by", "or -1 if", "unless") gives no promise. The module does not handle values.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass


class ContractKind(enum.Enum):
    """The kind of a promise. `contract` checks each kind."""

    TYPE = "of the annotated type"
    ASCENDING = "in ascending order"
    DESCENDING = "in descending order"
    PERMUTATION = "the items of the input, rearranged"
    SAME_LENGTH = "as long as the input"
    NOT_LONGER = "no longer than the input"
    NEVER_NEGATIVE = "never negative"
    UNIQUE = "without repetitions"
    SUBSET = "made of items of the input"
    MEMBER = "one of the items of the input"
    EXTREME = "the largest or smallest item of the input"
    IDEMPOTENT = "the same when applied twice"
    INVERSE = "undoes another function"
    UNCHANGED = "leaves its arguments as they are"
    RAISES = "raises on such input"
    EMPTY_GIVES = "this result for empty input"


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """A kind, the words it was read from, and its details.

    `subject` is the condition under which it holds ("empty", "negative", "zero"), followed by the parameter if one is
    named.
    """

    kind: ContractKind
    quote: str
    detail: str = ""
    subject: str = ""


_QUOTE_CHARACTERS = 120
_FLAGS = re.IGNORECASE | re.VERBOSE
"""Patterns span several lines. A space that must match is escaped with a backslash."""
_RETURN_FIELD = re.compile(
    r"(?:^|\n)[ \t]* (?: [:@]returns?\b[^:\n]{0,40}:? | (?:returns?|outputs?|yields?)[ ]?: ) [ \t]*\n?(?P<said>[^\n]+)",
    _FLAGS,
)
_CLAUSE = r"(?P<said>[^.;\n]*(?:\n[ \t]*\w[^.;\n:]*)?)"
_RETURN_VERB = re.compile(rf"\b(?:returns?|returned|yields?|outputs?|gives)\b(?!\ *:){_CLAUSE}", _FLAGS)
_TYPE_FIELD = re.compile(r":rtype:[ ]*(?P<type>[\w\[\], .|]+?)[ ]*$", re.MULTILINE)
_TYPED_RETURN = re.compile(
    r"""(?:^|\n)[ \t]*(?: :returns?\b[ ]?\w*[ ]?: | returns?[ ]?: )[ \t]*\n?[ \t]*(?:an?[ ])?
    (?P<type>bool(?:ean)?|int(?:eger)?|str(?:ing)?|float|list|dict|tuple)\b[ ]?(?=[,:;.\-–\n]|$)""",
    _FLAGS,
)
_TYPES = {"boolean": "bool", "int": "float", "integer": "float", "string": "str"}
"""Types in prose are loose: an "integer" may be a whole float, and None often stands for a missing result."""
_IMPERATIVE = re.compile(
    r"""^\W*(?:
        (?:this|the)\ (?:function|method)\  |
        (?:please\ )?(?:write|create|implement)\ an?\ (?:python\ )?(?:function|method|program)\ (?:to|that|which)\  |
        your\ task\ is\ to\
    )?(?:must\ |should\ )?(?P<said>\w[^.;\n]*(?:\n[ \t]*\w[^.;\n:]*)?)""",
    _FLAGS,
)
_PRECONDITION = re.compile(r"\b(?:pre-?conditions?|undefined (?:if|when|unless)|unpredictable)\b", re.IGNORECASE)
"""A promise under a stated precondition may fail on generated inputs, because these ignore the precondition."""
_HEDGE = re.compile(r"\b(?:if|when|unless|whether|else|otherwise|except|either|true|false|-1)\b", re.IGNORECASE)
_KEYED = re.compile(
    r"""\b(?: according | based | by\ (?!using|means|a\b|the\ \w+\ sort|ascending|descending|\w+\ sort) | respect
        | strange | key | lexi\w* | alphabet\w* | dict\w* | matrix | rows? | columns? | frequenc\w*
        | length | half | then | odd | even | but | indices | index | topolog\w* | k\b | wave | zig\w*
        | partial\w* | pancake | colou?rs? | flag | steps? | states? | each )\b""",
    _FLAGS,
)
"""Words beside "sort" which mean that a key, not the items' own order, decides."""
_NESTED = re.compile(r"\b(?:lists|sublists|tuples|pairs)\b", re.IGNORECASE)
_UP = re.compile(r"\b(?:ascending|increasing|non-?decreasing|smallest to largest|sorted order)\b", re.IGNORECASE)
_DOWN = re.compile(r"\b(?:descending|decreasing|non-?increasing|largest to smallest|reversed? order)\b", re.IGNORECASE)
_COLLECTION = r"(?:list|array|collection|sequence|numbers|elements|items|values|integers|ints|strings|words|copy|arr)"
_SORT_IT = re.compile(rf"^sorts?\b(?:\ \w+){{0,4}}\ {_COLLECTION}\b", _FLAGS)
_IS_SORTED = re.compile(
    rf"""\bsorted\b(?:\ \w+){{0,3}}\ {_COLLECTION}\b
    | {_COLLECTION}\b[^,]{{0,30}}\b(?:sorted|arranged|ordered)\b
    | {_COLLECTION}\b[^,]{{0,40}}\bin\ (?:the\ )?(?:order\ from\ )?(?:ascending|increasing|non-?decreasing|descending
        |decreasing|smallest\ to\ largest|largest\ to\ smallest|sorted)\b""",
    _FLAGS,
)
_COUNT = re.compile(
    r"""^(?:the\ )?(?:total\ |minimum\ |maximum\ |minimal\ |maximal\ )?
    (?:number|count|amount|length|size)s?\ (?:of|required|needed)\b""",
    _FLAGS,
)
_COUNT_IT = re.compile(
    r"""^(?:counts?\b | (?:finds?|computes?|calculates?|gets?|determines?|returns?)\ (?:out\ )?(?:the\ )?
    (?:total\ |minimum\ |maximum\ |minimal\ )?(?:number|count|length)\ of\b)""",
    _FLAGS,
)
_NOT_NEGATIVE = re.compile(
    r"""\b(?:never|not|cannot\ be|must\ not\ be)\ (?:be\ )?negative\b
    | ^(?:an?\ |the\ )?(?:non-?negative|positive)\ (?:int\w*|number|value|float)""",
    _FLAGS,
)
_ABSOLUTE = re.compile(
    r"""^(?:the\ )?(?:absolute\ (?:value|difference)
    | (?:euclidean\ |manhattan\ |hamming\ |edit\ |levenshtein\ )?distance)\b""",
    _FLAGS,
)
_UNIQUE = re.compile(
    r"""\b(?:without\ (?:any\ )?(?:duplicates?|repetitions?) | (?:no|free\ of)\ duplicates? | unique | distinct
    | duplicates?\ removed)\b""",
    _FLAGS,
)
_DEDUPE = re.compile(
    r"^(?:remov|eliminat|drop|delet)\w*\ (?:all\ )?(?:the\ )?duplicates?\b(?!\ (?:numbers|consecutive|words))", _FLAGS
)
_SAME_LENGTH = re.compile(
    r"\b(?:same\ (?:length|size|number\ of\ (?:elements|items|characters)) | as\ long\ as | of\ equal\ length)\b",
    _FLAGS,
)
_MAPPED = re.compile(
    rf"""^(?:a\ |the\ )?{_COLLECTION}(?:\ with)?(?:\ all|\ the)?\ (?:elements|items|values|numbers)\ (?:incremented
    |decremented|squared|doubled|multiplied|negated|rounded|increased|halved|cubed)\b""",
    _FLAGS,
)
_FILTERED = re.compile(
    r"""^(?:sorted\ |unique\ )*(?: filters?\b | (?:a\ )?subset\b | only\ (?:the\ )?\w+\ (?:that|which)
    | (?:a\ |the\ )?(?:list|subset|sublist|elements|items|values|numbers|words|strings)\ (?:of\ )?(?:all\ )?(?:the\ )?
      (?:(?:elements|items|values|numbers|words|strings|integers)\ )?
      (?:that|which|whose|from|common|in\ the\ (?:list|array))\b )""",
    _FLAGS,
)
_FOUND = rf"(?:of|in|from|among)\ (?:the\ |a\ |an\ )?(?:given\ |input\ )?{_COLLECTION}"
_EXTREME = re.compile(
    rf"""^(?:finds?\ |gets?\ |computes?\ |returns?\ )?(?:the\ )?
    (?P<which>largest|greatest|biggest|maximum|highest|max|smallest|minimum|lowest|min)
    \ (?:element|item|number|value|integer)\ {_FOUND}(?:\ of\ (?:numbers|integers|ints))?\ *$""",
    _FLAGS,
)
_LARGEST = frozenset({"largest", "greatest", "biggest", "maximum", "highest", "max"})
_MEMBER = re.compile(
    rf"""^(?:finds?\ |gets?\ |returns?\ )?(?:the\ )?(?:first|last|longest|shortest|most\ (?:common|frequent)|middle)
    \ (?:element|item|word|string|value|name)\ {_FOUND}\b""",
    _FLAGS,
)
_PERMUTED = re.compile(r"^(?:an?\ |the\ )?(?:permutation|(?:shuffled|reordered|rearranged|reversed)\ \w+)\b", _FLAGS)
_PERMUTE_IT = re.compile(
    r"^(?:shuffle|rearrange|reorder|reverse)s?\ the\ (?:given\ )?(?:list|array|items|elements|string)\b", _FLAGS
)
_IDEMPOTENT = re.compile(r"\bidempotent\b|\bapplying it twice\b", re.IGNORECASE)
_UNCHANGED = re.compile(
    r"""\b(?:do(?:es)?n['o]t|do(?:es)?\ not|must\ not|should\ not|without|never)
        \ (?:change|chang\w+|modif\w+|mutat\w+|alter\w*)\b[^.\n]{0,30}
        \b(?:input|argument|original|given|list|array|dict\w*|parameter)
    | \bleav\w+\ the\ (?:input|original|argument)\w*\ (?:list\ |array\ )?(?:unchanged|as\ it\ is|alone)
    | \breturns?\ an?\ (?:(?:new|sorted|modified|changed|shallow|deep)\ )?copy\b""",
    _FLAGS,
)
_LITERALS = (
    (r"None", "None"),
    (r"0(?:\.0)?(?![\w.])", "0"),
    (r"-1(?![\w.])", "-1"),
    (r"True", "True"),
    (r"False", "False"),
    (r"\[\]|an?\ empty\ (?:list|array)", "[]"),
    (r"\{\}|an?\ empty\ dict\w*", "{}"),
    (r"''|\"\"|an?\ empty\ string", "''"),
)
_LITERAL = "[`'\"]?(?P<literal>" + "|".join(f"(?:{pattern})" for pattern, _ in _LITERALS) + ")[`'\"]?"
_EMPTY = r"(?:the\ )?(?:given\ |input\ )?(?P<what>\w+)(?:\ \w+)?\ is\ empty"
_EMPTY_GIVES = (
    re.compile(rf"\b[Rr]eturns?\ {_LITERAL}\ (?:for|on|with)\ (?:an?\ |the\ )?empty\ (?P<what>\w+)\b", re.VERBOSE),
    re.compile(rf"\b[Rr]eturns?\ {_LITERAL}\ (?:if|when)\ {_EMPTY}\b", re.VERBOSE),
    re.compile(
        rf"""\b(?:[Ii]f|[Ww]hen|or)\ {_EMPTY},?\ (?:then\ )?
        (?:(?:the\ )?function\ (?:should\ |must\ )?|it\ (?:should\ )?|we\ )?returns?\ {_LITERAL}""",
        re.VERBOSE,
    ),
)
_RAISES = re.compile(
    r"""(?P<type>\b[A-Z]\w*(?:Error|Exception)\b)`?(?:\ ?:\ *|\ +)(?:is\ raised\ )?(?:if|when|for|on)
    \ (?P<condition>[^.;\n]{1,80})""",
    re.VERBOSE,
)
_NAMED = r"^(?:the\ |an?\ )?(?:given\ |input\ )?(?P<what>\w+)"
_CONDITIONS = (
    ("empty", rf"{_NAMED}(?:\ (?:list|array|string|text))?\ is\ empty$ | ^(?:an?\ )?empty\ \w+$"),
    ("negative", rf"{_NAMED}\ is\ (?:negative|less\ than\ (?:0|zero)|<\ ?0)$ | ^(?:an?\ )?negative\ \w+$"),
    ("zero", rf"{_NAMED}\ is\ (?:equal\ to\ )?(?:0|zero)$"),
)
TEXT_CHARACTERS_MAX = 4_000
"""Only this many characters of a docstring are read."""


def promises_in(text: str, name: str, parameters: Sequence[str]) -> list[Promise]:
    """The promises of a docstring (without its examples) and of the function's name, in the order found."""
    text = text[:TEXT_CHARACTERS_MAX]
    found = list(_types(text))
    if not _PRECONDITION.search(text):
        for clause, is_action in _clauses(text):
            found.extend(_of_clause(" ".join(clause.split()), is_action=is_action))
    found.extend(_conditions(" ".join(text.split()), parameters))
    for kind, pattern in ((ContractKind.UNCHANGED, _UNCHANGED), (ContractKind.IDEMPOTENT, _IDEMPOTENT)):
        said = pattern.search(text)
        if said is not None:
            found.append(_promise(kind, said.group()))
    found.extend(_of_name(name))
    return found


def _promise(kind: ContractKind, quote: str, detail: str = "", subject: str = "") -> Promise:
    return Promise(kind=kind, quote=" ".join(quote.split())[:_QUOTE_CHARACTERS], detail=detail, subject=subject)


def _types(text: str) -> Iterator[Promise]:
    """A type that a field of the docstring names."""
    for match in _TYPE_FIELD.finditer(text):
        yield _promise(ContractKind.TYPE, match.group(), detail=match.group("type"))
    for match in _TYPED_RETURN.finditer(text):
        stated = match.group("type").lower()
        yield _promise(ContractKind.TYPE, match.group(), detail=f"{_TYPES.get(stated, stated)} | None")


def _clauses(text: str) -> Iterator[tuple[str, bool]]:
    """The clauses about the result (False) and the action of the function (True), without conditional sentences."""
    opening = _IMPERATIVE.match(text.strip())
    if opening is not None and not re.match(r"returns?\b", opening.group("said"), re.IGNORECASE):
        yield opening.group("said"), True
    for pattern in (_RETURN_FIELD, _RETURN_VERB):
        for match in pattern.finditer(text):
            yield match.group("said").strip(), False


def _of_clause(clause: str, *, is_action: bool) -> Iterator[Promise]:
    """The promises of one clause."""
    if _HEDGE.search(clause):
        return
    yield from _of_order(clause, is_action=is_action)
    kinds: list[tuple[ContractKind, re.Pattern[str]]] = [
        (ContractKind.NEVER_NEGATIVE, _COUNT_IT if is_action else _COUNT),
        (ContractKind.NEVER_NEGATIVE, _ABSOLUTE),
        (ContractKind.PERMUTATION, _PERMUTE_IT if is_action else _PERMUTED),
        (ContractKind.MEMBER, _MEMBER),
    ]
    if is_action:
        kinds += [(ContractKind.UNIQUE, _DEDUPE), (ContractKind.SUBSET, _DEDUPE), (ContractKind.NOT_LONGER, _DEDUPE)]
    else:
        kinds += [
            (ContractKind.NEVER_NEGATIVE, _NOT_NEGATIVE),
            (ContractKind.UNIQUE, _UNIQUE),
            (ContractKind.SAME_LENGTH, _SAME_LENGTH),
            (ContractKind.SAME_LENGTH, _MAPPED),
            (ContractKind.SUBSET, _FILTERED),
        ]
    is_number = _COUNT.search(clause) is not None
    for kind, pattern in kinds:
        if pattern.search(clause) and (kind is ContractKind.NEVER_NEGATIVE or not is_number):
            yield _promise(kind, clause)
    extreme = _EXTREME.search(clause)
    if extreme is not None:
        which = "max" if extreme.group("which").lower() in _LARGEST else "min"
        yield _promise(ContractKind.EXTREME, clause, detail=which)


def _of_order(clause: str, *, is_action: bool) -> Iterator[Promise]:
    """Promises of order, unless a key decides it."""
    is_sort = is_action and _SORT_IT.search(clause) is not None and not _NESTED.search(clause)
    if not (is_sort or (not is_action and _IS_SORTED.search(clause))):
        return
    if is_sort and not _KEYED.search(clause):
        yield _promise(ContractKind.PERMUTATION, clause)
    if _KEYED.search(clause) or (_UP.search(clause) and _DOWN.search(clause)):
        return
    yield _promise(ContractKind.DESCENDING if _DOWN.search(clause) else ContractKind.ASCENDING, clause)


def _conditions(text: str, parameters: Sequence[str]) -> Iterator[Promise]:
    """The promises for empty, negative or zero arguments."""
    for pattern in _EMPTY_GIVES:
        for match in pattern.finditer(text):
            stated = match.group("literal")
            literal = next(literal for form, literal in _LITERALS if re.fullmatch(form, stated, re.VERBOSE))
            named = match.group("what") if match.group("what") in parameters else ""
            yield _promise(ContractKind.EMPTY_GIVES, match.group(), detail=literal, subject=f"empty {named}".strip())
    for match in _RAISES.finditer(text):
        said = re.split(r"\b(?:and|but|while)\b", match.group("condition"))
        for part in re.split(r"\bor\b|,", match.group("condition")) if len(said) == 1 else ():
            for subject, form in _CONDITIONS:
                condition = re.match(form, part.strip(), _FLAGS)
                if condition is None:
                    continue
                named = condition.group("what")
                where = f"{subject} {named}" if named in parameters else subject
                yield _promise(ContractKind.RAISES, match.group(), detail=match.group("type"), subject=where)


_NAMES: tuple[tuple[str, ContractKind, str], ...] = (
    (r"(?:is|has)_\w+", ContractKind.TYPE, "bool"),
    (r"(?:count|num|number_of)_\w+|\w+_count", ContractKind.NEVER_NEGATIVE, ""),
    (r"(?:\w+_)?dedupe?|remove_duplicates|uniq(?:ue)?", ContractKind.UNIQUE, ""),
    (r"filter_\w+", ContractKind.SUBSET, ""),
    (r"(?:\w+_)?sort|sort_(?:list|array|numbers|items)", ContractKind.PERMUTATION, ""),
    (
        r"(?:bubble|merge|quick|heap|shell|insertion|selection|bucket|radix|counting|tim|tree|gnome|comb|cocktail)_?sort",
        ContractKind.ASCENDING,
        "",
    ),
)
"""Promises of a name alone. Only names with a single meaning are listed."""


def _of_name(name: str) -> Iterator[Promise]:
    lowered = name.strip("_").lower()
    for pattern, kind, detail in _NAMES:
        if re.fullmatch(pattern, lowered):
            yield _promise(kind, name, detail=detail)
