"""Reads the informal ways in which people write examples: `f(1) == 2`, `f(1) -> 2`, `f(1) should return 2`, and so on.

The reader first finds a call of the function, then its connection to a result, then the longest Python value after
that. Text that is not clearly a value is left out, because a wrong test rejects right code and a missing one only costs
evidence. Spellings of other languages (`true`, `false`, `null`) are read as Python's. Pure.
"""

from __future__ import annotations

import ast
import itertools
import re
from collections.abc import Iterator

from plum_lsp.domain.verification import Call, Equals, Expectation, Holds, Prints, Raises
from plum_lsp.python.reading.sources import (
    Surface,
    bound_names,
    expression_or_none,
    free_names,
    literal_or_none,
    module_or_none,
)
from plum_lsp.python.specification.conditions import is_call, is_called, split
from plum_lsp.python.specification.doctests import EXAMPLES_MAX, Example

VALUE_CHARACTERS_MAX = 1_000
"""The longest text that is tried as one value."""
NEAR_CHARACTERS = 120
"""A value followed by prose ends within this, unless a bracket shows where."""
CONNECTOR_CHARACTERS_MAX = 120
"""Characters between a call and its value, at most."""
CALLS_MAX = 100
"""The most mentions of the function that are read in one text. The reader must be fast."""
_TRIES_MAX = 20
"""Ends of a value that are tried, longest and shortest."""
_SUBJECT = r"(?:the\s+|its\s+)?(?:result|output|answer|return\s+value|returned\s+value|function|value|it)\s+"
_VERB = (
    r"(?:(?:should|must|will|would|shall)\s+(?:be|return|give|yield|equal|produce|evaluate\s+to|output)"
    r"|(?:returns?|gives|yields|produces|equals|outputs|is|evaluates\s+to|is\s+equal\s+to|results\s+in|becomes)(?![\w.]))"
    r"(?:\s+(?:equal\s+to|to))?:?"
)
_SYMBOL = r"(?:#+\s*(?:=+>|-+>|➞|→|⇒|returns?:?\s)|={1,3}>|-{1,2}>|➞|→|⇒|↦|⟶|===?|=(?!=)|:=)"
_CONNECTOR = re.compile(
    rf"\s*(?:(?P<symbol>{_SYMBOL})(?:\s*{_VERB}\s)?|,?\s*(?:{_SUBJECT})?(?P<verb>{_VERB})|(?P<weak>[#:;]))[ \t]*"
)
_RAISES = re.compile(
    rf"\s*(?:{_SYMBOL}|[#:,])?\s*(?:it\s+)?(?:(?:should|must|will|would)\s+)?(?:raises?|throws?|raised)\s*:?\s+(?:an?\s+|the\s+)?"
    r"[`'\"]?(?P<name>[A-Z][\w.]*)"
)
_BARE_ERROR = re.compile(rf"\s*{_SYMBOL}\s*(?P<name>(?:\w+\.)*[A-Z]\w*(?:Error|Exception|Interrupt|Iteration))\b")
_GOES_ON = re.compile(
    r"\s*(?:[-+*/%=<>&|^@]|\b(?:if|when|unless|or|and|for|to|than|more|times|else|in|of|is|not|while|where|plus|minus|modulo)\b)"
)
_YIELDS = re.compile(r"->\s*[\w.]*(?:Iterator|Iterable|Generator)\b|^(?:Yield|Generate|A generator|An iterator)", re.M)
"""Words for a function that yields its values one by one. Prose often shows them as a list."""
_FOREIGN = {"true": "True", "false": "False", "null": "None", "none": "None", "TRUE": "True", "FALSE": "False"}
_ASSERT = re.compile(r"^[ \t]*(?:>>>[ ]*)?assert[ \t(]", re.MULTILINE)


def informal_examples(text: str, surface: Surface) -> list[Example]:
    """Every clear statement of `text` about a call of the function, in order."""
    found: list[Example] = []
    end = 0
    for start, stop in _calls(text, surface):
        if start < end or len(found) >= EXAMPLES_MAX:
            continue
        example, end = _example_at(text, start, stop, surface)
        if example is not None:
            found.append(example)
        end = max(end, stop)
    return found


