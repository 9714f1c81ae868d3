"""Finds string literals of Python that are assigned to a secret's name, compared with it, keyed by it or passed as it.

It reads tokens instead of a tree, because a buffer is often incomplete while it is edited. It visits each token once.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from plum_lsp.feedback.sensitive.addresses import logins
from plum_lsp.feedback.sensitive.calls import (
    answers,
    argument_names,
    asks,
    encoded_login,
    is_head,
    is_parameter,
    pair_bindings,
)
from plum_lsp.feedback.sensitive.data import words
from plum_lsp.feedback.sensitive.formats import known_keys
from plum_lsp.feedback.sensitive.frames import Frame, Literal, Reading, blank, inside
from plum_lsp.feedback.sensitive.names import Meaning, is_neutral, meaning
from plum_lsp.feedback.sensitive.nearby import Statement
from plum_lsp.feedback.sensitive.tokens import ENDS, STATEMENT, TOKEN
from plum_lsp.feedback.sensitive.values import (
    LONG_NUMBER_MIN,
    Binding,
    Recurring,
    is_random,
    is_secret,
    is_secret_number,
)

LITERAL_LENGTH_MAX = 100_000
"""The most that is read of a literal. Without a closing quote, a literal continues to the end of the text."""
ELEMENTS_MAX = 16
"""The most elements of a list that are remembered."""
COMMENT_LENGTH_MAX = 24
"""The longest comment that can name the literals of its line."""
ANSWER_LINES = 3
"""The number of lines after a question for a password in which a typed text is the answer."""
DEPTH_MAX = 200
"""Brackets that are nested deeper than this are read as if they were side by side."""

_KEYWORDS = words("keywords")
_CLOSERS = {")": "(", "]": "[", "}": "{"}
_PLACEHOLDER = re.compile(r"\{(?:[^{}\n]|\{[^{}\n]*\})*\}")
_LOGIN_FLAGS = frozenset({"-u", "--user", "--proxy-user", "--auth"})
_LISTED = re.compile(r"\w+(?: *, *\w+)+ *")
_PLURALS = ("passwords", "secrets", "tokens", "credentials", "keys", "creds", "pwds")
_TEXT_METHODS = words("text_methods")
_VALUE_NAMES = words("value_names")
_LOOKUPS = words("lookups")


def read_code(text: str) -> Reading:
    """Read a text as Python."""
    reader = _Reader(text)
    reader.run()
    return reader.reading


class _Reader:
    def __init__(self, text: str) -> None:
        self.text = text
        self.reading = Reading()
        self.stack = [Frame()]
        self.functions: list[tuple[int, str]] = []
        self.subject = ""
        self.line: list[list[Literal]] = []
        self.asked = 0
        self.statement = Statement()
        self.recurring = Recurring(text)

    def run(self) -> None:
        """Process each token once."""
        position, text = 0, self.text
        while found := TOKEN.search(text, position):
            kind, word, position = found.lastgroup, found.group(), found.end()
            if kind == "string":
                position = self._string(word, found.end())
            elif kind == "name":
                self._name(word, found.start())
            elif kind == "op":
                self._operator(word)
            elif kind == "newline":
                self._newline(position)
            elif kind == "comment":
                self._comment(word, found.span())
            else:
                self._number(word, found.span())
        while len(self.stack) > 1:
            self._close()
        self._end_element(self.stack[0])
        self.reading.secrets.extend(self.statement.end())

    def _number(self, word: str, span: tuple[int, int]) -> None:
        frame = self.stack[-1]
        self._operand()
        for name, binding in self._labels(frame):
            said = name.rpartition("_")[2] if word.isdigit() and len(word) < LONG_NUMBER_MIN else name
            if binding is Binding.DIRECT and is_secret_number(word, meaning(said)):
                self.reading.secrets.append(span)
        frame.path = []
        frame.last = "operand"

    def _comment(self, word: str, span: tuple[int, int]) -> None:
        """A comment of a few words, such as `# the password`, names the literals of its line."""
        self.reading.quiet.append(span)
        said = word.strip("# \t.:!")
        if self.line and len(said) <= COMMENT_LENGTH_MAX and meaning(said) is Meaning.SECRET:
            for group in self.line:
                self._hide(group, ((said, Binding.LOOSE),))

    def _string(self, opening: str, start: int) -> int:
        quote = opening.lstrip("rRbBuUfFtT")
        found = ENDS[quote].match(self.text, start, start + LITERAL_LENGTH_MAX)
        end = found.end() if found else start
        after = end + len(quote) if self.text.startswith(quote, end) else end
        self.reading.quiet.append((start, end))
        prefix = opening[: -len(quote)].lower()
        value = self.text[start:end]
        literal = Literal(start, end, value, "f" in prefix or "t" in prefix)
        frame = self.stack[-1]
        if frame.last not in {"string", "+"} or not frame.group:
            self._operand()
            frame.group = []
        frame.group.append(literal)
        self.statement.literal(literal)
        frame.path = []
        frame.last = "string"
        return max(after, start)

    def _name(self, word: str, start: int) -> None:
        frame = self.stack[-1]
        self.statement.word(word, start)
        if word in {"def", "class"}:
            self._operand()
            frame.last = word
            return
        if word in _KEYWORDS:
            self._keyword(frame, word)
            return
        if frame.last == "def":
            line = self.text.rfind("\n", 0, start) + 1
            indent = len(self.text[line:start]) - len(self.text[line:start].lstrip())
            while self.functions and self.functions[-1][0] >= indent:
                self.functions.pop()
            self.functions.append((indent, word))
            frame.path, frame.last = [], "defined"
            return
        if frame.last == ".":
            frame.path.append(word)
        else:
            self._operand()
            frame.path = [word]
        frame.last = "operand"

    def _keyword(self, frame: Frame, word: str) -> None:
        self._operand()
        if word == "in" and frame.said:
            frame.compared, frame.targets = frame.said, tuple(name for name in (*frame.elements, frame.said) if name)
            if len(frame.targets) < 2:
                frame.targets = ()
        elif word == "return" and not frame.opener:
            frame.names = [self._function_at()] if self.functions else []
        elif word == "case" and not frame.opener:
            frame.names = [self.subject]
        elif word != "is" and word != "not":
            frame.compared = ""
            frame.left = []
        if word == "is" and frame.said:
            frame.compared = frame.said
        frame.is_match = frame.is_match or (word == "match" and not frame.last)
        frame.said, frame.path, frame.last = "" if word not in {"is", "not"} else frame.said, [], word

    def _function_at(self) -> str:
        return self.functions[-1][1].removesuffix("_of").removesuffix("_for")

    def _operand(self) -> None:
        """End the operand before this token: judge a literal, or remember a name."""
        frame = self.stack[-1]
        if frame.group:
            self._judge(frame, frame.group)
            frame.left = frame.group
            frame.said = (
                "".join(literal.value for literal in frame.group)[:100] if not frame.group[0].is_formatted else ""
            )
            frame.group = []
        elif frame.path:
            frame.said = ".".join(frame.path[-3:])
            if frame.left and frame.last == "operand" and frame.compared == "==":
                self._hide(frame.left, ((frame.said, Binding.DIRECT),))
                frame.left, frame.compared = [], ""
        frame.path = []

    def _operator(self, word: str) -> None:
        frame = self.stack[-1]
        if word == ".":
            if frame.last in {"string", ")"}:
                self._operand()
                frame.path = [frame.said] if frame.said and frame.last == ")" else []
            frame.last = "."
            return
        if word == "+" and frame.last in {"string", ")"} and frame.group:
            frame.last = "+"
            return
        if word in "([{":
            self._open(word)
            return
        if word in ")]}":
            self._close(word)
            return
        self._operand()
        if word == "=":
            self._assign(frame)
        elif word == ":":
            self._colon(frame)
        elif word == ":=":
            frame.names = [frame.said]
        elif word in {"==", "!="}:
            frame.compared = "==" if frame.left and frame.last in {"string", ")"} else frame.said
        elif word in {",", ";"}:
            self._end_element(frame, is_statement=word == ";")
        frame.last = word

    def _assign(self, frame: Frame) -> None:
        if not frame.opener and frame.elements and not frame.names:
            frame.targets = (*frame.elements, frame.said)
            frame.elements, frame.place = [], 0
        else:
            frame.names = [*frame.names[:3], *filter(None, (frame.annotated, frame.said))]
        frame.said, frame.left, frame.annotated = "", [], ""

    def _colon(self, frame: Frame) -> None:
        if frame.opener == "{":
            frame.names = [frame.said]
        elif frame.opener == "(" or (
            not frame.opener and frame.last == "operand" and frame.place == 0 and not frame.compared
        ):
            frame.annotated = frame.said
        if not frame.opener:
            frame.compared = ""
            self.subject = frame.said if frame.is_match else self.subject
        frame.said, frame.left = "", []

    def _open(self, word: str) -> None:
        frame = self.stack[-1]
        callee: tuple[str, ...] = ()
        if word in "([" and frame.last in {"operand", ")", "]", "defined"}:
            callee = tuple(frame.path[-3:]) or ((frame.said,) if frame.said else ("?",))
            frame.path = list(callee)
        else:
            self._operand()
        labels = self._labels(frame)
        if (word != "(" or callee) and "join" not in (*callee[-1:], *frame.callee[-1:]):
            labels = tuple(self._inherited(labels))
        if callee and callee[-1] in _TEXT_METHODS:
            labels = ((callee[-2], Binding.LOOSE),) if len(callee) > 1 and meaning(callee[-2]) is Meaning.TOKEN else ()
        elif callee and callee[-1] == "join":
            pass
        elif callee and not (word == "(" and meaning(callee[-1]) is Meaning.SECRET):
            labels = tuple((name, Binding.LOOSE) for name, _ in labels)
        elif callee:
            labels = (*labels, (callee[-1], Binding.LOOSE))
        targets = frame.targets if not callee or callee[-1] == "param" else ()
        if frame.place and not callee and frame.elements and _LISTED.fullmatch(frame.elements[0]):
            targets = tuple(name.strip() for name in frame.elements[0].split(","))  # the columns of a table
        if len(self.stack) < DEPTH_MAX:
            self.stack.append(Frame(opener=word, callee=callee, labels=labels, targets=targets))
        else:
            frame.last = word

    def _inherited(self, labels: tuple[tuple[str, Binding], ...]) -> Iterator[tuple[str, Binding]]:
        """The labels that a bracket passes on to its content.

        They are passed on with a looser binding.
        """
        for name, binding in labels:
            yield name, Binding.LOOSE if binding and meaning(name) is Meaning.SECRET else Binding.BARE

    def _close(self, word: str = "") -> None:
        frame = self.stack[-1]
        if word and (len(self.stack) == 1 or _CLOSERS[word] != frame.opener):
            self._operand()
            frame.last = ")"
            return
        self._end_element(frame)
        self.stack.pop()
        outer = self.stack[-1]
        if frame.callee:
            key = frame.elements[0] if frame.elements else ""
            outer.path = [*frame.callee, key] if key else list(frame.callee)
            outer.last = "operand"
        else:
            outer.path = []
            outer.said = frame.elements[-1] if len(frame.elements) == 1 else ""
            if not outer.place and (outer.callee[-1:] == ("parametrize",) or is_head(frame.elements)):
                outer.said = ",".join(frame.elements)
            outer.last = ")"
            if frame.opener == "(" and len(frame.elements) == 1 and frame.left:
                outer.group.extend(frame.left[:ELEMENTS_MAX])
                outer.last = "string"

    def _end_element(self, frame: Frame, *, is_statement: bool = False) -> None:
        self._operand()
        if is_statement:
            self.stack[-1] = Frame() if not frame.opener else frame
            return
        frame.elements.append(frame.said)
        if len(frame.elements) > ELEMENTS_MAX:
            del frame.elements[1:-4]  # the first element may name the value in the last
        frame.place += 1
        frame.said, frame.annotated, frame.compared = "", "", ""
        frame.left = frame.left if frame.opener == "(" else []
        if frame.opener or frame.targets:
            frame.names = [] if frame.opener else frame.names
        frame.last = ","

    def _newline(self, position: int) -> None:
        self.line = []
        self.asked = max(0, self.asked - 1)
        if len(self.stack) > 1:
            if not STATEMENT.match(self.text, position):
                return
            while len(self.stack) > 1:
                self._close()
        elif self.text.endswith("\\", 0, position - 1):
            return
        self._end_element(self.stack[0])
        self.stack[0] = Frame()
        self.reading.secrets.extend(self.statement.end())

    def _labels(self, frame: Frame) -> tuple[tuple[str, Binding], ...]:
        """The names that label a literal at this place."""
        labels = [(name, Binding.DIRECT) for name in frame.names if name]
        if frame.compared and frame.compared != "==":
            labels.append((frame.compared, Binding.DIRECT))
        if not frame.names or frame.opener == "(" or frame.names[-1] in _VALUE_NAMES:
            labels.extend(frame.labels)
        elif not is_neutral(frame.names[-1]):
            labels.extend((name, Binding.LOOSE) for name, _ in frame.labels if name.lower().endswith(_PLURALS))
        if len(frame.targets) > 1 and frame.place < len(frame.targets):
            labels.append((frame.targets[frame.place], Binding.DIRECT))
        if frame.opener in {"(", "["} and frame.elements and not frame.names:
            before, is_looked_up = frame.elements[-1], bool(frame.callee) and frame.callee[-1].lower() in _LOOKUPS
            is_direct = is_looked_up and len(frame.elements) == 1
            labels.append(
                ("password" if before in _LOGIN_FLAGS else before, Binding.DIRECT if is_direct else Binding.LOOSE)
            )
        if frame.callee and frame.opener == "(":
            labels.extend(argument_names(frame.callee, frame.place, is_named=bool(frame.names)))
        if frame.names and frame.names[-1] in _VALUE_NAMES:
            labels.extend((name, Binding.DIRECT) for name in frame.elements)
            labels.extend((name, Binding.DIRECT) for name, _ in frame.labels)
        if frame.place == 1:
            labels.extend(("password", binding) for binding in pair_bindings(name for name, _ in frame.labels))
        return tuple(labels)

    def _judge(self, frame: Frame, group: list[Literal]) -> None:
        self.line = [*self.line[-ELEMENTS_MAX:], group]
        labels = self._labels(frame)
        if asks(frame.callee, group[0].value):
            self.asked = ANSWER_LINES
        elif self.asked and answers(frame.callee):
            labels = (*labels, ("password", Binding.DIRECT))
        self._hide(group, labels)
        password = encoded_login(frame.callee, group[0].value)
        if password is not None and is_secret(password, Meaning.SECRET, Binding.LOOSE):
            self.reading.secrets.append((group[0].end - len(password), group[0].end))

    def _hide(self, group: list[Literal], labels: tuple[tuple[str, Binding], ...]) -> None:
        """Hide the literals of a group if their joined text is a secret under one of their names."""
        value = "".join(_PLACEHOLDER.sub("", one.value) if one.is_formatted else one.value for one in group)
        meanings = [(meaning(name), binding) for name, binding in labels]
        named = {binding for means, binding in meanings if is_secret(value, means, binding)}
        is_nameless = not any(means is Meaning.HASH for means, _ in meanings) and is_random(value)
        is_known = len(group) > 1 and (any(known_keys(value)) or is_parameter(group[-2].value, group[-1].value))
        if (
            is_known
            or Binding.DIRECT in named
            or ((named or is_nameless) and not self.recurring.is_made_of_words(value))
        ):
            self.reading.secrets.extend((one.start, one.end) for one in group if one.value)
        elif "://" in value and (len(group) > 1 or group[0].is_formatted):
            whole = "".join(_PLACEHOLDER.sub(blank, one.value) if one.is_formatted else one.value for one in group)
            self.reading.secrets.extend(inside(group, logins(whole)))