def _calls(text: str, surface: Surface) -> Iterator[tuple[int, int]]:
    """The places of calls of the function, with their receivers."""
    name = re.escape(surface.function.name)
    receiver = r"(?:[A-Za-z_]\w*(?:\([^()\n]*\))?\.)*" if surface.function.class_name is not None else ""
    mentions = re.finditer(rf"(?<![\w.`'\"])`*({receiver}{name}\s?\()", text)
    for match in itertools.islice(mentions, CALLS_MAX):
        stop = closing_bracket(text, match.end() - 1)
        if stop is not None:
            yield match.start(1), stop


def closing_bracket(text: str, opening: int) -> int | None:
    """The offset after the bracket that closes the one at `opening`. None if it stays open. Strings are skipped."""
    depth, place = 0, opening
    limit = min(len(text), opening + VALUE_CHARACTERS_MAX)
    while place < limit:
        character = text[place]
        if character in "\"'":
            place = _string_end(text, place, limit)
        elif character in "([{":
            depth += 1
        elif character in ")]}":
            depth -= 1
            if depth == 0:
                return place + 1
        place += 1
    return None


def _string_end(text: str, start: int, limit: int) -> int:
    """The offset of the quote that ends the string at `start`, or `start` itself if it is an apostrophe in prose."""
    place = start + 1
    while place < limit and text[place] != "\n":
        if text[place] == "\\":
            place += 1
        elif text[place] == text[start]:
            return place
        place += 1
    return start


def _example_at(text: str, start: int, stop: int, surface: Surface) -> tuple[Example | None, int]:
    """The example that begins with the call at [start, stop), and where it ends."""
    line_start = text.rfind("\n", 0, start) + 1
    lead = text[line_start:start]
    asserted = _asserted(text, line_start, start, surface)
    if asserted is not None:
        return asserted
    call = call_of(text[start:stop], surface)
    if call is None:
        return None, stop
    is_printed = lead.rstrip().endswith("print(") and text[stop : stop + 1] == ")"
    wrapped = re.search(r"(?:asyncio\.run|list|tuple|sorted|set|dict|sum|len|str|round|next)\(\s*\Z", lead)
    if is_printed:
        stop += 1
    elif wrapped and text[stop : stop + 1] == ")":
        stop += 1
        if not wrapped.group().startswith("asyncio"):
            call = Call(expression=f"{wrapped.group().strip()}{call.expression})", setup=call.setup)
    stop += len(text[stop : stop + 2]) - len(text[stop : stop + 2].lstrip("`"))
    expectation, end = _expectation_at(text, stop, surface, is_printed=is_printed)
    if expectation is None:
        return None, stop
    call = _read_out(call, expectation, surface)
    quote = " ".join(text[start:end].split())
    return Example(call=call, expectation=expectation, quote=quote), end


def _read_out(call: Call, expectation: Expectation, surface: Surface) -> Call:
    """The call with its result read out as a list or tuple, if the function yields and the text shows it so."""
    shown = expression_or_none(expectation.expected) if isinstance(expectation, Equals) else None
    whole = expression_or_none(call.expression)
    if not isinstance(shown, ast.List | ast.Tuple) or whole is None or not is_call(whole, surface):
        return call
    if not _YIELDS.search(f"{surface.function.signature}\n{surface.function.docstring.lstrip()[:40]}"):
        return call
    return Call(expression=f"{type(shown).__name__.lower()}({call.expression})", setup=call.setup)


def call_of(source: str, surface: Surface) -> Call | None:
    """A call as it can be made from outside, on an object for methods. None if it uses unbound names."""
    source = " ".join(source.split("\n")) if "\n" in source else source
    tree = expression_or_none(source)
    if not isinstance(tree, ast.Call):
        return None
    function = surface.function
    arguments = [*tree.args, *(keyword.value for keyword in tree.keywords)]
    if any(not free_names(argument) <= surface.names for argument in arguments):
        return None
    if any(isinstance(node, ast.Constant) and node.value is ... for part in arguments for node in ast.walk(part)):
        return None
    if function.class_name is None:
        return Call(expression=source)
    if isinstance(tree.func, ast.Name):
        receiver = surface.construct if surface.is_instance_method else function.class_name
        return Call(expression=f"{receiver}.{source}") if receiver is not None else None
    unbound = free_names(tree.func) - surface.names
    if not unbound:
        return Call(expression=source)
    name = unbound.pop()
    if unbound or (name not in surface.receivers and surface.construct is None):
        return None
    return Call(expression=source, setup=surface.receivers.get(name, f"{name} = {surface.construct}"))


def _asserted(text: str, line_start: int, start: int, surface: Surface) -> tuple[Example | None, int] | None:
    """The example in an `assert` line, judged on the values of its calls. None if it is not such a line.

    A condition that cannot be judged in this way makes no example. If it ran with the candidate, it could be forged.
    """
    if not _ASSERT.match(text, line_start):
        return None
    end = _line_end(text, start)
    line = text[line_start:end].strip().removeprefix(">>>").strip()
    tree = expression_or_none(f"[{line.removeprefix('assert').strip()}\n][0]")
    if not isinstance(tree, ast.Subscript) or not isinstance(tree.value, ast.List) or not tree.value.elts:
        return None
    condition = tree.value.elts[0]
    equal = _equality(condition, surface)
    if equal is not None:
        return Example(call=equal[0], expectation=equal[1], quote=line), end
    found = split(ast.unparse(condition), "", surface, reach=lambda piece: _reached(piece, surface))
    if found is None:
        return None, end
    setup = module_or_none(found.call.setup)
    known = surface.names | {"_"} | (bound_names(setup) if setup is not None else set())
    is_known = not isinstance(found.expectation, Holds) or literal_or_none(found.expectation.predicate, known)
    return (Example(call=found.call, expectation=found.expectation, quote=line) if is_known else None), end


def _equality(condition: ast.expr, surface: Surface) -> tuple[Call, Equals] | None:
    """The call of `f(1) == value` and what it equals."""
    if not isinstance(condition, ast.Compare) or len(condition.ops) != 1 or not isinstance(condition.left, ast.Call):
        return None
    call, expected = call_of(ast.unparse(condition.left), surface), ast.unparse(condition.comparators[0])
    is_equality = isinstance(condition.ops[0], ast.Eq | ast.Is) and is_call(condition.left, surface)
    is_value = literal_or_none(expected, surface.names) is not None
    if call is None or not is_equality or not is_value or is_called(condition.comparators[0], surface):
        return None
    return call, Equals(expected=expected)


def _reached(piece: str, surface: Surface) -> Call | None:
    """A part of a condition in a form that can be evaluated from outside. None if it uses unbound names."""
    tree = expression_or_none(piece)
    if tree is not None and is_call(tree, surface):
        return call_of(piece, surface)
    return Call(expression=piece) if literal_or_none(piece, surface.names) is not None else None


def _expectation_at(text: str, stop: int, surface: Surface, *, is_printed: bool) -> tuple[Expectation | None, int]:
    """The result that the text after a call states, and where that statement ends."""
    for pattern in (_RAISES, _BARE_ERROR):
        raising = pattern.match(text, stop, stop + CONNECTOR_CHARACTERS_MAX)
        if raising:
            name = raising.group("name").rstrip(".")
            is_exception = name in surface.names or name.endswith(("Error", "Exception"))
            return (Raises(type_name=name) if is_exception else None), raising.end()
    connector = _CONNECTOR.match(text, stop, stop + CONNECTOR_CHARACTERS_MAX)
    if connector is None or (connector.group("symbol") is None and text.count("\n", stop, connector.start("verb")) > 1):
        return None, stop
    is_weak = connector.group("weak") is not None
    if is_weak and "\n" in text[stop : connector.end()]:
        return None, stop
    is_verb = connector.group("verb") is not None
    value, end = value_at(text, connector.end(), surface, is_whole_line=is_weak, is_prose=is_verb)
    if value is None:
        if is_printed and not is_verb:
            end = _line_end(text, connector.end())
            return Prints(text=text[connector.end() : end].strip()), end
        return None, stop
    return (Prints(text=_printed(value)) if is_printed else Equals(expected=value)), end


def _printed(value: str) -> str:
    """The output of `print` for a value written as Python source. A quoted string shows without its quotes."""
    tree = expression_or_none(value)
    return tree.value if isinstance(tree, ast.Constant) and isinstance(tree.value, str) else value


def _line_end(text: str, start: int) -> int:
    end = text.find("\n", start)
    return len(text) if end < 0 else end


def value_at(
    text: str, start: int, surface: Surface, *, is_whole_line: bool = False, is_prose: bool = False
) -> tuple[str | None, int]:
    """The longest Python value at `start` and its end. None if there is none or the calculation continues after it.

    A value may span several lines while its brackets are open. After a verb, a word like `of` or `if` changes the
    meaning of the sentence. An operator does so in any place.
    """
    while text[start : start + 1] in {"`", " ", "\t"}:
        start += 1
    end = _value_end(text, start)
    piece = text[start:end]
    if is_whole_line:
        value = _as_value(piece.strip().rstrip("`"), surface)
        return value, end
    for stop in _ends(piece):
        value = _as_value(piece[:stop].rstrip(" `"), surface)
        if value is not None and is_prose and _is_bare_tuple(value):
            return None, start
        if value is not None:
            rest = piece[stop:].lstrip("`")
            ends_here = not _GOES_ON.match(rest) or (not is_prose and _repeats(rest, surface))
            return (value if ends_here else None), start + stop
    return None, start


def _value_end(text: str, start: int) -> int:
    """The end of the line, or of the line on which the brackets opened so far are closed."""
    end = _line_end(text, start)
    for opening in re.finditer(r"[(\[{]", text[start:end]):
        close = closing_bracket(text, start + opening.start())
        if close is not None and close > end:
            return _line_end(text, close)
    return min(end, start + VALUE_CHARACTERS_MAX)


def _repeats(rest: str, surface: Surface) -> bool:
    """Whether the rest is another example: `f(1) == 2 and f(2) == 3`."""
    return re.match(rf"\s*(?:and|or|,)?\s*[\w.]*{re.escape(surface.function.name)}\s?\(", rest) is not None


def _ends(piece: str) -> Iterator[int]:
    """Where a value may end in `piece`, longest first: with it, with its first bracket, or early on."""
    near = piece[:NEAR_CHARACTERS]
    places = {len(piece.rstrip())}
    if piece[:1] in {"(", "[", "{"}:
        places.add(closing_bracket(piece, 0) or 0)
    places.update(found.start() for found in re.finditer(r"[\s,.;:!?)#`]", near))
    places.update(found.end() for found in re.finditer(r"[\])}\"'\w]", near))
    ordered = sorted((place for place in places if place > 0), reverse=True)
    yield from ordered[:_TRIES_MAX]
    yield from ordered[_TRIES_MAX:][-_TRIES_MAX:]


def _is_bare_tuple(value: str) -> bool:
    """Whether a value is a tuple only because a sentence has commas."""
    return not value.startswith("(") and isinstance(expression_or_none(value), ast.Tuple)


def _as_value(source: str, surface: Surface) -> str | None:
    """`source` as Python source of a value, or None. A full stop after a whole number ends the sentence."""
    source = source.strip()
    source = _FOREIGN.get(source, source)
    if re.fullmatch(r"[-+]?\d+\.", source):
        source = source[:-1]
    tree = literal_or_none(source, surface.names | _FOREIGN.keys())
    if source.endswith(",") or tree is None or not _is_value(tree, surface):
        return None
    if free_names(tree) & _FOREIGN.keys():
        source = re.sub(r"\b(?:true|false|null|none)\b", lambda found: _FOREIGN[found.group()], source)
        tree = expression_or_none(source) or tree
    return ast.get_source_segment(source, tree) or ast.unparse(tree)


def _is_value(tree: ast.expr, surface: Surface) -> bool:
    """Whether an expression stands for a value: literals, arithmetic on them, calls of constructors.

    A bare name (except names like `list` and `None`) or a call of the function itself does not.
    """
    if isinstance(tree, ast.Constant):
        return tree.value is not ...
    if isinstance(tree, ast.List | ast.Tuple | ast.Set):
        return all(_is_value(item, surface) for item in tree.elts)
    if isinstance(tree, ast.Dict):
        return all(key is not None and _is_value(key, surface) for key in tree.keys) and all(
            _is_value(item, surface) for item in tree.values
        )
    if isinstance(tree, ast.UnaryOp):
        return _is_value(tree.operand, surface)
    if isinstance(tree, ast.BinOp):
        return _is_value(tree.left, surface) and _is_value(tree.right, surface)
    if isinstance(tree, ast.Call) and isinstance(tree.func, ast.Name | ast.Attribute):
        arguments = [*tree.args, *(keyword.value for keyword in tree.keywords)]
        called = tree.func.id if isinstance(tree.func, ast.Name) else tree.func.attr
        return called != surface.function.name and all(_is_value(argument, surface) for argument in arguments)
    if isinstance(tree, ast.Attribute):
        return isinstance(tree.value, ast.Name) and tree.value.id[:1].isupper()
    return isinstance(tree, ast.Name) and tree.id in _FOREIGN
